#define _GNU_SOURCE
#include "log.h"

#include "utc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024, STATES_MAX = 256 };

static char log_path[512];
static enum config_log_level wanted = CONFIG_LOG_INFO;

static _Atomic uint64_t state_keys[STATES_MAX];
static _Atomic unsigned states[STATES_MAX];
static _Atomic bool knows_states;

static const char *const LEVELS[] = {"error", "warning", "info", "debug"};

/* The file is opened for each line: it is written on change only, and so survives log rotation, descriptors
 * closed by the application, and fork, without a descriptor of ours in somebody's process. A pipe that nobody
 * reads isn't waited for. */
static int open_log(void) {
    return open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

/* What standard error was when the process began. */
static struct stat first_error;
static bool had_error;

__attribute__((constructor)) static void note_standard_error(void) {
    had_error = fstat(STDERR_FILENO, &first_error) == 0;
}

static bool is_unix_socket(int number) {
    int domain = 0;
    socklen_t length = sizeof domain;
    return getsockopt(number, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX;
}

/* A program that closed its standard error may have a connection or a file of data under that number by now.
 * A line goes there only if it is what the process began with (the journal's socket among others, but not
 * somebody's connection that inetd put there), or what errors are led to later: a terminal, a pipe, a file
 * that is appended to. */
static bool takes_lines(int number) {
    struct stat now;
    if (fstat(number, &now) != 0) {
        return false;
    }
    bool is_first = had_error && now.st_dev == first_error.st_dev && now.st_ino == first_error.st_ino;
    switch (now.st_mode & S_IFMT) {
    case S_IFCHR:
    case S_IFIFO:
        return true;
    case S_IFSOCK:
        return is_first && is_unix_socket(number);
    default:
        return is_first || (fcntl(number, F_GETFL) & O_APPEND);
    }
}

/* Neither waited for nor, where its reader has gone, a reason for SIGPIPE. */
static void write_line(int number, const char *line, size_t length) {
    struct stat now;
    struct pollfd ready = {.fd = number, .events = POLLOUT};
    ssize_t written = 0;
    if (fstat(number, &now) == 0 && S_ISSOCK(now.st_mode)) {
        written = send(number, line, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else if (poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT) {
        written = write(number, line, length); /* a pipe that is ready takes PIPE_BUF bytes at once */
    }
    (void)written;
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
    int kept_errno = errno, cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    char line[LINE_MAX_BYTES];
    struct timespec now;
    char utc[UTC_BYTES];
    clock_gettime(CLOCK_REALTIME, &now);
    utc_write(now.tv_sec, utc);
    size_t used = (size_t)snprintf(line, sizeof line, "%s roundabout[%d] %s: ", utc, (int)getpid(), LEVELS[level]);
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
    if (fd >= 0) {
        write_line(fd, line, used);
        close(fd);
    } else if (takes_lines(STDERR_FILENO)) {
        write_line(STDERR_FILENO, line, used);
    }
    pthread_setcancelstate(cancel_state, NULL);
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
            atomic_store(&knows_states, true);
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

bool log_knows_states(void) {
    return atomic_load_explicit(&knows_states, memory_order_relaxed);
}
