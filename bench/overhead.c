/* What one mysql_real_query costs, over the fake client library that answers at once: the same program runs
 * with the shim, without it and with it switched off, and overhead.py compares them. Reads lines CASE THREADS
 * HANDLES CALLS and answers each with the nanoseconds of processor time that one call took. HANDLES are
 * divided among the threads and used in turn. */
#define _GNU_SOURCE
#include "../tests/preload/fake_client.h"
#include "../tests/preload/fake_server.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HANDLES_MAX = 1000, THREADS_MAX = 16 };

static const struct {
    const char *name;
    const char *text;
    bool known; /* the handle has routed before */
} CASES[] = {
    {"insert", "INSERT INTO shop.orders (id, item, n) VALUES (NULL, 'tea', 2)", false},
    {"insert_known", "INSERT INTO shop.orders (id, item, n) VALUES (NULL, 'tea', 2)", true},
    {"select", "SELECT name, mail FROM shop.users WHERE id = 4711 LIMIT 1", false},
    {"select_known", "SELECT name, mail FROM shop.users WHERE id = 4711 LIMIT 1", true},
    {"replace", "REPLACE INTO shop.cache (k, v) VALUES ('page:4711', 'hello')", true},
};
enum { CASE_COUNT = sizeof CASES / sizeof *CASES };

static MYSQL *handles[2][HANDLES_MAX]; /* unknown, known */

static void make_handles(bool known, int count) {
    fake_is_fast = false;
    for (int i = 0; i < count; i++) {
        if (handles[known][i]) {
            continue;
        }
        MYSQL *mysql = mysql_init(NULL);
        if (!mysql || !mysql_real_connect(mysql, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0)) {
            fprintf(stderr, "overhead: can't connect\n");
            exit(2);
        }
        const char *text = CASES[CASE_COUNT - 1].text;
        if (known && mysql_real_query(mysql, text, strlen(text)) != 0) {
            fprintf(stderr, "overhead: %s\n", mysql_error(mysql));
            exit(2);
        }
        handles[known][i] = mysql;
    }
    fake_is_fast = true;
}

struct worker {
    pthread_t thread;
    MYSQL **from;
    int count;
    long calls;
    const char *text;
    double ns;
};

static void *work(void *argument) {
    struct worker *worker = argument;
    size_t length = strlen(worker->text);
    struct timespec before, after;
    int next = 0;
    int failed = 0;
    for (long i = 0; i < worker->calls + worker->count; i++) {
        if (i == worker->count) { /* each handle was warmed once */
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
        }
        failed |= mysql_real_query(worker->from[next], worker->text, length);
        next = next + 1 == worker->count ? 0 : next + 1;
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    worker->ns = ((double)(after.tv_sec - before.tv_sec) * 1e9 + (double)(after.tv_nsec - before.tv_nsec)) /
                 (double)worker->calls;
    if (failed) {
        fprintf(stderr, "overhead: a call failed\n");
        exit(2);
    }
    return NULL;
}

static double measure(size_t which, int threads, int count, long calls) {
    struct worker workers[THREADS_MAX];
    int each = count < threads ? 1 : count / threads;
    make_handles(CASES[which].known, each * threads);
    for (int i = 0; i < threads; i++) {
        workers[i] = (struct worker){.from = &handles[CASES[which].known][i * each],
                                     .count = each,
                                     .calls = calls,
                                     .text = CASES[which].text};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    double sum = 0;
    for (int i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        sum += workers[i].ns;
    }
    return sum / threads;
}

int main(void) {
    char name[32];
    int threads, count;
    long calls;
    while (scanf("%31s %d %d %ld", name, &threads, &count, &calls) == 4) {
        size_t which = 0;
        while (which < CASE_COUNT && strcmp(CASES[which].name, name) != 0) {
            which++;
        }
        if (which == CASE_COUNT || threads < 1 || threads > THREADS_MAX || count < 1 || count > HANDLES_MAX) {
            fprintf(stderr, "overhead: bad line\n");
            return 2;
        }
        printf("%.2f\n", measure(which, threads, count, calls));
        fflush(stdout);
    }
    return 0;
}
