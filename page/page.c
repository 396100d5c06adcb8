#include "page.h"

#include <string.h>

_Static_assert(sizeof(struct page_header) == 192, "the header's layout is fixed");
_Static_assert(sizeof(struct page_site) % 64 == 0, "a page shares no cache line");
_Static_assert(sizeof(struct page_table) % 8 == 0 && sizeof(struct page_observed) % 8 == 0, "whole words");
_Static_assert(sizeof(struct page_stripe) % 64 == 0, "a stripe shares no cache line");

static uint64_t mix(uint64_t hash, const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * 1099511628211u;
    return hash;
}

static uint64_t mix_text(uint64_t hash, const char *text) {
    return mix(hash, text, strlen(text) + 1);
}

static const uint64_t SEED = 14695981039346656037u;

size_t page_size(enum page_kind kind) {
    switch (kind) {
    case PAGE_COUNTERS:
        return sizeof(struct page_counters);
    case PAGE_OBSERVATION:
        return sizeof(struct page_observation);
    case PAGE_BREAKER:
        return sizeof(struct page_breaker);
    case PAGE_SITE:
        return sizeof(struct page_site);
    }
    return 0;
}

uint64_t page_layout(enum page_kind kind) {
    const uint64_t sizes[] = {PAGE_VERSION, kind,          page_size(kind), PAGE_STRIPES,
                              PAGE_TABLES,  PAGE_OBSERVED, PAGE_BUCKETS};
    uint64_t hash = mix(SEED, sizes, sizeof sizes);
    for (int i = 0; i < ROUTE_REASON_COUNT; i++)
        hash = mix_text(hash, route_reason_name((enum route_reason)i));
    for (int i = 0; i < PAGE_VERB_COUNT; i++)
        hash = mix_text(hash, page_verb_name((enum page_verb)i));
    for (int i = 0; i < PAGE_CAUSE_COUNT; i++)
        hash = mix_text(hash, page_cause_name((enum page_cause)i));
    for (int i = 0; i < PAGE_EVENT_COUNT; i++)
        hash = mix_text(hash, page_event_name((enum page_event)i));
    for (int i = 0; i < PAGE_USE_COUNT; i++)
        hash = mix_text(hash, page_use_name((enum page_use)i));
    return hash;
}

static bool is_control(char byte) {
    return (unsigned char)byte < ' ' || byte == 0x7F;
}

static bool is_text(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\0')
            return true;
        /* U+0080 to U+009F are controls, too, and a terminal may take them without their first byte. */
        bool is_high = (unsigned char)text[i] >= 0x80 && (unsigned char)text[i] < 0xA0;
        if (is_control(text[i]) || (is_high && (i == 0 || (unsigned char)text[i - 1] < 0x80 || text[i - 1] == '\xC2')))
            return false;
    }
    return false;
}

bool page_is_foreign(const void *page, size_t size) {
    const struct page_header *header = page;
    return size >= sizeof *header && memcmp(header->magic, PAGE_MAGIC, sizeof header->magic) == 0 &&
           header->kind >= PAGE_COUNTERS && header->kind <= PAGE_SITE &&
           header->layout != page_layout((enum page_kind)header->kind);
}

bool page_is_sound(const void *page, size_t size, enum page_kind kind) {
    const struct page_header *header = page;
    if (size != page_size(kind) || memcmp(header->magic, PAGE_MAGIC, sizeof header->magic) != 0 ||
        header->kind != kind || header->bytes != size || header->layout != page_layout(kind) ||
        !is_text(header->boot, sizeof header->boot) || !is_text(header->program, sizeof header->program))
        return false;
    if (kind == PAGE_BREAKER) {
        const struct page_breaker *breaker = page;
        return is_text(breaker->address, sizeof breaker->address);
    }
    bool all_are = true;
    if (kind == PAGE_SITE) {
        const struct page_site *site = page;
        for (size_t i = 0; i < PAGE_ORIGINS; i++)
            all_are &= is_text(site->origins[i].site, sizeof site->origins[i].site);
    } else if (kind == PAGE_COUNTERS) {
        const struct page_counters *counters = page;
        for (size_t i = 0; i < PAGE_TABLES; i++)
            all_are &= is_text(counters->tables[i].group, sizeof counters->tables[i].group) &&
                       is_text(counters->tables[i].table, sizeof counters->tables[i].table);
    } else {
        const struct page_observation *observation = page;
        for (size_t i = 0; i < PAGE_OBSERVED; i++)
            all_are &= is_text(observation->tables[i].table, sizeof observation->tables[i].table) &&
                       is_text(observation->tables[i].columns, sizeof observation->tables[i].columns);
    }
    return all_are;
}

static bool is_fresh(const struct page_site *site, int64_t now_ms) {
    return site->at_ms <= now_ms && site->at_ms > now_ms - PAGE_SITE_LAST_MS; /* ahead: of another boot */
}

int64_t page_longest_lag_ms(const struct page_site *site, int64_t now_ms) {
    int64_t longest_ms = 0;
    for (size_t i = 0; is_fresh(site, now_ms) && i < PAGE_ORIGINS; i++)
        if (site->origins[i].site[0] && site->origins[i].lag_ms > longest_ms)
            longest_ms = site->origins[i].lag_ms;
    return longest_ms;
}

int64_t page_silent_since_ms(const struct page_site *site, int64_t now_ms) {
    const int64_t since_ms = site->silent_since_ms;
    return is_fresh(site, now_ms) && since_ms > 0 && since_ms <= now_ms ? since_ms : 0;
}

bool page_silence_is_news(int64_t silent_since_ms, int64_t known_ms) {
    return silent_since_ms > known_ms;
}

enum page_breaker_state page_breaker_state(const struct page_breaker *breaker, int64_t now_ms) {
    const int64_t until_ms = __atomic_load_n(&breaker->silent_until_ms, __ATOMIC_RELAXED);
    if (until_ms == 0)
        return PAGE_BREAKER_CLOSED;
    const bool is_recent = until_ms > 0 && now_ms - until_ms < PAGE_BREAKER_LAST_MS;
    return is_recent ? PAGE_BREAKER_OPEN : PAGE_BREAKER_FORGOTTEN;
}

/* Times */

enum { LEAST_BUCKET_BITS = 10 }; /* the first takes up to 1.024 microseconds, each further twice as much */

unsigned page_bucket_of(uint64_t ns) {
    if (ns <= 1u << LEAST_BUCKET_BITS)
        return 0;
    unsigned bits = 64 - (unsigned)__builtin_clzll(ns - 1);
    unsigned bucket = bits - LEAST_BUCKET_BITS;
    return bucket < PAGE_BUCKETS ? bucket : PAGE_BUCKETS - 1;
}

uint64_t page_bucket_limit_ns(unsigned bucket) {
    return bucket >= PAGE_BUCKETS - 1 ? UINT64_MAX : UINT64_C(1) << (LEAST_BUCKET_BITS + bucket);
}

uint64_t page_times_count(const struct page_times *times) {
    uint64_t count = 0;
    for (unsigned i = 0; i < PAGE_BUCKETS; i++)
        count += times->buckets[i];
    return count;
}

uint64_t page_times_quantile_ns(const struct page_times *times, double share) {
    uint64_t count = page_times_count(times);
    uint64_t below = 0;
    for (unsigned i = 0; i < PAGE_BUCKETS && count > 0; i++) {
        below += times->buckets[i];
        if (below > 0 && (double)below >= share * (double)count)
            return page_bucket_limit_ns(i);
    }
    return 0;
}

/* Sums */

static uint64_t load(const uint64_t *word) {
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void add(uint64_t *word, uint64_t more) {
    if (more > 0)
        __atomic_fetch_add(word, more, __ATOMIC_RELAXED);
}

static void add_words(void *sum, const void *more, size_t bytes) {
    uint64_t *to = sum;
    const uint64_t *from = more;
    for (size_t i = 0; i < bytes / sizeof *to; i++)
        add(&to[i], load(&from[i]));
}

void page_sum_stripes(const struct page_counters *page, struct page_stripe *sum) {
    memset(sum, 0, sizeof *sum);
    for (size_t i = 0; i < PAGE_STRIPES; i++)
        add_words(sum, &page->stripes[i], sizeof *sum);
}

uint64_t page_stripe_reason(const struct page_stripe *stripe, enum route_reason reason) {
    uint64_t total = 0;
    for (unsigned verb = 0; verb < PAGE_VERB_COUNT; verb++)
        total += stripe->statements[verb][reason];
    return total;
}

uint64_t page_stripe_total(const struct page_stripe *stripe) {
    uint64_t total = 0;
    for (unsigned reason = 0; reason < ROUTE_REASON_COUNT; reason++)
        total += page_stripe_reason(stripe, (enum route_reason)reason);
    return total;
}

static bool is_sum(const struct page_header *header) {
    return header->pid == 0;
}

uint64_t page_saved_ns(const struct page_counters *page) {
    if (is_sum(&page->header))
        return load(&page->saved_ns);
    uint64_t saved_ns = 0;
    for (size_t i = 0; i < PAGE_STRIPES; i++)
        saved_ns += load(&page->stripes[i].saved_ns);
    return saved_ns <= INT64_MAX ? saved_ns : 0;
}

static void take_least(uint64_t *least, uint64_t other) {
    uint64_t there = load(least);
    while (other > 0 && (there == 0 || other < there) &&
           !__atomic_compare_exchange_n(least, &there, other, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

static void take_newest(uint64_t *newest, uint64_t other) {
    if (other > 0)
        __atomic_store_n(newest, other, __ATOMIC_RELAXED);
}

/* Names. A slot belongs to whoever writes its key; the names follow, the same whoever writes them, and the
 * last byte of a field is never written. */
static void copy_name(char *to, size_t size, const char *name) {
    for (size_t i = 0; i + 1 < size && name[i]; i++)
        to[i] = is_control(name[i]) ? '?' : name[i];
}

static uint64_t key_of(const char *one, const char *other) {
    uint64_t key = mix_text(mix_text(SEED, one), other);
    return key ? key : 1;
}

/* The slot with that key or a free one, taken if it may be; NULL: there is none among those that are looked at. `first` is
 * the key of the first slot. */
static void *find_slot(void *first, size_t slot_bytes, size_t slots, uint64_t key, bool may_take, bool *taken) {
    enum { LOOKED_AT = 64 };
    *taken = false;
    for (size_t i = 0; i < slots && i < LOOKED_AT; i++) {
        uint64_t *place = (uint64_t *)(void *)((char *)first + ((key + i) % slots) * slot_bytes);
        uint64_t there = __atomic_load_n(place, __ATOMIC_ACQUIRE);
        if (there == 0 && !may_take)
            return NULL;
        if (there == 0) {
            *taken =
                __atomic_compare_exchange_n(place, &there, key, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
            if (*taken)
                return place;
        }
        if (there == key)
            return place;
    }
    return NULL;
}

struct page_table *page_find_table(struct page_counters *page, const char *group, const char *table) {
    bool taken;
    struct page_table *slot =
        find_slot(page->tables, sizeof page->tables[0], PAGE_TABLES - 1, key_of(group, table), true, &taken);
    if (taken) {
        copy_name(slot->group, sizeof slot->group, group);
        copy_name(slot->table, sizeof slot->table, table);
    }
    return slot ? slot : &page->tables[PAGE_TABLES - 1];
}

static struct page_observed *find_observed(struct page_observation *page, const char *table, bool may_take) {
    bool taken;
    struct page_observed *slot =
        find_slot(page->tables, sizeof page->tables[0], PAGE_OBSERVED - 1, key_of("", table), may_take, &taken);
    if (taken) {
        copy_name(slot->table, sizeof slot->table, table);
        add(&page->taken, 1);
    }
    return slot;
}

/* False: there is no digit in it. */
static bool hide_digits(char *to, size_t size, const char *name) {
    bool hidden = false;
    size_t i = 0;
    for (; i + 1 < size && name[i]; i++) {
        const bool is_digit = name[i] >= '0' && name[i] <= '9';
        to[i] = is_digit ? '?' : name[i];
        hidden |= is_digit;
    }
    to[i] = '\0';
    return hidden;
}

struct page_observed *page_find_observed(struct page_observation *page, const char *table) {
    char alike[sizeof page->tables[0].table];
    const bool shares = load(&page->taken) >= PAGE_OBSERVED_FULL && hide_digits(alike, sizeof alike, table);
    struct page_observed *slot = find_observed(page, table, !shares);
    if (!slot && shares)
        slot = find_observed(page, alike, true);
    return slot ? slot : &page->tables[PAGE_OBSERVED - 1];
}

void page_add(struct page_counters *sum, const struct page_counters *page) {
    struct page_stripe all;
    page_sum_stripes(page, &all);
    all.saved_ns = 0; /* reckoned below: what one has lost takes nothing off what others have saved */
    add_words(&sum->stripes[0], &all, sizeof all);
    add(&sum->saved_ns, page_saved_ns(page));
    add(&sum->processes, is_sum(&page->header) ? page->processes : 1);
    take_least(&sum->main_least_ns, load(&page->main_least_ns));
    take_newest(&sum->main_recent_ns, load(&page->main_recent_ns));
    for (size_t i = 0; i < PAGE_TABLES; i++) {
        const struct page_table *from = &page->tables[i];
        bool last = i == PAGE_TABLES - 1;
        if (from->key == 0 && !last)
            continue;
        struct page_table *to = last ? &sum->tables[i] : page_find_table(sum, from->group, from->table);
        add_words(to->routed, from->routed, sizeof *from - offsetof(struct page_table, routed));
    }
}

void page_add_observed(struct page_observation *sum, const struct page_observation *page) {
    add(&sum->statements, load(&page->statements));
    add(&sum->processes, is_sum(&page->header) ? page->processes : 1);
    take_least(&sum->main_least_ns, load(&page->main_least_ns));
    for (size_t i = 0; i < PAGE_OBSERVED; i++) {
        const struct page_observed *from = &page->tables[i];
        bool last = i == PAGE_OBSERVED - 1;
        if (from->key == 0 && !last)
            continue;
        struct page_observed *to = last ? &sum->tables[i] : page_find_observed(sum, from->table);
        if (!to->columns[0])
            copy_name(to->columns, sizeof to->columns, from->columns);
        add_words(to->uses, from->uses, sizeof *from - offsetof(struct page_observed, uses));
        if (strcmp(to->columns, from->columns) != 0 && from->columns[0])
            add(&to->other_columns, from->uses[PAGE_USE_READ_BY_KEY]);
    }
}
