/* The non-blocking calls: MariaDB's by steps, Oracle's asked for until they are done. */
#define _GNU_SOURCE
#include "c_app.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef MARIADB_BASE_VERSION
static int wait_for(MYSQL *mysql, int status) {
    struct pollfd one = {.fd = mysql_get_socket(mysql)};
    one.events = (short)((status & MYSQL_WAIT_READ ? POLLIN : 0) | (status & MYSQL_WAIT_WRITE ? POLLOUT : 0));
    int ready =
        poll(&one, 1, status & MYSQL_WAIT_TIMEOUT ? 1000 * (int)mysql_get_timeout_value(mysql) : 10000);
    if (ready <= 0) {
        return MYSQL_WAIT_TIMEOUT;
    }
    return (one.revents & POLLIN ? MYSQL_WAIT_READ : 0) | (one.revents & POLLOUT ? MYSQL_WAIT_WRITE : 0);
}

static int query_without_blocking(MYSQL *mysql, const char *text) {
    int result;
    int status = mysql_real_query_start(&result, mysql, text, strlen(text));
    while (status) {
        status = mysql_real_query_cont(&result, mysql, wait_for(mysql, status));
    }
    return result;
}

static MYSQL *open_non_blocking(void) {
    MYSQL *mysql = mysql_init(NULL), *connected;
    mysql_options(mysql, MYSQL_OPT_NONBLOCK, 0);
    int status = mysql_real_connect_start(&connected, mysql, NULL, "app", "apppw", "shop", 0,
                                          getenv("MAIN_SOCKET"), CLIENT_MULTI_STATEMENTS);
    while (status) {
        status = mysql_real_connect_cont(&connected, mysql, wait_for(mysql, status));
    }
    say("connected %d", connected != NULL);
    return mysql;
}

static void non_blocking_calls_give_the_same_results(void) {
    MYSQL *mysql = open_non_blocking();
    static const char *const texts[] = {"SELECT 1",  ORDER,     "SELECT nothing", "SET SESSION sql_mode = ''",
                                        "USE other", "USE shop"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tell(mysql, texts[i], query_without_blocking(mysql, texts[i]));
        MYSQL_RES *result;
        int status = mysql_store_result_start(&result, mysql);
        while (status) {
            status = mysql_store_result_cont(&result, mysql, wait_for(mysql, status));
        }
        print_result(mysql, result);
    }
    tell(mysql, "long", query_without_blocking(mysql, "SELECT SLEEP(0.1)"));
    mysql_free_result(mysql_store_result(mysql));
    tell(mysql, "select_cache", query_without_blocking(mysql, "SELECT COUNT(*) FROM page_many WHERE n < 5"));
    MYSQL_RES *result = mysql_use_result(mysql);
    MYSQL_ROW row;
    int status = mysql_fetch_row_start(&row, result);
    while (status) {
        status = mysql_fetch_row_cont(&row, result, wait_for(mysql, status));
    }
    say("row %s", row ? row[0] : "none");
    status = mysql_free_result_start(result);
    while (status) {
        status = mysql_free_result_cont(result, wait_for(mysql, status));
    }
    run(mysql, "REPLACE INTO page_text (k, v) VALUES ('L/a', '12345678901')");
    int pinged;
    status = mysql_ping_start(&pinged, mysql);
    while (status) {
        status = mysql_ping_cont(&pinged, mysql, wait_for(mysql, status));
    }
    tell(mysql, "ping", pinged);
    my_bool failed;
    status = mysql_autocommit_start(&failed, mysql, 0);
    while (status) {
        status = mysql_autocommit_cont(&failed, mysql, wait_for(mysql, status));
    }
    tell(mysql, "autocommit", failed);
    run(mysql, PUT("L/lost"));
    status = mysql_rollback_start(&failed, mysql);
    while (status) {
        status = mysql_rollback_cont(&failed, mysql, wait_for(mysql, status));
    }
    tell(mysql, "rollback", failed);
    run(mysql, PUT("L/b"));
    status = mysql_commit_start(&failed, mysql);
    while (status) {
        status = mysql_commit_cont(&failed, mysql, wait_for(mysql, status));
    }
    tell(mysql, "commit", failed);
    run_and_store(mysql, "SELECT k FROM cache WHERE k IN ('L/lost', 'L/b')");
    status = mysql_close_start(mysql);
    while (status) {
        status = mysql_close_cont(mysql, wait_for(mysql, status));
    }
}

/* While one handle waits in a call, another one of the same thread goes on. */
static void a_waiting_handle_does_not_stop_the_other(void) {
    MYSQL *waiting = open_non_blocking(), *other = open_main();
    int result;
    int status = mysql_real_query_start(&result, waiting, "SELECT SLEEP(0.3)", 17);
    say("waits %d", status != 0);
    run(other, PUT("L/a"));
    site(other, "L", NULL);
    while (status) {
        status = mysql_real_query_cont(&result, waiting, wait_for(waiting, status));
    }
    mysql_free_result(mysql_store_result(waiting));
    run(waiting, PUT("L/b"));
    site(waiting, "L", NULL);
    mysql_close(waiting);
    mysql_close(other);
}

#else
static void wait_a_little(MYSQL *mysql) {
    struct pollfd one = {.fd = mysql->net.fd, .events = POLLIN};
    poll(&one, 1, 10);
}

static enum net_async_status ask_for_query(MYSQL *mysql, const char *text) {
    enum net_async_status status;
    while ((status = mysql_real_query_nonblocking(mysql, text, strlen(text))) == NET_ASYNC_NOT_READY) {
        wait_a_little(mysql);
    }
    return status;
}

static void ask_for_rows(MYSQL *mysql) {
    MYSQL_RES *result = NULL;
    enum net_async_status status;
    while ((status = mysql_store_result_nonblocking(mysql, &result)) == NET_ASYNC_NOT_READY) {
        wait_a_little(mysql);
    }
    say("stored %d", status);
    print_result(mysql, result);
}

static MYSQL *ask_for_connection(void) {
    MYSQL *mysql = mysql_init(NULL);
    enum net_async_status status;
    while ((status = mysql_real_connect_nonblocking(mysql, NULL, "app", "apppw", "shop", 0,
                                                    getenv("MAIN_SOCKET"), CLIENT_MULTI_STATEMENTS)) ==
           NET_ASYNC_NOT_READY) {
        usleep(1000);
    }
    say("connected %d", status);
    return mysql;
}

static void calls_asked_for_give_the_same_results(void) {
    MYSQL *mysql = ask_for_connection();
    static const char *const texts[] = {PUT("L/a"),
                                        "SELECT v FROM cache WHERE k = 'L/a'",
                                        ORDER,
                                        "SELECT nothing",
                                        "SET SESSION sql_mode = ''",
                                        "USE other",
                                        PUT("L/b"),
                                        "USE shop",
                                        "SELECT 1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        enum net_async_status status = ask_for_query(mysql, texts[i]);
        tell(mysql, texts[i], status);
        if (status == NET_ASYNC_COMPLETE) {
            ask_for_rows(mysql);
        }
    }
    run(mysql, "REPLACE INTO page_text (k, v) VALUES ('L/c', '12345678901')");
    site(mysql, "L", NULL);
    enum net_async_status status;
    while ((status = mysql_reset_connection_nonblocking(mysql)) == NET_ASYNC_NOT_READY) {
        wait_a_little(mysql);
    }
    say("reset %d", status);
    run(mysql, "REPLACE INTO page_text (k, v) VALUES ('L/d', '12345678901')");
    site(mysql, "L", NULL);
    mysql_close(mysql);
}

/* While one handle's statement isn't done, another one of the same thread goes on. */
static void a_query_asked_for_does_not_stop_the_other(void) {
    MYSQL *waiting = ask_for_connection(), *other = open_main();
    static const char slow[] = "SELECT SLEEP(0.3)";
    say("waits %d", mysql_real_query_nonblocking(waiting, slow, sizeof slow - 1) == NET_ASYNC_NOT_READY);
    run(other, PUT("L/a"));
    site(other, "L", NULL);
    say("done %d", ask_for_query(waiting, slow));
    ask_for_rows(waiting);
    run(waiting, PUT("L/b"));
    site(waiting, "L", NULL);
    mysql_close(waiting);
    mysql_close(other);
}
#endif

const struct scenario NON_BLOCKING[] = {
#ifdef MARIADB_BASE_VERSION
    SCENARIO(non_blocking_calls_give_the_same_results),
    SCENARIO(a_waiting_handle_does_not_stop_the_other),
#else
    SCENARIO(calls_asked_for_give_the_same_results),
    SCENARIO(a_query_asked_for_does_not_stop_the_other),
#endif
    {NULL, NULL},
};
