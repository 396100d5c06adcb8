/* The rows that fence.h decides about, read and written at the servers. */
#ifndef ROUNDABOUT_LEASE_H
#define ROUNDABOUT_LEASE_H

#include "crew.h"
#include "fence.h"
#include "statement.h"

struct lease {
    char me[FENCE_HOLDER_BYTES]; /* this process */
    struct fence_memory memories[RING_SITES_MAX];
    unsigned site_of_trouble;     /* valid with trouble.outcome == SERVER_REFUSED */
    struct server_answer trouble; /* the last round's refusal, if there was one */
    unsigned without_table;       /* sites that lacked it in the last round */
    size_t waits_for;             /* the site whose row another holds; SITE_NONE: none */
};

void lease_open(struct lease *lease, const struct config_ring *ring);

/* Takes or renews the rows of the `living` sites, as far as that is due: four round trips. */
void lease_round(struct lease *lease, struct crew *crew, const struct config_ring *ring, unsigned living,
                 int64_t lease_ms);

/* Gives all held rows back, so that nobody has to wait until they run out. */
void lease_release(struct lease *lease, struct crew *crew, const struct config_ring *ring, unsigned living);
bool lease_has_any(const struct lease *lease);

/* A statement that reads one site's row and locks it until the transaction ends. */
void lease_write_read(struct statement *sql, const struct config_ring *ring, size_t site);

/* Whether that row is this lease's own, as it was taken. */
bool lease_owns(const struct lease *lease, size_t site, const struct server_rows *rows);

#endif
