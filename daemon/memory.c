#include "memory.h"

static uint64_t hash_text(uint64_t hash, const char *text) {
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static bool take_in_movement(const struct config_ring *ring, struct link_memory *memory,
                             const struct link_state *state, int64_t at_ms) {
    uint64_t received = hash_text(UINT64_C(0xcbf29ce484222325), state->received);
    const uint64_t applied = hash_text(UINT64_C(0xcbf29ce484222325), state->applied);
    if (!state->received[0]) /* the server doesn't say; then what arrived in the table must do */
        for (size_t i = 0; i < ring->site_count; i++)
            if (i != ring->own)
                received = received * 31 + (uint64_t)state->heartbeat_us[i];
    const bool moved = received != memory->received || memory->looks == 0;
    if (moved)
        memory->moved_ms = at_ms;
    if (applied != memory->applied || memory->looks == 0)
        memory->applied_ms = at_ms;
    memory->received = received;
    memory->applied = applied;
    return moved;
}

/* A failure is the same as before when number, text and place are. A transient one's text counts retries, so
 * its number must do; MySQL's texts name the place themselves, and its position moves with the site's own
 * writes. */
static uint64_t failure_key(const struct link_state *state, const struct link_error *error) {
    const bool applying = state->sql == LINK_THREAD_STOPPED && state->sql_errno;
    const uint64_t key = hash_text(1 + (applying ? state->sql_errno : state->io_errno), "");
    if (error->consequence == LINK_NO_ERROR || error->consequence == LINK_TRANSIENT || !applying)
        return key;
    return hash_text(hash_text(key, state->sql_error), state->kind == SERVER_MARIADB ? state->applied : "");
}

void memory_take_in(struct link_memory *memory, const struct config_ring *ring,
                    const struct watch_report *report) {
    if (report->looks == memory->looks || report->answer.outcome != SERVER_ANSWERED)
        return;
    const struct link_state *state = &report->state;
    const bool moved = take_in_movement(ring, memory, state, report->ended_ms);
    memory->looks = report->looks;

    if (state->io != LINK_THREAD_CONNECTING)
        memory->connecting_since_ms = -1;
    else if (memory->connecting_since_ms < 0)
        memory->connecting_since_ms = report->ended_ms;

    const struct link_error *error = link_trouble(state);
    const bool failed =
        state->link_exists && (state->sql != LINK_THREAD_RUNNING || state->io != LINK_THREAD_RUNNING);
    const uint64_t key = failed ? failure_key(state, error) : memory->failure;
    const bool passes = error->consequence == LINK_NO_ERROR || error->consequence == LINK_TRANSIENT;
    if (failed && key != memory->failure) {
        memory->attempts = 0;
        memory->failed_since_ms = report->ended_ms;
        memory->failure = key;
    } else if (!failed && moved && passes) {
        memory->attempts = 0;
        /* A hard failure is kept in mind: the same event may fail again in a moment. */
    }
}
