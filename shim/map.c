#include "map.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

/* An open table, at most half full, probed from place to place. A reader stops at its key or at a place that
 * was never used. So a place that is given up stays `GONE` while there is anything behind it, for those who
 * are on their way to that. */
enum { FIRST_BITS = 11, GROWTH_BITS = 2 };
static const uintptr_t EMPTY = 0, GONE = 1; /* no object's addresses */

struct place {
    _Atomic uintptr_t key;
    _Atomic uintptr_t value; /* its kind is in the lowest bits */
};

/* One that has become too small is kept, since a reader may be in it and nobody's look-up is to pay for
 * saying so: together they take a third of what the last one takes. What such a reader looks for is in there:
 * it was put in before the reader looked. */
struct table {
    unsigned bits;
    struct table *smaller;
    struct place *places;
};

static struct place first_places[1 << FIRST_BITS];
static struct table first = {FIRST_BITS, NULL, first_places};
static _Atomic(struct table *) current = &first;
/* Apart from what each look-up reads: they change with each connect. */
static _Alignas(64) _Atomic size_t counts[64 / sizeof(size_t)];

static pthread_mutex_t lock =
    PTHREAD_MUTEX_INITIALIZER; /* a plain one: the thread that forks unlocks it in the child too */

/* The map is whole in a child: no other thread changes it while the process is copied. */
static void before_fork(void) {
    pthread_mutex_lock(&lock);
}
static void after_fork(void) {
    pthread_mutex_unlock(&lock);
}
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static void watch_fork(void) {
    pthread_atfork(before_fork, after_fork, after_fork);
}

static const uintptr_t KIND_MASK = 3;
_Static_assert(MAP_KINDS <= 4, "a kind fits into the bits that malloc() leaves free");

static enum map_kind kind_of(uintptr_t value) {
    return (enum map_kind)(value & KIND_MASK);
}

static void *pointer_of(uintptr_t value, enum map_kind kind) {
    return value != 0 && kind_of(value) == kind ? (void *)(value - kind) : NULL;
}

static size_t mask_of(const struct table *table) {
    return ((size_t)1 << table->bits) - 1;
}

static size_t home_of(const struct table *table, uintptr_t key) {
    return (size_t)((uint64_t)key * 0x9E3779B97F4A7C15u >> (64 - table->bits));
}

void *map_find(const void *address, enum map_kind kind) {
    const struct table *table = atomic_load_explicit(&current, memory_order_acquire);
    uintptr_t key = (uintptr_t)address;
    for (size_t i = home_of(table, key);; i = (i + 1) & mask_of(table)) {
        struct place *place = &table->places[i];
        uintptr_t here = atomic_load_explicit(&place->key, memory_order_acquire);
        if (here == key) {
            uintptr_t value = atomic_load_explicit(&place->value, memory_order_acquire);
            /* Unless it was given away in between: then the value is another's. */
            bool same = atomic_load_explicit(&place->key, memory_order_relaxed) == key;
            return same && key > GONE ? pointer_of(value, kind) : NULL;
        }
        if (here == EMPTY) {
            return NULL;
        }
    }
}

/* Below here all under the lock. */

/* The place of a key; NULL: it has none. *room: the first place that can be had for it, where it has none. */
static struct place *search(const struct table *table, uintptr_t key, struct place **room) {
    *room = NULL;
    for (size_t i = home_of(table, key);; i = (i + 1) & mask_of(table)) {
        struct place *place = &table->places[i];
        uintptr_t here = atomic_load_explicit(&place->key, memory_order_relaxed);
        if (here == key) {
            return place;
        }
        if (!*room && (here == EMPTY || here == GONE)) {
            *room = place;
        }
        if (here == EMPTY) {
            return NULL;
        }
    }
}

static void fill(struct place *place, uintptr_t key, uintptr_t value) {
    atomic_store_explicit(&place->value, value, memory_order_release);
    atomic_store_explicit(&place->key, key, memory_order_release);
}

/* Where nothing follows, nobody is on their way to it: the place, and those GONE before it, are as if never
 * used. */
static void clear(const struct table *table, struct place *place) {
    atomic_store_explicit(&place->key, GONE, memory_order_release);
    size_t mask = mask_of(table), i = (size_t)(place - table->places);
    if (atomic_load_explicit(&table->places[(i + 1) & mask].key, memory_order_relaxed) != EMPTY) {
        return;
    }
    for (; atomic_load_explicit(&table->places[i].key, memory_order_relaxed) == GONE; i = (i - 1) & mask) {
        atomic_store_explicit(&table->places[i].key, EMPTY, memory_order_release);
    }
}

static size_t count_all(void) {
    size_t count = 0;
    for (int kind = 0; kind < MAP_KINDS; kind++) {
        count += atomic_load_explicit(&counts[kind], memory_order_relaxed);
    }
    return count;
}

/* Room for one more. False: out of memory. */
static bool make_room(void) {
    struct table *table = atomic_load_explicit(&current, memory_order_relaxed);
    if (count_all() < (size_t)1 << (table->bits - 1)) {
        return true;
    }
    struct table *larger = malloc(sizeof *larger);
    struct place *places = calloc((size_t)1 << (table->bits + GROWTH_BITS), sizeof *places);
    if (!larger || !places) {
        free(larger);
        free(places);
        return false;
    }
    *larger = (struct table){table->bits + GROWTH_BITS, table, places};
    for (size_t i = 0; i <= mask_of(table); i++) {
        uintptr_t key = atomic_load_explicit(&table->places[i].key, memory_order_relaxed);
        if (key > GONE) {
            struct place *room;
            search(larger, key, &room);
            fill(room, key, atomic_load_explicit(&table->places[i].value, memory_order_relaxed));
        }
    }
    atomic_store_explicit(&current, larger, memory_order_release);
    return true;
}

bool map_put(const void *address, enum map_kind kind, void *value, void **replaced) {
    uintptr_t key = (uintptr_t)address;
    struct place *room;
    *replaced = NULL;
    pthread_once(&fork_once, watch_fork);
    pthread_mutex_lock(&lock);
    struct place *place = search(atomic_load_explicit(&current, memory_order_relaxed), key, &room);
    if (place) {
        uintptr_t old = atomic_load_explicit(&place->value, memory_order_relaxed);
        *replaced = pointer_of(old, kind);
        atomic_fetch_sub_explicit(&counts[kind_of(old)], 1, memory_order_relaxed);
        clear(atomic_load_explicit(&current, memory_order_relaxed), place);
    }
    bool added = make_room();
    if (added) {
        search(atomic_load_explicit(&current, memory_order_relaxed), key, &room);
        fill(room, key, (uintptr_t)value | kind);
        atomic_fetch_add_explicit(&counts[kind], 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&lock);
    return added;
}

void *map_take(const void *address, enum map_kind kind) {
    struct place *room;
    pthread_mutex_lock(&lock);
    const struct table *table = atomic_load_explicit(&current, memory_order_relaxed);
    struct place *place = search(table, (uintptr_t)address, &room);
    uintptr_t value = place ? atomic_load_explicit(&place->value, memory_order_relaxed) : 0;
    void *taken = pointer_of(value, kind);
    if (taken) {
        atomic_fetch_sub_explicit(&counts[kind], 1, memory_order_relaxed);
        clear(table, place);
    }
    pthread_mutex_unlock(&lock);
    return taken;
}

size_t map_count(enum map_kind kind) {
    return atomic_load_explicit(&counts[kind], memory_order_relaxed);
}

void map_walk(enum map_kind kind, bool (*visit)(void *context, void *value), void *context) {
    pthread_mutex_lock(&lock);
    const struct table *table = atomic_load_explicit(&current, memory_order_relaxed);
    bool more = true;
    for (size_t i = 0; more && i <= mask_of(table); i++) {
        uintptr_t key = atomic_load_explicit(&table->places[i].key, memory_order_relaxed);
        uintptr_t value = atomic_load_explicit(&table->places[i].value, memory_order_relaxed);
        void *found = key > GONE ? pointer_of(value, kind) : NULL;
        more = !found || visit(context, found);
    }
    pthread_mutex_unlock(&lock);
}
