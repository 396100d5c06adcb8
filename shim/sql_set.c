/* The assignments of a SET statement, one at a time.
 *
 * GLOBAL, PERSIST and SESSION hold for the assignments behind them too, until the next such word; @@global.x
 * holds for itself only. To remember that between two calls, *rest is left in front of the comma after an
 * assignment under GLOBAL or PERSIST, and behind it otherwise: no SET statement begins with a comma. */
#include "sql.h"

#include <string.h>

#include "sql_read.h"

struct scope_word {
    const char *word;
    enum sql_scope scope;
};
static const struct scope_word SCOPES[] = {{"SESSION", SQL_SESSION},
                                           {"LOCAL", SQL_SESSION},
                                           {"GLOBAL", SQL_GLOBAL},
                                           {"PERSIST", SQL_GLOBAL},
                                           {"PERSIST_ONLY", SQL_GLOBAL}};

static const struct scope_word *find_scope(struct slice word) {
    for (size_t i = 0; i < sizeof SCOPES / sizeof *SCOPES; i++)
        if (slice_equals_word(word, SCOPES[i].word))
            return &SCOPES[i];
    return NULL;
}

static struct slice between(const char *from, const char *to) {
    return (struct slice){from, from < to ? (size_t)(to - from) : 0};
}

static bool at_assignment_end(const struct reader *reader) {
    return reader->token.kind == LEX_END || reader_at_operator(reader, ',');
}

static bool take_equals(struct reader *reader) {
    struct slice sign = reader->token.text;
    bool equals = reader->token.kind == LEX_OPERATOR && sign.length > 0 && sign.at[sign.length - 1] == '=' &&
                  (sign.length == 1 || *sign.at == ':');
    if (equals)
        reader_advance(reader);
    return equals;
}

/* The value behind the = sign, up to the comma. */
static bool read_value(struct reader *reader, struct sql_assignment *assignment) {
    const char *from = reader->token.from;
    bool word_of_grammar = reader->keyword == KEYWORD_ON || reader->keyword == KEYWORD_ALL ||
                           reader->keyword == KEYWORD_BINARY || reader->keyword == KEYWORD_DEFAULT;
    const struct token *next = reader_peek(reader);
    if (word_of_grammar && (next->kind == LEX_END || next->byte == ',')) {
        assignment->constant = reader->keyword != KEYWORD_DEFAULT; /* the default of each server is its own */
        reader_advance(reader);
    } else {
        const struct sql_summary *seen = reader->summary;
        if (!reader_expression(reader))
            return false;
        assignment->constant =
            !seen->ties && !seen->selects && !seen->parameters && !reader->volatile_function;
    }
    assignment->value = between(from, reader->last_end);
    return true;
}

/* A charset or collation: a word, a string, DEFAULT, BINARY. */
static bool take_charset(struct reader *reader) {
    if (reader->token.kind != LEX_STRING)
        return reader_take_any_name(reader);
    reader_advance(reader);
    return true;
}

static bool read_charset(struct reader *reader, struct sql_assignment *assignment) {
    assignment->constant = reader->keyword != KEYWORD_DEFAULT;
    const char *from = reader->token.from;
    if (!take_charset(reader))
        return false;
    assignment->value = between(from, reader->last_end);
    if (!reader_take(reader, KEYWORD_COLLATE))
        return true;
    assignment->constant &= reader->keyword != KEYWORD_DEFAULT;
    return take_charset(reader);
}

/* Everything to the end of the statement: these have commas of their own. What else may follow them isn't
 * told apart. */
static bool read_to_end(struct reader *reader, struct sql_assignment *assignment) {
    const char *from = reader->token.from;
    while (reader->token.kind != LEX_END) {
        if (reader->token.kind == LEX_BAD || reader_at_operator(reader, '=') ||
            reader_at_operator(reader, ';'))
            return false;
        reader_advance(reader);
    }
    assignment->value = between(from, reader->last_end);
    assignment->constant = true;
    return assignment->value.length > 0;
}

/* PASSWORD = ..., PASSWORD FOR user = ..., PASSWORD FOR user TO RANDOM. */
static bool read_password(struct reader *reader, struct sql_assignment *assignment) {
    const char *from = reader->token.from;
    for (int depth = 0; depth > 0 || !at_assignment_end(reader); reader_advance(reader)) {
        if (reader->token.kind == LEX_BAD || reader->token.kind == LEX_END)
            return false;
        depth += reader_at_operator(reader, '(') ? 1 : reader_at_operator(reader, ')') ? -1 : 0;
    }
    assignment->value = between(from, reader->last_end);
    return true;
}

static struct slice word(const char *upper_case) {
    return (struct slice){upper_case, strlen(upper_case)};
}

/* NAMES utf8mb4 and other things that SET sets and that have no = sign of a variable. *found: it was one. */
static bool read_special(struct reader *reader, struct sql_assignment *assignment, bool *found) {
    const struct token *next = reader_peek(reader);
    bool variable = next->kind == LEX_OPERATOR;
    *found = true;
    if (!variable && reader_take_word(reader, "NAMES")) {
        assignment->name = word("NAMES");
        return read_charset(reader, assignment);
    }
    if (!variable && (reader->keyword == KEYWORD_CHARACTER || reader->keyword == KEYWORD_CHAR)) {
        reader_advance(reader);
        assignment->name = word("CHARACTER SET");
        return reader_take(reader, KEYWORD_SET) && read_charset(reader, assignment);
    }
    if (!variable && reader_take_word(reader, "CHARSET")) {
        assignment->name = word("CHARACTER SET");
        return read_charset(reader, assignment);
    }
    if (reader_take_word(reader, "PASSWORD")) {
        assignment->name = word("PASSWORD");
        return read_password(reader, assignment);
    }
    if (!variable && reader_take(reader, KEYWORD_DEFAULT)) {
        assignment->name = word("DEFAULT ROLE");
        return reader_take_word(reader, "ROLE") && read_to_end(reader, assignment);
    }
    if (!variable && reader_take_word(reader, "ROLE")) {
        assignment->name = word("ROLE");
        const char *from = reader->token.from;
        bool taken = take_charset(reader);
        assignment->value = between(from, reader->last_end);
        assignment->constant = true;
        return taken;
    }
    *found = false;
    return true;
}

static struct slice without_quotes(struct slice name) {
    bool quoted = name.length >= 2 && (*name.at == '`' || *name.at == '\'' || *name.at == '"') &&
                  name.at[name.length - 1] == *name.at;
    return quoted ? (struct slice){name.at + 1, name.length - 2} : name;
}

/* @x = ..., @@x = ..., @@session.x = ... */
static bool read_at_variable(struct reader *reader, struct sql_assignment *assignment) {
    struct slice text = reader->token.text;
    bool system = text.length > 1 && text.at[1] == '@';
    assignment->scope = system ? SQL_SESSION : SQL_USER_VARIABLE_SCOPE;
    assignment->name = between(text.at + (system ? 2 : 1), text.at + text.length);
    const char *dot = system ? memchr(assignment->name.at, '.', assignment->name.length) : NULL;
    const struct scope_word *scope = dot ? find_scope(between(assignment->name.at, dot)) : NULL;
    if (scope) {
        assignment->scope = scope->scope;
        assignment->name = between(dot + 1, text.at + text.length);
    }
    assignment->name = without_quotes(assignment->name);
    reader_advance(reader);
    return assignment->name.length > 0 && take_equals(reader) && read_value(reader, assignment);
}

/* x = ..., x.y = ... */
static bool read_variable(struct reader *reader, struct sql_assignment *assignment) {
    struct token first = reader->token;
    if (!reader_take_any_name(reader))
        return false;
    assignment->name = first.text;
    while (reader_take_operator(reader, '.')) {
        if (!reader_take_any_name(reader))
            return false;
        assignment->name = between(first.from, reader->last_end);
    }
    return take_equals(reader) && read_value(reader, assignment);
}

/* SESSION or GLOBAL in front of an assignment, unless it is the name of what is assigned to. */
static const struct scope_word *take_scope(struct reader *reader) {
    const struct scope_word *scope = reader->token.kind == LEX_WORD ? find_scope(reader->token.text) : NULL;
    const struct token *next = reader_peek(reader);
    if (!scope || next->kind == LEX_OPERATOR)
        return NULL;
    reader_advance(reader);
    return scope;
}

static bool read_assignment(struct reader *reader, struct sql_assignment *assignment) {
    bool found;
    if (reader->token.kind == LEX_VARIABLE)
        return read_at_variable(reader, assignment);
    const struct scope_word *scope = take_scope(reader);
    if (scope) {
        assignment->scope = scope->scope;
        const struct token *next = reader_peek(reader);
        if (next->kind != LEX_OPERATOR && reader_take_word(reader, "TRANSACTION")) {
            assignment->name = word("TRANSACTION");
            assignment->scope = scope->scope == SQL_SESSION ? SQL_NOT_A_VARIABLE : SQL_GLOBAL;
            return read_to_end(reader, assignment);
        }
        return read_variable(reader, assignment);
    }
    enum sql_scope sticking = assignment->scope;
    assignment->scope = SQL_NOT_A_VARIABLE;
    bool fine = read_special(reader, assignment, &found);
    if (!fine || found)
        return fine;
    assignment->scope = sticking;
    return read_variable(reader, assignment);
}

bool sql_next_assignment(struct slice *rest, struct lex_modes modes, struct sql_assignment *assignment,
                         bool *understood) {
    struct sql_summary seen;
    struct reader reader;
    memset(&seen, 0, offsetof(struct sql_summary, tables));
    reader_start(&reader, *rest, modes, &seen);
    if (reader.token.kind == LEX_END && !reader.lexer.executable_comment)
        return false;
    *assignment =
        (struct sql_assignment){.scope = reader_take_operator(&reader, ',') ? SQL_GLOBAL : SQL_SESSION};
    bool global = assignment->scope == SQL_GLOBAL;
    const struct scope_word *word_here = reader.token.kind == LEX_WORD ? find_scope(reader.token.text) : NULL;
    if (word_here)
        global = word_here->scope == SQL_GLOBAL;
    const char *from = reader.token.from;
    bool whole = read_assignment(&reader, assignment) && at_assignment_end(&reader);
    assignment->text = between(from, reader.last_end);
    const char *next = reader.token.from;
    const char *end = reader.lexer.end;
    if (whole && reader_take_operator(&reader, ',')) {
        whole = reader.token.kind != LEX_END;
        *rest = between(global ? next : next + 1, end);
    } else {
        *rest = between(end, end);
    }
    if (!whole || reader.lexer.executable_comment) {
        *understood = false;
        return false;
    }
    return true;
}
