/* A sweep over a table that is a list of numbers: all of it is visited, in chunks that stay of a size. */
#include "../../daemon/sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS_MAX = 2000000 };
static unsigned char there[ROWS_MAX]; /* whether the row of that key is; its value */

static unsigned bound(const char *key, unsigned none) {
    return key ? (unsigned)atoi(key) : none;
}

/* What a server would answer. */
static uint64_t rows_in(struct chunk_range range, uint64_t *print) {
    uint64_t rows = 0;
    *print = 0;
    for (unsigned i = bound(range.lower, 0); i < bound(range.upper, ROWS_MAX); i++) {
        rows += there[i] != 0;
        *print += there[i] * (i + 1U);
    }
    return rows;
}

static bool find_cut(struct chunk_range range, char *key, size_t size) {
    unsigned rows = 0;
    for (unsigned i = bound(range.lower, 0); i < bound(range.upper, ROWS_MAX); i++)
        if (there[i] && rows++ == SWEEP_CHUNK_ROWS) {
            snprintf(key, size, "%u", i);
            return true;
        }
    return false;
}

struct span {
    unsigned from, to;
};

/* One visit; the keys that were looked at. */
static struct span visit(struct sweep *sweep) {
    const size_t place = sweep_next(sweep);
    char key[16];
    if (sweep->chunks[place].uncut)
        assert_true(
            sweep_cut(sweep, place, find_cut(sweep_range(sweep, place), key, sizeof key) ? key : NULL));
    uint64_t print;
    const struct chunk_range range = sweep_range(sweep, place);
    const uint64_t rows = rows_in(range, &print);
    const struct span span = {bound(range.lower, 0), bound(range.upper, ROWS_MAX)};
    sweep_saw(sweep, place, rows, print);
    return span;
}

/* One sweep; how many visits it took. Every key was in one. */
static unsigned sweep_all(struct sweep *sweep) {
    static unsigned char seen[ROWS_MAX];
    unsigned visits = 0;
    memset(seen, 0, sizeof seen);
    for (sweep_begin(sweep); !sweep_is_over(sweep); visits++) {
        const struct span span = visit(sweep);
        memset(seen + span.from, 1, span.to - span.from);
        assert_in_range(visits, 0, 10000);
    }
    assert_null(memchr(seen, 0, sizeof seen));
    return visits;
}

static uint64_t longest(const struct sweep *sweep) {
    uint64_t most = 0;
    for (size_t i = 0; i < sweep->count; i++)
        most = sweep->chunks[i].rows > most ? sweep->chunks[i].rows : most;
    return most;
}

static void a_sweep_visits_all_in_chunks_of_a_size(void **state) {
    (void)state;
    struct sweep sweep;
    memset(there, 1, ROWS_MAX);
    assert_true(sweep_open(&sweep));
    assert_int_equal(sweep_all(&sweep), ROWS_MAX / SWEEP_CHUNK_ROWS);
    assert_int_equal(sweep.count, ROWS_MAX / SWEEP_CHUNK_ROWS);
    assert_int_equal(longest(&sweep), SWEEP_CHUNK_ROWS);
    assert_int_equal(sweep_rows(&sweep), ROWS_MAX);
    assert_int_equal(sweep_all(&sweep), ROWS_MAX / SWEEP_CHUNK_ROWS); /* nothing is hot */
    sweep_free(&sweep);
}

static void chunks_grow_together_and_apart_with_the_table(void **state) {
    (void)state;
    struct sweep sweep;
    memset(there, 0, ROWS_MAX);
    assert_true(sweep_open(&sweep));
    assert_int_equal(sweep_all(&sweep), 1);
    memset(there + 50000, 1, 100000);
    for (unsigned i = 0; i < 3; i++)
        sweep_all(&sweep);
    assert_in_range(longest(&sweep), 1, 2 * SWEEP_CHUNK_ROWS);
    assert_int_equal(sweep_rows(&sweep), 100000);
    memset(there, 0, ROWS_MAX);
    there[7] = 1;
    for (unsigned i = 0; i < 8; i++)
        sweep_all(&sweep);
    assert_in_range(sweep.count, 1, 2);
    memset(there, 1, ROWS_MAX);
    for (unsigned i = 0; i < 3; i++)
        sweep_all(&sweep);
    assert_in_range(longest(&sweep), 1, 2 * SWEEP_CHUNK_ROWS);
    sweep_free(&sweep);
}

static void what_is_written_is_looked_at_more_often(void **state) {
    (void)state;
    struct sweep sweep;
    memset(there, 1, ROWS_MAX);
    assert_true(sweep_open(&sweep));
    sweep_all(&sweep);
    unsigned hot = 0, visits = 0;
    const unsigned chunks = ROWS_MAX / SWEEP_CHUNK_ROWS;
    for (unsigned round = 0; round < 4; round++)
        for (sweep_begin(&sweep); !sweep_is_over(&sweep); visits++) {
            there[ROWS_MAX - 1] = (unsigned char)(1 + visits % 200); /* the end of the table is busy */
            hot += visit(&sweep).to == ROWS_MAX;
        }
    /* Many times a sweep instead of once, and yet the sweep is hardly longer. */
    assert_in_range(hot, 3 * chunks / SWEEP_HOT_VISITS / 2, 4 * chunks / SWEEP_HOT_VISITS + 4);
    assert_in_range(visits, 4 * chunks, 4 * chunks + hot);
    for (unsigned i = 0; i < 2; i++)
        sweep_all(&sweep);
    assert_int_equal(sweep_all(&sweep), ROWS_MAX / SWEEP_CHUNK_ROWS); /* it has cooled down */
    sweep_free(&sweep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sweep_visits_all_in_chunks_of_a_size),
        cmocka_unit_test(chunks_grow_together_and_apart_with_the_table),
        cmocka_unit_test(what_is_written_is_looked_at_more_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
