/* When a key is said to differ for good. */
#include "../../daemon/diverge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))
enum { A = 1, B = 2, C = 4, ABC = 7 };

static void sums_that_differ_name_their_buckets(void **state) {
    (void)state;
    static struct diverge_sums sums[CREW_MAX];
    memset(sums, 0, sizeof sums);
    assert_int_equal(diverge_buckets(sums, ABC), 0);
    sums[1].rows[0] = 1;
    sums[2].sum[31] = 5;
    assert_int_equal(diverge_buckets(sums, ABC), 0x80000001U);
    assert_int_equal(diverge_buckets(sums, A | B), 1);
    assert_int_equal(diverge_buckets(sums, A | C), 0x80000000U);
    assert_int_equal(diverge_buckets(sums, B | C), 0x80000001U);
    assert_int_equal(diverge_buckets(sums, C), 0);
}

static struct diverge_reading reading_of(const char *a, const char *b, const char *c) {
    struct diverge_reading reading = {{{0}}};
    snprintf(reading.hash[0], DIVERGE_HASH_BYTES, "%s", a);
    snprintf(reading.hash[1], DIVERGE_HASH_BYTES, "%s", b);
    snprintf(reading.hash[2], DIVERGE_HASH_BYTES, "%s", c);
    return reading;
}

static void only_keys_that_differ_become_suspects(void **state) {
    (void)state;
    static const struct {
        const char *key, *hash;
        size_t site;
    } given[] = {{"same", "1", 2},    {"differs", "1", 0},
                 {"hole", "9", 1},    {"same", "1", 0},
                 {"differs", "2", 2}, {"same", "1", 1},
                 {"differs", "1", 1}, {"of a site that isn't compared", "3", 3}};
    struct diverge_row rows[COUNT(given)];
    struct suspect found[4];
    for (size_t i = 0; i < COUNT(given); i++) {
        rows[i] = (struct diverge_row){.key = strdup(given[i].key), .member = given[i].site};
        snprintf(rows[i].hash, sizeof rows[i].hash, "%s", given[i].hash);
        snprintf(rows[i].name, sizeof rows[i].name, "%.5s", given[i].key);
    }
    assert_int_equal(diverge_find(rows, COUNT(rows), ABC, found, 4), 2);
    assert_string_equal(found[0].key, "differs");
    assert_string_equal(found[0].name, "diffe");
    assert_string_equal(found[0].first.hash[0], "1");
    assert_string_equal(found[0].first.hash[2], "2");
    assert_string_equal(found[1].key, "hole");
    assert_string_equal(found[1].first.hash[0], "");
    assert_string_equal(found[1].first.hash[1], "9");
    assert_int_equal(found[1].state, SUSPECT_SEEN);
    free(found[0].key);
    free(found[1].key);
    assert_int_equal(diverge_find(rows, COUNT(rows), ABC, found, 1), 1); /* no more than there's room for */
    free(found[0].key);
    assert_int_equal(diverge_find(rows, 0, ABC, found, 1), 0);
    for (size_t i = 0; i < COUNT(rows); i++)
        free(rows[i].key);
}

/* Heartbeats of three sites: [where][whose]. */
static struct diverge_beats beats_of(const int64_t seen[3][3]) {
    struct diverge_beats beats;
    memset(&beats, -1, sizeof beats);
    for (size_t i = 0; i < 3; i++)
        memcpy(beats.sent_us[i], seen[i], sizeof seen[i]);
    return beats;
}

static void marks_are_passed_when_every_site_has_seen_a_later_heartbeat_of_every_site(void **state) {
    (void)state;
    const struct diverge_beats before =
        beats_of((const int64_t[3][3]){{100, 190, 300}, {90, 200, 280}, {90, 190, 310}});
    static const struct {
        unsigned living;
        int64_t seen[3][3];
        bool passed;
    } cases[] = {
        {ABC, {{101, 201, 311}, {101, 201, 311}, {101, 201, 311}}, true},
        {ABC, {{101, 201, 311}, {101, 201, 311}, {101, 200, 311}}, false}, /* b's last known is not later */
        {ABC, {{101, 201, 310}, {101, 201, 311}, {101, 201, 311}}, false},
        {ABC, {{101, 201, 311}, {-1, 201, 311}, {101, 201, 311}}, false},
        /* c is dead: what it had sent must be everywhere, nothing later can be asked for */
        {A | B, {{101, 201, 300}, {101, 201, 300}, {-1, -1, -1}}, true},
        {A | B, {{101, 201, 300}, {101, 201, 299}, {-1, -1, -1}}, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct diverge_marks marks = diverge_marks_of(&before, cases[i].living, 3);
        const struct diverge_beats now = beats_of(cases[i].seen);
        if (diverge_marks_passed(&marks, &now, cases[i].living, 3) != cases[i].passed)
            fail_msg("case %zu: want %d", i, cases[i].passed);
    }
    /* A living site without heartbeats is never passed. */
    const struct diverge_beats silent =
        beats_of((const int64_t[3][3]){{100, -1, 300}, {90, -1, 280}, {90, -1, 310}});
    const struct diverge_beats late =
        beats_of((const int64_t[3][3]){{900, 900, 900}, {900, 900, 900}, {900, 900, 900}});
    const struct diverge_marks never = diverge_marks_of(&silent, ABC, 3);
    assert_false(diverge_marks_passed(&never, &late, ABC, 3));
    assert_true(diverge_lag_us(&silent, ABC, ABC, 3) == INT64_MAX);
    assert_int_equal(diverge_lag_us(&before, ABC, ABC, 3), 30);
    assert_int_equal(diverge_lag_us(&before, A | B, A | B, 3), 10);
}

static void marks_from_before_a_clock_was_set_back_are_made_anew(void **state) {
    (void)state;
    /* a's clock goes from 900 back to 500: its heartbeats at a, b and c, with those of b and c well. */
    static const struct {
        int64_t at_mark[3], now[3];
        bool is_void, passed;
    } cases[] = {
        {{900, 890, 880}, {500, 900, 900}, true, false},
        {{900, 890, 880}, {510, 510, 510}, true, false},
        {{500, 900, 900}, {510, 900, 900}, true, false},  /* marked while others hold old ones */
        {{500, 490, 480}, {510, 900, 510}, false, false}, /* one that was on its way */
        {{510, 510, 510}, {520, 511, 520}, false, true},
        {{500, 900, 500}, {901, 900, 901}, false, false}, /* held up until the clock has caught up */
        {{900, 890, 880}, {4000, 901, 901}, false, true}, /* forward */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct diverge_beats before =
            beats_of((const int64_t[3][3]){{0, 200, 300}, {0, 200, 300}, {0, 200, 300}});
        struct diverge_beats now =
            beats_of((const int64_t[3][3]){{0, 201, 301}, {0, 201, 301}, {0, 201, 301}});
        for (size_t site = 0; site < 3; site++) {
            before.sent_us[site][0] = cases[i].at_mark[site];
            now.sent_us[site][0] = cases[i].now[site];
        }
        const struct diverge_marks marks = diverge_marks_of(&before, ABC, 3);
        if (diverge_marks_void(&marks, &now, ABC, 3) != cases[i].is_void)
            fail_msg("case %zu: want void %d", i, cases[i].is_void);
        if (diverge_marks_passed(&marks, &now, ABC, 3) != cases[i].passed)
            fail_msg("case %zu: want passed %d", i, cases[i].passed);
    }
}

static void a_suspect_is_confirmed_only_while_nothing_moves(void **state) {
    (void)state;
    enum { MARGIN = 1000 };
    static const struct {
        const char *a, *b, *c;
        unsigned sites;
        bool passed;
        int64_t at_ms;
        enum diverge_verdict verdict;
    } readings[][4] = {
        {{"1", "1", "2", ABC, false, 0, DIVERGE_WAIT},
         {"1", "1", "2", ABC, true, 100, DIVERGE_WAIT},
         {"1", "1", "2", ABC, true, 1099, DIVERGE_WAIT},
         {"1", "1", "2", ABC, true, 1100, DIVERGE_CONFIRMED}},
        /* long waiting alone confirms nothing */
        {{"1", "1", "2", ABC, false, 0, DIVERGE_WAIT},
         {"1", "1", "2", ABC, false, 90000, DIVERGE_WAIT},
         {"1", "1", "2", ABC, true, 90001, DIVERGE_WAIT},
         {"1", "2", "2", ABC, true, 99999, DIVERGE_CHANGED}},
        {{"1", "1", "1", ABC, false, 0, DIVERGE_AGREED},
         {"2", "2", "2", ABC, true, 0, DIVERGE_AGREED},
         {"3", "1", "2", ABC, true, 0, DIVERGE_CHANGED},
         {"1", "1", "", ABC, true, 0, DIVERGE_CHANGED}},
        {{"1", "1", "2", A | C, true, 0, DIVERGE_REGROUPED},
         {"", "", "", ABC, true, 0, DIVERGE_AGREED},
         {"1", "1", "2", ABC, true, 5, DIVERGE_WAIT},
         {"1", "1", "2", ABC, false, 1005, DIVERGE_CONFIRMED}},
    };
    for (size_t i = 0; i < COUNT(readings); i++) {
        struct suspect suspect = {.members = ABC, .first = reading_of("1", "1", "2")};
        for (size_t j = 0; j < COUNT(readings[i]); j++) {
            const struct diverge_reading reading =
                reading_of(readings[i][j].a, readings[i][j].b, readings[i][j].c);
            const enum diverge_verdict got =
                diverge_judge(&suspect, &reading, readings[i][j].sites, readings[i][j].passed,
                              readings[i][j].at_ms, MARGIN);
            if (got != readings[i][j].verdict)
                fail_msg("case %zu, reading %zu: want %d, got %d", i, j, readings[i][j].verdict, got);
        }
    }
}

enum { REPLICA = 1U << CREW_REPLICA, OTHER_REPLICA = REPLICA << 1 };

static void a_replica_is_compared_as_long_as_it_is_there(void **state) {
    (void)state;
    static const struct {
        const char *a, *b, *c, *replica, *other; /* what each holds now */
        unsigned members;                        /* who is there now */
        enum diverge_verdict verdict;
        unsigned left; /* who is compared still */
    } cases[] = {
        {"1", "1", "1", "2", "1", ABC | REPLICA | OTHER_REPLICA, DIVERGE_CONFIRMED,
         ABC | REPLICA | OTHER_REPLICA},
        {"1", "1", "1", "1", "1", ABC | REPLICA | OTHER_REPLICA, DIVERGE_AGREED,
         ABC | REPLICA | OTHER_REPLICA},
        {"1", "1", "1", "3", "1", ABC | REPLICA | OTHER_REPLICA, DIVERGE_CHANGED,
         ABC | REPLICA | OTHER_REPLICA},
        {"1", "1", "1", "", "1", ABC | OTHER_REPLICA, DIVERGE_AGREED, ABC | OTHER_REPLICA}, /* it went */
        {"1", "1", "1", "2", "", ABC | REPLICA, DIVERGE_CONFIRMED, ABC | REPLICA},
        {"1", "1", "", "2", "1", A | B | REPLICA | OTHER_REPLICA, DIVERGE_REGROUPED,
         ABC | REPLICA | OTHER_REPLICA},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct suspect suspect = {.members = ABC | REPLICA | OTHER_REPLICA,
                                  .first = reading_of("1", "1", "1"),
                                  .state = SUSPECT_PASSED};
        snprintf(suspect.first.hash[CREW_REPLICA], DIVERGE_HASH_BYTES, "2");
        snprintf(suspect.first.hash[CREW_REPLICA + 1], DIVERGE_HASH_BYTES, "1");
        struct diverge_reading reading = reading_of(cases[i].a, cases[i].b, cases[i].c);
        snprintf(reading.hash[CREW_REPLICA], DIVERGE_HASH_BYTES, "%s", cases[i].replica);
        snprintf(reading.hash[CREW_REPLICA + 1], DIVERGE_HASH_BYTES, "%s", cases[i].other);
        const enum diverge_verdict got =
            diverge_judge(&suspect, &reading, cases[i].members, true, 5000, 1000);
        if (got != cases[i].verdict || suspect.members != cases[i].left)
            fail_msg("case %zu: want %d, %x; got %d, %x", i, cases[i].verdict, cases[i].left, got,
                     suspect.members);
    }
}

static void strays_are_replicas_beside_sites_that_agree(void **state) {
    (void)state;
    static const struct {
        const char *a, *b, *replica, *other;
        unsigned strays;
    } cases[] = {
        {"1", "1", "1", "1", 0},
        {"1", "1", "2", "1", REPLICA},
        {"1", "1", "", "3", REPLICA | OTHER_REPLICA},
        {"", "", "2", "", REPLICA},
        {"1", "2", "3", "1", 0}, /* the sites have a conflict of their own */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct suspect suspect = {.members = A | B | REPLICA | OTHER_REPLICA,
                                  .first = reading_of(cases[i].a, cases[i].b, "9")};
        snprintf(suspect.first.hash[CREW_REPLICA], DIVERGE_HASH_BYTES, "%s", cases[i].replica);
        snprintf(suspect.first.hash[CREW_REPLICA + 1], DIVERGE_HASH_BYTES, "%s", cases[i].other);
        if (diverge_strays(&suspect) != cases[i].strays)
            fail_msg("case %zu: want %x, got %x", i, cases[i].strays, diverge_strays(&suspect));
    }
}

/* A replica has seen more of a dead site than any site: that holds nobody up. It lags: its keys wait for it.
 */
static void marks_are_passed_at_replicas_too(void **state) {
    (void)state;
    struct diverge_beats before =
        beats_of((const int64_t[3][3]){{100, 190, 300}, {90, 200, 300}, {90, 190, 310}});
    before.sent_us[CREW_REPLICA][2] = 320;
    const struct diverge_marks marks = diverge_marks_of(&before, A | B | REPLICA, 3);
    assert_int_equal(marks.sent_us[2], 300);
    struct diverge_beats now =
        beats_of((const int64_t[3][3]){{101, 201, 300}, {101, 201, 300}, {-1, -1, -1}});
    now.sent_us[CREW_REPLICA][0] = 100;
    now.sent_us[CREW_REPLICA][1] = 201;
    now.sent_us[CREW_REPLICA][2] = 320;
    assert_true(diverge_marks_passed(&marks, &now, A | B, 3));
    assert_false(diverge_marks_passed(&marks, &now, A | B | REPLICA, 3));
    assert_int_equal(diverge_lag_us(&now, A | B, REPLICA, 3), 1);
    now.sent_us[CREW_REPLICA][0] = 101;
    assert_true(diverge_marks_passed(&marks, &now, A | B | REPLICA, 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replica_is_compared_as_long_as_it_is_there),
        cmocka_unit_test(strays_are_replicas_beside_sites_that_agree),
        cmocka_unit_test(marks_are_passed_at_replicas_too),
        cmocka_unit_test(sums_that_differ_name_their_buckets),
        cmocka_unit_test(only_keys_that_differ_become_suspects),
        cmocka_unit_test(marks_are_passed_when_every_site_has_seen_a_later_heartbeat_of_every_site),
        cmocka_unit_test(marks_from_before_a_clock_was_set_back_are_made_anew),
        cmocka_unit_test(a_suspect_is_confirmed_only_while_nothing_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
