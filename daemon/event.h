/* What can happen, by name: the closed list that the journal, on_event, the metrics and the manual share. */
#ifndef ROUNDABOUT_EVENT_H
#define ROUNDABOUT_EVENT_H

#include <stdbool.h>
#include <stddef.h>

/* value, name, whether on_event is told, sentence. */
/* clang-format off: one row, one line */
#define EVENTS(X)                                                                                          \
    X(DAEMON_STARTED, daemon_started, false, "roundaboutd started")                                        \
    X(DAEMON_STOPPED, daemon_stopped, false, "roundaboutd stopped; links go on")                           \
    X(CONFIG_RELOADED, config_reloaded, false, "the configuration was read again")                         \
    X(CONFIG_REFUSED, config_refused, true, "the configuration has a fault; what was in force stays")      \
    X(STATEMENT_RUN, statement_run, false, "the daemon ran a statement at its own site")                   \
    X(STATEMENT_FAILED, statement_failed, true, "a statement of the daemon was refused or failed")         \
    X(LINK_STOPPED, link_stopped, true, "a link of this site doesn't run any more")                        \
    X(LINK_REPAIRED, link_repaired, true, "a link of this site runs again")                                \
    X(SITE_DEAD, site_dead, true, "a site has been silent for dead_after_ms")                              \
    X(SITE_ANSWERS, site_answers, true, "a site that was dead answers again")                              \
    X(SITE_BYPASSED, site_bypassed, true, "this site follows another one past a site")                     \
    X(SITE_RETURNED, site_returned, true, "this site follows a site again that it had gone past")          \
    X(CUT_OFF, cut_off, true, "no other site answers: this one is cut off, and nothing is changed")        \
    X(HELP_NEEDED, help_needed, true, "the daemon won't go on by itself: a person must act")               \
    X(HELP_OVER, help_over, true, "help is no longer needed")                                              \
    X(FULL_CIRCLE_LOST, full_circle_lost, true, "the links seen from here no longer go all the way round") \
    X(FULL_CIRCLE_BACK, full_circle_back, true, "the links go all the way round again")                    \
    X(PAUSED, paused, false, "this site's daemon was told to change nothing")                               \
    X(RESUMED, resumed, false, "a pause of this site is over")                                             \
    X(KEY_REPAIRED, key_repaired, false, "a key that differed between sites was deleted everywhere")       \
    X(ROUTING_STOPPED, routing_stopped, true, "programs of this host no longer use the local master")      \
    X(ROUTING_RESUMED, routing_resumed, true, "programs of this host use the local master again")
/* clang-format on */

enum event {
#define X(value, name, is_told, sentence) EVENT_##value,
    EVENTS(X)
#undef X
        EVENT_COUNT
};

const char *event_name(enum event event);
const char *event_sentence(enum event event);
bool event_is_told(enum event event); /* to on_event */

#endif
