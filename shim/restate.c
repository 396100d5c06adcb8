#define _GNU_SOURCE
#include "restate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer ones are cut by the servers when they make them, and refused when they are given. */
enum { NAME_MAX_BYTES = 255 };

static bool is_one_of(const struct token *token, const char *const *words) {
    for (; token->kind == LEX_WORD && *words; words++) {
        if (slice_equals_word(token->text, *words)) {
            return true;
        }
    }
    return false;
}

static bool ends_in(struct slice text, const char *upper_case_word) {
    size_t length = strlen(upper_case_word);
    return text.length >= length &&
           slice_equals_word((struct slice){text.at + text.length - length, length}, upper_case_word);
}

static bool is_variable(const struct token *token, const char *name) {
    struct slice text = token->text;
    if (token->kind != LEX_VARIABLE || text.length < 2 || memcmp(text.at, "@@", 2) != 0) {
        return false;
    }
    size_t length = strlen(name);
    return ends_in(text, name) && (text.length == length + 2 || text.at[text.length - length - 1] == '.');
}

/* A text is read one token ahead: a function is one by its parentheses. */
struct reader {
    struct lexer lexer;
    struct token token;
    const char *token_end;
    struct token next;
    const char *next_end;
    bool part; /* the token is the part of a name behind a dot */
};

static void read_next(struct reader *reader) {
    reader->part = reader->token.byte == '.';
    reader->token = reader->next;
    reader->token_end = reader->next_end;
    reader->next = lex_next(&reader->lexer);
    reader->next_end = reader->lexer.next;
}

static void read_start(struct reader *reader, struct slice text, struct lex_modes modes) {
    *reader = (struct reader){.part = false};
    lex_start(&reader->lexer, text, modes);
    read_next(reader);
    read_next(reader);
}

static bool at_end(const struct reader *reader) {
    return reader->token.kind == LEX_END || reader->token.kind == LEX_BAD || reader->token.byte == ';';
}

/* The question that begins at the token; it is read up to its last token. */
static unsigned read_question(struct reader *reader) {
    if (is_variable(&reader->token, "WARNING_COUNT") || is_variable(&reader->token, "ERROR_COUNT")) {
        return RESTATE_LISTS;
    }
    static const char *const found[] = {"FOUND_ROWS", NULL}, *const changed[] = {"ROW_COUNT", NULL};
    unsigned question = is_one_of(&reader->token, found)     ? RESTATE_FOUND
                        : is_one_of(&reader->token, changed) ? RESTATE_CHANGED
                                                             : 0;
    if (!question || reader->part || reader->next.byte != '(') {
        return 0;
    }
    struct reader ahead = *reader;
    read_next(&ahead);
    if (ahead.next.byte != ')') {
        return 0;
    }
    read_next(&ahead);
    *reader = ahead;
    return question;
}

/* Most texts have none of them. */
static bool may_ask(struct slice text) {
    const char *end = text.at + text.length;
    for (const char *at = text.at; (at = memchr(at, '_', (size_t)(end - at))); at++) {
        struct slice left = {at, (size_t)(end - at)};
        if (slice_begins_with(left, "_ROWS") || slice_begins_with(left, "_COUNT")) {
            return true;
        }
    }
    return false;
}

/* What a statement that begins otherwise holds may be kept, and asked later. */
static bool runs_at_once(const struct reader *reader) {
    static const char *const words[] = {"SELECT", "INSERT", "REPLACE", "UPDATE", "DELETE", "SET",
                                        "DO",     "CALL",   "WITH",    "VALUES", NULL};
    return is_one_of(&reader->token, words) || reader->token.byte == '(';
}

unsigned restate_find(struct slice text, struct lex_modes modes) {
    if (modes.foreign_grammar || !may_ask(text)) {
        return 0;
    }
    struct reader reader;
    unsigned questions = 0;
    read_start(&reader, text, modes);
    if (!runs_at_once(&reader)) {
        return 0;
    }
    for (; !at_end(&reader); read_next(&reader)) {
        questions |= read_question(&reader);
    }
    return reader.token.kind == LEX_BAD || reader.lexer.executable_comment ? 0 : questions;
}

/* A column of a SELECT's own list, as far as it is read. */
struct column {
    const char *from; /* NULL: none is being read */
    const char *to;
    bool asks;
    bool named;     /* by AS */
    bool may_name;  /* a name right behind the last token would be the column's */
    bool ends_name; /* the last token is such a name */
};

static void note_token(struct column *column, const struct reader *reader, const char *from, bool inside) {
    static const char *const operators[] = {"AND",  "OR",      "XOR",      "NOT",    "IS",      "DIV",
                                            "MOD",  "LIKE",    "RLIKE",    "REGEXP", "BETWEEN", "IN",
                                            "AS",   "COLLATE", "BINARY",   "ESCAPE", "CASE",    "WHEN",
                                            "THEN", "ELSE",    "INTERVAL", "SOUNDS", NULL};
    static const char *const as[] = {"AS", NULL};
    static const char *const values[] = {"NULL", "TRUE", "FALSE", "UNKNOWN", "END", NULL};
    const struct token *token = &reader->token;
    if (!column->from) {
        column->from = from;
    }
    column->to = reader->token_end;
    if (inside) {
        column->may_name = column->ends_name = false;
        return;
    }
    bool is_name = (token->kind == LEX_WORD || token->kind == LEX_NAME || token->kind == LEX_STRING) &&
                   !reader->part && !is_one_of(token, operators) && !is_one_of(token, values);
    column->named |= is_one_of(token, as);
    column->ends_name = column->may_name && is_name;
    column->may_name = token->byte == ')' || (token->kind != LEX_OPERATOR && !is_one_of(token, operators));
}

/* False: it can't keep its name. */
static bool end_column(struct column *column, FILE *out) {
    bool needs_name = column->from && column->asks && !column->named && !column->ends_name;
    bool fits = true;
    if (needs_name) {
        size_t length = (size_t)(column->to - column->from);
        fits = length <= NAME_MAX_BYTES;
        fputs(" AS `", out);
        for (size_t i = 0; fits && i < length; i++) {
            fputs(column->from[i] == '`' ? "``" : (char[]){column->from[i], '\0'}, out);
        }
        fputc('`', out);
    }
    *column = (struct column){.from = NULL};
    return fits;
}

static void put_number(FILE *out, unsigned question, const struct reader *reader,
                       const struct restate_numbers *numbers) {
    if (question == RESTATE_FOUND) { /* MySQL warns of the function */
        fprintf(out, "CAST(FOUND_ROWS() * 0 + %" PRIu64 " AS SIGNED)", numbers->found);
    } else if (question == RESTATE_CHANGED) {
        fprintf(out, "CAST(%" PRId64 " AS SIGNED)", numbers->changed);
    } else {
        fprintf(out, "CAST(%" PRIu64 " AS UNSIGNED)",
                is_variable(&reader->token, "ERROR_COUNT") ? numbers->errors : numbers->warnings);
    }
}

/* The words between SELECT and its first column, and those that end its list. */
static bool begins_list(const struct token *token) {
    static const char *const words[] = {"SELECT",
                                        "ALL",
                                        "DISTINCT",
                                        "DISTINCTROW",
                                        "HIGH_PRIORITY",
                                        "STRAIGHT_JOIN",
                                        "SQL_SMALL_RESULT",
                                        "SQL_BIG_RESULT",
                                        "SQL_BUFFER_RESULT",
                                        "SQL_CACHE",
                                        "SQL_NO_CACHE",
                                        "SQL_CALC_FOUND_ROWS",
                                        NULL};
    return is_one_of(token, words);
}

static bool ends_list(const struct token *token) {
    static const char *const words[] = {"FROM",  "INTO",  "WHERE",  "UNION", "EXCEPT", "INTERSECT", "LIMIT",
                                        "ORDER", "GROUP", "HAVING", "FOR",   "LOCK",   "PROCEDURE", NULL};
    return is_one_of(token, words);
}

static bool write_all(struct slice text, struct lex_modes modes, const struct restate_numbers *numbers,
                      FILE *out) {
    struct reader reader;
    struct column column = {.from = NULL};
    read_start(&reader, text, modes);
    static const char *const select[] = {"SELECT", NULL};
    bool in_list = is_one_of(&reader.token, select), begins = true;
    unsigned depth = 0;
    const char *done = text.at;
    bool fits = true;
    for (; !at_end(&reader) && fits; read_next(&reader)) {
        const char *from = reader.token.from;
        depth -= reader.token.byte == ')' && depth > 0;
        begins &= begins_list(&reader.token);
        bool ends =
            depth == 0 && !reader.part && !begins && (reader.token.byte == ',' || ends_list(&reader.token));
        if (in_list && ends) {
            fwrite(done, 1, (size_t)((column.to ? column.to : from) - done), out);
            done = column.to ? column.to : from;
            fits = end_column(&column, out);
            in_list = reader.token.byte == ',';
            continue;
        }
        unsigned question = read_question(&reader);
        if (question & numbers->known) {
            fwrite(done, 1, (size_t)(from - done), out); /* a text may be longer than an int can say */
            put_number(out, question, &reader, numbers);
            done = reader.token_end;
            column.asks = true;
        }
        if (in_list && !begins) {
            note_token(&column, &reader, from, depth > 0);
        }
        depth += reader.token.byte == '(';
    }
    if (in_list && column.to && fits) {
        fwrite(done, 1, (size_t)(column.to - done), out);
        done = column.to;
        fits = end_column(&column, out);
    }
    fwrite(done, 1, (size_t)(text.at + text.length - done), out);
    return fits;
}

char *restate_write(struct slice text, struct lex_modes modes, const struct restate_numbers *numbers,
                    size_t *length) {
    char *changed = NULL;
    FILE *out = open_memstream(&changed, length);
    if (!out) {
        return NULL;
    }
    bool whole = write_all(text, modes, numbers, out);
    if (fclose(out) != 0 || !whole) {
        free(changed);
        return NULL;
    }
    return changed;
}
