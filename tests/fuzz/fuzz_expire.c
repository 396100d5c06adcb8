/* The rule of `expire` under arbitrary texts, and the keys of the rows that are too old under arbitrary
 * answers. What is accepted as a rule is one comparison and nothing else: the condition written from it is
 * one statement's, and is read again as the same rule. What is accepted as a key is nothing but literals.
 *
 * An input is a line, the rule's text, and answers (foreign.h), whose first is the keys. */
#define _GNU_SOURCE
#include "foreign.h"

#include "../../daemon/key.h"
#include "../../daemon/purge.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void wrong(const char *what, const char *text) {
    fprintf(stderr, "%s: %s\n", what, text);
    abort();
}

/* The statement without keys ends with the condition. */
static void want_same_rule(const struct chunk_table *table, const struct expire_rule *rule) {
    static const char words[] = " AS r WHERE ";
    struct statement sql = {0};
    struct expire_rule again;
    const char *why;
    purge_write_find(&sql, table, rule, 1000);
    foreign_want_one_statement(sql.at);
    char *condition = strstr(sql.at, words), *end = sql.at + sql.used - strlen(" LIMIT 1000");
    if (!condition || strcmp(end, " LIMIT 1000") != 0)
        wrong("no condition", sql.at);
    *end = '\0';
    if (!expire_read(condition + sizeof words - 1, &again, &why))
        wrong("not a rule", condition);
    if (strcmp(again.column, rule->column) != 0 || again.is_seconds != rule->is_seconds ||
        again.amount != rule->amount || again.unit != rule->unit)
        wrong("another rule", condition);
    statement_free(&sql);
}

static void purge_rows(const struct chunk_table *table, const struct expire_rule *rule) {
    const struct server_rows *rows = foreign_take(NULL);
    struct statement keys[FOREIGN_ROWS_MAX] = {{0}}, sql = {0};
    const char *texts[FOREIGN_ROWS_MAX];
    size_t count = 0;
    for (size_t row = 0; row < server_rows_count(rows); row++)
        if (key_read(&keys[row], table, rows, row))
            texts[count++] = keys[row].at;
    if (count) {
        purge_write_delete(&sql, table, rule, texts, count);
        foreign_want_one_statement(sql.at);
        int depth = 0;
        char quote = '\0';
        for (const char *at = sql.at; *at; at++) {
            if (*at == '\'' || *at == '`')
                quote = !quote ? *at : *at == quote ? '\0' : quote;
            if (!quote)
                depth += (*at == '(') - (*at == ')');
            if (depth < 0)
                wrong("not in its parentheses", sql.at);
        }
    }
    for (size_t row = 0; row < FOREIGN_ROWS_MAX; row++)
        statement_free(&keys[row]);
    statement_free(&sql);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct chunk_column columns[] = {{.name = "n", .kind = CHUNK_NUMBER},
                                            {.name = "b", .kind = CHUNK_BINARY},
                                            {.name = "c", .kind = CHUNK_TEXT, .charset = "latin1"},
                                            {.name = "t", .kind = CHUNK_QUOTED},
                                            {.name = "", .kind = CHUNK_NUMBER}};
    static const struct chunk_table forms[] = {{.database = "sh`op",
                                                .name = "ca`che",
                                                .columns = columns,
                                                .column_count = 5,
                                                .key = {0},
                                                .key_count = 1},
                                               {.database = "shop",
                                                .name = "cache",
                                                .columns = columns,
                                                .column_count = 5,
                                                .key = {1, 2, 3},
                                                .key_count = 3}};
    struct expire_rule rule;
    const char *why = NULL;
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    char *answers = strchr(text, '\n');
    if (answers)
        *answers++ = '\0';
    foreign_read(answers);
    if (expire_read(text, &rule, &why)) {
        snprintf(columns[4].name, sizeof columns[4].name, "%s", rule.column);
        columns[4].kind = rule.is_seconds ? CHUNK_NUMBER : CHUNK_QUOTED;
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
            if (!purge_refuses(&forms[i], &rule)) {
                want_same_rule(&forms[i], &rule);
                purge_rows(&forms[i], &rule);
            }
    } else if (!why || !why[0]) {
        wrong("refused without a word", text);
    }
    free(text);
    return 0;
}
