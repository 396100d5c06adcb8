/* Who may repair: one daemon, and never two. Pure: rows and the clock in, a step out.
 *
 * Each server has a row of its own in roundabout.converge (the copies of other servers' rows that replication
 * brings mean nothing), which says who holds it, for the how manieth holder, and how often it was renewed. A
 * holder counts from the beginning of its last renewal, and stops well before its lease is over. Another
 * takes a row that it has itself seen unchanged for the whole lease; no clock is ever compared with another
 * host's. Who would repair must hold the rows of all living sites, and of more than half of all: two sides of
 * a cut network never both have that. Rows are taken in ring order, so that two who want them don't each get
 * a part. */
#ifndef ROUNDABOUT_FENCE_H
#define ROUNDABOUT_FENCE_H

#include "ring.h"

#define FENCE_HOLDER_BYTES 128

struct fence_row {
    bool exists;
    char holder[FENCE_HOLDER_BYTES]; /* "": nobody */
    uint64_t epoch, renewals;
};

/* One server's row as this daemon knows it. */
struct fence_memory {
    struct fence_row seen;
    int64_t since_ms; /* it has been seen like this since then */
    int64_t held_ms;  /* when the renewal began by which it is held; -1: it isn't */
};

#define FENCE_UNKNOWN ((struct fence_memory){.held_ms = -1})

enum fence_step { FENCE_WAIT, FENCE_TAKE, FENCE_RENEW };

/* `me` is this process, not only its site. `may_take`: all rows before this one in ring order are held.
 * Remembers the row. */
enum fence_step fence_decide(struct fence_memory *memory, const struct fence_row *row, const char *me,
                             bool may_take, int64_t now_ms, int64_t lease_ms);

/* What to write when taking or renewing. */
struct fence_row fence_next(const struct fence_row *row, const char *me, enum fence_step step);

/* Whether the rows of all `living` sites, and more than half of all, are held now. */
bool fence_holds(const struct fence_memory *memories, unsigned living, size_t site_count, int64_t now_ms,
                 int64_t lease_ms);

/* Which site's daemon shall repair: the main site's, or while that is dead the first living one in ring
 * order. A doubtful site counts as living: it must answer whatever is asked, or nothing is repaired.
 * SITE_NONE: not all have been looked at yet. */
size_t fence_candidate(const struct config_ring *ring, const enum site_life *lives);

#endif
