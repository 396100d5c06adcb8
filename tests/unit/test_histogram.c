/* The load generator's histogram: each time in the right bucket, shares as sorting would give them. */
#include "../../bench/load/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void buckets_follow_one_another_without_a_gap(void **state) {
    (void)state;
    for (size_t bucket = 0; bucket + 1 < HISTOGRAM_BUCKETS; bucket++) {
        int64_t start = histogram_start(bucket), next = histogram_start(bucket + 1);
        assert_true(start < next);
        assert_int_equal(histogram_bucket(start), bucket);
        assert_int_equal(histogram_bucket(next - 1), bucket);
        assert_true(next - start <= 1 || (double)(next - start) <= (double)start / 1024);
    }
    assert_int_equal(histogram_bucket(HISTOGRAM_LONGEST), HISTOGRAM_BUCKETS - 1);
}

static void times_beyond_both_ends_are_counted_at_the_ends(void **state) {
    (void)state;
    assert_int_equal(histogram_bucket(-5), 0);
    assert_int_equal(histogram_bucket(INT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static int compare(const void *one, const void *other) {
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

static void shares_are_those_of_the_sorted_times(void **state) {
    (void)state;
    enum { COUNT = 10000 };
    static struct histogram histogram, parts[2];
    static int64_t times[COUNT];
    srandom(4711);
    for (int i = 0; i < COUNT; i++) {
        times[i] = random() % (1 << (random() % 31));
        histogram_add(&parts[i % 2], times[i]);
    }
    histogram_merge(&histogram, &parts[0]);
    histogram_merge(&histogram, &parts[1]);
    qsort(times, COUNT, sizeof *times, compare);
    static const double shares[] = {0, 0.0001, 0.01, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        double place = shares[i] * COUNT;
        int64_t want = times[place < 1 ? 0 : (size_t)(place + 0.9999) - 1];
        int64_t got = histogram_at(&histogram, shares[i]);
        if (llabs(got - want) > want / 1024 + 1) {
            fail_msg("share %g: got %lld, want %lld", shares[i], (long long)got, (long long)want);
        }
    }
    assert_int_equal(histogram_at(&histogram, 1), times[COUNT - 1]);
    assert_int_equal(histogram.least, times[0]);
    assert_int_equal(histogram.count, COUNT);
}

static void an_empty_one_says_zero(void **state) {
    (void)state;
    static struct histogram empty, other;
    histogram_merge(&other, &empty);
    assert_int_equal(histogram_at(&other, 0.5), 0);
    assert_true(histogram_mean(&other) == 0);
    histogram_add(&other, 7);
    histogram_merge(&other, &empty);
    assert_int_equal(histogram_at(&other, 0.5), 7);
    assert_int_equal(other.least, 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_follow_one_another_without_a_gap),
        cmocka_unit_test(times_beyond_both_ends_are_counted_at_the_ends),
        cmocka_unit_test(shares_are_those_of_the_sorted_times),
        cmocka_unit_test(an_empty_one_says_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
