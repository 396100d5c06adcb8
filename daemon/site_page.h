/* The lags at this site in a page of shared memory, from which this host's programs learn whether to read
 * their local master (max_stale_ms). */
#ifndef ROUNDABOUT_SITE_PAGE_H
#define ROUNDABOUT_SITE_PAGE_H

#include "picture.h"

struct site_page;

/* `config` outlives it. NULL: no group asks for it, or no memory. */
struct site_page *site_page_open(const struct config *config);
/* The page stays, and grows too old to be believed. NULL: nothing happens. */
void site_page_close(struct site_page *shared);

/* Writes what the picture knows of the lags at its own site. */
void site_page_write(struct site_page *shared, const struct picture *picture, int64_t now_ms);

/* What is written of one lag as pictures have it: unknown, measured, or at least that much. Pure. */
int64_t site_page_lag_ms(double lag_ms);

#endif
