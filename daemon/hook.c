/* posix_spawn_file_actions_addclosefrom_np() */
#define _GNU_SOURCE
#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

#define QUEUE 16

struct told {
    enum event event;
    char site[192], detail[400];
};

struct hook {
    const struct config_on_event *config;
    char **arguments; /* the configured ones, ended by NULL */
    struct told queue[QUEUE];
    size_t first, count;
    pid_t pid; /* 0: none runs */
    int64_t began_ms;
    bool was_killed;
    int64_t minute_began_ms;
    unsigned in_minute;
    uint64_t run, dropped;
    struct log_subject trouble;
};

struct hook *hook_open(const struct config_on_event *config) {
    if (config->command_count == 0)
        return NULL;
    struct hook *hook = calloc(1, sizeof *hook);
    char **arguments = calloc(config->command_count + 1, sizeof *arguments);
    if (!hook || !arguments) {
        free(hook);
        free(arguments);
        return NULL;
    }
    hook->config = config;
    hook->arguments = arguments;
    memcpy(arguments, config->command, config->command_count * sizeof *arguments);
    hook->minute_began_ms = INT64_MIN;
    return hook;
}

/* It is in a process group of its own, with whatever it has started. */
static void kill_program(struct hook *hook) {
    kill(-hook->pid, SIGKILL);
    hook->was_killed = true;
}

void hook_close(struct hook *hook) {
    if (!hook)
        return;
    if (hook->pid) {
        kill_program(hook);
        waitpid(hook->pid, NULL, 0); /* a killed process ends */
    }
    free(hook->arguments);
    free(hook);
}

static bool is_within_rate(struct hook *hook, int64_t now_ms) {
    if (hook->minute_began_ms == INT64_MIN || now_ms - hook->minute_began_ms >= 60000) {
        hook->minute_began_ms = now_ms;
        hook->in_minute = 0;
    }
    return hook->in_minute < hook->config->per_minute;
}

void hook_tell(struct hook *hook, enum event event, const char *site, const char *detail, int64_t now_ms) {
    if (!hook)
        return;
    if (hook->count == QUEUE || !is_within_rate(hook, now_ms)) {
        hook->dropped++;
        log_state(&hook->trouble, CONFIG_LOG_WARNING,
                  "on_event: more than %u events a minute; the program isn't run for all of them",
                  hook->config->per_minute);
        return;
    }
    hook->in_minute++;
    struct told *told = &hook->queue[(hook->first + hook->count++) % QUEUE];
    told->event = event;
    snprintf(told->site, sizeof told->site, "%s", site);
    snprintf(told->detail, sizeof told->detail, "%s", detail);
}

/* The daemon's environment may hold what isn't for others; a program gets a path, its language and the event.
 */
static int spawn(char *const *arguments, char *const *environment, pid_t *pid) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    const int error = posix_spawn(pid, arguments[0], &files, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static void start_next(struct hook *hook, int64_t now_ms) {
    const struct told *told = &hook->queue[hook->first];
    char event[64], site[sizeof told->site + 32], detail[sizeof told->detail + 32], language[64];
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    const char *lang = getenv("LANG");
    snprintf(event, sizeof event, "ROUNDABOUT_EVENT=%s", event_name(told->event));
    snprintf(site, sizeof site, "ROUNDABOUT_SITE=%s", told->site);
    snprintf(detail, sizeof detail, "ROUNDABOUT_DETAIL=%s", told->detail);
    snprintf(language, sizeof language, "LANG=%.50s", lang ? lang : "C");
    char *const environment[] = {path, language, event, site, detail, NULL};
    const int error = spawn(hook->arguments, environment, &hook->pid);
    hook->first = (hook->first + 1) % QUEUE;
    hook->count--;
    hook->began_ms = now_ms;
    hook->was_killed = false;
    if (error) {
        hook->pid = 0;
        log_state(&hook->trouble, CONFIG_LOG_ERROR, "on_event: %s can't be run: %s", hook->arguments[0],
                  strerror(error));
        return;
    }
    hook->run++;
}

static void take_in(struct hook *hook, int status) {
    if (hook->was_killed)
        log_state(&hook->trouble, CONFIG_LOG_WARNING, "on_event: %s took more than %u s and was killed",
                  hook->arguments[0], hook->config->limit_s);
    else if (WIFSIGNALED(status))
        log_state(&hook->trouble, CONFIG_LOG_WARNING, "on_event: %s ended by signal %d", hook->arguments[0],
                  WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        log_state(&hook->trouble, CONFIG_LOG_WARNING, "on_event: %s ended with status %d", hook->arguments[0],
                  WEXITSTATUS(status));
    else
        log_state(&hook->trouble, CONFIG_LOG_INFO, "%s", "");
    hook->pid = 0;
}

void hook_turn(struct hook *hook, int64_t now_ms) {
    if (!hook)
        return;
    int status;
    if (hook->pid && waitpid(hook->pid, &status, WNOHANG) == hook->pid)
        take_in(hook, status);
    if (hook->pid && !hook->was_killed && now_ms - hook->began_ms > (int64_t)hook->config->limit_s * 1000)
        kill_program(hook);
    if (!hook->pid && hook->count > 0)
        start_next(hook, now_ms);
}

uint64_t hook_run_count(const struct hook *hook) {
    return hook ? hook->run : 0;
}
uint64_t hook_dropped_count(const struct hook *hook) {
    return hook ? hook->dropped : 0;
}
