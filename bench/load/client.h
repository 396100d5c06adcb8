/* One connection's share of the load, run by one thread. */
#ifndef LOAD_CLIENT_H
#define LOAD_CLIENT_H

#include "replay.h"
#include "tally.h"
#include "text.h"

#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>

/* What all threads of a load share. */
struct load {
    const struct options *options;
    const struct replay *replay; /* NULL: the load's own statements */
    pthread_barrier_t start;     /* all have connected and warmed up, and the clocks are set */
    int64_t began_ns;
    int64_t end_ns; /* no request is begun after it; INT64_MAX: --requests ends the load */
    _Atomic long taken;
    _Atomic bool stopped;      /* by a signal */
    _Atomic uint64_t finished; /* requests, for the progress */
    _Atomic uint64_t failed;   /* statements, likewise */
};

struct client {
    pthread_t thread;
    struct load *load;
    long number;
    MYSQL *mysql;           /* NULL: not connected */
    MYSQL_STMT *stmts[2];   /* --prepared: REPLACE, SELECT */
    MYSQL_BIND *parameters; /* of the REPLACE, then of the SELECT */
    char *parameter_memory;
    struct text text;
    struct keys keys;
    bool fresh;   /* nothing of the cache has been asked on this connection yet */
    bool warming; /* what is measured isn't counted, but as `first` */
    struct tally tally;
};

int64_t client_now_ns(void);

/* Connects as the options say, to whom they say. NULL: *error says why, its text is on standard error if
 * `loud`. */
MYSQL *client_connect(const struct options *options, bool loud, unsigned *error);

/* The thread's function; its argument is a client with load and number set. */
void *client_work(void *client);

#endif
