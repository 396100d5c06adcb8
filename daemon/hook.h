/* The on_event program: run without a shell, one at a time, with nothing of the daemon's open, for a limited
 * time and so often a minute. The loop never waits for it. */
#ifndef ROUNDABOUT_HOOK_H
#define ROUNDABOUT_HOOK_H

#include <stdint.h>

#include "../config/config.h"
#include "event.h"

struct hook;

/* `config` outlives the hook. NULL: no program is configured, or no memory; all below then do nothing. */
struct hook *hook_open(const struct config_on_event *config);
/* A program that still runs is killed. */
void hook_close(struct hook *hook);

/* Puts it in the queue: it is run in one of the next turns. Past the rate or with a full queue it is dropped.
 */
void hook_tell(struct hook *hook, enum event event, const char *site, const char *detail, int64_t now_ms);

/* Takes in one that has ended, kills one that takes too long, starts the next. Never waits. */
void hook_turn(struct hook *hook, int64_t now_ms);

uint64_t hook_run_count(const struct hook *hook);
uint64_t hook_dropped_count(const struct hook *hook);

#endif
