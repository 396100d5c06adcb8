#include "sweep.h"

#include <stdlib.h>
#include <string.h>

static bool insert_chunk(struct sweep *sweep, size_t place, struct sweep_chunk chunk) {
    if (sweep->count == sweep->room) {
        const size_t room = sweep->room ? 2 * sweep->room : 16;
        struct sweep_chunk *chunks = realloc(sweep->chunks, room * sizeof *chunks);
        if (!chunks)
            return false;
        sweep->chunks = chunks;
        sweep->room = room;
    }
    memmove(sweep->chunks + place + 1, sweep->chunks + place, (sweep->count - place) * sizeof *sweep->chunks);
    sweep->chunks[place] = chunk;
    sweep->count++;
    return true;
}

bool sweep_open(struct sweep *sweep) {
    *sweep = (struct sweep){0};
    return insert_chunk(sweep, 0, (struct sweep_chunk){.uncut = true});
}

void sweep_free(struct sweep *sweep) {
    for (size_t i = 0; i < sweep->count; i++)
        free(sweep->chunks[i].lower);
    free(sweep->chunks);
    *sweep = (struct sweep){0};
}

void sweep_begin(struct sweep *sweep) {
    sweep->cursor = 0;
}

bool sweep_is_over(const struct sweep *sweep) {
    return sweep->cursor >= sweep->count;
}

/* The next hot chunk in turn that the sweep doesn't come to now anyway; count: there is none. */
static size_t next_hot(const struct sweep *sweep) {
    for (size_t i = 0; i < sweep->count; i++) {
        const size_t place = (sweep->hot_cursor + i) % sweep->count;
        const struct sweep_chunk *chunk = &sweep->chunks[place];
        if (chunk->hot && place != sweep->cursor && sweep->visits - chunk->visit >= SWEEP_HOT_VISITS)
            return place;
    }
    return sweep->count;
}

size_t sweep_next(struct sweep *sweep) {
    const size_t hot = sweep->hot_is_next ? next_hot(sweep) : sweep->count;
    sweep->hot_is_next = !sweep->hot_is_next;
    if (hot == sweep->count)
        return sweep->cursor++;
    sweep->hot_cursor = hot + 1;
    return hot;
}

struct chunk_range sweep_range(const struct sweep *sweep, size_t place) {
    return (struct chunk_range){.lower = sweep->chunks[place].lower,
                                .upper = place + 1 < sweep->count ? sweep->chunks[place + 1].lower : NULL};
}

bool sweep_cut(struct sweep *sweep, size_t place, const char *key) {
    if (key) {
        char *lower = strdup(key);
        const struct sweep_chunk rest = {.lower = lower, .uncut = true};
        if (!lower || !insert_chunk(sweep, place + 1, rest)) {
            free(lower);
            return false;
        }
        sweep->chunks[place].seen = false;
        if (sweep->cursor > place + 1)
            sweep->cursor++;
        if (sweep->hot_cursor > place + 1)
            sweep->hot_cursor++;
    }
    sweep->chunks[place].uncut = false;
    return true;
}

static void join_with_the_one_before(struct sweep *sweep, size_t place) {
    struct sweep_chunk *before = &sweep->chunks[place - 1], *chunk = &sweep->chunks[place];
    before->rows += chunk->rows;
    before->hot |= chunk->hot;
    before->seen = false;
    free(chunk->lower);
    memmove(chunk, chunk + 1, (sweep->count - place - 1) * sizeof *chunk);
    sweep->count--;
    if (sweep->cursor > place)
        sweep->cursor--;
    if (sweep->hot_cursor > place)
        sweep->hot_cursor--;
}

void sweep_saw(struct sweep *sweep, size_t place, uint64_t rows, uint64_t print) {
    struct sweep_chunk *chunk = &sweep->chunks[place];
    chunk->hot = chunk->seen && (chunk->print != print || chunk->rows != rows);
    chunk->seen = true;
    chunk->visit = ++sweep->visits;
    chunk->rows = rows;
    chunk->print = print;
    if (rows > 2 * SWEEP_CHUNK_ROWS)
        chunk->uncut = true;
    const struct sweep_chunk *before = place > 0 ? chunk - 1 : NULL;
    if (before && rows < SWEEP_CHUNK_ROWS / 4 && before->rows + rows < SWEEP_CHUNK_ROWS && !before->uncut &&
        !chunk->uncut)
        join_with_the_one_before(sweep, place);
}

uint64_t sweep_rows(const struct sweep *sweep) {
    uint64_t rows = 0;
    for (size_t i = 0; i < sweep->count; i++)
        rows += sweep->chunks[i].rows;
    return rows;
}
