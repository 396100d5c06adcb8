/* Where tables are named: FROM and its joins, and the names that WITH gives. */
#include "sql_read.h"

#include <string.h>

/* How a bare table name and a name of WITH compare: whether case matters there differs between servers and
 * settings. */
enum likeness { DIFFERENT, LIKE_BUT_FOR_CASE, SAME };

static char fold(char letter) {
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static enum likeness compare_names(struct slice one, struct slice other) {
    if (one.length != other.length)
        return DIFFERENT;
    for (size_t i = 0; i < one.length; i++)
        if (fold(one.at[i]) != fold(other.at[i]))
            return DIFFERENT;
    return memcmp(one.at, other.at, one.length) == 0 ? SAME : LIKE_BUT_FOR_CASE;
}

static enum likeness find_cte(const struct reader *reader, const struct sql_table *table) {
    enum likeness best = DIFFERENT;
    if (table->database.length)
        return DIFFERENT;
    for (size_t i = 0; i < reader->cte_count; i++) {
        enum likeness likeness = compare_names(reader->ctes[i], table->table);
        best = likeness > best ? likeness : best;
    }
    return best;
}

bool reader_note_table(struct reader *reader, const struct sql_table *table) {
    struct sql_summary *summary = reader->summary;
    switch (find_cte(reader, table)) {
    case SAME:
        return true;
    case LIKE_BUT_FOR_CASE:
        return false;
    case DIFFERENT:
        break;
    }
    if (summary->table_count == SQL_TABLES_MAX) {
        summary->too_many_tables = true;
        return false;
    }
    summary->tables[summary->table_count++] = *table;
    if (reader->filter && !reader->filter->wanted(reader->filter->context, table)) {
        reader->stopped = true;
        return false;
    }
    return true;
}

/* table, or database.table. Behind the dot any word is a name. */
bool reader_table_name(struct reader *reader, struct sql_table *table) {
    if (!reader_at_name(reader))
        return false;
    *table = (struct sql_table){.table = reader->token.text, .quotes_doubled = reader->token.doubled};
    reader_advance(reader);
    if (!reader_take_operator(reader, '.'))
        return true;
    table->database = table->table;
    table->table = reader->token.text;
    table->quotes_doubled |= reader->token.doubled;
    return reader_take_any_name(reader) && !reader_at_operator(reader, '.');
}

bool reader_partition(struct reader *reader) {
    return !reader_take(reader, KEYWORD_PARTITION) || reader_names(reader);
}

/* Words that aren't reserved everywhere, where they open a clause and aren't an alias: WINDOW name AS, OFFSET
 * 5 ROWS. */
static bool at_clause(struct reader *reader) {
    if (reader->keyword != KEYWORD_WINDOW && reader->keyword != KEYWORD_OFFSET)
        return false;
    const struct token *next = reader_peek(reader);
    if (reader->keyword == KEYWORD_OFFSET)
        return next->kind == LEX_NUMBER || next->kind == LEX_PARAMETER;
    return next->kind == LEX_NAME || (next->kind == LEX_WORD && !keyword_is_reserved(keyword_of(next->text)));
}

bool reader_alias(struct reader *reader, bool string_too) {
    bool as = reader_take(reader, KEYWORD_AS);
    bool string = string_too && reader->token.kind == LEX_STRING;
    if (string || (reader_at_name(reader) && (as || !at_clause(reader)))) {
        reader_advance(reader);
        return true;
    }
    return !as;
}

/* USE INDEX (a, b), FORCE KEY FOR ORDER BY (PRIMARY), ... */
static bool read_index_hints(struct reader *reader) {
    while (reader->keyword == KEYWORD_USE || reader->keyword == KEYWORD_FORCE ||
           reader->keyword == KEYWORD_IGNORE) {
        reader_advance(reader);
        if (!reader_take(reader, KEYWORD_INDEX) && !reader_take(reader, KEYWORD_KEY))
            return false;
        if (reader_take(reader, KEYWORD_FOR)) {
            bool grouped = reader_take(reader, KEYWORD_ORDER) || reader_take(reader, KEYWORD_GROUP);
            if (!reader_take(reader, grouped ? KEYWORD_BY : KEYWORD_JOIN))
                return false;
        }
        if (!reader_names(reader))
            return false;
    }
    return true;
}

static bool read_factor(struct reader *reader);
static bool read_joins(struct reader *reader);

/* Behind a query in parentheses: [AS] name [(columns)]. */
static bool read_derived_name(struct reader *reader) {
    if (!reader_alias(reader, false))
        return false;
    return !reader_at_operator(reader, '(') || reader_names(reader);
}

/* ( query ) or ( tables ), told apart by what is found inside; *query says which. */
static bool read_parentheses(struct reader *reader, bool *query) {
    if (reader->depth == DEPTH_MAX || !reader_take_operator(reader, '('))
        return false;
    reader->depth++;
    *query = false;
    if (reader_at_query(reader)) {
        *query = true;
        if (!reader_query(reader))
            return false;
    } else if (reader_at_operator(reader, '(')) {
        bool inner_query;
        if (!read_parentheses(reader, &inner_query))
            return false;
        bool named = reader->keyword == KEYWORD_AS || reader_at_name(reader);
        *query = inner_query && !named;
        if (*query ? !reader_query_rest(reader)
                   : (inner_query && !read_derived_name(reader)) || !read_joins(reader))
            return false;
    } else if (!reader_tables(reader)) {
        return false;
    }
    reader->depth--;
    return reader_take_operator(reader, ')');
}

static bool read_factor(struct reader *reader) {
    if (reader->keyword == KEYWORD_LATERAL) {
        const struct token *next = reader_peek(reader);
        if (token_is_operator(next, '('))
            reader_advance(reader);
    }
    if (reader_at_operator(reader, '(')) {
        bool query;
        return read_parentheses(reader, &query) && (!query || read_derived_name(reader));
    }
    struct sql_table table;
    if (!reader_table_name(reader, &table) || reader_at_operator(reader, '('))
        return false; /* a name in front of a parenthesis is a function that gives a table (JSON_TABLE) */
    if (!reader_note_table(reader, &table))
        return false;
    return reader_partition(reader) && reader_alias(reader, false) && read_index_hints(reader);
}

static bool at_join(const struct reader *reader) {
    switch (reader->keyword) {
    case KEYWORD_JOIN:
    case KEYWORD_STRAIGHT_JOIN:
    case KEYWORD_INNER:
    case KEYWORD_CROSS:
    case KEYWORD_LEFT:
    case KEYWORD_RIGHT:
    case KEYWORD_OUTER:
    case KEYWORD_NATURAL:
        return true;
    default:
        return false;
    }
}

static bool at_on_duplicate(struct reader *reader) {
    const struct token *next = reader_peek(reader);
    return next->kind == LEX_WORD && slice_equals_word(next->text, "DUPLICATE");
}

/* All that may follow the first table: which ON belongs to which JOIN doesn't matter here. */
static bool read_joins(struct reader *reader) {
    for (;;) {
        if (reader_take_operator(reader, ',')) {
            if (!read_factor(reader))
                return false;
        } else if (at_join(reader)) {
            while (at_join(reader) && reader->keyword != KEYWORD_JOIN &&
                   reader->keyword != KEYWORD_STRAIGHT_JOIN)
                reader_advance(reader);
            if (!reader_take(reader, KEYWORD_JOIN) && !reader_take(reader, KEYWORD_STRAIGHT_JOIN))
                return false;
            if (!read_factor(reader))
                return false;
        } else if (reader->keyword == KEYWORD_ON && !at_on_duplicate(reader)) {
            reader_advance(reader);
            if (!reader_expression(reader))
                return false;
        } else if (reader->keyword == KEYWORD_USING) {
            reader_advance(reader);
            if (!reader_names(reader))
                return false;
        } else {
            return true;
        }
    }
}

bool reader_tables(struct reader *reader) {
    return read_factor(reader) && read_joins(reader);
}

/* A table named like one of WITH's own names before that name was given: whether the one or the other is
 * meant differs between the servers (MariaDB lets the names of WITH RECURSIVE refer forward). */
static bool was_named_before(const struct reader *reader, size_t first_table, struct slice name) {
    const struct sql_summary *summary = reader->summary;
    for (size_t i = first_table; i < summary->table_count; i++)
        if (!summary->tables[i].database.length && compare_names(summary->tables[i].table, name) != DIFFERENT)
            return true;
    return false;
}

static bool read_cte(struct reader *reader, bool recursive, size_t first_table) {
    struct token name = reader->token;
    if (!reader_at_name(reader) || name.doubled || reader->cte_count == CTES_MAX)
        return false;
    reader_advance(reader);
    if (reader_at_operator(reader, '(') && !reader_names(reader))
        return false;
    if (recursive)
        reader->ctes[reader->cte_count++] = name.text;
    if (!reader_take(reader, KEYWORD_AS) || !reader_at_operator(reader, '('))
        return false;
    reader_advance(reader);
    if (!reader_query(reader) || !reader_take_operator(reader, ')'))
        return false;
    if (!recursive)
        reader->ctes[reader->cte_count++] = name.text;
    return !was_named_before(reader, first_table, name.text);
}

bool reader_with(struct reader *reader) {
    size_t first_table = reader->summary->table_count;
    reader_advance(reader);
    bool recursive = reader_take(reader, KEYWORD_RECURSIVE);
    do {
        if (!read_cte(reader, recursive, first_table))
            return false;
    } while (reader_take_operator(reader, ','));
    return true;
}
