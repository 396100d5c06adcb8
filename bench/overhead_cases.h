/* The calls whose cost is measured: one row a call of the client API, with what it needs beforehand. */
#ifndef BENCH_OVERHEAD_CASES_H
#define BENCH_OVERHEAD_CASES_H

#include "../tests/preload/fake_client.h"

#include <stdbool.h>
#include <stddef.h>

/* What one call works on. A thread has one for each of its handles. */
struct seat {
    MYSQL *mysql;
    MYSQL_STMT *stmt;  /* prepared with `text`, where the case wants one */
    MYSQL_RES *result; /* of a SELECT that was passed or routed as the handle's history says */
    const char *text;
    size_t length;
};

/* What has happened on the handle before. */
enum history {
    HISTORY_NONE,   /* connected */
    HISTORY_PASSED, /* it never routed; its last statement ran on main */
    HISTORY_ROUTED, /* it has a shadow, on which its last statement ran */
};

enum need {
    NEED_STATEMENT = 1, /* seat->stmt */
    NEED_RESULT = 2,    /* seat->result */
    NEED_ROWS = 4,      /* the measured SELECT has rows */
    NEED_SERVER = 8,    /* the call is measured with the fake servers at work: theirs is a part of the time */
};

struct overhead_case {
    const char *name;
    enum history history;
    unsigned needs;
    const char *text;                 /* or, of a given size: */
    char *(*make_text)(size_t bytes); /* the caller's; about so many bytes, and more if it needs them */
    bool (*call)(struct seat *seat);  /* what is measured; false: it failed */
};

/* NULL: no such case. */
const struct overhead_case *overhead_find_case(const char *name);

/* A handle connected to main as every case's are. NULL: it can't be had. */
MYSQL *overhead_connect(void);

extern const char OVERHEAD_ROUTED[], OVERHEAD_PASSED[]; /* a REPLACE and an INSERT of some 60 bytes */

#endif
