/* Whether a site's server has its place in the ring: whether it may be written to by the daemon, and whether
 * what it lacks may be taken for a difference. Pure. */
#ifndef ROUNDABOUT_PLACE_H
#define ROUNDABOUT_PLACE_H

#include "ring.h"

/* It has lost what it knew, is being joined, or is new and hasn't taken all from the others yet: its keys aren't
 * missing for cause, and comparing would write to it. */
bool place_is_empty(const struct ring_view *view, size_t site, bool joining);

enum place_beats {
    PLACE_SILENT,    /* no heartbeat may be written */
    PLACE_UNDECIDED, /* what isn't known yet changes nothing */
    PLACE_BEATS,
};

/* Heartbeats are writes: a server that has forgotten which GTIDs it gave out must not give out any before it
 * was joined again, and a new one none before it has its place. This is about view->me, and holds for the
 * connection over which view->link was read: behind the next may be another server. */
enum place_beats place_decide(const struct ring_view *view, bool joining);

#endif
