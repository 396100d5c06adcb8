/* What a character set and an sql_mode say of the bytes of a statement. */
#include "lex.h"

#include <string.h>

bool slice_equals_word(struct slice slice, const char *upper_case_word) {
    for (size_t i = 0; i < slice.length; i++) {
        char letter = slice.at[i];
        if (letter >= 'a' && letter <= 'z')
            letter = (char)(letter - 'a' + 'A');
        if (letter != upper_case_word[i] || letter == '\0')
            return false;
    }
    return upper_case_word[slice.length] == '\0';
}

bool slice_begins_with(struct slice slice, const char *upper_case_word) {
    size_t length = strlen(upper_case_word);
    return slice.length >= length && slice_equals_word((struct slice){slice.at, length}, upper_case_word);
}

static char fold(char letter) {
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

bool slice_same(struct slice one, struct slice other) {
    if (one.length != other.length)
        return false;
    for (size_t i = 0; i < one.length; i++)
        if (fold(one.at[i]) != fold(other.at[i]))
            return false;
    return true;
}

static bool is_one_of(struct slice word, const char *const *list) {
    for (; *list; list++)
        if (slice_equals_word(word, *list))
            return true;
    return false;
}

/* The safe ones have only bytes >= 0x80 in their longer characters, or (euckr) letters. */
bool lex_charset_is_unsafe(struct slice charset_name) {
    static const char *const safe[] = {
        "UTF8MB4",  "UTF8MB3", "UTF8",    "LATIN1", "ASCII",  "BINARY",   "LATIN2",  "LATIN5",  "LATIN7",
        "CP1250",   "CP1251",  "CP1256",  "CP1257", "CP850",  "CP852",    "CP866",   "KOI8R",   "KOI8U",
        "GREEK",    "HEBREW",  "HP8",     "DEC8",   "TIS620", "ARMSCII8", "GEOSTD8", "KEYBCS2", "MACCE",
        "MACROMAN", "UJIS",    "EUCJPMS", "EUCKR",  "GB2312", NULL,
    };
    return !is_one_of(charset_name, safe);
}

struct lex_modes lex_modes_of_sql_mode(struct slice comma_list) {
    static const char *const ansi[] = {"ANSI_QUOTES", "ANSI",  "ORACLE",     "DB2",
                                       "MAXDB",       "MSSQL", "POSTGRESQL", NULL};
    static const char *const foreign[] = {"ORACLE", "MSSQL", NULL};
    struct lex_modes modes = {0};
    const char *at = comma_list.at;
    const char *end = comma_list.length ? at + comma_list.length : at;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        struct slice word = {at, (size_t)(stop - at)};
        while (word.length && *word.at == ' ') {
            word.at++;
            word.length--;
        }
        while (word.length && word.at[word.length - 1] == ' ')
            word.length--;
        modes.ansi_quotes |= is_one_of(word, ansi);
        modes.foreign_grammar |= is_one_of(word, foreign);
        modes.no_backslash_escapes |= slice_equals_word(word, "NO_BACKSLASH_ESCAPES");
        at = comma ? comma + 1 : end;
    }
    return modes;
}
