/* Who may repair, and that it is never two. */
#include "../../daemon/fence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))
enum { LEASE_MS = 15000 };

static struct fence_row row_of(const char *holder, uint64_t epoch, uint64_t renewals) {
    struct fence_row row = {.exists = holder != NULL, .epoch = epoch, .renewals = renewals};
    snprintf(row.holder, sizeof row.holder, "%s", holder ? holder : "");
    return row;
}

static void a_row_is_taken_when_it_is_free_or_was_unchanged_for_a_lease(void **state) {
    (void)state;
    static const struct {
        const char *holder; /* NULL: no row */
        uint64_t epoch, renewals;
        int64_t at_ms;
        bool may_take;
        enum fence_step step;
    } looks[][4] = {
        {{NULL, 0, 0, 0, false, FENCE_WAIT},
         {NULL, 0, 0, 0, true, FENCE_TAKE},
         {"me", 1, 0, 10, true, FENCE_RENEW},
         {"me", 1, 0, 20, false, FENCE_RENEW}},
        {{"", 7, 3, 0, true, FENCE_TAKE},
         {"other", 8, 0, 1, true, FENCE_WAIT},
         {"other", 8, 0, LEASE_MS, true, FENCE_WAIT},
         {"other", 8, 0, LEASE_MS + 1, true, FENCE_TAKE}},
        {{"other", 8, 0, 0, true, FENCE_WAIT},
         {"other", 8, 1, LEASE_MS - 1, true, FENCE_WAIT}, /* renewed */
         {"other", 8, 1, 2 * LEASE_MS - 2, true, FENCE_WAIT},
         {"other", 8, 1, 2 * LEASE_MS, false, FENCE_WAIT}},
        {{"other", 8, 5, 0, true, FENCE_WAIT},
         {"other", 9, 5, LEASE_MS, true, FENCE_WAIT}, /* taken again */
         {"third", 9, 5, 2 * LEASE_MS, true, FENCE_WAIT},
         {"third", 9, 5, 3 * LEASE_MS, true, FENCE_TAKE}},
    };
    for (size_t i = 0; i < COUNT(looks); i++) {
        struct fence_memory memory = FENCE_UNKNOWN;
        for (size_t j = 0; j < COUNT(looks[i]); j++) {
            const struct fence_row row = row_of(looks[i][j].holder, looks[i][j].epoch, looks[i][j].renewals);
            const enum fence_step got =
                fence_decide(&memory, &row, "me", looks[i][j].may_take, looks[i][j].at_ms, LEASE_MS);
            if (got != looks[i][j].step)
                fail_msg("case %zu, look %zu: want %d, got %d", i, j, looks[i][j].step, got);
        }
    }
}

static void a_row_that_another_holds_is_no_longer_mine(void **state) {
    (void)state;
    struct fence_memory memory = {.seen = row_of("me", 3, 9), .held_ms = 100};
    const struct fence_row other = row_of("other", 4, 0);
    assert_int_equal(fence_decide(&memory, &other, "me", true, 200, LEASE_MS), FENCE_WAIT);
    assert_int_equal(memory.held_ms, -1);
}

static void taking_counts_the_epoch_and_renewing_the_renewals(void **state) {
    (void)state;
    const struct fence_row row = row_of("other", 4, 17);
    const struct fence_row taken = fence_next(&row, "me", FENCE_TAKE),
                           renewed = fence_next(&taken, "me", FENCE_RENEW);
    assert_true(taken.exists && taken.epoch == 5 && taken.renewals == 0);
    assert_string_equal(taken.holder, "me");
    assert_true(renewed.epoch == 5 && renewed.renewals == 1);
}

static void it_takes_all_living_sites_and_more_than_half_of_all(void **state) {
    (void)state;
    static const struct {
        size_t sites;
        unsigned living, held;
        bool holds;
    } cases[] = {
        {3, 7, 7, true},          {3, 7, 3, false},        {3, 3, 3, true},  {3, 1, 1, false},
        {2, 3, 3, true},          {2, 1, 1, false},        {4, 3, 3, false}, {4, 7, 7, true},
        {5, 7, 7, true},          {5, 3, 3, false},        {3, 0, 7, false}, {3, 6, 7, true},
        {16, 0x1ff, 0x1ff, true}, {16, 0xff, 0xff, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fence_memory memories[RING_SITES_MAX];
        for (size_t site = 0; site < RING_SITES_MAX; site++)
            memories[site] = (struct fence_memory){.held_ms = cases[i].held >> site & 1 ? 1000 : -1};
        const int64_t stops_ms = 1000 + LEASE_MS * 2 / 3;
        if (fence_holds(memories, cases[i].living, cases[i].sites, stops_ms - 1, LEASE_MS) != cases[i].holds)
            fail_msg("case %zu: want %d", i, cases[i].holds);
        /* Its holder stops well before another may take it. */
        assert_false(fence_holds(memories, cases[i].living, cases[i].sites, stops_ms, LEASE_MS));
    }
}

static void the_main_site_repairs_and_the_next_in_order_while_it_is_dead(void **state) {
    (void)state;
    struct config_site sites[3] = {{.main = false}, {.main = true}, {.main = false}};
    const struct config_ring ring = {.sites = sites, .site_count = 3};
    static const struct {
        enum site_life lives[3];
        size_t candidate;
    } cases[] = {
        {{SITE_ALIVE, SITE_ALIVE, SITE_ALIVE}, 1},
        {{SITE_ALIVE, SITE_DEAD, SITE_ALIVE}, 0},
        {{SITE_DEAD, SITE_DEAD, SITE_ALIVE}, 2},
        {{SITE_DEAD, SITE_ALIVE, SITE_DEAD}, 1},
        {{SITE_ALIVE, SITE_ALIVE, SITE_DOUBTFUL}, 1},
        {{SITE_ALIVE, SITE_DOUBTFUL, SITE_ALIVE}, 1},
        {{SITE_UNKNOWN, SITE_ALIVE, SITE_ALIVE}, SITE_NONE},
        {{SITE_DEAD, SITE_DEAD, SITE_DEAD}, SITE_NONE},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (fence_candidate(&ring, cases[i].lives) != cases[i].candidate)
            fail_msg("case %zu: want %zu", i, cases[i].candidate);
}

/* Two who run at the same time, each seeing what the other has written: never both hold. Every order of their
 * steps over some rounds is tried. */
static void two_never_hold_at_once(void **state) {
    (void)state;
    for (unsigned order = 0; order < 1U << 16; order++) {
        struct fence_row rows[3] = {{.exists = false}};
        struct fence_memory memories[2][RING_SITES_MAX];
        for (size_t who = 0; who < 2; who++)
            for (size_t i = 0; i < RING_SITES_MAX; i++)
                memories[who][i] = FENCE_UNKNOWN;
        int64_t now_ms = 0;
        for (unsigned step = 0; step < 16; step++, now_ms += LEASE_MS / 5) {
            const unsigned who = order >> step & 1;
            const char *me = who ? "one" : "two";
            bool may_take = true;
            for (size_t i = 0; i < 3; i++) {
                const enum fence_step what =
                    fence_decide(&memories[who][i], &rows[i], me, may_take, now_ms, LEASE_MS);
                may_take = what != FENCE_WAIT;
                if (what == FENCE_WAIT)
                    break;
                rows[i] = memories[who][i].seen = fence_next(&rows[i], me, what);
                memories[who][i].since_ms = memories[who][i].held_ms = now_ms;
            }
            if (fence_holds(memories[0], 7, 3, now_ms, LEASE_MS) &&
                fence_holds(memories[1], 7, 3, now_ms, LEASE_MS))
                fail_msg("order %x, step %u: both hold", order, step);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_taken_when_it_is_free_or_was_unchanged_for_a_lease),
        cmocka_unit_test(a_row_that_another_holds_is_no_longer_mine),
        cmocka_unit_test(taking_counts_the_epoch_and_renewing_the_renewals),
        cmocka_unit_test(it_takes_all_living_sites_and_more_than_half_of_all),
        cmocka_unit_test(the_main_site_repairs_and_the_next_in_order_while_it_is_dead),
        cmocka_unit_test(two_never_hold_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
