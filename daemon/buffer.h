/* A text that grows as it is written, for statements whose length isn't known beforehand. */
#ifndef ROUNDABOUT_BUFFER_H
#define ROUNDABOUT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *at;    /* NUL-terminated; NULL: nothing was written yet */
    size_t used; /* without the NUL */
    size_t room;
    bool failed; /* no memory: what is there is not the whole text */
};

/* Behind what is there already. */
void buffer_write(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An identifier in backticks. */
void buffer_write_name(struct buffer *buffer, const char *name);

/* "" again; the memory is kept. */
void buffer_clear(struct buffer *buffer);
void buffer_free(struct buffer *buffer);

#endif
