#define _GNU_SOURCE
#include "descriptor.h"

#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

void descriptor_close(int number) {
    int kept_errno = errno, cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    close(number);
    pthread_setcancelstate(cancel_state, NULL);
    errno = kept_errno;
}

/* Above those of standard input, output and error, which a program may have closed: what it prints then is not
 * to get into a connection. */
enum { NUMBERS_FROM = 3 };

static int make_ready(void) {
    int event = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0 || event >= NUMBERS_FROM) {
        return event;
    }
    int higher = fcntl(event, F_DUPFD_CLOEXEC, NUMBERS_FROM);
    descriptor_close(event);
    return higher;
}

bool descriptor_prepare(struct descriptor_loan *loan, int number) {
    if (!watch_is_whole(number)) {
        return false;
    }
    loan->flags = fcntl(number, F_GETFD);
    loan->saved = fcntl(number, F_DUPFD_CLOEXEC, NUMBERS_FROM);
    loan->ready = make_ready();
    loan->number = number;
    if (loan->flags >= 0 && loan->saved >= 0 && loan->ready >= 0) {
        return true;
    }
    descriptor_drop(loan);
    return false;
}

void descriptor_drop(struct descriptor_loan *loan) {
    if (loan->saved >= 0) {
        descriptor_close(loan->saved);
    }
    if (loan->ready >= 0) {
        descriptor_close(loan->ready);
    }
    loan->number = loan->saved = loan->ready = -1;
}

void descriptor_lend(struct descriptor_loan *loan) {
    watch_put_under(loan->number, loan->ready, O_CLOEXEC);
    descriptor_close(loan->ready);
    loan->ready = -1;
}

/* All anonymous descriptors share one inode: what isn't one is not ours. */
static bool is_still_lent(int number) {
    struct stat there, one;
    int event = eventfd(0, EFD_CLOEXEC);
    bool same = event < 0 || (fstat(number, &there) == 0 && fstat(event, &one) == 0 &&
                              there.st_dev == one.st_dev && there.st_ino == one.st_ino);
    if (event >= 0) {
        descriptor_close(event);
    }
    return same;
}

bool descriptor_suspend(struct descriptor_loan *loan) {
    loan->ready = fcntl(loan->number, F_DUPFD_CLOEXEC, NUMBERS_FROM);
    return loan->ready >= 0 && dup3(loan->saved, loan->number, O_CLOEXEC) >= 0;
}

/* The sets have gone on watching what was lent. */
void descriptor_resume(struct descriptor_loan *loan) {
    dup3(loan->ready, loan->number, O_CLOEXEC);
    descriptor_close(loan->ready);
    loan->ready = -1;
}

void descriptor_occupy_standard(struct descriptor_standard *standard) {
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    for (int number = 0; number < NUMBERS_FROM; number++) {
        standard->taken[number] = false;
    }
    int number;
    while ((number = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && number < NUMBERS_FROM) {
        standard->taken[number] = true;
    }
    if (number >= 0) {
        descriptor_close(number);
    }
    pthread_setcancelstate(cancel_state, NULL);
}

void descriptor_vacate_standard(const struct descriptor_standard *standard) {
    for (int number = 0; number < NUMBERS_FROM; number++) {
        if (standard->taken[number]) {
            descriptor_close(number);
        }
    }
}

bool descriptor_can_be_had(void) {
    int kept_errno = errno;
    int event = eventfd(0, EFD_CLOEXEC);
    bool exhausted = event < 0 && (errno == EMFILE || errno == ENFILE);
    if (event >= 0) {
        descriptor_close(event);
    }
    errno = kept_errno;
    return !exhausted;
}

void descriptor_take_back(struct descriptor_loan *loan) {
    int kept_errno = errno;
    if (is_still_lent(loan->number)) {
        watch_put_under(loan->number, loan->saved, loan->flags & FD_CLOEXEC ? O_CLOEXEC : 0);
    }
    descriptor_close(loan->saved);
    loan->number = loan->saved = -1;
    errno = kept_errno;
}
