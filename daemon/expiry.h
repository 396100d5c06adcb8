/* Deletes rows of cache tables that are too old, by the groups' `expire`, at this site's own server, from
 * which replication carries it to all others. For the one daemon that holds the lease. */
#ifndef ROUNDABOUT_EXPIRY_H
#define ROUNDABOUT_EXPIRY_H

#include "crew.h"
#include "lease.h"

struct expiry;

/* All must outlive it. NULL: no memory. A configuration without any `expire` gives one that has nothing to
 * do. */
struct expiry *expiry_open(const struct config *config, struct crew *crew, struct lease *lease);
void expiry_close(struct expiry *expiry);

/* Whether any group has `expire`. */
bool expiry_is_wanted(const struct config *config);

/* One portion of whatever is due; when the next is, monotonic. */
int64_t expiry_run(struct expiry *expiry, int64_t now_ms);

#endif
