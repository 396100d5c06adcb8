#include "compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quote.h"

void compare_open(struct compare *compare, const struct config *config, struct crew *crew) {
    *compare = (struct compare){.config = config, .crew = crew};
}

static void free_tables(struct compare *compare) {
    for (size_t i = 0; i < compare->count; i++) {
        sweep_free(&compare->tables[i].sweep);
        free(compare->tables[i].known);
    }
    free(compare->tables);
    compare->tables = NULL;
    compare->count = 0;
    catalogue_free(&compare->catalogue);
}

void compare_close(struct compare *compare) {
    free_tables(compare);
    buffer_free(&compare->sql);
}

static void tell_unread(struct compare *compare, const struct crew_answers *answers, unsigned missing) {
    for (size_t site = 0; site < RING_SITES_MAX; site++)
        if (missing >> site & 1 && answers->answer[site].outcome == SERVER_REFUSED)
            log_state(&compare->subject, CONFIG_LOG_WARNING,
                      "which cache tables there are can't be read at %s: error %u",
                      compare->config->ring.sites[site].name, answers->answer[site].code);
}

static bool read_pattern(struct compare *compare, const struct config_table *pattern, unsigned living,
                         struct catalogue *catalogues) {
    static void (*const writers[])(struct buffer *, const struct config_table *) = {catalogue_write_columns,
                                                                                    catalogue_write_indexes,
                                                                                    catalogue_write_triggers};
    struct crew_answers answers[3];
    memset(answers, 0, sizeof answers);
    bool whole = true;
    for (size_t i = 0; i < 3 && whole; i++) {
        buffer_clear(&compare->sql);
        writers[i](&compare->sql, pattern);
        const unsigned answered =
            compare->sql.failed ? 0 : crew_ask_all(compare->crew, living, compare->sql.at, &answers[i]);
        whole = answered == living;
        tell_unread(compare, &answers[i], living & ~answered);
    }
    if (whole)
        log_state(&compare->subject, CONFIG_LOG_INFO, "%s", "");
    for (size_t site = 0; site < RING_SITES_MAX && whole; site++)
        if (living >> site & 1)
            whole = catalogue_add(&catalogues[site], answers[0].rows[site], answers[1].rows[site],
                                  answers[2].rows[site]);
    for (size_t i = 0; i < 3; i++)
        crew_free_rows(&answers[i]);
    return whole;
}

static void judge_table(const struct compare *compare, struct compare_table *table, unsigned living,
                        const struct catalogue *catalogues) {
    const struct config_ring *ring = &compare->config->ring;
    const char *why = chunk_refuses_comparing(&table->entry.form);
    if (why)
        log_state(&table->subject, CONFIG_LOG_WARNING, "%s can't be compared between sites: %s", table->name,
                  why);
    for (size_t site = 0; site < ring->site_count && !why; site++) {
        if (!(living >> site & 1) || site == ring->own)
            continue;
        const struct catalogue_table *there =
            catalogue_find(&catalogues[site], table->entry.form.database, table->entry.form.name);
        why = !there ? "isn't there, or not shown to the monitor user"
              : strcmp(there->definition.at, table->entry.definition.at) != 0 ? "is defined differently"
                                                                              : NULL;
        if (why)
            log_state(&table->subject, CONFIG_LOG_WARNING, "%s can't be compared between sites: at %s it %s",
                      table->name, ring->sites[site].name, why);
    }
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

static bool take_tables(struct compare *compare, struct catalogue *catalogue) {
    struct compare_table *tables = calloc(catalogue->count ? catalogue->count : 1, sizeof *tables);
    if (!tables)
        return false;
    free_tables(compare);
    compare->catalogue = *catalogue;
    *catalogue = (struct catalogue){0};
    compare->tables = tables;
    for (size_t i = 0; i < compare->catalogue.count; i++) {
        struct compare_table *table = &tables[i];
        table->entry = compare->catalogue.tables[i];
        table->changed = 1;
        snprintf(table->name, sizeof table->name, "%s.%s", table->entry.form.database,
                 table->entry.form.name);
        if (!sweep_open(&table->sweep))
            return false;
        compare->count++;
    }
    return true;
}

bool compare_load(struct compare *compare, unsigned living) {
    const struct config *config = compare->config;
    struct catalogue catalogues[RING_SITES_MAX] = {{0}};
    struct catalogue *own = &catalogues[config->ring.own];
    bool whole = true, changed = false;
    for (size_t i = 0; i < config->group_count; i++)
        for (size_t j = 0; j < config->groups[i].table_count && whole; j++)
            if (config->groups[i].mode != CONFIG_OFF)
                whole = read_pattern(compare, &config->groups[i].tables[j], living, catalogues);
    if (whole && !is_same_catalogue(own, &compare->catalogue))
        changed = take_tables(compare, own);
    for (size_t i = 0; whole && i < compare->count; i++)
        judge_table(compare, &compare->tables[i], living, catalogues);
    for (size_t i = 0; i < RING_SITES_MAX; i++)
        catalogue_free(&catalogues[i]);
    return changed;
}

bool compare_is_content(const struct compare *compare) {
    const bool repairs = compare->config->ring.converge == CONFIG_CONVERGE_REPAIR;
    for (size_t i = 0; i < compare->count; i++)
        if (compare->tables[i].refused || (repairs && !compare->tables[i].repairable))
            return false;
    return compare->count > 0;
}

/* A stamp that is fresh goes on changing, as the servers' own has whole seconds only: another write in the
 * same second would not be seen. */
static void write_stamps(struct buffer *sql, const struct compare_table *tables, size_t count) {
    char quoted[4 * CHUNK_NAME_BYTES];
    const char *separator = "";
    for (size_t i = 0; i < count; i++) {
        if (tables[i].refused || !quote_text(tables[i].entry.form.database, quoted, sizeof quoted))
            continue;
        buffer_write(
            sql,
            "%sSELECT %zu AS at, CONCAT(COALESCE(t.update_time, ''), IF(t.update_time > NOW() - INTERVAL 3"
            " SECOND, NOW(6), '')) AS stamp FROM information_schema.tables t WHERE t.table_schema = %s",
            separator, i, quoted);
        quote_text(tables[i].entry.form.name, quoted, sizeof quoted);
        buffer_write(sql, " AND t.table_name = %s", quoted);
        separator = " UNION ALL ";
    }
}

static void note_change(struct compare_table *table, int64_t now_ms) {
    const bool was_clean = table->swept == table->changed;
    table->changed++;
    if (!was_clean)
        return;
    sweep_begin(&table->sweep);
    const int64_t soon_ms = table->began_ms + COMPARE_LEAST_MS;
    table->next_ms = soon_ms > now_ms ? soon_ms : now_ms;
}

void compare_note_changes(struct compare *compare, unsigned living, bool anew, int64_t now_ms) {
    struct crew_answers answers;
    buffer_clear(&compare->sql);
    write_stamps(&compare->sql, compare->tables, compare->count);
    if (compare->sql.failed || compare->sql.used == 0)
        return;
    crew_ask_all(compare->crew, living, compare->sql.at, &answers);
    for (size_t i = 0; i < compare->count; i++) {
        struct compare_table *table = &compare->tables[i];
        bool changed = anew;
        for (size_t site = 0; site < RING_SITES_MAX; site++)
            for (size_t row = 0; row < server_rows_count(answers.rows[site]); row++) {
                const char *at = server_rows_value(answers.rows[site], row, "at"),
                           *stamp = server_rows_value(answers.rows[site], row, "stamp");
                if (!at || !stamp || strtoul(at, NULL, 10) != i)
                    continue;
                changed |= strcmp(table->stamps[site], stamp) != 0;
                snprintf(table->stamps[site], sizeof table->stamps[site], "%s", stamp);
            }
        if (changed)
            note_change(table, now_ms);
    }
    crew_free_rows(&answers);
}
