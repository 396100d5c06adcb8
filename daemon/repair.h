/* One key taken away everywhere. */
#ifndef ROUNDABOUT_REPAIR_H
#define ROUNDABOUT_REPAIR_H

#include "chunk.h"
#include "lease.h"

enum repair_outcome {
    REPAIR_DONE,
    REPAIR_CHANGED,  /* the row isn't what it was when it was read, or it is locked: left alone */
    REPAIR_UNFENCED, /* another daemon holds the lease now */
    REPAIR_FAILED,   /* the answer says why */
};

/* In one transaction at this site's own server: the lease's row is locked and must still be this process's
 * own; the row is locked and must still have the hash `expected` ("": there must be none); then the tombstone
 * and its end. */
enum repair_outcome repair_key(struct crew *crew, const struct config_ring *ring, const struct lease *lease,
                               const struct chunk_table *table, const char *key, const char *expected,
                               struct server_answer *answer);

#endif
