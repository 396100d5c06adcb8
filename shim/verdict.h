/* What an error at the local master means for the statement that met it. Pure: a number in, a verdict out. */
#ifndef ROUNDABOUT_VERDICT_H
#define ROUNDABOUT_VERDICT_H

#include <stdbool.h>

/* What a failure at the local master means. */
enum verdict {
    VERDICT_APPLICATION, /* main would have said it as well: it is the application's */
    VERDICT_REFUSED,     /* the local master's own trouble with this statement: main runs it */
    VERDICT_LOST,        /* the connection is gone */
    VERDICT_DEADLOCK,    /* VERDICT_APPLICATION, and the shadow's transaction is undone */
};

enum verdict verdict_of(unsigned error);

/* Of a call on a prepared statement, whose library has words of its own on the order of calls and on binds.
 */
enum verdict verdict_of_statement(unsigned error);

/* Of a connect: the server can't be reached by anybody, rather than by this account. */
bool verdict_is_outage(unsigned error);

#endif
