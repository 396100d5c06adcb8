#define _GNU_SOURCE
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024, STATES_MAX = 256 };

static char log_path[512];
static enum config_log_level wanted = CONFIG_LOG_INFO;

static _Atomic uint64_t state_keys[STATES_MAX];
static _Atomic unsigned states[STATES_MAX];

static const char *const LEVELS[] = {"error", "warning", "info", "debug"};

/* The file is opened for each line: it is written on change only, and so survives log rotation, descriptors
 * closed by the application, and fork, without a descriptor of ours in somebody's process. */
static int open_log(void) {
    return open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

void log_open(const char *file, enum config_log_level level) {
    wanted = level;
    if (!file || strlen(file) >= sizeof log_path) {
        return;
    }
    strcpy(log_path, file);
    int fd = open_log();
    if (fd >= 0) {
        close(fd);
        return;
    }
    int why = errno;
    log_path[0] = '\0';
    log_write(CONFIG_LOG_WARNING, "log file %s: %s; logging to standard error", file, strerror(why));
}

bool log_wants(enum config_log_level level) {
    return level <= wanted;
}

void log_write(enum config_log_level level, const char *format, ...) {
    if (!log_wants(level)) {
        return;
    }
    int kept_errno = errno;
    char line[LINE_MAX_BYTES];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t used = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%SZ ", &utc);
    used += (size_t)snprintf(line + used, sizeof line - used, "roundabout[%d] %s: ", (int)getpid(),
                             LEVELS[level]);
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
    va_end(arguments);
    used += more < 0 ? 0 : (size_t)more;
    if (used > sizeof line - 2) {
        used = sizeof line - 2;
    }
    for (char *c = line; c < line + used; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            *c = ' '; /* a server's text must not forge a second line or reach a terminal's controls */
        }
    }
    line[used++] = '\n';
    int fd = log_path[0] ? open_log() : -1;
    ssize_t written = write(fd >= 0 ? fd : STDERR_FILENO, line, used);
    (void)written;
    if (fd >= 0) {
        close(fd);
    }
    errno = kept_errno;
}

uint64_t log_key(uint64_t seed, const char *text, size_t length) {
    uint64_t hash = 14695981039346656037u ^ seed;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    }
    return hash ? hash : 1;
}

bool log_state_changed(uint64_t key, unsigned state) {
    for (size_t i = 0; i < STATES_MAX; i++) {
        size_t place = (size_t)(key + i) % STATES_MAX;
        uint64_t there = atomic_load_explicit(&state_keys[place], memory_order_acquire);
        if (there == 0) {
            if (state == 0) {
                return false; /* never seen and as if it had always been so: takes no room */
            }
            if (atomic_compare_exchange_strong(&state_keys[place], &there, key)) {
                there = key;
            }
        }
        if (there == key) {
            return atomic_exchange(&states[place], state) != state;
        }
    }
    return false;
}
