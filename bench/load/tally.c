#include "tally.h"

#include <stdlib.h>

const char *tally_name(enum tally_kind kind) {
    static const char *const names[] = {
#define X(name, what) #name,
        TALLY_KINDS(X)
#undef X
    };
    return names[kind];
}

const char *tally_meaning(enum tally_kind kind) {
    static const char *const meanings[] = {
#define X(name, what) what,
        TALLY_KINDS(X)
#undef X
    };
    return meanings[kind];
}

static struct histogram *times_of(struct tally *tally, enum tally_kind kind) {
    if (!tally->times[kind]) {
        tally->times[kind] = calloc(1, sizeof(struct histogram));
        if (!tally->times[kind]) {
            abort(); /* a bench without its results is of no use */
        }
    }
    return tally->times[kind];
}

void tally_add(struct tally *tally, enum tally_kind kind, int64_t ns) {
    histogram_add(times_of(tally, kind), ns);
}

static void count_error(struct tally *tally, unsigned number, uint64_t times) {
    for (int i = 0; i < TALLY_ERRORS_MAX; i++) {
        if (tally->errors[i].number == number || tally->errors[i].number == 0) {
            tally->errors[i].number = number;
            tally->errors[i].times += times;
            return;
        }
    }
    tally->other_errors += times;
}

void tally_fail(struct tally *tally, enum tally_kind kind, unsigned error) {
    tally->failed[kind]++;
    if (error) {
        count_error(tally, error, 1);
    }
}

void tally_merge(struct tally *into, const struct tally *from) {
    for (int kind = 0; kind < TALLY_COUNT; kind++) {
        into->failed[kind] += from->failed[kind];
        if (from->times[kind]) {
            histogram_merge(times_of(into, (enum tally_kind)kind), from->times[kind]);
        }
    }
    for (int i = 0; i < TALLY_ERRORS_MAX && from->errors[i].number; i++) {
        count_error(into, from->errors[i].number, from->errors[i].times);
    }
    into->other_errors += from->other_errors;
    into->rows += from->rows;
    into->affected_rows += from->affected_rows;
}

uint64_t tally_failures(const struct tally *tally) {
    uint64_t sum = 0;
    for (int kind = TALLY_first + 1; kind < TALLY_COUNT; kind++) {
        sum += tally->failed[kind];
    }
    return sum;
}

void tally_free(struct tally *tally) {
    for (int kind = 0; kind < TALLY_COUNT; kind++) {
        free(tally->times[kind]);
    }
    *tally = (struct tally){.rows = 0};
}
