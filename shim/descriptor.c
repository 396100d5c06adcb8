#define _GNU_SOURCE
#include "descriptor.h"

#include "command.h"
#include "real.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* Which numbers were given to epoll sets. A closed descriptor leaves its sets by itself, unseen here: a
 * number is taken to be watched until it is removed or stands for a new connection. Numbers beyond are taken
 * to be watched. */
enum { NUMBERS_MAX = 65536, BITS = 64 };
static _Atomic unsigned long watched[NUMBERS_MAX / BITS];

static bool is_watched(int number) {
    return number >= NUMBERS_MAX || (watched[number / BITS] >> (number % BITS) & 1);
}

static void note_watched(int number, bool on) {
    unsigned long bit = 1ul << (number % BITS);
    if (number < 0 || number >= NUMBERS_MAX) {
        return;
    }
    if (on) {
        atomic_fetch_or_explicit(&watched[number / BITS], bit, memory_order_relaxed);
    } else {
        atomic_fetch_and_explicit(&watched[number / BITS], ~bit, memory_order_relaxed);
    }
}

EXPORT int epoll_ctl(int set, int operation, int number, struct epoll_event *event) {
    int result = real_epoll_ctl(set, operation, number, event);
    if (result == 0 && operation != EPOLL_CTL_MOD) {
        note_watched(number, operation == EPOLL_CTL_ADD);
    }
    return result;
}

void descriptor_is_new(int number) {
    note_watched(number, false);
}

bool descriptor_prepare(struct descriptor_loan *loan, int number) {
    if (number < 0 || is_watched(number)) {
        return false;
    }
    loan->flags = fcntl(number, F_GETFD);
    loan->saved = fcntl(number, F_DUPFD_CLOEXEC, 0);
    loan->ready = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    loan->number = number;
    if (loan->flags >= 0 && loan->saved >= 0 && loan->ready >= 0) {
        return true;
    }
    descriptor_drop(loan);
    return false;
}

void descriptor_drop(struct descriptor_loan *loan) {
    if (loan->saved >= 0) {
        close(loan->saved);
    }
    if (loan->ready >= 0) {
        close(loan->ready);
    }
    loan->number = loan->saved = loan->ready = -1;
}

void descriptor_lend(struct descriptor_loan *loan) {
    dup3(loan->ready, loan->number, O_CLOEXEC); /* can't fail: both are open */
    close(loan->ready);
    loan->ready = -1;
}

/* All anonymous descriptors share one inode: what isn't one is not ours. */
static bool is_still_lent(int number) {
    struct stat there, one;
    int event = eventfd(0, EFD_CLOEXEC);
    bool same = event < 0 || (fstat(number, &there) == 0 && fstat(event, &one) == 0 &&
                              there.st_dev == one.st_dev && there.st_ino == one.st_ino);
    if (event >= 0) {
        close(event);
    }
    return same;
}

bool descriptor_suspend(struct descriptor_loan *loan) {
    loan->ready = fcntl(loan->number, F_DUPFD_CLOEXEC, 0);
    return loan->ready >= 0 && dup3(loan->saved, loan->number, O_CLOEXEC) >= 0;
}

void descriptor_resume(struct descriptor_loan *loan) {
    descriptor_lend(loan);
}

void descriptor_take_back(struct descriptor_loan *loan) {
    int kept_errno = errno;
    if (is_still_lent(loan->number)) {
        dup3(loan->saved, loan->number, loan->flags & FD_CLOEXEC ? O_CLOEXEC : 0);
    }
    close(loan->saved);
    loan->number = loan->saved = -1;
    errno = kept_errno;
}
