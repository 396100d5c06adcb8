#include "buffer.h"

#include "plain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct buffer *buffer, size_t more) {
    if (buffer->failed || more >= BUFFER_BYTES_MAX || buffer->length + more >= BUFFER_BYTES_MAX) {
        buffer->failed = true;
        return false;
    }
    if (buffer->length + more < buffer->room)
        return true;
    size_t room = buffer->room ? buffer->room : 4096;
    while (room <= buffer->length + more)
        room *= 2;
    char *text = realloc(buffer->text, room);
    if (!text) {
        buffer->failed = true;
        return false;
    }
    buffer->text = text;
    buffer->room = room;
    return true;
}

void buffer_put_bytes(struct buffer *buffer, const char *bytes, size_t length) {
    if (!make_room(buffer, length))
        return;
    memcpy(buffer->text + buffer->length, bytes, length);
    buffer->length += length;
    buffer->text[buffer->length] = '\0';
}

void buffer_put(struct buffer *buffer, const char *text) {
    buffer_put_bytes(buffer, text, strlen(text));
}

void buffer_put_format(struct buffer *buffer, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text)
        buffer->failed = true; /* formats are for numbers and short words */
    else
        buffer_put_bytes(buffer, text, (size_t)length);
}

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* Writes one character; what has no escape is written as it is. `escape` returns NULL for that. */
static void put_escaped(struct buffer *buffer, const char *text,
                        const char *(*escape)(unsigned char byte, char *room)) {
    char room[16];
    while (*text) {
        const size_t length = plain_length(text);
        const char *escaped = (unsigned char)*text < 0x80 ? escape((unsigned char)*text, room) : NULL;
        if (escaped)
            buffer_put(buffer, escaped);
        else if (length == 0 && *text != '\n' && *text != '\t')
            buffer_put(buffer, REPLACEMENT);
        else
            buffer_put_bytes(buffer, text, length ? length : 1);
        text += length ? length : 1;
    }
}

static bool is_control(unsigned char byte) {
    return byte < 0x20 || byte == 0x7F;
}

static const char *escape_json(unsigned char byte, char *room) {
    if (byte == '"' || byte == '\\')
        snprintf(room, 16, "\\%c", byte);
    else if (is_control(byte) || byte == '<' || byte == '>' || byte == '&')
        snprintf(room, 16, "\\u%04x", byte);
    else
        return NULL;
    return room;
}

static const char *escape_html(unsigned char byte, char *room) {
    (void)room;
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return is_control(byte) && byte != '\n' && byte != '\t' ? REPLACEMENT : NULL;
    }
}

static const char *escape_label(unsigned char byte, char *room) {
    (void)room;
    return byte == '\\'       ? "\\\\"
           : byte == '"'      ? "\\\""
           : byte == '\n'     ? "\\n"
           : is_control(byte) ? REPLACEMENT
                              : NULL;
}

void buffer_put_json(struct buffer *buffer, const char *text) {
    buffer_put(buffer, "\"");
    put_escaped(buffer, text, escape_json);
    buffer_put(buffer, "\"");
}

void buffer_put_html(struct buffer *buffer, const char *text) {
    put_escaped(buffer, text, escape_html);
}

void buffer_put_label(struct buffer *buffer, const char *text) {
    put_escaped(buffer, text, escape_label);
}

void buffer_free(struct buffer *buffer) {
    free(buffer->text);
    *buffer = (struct buffer){0};
}
