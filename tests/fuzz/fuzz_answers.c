/* Comparing sites whose servers say anything: which tables there are, what is in them, how far heartbeats
 * have come. Whatever they answer, each statement for the next one is a single one, quoted whole, and a key
 * that goes into it is nothing but literals.
 *
 * An input is two bytes - the sites that answer, and how many turns are made - and answers one behind the
 * other (foreign.h), which are given out in a circle. */
#define _GNU_SOURCE
#include "foreign.h"

#include "../../daemon/comparison.h"

#include "../../daemon/host.h"
#include "../../daemon/join.h"
#include "../../daemon/plain.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SITES = 3 };

static unsigned silent;

/* In place of daemon/crew.h. */
unsigned crew_ask_all(struct crew *crew, unsigned sites, const char *sql, struct crew_answers *out) {
    unsigned answered = 0;
    (void)crew;
    foreign_want_one_statement(sql);
    memset(out, 0, sizeof *out);
    for (unsigned site = 0; site < CREW_MAX; site++) {
        if (!(sites >> site & 1) || silent >> site & 1) {
            out->answer[site].outcome = SERVER_REFUSED;
            continue;
        }
        out->rows[site] = foreign_take(NULL);
        out->answer[site] = foreign_ends(out->rows[site]);
        if (out->answer[site].outcome == SERVER_ANSWERED)
            answered |= 1U << site;
        else
            out->rows[site] = NULL;
    }
    return answered;
}

void crew_write_name(const struct config_ring *ring, size_t member, char *name, size_t size) {
    (void)ring;
    snprintf(name, size, "member %zu", member);
}

void crew_free_rows(struct crew_answers *out) {
    memset(out->rows, 0, sizeof out->rows);
}

static void act_on(struct comparison_table *table, struct suspect *found, size_t count) {
    struct statement sql = {0};
    for (size_t i = 0; i < count; i++) {
        const struct chunk_table *form = &table->entry.form;
        if (!chunk_key_fits(form, found[i].key)) {
            fprintf(stderr, "not a key: %s\n", found[i].key);
            abort();
        }
        statement_clear(&sql);
        chunk_write_points(&sql, form, (const char *const *)&found[i].key, 1);
        foreign_want_one_statement(sql.at);
        if (!chunk_refuses_repair(form)) {
            statement_clear(&sql);
            chunk_write_tombstone(&sql, form, found[i].key);
            foreign_want_one_statement(sql.at);
            statement_clear(&sql);
            chunk_write_delete(&sql, form, found[i].key);
            foreign_want_one_statement(sql.at);
        }
        comparison_learn(table, found[i].name);
        free(found[i].key);
    }
    statement_free(&sql);
}

static void check_texts(const char *text) {
    static char name[] = "cache.example";
    char *const allowed[] = {name};
    char plain[64];
    struct statement sql = {0};
    plain_copy(plain, sizeof plain, text);
    for (const char *at = plain; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7F)
            abort();
    if (join_write_definition(&sql, text, "sh`op", "ca`che", true) && sql.failed)
        abort();
    statement_free(&sql);
    if (host_is_ours(text, "127.0.0.1", allowed, 1) && strncasecmp(text, "localhost", 9) != 0 &&
        strncmp(text, "127.0.0.1", 9) != 0 && strncasecmp(text, "cache.example", 13) != 0 &&
        strncmp(text, "[127.0.0.1", 10) != 0 && strncasecmp(text, "[localhost", 10) != 0 &&
        strncasecmp(text, "[cache.example", 14) != 0) {
        fprintf(stderr, "a stranger's name is ours: %s\n", text);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char paris[] = "paris", lyon[] = "lyon", nice[] = "nice", name[] = "pages";
    static struct config_site sites[SITES] = {{.name = paris}, {.name = lyon}, {.name = nice}};
    static struct config_table tables[] = {{"shop", "cache*"}};
    static struct config_group groups[] = {{.name = name, .tables = tables, .table_count = 1}};
    static const struct config config = {.groups = groups,
                                         .group_count = 1,
                                         .ring = {.sites = sites,
                                                  .site_count = SITES,
                                                  .converge = CONFIG_CONVERGE_REPAIR,
                                                  .converge_rows_per_s = 1000000,
                                                  .converge_every_s = 60}};
    struct comparison comparison;
    struct suspect found[8];
    struct diverge_beats beats;
    int64_t now_ms = 100000, due_ms;
    bool changed;
    if (size < 2)
        return 0;
    log_open("/dev/null", CONFIG_LOG_ERROR);
    silent = data[0] >> 6 & 1 ? data[0] & 7 : 0;
    char *text = malloc(size - 1);
    memcpy(text, data + 2, size - 2);
    text[size - 2] = '\0';
    check_texts(text);
    foreign_read(text);
    comparison_open(&comparison, &config, NULL);
    comparison.replicas = data[1] & 0x20 ? 1U << CREW_REPLICA : 0;
    for (unsigned turn = 0; turn <= data[1] % 8u; turn++, now_ms += 5000) {
        const unsigned living = 7 & ~silent;
        if (turn % 4 == 0)
            comparison_load(&comparison, living, &changed);
        comparison_note_writes(&comparison, living, now_ms);
        if (comparison_read_beats(NULL, &config.ring, living, &beats)) {
            const struct diverge_marks marks = diverge_marks_of(&beats, living, SITES);
            diverge_marks_passed(&marks, &beats, living, SITES);
            diverge_marks_void(&marks, &beats, living, SITES);
            diverge_lag_us(&beats, living, living, SITES);
        }
        for (unsigned visits = 0; visits < 4; visits++, now_ms += 1000) {
            struct comparison_table *table = comparison_due(&comparison, now_ms, &due_ms);
            if (table)
                act_on(table, found, comparison_visit(&comparison, table, living, found, 8));
        }
    }
    comparison_close(&comparison);
    free(text);
    return 0;
}
