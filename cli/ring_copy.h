/* The tables of `roundabout ring join`: their definitions and rows brought from one server to another. */
#ifndef ROUNDABOUT_CLI_RING_COPY_H
#define ROUNDABOUT_CLI_RING_COPY_H

#include "../daemon/catalogue.h"
#include "ring_hand.h"

/* True: none of these tables has a row there, or isn't there at all; else, or if that can't be seen, an error
 * was printed. */
bool copy_finds_no_rows(struct hand *there, const struct catalogue *tables);

/* The cache tables, and those of the database roundabout, as they are at `from`. The former are made anew. */
bool copy_definitions(struct hand *from, struct hand *there, const struct catalogue *tables);

/* All rows of the cache tables, as the transaction of `from` sees them. Tables without a primary key that can
 * be walked along are left out, and named. */
bool copy_rows(struct hand *from, struct hand *there, const struct catalogue *tables);

/* Warns of tables at `from` that aren't cache tables and aren't there: their events would stop the link. */
void copy_warn_of_others(struct hand *from, struct hand *there, const struct catalogue *tables);

#endif
