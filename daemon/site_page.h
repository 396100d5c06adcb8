/* What this host's programs are told of their local master, in a page of shared memory: how far it is behind
 * each other site (max_stale_ms), and that it doesn't answer, which opens their circuit breakers. */
#ifndef ROUNDABOUT_SITE_PAGE_H
#define ROUNDABOUT_SITE_PAGE_H

#include "picture.h"
#include "site.h"

struct site_page;

/* `config` outlives it. NULL: it names no local master, or no memory. */
struct site_page *site_page_open(const struct config *config);
/* The page goes, as a missing one and one that says nothing are the same to all who read. It stays while it
 * says that the local master is silent, or is further behind than a group of the file allows: a daemon that
 * is started again is there before that is too old to be believed (PAGE_SITE_LAST_MS), and meanwhile no
 * program shall read rows that it didn't read before. NULL: nothing happens. */
void site_page_close(struct site_page *shared);

/* Writes what the picture knows of the lags at its own site, whose record is `own`. */
void site_page_write(struct site_page *shared, const struct picture *picture, const struct site_record *own,
                     int64_t now_ms);

/* What is written of one lag as pictures have it: unknown, measured, or at least that much. Pure. */
int64_t site_page_lag_ms(double lag_ms);

/* Since when the own server has been silent, once the rule for "dead" holds; 0: it answers, be it with an
 * error, or that isn't known. Pure. */
int64_t site_page_silent_since_ms(const struct site_record *own);

#endif
