/* roundabout stats: what the programs of this host have had routed, and why the rest was not. */
#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gather_options.h"
#include "verbs.h"

static const char HELP[] =
    "usage: roundabout stats [-f FILE | --directory DIR] [--json] [--watch [SECONDS] | --reset]\n\n"
    "Shows what the programs of this host have had routed to the local master, why the rest was\n"
    "not, and what it has saved: the routed statements, each by what main takes at least on\n"
    "the same connection, less what they took. All since the host started, or since --reset.\n\n"
    "  -f, --config FILE    the configuration that says where programs count; otherwise\n"
    "                       $ROUNDABOUT_CONFIG, or /etc/roundabout/roundabout.conf\n"
    "      --directory DIR  where they count; otherwise as the configuration says, or\n"
    "                       /run/roundabout, or roundabout in $XDG_RUNTIME_DIR\n"
    "      --json           one JSON object on a line; times are in seconds, null is unknown:\n"
    "                       statements, routed, reasons, verbs, fallbacks, events, saved_seconds,\n"
    "                       main, routed_times, main_times_sample (cumulative buckets; of main\n"
    "                       one in 64), tables, breakers, processes, unread_files\n"
    "      --watch [N]      again every N seconds (2), with rates, until it is interrupted\n"
    "      --reset          sets all counters to zero; as root those of all users\n"
    "  -h, --help           this text\n\n"
    "exit status: 0 fine, 1 nothing is counted anywhere, 2 an error\n";

struct order {
    struct gather_options options;
    bool watch, reset;
    double interval_s;
};

/* -1: go on; else the exit status. */
static int read_order(int argc, char **argv, struct order *order) {
    const struct gather_switch own[] = {{"watch", &order->watch}, {"reset", &order->reset}, {NULL, NULL}};
    *order = (struct order){.interval_s = 2};
    const int ended = gather_read_options(argc, argv, HELP, own, &order->options);
    if (ended >= 0)
        return ended;
    int next = order->options.first;
    if (order->watch && next < argc) {
        char *end;
        order->interval_s = strtod(argv[next++], &end);
        if (*end || !(order->interval_s >= 0.1 && order->interval_s <= 86400)) {
            fprintf(stderr, "ERROR stats: --watch takes seconds from 0.1 to 86400, not %s\n",
                    argv[next - 1]);
            return GATHER_TROUBLE;
        }
    }
    if (next < argc || (order->watch && order->reset)) {
        fprintf(stderr, "ERROR stats: %s; `roundabout stats --help` shows the usage\n",
                next < argc ? argv[next] : "--watch and --reset don't go together");
        return GATHER_TROUBLE;
    }
    return -1;
}

static int show_once(const struct order *order, const char *directory, struct gathered *now,
                     const struct gathered *before) {
    const char *why;

    if (!gather(now, directory, &why)) {
        fprintf(stderr, "ERROR stats: no counters in %s: %s\n", directory ? directory : PAGE_DIRECTORY, why);
        return GATHER_NOTHING;
    }
    if (order->options.json)
        stats_print_json(now);
    else
        stats_print_table(now, before, order->interval_s);
    fflush(stdout);
    return now->total->processes > 0 ? GATHER_FINE : GATHER_NOTHING;
}

static int watch(const struct order *order, const char *directory) {
    struct gathered now, before = {0};
    struct timespec pause = {.tv_sec = (time_t)order->interval_s,
                             .tv_nsec =
                                 (long)((order->interval_s - (double)(time_t)order->interval_s) * 1e9)};

    for (bool first = true;; first = false) {
        if (!order->options.json && isatty(STDOUT_FILENO))
            fputs("\033[H\033[2J", stdout);
        int status = show_once(order, directory, &now, first ? NULL : &before);
        if (!now.total || ferror(stdout) || (status != GATHER_FINE && now.directory[0] == '\0')) {
            gather_free(&now);
            gather_free(&before);
            return status;
        }
        gather_free(&before);
        before = now;
        nanosleep(&pause, NULL);
    }
}

static int reset(const char *directory) {
    int opened = page_open_directory(directory, getenv("XDG_RUNTIME_DIR"), NULL, 0);
    bool done = opened >= 0 && page_reset(opened);

    if (opened < 0)
        fprintf(stderr, "ERROR stats: no counters in %s\n", directory ? directory : PAGE_DIRECTORY);
    else if (!done)
        fprintf(stderr, "ERROR stats: some counters are another user's, and were left as they are\n");
    if (opened >= 0)
        close(opened);
    return done ? GATHER_FINE : GATHER_TROUBLE;
}

int verb_stats(int argc, char **argv) {
    struct order order;
    const char *directory;
    int status = read_order(argc, argv, &order);

    if (status >= 0)
        return status;
    if (!gather_choose_directory(&order.options, &directory))
        return GATHER_TROUBLE;
    if (order.reset) {
        status = reset(directory);
    } else if (order.watch) {
        status = watch(&order, directory);
    } else {
        struct gathered now;
        status = show_once(&order, directory, &now, NULL);
        gather_free(&now);
    }
    gather_free_options(&order.options);
    return status;
}
