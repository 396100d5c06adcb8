#include "expiry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "key.h"
#include "log.h"
#include "observe.h"
#include "purge.h"

#define MORE_AFTER_MS  100
#define RETRY_AFTER_MS 10000

/* What is under way for one group: one table after another, each until it has no more such rows. */
struct round {
    struct expire_rule rule;
    struct catalogue tables;
    size_t next; /* place in `tables` */
    bool begun;
    size_t deleted; /* of the present table */
    int64_t due_ms;
    struct log_subject trouble;
};

struct expiry {
    const struct config *config;
    struct crew *crew;
    struct lease *lease;
    struct round *rounds; /* one a group */
};

bool expiry_is_wanted(const struct config *config) {
    for (size_t i = 0; i < config->group_count; i++)
        if (config->groups[i].expire && config->groups[i].mode != CONFIG_OFF)
            return true;
    return false;
}

struct expiry *expiry_open(const struct config *config, struct crew *crew, struct lease *lease) {
    struct expiry *expiry = calloc(1, sizeof *expiry);
    if (!expiry)
        return NULL;
    *expiry = (struct expiry){.config = config, .crew = crew, .lease = lease};
    expiry->rounds = calloc(config->group_count ? config->group_count : 1, sizeof *expiry->rounds);
    if (!expiry->rounds) {
        free(expiry);
        return NULL;
    }
    return expiry;
}

void expiry_close(struct expiry *expiry) {
    if (!expiry)
        return;
    for (size_t i = 0; i < expiry->config->group_count; i++)
        catalogue_free(&expiry->rounds[i].tables);
    free(expiry->rounds);
    free(expiry);
}

/* Asks this site's server; the rows are the caller's, for crew_free_rows(). */
static bool ask(struct expiry *expiry, const struct statement *sql, struct crew_answers *answers) {
    const char *each[RING_SITES_MAX] = {NULL};
    const size_t own = expiry->config->ring.own;
    if (sql->failed)
        return false;
    each[own] = sql->at;
    return crew_ask(expiry->crew, 1U << own, each, answers) != 0;
}

static bool say(struct expiry *expiry, const char *words, struct crew_answers *answers) {
    struct statement sql = {0};
    statement_write(&sql, "%s", words);
    const bool answered = ask(expiry, &sql, answers);
    crew_free_rows(answers);
    statement_free(&sql);
    return answered;
}

static bool find_tables(struct expiry *expiry, const struct config_group *group, struct round *round) {
    void (*const writers[])(struct statement *, const struct config_table *) = {catalogue_write_columns,
                                                                                catalogue_write_indexes,
                                                                                catalogue_write_triggers};
    const size_t own = expiry->config->ring.own;
    bool whole = true;
    catalogue_free(&round->tables);
    round->tables = (struct catalogue){0};
    for (size_t i = 0; whole && i < group->table_count; i++) {
        struct crew_answers answers[3] = {{{{0}}, {0}}};
        for (size_t w = 0; w < 3; w++) {
            struct statement sql = {0};
            writers[w](&sql, &group->tables[i]);
            whole = whole && ask(expiry, &sql, &answers[w]);
            statement_free(&sql);
        }
        whole = whole && catalogue_add(&round->tables, answers[0].rows[own], answers[1].rows[own],
                                       answers[2].rows[own]);
        for (size_t w = 0; w < 3; w++)
            crew_free_rows(&answers[w]);
    }
    return whole;
}

/* The keys of the rows in the answer; the result is the caller's. NULL: no memory, or one isn't a key. */
static struct statement *read_keys(const struct server_rows *rows, const struct chunk_table *table) {
    const size_t count = server_rows_count(rows);
    struct statement *keys = calloc(count ? count : 1, sizeof *keys);
    bool whole = keys != NULL;
    for (size_t row = 0; whole && row < count; row++)
        whole = key_read(&keys[row], table, rows, row);
    for (size_t row = 0; !whole && keys && row < count; row++)
        statement_free(&keys[row]);
    if (!whole)
        free(keys);
    return whole ? keys : NULL;
}

/* In one transaction with the lease's row, which another holder would have had to take first. */
static bool delete_fenced(struct expiry *expiry, const struct statement *sql) {
    const struct config_ring *ring = &expiry->config->ring;
    struct crew_answers answers = {{{0}}, {0}};
    struct statement fence = {0};
    lease_write_read(&fence, ring, ring->own);
    bool done = say(expiry, "BEGIN", &answers) && ask(expiry, &fence, &answers);
    done = done && lease_owns(expiry->lease, ring->own, answers.rows[ring->own]);
    crew_free_rows(&answers);
    if (done)
        done = ask(expiry, sql, &answers);
    crew_free_rows(&answers);
    statement_free(&fence);
    return say(expiry, done ? "COMMIT" : "ROLLBACK", &answers) && done;
}

/* Deletes one portion; how many rows were found for it. False: it failed. */
static bool purge(struct expiry *expiry, const struct config_group *group, struct round *round,
                  const struct chunk_table *table, size_t *found) {
    struct crew_answers answers = {{{0}}, {0}};
    struct statement sql = {0};
    const size_t own = expiry->config->ring.own;
    *found = 0;
    purge_write_find(&sql, table, &round->rule, group->expire_rows);
    bool done = ask(expiry, &sql, &answers);
    const size_t count = done ? server_rows_count(answers.rows[own]) : 0;
    struct statement *keys = count ? read_keys(answers.rows[own], table) : NULL;
    const char **texts = keys ? calloc(count, sizeof *texts) : NULL;
    crew_free_rows(&answers);
    statement_clear(&sql);
    for (size_t i = 0; texts && i < count; i++)
        texts[i] = keys[i].at;
    if (texts) {
        purge_write_delete(&sql, table, &round->rule, texts, count);
        done = delete_fenced(expiry, &sql);
        *found = done ? count : 0;
    } else {
        done = done && count == 0;
    }
    for (size_t i = 0; keys && i < count; i++)
        statement_free(&keys[i]);
    free(keys);
    free(texts);
    statement_free(&sql);
    return done;
}

/* One portion of one group. */
static void go_on(struct expiry *expiry, const struct config_group *group, struct round *round,
                  int64_t now_ms) {
    const char *why;
    if (!round->begun) {
        round->next = round->deleted = 0;
        if (!expire_read(group->expire, &round->rule, &why) || !find_tables(expiry, group, round)) {
            round->due_ms = now_ms + RETRY_AFTER_MS;
            return;
        }
        round->begun = true;
    }
    if (round->next < round->tables.count) {
        const struct chunk_table *table = &round->tables.tables[round->next].form;
        const char *refused = purge_refuses(table, &round->rule);
        size_t found = 0;
        const bool done = !refused && purge(expiry, group, round, table, &found);
        if (refused)
            log_state(&round->trouble, CONFIG_LOG_WARNING, "%s.%s: old rows aren't deleted: %s",
                      table->database, table->name, refused);
        else if (!done)
            log_state(&round->trouble, CONFIG_LOG_WARNING,
                      "%s.%s: old rows can't be deleted now; the monitor user needs SELECT and DELETE on it, "
                      "if that is what lacks",
                      table->database, table->name);
        round->deleted += found;
        if (done && found == group->expire_rows) {
            round->due_ms = now_ms + MORE_AFTER_MS;
            return;
        }
        if (round->deleted)
            log_line(CONFIG_LOG_INFO, "%s.%s: %zu rows were too old, and deleted everywhere", table->database,
                     table->name, round->deleted);
        round->deleted = 0;
        round->next++;
    }
    round->begun = round->next < round->tables.count;
    round->due_ms = now_ms + (round->begun ? MORE_AFTER_MS : 1000 * (int64_t)group->expire_every_s);
}

int64_t expiry_run(struct expiry *expiry, int64_t now_ms) {
    int64_t due_ms = INT64_MAX;
    for (size_t i = 0; i < expiry->config->group_count; i++) {
        const struct config_group *group = &expiry->config->groups[i];
        if (!group->expire || group->mode == CONFIG_OFF)
            continue;
        if (now_ms >= expiry->rounds[i].due_ms)
            go_on(expiry, group, &expiry->rounds[i], now_ms);
        if (expiry->rounds[i].due_ms < due_ms)
            due_ms = expiry->rounds[i].due_ms;
    }
    return due_ms;
}
