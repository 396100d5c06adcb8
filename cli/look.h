/* All servers of the ring looked at once, side by side, for the verbs that show it. */
#ifndef ROUNDABOUT_LOOK_H
#define ROUNDABOUT_LOOK_H

#include <stdio.h>

#include "../daemon/catalogue.h"
#include "../daemon/observe.h"
#include "../daemon/server.h"
#include "../daemon/tally.h"

#define LOOK_BEATS 8

/* When one site's heartbeats were first seen at one server, on this host's clock: between two questions, so
 * as near as half a round trip to that server. The first was there before the looking began. */
struct look_beats {
    size_t count;
    int64_t sent_us[LOOK_BEATS]; /* on the sender's clock */
    int64_t seen_us[LOOK_BEATS];
};

struct look {
    char name[192]; /* the site's; or its site's and the replica's address */
    size_t site;
    bool replica;
    struct server_answer answer;
    struct link_state state;
    struct look_beats beats[RING_SITES_MAX]; /* of each site; filled only while measuring */
    struct server *server;                   /* still connected, if it answered; for more questions */
};

/* Looks at all sites in ring order and then at the replicas, `*count` of them, and with measure_ms > 0 goes
 * on to watch heartbeats arrive for that long. The caller gives the array to looks_free(). NULL: no memory.
 */
struct look *look_at_all(const struct config_ring *ring, unsigned measure_ms, size_t *count);
void looks_free(struct look *looks, size_t count);

/* The same, after a round that only `tally` keeps: which site has forgotten its GTIDs shows only in looks that
 * were made one after another. */
struct look *look_twice(const struct config_ring *ring, struct tally *tally, size_t *count);

/* How long a heartbeat of `origin` took to get to `there`, in ms; below 0: none arrived while looking. The
 * difference between the clocks of this host and of the origin's server is taken out, as near as half a round
 * trip. */
double look_lag_ms(const struct look *origin, const struct look *there);

/* The file's configuration with a ring in it; NULL after the reason has been printed to standard error. */
struct config *look_load_config(const char *option);

/* Adds the tables of a pattern as this server tells of them. False: it didn't answer, or no memory. */
bool look_read_tables(struct server *server, const struct config_table *pattern, struct catalogue *catalogue);

void json_put_text(FILE *file, const char *text);

#endif
