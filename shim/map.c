#include "map.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
static bool out_of_memory; /* under the lock, as all that uthash does here */
#define uthash_nonfatal_oom(element) (out_of_memory = true)
#include <uthash.h>

/* An entry that is given up is kept for the next put: it may always be read, though what it holds may be
 * another's by then. */
struct entry {
    _Atomic uintptr_t address; /* 0: given up */
    _Atomic uintptr_t value;   /* its kind is in the lowest bits */
    UT_hash_handle hh;         /* given up: its `next` is the next of those */
};

static struct entry *entries, *free_entries;
/* Apart from what each look-up reads: they change with each connect. */
static _Alignas(64) _Atomic size_t counts[64 / sizeof(size_t)];
static pthread_mutex_t lock =
    PTHREAD_MUTEX_INITIALIZER; /* a plain one: the thread that forks unlocks it in the child too */

/* Where look-ups without the lock find their entry: in one of two places by its address. With 10,000 objects
 * one in a hundred has lost both to others, and is looked up in the map. Pages of it that nobody uses take no
 * memory. */
enum { PLACE_BITS = 16 };
static _Atomic(struct entry *) places[1 << PLACE_BITS];

static const uintptr_t KIND_MASK = 3;
_Static_assert(MAP_KINDS <= 4, "a kind fits into the bits that malloc() leaves free");

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
/* Registered by the first call alone it may come too late for a fork that has begun, whose child would inherit
 * the lock. A constructor of another library may come even before. */
__attribute__((constructor)) static void watch_fork_once(void) {
    pthread_once(&fork_once, watch_fork);
}

static enum map_kind kind_of(uintptr_t value) {
    return (enum map_kind)(value & KIND_MASK);
}

static void *pointer_of(uintptr_t value, enum map_kind kind) {
    return value != 0 && kind_of(value) == kind ? (void *)(value - kind) : NULL;
}

static size_t place_of(uintptr_t address) {
    return (size_t)((uint64_t)address * 0x9E3779B97F4A7C15u >> (64 - PLACE_BITS));
}

/* The entry of an address, if it stands there. What holds this address is its owner's, who is asking: nobody
 * changes it meanwhile. */
static struct entry *look_at(size_t place, uintptr_t address) {
    struct entry *entry = atomic_load_explicit(&places[place], memory_order_acquire);
    return entry && atomic_load_explicit(&entry->address, memory_order_acquire) == address ? entry : NULL;
}

/* Below here all under the lock. */

static struct entry *search(uintptr_t key) {
    struct entry *entry;
    HASH_FIND(hh, entries, &key, sizeof key, entry);
    return entry;
}

/* In the second place where the first is another's; one of them is given up for it where both are. */
static void show(struct entry *entry) {
    size_t place = place_of(atomic_load_explicit(&entry->address, memory_order_relaxed));
    struct entry *there = atomic_load_explicit(&places[place], memory_order_relaxed);
    if (there && there != entry && atomic_load_explicit(&there->address, memory_order_relaxed) != 0) {
        place ^= 1;
    }
    atomic_store_explicit(&places[place], entry, memory_order_release);
}

static struct entry *make_entry(void) {
    struct entry *entry = free_entries;
    if (entry) {
        free_entries = entry->hh.next;
        return entry;
    }
    return calloc(1, sizeof *entry);
}

static void give_up(struct entry *entry) {
    atomic_store_explicit(&entry->address, 0, memory_order_release);
    entry->hh.next = free_entries;
    free_entries = entry;
}

static void take_out(struct entry *entry) {
    atomic_fetch_sub_explicit(&counts[kind_of(atomic_load_explicit(&entry->value, memory_order_relaxed))], 1,
                              memory_order_relaxed);
    HASH_DEL(entries, entry);
    give_up(entry);
}

static bool put_in(uintptr_t key, uintptr_t value) {
    struct entry *entry = make_entry();
    if (!entry) {
        return false;
    }
    atomic_store_explicit(&entry->value, value, memory_order_release);
    atomic_store_explicit(&entry->address, key, memory_order_release);
    out_of_memory = false;
    HASH_ADD(hh, entries, address, sizeof entry->address, entry);
    if (out_of_memory) {
        give_up(entry);
        return false;
    }
    atomic_fetch_add_explicit(&counts[kind_of(value)], 1, memory_order_relaxed);
    show(entry);
    return true;
}

static uintptr_t value_of(const struct entry *entry) {
    return entry ? atomic_load_explicit(&entry->value, memory_order_acquire) : 0;
}

void *map_find(const void *address, enum map_kind kind) {
    uintptr_t key = (uintptr_t)address;
    if (key == 0) {
        return NULL;
    }
    size_t place = place_of(key);
    struct entry *entry = look_at(place, key);
    if (!entry) {
        entry = look_at(place ^ 1, key);
    }
    if (!entry) {
        pthread_mutex_lock(&lock);
        entry = search(key);
        if (entry) {
            show(entry);
        }
        pthread_mutex_unlock(&lock);
    }
    return pointer_of(value_of(entry), kind);
}

bool map_put(const void *address, enum map_kind kind, void *value, void **replaced) {
    watch_fork_once();
    pthread_mutex_lock(&lock);
    struct entry *old = search((uintptr_t)address);
    *replaced = pointer_of(value_of(old), kind);
    if (old) {
        take_out(old);
    }
    bool added = put_in((uintptr_t)address, (uintptr_t)value | kind);
    pthread_mutex_unlock(&lock);
    return added;
}

void *map_take(const void *address, enum map_kind kind) {
    pthread_mutex_lock(&lock);
    struct entry *entry = search((uintptr_t)address);
    void *taken = pointer_of(value_of(entry), kind);
    if (taken) {
        take_out(entry);
    }
    pthread_mutex_unlock(&lock);
    return taken;
}

size_t map_count(enum map_kind kind) {
    return atomic_load_explicit(&counts[kind], memory_order_relaxed);
}

void map_walk(enum map_kind kind, bool (*visit)(void *context, void *value), void *context) {
    pthread_mutex_lock(&lock);
    for (struct entry *entry = entries; entry; entry = entry->hh.next) {
        void *found = pointer_of(value_of(entry), kind);
        if (found && !visit(context, found)) {
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}
