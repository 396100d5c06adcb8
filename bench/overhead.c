/* What calls of the client API cost, over the fake client library that answers at once: the same program runs
 * with the shim, without it and with it switched off, and overhead.py compares them. Reads lines
 *
 *     CASE THREADS HANDLES CALLS BYTES
 *
 * and answers each with the nanoseconds of processor time that one call took, and where its statement went:
 * main, local, or - if it makes none. HANDLES are divided among the threads and used in turn; BYTES is the
 * size of the text, where the case has a size. Under callgrind what was counted over the calls is dumped as
 * CASE.HANDLES.BYTES. A line
 *
 *     memory 0 HANDLES 0 0
 *
 * is answered with the bytes that the shim holds for one handle that never routed, and for one that did,
 * without the client library's own. */
#define _GNU_SOURCE
#include "overhead_cases.h"
#include "overhead_memory.h"

#include "../tests/preload/fake_server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(name) ((void)(name))
#endif

enum { HANDLES_MAX = 20000, THREADS_MAX = 16, HANDLES_WITH_SOCKETS = 1000 };

static struct seat seats[HANDLES_MAX];
static int seat_count;
static const struct overhead_case *seated; /* the case that they are made for */
static char *seated_text;                  /* made for it, or NULL */
static size_t seated_bytes;

static _Noreturn void die(const char *what) {
    fprintf(stderr, "overhead: %s\n", what);
    exit(2);
}

static void run_text(MYSQL *mysql, const char *text) {
    if (mysql_real_query(mysql, text, strlen(text)) != 0) {
        die(mysql_error(mysql));
    }
}

static void take_seat(struct seat *seat, const struct overhead_case *what) {
    seat->mysql = overhead_connect();
    if (!seat->mysql) {
        die("can't connect");
    }
    if (what->history != HISTORY_NONE) {
        run_text(seat->mysql, what->history == HISTORY_ROUTED ? OVERHEAD_ROUTED : OVERHEAD_PASSED);
    }
    seat->text = seated_text ? seated_text : what->text;
    seat->length = seat->text ? strlen(seat->text) : 0;
    if (what->needs & NEED_RESULT) {
        run_text(seat->mysql, seat->text);
        seat->result = mysql_store_result(seat->mysql);
    }
    if (what->needs & NEED_STATEMENT) {
        seat->stmt = mysql_stmt_init(seat->mysql);
        if (!seat->stmt || mysql_stmt_prepare(seat->stmt, seat->text, seat->length) != 0) {
            die("can't prepare");
        }
    }
}

static void leave_seats(void) {
    while (seat_count > 0) {
        struct seat *seat = &seats[--seat_count];
        if (seat->stmt) {
            mysql_stmt_close(seat->stmt);
        }
        mysql_free_result(seat->result);
        mysql_close(seat->mysql);
        *seat = (struct seat){.mysql = NULL};
    }
    free(seated_text);
    seated_text = NULL;
    seated = NULL;
}

/* Seats of another case are left first; those of the same one are used again. */
static void take_seats(const struct overhead_case *what, int count, size_t bytes) {
    fake_is_fast = false;
    if (seated != what || seated_bytes != bytes) {
        leave_seats();
        seated = what;
        seated_bytes = bytes;
        seated_text = what->make_text ? what->make_text(bytes) : NULL;
    }
    fake_without_sockets = count > HANDLES_WITH_SOCKETS;
    while (seat_count < count) {
        take_seat(&seats[seat_count++], what);
    }
}

/* Where one call goes when the servers are asked. */
static const char *where_to(const struct overhead_case *what) {
    fake_journal_clear();
    if (!what->call(&seats[0])) {
        die(what->name);
    }
    mysql_free_result(what->needs & NEED_ROWS ? NULL : mysql_store_result(seats[0].mysql));
    return fake_journal_count(0, FAKE_LOCAL, "") > 0  ? "local"
           : fake_journal_count(0, FAKE_MAIN, "") > 0 ? "main"
                                                      : "-";
}

struct worker {
    pthread_t thread;
    struct seat *from;
    int count;
    long calls;
    const struct overhead_case *what;
    const char *dump; /* callgrind's, of a single worker; else NULL */
    double ns;
};

static void *work(void *argument) {
    struct worker *worker = argument;
    bool (*call)(struct seat *) = worker->what->call;
    struct timespec before, after;
    bool ran = true;
    for (int i = 0; i < worker->count; i++) { /* each handle is warmed once */
        ran &= call(&worker->from[i]);
    }
    int next = 0;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    CALLGRIND_ZERO_STATS;
    for (long i = 0; i < worker->calls; i++) {
        ran &= call(&worker->from[next]);
        next = next + 1 == worker->count ? 0 : next + 1;
    }
    if (worker->dump) {
        CALLGRIND_DUMP_STATS_AT(worker->dump);
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    worker->ns = ((double)(after.tv_sec - before.tv_sec) * 1e9 + (double)(after.tv_nsec - before.tv_nsec)) /
                 (double)worker->calls;
    if (!ran) {
        die("a call failed");
    }
    return NULL;
}

static double measure(const struct overhead_case *what, int threads, int each, long calls, const char *dump) {
    struct worker workers[THREADS_MAX];
    double sum = 0;
    fake_is_fast = !(what->needs & NEED_SERVER);
    fake_gives_rows = what->needs & NEED_ROWS;
    for (int i = 0; i < threads; i++) {
        workers[i] = (struct worker){.from = &seats[i * each],
                                     .count = each,
                                     .calls = calls,
                                     .what = what,
                                     .dump = threads == 1 ? dump : NULL};
        if (threads == 1) {
            work(&workers[i]);
        } else if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            die("can't make a thread");
        }
    }
    for (int i = 0; i < threads; i++) {
        if (threads > 1) {
            pthread_join(workers[i].thread, NULL);
        }
        sum += workers[i].ns;
    }
    fake_is_fast = false;
    return sum / threads;
}

/* A real statement waits for a server, and on one processor the server's code and data take the place of ours
 * meanwhile. So is it here: what was called before lies behind megabytes of others. */
static void fill_caches(void) {
    enum { SIZE = 4 << 20, LINE = 64 };
    static volatile unsigned char others[SIZE];
    for (size_t i = 0; i < SIZE; i += LINE) {
        others[i]++;
    }
}

static int compare(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static double measure_cold(const struct overhead_case *what, long calls) {
    double *ns = calloc((size_t)calls, sizeof *ns);
    bool ran = ns != NULL;
    fake_is_fast = !(what->needs & NEED_SERVER);
    fake_gives_rows = what->needs & NEED_ROWS;
    for (long i = 0; ran && i < calls; i++) {
        struct timespec before, after;
        fill_caches();
        clock_gettime(CLOCK_MONOTONIC, &before);
        ran = what->call(&seats[0]);
        clock_gettime(CLOCK_MONOTONIC, &after);
        ns[i] = (double)(after.tv_sec - before.tv_sec) * 1e9 + (double)(after.tv_nsec - before.tv_nsec);
    }
    fake_is_fast = false;
    if (!ran) {
        die("a call failed");
    }
    qsort(ns, (size_t)calls, sizeof *ns, compare);
    double median = ns[calls / 2];
    free(ns);
    return median;
}

static void print_memory(int count) {
    static const struct overhead_case passes = {.name = "memory", .history = HISTORY_PASSED};
    static const struct overhead_case routes = {.name = "memory", .history = HISTORY_ROUTED};
    leave_seats();
    take_seats(&passes, 1, 0); /* what the process needs once */
    take_seats(&routes, 1, 0);
    leave_seats();
    long before = memory_of_shim();
    take_seats(&passes, count, 0);
    double of_passing = (double)(memory_of_shim() - before) / count;
    leave_seats();
    before = memory_of_shim();
    take_seats(&routes, count, 0);
    printf("%.1f %.1f\n", of_passing, (double)(memory_of_shim() - before) / count);
    leave_seats();
}

int main(void) {
    char name[40], dump[100];
    int threads, count;
    long calls;
    size_t bytes;
    memory_find_shim();
    while (scanf("%39s %d %d %ld %zu", name, &threads, &count, &calls, &bytes) == 5) {
        if (count < 1 || count > HANDLES_MAX) {
            die("bad number of handles");
        }
        if (strcmp(name, "memory") == 0) {
            print_memory(count);
            fflush(stdout);
            continue;
        }
        const struct overhead_case *what = overhead_find_case(name);
        if (!what || threads < 1 || threads > THREADS_MAX || calls == 0) {
            die("bad line");
        }
        int each = count < threads ? 1 : count / threads;
        take_seats(what, each * threads, bytes);
        const char *where = where_to(what);
        snprintf(dump, sizeof dump, "%s.%d.%zu", name, count, bytes);
        printf("%.2f %s\n",
               calls < 0 ? measure_cold(what, -calls) : measure(what, threads, each, calls, dump), where);
        fflush(stdout);
    }
    leave_seats();
    return 0;
}
