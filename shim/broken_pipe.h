/* A connection that is lost while something is written to it raises SIGPIPE, which ends a program. The client
 * libraries have it ignored when they begin, but some programs undo that: to such a one the loss of main means
 * its end, and that of the local master must mean nothing. So the signal is held back in the thread that talks
 * to a shadow, and taken away again, wherever it isn't ignored. */
#ifndef ROUNDABOUT_BROKEN_PIPE_H
#define ROUNDABOUT_BROKEN_PIPE_H

#include <signal.h>
#include <stdbool.h>

struct broken_pipe {
    bool held;    /* something is to be undone */
    bool pending; /* one was waiting before: it is the application's */
    sigset_t mask;
};

/* Looks whether the signal is ignored, for all that begins until the next look: a system call. Keeps errno. */
void broken_pipe_look(void);

/* Around what is said to a shadow, one inside another if need be. No system call where the signal is ignored.
 * Keep errno. */
void broken_pipe_hold(struct broken_pipe *hold);
void broken_pipe_release(const struct broken_pipe *hold);

#endif
