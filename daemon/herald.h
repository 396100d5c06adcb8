/* Tells the world what the daemon's turns have shown: makes the picture of it, finds what happened since the
 * one before, enters that into the journal, runs on_event, and hands the picture to the page. */
#ifndef ROUNDABOUT_HERALD_H
#define ROUNDABOUT_HERALD_H

#include "journal.h"
#include "turn.h"

struct herald;

/* `config` and `journal` outlive it. NULL: no memory. */
struct herald *herald_open(const struct config *config, struct journal *journal);
void herald_close(struct herald *herald);

/* Once a turn; does its work a few times a second at most. `herald` NULL: nothing happens. */
void herald_turn(struct herald *herald, const struct turn *turn, int64_t now_ms);

#endif
