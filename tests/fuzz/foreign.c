#define _GNU_SOURCE
#include "foreign.h"

#include "../../daemon/observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct server_rows answers[FOREIGN_ANSWERS_MAX];
static size_t answer_count;

enum { CURSORS_MAX = 24 };
static struct {
    const char *column;
    size_t next;
} cursors[CURSORS_MAX];
static size_t cursor_count;

int64_t foreign_now_ms = 100000;

/* In place of daemon/server.h and the clock. */
int64_t clock_monotonic_ms(void) {
    return foreign_now_ms += 10;
}

int64_t clock_real_us(void) {
    return clock_monotonic_ms() * 1000;
}

size_t server_rows_count(const struct server_rows *rows) {
    return rows ? rows->row_count : 0;
}

const char *server_rows_value(const struct server_rows *rows, size_t row, const char *column) {
    for (size_t i = 0; rows && row < rows->row_count && i < rows->column_count; i++)
        if (strcasecmp(rows->columns[i], column) == 0)
            return rows->values[row][i];
    return NULL;
}

void foreign_want_one_statement(const char *sql) {
    char quote = '\0';
    for (const char *at = sql; *at; at++) {
        if (quote) {
            if (*at == '\\' && quote == '\'' && at[1])
                at++;
            else if (*at == quote)
                quote = '\0';
        } else if (*at == '\'' || *at == '`') {
            quote = *at;
        } else if (*at == ';' || *at == '#' || *at == '"' || (at[0] == '/' && at[1] == '*') ||
                   (at[0] == '-' && at[1] == '-')) {
            quote = ';';
            break;
        }
    }
    if (quote) {
        fprintf(stderr, "not one statement: %s\n", sql);
        abort();
    }
}

void foreign_read(char *text) {
    answer_count = cursor_count = 0;
    while (text && *text && answer_count < FOREIGN_ANSWERS_MAX) {
        struct server_rows *rows = &answers[answer_count++];
        char *line;
        *rows = (struct server_rows){0};
        for (size_t n = 0; (line = strsep(&text, "\n")) && strcmp(line, "---") != 0; n++) {
            char *value;
            size_t count = 0;
            if (n > FOREIGN_ROWS_MAX)
                continue;
            while ((value = strsep(&line, "\t")) && count < FOREIGN_COLUMNS_MAX) {
                if (n == 0)
                    rows->columns[count++] = value;
                else
                    rows->values[n - 1][count++] = strcmp(value, "\\N") == 0 ? NULL : value;
            }
            if (n == 0)
                rows->column_count = count;
            else
                rows->row_count = n;
        }
    }
}

static bool has_column(const struct server_rows *rows, const char *column) {
    for (size_t i = 0; column && i < rows->column_count; i++)
        if (strcasecmp(rows->columns[i], column) == 0)
            return true;
    return !column;
}

/* Where the circle of this column's answers has got to. */
static size_t *find_cursor(const char *column) {
    for (size_t i = 0; i < cursor_count; i++)
        if (strcmp(cursors[i].column, column) == 0)
            return &cursors[i].next;
    if (cursor_count == CURSORS_MAX)
        abort();
    cursors[cursor_count].column = column;
    cursors[cursor_count].next = 0;
    return &cursors[cursor_count++].next;
}

struct server_rows *foreign_take(const char *column) {
    size_t *next = find_cursor(column ? column : "");
    for (size_t tried = 0; tried < answer_count; tried++) {
        struct server_rows *rows = &answers[(*next)++ % answer_count];
        if (has_column(rows, column))
            return rows;
    }
    return NULL;
}

struct server_answer foreign_ends(const struct server_rows *rows) {
    const char *first = rows && rows->column_count ? rows->columns[0] : "";
    if (first[0] != '!')
        return (struct server_answer){.outcome = SERVER_ANSWERED};
    return (struct server_answer){.outcome = first[1] ? SERVER_REFUSED : SERVER_UNREACHABLE,
                                  .code = (unsigned)strtoul(first + 1, NULL, 10)};
}
