#define _GNU_SOURCE
#include "setup.h"

#include "deepbind.h"
#include "late.h"
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Copied when the object is loaded: some programs clear or overwrite their environment before they first use
 * MySQL. */
static char config_variable[4096];
static bool copied;
static bool disabled;
static enum { NOT_SAID, SAID_NO, SAID_YES } deepbind_variable;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_bool is_read;
static const struct config *config;
static bool config_clears_deepbind;

__attribute__((constructor)) static void copy_environment(void) {
    if (copied) {
        return; /* another library's constructor was before us */
    }
    copied = true;
    /* secure_getenv: a process with raised rights takes no orders from its caller's environment */
    const char *path = secure_getenv("ROUNDABOUT_CONFIG");
    if (path && strlen(path) < sizeof config_variable) {
        strcpy(config_variable, path);
    }
    const char *off = secure_getenv("ROUNDABOUT_DISABLE");
    disabled = off && *off && strcmp(off, "0") != 0;
    const char *cure = secure_getenv("ROUNDABOUT_DEEPBIND");
    if (cure && *cure) {
        deepbind_variable = strcmp(cure, "0") == 0 ? SAID_NO : SAID_YES;
    }
}

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
    struct config *read = config_load(config_choose_path(NULL, config_variable), report, NULL);
    if (!read) {
        log_write(CONFIG_LOG_ERROR,
                  "no usable configuration; all statements go where the application sends them");
    } else if (routes_anything(read)) {
        log_open(read->log_file, read->log_level);
        config_clears_deepbind = read->deepbind;
        if (read->deepbind && !DEEPBIND_CURE) {
            log_write(CONFIG_LOG_WARNING,
                      "%s: deepbind isn't offered for this kind of processor; such modules bypass",
                      read->path);
        }
        config = read; /* kept for the life of the process */
    } else {
        config_free(read);
    }
    errno = kept_errno;
}

const struct config *setup_config(void) {
    if (disabled) {
        return NULL;
    }
    if (!atomic_load_explicit(&is_read, memory_order_acquire)) {
        if (!open_reader()) {
            return NULL;
        }
        pthread_once(&once, load);
        atomic_store_explicit(&is_read, true, memory_order_release);
    }
    return config;
}

bool setup_clears_deepbind(void) {
    copy_environment();
    if (disabled || deepbind_variable != NOT_SAID) {
        return !disabled && deepbind_variable == SAID_YES;
    }
    return setup_config() && config_clears_deepbind;
}
