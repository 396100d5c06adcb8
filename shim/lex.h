/* The words of a statement. Length-based (a NUL byte is data), allocates nothing. */
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
    bool multibyte_unsafe; /* the session's character set may have 0x22, 0x27, 0x5C or 0x60 as a later byte of
                              a character (gbk, big5, sjis, ...) */
    bool foreign_grammar;  /* sql_mode ORACLE or MSSQL of MariaDB: words mean other things, nothing is
                              understood */
};

enum lex_kind {
    LEX_END,
    LEX_WORD, /* a bare name or keyword; may begin with digits */
    LEX_NAME, /* `quoted` (or "quoted" under ansi_quotes); text is what stands between the quotes, never empty
               */
    LEX_STRING,    /* 'x', "x", N'x', x'4D', b'01'; text is what stands between the quotes */
    LEX_NUMBER,    /* 1, 1.5e3, 0x4D, 0b01 */
    LEX_VARIABLE,  /* @name, @`name`, @'name', @@name, @@scope.name (text holds all of it, from the @ on) */
    LEX_PARAMETER, /* ? */
    LEX_OPERATOR,  /* one or more of the operator characters, longest match; also ( ) , ; . * and any other
                      visible  byte that begins nothing */
    LEX_BAD, /* unterminated string, name or comment; a NUL byte outside of literals; a number run into a
                word. What follows can't be told: each further call says LEX_BAD as well */
};

struct token {
    enum lex_kind kind;
    char byte;    /* LEX_OPERATOR of one byte: that byte; else NUL */
    bool doubled; /* LEX_NAME: holds a doubled quote */
    struct slice text;
    const char *from; /* its first byte, quote or prefix included */
};

struct lexer {
    const char *next; /* behind the token given last */
    const char *end;
    struct lex_modes modes;
    bool executable_comment; /* a version comment was skipped, or a hint that sets variables: what is left
                                isn't what every server sees */
    bool hidden_separator;   /* and there is a ; in it */
    bool mode_dependent; /* a double quote or a backslash was seen where other modes may read it otherwise */
    bool charset_dependent; /* a byte >= 0x80 outside of strings and comments, where character sets differ in
                               what is a letter, a space or half of a character; with modes.multibyte_unsafe:
                               anywhere */
    bool bad;
    const char *part; /* the part of a name behind the dot that follows the word given last: whatever it looks
                         like, a word */
};

void lex_start(struct lexer *lexer, struct slice text, struct lex_modes modes);
struct token lex_next(struct lexer *lexer);
void lex_read(struct lexer *lexer, struct token *token); /* the same, into a place of the caller's */

/* The token given last was a (. If nothing but plain literals (strings in single quotes, decimal numbers, NULL) between
 * commas stands up to its ), the lexer is set behind that: true, and what lex_read() would have noted of the bytes is
 * noted. Else nothing has changed. */
bool lex_skip_literals(struct lexer *lexer);
bool lex_skip_rows(struct lexer *lexer); /* and over as many further such lists, between commas, as follow */

/* Without regard to the case of ASCII's letters, whatever the program's locale: in a Turkish one I isn't the
 * capital of i to the C library. */
bool slice_equals_word(struct slice slice, const char *upper_case_word);
bool slice_same(struct slice one, struct slice other);
bool slice_begins_with(struct slice slice, const char *upper_case_word);

/* Whether a byte of ASCII that the lexer looks for can be part of another character in this character set of
 * MySQL or MariaDB ("gbk", "sjis", "utf16", ...), without regard to case. A name that isn't known: true. */
bool lex_charset_is_unsafe(struct slice charset_name);

/* What a value of sql_mode (words between commas) says of the bytes; multibyte_unsafe is left false. */
struct lex_modes lex_modes_of_sql_mode(struct slice comma_list);

#endif
