#include "suspects.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe.h"
#include "repair.h"
#include "site.h"

/* After a repair that the server refused: a person must give a right first. */
#define REFUSED_PAUSE_MS 15000

bool suspects_open(struct suspects *suspects, struct comparison *comparison, const struct lease *lease,
                   int64_t lease_ms) {
    *suspects = (struct suspects){.config = comparison->config,
                                  .comparison = comparison,
                                  .crew = comparison->crew,
                                  .lease = lease,
                                  .lease_ms = lease_ms};
    suspects->list = calloc(SUSPECTS_MAX, sizeof *suspects->list);
    return suspects->list != NULL;
}

void suspects_clear(struct suspects *suspects) {
    for (size_t i = 0; i < suspects->count; i++)
        free(suspects->list[i].suspect.key);
    suspects->count = 0;
}

void suspects_close(struct suspects *suspects) {
    if (suspects->list)
        suspects_clear(suspects);
    free(suspects->list);
    statement_free(&suspects->sql);
}

void suspects_add(struct suspects *suspects, struct comparison_table *table, struct suspect *found,
                  size_t count) {
    const size_t before = suspects->count;
    for (size_t i = 0; i < count; i++) {
        bool known = suspects->count == SUSPECTS_MAX;
        for (size_t j = 0; j < before && !known; j++)
            known =
                suspects->list[j].table == table && strcmp(suspects->list[j].suspect.key, found[i].key) == 0;
        if (known)
            free(found[i].key);
        else
            suspects->list[suspects->count++] = (struct open_suspect){.suspect = found[i], .table = table};
    }
}

void suspects_put_sites(const struct suspect *suspect, const struct config_ring *ring, char *words,
                        size_t size) {
    unsigned told = 0;
    size_t used = 0;
    char name[192];
    words[0] = '\0';
    for (size_t i = 0; i < CREW_MAX; i++) {
        if (!((suspect->members & ~told) >> i & 1))
            continue;
        const char *separator = told ? " | " : "";
        for (size_t j = i; j < CREW_MAX; j++) {
            if (!((suspect->members & ~told) >> j & 1) ||
                strcmp(suspect->first.hash[i], suspect->first.hash[j]) != 0)
                continue;
            told |= 1U << j;
            crew_write_name(ring, j, name, sizeof name);
            if (used < size)
                used += (size_t)snprintf(words + used, size - used, "%s%s", separator, name);
            separator = " ";
        }
        if (!suspect->first.hash[i][0] && used < size)
            used += (size_t)snprintf(words + used, size - used, " without it");
    }
}

static void end(struct open_suspect *open, enum settle_end how) {
    open->over = true;
    open->table->counts.repaired += how == SETTLE_REPAIRED;
    open->table->counts.given_up += !settle_is_verdict(how);
    comparison_note(open->table, how, clock_monotonic_ms());
}

static void repair(struct suspects *suspects, struct open_suspect *open) {
    const struct config_ring *ring = &suspects->config->ring;
    const struct suspect *suspect = &open->suspect;
    struct comparison_table *table = open->table;
    struct server_answer answer;
    char sites[600], words[400];
    suspects->budget -= 1;
    switch (repair_key(suspects->crew, ring, suspects->lease, &table->entry.form, suspect->key,
                       suspect->first.hash[ring->own], &answer)) {
    case REPAIR_DONE:
        end(open, SETTLE_REPAIRED);
        suspects_put_sites(suspect, ring, sites, sizeof sites);
        log_state(&table->subject, CONFIG_LOG_INFO, "%s", "");
        log_line(CONFIG_LOG_INFO, "%s: key %s differed for good (%s); deleted everywhere", table->name,
                 suspect->name, sites);
        snprintf(words, sizeof words, "%.180s: key %s (%.180s)", table->name, suspect->name, sites);
        if (suspects->tell)
            suspects->tell(suspects->context, words);
        break;
    case REPAIR_CHANGED:
        end(open, SETTLE_CHANGED);
        break;
    case REPAIR_UNFENCED:
        end(open, SETTLE_ABANDONED);
        log_line(CONFIG_LOG_WARNING, "another daemon repairs now; %s: key %s is left to it", table->name,
                 suspect->name);
        break;
    case REPAIR_FAILED:
        end(open, SETTLE_REFUSED);
        if (answer.outcome != SERVER_REFUSED)
            break;
        table->repairs_from_ms = clock_monotonic_ms() + REFUSED_PAUSE_MS;
        /* The server's text would quote values. */
        log_state(&table->subject, CONFIG_LOG_ERROR, "%s: a key can't be repaired: error %u%s%s", table->name,
                  answer.code,
                  site_refused_a_right(answer.code) ? "; GRANT SELECT, INSERT, DELETE to the monitor user on "
                                                    : "",
                  site_refused_a_right(answer.code) ? table->name : "");
        break;
    }
}

/* Keys in which a replica alone differs are what a change of its source leaves. One that differs in so many
 * can't be meant to hold this table - it is filtered, or was made of something else -, and for its sake they
 * would be deleted everywhere, again and again. */
#define STRAYS_MAX    1000
#define STRAYS_SWEEPS 5

static bool is_a_strangers(const struct suspects *suspects, struct open_suspect *open) {
    struct comparison_table *table = open->table;
    const unsigned strays = diverge_strays(&open->suspect);
    char name[192];
    if (!strays)
        return false;
    if (table->sweeps > table->stray_sweep + STRAYS_SWEEPS)
        table->strays = 0;
    table->stray_sweep = table->sweeps;
    if (table->strays++ < STRAYS_MAX && !(strays & table->strangers))
        return false;
    for (size_t member = CREW_REPLICA; member < CREW_MAX; member++) {
        if (!((strays & ~table->strangers) >> member & 1))
            continue;
        crew_write_name(&suspects->config->ring, member, name, sizeof name);
        log_line(
            CONFIG_LOG_WARNING,
            "%s: %s alone differs in more than %d keys, and isn't compared any more; copy the table there "
            "anew, then reload",
            table->name, name, STRAYS_MAX);
    }
    table->strangers |= strays;
    return true;
}

/* The key is confirmed; `is_news`: by this very reading. */
static void act(struct suspects *suspects, struct open_suspect *open, unsigned living, bool is_news,
                int64_t now_ms) {
    const struct config_ring *ring = &suspects->config->ring;
    struct comparison_table *table = open->table;
    if (ring->converge == CONFIG_CONVERGE_REPAIR && table->repairable) {
        table->counts.divergent += is_news;
        const bool may = now_ms >= table->repairs_from_ms && suspects->budget >= 1 &&
                         fence_holds(suspects->lease->memories, living, ring->site_count,
                                     clock_monotonic_ms(), suspects->lease_ms);
        if (may && is_a_strangers(suspects, open))
            end(open, SETTLE_REPORTED);
        else if (may)
            repair(suspects, open);
        return;
    }
    char sites[600];
    end(open, SETTLE_REPORTED);
    suspects_put_sites(&open->suspect, ring, sites, sizeof sites);
    if (!comparison_learn(table, open->suspect.name))
        return;
    table->counts.divergent++;
    log_line(CONFIG_LOG_INFO, "%s: key %s differs for good (%s); left as it is", table->name,
             open->suspect.name, sites);
}

static void judge(struct suspects *suspects, struct open_suspect *open, const struct diverge_reading *reading,
                  unsigned living, const struct diverge_beats *beats, int64_t now_ms) {
    const struct config_ring *ring = &suspects->config->ring;
    const bool was_confirmed = open->suspect.state == SUSPECT_CONFIRMED;
    const unsigned members = living | (suspects->comparison->replicas & open->suspect.members);
    if (diverge_marks_void(&open->suspect.marks, beats, living, ring->site_count)) {
        end(open, SETTLE_UNMARKED);
        return;
    }
    const bool passed = diverge_marks_passed(&open->suspect.marks, beats, members, ring->site_count);
    switch (diverge_judge(&open->suspect, reading, members, passed, now_ms,
                          (int64_t)ring->heartbeat_interval_ms)) {
    case DIVERGE_WAIT:
        break;
    case DIVERGE_CONFIRMED:
        act(suspects, open, living, !was_confirmed, now_ms);
        break;
    case DIVERGE_AGREED:
        end(open, SETTLE_AGREED);
        break;
    case DIVERGE_CHANGED:
        end(open, SETTLE_CHANGED);
        break;
    case DIVERGE_REGROUPED:
        end(open, SETTLE_REGROUPED);
        break;
    }
}

/* One statement's worth of suspects of one table. */
static void poll_some(struct suspects *suspects, struct open_suspect *some, size_t count, unsigned living,
                      const struct diverge_beats *beats) {
    const char *keys[CHUNK_POINTS_MAX];
    struct crew_answers answers;
    struct diverge_reading readings[CHUNK_POINTS_MAX];
    unsigned members = 0;
    for (size_t i = 0; i < count; i++) {
        keys[i] = some[i].suspect.key;
        members |= some[i].suspect.members;
    }
    statement_clear(&suspects->sql);
    chunk_write_points(&suspects->sql, &some->table->entry.form, keys, count);
    if (suspects->sql.failed)
        return;
    memset(readings, 0, sizeof readings);
    const bool answered =
        comparison_ask(suspects->comparison, living, members & ~CREW_SITES, suspects->sql.at, &answers) != 0;
    for (size_t member = 0; member < CREW_MAX && answered; member++)
        for (size_t row = 0; row < server_rows_count(answers.rows[member]); row++) {
            const char *at = server_rows_value(answers.rows[member], row, "at"),
                       *hash = server_rows_value(answers.rows[member], row, "h");
            const unsigned long place = at ? strtoul(at, NULL, 10) : count;
            if (place < count && hash)
                snprintf(readings[place].hash[member], sizeof readings[place].hash[member], "%s", hash);
        }
    crew_free_rows(&answers);
    const int64_t now_ms = clock_monotonic_ms();
    for (size_t i = 0; i < count && answered; i++)
        judge(suspects, &some[i], &readings[i], living, beats, now_ms);
}

static void earn_budget(struct suspects *suspects) {
    const int64_t now_ms = clock_monotonic_ms();
    const double per_s = suspects->config->ring.converge_repairs_per_s;
    suspects->budget += (double)(now_ms - suspects->budget_ms) * per_s / 1000;
    if (suspects->budget > per_s)
        suspects->budget = per_s;
    suspects->budget_ms = now_ms;
}

/* In one number, as soon as no more of the table's keys are in question: the next sweep may be far off. */
static void tell_known(const struct suspects *suspects) {
    for (size_t i = 0; i < suspects->comparison->count; i++) {
        struct comparison_table *table = &suspects->comparison->tables[i];
        bool open = false;
        for (size_t j = 0; j < suspects->count && table->has_news; j++)
            open |= suspects->list[j].table == table;
        if (table->has_news && !open)
            comparison_tell_known(table);
    }
}

void suspects_poll(struct suspects *suspects, unsigned living) {
    struct diverge_beats beats;
    earn_budget(suspects);
    /* Before the rows: what has arrived by then is in them. */
    if (suspects->count == 0)
        return;
    const unsigned members = living | suspects->comparison->replicas,
                   answered = comparison_read_beats(suspects->crew, &suspects->config->ring, members, &beats);
    if ((answered & living) != living)
        return;
    suspects->comparison->replicas &= answered;
    for (size_t i = 0, end; i < suspects->count; i = end) {
        for (end = i; end < suspects->count && end - i < CHUNK_POINTS_MAX; end++)
            if (suspects->list[end].table != suspects->list[i].table)
                break;
        poll_some(suspects, suspects->list + i, end - i, living, &beats);
    }
    size_t kept = 0;
    for (size_t i = 0; i < suspects->count; i++)
        if (suspects->list[i].over)
            free(suspects->list[i].suspect.key);
        else
            suspects->list[kept++] = suspects->list[i];
    suspects->count = kept;
    tell_known(suspects);
}
