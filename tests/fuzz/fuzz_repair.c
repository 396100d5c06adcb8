/* Who repairs, what is repaired and which rows are too old, with servers that say anything: the rows of the
 * lease, the suspects' rows read again, the keys of old rows. Whatever they answer, a cache table is changed
 * only at this site's own server, in a transaction that has found the lease's row there to be this process's
 * own, and of suspects a row only that is still what it was when it was first read; a row of the lease is
 * taken from another holder only when it wasn't seen to change for the whole lease; and no transaction is
 * left open.
 *
 * An input is four bytes - the steps that are made, how the suspects' rows were first found, the kind of key
 * and what the clock gains between steps - and answers (foreign.h). A statement is answered with the next one
 * that has a column which it asks for; a holder of the name "me" is this process. */
#define _GNU_SOURCE
#include "foreign.h"

#include "../../daemon/expiry.h"
#include "../../daemon/observe.h"
#include "../../daemon/suspects.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SITES = 3, LIVING = 7, OWN = 0, LEASE_MS = 15000, KEYS = 3 };

static char paris[] = "paris", lyon[] = "lyon", nice[] = "nice", group_name[] = "pages",
            rule[] = "ends < NOW() - INTERVAL 1 DAY";
static struct config_site sites[SITES] = {{.name = paris, .main = true}, {.name = lyon}, {.name = nice}};
static struct config_table tables[] = {{"shop", "cache*"}};
static struct config_group groups[] = {{.name = group_name,
                                        .tables = tables,
                                        .table_count = 1,
                                        .expire = rule,
                                        .expire_every_s = 60,
                                        .expire_rows = 3}};
static const struct config config = {.groups = groups,
                                     .group_count = 1,
                                     .ring = {.sites = sites,
                                              .site_count = SITES,
                                              .own = OWN,
                                              .heartbeat_interval_ms = 1000,
                                              .converge = CONFIG_CONVERGE_REPAIR,
                                              .converge_repairs_per_s = 1000,
                                              .converge_rows_per_s = 1000000,
                                              .converge_every_s = 60}};

/* What is known of each server without asking it. */
static struct {
    bool begun, row_read, row_is_own, wrote_lease, committed;
    char holder[FENCE_HOLDER_BYTES]; /* as last read in a round of the lease */
    uint64_t epoch, renewals;
    bool exists;
    int64_t since_ms; /* it has been like this since then */
    const char *hash; /* of the row that was locked last; NULL: none was */
} servers[SITES];

static struct lease lease;
static bool in_round;
static const struct suspects *polled; /* NULL: it isn't them who ask */

/* In place of daemon/site.h. */
bool site_refused_a_right(unsigned code) {
    return code == 1142;
}

static void wrong(const char *what, const char *sql) {
    fprintf(stderr, "%s: %s\n", what, sql);
    abort();
}

static bool begins(const char *sql, const char *words) {
    return strncmp(sql, words, strlen(words)) == 0;
}

/* The column by which an answer to it is known. */
static const char *column_of(const char *sql) {
    static const struct {
        const char *words, *column;
    } known[] = {{"SELECT holder", "holder"}, {"SELECT site, sent_us", "sent_us"},
                 {"BEGIN", "begin"},          {"COMMIT", "commit"},
                 {"ROLLBACK", "rollback"},    {"REPLACE", "replace"},
                 {"DELETE", "delete"},        {"CREATE", "create"},
                 {"SELECT c.", "type"},       {"SELECT s.", "is_primary"},
                 {"SELECT g.", "trigger"},    {"SELECT 0 AS at", "at"},
                 {"SELECT LEFT", "locked"},   {"SELECT ", "k0"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (begins(sql, known[i].words))
            return known[i].column;
    wrong("never heard of", sql);
    return NULL;
}

static void note_is_own(size_t site, bool exists, const char *holder, uint64_t epoch) {
    servers[site].row_read = servers[site].begun;
    servers[site].row_is_own = servers[site].begun && exists && strcmp(holder, lease.me) == 0 &&
                               epoch == lease.memories[site].seen.epoch;
}

static void note_lease_row(size_t site, const struct server_rows *rows) {
    const char *holder = server_rows_value(rows, 0, "holder"), *epoch = server_rows_value(rows, 0, "epoch"),
               *renewals = server_rows_value(rows, 0, "renewals");
    char name[FENCE_HOLDER_BYTES];
    snprintf(name, sizeof name, "%s", holder ? holder : "");
    const uint64_t e = epoch ? strtoull(epoch, NULL, 10) : 0, r = renewals ? strtoull(renewals, NULL, 10) : 0;
    const bool exists = server_rows_count(rows) > 0;
    note_is_own(site, exists, name, e);
    if (!in_round)
        return;
    if (exists != servers[site].exists || strcmp(name, servers[site].holder) != 0 ||
        e != servers[site].epoch || r != servers[site].renewals)
        servers[site].since_ms = foreign_now_ms;
    snprintf(servers[site].holder, sizeof servers[site].holder, "%s", name);
    servers[site].exists = exists;
    servers[site].epoch = e;
    servers[site].renewals = r;
}

static void want_may_write_lease(size_t site, const char *sql) {
    if (!servers[site].begun || !servers[site].row_read)
        wrong("the lease's row wasn't locked", sql);
    const bool is_anothers = servers[site].holder[0] && strcmp(servers[site].holder, lease.me) != 0;
    if (is_anothers && foreign_now_ms - servers[site].since_ms < LEASE_MS)
        wrong("another holds it", sql);
}

static void want_may_change_table(size_t site, const char *sql) {
    if (site != OWN)
        wrong("not this site's own server", sql);
    if (!servers[site].begun || !servers[site].row_is_own)
        wrong("not fenced", sql);
    if (!polled)
        return;
    const char *hash = servers[site].hash ? servers[site].hash : "";
    for (size_t i = 0; i < polled->count; i++)
        if (strstr(sql, polled->list[i].suspect.key) &&
            strcmp(polled->list[i].suspect.first.hash[OWN], hash) == 0)
            return;
    wrong("the row isn't what it was", sql);
}

static struct server_answer ask_one(size_t site, const char *sql, struct server_rows **rows) {
    foreign_want_one_statement(sql);
    struct server_rows *found = foreign_take(column_of(sql));
    const struct server_answer answer = foreign_ends(found);
    *rows = answer.outcome == SERVER_ANSWERED ? found : NULL;
    if (begins(sql, "REPLACE INTO roundabout.converge")) {
        want_may_write_lease(site, sql);
        servers[site].wrote_lease = answer.outcome == SERVER_ANSWERED;
    } else if (begins(sql, "REPLACE") || begins(sql, "DELETE")) {
        want_may_change_table(site, sql);
    }
    if (answer.outcome == SERVER_ANSWERED) {
        if (begins(sql, "BEGIN"))
            servers[site].begun = true;
        else if (begins(sql, "SELECT holder"))
            note_lease_row(site, found);
        else if (begins(sql, "SELECT LEFT"))
            servers[site].hash = server_rows_value(found, 0, "h");
        else if (begins(sql, "COMMIT"))
            servers[site].committed = servers[site].wrote_lease;
    }
    if (begins(sql, "COMMIT") || begins(sql, "ROLLBACK") || answer.outcome == SERVER_UNREACHABLE) {
        servers[site].begun = servers[site].row_read = servers[site].row_is_own = servers[site].wrote_lease =
            false;
        servers[site].hash = NULL;
    }
    return answer;
}

/* In place of daemon/crew.h. */
unsigned crew_ask(struct crew *crew, unsigned who, const char *const *sql, struct crew_answers *out) {
    unsigned answered = 0;
    (void)crew;
    memset(out, 0, sizeof *out);
    for (size_t site = 0; site < CREW_MAX; site++)
        out->answer[site].outcome = SERVER_UNREACHABLE;
    for (size_t site = 0; site < SITES; site++) {
        if (!(who >> site & 1))
            continue;
        out->answer[site] = ask_one(site, sql[site], &out->rows[site]);
        if (out->answer[site].outcome == SERVER_ANSWERED)
            answered |= 1U << site;
    }
    return answered;
}

unsigned crew_ask_all(struct crew *crew, unsigned who, const char *sql, struct crew_answers *out) {
    const char *each[SITES] = {sql, sql, sql};
    return crew_ask(crew, who, each, out);
}

void crew_write_name(const struct config_ring *ring, size_t member, char *name, size_t size) {
    snprintf(name, size, "%s", member < SITES ? ring->sites[member].name : "a replica");
}

void crew_free_rows(struct crew_answers *out) {
    memset(out->rows, 0, sizeof out->rows);
}

static void want_none_open(const char *after) {
    for (size_t i = 0; i < SITES; i++)
        if (servers[i].begun)
            wrong("a transaction is left open", after);
}

static void check_lease(int64_t began_ms) {
    for (size_t i = 0; i < SITES; i++) {
        if (lease.memories[i].held_ms > began_ms && !servers[i].committed)
            wrong("held and not committed", sites[i].name);
        servers[i].committed = false;
    }
    want_none_open("lease");
}

static void hear_of_repair(void *context, const char *repair) {
    (void)context;
    if (!repair[0] || strchr(repair, '\n'))
        wrong("not a line", repair);
}

/* A table of two columns by hand, and some of its keys as suspects. */
static void suspect_keys(struct suspects *suspects, struct comparison_table *table, unsigned found,
                         unsigned kind) {
    static const char *const keys[][KEYS] = {{"1", "2", "3"},
                                             {"X'61'", "X'62'", "X''"},
                                             {"_latin1 X'61'", "_latin1 X'62'", "_latin1 X''"},
                                             {"'2026-01-01'", "'2026-01-02'", "'2026-01-03'"}};
    static const enum chunk_kind kinds[] = {CHUNK_NUMBER, CHUNK_BINARY, CHUNK_TEXT, CHUNK_QUOTED};
    struct chunk_column *columns = calloc(2, sizeof *columns);
    struct suspect list[KEYS] = {{.key = NULL}};
    struct diverge_beats beats;
    columns[0] = (struct chunk_column){.name = "k", .charset = "latin1", .kind = kinds[kind]};
    columns[1] = (struct chunk_column){.name = "v", .charset = "latin1", .kind = CHUNK_TEXT};
    *table = (struct comparison_table){.name = "shop.cache", .repairable = true};
    table->entry.form = (struct chunk_table){
        .database = "shop", .name = "cache", .columns = columns, .column_count = 2, .key_count = 1};
    sweep_open(&table->sweep);
    settle_open(&table->settle);
    if (comparison_read_beats(NULL, &config.ring, LIVING, &beats) != LIVING)
        beats = (struct diverge_beats){{{0}}};
    for (size_t i = 0; i < KEYS; i++) {
        list[i] = (struct suspect){.key = strdup(keys[kind][i]), .members = LIVING};
        snprintf(list[i].name, sizeof list[i].name, "name%zu", i);
        for (size_t site = 0; site < SITES; site++)
            snprintf(list[i].first.hash[site], sizeof list[i].first.hash[site], "%s",
                     found >> site & 1         ? "a"
                     : found >> (site + 3) & 1 ? "b"
                                               : "");
        list[i].marks = diverge_marks_of(&beats, LIVING, SITES);
    }
    suspects_add(suspects, table, list, KEYS);
}

/* "me", wherever it stands as a value, becomes this process. */
static char *put_own_name(const uint8_t *data, size_t size) {
    char *text = malloc(size * (sizeof lease.me + 1) + 1), *to = text;
    for (size_t i = 0; i < size; i++) {
        const bool is_me = i + 1 < size && data[i] == 'm' && data[i + 1] == 'e' && i > 0 &&
                           (data[i - 1] == '\n' || data[i - 1] == '\t') &&
                           (i + 2 == size || data[i + 2] == '\t' || data[i + 2] == '\n');
        if (is_me)
            to = stpcpy(to, lease.me);
        else
            *to++ = (char)data[i];
        i += is_me;
    }
    *to = '\0';
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct comparison comparison;
    struct comparison_table table;
    struct suspects suspects;
    if (size < 4)
        return 0;
    log_open("/dev/null", CONFIG_LOG_ERROR);
    memset(servers, 0, sizeof servers);
    foreign_now_ms = 100000;
    lease_open(&lease, &config.ring);
    char *text = put_own_name(data + 4, size - 4);
    foreign_read(text);
    comparison_open(&comparison, &config, NULL);
    comparison.tables = &table;
    comparison.count = 1;
    struct expiry *expiry = expiry_open(&config, NULL, &lease);
    if (!expiry || !suspects_open(&suspects, &comparison, &lease, LEASE_MS))
        abort();
    suspects.tell = hear_of_repair;
    suspect_keys(&suspects, &table, data[1], data[2] % 4U);
    for (unsigned step = 0; step < 12; step++) {
        const int64_t began_ms = foreign_now_ms;
        in_round = true;
        lease_round(&lease, NULL, &config.ring, LIVING, LEASE_MS);
        in_round = false;
        check_lease(began_ms);
        if (data[0] >> (step % 4) & 1) {
            polled = &suspects;
            suspects_poll(&suspects, LIVING);
            polled = NULL;
            want_none_open("suspects");
        }
        if (data[0] >> (4 + step % 4) & 1) {
            expiry_run(expiry, foreign_now_ms);
            want_none_open("expiry");
        }
        foreign_now_ms +=
            (data[3] >> (step % 4) & 1 ? 1000 : 0) + (data[3] >> (4 + step % 4) & 1 ? LEASE_MS : 0);
    }
    in_round = true;
    lease_release(&lease, NULL, &config.ring, LIVING);
    in_round = false;
    check_lease(INT64_MAX);
    if (lease_has_any(&lease))
        abort();
    suspects_close(&suspects);
    expiry_close(expiry);
    sweep_free(&table.sweep);
    free(table.known);
    free(table.entry.form.columns);
    statement_free(&comparison.sql);
    free(text);
    return 0;
}
