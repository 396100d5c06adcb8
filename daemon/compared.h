/* What comparing the sites' cache tables has come to since the daemon's start, for those who show it: plain
 * values. Counts only grow. */
#ifndef ROUNDABOUT_COMPARED_H
#define ROUNDABOUT_COMPARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tables beyond that are compared, but not shown. */
#define COMPARED_TABLES 64

struct compared_counts {
    uint64_t rows;      /* of the longest site, each time that they were compared */
    uint64_t divergent; /* keys that were found to differ for good */
    uint64_t repaired;
    uint64_t given_up;    /* keys that differed, and came to no verdict: compared again */
    int64_t passed_at_us; /* since 1970: when all of the table had been compared last; 0: never */
};

struct compared_table {
    char name[136]; /* database.table, cut to fit */
    struct compared_counts counts;
};

struct compared {
    bool known;         /* this daemon compares now or has since its start; else all below is empty */
    bool leads, paused; /* it does now; it does, but a site lags */
    size_t waiting;     /* keys that differ and aren't confirmed yet */
    size_t table_count;
    struct compared_table tables[COMPARED_TABLES];
};

#endif
