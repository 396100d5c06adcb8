/* Which tables look like caches. */
#include "../../cli/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void each_kind_of_use_is_judged(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint64_t uses[PAGE_USE_COUNT];
        uint64_t other_columns;
        enum judgement judgement;
    } cases[] = {
        {"a cache", {[PAGE_USE_READ_BY_KEY] = 100, [PAGE_USE_REPLACED] = 30}, 0, JUDGED_CACHE},
        {"written by upsert, deleted by key",
         {[PAGE_USE_READ_BY_KEY] = 100, [PAGE_USE_UPSERTED] = 30, [PAGE_USE_DELETED_BY_KEY] = 5},
         0,
         JUDGED_CACHE},
        {"with a purge now and then",
         {[PAGE_USE_READ_BY_KEY] = 100, [PAGE_USE_REPLACED] = 30, [PAGE_USE_WRITTEN_OTHERWISE] = 3},
         0,
         JUDGED_CACHE},
        {"too few to tell", {[PAGE_USE_READ_BY_KEY] = 10, [PAGE_USE_REPLACED] = 9}, 0, JUDGED_UNKNOWN},
        {"never", {0}, 0, JUDGED_UNKNOWN},
        {"joined",
         {[PAGE_USE_READ_BY_KEY] = 100, [PAGE_USE_REPLACED] = 30, [PAGE_USE_WITH_OTHERS] = 50},
         0,
         JUDGED_NOT},
        {"searched", {[PAGE_USE_READ_OTHERWISE] = 100, [PAGE_USE_REPLACED] = 30}, 0, JUDGED_NOT},
        {"a log", {[PAGE_USE_INSERTED] = 1000, [PAGE_USE_READ_BY_KEY] = 10}, 0, JUDGED_NOT},
        {"written only", {[PAGE_USE_REPLACED] = 100}, 0, JUDGED_NOT},
        {"read only", {[PAGE_USE_READ_BY_KEY] = 100}, 0, JUDGED_MAYBE},
        {"sessions",
         {[PAGE_USE_READ_BY_KEY] = 100, [PAGE_USE_INSERTED] = 20, [PAGE_USE_UPDATED_BY_KEY] = 60},
         0,
         JUDGED_MAYBE},
        {"two keys", {[PAGE_USE_READ_BY_KEY] = 100, [PAGE_USE_REPLACED] = 30}, 40, JUDGED_MAYBE},
        {"locked",
         {[PAGE_USE_READ_BY_KEY] = 100, [PAGE_USE_REPLACED] = 30, [PAGE_USE_TIED] = 60},
         0,
         JUDGED_NOT},
        {"hidden",
         {[PAGE_USE_READ_BY_KEY] = 100, [PAGE_USE_REPLACED] = 30, [PAGE_USE_DROPPED] = 1},
         0,
         JUDGED_NOT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct page_observed table = {.table = "shop.t", .other_columns = cases[i].other_columns};
        memcpy(table.uses, cases[i].uses, sizeof table.uses);
        struct judged judged = judge_table(&table);
        if (judged.judgement != cases[i].judgement)
            fail_msg("%s: want %s, got %s (%s)", cases[i].what, judgement_name(cases[i].judgement),
                     judgement_name(judged.judgement), judged.why);
        assert_true(strlen(judged.why) > 10);
    }
}

static void tables_that_were_counted_together_are_not_proposed(void **state) {
    (void)state;
    struct page_observed table = {.table = "shop.cache_???", .uses = {[PAGE_USE_READ_BY_KEY] = 100, [PAGE_USE_REPLACED] = 30}};
    assert_int_equal(judge_table(&table).judgement, JUDGED_MAYBE); /* other tables may match the pattern */
}

static void only_verbs_that_were_seen_are_listed(void **state) {
    (void)state;
    struct page_observed table = {.uses = {[PAGE_USE_READ_BY_KEY] = 100, [PAGE_USE_UPSERTED] = 30}};
    assert_int_equal(judge_table(&table).statements,
                     1u << PAGE_REPLACE | 1u << PAGE_SELECT | 1u << PAGE_INSERT);
    table.uses[PAGE_USE_DELETED_BY_KEY] = 1;
    assert_true(judge_table(&table).statements & 1u << PAGE_DELETE);
    assert_false(judge_table(&table).statements & 1u << PAGE_UPDATE);
}

static void what_it_would_save_is_mains_time_less_a_local_one(void **state) {
    (void)state;
    struct page_observed table = {.uses = {[PAGE_USE_READ_BY_KEY] = 100}, .timed = 10, .timed_ns = 800000000};
    assert_int_equal(judge_table(&table).saves_ns, UINT64_C(100) * (80000000 - JUDGE_LOCAL_NS));
    table.timed_ns = 1000; /* main is next door */
    assert_int_equal(judge_table(&table).saves_ns, 0);
    table.timed = 0;
    assert_int_equal(judge_table(&table).main_ns, 0);
    table.timed = 1;
    table.timed_ns = table.uses[PAGE_USE_READ_BY_KEY] = UINT64_MAX; /* anybody's bytes */
    assert_int_equal(judge_table(&table).saves_ns, 0);
}

static void names_become_patterns_that_a_configuration_takes(void **state) {
    (void)state;
    static const struct {
        const char *table, *pattern;
    } cases[] = {
        {"shop.cache", "shop.cache"},
        {"shop.my cache", "shop.my?cache"},
        {"shop.a.b", "shop.a?b"},
        {"shop.50%", "shop.50?"},
        {"*.cache", "*.cache"},
        {"shop.a*", "shop.a?"},
        {"shop.\"q\"", "shop.?q?"},
        {"shop.back\\slash", "shop.back?slash"},
        {"cache", NULL},
        {".cache", NULL},
        {"shop.", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct page_observed table = {.key = 1};
        char pattern[136];
        strcpy(table.table, cases[i].table);
        bool written = judge_write_pattern(&table, pattern, sizeof pattern);
        assert_int_equal(written, cases[i].pattern != NULL);
        if (written)
            assert_string_equal(pattern, cases[i].pattern);
    }
    struct page_observed cut = {.table = "shop."};
    memset(cut.table + 5, 'x', sizeof cut.table - 6);
    char pattern[200];
    assert_false(judge_write_pattern(&cut, pattern, sizeof pattern));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_use_is_judged),
        cmocka_unit_test(tables_that_were_counted_together_are_not_proposed),
        cmocka_unit_test(only_verbs_that_were_seen_are_listed),
        cmocka_unit_test(what_it_would_save_is_mains_time_less_a_local_one),
        cmocka_unit_test(names_become_patterns_that_a_configuration_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
