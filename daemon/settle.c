#include "settle.h"

bool settle_is_verdict(enum settle_end end) {
    switch (end) {
    case SETTLE_SAME:
    case SETTLE_SUSPECTED:
    case SETTLE_AGREED:
    case SETTLE_REPAIRED:
    case SETTLE_REPORTED:
        return true;
    case SETTLE_WRITTEN:
    case SETTLE_UNANSWERED:
    case SETTLE_CROWDED:
    case SETTLE_CHANGED:
    case SETTLE_REGROUPED:
    case SETTLE_UNMARKED:
    case SETTLE_REFUSED:
    case SETTLE_ABANDONED:
    case SETTLE_END_COUNT:
        break;
    }
    return false;
}

void settle_open(struct settle *settle) {
    *settle = (struct settle){.reasons = 1};
}

bool settle_is_settled(const struct settle *settle) {
    return settle->swept == settle->reasons;
}

static int64_t later(int64_t one_ms, int64_t other_ms) {
    return one_ms > other_ms ? one_ms : other_ms;
}

bool settle_note(struct settle *settle, enum settle_end end, int64_t now_ms) {
    if (settle_is_verdict(end))
        return false;
    const bool was_settled = settle_is_settled(settle);
    settle->reasons++;
    if (was_settled)
        settle->next_ms = later(settle->began_ms + SETTLE_LEAST_MS, now_ms);
    return was_settled;
}

void settle_begin(struct settle *settle, int64_t now_ms) {
    settle->sweeping = settle->reasons;
    settle->began_ms = now_ms;
}

void settle_pause(struct settle *settle, int64_t now_ms, int64_t pause_ms) {
    settle->next_ms = now_ms + pause_ms;
}

void settle_finish(struct settle *settle, int64_t now_ms, int64_t every_ms) {
    settle->swept = settle->sweeping;
    settle->next_ms =
        later(settle->began_ms + (settle_is_settled(settle) ? every_ms : SETTLE_LEAST_MS), now_ms);
}
