/* The reader of one statement, shared by the parts of its grammar. Each reader_... function takes one piece
 * of grammar from the current token on, notes what it meets in the summary and leaves the token behind the
 * piece as the current one. False: it stands outside the known grammar, or the filter has settled the matter
 * (`stopped`); the caller gives up as well. What they accept is more than the servers do, never less in
 * tables or functions: a name in a place where a server would look for a table is noted, or the statement
 * isn't understood. */
#ifndef ROUNDABOUT_SQL_READ_H
#define ROUNDABOUT_SQL_READ_H

#include "sql.h"
#include "sql_keywords.h"

enum {
    CTES_MAX = 16, /* names of WITH in scope at one place */
    DEPTH_MAX =
        64, /* parentheses, CASEs and subqueries in each other; a level takes less than 1 KB of stack */
};

struct reader {
    struct lexer lexer;
    struct token token; /* the current one */
    enum keyword keyword;
    const char *end;      /* the end of the current token */
    const char *last_end; /* the end of the token before it */
    bool has_ahead;       /* the token behind the current one was read already */
    struct token ahead;
    const struct sql_filter *filter;
    struct sql_summary *summary;
    unsigned depth;
    bool stopped;
    bool volatile_function; /* met one whose value is another each time */
    size_t cte_count;
    struct slice ctes[CTES_MAX];
};

void reader_start(struct reader *reader, struct slice text, struct lex_modes modes,
                  struct sql_summary *summary);
void reader_advance(struct reader *reader);
const struct token *reader_peek(struct reader *reader); /* the token behind the current one */

static inline bool token_is_operator(const struct token *token, char byte) {
    return token->byte == byte;
}

/* An operator of one byte. */
static inline bool reader_at_operator(const struct reader *reader, char byte) {
    return reader->token.byte == byte;
}

bool reader_at_word(const struct reader *reader, const char *upper_case_word);

/* If it is the current one: advances, true. */
static inline bool reader_take(struct reader *reader, enum keyword keyword) {
    bool taken = reader->keyword == keyword;
    if (taken)
        reader_advance(reader);
    return taken;
}

static inline bool reader_take_operator(struct reader *reader, char byte) {
    bool taken = reader->token.byte == byte;
    if (taken)
        reader_advance(reader);
    return taken;
}

bool reader_take_word(struct reader *reader, const char *upper_case_word);

bool reader_at_name(const struct reader *reader); /* a quoted name, or a word that isn't reserved */
bool reader_take_any_name(struct reader *reader); /* a quoted name or any word */
bool reader_names(struct reader *reader);         /* ( [name {, name}] ) */

/* The quick ways over ( literal {, literal} ), and over one or more such rows. False: it isn't as plain as that, and
 * nothing has been read. */
bool reader_literals(struct reader *reader);
bool reader_literal_rows(struct reader *reader);
void reader_tie(struct reader *reader, enum sql_tie tie);

/* sql_expression.c */
bool reader_expression(struct reader *reader);
bool reader_expressions(struct reader *reader); /* one or more, between commas */
bool reader_order(struct reader *reader);       /* expression [ASC | DESC] {, ...} */
bool reader_window(struct reader *reader);      /* ( [name] [PARTITION BY ...] [ORDER BY ...] ) */

/* sql_query.c */
bool reader_at_query(const struct reader *reader); /* SELECT or WITH */
bool reader_query(struct reader *reader);          /* from SELECT, WITH or ( on */
bool reader_query_rest(
    struct reader *reader); /* behind a query in parentheses: UNION ..., ORDER BY ..., LIMIT ... */
bool reader_items(struct reader *reader);    /* what stands behind SELECT or RETURNING */
bool reader_limit(struct reader *reader);    /* nothing, or LIMIT ... or FETCH ... */
bool reader_where(struct reader *reader);    /* nothing, or WHERE ... */
bool reader_order_by(struct reader *reader); /* nothing, or ORDER BY ... */

/* sql_tables.c */
bool reader_table_name(struct reader *reader, struct sql_table *table); /* doesn't note it */
bool reader_note_table(struct reader *reader, const struct sql_table *table);
bool reader_tables(struct reader *reader);                 /* what stands behind FROM */
bool reader_alias(struct reader *reader, bool string_too); /* nothing, or [AS] name */
bool reader_with(
    struct reader *reader); /* WITH ...: its names stay in scope until reader->cte_count is set back */
bool reader_partition(struct reader *reader); /* nothing, or PARTITION (names) */

/* sql_write.c: from the verb on */
bool reader_insert(struct reader *reader);
bool reader_update(struct reader *reader);
bool reader_delete(struct reader *reader);

#endif
