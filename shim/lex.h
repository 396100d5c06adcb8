/* The words of a statement. Length-based (a NUL byte is data), allocates nothing, reads no byte twice. */
#ifndef ROUNDABOUT_LEX_H
#define ROUNDABOUT_LEX_H

#include <stdbool.h>
#include <stddef.h>

/* A piece of somebody else's text: never NUL-terminated, lives as long as that text. */
struct slice {
    const char *at;
    size_t length;
};

/* What the meaning of the bytes depends on. */
struct lex_modes {
    bool ansi_quotes;          /* "x" is a name, not a string */
    bool no_backslash_escapes; /* a backslash in a string is a backslash */
    bool multibyte_unsafe;     /* the session's character set may have 0x27, 0x5C or 0x60 as a second byte (gbk, big5, sjis, ...) */
};

enum lex_kind {
    LEX_END,
    LEX_WORD,       /* a bare name or keyword */
    LEX_NAME,       /* `quoted` (or "quoted" under ansi_quotes); text is what stands between the quotes */
    LEX_STRING,     /* 'x', "x", N'x', x'4D', b'01'; text is what stands between the quotes */
    LEX_NUMBER,     /* 1, 1.5e3, 0x4D, 0b01 */
    LEX_VARIABLE,   /* @name, @`name`, @'name', or @@name (text holds all of it) */
    LEX_PARAMETER,  /* ? */
    LEX_OPERATOR,   /* one or more of the operator characters, longest match; also ( ) , ; . * */
    LEX_BAD,        /* unterminated string, name or comment; a byte that starts nothing */
};

struct token {
    enum lex_kind kind;
    struct slice text;
    bool doubled;     /* LEX_NAME: holds a doubled quote */
};

struct lexer {
    const char *next;
    const char *end;
    struct lex_modes modes;
    bool executable_comment; /* one was skipped: what follows isn't what every server sees */
    bool mode_dependent;     /* a double quote or a backslash was seen: other modes may read this otherwise */
    bool charset_dependent;  /* modes.multibyte_unsafe, and a byte >= 0x80 was seen */
};

void lex_start(struct lexer *lexer, struct slice text, struct lex_modes modes);
struct token lex_next(struct lexer *lexer);

bool slice_equals_word(struct slice slice, const char *upper_case_word); /* ASCII, without regard to case */

#endif
