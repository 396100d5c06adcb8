#include "tally.h"

#include <string.h>

static bool is_same(const struct link_origin *one, const struct link_origin *other) {
    return one->kind == other->kind && one->domain_id == other->domain_id && strcmp(one->uuid, other->uuid) == 0;
}

static uint64_t read_number(const struct link_state *holder, const struct link_origin *origin) {
    if (!origin->kind)
        return TALLY_UNKNOWN;
    const bool comparable =
        holder->kind == origin->kind && (origin->kind == SERVER_MYSQL || holder->domain_id != origin->domain_id);
    return comparable ? link_last_number(holder, origin) : 0;
}

/* A server that gives out others than before is a new one: the numbers of the old one say nothing of it. */
static void take_origin(struct tally *tally, const struct link_state *const *states, size_t count, size_t site) {
    const struct link_origin now = link_origin_of(states[site]);
    if (is_same(&tally->origins[site], &now))
        return;
    tally->origins[site] = now;
    tally->memory[site] = SITE_UNSURE;
    for (size_t i = 0; i < count; i++) {
        tally->before[i].numbers[site] = TALLY_UNKNOWN;
        tally->last[i].numbers[site] = states[i] ? read_number(states[i], &now) : TALLY_UNKNOWN;
    }
}

static void take_holder(struct tally *tally, const struct link_state *state, size_t count, size_t site) {
    struct tally_look *last = &tally->last[site];
    tally->before[site] = *last;
    last->answered_ms = state->answered_ms;
    for (size_t i = 0; i < count; i++)
        last->numbers[i] = read_number(state, &tally->origins[i]);
}

static bool shows(const struct tally_look *look, size_t site) {
    return look->answered_ms && look->numbers[site] != TALLY_UNKNOWN;
}

static const struct tally_look *find_earlier(const struct tally *tally, size_t holder, size_t site, int64_t asked_ms) {
    const struct tally_look *const looks[] = {&tally->last[holder], &tally->before[holder]};
    for (size_t i = 0; i < 2; i++)
        if (shows(looks[i], site) && looks[i]->answered_ms < asked_ms)
            return looks[i];
    return NULL;
}

static enum site_memory judge(const struct tally *tally, const struct link_state *state, size_t count, size_t site) {
    const uint64_t known = link_last_number(state, &tally->origins[site]);
    bool proved = false, doubted = false;
    for (size_t i = 0; i < count; i++) {
        if (i == site || !shows(&tally->last[i], site))
            continue;
        const struct tally_look *earlier = find_earlier(tally, i, site, state->asked_ms);
        const struct tally_look *look = earlier ? earlier : &tally->last[i];
        const bool knows_more = look->numbers[site] > known;
        if (knows_more && earlier)
            return SITE_FORGOT;
        doubted |= knows_more;
        proved |= !knows_more;
    }
    if (proved && !doubted)
        return SITE_REMEMBERS;
    return tally->memory[site] == SITE_FORGOT ? SITE_FORGOT : SITE_UNSURE;
}

void tally_take(struct tally *tally, const struct link_state *const *states, size_t count, unsigned looked) {
    for (size_t i = 0; i < count; i++)
        if (looked >> i & 1 && states[i])
            take_origin(tally, states, count, i);
    for (size_t i = 0; i < count; i++)
        if (looked >> i & 1 && states[i])
            take_holder(tally, states[i], count, i);
    for (size_t i = 0; i < count; i++)
        if (looked >> i & 1 && states[i])
            tally->memory[i] = judge(tally, states[i], count, i);
}
