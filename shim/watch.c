#define _GNU_SOURCE
#include "watch.h"

#include "command.h"
#include "real.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* A set keeps watching the socket that a number stood for when it was added, so a loan has to take the number
 * out of its sets and put it in again. A set that was closed is found out then. Made once for each number
 * that was ever a connection's, and kept. */
enum { NUMBERS_MAX = 65536, SETS_MAX = 4 };
struct watches {
    size_t count;
    bool too_many;
    int sets[SETS_MAX];
    struct epoll_event events[SETS_MAX];
};
static _Atomic(struct watches *) watches_of[NUMBERS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void before_fork(void) {
    pthread_mutex_lock(&lock);
}
static void after_fork(void) {
    pthread_mutex_unlock(&lock);
}
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static void watch_fork(void) {
    pthread_atfork(before_fork, after_fork, after_fork);
}

static struct watches *find_watches(int number) {
    return number >= 0 && number < NUMBERS_MAX ? watches_of[number] : NULL;
}

static void note_watch(struct watches *watches, int set, int operation, const struct epoll_event *event) {
    pthread_mutex_lock(&lock);
    size_t i = 0;
    while (i < watches->count && watches->sets[i] != set) {
        i++;
    }
    if (operation == EPOLL_CTL_DEL) {
        if (i < watches->count) {
            watches->count--;
            watches->sets[i] = watches->sets[watches->count];
            watches->events[i] = watches->events[watches->count];
        }
    } else if (i == SETS_MAX) {
        watches->too_many = true;
    } else {
        watches->count += i == watches->count;
        watches->sets[i] = set;
        watches->events[i] = *event;
    }
    pthread_mutex_unlock(&lock);
}

EXPORT int epoll_ctl(int set, int operation, int number, struct epoll_event *event) {
    int result = real_epoll_ctl(set, operation, number, event);
    struct watches *watches = result == 0 ? find_watches(number) : NULL;
    if (watches) {
        note_watch(watches, set, operation, event);
    }
    return result;
}

void watch_begin(int number) {
    if (number < 0 || number >= NUMBERS_MAX) {
        return;
    }
    pthread_once(&fork_once, watch_fork);
    struct watches *watches = watches_of[number];
    if (!watches) {
        watches_of[number] = calloc(1, sizeof *watches); /* NULL: this one's halves are not routed */
        return;
    }
    pthread_mutex_lock(&lock);
    watches->count = 0;
    watches->too_many = false;
    pthread_mutex_unlock(&lock);
}

bool watch_is_whole(int number) {
    const struct watches *watches = find_watches(number);
    return watches && !watches->too_many;
}

void watch_put_under(int number, int file, int flags) {
    struct watches *watches = find_watches(number);
    struct watches now = {0};
    if (watches) {
        pthread_mutex_lock(&lock);
        now = *watches;
        pthread_mutex_unlock(&lock);
    }
    for (size_t i = 0; i < now.count; i++) {
        if (real_epoll_ctl(now.sets[i], EPOLL_CTL_DEL, number, NULL) != 0) {
            note_watch(watches, now.sets[i], EPOLL_CTL_DEL, NULL); /* closed, or another set by now */
            now.sets[i] = -1;
        }
    }
    dup3(file, number, flags); /* can't fail: both are open */
    for (size_t i = 0; i < now.count; i++) {
        if (now.sets[i] >= 0) {
            real_epoll_ctl(now.sets[i], EPOLL_CTL_ADD, number, &now.events[i]);
        }
    }
}
