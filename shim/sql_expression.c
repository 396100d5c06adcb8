/* Expressions, read flat: which operator binds tighter doesn't matter to what tables and functions stand in
 * them. */
#include "sql_read.h"

#include <string.h>

#include "sql_functions.h"

static bool read_operand(struct reader *reader);

/* What stands between two operands. NO_MORE: nothing, the expression has ended. */
enum between { NO_MORE, MORE, BROKEN };

/* Behind a comparison: = ANY (SELECT ...). */
static void skip_quantifier(struct reader *reader) {
    bool may_be =
        reader->keyword == KEYWORD_ALL || reader->keyword == KEYWORD_ANY || reader->keyword == KEYWORD_SOME;
    if (!may_be)
        return;
    const struct token *next = reader_peek(reader);
    if (token_is_operator(next, '('))
        reader_advance(reader);
}

static enum between read_operator_token(struct reader *reader) {
    struct slice text = reader->token.text;
    if (text.length == 1 && !memchr("=<>+-*/%&|^", *text.at, 11))
        return NO_MORE;
    if (*text.at == ':')
        reader_tie(reader, SQL_USER_VARIABLE);
    bool comparison = memchr("=<>!", *text.at, 4) != NULL;
    reader_advance(reader);
    if (comparison)
        skip_quantifier(reader);
    return MORE;
}

/* IS [NOT] NULL, TRUE, FALSE, UNKNOWN: what follows may be a further operator. */
static bool read_is(struct reader *reader) {
    reader_advance(reader);
    reader_take(reader, KEYWORD_NOT);
    return reader_take(reader, KEYWORD_NULL) || reader_take(reader, KEYWORD_TRUE) ||
           reader_take(reader, KEYWORD_FALSE) || reader_take_word(reader, "UNKNOWN");
}

static bool read_collate(struct reader *reader) {
    reader_advance(reader);
    if (reader->token.kind == LEX_STRING) {
        reader_advance(reader);
        return true;
    }
    return reader_take_any_name(reader);
}

static bool next_is_word(struct reader *reader, const char *upper_case_word) {
    const struct token *next = reader_peek(reader);
    return next->kind == LEX_WORD && slice_equals_word(next->text, upper_case_word);
}

static enum between read_word_operator(struct reader *reader, const char *second_word) {
    if (!next_is_word(reader, second_word))
        return NO_MORE;
    reader_advance(reader);
    reader_advance(reader);
    return MORE;
}

static enum between read_between(struct reader *reader) {
    for (;;) {
        if (reader->token.kind == LEX_OPERATOR)
            return read_operator_token(reader);
        switch (reader->keyword) {
        case KEYWORD_AND:
        case KEYWORD_OR:
        case KEYWORD_XOR:
        case KEYWORD_DIV:
        case KEYWORD_MOD:
        case KEYWORD_LIKE:
        case KEYWORD_REGEXP:
        case KEYWORD_RLIKE:
        case KEYWORD_BETWEEN:
        case KEYWORD_IN:
            reader_advance(reader);
            return MORE;
        case KEYWORD_NOT:
            reader_advance(reader);
            if (reader->keyword != KEYWORD_IN && reader->keyword != KEYWORD_LIKE &&
                reader->keyword != KEYWORD_BETWEEN && reader->keyword != KEYWORD_REGEXP &&
                reader->keyword != KEYWORD_RLIKE)
                return BROKEN;
            break;
        case KEYWORD_IS:
            if (!read_is(reader))
                return BROKEN;
            break;
        case KEYWORD_COLLATE:
            if (!read_collate(reader))
                return BROKEN;
            break;
        case KEYWORD_SOUNDS:
            return read_word_operator(reader, "LIKE");
        case KEYWORD_MEMBER:
            return read_word_operator(reader, "OF");
        case KEYWORD_ESCAPE: {
            if (reader_peek(reader)->kind != LEX_STRING)
                return NO_MORE;
            reader_advance(reader);
            return MORE;
        }
        default:
            return NO_MORE;
        }
    }
}

bool reader_expression(struct reader *reader) {
    if (reader->depth == DEPTH_MAX)
        return false;
    reader->depth++;
    enum between between;
    do {
        while (reader->keyword == KEYWORD_NOT || reader->keyword == KEYWORD_BINARY ||
               reader_at_operator(reader, '-') || reader_at_operator(reader, '+') ||
               reader_at_operator(reader, '!') || reader_at_operator(reader, '~'))
            reader_advance(reader);
        if (!read_operand(reader))
            return false;
        between = read_between(reader);
    } while (between == MORE);
    reader->depth--;
    return between == NO_MORE;
}

bool reader_expressions(struct reader *reader) {
    do {
        if (!reader_expression(reader))
            return false;
    } while (reader_take_operator(reader, ','));
    return true;
}

bool reader_order(struct reader *reader) {
    do {
        if (!reader_expression(reader))
            return false;
        if (!reader_take(reader, KEYWORD_ASC))
            reader_take(reader, KEYWORD_DESC);
    } while (reader_take_operator(reader, ','));
    return true;
}

/* ( query ), ( expression {, expression} ). The first of these may itself be a query in parentheses that a
 * UNION goes on from. */
static bool read_parentheses(struct reader *reader) {
    if (reader_literals(reader))
        return true;
    if (!reader_take_operator(reader, '('))
        return false;
    if (reader_at_query(reader))
        return reader_query(reader) && reader_take_operator(reader, ')');
    bool may_be_query = reader_at_operator(reader, '(');
    if (!reader_expressions(reader))
        return false;
    if (may_be_query && !reader_at_operator(reader, ')') && !reader_query_rest(reader))
        return false;
    return reader_take_operator(reader, ')');
}

/* The arguments of any function, with the words that some allow between them: DISTINCT, FROM, FOR, USING,
 * ORDER BY, SEPARATOR. */
static bool read_arguments(struct reader *reader) {
    if (!reader_take_operator(reader, '('))
        return false;
    if (reader_take_operator(reader, ')'))
        return true;
    if (reader_take_operator(reader, '*'))
        return reader_take_operator(reader, ')');
    if (!reader_take(reader, KEYWORD_DISTINCT))
        reader_take(reader, KEYWORD_ALL);
    if (reader_take(reader, KEYWORD_LEADING) || reader_take(reader, KEYWORD_TRAILING) ||
        reader_take(reader, KEYWORD_BOTH)) {
        reader_take(reader, KEYWORD_FROM);
    } else if (reader->token.kind == LEX_WORD && next_is_word(reader, "FROM")) {
        reader_advance(reader); /* EXTRACT(unit FROM x) */
        reader_advance(reader);
    }
    do {
        if (!reader_expression(reader))
            return false;
    } while (reader_take_operator(reader, ',') || reader_take(reader, KEYWORD_FROM) ||
             reader_take(reader, KEYWORD_FOR));
    if (reader_take(reader, KEYWORD_USING) && !reader_take_any_name(reader))
        return false;
    if (!reader_order_by(reader))
        return false;
    if (reader_take(reader, KEYWORD_SEPARATOR)) {
        if (reader->token.kind != LEX_STRING)
            return false;
        reader_advance(reader);
    }
    return reader_take_operator(reader, ')');
}

bool reader_window(struct reader *reader) {
    if (!reader_take_operator(reader, '('))
        return false;
    if (reader_at_name(reader))
        reader_advance(reader);
    if (reader_take(reader, KEYWORD_PARTITION) &&
        !(reader_take(reader, KEYWORD_BY) && reader_expressions(reader)))
        return false;
    return reader_order_by(reader) && reader_take_operator(reader, ')');
}

/* Behind a function's arguments. Frames (ROWS BETWEEN ...) aren't known here. */
static bool read_over(struct reader *reader) {
    if (!reader_take(reader, KEYWORD_OVER))
        return true;
    if (reader_at_operator(reader, '('))
        return reader_window(reader);
    return reader_at_name(reader) && reader_take_any_name(reader);
}

/* From the name on; the current token is its last word. */
static bool read_call(struct reader *reader, bool qualified) {
    enum sql_function function = SQL_FUNCTION_UNKNOWN;
    struct token name = reader->token;
    reader_advance(reader);
    bool spaced = reader->token.from != reader->last_end;
    if (name.kind == LEX_WORD &&
        !qualified) /* a quoted name may be a stored function even where a built-in one has it */
        function = sql_function_find(name.text, spaced);
    if (function == SQL_FUNCTION_UNKNOWN)
        reader_tie(reader, SQL_UNSAFE_FUNCTION);
    reader->volatile_function |= function == SQL_FUNCTION_VOLATILE;
    return read_arguments(reader) && read_over(reader);
}

/* column, table.column, database.table.column, table.*, or a function by its name. */
static bool read_reference(struct reader *reader) {
    bool qualified = false;
    for (int parts = 0; parts < 3; parts++) {
        const struct token *next = reader_peek(reader);
        if (token_is_operator(next, '('))
            return read_call(reader, qualified);
        if (!token_is_operator(next, '.')) {
            reader_advance(reader);
            return true;
        }
        reader_advance(reader);
        reader_advance(reader);
        qualified = true;
        if (reader_take_operator(reader, '*'))
            return true;
        if (reader->token.kind != LEX_NAME && reader->token.kind != LEX_WORD)
            return false;
    }
    return false;
}

static bool read_case(struct reader *reader) {
    reader_advance(reader);
    if (reader->keyword != KEYWORD_WHEN && !reader_expression(reader))
        return false;
    while (reader_take(reader, KEYWORD_WHEN))
        if (!reader_expression(reader) || !reader_take(reader, KEYWORD_THEN) || !reader_expression(reader))
            return false;
    if (reader_take(reader, KEYWORD_ELSE) && !reader_expression(reader))
        return false;
    return reader_take(reader, KEYWORD_END);
}

/* CHAR(10) CHARACTER SET utf8mb4, DECIMAL(10,2), UNSIGNED, ...: words, and numbers in parentheses. */
static bool read_type(struct reader *reader) {
    if (reader->token.kind != LEX_WORD)
        return false;
    while (reader->token.kind == LEX_WORD) {
        reader_advance(reader);
        if (!reader_take_operator(reader, '('))
            continue;
        do {
            if (reader->token.kind != LEX_NUMBER)
                return false;
            reader_advance(reader);
        } while (reader_take_operator(reader, ','));
        if (!reader_take_operator(reader, ')'))
            return false;
    }
    return true;
}

/* CAST(x AS type), CONVERT(x, type), CONVERT(x USING charset). */
static bool read_cast(struct reader *reader) {
    bool tight = reader->keyword == KEYWORD_CAST;
    reader_advance(reader);
    if (tight && reader->token.from != reader->last_end)
        reader_tie(reader, SQL_UNSAFE_FUNCTION); /* see sql_function_find() */
    if (!reader_take_operator(reader, '(') || !reader_expression(reader))
        return false;
    bool whole = false;
    if (reader_take(reader, KEYWORD_USING))
        whole = reader_take_any_name(reader);
    else if (reader_take(reader, KEYWORD_AS) || reader_take_operator(reader, ','))
        whole = read_type(reader);
    return whole && reader_take_operator(reader, ')');
}

/* MATCH (columns) AGAINST (operand IN BOOLEAN MODE ...): behind the operand stand nothing but words. */
static bool read_match(struct reader *reader) {
    reader_advance(reader);
    bool parentheses = reader_take_operator(reader, '(');
    do {
        if (!reader_at_name(reader) || !read_reference(reader))
            return false;
    } while (reader_take_operator(reader, ','));
    if (parentheses && !reader_take_operator(reader, ')'))
        return false;
    if (!reader_take_word(reader, "AGAINST") || !reader_take_operator(reader, '(') || !read_operand(reader))
        return false;
    while (reader->token.kind == LEX_WORD)
        reader_advance(reader);
    return reader_take_operator(reader, ')');
}

static bool at_unit(const struct reader *reader) {
    static const char *const units[] = {
        "MICROSECOND",
        "SECOND",
        "MINUTE",
        "HOUR",
        "DAY",
        "WEEK",
        "MONTH",
        "QUARTER",
        "YEAR",
        "DAY_HOUR",
        "DAY_MINUTE",
        "DAY_SECOND",
        "HOUR_MINUTE",
        "HOUR_SECOND",
        "MINUTE_SECOND",
        "YEAR_MONTH",
        "SQL_TSI_DAY",
        "SQL_TSI_HOUR",
        "SQL_TSI_MINUTE",
        "SQL_TSI_SECOND",
        "SQL_TSI_WEEK",
        "SQL_TSI_MONTH",
        "SQL_TSI_QUARTER",
        "SQL_TSI_YEAR",
        "DAY_MICROSECOND",
        "HOUR_MICROSECOND",
        "MINUTE_MICROSECOND",
        "SECOND_MICROSECOND",
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (reader_at_word(reader, units[i]))
            return true;
    return false;
}

/* INTERVAL x unit, or the function INTERVAL(x, y, ...). */
static bool read_interval(struct reader *reader) {
    reader_advance(reader);
    if (!reader_expression(reader))
        return false;
    if (at_unit(reader))
        reader_advance(reader);
    return true;
}

/* CURRENT_TIMESTAMP and the like: with parentheses or without. */
static bool read_clock(struct reader *reader) {
    reader->volatile_function = true;
    reader_advance(reader);
    return !reader_at_operator(reader, '(') || read_arguments(reader);
}

static bool read_user(struct reader *reader) {
    reader_tie(reader, SQL_UNSAFE_FUNCTION);
    reader_advance(reader);
    return !reader_at_operator(reader, '(') || read_arguments(reader);
}

static bool read_strings(struct reader *reader) {
    while (reader->token.kind == LEX_STRING)
        reader_advance(reader);
    return true;
}

/* DEFAULT, DEFAULT(column). */
static bool read_default(struct reader *reader) {
    reader_advance(reader);
    return !reader_at_operator(reader, '(') || reader_names(reader);
}

/* VALUES(column), in ON DUPLICATE KEY UPDATE. MariaDB also has tables of values, (VALUES (1), (2)): not known
 * here. */
static bool read_values(struct reader *reader) {
    reader_advance(reader);
    if (!reader_take_operator(reader, '(') || !reader_at_name(reader) || !read_reference(reader))
        return false;
    return reader_take_operator(reader, ')');
}

static bool read_plain_word(struct reader *reader) {
    const struct token *next = reader_peek(reader);
    if (next->kind == LEX_STRING || next->kind == LEX_NUMBER) {
        bool literal = reader->keyword == KEYWORD_DATE || reader->keyword == KEYWORD_TIME ||
                       reader->keyword == KEYWORD_TIMESTAMP;
        if (*reader->token.text.at == '_' ||
            (literal && next->kind == LEX_STRING)) { /* _utf8mb4 'x', DATE '2026-01-01' */
            reader_advance(reader);
            reader_advance(reader);
            return read_strings(reader);
        }
    }
    if (token_is_operator(next, '('))
        return read_call(reader, false);
    if (keyword_is_reserved(reader->keyword))
        return false;
    bool sequence = reader->keyword == KEYWORD_NEXT || reader->keyword == KEYWORD_PREVIOUS;
    if (sequence && next->kind == LEX_WORD &&
        slice_equals_word(next->text, "VALUE")) { /* NEXT VALUE FOR sequence */
        reader_tie(reader, SQL_UNSAFE_FUNCTION);
        return false;
    }
    return read_reference(reader);
}

static bool read_word(struct reader *reader) {
    switch (reader->keyword) {
    case KEYWORD_NONE:
        return read_plain_word(reader);
    case KEYWORD_NULL:
    case KEYWORD_TRUE:
    case KEYWORD_FALSE:
        reader_advance(reader);
        return true;
    case KEYWORD_DEFAULT:
        return read_default(reader);
    case KEYWORD_CASE:
        return read_case(reader);
    case KEYWORD_CAST:
    case KEYWORD_CONVERT:
        return read_cast(reader);
    case KEYWORD_EXISTS:
        reader_advance(reader);
        return read_parentheses(reader);
    case KEYWORD_INTERVAL:
        return read_interval(reader);
    case KEYWORD_MATCH:
        return read_match(reader);
    case KEYWORD_VALUES:
        return read_values(reader);
    case KEYWORD_ROW: {
        const struct token *next = reader_peek(reader);
        if (!token_is_operator(next, '('))
            return read_plain_word(reader);
        reader_advance(reader);
        return read_parentheses(reader);
    }
    case KEYWORD_CURRENT_DATE:
    case KEYWORD_CURRENT_TIME:
    case KEYWORD_CURRENT_TIMESTAMP:
    case KEYWORD_LOCALTIME:
    case KEYWORD_LOCALTIMESTAMP:
    case KEYWORD_UTC_DATE:
    case KEYWORD_UTC_TIME:
    case KEYWORD_UTC_TIMESTAMP:
        return read_clock(reader);
    case KEYWORD_CURRENT_ROLE:
    case KEYWORD_CURRENT_USER:
        return read_user(reader);
    default:
        return read_plain_word(reader);
    }
}

static bool read_operand(struct reader *reader) {
    switch (reader->token.kind) {
    case LEX_WORD:
        return read_word(reader);
    case LEX_NAME:
        return read_reference(reader);
    case LEX_STRING:
        return read_strings(reader);
    case LEX_NUMBER:
        reader_advance(reader);
        return true;
    case LEX_PARAMETER:
        reader->summary->parameters = true;
        reader_advance(reader);
        return true;
    case LEX_VARIABLE:
        reader_tie(reader, reader->token.text.length > 1 && reader->token.text.at[1] == '@'
                               ? SQL_SYSTEM_VARIABLE
                               : SQL_USER_VARIABLE);
        reader_advance(reader);
        return true;
    case LEX_OPERATOR:
        return read_parentheses(reader);
    default:
        return false;
    }
}
