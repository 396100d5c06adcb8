/* How lags are found from few reads: an origin that beats once an interval, a lag, and reads when they are
 * asked for. */
#include "../../daemon/lag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define BEGIN_US    INT64_C(1795000000000000)
#define INTERVAL_US INT64_C(1000000)

struct world {
    struct lag lag;
    int64_t now_us, lag_us, ahead_us; /* ahead: of the origin's clock */
    int64_t stopped_us;               /* no beats from then on; 0: never */
    int64_t round_trip_us;
    unsigned reads;
};

/* Beats are a little late, by up to 7 ms, as real ones are. */
static int64_t newest_beat(const struct world *world) {
    int64_t sent_us = 0;
    for (int64_t i = (world->now_us - BEGIN_US) / INTERVAL_US + 1; i >= 0; i--) {
        sent_us = BEGIN_US + i * INTERVAL_US + i % 8 * 1000;
        if (world->stopped_us && sent_us >= world->stopped_us)
            continue;
        if (sent_us + world->lag_us <= world->now_us)
            return sent_us + world->ahead_us;
    }
    return 0;
}

static void go_on(struct world *world, int64_t seconds) {
    const int64_t until_us = world->now_us + seconds * 1000000;
    for (;;) {
        int64_t next_us = lag_next_read_us(&world->lag, INTERVAL_US, world->now_us);
        const int64_t soonest_us = world->now_us + 100 + world->round_trip_us; /* a read itself takes time */
        next_us = next_us > soonest_us ? next_us : soonest_us;
        if (next_us > until_us)
            break;
        world->now_us = next_us;
        world->reads++;
        lag_take(&world->lag, newest_beat(world), world->now_us, world->round_trip_us);
    }
    world->now_us = until_us;
}

static void want_lag(const struct world *world, int64_t lag_us) {
    const int64_t got_us = lag_result_us(&world->lag, INTERVAL_US, world->now_us);
    if (got_us == LAG_NONE || got_us < lag_us - 5000 || got_us > lag_us + 5000)
        fail_msg("want %lld us, got %lld us", (long long)lag_us, (long long)got_us);
}

static struct world make_world(int64_t lag_us) {
    return (struct world){.lag = LAG_START, .now_us = BEGIN_US + 5300000, .lag_us = lag_us};
}

static void each_lag_is_found_within_five_ms(void **unused) {
    (void)unused;
    static const int64_t lags_us[] = {0, 300, 5000, 40000, 165000, 800000, 2400000};
    for (size_t i = 0; i < sizeof lags_us / sizeof *lags_us; i++) {
        struct world world = make_world(lags_us[i]);
        go_on(&world, 30);
        want_lag(&world, lags_us[i]);
    }
}

static void a_clock_that_differs_is_in_the_result(void **unused) {
    (void)unused;
    struct world world = make_world(40000);
    world.ahead_us = 90000;
    go_on(&world, 30);
    want_lag(&world, -50000);
}

static void a_far_server_is_measured_finer_than_its_round_trip(void **unused) {
    (void)unused;
    struct world world = make_world(41000);
    world.round_trip_us = 80000;
    go_on(&world, 20);
    assert_true(lag_result_us(&world.lag, INTERVAL_US, world.now_us) != LAG_NONE);
    go_on(&world, 100);
    const int64_t got_us = lag_result_us(&world.lag, INTERVAL_US, world.now_us);
    assert_in_range(got_us, 41000 - 12000, 41000 + 12000);
}

static void few_reads_are_made(void **unused) {
    (void)unused;
    struct world world = make_world(40000);
    go_on(&world, 30);
    world.reads = 0;
    go_on(&world, 600);
    print_message("%u reads in ten minutes\n", world.reads);
    assert_in_range(world.reads, 60, 1500);
    want_lag(&world, 40000);
}

static void a_lag_that_changes_is_followed(void **unused) {
    (void)unused;
    static const int64_t lags_us[] = {40000, 140000, 8000, 900000, 41000};
    struct world world = make_world(20000);
    go_on(&world, 30);
    for (size_t i = 0; i < sizeof lags_us / sizeof *lags_us; i++) {
        world.lag_us = lags_us[i];
        go_on(&world, 45);
        want_lag(&world, lags_us[i]);
    }
}

static void beats_that_end_make_it_unknown_and_reads_rare(void **unused) {
    (void)unused;
    struct world world = make_world(40000);
    go_on(&world, 30);
    world.stopped_us = world.now_us;
    go_on(&world, 60);
    assert_true(lag_result_us(&world.lag, INTERVAL_US, world.now_us) == LAG_NONE);
    world.reads = 0;
    go_on(&world, 60);
    assert_in_range(world.reads, 1, 130);
    world.stopped_us = 0;
    go_on(&world, 30);
    want_lag(&world, 40000);
}

static void nothing_seen_is_nothing_known(void **unused) {
    (void)unused;
    struct lag lag = LAG_START;
    assert_true(lag_result_us(&lag, INTERVAL_US, BEGIN_US) == LAG_NONE);
    lag_take(&lag, 0, BEGIN_US, 100);
    assert_true(lag_next_read_us(&lag, INTERVAL_US, BEGIN_US) > BEGIN_US);
    assert_true(lag_result_us(&lag, INTERVAL_US, BEGIN_US) == LAG_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_lag_is_found_within_five_ms),
        cmocka_unit_test(a_clock_that_differs_is_in_the_result),
        cmocka_unit_test(a_far_server_is_measured_finer_than_its_round_trip),
        cmocka_unit_test(few_reads_are_made),
        cmocka_unit_test(a_lag_that_changes_is_followed),
        cmocka_unit_test(beats_that_end_make_it_unknown_and_reads_rare),
        cmocka_unit_test(nothing_seen_is_nothing_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
