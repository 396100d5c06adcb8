/* roundabout-bench: a load of cache requests, and how long they take. See --help. */
#define _GNU_SOURCE
#include "client.h"
#include "results.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { FAILED = 1, CANT_BEGIN = 2, FILL_ROWS = 200 };

static struct load load;

static void stop(int number) {
    (void)number;
    atomic_store(&load.stopped, true);
}

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* --- before the load */

static bool run_setup(MYSQL *mysql, const char *text, size_t length) {
    if (mysql_real_query(mysql, text, length) == 0) {
        return true;
    }
    fprintf(stderr, "roundabout-bench: %u %s\n", mysql_errno(mysql), mysql_error(mysql));
    return false;
}

static bool fill(MYSQL *mysql, const struct options *options) {
    struct options large = *options;
    large.batch = FILL_ROWS;
    struct text text;
    struct keys keys;
    keys_start(&keys, options, 0);
    bool filled = text_start(&text, &large);
    for (long first = 0; filled && first < options->keys; first += FILL_ROWS) {
        long rows = options->keys - first < FILL_ROWS ? options->keys - first : FILL_ROWS;
        text_replace(&text, &keys, rows, (uint64_t)first);
        filled = run_setup(mysql, text.at, text.length);
    }
    text_end(&text);
    return filled;
}

/* The table, its rows, and the server's version. */
static bool set_up(const struct options *options, char *server, size_t size) {
    unsigned error;
    MYSQL *mysql = client_connect(options, true, &error);
    if (!mysql) {
        return false;
    }
    snprintf(server, size, "%s", mysql_get_server_info(mysql));
    bool ready = true;
    if (options->create) {
        char *text;
        int length = asprintf(
            &text,
            "CREATE TABLE IF NOT EXISTS %s (%s VARBINARY(255) NOT NULL PRIMARY KEY, %s MEDIUMBLOB NOT NULL)",
            options->table, options->key_column, options->value_column);
        ready = length > 0 && run_setup(mysql, text, (size_t)length);
        free(length > 0 ? text : NULL);
    }
    ready = ready && (!options->fill || fill(mysql, options));
    mysql_close(mysql);
    return ready;
}

/* --- what the load itself costs */

static double time_building(const struct options *options) {
    enum { TIMES = 2000 };
    struct text text;
    struct keys keys;
    if (options->statements || options->replaces + options->selects == 0 || !text_start(&text, options)) {
        return 0;
    }
    keys_start(&keys, options, 0);
    long each = options->replaces + options->selects;
    int64_t began = client_now_ns();
    for (int i = 0; i < TIMES; i++) {
        if (i % each < options->replaces) {
            text_replace(&text, &keys, options->batch, KEY_ANY);
        } else {
            text_select(&text, &keys);
        }
    }
    double ns = (double)(client_now_ns() - began) / TIMES;
    text_end(&text);
    return ns;
}

static double time_clock(void) {
    enum { TIMES = 2000 };
    int64_t began = client_now_ns();
    for (int i = 0; i < TIMES; i++) {
        client_now_ns();
        client_now_ns();
    }
    return (double)(client_now_ns() - began) / TIMES;
}

/* --- the load */

static void show_progress(int64_t began_ns) {
    static uint64_t before;
    uint64_t finished = atomic_load(&load.finished);
    fprintf(stderr,
            "%5.0f s  %8" PRIu64 " requests, %7" PRIu64 " in the last second, %" PRIu64
            " statements failed\n",
            (double)(client_now_ns() - began_ns) / 1e9, finished, finished - before,
            atomic_load(&load.failed));
    before = finished;
}

/* Waits for a thread, and says now and then how far all are. */
static void join(pthread_t thread, bool progress, int64_t began_ns) {
    static int64_t shown_ns;
    for (;;) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 100 * 1000 * 1000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (pthread_timedjoin_np(thread, NULL, &until) == 0) {
            return;
        }
        if (progress && client_now_ns() - (shown_ns ? shown_ns : began_ns) >= 1000000000) {
            shown_ns = client_now_ns();
            show_progress(began_ns);
        }
    }
}

static bool run_load(const struct options *options, struct tally *tally, struct results *results) {
    struct client *clients = calloc((size_t)options->threads, sizeof *clients);
    struct rusage before, after;
    if (!clients || pthread_barrier_init(&load.start, NULL, (unsigned)options->threads + 1) != 0) {
        fprintf(stderr, "roundabout-bench: out of memory\n");
        return false;
    }
    for (long i = 0; i < options->threads; i++) {
        clients[i].load = &load;
        clients[i].number = i;
        if (pthread_create(&clients[i].thread, NULL, client_work, &clients[i]) != 0) {
            fprintf(stderr, "roundabout-bench: can't make thread %ld\n", i + 1);
            exit(CANT_BEGIN);
        }
    }
    pthread_barrier_wait(&load.start); /* all have warmed up */
    getrusage(RUSAGE_SELF, &before);
    load.began_ns = client_now_ns();
    load.end_ns = options->duration_s > 0 ? load.began_ns + (int64_t)(options->duration_s * 1e9) : INT64_MAX;
    pthread_barrier_wait(&load.start);
    bool progress = !options->quiet && (options->progress || isatty(STDERR_FILENO));
    for (long i = 0; i < options->threads; i++) {
        join(clients[i].thread, progress, load.began_ns);
    }
    results->wall_s = (double)(client_now_ns() - load.began_ns) / 1e9;
    getrusage(RUSAGE_SELF, &after);
    results->user_s = seconds_of(after.ru_utime) - seconds_of(before.ru_utime);
    results->system_s = seconds_of(after.ru_stime) - seconds_of(before.ru_stime);
    for (long i = 0; i < options->threads; i++) {
        tally_merge(tally, &clients[i].tally);
        tally_free(&clients[i].tally);
    }
    free(clients);
    pthread_barrier_destroy(&load.start);
    return true;
}

int main(int count, char **words) {
    struct options options;
    struct replay replay = {.file = NULL};
    int status = options_read(count, words, &options);
    if (status >= 0) {
        return status;
    }
    char why[200], server[100] = "";
    if (options.statements &&
        !replay_load(&replay, options.statements, options.per_request, why, sizeof why)) {
        fprintf(stderr, "roundabout-bench: %s: %s\n", options.statements, why);
        return CANT_BEGIN;
    }
    if (options.requests == 0 && options.duration_s == 0) {
        options.requests = (long)replay.request_count;
        options.duration_s = options.requests ? 0 : 10;
    }
    load.options = &options;
    load.replay = options.statements ? &replay : NULL;
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    mysql_library_init(0, NULL, NULL);
    if (!set_up(&options, server, sizeof server)) {
        return CANT_BEGIN;
    }
    Dl_info found = {.dli_fname = NULL};
    int (*query)(MYSQL *, const char *, unsigned long) = mysql_real_query;
    dladdr(*(void **)&query, &found);
    struct tally tally = {.rows = 0};
    struct results results = {.options = &options,
                              .tally = &tally,
                              .build_ns = time_building(&options),
                              .clock_ns = time_clock(),
                              .server = server,
                              .client = mysql_get_client_info(),
                              .library = found.dli_fname ? found.dli_fname : ""};
    if (!run_load(&options, &tally, &results)) {
        return CANT_BEGIN;
    }
    bool to_stdout =
        (options.json && strcmp(options.json, "-") == 0) || (options.csv && strcmp(options.csv, "-") == 0);
    if (!options.quiet && !to_stdout) {
        results_print(&results);
    }
    bool written = !options.json || results_write_json(&results, options.json);
    written &= !options.csv || results_write_csv(&results, options.csv);
    status = tally_failures(&tally) || !written ? FAILED : 0;
    tally_free(&tally);
    replay_free(&replay);
    mysql_library_end();
    return status;
}
