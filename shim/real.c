#define _GNU_SOURCE
#include "real.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Tables are published whole and never freed. No lock: the dynamic linker has one of its own and may be in
 * the middle of running a constructor that calls us, so the loser of a race throws its table away instead. */
enum { LIBRARIES_MAX = 8, CALLERS_BITS = 10, CALLERS_TRIED = 16 };
static _Atomic(struct real *) libraries[LIBRARIES_MAX];

/* Who was served by which library, by return address. First come, first kept: an entry is written once, so
 * that it is never half one caller's and half another's; a caller whose places are all taken is looked up
 * each time. */
struct caller_entry {
    const void *caller;
    const struct real *real;
};
static _Atomic(struct caller_entry *) callers[1 << CALLERS_BITS];

static const char *const NAMES[] = {"libmariadb", "libmysqlclient", "libperconaserverclient"};
enum { CANDIDATES_MAX = 8 };
struct candidates {
    size_t count;
    char paths[CANDIDATES_MAX][512];
};

/* Only copies names: opening a library inside dl_iterate_phdr's call-back deadlocks with another thread's
 * dlopen. */
static int note_client_library(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    struct candidates *found = context;
    const char *base = strrchr(info->dlpi_name, '/');
    base = base ? base + 1 : info->dlpi_name;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strncmp(base, NAMES[i], strlen(NAMES[i])) == 0 && found->count < CANDIDATES_MAX &&
            strlen(info->dlpi_name) < sizeof found->paths[0]) {
            strcpy(found->paths[found->count++], info->dlpi_name);
            break;
        }
    }
    return 0;
}

static const void *own_base(void) {
    static _Atomic(const void *) base;
    const void *known = atomic_load_explicit(&base, memory_order_acquire);
    Dl_info info;
    if (!known && dladdr(&libraries, &info)) {
        known = info.dli_fbase;
        atomic_store_explicit(&base, known, memory_order_release);
    }
    return known;
}

/* dlsym that never answers with a function of this very object. */
static void *look_up(void *object, const char *name) {
    void *symbol = dlsym(object, name);
    Dl_info info;
    if (symbol && dladdr(symbol, &info) && info.dli_fbase == own_base()) {
        return NULL;
    }
    return symbol;
}

static const struct real *publish(struct real *table) {
    for (size_t i = 0; i < LIBRARIES_MAX; i++) {
        struct real *there = NULL;
        if (atomic_compare_exchange_strong(&libraries[i], &there, table)) {
            return table;
        }
        if (there->mysql_init == table->mysql_init) {
            free(table);
            return there;
        }
    }
    free(table);
    return NULL;
}

/* `object` is a dlopen handle through which mysql_init is visible. */
static const struct real *table_from(void *object) {
    void *init = look_up(object, "mysql_init");
    if (!init) {
        return NULL;
    }
    for (size_t i = 0; i < LIBRARIES_MAX; i++) {
        const struct real *there = atomic_load_explicit(&libraries[i], memory_order_acquire);
        if (!there) {
            break;
        }
        if (*(void *const *)&there->mysql_init == init) {
            return there;
        }
    }
    struct real *table = calloc(1, sizeof *table);
    if (!table) {
        return NULL;
    }
    /* From here on the library itself is asked, so that all functions are of one library; the open handle
     * pins it. */
    Dl_info info;
    void *library =
        dladdr(init, &info) && info.dli_fname ? dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD) : NULL;
    void *from = library ? library : object;
    table->path = library ? info.dli_fname : "the program itself";
#define X(type, name, parameters) *(void **)&table->name = look_up(from, #name);
    REAL_FUNCTIONS(X)
#undef X
    table->mariadb = table->mysql_optionsv != NULL;
    if (!table->mysql_init || !table->mysql_real_query || !table->mysql_errno || !table->mysql_close ||
        !table->mysql_real_connect || !table->mysql_next_result || !table->mysql_more_results) {
        free(table);
        return NULL;
    }
    return publish(table);
}

static const struct real *table_of_object(const char *path) {
    void *object = path && *path ? dlopen(path, RTLD_NOW | RTLD_NOLOAD) : NULL;
    if (!object) {
        return NULL;
    }
    const struct real *real = table_from(object);
    dlclose(object); /* the library keeps a handle of its own (table_from); the caller may go */
    return real;
}

static const struct real *find(const void *caller) {
    Dl_info info;
    if (caller && dladdr(caller, &info) && info.dli_fbase != own_base()) {
        const struct real *real = table_of_object(info.dli_fname);
        if (real) {
            return real;
        }
    }
    struct candidates loaded = {0};
    dl_iterate_phdr(note_client_library, &loaded);
    if (loaded.count == 1) {
        const struct real *real = table_of_object(loaded.paths[0]);
        if (real) {
            return real;
        }
    }
    const struct real *real = table_from(RTLD_NEXT);
    return real || loaded.count == 0 ? real : table_of_object(loaded.paths[0]);
}

const struct real *real_of_caller(const void *caller) {
    size_t first = ((uintptr_t)caller * 0x9E3779B97F4A7C15u) >> (64 - CALLERS_BITS);
    _Atomic(struct caller_entry *) *empty = NULL;
    for (size_t i = 0; i < CALLERS_TRIED && !empty; i++) {
        _Atomic(struct caller_entry *) *place = &callers[(first + i) & ((1u << CALLERS_BITS) - 1)];
        const struct caller_entry *entry = atomic_load_explicit(place, memory_order_acquire);
        if (!entry) {
            empty = place;
        } else if (entry->caller == caller) {
            return entry->real;
        }
    }
    const struct real *real = find(caller);
    struct caller_entry *entry = real && empty ? malloc(sizeof *entry) : NULL;
    if (entry) {
        *entry = (struct caller_entry){.caller = caller, .real = real};
        struct caller_entry *none = NULL;
        if (!atomic_compare_exchange_strong(empty, &none, entry)) {
            free(entry);
        }
    }
    return real;
}

bool real_is_ambiguous(void) {
    return atomic_load_explicit(&libraries[1], memory_order_relaxed) != NULL;
}

/* libc is in everybody's scope. NULL, with errno set: it lacks the function. */
static void *libc_function(_Atomic(void *) *found, const char *name) {
    void *symbol = atomic_load_explicit(found, memory_order_acquire);
    if (!symbol) {
        symbol = dlsym(RTLD_NEXT, name);
        atomic_store_explicit(found, symbol, memory_order_release);
    }
    if (!symbol) {
        errno = ENOSYS;
    }
    return symbol;
}

int real_epoll_ctl(int set, int operation, int number, struct epoll_event *event) {
    static _Atomic(void *) found;
    int (*real)(int, int, int, struct epoll_event *);
    *(void **)&real = libc_function(&found, "epoll_ctl");
    return real ? real(set, operation, number, event) : -1;
}

int real_connect(int number, const void *address, unsigned length) {
    static _Atomic(void *) found;
    int (*real)(int, const void *, unsigned);
    *(void **)&real = libc_function(&found, "connect");
    return real ? real(number, address, length) : -1;
}

static void *no_dlopen(const char *path, int flags) {
    (void)path;
    (void)flags;
    return NULL;
}

void *real_find_dlopen(void) {
    void *next = dlsym(RTLD_NEXT, "dlopen"); /* libc is in everybody's scope */
    return next ? next : (void *)(uintptr_t)no_dlopen;
}

/* The sanitizers' runtimes don't work in a library that is bound to itself first. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { OWN_NAMES_FIRST = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { OWN_NAMES_FIRST = 0 };
#else
enum { OWN_NAMES_FIRST = RTLD_DEEPBIND };
#endif
#else
enum { OWN_NAMES_FIRST = RTLD_DEEPBIND };
#endif

const char *real_open_private(const char *soname, const char *const *names, size_t count, void **functions) {
    void *(*open)(const char *, int) = dlopen;
    if (OWN_NAMES_FIRST) {
        *(void **)&open = real_find_dlopen(); /* the one of this object would take the flag out */
    }
    void *library = open(soname, RTLD_NOW | RTLD_LOCAL | OWN_NAMES_FIRST);
    for (size_t i = 0; library && i < count; i++) {
        functions[i] = dlsym(library, names[i]);
        if (!functions[i]) {
            return dlerror();
        }
    }
    return library ? NULL : dlerror();
}
