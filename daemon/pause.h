/* Orders to the daemons to leave things as they are: rows of roundabout.pause, one a site and one, with an
 * empty name, for the ring as a whole. Each daemon reads them wherever it looks, and the row that was written
 * last counts, so that an order holds also where the site it was written at can't be reached, and is taken
 * back in the same way. They end by themselves. Pure, but for what is written to a statement. */
#ifndef ROUNDABOUT_PAUSE_H
#define ROUNDABOUT_PAUSE_H

#include "statement.h"
#include "link.h"

#define PAUSE_READ "SELECT site, set_us, until_us, joining FROM roundabout.pause"

/* Logged, this goes round; nobody minds if it comes to a site twice. */
#define PAUSE_MAKE_TABLE                                                                    \
    "CREATE TABLE IF NOT EXISTS roundabout.pause (site VARBINARY(64) NOT NULL PRIMARY KEY," \
    " set_us BIGINT UNSIGNED NOT NULL, until_us BIGINT UNSIGNED NOT NULL,"                  \
    " joining TINYINT NOT NULL DEFAULT 0, ring_u TINYINT NULL DEFAULT NULL INVISIBLE,"      \
    " UNIQUE KEY ring_u (ring_u)) ENGINE=InnoDB"

/* The site's row; `site` NULL: the whole ring's. An order that is over is written, not deleted: a DELETE
 * isn't passed on by a site that lacks the row. */
void pause_write(struct statement *sql, const char *site, const struct link_pause *pause);

/* What holds for a site by all that was seen: states[0] to [count - 1], of which any may be NULL. The ring's
 * order or the site's own, whichever ends later; ended ones are all zeros. */
struct link_pause pause_of_site(const struct link_state *const *states, size_t count, size_t site,
                                int64_t now_us);

#endif
