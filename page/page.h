/* The pages of shared memory in which processes count, as they lie in their files: fixed layouts, and the
 * pure functions that read, add and judge them. No file is touched here (files.h), no lock is taken. Numbers
 * are in the machine's byte order; pages never leave their host. Each file is made whole under another name
 * and then given its own, so a reader never meets half a header; what it meets may still be anybody's bytes,
 * and is judged by page_is_sound() before it is looked at.
 *
 *   process-PID-...      struct page_counters of one living or dead process, written by that process only
 *   observed-PID-...     struct page_observation of one process in observe mode
 *   sum-UID, seen-UID    the same two, of processes that have ended, added up by programs of that user
 *   breaker-UID-HASH     struct page_breaker of one local master, written by all processes of that user
 *   site-HASH            struct page_site of one local master, written by the daemon
 *
 * No statement, no value: the only texts are a program's name, names of groups, patterns and tables, columns
 * and the local master's address. */
#ifndef ROUNDABOUT_PAGE_H
#define ROUNDABOUT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"

enum page_kind { PAGE_COUNTERS = 1, PAGE_OBSERVATION = 2, PAGE_BREAKER = 3, PAGE_SITE = 4 };

enum {
    PAGE_VERSION = 3,
    PAGE_STRIPES = 4,   /* threads are spread over these, so that they seldom share a cache line */
    PAGE_TABLES = 32,   /* the last one takes in what finds no room */
    PAGE_OBSERVED = 512, /* the same; 190 kB in each process that is observed */
    PAGE_OBSERVED_FULL = 384, /* so many taken, and tables whose names differ by digits begin to share one */
    PAGE_BUCKETS = 28,
    PAGE_ORIGINS = 16,
};

struct page_header { /* 192 bytes */
    char magic[8];   /* PAGE_MAGIC without NUL */
    uint64_t layout; /* page_layout(kind): version, sizes and names in one word */
    uint32_t kind;
    uint32_t bytes; /* of the whole page */
    uint32_t pid; /* 0: of a sum or a breaker */
    uint32_t uid;
    uint64_t start_ticks;   /* of that pid, from /proc/PID/stat; 0: not known */
    uint64_t pid_namespace; /* inode of /proc/self/ns/pid; 0: not known */
    uint64_t started_s;     /* since 1970 */
    uint64_t touched_s;     /* since 1970: counted here about then */
    char boot[40];          /* the host's boot id, NUL-terminated */
    char program[32];       /* the program's short name, NUL-terminated, printable; "" of a sum */
    uint64_t folded_pid;    /* of a sum: the process added last, so that none is added twice */
    uint64_t folded_ticks;
    uint64_t reserved[5];
};
#define PAGE_MAGIC "ROUNDABT"

/* Times of calls by their length. Bucket b counts those of at most page_bucket_limit_ns(b) that don't fit in
 * one before. */
struct page_times {
    uint64_t sum_ns;
    uint64_t buckets[PAGE_BUCKETS]; /* their sum is the number of times */
};

/* All words are sums that only grow, but for saved_ns. */
struct page_stripe {
    uint64_t statements[PAGE_VERB_COUNT][ROUTE_REASON_COUNT];
    uint64_t fallbacks[PAGE_CAUSE_COUNT];
    uint64_t events[PAGE_EVENT_COUNT];
    struct page_times routed; /* all routed ones: from the decision to the answer */
    struct page_times passed; /* one in PAGE_SAMPLE of those passed, and all that main was asked by the shim:
                                 main's own call, succeeded */
    uint64_t saved_ns; /* an int64_t: what routing has saved, or lost; 0 in a sum */
} __attribute__((aligned(64)));
enum { PAGE_SAMPLE = 64 };

/* One cache table as the configuration names it. */
struct page_table {
    uint64_t key;    /* of both names; 0: free. Of the last slot: not used */
    char group[56];  /* the group's name, cut to fit, NUL-terminated */
    char table[136]; /* its pattern, "database.table", the same */
    uint64_t routed[PAGE_VERB_COUNT];
    uint64_t reasons[ROUTE_REASON_COUNT]; /* of all its statements, routed ones included */
    uint64_t routed_ns;
};

struct page_counters {
    struct page_header header;
    uint64_t main_least_ns;  /* the shortest time main has taken to answer; 0: not seen */
    uint64_t main_recent_ns; /* the same, of late: an average in which the newest counts an eighth */
    uint64_t saved_ns;       /* of a sum: what the processes in it had saved */
    uint64_t processes;      /* of a sum: how many are in it */
    uint64_t pages;          /* of a sum: pages that exist of this user's processes, about */
    uint64_t reserved[3];
    struct page_stripe stripes[PAGE_STRIPES];
    struct page_table tables[PAGE_TABLES];
};

/* One table as statements name it. */
struct page_observed {
    uint64_t key;      /* 0: free. Of the last slot: not used */
    char table[136];   /* "database.table" */
    char columns[112]; /* what it was read by first: "k" or "site,k", sorted; "" not yet */
    uint64_t uses[PAGE_USE_COUNT];
    uint64_t in_transaction; /* of all uses */
    uint64_t other_columns;  /* of those by key: by others than `columns` */
    uint64_t timed;          /* keyed reads and replaces that were timed */
    uint64_t timed_ns;       /* what they took, on main */
};

struct page_observation {
    struct page_header header;
    uint64_t main_least_ns;
    uint64_t statements; /* all */
    uint64_t processes;  /* of a sum */
    uint64_t taken;      /* slots */
    uint64_t reserved[4];
    struct page_observed tables[PAGE_OBSERVED];
};

struct page_breaker {
    struct page_header header; /* program "": it is everybody's */
    char address[128];         /* of the local master */
    int64_t silent_until_ms;   /* CLOCK_MONOTONIC of this boot; 0: closed, the local master is up */
    uint64_t opened_s;         /* since 1970, when it opened last; 0: never */
    uint64_t closed_s;
    uint64_t opens;
    uint64_t probes;
    uint64_t opener; /* the pid that opened it last */
    int64_t connecting_since_ms; /* CLOCK_MONOTONIC: somebody has been opening a connection since then; 0: nobody */
    int64_t known_ms; /* the same, when it was last found up, or the site's page was believed; 0: never */
    uint64_t connecting; /* how many have begun since connecting_since_ms was set */
    uint64_t reserved[7];
};

/* Whoever needs an open one's local master tries it again, and says so in it. When nobody has for this long, it isn't known
 * any more what it is like: the programs have ended, or go to another one. */
#define PAGE_BREAKER_LAST_MS 600000
enum page_breaker_state { PAGE_BREAKER_CLOSED, PAGE_BREAKER_OPEN, PAGE_BREAKER_FORGOTTEN };
enum page_breaker_state page_breaker_state(const struct page_breaker *breaker, int64_t now_ms);

/* How long the writes of one site take to get to the local master. */
struct page_origin {
    char site[56];  /* cut to fit, NUL-terminated; "": the slot is free */
    int64_t lag_ms; /* while none arrives: by how much it lies behind at least; -1: not known */
};

struct page_site {
    struct page_header header; /* program "": it is everybody's */
    int64_t at_ms;             /* CLOCK_MONOTONIC of this boot, when it was written last */
    int64_t silent_since_ms;   /* the same, of the local master; 0: it answers, or that isn't known */
    uint64_t reserved[6];
    struct page_origin origins[PAGE_ORIGINS];
};

#define PAGE_SITE_LAST_MS 5000
/* The longest lag at `now_ms`; 0: none is known, or the page is too old to be believed. */
int64_t page_longest_lag_ms(const struct page_site *site, int64_t now_ms);
/* Since when the local master has been silent; 0: nobody says so, or not now. */
int64_t page_silent_since_ms(const struct page_site *site, int64_t now_ms);
/* Is that to be believed by those who last knew better, or believed it, at `known_ms` (page_breaker)? */
bool page_silence_is_news(int64_t silent_since_ms, int64_t known_ms);

/* The word that says how a page of this build is laid out; another build's differs if anything else does. */
uint64_t page_layout(enum page_kind kind);
size_t page_size(enum page_kind kind); /* of its file, to the byte */

/* May these bytes be read as a page of that kind? Then all its texts end within their fields and hold no
 * control characters; numbers may still be any. `page` is 8-byte aligned. */
bool page_is_sound(const void *page, size_t size, enum page_kind kind);
/* The other build's page, which can't be read but is one. */
bool page_is_foreign(const void *page, size_t size);

unsigned page_bucket_of(uint64_t ns);
uint64_t page_bucket_limit_ns(unsigned bucket); /* UINT64_MAX: the last, without a limit */
uint64_t page_times_count(const struct page_times *times);
/* The limit of the bucket within which this share (0 to 1) of all times lies; 0: there are none. */
uint64_t page_times_quantile_ns(const struct page_times *times, double share);

/* All stripes in one. */
void page_sum_stripes(const struct page_counters *page, struct page_stripe *sum);
uint64_t page_stripe_total(const struct page_stripe *stripe);
uint64_t page_stripe_reason(const struct page_stripe *stripe, enum route_reason reason);

/* What routing has saved: what each routed statement would have taken on main, by the shortest time that main has taken to
 * answer on the same connection, less what it took. 0 if that is less. It isn't known while main_least_ns is 0. */
uint64_t page_saved_ns(const struct page_counters *page);

/* Adds what a page counted to another; into `sum` by atomic additions, so that several processes may at once.
 * Tables meet by their names. A sum's main times are the least, and the newest. */
void page_add(struct page_counters *sum, const struct page_counters *page);
void page_add_observed(struct page_observation *sum, const struct page_observation *page);

/* The slot of a table, taken if it is new; the last one, named "", when all are. Lock-free; NUL-terminated
 * names are cut to fit. */
struct page_table *page_find_table(struct page_counters *page, const char *group, const char *table);
/* The same. A page that is filling up counts a new table with others whose names are the same but for digits, under the
 * name with ? for each digit. */
struct page_observed *page_find_observed(struct page_observation *page, const char *table);

#endif
