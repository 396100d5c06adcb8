/* Lists of plain literals are most of the bytes of a statement of many rows: they are passed over here
 * without a token for each. What isn't plain is left to lex_read(). */
#include "lex.h"

#include "lex_quoted.h"

/* Passes over white space: the byte behind it, or a NUL at the end, which is in no list of plain literals. */
static char skip_to_visible(const char **at, const char *end) {
    for (; *at < end; ++*at) {
        unsigned char byte = (unsigned char)**at;
        if (byte > ' ' || (byte != ' ' && (byte < '\t' || byte > '\r')))
            return (char)byte;
    }
    return '\0';
}

static const char *skip_digits(const char *at, const char *end) {
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* -12.50; at its first digit or minus. NULL: no number, or not to be told from the first bytes. */
static const char *skip_number(const char *at, const char *end) {
    if (*at == '-')
        at++;
    const char *digits = at;
    at = skip_digits(at, end);
    if (at == digits)
        return NULL;
    return at < end && *at == '.' ? skip_digits(at + 1, end) : at;
}

static const char *skip_null(const char *at, const char *end) {
    return end - at >= 4 && slice_equals_word((struct slice){at, 4}, "NULL") ? at + 4 : NULL;
}

/* From behind a ( to behind its ): literals between commas and nothing else. NULL: something else. A literal
 * ends in front of a space, a comma or the ): so that none runs on into another word, and nothing is said of
 * what lex_read() would call bad. */
static const char *skip_list(const char *at, const char *end, bool escapes, bool *backslash) {
    for (;;) {
        char first = skip_to_visible(&at, end);
        if (first == '\'') {
            const char *close = quoted_find_end(at + 1, end, '\'', escapes, backslash);
            at = close ? close + 1 : NULL;
        } else if (first == '-' || (first >= '0' && first <= '9')) {
            at = skip_number(at, end);
        } else {
            at = skip_null(at, end);
        }
        if (!at)
            return NULL;
        char behind = skip_to_visible(&at, end);
        if (behind != ',' && behind != ')')
            return NULL;
        at++;
        if (behind == ')')
            return at;
    }
}

static bool skip_lists(struct lexer *lexer, bool rows) {
    if (lexer->bad)
        return false;
    bool escapes = !lexer->modes.no_backslash_escapes;
    const char *done = NULL;
    bool backslash_done = false, backslash = false;
    const char *at = lexer->next;
    while ((at = skip_list(at, lexer->end, escapes, &backslash))) {
        done = at;
        backslash_done = backslash;
        if (!rows || skip_to_visible(&at, lexer->end) != ',')
            break;
        at++;
        if (skip_to_visible(&at, lexer->end) != '(')
            break;
        at++;
    }
    if (!done)
        return false;
    lexer->next = done;
    lexer->mode_dependent |= backslash_done;
    return true;
}

bool lex_skip_literals(struct lexer *lexer) {
    return skip_lists(lexer, false);
}

bool lex_skip_rows(struct lexer *lexer) {
    return skip_lists(lexer, true);
}
