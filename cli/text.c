#include "text.h"

#include <stdio.h>

/* The length of the character of UTF-8 that begins at `at`, or 0 where none does. */
static size_t utf8_length(const unsigned char *at, size_t left) {
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *at < 0x80 ? 1 : *at >= 0xF0 ? 4 : *at >= 0xE0 ? 3 : 2;
    unsigned code = length == 1 ? *at : *at & (0xFFu >> (length + 1));

    if (*at >= 0xF8 || (*at >= 0x80 && *at < 0xC2) || length > left)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3Fu);
    }
    return code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0 : length;
}

void text_print_json(const char *text, size_t size) {
    for (size_t i = 0; i < size;) {
        const unsigned char *at = (const unsigned char *)text + i;
        size_t length = utf8_length(at, size - i);

        if (length == 0)
            fputs("\\ufffd", stdout);
        else if (*at == '"' || *at == '\\')
            printf("\\%c", *at);
        else if (*at < 0x20 || *at == 0x7F)
            printf("\\u%04x", *at);
        else
            fwrite(at, 1, length, stdout);
        i += length ? length : 1;
    }
}

void text_print_plain(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        putchar(byte < 0x20 || byte == 0x7F ? '?' : byte);
    }
}
