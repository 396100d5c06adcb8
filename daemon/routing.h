/* What the programs of this host have counted, all in one: the shim's pages in shared memory added up. */
#ifndef ROUNDABOUT_ROUTING_H
#define ROUNDABOUT_ROUTING_H

#include "../config/config.h"
#include "../page/page.h"

struct routing_table {
    char group[56], table[136];
    uint64_t routed, seen; /* statements on it: routed; all */
};

struct routing {
    bool known; /* false: no page can be read; then all below is empty */
    uint64_t statements[ROUTE_REASON_COUNT];
    uint64_t fallbacks[PAGE_CAUSE_COUNT];
    uint64_t events[PAGE_EVENT_COUNT];
    struct page_times routed;
    uint64_t main_recent_ns; /* 0: not known */
    uint64_t saved_ns;
    uint64_t processes; /* whose pages were read or are in the sums */
    size_t table_count;
    struct routing_table tables[PAGE_TABLES];
    unsigned breakers, breakers_open; /* one a user and local master */
};

/* Reads the pages in the directory of the configuration; first, if `folds`, those of ended processes are
 * added to their users' sums, as far as this user may. `runtime` is the value of XDG_RUNTIME_DIR, or NULL. */
void routing_read(const struct config_stats *config, const char *runtime, bool folds,
                  struct routing *routing);

uint64_t routing_total(const struct routing *routing);

/* Which of two readings holds. A process that ends is for an instant in no page, or in two: a sum that fell
 * is taken as such only when it stays fallen for some readings (`fallen` counts them). */
void routing_take(struct routing *held, const struct routing *fresh, unsigned *fallen);

#endif
