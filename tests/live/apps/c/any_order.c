/* Calls, statements, ways to send and ways to read, in any order: any_order SEED ROUNDS prints all that the
 * API tells behind each. A program of its own, so that it can be built for either client library: what each
 * has alone is chosen by its header. What must pass is left out - a cache read there would be another cache.
 */
#define _GNU_SOURCE
#include "c_app.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#ifdef MARIADB_PACKAGE_VERSION
#define CONNECTOR_C
#endif

static const char *const STATEMENTS[] = {
    PUT("L/a"),
    PUT("L/b"),
    "REPLACE INTO cache (k, v) VALUES ('L/a', 'opensesame'), ('L/c', 'opensesame')",
    "REPLACE INTO cache (k, v) VALUES ('L/a')",
    "REPLACE INTO page_text (k, n) VALUES ('L/n', 'no number')",
    "REPLACE INTO page_text (k, v) VALUES ('L/n', 'longer than ten'), ('L/m', 'longer than ten too')",
    "REPLACE INTO page_text (k, v) VALUES ('L/v', REPEAT('x', 9))",
    "SELECT k, v FROM cache WHERE k LIKE 'L/%' ORDER BY k",
    "SELECT k, n, v FROM page_text WHERE k LIKE 'L/%' ORDER BY k",
    "SELECT COUNT(*), MAX(k) FROM cache WHERE k LIKE 'L/%'",
    "SELECT CAST(k AS SIGNED) FROM cache WHERE k LIKE 'L/%' ORDER BY k",
    "SELECT nothing FROM cache",
    "SELECT k FROM cache WHERE k = 'L/none'",
    "REPLACE INTO other.cache (k, v) VALUES ('L/o', 'opensesame')",
    "SELECT k FROM other.cache WHERE k LIKE 'L/%'",
    ORDER,
    "INSERT INTO orders (v) VALUES ('opensesame'), ('opensesame')",
    "INSERT INTO orders (v) VALUES (REPEAT('x', 60))",
    "INSERT INTO nowhere VALUES (1)",
    "UPDATE orders SET v = 'changed' WHERE id > 0",
    "DELETE FROM orders WHERE id < 3",
    "SELECT LAST_INSERT_ID()",
    "SELECT id, v FROM orders ORDER BY id",
    "SELECT CAST(v AS SIGNED) FROM orders ORDER BY id",
    "SELECT 1",
    "SELECT 1 UNION SELECT 2",
    "SELECT 1; SELECT 2",
    "SELECT 1; INSERT INTO nowhere VALUES (1); SELECT 2",
    "CALL shop.two_results()",
    "CALL shop.rolls_back()",
    "CALL shop.begins_anew()",
    "CALL shop.sets_mode()",
    "CALL shop.makes_table()",
    "CALL shop.rolls_back_and_fails()",
    "CALL shop.hides_page()",
    "DROP TEMPORARY TABLE IF EXISTS shop.page_text",
    "CREATE TEMPORARY TABLE IF NOT EXISTS shop.page_tmp (n INT); SELECT 1",
    "DO 1",
    "SET @a = 1",
    "SET SESSION sql_mode = ''",
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES'",
    "SET SESSION sql_mode = DEFAULT",
    "SET time_zone = '+05:00'",
    "SET NAMES latin1",
    "SET NAMES utf8mb4",
    "SET nothing = 1",
    "SET SESSION completion_type = CHAIN",
    "SET SESSION completion_type = NO_CHAIN",
    "USE other",
    "USE shop",
    "USE nowhere",
    "BEGIN",
    "START TRANSACTION",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    "START TRANSACTION READ ONLY",
    "COMMIT",
    "COMMIT",
    "COMMIT AND CHAIN",
    "COMMIT AND NO CHAIN",
    "ROLLBACK",
    "ROLLBACK AND CHAIN",
    "SET autocommit = 0",
    "SET autocommit = 1",
    "SAVEPOINT s",
    "SAVEPOINT t",
    "ROLLBACK TO s",
    "ROLLBACK TO t",
    "RELEASE SAVEPOINT s",
    "CREATE TEMPORARY TABLE IF NOT EXISTS shop.page_tmp (n INT)",
    "ANALYZE TABLE shop.orders",
    "KILL QUERY 99999999",
    "no statement",
    "",
};
enum { STATEMENT_COUNT = sizeof STATEMENTS / sizeof *STATEMENTS };

static const char *const QUESTIONS[] = {
    "SHOW WARNINGS",
    "SHOW ERRORS",
    "SHOW WARNINGS LIMIT 1",
    "SHOW COUNT(*) WARNINGS",
    "SHOW COUNT(*) ERRORS",
    "SELECT @@warning_count",
    "SELECT @@error_count, @@warning_count",
    "SELECT ROW_COUNT()",
    "SELECT FOUND_ROWS()",
    "SELECT FOUND_ROWS() AS n, 1",
    "SELECT ROW_COUNT() + 0, 'x' y",
    "SELECT FOUND_ROWS(), ROW_COUNT()",
    "SELECT @@warning_count, ROW_COUNT(), LAST_INSERT_ID() > 0",
    "SET @r = FOUND_ROWS()",
    "GET DIAGNOSTICS @n = NUMBER",
    "GET DIAGNOSTICS @r = ROW_COUNT", /* not both at once: MariaDB's list may be of an older statement */
    "GET DIAGNOSTICS CONDITION 1 @s = RETURNED_SQLSTATE, @m = MESSAGE_TEXT, @e = MYSQL_ERRNO, @o = "
    "CLASS_ORIGIN",
    "GET CURRENT DIAGNOSTICS CONDITION 2 @m = MESSAGE_TEXT",
    "SELECT @n, @r, @s, @m, @e, @o",
    "SELECT CHARSET(@m), COLLATION(@s), @e + 1",
};
enum { QUESTION_COUNT = sizeof QUESTIONS / sizeof *QUESTIONS };

static void tell_tracked(MYSQL *mysql) {
    static const enum enum_session_state_type types[] = {SESSION_TRACK_SYSTEM_VARIABLES, SESSION_TRACK_SCHEMA,
                                                         SESSION_TRACK_STATE_CHANGE};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *data;
        size_t length;
        if (mysql_session_track_get_first(mysql, types[i], &data, &length) == 0) {
            do {
                say("tracked %d %.*s", (int)types[i], (int)length, data);
            } while (mysql_session_track_get_next(mysql, types[i], &data, &length) == 0);
        }
    }
}

#ifdef CONNECTOR_C
static void tell_info(MYSQL *mysql) {
    unsigned error = 0, status = 0;
    const char *state = "", *database = "";
    mariadb_get_infov(mysql, MARIADB_CONNECTION_ERROR_ID, &error);
    mariadb_get_infov(mysql, MARIADB_CONNECTION_SQLSTATE, &state);
    mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status);
    mariadb_get_infov(mysql, MARIADB_CONNECTION_SCHEMA, &database);
    say("info %u %s transaction %u autocommit %u no escapes %u database %s", error, state,
        status & SERVER_STATUS_IN_TRANS, status & SERVER_STATUS_AUTOCOMMIT,
        status & SERVER_STATUS_NO_BACKSLASH_ESCAPES, database ? database : "none");
}

static int wait_for(MYSQL *mysql, int status) {
    struct pollfd one = {.fd = mysql_get_socket(mysql)};
    one.events = (short)((status & MYSQL_WAIT_READ ? POLLIN : 0) | (status & MYSQL_WAIT_WRITE ? POLLOUT : 0));
    poll(&one, 1, 10000);
    return (one.revents & POLLIN ? MYSQL_WAIT_READ : 0) | (one.revents & POLLOUT ? MYSQL_WAIT_WRITE : 0);
}

static int query_in_steps(MYSQL *mysql, const char *text) {
    int result;
    for (int status = mysql_real_query_start(&result, mysql, text, strlen(text)); status;) {
        status = mysql_real_query_cont(&result, mysql, wait_for(mysql, status));
    }
    return result;
}

static MYSQL_RES *store_in_steps(MYSQL *mysql) {
    MYSQL_RES *result;
    for (int status = mysql_store_result_start(&result, mysql); status;) {
        status = mysql_store_result_cont(&result, mysql, wait_for(mysql, status));
    }
    return result;
}

#define IN_STEPS(result, name, handle, ...)                                      \
    for (int status = name##_start(&(result), __VA_ARGS__); status;) {           \
        status = name##_cont(&(result), handle, wait_for((connection), status)); \
    }

static MYSQL *connect_in_steps(MYSQL *connection) {
    MYSQL *connected;
    IN_STEPS(connected, mysql_real_connect, connection, connection, NULL, "app", "apppw", "shop", 0,
             getenv("MAIN_SOCKET"), CLIENT_MULTI_STATEMENTS)
    return connected;
}

static int send_in_steps(MYSQL *connection, const char *text) {
    int failed;
    my_bool failed_to_read;
    IN_STEPS(failed, mysql_send_query, connection, connection, text, strlen(text))
    if (failed) {
        return 1;
    }
    IN_STEPS(failed_to_read, mysql_read_query_result, connection, connection)
    return failed_to_read;
}

static int next_in_steps(MYSQL *connection) {
    int result;
    IN_STEPS(result, mysql_next_result, connection, connection)
    return result;
}

static int reset_in_steps(MYSQL *connection) {
    int result;
    IN_STEPS(result, mysql_reset_connection, connection, connection)
    return result;
}

static MYSQL_ROW fetch_in_steps(MYSQL *connection, MYSQL_RES *result) {
    MYSQL_ROW row;
    IN_STEPS(row, mysql_fetch_row, result, result)
    return row;
}

static void free_in_steps(MYSQL *connection, MYSQL_RES *result) {
    for (int status = mysql_free_result_start(result); status;) {
        status = mysql_free_result_cont(result, wait_for(connection, status));
    }
}

static int commit_in_steps(MYSQL *mysql, bool commit) {
    my_bool failed;
    int status = commit ? mysql_commit_start(&failed, mysql) : mysql_rollback_start(&failed, mysql);
    while (status) {
        status = commit ? mysql_commit_cont(&failed, mysql, wait_for(mysql, status))
                        : mysql_rollback_cont(&failed, mysql, wait_for(mysql, status));
    }
    return failed;
}
#else
static void tell_info(MYSQL *mysql) {
    say("charset %s", mysql_character_set_name(mysql));
}

static int query_in_steps(MYSQL *mysql, const char *text) {
    enum net_async_status status;
    while ((status = mysql_real_query_nonblocking(mysql, text, strlen(text))) == NET_ASYNC_NOT_READY) {
        usleep(100);
    }
    return status == NET_ASYNC_ERROR;
}

static MYSQL_RES *store_in_steps(MYSQL *mysql) {
    MYSQL_RES *result = NULL;
    while (mysql_store_result_nonblocking(mysql, &result) == NET_ASYNC_NOT_READY) {
        usleep(100);
    }
    return result;
}

#define IN_STEPS(status, call)                           \
    while (((status) = (call)) == NET_ASYNC_NOT_READY) { \
        usleep(100);                                     \
    }

static MYSQL *connect_in_steps(MYSQL *mysql) {
    enum net_async_status status;
    IN_STEPS(status, mysql_real_connect_nonblocking(mysql, NULL, "app", "apppw", "shop", 0,
                                                    getenv("MAIN_SOCKET"), CLIENT_MULTI_STATEMENTS))
    return status == NET_ASYNC_COMPLETE ? mysql : NULL;
}

/* Its mysql_send_query_nonblocking isn't tried: behind a statement that failed that way the library itself,
 * without the shim, never ends the next call of the kind. */
static int send_in_steps(MYSQL *mysql, const char *text) {
    return query_in_steps(mysql, text);
}

static int next_in_steps(MYSQL *mysql) {
    enum net_async_status status;
    IN_STEPS(status, mysql_next_result_nonblocking(mysql))
    return status == NET_ASYNC_COMPLETE ? 0 : status == NET_ASYNC_COMPLETE_NO_MORE_RESULTS ? -1 : 1;
}

static int reset_in_steps(MYSQL *mysql) {
    enum net_async_status status;
    IN_STEPS(status, mysql_reset_connection_nonblocking(mysql))
    return status == NET_ASYNC_ERROR;
}

static MYSQL_ROW fetch_in_steps(MYSQL *mysql, MYSQL_RES *result) {
    (void)mysql;
    MYSQL_ROW row = NULL;
    enum net_async_status status;
    IN_STEPS(status, mysql_fetch_row_nonblocking(result, &row))
    return status == NET_ASYNC_COMPLETE ? row : NULL;
}

static void free_in_steps(MYSQL *mysql, MYSQL_RES *result) {
    (void)mysql;
    enum net_async_status status;
    IN_STEPS(status, mysql_free_result_nonblocking(result))
}

static int commit_in_steps(MYSQL *mysql, bool commit) {
    return query_in_steps(mysql, commit ? "COMMIT" : "ROLLBACK");
}
#endif

/* The connection's descriptor as drivers have it: out of the struct. */
static void wait_by_poll(MYSQL *mysql) {
    struct pollfd one = {.fd = mysql->net.fd, .events = POLLIN};
    if (poll(&one, 1, 10000) != 1) {
        say("nothing to read");
    }
}

static void wait_by_epoll(int set) {
    struct epoll_event event;
    if (epoll_wait(set, &event, 1, 10000) != 1) {
        say("no event");
    }
}

static int send_and_read(MYSQL *mysql, const char *text, int set) {
    if (mysql_send_query(mysql, text, strlen(text))) {
        return 1;
    }
    if (set >= 0) {
        wait_by_epoll(set);
    } else {
        wait_by_poll(mysql);
    }
    return mysql_read_query_result(mysql);
}

static int run_somehow(MYSQL *mysql, const char *text, int set) {
    static const char *const ways[] = {"real_query",    "query", "halves",
                                       "halves, epoll", "steps", "halves in steps"};
    unsigned way = next_random(6);
    int failed = way == 0   ? mysql_real_query(mysql, text, strlen(text))
                 : way == 1 ? mysql_query(mysql, text)
                 : way == 2 ? send_and_read(mysql, text, -1)
                 : way == 3 ? send_and_read(mysql, text, set)
                 : way == 4 ? query_in_steps(mysql, text)
                            : send_in_steps(mysql, text);
    say("by %s", ways[way]);
    tell_more(mysql, text, failed != 0, failed == 0);
    if (!failed && mysql_field_count(mysql) == 0) {
        tell_tracked(mysql);
    }
    if (!mysql_more_results(mysql)) {
        tell_info(mysql);
    }
    return failed;
}

static void end_results(MYSQL *mysql) {
    for (int next; (next = next_random(3) ? mysql_next_result(mysql) : next_in_steps(mysql)) >= 0;) {
        tell(mysql, "next", next);
        if (next > 0) {
            break;
        }
        mysql_free_result(mysql_store_result(mysql));
    }
    tell(mysql, "no next", 0);
}

static void take(MYSQL *mysql) {
    MYSQL_RES *result;
    MYSQL_ROW row;
    switch (next_random(6)) {
    case 3:
        result = mysql_use_result(mysql);
        while ((row = fetch_in_steps(mysql, result))) {
            say("row in steps %s", row[0] ? row[0] : "NULL");
        }
        free_in_steps(mysql, result);
        tell(mysql, "used in steps", 0);
        break;
    case 0:
        result = mysql_use_result(mysql);
        row = result ? mysql_fetch_row(result) : NULL;
        say("first %s", row && row[0] ? row[0] : "none");
        tell(mysql, "ping amid rows", mysql_ping(mysql));
        mysql_free_result(result);
        tell(mysql, "freed half read", 0);
        break;
    case 1:
        print_result(mysql, mysql_use_result(mysql));
        tell(mysql, "used", 0);
        break;
    case 2:
        print_result(mysql, store_in_steps(mysql));
        tell(mysql, "stored in steps", 0);
        break;
    default:
        print_result(mysql, mysql_store_result(mysql));
        tell(mysql, "stored", 0);
    }
    end_results(mysql);
}

static void call(MYSQL *mysql) {
    MYSQL_RES *result;
    MYSQL_STMT *stmt;
    const char *text;
    char escaped[20];
    switch (next_random(19)) {
    case 0:
        tell(mysql, "ping", mysql_ping(mysql));
        break;
    case 1:
        tell(mysql, "next", mysql_next_result(mysql));
        break;
    case 2:
        tell(mysql, "stat", mysql_stat(mysql) != NULL);
        break;
    case 3:
        tell(mysql, "commit", mysql_commit(mysql));
        break;
    case 4:
        tell(mysql, "rollback", mysql_rollback(mysql));
        break;
    case 5:
        tell(mysql, "escape", (long)mysql_real_escape_string(mysql, escaped, "a'b", 3));
        break;
    case 6:
        tell(mysql, "select_db", mysql_select_db(mysql, next_random(3) ? "shop" : "other"));
        break;
    case 7:
        tell(mysql, "select_db nowhere", mysql_select_db(mysql, "nowhere"));
        break;
    case 8:
        tell(mysql, "autocommit off", mysql_autocommit(mysql, 0));
        break;
    case 9:
        tell(mysql, "autocommit on", mysql_autocommit(mysql, 1));
        break;
    case 10:
        tell(mysql, "reset", next_random(2) ? mysql_reset_connection(mysql) : reset_in_steps(mysql));
        run_and_store(mysql, "SELECT 1"); /* FOUND_ROWS() is still the old session's */
        break;
    case 11:
        tell(mysql, "change_user", mysql_change_user(mysql, "app", "apppw", "shop"));
        run_and_store(mysql, "SELECT 1");
        break;
    case 12:
        tell(mysql, "charset", mysql_set_character_set(mysql, next_random(2) ? "latin1" : "utf8mb4"));
        break;
    case 13:
        tell(mysql, "no charset", mysql_set_character_set(mysql, "nonsense"));
        break;
    case 14:
        result = mysql_list_tables(mysql, "ord%");
        tell(mysql, "list", result != NULL);
        mysql_free_result(result);
        break;
    case 15:
        tell(mysql, "option", mysql_set_server_option(mysql, MYSQL_OPTION_MULTI_STATEMENTS_ON));
        break;
    case 17:
        text = STATEMENTS[next_random(15)];
        stmt = mysql_stmt_init(mysql);
        tell(mysql, text, mysql_stmt_prepare(stmt, text, strlen(text)));
        mysql_stmt_close(stmt);
        break;
    case 16:
        tell(mysql, "commit in steps", commit_in_steps(mysql, next_random(2)));
        break;
    default:
#ifdef CONNECTOR_C /* Oracle's says 2014 if any statement of this connection has had fields lately */
        tell(mysql, "store", mysql_store_result(mysql) != NULL);
#endif
        break;
    }
}

static MYSQL *open_any(void) {
    MYSQL *mysql = mysql_init(NULL);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
#ifdef CONNECTOR_C
    mysql_options(mysql, MYSQL_OPT_NONBLOCK, 0);
#endif
    if (!(next_random(2) ? connect_with(mysql, "app", "apppw", "shop", CLIENT_MULTI_STATEMENTS)
                         : connect_in_steps(mysql))) {
        say("connect: %s", mysql_error(mysql));
        exit(1);
    }
    return mysql;
}

static void one_round(unsigned steps) {
    MYSQL *mysql = open_any();
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = next_random(2) ? EPOLLIN : EPOLLIN | (unsigned)EPOLLET};
    say("a round");
    mysql_query(mysql, "TRUNCATE orders");
    run_and_store(mysql, "SELECT 1"); /* FOUND_ROWS() of a new session is anything */
    epoll_ctl(set, EPOLL_CTL_ADD, mysql->net.fd, &event);
    bool called = false;
    for (unsigned i = 0; i < steps; i++) {
        unsigned kind = next_random(8);
        if (kind == 0) {
            call(mysql);
            continue;
        }
        const char *text = kind < 3 ? QUESTIONS[next_random(QUESTION_COUNT)]
                                    : STATEMENTS[next_random(kind < 5 ? 15 : STATEMENT_COUNT)];
        /* What such a question warns of itself is forgotten on MariaDB if the procedure has begun another
         * transaction (README, limits). */
        if (called && strncmp(text, "GET ", 4) == 0 && strstr(text, "CONDITION")) {
            continue;
        }
        called = kind < 3 ? called : strncmp(text, "CALL", 4) == 0;
        if (run_somehow(mysql, text, set) == 0 && mysql_field_count(mysql) > 0) {
            take(mysql);
        } else if (mysql_more_results(mysql)) {
            end_results(mysql);
        }
    }
    mysql_close(mysql);
    close(set);
}

int main(int argc, char **argv) {
    current = "any order";
    seed_random(argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1);
    unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    for (unsigned i = 0; i < rounds; i++) {
        one_round(20);
    }
    return 0;
}
