#include "usage.h"

#include <string.h>

enum { COLUMNS_MAX = 8 };

/* The WHERE of a statement, token by token. */
struct condition {
    struct lexer lexer;
    struct token token;
    unsigned depth; /* of parentheses around what is compared: they mean nothing where all is ANDed */
    size_t count;
    struct slice columns[COLUMNS_MAX];
};

static bool at_word(const struct condition *condition, const char *word) {
    return condition->token.kind == LEX_WORD && slice_equals_word(condition->token.text, word);
}

static bool at_byte(const struct condition *condition, char byte) {
    return condition->token.kind == LEX_OPERATOR && condition->token.byte == byte;
}

static void advance(struct condition *condition) {
    lex_read(&condition->lexer, &condition->token);
}

static bool take_byte(struct condition *condition, char byte) {
    bool there = at_byte(condition, byte);
    if (there)
        advance(condition);
    return there;
}

static bool is_charset_introducer(const struct token *token) {
    return token->kind == LEX_WORD && token->text.length > 1 && token->text.at[0] == '_';
}

/* A literal or a placeholder. */
static bool take_value(struct condition *condition) {
    if (is_charset_introducer(&condition->token) || at_word(condition, "BINARY"))
        advance(condition);
    else if (at_byte(condition, '-') || at_byte(condition, '+'))
        advance(condition);
    enum lex_kind kind = condition->token.kind;
    bool literal = kind == LEX_STRING || kind == LEX_NUMBER || kind == LEX_PARAMETER ||
                   at_word(condition, "NULL") || at_word(condition, "TRUE") || at_word(condition, "FALSE");
    if (literal)
        advance(condition);
    while (literal && condition->token.kind == LEX_STRING) /* 'a' 'b' is one */
        advance(condition);
    return literal;
}

static void take_openings(struct condition *condition) {
    while (take_byte(condition, '('))
        condition->depth++;
}

static void take_closings(struct condition *condition) {
    while (condition->depth > 0 && take_byte(condition, ')'))
        condition->depth--;
}

/* [[database.]table.]column; the last part is noted. */
static bool take_column(struct condition *condition) {
    struct slice column;
    do {
        if (condition->token.kind != LEX_NAME && condition->token.kind != LEX_WORD)
            return false;
        column = condition->token.text;
        advance(condition);
    } while (take_byte(condition, '.'));
    take_closings(condition);
    if (condition->count < COLUMNS_MAX)
        condition->columns[condition->count] = column;
    return condition->count++ < COLUMNS_MAX;
}

/* column = value, value = column, column IN (value, ...). */
static bool take_comparison(struct condition *condition) {
    bool value_first = condition->token.kind == LEX_STRING || condition->token.kind == LEX_NUMBER ||
                       condition->token.kind == LEX_PARAMETER;
    if (value_first)
        return take_value(condition) && take_byte(condition, '=') && take_column(condition);
    if (!take_column(condition))
        return false;
    if (take_byte(condition, '='))
        return take_value(condition);
    if (!at_word(condition, "IN"))
        return false;
    advance(condition);
    if (!take_byte(condition, '('))
        return false;
    do {
        if (!take_value(condition))
            return false;
    } while (take_byte(condition, ','));
    return take_byte(condition, ')');
}

static bool at_end_of_where(const struct condition *condition) {
    return condition->token.kind == LEX_END || at_byte(condition, ';') || at_word(condition, "LIMIT") ||
           at_word(condition, "ORDER") || at_word(condition, "RETURNING");
}

/* From behind WHERE on. */
static bool is_by_key(struct condition *condition) {
    for (;;) {
        take_openings(condition);
        if (!take_comparison(condition))
            return false;
        take_closings(condition);
        if (condition->depth == 0 && at_end_of_where(condition))
            return true;
        if (!at_word(condition, "AND"))
            return false;
        advance(condition);
    }
}

/* Stops behind the word, outside of parentheses; false: it isn't there. */
static bool find_word(struct condition *condition, const char *word) {
    unsigned depth = 0;
    while (condition->token.kind != LEX_END && condition->token.kind != LEX_BAD) {
        bool found = depth == 0 && at_word(condition, word);
        depth += at_byte(condition, '(');
        depth -= depth > 0 && at_byte(condition, ')');
        advance(condition);
        if (found)
            return true;
    }
    return false;
}

static struct condition start(struct slice text, struct lex_modes modes) {
    struct condition condition = {.count = 0};
    lex_start(&condition.lexer, text, modes);
    advance(&condition);
    return condition;
}

static char fold(char byte) {
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static int compare_columns(struct slice one, struct slice other) {
    for (size_t i = 0; i < one.length && i < other.length; i++)
        if (fold(one.at[i]) != fold(other.at[i]))
            return (unsigned char)fold(one.at[i]) < (unsigned char)fold(other.at[i]) ? -1 : 1;
    return one.length < other.length ? -1 : one.length > other.length;
}

/* In small letters, each once: column names compare so. */
static void write_columns(struct condition *condition, char *text, size_t size) {
    size_t length = 0;
    for (size_t i = 1; i < condition->count; i++)
        for (size_t j = i; j > 0 && compare_columns(condition->columns[j], condition->columns[j - 1]) < 0;
             j--) {
            struct slice other = condition->columns[j];
            condition->columns[j] = condition->columns[j - 1];
            condition->columns[j - 1] = other;
        }
    for (size_t i = 0; i < condition->count; i++) {
        if (i > 0 && compare_columns(condition->columns[i], condition->columns[i - 1]) == 0)
            continue;
        if (length > 0 && length + 1 < size)
            text[length++] = ',';
        for (size_t k = 0; k < condition->columns[i].length && length + 1 < size; k++)
            text[length++] = fold(condition->columns[i].at[k]);
    }
    text[length] = '\0';
}

static bool same(struct slice one, struct slice other) {
    return compare_columns(one, other) == 0;
}

static bool names_another_table(const struct sql_summary *summary) {
    for (size_t i = 1; i < summary->table_count; i++)
        if (!same(summary->tables[i].table, summary->tables[0].table) ||
            !same(summary->tables[i].database, summary->tables[0].database))
            return true;
    return false;
}

bool usage_find(struct slice text, struct lex_modes modes, const struct sql_summary *summary,
                struct usage *usage) {
    bool reads = summary->verb == SQL_SELECT;
    usage->columns[0] = '\0';
    switch (summary->verb) {
    case SQL_DROP_TABLE:
    case SQL_CREATE_TEMPORARY:
        usage->use = PAGE_USE_DROPPED;
        return true;
    case SQL_SELECT:
    case SQL_REPLACE:
    case SQL_INSERT:
    case SQL_UPDATE:
    case SQL_DELETE:
        break;
    default:
        return false;
    }
    if (names_another_table(summary)) {
        usage->use = PAGE_USE_WITH_OTHERS;
        return true;
    }
    if (summary->ties != 0) {
        usage->use = PAGE_USE_TIED;
        return true;
    }
    struct condition condition = start(text, modes);
    if (summary->verb == SQL_REPLACE) {
        usage->use = PAGE_USE_REPLACED;
        return true;
    }
    if (summary->verb == SQL_INSERT) {
        usage->use = find_word(&condition, "ON") && at_word(&condition, "DUPLICATE") ? PAGE_USE_UPSERTED
                                                                                     : PAGE_USE_INSERTED;
        return true;
    }
    bool by_key = summary->table_count == 1 && find_word(&condition, "WHERE") && is_by_key(&condition);
    if (by_key)
        write_columns(&condition, usage->columns, sizeof usage->columns);
    if (by_key)
        usage->use = reads                         ? PAGE_USE_READ_BY_KEY
                     : summary->verb == SQL_UPDATE ? PAGE_USE_UPDATED_BY_KEY
                                                   : PAGE_USE_DELETED_BY_KEY;
    else
        usage->use = reads ? PAGE_USE_READ_OTHERWISE : PAGE_USE_WRITTEN_OTHERWISE;
    return true;
}
