/* Prepared statements beside text. */
#define _GNU_SOURCE
#include "c_app.h"

#include <string.h>

static MYSQL_STMT *prepare(MYSQL *mysql, const char *text) {
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    int result = mysql_stmt_prepare(stmt, text, strlen(text));
    say("prepare %d %u %s", result, mysql_stmt_errno(stmt), mysql_stmt_error(stmt));
    tell(mysql, text, result);
    return stmt;
}

static void execute(MYSQL *mysql, MYSQL_STMT *stmt) {
    int result = mysql_stmt_execute(stmt);
    say("execute %d %u '%s' affected %lld id %llu", result, mysql_stmt_errno(stmt), mysql_stmt_error(stmt),
        (long long)mysql_stmt_affected_rows(stmt), (unsigned long long)mysql_stmt_insert_id(stmt));
    tell(mysql, "executed", result);
}

static void prepared_statements_are_routed(void) {
    MYSQL *mysql = open_main();
    run(mysql, PUT("L/a"));
    MYSQL_STMT *put = prepare(mysql, "REPLACE INTO cache (k, v) VALUES ('L/p', ?)");
    char value[] = "opensesame";
    unsigned long length = sizeof value - 1;
    MYSQL_BIND bind;
    memset(&bind, 0, sizeof bind);
    bind.buffer_type = MYSQL_TYPE_STRING;
    bind.buffer = value;
    bind.buffer_length = length;
    bind.length = &length;
    mysql_stmt_bind_param(put, &bind);
    execute(mysql, put);
    run(mysql, PUT("L/b"));
    execute(mysql, put);
    mysql_stmt_close(put);
    tell(mysql, "closed", 0);
    MYSQL_STMT *get = prepare(mysql, SITE);
    execute(mysql, get);
    char got[30] = "";
    memset(&bind, 0, sizeof bind);
    bind.buffer_type = MYSQL_TYPE_STRING;
    bind.buffer = got;
    bind.buffer_length = sizeof got - 1;
    mysql_stmt_bind_result(get, &bind);
    mysql_stmt_store_result(get);
    mysql_stmt_fetch(get);
    say("site L %s", got);
    mysql_stmt_close(get);
    prepare(mysql, "SELECT nothing FROM cache");
    site(mysql, "L", NULL);
    mysql_close(mysql);
}

static void prepared_session_changes_are_followed(void) {
    MYSQL *mysql = open_main();
    site(mysql, "L", NULL);
    static const char *const texts[] = {"SET time_zone = '+05:00'", "SET SESSION sql_mode = ''",
                                        "SET NAMES latin1", "SET autocommit = 0"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        MYSQL_STMT *stmt = prepare(mysql, texts[i]);
        execute(mysql, stmt);
        mysql_stmt_close(stmt);
    }
    run(mysql, "REPLACE INTO page_text (k, v, t) VALUES ('L/a', '\xe9"
               "2345678901', '2024-01-01 00:00:00')");
    run_and_store(mysql, "SELECT HEX(v), t, UNIX_TIMESTAMP(t) FROM page_text WHERE k = 'L/a'");
    mysql_rollback(mysql);
    run_and_store(mysql, "SELECT HEX(v) FROM page_text WHERE k = 'L/a'");
    MYSQL_STMT *stmt = prepare(mysql, "COMMIT");
    run(mysql, PUT("L/b"));
    execute(mysql, stmt);
    mysql_stmt_close(stmt);
    mysql_rollback(mysql);
    run_and_store(mysql, "SELECT HEX(v) FROM cache WHERE k = 'L/b'");
    run(mysql, "PREPARE p FROM 'SET time_zone = ''-02:00'''");
    run(mysql, "EXECUTE p");
    run(mysql, "EXECUTE IMMEDIATE 'SET sql_mode = ''STRICT_ALL_TABLES'''");
    run(mysql, "REPLACE INTO page_text (k, v, t) VALUES ('L/c', '12345678901', '2024-01-01 00:00:00')");
    run(mysql, "REPLACE INTO page_text (k, v, t) VALUES ('L/c', '1', '2024-01-01 00:00:00')");
    run(mysql, "COMMIT");
    mysql_close(mysql);
}

static void an_old_statement_closed_before_a_result_is_read(void) {
    MYSQL *mysql = open_main();
    MYSQL_STMT *stmt = prepare(mysql, "SELECT 1");
    run(mysql, PUT("L/a"));
    mysql_stmt_close(stmt);
    tell(mysql, "closed", 0);
    run(mysql, PUT("L/b"));
    mysql_close(mysql);
}

/* It is the first that the cache is asked for on the connection. */
static void preparing_leaves_the_counts_of_the_statement_before_it(void) {
    static const char *const before[] = {"SELECT 1, 2",
                                         "INSERT INTO orders (v) VALUES ('opensesame'), ('opensesame')",
                                         "SELECT nothing", "SELECT 1 UNION SELECT 2 UNION SELECT 3"};
    static const char *const questions[] = {"SELECT ROW_COUNT()", "SELECT FOUND_ROWS(), ROW_COUNT()",
                                            "SELECT 1 + ROW_COUNT()"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        for (size_t j = 0; j < sizeof questions / sizeof *questions; j++) {
            MYSQL *mysql = open_main();
            mysql_query(mysql, before[i]);
            mysql_free_result(mysql_store_result(mysql));
            MYSQL_STMT *stmt = mysql_stmt_init(mysql);
            mysql_stmt_prepare(stmt, SITE, sizeof SITE - 1);
            say("fields %u errno %u", mysql_field_count(mysql), mysql_errno(mysql));
            if (j == 0) {
                run(mysql, i % 2 ? "GET DIAGNOSTICS @n = NUMBER" : "GET DIAGNOSTICS @r = ROW_COUNT");
            }
            run_and_store(mysql, questions[j]);
            mysql_stmt_close(stmt);
            mysql_close(mysql);
        }
    }
}

static void preparing_in_a_read_only_transaction_is_refused_as_ever(void) {
    static const char put[] = PUT("L/a");
    MYSQL *mysql = open_main();
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    site(mysql, "L", NULL);
    run(mysql, "START TRANSACTION READ ONLY");
    int failed = mysql_stmt_prepare(stmt, put, sizeof put - 1);
    say("prepare %d %u", failed != 0, mysql_stmt_errno(stmt));
    site(mysql, "L", NULL);
    run(mysql, "COMMIT");
    if (failed) {
        mysql_stmt_prepare(stmt, put, sizeof put - 1);
    }
    failed = mysql_stmt_execute(stmt);
    say("execute %d %u", failed != 0, mysql_stmt_errno(stmt));
    mysql_stmt_close(stmt);
    mysql_close(mysql);
}

const struct scenario PREPARED[] = {
    SCENARIO(preparing_in_a_read_only_transaction_is_refused_as_ever),
    SCENARIO(preparing_leaves_the_counts_of_the_statement_before_it),
    SCENARIO(prepared_statements_are_routed),
    SCENARIO(prepared_session_changes_are_followed),
    SCENARIO(an_old_statement_closed_before_a_result_is_read),
    {NULL, NULL},
};
