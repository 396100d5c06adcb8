#include "fence.h"

#include <stdio.h>
#include <string.h>

static bool is_same(const struct fence_row *one, const struct fence_row *other) {
    return one->exists == other->exists && strcmp(one->holder, other->holder) == 0 &&
           one->epoch == other->epoch && one->renewals == other->renewals;
}

enum fence_step fence_decide(struct fence_memory *memory, const struct fence_row *row, const char *me,
                             bool may_take, int64_t now_ms, int64_t lease_ms) {
    if (!is_same(&memory->seen, row)) {
        memory->seen = *row;
        memory->since_ms = now_ms;
    }
    if (row->exists && strcmp(row->holder, me) == 0)
        return FENCE_RENEW;
    memory->held_ms = -1;
    const bool is_free = !row->exists || !row->holder[0] || now_ms - memory->since_ms >= lease_ms;
    return is_free && may_take ? FENCE_TAKE : FENCE_WAIT;
}

struct fence_row fence_next(const struct fence_row *row, const char *me, enum fence_step step) {
    struct fence_row next = {.exists = true, .epoch = row->epoch, .renewals = row->renewals + 1};
    if (step == FENCE_TAKE) {
        next.epoch++;
        next.renewals = 0;
    }
    snprintf(next.holder, sizeof next.holder, "%s", me);
    return next;
}

bool fence_holds(const struct fence_memory *memories, unsigned living, size_t site_count, int64_t now_ms,
                 int64_t lease_ms) {
    size_t held = 0;
    for (size_t i = 0; i < site_count; i++) {
        if (!(living >> i & 1))
            continue;
        if (memories[i].held_ms < 0 || now_ms - memories[i].held_ms >= lease_ms * 2 / 3)
            return false;
        held++;
    }
    return held * 2 > site_count;
}

size_t fence_candidate(const struct config_ring *ring, const enum site_life *lives) {
    size_t first = SITE_NONE, main_site = SITE_NONE;
    for (size_t i = 0; i < ring->site_count; i++) {
        if (lives[i] == SITE_UNKNOWN)
            return SITE_NONE;
        if (lives[i] != SITE_DEAD && first == SITE_NONE)
            first = i;
        if (lives[i] != SITE_DEAD && ring->sites[i].main)
            main_site = i;
    }
    return main_site != SITE_NONE ? main_site : first;
}
