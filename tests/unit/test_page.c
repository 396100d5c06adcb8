/* The pages' layout, their sums, and their files under hostile hands. */
#define _GNU_SOURCE
#include "../../page/files.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static int directory = -1;

static int start(void **state) {
    (void)state;
    strcpy(folder, "/tmp/test_page.XXXXXX");
    assert_non_null(mkdtemp(folder));
    directory = page_open_directory(folder, NULL, NULL, 0);
    assert_true(directory >= 0);
    return 0;
}

static int stop(void **state) {
    (void)state;
    char command[128];
    close(directory);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* Layout */

static void the_layout_is_the_one_that_is_written_down(void **state) {
    (void)state;
    assert_int_equal(sizeof(struct page_header), 192);
    assert_int_equal(offsetof(struct page_header, layout), 8);
    assert_int_equal(offsetof(struct page_header, start_ticks), 32);
    assert_int_equal(offsetof(struct page_header, boot), 64);
    assert_int_equal(offsetof(struct page_header, program), 104);
    assert_int_equal(offsetof(struct page_counters, main_least_ns), 192);
    assert_int_equal(offsetof(struct page_counters, stripes), 256);
    assert_int_equal(offsetof(struct page_breaker, silent_until_ms), 320);
    assert_int_equal(offsetof(struct page_breaker, known_ms), 376);
    assert_int_equal(sizeof(struct page_breaker), 448);
    assert_int_equal(offsetof(struct page_site, at_ms), 192);
    assert_int_equal(offsetof(struct page_site, silent_since_ms), 200);
    assert_int_equal(offsetof(struct page_site, origins), 256);
    assert_int_equal(sizeof(struct page_site), 1280);
    assert_int_equal(sizeof(struct page_counters) % 64, 0);
    assert_true(sizeof(struct page_counters) < 64 * 1024);
}

static void layouts_of_different_kinds_differ(void **state) {
    (void)state;
    assert_true(page_layout(PAGE_COUNTERS) != page_layout(PAGE_OBSERVATION));
    assert_true(page_layout(PAGE_COUNTERS) != page_layout(PAGE_BREAKER));
    assert_true(page_layout(PAGE_COUNTERS) == page_layout(PAGE_COUNTERS));
    assert_true(page_layout(PAGE_SITE) != page_layout(PAGE_BREAKER));
}

static void a_time_lies_within_its_bucket(void **state) {
    (void)state;
    static const uint64_t times[] = {0,         1,    1023,   1024,     1025,
                                     2048,      2049, 999999, 80000000, UINT64_C(1) << 36,
                                     UINT64_MAX};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        unsigned bucket = page_bucket_of(times[i]);
        assert_in_range(bucket, 0, PAGE_BUCKETS - 1);
        assert_true(times[i] <= page_bucket_limit_ns(bucket));
        assert_true(bucket == 0 || times[i] > page_bucket_limit_ns(bucket - 1));
    }
}

static void a_quantile_is_the_limit_of_its_bucket(void **state) {
    (void)state;
    struct page_times times = {0};
    assert_int_equal(page_times_quantile_ns(&times, 0.5), 0);
    times.buckets[page_bucket_of(5000)] = 98;
    times.buckets[page_bucket_of(80000000)] = 2;
    assert_int_equal(page_times_quantile_ns(&times, 0.5), 8192);
    assert_int_equal(page_times_quantile_ns(&times, 0.98), 8192);
    assert_int_equal(page_times_quantile_ns(&times, 0.99), page_bucket_limit_ns(page_bucket_of(80000000)));
}

/* Sums */

static struct page_counters *new_counters(void) {
    struct page_counters *page = aligned_alloc(64, sizeof *page);
    memset(page, 0, sizeof *page);
    page->header.pid = 4711;
    return page;
}

static struct page_counters *new_sum(void) {
    struct page_counters *page = new_counters();
    page->header.pid = 0;
    return page;
}

static void sums_meet_tables_by_their_names(void **state) {
    (void)state;
    struct page_counters *one = new_counters(), *other = new_counters(), *sum = new_sum();
    page_find_table(one, "pages", "shop.cache")->routed[PAGE_SELECT] = 3;
    page_find_table(one, "pages", "shop.more")->routed[PAGE_REPLACE] = 1;
    page_find_table(other, "pages", "shop.cache")->routed[PAGE_SELECT] = 4;
    one->stripes[1].statements[PAGE_SELECT][ROUTE_ROUTED] = 3;
    other->stripes[3].statements[PAGE_SELECT][ROUTE_ROUTED] = 4;
    one->main_least_ns = 500;
    other->main_least_ns = 300;
    page_add(sum, one);
    page_add(sum, other);
    assert_int_equal(page_find_table(sum, "pages", "shop.cache")->routed[PAGE_SELECT], 7);
    assert_int_equal(page_find_table(sum, "pages", "shop.more")->routed[PAGE_REPLACE], 1);
    assert_int_equal(sum->processes, 2);
    assert_int_equal(sum->main_least_ns, 300);
    struct page_stripe all;
    page_sum_stripes(sum, &all);
    assert_int_equal(page_stripe_reason(&all, ROUTE_ROUTED), 7);
    assert_int_equal(page_stripe_total(&all), 7);
    struct page_counters *sums = new_sum(); /* a sum of sums counts its processes */
    page_add(sums, sum);
    assert_int_equal(sums->processes, 2);
    free(one), free(other), free(sum), free(sums);
}

static void tables_without_room_share_the_last_slot(void **state) {
    (void)state;
    struct page_counters *page = new_counters(), *sum = new_sum();
    char name[32];
    for (int i = 0; i < PAGE_TABLES + 10; i++) {
        snprintf(name, sizeof name, "shop.t%d", i);
        page_find_table(page, "g", name)->routed[PAGE_SELECT]++;
    }
    assert_int_equal(page->tables[PAGE_TABLES - 1].routed[PAGE_SELECT], 11);
    assert_string_equal(page->tables[PAGE_TABLES - 1].table, "");
    page_add(sum, page);
    uint64_t total = 0;
    for (int i = 0; i < PAGE_TABLES; i++)
        total += sum->tables[i].routed[PAGE_SELECT];
    assert_int_equal(total, PAGE_TABLES + 10);
    free(page), free(sum);
}

static void long_and_odd_names_are_cut_and_cleaned(void **state) {
    (void)state;
    struct page_counters *page = new_counters();
    char name[400];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    name[3] = '\n';
    const struct page_table *slot = page_find_table(page, name, name);
    assert_int_equal(strlen(slot->group), sizeof slot->group - 1);
    assert_int_equal(strlen(slot->table), sizeof slot->table - 1);
    assert_int_equal(slot->table[3], '?');
    free(page);
}

static void what_was_saved_is_never_less_than_nothing(void **state) {
    (void)state;
    struct page_counters *page = new_counters(), *sum = new_counters();
    sum->header.pid = 0;
    page->stripes[0].saved_ns = UINT64_C(31) * 79900000;
    page->stripes[3].saved_ns = (uint64_t)INT64_C(-79900000);
    assert_int_equal(page_saved_ns(page), UINT64_C(30) * 79900000);
    page_add(sum, page);
    page->stripes[0].saved_ns = 75000;
    page->stripes[3].saved_ns = (uint64_t)INT64_C(-80000); /* main is nearer than the local master */
    assert_int_equal(page_saved_ns(page), 0);
    page_add(sum, page);
    page->stripes[0].saved_ns = UINT64_MAX; /* somebody's bytes */
    page_add(sum, page);
    assert_int_equal(page_saved_ns(sum), UINT64_C(30) * 79900000);
    free(page);
    free(sum);
}

static void a_breaker_that_nobody_has_needed_for_long_says_nothing(void **state) {
    (void)state;
    enum { NOW_MS = 100000000 };
    static const struct {
        int64_t until_ms;
        enum page_breaker_state state;
    } cases[] = {
        {0, PAGE_BREAKER_CLOSED},
        {NOW_MS + 5000, PAGE_BREAKER_OPEN},
        {NOW_MS - 1, PAGE_BREAKER_OPEN}, /* the next who needs it will try */
        {NOW_MS - PAGE_BREAKER_LAST_MS + 1, PAGE_BREAKER_OPEN},
        {NOW_MS - PAGE_BREAKER_LAST_MS, PAGE_BREAKER_FORGOTTEN},
        {1, PAGE_BREAKER_FORGOTTEN},
        {-1, PAGE_BREAKER_FORGOTTEN},
        {INT64_MIN, PAGE_BREAKER_FORGOTTEN},
        {INT64_MAX, PAGE_BREAKER_OPEN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct page_breaker breaker = {.silent_until_ms = cases[i].until_ms};
        assert_int_equal(page_breaker_state(&breaker, NOW_MS), cases[i].state);
    }
}

static void tables_of_many_names_are_counted_by_what_they_have_in_common(void **state) {
    (void)state;
    enum { TABLES = 10000 };
    struct page_observation *page = calloc(1, sizeof *page);
    page_find_observed(page, "shop.first")->uses[PAGE_USE_REPLACED]++;
    for (int i = 0; i < TABLES; i++) {
        char name[64];
        snprintf(name, sizeof name, "shop.cache_%05d", i);
        page_find_observed(page, name)->uses[PAGE_USE_REPLACED]++;
    }
    page_find_observed(page, "shop.last")->uses[PAGE_USE_REPLACED]++;
    page_find_observed(page, "shop.first")->uses[PAGE_USE_REPLACED]++;
    page_find_observed(page, "shop.cache_00000")->uses[PAGE_USE_REPLACED]++;
    assert_int_equal(page_find_observed(page, "shop.first")->uses[PAGE_USE_REPLACED], 2);
    assert_int_equal(page_find_observed(page, "shop.last")->uses[PAGE_USE_REPLACED], 1);
    assert_int_equal(page_find_observed(page, "shop.cache_00000")->uses[PAGE_USE_REPLACED], 2);
    struct page_observed *alike = page_find_observed(page, "shop.cache_09999");
    assert_string_equal(alike->table, "shop.cache_?????");
    assert_int_equal(alike->uses[PAGE_USE_REPLACED], TABLES + 1 - PAGE_OBSERVED_FULL);
    assert_int_equal(page->tables[PAGE_OBSERVED - 1].uses[PAGE_USE_REPLACED], 0);

    struct page_observation *sum = calloc(1, sizeof *sum);
    page_add_observed(sum, page);
    assert_in_range(page_find_observed(sum, "shop.cache_09999")->uses[PAGE_USE_REPLACED], TABLES + 1 - PAGE_OBSERVED_FULL,
                    TABLES + 3 - PAGE_OBSERVED_FULL); /* it is as full by then */
    uint64_t all = 0;
    for (size_t i = 0; i < PAGE_OBSERVED; i++)
        all += sum->tables[i].uses[PAGE_USE_REPLACED];
    assert_int_equal(all, TABLES + 4);
    free(page);
    free(sum);
}

/* Files */

struct seen {
    unsigned pages, sums, breakers, ended;
    uint64_t routed;
    char program[32];
};

static void note(void *context, const struct page_file *file) {
    struct seen *seen = context;
    if (file->kind == PAGE_BREAKER) {
        seen->breakers++;
        return;
    }
    seen->sums += file->sum;
    seen->pages += !file->sum;
    seen->ended += !file->sum && file->owner == PAGE_OWNER_ENDED;
    if (file->kind == PAGE_COUNTERS) {
        struct page_stripe all;
        page_sum_stripes(&file->page->counters, &all);
        seen->routed += page_stripe_reason(&all, ROUTE_ROUTED);
        if (!file->sum)
            strcpy(seen->program, file->page->header.program);
    }
}

static struct seen look(void) {
    struct seen seen = {0};
    page_visit(directory, note, &seen);
    return seen;
}

/* What a process that is killed leaves behind. */
static void leave_page_of_a_dead_process(uint64_t routed) {
    pid_t child = fork();
    if (child == 0) {
        char name[64];
        struct page_counters *page = page_make_own(directory, PAGE_COUNTERS, 0640, "dead", name);
        page->stripes[2].statements[PAGE_REPLACE][ROUTE_ROUTED] = routed;
        _exit(page ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void an_own_page_is_seen_with_its_owner(void **state) {
    (void)state;
    char name[64];
    struct page_counters *page = page_make_own(directory, PAGE_COUNTERS, 0640, "pro\ngram", name);
    assert_non_null(page);
    assert_int_equal(page->header.pid, getpid());
    page->stripes[0].statements[PAGE_SELECT][ROUTE_ROUTED] = 5;
    struct stat status;
    assert_int_equal(fstatat(directory, name, &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_true(status.st_blocks * 512 >=
                (off_t)sizeof *page); /* reserved: a full file system is no SIGBUS */
    struct seen seen = look();
    assert_int_equal(seen.pages, 1);
    assert_int_equal(seen.ended, 0);
    assert_int_equal(seen.routed, 5);
    assert_string_equal(seen.program, "pro?gram");
    page_fold_own(directory, 0640, page, PAGE_COUNTERS, name);
    seen = look();
    assert_int_equal(seen.pages, 0);
    assert_int_equal(seen.routed, 5);
    page_unmap(page, PAGE_COUNTERS);
}

static void pages_of_dead_processes_are_folded_once(void **state) {
    (void)state;
    leave_page_of_a_dead_process(3);
    leave_page_of_a_dead_process(4);
    struct seen seen = look();
    assert_int_equal(seen.pages, 2);
    assert_int_equal(seen.ended, 2);
    assert_int_equal(seen.routed, 7);
    assert_int_equal(page_fold(directory, 0640), 2);
    assert_int_equal(page_fold(directory, 0640), 0);
    seen = look();
    assert_int_equal(seen.pages, 0);
    assert_int_equal(seen.sums, 1);
    assert_int_equal(seen.routed, 7);
}

/* Where no daemon runs and nobody asks, either. */
static void pages_of_killed_processes_are_folded_by_those_that_come_after(void **state) {
    (void)state;
    enum { KILLED = 300, AT_MOST = 130 };
    for (int i = 0; i < KILLED; i++)
        leave_page_of_a_dead_process(1);
    struct seen seen = look();
    assert_int_equal(seen.routed, KILLED);
    assert_true(seen.pages <= AT_MOST);
}

/* Stopped after it had added a page and before it unlinked it. */
static void an_interrupted_fold_adds_nothing_twice(void **state) {
    (void)state;
    leave_page_of_a_dead_process(3);
    char command[256];
    snprintf(command, sizeof command, "cd %s && cp -p process-* keep && ls process-* > name", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(page_fold(directory, 0640), 1);
    snprintf(command, sizeof command, "cd %s && mv keep folding-$(cat name) && rm name", folder);
    assert_int_equal(system(command), 0);
    page_fold(directory, 0640);
    assert_int_equal(look().routed, 3);
    snprintf(command, sizeof command, "! ls %s | grep folding", folder);
    assert_int_equal(system(command), 0);
}

static void a_reset_sets_all_to_zero(void **state) {
    (void)state;
    char name[64];
    struct page_counters *page = page_make_own(directory, PAGE_COUNTERS, 0640, "x", name);
    page->stripes[0].statements[PAGE_SELECT][ROUTE_ROUTED] = 5;
    page_find_table(page, "g", "shop.cache")->routed[PAGE_SELECT] = 5;
    leave_page_of_a_dead_process(3);
    page_fold(directory, 0640);
    assert_true(page_reset(directory));
    assert_int_equal(look().routed, 0);
    assert_int_equal(page->stripes[0].statements[PAGE_SELECT][ROUTE_ROUTED], 0);
    assert_int_equal(page_find_table(page, "g", "shop.cache")->routed[PAGE_SELECT], 0);
    assert_string_equal(page_find_table(page, "g", "shop.cache")->table, "shop.cache");
    page_unmap(page, PAGE_COUNTERS);
}

static void a_breaker_is_one_for_all_processes(void **state) {
    (void)state;
    char name[64];
    page_name_breaker(name, "/run/local.sock");
    struct page_breaker *one = page_open_shared(directory, PAGE_BREAKER, 0600, name);
    struct page_breaker *other = page_open_shared(directory, PAGE_BREAKER, 0600, name);
    assert_non_null(one);
    assert_non_null(other);
    one->silent_until_ms = 42;
    assert_int_equal(other->silent_until_ms, 42);
    assert_int_equal(look().breakers, 1);
    strcpy(one->header.boot, "another boot"); /* its clock means nothing now */
    struct page_breaker *third = page_open_shared(directory, PAGE_BREAKER, 0600, name);
    assert_non_null(third);
    assert_int_equal(third->silent_until_ms, 0);
    page_unmap(one, PAGE_BREAKER);
    page_unmap(other, PAGE_BREAKER);
    page_unmap(third, PAGE_BREAKER);
}

static void the_longest_lag_that_is_known_and_fresh_counts(void **state) {
    (void)state;
    enum { NOW_MS = 1000000 };
    static const struct {
        int64_t lags[3], age_ms, longest_ms;
    } cases[] = {
        {{40, 900, 80}, 0, 900},
        {{40, 900, 80}, PAGE_SITE_LAST_MS - 1, 900},
        {{40, 900, 80}, PAGE_SITE_LAST_MS, 0},
        {{40, 900, 80}, -1, 0}, /* another boot's clock */
        {{40, 900, 80}, INT64_MAX / 4, 0},
        {{-1, -1, -1}, 0, 0},
        {{-1, 30, -1}, 0, 30},
        {{INT64_MIN, INT64_MAX, 5}, 0, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct page_site lags = {.at_ms = NOW_MS - cases[i].age_ms};
        for (size_t j = 0; j < 3; j++) {
            strcpy(lags.origins[2 * j].site, "s");
            lags.origins[2 * j].lag_ms = cases[i].lags[j];
            lags.origins[2 * j + 1].lag_ms = 999999; /* a free slot's */
        }
        if (page_longest_lag_ms(&lags, NOW_MS) != cases[i].longest_ms)
            fail_msg("case %zu: got %lld", i, (long long)page_longest_lag_ms(&lags, NOW_MS));
    }
}

static void a_silence_is_believed_while_it_is_fresh_and_news(void **state) {
    (void)state;
    enum { NOW_MS = 1000000 };
    static const struct {
        int64_t since_ms, age_ms, known_ms;
        bool believed;
    } cases[] = {
        {NOW_MS - 9000, 0, 0, true},
        {NOW_MS - 9000, PAGE_SITE_LAST_MS - 1, 0, true},
        {NOW_MS - 9000, PAGE_SITE_LAST_MS, 0, false}, /* the daemon has ended */
        {NOW_MS - 9000, -1, 0, false}, /* another boot's clock */
        {0, 0, 0, false}, /* it answers */
        {-5, 0, 0, false}, /* nobody's word */
        {NOW_MS + 1, 0, 0, false}, /* the same */
        {INT64_MAX, 0, 0, false},
        {INT64_MIN, 0, 0, false},
        {NOW_MS - 9000, 0, NOW_MS - 9001, true}, /* up before that, or another silence was believed */
        {NOW_MS - 9000, 0, NOW_MS - 9000, false},
        {NOW_MS - 9000, 0, NOW_MS - 100, false}, /* found up since, or believed already */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct page_site site = {.at_ms = NOW_MS - cases[i].age_ms, .silent_since_ms = cases[i].since_ms};
        const int64_t since_ms = page_silent_since_ms(&site, NOW_MS);
        if (page_silence_is_news(since_ms, cases[i].known_ms) != cases[i].believed)
            fail_msg("case %zu: got %lld", i, (long long)since_ms);
    }
}

static void lags_are_read_from_a_file_that_nobody_else_may_write(void **state) {
    (void)state;
    char name[64];
    struct page_site lags;
    page_name_site(name, "/run/local.sock");
    assert_false(page_read_site(directory, name, &lags));
    struct page_site *page = page_open_shared(directory, PAGE_SITE, 0644, name);
    assert_non_null(page);
    strcpy(page->origins[1].site, "lyon");
    page->origins[1].lag_ms = 77;
    assert_true(page_read_site(directory, name, &lags));
    assert_int_equal(lags.origins[1].lag_ms, 77);
    struct page_site *again = page_open_shared(directory, PAGE_SITE, 0644, name); /* the daemon, started anew */
    assert_ptr_not_equal(again, NULL);
    assert_int_equal(again->origins[1].lag_ms, 77);
    page_unmap(again, PAGE_SITE);
    assert_int_equal(look().breakers, 0); /* it is no page of counters */
    memset(page->origins[1].site, 'x', sizeof page->origins[1].site);
    assert_false(page_read_site(directory, name, &lags));
    strcpy(page->origins[1].site, "lyon");
    assert_int_equal(fchmodat(directory, name, 0664, 0), 0);
    assert_false(page_read_site(directory, name, &lags));
    assert_int_equal(fchmodat(directory, name, 0644, 0), 0);
    assert_true(page_read_site(directory, name, &lags));
    if (geteuid() == 0) { /* a stranger's, in a directory where all may make files */
        assert_int_equal(fchownat(directory, name, 12345, (gid_t)-1, 0), 0);
        assert_false(page_read_site(directory, name, &lags));
        assert_int_equal(fchown(directory, 12345, (gid_t)-1), 0);
        assert_true(page_read_site(directory, name, &lags)); /* the daemon's, whose the directory is */
        assert_int_equal(fchown(directory, 0, (gid_t)-1), 0);
    }
    page_unmap(page, PAGE_SITE);
}

/* Hostile files: under the breaker's name lies something else. */
static void a_file_that_is_not_ours_alone_is_never_mapped(void **state) {
    (void)state;
    static const char *const cases[] = {
        "ln -s /etc/passwd NAME",
        "head -c 9000 /dev/zero > victim; ln -s victim NAME",
        "mkdir NAME",
        "mkfifo NAME",
        "cp GOOD NAME; chmod 0666 NAME",
        "cp GOOD NAME; chmod 0620 NAME",
        "cp GOOD NAME; ln NAME second",
    };
    char good[64], name[64], command[512];
    page_name_breaker(good, "good");
    page_name_breaker(name, "bad");
    page_unmap(page_open_shared(directory, PAGE_BREAKER, 0600, good), PAGE_BREAKER);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(command, sizeof command,
                 "cd %s && NAME=%s GOOD=%s && eval \"$(echo '%s' | sed \"s/NAME/$NAME/g; s/GOOD/$GOOD/g\")\"",
                 folder, name, good, cases[i]);
        assert_int_equal(system(command), 0);
        struct stat after;
        void *page = page_open_shared(directory, PAGE_BREAKER, 0600, name); /* made anew, or not at all */
        assert_int_equal(fstatat(directory, name, &after, AT_SYMLINK_NOFOLLOW), 0);
        if (page && (!S_ISREG(after.st_mode) || after.st_nlink != 1 || (after.st_mode & 0777) != 0600))
            fail_msg("mapped: %s", cases[i]);
        if (page)
            page_unmap(page, PAGE_BREAKER);
        snprintf(command, sizeof command, "cd %s && rm -rf %s second victim", folder, name);
        assert_int_equal(system(command), 0);
    }
}

/* Bytes that are no page, or nearly one: a case is a place in a good page and what is written there. */
static void a_damaged_page_is_not_read(void **state) {
    (void)state;
    static const struct {
        size_t at;
        unsigned char byte;
        size_t count;
    } cases[] = {
        {0, 'X', 1}, /* magic */
        {offsetof(struct page_header, layout), 0x55, 8},  /* another build */
        {offsetof(struct page_header, kind), 2, 1},       /* another kind */
        {offsetof(struct page_header, bytes), 1, 4},      /* another size */
        {offsetof(struct page_header, uid), 0x77, 4},     /* another's */
        {offsetof(struct page_header, boot), 'b', 40},    /* a text without end */
        {offsetof(struct page_header, program), 'p', 32}, /* the same */
        {offsetof(struct page_header, program), 27, 1},   /* a terminal's control */
        {offsetof(struct page_counters, tables) + offsetof(struct page_table, group), 'g', 56},
        {offsetof(struct page_counters, tables) + offsetof(struct page_table, table), 't', 136},
        {offsetof(struct page_counters, tables) + offsetof(struct page_table, table), '\n', 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[64];
        struct page_counters *page = page_make_own(directory, PAGE_COUNTERS, 0640, "x", name);
        page->stripes[0].statements[PAGE_SELECT][ROUTE_ROUTED] = 1;
        assert_int_equal(look().pages, 1);
        memset((char *)page + cases[i].at, cases[i].byte, cases[i].count);
        struct seen seen = {0};
        size_t unread = page_visit(directory, note, &seen);
        if (seen.pages != 0 || unread != 1)
            fail_msg("case %zu: %u pages, %zu unread", i, seen.pages, unread);
        page_fold(directory, 0640); /* must not touch it either */
        assert_int_equal(look().routed, 0);
        page_unmap(page, PAGE_COUNTERS);
        assert_int_equal(unlinkat(directory, name, 0), 0);
    }
}

static void any_numbers_are_only_numbers(void **state) {
    (void)state;
    char name[64];
    struct page_counters *page = page_make_own(directory, PAGE_COUNTERS, 0640, "x", name);
    memset(&page->main_least_ns, 0xFF,
           offsetof(struct page_counters, tables) - offsetof(struct page_counters, main_least_ns));
    for (int i = 0; i < PAGE_TABLES; i++)
        page->tables[i].key = page->tables[i].routed_ns = UINT64_MAX;
    page->header.pid = UINT32_MAX;
    page->header.touched_s = UINT64_MAX;
    assert_int_equal(look().pages, 1);
    struct page_counters *sum = new_sum();
    page_add(sum, page);
    page_add(sum, page);
    struct page_stripe all;
    page_sum_stripes(sum, &all);
    page_times_quantile_ns(&all.routed, 0.99);
    page_saved_ns(page);
    page_fold(directory, 0640);
    free(sum);
    page_unmap(page, PAGE_COUNTERS);
}

/* A process that was killed in between leaves a short file under another name; one under a page's name is
 * anybody's. */
static void half_files_are_not_read(void **state) {
    (void)state;
    char command[256];
    snprintf(
        command, sizeof command,
        "cd %s && head -c 100 /dev/zero > process-1-a && : > sum-0 && : > new-1-b && mkfifo process-2-c && "
        "touch -d '2 hours ago' new-1-b && mkdir observed-3-d && ln -s /dev/zero breaker-0-e",
        folder);
    assert_int_equal(system(command), 0);
    struct seen seen = {0};
    assert_int_equal(page_visit(directory, note, &seen), 5);
    assert_int_equal(seen.pages + seen.sums + seen.breakers, 0);
    page_fold(directory, 0640);
    struct stat status;
    assert_int_equal(fstatat(directory, "new-1-b", &status, 0), -1);
}

static void a_folder_that_strangers_may_rename_in_is_not_used(void **state) {
    (void)state;
    static const struct {
        mode_t mode;
        bool used;
    } cases[] = {{0700, true}, {0755, true}, {0770, false}, {0777, false}, {01777, true}, {03770, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(chmod(folder, cases[i].mode), 0);
        int opened = page_open_directory(folder, NULL, NULL, 0);
        assert_int_equal(opened >= 0, cases[i].used);
        if (opened >= 0)
            close(opened);
    }
    char link[96];
    snprintf(link, sizeof link, "%s/link", folder);
    assert_int_equal(symlink(folder, link), 0);
    assert_int_equal(page_open_directory(link, NULL, NULL, 0), -1);
    assert_int_equal(page_open_directory("/nowhere/at/all", folder, NULL, 0),
                     -1); /* what is configured is meant */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layout_is_the_one_that_is_written_down),
        cmocka_unit_test(layouts_of_different_kinds_differ),
        cmocka_unit_test(a_time_lies_within_its_bucket),
        cmocka_unit_test(a_quantile_is_the_limit_of_its_bucket),
        cmocka_unit_test(sums_meet_tables_by_their_names),
        cmocka_unit_test(tables_without_room_share_the_last_slot),
        cmocka_unit_test(long_and_odd_names_are_cut_and_cleaned),
        cmocka_unit_test(what_was_saved_is_never_less_than_nothing),
        cmocka_unit_test(tables_of_many_names_are_counted_by_what_they_have_in_common),
        cmocka_unit_test(a_breaker_that_nobody_has_needed_for_long_says_nothing),
        cmocka_unit_test_setup_teardown(an_own_page_is_seen_with_its_owner, start, stop),
        cmocka_unit_test_setup_teardown(pages_of_dead_processes_are_folded_once, start, stop),
        cmocka_unit_test_setup_teardown(pages_of_killed_processes_are_folded_by_those_that_come_after, start, stop),
        cmocka_unit_test_setup_teardown(an_interrupted_fold_adds_nothing_twice, start, stop),
        cmocka_unit_test_setup_teardown(a_reset_sets_all_to_zero, start, stop),
        cmocka_unit_test_setup_teardown(a_breaker_is_one_for_all_processes, start, stop),
        cmocka_unit_test_setup_teardown(the_longest_lag_that_is_known_and_fresh_counts, start, stop),
        cmocka_unit_test(a_silence_is_believed_while_it_is_fresh_and_news),
        cmocka_unit_test_setup_teardown(lags_are_read_from_a_file_that_nobody_else_may_write, start, stop),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_ours_alone_is_never_mapped, start, stop),
        cmocka_unit_test_setup_teardown(a_damaged_page_is_not_read, start, stop),
        cmocka_unit_test_setup_teardown(any_numbers_are_only_numbers, start, stop),
        cmocka_unit_test_setup_teardown(half_files_are_not_read, start, stop),
        cmocka_unit_test_setup_teardown(a_folder_that_strangers_may_rename_in_is_not_used, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
