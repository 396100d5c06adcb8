#include "repair.h"

#include <string.h>

/* Statements of one transaction at one server. After a failure nothing more is sent. */
struct work {
    struct crew *crew;
    size_t site;
    struct statement sql;
    struct crew_answers answers; /* of the last statement */
    bool failed;
};

static void run(struct work *work) {
    crew_free_rows(&work->answers);
    if (work->failed || work->sql.failed ||
        !crew_ask_all(work->crew, 1U << work->site, work->sql.at, &work->answers))
        work->failed = true;
    statement_clear(&work->sql);
}

static void say(struct work *work, const char *statement) {
    statement_write(&work->sql, "%s", statement);
    run(work);
}

static bool is_as_expected(const struct work *work, const char *expected) {
    const struct server_rows *rows = work->answers.rows[work->site];
    const char *hash = server_rows_value(rows, 0, "h");
    return server_rows_count(rows) <= 1 && strcmp(hash ? hash : "", expected) == 0;
}

/* A lock that isn't granted within the session's time (1205), or a deadlock (1213): somebody is writing it.
 */
static bool is_taken(const struct server_answer *answer) {
    return answer->code == 1205 || answer->code == 1213;
}

static enum repair_outcome work_through(struct work *work, const struct config_ring *ring,
                                        const struct lease *lease, const struct chunk_table *table,
                                        const char *key, const char *expected) {
    say(work, "BEGIN");
    lease_write_read(&work->sql, ring, work->site);
    run(work);
    if (!work->failed && !lease_owns(lease, work->site, work->answers.rows[work->site]))
        return REPAIR_UNFENCED;
    chunk_write_lock(&work->sql, table, key);
    run(work);
    if (!work->failed && !is_as_expected(work, expected))
        return REPAIR_CHANGED;
    chunk_write_tombstone(&work->sql, table, key);
    run(work);
    chunk_write_delete(&work->sql, table, key);
    run(work);
    say(work, "COMMIT");
    return work->failed ? REPAIR_FAILED : REPAIR_DONE;
}

enum repair_outcome repair_key(struct crew *crew, const struct config_ring *ring, const struct lease *lease,
                               const struct chunk_table *table, const char *key, const char *expected,
                               struct server_answer *answer) {
    struct work work = {.crew = crew, .site = ring->own};
    enum repair_outcome outcome = work_through(&work, ring, lease, table, key, expected);
    *answer = work.answers.answer[work.site];
    if (outcome == REPAIR_FAILED && is_taken(answer))
        outcome = REPAIR_CHANGED;
    if (outcome != REPAIR_DONE) {
        work.failed = false;
        say(&work, "ROLLBACK");
    }
    crew_free_rows(&work.answers);
    statement_free(&work.sql);
    return outcome;
}
