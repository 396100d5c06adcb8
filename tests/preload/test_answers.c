/* What the application is told after a statement: error, counts, ids, warnings, texts. Without the shim the
 * same claims hold of one connection; a shim that answers all from main, or all from the last statement's
 * connection, breaks them. */
#define _GNU_SOURCE
#include "claims.h"

#include <errno.h>

static void insert_id_outlives_a_routed_select(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, INSERT_MAIN);
    uint64_t id = mysql_insert_id(mysql);
    TRUE_THAT(id != 0);
    SQL(mysql, SELECT_CACHE);
    NUMBER(mysql_insert_id(mysql), id);
    FROM_LOCAL(first_cell(mysql), "1");
    NUMBER(mysql_insert_id(mysql), id);
}

static void insert_id_is_none_after_a_routed_replace(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, INSERT_MAIN);
    TRUE_THAT(mysql_insert_id(mysql) != 0);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_insert_id(mysql), 0);
    SQL(mysql, SELECT_MAIN);
    NUMBER(mysql_insert_id(mysql), 0);
    TEXT(first_cell(mysql), "main:1");
    SQL(mysql, INSERT_MAIN);
    TRUE_THAT(mysql_insert_id(mysql) != 0);
}

static void insert_id_outlives_a_failed_statement(void) {
    MYSQL *mysql = connect_main();
    fake_fail(FAKE_MAIN, "'twice'", 1062, "Duplicate entry", -1);
    fake_fail(FAKE_LOCAL, "'twice'", 1062, "Duplicate entry", -1);
    SQL(mysql, INSERT_MAIN);
    uint64_t id = mysql_insert_id(mysql);
    NUMBER(mysql_query(mysql, "REPLACE INTO shop.cache VALUES ('twice', 1)"), 1);
    NUMBER(mysql_insert_id(mysql), id);
}

static void insert_id_outlives_the_shadow_that_gave_it(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "INSERT INTO shop.counter VALUES ('auto_inc')");
    uint64_t id = mysql_insert_id(mysql);
    TRUE_THAT(id != 0);
    fake_kill_sessions(FAKE_LOCAL);
    fake_fail_connect(FAKE_LOCAL, 2003, NULL, -1);
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    NUMBER(mysql_insert_id(mysql), id);
}

static void an_error_of_a_routed_statement_is_told_and_cleared(void) {
    MYSQL *mysql = connect_main();
    fake_fail(FAKE_MAIN, "'bad'", 1064, "You have an error in your SQL syntax", -1);
    fake_fail(FAKE_LOCAL, "'bad'", 1064, "You have an error in your SQL syntax", -1);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_errno(mysql), 0);
    NUMBER(mysql_query(mysql, "REPLACE INTO shop.cache VALUES ('bad', 1)"), 1);
    NUMBER(mysql_errno(mysql), 1064);
    TEXT(mysql_error(mysql), "You have an error in your SQL syntax");
    TEXT(mysql_sqlstate(mysql), "42000");
    NUMBER(mysql_affected_rows(mysql), -1);
    SQL(mysql, INSERT_MAIN);
    NUMBER(mysql_errno(mysql), 0);
    TEXT(mysql_error(mysql), "");
    NUMBER(mysql_query(mysql, "REPLACE INTO shop.cache VALUES ('bad', 1)"), 1);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_errno(mysql), 0);
    TEXT(mysql_sqlstate(mysql), "00000");
}

/* As DBD::mysql does: it writes into its handle before each fetch. */
static void an_error_that_the_driver_clears_in_its_handle_is_gone(void) {
    MYSQL *mysql = connect_main();
    fake_fail(FAKE_MAIN, "'bad'", 1136, "Column count doesn't match", -1);
    fake_fail(FAKE_LOCAL, "'bad'", 1136, "Column count doesn't match", -1);
    SQL(mysql, SELECT_CACHE);
    MYSQL_RES *rows = mysql_store_result(mysql);
    int seen = 0;
    for (;;) {
        *(unsigned *)(void *)mysql = 0;
        if (!mysql_fetch_row(rows)) {
            break;
        }
        seen++;
        NUMBER(mysql_query(mysql, "REPLACE INTO shop.cache VALUES ('bad', 1)"), 1);
        NUMBER(mysql_errno(mysql), 1136);
    }
    NUMBER(mysql_errno(mysql), 0);
    NUMBER(seen, 2);
    mysql_free_result(rows);
}

static void counts_and_info_are_the_statements_own(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('a', 1), ('b', 2), ('c', 3)");
    NUMBER(mysql_affected_rows(mysql), 3);
    TEXT(mysql_info(mysql), "Records: 3  Duplicates: 0  Warnings: 0");
    NUMBER(mysql_field_count(mysql), 0);
    SQL(mysql, INSERT_MAIN);
    NUMBER(mysql_affected_rows(mysql), 1);
    TEXT(mysql_info(mysql), NULL);
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('a', 1), ('b', 2)");
    NUMBER(mysql_affected_rows(mysql), 2);
    SQL(mysql, SELECT_CACHE);
    NUMBER(mysql_field_count(mysql), 1);
    NUMBER(mysql_affected_rows(mysql), -1);
    MYSQL_RES *rows = mysql_store_result(mysql);
    NUMBER(mysql_affected_rows(mysql), 2);
    NUMBER(mysql_field_count(mysql), 1); /* LuaSQL and Zabbix ask after the store */
    mysql_free_result(rows);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_field_count(mysql), 0);
    TRUE_THAT(!mysql_store_result(mysql));
    NUMBER(mysql_errno(mysql), 0);
}

static void warnings_are_the_last_statements(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('warn', 1)");
    NUMBER(mysql_warning_count(mysql), 1);
    SQL(mysql, "SHOW WARNINGS");
    MYSQL_RES *rows = mysql_store_result(mysql);
    MYSQL_ROW row = rows ? mysql_fetch_row(rows) : NULL;
    TRUE_THAT(row);
    if (row) {
        TEXT(row[2], is_preloaded() ? "of local" : "of main");
    }
    mysql_free_result(rows);
    SQL(mysql, "INSERT INTO shop.orders VALUES ('warn')");
    SQL(mysql, "SHOW WARNINGS");
    rows = mysql_store_result(mysql);
    row = rows ? mysql_fetch_row(rows) : NULL;
    TRUE_THAT(row);
    if (row) {
        TEXT(row[2], "of main");
    }
    mysql_free_result(rows);
}

static void a_ping_leaves_the_number_of_warnings(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('warn', 1)");
    NUMBER(mysql_warning_count(mysql), 1);
    NUMBER(mysql_ping(mysql), 0);
    NUMBER(mysql_warning_count(mysql), 1);
}

static void a_warning_count_outlives_a_failed_statement(void) {
    MYSQL *mysql = connect_main();
    fake_fail(FAKE_MAIN, "'bad'", 1064, "syntax", -1);
    fake_fail(FAKE_LOCAL, "'bad'", 1064, "syntax", -1);
    SQL(mysql, "INSERT INTO shop.orders VALUES ('warn')");
    NUMBER(mysql_query(mysql, "INSERT INTO shop.orders VALUES ('bad')"), 1);
    NUMBER(mysql_warning_count(mysql), 1);
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('warn', 1)");
    NUMBER(mysql_query(mysql, "REPLACE INTO shop.cache VALUES ('bad', 1)"), 1);
    NUMBER(mysql_warning_count(mysql), 1);
}

static void found_rows_and_row_count_are_the_last_statements(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "SELECT v FROM shop.users LIMIT 1000");
    mysql_free_result(mysql_store_result(mysql));
    SQL(mysql, SELECT_CACHE);
    mysql_free_result(mysql_store_result(mysql));
    SQL(mysql, "SELECT FOUND_ROWS()");
    TEXT(first_cell(mysql), "2");
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('a', 1), ('b', 2), ('c', 3)");
    SQL(mysql, "SELECT ROW_COUNT()");
    TEXT(first_cell(mysql), "3");
    SQL(mysql, INSERT_MAIN);
    SQL(mysql, "SELECT ROW_COUNT()");
    TEXT(first_cell(mysql), "1");
}

/* Main is asked, with the numbers of the statement that it didn't run. */
static void numbers_of_a_routed_statement_stand_among_other_things(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    mysql_free_result(mysql_store_result(mysql));
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('a', 1), ('b', 2), ('warn', 3)");
    size_t from = fake_journal_length();
    SQL(mysql, "SET @a = ROW_COUNT()");
    JOURNAL(from, "local: SELECT FOUND_ROWS(), ROW_COUNT(), 0, 0\nmain: SET @a = CAST(3 AS SIGNED)\n");
    from = fake_journal_length();
    SQL(mysql, "SELECT FOUND_ROWS(), 1 FROM shop.users");
    first_cell(mysql);
    JOURNAL(from, "main: SELECT CAST(FOUND_ROWS() * 0 + 2 AS SIGNED) AS `FOUND_ROWS()`, 1 FROM shop.users\n");
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('a', 1), ('b', 2), ('warn', 3)");
    from = fake_journal_length();
    const char *text = "SELECT 1 + @@warning_count + ROW_COUNT()";
    NUMBER(mysql_send_query(mysql, text, strlen(text)), 0);
    NUMBER(mysql_read_query_result(mysql), 0);
    first_cell(mysql);
    JOURNAL(
        from,
        "local: SELECT *ROW_COUNT(), @@warning_count, @@error_count\nmain: SELECT 1 + CAST(1 AS UNSIGNED) + "
        "CAST(3 AS SIGNED) AS `1 + @@warning_count + ROW_COUNT()`\n");
    from = fake_journal_length();
    SQL(mysql, "SELECT ROW_COUNT() + 1");
    first_cell(mysql);
    JOURNAL(from, "main: SELECT ROW_COUNT() + 1\n"); /* main's own */
}

static void read_all(MYSQL *mysql) {
    do {
        mysql_free_result(mysql_store_result(mysql));
    } while (mysql_next_result(mysql) == 0);
}

/* To MySQL each preparing is a statement, to MariaDB one that uses tables: without the shim, too. */
static void preparing_begins_a_list_where_it_is_done(void) {
    static const struct {
        const char *text;
        bool of_tables, routed;
    } cases[] = {{SELECT_CACHE, true, true}, {SELECT_MAIN, true, false}, {"SELECT 1", false, false}};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        bool from_local = i % 2;
        const char *warns = from_local ? "REPLACE INTO shop.cache VALUES ('warn', 1)"
                                       : "INSERT INTO shop.orders VALUES ('warn')";
        MYSQL *mysql = connect_main();
        MYSQL_STMT *stmt = mysql_stmt_init(mysql);
        SQL(mysql, REPLACE_CACHE);
        SQL(mysql, warns);
        NUMBER(mysql_stmt_prepare(stmt, cases[i / 2].text, strlen(cases[i / 2].text)), 0);
        size_t from = fake_journal_length();
        SQL(mysql, "SHOW WARNINGS");
        mysql_free_result(mysql_store_result(mysql));
        bool begins = cases[i / 2].of_tables || fake_is_oracle();
        if (is_preloaded()) {
            NUMBER(fake_journal_count(from, FAKE_LOCAL, "SHOW WARNINGS"),
                   begins ? cases[i / 2].routed : from_local);
        }
        mysql_stmt_close(stmt);
        mysql_close(mysql);
    }
}

/* MySQL adds its error to the list of the statement before. */
static void a_database_that_is_not_there_is_in_the_list(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    fake_fail(FAKE_MAIN, "/select_db missing", 1049, "Unknown database 'missing'", 1);
    fake_fail(FAKE_LOCAL, "/select_db missing", 1049, "Unknown database 'missing'", 1);
    TRUE_THAT(mysql_select_db(mysql, "missing") != 0);
    NUMBER(mysql_errno(mysql), 1049);
    size_t from = fake_journal_length();
    SQL(mysql, "SHOW WARNINGS");
    mysql_free_result(mysql_store_result(mysql));
    JOURNAL(from, fake_is_oracle() ? "local: SHOW WARNINGS\n" : "main: SHOW WARNINGS\n");
}

static void later_statements_of_a_text_are_the_last_ones(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    read_all(mysql);
    SQL(mysql, "SET @a = 1; SELECT v FROM shop.users LIMIT 1000");
    read_all(mysql);
    SQL(mysql, "SELECT FOUND_ROWS()");
    TEXT(first_cell(mysql), "1000");
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('warn', 1)");
    SQL(mysql, "SET @a = 1; INSERT INTO shop.orders VALUES ('warn')");
    read_all(mysql);
    SQL(mysql, "SHOW WARNINGS");
    MYSQL_RES *rows = mysql_store_result(mysql);
    MYSQL_ROW row = rows ? mysql_fetch_row(rows) : NULL;
    TEXT(row ? row[2] : "", "of main");
    mysql_free_result(rows);
}

static void a_call_that_fails_at_home_says_so(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    TRUE_THAT(mysql_set_character_set(mysql, "nonsense") != 0);
    NUMBER(mysql_errno(mysql), 2019);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_options4(mysql, fake_is_oracle() ? 27 : 33, "", ""), 1);
    NUMBER(mysql_errno(mysql), 2034);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_errno(mysql), 0);
}

static void a_refused_escape_is_reported(void) {
    MYSQL *mysql = connect_main();
    char to[16];
    SQL(mysql, "SET sql_mode = 'NO_BACKSLASH_ESCAPES'");
    SQL(mysql, REPLACE_CACHE);
    TRUE_THAT(mysql_real_escape_string(mysql, to, "it's", 4) == (unsigned long)-1);
    NUMBER(mysql_errno(mysql), 2062);
}

static void the_tracked_changes_are_the_last_statements(void) {
    MYSQL *mysql = connect_main();
    const char *data;
    size_t length;
    SQL(mysql, "USE shop");
    NUMBER(mysql_session_track_get_first(mysql, SESSION_TRACK_SCHEMA, &data, &length), 0);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_session_track_get_first(mysql, SESSION_TRACK_SCHEMA, &data, &length), 1);
    SQL(mysql, "SET autocommit = 1");
    NUMBER(mysql_session_track_get_first(mysql, SESSION_TRACK_SYSTEM_VARIABLES, &data, &length), 0);
    NUMBER(mysql_session_track_get_next(mysql, SESSION_TRACK_SYSTEM_VARIABLES, &data, &length), 0);
    TEXT(data, "ON");
}

static void the_status_bits_are_those_of_one_connection(void) {
    MYSQL *mysql = connect_main();
    unsigned status = 0;
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status), 0);
    NUMBER(status & 3, SERVER_STATUS_AUTOCOMMIT);
    SQL(mysql, "SET autocommit = 0");
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status), 0);
    NUMBER(status & 3, SERVER_STATUS_IN_TRANS);
    SQL(mysql, "COMMIT");
    NUMBER(mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status), 0);
    NUMBER(status & 3, 0);
    SQL(mysql, "SET autocommit = 1");
    SQL(mysql, "BEGIN");
    SQL(mysql, "REPLACE INTO shop.now VALUES (1, 2)"); /* immediate: outside of the transaction */
    NUMBER(mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status), 0);
    NUMBER(status & 3, SERVER_STATUS_AUTOCOMMIT | SERVER_STATUS_IN_TRANS);
}

/* @n is at the shadow: before main runs what the shadow refuses, the shadow is asked for it. */
static void a_question_of_the_shims_own_tells_of_no_transaction(void) {
    MYSQL *mysql = connect_main();
    unsigned status = 0;
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "GET DIAGNOSTICS @n = NUMBER");
    NUMBER(mysql_autocommit(mysql, 0), 0);
    fake_fail(FAKE_MAIN, REPLACE_CACHE, 1136, "Column count doesn't match", 1);
    fake_fail(FAKE_LOCAL, REPLACE_CACHE, 1136, "Column count doesn't match", 1);
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, REPLACE_CACHE), 1);
    JOURNAL(from, "local: SET SESSION autocommit = 0\nlocal: " REPLACE_CACHE "\n"
                  "local: SELECT FOUND_ROWS(), @n\nmain: SET @n = NULL\nmain: " REPLACE_CACHE "\n");
    NUMBER(mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status), 0);
    NUMBER(status & 3, 0);
    SQL(mysql, "SET time_zone = '+05:00'");
    NUMBER(mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status), 0);
    NUMBER(status & 3, SERVER_STATUS_IN_TRANS);
}

/* A statement that fails on main begins one, and nothing says so before the next answer: that comes from the
 * shadow. */
static void an_answer_of_the_shadows_tells_of_mains_transaction(void) {
    MYSQL *mysql = connect_main();
    unsigned status = 0;
    SQL(mysql, SELECT_CACHE);
    first_cell(mysql);
    NUMBER(mysql_autocommit(mysql, 0), 0);
    fake_fail(FAKE_MAIN, INSERT_MAIN, 1406, "Data too long", 1);
    NUMBER(mysql_query(mysql, INSERT_MAIN), 1);
    NUMBER(mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status), 0);
    NUMBER(status & 3, 0);
    size_t from = fake_journal_length();
    SQL(mysql, "SELECT FOUND_ROWS()");
    first_cell(mysql);
    NUMBER(mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status), 0);
    NUMBER(status & 3, SERVER_STATUS_IN_TRANS);
    SQL(mysql, "SELECT FOUND_ROWS()");
    first_cell(mysql);
    JOURNAL(from, "main: DO 1\nlocal: SELECT FOUND_ROWS()\nlocal: SELECT FOUND_ROWS()\n");
}

/* Nor does the question for main's session before the first routed statement, if that fails as well. */
static void a_question_for_the_session_tells_of_no_transaction(void) {
    MYSQL *mysql = connect_main();
    unsigned status = 0;
    NUMBER(mysql_autocommit(mysql, 0), 0);
    fake_fail(FAKE_MAIN, INSERT_MAIN, 1406, "Data too long", 1);
    NUMBER(mysql_query(mysql, INSERT_MAIN), 1);
    fake_fail(FAKE_LOCAL, REPLACE_CACHE, 1406, "Data too long", 1);
    fake_fail(FAKE_MAIN, REPLACE_CACHE, 1406, "Data too long", 1);
    NUMBER(mysql_query(mysql, REPLACE_CACHE), 1);
    fake_fail(FAKE_LOCAL, REPLACE_CACHE, 0, "", 0);
    fake_fail(FAKE_MAIN, REPLACE_CACHE, 0, "", 0);
    NUMBER(mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status), 0);
    NUMBER(status & 3, 0);
    SQL(mysql, "SET time_zone = '+05:00'");
    NUMBER(mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status), 0);
    NUMBER(status & 3, SERVER_STATUS_IN_TRANS);
}

/* Nor does the bringing of the shadow in step: its transaction, empty, is over on main without a word. */
static void a_setting_of_the_shims_own_tells_of_no_transaction(void) {
    MYSQL *mysql = connect_main();
    unsigned status = 0;
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_autocommit(mysql, 0), 0);
    fake_fail(FAKE_MAIN, REPLACE_CACHE, 1136, "Column count doesn't match", 2);
    fake_fail(FAKE_LOCAL, REPLACE_CACHE, 1136, "Column count doesn't match", 2);
    NUMBER(mysql_query(mysql, REPLACE_CACHE), 1);
    SQL(mysql, "CALL ends()");
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, REPLACE_CACHE), 1);
    JOURNAL(from, "main: SELECT @@*\nlocal: SET SESSION *\nlocal: " REPLACE_CACHE "\nmain: " REPLACE_CACHE "\n");
    NUMBER(mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status), 0);
    NUMBER(status & 3, 0);
}

static void facts_of_the_connection_are_mains(void) {
    MYSQL *mysql = connect_main();
    const char *address = NULL;
    unsigned error = 99;
    unsigned long id = mysql_thread_id(mysql);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mariadb_get_info(mysql, 16, &address), 0);
    TEXT(address, "/run/main.sock");
    NUMBER(mariadb_get_info(mysql, MARIADB_CONNECTION_ERROR_ID, &error), 0);
    NUMBER(error, 0);
    NUMBER(mysql_thread_id(mysql), id);
}

static void a_ping_is_about_main(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, INSERT_MAIN);
    uint64_t id = mysql_insert_id(mysql);
    SQL(mysql, SELECT_CACHE);
    mysql_free_result(mysql_store_result(mysql));
    size_t from = fake_journal_length();
    NUMBER(mysql_ping(mysql), 0);
    JOURNAL(from, "main: /ping\n");
    NUMBER(mysql_affected_rows(mysql), fake_is_oracle() ? 0 : -1);
    NUMBER(mysql_insert_id(mysql), fake_is_oracle() ? 0 : (long long)id);
}

static void lists_come_from_main_after_a_routed_statement(void) {
    MYSQL *mysql = connect_main();
    MYSQL_RES *(*const lists[])(MYSQL *, const char *) = {mysql_list_dbs, mysql_list_tables};
    for (size_t i = 0; i < 2; i++) {
        SQL(mysql, REPLACE_CACHE);
        MYSQL_RES *rows = lists[i](mysql, NULL);
        TRUE_THAT(rows);
        if (rows) {
            TEXT(mysql_fetch_row(rows)[0], "main:1");
        }
        mysql_free_result(rows);
    }
    SQL(mysql, REPLACE_CACHE);
    MYSQL_RES *rows = mysql_list_processes(mysql);
    TRUE_THAT(rows);
    mysql_free_result(rows);
}

/* ruby-mysql2 repeats while errno is EINTR; others print strerror. */
static void errno_is_left_alone(void) {
    errno = 77;
    MYSQL *mysql = mysql_init(NULL);
    NUMBER(errno, 77);
    my_bool flag = 1;
    NUMBER(mysql_options(mysql, fake_is_oracle() ? 14 : 19, &flag), 0);
    NUMBER(errno, 77);
    TRUE_THAT(mysql_real_connect(mysql, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0));
    NUMBER(errno, 77);
    const char *const texts[] = {SELECT_CACHE, SELECT_MAIN, SELECT_CACHE};
    for (size_t i = 0; i < 3; i++) {
        SQL(mysql, texts[i]);
        NUMBER(errno, 77);
        MYSQL_RES *rows = mysql_store_result(mysql);
        NUMBER(errno, 77);
        mysql_free_result(rows);
        NUMBER(errno, 77);
    }
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_commit(mysql), 0);
    NUMBER(errno, 77);
    fake_fail_connect(FAKE_LOCAL, 2003, NULL, -1);
    fake_kill_sessions(FAKE_LOCAL);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(errno, 77);
    mysql_close(mysql);
    NUMBER(errno, 77);
}

static void a_text_need_not_end_in_a_nul(void) {
    MYSQL *mysql = connect_main();
    size_t length = strlen(REPLACE_CACHE);
    char *exact = malloc(length);
    memcpy(exact, REPLACE_CACHE, length);
    NUMBER(mysql_real_query(mysql, exact, length), 0);
    free(exact);
    size_t from = fake_journal_length();
    static const char with_nul[] = "REPLACE INTO shop.cache VALUES ('k', 'a\0b')";
    NUMBER(mysql_real_query(mysql, with_nul, sizeof with_nul - 1), 0);
    JOURNAL(from, "local: REPLACE INTO shop.cache VALUES ('k', 'a\n");
    from = fake_journal_length();
    static const char cut[] = "SELECT v FROM shop.cache, shop.users";
    NUMBER(mysql_real_query(mysql, cut, sizeof "SELECT v FROM shop.cache" - 1), 0); /* cyrus-sasl cuts so */
    FROM_LOCAL(first_cell(mysql), "1");
    JOURNAL(from, "local: SELECT v FROM shop.cache\n");
}

static void a_length_of_none_is_never_routed(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    int failed = mysql_real_query(mysql, REPLACE_CACHE, 0);
    NUMBER(failed, fake_is_oracle());
    if (fake_is_oracle()) {
        NUMBER(mysql_errno(mysql), 1065);
    }
    JOURNAL(from, fake_is_oracle() ? "main: \n" : "main: " REPLACE_CACHE "\n");
}

static void a_length_of_minus_one_is_measured(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_real_query(mysql, SELECT_CACHE, (unsigned long)-1), 0);
    FROM_LOCAL(first_cell(mysql), "1");
}

static void query_attributes_keep_their_statement_on_main(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    NUMBER(mysql_bind_param(mysql, 1, NULL, NULL), 0);
    NUMBER(mysql_ping(mysql), 0);
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "main: /ping\nmain: /attributes\nmain: " REPLACE_CACHE "\nlocal: " REPLACE_CACHE "\n");
}

static void a_version_update_asks_main(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    TRUE_THAT(mysql_get_server_info_with_version_update(mysql));
    JOURNAL(from, "main: SELECT VERSION()\n");
}

int main(int argc, char **argv) {
    static const struct claim claims[] = {
        CLAIM(insert_id_outlives_a_routed_select, "4", EVERYWHERE),
        CLAIM(insert_id_is_none_after_a_routed_replace, "4", EVERYWHERE),
        CLAIM(insert_id_outlives_a_failed_statement, "4", EVERYWHERE),
        CLAIM(insert_id_outlives_the_shadow_that_gave_it, "4, 31", EVERYWHERE),
        CLAIM(an_error_of_a_routed_statement_is_told_and_cleared, "5, 40", EVERYWHERE),
        CLAIM(an_error_that_the_driver_clears_in_its_handle_is_gone, "5", EVERYWHERE),
        CLAIM(counts_and_info_are_the_statements_own, "13", EVERYWHERE),
        CLAIM(warnings_are_the_last_statements, "54", EVERYWHERE),
        CLAIM(a_ping_leaves_the_number_of_warnings, "", EVERYWHERE),
        CLAIM(a_warning_count_outlives_a_failed_statement, "", EVERYWHERE),
        CLAIM(found_rows_and_row_count_are_the_last_statements, "55, 56", EVERYWHERE),
        CLAIM(numbers_of_a_routed_statement_stand_among_other_things, "54, 55, 56", EVERYWHERE),
        CLAIM(preparing_begins_a_list_where_it_is_done, "54", EVERYWHERE),
        CLAIM(a_database_that_is_not_there_is_in_the_list, "54", EVERYWHERE),
        CLAIM(later_statements_of_a_text_are_the_last_ones, "54, 55", EVERYWHERE),
        CLAIM(a_call_that_fails_at_home_says_so, "20", EVERYWHERE),
        CLAIM(a_refused_escape_is_reported, "20", ORACLE_ONLY),
        CLAIM(the_tracked_changes_are_the_last_statements, "6", EVERYWHERE),
        CLAIM(the_status_bits_are_those_of_one_connection, "10", MARIADB_ONLY),
        CLAIM(a_question_of_the_shims_own_tells_of_no_transaction, "", MARIADB_ONLY),
        CLAIM(an_answer_of_the_shadows_tells_of_mains_transaction, "", MARIADB_ONLY),
        CLAIM(a_question_for_the_session_tells_of_no_transaction, "", MARIADB_ONLY),
        CLAIM(a_setting_of_the_shims_own_tells_of_no_transaction, "", MARIADB_ONLY),
        CLAIM(facts_of_the_connection_are_mains, "", MARIADB_ONLY),
        CLAIM(a_ping_is_about_main, "30", EVERYWHERE),
        CLAIM(lists_come_from_main_after_a_routed_statement, "", EVERYWHERE),
        CLAIM(errno_is_left_alone, "15", UNSANITIZED_ONLY),
        CLAIM(a_text_need_not_end_in_a_nul, "12", EVERYWHERE),
        CLAIM(a_length_of_none_is_never_routed, "12", EVERYWHERE),
        CLAIM(a_length_of_minus_one_is_measured, "12", MARIADB_ONLY),
        CLAIM(query_attributes_keep_their_statement_on_main, "11", ORACLE_ONLY),
        CLAIM(a_version_update_asks_main, "", ORACLE_ONLY),
    };
    return RUN_CLAIMS(claims);
}
