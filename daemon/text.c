#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct text *text, size_t more) {
    if (text->used + more < text->room)
        return true;
    size_t room = text->room ? 2 * text->room : 512;
    while (room <= text->used + more)
        room *= 2;
    char *at = realloc(text->at, room);
    if (!at) {
        text->failed = true;
        return false;
    }
    text->at = at;
    text->room = room;
    return true;
}

void text_write(struct text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !make_room(text, (size_t)length + 1))
        return;
    va_start(arguments, format);
    vsnprintf(text->at + text->used, text->room - text->used, format, arguments);
    va_end(arguments);
    text->used += (size_t)length;
}

void text_write_name(struct text *text, const char *name) {
    if (!make_room(text, 2 * strlen(name) + 3))
        return;
    char *to = text->at + text->used;
    *to++ = '`';
    for (; *name; name++) {
        if (*name == '`')
            *to++ = '`';
        *to++ = *name;
    }
    *to++ = '`';
    *to = '\0';
    text->used = (size_t)(to - text->at);
}

void text_clear(struct text *text) {
    text->used = 0;
    text->failed = false;
    if (text->at)
        text->at[0] = '\0';
}

void text_free(struct text *text) {
    free(text->at);
    *text = (struct text){0};
}
