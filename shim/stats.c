#define _GNU_SOURCE
#include "stats.h"

#include "own_page.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define is_single_threaded __libc_single_threaded /* never again true once it was false */
#else
#define is_single_threaded false
#endif

enum { RECENT_TABLES = 8 };

static struct own_page own = {.kind = PAGE_COUNTERS};
static _Atomic unsigned threads;

static __thread unsigned own_stripe
    __attribute__((tls_model("initial-exec"))); /* 0: not chosen; else from 1 on */
static __thread unsigned uncounted
    __attribute__((tls_model("initial-exec"))); /* statements, without a page */

/* The tables that this thread met lately. A configuration's tables are never freed (setup.h). */
struct recent_table {
    const struct config_table *table;
    struct page_table *slot;
    unsigned generation;
};
static __thread struct recent_table recent[RECENT_TABLES] __attribute__((tls_model("initial-exec")));

static inline struct page_counters *page_of_process(void) {
    return own_page_find(&own);
}

void stats_start(void) {
    page_of_process();
}

static inline struct page_stripe *stripe_of_thread(struct page_counters *page) {
    if (__builtin_expect(own_stripe == 0, 0))
        own_stripe = 1 + atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % PAGE_STRIPES;
    return &page->stripes[own_stripe - 1];
}

/* Returns what it was before. The page is this process's own: while that has one thread nobody else adds, and
 * none of the six locked instructions of a routed statement is needed. */
static inline uint64_t add(uint64_t *word, uint64_t more) {
    if (!is_single_threaded)
        return __atomic_fetch_add(word, more, __ATOMIC_RELAXED);
    uint64_t before = __atomic_load_n(word, __ATOMIC_RELAXED);
    __atomic_store_n(word, before + more, __ATOMIC_RELAXED);
    return before;
}

static void set(uint64_t *word, uint64_t value) {
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

enum page_verb stats_verb(enum sql_verb verb) {
    switch (verb) {
    case SQL_SELECT:
        return PAGE_SELECT;
    case SQL_REPLACE:
        return PAGE_REPLACE;
    case SQL_INSERT:
        return PAGE_INSERT;
    case SQL_UPDATE:
        return PAGE_UPDATE;
    case SQL_DELETE:
        return PAGE_DELETE;
    default:
        return PAGE_OTHER;
    }
}

uint64_t stats_count(enum page_verb verb, enum route_reason reason) {
    struct page_counters *page = page_of_process();
    if (!page)
        return uncounted++;
    uint64_t before = add(&stripe_of_thread(page)->statements[verb][reason], 1);
    if (stats_is_timed(before))
        own_page_touch(&page->header);
    return before;
}

static struct page_table *slot_of(struct page_counters *page, const struct config_group *group,
                                  const struct config_table *table) {
    unsigned now = atomic_load_explicit(&own_page_generation, memory_order_relaxed);
    struct recent_table *place = &recent[((uintptr_t)table / sizeof *table) % RECENT_TABLES];
    if (place->table != table || place->generation != now) {
        char name[300];
        size_t database = strnlen(table->database, sizeof name / 2 - 1);
        size_t length = strnlen(table->table, sizeof name / 2 - 1);
        memcpy(name, table->database, database);
        name[database] = '.';
        memcpy(name + database + 1, table->table, length);
        name[database + 1 + length] = '\0';
        *place = (struct recent_table){table, page_find_table(page, group->name, name), now};
    }
    return place->slot;
}

void stats_count_table(const struct config_group *group, const struct config_table *table,
                       enum page_verb verb, enum route_reason reason, uint64_t ns) {
    struct page_counters *page = page_of_process();
    if (!page || !table)
        return;
    struct page_table *slot = slot_of(page, group, table);
    add(&slot->reasons[reason], 1);
    if (reason == ROUTE_ROUTED) {
        add(&slot->routed[verb], 1);
        add(&slot->routed_ns, ns);
    }
}

static void note_time(struct page_times *times, uint64_t ns) {
    add(&times->sum_ns, ns);
    add(&times->buckets[page_bucket_of(ns)], 1);
}

void stats_note_routed(uint64_t ns, uint64_t main_ns) {
    struct page_counters *page = page_of_process();
    if (!page)
        return;
    struct page_stripe *stripe = stripe_of_thread(page);
    note_time(&stripe->routed, ns);
    if (main_ns > 0)
        add(&stripe->saved_ns, main_ns - ns); /* less than nothing, too */
}

/* Two threads at once may lose one of two times: the numbers are estimates. */
void stats_note_main(uint64_t ns) {
    struct page_counters *page = page_of_process();
    if (!page || ns == 0)
        return;
    note_time(&stripe_of_thread(page)->passed, ns);
    uint64_t least = __atomic_load_n(&page->main_least_ns, __ATOMIC_RELAXED);
    uint64_t average = __atomic_load_n(&page->main_recent_ns, __ATOMIC_RELAXED);
    if (least == 0 || ns < least)
        set(&page->main_least_ns, ns);
    set(&page->main_recent_ns, average == 0 ? ns : average - average / 8 + ns / 8);
}

void stats_count_fallback(enum page_cause cause) {
    struct page_counters *page = page_of_process();
    if (page)
        add(&stripe_of_thread(page)->fallbacks[cause], 1);
}

void stats_count_event(enum page_event event) {
    struct page_counters *page = page_of_process();
    if (page)
        add(&stripe_of_thread(page)->events[event], 1);
}

uint64_t stats_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
