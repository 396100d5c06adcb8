/* What the daemon at this host says of the local master (page_site): how far it is behind the other sites,
 * and that it doesn't answer. Any thread; no lock. The page is read some times a second at most. Keeps errno.
 */
#ifndef ROUNDABOUT_SITE_PAGE_H
#define ROUNDABOUT_SITE_PAGE_H

#include "../config/config.h"

#include <stdint.h>

/* In milliseconds; 0: not known. No system call but for one thread every quarter of a second. */
int64_t site_page_behind_ms(const struct config *config);

/* CLOCK_MONOTONIC; 0: it answers, or that isn't known. For those about to open a connection. */
int64_t site_page_silent_since_ms(const struct config *config);

#endif
