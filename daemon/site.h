/* One site of the ring as this daemon knows it: what its watch saw, whether it lives, whether it was dead. */
#ifndef ROUNDABOUT_SITE_H
#define ROUNDABOUT_SITE_H

#include "log.h"
#include "ring.h"
#include "watch.h"

struct site_record {
    struct watch *watch;
    struct watch_report report;
    unsigned looks;
    int64_t sampled_ms;
    struct site_samples samples;
    enum site_life life;
    bool bypassed;
    unsigned oldest_asked; /* how many looks it had made when that was first asked for; 0: it isn't */
    bool oldest_is_needed; /* its watch shall read what its binary logs begin with */
    char returned[2048]; /* what it had logged when it was first seen after being dead; "": not seen yet */
    struct log_subject subject;
};

/* What the site last showed; NULL: its last look failed, or there was none yet. */
const struct link_state *site_state(const struct site_record *site);

/* Reads the watch, takes a sample if there is a new one, and judges. `place` is the site's in the ring;
 * `is_source`: it is the one that is followed now, over a link that last moved at link_moved_ms. Logs what
 * changed. */
void site_judge(struct site_record *site, const struct config_ring *ring, size_t place, bool is_source,
                int64_t link_moved_ms, int64_t now_ms);

/* The server said no for want of a right, by its error number. */
bool site_refused_a_right(unsigned code);

#endif
