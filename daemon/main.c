/* roundaboutd: keeps this site's link of the ring. This file is the process: words on the command line,
 * signals, the loop. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../config/config.h"
#include "herald.h"
#include "log.h"
#include "notify.h"
#include "turn.h"
#include "version.h"

/* Exit statuses of --once and of a failed start. */
enum { EXIT_WHOLE = 0, EXIT_WAITING = 1, EXIT_HELP_NEEDED = 2, EXIT_CANNOT_START = 3 };

/* A turn is a few comparisons; it is taken when a watch has seen something, and this often for what only time
 * changes. */
#define TURN_EVERY_MS 250
#define ONCE_LIMIT_MS 20000

static const char usage[] =
    "usage: roundaboutd [-f FILE] [--foreground] [--once] [--dry-run]\n"
    "       roundaboutd --help | --version\n"
    "Keeps this site's link in the ring of replication links; roundaboutd(8).\n"
    "  -f, --config FILE  read FILE instead of $ROUNDABOUT_CONFIG or /etc/roundabout/roundabout.conf\n"
    "      --foreground   stay in the foreground; otherwise it goes to the background once it has started\n"
    "      --once         look once, take the steps that are due, and end: 0 whole, 1 waiting, 2 help is "
    "needed\n"
    "      --dry-run      log the statements that would be run, and change nothing\n"
    "SIGHUP reads the file again; SIGTERM and SIGINT end it. Links go on without it.\n";

struct options {
    const char *file;
    bool once, dry_run, foreground;
};

static void report_to_log(void *context, const char *message) {
    (void)context;
    log_line(CONFIG_LOG_ERROR, "%s", message);
}

static struct config *load(const char *path) {
    struct config *config = config_load(path, report_to_log, NULL);
    if (config && config->ring.site_count == 0) {
        log_line(CONFIG_LOG_ERROR,
                 "%s: no ring; add `site` and the ring section (the sample configuration has one), or don't "
                 "run roundaboutd here",
                 path);
        config_free(config);
        return NULL;
    }
    if (config && !config_ring_is_open(config, report_to_log, NULL)) {
        config_free(config);
        return NULL;
    }
    return config;
}

static bool read_options(int argc, char **argv, struct options *options) {
    enum { ONCE = 256, DRY_RUN, FOREGROUND, VERSION };
    static const struct option words[] = {
        {"config", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {"once", no_argument, NULL, ONCE},
        {"dry-run", no_argument, NULL, DRY_RUN},
        {"foreground", no_argument, NULL, FOREGROUND},
        {"version", no_argument, NULL, VERSION},
        {NULL, 0, NULL, 0},
    };
    for (int word; (word = getopt_long(argc, argv, "f:h", words, NULL)) != -1;) {
        switch (word) {
        case 'f':
            options->file = optarg;
            break;
        case ONCE:
            options->once = true;
            break;
        case DRY_RUN:
            options->dry_run = true;
            break;
        case FOREGROUND:
            options->foreground = true;
            break;
        case VERSION:
            puts("roundaboutd " ROUNDABOUT_VERSION);
            exit(0);
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            return false;
        }
    }
    return optind == argc;
}

/* What the loop waits for. */
struct events {
    int signals, timer, seen;
};

static bool open_events(struct events *events) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    /* Blocked before the first thread is made, so that no thread ever gets one. */
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    events->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    events->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    events->seen = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const struct itimerspec every = {.it_value.tv_nsec = TURN_EVERY_MS * 1000000L,
                                     .it_interval.tv_nsec = TURN_EVERY_MS * 1000000L};
    return events->signals >= 0 && events->timer >= 0 && events->seen >= 0 &&
           timerfd_settime(events->timer, 0, &every, NULL) == 0;
}

/* Waits for an event and takes it; the number of a signal, or 0. */
static int wait_for_event(const struct events *events) {
    struct pollfd polled[] = {{events->signals, POLLIN, 0},
                              {events->timer, POLLIN, 0},
                              {events->seen, POLLIN, 0}};
    uint64_t count;
    struct signalfd_siginfo signal_info;
    if (poll(polled, sizeof polled / sizeof *polled, -1) < 0)
        return 0;
    if ((polled[1].revents && read(events->timer, &count, sizeof count) < 0) ||
        (polled[2].revents && read(events->seen, &count, sizeof count) < 0))
        return 0; /* taken by nobody else: EAGAIN is all that can be */
    if (polled[0].revents &&
        read(events->signals, &signal_info, sizeof signal_info) == (ssize_t)sizeof signal_info)
        return (int)signal_info.ssi_signo;
    return 0;
}

/* What runs by one reading of the file; the journal outlives it. */
struct running {
    struct config *config;
    struct turn *turn; /* NULL: it couldn't be started */
    struct herald *herald;
    struct journal *journal;
};

static struct turn *start(const struct config *config, const struct options *options,
                          const struct events *events, struct journal *journal) {
    struct turn *turn = turn_start(&(struct turn_setup){.ring = &config->ring,
                                                        .config = options->once ? NULL : config,
                                                        .dry_run = options->dry_run,
                                                        .wake_fd = events->seen,
                                                        .journal = journal});
    if (!turn)
        log_line(CONFIG_LOG_ERROR, "not enough memory or threads to start");
    return turn;
}

static int run_once(struct turn *turn, const struct events *events) {
    const int64_t until_ms = clock_monotonic_ms() + ONCE_LIMIT_MS;
    turn_wait_for_looks(turn, until_ms);
    while (turn_run(turn, clock_monotonic_ms()) && clock_monotonic_ms() < until_ms)
        if (wait_for_event(events) == SIGTERM)
            break;
    const struct ring_plan *plan = turn_plan(turn);
    return plan->step == LINK_HELP ? EXIT_HELP_NEEDED : plan->step == LINK_LEAVE ? EXIT_WHOLE : EXIT_WAITING;
}

/* The file again: a wrong one is reported and the one before stays in force. */
static void reload(struct running *running, const char *path, const struct options *options,
                   const struct events *events) {
    notify_reloading();
    struct config *fresh = load(path);
    if (!fresh) {
        log_line(CONFIG_LOG_ERROR, "%s wasn't read again; what was in force stays", path);
        journal_add(running->journal, EVENT_CONFIG_REFUSED, running->config->site, "the log says what is wrong");
        notify_ready("running with the file as it was");
        return;
    }
    herald_close(running->herald);
    turn_stop(running->turn);
    config_free(running->config);
    running->config = fresh;
    log_open(fresh->log_file, fresh->log_level);
    log_line(CONFIG_LOG_INFO, "%s read again", path);
    journal_use(running->journal, &fresh->journal);
    journal_add(running->journal, EVENT_CONFIG_RELOADED, fresh->site, path);
    running->turn = start(fresh, options, events, running->journal);
    running->herald = herald_open(fresh, running->journal);
    notify_ready("running");
}

static void loop(struct running *running, const char *path, const struct options *options,
                 const struct events *events) {
    struct log_subject status = {""};
    int number = 0;
    while (running->turn && number != SIGTERM && number != SIGINT) {
        if (number == SIGHUP)
            reload(running, path, options, events);
        if (!running->turn)
            return;
        turn_run(running->turn, clock_monotonic_ms());
        herald_turn(running->herald, running->turn, clock_monotonic_ms());
        if (strcmp(status.last, turn_words(running->turn)) != 0) {
            snprintf(status.last, sizeof status.last, "%s", turn_words(running->turn));
            notify_status(status.last);
        }
        number = wait_for_event(events);
    }
}

static int run(struct config **config, const char *path, const struct options *options,
               const struct events *events) {
    struct running running = {.config = *config};
    running.journal = journal_open(&(*config)->journal);
    running.turn = running.journal ? start(*config, options, events, running.journal) : NULL;
    if (!running.turn) {
        journal_close(running.journal);
        return EXIT_CANNOT_START;
    }
    if (options->once) {
        const int result = run_once(running.turn, events);
        turn_stop(running.turn);
        journal_close(running.journal);
        return result;
    }
    running.herald = herald_open(*config, running.journal);
    const char *how = options->dry_run || (*config)->ring.manage == CONFIG_MANAGE_WATCH
                          ? "; it watches and changes nothing"
                          : "";
    log_line(CONFIG_LOG_INFO, "roundaboutd of site %s started%s", (*config)->site, how);
    journal_add(running.journal, EVENT_DAEMON_STARTED, (*config)->site, how[0] ? how + 2 : "");
    notify_ready("running");
    loop(&running, path, options, events);
    const bool ended = running.turn != NULL;
    notify_stopping();
    herald_close(running.herald);
    turn_stop(running.turn);
    *config = running.config;
    log_line(CONFIG_LOG_INFO, "roundaboutd of site %s stopped; its link goes on", (*config)->site);
    journal_add(running.journal, EVENT_DAEMON_STOPPED, (*config)->site, "its link goes on");
    journal_close(running.journal);
    return ended ? EXIT_SUCCESS : EXIT_CANNOT_START;
}

int main(int argc, char **argv) {
    struct options options = {0};
    struct events events;
    if (!read_options(argc, argv, &options)) {
        fputs(usage, stderr);
        return EXIT_CANNOT_START;
    }
    const char *path = config_choose_path(options.file, getenv("ROUNDABOUT_CONFIG"));
    struct config *config = load(path);
    if (!config)
        return EXIT_CANNOT_START;
    if (!log_open(config->log_file, config->log_level))
        log_line(CONFIG_LOG_WARNING, "%s can't be opened: %s; standard error is used", config->log_file,
                 strerror(errno));
    /* Standard error stays open in the background, for where there's no log_file. */
    const bool stays = options.foreground || options.once;
    if (!stays && daemon(0, 1) != 0) {
        log_line(CONFIG_LOG_ERROR, "can't go to the background: %s; try --foreground", strerror(errno));
        return EXIT_CANNOT_START;
    }
    server_library_start();
    int result = EXIT_CANNOT_START;
    if (open_events(&events))
        result = run(&config, path, &options, &events);
    else
        log_line(CONFIG_LOG_ERROR, "can't wait for events: %s", strerror(errno));
    config_free(config);
    server_library_stop();
    log_close();
    return result;
}
