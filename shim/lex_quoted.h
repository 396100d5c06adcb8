/* Where a string in quotes ends: for the lexer's own files. */
#ifndef ROUNDABOUT_LEX_QUOTED_H
#define ROUNDABOUT_LEX_QUOTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { QUOTED_BLOCK = 8, QUOTED_NEAR_BLOCKS = 4 };
typedef unsigned char quoted_bytes
    __attribute__((vector_size(QUOTED_BLOCK))); /* gcc and clang, on any machine */

/* A bit for each of eight bytes, the first byte's lowest: set where it is a quote or a backslash. */
static inline uint64_t quoted_specials(const char *at, char quote) {
    quoted_bytes block;
    memcpy(&block, at, sizeof block);
    quoted_bytes found =
        (quoted_bytes)(block == (unsigned char)quote) | (quoted_bytes)(block == (unsigned char)'\\');
    uint64_t bits;
    memcpy(&bits, &found, sizeof bits);
    bits &= UINT64_C(0x8080808080808080);
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(bits) : bits;
}

static inline bool quoted_is_special(char byte, char quote) {
    return byte == quote || byte == '\\';
}

/* How far a quote or backslash goes: 1 or 2 bytes; 0: it is the closing quote. */
static inline size_t quoted_step(const char *special, const char *end, char quote, bool escapes,
                                 bool *backslash) {
    bool last = special + 1 == end;
    if (*special == '\\') {
        *backslash = true;
        return escapes && !last ? 2 : 1;
    }
    return !last && special[1] == quote ? 2 : 0;
}

/* The next quote or backslash, or the end, when it isn't near: the quote is looked for first, and backslashes
 * only in front of it. *close keeps it, so that no byte is read more than three times. */
static inline const char *quoted_find_far(const char *at, const char *end, char quote, const char **close) {
    if (*close < at) {
        *close = memchr(at, quote, (size_t)(end - at));
        if (!*close)
            *close = end;
    }
    const char *backslash = memchr(at, '\\', (size_t)(*close - at));
    return backslash ? backslash : *close;
}

/* The closing quote of a string that begins at `inside`, behind its opening quote; NULL: there is none.
 * *backslash is set when one was met. `escapes`: a backslash takes the byte behind it with it. Most values
 * are short and escapes come in crowds, so that eight bytes are looked at together, and what is far behind
 * the last of them is searched for. */
static inline const char *quoted_find_end(const char *inside, const char *end, char quote, bool escapes,
                                          bool *backslash) {
    const char *at = inside;
    const char *close = inside - 1; /* not looked for yet */
    unsigned quiet = 0;             /* blocks without a special byte, one behind the other */
    while (end - at >= QUOTED_BLOCK) {
        const char *block = at;
        uint64_t specials = quoted_specials(block, quote);
        at += QUOTED_BLOCK;
        quiet = specials ? 0 : quiet + 1;
        while (specials) {
            const char *special = block + __builtin_ctzll(specials) / 8;
            size_t step = quoted_step(special, end, quote, escapes, backslash);
            if (step == 0)
                return special;
            specials &= specials - 1;
            if (step == 2 && special + 1 == at)
                at++;
            else if (step == 2 && quoted_is_special(special[1], quote))
                specials &= specials - 1;
        }
        if (quiet == QUOTED_NEAR_BLOCKS) {
            at = quoted_find_far(at, end, quote, &close);
            quiet = 0;
        }
    }
    while (at < end) {
        size_t step = quoted_is_special(*at, quote) ? quoted_step(at, end, quote, escapes, backslash) : 1;
        if (step == 0)
            return at;
        at += step;
    }
    return NULL;
}

#endif
