#include "lease.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "observe.h"
#include "quote.h"

/* The second unique key as everywhere: a row that a site lacks is healed. */
#define MAKE_TABLE                                                                                        \
    "CREATE TABLE IF NOT EXISTS roundabout.converge (site VARBINARY(64) NOT NULL PRIMARY KEY,"            \
    " holder VARBINARY(127) NOT NULL, epoch BIGINT UNSIGNED NOT NULL, renewals BIGINT UNSIGNED NOT NULL," \
    " ring_u TINYINT NULL DEFAULT NULL INVISIBLE, UNIQUE KEY ring_u (ring_u)) ENGINE=InnoDB"

void lease_open(struct lease *lease, const struct config_ring *ring) {
    *lease = (struct lease){.waits_for = SITE_NONE};
    for (size_t i = 0; i < RING_SITES_MAX; i++)
        lease->memories[i] = FENCE_UNKNOWN;
    snprintf(lease->me, sizeof lease->me, "%s %ld %" PRIx64, ring->sites[ring->own].name, (long)getpid(),
             (uint64_t)clock_real_us());
}

static void write_site(struct statement *sql, const struct config_ring *ring, size_t site) {
    char quoted[160];
    statement_write(sql, "%s", quote_text(ring->sites[site].name, quoted, sizeof quoted) ? quoted : "''");
}

void lease_write_read(struct statement *sql, const struct config_ring *ring, size_t site) {
    statement_write(sql, "SELECT holder, epoch, renewals FROM roundabout.converge WHERE site = ");
    write_site(sql, ring, site);
    statement_write(sql, " FOR UPDATE");
}

static struct fence_row read_row(const struct server_rows *rows) {
    struct fence_row row = {.exists = server_rows_count(rows) > 0};
    const char *holder = server_rows_value(rows, 0, "holder"), *epoch = server_rows_value(rows, 0, "epoch"),
               *renewals = server_rows_value(rows, 0, "renewals");
    snprintf(row.holder, sizeof row.holder, "%s", holder ? holder : "");
    row.epoch = epoch ? strtoull(epoch, NULL, 10) : 0;
    row.renewals = renewals ? strtoull(renewals, NULL, 10) : 0;
    return row;
}

static void write_row(struct statement *sql, const struct config_ring *ring, size_t site,
                      const struct fence_row *row) {
    char quoted[2 * FENCE_HOLDER_BYTES + 3];
    statement_write(sql, "REPLACE INTO roundabout.converge (site, holder, epoch, renewals) VALUES (");
    write_site(sql, ring, site);
    statement_write(sql, ", %s, %" PRIu64 ", %" PRIu64 ")",
                    quote_text(row->holder, quoted, sizeof quoted) ? quoted : "''", row->epoch,
                    row->renewals);
}

static void note_trouble(struct lease *lease, const struct crew_answers *answers, unsigned asked,
                         unsigned answered) {
    for (unsigned i = 0; i < RING_SITES_MAX; i++)
        if ((asked & ~answered) >> i & 1 && answers->answer[i].outcome == SERVER_REFUSED) {
            lease->site_of_trouble = i;
            lease->trouble = answers->answer[i];
        }
}

/* Asks and forgets the rows; which answered. */
static unsigned tell_all(struct lease *lease, struct crew *crew, unsigned sites, const char *sql) {
    struct crew_answers answers;
    const unsigned answered = crew_ask_all(crew, sites, sql, &answers);
    crew_free_rows(&answers);
    note_trouble(lease, &answers, sites, answered);
    return answered;
}

static unsigned lock_rows(struct lease *lease, struct crew *crew, const struct config_ring *ring,
                          unsigned sites, struct fence_row *rows) {
    struct statement sql[RING_SITES_MAX] = {{0}};
    const char *each[RING_SITES_MAX] = {NULL};
    struct crew_answers answers;
    for (size_t i = 0; i < ring->site_count; i++) {
        lease_write_read(&sql[i], ring, i);
        each[i] = sql[i].at;
        if (sql[i].failed)
            sites &= ~(1U << i);
    }
    const unsigned answered = crew_ask(crew, sites, each, &answers);
    unsigned without_table = 0;
    for (size_t i = 0; i < ring->site_count; i++) {
        if (answered >> i & 1)
            rows[i] = read_row(answers.rows[i]);
        else if (answers.answer[i].code == 1146 || answers.answer[i].code == 1049)
            without_table |= 1U << i;
        statement_free(&sql[i]);
    }
    crew_free_rows(&answers);
    note_trouble(lease, &answers, sites & ~without_table, answered);
    /* Made in the second round that finds it missing, used in the third: a site that was wiped is known as such
     * by then, and mustn't be written to. */
    const unsigned lacking = without_table & lease->without_table;
    lease->without_table = without_table;
    without_table = lacking;
    if (without_table) {
        without_table = tell_all(lease, crew, without_table, "CREATE DATABASE IF NOT EXISTS roundabout");
        tell_all(lease, crew, without_table, MAKE_TABLE);
    }
    return answered;
}

/* Writes what is to be written and ends the transactions of all `locked`; where both was answered. */
static unsigned write_rows(struct lease *lease, struct crew *crew, const struct config_ring *ring,
                           unsigned locked, unsigned written, const struct fence_row *next) {
    struct statement sql[RING_SITES_MAX] = {{0}};
    const char *each[RING_SITES_MAX] = {NULL};
    struct crew_answers answers;
    for (size_t i = 0; i < ring->site_count; i++) {
        write_row(&sql[i], ring, i, &next[i]);
        each[i] = sql[i].at;
        if (sql[i].failed)
            written &= ~(1U << i);
    }
    const unsigned answered = crew_ask(crew, written, each, &answers);
    for (size_t i = 0; i < ring->site_count; i++)
        statement_free(&sql[i]);
    note_trouble(lease, &answers, written, answered);
    const unsigned committed = tell_all(lease, crew, answered, "COMMIT");
    tell_all(lease, crew, locked & ~answered, "ROLLBACK");
    return committed;
}

void lease_round(struct lease *lease, struct crew *crew, const struct config_ring *ring, unsigned living,
                 int64_t lease_ms) {
    const int64_t began_ms = clock_monotonic_ms();
    struct fence_row rows[RING_SITES_MAX] = {{0}}, next[RING_SITES_MAX] = {{0}};
    lease->trouble = (struct server_answer){.outcome = SERVER_ANSWERED};
    lease->waits_for = SITE_NONE;
    const unsigned begun = tell_all(lease, crew, living, "BEGIN");
    const unsigned locked = lock_rows(lease, crew, ring, begun, rows);
    unsigned written = 0;
    bool may_take = true;
    for (size_t i = 0; i < ring->site_count; i++) {
        if (!(living >> i & 1))
            continue;
        enum fence_step step = FENCE_WAIT;
        if (locked >> i & 1)
            step = fence_decide(&lease->memories[i], &rows[i], lease->me, may_take, began_ms, lease_ms);
        if (step == FENCE_WAIT) {
            if (may_take && locked >> i & 1)
                lease->waits_for = i;
            may_take = false;
        } else {
            next[i] = fence_next(&rows[i], lease->me, step);
            written |= 1U << i;
        }
    }
    const unsigned committed = write_rows(lease, crew, ring, begun, written, next);
    for (size_t i = 0; i < ring->site_count; i++)
        if (committed >> i & 1) {
            lease->memories[i].seen = next[i];
            lease->memories[i].since_ms = lease->memories[i].held_ms = began_ms;
        }
}

bool lease_has_any(const struct lease *lease) {
    for (size_t i = 0; i < RING_SITES_MAX; i++)
        if (lease->memories[i].held_ms >= 0)
            return true;
    return false;
}

void lease_release(struct lease *lease, struct crew *crew, const struct config_ring *ring, unsigned living) {
    struct fence_row rows[RING_SITES_MAX] = {{0}};
    unsigned own = 0;
    for (size_t i = 0; i < ring->site_count; i++)
        if (lease->memories[i].held_ms >= 0) {
            lease->memories[i].held_ms = -1;
            own |= living & 1U << i;
        }
    const unsigned begun = tell_all(lease, crew, own, "BEGIN");
    const unsigned locked = lock_rows(lease, crew, ring, begun, rows);
    unsigned written = 0;
    for (size_t i = 0; i < ring->site_count; i++)
        if (locked >> i & 1 && strcmp(rows[i].holder, lease->me) == 0) {
            rows[i].holder[0] = '\0';
            written |= 1U << i;
        }
    write_rows(lease, crew, ring, begun, written, rows);
}

bool lease_owns(const struct lease *lease, size_t site, const struct server_rows *rows) {
    const struct fence_row row = read_row(rows);
    return row.exists && strcmp(row.holder, lease->me) == 0 && row.epoch == lease->memories[site].seen.epoch;
}
