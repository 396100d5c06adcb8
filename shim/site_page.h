/* How far the local master is behind the other sites, as the daemon at this host says it (page_site). Any
 * thread; no lock, and no system call but for one thread every quarter of a second. */
#ifndef ROUNDABOUT_SITE_PAGE_H
#define ROUNDABOUT_SITE_PAGE_H

#include "../config/config.h"

#include <stdint.h>

/* In milliseconds; 0: not known. Keeps errno. */
int64_t site_page_behind_ms(const struct config *config);

#endif
