/* The shadow: a connection of the shim's own to the local master, one for an application's handle, opened
 * when the first statement is routed. Opened through the application's own client library with its own
 * options, kept in step with its session, and given up without a word to the application when it fails. One
 * thread at a time, as for the handle that it belongs to. */
#ifndef ROUNDABOUT_LOCAL_H
#define ROUNDABOUT_LOCAL_H

#include "handle.h"

#include <sys/types.h>

struct local {
    MYSQL *mysql;
    const struct real *real;
    struct server server;
    unsigned version;          /* the session's version that this connection is in step with */
    unsigned database_version; /* of the default database, likewise */
    bool autocommit;           /* this connection's own setting */
    bool transaction;          /* statements of an open transaction have run here */
    bool written;              /* ... and not only reads */
    bool orphaned;             /* its handle is closed; it goes with its last result */
    size_t results;            /* unbuffered results of it that the application has not freed */
    pid_t pid;                 /* the process that opened it: a forked child must not write a byte on it */
    struct statement *reader;  /* whose rows came last; NULL: a text's */
    struct closing *closing;   /* statements to be closed as soon as nobody's rows are in the way */
    struct socket socket;
    bool hushed;        /* the shim has said something of its own since the application's last statement was
                           answered: a statement that fails may begin a transaction, which the status bits tell
                           with the next answer only */
    bool hushed_inside; /* ... and before that they said this of being in one */
    bool given_up;      /* by the library: it holds no descriptor any more */
    int64_t checked_ms; /* when `socket` was last compared with what its number is (local_is_ours) */
    const struct config *config; /* by which it was opened */
    struct local *left;          /* the next of those that can't be closed (local_life.c) */
};

/* Runs a statement of `group` on the handle's shadow; opens it, brings it in step and begins its transaction
 * first where needed. ROUTE_ROUTED: it was answered there, *result is the library's return value and
 * *answered the shadow. Anything else: why it could not run; it has had no effect at the local master that
 * matters, and belongs on main. The handle must be busy. */
enum route_reason local_run(struct handle *handle, const struct config_group *group,
                            const struct sql_summary *summary, struct slice text, int *result,
                            struct local **answered);

/* The same for a prepared statement, whose summary and text are its own. Without `execute`: it is made sure
 * that its twin is there. */
enum route_reason local_run_prepared(struct handle *handle, const struct config_group *group,
                                     struct statement *statement, bool execute, int *result,
                                     struct local **answered);

/* The statement that the local master has just refused ran on main with success: so it is the local master's
 * own trouble, and is logged. */
void local_note_refused(struct handle *handle, const struct sql_summary *summary);

/* This shadow is lost: what is left of its transaction goes to main, and a statement after that opens
 * another. */
void local_give_up(struct handle *handle, const struct local *local);

/* The application has not read all that the shadow sent: the exact test, without a byte on the wire. Forgets
 * handle->streaming when it's over. */
bool local_is_streaming(struct handle *handle);

/* Main has done something that the shadow's open transaction must do as well. */
void local_echo(struct handle *handle, enum session_echo echo, struct slice text);

/* Commits or rolls back on the shadow alone, for a transaction that main has no part in. False: the shadow
 * was lost. */
bool local_end_alone(struct handle *handle, bool commit);

/* The application kills, on main, what a handle of this process runs: it may be running on that handle's
 * shadow, which main's server doesn't know. Interrupts it there, over this handle's own shadow; does nothing
 * where that can't be had. The handle must be busy. */
void local_kill_running(struct handle *handle, unsigned long thread_id);

/* Closes what is open, with its transaction undone; for a session that has become another one. Results in the
 * application's hands live on. */
void local_close_all(struct handle *handle);

/* It is this process's, and its socket is there. */
bool local_is_usable(struct local *local);

/* In a transaction, as far as the answers to the application's own statements have told. With Connector/C
 * only, whose applications may ask. */
bool local_is_inside(const struct local *local);

/* Runs a text of the shim's own. False: mysql_errno of the shadow says why. */
bool local_say(struct local *local, const char *text, size_t length);

/* An unbuffered result of this shadow was freed: a shadow without handle goes with its last one. */
void local_result_freed(struct local *local);

#endif
