/* A text that grows while it is written, with the escapes of what it is written for. Not enough memory or
 * more than BUFFER_BYTES_MAX: the rest is dropped and `failed` is set, which the reader of the text looks at
 * once, at the end. */
#ifndef ROUNDABOUT_BUFFER_H
#define ROUNDABOUT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#define BUFFER_BYTES_MAX (1 << 20) /* sixteen sites with sixty-four replicas each need some 300 kB of JSON \
                                    */

struct buffer {
    char *text; /* NUL-terminated; NULL while nothing was written */
    size_t length, room;
    bool failed;
};

void buffer_put(struct buffer *buffer, const char *text);
void buffer_put_bytes(struct buffer *buffer, const char *bytes, size_t length);
__attribute__((format(printf, 2, 3))) void buffer_put_format(struct buffer *buffer, const char *format, ...);

/* A JSON string with its quotes. Control characters, and what a page's script would end at, are escaped;
 * bytes that aren't UTF-8 become U+FFFD. */
void buffer_put_json(struct buffer *buffer, const char *text);

/* Text between tags or in a double-quoted attribute. Control characters and bytes that aren't UTF-8 become
 * U+FFFD. */
void buffer_put_html(struct buffer *buffer, const char *text);

/* A label's value in Prometheus' text format, without its quotes. */
void buffer_put_label(struct buffer *buffer, const char *text);

void buffer_free(struct buffer *buffer);

#endif
