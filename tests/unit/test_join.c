/* Whether a server may join, from where, and who is told to keep still: tables over what was seen. */
#include "../../daemon/join.h"
#include "../../daemon/pause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_US INT64_C(1000000000)

static struct link_state states[3];
static const struct link_state *const seen[3] = {&states[0], &states[1], &states[2]};

static void build(enum server_kind kind) {
    memset(states, 0, sizeof states);
    for (unsigned i = 0; i < 3; i++) {
        states[i].kind = kind;
        states[i].server_id = states[i].domain_id = i + 1;
        snprintf(states[i].uuid, sizeof states[i].uuid, "%c000-1", 'a' + (int)i);
        states[i].log_bin = states[i].log_updates = states[i].gtid_ready = states[i].link_known = true;
    }
}

static void run_whole(struct link_state *state) {
    state->link_exists = true;
    state->io = state->sql = LINK_THREAD_RUNNING;
}

static void only_a_server_without_a_history_of_its_own_may_join(void **unused) {
    (void)unused;
    static const struct {
        const char *claim, *logged;
        enum site_memory memory;
        bool link_runs;
        int joining;
        enum join_verdict verdict;
    } rows[] = {
        {"nothing logged", "", SITE_FORGOT, false, 0, JOIN_FRESH},
        {"nothing logged, and its daemon has made a link", "", SITE_REMEMBERS, true, 0, JOIN_FRESH},
        {"others' writes, over a link that failed", "1-1-5,2-2-7", SITE_REMEMBERS, false, 0, JOIN_FRESH},
        {"others' writes, over a link that runs", "1-1-5,2-2-7", SITE_REMEMBERS, true, 0, JOIN_MEMBER},
        {"own writes", "3-3-2", SITE_REMEMBERS, false, 0, JOIN_HAS_WRITTEN},
        {"own writes, numbered as earlier ones", "3-3-2", SITE_FORGOT, true, 0, JOIN_HAS_WRITTEN},
        {"a member", "1-1-5,3-3-9", SITE_REMEMBERS, true, 0, JOIN_MEMBER},
        {"a member that writes just now", "1-1-5,3-3-9", SITE_UNSURE, true, 0, JOIN_MEMBER},
        {"a member whose link is stopped", "1-1-5,3-3-9", SITE_REMEMBERS, false, 0, JOIN_HAS_WRITTEN},
        {"begun", "1-1-5,3-3-9", SITE_REMEMBERS, true, 1, JOIN_AGAIN},
        {"begun, and a link made by the daemon", "", SITE_FORGOT, true, 1, JOIN_AGAIN},
        {"all but the link", "1-1-5,3-3-9", SITE_REMEMBERS, true, 2, JOIN_FINISH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        build(SERVER_MARIADB);
        snprintf(states[2].logged, sizeof states[2].logged, "%s", rows[i].logged);
        states[2].site_pauses[2].joining = (unsigned)rows[i].joining;
        if (rows[i].link_runs)
            run_whole(&states[2]);
        const enum join_verdict got = join_judge(seen, 2, rows[i].memory);
        if (got != rows[i].verdict)
            fail_msg("%s: %d", rows[i].claim, got);
    }
}

static void numbers_go_on_from_the_last_that_anybody_has_seen(void **unused) {
    (void)unused;
    char position[128];
    build(SERVER_MARIADB);
    snprintf(states[0].applied, sizeof states[0].applied, "1-1-7,3-3-12");
    snprintf(states[1].logged, sizeof states[1].logged, "1-1-9,2-2-4,3-3-11");
    assert_true(join_position(seen, 3, 2, "1-1-6,2-2-4,3-3-10", position, sizeof position));
    assert_string_equal(position, "1-1-6,2-2-4,3-3-12");
    assert_true(join_position(seen, 3, 2, "1-1-6,2-2-4", position, sizeof position));
    assert_string_equal(position, "1-1-6,2-2-4,3-3-12");
    assert_false(join_position(seen, 3, 2, "1-1-6,2-2-4,3-3-10", position, 18));
    build(SERVER_MYSQL);
    assert_true(join_position(seen, 3, 2, "a000-1:1-7,\nb000-1:1-9", position, sizeof position));
    assert_string_equal(position, "a000-1:1-7,\nb000-1:1-9");
}

static void the_nearest_running_member_gives(void **unused) {
    (void)unused;
    struct config_site sites[3] = {{.server_id = 1}, {.server_id = 2}, {.server_id = 3}};
    const struct config_ring ring = {.sites = sites, .site_count = 3};
    enum ring_reason why;
    build(SERVER_MARIADB);
    run_whole(&states[0]);
    run_whole(&states[1]);
    assert_int_equal(join_find_donor(&ring, seen, 2, &why), 1);
    states[1].io = LINK_THREAD_STOPPED;
    assert_int_equal(join_find_donor(&ring, seen, 2, &why), 0);
    states[1].source_server_id = 3; /* its link led to the server that was lost */
    assert_int_equal(join_find_donor(&ring, seen, 0, &why), SITE_NONE);
    states[0].log_updates = false;
    states[1].io = LINK_THREAD_STOPPED, states[1].source_server_id = 1;
    assert_int_equal(join_find_donor(&ring, seen, 2, &why), SITE_NONE);
    assert_int_equal(why, RING_NO_UPDATES);
}

static void a_definition_gets_its_database(void **unused) {
    (void)unused;
    struct statement sql = {0};
    assert_true(join_write_definition(&sql, "CREATE TABLE `a``b` (\n  `k` int\n)", "d`x", "a`b", true));
    assert_string_equal(sql.at, "CREATE TABLE IF NOT EXISTS `d``x`.`a``b` (\n  `k` int\n)");
    assert_false(join_write_definition(&sql, "CREATE ALGORITHM=UNDEFINED VIEW `v` AS select 1", "d", "v", false));
    statement_free(&sql);
}

static void the_pause_that_was_given_last_holds_until_it_ends(void **unused) {
    (void)unused;
    build(SERVER_MARIADB);
    assert_int_equal(pause_of_site(seen, 3, 1, NOW_US).until_us, 0);
    states[0].ring_pause = (struct link_pause){.set_us = 10, .until_us = NOW_US + 5};
    assert_int_equal(pause_of_site(seen, 3, 1, NOW_US).until_us, NOW_US + 5);
    assert_int_equal(pause_of_site(seen, 3, 1, NOW_US + 5).until_us, 0);
    states[2].ring_pause = (struct link_pause){.set_us = 11}; /* taken back, where the first isn't reached */
    assert_int_equal(pause_of_site(seen, 3, 1, NOW_US).until_us, 0);
    states[2].site_pauses[1] = (struct link_pause){.set_us = 5, .until_us = NOW_US + 1};
    assert_int_equal(pause_of_site(seen, 3, 1, NOW_US).until_us, NOW_US + 1);
    assert_int_equal(pause_of_site(seen, 3, 0, NOW_US).until_us, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_server_without_a_history_of_its_own_may_join),
        cmocka_unit_test(numbers_go_on_from_the_last_that_anybody_has_seen),
        cmocka_unit_test(the_nearest_running_member_gives),
        cmocka_unit_test(a_definition_gets_its_database),
        cmocka_unit_test(the_pause_that_was_given_last_holds_until_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
