/* Tests that are tables: a case a line, columns between tabs, # for comments. For inclusion by one test
 * program. */
#ifndef ROUNDABOUT_TESTS_TABLE_H
#define ROUNDABOUT_TESTS_TABLE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "../../shim/lex.h"

enum { TABLE_COLUMNS_MAX = 8, TABLE_LINE_MAX = 1 << 16 };

struct table_row {
    char place[512]; /* file:line */
    size_t count;
    char *columns[TABLE_COLUMNS_MAX];
    size_t lengths[TABLE_COLUMNS_MAX]; /* of the columns once their escapes are read */
};

static int hex_value(char digit) {
    return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

/* \n \t \r \0 \\ \xHH, in place; the new length. */
static size_t read_escapes(char *text) {
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from != '\\') {
            *to++ = *from;
            continue;
        }
        switch (*++from) {
        case 'n':
            *to++ = '\n';
            break;
        case 't':
            *to++ = '\t';
            break;
        case 'r':
            *to++ = '\r';
            break;
        case '0':
            *to++ = '\0';
            break;
        case 'x':
            *to++ = (char)(hex_value(from[1]) * 16 + hex_value(from[2]));
            from += 2;
            break;
        default:
            *to++ = *from;
        }
    }
    *to = '\0';
    return (size_t)(to - text);
}

static void split_row(char *line, struct table_row *row) {
    row->count = 0;
    for (char *column = line; column && row->count < TABLE_COLUMNS_MAX; row->count++) {
        char *tab = strchr(column, '\t');
        if (tab)
            *tab++ = '\0';
        row->columns[row->count] = column;
        column = tab;
    }
    for (size_t i = 0; i < row->count; i++)
        row->lengths[i] = read_escapes(row->columns[i]);
}

/* Calls `check` for each case; it says whether the case holds, and prints want and got if not. Fails if any
 * doesn't, or if the table has fewer than `least` cases (a table that isn't read tests nothing). */
static inline void check_table(const char *name, size_t columns, size_t least,
                               bool (*check)(const struct table_row *row)) {
    static char line[TABLE_LINE_MAX];
    const char *folder = getenv("TEST_DATA");
    char path[400];
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "tests/data", name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("%s can't be opened", path);
    size_t cases = 0;
    size_t wrong = 0;
    struct table_row row;
    for (unsigned number = 1; fgets(line, sizeof line, file); number++) {
        line[strcspn(line, "\n")] = '\0';
        if (*line == '#' || *line == '\0')
            continue;
        snprintf(row.place, sizeof row.place, "%s:%u", path, number);
        split_row(line, &row);
        cases++;
        if (row.count != columns) {
            print_error("%s: %zu columns instead of %zu\n", row.place, row.count, columns);
            wrong++;
        } else if (!check(&row)) {
            wrong++;
        }
    }
    fclose(file);
    if (wrong)
        fail_msg("%zu of %zu cases in %s don't hold", wrong, cases, path);
    if (cases < least)
        fail_msg("only %zu cases in %s", cases, path);
}

/* The statement of a row in memory of exactly its size, so that a read behind its end is seen by the
 * sanitizer. */
static inline struct slice copy_column(const struct table_row *row, size_t column) {
    size_t length = row->lengths[column];
    char *copy = malloc(length ? length : 1);
    assert_non_null(copy);
    memcpy(copy, row->columns[column], length);
    return (struct slice){copy, length};
}

static inline void free_slice(struct slice slice) {
    free((void *)(uintptr_t)slice.at);
}

#endif
