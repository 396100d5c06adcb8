#define _GNU_SOURCE
#include "setup.h"

#include "late.h"
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Copied when the object is loaded: some programs clear or overwrite their environment before they first use
 * MySQL. */
static char config_variable[4096];
static bool disabled;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct config *config;

__attribute__((constructor)) static void copy_environment(void) {
    /* secure_getenv: a process with raised rights takes no orders from its caller's environment */
    const char *path = secure_getenv("ROUNDABOUT_CONFIG");
    if (path && strlen(path) < sizeof config_variable) {
        strcpy(config_variable, path);
    }
    const char *off = secure_getenv("ROUNDABOUT_DISABLE");
    disabled = off && *off && strcmp(off, "0") != 0;
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

static void load(void) {
    int kept_errno = errno;
    const char *unopened = late_open();
    if (unopened) {
        log_write(CONFIG_LOG_ERROR, "%s; all statements go where the application sends them", unopened);
        errno = kept_errno;
        return;
    }
    struct config *loaded = config_load(config_choose_path(NULL, config_variable), report, NULL);
    if (!loaded) {
        log_write(CONFIG_LOG_ERROR,
                  "no usable configuration; all statements go where the application sends them");
    } else if (routes_anything(loaded)) {
        log_open(loaded->log_file, loaded->log_level);
        config = loaded; /* kept for the life of the process */
    } else {
        config_free(loaded);
    }
    errno = kept_errno;
}

const struct config *setup_config(void) {
    if (disabled) {
        return NULL;
    }
    pthread_once(&once, load);
    return config;
}
