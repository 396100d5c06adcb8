/* Whether each server of the ring still knows which GTIDs it has given out, by what all of them were seen to
 * know of each other's, and when. Pure: looks in, a verdict a site out. */
#ifndef ROUNDABOUT_TALLY_H
#define ROUNDABOUT_TALLY_H

#include "link.h"

/* One that was wiped, or has lost the end of its binary log, doesn't know: its next writes would be taken for
 * old ones everywhere, and lost. */
enum site_memory {
    SITE_UNSURE, /* nobody else was seen; or another shows a later number, and was looked at no earlier */
    SITE_REMEMBERS,
    SITE_FORGOT, /* another server had shown a later number before that */
};

#define TALLY_UNKNOWN UINT64_MAX

/* The last number of each site's own GTIDs that one server showed. TALLY_UNKNOWN: whose they are wasn't known
 * then. */
struct tally_look {
    int64_t answered_ms; /* 0: there was no such look */
    uint64_t numbers[RING_SITES_MAX];
};

/* All zeros at first. What a server that doesn't answer any more has shown stays known. */
struct tally {
    struct tally_look last[RING_SITES_MAX], before[RING_SITES_MAX]; /* by who was looked at */
    struct link_origin origins[RING_SITES_MAX]; /* as last seen; of no kind: never */
    enum site_memory memory[RING_SITES_MAX];
};

/* Takes in the new looks of `looked`, a bit a site; states[i] is what site i last showed, NULL: nothing.
 *
 * A number is at its origin before it is anywhere else. So an origin that shows less than another server has
 * forgotten, if its look began after the other one's had ended. A look that overlaps or comes later proves
 * nothing by a larger number, and under a load of writes the newest of another may always be such a one:
 * hence the one before is kept, too. */
void tally_take(struct tally *tally, const struct link_state *const *states, size_t count, unsigned looked);

#endif
