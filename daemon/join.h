/* Whether a server may be made a member of the ring, and from where in the others' histories it goes on.
 * Pure: what was seen in, a decision out. */
#ifndef ROUNDABOUT_JOIN_H
#define ROUNDABOUT_JOIN_H

#include "ring.h"
#include "statement.h"

enum join_verdict {
    JOIN_FRESH,       /* it has no history of its own: begin */
    JOIN_AGAIN,       /* a join was begun and not ended: what it had copied is thrown away, and begun anew */
    JOIN_FINISH,      /* all was done but the link */
    JOIN_MEMBER,      /* nothing is to be done */
    JOIN_HAS_WRITTEN, /* it has GTIDs of its own, which would be lost or taken for others */
};

/* Of the joining server, which is states[site], the `memory` that a tally shows. */
enum join_verdict join_judge(const struct link_state *const *states, size_t site, enum site_memory memory);

/* The nearest site upstream that lives, runs and remembers, and that it can follow; SITE_NONE, and *why for
 * the last that can't. */
size_t join_find_donor(const struct config_ring *ring, const struct link_state *const *states, size_t site,
                       enum ring_reason *why);

/* Where the joining site goes on: the donor's position, and as for the numbers that the site itself has given
 * out in an earlier life the last that anybody has seen. False: no room. */
bool join_position(const struct link_state *const *states, size_t count, size_t site, const char *donors,
                   char *position, size_t size);

/* SHOW CREATE TABLE's text as a statement that names the database, too. False: it isn't such a text. */
bool join_write_definition(struct statement *sql, const char *shown, const char *database, const char *table,
                           bool if_not_exists);

#endif
