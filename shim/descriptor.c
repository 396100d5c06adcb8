#define _GNU_SOURCE
#include "descriptor.h"

#include "process.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void descriptor_close(int number) {
    int kept_errno = errno, cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    close(number);
    pthread_setcancelstate(cancel_state, NULL);
    errno = kept_errno;
}

/* By their numbers: the library's functions lie on a page each, which a program that waits for its server
 * between two statements has to fetch anew. No thread is cancelled in them. */
static int change(int number, int operation, int argument) {
    return (int)syscall(SYS_fcntl, number, operation, argument);
}

static void close_saved(struct descriptor_loan *loan) {
    syscall(SYS_close, loan->saved);
    loan->number = loan->saved = -1;
}

/* Above those of standard input, output and error, which a program may have closed: what it prints then is
 * not to get into a connection. */
enum { NUMBERS_FROM = 3 };

/* The always readable one: one for the whole process, since to make one takes longer than all the rest of a
 * loan. It has a semaphore's count, of which who reads it takes 1, so that nobody uses it up. A program may
 * close "all" descriptors, and its number stand for another file then: it is marked by a signal that it never
 * sends (F_SETSIG), which no other file has; to ask for that takes less than to ask for the inode, which all
 * anonymous files share. */
static _Atomic int ready = -1;
enum { READS = 0x7fffffff, MARK = SIGURG };

static bool is_marked(int number) {
    return change(number, F_GETSIG, 0) == MARK;
}

static __attribute__((cold, noinline)) int make_ready(void) {
    int event = eventfd(READS, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    if (event >= 0 && event < NUMBERS_FROM) {
        int higher = change(event, F_DUPFD_CLOEXEC, NUMBERS_FROM);
        descriptor_close(event);
        event = higher;
    }
    if (event >= 0 && change(event, F_SETSIG, MARK) != 0) {
        descriptor_close(event);
        return -1;
    }
    return event;
}

/* -1: none can be had. */
static int find_ready(void) {
    int number = ready;
    if (number >= 0 && is_marked(number)) {
        return number;
    }
    int made = make_ready();
    if (made >= 0 && !atomic_compare_exchange_strong(&ready, &number, made)) { /* another thread was faster */
        descriptor_close(made);
        return number;
    }
    return made;
}

static int64_t read_tick(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now); /* of 1 to 10 ms, without a system call */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Looked at once in a tick, as a shadow's socket is (local_parts.h). What could slip through is a program
 * that within one tick puts another file under the number of main's socket and sends a statement on that:
 * while it is lent that file is out of reach, and back then. */
static bool is_mains(struct descriptor_loan *loan, const struct socket *socket) {
    int64_t tick = read_tick();
    pid_t process = process_id();
    if (loan->checked_tick == tick && loan->checked_inode == socket->inode && loan->checked_by == process) {
        return true;
    }
    if (!socket_is_same(socket)) {
        return false;
    }
    loan->checked_tick = tick;
    loan->checked_inode = socket->inode;
    loan->checked_by = process;
    return true;
}

bool descriptor_prepare(struct descriptor_loan *loan, const struct socket *main_socket) {
    int kept_errno = errno;
    loan->number = main_socket->number;
    loan->saved = -1;
    if (watch_is_whole(loan->number) && is_mains(loan, main_socket) && (loan->ready = find_ready()) >= 0 &&
        (loan->flags = change(loan->number, F_GETFD, 0)) >= 0) {
        loan->saved = change(loan->number, F_DUPFD_CLOEXEC, NUMBERS_FROM);
    }
    errno = kept_errno;
    return loan->saved >= 0;
}

void descriptor_drop(struct descriptor_loan *loan) {
    close_saved(loan);
}

void descriptor_lend(struct descriptor_loan *loan) {
    watch_put_under(loan->number, loan->ready, O_CLOEXEC);
}

/* A program may have had the descriptor send another signal: then the file has lost its mark under both its
 * numbers. */
static __attribute__((cold, noinline)) bool has_lost_mark(const struct descriptor_loan *loan) {
    struct stat there, one;
    return !is_marked(loan->ready) && fstat(loan->number, &there) == 0 && fstat(loan->ready, &one) == 0 &&
           there.st_dev == one.st_dev && there.st_ino == one.st_ino;
}

static bool is_still_lent(const struct descriptor_loan *loan) {
    return is_marked(loan->number) || has_lost_mark(loan);
}

bool descriptor_suspend(struct descriptor_loan *loan) {
    loan->kept = change(loan->number, F_DUPFD_CLOEXEC, NUMBERS_FROM);
    return loan->kept >= 0 && dup3(loan->saved, loan->number, O_CLOEXEC) >= 0;
}

/* The sets have gone on watching what was lent. */
void descriptor_resume(struct descriptor_loan *loan) {
    dup3(loan->kept, loan->number, O_CLOEXEC);
    descriptor_close(loan->kept);
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
    if (is_still_lent(loan)) {
        watch_put_under(loan->number, loan->saved, loan->flags & FD_CLOEXEC ? O_CLOEXEC : 0);
    }
    close_saved(loan);
    errno = kept_errno;
}
