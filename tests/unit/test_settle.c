/* When a table is compared again: each end that is no verdict brings a sweep soon, whenever it comes. */
#include "../../daemon/settle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))
enum { EVERY_MS = 300000 };

static const struct {
    enum settle_end end;
    bool verdict;
} ends[] = {
    {SETTLE_SAME, true},       {SETTLE_SUSPECTED, true},  {SETTLE_AGREED, true},      {SETTLE_REPAIRED, true},
    {SETTLE_REPORTED, true},   {SETTLE_WRITTEN, false},   {SETTLE_UNANSWERED, false}, {SETTLE_CROWDED, false},
    {SETTLE_CHANGED, false},   {SETTLE_REGROUPED, false}, {SETTLE_UNMARKED, false},   {SETTLE_REFUSED, false},
    {SETTLE_ABANDONED, false},
};

static void an_end_is_a_verdict_or_a_reason_to_look_again(void **state) {
    (void)state;
    assert_int_equal(COUNT(ends), SETTLE_END_COUNT);
    for (size_t i = 0; i < COUNT(ends); i++) {
        assert_int_equal(ends[i].end, i);
        assert_int_equal(settle_is_verdict(ends[i].end), ends[i].verdict);
    }
}

/* A table's life: what happens when, and what follows. */
enum act { BEGIN, NOTE, FINISH };
struct happening {
    enum act act;
    enum settle_end end; /* NOTE */
    int64_t at_ms;
    bool settled; /* afterwards */
    bool anew;    /* NOTE: the sweep begins anew */
    int64_t next_ms;
};

static void check(const struct happening *happenings, size_t count, const char *claim) {
    struct settle settle;
    settle_open(&settle);
    assert_false(settle_is_settled(&settle));
    assert_int_equal(settle.next_ms, 0);
    for (size_t i = 0; i < count; i++) {
        const struct happening *now = &happenings[i];
        bool anew = false;
        if (now->act == BEGIN)
            settle_begin(&settle, now->at_ms);
        else if (now->act == NOTE)
            anew = settle_note(&settle, now->end, now->at_ms);
        else
            settle_finish(&settle, now->at_ms, EVERY_MS);
        if (anew != now->anew || settle_is_settled(&settle) != now->settled || settle.next_ms != now->next_ms)
            fail_msg("%s, step %zu: want anew %d, settled %d, next %lld; got %d, %d, %lld", claim, i,
                     now->anew, now->settled, (long long)now->next_ms, anew, settle_is_settled(&settle),
                     (long long)settle.next_ms);
    }
}

static void a_sweep_without_a_reason_since_settles_the_table(void **state) {
    (void)state;
    static const struct happening quiet[] = {
        {BEGIN, 0, 1000, false, false, 0},
        {NOTE, SETTLE_SAME, 1100, false, false, 0},
        {NOTE, SETTLE_SUSPECTED, 1200, false, false, 0},
        {FINISH, 0, 1300, true, false, 1000 + EVERY_MS},
        {NOTE, SETTLE_AGREED, 1400, true, false, 1000 + EVERY_MS},
        {NOTE, SETTLE_REPAIRED, 1500, true, false, 1000 + EVERY_MS},
        {BEGIN, 0, 301000, true, false, 1000 + EVERY_MS},
        {FINISH, 0, 700000, true, false, 700000}, /* it took longer than that */
    };
    check(quiet, COUNT(quiet), "quiet");
}

/* Each end without a verdict, at each moment at which one may come. */
static void no_end_without_a_verdict_is_forgotten(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++) {
        const enum settle_end end = ends[i].end;
        if (ends[i].verdict)
            continue;
        const struct happening in_the_sweep[] = {
            {BEGIN, 0, 1000, false, false, 0},
            {NOTE, end, 1100, false, false, 0},
            {FINISH, 0, 1300, false, false, 1000 + SETTLE_LEAST_MS},
            {BEGIN, 0, 3000, false, false, 1000 + SETTLE_LEAST_MS},
            {FINISH, 0, 3300, true, false, 3000 + EVERY_MS},
        };
        /* A suspect of a sweep that has long been over: nobody writes, and still it is looked at again. */
        const struct happening after_the_sweep[] = {
            {BEGIN, 0, 1000, false, false, 0},
            {FINISH, 0, 1300, true, false, 1000 + EVERY_MS},
            {NOTE, end, 2500, false, true, 1000 + SETTLE_LEAST_MS},
            {NOTE, end, 2600, false, false, 1000 + SETTLE_LEAST_MS},
            {BEGIN, 0, 3000, false, false, 1000 + SETTLE_LEAST_MS},
            {FINISH, 0, 3100, true, false, 3000 + EVERY_MS},
            {NOTE, end, 99000, false, true, 99000},
        };
        /* The sweep of a settled table takes its time. */
        const struct happening in_a_slow_sweep[] = {
            {BEGIN, 0, 1000, false, false, 0},
            {FINISH, 0, 1300, true, false, 1000 + EVERY_MS},
            {BEGIN, 0, 301000, true, false, 1000 + EVERY_MS},
            {NOTE, end, 301500, false, true, 301000 + SETTLE_LEAST_MS},
            {BEGIN, 0, 303000, false, false, 301000 + SETTLE_LEAST_MS},
            {NOTE, end, 303100, false, false, 301000 + SETTLE_LEAST_MS},
            {FINISH, 0, 303200, false, false, 303000 + SETTLE_LEAST_MS},
        };
        check(in_the_sweep, COUNT(in_the_sweep), "in the sweep");
        check(after_the_sweep, COUNT(after_the_sweep), "after the sweep");
        check(in_a_slow_sweep, COUNT(in_a_slow_sweep), "in a slow sweep");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_is_a_verdict_or_a_reason_to_look_again),
        cmocka_unit_test(a_sweep_without_a_reason_since_settles_the_table),
        cmocka_unit_test(no_end_without_a_verdict_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
