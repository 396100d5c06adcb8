/* What was measured, by kind of statement. */
#ifndef LOAD_TALLY_H
#define LOAD_TALLY_H

#include "histogram.h"

#include <stdbool.h>

/* X(name, what it is) */
#define TALLY_KINDS(X)                                                                    \
    X(request, "a whole request; at a --rate from when it was due")                       \
    X(service, "at a --rate: a request from when it was begun")                           \
    X(first, "the first REPLACE or SELECT of a connection; the others are counted below") \
    X(connect, "mysql_real_connect")                                                      \
    X(replace, "a REPLACE")                                                               \
    X(select, "a SELECT and its rows")                                                    \
    X(insert, "an INSERT, of a replayed file")                                            \
    X(update, "an UPDATE, likewise")                                                      \
    X(delete, "a DELETE, likewise")                                                       \
    X(other, "any other statement")                                                       \
    X(begin, "BEGIN")                                                                     \
    X(commit, "COMMIT")

enum tally_kind {
#define X(name, what) TALLY_##name,
    TALLY_KINDS(X)
#undef X
        TALLY_COUNT
};

enum { TALLY_ERRORS_MAX = 32 };

/* Of one thread, or of all together. */
struct tally {
    struct histogram *times[TALLY_COUNT]; /* of what succeeded; NULL: none yet */
    uint64_t failed[TALLY_COUNT];
    struct {
        unsigned number; /* MySQL's */
        uint64_t times;
    } errors[TALLY_ERRORS_MAX]; /* 0: no more */
    uint64_t other_errors;      /* for which there was no room */
    uint64_t rows, affected_rows;
};

const char *tally_name(enum tally_kind kind);
const char *tally_meaning(enum tally_kind kind);
void tally_add(struct tally *tally, enum tally_kind kind, int64_t ns);
void tally_fail(struct tally *tally, enum tally_kind kind, unsigned error);
void tally_merge(struct tally *into, const struct tally *from);
uint64_t tally_failures(const struct tally *tally); /* of statements and connections, not of requests */
void tally_free(struct tally *tally);               /* empties it */

#endif
