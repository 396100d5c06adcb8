/* What is known of one link's past: when it last moved, since when it fails and how often that was answered.
 * Pure: reports in, times out. */
#ifndef ROUNDABOUT_MEMORY_H
#define ROUNDABOUT_MEMORY_H

#include "watch.h"

/* What a link's past says, beyond its last state. Hashes instead of texts: only whether they changed is
 * asked. */
struct link_memory {
    unsigned looks; /* the report that was taken in last */
    uint64_t received, applied, failure;
    int64_t changed_ms, moved_ms, applied_ms, connecting_since_ms, failed_since_ms;
    unsigned attempts;
};

/* Nothing is known yet. */
#define MEMORY_EMPTY ((struct link_memory){.changed_ms = -1, .connecting_since_ms = -1})

/* Takes in a report that wasn't taken in before and in which the server was seen; others change nothing. */
void memory_take_in(struct link_memory *memory, const struct config_ring *ring,
                    const struct watch_report *report);

#endif
