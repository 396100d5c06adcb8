#define _GNU_SOURCE
#include "broken_pipe.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static _Atomic bool ends_programs;

void broken_pipe_look(void) {
    int kept_errno = errno;
    struct sigaction now;
    bool ignored = sigaction(SIGPIPE, NULL, &now) != 0 || now.sa_handler == SIG_IGN;
    if (ignored == atomic_load_explicit(&ends_programs, memory_order_relaxed)) {
        atomic_store_explicit(&ends_programs, !ignored, memory_order_relaxed);
    }
    errno = kept_errno;
}

static sigset_t the_signal(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

void broken_pipe_hold(struct broken_pipe *hold) {
    hold->held = atomic_load_explicit(&ends_programs, memory_order_relaxed);
    if (!hold->held) {
        return;
    }
    int kept_errno = errno;
    const sigset_t signal = the_signal();
    sigset_t waiting;
    sigpending(&waiting);
    hold->pending = sigismember(&waiting, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &signal, &hold->mask);
    errno = kept_errno;
}

void broken_pipe_release(const struct broken_pipe *hold) {
    if (!hold->held) {
        return;
    }
    int kept_errno = errno, cancel_state;
    const sigset_t signal = the_signal();
    const struct timespec at_once = {0};
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    while (!hold->pending && sigtimedwait(&signal, NULL, &at_once) < 0 && errno == EINTR) {
    }
    pthread_setcancelstate(cancel_state, NULL);
    pthread_sigmask(SIG_SETMASK, &hold->mask, NULL);
    errno = kept_errno;
}
