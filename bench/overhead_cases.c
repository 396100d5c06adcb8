#define _GNU_SOURCE
#include "overhead_cases.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char OVERHEAD_ROUTED[] = "REPLACE INTO shop.cache (k, v) VALUES ('page:4711', 'hello')";
const char OVERHEAD_PASSED[] = "INSERT INTO shop.orders (id, item, n) VALUES (NULL, 'tea', 2)";
#define SELECT_ROUTED "SELECT v FROM shop.cache WHERE k = 'page:4711' LIMIT 1"
#define SELECT_PASSED "SELECT name, mail FROM shop.users WHERE id = 4711 LIMIT 1"

MYSQL *overhead_connect(void) {
    MYSQL *mysql = mysql_init(NULL);
    return mysql ? mysql_real_connect(mysql, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0) : NULL;
}

/* --- texts of any size */

/* `head`, then `unit` over and over without its last byte at the end, then `tail`. */
static char *repeat(size_t bytes, const char *head, const char *unit, const char *tail) {
    size_t head_length = strlen(head), unit_length = strlen(unit), tail_length = strlen(tail);
    size_t fixed = head_length + tail_length;
    size_t times = bytes > fixed + unit_length ? (bytes - fixed) / unit_length : 1;
    char *text = malloc(fixed + times * unit_length + 1);
    if (!text) {
        return NULL;
    }
    char *at = mempcpy(text, head, head_length);
    for (size_t i = 0; i < times; i++) {
        at = mempcpy(at, unit, unit_length);
    }
    memcpy(at - 1, tail, tail_length + 1);
    return text;
}

#define REPLACE_HEAD "REPLACE INTO shop.cache (k, v) VALUES "
static char *letters(size_t bytes) {
    return repeat(bytes, REPLACE_HEAD "('page:4711', '", "abcdefghijklmnopqrstuvwxyz012345", "')");
}
static char *escapes(size_t bytes) {
    return repeat(bytes, REPLACE_HEAD "('page:4711', '", "{\\\"key\\\": \\\"it''s\\\"},\\n ", "')");
}
static char *octets(size_t bytes) {
    return repeat(bytes, REPLACE_HEAD "('page:4711', '",
                  "\x01\x89\xe2\x82\xac\xff\x7f\x80\x10\xc3\xa9\x1a\x90\xfe ~", "')");
}
static char *rows(size_t bytes) {
    return repeat(bytes, REPLACE_HEAD, "('page:4711', 'hello'),", "");
}
static char *keys(size_t bytes) {
    return repeat(bytes, "SELECT v FROM shop.cache WHERE k IN (", "'page:4711',", ")");
}
static char *other_letters(size_t bytes) {
    return repeat(bytes, "INSERT INTO shop.orders (id, item) VALUES (NULL, '",
                  "abcdefghijklmnopqrstuvwxyz012345", "')");
}
static char *other_rows(size_t bytes) {
    return repeat(bytes, "INSERT INTO shop.orders (id, item) VALUES ", "(NULL, 'some tea'),", "");
}

/* --- calls */

static bool real_query(struct seat *seat) {
    return mysql_real_query(seat->mysql, seat->text, seat->length) == 0;
}
static bool query(struct seat *seat) {
    return mysql_query(seat->mysql, seat->text) == 0;
}
static bool send_read(struct seat *seat) {
    return mysql_send_query(seat->mysql, seat->text, seat->length) == 0 &&
           mysql_read_query_result(seat->mysql) == 0;
}
static bool take_rows(MYSQL *mysql) {
    MYSQL_RES *result = mysql_store_result(mysql);
    if (!result) {
        return false;
    }
    while (mysql_fetch_row(result)) {
    }
    mysql_free_result(result);
    return true;
}
static bool query_rows(struct seat *seat) {
    return real_query(seat) && take_rows(seat->mysql);
}
static bool send_read_rows(struct seat *seat) {
    return send_read(seat) && take_rows(seat->mysql);
}
static bool prepare(struct seat *seat) {
    return mysql_stmt_prepare(seat->stmt, seat->text, seat->length) == 0;
}
static bool execute(struct seat *seat) {
    return mysql_stmt_execute(seat->stmt) == 0;
}
static bool ping(struct seat *seat) {
    return mysql_ping(seat->mysql) == 0;
}
static bool commit(struct seat *seat) {
    return mysql_commit(seat->mysql) == 0;
}
static bool select_db(struct seat *seat) {
    return mysql_select_db(seat->mysql, "shop") == 0;
}
static bool next_result(struct seat *seat) {
    return mysql_next_result(seat->mysql) == -1;
}
static bool more_results(struct seat *seat) {
    return !mysql_more_results(seat->mysql);
}
static bool fetch_row(struct seat *seat) {
    mysql_fetch_row(seat->result);
    return true;
}
static bool escape(struct seat *seat) {
    char escaped[64];
    return mysql_real_escape_string(seat->mysql, escaped, "it's twenty bytes...", 20) > 20;
}
static bool init_close(struct seat *seat) {
    (void)seat;
    MYSQL *mysql = mysql_init(NULL);
    mysql_close(mysql);
    return mysql;
}
static bool connect_close(struct seat *seat) {
    (void)seat;
    MYSQL *mysql = overhead_connect();
    mysql_close(mysql);
    return mysql;
}
static bool connect_route_close(struct seat *seat) {
    (void)seat;
    MYSQL *mysql = overhead_connect();
    bool ran = mysql && mysql_real_query(mysql, OVERHEAD_ROUTED, sizeof OVERHEAD_ROUTED - 1) == 0;
    mysql_close(mysql);
    return ran;
}
static bool open_close_statement(struct seat *seat) {
    MYSQL_STMT *stmt = mysql_stmt_init(seat->mysql);
    return stmt && mysql_stmt_close(stmt) == 0;
}

/* What an accessor says doesn't matter here, only that it was asked. */
static volatile uintptr_t said;
#define ACCESSOR(function)                          \
    static bool ask_##function(struct seat *seat) { \
        said = (uintptr_t)function(seat->mysql);    \
        return true;                                \
    }
ACCESSOR(mysql_affected_rows)
ACCESSOR(mysql_insert_id)
ACCESSOR(mysql_errno)
ACCESSOR(mysql_error)
ACCESSOR(mysql_sqlstate)
ACCESSOR(mysql_warning_count)
ACCESSOR(mysql_field_count)
ACCESSOR(mysql_info)
ACCESSOR(mysql_thread_id)

#define ACCESSOR_CASES(function)                                                       \
    {.name = #function, .history = HISTORY_PASSED, .call = ask_##function}, {          \
        .name = #function "_routed", .history = HISTORY_ROUTED, .call = ask_##function \
    }

static const struct overhead_case CASES[] = {
    /* texts on a handle that never routed, and on one that has a shadow (_known) */
    {.name = "insert", .text = OVERHEAD_PASSED, .call = real_query},
    {.name = "insert_known", .history = HISTORY_ROUTED, .text = OVERHEAD_PASSED, .call = real_query},
    {.name = "select", .text = SELECT_PASSED, .call = real_query},
    {.name = "select_known", .history = HISTORY_ROUTED, .text = SELECT_PASSED, .call = real_query},
    {.name = "select_1", .text = "SELECT 1", .call = real_query},
    {.name = "select_rows", .needs = NEED_ROWS, .text = SELECT_PASSED, .call = query_rows},
    {.name = "mysql_query", .text = OVERHEAD_PASSED, .call = query},
    {.name = "send_read", .text = OVERHEAD_PASSED, .call = send_read},
    {.name = "begin", .text = "BEGIN", .call = real_query},
    {.name = "commit", .text = "COMMIT", .call = real_query},
    {.name = "set", .text = "SET time_zone = '+00:00'", .call = real_query},
    {.name = "replace", .history = HISTORY_ROUTED, .text = OVERHEAD_ROUTED, .call = real_query},
    {.name = "mysql_query_routed", .history = HISTORY_ROUTED, .text = OVERHEAD_ROUTED, .call = query},
    {.name = "select_routed",
     .history = HISTORY_ROUTED,
     .needs = NEED_ROWS,
     .text = SELECT_ROUTED,
     .call = query_rows},
    {.name = "send_read_routed", .history = HISTORY_ROUTED, .text = OVERHEAD_ROUTED, .call = send_read},
    {.name = "send_read_select_routed",
     .history = HISTORY_ROUTED,
     .needs = NEED_ROWS,
     .text = SELECT_ROUTED,
     .call = send_read_rows},

    /* prepared statements */
    {.name = "stmt_prepare", .needs = NEED_STATEMENT, .text = OVERHEAD_PASSED, .call = prepare},
    {.name = "stmt_execute", .needs = NEED_STATEMENT, .text = OVERHEAD_PASSED, .call = execute},
    {.name = "stmt_execute_cache",
     .history = HISTORY_ROUTED,
     .needs = NEED_STATEMENT,
     .text = OVERHEAD_ROUTED,
     .call = execute},
    {.name = "stmt_init_close", .call = open_close_statement},

    /* other commands */
    {.name = "mysql_ping", .call = ping},
    {.name = "mysql_commit", .call = commit},
    {.name = "mysql_select_db", .call = select_db},
    {.name = "mysql_next_result", .history = HISTORY_PASSED, .call = next_result},
    {.name = "mysql_next_result_routed", .history = HISTORY_ROUTED, .call = next_result},
    {.name = "mysql_more_results", .history = HISTORY_PASSED, .call = more_results},
    {.name = "mysql_more_results_routed", .history = HISTORY_ROUTED, .call = more_results},
    {.name = "mysql_fetch_row",
     .history = HISTORY_PASSED,
     .needs = NEED_RESULT,
     .text = SELECT_PASSED,
     .call = fetch_row},
    {.name = "mysql_fetch_row_routed",
     .history = HISTORY_ROUTED,
     .needs = NEED_RESULT,
     .text = SELECT_ROUTED,
     .call = fetch_row},
    {.name = "mysql_real_escape_string", .call = escape},

    /* questions about the last statement, which was passed, or routed */
    ACCESSOR_CASES(mysql_affected_rows),
    ACCESSOR_CASES(mysql_insert_id),
    ACCESSOR_CASES(mysql_errno),
    ACCESSOR_CASES(mysql_error),
    ACCESSOR_CASES(mysql_sqlstate),
    ACCESSOR_CASES(mysql_warning_count),
    ACCESSOR_CASES(mysql_field_count),
    ACCESSOR_CASES(mysql_info),
    ACCESSOR_CASES(mysql_thread_id),

    /* handles */
    {.name = "init_close", .call = init_close},
    {.name = "connect_close", .needs = NEED_SERVER, .call = connect_close},
    {.name = "connect_route_close", .needs = NEED_SERVER, .call = connect_route_close},

    /* of a size */
    {.name = "letters", .history = HISTORY_ROUTED, .make_text = letters, .call = real_query},
    {.name = "escapes", .history = HISTORY_ROUTED, .make_text = escapes, .call = real_query},
    {.name = "octets", .history = HISTORY_ROUTED, .make_text = octets, .call = real_query},
    {.name = "rows", .history = HISTORY_ROUTED, .make_text = rows, .call = real_query},
    {.name = "keys", .history = HISTORY_ROUTED, .make_text = keys, .call = real_query},
    {.name = "other_letters", .history = HISTORY_ROUTED, .make_text = other_letters, .call = real_query},
    {.name = "other_rows", .history = HISTORY_ROUTED, .make_text = other_rows, .call = real_query},
};

const struct overhead_case *overhead_find_case(const char *name) {
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        if (strcmp(CASES[i].name, name) == 0) {
            return &CASES[i];
        }
    }
    return NULL;
}
