/* SELECT, its unions and its clauses. */
#include "sql_read.h"

bool reader_at_query(const struct reader *reader) {
    return reader->keyword == KEYWORD_SELECT || reader->keyword == KEYWORD_WITH;
}

static void skip_options(struct reader *reader) {
    for (;; reader_advance(reader)) {
        switch (reader->keyword) {
        case KEYWORD_SQL_CALC_FOUND_ROWS:
            reader_tie(reader, SQL_FOUND_ROWS);
            break;
        case KEYWORD_ALL:
        case KEYWORD_DISTINCT:
        case KEYWORD_DISTINCTROW:
        case KEYWORD_HIGH_PRIORITY:
        case KEYWORD_STRAIGHT_JOIN:
        case KEYWORD_SQL_SMALL_RESULT:
        case KEYWORD_SQL_BIG_RESULT:
        case KEYWORD_SQL_BUFFER_RESULT:
        case KEYWORD_SQL_CACHE:
        case KEYWORD_SQL_NO_CACHE:
            break;
        default:
            return;
        }
    }
}

bool reader_items(struct reader *reader) {
    do {
        if (reader_take_operator(reader, '*'))
            continue;
        if (!reader_expression(reader) || !reader_alias(reader, true))
            return false;
    } while (reader_take_operator(reader, ','));
    return true;
}

bool reader_where(struct reader *reader) {
    return !reader_take(reader, KEYWORD_WHERE) || reader_expression(reader);
}

bool reader_order_by(struct reader *reader) {
    return !reader_take(reader, KEYWORD_ORDER) || (reader_take(reader, KEYWORD_BY) && reader_order(reader));
}

static bool read_count(struct reader *reader) {
    if (reader->token.kind == LEX_PARAMETER)
        reader->summary->parameters = true;
    else if (reader->token.kind != LEX_NUMBER)
        return false;
    reader_advance(reader);
    return true;
}

/* FETCH FIRST 5 ROWS ONLY, behind the word FETCH. */
static bool read_fetch(struct reader *reader) {
    if (!reader_take_word(reader, "FIRST") && !reader_take_word(reader, "NEXT"))
        return false;
    if (reader->token.kind == LEX_NUMBER || reader->token.kind == LEX_PARAMETER)
        read_count(reader);
    if (!reader_take(reader, KEYWORD_ROW) && !reader_take(reader, KEYWORD_ROWS))
        return false;
    return reader_take_word(reader, "ONLY") ||
           (reader_take(reader, KEYWORD_WITH) && reader_take_word(reader, "TIES"));
}

bool reader_limit(struct reader *reader) {
    if (reader_take(reader, KEYWORD_LIMIT)) {
        if (!read_count(reader))
            return false;
        return !(reader_take_operator(reader, ',') || reader_take(reader, KEYWORD_OFFSET)) ||
               read_count(reader);
    }
    if (reader_take(reader, KEYWORD_OFFSET)) {
        if (!read_count(reader) || !(reader_take(reader, KEYWORD_ROW) || reader_take(reader, KEYWORD_ROWS)))
            return false;
    }
    return !reader_take(reader, KEYWORD_FETCH) || read_fetch(reader);
}

static bool at_file_option(const struct reader *reader) {
    static const char *const words[] = {"CHARACTER", "SET",        "CHARSET", "FIELDS",
                                        "COLUMNS",   "TERMINATED", "BY",      "OPTIONALLY",
                                        "ENCLOSED",  "ESCAPED",    "LINES",   "STARTING"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (reader_at_word(reader, words[i]))
            return true;
    return false;
}

/* INTO OUTFILE 'x' CHARACTER SET y FIELDS ... LINES ..., INTO DUMPFILE 'x', INTO @a, @b. */
static bool read_into(struct reader *reader) {
    if (!reader_take(reader, KEYWORD_INTO))
        return true;
    reader_tie(reader, SQL_INTO);
    if (reader_take(reader, KEYWORD_OUTFILE) || reader_take_word(reader, "DUMPFILE")) {
        if (reader->token.kind != LEX_STRING)
            return false;
        reader_advance(reader);
        while (at_file_option(reader)) {
            bool names_charset = reader_at_word(reader, "SET") || reader_at_word(reader, "CHARSET");
            reader_advance(reader);
            if (reader->token.kind == LEX_STRING)
                reader_advance(reader);
            else if (names_charset && !reader_take_any_name(reader))
                return false;
        }
        return true;
    }
    do {
        if (reader->token.kind != LEX_VARIABLE && !reader_at_name(reader))
            return false;
        reader_advance(reader);
    } while (reader_take_operator(reader, ','));
    return true;
}

/* FOR UPDATE | FOR SHARE [OF a, b] [NOWAIT | WAIT n | SKIP LOCKED], LOCK IN SHARE MODE. Other things behind
 * FOR (SYSTEM_TIME) aren't known here. */
static bool read_lock(struct reader *reader) {
    while (reader->keyword == KEYWORD_FOR || reader->keyword == KEYWORD_LOCK) {
        if (reader_take(reader, KEYWORD_LOCK)) {
            if (!reader_take(reader, KEYWORD_IN) || !reader_take_word(reader, "SHARE") ||
                !reader_take_word(reader, "MODE"))
                return false;
            reader_tie(reader, SQL_LOCKING_READ);
        } else {
            reader_advance(reader);
            if (!reader_take(reader, KEYWORD_UPDATE) && !reader_take_word(reader, "SHARE"))
                return false;
            reader_tie(reader, SQL_LOCKING_READ);
            if (reader_take_word(reader, "OF"))
                do {
                    struct sql_table alias;
                    if (!reader_table_name(reader, &alias))
                        return false;
                } while (reader_take_operator(reader, ','));
        }
        if (reader_take_word(reader, "WAIT")) {
            if (!read_count(reader))
                return false;
        } else if (reader_take_word(reader, "SKIP")) {
            if (!reader_take_word(reader, "LOCKED"))
                return false;
        } else {
            reader_take_word(reader, "NOWAIT");
        }
    }
    return true;
}

static bool read_group_by(struct reader *reader) {
    if (!reader_take(reader, KEYWORD_GROUP))
        return true;
    if (!reader_take(reader, KEYWORD_BY) || !reader_order(reader))
        return false;
    return !reader_take(reader, KEYWORD_WITH) || reader_take_word(reader, "ROLLUP");
}

/* WINDOW w AS (...), ... */
static bool read_windows(struct reader *reader) {
    if (!reader_take(reader, KEYWORD_WINDOW))
        return true;
    do {
        if (!reader_at_name(reader))
            return false;
        reader_advance(reader);
        if (!reader_take(reader, KEYWORD_AS) || !reader_window(reader))
            return false;
    } while (reader_take_operator(reader, ','));
    return true;
}

static bool read_from(struct reader *reader) {
    if (!reader_take(reader, KEYWORD_FROM))
        return true;
    if (reader_take(reader, KEYWORD_DUAL))
        return true;
    return reader_tables(reader);
}

static bool read_select(struct reader *reader) {
    if (!reader_take(reader, KEYWORD_SELECT))
        return false;
    reader->summary->selects = true;
    skip_options(reader);
    if (!reader_items(reader) || !read_into(reader) || !read_from(reader) || !reader_where(reader) ||
        !read_group_by(reader))
        return false;
    if (reader_take(reader, KEYWORD_HAVING) && !reader_expression(reader))
        return false;
    return read_windows(reader);
}

/* One side of a UNION. */
static bool read_term(struct reader *reader) {
    if (!reader_take_operator(reader, '('))
        return read_select(reader);
    return reader_query(reader) && reader_take_operator(reader, ')');
}

bool reader_query_rest(struct reader *reader) {
    while (reader_take(reader, KEYWORD_UNION) || reader_take(reader, KEYWORD_EXCEPT) ||
           reader_take(reader, KEYWORD_INTERSECT)) {
        if (!reader_take(reader, KEYWORD_ALL))
            reader_take(reader, KEYWORD_DISTINCT);
        if (!read_term(reader))
            return false;
    }
    return reader_order_by(reader) && reader_limit(reader) && read_into(reader) && read_lock(reader) &&
           read_into(reader);
}

bool reader_query(struct reader *reader) {
    if (reader->depth == DEPTH_MAX)
        return false;
    reader->depth++;
    size_t outer_ctes = reader->cte_count;
    if (reader->keyword == KEYWORD_WITH && !reader_with(reader))
        return false;
    if (!read_term(reader) || !reader_query_rest(reader))
        return false;
    reader->cte_count = outer_ctes;
    reader->depth--;
    return true;
}
