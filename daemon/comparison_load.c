#include "comparison.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe.h"
#include "quote.h"

void comparison_open(struct comparison *comparison, const struct config *config, struct crew *crew) {
    *comparison = (struct comparison){.config = config, .crew = crew};
}

static void free_tables(struct comparison *comparison) {
    for (size_t i = 0; i < comparison->count; i++) {
        sweep_free(&comparison->tables[i].sweep);
        free(comparison->tables[i].known);
    }
    free(comparison->tables);
    comparison->tables = NULL;
    comparison->count = 0;
    catalogue_free(&comparison->catalogue);
}

void comparison_close(struct comparison *comparison) {
    free_tables(comparison);
    statement_free(&comparison->sql);
}

static void tell_unread(struct comparison *comparison, const struct crew_answers *answers, unsigned missing) {
    for (size_t site = 0; site < RING_SITES_MAX; site++)
        if (missing >> site & 1 && answers->answer[site].outcome == SERVER_REFUSED)
            log_state(&comparison->subject, CONFIG_LOG_WARNING,
                      "which cache tables there are can't be read at %s: error %u",
                      comparison->config->ring.sites[site].name, answers->answer[site].code);
}

static bool read_pattern(struct comparison *comparison, const struct config_table *pattern, unsigned living,
                         struct catalogue *catalogues) {
    static void (*const writers[])(struct statement *,
                                   const struct config_table *) = {catalogue_write_columns,
                                                                   catalogue_write_indexes,
                                                                   catalogue_write_triggers};
    struct crew_answers answers[3];
    memset(answers, 0, sizeof answers);
    unsigned members = living | comparison->replicas;
    bool whole = true;
    for (size_t i = 0; i < 3 && whole; i++) {
        statement_clear(&comparison->sql);
        writers[i](&comparison->sql, pattern);
        const unsigned answered =
            comparison->sql.failed
                ? 0
                : comparison_ask(comparison, living, members & ~living, comparison->sql.at, &answers[i]);
        whole = answered != 0;
        members &= answered;
        tell_unread(comparison, &answers[i], living & ~answered);
    }
    if (whole)
        log_state(&comparison->subject, CONFIG_LOG_INFO, "%s", "");
    for (size_t member = 0; member < CREW_MAX && whole; member++)
        if (members >> member & 1)
            whole = catalogue_add(&catalogues[member], answers[0].rows[member], answers[1].rows[member],
                                  answers[2].rows[member]);
    for (size_t i = 0; i < 3; i++)
        crew_free_rows(&answers[i]);
    return whole;
}

static void judge_table(const struct comparison *comparison, struct comparison_table *table, unsigned living,
                        const struct catalogue *catalogues) {
    const struct config_ring *ring = &comparison->config->ring;
    const char *why = chunk_refuses_comparing(&table->entry.form);
    if (why)
        log_state(&table->subject, CONFIG_LOG_WARNING, "%s can't be compared between sites: %s", table->name,
                  why);
    unsigned replicas = 0;
    for (size_t member = 0; member < CREW_MAX && !why; member++) {
        if (!((living | comparison->replicas) >> member & 1) || member == ring->own)
            continue;
        const struct catalogue_table *there =
            catalogue_find(&catalogues[member], table->entry.form.database, table->entry.form.name);
        const char *differs = !there ? "isn't there, or not shown to the monitor user"
                              : strcmp(there->definition.at, table->entry.definition.at) != 0
                                  ? "is defined differently"
                                  : NULL;
        if (member >= CREW_REPLICA) { /* it may be meant to be without */
            replicas |= differs ? 0 : 1U << member;
            continue;
        }
        why = differs;
        if (why)
            log_state(&table->subject, CONFIG_LOG_WARNING, "%s can't be compared between sites: at %s it %s",
                      table->name, ring->sites[member].name, why);
    }
    if (replicas & ~table->replicas) /* it wasn't compared there yet */
        comparison_note(table, SETTLE_REGROUPED, clock_monotonic_ms());
    table->replicas = replicas;
    table->refused = why != NULL;
    const char *unrepairable = catalogue_refuses_repair(&table->entry);
    table->repairable = !unrepairable;
    if (!table->refused && unrepairable && ring->converge == CONFIG_CONVERGE_REPAIR)
        log_state(&table->subject, CONFIG_LOG_WARNING, "%s is compared, but its keys can't be repaired: %s",
                  table->name, unrepairable);
}

static bool is_same_catalogue(const struct catalogue *one, const struct catalogue *other) {
    bool same = one->count == other->count;
    for (size_t i = 0; same && i < one->count; i++) {
        const struct catalogue_table *table = &one->tables[i],
                                     *match = catalogue_find(other, table->form.database, table->form.name);
        same = match && strcmp(match->definition.at, table->definition.at) == 0 &&
               match->has_second_unique == table->has_second_unique &&
               match->has_trigger == table->has_trigger && strcmp(match->engine, table->engine) == 0;
    }
    return same;
}

/* What was counted of the table of that name before its definition changed. */
static void keep_counts(const struct comparison *before, struct comparison_table *table) {
    for (size_t i = 0; i < before->count; i++)
        if (strcmp(before->tables[i].name, table->name) == 0)
            table->counts = before->tables[i].counts;
}

static bool take_tables(struct comparison *comparison, struct catalogue *catalogue) {
    struct comparison_table *tables = calloc(catalogue->count ? catalogue->count : 1, sizeof *tables);
    if (!tables)
        return false;
    for (size_t i = 0; i < catalogue->count; i++) {
        snprintf(tables[i].name, sizeof tables[i].name, "%s.%s", catalogue->tables[i].form.database,
                 catalogue->tables[i].form.name);
        keep_counts(comparison, &tables[i]);
    }
    free_tables(comparison);
    comparison->catalogue = *catalogue;
    *catalogue = (struct catalogue){0};
    comparison->tables = tables;
    for (size_t i = 0; i < comparison->catalogue.count; i++) {
        struct comparison_table *table = &tables[i];
        table->entry = comparison->catalogue.tables[i];
        settle_open(&table->settle);
        if (!sweep_open(&table->sweep))
            return false;
        comparison->count++;
    }
    return true;
}

bool comparison_load(struct comparison *comparison, unsigned living, bool *changed) {
    const struct config *config = comparison->config;
    struct catalogue catalogues[CREW_MAX] = {{0}};
    struct catalogue *own = &catalogues[config->ring.own];
    bool whole = true;
    *changed = false;
    for (size_t i = 0; i < config->group_count; i++)
        for (size_t j = 0; j < config->groups[i].table_count && whole; j++)
            if (config->groups[i].mode != CONFIG_OFF)
                whole = read_pattern(comparison, &config->groups[i].tables[j], living, catalogues);
    if (whole && !is_same_catalogue(own, &comparison->catalogue)) {
        *changed = true; /* also when memory ends halfway */
        whole = take_tables(comparison, own);
    }
    for (size_t i = 0; whole && i < comparison->count; i++)
        judge_table(comparison, &comparison->tables[i], living, catalogues);
    for (size_t i = 0; i < CREW_MAX; i++)
        catalogue_free(&catalogues[i]);
    return whole;
}

bool comparison_is_content(const struct comparison *comparison) {
    const bool repairs = comparison->config->ring.converge == CONFIG_CONVERGE_REPAIR;
    for (size_t i = 0; i < comparison->count; i++)
        if (comparison->tables[i].refused || (repairs && !comparison->tables[i].repairable))
            return false;
    return comparison->count > 0;
}

/* A stamp that is fresh goes on changing, as the servers' own has whole seconds only: another write in the
 * same second would not be seen. */
static void write_stamps(struct statement *sql, const struct comparison_table *tables, size_t count) {
    char quoted[4 * CHUNK_NAME_BYTES];
    const char *separator = "";
    for (size_t i = 0; i < count; i++) {
        if (tables[i].refused || !quote_text(tables[i].entry.form.database, quoted, sizeof quoted))
            continue;
        statement_write(
            sql,
            "%sSELECT %zu AS at, CONCAT(COALESCE(t.update_time, ''), IF(t.update_time > NOW() - INTERVAL 3"
            " SECOND, NOW(6), '')) AS stamp FROM information_schema.tables t WHERE t.table_schema = %s",
            separator, i, quoted);
        quote_text(tables[i].entry.form.name, quoted, sizeof quoted);
        statement_write(sql, " AND t.table_name = %s", quoted);
        separator = " UNION ALL ";
    }
}

static const char *find_stamp(const struct server_rows *rows, size_t table) {
    for (size_t row = 0; row < server_rows_count(rows); row++) {
        const char *at = server_rows_value(rows, row, "at"), *stamp = server_rows_value(rows, row, "stamp");
        if (at && stamp && strtoul(at, NULL, 10) == table)
            return stamp;
    }
    return "?";
}

void comparison_note_writes(struct comparison *comparison, unsigned living, int64_t now_ms) {
    struct crew_answers answers;
    statement_clear(&comparison->sql);
    write_stamps(&comparison->sql, comparison->tables, comparison->count);
    if (comparison->sql.failed || comparison->sql.used == 0)
        return;
    comparison_ask(comparison, living, comparison->replicas, comparison->sql.at, &answers);
    for (size_t i = 0; i < comparison->count; i++) {
        struct comparison_table *table = &comparison->tables[i];
        bool changed = false;
        for (size_t member = 0; member < CREW_MAX; member++) {
            /* A server forgets its stamps when it is started again. */
            const char *stamp = find_stamp(answers.rows[member], i);
            changed |= strcmp(table->stamps[member], stamp) != 0;
            snprintf(table->stamps[member], sizeof table->stamps[member], "%s", stamp);
        }
        if (changed)
            comparison_note(table, SETTLE_WRITTEN, now_ms);
    }
    crew_free_rows(&answers);
}
