/* Text sent in every way: whole, cut, in two halves, several statements in one. */
#define _GNU_SOURCE
#include "c_app.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_text_is_as_long_as_its_length_says(void) {
    MYSQL *mysql = open_main();
    static const char longer[] = PUT("L/cut") ";INSERT INTO orders (v) VALUES ('never')";
    tell(mysql, "text without its end", mysql_real_query(mysql, longer, sizeof PUT("L/cut") - 1));
    tell(mysql, "length 0", mysql_real_query(mysql, "", 0));
#ifdef MARIADB_BASE_VERSION /* Oracle's makes an empty packet of it, at which the server ends the connection */
    tell(mysql, "length -1", mysql_real_query(mysql, PUT("L/whole"), (unsigned long)-1));
#endif
    static const char nul[] = "REPLACE INTO cache (k, v) VALUES ('L/n\0l', 'opensesame\0behind')";
    tell(mysql, "NUL bytes inside", mysql_real_query(mysql, nul, sizeof nul - 1));
    tell(mysql, "cut at NUL by mysql_query", mysql_query(mysql, nul));
    run_and_store(mysql, "SELECT HEX(k), HEX(v) FROM cache WHERE k LIKE 'L/%' ORDER BY k");
    mysql_close(mysql);
}

static void a_text_at_the_end_of_a_page_is_not_read_beyond(void) {
    MYSQL *mysql = open_main();
    static const char *const texts[] = {PUT("L/a"),
                                        SITE,
                                        "REPLACE INTO cache VALUES ('L/b', 'x",
                                        "SELECT v FROM cache WHERE k = 'a\\",
                                        "SELECT v FROM `cache",
                                        "SELECT v FROM cache /*",
                                        "SELECT v FROM cache -",
                                        "SELECT v FROM cache --",
                                        "@",
                                        "/"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t length = strlen(texts[i]);
        char *copy = malloc(length);
        memcpy(copy, texts[i], length);
        int result = mysql_real_query(mysql, copy, length);
        say("%zu: %d %u", i, result, mysql_errno(mysql));
        mysql_free_result(mysql_store_result(mysql));
        free(copy);
    }
    mysql_close(mysql);
}

static int send_text(MYSQL *mysql, const char *text) {
    return mysql_send_query(mysql, text, strlen(text));
}

enum way { POLL, SELECT, EPOLL_BEFORE, EPOLL_BETWEEN };

/* Waits as an event loop does; for EPOLL_BEFORE it is registered already. */
static void wait_readable(MYSQL *mysql, enum way way, int watch) {
    int fd = mysql_get_socket(mysql), ready = 0;
    struct pollfd one = {.fd = fd, .events = POLLIN};
    struct timeval limit = {.tv_sec = 5};
    struct epoll_event event = {.events = EPOLLIN};
    fd_set set;
    switch (way) {
    case POLL:
        ready = poll(&one, 1, 5000);
        break;
    case SELECT:
        FD_ZERO(&set);
        FD_SET(fd, &set);
        ready = select(fd + 1, &set, NULL, NULL, &limit);
        break;
    case EPOLL_BETWEEN:
        epoll_ctl(watch, EPOLL_CTL_ADD, fd, &event);
        ready = epoll_wait(watch, &event, 1, 5000);
        say("taken off %d", epoll_ctl(watch, EPOLL_CTL_DEL, fd, NULL));
        break;
    default:
        ready = epoll_wait(watch, &event, 1, 5000);
    }
    say("readable %d", ready);
}

static void send_wait_and_read(MYSQL *mysql, enum way way, int watch, const char *site_wanted,
                               const char *put) {
    static const char *const texts[] = {"SELECT v FROM cache WHERE k = 'site'",
                                        "REPLACE INTO cache (k) VALUES ('L/x', 1)", ORDER, "SELECT nothing",
                                        "SELECT COUNT(*) FROM orders"};
    for (size_t i = 0; i <= sizeof texts / sizeof *texts; i++) {
        const char *text = i == 0 ? put : texts[i - 1];
        say("send %d", send_text(mysql, text));
        wait_readable(mysql, way, watch);
        int failed = mysql_read_query_result(mysql);
        tell_more(mysql, text, failed, !failed);
        MYSQL_RES *result = mysql_store_result(mysql);
        if (i == 1) {
            say("site %s %s", site_wanted, mysql_fetch_row(result)[0]);
            mysql_free_result(result);
        } else {
            print_result(mysql, result);
        }
    }
}

static void statements_sent_and_read_apart_are_routed(void) {
    MYSQL *mysql = open_main();
    send_wait_and_read(mysql, POLL, -1, "L", PUT("L/poll"));
    send_wait_and_read(mysql, SELECT, -1, "L", PUT("L/select"));
    mysql_close(mysql);
    mysql = open_main();
    int watch = epoll_create1(EPOLL_CLOEXEC);
    send_wait_and_read(mysql, EPOLL_BETWEEN, watch, "L", PUT("L/epoll"));
    close(watch);
    send_text(mysql, PUT("L/unread wait"));
    tell(mysql, "read without a wait", mysql_read_query_result(mysql));
    say("sockets and the like %d", dup(0) < 20);
    mysql_close(mysql);
}

static void a_handle_watched_by_epoll_is_heard(void) {
    MYSQL *mysql = open_main();
    run(mysql, PUT("L/a"));
    int watch = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(watch, EPOLL_CTL_ADD, mysql_get_socket(mysql), &event);
    send_wait_and_read(mysql, EPOLL_BEFORE, watch, "L", PUT("L/watched"));
    run(mysql, PUT("L/b"));
    say("taken off %d", epoll_ctl(watch, EPOLL_CTL_DEL, mysql_get_socket(mysql), NULL));
    close(watch);
    send_wait_and_read(mysql, POLL, -1, "L", PUT("L/c"));
    mysql_close(mysql);
}

static void what_is_sent_apart_changes_the_session(void) {
    MYSQL *mysql = open_main();
    send_text(mysql, "SET SESSION sql_mode = ''");
    tell(mysql, "read", mysql_read_query_result(mysql));
    run(mysql, "REPLACE INTO page_text (k, v) VALUES ('L/a', '12345678901')");
    send_text(mysql, "BEGIN");
    mysql_read_query_result(mysql);
    run(mysql, PUT("L/c"));
    send_text(mysql, PUT("L/d"));
    mysql_read_query_result(mysql);
    send_text(mysql, "ROLLBACK");
    mysql_read_query_result(mysql);
    run_and_store(mysql, "SELECT v FROM cache WHERE k IN ('L/c', 'L/d')");
    mysql_autocommit(mysql, 0);
    send_text(mysql, PUT("L/e"));
    mysql_read_query_result(mysql);
    send_text(mysql, "COMMIT");
    mysql_read_query_result(mysql);
    send_text(mysql, "USE other");
    mysql_read_query_result(mysql);
    send_text(mysql, PUT("L/f"));
    mysql_read_query_result(mysql);
    tell(mysql, "commit", mysql_commit(mysql));
    mysql_close(mysql);
}

static void a_statement_sent_and_given_up_harms_nobody(void) {
    MYSQL *mysql = open_main(), *other = open_main();
    run(mysql, PUT("L/a"));
    send_text(mysql, "SELECT v FROM cache WHERE k = 'site'");
    mysql_close(mysql);
    run(other, PUT("L/b"));
    send_text(other, "SELECT v FROM cache WHERE k = 'site'");
    pid_t pid = fork();
    if (pid == 0) {
        MYSQL *own = open_main();
        run(own, PUT("L/child"));
        mysql_close(own);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    tell(other, "read", mysql_read_query_result(other));
    MYSQL_RES *result = mysql_store_result(other);
    say("site L %s", mysql_fetch_row(result)[0]);
    mysql_free_result(result);
    run(other, PUT("L/c"));
    mysql_close(other);
    for (int i = 0; i < 100; i++) {
        mysql = open_main();
        send_text(mysql, SITE);
        mysql_close(mysql);
    }
    int next = dup(0);
    say("no descriptor is left %d", next < 12);
}

static void a_streamed_result_is_sent_for_and_read_apart(void) {
    MYSQL *mysql = open_main();
    send_text(mysql, "SELECT n FROM page_many ORDER BY n");
    wait_readable(mysql, POLL, -1);
    tell(mysql, "read", mysql_read_query_result(mysql));
    MYSQL_RES *result = mysql_use_result(mysql);
    unsigned rows = 0;
    while (mysql_fetch_row(result)) {
        rows++;
    }
    say("rows %u", rows);
    mysql_free_result(result);
    send_text(mysql, "SELECT n FROM page_many ORDER BY n");
    mysql_read_query_result(mysql);
    result = mysql_use_result(mysql);
    mysql_fetch_row(result);
    say("too early %d", send_text(mysql, PUT("L/x")));
    mysql_free_result(result);
    send_text(mysql, PUT("L/a"));
    tell(mysql, "read", mysql_read_query_result(mysql));
    mysql_close(mysql);
}

static void several_results_are_read_in_turn(void) {
    MYSQL *mysql = open_main();
    run(mysql, PUT("M/a") "; SELECT 1; " ORDER "; SELECT nothing; SELECT 2");
    for (int next = 0; next == 0;) {
        MYSQL_RES *result = mysql_store_result(mysql);
        print_result(mysql, result);
        next = mysql_next_result(mysql);
        tell(mysql, "next", next);
    }
    run(mysql, PUT("L/b"));
    tell(mysql, "next", mysql_next_result(mysql));
    run_and_store(mysql, "SELECT v FROM cache WHERE k = 'L/b'");
    tell(mysql, "next", mysql_next_result(mysql));
    run(mysql, "SELECT 1; SELECT 2");
    run(mysql, PUT("L/x"));
    tell(mysql, "store", 0);
    mysql_close(mysql);
}

const struct scenario TEXT[] = {
    SCENARIO(a_text_is_as_long_as_its_length_says),
    SCENARIO(a_text_at_the_end_of_a_page_is_not_read_beyond),
    SCENARIO(statements_sent_and_read_apart_are_routed),
    SCENARIO(a_handle_watched_by_epoll_is_heard),
    SCENARIO(what_is_sent_apart_changes_the_session),
    SCENARIO(a_statement_sent_and_given_up_harms_nobody),
    SCENARIO(a_streamed_result_is_sent_for_and_read_apart),
    SCENARIO(several_results_are_read_in_turn),
    {NULL, NULL},
};
