#define _GNU_SOURCE
#include "descriptor.h"

#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

bool descriptor_prepare(struct descriptor_loan *loan, int number) {
    if (!watch_is_whole(number)) {
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
    watch_put_under(loan->number, loan->ready, O_CLOEXEC);
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

/* The sets have gone on watching what was lent. */
void descriptor_resume(struct descriptor_loan *loan) {
    dup3(loan->ready, loan->number, O_CLOEXEC);
    close(loan->ready);
    loan->ready = -1;
}

void descriptor_take_back(struct descriptor_loan *loan) {
    int kept_errno = errno;
    if (is_still_lent(loan->number)) {
        watch_put_under(loan->number, loan->saved, loan->flags & FD_CLOEXEC ? O_CLOEXEC : 0);
    }
    close(loan->saved);
    loan->number = loan->saved = -1;
    errno = kept_errno;
}
