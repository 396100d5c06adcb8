/* What this process counts, in a page of its own (page/page.h) that outlives it. Any thread; no lock; nothing
 * is allocated, and no system call made, but at the first statement of a process. Where no page can be had,
 * nothing is counted. Keeps errno. */
#ifndef ROUNDABOUT_STATS_H
#define ROUNDABOUT_STATS_H

#include "../page/page.h"
#include "route.h"

#include <stdint.h>

/* Makes the page, if it isn't there. Until it is, and while another thread makes it, nothing is counted. */
void stats_start(void);

/* One statement, by its verb (enum sql_verb's own five, else PAGE_OTHER) and by where it went and why. Returns how many of
 * them there were before: by that number things are done now and then. */
uint64_t stats_count(enum page_verb verb, enum route_reason reason);
/* Whether main's call should be timed (stats_note_main). */
static inline bool stats_is_timed(uint64_t before) {
    return before % PAGE_SAMPLE == 0;
}
enum page_verb stats_verb(enum sql_verb verb);

/* The same statement by its table: `reason` as counted above, `table` of the group that decided. ns: what a
 * routed one took; else 0. */
void stats_count_table(const struct config_group *group, const struct config_table *table,
                       enum page_verb verb, enum route_reason reason, uint64_t ns);

/* What a routed statement took, and the shortest time that main has taken to answer on its connection; 0: not known. */
void stats_note_routed(uint64_t ns, uint64_t main_ns);
/* What main took to answer a call that succeeded. */
void stats_note_main(uint64_t ns);

/* A statement that was decided to be routed runs on main after all. */
__attribute__((cold)) void stats_count_fallback(enum page_cause cause);
void stats_count_event(enum page_event event);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t stats_now_ns(void);

#endif
