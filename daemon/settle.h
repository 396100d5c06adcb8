/* Whether a table needs to be compared again soon. Pure: ends of comparisons and the clock in, a time out.
 *
 * There is one rule. A range that was compared, and each key of it that differed, comes to an end. Most ends
 * are a verdict. One that isn't - a site was away, the key was being written, the lease was lost - is a
 * reason to compare the table again, as a write to it is: it is settled when a whole sweep has begun after
 * the last reason. Until then one sweep follows the other; after that they are spread over converge_every_s.
 */
#ifndef ROUNDABOUT_SETTLE_H
#define ROUNDABOUT_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

/* A small table that is written all the time isn't swept more often than this. */
#define SETTLE_LEAST_MS 2000

enum settle_end {
    /* Verdicts. */
    SETTLE_SAME,      /* the range is the same at all sites */
    SETTLE_SUSPECTED, /* keys of it differ, and each comes to an end of its own */
    SETTLE_AGREED,    /* the key: a write was on its way */
    SETTLE_REPAIRED,
    SETTLE_REPORTED, /* it differs for good, and is left as it is */
    /* None was come to. */
    SETTLE_WRITTEN,    /* the table was written to since the range was looked at */
    SETTLE_UNANSWERED, /* not all sites have answered */
    SETTLE_CROWDED,    /* more keys differ than there is room for */
    SETTLE_CHANGED,    /* the key is being written */
    SETTLE_REGROUPED,  /* a site came or went */
    SETTLE_UNMARKED,   /* a clock was set back, so that nobody knows what has arrived */
    SETTLE_REFUSED,    /* the server didn't carry out the repair */
    SETTLE_ABANDONED,  /* another daemon compares now, or did since */
    SETTLE_END_COUNT
};

bool settle_is_verdict(enum settle_end end);

struct settle {
    /* Numbers of reasons: all so far; those from before the present sweep; those from before the last whole
     * one. */
    uint64_t reasons, sweeping, swept;
    int64_t began_ms; /* when the present sweep did, or the last one */
    int64_t next_ms;  /* when the next range is due */
};

/* Never compared: due at once. */
void settle_open(struct settle *settle);
bool settle_is_settled(const struct settle *settle);

/* A range or a key has come to this end. True: the table was settled and no longer is, so that what was swept
 * since is to be swept again. */
bool settle_note(struct settle *settle, enum settle_end end, int64_t now_ms);

/* A sweep begins; the next range is due in so long; all ranges have been compared. */
void settle_begin(struct settle *settle, int64_t now_ms);
void settle_pause(struct settle *settle, int64_t now_ms, int64_t pause_ms);
void settle_finish(struct settle *settle, int64_t now_ms, int64_t every_ms);

#endif
