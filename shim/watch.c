#define _GNU_SOURCE
#include "watch.h"

#include "command.h"
#include "real.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A set keeps watching the socket that a number stood for when it was added, so a loan has to take the number
 * out of its sets and put it in again. A set that was closed is found out then. Made once for each number
 * that was ever a watched connection's, and kept. A number in more than SETS_LENT_IN sets isn't lent, since
 * each costs four system calls; the room beyond is for those that take it up while it is lent, which would
 * watch what lies under it then for good. */
enum { NUMBERS_MAX = 65536, SETS_MAX = 16, SETS_LENT_IN = 4 };
struct watches {
    size_t count;
    bool too_many;
    int sets[SETS_MAX];
    struct epoll_event events[SETS_MAX];
};
/* Of a connection that no set has taken up, as most are; and of one whose sets aren't known, for want of
 * memory. Nothing is written to them. */
static struct watches unwatched, unknown = {.too_many = true};
static _Atomic(struct watches *) watches_of[NUMBERS_MAX]; /* NULL: was never a connection's */
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
/* Registered by the first call alone it may come too late for a fork that has begun, whose child would
 * inherit the lock. A constructor of another library may come even before. */
__attribute__((constructor)) static void watch_fork_once(void) {
    pthread_once(&fork_once, watch_fork);
}

static struct watches *find_watches(int number) {
    return number >= 0 && number < NUMBERS_MAX ? watches_of[number] : NULL;
}

static bool is_shared(const struct watches *watches) {
    return watches == &unwatched || watches == &unknown;
}

/* Under the lock. */
static void change_watches(struct watches *watches, int set, int operation, const struct epoll_event *event) {
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
}

static void note_watch(int number, int set, int operation, const struct epoll_event *event) {
    bool first = watches_of[number] == &unwatched && operation != EPOLL_CTL_DEL;
    struct watches *fresh = first ? calloc(1, sizeof *fresh) : NULL;
    pthread_mutex_lock(&lock);
    if (first && watches_of[number] == &unwatched) {
        watches_of[number] = fresh ? fresh : &unknown;
        fresh = NULL;
    }
    if (!is_shared(watches_of[number])) {
        change_watches(watches_of[number], set, operation, event);
    }
    pthread_mutex_unlock(&lock);
    free(fresh);
}

EXPORT int epoll_ctl(int set, int operation, int number, struct epoll_event *event) {
    int result = real_epoll_ctl(set, operation, number, event);
    if (result == 0 && find_watches(number)) {
        note_watch(number, set, operation, event);
    }
    return result;
}

void watch_begin(int number) {
    if (number < 0 || number >= NUMBERS_MAX) {
        return;
    }
    watch_fork_once();
    pthread_mutex_lock(&lock);
    struct watches *watches = watches_of[number];
    if (!watches || is_shared(watches)) {
        watches_of[number] = &unwatched;
    } else {
        watches->count = 0;
        watches->too_many = false;
    }
    pthread_mutex_unlock(&lock);
}

bool watch_is_whole(int number) {
    const struct watches *watches = find_watches(number);
    return watches && !watches->too_many && watches->count <= SETS_LENT_IN;
}

/* By its number, as in descriptor.c. Can't fail: both are open. */
static void put_under(int number, int file, int flags) {
    syscall(SYS_dup3, file, number, flags);
}

static __attribute__((noinline)) void put_under_in_sets(int number, int file, int flags,
                                                        struct watches *watches) {
    pthread_mutex_lock(&lock);
    struct watches now = *watches;
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < now.count; i++) {
        if (real_epoll_ctl(now.sets[i], EPOLL_CTL_DEL, number, NULL) != 0) {
            note_watch(number, now.sets[i], EPOLL_CTL_DEL, NULL); /* closed, or another set by now */
            now.sets[i] = -1;
        }
    }
    put_under(number, file, flags);
    for (size_t i = 0; i < now.count; i++) {
        if (now.sets[i] >= 0) {
            real_epoll_ctl(now.sets[i], EPOLL_CTL_ADD, number, &now.events[i]);
        }
    }
}

void watch_put_under(int number, int file, int flags) {
    struct watches *watches = find_watches(number);
    if (watches && watches->count > 0) {
        put_under_in_sets(number, file, flags, watches);
    } else {
        put_under(number, file, flags);
    }
}
