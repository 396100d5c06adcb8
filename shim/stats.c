#define _GNU_SOURCE
#include "stats.h"

#include "../page/files.h"
#include "setup.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RECENT_TABLES = 8 };

static _Atomic(struct page_counters *) own; /* NULL: not made yet, or not to be had */
static _Atomic bool tried;
static char own_name[64], own_directory[512]; /* where it lies, and by which rights: also after a reload */
static unsigned own_mode;
static _Atomic unsigned generation; /* of `own` */
static _Atomic unsigned threads;

static __thread unsigned own_stripe
    __attribute__((tls_model("initial-exec"))); /* 0: not chosen; else from 1 on */

static __thread unsigned uncounted __attribute__((tls_model("initial-exec"))); /* statements, without a page */

/* The tables that this thread met lately. A configuration's tables are never freed (setup.h). */
struct recent_table {
    const struct config_table *table;
    struct page_table *slot;
    unsigned generation;
};
static __thread struct recent_table recent[RECENT_TABLES] __attribute__((tls_model("initial-exec")));

/* The page is the parent's: the child makes one of its own with its first statement. The mapping is left: the
 * page may be in use by a signal handler's frame below, and a child that lives on holds one at most. */
static void forget_in_child(void) {
    atomic_store(&own, NULL);
    atomic_store(&tried, false);
    atomic_fetch_add(&generation, 1);
}

static void watch_fork(void) {
    pthread_atfork(NULL, NULL, forget_in_child);
}
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static struct page_counters *make(void) {
    const struct config *config = setup_config();
    struct page_counters *page = NULL;
    if (!config || atomic_exchange(&tried, true))
        return atomic_load(&own); /* another thread is at it: what comes meanwhile isn't counted */
    if (!config->stats.enabled)
        return NULL;
    int kept_errno = errno;
    pthread_once(&fork_once, watch_fork);
    int directory = page_open_directory(config->stats.directory, setup_runtime_directory(), own_directory,
                                        sizeof own_directory);
    own_mode = config_stats_mode(&config->stats);
    if (directory >= 0) {
        page = page_make_own(directory, PAGE_COUNTERS, own_mode, program_invocation_short_name, own_name);
        close(directory);
    }
    atomic_store(&own, page);
    errno = kept_errno;
    return page;
}

static inline struct page_counters *page_of_process(void) {
    struct page_counters *page = atomic_load_explicit(&own, memory_order_acquire);
    if (__builtin_expect(page != NULL, 1))
        return page;
    return atomic_load_explicit(&tried, memory_order_relaxed) ? NULL : make();
}

void stats_start(void) {
    page_of_process();
}

static inline struct page_stripe *stripe_of_thread(struct page_counters *page) {
    if (__builtin_expect(own_stripe == 0, 0))
        own_stripe = 1 + atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % PAGE_STRIPES;
    return &page->stripes[own_stripe - 1];
}

static inline uint64_t add(uint64_t *word, uint64_t more) {
    return __atomic_fetch_add(word, more, __ATOMIC_RELAXED);
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

bool stats_count(enum page_verb verb, enum route_reason reason) {
    struct page_counters *page = page_of_process();
    if (!page)
        return uncounted++ % PAGE_SAMPLE == 0; /* for those who look about now and then */
    return add(&stripe_of_thread(page)->statements[verb][reason], 1) % PAGE_SAMPLE == 0;
}

static struct page_table *slot_of(struct page_counters *page, const struct config_group *group,
                                  const struct config_table *table) {
    unsigned now = atomic_load_explicit(&generation, memory_order_relaxed);
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

void stats_note_routed(uint64_t ns) {
    struct page_counters *page = page_of_process();
    if (page)
        note_time(&stripe_of_thread(page)->routed, ns);
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
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    set(&page->header.touched_s, (uint64_t)now.tv_sec);
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

/* At the end of a process its page goes into the sum; one that is killed leaves it to `roundabout stats` and
 * the daemon. Not in a child made without pthread_atfork's handlers: the page is its parent's. The mapping
 * stays, since other threads may still run. */
__attribute__((destructor)) static void fold(void) {
    struct page_counters *page = atomic_exchange(&own, NULL);
    if (!page || page->header.pid != (uint32_t)getpid())
        return;
    int directory = page_open_directory(own_directory, NULL, NULL, 0);
    if (directory >= 0) {
        page_fold_own(directory, own_mode, page, PAGE_COUNTERS, own_name);
        close(directory);
    }
}
