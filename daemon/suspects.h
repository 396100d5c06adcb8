/* The keys that were found to differ: read again until they are confirmed or cleared, and what is done then.
 */
#ifndef ROUNDABOUT_SUSPECTS_H
#define ROUNDABOUT_SUSPECTS_H

#include "comparison.h"
#include "lease.h"

/* More are left for the next sweep. */
#define SUSPECTS_MAX 2000

struct open_suspect {
    struct suspect suspect;
    struct comparison_table *table;
    bool over;
};

struct suspects {
    const struct config *config;
    struct comparison *comparison;
    struct crew *crew;
    const struct lease *lease;
    int64_t lease_ms;
    struct open_suspect *list;
    size_t count;
    double budget; /* how many repairs may be made now */
    int64_t budget_ms;
    struct statement sql;
    void (*tell)(void *context, const char *repair); /* of each repair: table, name of the key, sites */
    void *context;
};

/* False: no memory. */
bool suspects_open(struct suspects *suspects, struct comparison *comparison, const struct lease *lease,
                   int64_t lease_ms);
void suspects_close(struct suspects *suspects);

/* Takes over the keys of `found`; one that is suspected already is dropped. */
void suspects_add(struct suspects *suspects, struct comparison_table *table, struct suspect *found,
                  size_t count);

/* Forgets all: their tables aren't there any more, or nothing is known of them any more. */
void suspects_clear(struct suspects *suspects);

/* Reads all of them once at the `living` sites, and repairs or reports those that are confirmed. */
void suspects_poll(struct suspects *suspects, unsigned living);

/* "a b | c | d lacks it": which sites hold the same. Pure. */
void suspects_put_sites(const struct suspect *suspect, const struct config_ring *ring, char *words,
                        size_t size);

#endif
