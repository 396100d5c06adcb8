/* Prepared statements: a twin on the shadow for those that may be routed, and main's when it must be. */
#define _GNU_SOURCE
#include "claims.h"

#include <unistd.h>

#include <sys/wait.h>

enum { OUT_OF_SYNC = 2014, NO_DATA = 100, TRUNCATED = 101 };

#define PUT_CACHE "REPLACE INTO shop.cache VALUES (?, ?)"
#define GET_CACHE "SELECT v FROM shop.cache WHERE k = ?"
#define PUT_MAIN  "INSERT INTO shop.users VALUES (?)"

static MYSQL_STMT *prepare(MYSQL *mysql, const char *text) {
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    NUMBER(mysql_stmt_prepare(stmt, text, strlen(text)), 0);
    return stmt;
}

/* Two parameters, and one column. */
static char key[40], value[40], cell[40];
static unsigned long key_length, value_length, cell_length;
static my_bool cell_error, cell_null;

static void set_params(const char *new_key, const char *new_value) {
    snprintf(key, sizeof key, "%s", new_key);
    snprintf(value, sizeof value, "%s", new_value);
    key_length = strlen(key);
    value_length = strlen(value);
}

static void bind_params(MYSQL_STMT *stmt) {
    MYSQL_BIND binds[2] = {
        {.buffer_type = TYPE_STRING, .buffer = key, .buffer_length = sizeof key, .length = &key_length},
        {.buffer_type = TYPE_STRING,
         .buffer = value,
         .buffer_length = sizeof value,
         .length = &value_length}};
    NUMBER(mysql_stmt_bind_param(stmt, binds), 0);
}

static void bind_cell(MYSQL_STMT *stmt) {
    MYSQL_BIND bind = {.buffer_type = TYPE_STRING,
                       .buffer = cell,
                       .buffer_length = sizeof cell - 1,
                       .length = &cell_length,
                       .error = &cell_error,
                       .is_null = &cell_null};
    NUMBER(mysql_stmt_bind_result(stmt, &bind), 0);
}

static MYSQL_STMT *prepare_put(MYSQL *mysql) {
    MYSQL_STMT *stmt = prepare(mysql, PUT_CACHE);
    bind_params(stmt);
    return stmt;
}

static MYSQL_STMT *prepare_get(MYSQL *mysql) {
    MYSQL_STMT *stmt = prepare(mysql, GET_CACHE);
    bind_params(stmt);
    bind_cell(stmt);
    return stmt;
}

static void put(MYSQL_STMT *stmt, const char *new_key) {
    set_params(new_key, "v");
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_affected_rows(stmt), 1);
}

/* The first row's cell; the rest is read to its end. */
static const char *get(MYSQL_STMT *stmt, const char *new_key) {
    set_params(new_key, "");
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_store_result(stmt), 0);
    NUMBER(mysql_stmt_num_rows(stmt), 2);
    NUMBER(mysql_stmt_fetch(stmt), 0);
    static char first[40];
    snprintf(first, sizeof first, "%s", cell);
    while (mysql_stmt_fetch(stmt) == 0) {
    }
    NUMBER(mysql_stmt_free_result(stmt), 0);
    return first;
}

static void a_cache_statement_is_prepared_and_executed_at_the_local_master_only(void) {
    MYSQL *mysql = connect_main();
    size_t from = fake_journal_length();
    MYSQL_STMT *stmt = prepare_put(mysql);
    NUMBER(mysql_stmt_param_count(stmt), 2);
    NUMBER(mysql_stmt_field_count(stmt), 0);
    put(stmt, "a");
    put(stmt, "b");
    NUMBER(mysql_stmt_close(stmt), 0);
    JOURNAL(from, OPENED "local: /prepare " PUT_CACHE "\n"
                         "local: /execute\nlocal: REPLACE INTO shop.cache VALUES ('a', 'v')\n"
                         "local: /execute\nlocal: REPLACE INTO shop.cache VALUES ('b', 'v')\n"
                         "local: /stmt_close\n");
}

static void rows_are_fetched_from_the_local_master(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_get(mysql);
    FROM_LOCAL(get(stmt, "a"), "1");
    size_t from = fake_journal_length();
    FROM_LOCAL(get(stmt, "b"), "1");
    JOURNAL(from, "local: /execute\nlocal: SELECT v FROM shop.cache WHERE k = 'b'\n");
    NUMBER(mysql_stmt_execute(stmt), 0); /* unbuffered */
    NUMBER(mysql_stmt_fetch(stmt), 0);
    NUMBER(mysql_stmt_fetch(stmt), 0);
    FROM_LOCAL(cell, "2");
    NUMBER(mysql_stmt_fetch(stmt), NO_DATA);
    SQL(mysql, INSERT_MAIN);
    mysql_stmt_close(stmt);
}

static void positions_in_stored_rows_are_kept(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_get(mysql);
    set_params("a", "");
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_store_result(stmt), 0);
    void *start = mysql_stmt_row_tell(stmt);
    NUMBER(mysql_stmt_fetch(stmt), 0);
    NUMBER(mysql_stmt_fetch(stmt), 0);
    FROM_LOCAL(cell, "2");
    mysql_stmt_row_seek(stmt, start);
    NUMBER(mysql_stmt_fetch(stmt), 0);
    FROM_LOCAL(cell, "1");
    mysql_stmt_data_seek(stmt, 1);
    NUMBER(mysql_stmt_fetch(stmt), 0);
    FROM_LOCAL(cell, "2");
    MYSQL_BIND again = {.buffer_type = TYPE_STRING, .buffer = cell, .buffer_length = sizeof cell - 1};
    NUMBER(mysql_stmt_fetch_column(stmt, &again, 0, 3), 0);
    TEXT(cell, is_preloaded() ? "al:2" : "n:2");
    MYSQL_RES *metadata = mysql_stmt_result_metadata(stmt);
    NUMBER(mysql_num_fields(metadata), 1);
    mysql_free_result(metadata);
    mysql_stmt_close(stmt);
}

static void truncation_and_null_are_reported(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_get(mysql);
    MYSQL_BIND bind = {.buffer_type = TYPE_STRING,
                       .buffer = cell,
                       .buffer_length = 3,
                       .length = &cell_length,
                       .error = &cell_error};
    NUMBER(mysql_stmt_bind_result(stmt, &bind), 0);
    set_params("a", "");
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_fetch(stmt), TRUNCATED);
    NUMBER(cell_error, 1);
    NUMBER(cell_length, is_preloaded() ? 7 : 6);
    mysql_stmt_close(stmt);
    my_bool null = 1;
    int number = 7;
    MYSQL_BIND params[2] = {{.buffer_type = TYPE_LONG, .buffer = &number},
                            {.buffer_type = TYPE_STRING, .buffer = value, .is_null = &null}};
    stmt = prepare(mysql, PUT_CACHE);
    NUMBER(mysql_stmt_bind_param(stmt, params), 0);
    size_t from = fake_journal_length();
    NUMBER(mysql_stmt_execute(stmt), 0);
    JOURNAL(from, "local: /execute\nlocal: REPLACE INTO shop.cache VALUES (7, NULL)\n");
    mysql_stmt_close(stmt);
}

static void other_statements_run_on_main_as_ever(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare(mysql, PUT_MAIN);
    bind_params(stmt);
    size_t from = fake_journal_length();
    put(stmt, "a");
    put(stmt, "b");
    NUMBER(mysql_stmt_close(stmt), 0);
    JOURNAL(from, "main: /execute\nmain: INSERT INTO shop.users VALUES ('a')\n"
                  "main: /execute\nmain: INSERT INTO shop.users VALUES ('b')\nmain: /stmt_close\n");
    NUMBER(fake_journal_count(0, FAKE_LOCAL, ""), 0);
}

static void a_question_mark_in_plain_text_goes_to_main(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    mysql_query(mysql, PUT_CACHE);
    JOURNAL(from, "main: " PUT_CACHE "\n");
}

static void the_accessors_of_the_connection_follow(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, INSERT_MAIN);
    uint64_t id = mysql_insert_id(mysql);
    TRUE_THAT(id > 0);
    MYSQL_STMT *stmt = prepare_put(mysql);
    NUMBER(mysql_errno(mysql), 0);
    NUMBER(mysql_affected_rows(mysql), -1);
    NUMBER(mysql_insert_id(mysql), id);
    put(stmt, "a");
    NUMBER(mysql_errno(mysql), 0);
    NUMBER(mysql_affected_rows(mysql), 1);
    NUMBER(mysql_insert_id(mysql), 0);
    NUMBER(mysql_field_count(mysql), 0);
    set_params("warn", "v");
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_warning_count(mysql), 1);
    SQL(mysql, "SHOW WARNINGS");
    MYSQL_RES *rows = mysql_store_result(mysql);
    TEXT(mysql_fetch_row(rows)[2], is_preloaded() ? "of local" : "of main");
    mysql_free_result(rows);
    mysql_stmt_close(stmt);
    NUMBER(mysql_affected_rows(mysql), -1);
    stmt = prepare_get(mysql);
    FROM_LOCAL(get(stmt, "a"), "1");
    NUMBER(mysql_field_count(mysql), 1);
    SQL(mysql, "SELECT FOUND_ROWS()");
    TEXT(first_cell(mysql), "2");
    mysql_stmt_close(stmt);
}

static void an_error_that_main_would_have_given_is_shown(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    fake_fail(is_preloaded() ? FAKE_LOCAL : FAKE_MAIN, "REPLACE INTO shop.cache VALUES ('a'", 1205,
              "Lock wait timeout exceeded", 1);
    set_params("a", "v");
    NUMBER(mysql_stmt_execute(stmt), 1);
    NUMBER(mysql_stmt_errno(stmt), 1205);
    TEXT(mysql_stmt_error(stmt), "Lock wait timeout exceeded");
    TEXT(mysql_stmt_sqlstate(stmt), "HY000");
    NUMBER(mysql_errno(mysql), 1205);
    put(stmt, "b");
    NUMBER(mysql_stmt_errno(stmt), 0);
    NUMBER(mysql_errno(mysql), 0);
    mysql_stmt_close(stmt);
}

static void the_librarys_own_errors_are_shown(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare(mysql, PUT_CACHE);
    NUMBER(mysql_stmt_execute(stmt), 1);
    NUMBER(mysql_stmt_errno(stmt), 2031);
    bind_params(stmt);
    put(stmt, "a");
    NUMBER(mysql_stmt_send_long_data(stmt, 9, "x", 1), 1);
    NUMBER(mysql_stmt_errno(stmt), 2034);
    put(stmt, "b");
    mysql_stmt_close(stmt);
}

static void a_prepare_that_the_local_master_refuses_is_mains(void) {
    MYSQL *mysql = connect_main();
    fake_fail(FAKE_LOCAL, "/prepare", 1146, "no such table", 1);
    MYSQL_STMT *stmt = prepare_put(mysql);
    size_t from = fake_journal_length();
    put(stmt, "a"); /* the table is there now: the twin is made */
    JOURNAL(from, "local: /prepare " PUT_CACHE "\nlocal: /execute\nlocal: REPLACE*\n");
    fake_fail(FAKE_LOCAL, "/prepare", 1064, "not here", 1);
    fake_fail(FAKE_MAIN, "/prepare", 1064, "an error of main's", 1);
    MYSQL_STMT *wrong = mysql_stmt_init(mysql);
    NUMBER(mysql_stmt_prepare(wrong, GET_CACHE, strlen(GET_CACHE)), 1);
    NUMBER(mysql_stmt_errno(wrong), 1064);
    TEXT(mysql_stmt_error(wrong), "an error of main's");
    mysql_stmt_close(wrong);
    mysql_stmt_close(stmt);
}

static void an_execute_that_the_local_master_refuses_runs_on_main(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    put(stmt, "a");
    fake_fail(FAKE_LOCAL, "('b'", 1290, "read only", 1);
    size_t from = fake_journal_length();
    put(stmt, "b");
    put(stmt, "c");
    JOURNAL(from, "local: /execute\nlocal: REPLACE INTO shop.cache VALUES ('b', 'v')\n"
                  "main: /prepare " PUT_CACHE "\n"
                  "main: /execute\nmain: REPLACE INTO shop.cache VALUES ('b', 'v')\n"
                  "local: /execute\nlocal: REPLACE INTO shop.cache VALUES ('c', 'v')\n");
    mysql_stmt_close(stmt);
}

static void rows_come_from_main_when_the_local_master_refuses(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_get(mysql);
    FROM_LOCAL(get(stmt, "a"), "1");
    fake_fail(FAKE_LOCAL, "'b'", 1146, "no such table", -1);
    TEXT(get(stmt, "b"), "main:1");
    TEXT(get(stmt, "b"), "main:1");
    FROM_LOCAL(get(stmt, "a"), "1");
    TEXT(get(stmt, "b"), "main:1");
    mysql_stmt_close(stmt);
}

static void a_shadow_lost_while_idle_is_prepared_on_again(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_get(mysql);
    FROM_LOCAL(get(stmt, "a"), "1");
    MYSQL_RES *metadata = mysql_stmt_result_metadata(stmt);
    fake_kill_sessions(FAKE_LOCAL);
    size_t from = fake_journal_length();
    FROM_LOCAL(get(stmt, "b"), "1");
    JOURNAL(from, "local2: /connect *\nlocal2: SELECT @@version*\nlocal2: SET SESSION*\n"
                  "local2: /prepare " GET_CACHE "\n"
                  "local2: /execute\nlocal2: SELECT v FROM shop.cache WHERE k = 'b'\n");
    NUMBER(mysql_num_fields(metadata), 1);
    mysql_free_result(metadata);
    mysql_stmt_close(stmt);
}

static void a_local_master_lost_between_prepare_and_execute_costs_nothing_but_time(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_get(mysql);
    MYSQL_STMT *put_one = prepare_put(mysql);
    fake_kill_sessions(FAKE_LOCAL);
    fake_fail_connect(FAKE_LOCAL, 2002, "Can't connect", -1);
    size_t from = fake_journal_length();
    TEXT(get(stmt, "a"), "main:1");
    put(put_one, "a");
    JOURNAL(from, "local2: /connect *\nmain: /prepare " GET_CACHE "\n"
                  "main: /execute\nmain: SELECT v FROM shop.cache WHERE k = 'a'\n"
                  "main: /prepare " PUT_CACHE "\n"
                  "main: /execute\nmain: REPLACE INTO shop.cache VALUES ('a', 'v')\n");
    mysql_stmt_close(stmt);
    mysql_stmt_close(put_one);
}

static void a_shadow_lost_while_rows_are_read_is_a_loss(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_get(mysql);
    set_params("a", "");
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_fetch(stmt), 0);
    fake_kill_sessions(is_preloaded() ? FAKE_LOCAL : FAKE_MAIN);
    NUMBER(mysql_stmt_fetch(stmt), 1);
    NUMBER(mysql_stmt_errno(stmt), 2013);
    if (is_preloaded()) {
        FROM_LOCAL(get(stmt, "b"), "1");
    }
    mysql_stmt_close(stmt);
}

static void long_data_is_sent_to_the_twin_and_again_to_main(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    size_t from = fake_journal_length();
    set_params("a", "");
    NUMBER(mysql_stmt_send_long_data(stmt, 1, "one ", 4), 0);
    NUMBER(mysql_stmt_send_long_data(stmt, 1, "two", 3), 0);
    NUMBER(mysql_stmt_execute(stmt), 0);
    JOURNAL(from, "local: /long_data 1:one \nlocal: /long_data 1:two\n"
                  "local: /execute\nlocal: REPLACE INTO shop.cache VALUES ('a', 'one two')\n");
    put(stmt, "b");
    fake_fail(FAKE_LOCAL, "('c'", 1290, "read only", 1);
    set_params("c", "");
    NUMBER(mysql_stmt_send_long_data(stmt, 1, "three", 5), 0);
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(fake_journal_count(from, FAKE_MAIN, "REPLACE INTO shop.cache VALUES ('c', 'three')"), 1);
    put(stmt, "d");
    put(stmt, "e");
    mysql_stmt_close(stmt);
}

static void long_data_sent_before_a_loss_is_sent_again(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    set_params("a", "");
    NUMBER(mysql_stmt_send_long_data(stmt, 1, "one", 3), 0);
    if (is_preloaded()) {
        fake_kill_sessions(FAKE_LOCAL);
    }
    NUMBER(mysql_stmt_send_long_data(stmt, 1, "two", 3), 0);
    size_t from = fake_journal_length();
    NUMBER(mysql_stmt_execute(stmt), 0);
    JOURNAL(from, "local2: /connect *\nlocal2: SELECT @@version*\nlocal2: SET SESSION*\n"
                  "local2: /prepare " PUT_CACHE "\nlocal2: /long_data 1:one\nlocal2: /long_data 1:two\n"
                  "local2: /execute\nlocal2: REPLACE INTO shop.cache VALUES ('a', 'onetwo')\n");
    mysql_stmt_close(stmt);
}

static void a_reset_takes_back_long_data(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    set_params("a", "v");
    NUMBER(mysql_stmt_send_long_data(stmt, 1, "one", 3), 0);
    NUMBER(mysql_stmt_reset(stmt), 0);
    put(stmt, "b");
    NUMBER(fake_journal_count(0, is_preloaded() ? FAKE_LOCAL : FAKE_MAIN, "('b', 'v')"), 1);
    if (is_preloaded()) { /* a reset on a lost shadow is no error of the application's */
        fake_kill_sessions(FAKE_LOCAL);
    }
    NUMBER(mysql_stmt_reset(stmt), 0);
    put(stmt, "c");
    mysql_stmt_close(stmt);
}

static void more_long_data_than_is_kept_goes_to_main(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    enum { HALF = 600000 };
    char *data = malloc(HALF);
    memset(data, 'x', HALF);
    set_params("a", "");
    NUMBER(mysql_stmt_send_long_data(stmt, 1, data, HALF), 0);
    size_t from = fake_journal_length();
    NUMBER(mysql_stmt_send_long_data(stmt, 1, data, HALF), 0);
    JOURNAL(from, "main: /prepare " PUT_CACHE "\nmain: /long_data 1:x*\nmain: /long_data 1:x*\n");
    from = fake_journal_length();
    NUMBER(mysql_stmt_execute(stmt), 0);
    JOURNAL(from, "main: /execute\nmain: REPLACE INTO shop.cache VALUES ('a', 'xxx*\n");
    free(data);
    mysql_stmt_close(stmt);
}

static void a_statement_is_prepared_with_another_text(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    put(stmt, "a");
    size_t from = fake_journal_length();
    NUMBER(mysql_stmt_prepare(stmt, PUT_MAIN, strlen(PUT_MAIN)), 0);
    NUMBER(mysql_stmt_param_count(stmt), 1);
    bind_params(stmt);
    put(stmt, "b");
    NUMBER(mysql_stmt_prepare(stmt, GET_CACHE, strlen(GET_CACHE)), 0);
    NUMBER(mysql_stmt_field_count(stmt), 1);
    bind_params(stmt);
    bind_cell(stmt);
    FROM_LOCAL(get(stmt, "c"), "1");
    NUMBER(mysql_stmt_prepare(stmt, PUT_MAIN, strlen(PUT_MAIN)), 0);
    bind_params(stmt);
    put(stmt, "d");
    JOURNAL(from, "local: /stmt_close\nmain: /prepare " PUT_MAIN "\nmain: /execute\nmain: INSERT*\n"
                  "local: /prepare " GET_CACHE "\nlocal: /execute\nlocal: SELECT*\n"
                  "local: /stmt_close\nmain: /stmt_close\nmain: /prepare " PUT_MAIN
                  "\nmain: /execute\nmain: INSERT*\n");
    mysql_stmt_close(stmt);
}

static void a_transaction_is_followed(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    size_t from = fake_journal_length();
    SQL(mysql, "BEGIN");
    put(stmt, "a");
    SQL(mysql, "ROLLBACK");
    put(stmt, "b");
    JOURNAL(from, "main: BEGIN\nlocal: START TRANSACTION\nlocal: /execute\nlocal: REPLACE*\n"
                  "main: ROLLBACK\nlocal: ROLLBACK\nlocal: /execute\nlocal: REPLACE*\n");
    mysql_stmt_close(stmt);
}

static void a_group_that_passes_in_a_transaction_runs_on_main_there(void) {
    static const char text[] = "REPLACE INTO shop.careful VALUES (?, ?)";
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare(mysql, text);
    bind_params(stmt);
    put(stmt, "a");
    SQL(mysql, "BEGIN");
    size_t from = fake_journal_length();
    put(stmt, "b");
    put(stmt, "c");
    JOURNAL(
        from,
        "main: /prepare REPLACE*\nmain: /execute\nmain: REPLACE*'b'*\nmain: /execute\nmain: REPLACE*'c'*\n");
    SQL(mysql, "COMMIT");
    from = fake_journal_length();
    put(stmt, "d");
    JOURNAL(from, "local: /execute\nlocal: REPLACE*'d'*\n");
    mysql_stmt_close(stmt);
}

static void a_statement_prepared_in_a_transaction_that_passes_gets_its_twin_later(void) {
    static const char text[] = "REPLACE INTO shop.careful VALUES (?, ?)";
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "BEGIN");
    size_t from = fake_journal_length();
    MYSQL_STMT *stmt = prepare(mysql, text);
    bind_params(stmt);
    put(stmt, "a");
    SQL(mysql, "COMMIT");
    put(stmt, "b");
    JOURNAL(from, "main: /prepare REPLACE*\nmain: /execute\nmain: REPLACE*'a'*\nmain: COMMIT\n"
                  "local: /prepare REPLACE*\nlocal: /execute\nlocal: REPLACE*'b'*\n");
    mysql_stmt_close(stmt);
}

static void a_temporary_table_hides_the_table_from_its_statements(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_get(mysql);
    FROM_LOCAL(get(stmt, "a"), "1");
    SQL(mysql, "CREATE TEMPORARY TABLE shop.cache (k INT)");
    TEXT(get(stmt, "a"), "main:1");
    SQL(mysql, "DROP TEMPORARY TABLE shop.cache");
    FROM_LOCAL(get(stmt, "a"), "1");
    SQL(mysql, "LOCK TABLES shop.cache READ");
    TEXT(get(stmt, "a"), "main:1");
    SQL(mysql, "UNLOCK TABLES");
    FROM_LOCAL(get(stmt, "a"), "1");
    mysql_stmt_close(stmt);
}

static void names_mean_what_they_meant_when_it_was_prepared(void) {
    static const char text[] = "REPLACE INTO cache VALUES (?, ?)";
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare(mysql, text);
    bind_params(stmt);
    put(stmt, "a");
    SQL(mysql, "USE elsewhere");
    size_t from = fake_journal_length();
    put(stmt, "b"); /* the twin is there: nothing but the shadow's own USE */
    JOURNAL(from, "local: /init_db elsewhere\nlocal: /execute\nlocal: REPLACE*\n");
    fake_fail(FAKE_LOCAL, "'c'", 1290, "read only", 1);
    from = fake_journal_length();
    put(stmt, "c"); /* prepared on main now, in the database of then */
    JOURNAL(
        from,
        "local: /execute\nlocal: REPLACE*\n"
        "main: /init_db shop\nmain: /prepare *\nmain: /init_db elsewhere\nmain: /execute\nmain: REPLACE*\n");
    if (is_preloaded()) {
        fake_kill_sessions(FAKE_LOCAL);
    }
    from = fake_journal_length();
    put(stmt, "d");
    JOURNAL(from, "local2: /connect */elsewhere*\nlocal2: SELECT @@version*\nlocal2: SET*\n"
                  "local2: /init_db shop\nlocal2: /prepare *\nlocal2: /init_db elsewhere\n"
                  "local2: /execute\nlocal2: REPLACE*\n");
    mysql_stmt_close(stmt);
}

static void the_same_text_prepared_elsewhere_is_another_table(void) {
    static const char text[] = "REPLACE INTO cache VALUES (?, ?)";
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "USE elsewhere");
    MYSQL_STMT *stmt = prepare(mysql, text);
    bind_params(stmt);
    SQL(mysql, "USE shop");
    size_t from = fake_journal_length();
    put(stmt, "a");
    JOURNAL(from, "main: /execute\nmain: REPLACE*\n");
    mysql_stmt_close(stmt);
}

static void bytes_that_another_mode_reads_otherwise_are_not_prepared_again(void) {
    static const char text[] = "REPLACE INTO shop.cache VALUES (\"x\", ?)";
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare(mysql, text);
    bind_params(stmt);
    put(stmt, "a");
    SQL(mysql, "SET SESSION sql_mode = 'ANSI_QUOTES'");
    put(stmt, "b"); /* read when it was prepared */
    NUMBER(fake_journal_count(0, FAKE_MAIN, "/execute"), is_preloaded() ? 0 : 2);
    if (is_preloaded()) {
        fake_kill_sessions(FAKE_LOCAL);
    }
    put(stmt, "c");
    NUMBER(fake_journal_count(0, FAKE_MAIN, "/execute"), is_preloaded() ? 1 : 3);
    mysql_stmt_close(stmt);
}

static void attributes_are_the_twins_too(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    unsigned long cursor = 1;
    NUMBER(mysql_stmt_attr_set(stmt, STMT_ATTR_CURSOR_TYPE, &cursor), 0);
    NUMBER(mysql_stmt_prepare(stmt, GET_CACHE, strlen(GET_CACHE)), 0);
    bind_params(stmt);
    bind_cell(stmt);
    set_params("a", "");
    size_t from = fake_journal_length();
    NUMBER(mysql_stmt_execute(stmt), 0);
    JOURNAL(from, "local: /execute cursor\nlocal: SELECT*\n");
    SQL(mysql, INSERT_MAIN); /* a cursor leaves its connection free */
    NUMBER(mysql_stmt_fetch(stmt), 0);
    FROM_LOCAL(cell, "1");
    fake_fail(FAKE_LOCAL, "'b'", 1290, "read only", 1);
    set_params("b", "");
    from = fake_journal_length();
    NUMBER(mysql_stmt_execute(stmt), 0);
    JOURNAL(from, "local: *\nlocal: SELECT*\nmain: /prepare*\nmain: /execute cursor\nmain: SELECT*\n");
    cursor = 0;
    NUMBER(mysql_stmt_attr_set(stmt, STMT_ATTR_CURSOR_TYPE, &cursor), 0);
    unsigned long said = 9;
    NUMBER(mysql_stmt_attr_get(stmt, STMT_ATTR_CURSOR_TYPE, &said), 0);
    NUMBER(said, 0);
    set_params("c", "");
    from = fake_journal_length();
    NUMBER(mysql_stmt_execute(stmt), 0);
    JOURNAL(from, "local: /execute\nlocal: SELECT*\n");
    NUMBER(mysql_stmt_attr_set(stmt, 99, &cursor), 1);
    mysql_stmt_close(stmt);
}

static void bulk_binds_are_routed(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare(mysql, PUT_CACHE);
    unsigned rows = 2;
    NUMBER(mysql_stmt_attr_set(stmt, STMT_ATTR_ARRAY_SIZE, &rows), 0);
    const char *keys[] = {"a", "b"}, *values[] = {"one", "two"};
    unsigned long lengths[] = {1, 1}, value_lengths[] = {3, 3};
    MYSQL_BIND binds[2] = {{.buffer_type = TYPE_STRING, .buffer = keys, .length = lengths},
                           {.buffer_type = TYPE_STRING, .buffer = values, .length = value_lengths}};
    NUMBER(mysql_stmt_bind_param(stmt, binds), 0);
    size_t from = fake_journal_length();
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_affected_rows(stmt), 2);
    fake_fail(FAKE_LOCAL, "/execute", 0, NULL, 0);
    fake_fail(FAKE_LOCAL, "('a'", 1290, "read only", 1);
    NUMBER(mysql_stmt_execute(stmt), 0);
    JOURNAL(from, "local: /execute bulk\nlocal: *('a', 'one')\nlocal: *('b', 'two')\n"
                  "local: /execute bulk\nlocal: *('a', 'one')\nmain: /prepare *\n"
                  "main: /execute bulk\nmain: *('a', 'one')\nmain: *('b', 'two')\n");
    mysql_stmt_close(stmt);
}

static void a_statement_with_call_backs_is_mains(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    put(stmt, "a");
    NUMBER(mysql_stmt_attr_set(stmt, 205, NULL), 0); /* STMT_ATTR_CB_PARAM */
    size_t from = fake_journal_length();
    put(stmt, "b");
    JOURNAL(from, "main: /execute\nmain: REPLACE*\n");
    mysql_stmt_close(stmt);
}

static void a_text_executed_directly_is_routed(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    NUMBER(mariadb_stmt_execute_direct(stmt, REPLACE_CACHE, (size_t)-1), 0);
    NUMBER(mysql_stmt_affected_rows(stmt), 1);
    unsigned params = 2;
    NUMBER(mysql_stmt_attr_set(stmt, STMT_ATTR_PREBIND_PARAMS, &params), 0);
    bind_params(stmt);
    set_params("a", "v");
    size_t from = fake_journal_length();
    NUMBER(mariadb_stmt_execute_direct(stmt, PUT_CACHE, strlen(PUT_CACHE)), 0);
    set_params("b", "v");
    NUMBER(mysql_stmt_execute(stmt), 0);
    fake_fail(FAKE_LOCAL, "'c'", 1290, "read only", 1);
    set_params("c", "v");
    NUMBER(mysql_stmt_execute(stmt), 0);
    JOURNAL(from, "local: /prepare " PUT_CACHE "\nlocal: /execute\nlocal: *('a', 'v')\n"
                  "local: /execute\nlocal: *('b', 'v')\nlocal: /execute\nlocal: *('c', 'v')\n"
                  "main: /prepare *\nmain: /execute\nmain: *('c', 'v')\n");
    NUMBER(mariadb_stmt_execute_direct(stmt, INSERT_MAIN, strlen(INSERT_MAIN)), 0);
    mysql_stmt_close(stmt);
}

static void names_of_parameters_are_query_attributes_for_main(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare(mysql, PUT_CACHE);
    MYSQL_BIND binds[3] = {
        {.buffer_type = TYPE_STRING, .buffer = key, .buffer_length = sizeof key, .length = &key_length},
        {.buffer_type = TYPE_STRING, .buffer = value, .buffer_length = sizeof value, .length = &value_length},
        {.buffer_type = TYPE_STRING,
         .buffer = value,
         .buffer_length = sizeof value,
         .length = &value_length}};
    const char *names[] = {NULL, NULL, "trace"};
    NUMBER(mysql_stmt_bind_named_param(stmt, binds, 2, NULL), 0);
    size_t from = fake_journal_length();
    put(stmt, "a");
    NUMBER(mysql_stmt_bind_named_param(stmt, binds, 3, names), 0);
    put(stmt, "b");
    JOURNAL(from, "local: /execute\nlocal: REPLACE*\nmain: /prepare*\nmain: /execute\nmain: REPLACE*\n");
    mysql_stmt_close(stmt);
}

static void unread_rows_of_a_routed_statement_stop_all_others(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_get(mysql);
    MYSQL_STMT *other = prepare_put(mysql);
    MYSQL_STMT *mains = prepare(mysql, PUT_MAIN);
    bind_params(mains);
    set_params("a", "");
    NUMBER(mysql_stmt_execute(stmt), 0);
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, INSERT_MAIN), 1);
    NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
    NUMBER(mysql_query(mysql, REPLACE_CACHE), 1);
    NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
    NUMBER(mysql_ping(mysql), 1);
    NUMBER(mysql_stmt_execute(other), 1);
    NUMBER(mysql_stmt_errno(other), OUT_OF_SYNC);
    NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
    NUMBER(mysql_stmt_execute(mains), 1);
    NUMBER(mysql_stmt_errno(mains), OUT_OF_SYNC);
    MYSQL_STMT *third = mysql_stmt_init(mysql);
    NUMBER(mysql_stmt_prepare(third, PUT_CACHE, strlen(PUT_CACHE)), 1);
    NUMBER(mysql_stmt_errno(third), OUT_OF_SYNC);
    JOURNAL(from, "");
    NUMBER(mysql_stmt_fetch(stmt), 0);
    FROM_LOCAL(cell, "1");
    NUMBER(mysql_stmt_free_result(stmt), 0);
    SQL(mysql, INSERT_MAIN);
    put(other, "b");
    put(mains, "c");
    MYSQL_STMT *all[] = {stmt, other, mains, third};
    for (size_t i = 0; i < 4; i++) {
        mysql_stmt_close(all[i]);
    }
}

static void unread_rows_of_main_stop_a_routed_statement(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    SQL(mysql, SELECT_MAIN);
    MYSQL_RES *rows = mysql_use_result(mysql);
    set_params("a", "v");
    size_t from = fake_journal_length();
    NUMBER(mysql_stmt_execute(stmt), 1);
    NUMBER(mysql_stmt_errno(stmt), OUT_OF_SYNC);
    NUMBER(mysql_errno(mysql), fake_is_oracle() ? 0 : OUT_OF_SYNC); /* it says so of the statement alone */
    JOURNAL(from, "");
    mysql_free_result(rows);
    put(stmt, "b");
    mysql_stmt_close(stmt);
}

static void a_statement_gives_up_its_own_rows_when_it_is_used_again(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_get(mysql);
    set_params("a", "");
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_fetch(stmt), 0);
    FROM_LOCAL(get(stmt, "b"), "1");
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_prepare(stmt, PUT_CACHE, strlen(PUT_CACHE)), 0);
    bind_params(stmt);
    put(stmt, "c");
    NUMBER(mysql_stmt_prepare(stmt, GET_CACHE, strlen(GET_CACHE)), 0);
    bind_params(stmt);
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_close(stmt), 0); /* with its rows unread */
    SQL(mysql, INSERT_MAIN);
}

static void a_statement_closed_by_a_garbage_collector_leaves_a_result_alone(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *old = prepare_put(mysql);
    put(old, "a");
    SQL(mysql, SELECT_CACHE);
    size_t from = fake_journal_length();
    NUMBER(mysql_stmt_close(old), 0);
    JOURNAL(from, "");
    FROM_LOCAL(first_cell(mysql), "1");
    MYSQL_STMT *stmt = prepare_get(mysql);
    MYSQL_STMT *second = prepare_put(mysql);
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_free_result(second), 0);
    NUMBER(mysql_stmt_reset(second), 0);
    NUMBER(mysql_stmt_close(second), 0);
    NUMBER(mysql_stmt_fetch(stmt), 0);
    FROM_LOCAL(cell, "1");
    NUMBER(mysql_stmt_free_result(stmt), 0);
    from = fake_journal_length();
    FROM_LOCAL(get(stmt, "b"), "1");
    JOURNAL(from, "local: /stmt_close\nlocal: /execute\nlocal: SELECT*\n");
    mysql_stmt_close(stmt);
}

static void handles_and_statements_are_closed_in_either_order(void) {
    for (int round = 0; round < 2; round++) {
        MYSQL *mysql = connect_main();
        MYSQL_STMT *stmt = prepare_get(mysql);
        FROM_LOCAL(get(stmt, "a"), "1");
        NUMBER(mysql_stmt_execute(stmt), 0);
        NUMBER(mysql_stmt_store_result(stmt), 0);
        if (round == 0) {
            mysql_close(mysql);
            NUMBER(mysql_stmt_fetch(stmt), 0);
            FROM_LOCAL(cell, "1");
            NUMBER(mysql_stmt_execute(stmt), 1);
            TRUE_THAT(mysql_stmt_errno(stmt) != 0);
            NUMBER(mysql_stmt_close(stmt), 0);
        } else {
            NUMBER(mysql_stmt_close(stmt), 0);
            mysql_close(mysql);
        }
    }
    NUMBER(fake_alive(), 0);
}

#define PUT_WARNED "REPLACE INTO shop.cache VALUES ('warn', 'v')"

/* To MySQL's server it is a statement like any other. */
static void a_prepare_has_a_list_of_warnings_of_its_own(void) {
    fake_set_global(FAKE_MAIN, "version", "9.7.4");
    fake_set_global(FAKE_LOCAL, "version", "9.7.4");
    MYSQL *mysql = connect_main();
    SQL(mysql, PUT_WARNED);
    NUMBER(mysql_warning_count(mysql), 1);
    MYSQL_STMT *stmt = prepare(mysql, PUT_MAIN);
    NUMBER(mysql_warning_count(mysql), 0);
    size_t from = fake_journal_length();
    SQL(mysql, "SHOW WARNINGS");
    first_cell(mysql);
    JOURNAL(from, "main: SHOW WARNINGS\n");
    mysql_stmt_close(stmt);
    SQL(mysql, PUT_WARNED);
    SQL(mysql, INSERT_MAIN);
    stmt = prepare(mysql, GET_CACHE);
    NUMBER(mysql_warning_count(mysql), 0);
    from = fake_journal_length();
    SQL(mysql, "SHOW WARNINGS");
    first_cell(mysql);
    JOURNAL(from, "local: SHOW WARNINGS\n");
    mysql_stmt_close(stmt);
}

static void a_prepare_is_without_warnings(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, PUT_WARNED);
    MYSQL_STMT *stmt = prepare(mysql, PUT_MAIN);
    NUMBER(mysql_warning_count(mysql), 0);
    mysql_stmt_close(stmt);
}

static void a_changed_user_ends_the_statements(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    put(stmt, "a");
    NUMBER(mysql_change_user(mysql, "other", "secret2", "shop"), 0);
    size_t from = fake_journal_length();
    NUMBER(mysql_stmt_errno(stmt), 2056); /* without being asked anything */
    NUMBER(mysql_stmt_execute(stmt), 1);
    NUMBER(mysql_stmt_errno(stmt), 2056);
    JOURNAL(from, "");
    NUMBER(mysql_stmt_close(stmt), 0);
    stmt = prepare_put(mysql);
    put(stmt, "b");
    fake_fail(FAKE_MAIN, "/change_user", 1045, "Access denied", 1);
    NUMBER(mysql_change_user(mysql, "other", "secret2", "shop"), 1);
    NUMBER(mysql_stmt_errno(stmt), 2056); /* without being asked anything */
    NUMBER(mysql_stmt_execute(stmt), 1);
    NUMBER(mysql_stmt_errno(stmt), 2056);
    mysql_stmt_close(stmt);
    stmt = prepare_put(mysql);
    NUMBER(mysql_reset_connection(mysql), 0);
    NUMBER(mysql_stmt_errno(stmt), 2056); /* without being asked anything */
    NUMBER(mysql_stmt_execute(stmt), 1);
    NUMBER(mysql_stmt_errno(stmt), 2056);
    mysql_stmt_close(stmt);
}

static void a_changed_user_ends_what_was_said_of_a_statement(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    SQL(mysql, SELECT_MAIN);
    MYSQL_RES *rows = mysql_use_result(mysql);
    set_params("a", "v");
    NUMBER(mysql_stmt_execute(stmt), 1);
    NUMBER(mysql_stmt_errno(stmt), OUT_OF_SYNC);
    mysql_free_result(rows);
    NUMBER(mysql_change_user(mysql, "other", "secret2", "shop"), 0);
    NUMBER(mysql_stmt_errno(stmt), 2056); /* without being asked anything */
    TRUE_THAT(strstr(mysql_stmt_error(stmt), "closed") != NULL);
    mysql_stmt_close(stmt);
}

/* In Oracle's library every OK packet has an insert_id, the one of a reset none. */
static void a_reset_ends_in_an_ok_packet(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    put(stmt, "a");
    SQL(mysql, INSERT_MAIN);
    unsigned long long id = mysql_insert_id(mysql);
    TRUE_THAT(id > 0);
    NUMBER(mysql_stmt_reset(stmt), 0);
    NUMBER(mysql_insert_id(mysql), fake_is_oracle() ? 0 : id);
    mysql_stmt_close(stmt);
}

static void what_asks_nobody_leaves_what_was_said_of_the_last_call(void) {
    static const char two[] = "Records: 2  Duplicates: 0  Warnings: 0";
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    MYSQL_STMT *mains = prepare(mysql, PUT_MAIN);
    put(stmt, "a");
    SQL(mysql, "INSERT INTO shop.users VALUES (1), (2)");
    NUMBER(mysql_stmt_next_result(stmt), -1);
    TEXT(mysql_info(mysql), two);
    NUMBER(mysql_errno(mysql), 0);
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('a', 'v'), ('b', 'v')");
    NUMBER(mysql_stmt_next_result(mains), -1);
    TEXT(mysql_info(mysql), two);
    if (fake_is_oracle()) {
        NUMBER(mysql_affected_rows(mysql), -1);
        fake_fail(FAKE_MAIN, "prepare", 1064, "You have an error", 1);
        MYSQL_STMT *failed = mysql_stmt_init(mysql);
        NUMBER(mysql_stmt_prepare(failed, PUT_MAIN, strlen(PUT_MAIN)), 1);
        SQL(mysql, "REPLACE INTO shop.cache VALUES ('a', 'v'), ('b', 'v')");
        NUMBER(mysql_stmt_next_result(failed), 1064);
        TEXT(mysql_info(mysql), two);
        NUMBER(mysql_affected_rows(mysql), 2);
        NUMBER(mysql_stmt_reset(failed), 0);
        TEXT(mysql_info(mysql), two);
        NUMBER(mysql_affected_rows(mysql), 2);
        mysql_stmt_close(failed);
    }
    mysql_stmt_close(mains);
    mysql_stmt_close(stmt);
}

static void a_reconnect_ends_the_statements(void) {
    MYSQL *mysql = mysql_init(NULL);
    my_bool on = 1;
    mysql_options(mysql, fake_is_oracle() ? 15 : 20, &on);
    mysql_real_connect(mysql, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0);
    MYSQL_STMT *stmt = prepare_put(mysql);
    put(stmt, "a");
    fake_kill_sessions(FAKE_MAIN);
    NUMBER(mysql_ping(mysql), 0);
    NUMBER(mysql_stmt_errno(stmt), 2013); /* without being asked anything */
    NUMBER(mysql_stmt_execute(stmt), 1);
    NUMBER(mysql_stmt_errno(stmt), fake_is_oracle() ? 2013 : 2014);
    TRUE_THAT(strlen(mysql_stmt_error(stmt)) > 10);
    if (!fake_is_oracle()) { /* Oracle's knows the connection no more */
        NUMBER(mysql_stmt_prepare(stmt, PUT_CACHE, strlen(PUT_CACHE)), 0);
        bind_params(stmt);
        put(stmt, "b");
    }
    mysql_stmt_close(stmt);
    stmt = prepare_put(mysql);
    SQL(mysql, SELECT_MAIN);
    MYSQL_RES *rows = mysql_use_result(mysql);
    set_params("c", "v");
    NUMBER(mysql_stmt_execute(stmt), 1);
    NUMBER(mysql_stmt_errno(stmt), OUT_OF_SYNC);
    mysql_free_result(rows);
    fake_kill_sessions(FAKE_MAIN);
    NUMBER(mysql_ping(mysql), 0);
    NUMBER(mysql_stmt_errno(stmt), 2013);
    mysql_stmt_close(stmt);
    mysql_close(mysql);
}

static void a_forked_child_has_twins_of_its_own(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    MYSQL_STMT *second = prepare_get(mysql);
    put(stmt, "a");
    size_t from = fake_journal_length();
    pid_t child = fork();
    if (child == 0) {
        put(stmt, "child");
        mysql_stmt_close(second);
        mysql_stmt_close(stmt);
        _exit(claims_failed());
    }
    int status = 1;
    waitpid(child, &status, 0);
    NUMBER(status, 0);
    if (is_preloaded()) { /* not a byte on the parent's */
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "/connect"), 1);
        char *journal = fake_journal(from);
        TRUE_THAT(!strstr(journal, "child local: "));
        free(journal);
    }
    put(stmt, "b");
    FROM_LOCAL(get(second, "a"), "1");
    mysql_stmt_close(stmt);
    mysql_stmt_close(second);
}

/* As DBD::mysql does. */
static void what_a_program_writes_into_its_statement_is_taken(void) {
    char longer[100] = "", other[40] = "other";
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = prepare_put(mysql);
    put(stmt, "a");
    fake_show(stmt).params[0].buffer = other;
    value_length = key_length = 5;
    size_t from = fake_journal_length();
    NUMBER(mysql_stmt_execute(stmt), 0);
    fake_fail(FAKE_LOCAL, "'other'", 1290, "read only", 1);
    NUMBER(mysql_stmt_execute(stmt), 0);
    JOURNAL(from, "local: /execute\nlocal: *('other', *)\nlocal: /execute\nlocal: *('other', *)\n"
                  "main: /prepare*\nmain: /execute\nmain: *('other', *)\n");
    fake_show(stmt).params[0].buffer = key;
    put(stmt, "c");
    NUMBER(fake_journal_count(from, is_preloaded() ? FAKE_LOCAL : FAKE_MAIN, "('c'"), 1);
    mysql_stmt_close(stmt);
    stmt = prepare_get(mysql);
    NUMBER(mysql_stmt_execute(stmt), 0);
    TEXT(fake_show(stmt).fields, "v");
    fake_show(stmt).binds[0].buffer = longer;
    NUMBER(mysql_stmt_fetch(stmt), 0);
    FROM_LOCAL(longer, "1");
    NUMBER(mysql_stmt_free_result(stmt), 0);
    fake_fail(FAKE_LOCAL, "SELECT", 1290, "read only", 1);
    NUMBER(mysql_stmt_execute(stmt), 0);
    TEXT(fake_show(stmt).fields, "v");
    NUMBER(mysql_stmt_fetch(stmt), 0);
    TEXT(longer, "main:1");
    mysql_stmt_close(stmt);
}

static void a_prepared_set_is_followed(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *put_one = prepare_put(mysql);
    MYSQL_STMT *set = prepare(mysql, "SET time_zone = '+05:00'");
    NUMBER(mysql_stmt_execute(set), 0);
    size_t from = fake_journal_length();
    put(put_one, "a");
    JOURNAL(from, "local: SET *time_zone*+05:00*\nlocal: /execute\nlocal: REPLACE*\n");
    MYSQL_STMT *begin = prepare(mysql, "CALL begins()");
    NUMBER(mysql_stmt_execute(begin), 0);
    from = fake_journal_length();
    put(put_one, "b");
    SQL(mysql, "ROLLBACK");
    TRUE_THAT(!is_preloaded() || fake_journal_count(from, FAKE_LOCAL, "ROLLBACK") == 1);
    mysql_stmt_close(set);
    mysql_stmt_close(begin);
    mysql_stmt_close(put_one);
}

static void a_statement_of_a_driver_without_autocommit_ends_at_the_local_master(void) {
    MYSQL *mysql = connect_main();
    mysql_autocommit(mysql, 0);
    MYSQL_STMT *stmt = prepare_put(mysql);
    put(stmt, "a");
    size_t from = fake_journal_length();
    NUMBER(mysql_commit(mysql), 0);
    JOURNAL(from, "local: COMMIT\n");
    put(stmt, "b");
    mysql_rollback(mysql);
    mysql_stmt_close(stmt);
}

static void non_blocking_calls_of_a_routed_statement_end_at_once(void) {
    MYSQL *mysql = connect_main();
    fake_stops = 2;
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    int result = 9;
    my_bool failed = 9;
    int waits = is_preloaded() ? 0 : 1;
    NUMBER(mysql_stmt_prepare_start(&result, stmt, GET_CACHE, strlen(GET_CACHE)), waits);
    while (result == 9 && mysql_stmt_prepare_cont(&result, stmt, 1)) {
    }
    NUMBER(result, 0);
    bind_params(stmt);
    bind_cell(stmt);
    set_params("a", "");
    result = 9;
    NUMBER(mysql_stmt_execute_start(&result, stmt), waits);
    while (result == 9 && mysql_stmt_execute_cont(&result, stmt, 1)) {
    }
    NUMBER(result, 0);
    result = 9;
    NUMBER(mysql_stmt_store_result_start(&result, stmt), 0);
    NUMBER(result, 0);
    result = 9;
    NUMBER(mysql_stmt_fetch_start(&result, stmt), 0);
    NUMBER(result, 0);
    FROM_LOCAL(cell, "1");
    NUMBER(mysql_stmt_free_result_start(&failed, stmt), 0);
    NUMBER(failed, 0);
    NUMBER(mysql_stmt_send_long_data_start(&failed, stmt, 0, "x", 1), 0);
    NUMBER(failed, 0);
    NUMBER(mysql_stmt_reset_start(&failed, stmt), 0);
    NUMBER(failed, 0);
    NUMBER(mysql_stmt_next_result_start(&result, stmt), 0);
    NUMBER(result, -1);
    if (is_preloaded()) {
        fake_fail(FAKE_LOCAL, "SELECT", 1290, "read only", 1);
        result = 9;
        NUMBER(mysql_stmt_execute_start(&result, stmt), 1);
        while (result == 9 && mysql_stmt_execute_cont(&result, stmt, 1)) {
        }
        NUMBER(result, 0);
        NUMBER(mysql_stmt_fetch_start(&result, stmt), 0);
        NUMBER(result, 0);
        TEXT(cell, "main:1");
    }
    NUMBER(mysql_stmt_close_start(&failed, stmt), 0);
}

static void nothing_is_left_behind(void) {
    for (int i = 0; i < 50; i++) {
        MYSQL *mysql = connect_main();
        MYSQL_STMT *stmt = prepare_get(mysql);
        get(stmt, "a");
        if (i % 3 == 0 && is_preloaded()) {
            fake_kill_sessions(FAKE_LOCAL);
        }
        get(stmt, "b");
        MYSQL_STMT *second = prepare_put(mysql);
        NUMBER(mysql_stmt_execute(stmt), 0);
        mysql_stmt_close(second);
        if (i % 2) {
            mysql_stmt_close(stmt);
        }
        mysql_close(mysql);
        if (i % 2 == 0) {
            mysql_stmt_close(stmt);
        }
    }
    NUMBER(fake_alive(), 0);
}

static const struct claim CLAIMS[] = {
    CLAIM(a_cache_statement_is_prepared_and_executed_at_the_local_master_only, "18", EVERYWHERE),
    CLAIM(rows_are_fetched_from_the_local_master, "18", EVERYWHERE),
    CLAIM(positions_in_stored_rows_are_kept, "18", EVERYWHERE),
    CLAIM(truncation_and_null_are_reported, "18", EVERYWHERE),
    CLAIM(other_statements_run_on_main_as_ever, "18", EVERYWHERE),
    CLAIM(a_question_mark_in_plain_text_goes_to_main, "18", EVERYWHERE),
    CLAIM(the_accessors_of_the_connection_follow, "4, 54, 55", EVERYWHERE),
    CLAIM(an_error_that_main_would_have_given_is_shown, "18", EVERYWHERE),
    CLAIM(the_librarys_own_errors_are_shown, "18", EVERYWHERE),
    CLAIM(a_prepare_that_the_local_master_refuses_is_mains, "31", EVERYWHERE),
    CLAIM(an_execute_that_the_local_master_refuses_runs_on_main, "31", EVERYWHERE),
    CLAIM(rows_come_from_main_when_the_local_master_refuses, "31", SHIM_ONLY),
    CLAIM(a_shadow_lost_while_idle_is_prepared_on_again, "31", EVERYWHERE),
    CLAIM(a_local_master_lost_between_prepare_and_execute_costs_nothing_but_time, "31", EVERYWHERE),
    CLAIM(a_shadow_lost_while_rows_are_read_is_a_loss, "32", EVERYWHERE),
    CLAIM(long_data_is_sent_to_the_twin_and_again_to_main, "18", SHIM_ONLY),
    CLAIM(long_data_sent_before_a_loss_is_sent_again, "31", EVERYWHERE),
    CLAIM(a_reset_takes_back_long_data, "18", EVERYWHERE),
    CLAIM(more_long_data_than_is_kept_goes_to_main, "36", EVERYWHERE),
    CLAIM(a_statement_is_prepared_with_another_text, "18", EVERYWHERE),
    CLAIM(a_transaction_is_followed, "10", EVERYWHERE),
    CLAIM(a_group_that_passes_in_a_transaction_runs_on_main_there, "49", EVERYWHERE),
    CLAIM(a_statement_prepared_in_a_transaction_that_passes_gets_its_twin_later, "49", EVERYWHERE),
    CLAIM(a_temporary_table_hides_the_table_from_its_statements, "50, 51", SHIM_ONLY),
    CLAIM(names_mean_what_they_meant_when_it_was_prepared, "42", EVERYWHERE),
    CLAIM(the_same_text_prepared_elsewhere_is_another_table, "42", EVERYWHERE),
    CLAIM(bytes_that_another_mode_reads_otherwise_are_not_prepared_again, "43, 68", EVERYWHERE),
    CLAIM(attributes_are_the_twins_too, "18", EVERYWHERE),
    CLAIM(bulk_binds_are_routed, "18", MARIADB_ONLY),
    CLAIM(a_statement_with_call_backs_is_mains, "18", MARIADB_ONLY),
    CLAIM(a_text_executed_directly_is_routed, "18", MARIADB_ONLY),
    CLAIM(names_of_parameters_are_query_attributes_for_main, "11", ORACLE_ONLY),
    CLAIM(unread_rows_of_a_routed_statement_stop_all_others, "1, 18", EVERYWHERE),
    CLAIM(unread_rows_of_main_stop_a_routed_statement, "2, 18", EVERYWHERE),
    CLAIM(a_statement_gives_up_its_own_rows_when_it_is_used_again, "18", EVERYWHERE),
    CLAIM(a_statement_closed_by_a_garbage_collector_leaves_a_result_alone, "19", EVERYWHERE),
    CLAIM(handles_and_statements_are_closed_in_either_order, "9", EVERYWHERE),
    CLAIM(a_reset_ends_in_an_ok_packet, "4", EVERYWHERE),
    CLAIM(a_prepare_has_a_list_of_warnings_of_its_own, "54", EVERYWHERE),
    CLAIM(a_prepare_is_without_warnings, "54", EVERYWHERE),
    CLAIM(a_changed_user_ends_the_statements, "34", EVERYWHERE),
    CLAIM(a_changed_user_ends_what_was_said_of_a_statement, "34", EVERYWHERE),
    CLAIM(what_asks_nobody_leaves_what_was_said_of_the_last_call, "5", EVERYWHERE),
    CLAIM(a_reconnect_ends_the_statements, "7", EVERYWHERE),
    CLAIM(a_forked_child_has_twins_of_its_own, "26", UNSANITIZED_ONLY),
    CLAIM(what_a_program_writes_into_its_statement_is_taken, "28", EVERYWHERE),
    CLAIM(a_prepared_set_is_followed, "45", EVERYWHERE),
    CLAIM(a_statement_of_a_driver_without_autocommit_ends_at_the_local_master, "10", EVERYWHERE),
    CLAIM(non_blocking_calls_of_a_routed_statement_end_at_once, "17", MARIADB_ONLY),
    CLAIM(nothing_is_left_behind, "8", EVERYWHERE),
};

int main(int argc, char **argv) {
    return RUN_CLAIMS(CLAIMS);
}
