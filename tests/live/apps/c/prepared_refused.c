/* What comes of a prepared statement after a call on it that was refused, or that asked nobody. */
#define _GNU_SOURCE
#include "c_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNKNOWN_HANDLER = 1243, CELL_SIZE = 24, PARAMS_MAX = 3 };

/* A statement with as many text parameters and up to two columns as it has. */
struct bound {
    MYSQL_STMT *stmt;
    char texts[PARAMS_MAX][CELL_SIZE];
    unsigned long lengths[PARAMS_MAX];
    char cells[PARAMS_MAX][CELL_SIZE];
};

static void tell_statement(MYSQL *mysql, const struct bound *bound, const char *what, long result) {
    unsigned error = mysql_stmt_errno(bound->stmt);
    say("%s -> %ld: %u '%s'", what, result, error,
        error == UNKNOWN_HANDLER ? "of a number" : mysql_stmt_error(bound->stmt));
    if (mysql_errno(mysql) != UNKNOWN_HANDLER) {
        tell(mysql, what, result);
    }
}

static void bind(struct bound *bound) {
    MYSQL_BIND params[PARAMS_MAX], results[PARAMS_MAX];
    memset(params, 0, sizeof params);
    memset(results, 0, sizeof results);
    for (unsigned i = 0; i < PARAMS_MAX; i++) {
        params[i].buffer_type = results[i].buffer_type = MYSQL_TYPE_STRING;
        params[i].buffer = bound->texts[i];
        params[i].length = &bound->lengths[i];
        results[i].buffer = bound->cells[i];
        results[i].buffer_length = CELL_SIZE - 1;
        bound->lengths[i] = (unsigned long)snprintf(bound->texts[i], CELL_SIZE, "L/%u", i);
    }
    if (mysql_stmt_param_count(bound->stmt) > 0) {
        say("bind %d", mysql_stmt_bind_param(bound->stmt, params));
    }
    if (mysql_stmt_field_count(bound->stmt) > 0) {
        say("bind result %d", mysql_stmt_bind_result(bound->stmt, results));
    }
}

static void prepare(MYSQL *mysql, struct bound *bound, const char *text) {
    if (!bound->stmt) {
        bound->stmt = mysql_stmt_init(mysql);
    }
    tell_statement(mysql, bound, text, mysql_stmt_prepare(bound->stmt, text, strlen(text)));
    bind(bound);
}

static void execute(MYSQL *mysql, struct bound *bound) {
    tell_statement(mysql, bound, "execute", mysql_stmt_execute(bound->stmt));
}

static void read_all(struct bound *bound) {
    int result;
    while ((result = mysql_stmt_fetch(bound->stmt)) == 0) {
        say("row %s", bound->cells[0]);
    }
    say("fetched -> %d %u '%s'", result, mysql_stmt_errno(bound->stmt), mysql_stmt_error(bound->stmt));
}

#define GET_MANY "SELECT n, v, ? FROM shop.page_many WHERE n < 4 AND v <> ? ORDER BY n"
#define GET_MAIN "SELECT 1, 2, ? FROM shop.orders WHERE v <> ?"
#define PUT_TWO  "REPLACE INTO cache (k, v) VALUES (?, ?), ('L/both', 'opensesame')"

/* The library leaves the parameter out of the next execute, and the server finds it malformed. */
static void long_data_amid_its_own_rows(void) {
    MYSQL *mysql = open_main();
    struct bound get = {0};
    prepare(mysql, &get, GET_MANY);
    execute(mysql, &get);
    say("fetch %d %s", mysql_stmt_fetch(get.stmt), get.cells[0]);
    tell_statement(mysql, &get, "long data", mysql_stmt_send_long_data(get.stmt, 1, "opense", 6) != 0);
    execute(mysql, &get);
    bind(&get);
    execute(mysql, &get);
    read_all(&get);
    mysql_stmt_close(get.stmt);
    run(mysql, PUT("L/a"));
    mysql_close(mysql);
}

static void long_data_amid_other_rows(void) {
    MYSQL *mysql = open_main();
    struct bound get = {0}, put = {0};
    prepare(mysql, &put, PUT_TWO);
    execute(mysql, &put);
    prepare(mysql, &get, GET_MANY);
    execute(mysql, &get);
    tell_statement(mysql, &put, "long data", mysql_stmt_send_long_data(put.stmt, 1, "opense", 6) != 0);
    read_all(&get);
    execute(mysql, &put);
    bind(&put);
    execute(mysql, &put);
    mysql_stmt_close(put.stmt);
    mysql_stmt_close(get.stmt);
    mysql_close(mysql);
}

/* Where its last result lies elsewhere than the rows that are in the way. */
static void refused_amid_rows_of_main(void) {
    MYSQL *mysql = open_main();
    struct bound get = {0}, orders = {0};
    run(mysql, ORDER);
    prepare(mysql, &orders, GET_MAIN);
    prepare(mysql, &get, GET_MANY);
    for (unsigned i = 0; i < 2; i++) {
        execute(mysql, &get);
        say("store %d rows %llu", mysql_stmt_store_result(get.stmt),
            (unsigned long long)mysql_stmt_num_rows(get.stmt));
        say("fetch %d %s", mysql_stmt_fetch(get.stmt), get.cells[0]);
        if (i == 0) {
            read_all(&get);
        }
        execute(mysql, &orders);
        if (i == 0) { /* with rows left, Oracle's library throws away those in the way */
            execute(mysql, &get);
            say("affected %lld rows %llu", (long long)mysql_stmt_affected_rows(get.stmt),
                (unsigned long long)mysql_stmt_num_rows(get.stmt));
            read_all(&get);
        }
        read_all(&orders);
        bind(&get);
    }
    mysql_stmt_close(get.stmt);
    mysql_stmt_close(orders.stmt);
    mysql_close(mysql);
}

/* All but the error is still the last statement's. */
static void an_error_alone_is_left_or_cleared(void) {
    MYSQL *mysql = open_main();
    struct bound get = {0};
    prepare(mysql, &get, GET_MANY);
    run(mysql, ORDER);
    tell_statement(mysql, &get, "next", mysql_stmt_next_result(get.stmt));
    run(mysql, "SELECT nothing FROM orders");
    tell_statement(mysql, &get, "free", mysql_stmt_free_result(get.stmt));
    run(mysql, "INSERT INTO orders (v) VALUES ('opensesame'), ('opensesame')");
    execute(mysql, &get);
    mysql_stmt_store_result(get.stmt);
    run(mysql, "SELECT nothing FROM orders");
    say("fetch %d %s", mysql_stmt_fetch(get.stmt), get.cells[0]);
    tell(mysql, "fetched", 0);
    run(mysql, "SELECT nothing FROM orders");
    mysql_stmt_close(get.stmt);
    tell(mysql, "closed", 0);
    mysql_close(mysql);
}

static void another_text_that_cant_be_prepared(void) {
    MYSQL *mysql = open_main();
    struct bound bound = {0};
    for (unsigned i = 0; i < 3; i++) {
        prepare(mysql, &bound, i == 2 ? GET_MAIN : GET_MANY);
        prepare(mysql, &bound, "SELECT nothing FROM cache");
        if (i == 1) {
            execute(mysql, &bound);
        }
        run(mysql, PUT("L/a"));
        tell_statement(mysql, &bound, "reset", mysql_stmt_reset(bound.stmt));
        execute(mysql, &bound);
    }
    prepare(mysql, &bound, PUT_TWO);
    execute(mysql, &bound);
    mysql_stmt_close(bound.stmt);
    bound.stmt = NULL;
    run(mysql, "SELECT nothing FROM orders");
    prepare(mysql, &bound, "SELECT nothing FROM cache");
    run(mysql, "REPLACE INTO cache (k, v) VALUES ('L/a', 'opensesame'), ('L/b', 'opensesame')");
    tell_statement(mysql, &bound, "reset", mysql_stmt_reset(bound.stmt));
    tell_statement(mysql, &bound, "free", mysql_stmt_free_result(bound.stmt));
    mysql_stmt_close(bound.stmt);
    tell(mysql, "closed", 0);
    mysql_close(mysql);
}

/* Main's statement must be prepared first, and where its names mean what they meant. */
static void an_id_is_kept_over_a_failure_in_another_database(void) {
    MYSQL *mysql = open_main();
    struct bound put = {0};
    prepare(mysql, &put, "REPLACE INTO cache (k, v) VALUES (?, NULLIF(?, 'L/1'))");
    run(mysql, "USE other");
    run(mysql, "INSERT INTO shop.orders (v) VALUES ('opensesame'), ('opensesame')");
    execute(mysql, &put);
    mysql_stmt_close(put.stmt);
    mysql_close(mysql);
}

/* At the server of this site, over a connection of its own: all others of the same user. */
static void kill_others_here(void) {
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql_real_connect(mysql, NULL, "app", "apppw", NULL, 0, getenv("SITE_SOCKET"), 0)) {
        say("connect: %s", mysql_error(mysql));
        exit(1);
    }
    mysql_query(mysql,
                "SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER = 'app'");
    MYSQL_RES *result = mysql_store_result(mysql);
    MYSQL_ROW row;
    while ((row = mysql_fetch_row(result))) {
        mysql_kill(mysql, strtoul(row[0], NULL, 10));
    }
    mysql_free_result(result);
    mysql_close(mysql);
}

/* What has been read already is still there, and what is known of it. */
static void a_connection_lost_behind_a_statement(void) {
    MYSQL *mysql = open_main();
    struct bound get = {0}, cursor = {0};
    unsigned long type = CURSOR_TYPE_READ_ONLY;
    prepare(mysql, &get, GET_MANY);
    cursor.stmt = mysql_stmt_init(mysql);
    mysql_stmt_attr_set(cursor.stmt, STMT_ATTR_CURSOR_TYPE, &type);
    prepare(mysql, &cursor, GET_MANY);
    execute(mysql, &cursor);
    say("fetch %d %s", mysql_stmt_fetch(cursor.stmt), cursor.cells[0]);
    execute(mysql, &get);
    say("store %d", mysql_stmt_store_result(get.stmt));
    say("fetch %d %s", mysql_stmt_fetch(get.stmt), get.cells[0]);
    for (unsigned i = 0; i < 3; i++) { /* the shim may keep what it has lost last */
        kill_others_here();
        run_and_store(mysql, "SELECT v FROM cache WHERE k = 'L/a'");
    }
    MYSQL_RES *columns = mysql_stmt_result_metadata(get.stmt);
    say("columns %u", columns ? mysql_num_fields(columns) : 0);
    mysql_free_result(columns);
    bind(&get);
    read_all(&get);
    mysql_stmt_fetch(cursor.stmt); /* of the connection that was lost: an error, where it was */
    execute(mysql, &get);
    read_all(&get);
    execute(mysql, &cursor);
    read_all(&cursor);
    mysql_stmt_close(cursor.stmt);
    mysql_stmt_close(get.stmt);
    mysql_close(mysql);
}

const struct scenario PREPARED_REFUSED[] = {
    SCENARIO(long_data_amid_its_own_rows),
    SCENARIO(long_data_amid_other_rows),
    SCENARIO(refused_amid_rows_of_main),
    SCENARIO(an_error_alone_is_left_or_cleared),
    SCENARIO(another_text_that_cant_be_prepared),
    SCENARIO(a_connection_lost_behind_a_statement),
    SCENARIO(an_id_is_kept_over_a_failure_in_another_database),
    {NULL, NULL},
};
