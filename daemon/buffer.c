#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct buffer *buffer, size_t more) {
    if (buffer->used + more < buffer->room)
        return true;
    size_t room = buffer->room ? 2 * buffer->room : 512;
    while (room <= buffer->used + more)
        room *= 2;
    char *at = realloc(buffer->at, room);
    if (!at) {
        buffer->failed = true;
        return false;
    }
    buffer->at = at;
    buffer->room = room;
    return true;
}

void buffer_write(struct buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !make_room(buffer, (size_t)length + 1))
        return;
    va_start(arguments, format);
    vsnprintf(buffer->at + buffer->used, buffer->room - buffer->used, format, arguments);
    va_end(arguments);
    buffer->used += (size_t)length;
}

void buffer_write_name(struct buffer *buffer, const char *name) {
    if (!make_room(buffer, 2 * strlen(name) + 3))
        return;
    char *to = buffer->at + buffer->used;
    *to++ = '`';
    for (; *name; name++) {
        if (*name == '`')
            *to++ = '`';
        *to++ = *name;
    }
    *to++ = '`';
    *to = '\0';
    buffer->used = (size_t)(to - buffer->at);
}

void buffer_clear(struct buffer *buffer) {
    buffer->used = 0;
    buffer->failed = false;
    if (buffer->at)
        buffer->at[0] = '\0';
}

void buffer_free(struct buffer *buffer) {
    free(buffer->at);
    *buffer = (struct buffer){0};
}
