/* The lags at this site in a page of shared memory, from which this host's programs learn whether to read
 * their local master (max_stale_ms). */
#ifndef ROUNDABOUT_SHARED_LAGS_H
#define ROUNDABOUT_SHARED_LAGS_H

#include "picture.h"

struct shared_lags;

/* `config` outlives it. NULL: no group asks for it, or no memory. */
struct shared_lags *shared_lags_open(const struct config *config);
/* The page stays, and grows too old to be believed. NULL: nothing happens. */
void shared_lags_close(struct shared_lags *shared);

/* Writes what the picture knows of the lags at its own site. */
void shared_lags_write(struct shared_lags *shared, const struct picture *picture, int64_t now_ms);

/* What is written of one lag as pictures have it: unknown, measured, or at least that much. Pure. */
int64_t shared_lags_value(double lag_ms);

#endif
