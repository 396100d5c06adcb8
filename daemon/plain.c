#include "plain.h"

#include <stdbool.h>
#include <string.h>

/* 0: no character of UTF-8. */
static size_t character_length(const unsigned char *at) {
    const size_t length = at[0] < 0x80                     ? 1
                          : at[0] >= 0xC2 && at[0] <= 0xDF ? 2
                          : (at[0] & 0xF0) == 0xE0         ? 3
                          : at[0] >= 0xF0 && at[0] <= 0xF4 ? 4
                                                           : 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    const bool overlong = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xF0 && at[1] < 0x90);
    const bool surrogate = at[0] == 0xED && at[1] > 0x9F;
    const bool beyond = at[0] == 0xF4 && at[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : length;
}

static bool acts(const unsigned char *at, size_t length) {
    if (length == 1)
        return at[0] < 0x20 || at[0] == 0x7F;
    if (length == 2) /* U+0080 to U+009F; U+061C */
        return (at[0] == 0xC2 && at[1] < 0xA0) || (at[0] == 0xD8 && at[1] == 0x9C);
    if (length != 3 || at[0] != 0xE2)
        return false;
    /* U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069 */
    return (at[1] == 0x80 && (at[2] == 0x8E || at[2] == 0x8F || (at[2] >= 0xA8 && at[2] <= 0xAE))) ||
           (at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9);
}

size_t plain_length(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    const size_t length = character_length(at);
    return length == 0 || acts(at, length) ? 0 : length;
}

void plain_copy(char *to, size_t size, const char *from) {
    size_t used = 0;
    while (*from && size > 0) {
        const size_t length = plain_length(from), step = length ? length : 1;
        if (used + step >= size)
            break;
        if (length)
            memmove(to + used, from, length);
        else
            to[used] = *from == '\n' || *from == '\t' || *from == '\r' ? ' ' : '?';
        used += step;
        from += step;
    }
    if (size > 0)
        to[used] = '\0';
}
