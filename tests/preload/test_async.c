/* The non-blocking calls: MariaDB's _start and _cont, Oracle's _nonblocking. A routed statement ends at once;
 * what goes to main is followed to its end, and nothing of the shim's runs on a coroutine's small stack. */
#define _GNU_SOURCE
#include "claims.h"

#define UNQUALIFIED "REPLACE INTO cache VALUES (1, 2)"
enum { OUT_OF_SYNC = 2014 };

static int finish_query(int status, int *result, MYSQL *mysql) {
    while (status) {
        status = mysql_real_query_cont(result, mysql, status);
    }
    return *result;
}

static void a_routed_statement_ends_at_once(void) {
    fake_stops = 3;
    MYSQL *mysql = connect_main();
    int result = -1;
    int status = mysql_real_query_start(&result, mysql, REPLACE_CACHE, strlen(REPLACE_CACHE));
    if (is_preloaded()) {
        NUMBER(status, 0);
    }
    NUMBER(finish_query(status, &result, mysql), 0);
    NUMBER(mysql_affected_rows(mysql), 1);
    status = mysql_query_start(&result, mysql, SELECT_CACHE);
    while (status) {
        status = mysql_query_cont(&result, mysql, status);
    }
    NUMBER(result, 0);
    MYSQL_RES *rows = NULL;
    status = mysql_store_result_start(&rows, mysql);
    while (status) {
        status = mysql_store_result_cont(&rows, mysql, status);
    }
    TRUE_THAT(rows);
    MYSQL_ROW row = NULL;
    NUMBER(mysql_fetch_row_start(&row, rows), 0);
    FROM_LOCAL(row ? row[0] : "", "1");
    NUMBER(mysql_free_result_start(rows), 0);
    NUMBER(fake_journal_count(0, FAKE_LOCAL, "/on_small_stack"), 0);
    status = mysql_next_result_start(&result, mysql);
    while (status) {
        status = mysql_next_result_cont(&result, mysql, status);
    }
    NUMBER(result, -1);
}

static void a_statement_for_main_is_followed_to_its_end(void) {
    fake_stops = 2;
    MYSQL *mysql = connect_main();
    SQL(mysql, UNQUALIFIED);
    int result = -1;
    int status = mysql_real_query_start(&result, mysql, INSERT_MAIN, strlen(INSERT_MAIN));
    NUMBER(status, 1);
    NUMBER(mysql_real_query_cont(&result, mysql, 1), 1);
    finish_query(1, &result, mysql);
    NUMBER(result, 0);
    uint64_t id = mysql_insert_id(mysql);
    TRUE_THAT(id != 0);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    NUMBER(mysql_insert_id(mysql), id);
    status = mysql_real_query_start(&result, mysql, "USE other", 9);
    NUMBER(finish_query(status, &result, mysql), 0);
    size_t from = fake_journal_length();
    SQL(mysql, UNQUALIFIED);
    JOURNAL(from, "main: " UNQUALIFIED "\n");
    NUMBER(fake_journal_count(0, FAKE_LOCAL, "/on_small_stack"), 0);
}

static void a_suspended_handle_stops_no_other(void) {
    MYSQL *mysql = connect_main();
    MYSQL *other = connect_main();
    int result = -1;
    fake_stops = 1;
    int status = mysql_real_query_start(&result, mysql, INSERT_MAIN, strlen(INSERT_MAIN));
    NUMBER(status, 1);
    SQL(other, REPLACE_CACHE);
    SQL(other, SELECT_CACHE);
    FROM_LOCAL(first_cell(other), "1");
    NUMBER(finish_query(status, &result, mysql), 0);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    NUMBER(fake_journal_count(0, FAKE_LOCAL, "/on_small_stack"), 0);
}

static void an_error_comes_with_the_end(void) {
    fake_stops = 1;
    fake_fail(FAKE_MAIN, "'bad'", 1062, "Duplicate entry", -1);
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    static const char bad[] = "INSERT INTO shop.users VALUES ('bad')";
    int result = -1;
    int status = mysql_real_query_start(&result, mysql, bad, sizeof bad - 1);
    TRUE_THAT(finish_query(status, &result, mysql) != 0);
    NUMBER(mysql_errno(mysql), 1062);
}

static void an_unread_routed_result_stops_what_is_started(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    MYSQL_RES *rows = mysql_use_result(mysql);
    size_t from = fake_journal_length();
    int result = 0;
    my_bool failed = 0;
    const char *text = NULL;
    NUMBER(mysql_real_query_start(&result, mysql, INSERT_MAIN, strlen(INSERT_MAIN)), 0);
    NUMBER(result, 1);
    NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
    NUMBER(mysql_ping_start(&result, mysql), 0);
    NUMBER(result, 1);
    NUMBER(mysql_commit_start(&failed, mysql), 0);
    NUMBER(failed, 1);
    NUMBER(mysql_stat_start(&text, mysql), 0);
    NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
    NUMBER(mysql_send_query_start(&result, mysql, INSERT_MAIN, strlen(INSERT_MAIN)), 0);
    NUMBER(result, 1);
    JOURNAL(from, "");
    TRUE_THAT(mysql_fetch_row(rows));
    mysql_free_result(rows);
    NUMBER(mysql_ping(mysql), 0);
}

static void a_handle_may_connect_by_steps(void) {
    fake_stops = 2;
    MYSQL *mysql = mysql_init(NULL);
    MYSQL *connected = NULL;
    int status =
        mysql_real_connect_start(&connected, mysql, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0);
    NUMBER(status, 1);
    while (status) {
        status = mysql_real_connect_cont(&connected, mysql, status);
    }
    TRUE_THAT(connected == mysql);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    NUMBER(mysql_close_start(mysql), 0);
    NUMBER(fake_alive(), 0);
}

#define STEPS(name, want, ...)                          \
    do {                                                \
        int step = name##_start(__VA_ARGS__);           \
        while (step) {                                  \
            step = name##_cont(&result, mysql, step);   \
        }                                               \
        if (result != (want)) {                         \
            printf("    " #name ": %d\n", (int)result); \
            SAID("each call ends as its blocking one"); \
        }                                               \
    } while (0)

static void each_call_ends_as_its_blocking_one(void) {
    fake_stops = 1;
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    {
        int result = -1;
        STEPS(mysql_select_db, 0, &result, mysql, "other");
        size_t from = fake_journal_length();
        SQL(mysql, UNQUALIFIED);
        JOURNAL(from, "main: " UNQUALIFIED "\n");
        STEPS(mysql_select_db, 0, &result, mysql, "shop");
        STEPS(mysql_set_character_set, 0, &result, mysql, "latin1");
        SQL(mysql, UNQUALIFIED);
        if (is_preloaded()) {
            TEXT(fake_variable(FAKE_LOCAL, 1, "character_set_client"), "latin1");
        }
        STEPS(mysql_set_server_option, 0, &result, mysql, 0);
        STEPS(mysql_ping, 0, &result, mysql);
        STEPS(mysql_kill, 0, &result, mysql, 7);
        STEPS(mysql_refresh, 0, &result, mysql, 1);
        STEPS(mysql_dump_debug_info, 0, &result, mysql);
        STEPS(mysql_shutdown, 0, &result, mysql, 0);
        STEPS(mysql_send_query, 0, &result, mysql, INSERT_MAIN, strlen(INSERT_MAIN));
    }
    {
        my_bool result = 9;
        STEPS(mysql_read_query_result, 0, &result, mysql);
        TRUE_THAT(mysql_insert_id(mysql) != 0);
        STEPS(mysql_autocommit, 0, &result, mysql, 0);
        SQL(mysql, REPLACE_CACHE);
        SQL(mysql, INSERT_MAIN);
        size_t from = fake_journal_length();
        STEPS(mysql_commit, 0, &result, mysql);
        JOURNAL(from, "main: COMMIT\nlocal: COMMIT\n");
        SQL(mysql, REPLACE_CACHE);
        SQL(mysql, INSERT_MAIN);
        from = fake_journal_length();
        STEPS(mysql_rollback, 0, &result, mysql);
        JOURNAL(from, "main: ROLLBACK\nlocal: ROLLBACK\n");
        STEPS(mysql_change_user, 0, &result, mysql, "other", "secret2", "shop");
        from = fake_journal_length();
        SQL(mysql, UNQUALIFIED);
        if (is_preloaded()) {
            NUMBER(fake_journal_count(from, FAKE_LOCAL, "other:secret2@"), 1);
        }
    }
    {
        int result = -1;
        STEPS(mysql_reset_connection, 0, &result, mysql);
        SQL(mysql, SELECT_CACHE);
        FROM_LOCAL(first_cell(mysql), "1");
    }
    NUMBER(fake_journal_count(0, FAKE_LOCAL, "/on_small_stack"), 0);
}

/* As the blocking calls: main has had no part in the transaction, and isn't asked to end it. */
static void a_transaction_of_cache_statements_ends_at_the_shadow_alone(void) {
    fake_stops = 1;
    MYSQL *mysql = connect_main();
    my_bool result = 9;
    STEPS(mysql_autocommit, 0, &result, mysql, 0);
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    STEPS(mysql_commit, 0, &result, mysql);
    SQL(mysql, REPLACE_CACHE);
    STEPS(mysql_rollback, 0, &result, mysql);
    SQL(mysql, REPLACE_CACHE);
    int failed = -1;
    int status = mysql_real_query_start(&failed, mysql, "COMMIT", 6);
    NUMBER(finish_query(status, &failed, mysql), 0);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_send_query(mysql, "ROLLBACK", 8), 0);
    NUMBER(mysql_read_query_result(mysql), 0);
    JOURNAL(from, "local: COMMIT\nlocal: " REPLACE_CACHE "\nlocal: ROLLBACK\nlocal: " REPLACE_CACHE
                  "\nlocal: COMMIT\nlocal: " REPLACE_CACHE "\nlocal: ROLLBACK\n");
}

static void halves_by_steps_are_routed(void) {
    fake_stops = 1;
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    for (int i = 0; i < 2; i++) {
        size_t from = fake_journal_length();
        int sent = -1;
        int status = mysql_send_query_start(&sent, mysql, SELECT_CACHE, strlen(SELECT_CACHE));
        while (status) {
            status = mysql_send_query_cont(&sent, mysql, status);
        }
        NUMBER(sent, 0);
        my_bool result = 9;
        STEPS(mysql_read_query_result, 0, &result, mysql);
        FROM_LOCAL(first_cell(mysql), "1");
        JOURNAL(from, "local: " SELECT_CACHE "\n");
    }
}

static void statements_are_prepared_by_steps(void) {
    fake_stops = 1;
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    static const char text[] = "SET time_zone = '+07:00'";
    int result = -1;
    int status = mysql_stmt_prepare_start(&result, stmt, text, sizeof text - 1);
    while (status) {
        status = mysql_stmt_prepare_cont(&result, stmt, status);
    }
    NUMBER(result, 0);
    status = mysql_stmt_execute_start(&result, stmt);
    while (status) {
        status = mysql_stmt_execute_cont(&result, stmt, status);
    }
    NUMBER(result, 0);
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        TEXT(fake_variable(FAKE_LOCAL, 1, "time_zone"), "+07:00");
    }
    my_bool closed = 9;
    NUMBER(mysql_stmt_close_start(&closed, stmt), 0);
    NUMBER(closed, 0);
    mysql_close(mysql);
    NUMBER(fake_alive(), 0);
}

static void a_query_is_asked_for_until_it_is_done(void) {
    MYSQL *mysql = connect_main();
    fake_stops = 3;
    enum net_async_status status;
    size_t from = fake_journal_length();
    int rounds = 0;
    while ((status = mysql_real_query_nonblocking(mysql, REPLACE_CACHE, strlen(REPLACE_CACHE))) ==
           NET_ASYNC_NOT_READY) {
        rounds++;
    }
    NUMBER(status, NET_ASYNC_COMPLETE);
    NUMBER(mysql_affected_rows(mysql), 1);
    NUMBER(rounds, is_preloaded() ? 0 : 3);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_MAIN, "REPLACE"), 0);
    }
    from = fake_journal_length();
    rounds = 0;
    while ((status = mysql_real_query_nonblocking(mysql, "USE other", 9)) == NET_ASYNC_NOT_READY) {
        rounds++;
    }
    NUMBER(status, NET_ASYNC_COMPLETE);
    NUMBER(rounds, 3);
    SQL(mysql, UNQUALIFIED);
    JOURNAL(from, "main: USE other\nmain: " UNQUALIFIED "\n");
    while ((status = mysql_real_query_nonblocking(mysql, SELECT_CACHE, strlen(SELECT_CACHE))) ==
           NET_ASYNC_NOT_READY) {
    }
    NUMBER(status, NET_ASYNC_COMPLETE);
    MYSQL_RES *rows = NULL;
    while ((status = mysql_store_result_nonblocking(mysql, &rows)) == NET_ASYNC_NOT_READY) {
    }
    NUMBER(status, NET_ASYNC_COMPLETE);
    FROM_LOCAL(rows ? mysql_fetch_row(rows)[0] : "", "1");
    NUMBER(mysql_free_result_nonblocking(rows), NET_ASYNC_COMPLETE);
    while ((status = mysql_next_result_nonblocking(mysql)) == NET_ASYNC_NOT_READY) {
    }
    NUMBER(status, NET_ASYNC_COMPLETE_NO_MORE_RESULTS);
}

static void a_query_that_is_not_done_stops_no_other_handle(void) {
    MYSQL *mysql = connect_main();
    MYSQL *other = connect_main();
    fake_stops = 2;
    NUMBER(mysql_real_query_nonblocking(mysql, INSERT_MAIN, strlen(INSERT_MAIN)), NET_ASYNC_NOT_READY);
    SQL(other, REPLACE_CACHE);
    SQL(other, SELECT_CACHE);
    FROM_LOCAL(first_cell(other), "1");
    enum net_async_status status;
    while ((status = mysql_real_query_nonblocking(mysql, INSERT_MAIN, strlen(INSERT_MAIN))) ==
           NET_ASYNC_NOT_READY) {
    }
    NUMBER(status, NET_ASYNC_COMPLETE);
    TRUE_THAT(mysql_insert_id(mysql) != 0);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
}

static void an_error_of_a_query_that_is_asked_for_is_told(void) {
    MYSQL *mysql = connect_main();
    fake_fail(FAKE_MAIN, "'bad'", 1062, "Duplicate entry", -1);
    fake_fail(FAKE_LOCAL, "'bad'", 1062, "Duplicate entry", -1);
    static const char *const texts[] = {"REPLACE INTO shop.cache VALUES ('bad', 1)",
                                        "INSERT INTO shop.users VALUES ('bad')"};
    fake_stops = 1;
    for (int i = 0; i < 2; i++) {
        enum net_async_status status;
        while ((status = mysql_real_query_nonblocking(mysql, texts[i], strlen(texts[i]))) ==
               NET_ASYNC_NOT_READY) {
        }
        NUMBER(status, NET_ASYNC_ERROR);
        NUMBER(mysql_errno(mysql), 1062);
    }
    SQL(mysql, SELECT_CACHE);
    size_t from = fake_journal_length();
    NUMBER(mysql_real_query_nonblocking(mysql, INSERT_MAIN, strlen(INSERT_MAIN)),
           is_preloaded() ? NET_ASYNC_ERROR : NET_ASYNC_NOT_READY);
    if (is_preloaded()) {
        NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
    }
    JOURNAL(from, "");
}

static void halves_may_be_asked_for_too(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    fake_stops = 2;
    enum net_async_status status;
    while ((status = mysql_send_query_nonblocking(mysql, "USE other", 9)) == NET_ASYNC_NOT_READY) {
    }
    NUMBER(status, NET_ASYNC_COMPLETE);
    NUMBER(mysql_read_query_result(mysql), 0);
    size_t from = fake_journal_length();
    SQL(mysql, UNQUALIFIED);
    JOURNAL(from, "main: " UNQUALIFIED "\n");
}

static void halves_that_are_asked_for_are_routed(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    fake_stops = 2;
    size_t from = fake_journal_length();
    for (int i = 0; i < 2; i++) {
        enum net_async_status status;
        while ((status = mysql_send_query_nonblocking(mysql, SELECT_CACHE, strlen(SELECT_CACHE))) ==
               NET_ASYNC_NOT_READY) {
        }
        NUMBER(status, NET_ASYNC_COMPLETE);
        NUMBER(mysql_read_query_result(mysql), 0);
        FROM_LOCAL(first_cell(mysql), "1");
    }
    JOURNAL(from, "local: " SELECT_CACHE "\nlocal: " SELECT_CACHE "\n");
}

static void a_connect_may_be_asked_for(void) {
    MYSQL *mysql = mysql_init(NULL);
    fake_stops = 2;
    enum net_async_status status;
    while ((status = mysql_real_connect_nonblocking(mysql, NULL, "app", "secret", "shop", 0, "/run/main.sock",
                                                    0)) == NET_ASYNC_NOT_READY) {
    }
    NUMBER(status, NET_ASYNC_COMPLETE);
    NUMBER(mysql_send_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE)), 0); /* its socket is known too */
    NUMBER(mysql_read_query_result(mysql), 0);
    FROM_LOCAL(first_cell(mysql), "1");
    SQL(mysql, "SET time_zone = '+01:00'");
    while ((status = mysql_reset_connection_nonblocking(mysql)) == NET_ASYNC_NOT_READY) {
    }
    NUMBER(status, NET_ASYNC_COMPLETE);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    if (is_preloaded()) {
        TEXT(fake_variable(FAKE_LOCAL, fake_session_count(FAKE_LOCAL), "time_zone"), "SYSTEM");
    }
    mysql_close(mysql);
    NUMBER(fake_alive(), 0);
}

int main(int argc, char **argv) {
    static const struct claim claims[] = {
        CLAIM(a_routed_statement_ends_at_once, "3, 17", MARIADB_ONLY),
        CLAIM(a_statement_for_main_is_followed_to_its_end, "17", MARIADB_ONLY),
        CLAIM(a_suspended_handle_stops_no_other, "17", MARIADB_ONLY),
        CLAIM(an_error_comes_with_the_end, "", MARIADB_ONLY),
        CLAIM(an_unread_routed_result_stops_what_is_started, "1", MARIADB_ONLY),
        CLAIM(a_handle_may_connect_by_steps, "", MARIADB_ONLY),
        CLAIM(each_call_ends_as_its_blocking_one, "10, 34", MARIADB_ONLY),
        CLAIM(a_transaction_of_cache_statements_ends_at_the_shadow_alone, "10", MARIADB_ONLY),
        CLAIM(halves_by_steps_are_routed, "3", MARIADB_ONLY),
        CLAIM(statements_are_prepared_by_steps, "18, 45", MARIADB_ONLY),
        CLAIM(a_query_is_asked_for_until_it_is_done, "3", ORACLE_ONLY),
        CLAIM(a_query_that_is_not_done_stops_no_other_handle, "17", ORACLE_ONLY),
        CLAIM(an_error_of_a_query_that_is_asked_for_is_told, "1", ORACLE_ONLY),
        CLAIM(halves_may_be_asked_for_too, "3", ORACLE_ONLY),
        CLAIM(halves_that_are_asked_for_are_routed, "3", ORACLE_ONLY),
        CLAIM(a_connect_may_be_asked_for, "7", ORACLE_ONLY),
    };
    return RUN_CLAIMS(claims);
}
