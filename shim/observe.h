/* Observe mode: how each table is used, counted in a page of its own (page/page.h). No statement is kept. */
#ifndef ROUNDABOUT_OBSERVE_H
#define ROUNDABOUT_OBSERVE_H

#include "../page/page.h"
#include "route.h"

/* One statement. The slot whose time is to be noted once main has run it (observe_note_time), or NULL. Reads
 * the statement whole: for statements that are observed only. */
struct page_observed *observe_statement(struct slice text, const struct route_session *session);
void observe_note_time(struct page_observed *slot, uint64_t ns);

/* Is this statement observed? All are with ROUNDABOUT_OBSERVE; else those of groups with mode = "observe",
 * and those that name such a group's table beside others. */
bool observe_wants(const struct config *config, const struct route_decision *decision);

#endif
