/* What the check finds, as a table: one fault in a ring that is otherwise well, and the one rule that says
 * it. */
#include "../../daemon/preflight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct config_site sites[3];
static struct config_ring ring;
static struct link_state states[4];
static struct preflight_server servers[4]; /* three sites and a replica of the first */

static void build(void) {
    static char names[3][2] = {"a", "b", "c"};
    ring = (struct config_ring){.sites = sites, .site_count = 3, .dead_after_ms = 5000, .net_timeout_s = 10};
    memset(states, 0, sizeof states);
    for (unsigned i = 0; i < 4; i++) {
        const bool replica = i == 3;
        const size_t site = replica ? 0 : i;
        if (!replica)
            sites[i] = (struct config_site){.name = names[i], .server_id = i + 1};
        states[i] = (struct link_state){.kind = SERVER_MARIADB,
                                        .server_id = replica ? 101 : i + 1,
                                        .domain_id = (unsigned)site + 1,
                                        .log_bin = true,
                                        .log_updates = true,
                                        .gtid_ready = true,
                                        .gtid_strict = true,
                                        .idempotent = true,
                                        .binlog_format = "MIXED",
                                        .increment = 16,
                                        .offset = i + 1,
                                        .net_timeout_s = 10,
                                        .sync_binlog = 1,
                                        .binlog_kept_s = 604800,
                                        .clock_us = 1000000,
                                        .clock_seen_us = 1000000,
                                        .link_known = true,
                                        .link_exists = true,
                                        .io = LINK_THREAD_RUNNING,
                                        .sql = LINK_THREAD_RUNNING,
                                        .uses_gtid = true,
                                        .heartbeats_known = true,
                                        .heartbeat_us = {900000, 900000, 900000}};
        states[i].source_server_id = replica ? 1 : i == 0 ? 3 : i;
        servers[i] = (struct preflight_server){.name = replica ? "a/replica" : names[i],
                                               .state = &states[i],
                                               .site = site,
                                               .replica = replica};
    }
}

static struct {
    char text[2000]; /* "server: rule\n" of all that isn't fine */
    unsigned count;
    enum preflight_weight worst;
} found;

static void take(void *context, const struct preflight_finding *finding) {
    (void)context;
    found.count++;
    if (finding->weight == PREFLIGHT_FINE)
        return;
    if (!finding->found[0] || !finding->why[0] || !finding->cure[0])
        fail_msg("%s: %s lacks words: found '%s' why '%s' cure '%s'", finding->server, finding->rule,
                 finding->found, finding->why, finding->cure);
    if (finding->weight > found.worst)
        found.worst = finding->weight;
    const size_t used = strlen(found.text);
    snprintf(found.text + used, sizeof found.text - used, "%s: %s\n", finding->server, finding->rule);
}

static void all_is_well(void) {}
static void b_is_mysql(void) {
    states[1].kind = SERVER_MYSQL;
}
static void all_are_old(void) {
    for (size_t i = 0; i < 4; i++)
        states[i] = (struct link_state){.version = "5.7.1"};
}
static void b_hides(void) {
    states[1].link_known = false, states[1].link_problem = 1227, states[1].link_exists = true;
}
static void b_has_a_wrong_id(void) {
    states[1].server_id = 9;
}
static void replica_has_bs_id(void) {
    states[3].server_id = 2;
}
static void b_has_no_binlog(void) {
    states[1].log_bin = false;
}
static void b_does_not_relay(void) {
    states[1].log_updates = false;
}
static void b_has_no_domain(void) {
    states[1].domain_id = 0;
}
static void b_is_not_strict(void) {
    states[1].gtid_strict = false;
}
static void b_minds_duplicates(void) {
    states[1].gtid_ready = false;
}
static void b_is_not_idempotent(void) {
    states[1].idempotent = false;
}
static void b_logs_statements(void) {
    strcpy(states[1].binlog_format, "STATEMENT");
}
static void b_steps_by_one(void) {
    states[1].increment = 2;
}
static void b_has_offset_of_nobody(void) {
    states[1].offset = 20;
}
static void b_waits_long(void) {
    states[1].net_timeout_s = 60;
}
static void b_forgets(void) {
    states[1].binlog_kept_s = 3600;
}
static void b_does_not_sync(void) {
    states[1].sync_binlog = 0;
}
static void b_is_read_only(void) {
    states[1].read_only = true;
}
static void b_is_late(void) {
    states[1].clock_us += 5000000;
}
static void b_does_not_beat(void) {
    states[1].heartbeat_us[1] = -10000000;
}
static void b_has_no_link(void) {
    states[1].link_exists = false;
}
static void b_goes_past(void) {
    states[1].source_server_id = 3;
}
static void b_is_stopped(void) {
    states[1].sql = LINK_THREAD_STOPPED;
}
static void b_failed(void) {
    states[1].sql = LINK_THREAD_STOPPED, states[1].sql_errno = 1062;
}
static void b_is_gone(void) {
    servers[1].state = NULL, servers[1].answer = (struct server_answer){SERVER_UNREACHABLE, 2003, "refused"};
}
static void replica_is_gone(void) {
    servers[3].state = NULL, servers[3].answer = (struct server_answer){SERVER_UNREACHABLE, 2003, "refused"};
}

/* clang-format off: one row, one line */
static const struct {
    void (*fault)(void);
    const char *wanted;
    enum preflight_weight worst;
} rows[] = {
    {all_is_well, "", PREFLIGHT_FINE},
    {b_is_mysql, "a: kind\nb: kind\nc: kind\na/replica: kind\n", PREFLIGHT_CRITICAL},
    {all_are_old, "a: version\nb: version\nc: version\na/replica: version\n", PREFLIGHT_CRITICAL},
    {b_hides, "b: monitor\nb: link\n", PREFLIGHT_CRITICAL},
    {b_has_a_wrong_id, "b: server_id\n", PREFLIGHT_CRITICAL},
    {replica_has_bs_id, "b: server_id is its own\na/replica: server_id is its own\n", PREFLIGHT_CRITICAL},
    {b_has_no_binlog, "b: binary log\n", PREFLIGHT_CRITICAL},
    {b_does_not_relay, "b: relaying\n", PREFLIGHT_CRITICAL},
    {b_has_no_domain, "b: GTID domain\n", PREFLIGHT_CRITICAL},
    {b_is_not_strict, "b: GTID strict mode\n", PREFLIGHT_WARNING},
    {b_minds_duplicates, "b: GTID duplicates\n", PREFLIGHT_CRITICAL},
    {b_is_not_idempotent, "b: exec mode\n", PREFLIGHT_CRITICAL},
    {b_logs_statements, "b: binlog format\n", PREFLIGHT_WARNING},
    {b_steps_by_one, "b: auto_increment step\n", PREFLIGHT_WARNING},
    {b_has_offset_of_nobody, "b: auto_increment offset\n", PREFLIGHT_WARNING},
    {b_waits_long, "b: net timeout\n", PREFLIGHT_WARNING},
    {b_forgets, "b: binlog expiry\n", PREFLIGHT_WARNING},
    {b_does_not_sync, "b: sync_binlog\n", PREFLIGHT_WARNING},
    {b_is_read_only, "b: writable\n", PREFLIGHT_WARNING},
    {b_is_late, "b: clock\n", PREFLIGHT_WARNING},
    {b_does_not_beat, "b: heartbeat\n", PREFLIGHT_WARNING},
    {b_has_no_link, "b: source\n", PREFLIGHT_WARNING},
    {b_goes_past, "b: source\n", PREFLIGHT_WARNING},
    {b_is_stopped, "b: link\n", PREFLIGHT_CRITICAL},
    {b_failed, "b: link\n", PREFLIGHT_CRITICAL},
    {b_is_gone, "b: answer\n", PREFLIGHT_CRITICAL},
    {replica_is_gone, "a/replica: answer\n", PREFLIGHT_WARNING},
};
/* clang-format on */

static void one_fault_is_found_by_its_rule(void **unused) {
    (void)unused;
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        build();
        memset(&found, 0, sizeof found);
        rows[i].fault();
        preflight_run(&(struct preflight){.ring = &ring, .servers = servers, .count = 4}, take, NULL);
        if (strcmp(found.text, rows[i].wanted) == 0 && found.worst == rows[i].worst)
            continue;
        print_error("row %zu\n  wanted %d %s\n  got %d %s\n", i, rows[i].worst, rows[i].wanted, found.worst,
                    found.text);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void a_table_is_found_wanting(void **unused) {
    (void)unused;
    const struct preflight_table good = {.server = "a",
                                         .name = "s.c",
                                         .exists = true,
                                         .engine = "InnoDB",
                                         .columns = "k,v",
                                         .unique_indexes = 1,
                                         .primary_key = true};
    struct preflight_table bad[7];
    for (size_t i = 0; i < 7; i++)
        bad[i] = good;
    bad[1].exists = bad[2].primary_key = false;
    bad[3].engine = "Aria", bad[4].columns = "k", bad[5].unique_indexes = 0;
    bad[6].unrepairable = "a reason";
    static const enum preflight_weight wanted[] = {PREFLIGHT_FINE,    PREFLIGHT_CRITICAL, PREFLIGHT_CRITICAL,
                                                   PREFLIGHT_WARNING, PREFLIGHT_CRITICAL, PREFLIGHT_WARNING,
                                                   PREFLIGHT_WARNING};
    for (size_t i = 0; i < 7; i++) {
        memset(&found, 0, sizeof found);
        preflight_table(&bad[i], &good, take, NULL);
        assert_int_equal(found.count, 1);
        assert_int_equal(found.worst, wanted[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_fault_is_found_by_its_rule),
        cmocka_unit_test(a_table_is_found_wanting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
