#define _GNU_SOURCE
#include "handle.h"

#include "local.h"
#include "prepared.h"
#include "variables.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
static __thread bool map_failed __attribute__((tls_model("initial-exec")));
#define uthash_nonfatal_oom(element) (map_failed = true)
#include <uthash.h>

enum entry_kind { ENTRY_HANDLE, ENTRY_STATEMENT, ENTRY_RESULT };

/* One map for all that is met by its address. Objects that live at the same time have different addresses;
 * one that was freed behind our back is replaced when its address comes up again. */
struct entry {
    const void *key;
    enum entry_kind kind;
    void *value;             /* struct handle, struct statement, or the struct local of a result */
    const struct real *real; /* ENTRY_RESULT */
    UT_hash_handle hh;
};

static struct entry *entries;
static pthread_mutex_t lock =
    PTHREAD_MUTEX_INITIALIZER; /* a plain one: the thread that forks unlocks it in the child too */
static _Atomic uint64_t generation =
    1; /* grows with each change of the map: what is remembered is good for one generation */
static _Atomic size_t
    others; /* entries that are no handles: 0 means that a statement or result needs no look-up */

/* Handles and statements that were looked up lately, by a hash of their address: read and written without a
 * lock. `turn` is odd while the place is written; what was read between two equal even turns belongs
 * together. */
enum { REMEMBERED_BITS = 12 };
struct remembered {
    _Atomic unsigned turn;
    _Atomic uintptr_t key; /* the address, and the kind of thing it was asked for in its lowest bit */
    _Atomic uint64_t generation;
    _Atomic(void *) value;
};
static struct remembered remembered[1 << REMEMBERED_BITS];

static uintptr_t key_of(const void *address, enum entry_kind kind) {
    return (uintptr_t)address | (kind == ENTRY_STATEMENT);
}

static struct remembered *place_of(uintptr_t key) {
    return &remembered[(key * 0x9E3779B97F4A7C15u) >> (64 - REMEMBERED_BITS)];
}

/* False: the place holds another, or is out of date. *value NULL: it is known that there is none. */
static bool recall(uintptr_t key, uint64_t now, void **value) {
    struct remembered *place = place_of(key);
    unsigned turn = atomic_load_explicit(&place->turn, memory_order_acquire);
    bool same = atomic_load_explicit(&place->key, memory_order_acquire) == key &&
                atomic_load_explicit(&place->generation, memory_order_acquire) == now;
    *value = atomic_load_explicit(&place->value, memory_order_acquire);
    return same && !(turn & 1) && atomic_load_explicit(&place->turn, memory_order_relaxed) == turn;
}

static void remember(uintptr_t key, uint64_t now, void *value) {
    struct remembered *place = place_of(key);
    unsigned turn = atomic_load_explicit(&place->turn, memory_order_relaxed);
    if (turn & 1 || !atomic_compare_exchange_strong(&place->turn, &turn, turn + 1)) {
        return; /* somebody else is writing here */
    }
    atomic_store_explicit(&place->key, key, memory_order_release);
    atomic_store_explicit(&place->generation, now, memory_order_release);
    atomic_store_explicit(&place->value, value, memory_order_release);
    atomic_store_explicit(&place->turn, turn + 2, memory_order_release);
}

/* The map is whole in a child: no other thread is inside it while the process is copied. */
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

static struct entry *find_entry(const void *key, enum entry_kind kind) {
    struct entry *entry;
    HASH_FIND_PTR(entries, &key, entry);
    return entry && entry->kind == kind ? entry : NULL;
}

static void take_out(struct entry *entry) {
    if (entry->kind != ENTRY_HANDLE) {
        atomic_fetch_sub(&others, 1);
    }
    HASH_DEL(entries, entry);
    atomic_fetch_add(&generation, 1);
}

static bool put(const void *key, enum entry_kind kind, void *value, const struct real *real) {
    pthread_once(&fork_once, watch_fork);
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry) {
        return false;
    }
    *entry = (struct entry){.key = key, .kind = kind, .value = value, .real = real};
    struct entry *old;
    pthread_mutex_lock(&lock);
    HASH_FIND_PTR(entries, &key, old);
    if (old) {
        take_out(old);
    }
    map_failed = false;
    HASH_ADD_PTR(entries, key, entry);
    bool added = !map_failed;
    if (added && kind != ENTRY_HANDLE) {
        atomic_fetch_add(&others, 1);
    }
    atomic_fetch_add(&generation, 1);
    pthread_mutex_unlock(&lock);
    free(old);
    if (!added) {
        free(entry);
    }
    return added;
}

static void drop(const void *key, enum entry_kind kind) {
    pthread_mutex_lock(&lock);
    struct entry *entry = find_entry(key, kind);
    if (entry) {
        take_out(entry);
    }
    pthread_mutex_unlock(&lock);
    free(entry);
}

static void *find(const void *address, enum entry_kind kind) {
    uintptr_t key = key_of(address, kind);
    uint64_t now = atomic_load_explicit(&generation, memory_order_acquire);
    void *value;
    if (recall(key, now, &value)) {
        return value;
    }
    pthread_mutex_lock(&lock);
    struct entry *entry = find_entry(address, kind);
    value = entry ? entry->value : NULL;
    pthread_mutex_unlock(&lock);
    remember(key, now, value);
    return value;
}

struct handle *handle_find(const MYSQL *mysql) {
    return find(mysql, ENTRY_HANDLE);
}

struct handle *handle_add(MYSQL *mysql, const struct real *real) {
    struct handle *old = handle_find(mysql);
    if (old) {
        handle_remove(old);
        local_close_all(old);
        handle_free(old);
    }
    struct handle *handle = calloc(1, sizeof *handle);
    if (!handle) {
        return NULL;
    }
    handle->main = handle->last = handle->spoke = handle->ok = handle->counted = handle->found =
        handle->warned = mysql;
    handle->real = real;
    handle->loan = (struct descriptor_loan){.number = -1, .saved = -1, .ready = -1};
    handle->socket.number = -1;
    session_reset(&handle->session, NULL);
    if (!put(mysql, ENTRY_HANDLE, handle, NULL)) {
        handle_free(handle);
        return NULL;
    }
    return handle;
}

void handle_remove(struct handle *handle) {
    drop(handle->main, ENTRY_HANDLE);
}

static void wipe(char *secret) {
    if (secret) {
        explicit_bzero(secret, strlen(secret));
        free(secret);
    }
}

void handle_free(struct handle *handle) {
    for (struct statement *statement = handle->statements; statement;) {
        struct statement *next = statement->next;
        statement->handle = NULL; /* lives on until the application closes it */
        statement->next = NULL;
        statement = next;
    }
    options_free(handle->options);
    wipe(handle->credentials.user);
    wipe(handle->credentials.password);
    session_free(&handle->session);
    variables_forget(handle, NULL);
    free(handle->sent_text);
    free(handle->repeatable);
    free(handle);
}

unsigned long handle_shadow_running(const struct real *real, unsigned long thread_id) {
    unsigned long found = 0;
    pthread_mutex_lock(&lock); /* no handle goes meanwhile; mysql_thread_id only reads */
    for (struct entry *entry = entries; entry && !found; entry = entry->hh.next) {
        const struct handle *handle = entry->kind == ENTRY_HANDLE ? entry->value : NULL;
        MYSQL *running =
            handle && handle->real == real && handle->thread_id == thread_id ? handle->running : NULL;
        found = running && real->mysql_thread_id ? real->mysql_thread_id(running) : 0;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

void handle_visit(const struct real *real, void (*visit)(struct handle *handle)) {
    /* Collected first: closing a shadow is a real call, and no lock is held over one. */
    pthread_mutex_lock(&lock);
    size_t count = 0;
    struct handle **found = calloc(HASH_COUNT(entries) + 1, sizeof(struct handle *));
    if (found) {
        for (struct entry *entry = entries; entry; entry = entry->hh.next) {
            struct handle *handle = entry->kind == ENTRY_HANDLE ? entry->value : NULL;
            if (handle && handle->real == real && !handle->shadow) {
                found[count++] = handle;
            }
        }
    }
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < count; i++) {
        visit(found[i]);
    }
    free(found);
}

struct statement *statement_add(MYSQL_STMT *stmt, struct handle *handle, const struct real *real) {
    struct statement *statement = calloc(1, sizeof *statement);
    if (!statement) {
        return NULL;
    }
    *statement = (struct statement){.stmt = stmt, .handle = handle, .real = real, .next = handle->statements};
    if (!put(stmt, ENTRY_STATEMENT, statement, NULL)) {
        free(statement);
        return NULL;
    }
    handle->statements = statement;
    return statement;
}

struct statement *statement_find(const MYSQL_STMT *stmt) {
    if (atomic_load_explicit(&others, memory_order_relaxed) == 0) {
        return NULL;
    }
    return find(stmt, ENTRY_STATEMENT);
}

void statement_remove(struct statement *statement) {
    drop(statement->stmt, ENTRY_STATEMENT);
    if (statement->handle) {
        struct statement **place = &statement->handle->statements;
        while (*place && *place != statement) {
            place = &(*place)->next;
        }
        if (*place) {
            *place = statement->next;
        }
    }
}

bool result_add(MYSQL_RES *result, const struct real *real, struct local *local) {
    return put(result, ENTRY_RESULT, local, real);
}

bool result_find(const MYSQL_RES *result, const struct real **real, struct local **local) {
    if (atomic_load_explicit(&others, memory_order_relaxed) == 0) {
        return false;
    }
    pthread_mutex_lock(&lock);
    struct entry *entry = find_entry(result, ENTRY_RESULT);
    if (entry) {
        *real = entry->real;
        *local = entry->value;
    }
    pthread_mutex_unlock(&lock);
    return entry != NULL;
}

void result_remove(const MYSQL_RES *result) {
    drop(result, ENTRY_RESULT);
}
