#define _GNU_SOURCE
#include "setup.h"

#include "deepbind.h"
#include "late.h"
#include "log.h"
#include "stats.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Each configuration that was in force is kept, since a thread may be in the middle of a statement with it
 * for as long as its servers' time limits allow, and no statement is to pay for saying so. This bounds what
 * that takes: a few kilobytes each. Then the process goes on with the one it has. */
enum { RELOADS_MAX = 1000, LOOK_EVERY_MS = 1000, FILES_MAX = 64, SPARE_BYTES = 8 << 20 };

/* Copied when the object is loaded: some programs clear or overwrite their environment before they first use
 * MySQL. */
static char config_variable[4096];
static char runtime_variable[256];
static pthread_once_t environment_once = PTHREAD_ONCE_INIT;
static bool disabled;
static bool observes;
static enum { NOT_SAID, SAID_NO, SAID_YES } deepbind_variable;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_bool is_read;
static _Atomic(const struct config *) current;
static _Atomic bool loaded_once; /* and libconfig is to be had: what follows may be looked at */

static _Atomic int64_t next_look_ms;
static _Atomic bool looking; /* one thread looks at a time; what follows is its own */
static uint64_t seen;        /* what the files looked like when they were read last */
static uint64_t root;        /* the folder that their names began at */
static unsigned reloads;
__attribute__((used)) static const struct config *former[RELOADS_MAX]; /* so that no leak checker takes them for lost */

static void read_environment(void) {
    /* secure_getenv: a process with raised rights takes no orders from its caller's environment */
    const char *path = secure_getenv("ROUNDABOUT_CONFIG");
    if (path && strlen(path) < sizeof config_variable) {
        strcpy(config_variable, path);
    }
    const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
    if (runtime && strlen(runtime) < sizeof runtime_variable) {
        strcpy(runtime_variable, runtime);
    }
    const char *off = secure_getenv("ROUNDABOUT_DISABLE");
    disabled = off && *off && strcmp(off, "0") != 0;
    const char *cure = secure_getenv("ROUNDABOUT_DEEPBIND");
    if (cure && *cure) {
        deepbind_variable = strcmp(cure, "0") == 0 ? SAID_NO : SAID_YES;
    }
    const char *observe = secure_getenv("ROUNDABOUT_OBSERVE");
    observes = observe && *observe && strcmp(observe, "0") != 0;
}

/* Another library's constructor may come before this one, with calls of its own. */
__attribute__((constructor)) static void copy_environment(void) {
    pthread_once(&environment_once, read_environment);
}

bool setup_observes(void) {
    return observes;
}

const char *setup_runtime_directory(void) {
    return runtime_variable[0] ? runtime_variable : NULL;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const char *config_path(void) {
    return config_choose_path(NULL, config_variable);
}

/* What the files look like from outside */

static void mix(uint64_t *hash, const void *bytes, size_t length) {
    *hash = log_key(*hash, bytes, length);
}

static void mix_file(void *context, const char *file) {
    struct stat status;
    mix(context, file, strlen(file) + 1);
    if (stat(file, &status) == 0) {
        const uint64_t marks[] = {status.st_dev,
                                  status.st_ino,
                                  (uint64_t)status.st_size,
                                  (uint64_t)status.st_mtim.tv_sec,
                                  (uint64_t)status.st_mtim.tv_nsec,
                                  (uint64_t)status.st_ctim.tv_sec,
                                  (uint64_t)status.st_ctim.tv_nsec};
        mix(context, marks, sizeof marks);
    }
}

/* The names as they were when the files were read last, so that a look is a stat(2) for each. */
static char *files[FILES_MAX];
static size_t file_count;

static void remember_file(void *context, const char *file) {
    (void)context;
    if (file_count < FILES_MAX && (files[file_count] = strdup(file))) {
        file_count++;
    }
}

static uint64_t look_at_files(void) {
    uint64_t hash = 1;
    for (size_t i = 0; i < file_count; i++) {
        mix_file(&hash, files[i]);
    }
    return hash;
}

/* Inside another root the same name is another file, which may be anybody's. */
static uint64_t look_at_root(void) {
    uint64_t hash = 1;
    struct stat status;
    if (stat("/", &status) == 0) {
        const uint64_t marks[] = {status.st_dev, status.st_ino};
        mix(&hash, marks, sizeof marks);
    }
    return hash;
}

/* Before they are read: a change in between is seen at the next look. */
static void remember_files(void) {
    for (size_t i = 0; i < file_count; i++) {
        free(files[i]);
    }
    file_count = 0;
    config_list_files(config_path(), remember_file, NULL);
    seen = look_at_files();
}

/* Reading them */

static void report(void *context, const char *message) {
    (void)context;
    log_write(CONFIG_LOG_ERROR, "%s", message);
}

static bool routes_anything(const struct config *loaded) {
    for (size_t i = 0; i < loaded->group_count; i++) {
        if (loaded->groups[i].mode != CONFIG_OFF) {
            return true;
        }
    }
    return false;
}

/* Whoever looked is not here, and left the list of files as it was in that moment. */
static void after_fork(void) {
    if (atomic_exchange(&looking, false)) {
        file_count = 0;
        seen = 0;
    }
}

/* Observing needs nothing of a file: where to count has its defaults. */
static struct config *empty_config(void) {
    struct config *config = calloc(1, sizeof *config);
    if (config) {
        config->log_level = CONFIG_LOG_INFO;
        config->stats = (struct config_stats){.enabled = true, .readable = CONFIG_READABLE_GROUP};
    }
    return config;
}

/* Not in load(): opening a library waits for the dynamic linker's lock, which a thread that waits for `once`
 * may hold, in the constructor of a module. */
static bool open_reader(void) {
    static atomic_bool told;
    int kept_errno = errno;
    const char *unopened = late_open();
    if (unopened && !atomic_exchange(&told, true)) {
        log_write(CONFIG_LOG_ERROR, "%s; all statements go where the application sends them", unopened);
    }
    errno = kept_errno;
    return !unopened;
}

static void load(void) {
    int kept_errno = errno;
    pthread_atfork(NULL, NULL, after_fork);
    root = look_at_root();
    remember_files();
    bool needless = observes && access(config_path(), F_OK) != 0;
    struct config *loaded = needless ? empty_config() : config_load(config_path(), report, NULL);
    if (!loaded) {
        log_write(CONFIG_LOG_ERROR,
                  "no usable configuration; all statements go where the application sends them");
    } else if (observes || routes_anything(loaded)) {
        log_open(loaded->log_file, loaded->log_level);
        if (loaded->deepbind && !DEEPBIND_CURE) {
            log_write(CONFIG_LOG_WARNING,
                      "%s: deepbind isn't offered for this kind of processor; such modules bypass",
                      loaded->path);
        }
        atomic_store(&current, loaded);
    } else {
        config_free(loaded);
    }
    atomic_store(&next_look_ms, now_ms() + LOOK_EVERY_MS);
    atomic_store_explicit(&loaded_once, true, memory_order_release);
    errno = kept_errno;
}

/* Not read yet, switched off, or not to be had. */
static __attribute__((cold, noinline)) const struct config *find_config(void) {
    if (disabled) {
        return NULL;
    }
    if (!atomic_load_explicit(&is_read, memory_order_acquire)) {
        int cancel_state;
        copy_environment();
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
        bool can_read = !disabled && open_reader();
        if (can_read) {
            pthread_once(&once, load);
            atomic_store_explicit(&is_read, true, memory_order_release);
        }
        pthread_setcancelstate(cancel_state, NULL);
        if (!can_read) {
            return NULL;
        }
    }
    return atomic_load_explicit(&current, memory_order_acquire);
}

const struct config *setup_config(void) {
    const struct config *config = atomic_load_explicit(&current, memory_order_acquire);
    return config ? config : find_config();
}

bool setup_clears_deepbind(void) {
    copy_environment();
    if (disabled || deepbind_variable != NOT_SAID) {
        return !disabled && deepbind_variable == SAID_YES;
    }
    const struct config *config = setup_config();
    return config && config->deepbind;
}

/* libconfig ends the process when it gets no memory. It takes some ten times a file's length. */
static bool has_memory_to_read(void) {
    void *spare = malloc(SPARE_BYTES);
    free(spare);
    return spare != NULL;
}

/* What is wrong with a changed file, for one line. */
struct faults {
    char first[400];
    unsigned count;
};

static void note_fault(void *context, const char *message) {
    struct faults *faults = context;
    if (faults->count++ == 0) {
        snprintf(faults->first, sizeof faults->first, "%s", message);
    }
}

static void tell_faults(const struct faults *faults, const struct config *old) {
    char more[40] = "";
    if (faults->count > 1) {
        snprintf(more, sizeof more, "; %u more", faults->count - 1);
    }
    log_write(CONFIG_LOG_ERROR, "%s%s; it has changed and can't be used: %s",
              faults->count > 0 ? faults->first : config_path(), more,
              old ? "what was read before stays in force" : "nothing is routed");
}

static __attribute__((cold)) void reload(void) {
    if (reloads >= RELOADS_MAX || !has_memory_to_read()) {
        return;
    }
    remember_files();
    struct faults faults = {.count = 0};
    struct config *loaded = config_load(config_path(), note_fault, &faults);
    const struct config *old = atomic_load(&current);
    if (!loaded) {
        stats_count_event(PAGE_EVENT_CONFIG_REFUSED);
        tell_faults(&faults, old);
        return;
    }
    if (!old && !routes_anything(loaded)) {
        config_free(loaded);
        return;
    }
    if (!old) {
        log_open(loaded->log_file, loaded->log_level);
    }
    former[reloads] = old;
    atomic_store_explicit(&current, loaded, memory_order_release);
    stats_count_event(PAGE_EVENT_CONFIG_RELOADED);
    if (++reloads == RELOADS_MAX) {
        log_write(CONFIG_LOG_WARNING, "%s was read %d times; further changes need a new process",
                  config_path(), RELOADS_MAX);
    } else {
        log_write(CONFIG_LOG_INFO, "%s has changed and is in force", config_path());
    }
}

static __attribute__((cold, noinline)) void look(int64_t now, int64_t next) {
    if (!atomic_load_explicit(&loaded_once, memory_order_acquire) || disabled ||
        !atomic_compare_exchange_strong(&next_look_ms, &next, now + LOOK_EVERY_MS) ||
        atomic_exchange(&looking, true)) {
        return;
    }
    int kept_errno = errno, cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    if (look_at_root() == root && look_at_files() != seen) {
        reload();
    }
    errno = kept_errno;
    atomic_store(&looking, false);
    pthread_setcancelstate(cancel_state, NULL);
}

void setup_look(void) {
    int64_t now = now_ms();
    int64_t next = atomic_load_explicit(&next_look_ms, memory_order_relaxed);
    if (now >= next) {
        look(now, next);
    }
}
