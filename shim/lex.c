#include "lex.h"

#include "lex_quoted.h"

#include <string.h>

enum class {
    LETTER, /* and underscore, and bytes >= 0x80 */
    DIGIT,
    DOLLAR, /* in a word, but not first: MySQL 9 has $tag$ strings. Up to here: all that words are made of */
    STRAY,  /* begins nothing: visible bytes without meaning, control characters */
    SPACE,
    QUOTE,  /* ' */
    DOUBLE, /* " */
    BACK,   /* ` */
    AT,
    HASH,
    DASH,
    SLASH,
    POINT,
    ASK,    /* ? */
    SINGLE, /* an operator of its own */
    JOINED, /* an operator that may go on */
    NUL,
};

/* clang-format off */
static const unsigned char CLASS[256] = {
    NUL,    STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  SPACE,  SPACE,  SPACE,  SPACE,  SPACE,  STRAY,  STRAY,
    STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,  STRAY,
    SPACE,  JOINED, DOUBLE, HASH,   DOLLAR, SINGLE, JOINED, QUOTE,  SINGLE, SINGLE, SINGLE, SINGLE, SINGLE, DASH,   POINT,  SLASH,
    DIGIT,  DIGIT,  DIGIT,  DIGIT,  DIGIT,  DIGIT,  DIGIT,  DIGIT,  DIGIT,  DIGIT,  JOINED, SINGLE, JOINED, JOINED, JOINED, ASK,
    AT,     LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
    LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, STRAY,  STRAY,  STRAY,  SINGLE, LETTER,
    BACK,   LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
    LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, STRAY,  JOINED, STRAY,  SINGLE, STRAY,
    LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
    LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
    LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
    LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
    LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
    LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
    LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
    LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
};
/* clang-format on */

static enum class class_of(char byte) { return (enum class)CLASS[(unsigned char)byte]; }

static bool goes_on_in_word(char byte) {
    return class_of(byte) <= DOLLAR;
}

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

static bool is_hex_digit(char byte) {
    return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

static size_t bytes_between(const char *from, const char *to) {
    return (size_t)(to - from);
}

/* The byte `ahead` of `at`, or a NUL where the text ends: the servers read it so as well. */
static char peek(const struct lexer *lexer, const char *at, size_t ahead) {
    return ahead < bytes_between(at, lexer->end) ? at[ahead] : '\0';
}

void lex_start(struct lexer *lexer, struct slice text, struct lex_modes modes) {
    *lexer =
        (struct lexer){.next = text.at, .end = text.length ? text.at + text.length : text.at, .modes = modes};
    if (modes.multibyte_unsafe) {
        for (size_t i = 0; i < text.length; i++)
            if ((unsigned char)text.at[i] >= 0x80) {
                lexer->charset_dependent = true;
                return;
            }
    }
}

/* # and -- comments end at a newline. The servers stop at a NUL byte in them too. */
static bool skip_line(struct lexer *lexer, const char *from) {
    const char *newline = memchr(from, '\n', bytes_between(from, lexer->end));
    const char *end = newline ? newline : lexer->end;
    lexer->next = end;
    return !memchr(from, '\0', bytes_between(from, end));
}

/* Whether `word` (upper case) stands anywhere in the text, in any case. */
static bool holds_word(const char *from, const char *end, const char *word) {
    size_t length = strlen(word);
    for (; bytes_between(from, end) >= length; from++)
        if (slice_equals_word((struct slice){from, length}, word))
            return true;
    return false;
}

/* Hints are read by a lexer of their own that knows quotes, so that one with quotes may not end where it
 * seems to. */
static bool hint_is_harmless(const char *from, const char *end) {
    size_t length = bytes_between(from, end);
    return !memchr(from, '\'', length) && !memchr(from, '"', length) && !memchr(from, '`', length) &&
           !holds_word(from, end, "SET_VAR") && !holds_word(from, end, "RESOURCE_GROUP");
}

static bool skip_block(struct lexer *lexer, const char *from) {
    const char *star = from;
    for (;; star++) {
        star = memchr(star, '*', bytes_between(star, lexer->end));
        if (!star || star + 1 == lexer->end)
            return false;
        if (star[1] == '/')
            break;
    }
    lexer->next = star + 2;
    size_t length = bytes_between(from, star);
    bool version = length && (*from == '!' || ((*from | 0x20) == 'm' && length > 1 && from[1] == '!'));
    bool hint = length && *from == '+';
    if (version || (hint && !hint_is_harmless(from, star))) {
        lexer->executable_comment = true;
        lexer->hidden_separator |= memchr(from, ';', length) != NULL;
    }
    return !memchr(from, '\0', length);
}

/* -- begins a comment only in front of white space, a control character or the end. */
static bool is_dash_comment(const struct lexer *lexer, const char *at) {
    if (peek(lexer, at, 1) != '-')
        return false;
    unsigned char third = (unsigned char)peek(lexer, at, 2);
    return third <= 0x20 || third == 0x7F;
}

/* False: a comment that has no end, or has a NUL byte. */
static bool skip_to_token(struct lexer *lexer) {
    while (lexer->next < lexer->end && *lexer->next == ' ') /* by far the most frequent */
        lexer->next++;
    while (lexer->next < lexer->end) {
        const char *at = lexer->next;
        switch (class_of(*at)) {
        case SPACE:
            lexer->next++;
            break;
        case HASH:
            if (!skip_line(lexer, at))
                return false;
            break;
        case DASH:
            if (!is_dash_comment(lexer, at))
                return true;
            if (!skip_line(lexer, at))
                return false;
            break;
        case SLASH:
            if (peek(lexer, at, 1) != '*')
                return true;
            if (!skip_block(lexer, at + 2))
                return false;
            break;
        default:
            return true;
        }
    }
    return true;
}

/* Each of the readers below gets the token with its first byte in `from`, and leaves lexer->next behind it.
 */

static void make_bad(struct lexer *lexer, struct token *token) {
    lexer->bad = true;
    lexer->next = lexer->end;
    token->kind = LEX_BAD;
    token->text = (struct slice){token->from, bytes_between(token->from, lexer->end)};
}

/* A string from behind its opening quote. */
static void read_string(struct lexer *lexer, struct token *token, const char *inside, char quote) {
    bool backslash = false;
    const char *close =
        quoted_find_end(inside, lexer->end, quote, !lexer->modes.no_backslash_escapes, &backslash);
    lexer->mode_dependent |= backslash;
    if (!close) {
        make_bad(lexer, token);
        return;
    }
    token->kind = LEX_STRING;
    token->text = (struct slice){inside, bytes_between(inside, close)};
    lexer->next = close + 1;
}

static bool has_high_byte(struct slice text) {
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.at[i] >= 0x80)
            return true;
    return false;
}

/* Older servers skip as many bytes as a lead byte announces, without a look at them, so that where a name
 * with bytes
 * >= 0x80 ends depends on the character set. */
static void read_name(struct lexer *lexer, struct token *token, const char *inside, char quote) {
    const char *at = inside;
    const char *close;
    for (;;) {
        close = memchr(at, quote, bytes_between(at, lexer->end));
        if (!close || peek(lexer, close, 1) != quote)
            break;
        token->doubled = true;
        at = close + 2;
    }
    if (!close || close == inside || memchr(inside, '\0', bytes_between(inside, close))) {
        make_bad(lexer, token);
        return;
    }
    token->kind = LEX_NAME;
    token->text = (struct slice){inside, bytes_between(inside, close)};
    lexer->charset_dependent |= has_high_byte(token->text);
    lexer->next = close + 1;
}

/* x'4D' and b'01': nothing but digits, and the servers refuse anything else. */
static void read_digits_in_quotes(struct lexer *lexer, struct token *token) {
    const char *at = token->from + 2;
    bool binary = (*token->from | 0x20) == 'b';
    while (at < lexer->end && (binary ? *at == '0' || *at == '1' : is_hex_digit(*at)))
        at++;
    size_t count = bytes_between(token->from + 2, at);
    if (at == lexer->end || *at != '\'' || (!binary && count % 2 != 0)) {
        make_bad(lexer, token);
        return;
    }
    token->kind = LEX_STRING;
    token->text = (struct slice){token->from + 2, count};
    lexer->next = at + 1;
}

static void read_word(struct lexer *lexer, struct token *token) {
    const char *at = token->from;
    unsigned char seen = 0;
    for (; at < lexer->end && goes_on_in_word(*at); at++)
        seen |= (unsigned char)*at;
    token->kind = LEX_WORD;
    token->text = (struct slice){token->from, bytes_between(token->from, at)};
    lexer->charset_dependent |= seen >= 0x80;
    lexer->next = at;
    bool is_part = token->from == lexer->part;
    lexer->part = peek(lexer, at, 0) == '.' && goes_on_in_word(peek(lexer, at, 1)) ? at + 1 : NULL;
    if (is_part)
        return;
    if (token->text.length == 1 && peek(lexer, at, 0) == '\'') {
        char letter = (char)(*token->from | 0x20);
        if (letter == 'n')
            read_string(lexer, token, at + 1, '\'');
        else if (letter == 'x' || letter == 'b')
            read_digits_in_quotes(lexer, token);
    }
}

static const char *skip_digits(const struct lexer *lexer, const char *at) {
    while (at < lexer->end && is_digit(*at))
        at++;
    return at;
}

/* Behind an e or E: the end of a whole exponent, or NULL. */
static const char *skip_exponent(const struct lexer *lexer, const char *at) {
    char sign = peek(lexer, at, 0);
    if (sign == '+' || sign == '-')
        at++;
    return is_digit(peek(lexer, at, 0)) ? skip_digits(lexer, at) : NULL;
}

/* Numbers, and words that begin with digits. The servers let a word begin right behind a real number (1e5FROM
 * t): that is not followed here. */
static void read_number(struct lexer *lexer, struct token *token) {
    const char *at = token->from;
    char second = peek(lexer, at, 1);
    if (*at == '0' && (second == 'x' || second == 'b')) {
        const char *digits = at + 2;
        const char *end = digits;
        while (end < lexer->end && (second == 'x' ? is_hex_digit(*end) : *end == '0' || *end == '1'))
            end++;
        if (end > digits && !goes_on_in_word(peek(lexer, end, 0))) {
            token->kind = LEX_NUMBER;
            token->text = (struct slice){at, bytes_between(at, end)};
            lexer->next = end;
            return;
        }
        read_word(lexer, token);
        return;
    }
    const char *end = skip_digits(lexer, at);
    char next = peek(lexer, end, 0);
    if (next == '.') {
        end = skip_digits(lexer, end + 1);
        next = peek(lexer, end, 0);
    } else if (goes_on_in_word(next) && !((next | 0x20) == 'e' && skip_exponent(lexer, end + 1))) {
        read_word(lexer, token);
        return;
    }
    if ((next | 0x20) == 'e') {
        end = skip_exponent(lexer, end + 1);
        if (!end) {
            make_bad(lexer, token);
            return;
        }
    }
    if (goes_on_in_word(peek(lexer, end, 0))) {
        make_bad(lexer, token);
        return;
    }
    token->kind = LEX_NUMBER;
    token->text = (struct slice){at, bytes_between(at, end)};
    lexer->next = end;
}

/* One part of a variable's name, bare or quoted. False: without an end. */
static bool skip_variable_part(struct lexer *lexer) {
    char quote = peek(lexer, lexer->next, 0);
    struct token part = {.from = lexer->next};
    if (quote == '`') {
        read_name(lexer, &part, lexer->next + 1, quote);
    } else if (quote == '\'' || quote == '"') {
        lexer->mode_dependent |= quote == '"';
        read_string(lexer, &part, lexer->next + 1, quote);
    } else {
        while (lexer->next < lexer->end && goes_on_in_word(*lexer->next)) {
            lexer->charset_dependent |= (unsigned char)*lexer->next >= 0x80;
            lexer->next++;
        }
    }
    return part.kind != LEX_BAD;
}

static void read_variable(struct lexer *lexer, struct token *token) {
    lexer->next = token->from + (peek(lexer, token->from, 1) == '@' ? 2 : 1);
    bool whole = skip_variable_part(lexer);
    while (whole && peek(lexer, lexer->next, 0) == '.') {
        lexer->next++;
        whole = skip_variable_part(lexer);
    }
    if (!whole) {
        make_bad(lexer, token);
        return;
    }
    token->kind = LEX_VARIABLE;
    token->text = (struct slice){token->from, bytes_between(token->from, lexer->next)};
}

/* The bytes of the operator that begins at `at`. */
static size_t operator_length(const struct lexer *lexer, const char *at) {
    static const char longer[][4] = {"<=>", "->>", "<=", ">=", "<>", "!=",
                                     "<<",  ">>",  "&&", "||", ":=", "->"};
    char second = peek(lexer, at, 1);
    if (second != '=' && second != '>' && second != '<' && second != '&' && second != '|')
        return 1;
    for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) {
        if (longer[i][0] != *at || longer[i][1] != second)
            continue;
        if (longer[i][2] == '\0')
            return 2;
        if (longer[i][2] == peek(lexer, at, 2))
            return 3;
    }
    return 1;
}

static void read_operator(struct lexer *lexer, struct token *token) {
    size_t length = operator_length(lexer, token->from);
    token->kind = LEX_OPERATOR;
    token->byte = length == 1 ? *token->from : '\0';
    token->text = (struct slice){token->from, length};
    lexer->next = token->from + length;
}

static void read_single(struct lexer *lexer, struct token *token, enum lex_kind kind) {
    token->kind = kind;
    token->byte = kind == LEX_OPERATOR ? *token->from : '\0';
    token->text = (struct slice){token->from, 1};
    lexer->next = token->from + 1;
}

/* Any token, whatever stands in front of it. */
static __attribute__((noinline)) void read_any(struct lexer *lexer, struct token *token) {
    bool whole = skip_to_token(lexer);
    *token = (struct token){.kind = LEX_END, .text = {lexer->next, 0}, .from = lexer->next};
    if (!whole || lexer->bad) {
        make_bad(lexer, token);
        return;
    }
    if (lexer->next == lexer->end)
        return;
    if (token->from == lexer->part) {
        read_word(lexer, token);
        return;
    }
    switch (class_of(*token->from)) {
    case LETTER:
        read_word(lexer, token);
        break;
    case DIGIT:
        read_number(lexer, token);
        break;
    case POINT:
        if (is_digit(peek(lexer, token->from, 1)) && token->from + 1 != lexer->part)
            read_number(lexer, token);
        else
            read_single(lexer, token, LEX_OPERATOR);
        break;
    case QUOTE:
        read_string(lexer, token, token->from + 1, '\'');
        break;
    case DOUBLE:
        lexer->mode_dependent = true;
        if (lexer->modes.ansi_quotes)
            read_name(lexer, token, token->from + 1, '"');
        else
            read_string(lexer, token, token->from + 1, '"');
        break;
    case BACK:
        read_name(lexer, token, token->from + 1, '`');
        break;
    case AT:
        read_variable(lexer, token);
        break;
    case ASK:
        read_single(lexer, token, LEX_PARAMETER);
        break;
    case JOINED:
    case DASH:
        read_operator(lexer, token);
        break;
    case NUL:
        make_bad(lexer, token);
        break;
    default:
        read_single(lexer, token, LEX_OPERATOR);
        break;
    }
}

/* A word, or an operator of one byte, behind nothing but blanks: most tokens are. Else false, and only the
 * blanks are passed over. */
static inline bool read_plain(struct lexer *lexer, struct token *token) {
    const char *at = lexer->next, *end = lexer->end;
    while (at < end && *at == ' ')
        at++;
    lexer->next = at;
    if (at == end || lexer->bad)
        return false;
    enum class class = class_of(*at);
    const char *behind = at + 1;
    if (class == LETTER || at == lexer->part) {
        unsigned char seen = (unsigned char)*at;
        for (; behind < end && goes_on_in_word(*behind); behind++)
            seen |= (unsigned char)*behind;
        if (behind == at + 1 && behind < end && *behind == '\'')
            return false; /* x'4D' */
        lexer->charset_dependent |= seen >= 0x80;
        lexer->part = end - behind > 1 && *behind == '.' && goes_on_in_word(behind[1]) ? behind + 1 : NULL;
        token->kind = LEX_WORD;
        token->byte = '\0';
    } else if (class == SINGLE || (class == POINT && behind == lexer->part)) {
        token->kind = LEX_OPERATOR;
        token->byte = *at;
    } else {
        return false;
    }
    token->doubled = false;
    token->text = (struct slice){at, bytes_between(at, behind)};
    token->from = at;
    lexer->next = behind;
    return true;
}

void lex_read(struct lexer *lexer, struct token *token) {
    if (!read_plain(lexer, token))
        read_any(lexer, token);
}

struct token lex_next(struct lexer *lexer) {
    struct token token;
    lex_read(lexer, &token);
    return token;
}
