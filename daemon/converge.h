/* The sites' cache tables made to agree again: a thread of its own beside the links' turns, so that neither
 * waits for the other. In each ring one daemon does it, fenced by fence.h; the others wait. */
#ifndef ROUNDABOUT_CONVERGE_H
#define ROUNDABOUT_CONVERGE_H

#include "../config/config.h"
#include "compared.h"
#include "ring.h"

struct converge;

/* `config` outlives it. It writes nothing at any site before converge_tell(). NULL: no memory or no threads.
 */
struct converge *converge_start(const struct config *config);

/* Gives the lease back, if it's held, and ends the thread. NULL: nothing happens. */
void converge_stop(struct converge *converge);

/* The sites' lives as the last turn judged them, in ring order. False: what was begun by others may still be
 * going on; to be told again. */
bool converge_tell(struct converge *converge, const enum site_life *lives);

#define CONVERGE_REPAIR_BYTES 400

/* The oldest repair that wasn't taken yet, into `words`: the table, the name of the key, which sites held the
 * same. False: none. Of many at once the rest is one line that says how many. */
bool converge_take_repair(struct converge *converge, char words[CONVERGE_REPAIR_BYTES]);

void converge_read(struct converge *converge, struct compared *compared);

#endif
