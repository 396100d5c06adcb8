/* The functions and variables that ask about the statement before, among other things in a text, and the same
 * text with the numbers in their place. Pure. */
#ifndef ROUNDABOUT_RESTATE_H
#define ROUNDABOUT_RESTATE_H

#include "lex.h"

#include <stdint.h>

enum restate_question {
    RESTATE_FOUND = 1 << 0,   /* FOUND_ROWS() */
    RESTATE_CHANGED = 1 << 1, /* ROW_COUNT() */
    RESTATE_LISTS = 1 << 2,   /* @@warning_count, @@error_count */
};

struct restate_numbers {
    unsigned known; /* enum restate_question, or'ed: these are put in */
    uint64_t found;
    int64_t changed;
    uint64_t warnings;
    uint64_t errors;
};

/* Which of them its first statement asks; 0 also where they are no question about the statement before:
 * inside of what is only stored, or a text that isn't understood. */
unsigned restate_find(struct slice text, struct lex_modes modes);

/* Columns keep their names, if they have short ones. The caller's; NULL: no memory, or a name is too long. */
char *restate_write(struct slice text, struct lex_modes modes, const struct restate_numbers *numbers,
                    size_t *length);

#endif
