#include "comparison.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heartbeat.h"
#include "key.h"
#include "observe.h"

/* What a visit costs at least, in rows, however few it finds: a statement at each site. */
#define VISIT_ROWS_LEAST 100
/* Keys of one table that are remembered as known to differ. */
#define KNOWN_MAX 10000

struct comparison_table *comparison_due(struct comparison *comparison, int64_t now_ms, int64_t *due_ms) {
    struct comparison_table *next = NULL;
    for (size_t i = 0; i < comparison->count; i++) {
        struct comparison_table *table = &comparison->tables[i];
        if (!table->refused && (!next || table->settle.next_ms < next->settle.next_ms))
            next = table;
    }
    if (!next)
        return NULL;
    *due_ms = next->settle.next_ms > comparison->next_ms ? next->settle.next_ms : comparison->next_ms;
    return *due_ms <= now_ms ? next : NULL;
}

void comparison_note(struct comparison_table *table, enum settle_end end, int64_t now_ms) {
    if (settle_note(&table->settle, end, now_ms))
        sweep_begin(&table->sweep);
}

void comparison_note_all(struct comparison *comparison, enum settle_end end, int64_t now_ms) {
    for (size_t i = 0; i < comparison->count; i++)
        comparison_note(&comparison->tables[i], end, now_ms);
}

static void forget_old(struct comparison_table *table) {
    size_t kept = 0;
    for (size_t i = 0; i < table->known_count; i++)
        if (table->known[i].sweep + 2 >= table->sweeps)
            table->known[kept++] = table->known[i];
    table->known_count = kept;
}

bool comparison_learn(struct comparison_table *table, const char *name) {
    for (size_t i = 0; i < table->known_count; i++)
        if (strcmp(table->known[i].name, name) == 0) {
            table->known[i].sweep = table->sweeps;
            return false;
        }
    if (table->known_count == table->known_room) {
        const size_t room = table->known_room ? 2 * table->known_room : 64;
        struct comparison_known *known =
            room <= KNOWN_MAX ? realloc(table->known, room * sizeof *known) : NULL;
        if (!known)
            return false;
        table->known = known;
        table->known_room = room;
    }
    table->has_news = true;
    struct comparison_known *added = &table->known[table->known_count++];
    snprintf(added->name, sizeof added->name, "%s", name);
    added->sweep = table->sweeps;
    return true;
}

void comparison_tell_known(struct comparison_table *table) {
    table->has_news = false;
    if (table->known_count)
        log_state(&table->findings, CONFIG_LOG_WARNING, "%s: %zu keys differ between sites for good",
                  table->name, table->known_count);
    else
        log_state(&table->findings, CONFIG_LOG_INFO, "%s", "");
}

static void end_sweep(const struct comparison *comparison, struct comparison_table *table, int64_t now_ms) {
    settle_finish(&table->settle, now_ms, (int64_t)comparison->config->ring.converge_every_s * 1000);
    table->counts.passed_at_us = clock_real_us();
    forget_old(table);
    comparison_tell_known(table);
    sweep_begin(&table->sweep);
}

static void pay(struct comparison *comparison, struct comparison_table *table, uint64_t rows,
                int64_t now_ms) {
    const struct config_ring *ring = &comparison->config->ring;
    const uint64_t cost = rows > VISIT_ROWS_LEAST ? rows : VISIT_ROWS_LEAST;
    uint64_t pace = ring->converge_rows_per_s;
    comparison->next_ms = now_ms + (int64_t)(cost * 1000 / pace);
    if (settle_is_settled(&table->settle)) {
        pace = sweep_rows(&table->sweep) / ring->converge_every_s + 1;
        if (pace > ring->converge_rows_per_s)
            pace = ring->converge_rows_per_s;
    }
    settle_pause(&table->settle, now_ms, (int64_t)(cost * 1000 / pace));
    if (sweep_is_over(&table->sweep))
        end_sweep(comparison, table, now_ms);
}

/* The row's key; the caller's to free. NULL: it isn't one, or no memory. */
static char *take_key(const struct chunk_table *form, const struct server_rows *rows, size_t row) {
    struct statement key = {0};
    if (key_read(&key, form, rows, row))
        return key.at;
    statement_free(&key);
    return NULL;
}

static bool cut_chunk(struct comparison *comparison, struct comparison_table *table, size_t place) {
    const size_t own = comparison->config->ring.own;
    struct crew_answers answers;
    statement_clear(&comparison->sql);
    chunk_write_cut(&comparison->sql, &table->entry.form, sweep_range(&table->sweep, place),
                    SWEEP_CHUNK_ROWS);
    const bool answered =
        !comparison->sql.failed && crew_ask_all(comparison->crew, 1U << own, comparison->sql.at, &answers);
    bool whole = answered;
    if (answered) {
        char *key =
            server_rows_count(answers.rows[own]) ? take_key(&table->entry.form, answers.rows[own], 0) : NULL;
        whole = sweep_cut(&table->sweep, place, key);
        free(key);
        crew_free_rows(&answers);
    }
    return whole;
}

static uint64_t read_sums(const struct server_rows *rows, struct diverge_sums *sums, uint64_t *print) {
    uint64_t total = 0;
    *sums = (struct diverge_sums){{0}, {0}};
    *print = 0;
    for (size_t row = 0; row < server_rows_count(rows); row++) {
        const char *bucket = server_rows_value(rows, row, "bucket"), *n = server_rows_value(rows, row, "n"),
                   *x = server_rows_value(rows, row, "x");
        const unsigned long at = bucket ? strtoul(bucket, NULL, 10) : CHUNK_BUCKETS;
        if (at >= CHUNK_BUCKETS || !n || !x)
            continue;
        sums->rows[at] = strtoull(n, NULL, 10);
        sums->sum[at] = strtoull(x, NULL, 10);
        total += sums->rows[at];
        *print = *print * 31 + at + (sums->sum[at] << 8);
    }
    return total;
}

static bool add_rows(const struct chunk_table *form, const struct server_rows *rows, size_t member,
                     struct diverge_row *into, size_t *used) {
    for (size_t row = 0; row < server_rows_count(rows); row++) {
        const char *hash = server_rows_value(rows, row, "h"), *name = server_rows_value(rows, row, "name");
        struct diverge_row *added = &into[*used];
        added->key = take_key(form, rows, row);
        if (!added->key || !hash || !name) {
            free(added->key);
            return false;
        }
        snprintf(added->hash, sizeof added->hash, "%s", hash);
        snprintf(added->name, sizeof added->name, "%s", name);
        added->member = member;
        (*used)++;
    }
    return true;
}

/* False: not all could be read, or there is no memory for them. */
static bool gather(const struct comparison_table *table, const struct crew_answers *answers, unsigned members,
                   struct suspect *found, size_t room, size_t *suspects) {
    size_t count = 0, used = 0;
    for (size_t member = 0; member < CREW_MAX; member++)
        count += server_rows_count(answers->rows[member]);
    struct diverge_row *rows = calloc(count ? count : 1, sizeof *rows);
    bool whole = rows != NULL;
    for (size_t member = 0; member < CREW_MAX && whole; member++)
        whole = add_rows(&table->entry.form, answers->rows[member], member, rows, &used);
    if (whole) {
        *suspects = diverge_find(rows, used, members, found, room);
        whole = *suspects != (size_t)-1;
    }
    for (size_t i = 0; i < used; i++)
        free(rows[i].key);
    free(rows);
    return whole;
}

unsigned comparison_read_beats(struct crew *crew, const struct config_ring *ring, unsigned members,
                               struct diverge_beats *beats) {
    struct crew_answers answers;
    const unsigned answered = crew_ask_all(crew, members, HEARTBEAT_READ, &answers);
    memset(beats, -1, sizeof *beats);
    for (size_t member = 0; member < CREW_MAX; member++)
        for (size_t row = 0; row < server_rows_count(answers.rows[member]); row++) {
            const char *name = server_rows_value(answers.rows[member], row, "site"),
                       *sent = server_rows_value(answers.rows[member], row, "sent_us");
            for (size_t i = 0; name && sent && i < ring->site_count; i++)
                if (strcmp(name, ring->sites[i].name) == 0)
                    beats->sent_us[member][i] = strtoll(sent, NULL, 10);
        }
    crew_free_rows(&answers);
    return answered;
}

unsigned comparison_ask(struct comparison *comparison, unsigned living, unsigned replicas, const char *sql,
                        struct crew_answers *answers) {
    replicas &= comparison->replicas;
    const unsigned answered = crew_ask_all(comparison->crew, living | replicas, sql, answers);
    comparison->replicas &= ~(replicas & ~answered);
    return (answered & living) == living ? answered : 0;
}

/* The rows of the buckets that differ. The heartbeats are read after them: what was written before is also
 * before those. */
static enum settle_end find_keys(struct comparison *comparison, struct comparison_table *table,
                                 struct chunk_range range, uint32_t buckets, unsigned living,
                                 unsigned members, struct suspect *found, size_t room, size_t *count) {
    struct crew_answers answers;
    struct diverge_beats beats;
    size_t suspects = 0;
    statement_clear(&comparison->sql);
    chunk_write_keys(&comparison->sql, &table->entry.form, range, buckets);
    if (comparison->sql.failed)
        return SETTLE_UNANSWERED;
    const bool read =
        comparison_ask(comparison, living, members & ~living, comparison->sql.at, &answers) == members &&
        gather(table, &answers, members, found, room, &suspects);
    crew_free_rows(&answers);
    if (!read)
        return SETTLE_UNANSWERED;
    if (suspects == 0)
        return SETTLE_AGREED;
    const struct config_ring *ring = &comparison->config->ring;
    const bool marked = comparison_read_beats(comparison->crew, ring, living, &beats) == living;
    struct diverge_marks marks = {{0}};
    if (marked)
        marks = diverge_marks_of(&beats, living, ring->site_count);
    for (size_t i = 0; i < suspects; i++) {
        found[i].marks = marks;
        if (!marked)
            free(found[i].key);
    }
    if (!marked)
        return SETTLE_UNANSWERED;
    *count = suspects;
    return suspects == room ? SETTLE_CROWDED : SETTLE_SUSPECTED;
}

static void tell_trouble(const struct comparison *comparison, struct comparison_table *table,
                         const struct crew_answers *answers, unsigned missing) {
    char name[192];
    for (size_t member = 0; member < CREW_MAX; member++) {
        if (!(missing >> member & 1) || answers->answer[member].outcome != SERVER_REFUSED)
            continue;
        crew_write_name(&comparison->config->ring, member, name, sizeof name);
        log_state(&table->subject, CONFIG_LOG_WARNING,
                  "%s can't be compared at %s: %u; GRANT SELECT on it to the monitor user, if that is what "
                  "lacks",
                  table->name, name, answers->answer[member].code);
    }
}

/* Compares the range at one place. `*rows`: how many it has; `*count`: how many suspects there are. */
static enum settle_end compare(struct comparison *comparison, struct comparison_table *table, size_t place,
                               unsigned living, struct suspect *found, size_t room, size_t *count,
                               uint64_t *rows) {
    const size_t own = comparison->config->ring.own;
    const unsigned replicas = table->replicas & ~table->strangers & comparison->replicas;
    struct diverge_sums sums[CREW_MAX];
    struct crew_answers answers;
    uint64_t print = 0;
    if (table->sweep.chunks[place].uncut && !cut_chunk(comparison, table, place))
        return SETTLE_UNANSWERED;
    const struct chunk_range range = sweep_range(&table->sweep, place);
    statement_clear(&comparison->sql);
    chunk_write_sums(&comparison->sql, &table->entry.form, range);
    if (comparison->sql.failed)
        return SETTLE_UNANSWERED;
    const unsigned members = living | replicas,
                   answered = comparison_ask(comparison, living, replicas, comparison->sql.at, &answers);
    if (answered != members) {
        tell_trouble(comparison, table, &answers, members & ~answered);
        crew_free_rows(&answers);
        return SETTLE_UNANSWERED;
    }
    for (size_t member = 0; member < CREW_MAX; member++) {
        if (!(members >> member & 1))
            continue;
        uint64_t its_print;
        const uint64_t its_rows = read_sums(answers.rows[member], &sums[member], &its_print);
        *rows = its_rows > *rows ? its_rows : *rows;
        print = member == own ? its_print : print;
    }
    crew_free_rows(&answers);
    const uint32_t differ = diverge_buckets(sums, members);
    const enum settle_end end =
        differ ? find_keys(comparison, table, range, differ, living, members, found, room, count)
               : SETTLE_SAME;
    sweep_saw(&table->sweep, place, *rows, print);
    return end;
}

size_t comparison_visit(struct comparison *comparison, struct comparison_table *table, unsigned living,
                        struct suspect *found, size_t room) {
    const int64_t now_ms = clock_monotonic_ms();
    if (table->sweep.cursor == 0) {
        settle_begin(&table->settle, now_ms);
        table->sweeps++;
    }
    uint64_t rows = 0;
    size_t count = 0;
    const enum settle_end end =
        compare(comparison, table, sweep_next(&table->sweep), living, found, room, &count, &rows);
    table->counts.rows += rows;
    if (end == SETTLE_UNANSWERED)
        rows = comparison->config->ring.converge_rows_per_s; /* a second's pause */
    else if (end != SETTLE_SAME)
        rows += rows / 2; /* looking for the keys costs, too */
    comparison_note(table, end, now_ms);
    pay(comparison, table, rows, now_ms);
    return count;
}
