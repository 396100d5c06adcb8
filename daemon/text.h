/* A text that grows as it is written, for statements whose length isn't known beforehand. */
#ifndef ROUNDABOUT_TEXT_H
#define ROUNDABOUT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *at;    /* NUL-terminated; NULL: nothing was written yet */
    size_t used; /* without the NUL */
    size_t room;
    bool failed; /* no memory: what is there is not the whole text */
};

/* Behind what is there already. */
void text_write(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An identifier in backticks. */
void text_write_name(struct text *text, const char *name);

/* "" again; the memory is kept. */
void text_clear(struct text *text);
void text_free(struct text *text);

#endif
