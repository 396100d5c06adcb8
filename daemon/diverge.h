/* Which keys the sites will never agree on by themselves. Pure: what was read of each site in, a verdict out.
 *
 * A key that differs between sites is only a suspect: a write may be on its way. It is confirmed when each
 * site's heartbeat has been seen at every site with a later number than it had at home after the first
 * reading - so that all that was written before that reading has arrived everywhere -, a margin has passed,
 * and no reading since has shown anything else at any site. What can still deceive is a key that is written
 * again and again with values that it had before, if every reading happens to find the same two of them.
 *
 * Who is compared is a bit each, as in crew.h: sites, which all must answer, and replicas, which drop out as
 * they like. Origins of heartbeats are sites alone. */
#ifndef ROUNDABOUT_DIVERGE_H
#define ROUNDABOUT_DIVERGE_H

#include "chunk.h"
#include "crew.h"
#include "ring.h"

enum { DIVERGE_HASH_BYTES = 33, DIVERGE_NAME_BYTES = 17 };

/* Sums of one range at one member. */
struct diverge_sums {
    uint64_t rows[CHUNK_BUCKETS], sum[CHUNK_BUCKETS];
};

/* The buckets in which not all of `members` have the same. */
uint32_t diverge_buckets(const struct diverge_sums *sums, unsigned members);

/* What each holds of one key: the row's hash, or "" for no row. */
struct diverge_reading {
    char hash[CREW_MAX][DIVERGE_HASH_BYTES];
};

bool diverge_agrees(const struct diverge_reading *reading, unsigned members);

/* A row as one member gave it. */
struct diverge_row {
    char *key; /* owned by whoever gathered the rows */
    char hash[DIVERGE_HASH_BYTES];
    char name[DIVERGE_NAME_BYTES];
    size_t member;
};

/* Heartbeats as read at each member: [where][whose], -1 none. */
struct diverge_beats {
    int64_t sent_us[CREW_MAX][RING_SITES_MAX];
};

/* What must be passed, by origin. INT64_MAX: this one's heartbeats aren't known, so it never will be. */
struct diverge_marks {
    int64_t sent_us[RING_SITES_MAX];
};

/* The marks after a reading: the newest heartbeat of each site that any living one has. That is the one at
 * home, but of a dead site, and of one whose clock was set back until the others have heard of it. A replica
 * may have seen more of a dead site than any site will. */
struct diverge_marks diverge_marks_of(const struct diverge_beats *beats, unsigned members, size_t site_count);

/* A living site's clock was set back behind its mark, which may not be passed for as long as that: the
 * suspect must get new marks. Of heartbeats on their way from before a step back a reader can't know: one
 * passes a new mark too soon if its link is held up just there for longer than the step. */
bool diverge_marks_void(const struct diverge_marks *marks, const struct diverge_beats *beats,
                        unsigned members, size_t site_count);
bool diverge_marks_passed(const struct diverge_marks *marks, const struct diverge_beats *beats,
                          unsigned members, size_t site_count);

/* The longest that a copy at one of `there` of a living site's heartbeat is behind, on the sender's clock;
 * INT64_MAX: one isn't known. */
int64_t diverge_lag_us(const struct diverge_beats *beats, unsigned living, unsigned there, size_t site_count);

enum suspect_state { SUSPECT_SEEN, SUSPECT_PASSED, SUSPECT_CONFIRMED };

struct suspect {
    char *key; /* owned */
    char name[DIVERGE_NAME_BYTES];
    unsigned members; /* which were compared, and are still */
    struct diverge_reading first;
    struct diverge_marks marks;
    enum suspect_state state;
    int64_t passed_ms;
};

/* The keys of `rows` that not all of `members` hold with the same hash, into `found` (of `room`), whose keys
 * are copies. `rows` get sorted. Their number, or (size_t)-1: no memory. */
size_t diverge_find(struct diverge_row *rows, size_t count, unsigned members, struct suspect *found,
                    size_t room);

/* The replicas that hold something else than all sites do, which agree; 0: the sites don't. */
unsigned diverge_strays(const struct suspect *suspect);

enum diverge_verdict {
    DIVERGE_WAIT,
    DIVERGE_AGREED,    /* a write was on its way */
    DIVERGE_CHANGED,   /* it is being written; if it still differs then, it will be found again */
    DIVERGE_REGROUPED, /* a site came or went */
    DIVERGE_CONFIRMED,
};

/* One more reading of a suspect by these members; moves its state on. A replica that isn't among them any
 * more is compared no longer, a site that isn't is DIVERGE_REGROUPED. `passed`: its marks are. */
enum diverge_verdict diverge_judge(struct suspect *suspect, const struct diverge_reading *reading,
                                   unsigned members, bool passed, int64_t now_ms, int64_t margin_ms);

#endif
