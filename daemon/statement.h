/* A text that grows as it is written, for statements whose length isn't known beforehand. */
#ifndef ROUNDABOUT_STATEMENT_H
#define ROUNDABOUT_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>

struct statement {
    char *at;    /* NUL-terminated; NULL: nothing was written yet */
    size_t used; /* without the NUL */
    size_t room;
    bool failed; /* no memory: what is there is not the whole text */
};

/* Behind what is there already. */
void statement_write(struct statement *statement, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An identifier in backticks. */
void statement_write_name(struct statement *statement, const char *name);

/* "" again; the memory is kept. */
void statement_clear(struct statement *statement);
void statement_free(struct statement *statement);

#endif
