/* Which range of a table is compared next. Pure: keys and counts in, a place out.
 *
 * A table's keys are cut into chunks of about the same number of rows; a sweep goes through all of them. A
 * chunk whose contents were found changed is hot: every second visit is to one of these, unless it was looked
 * at a moment ago, so that in a large table what is being written is looked at more often than what rests.
 * New keys at the end of a growing table make its last chunk hot by themselves. */
#ifndef ROUNDABOUT_SWEEP_H
#define ROUNDABOUT_SWEEP_H

#include "chunk.h"

#define SWEEP_CHUNK_ROWS 5000
/* How many visits lie between two of a hot chunk: in a table of fewer chunks the sweep itself is as quick. */
#define SWEEP_HOT_VISITS 32

struct sweep_chunk {
    char *lower;          /* owned; NULL for the first: from the table's beginning */
    uint64_t rows, print; /* when it was last looked at */
    uint64_t visit;       /* the number of that look */
    bool seen;            /* it was, with the bounds that it has */
    bool hot;
    bool uncut; /* it may be longer than a chunk should be */
};

struct sweep {
    struct sweep_chunk *chunks;
    size_t count, room;
    size_t cursor; /* of the sweep; count: it's over */
    size_t hot_cursor;
    bool hot_is_next;
    uint64_t visits;
};

/* One chunk, uncut. False: no memory. */
bool sweep_open(struct sweep *sweep);
void sweep_free(struct sweep *sweep);

/* From the beginning again, with the chunks as they are. */
void sweep_begin(struct sweep *sweep);
bool sweep_is_over(const struct sweep *sweep);

/* The chunk to look at now, while the sweep isn't over; its cursor is moved on unless a hot one is taken in
 * between. */
size_t sweep_next(struct sweep *sweep);
struct chunk_range sweep_range(const struct sweep *sweep, size_t place);

/* The chunk ends before `key`, where a new one begins that may be too long in turn; NULL: it's short enough.
 * False: no memory, and it stays as it was. */
bool sweep_cut(struct sweep *sweep, size_t place, const char *key);

/* What was found in it: rows, and any number that changes when its contents do. Joins it with the one before
 * when both are short, so `place` and those after it mean something else afterwards. */
void sweep_saw(struct sweep *sweep, size_t place, uint64_t rows, uint64_t print);

/* About how many rows the table has. */
uint64_t sweep_rows(const struct sweep *sweep);

#endif
