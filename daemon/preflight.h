/* What a ring asks of its servers, as one table of rules. Pure: states in, findings out. The daemon itself
 * refuses only what ring_unfit() names; this is the whole list, for `roundabout check`. */
#ifndef ROUNDABOUT_PREFLIGHT_H
#define ROUNDABOUT_PREFLIGHT_H

#include "ring.h"
#include "server.h"

enum preflight_weight { PREFLIGHT_FINE, PREFLIGHT_WARNING, PREFLIGHT_CRITICAL, PREFLIGHT_UNKNOWN };

struct preflight_server {
    const char *name;            /* the site's; a replica's is its site's and its address */
    struct server_answer answer; /* how looking at it ended */
    const struct link_state *state;
    size_t site; /* which site of the ring it is, or belongs to */
    bool replica;
};

struct preflight {
    const struct config_ring *ring;
    const struct preflight_server *servers; /* all sites in ring order, then the replicas */
    size_t count;
};

struct preflight_finding {
    enum preflight_weight weight;
    const char *server;
    const char *rule;
    char found[200];
    const char *why;
    char cure[400];
};

/* Called once per rule and server, also for what is fine. */
typedef void preflight_report(void *context, const struct preflight_finding *finding);

void preflight_run(const struct preflight *preflight, preflight_report *report, void *context);

/* One cache table at one server, or that it lacks it. */
struct preflight_table {
    const char *server, *name; /* name: `database.table` */
    bool exists;
    const char *engine, *columns; /* columns: a text that is equal where the definitions are */
    unsigned unique_indexes;      /* beside the primary key */
    bool primary_key;
    bool healing_column;      /* ring_u is there, whether indexed or not */
    const char *unrepairable; /* why its keys can't be repaired; NULL: they can, or shan't be */
};

/* `first`: the same table at another server, to compare with; NULL: none. */
void preflight_table(const struct preflight_table *table, const struct preflight_table *first,
                     preflight_report *report, void *context);

#endif
