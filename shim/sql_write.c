/* REPLACE, INSERT, UPDATE and DELETE. */
#include "sql_read.h"

#include <string.h>

static void skip_modifiers(struct reader *reader) {
    while (reader->keyword == KEYWORD_LOW_PRIORITY || reader->keyword == KEYWORD_HIGH_PRIORITY ||
           reader->keyword == KEYWORD_DELAYED || reader->keyword == KEYWORD_IGNORE)
        reader_advance(reader);
}

/* column, table.column, database.table.column. */
static bool read_column(struct reader *reader) {
    if (!reader_at_name(reader))
        return false;
    reader_advance(reader);
    for (int parts = 1; parts < 3 && reader_take_operator(reader, '.'); parts++)
        if (!reader_take_any_name(reader))
            return false;
    return true;
}

/* column = expression {, ...} */
static bool read_assignments(struct reader *reader) {
    do {
        if (!read_column(reader))
            return false;
        struct slice sign = reader->token.text;
        bool assigns = reader->token.kind == LEX_OPERATOR &&
                       ((sign.length == 1 && *sign.at == '=') || (sign.length == 2 && *sign.at == ':'));
        if (!assigns)
            return false;
        reader_advance(reader);
        if (!reader_expression(reader))
            return false;
    } while (reader_take_operator(reader, ','));
    return true;
}

/* (a, b), (c, d), ... */
static bool read_rows(struct reader *reader) {
    do {
        if (reader_literal_rows(reader))
            continue;
        if (!reader_take_operator(reader, '('))
            return false;
        if (reader_take_operator(reader, ')'))
            continue;
        if (!reader_expressions(reader) || !reader_take_operator(reader, ')'))
            return false;
    } while (reader_take_operator(reader, ','));
    return true;
}

/* (a, b, ...) behind the table, not to be confused with a query in parentheses. */
static bool read_columns(struct reader *reader) {
    const struct token *next = reader_peek(reader);
    bool query = token_is_operator(next, '(') ||
                 (next->kind == LEX_WORD &&
                  (slice_equals_word(next->text, "SELECT") || slice_equals_word(next->text, "WITH")));
    if (query || !reader_take_operator(reader, '('))
        return true;
    if (reader_take_operator(reader, ')'))
        return true;
    do {
        if (!read_column(reader))
            return false;
    } while (reader_take_operator(reader, ','));
    return reader_take_operator(reader, ')');
}

/* MySQL: a name for the new row, AS new (a, b). */
static bool read_row_alias(struct reader *reader) {
    if (!reader_take(reader, KEYWORD_AS))
        return true;
    if (!reader_at_name(reader))
        return false;
    reader_advance(reader);
    return !reader_at_operator(reader, '(') || reader_names(reader);
}

static bool read_source(struct reader *reader) {
    if (reader_take(reader, KEYWORD_VALUES) || reader_take(reader, KEYWORD_VALUE))
        return read_rows(reader) && read_row_alias(reader);
    if (reader_take(reader, KEYWORD_SET))
        return read_assignments(reader) && read_row_alias(reader);
    return reader_query(reader);
}

static bool read_on_duplicate(struct reader *reader) {
    if (!reader_take(reader, KEYWORD_ON))
        return true;
    return reader_take_word(reader, "DUPLICATE") && reader_take(reader, KEYWORD_KEY) &&
           reader_take(reader, KEYWORD_UPDATE) && read_assignments(reader);
}

static bool read_returning(struct reader *reader) {
    if (!reader_take(reader, KEYWORD_RETURNING))
        return true;
    reader->summary->has_result = true;
    return reader_items(reader);
}

bool reader_insert(struct reader *reader) {
    reader_advance(reader);
    skip_modifiers(reader);
    reader_take(reader, KEYWORD_INTO);
    struct sql_table table;
    return reader_table_name(reader, &table) && reader_note_table(reader, &table) &&
           reader_partition(reader) && read_columns(reader) && read_source(reader) &&
           read_on_duplicate(reader) && read_returning(reader);
}

bool reader_update(struct reader *reader) {
    reader_advance(reader);
    skip_modifiers(reader);
    return reader_tables(reader) && reader_take(reader, KEYWORD_SET) && read_assignments(reader) &&
           reader_where(reader) && reader_order_by(reader) && reader_limit(reader);
}

/* table [.*] {, ...}: what a DELETE from several tables deletes from. Each is the name or the alias of a
 * table in its FROM or USING, and so isn't noted here. */
struct targets {
    struct sql_table tables[SQL_TABLES_MAX];
    size_t count;
};

static bool read_target(struct reader *reader, struct sql_table *table) {
    if (!reader_at_name(reader))
        return false;
    *table = (struct sql_table){.table = reader->token.text, .quotes_doubled = reader->token.doubled};
    reader_advance(reader);
    if (!reader_take_operator(reader, '.') || reader_take_operator(reader, '*'))
        return true;
    table->database = table->table;
    table->table = reader->token.text;
    table->quotes_doubled |= reader->token.doubled;
    if (!reader_take_any_name(reader))
        return false;
    return !reader_take_operator(reader, '.') || reader_take_operator(reader, '*');
}

static bool read_targets(struct reader *reader, struct targets *targets) {
    targets->count = 0;
    do {
        if (targets->count == SQL_TABLES_MAX || !read_target(reader, &targets->tables[targets->count++]))
            return false;
    } while (reader_take_operator(reader, ','));
    return true;
}

static bool same_slice(struct slice one, struct slice other) {
    return one.length == other.length && memcmp(one.at, other.at, one.length) == 0;
}

/* A target that names its database can't be an alias: it is one of the tables that were found. */
static bool targets_are_known(const struct targets *targets, const struct sql_summary *summary) {
    for (size_t i = 0; i < targets->count; i++) {
        const struct sql_table *target = &targets->tables[i];
        bool known = !target->database.length;
        for (size_t j = 0; j < summary->table_count && !known; j++)
            known = same_slice(target->table, summary->tables[j].table);
        if (!known)
            return false;
    }
    return true;
}

bool reader_delete(struct reader *reader) {
    reader_advance(reader);
    while (reader->keyword == KEYWORD_LOW_PRIORITY || reader->keyword == KEYWORD_IGNORE ||
           reader->keyword == KEYWORD_QUICK)
        reader_advance(reader);
    if (reader_at_word(reader, "HISTORY")) /* MariaDB: DELETE HISTORY FROM versioned_table */
        return false;
    bool from_first = reader_take(reader, KEYWORD_FROM);
    struct targets targets;
    if (!read_targets(reader, &targets))
        return false;
    if (!from_first || reader->keyword == KEYWORD_USING) {
        if (!reader_take(reader, from_first ? KEYWORD_USING : KEYWORD_FROM))
            return false;
        return reader_tables(reader) && targets_are_known(&targets, reader->summary) && reader_where(reader);
    }
    return targets.count == 1 && reader_note_table(reader, &targets.tables[0]) && reader_partition(reader) &&
           reader_alias(reader, false) && reader_where(reader) && reader_order_by(reader) &&
           reader_limit(reader) && read_returning(reader);
}
