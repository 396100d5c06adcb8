/* The map of addresses: against a plain list, in random orders; and looked up by threads while others change
 * it. */
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <setjmp.h>

#include <cmocka.h>

#include "../../shim/map.h"

static unsigned draw(unsigned *random) {
    *random = *random * 1103515245 + 12345;
    return *random >> 16;
}

/* Addresses as an allocator gives them; nothing is read at them. */
static void *address_of(unsigned number) {
    return (void *)(uintptr_t)(0x7f0000001000 + 64 * (uintptr_t)number);
}

enum { ADDRESSES = 3000, STEPS = 400000 };
static _Alignas(16) char values[ADDRESSES][16];

struct tally {
    size_t count;
    bool seen[ADDRESSES];
};

static bool tally(void *context, void *value) {
    struct tally *tally_of = context;
    tally_of->count++;
    tally_of->seen[((char *)value - values[0]) / 16] = true;
    return true;
}

static void it_holds_what_was_put_and_not_taken(void **state) {
    (void)state;
    static int kinds[ADDRESSES]; /* -1: not there */
    size_t counts[MAP_KINDS] = {0};
    unsigned random = 7;
    for (int i = 0; i < ADDRESSES; i++)
        kinds[i] = -1;
    for (int step = 0; step < STEPS; step++) {
        /* it grows, shrinks to nearly nothing, and grows again; few addresses change often, too */
        bool few = step / 1000 % 2;
        unsigned number = draw(&random) % (few ? 50 : ADDRESSES);
        bool puts = draw(&random) % 100 < (step / (STEPS / 4) % 2 ? 10u : 75u);
        enum map_kind kind = (enum map_kind)(draw(&random) % MAP_KINDS);
        void *address = address_of(number), *there = values[number];
        bool same = kinds[number] == (int)kind;
        assert_ptr_equal(map_find(address, kind), same ? there : NULL);
        if (puts) {
            void *replaced;
            assert_true(map_put(address, kind, there, &replaced));
            assert_ptr_equal(replaced, same ? there : NULL);
            if (kinds[number] >= 0)
                counts[kinds[number]]--;
            kinds[number] = (int)kind;
            counts[kind]++;
        } else {
            assert_ptr_equal(map_take(address, kind), same ? there : NULL);
            kinds[number] = same ? -1 : kinds[number];
            counts[kind] -= same;
        }
        assert_int_equal(map_count(kind), counts[kind]);
    }
    for (int kind = 0; kind < MAP_KINDS; kind++) {
        struct tally all = {0};
        map_walk((enum map_kind)kind, tally, &all);
        assert_int_equal(all.count, counts[kind]);
        for (int i = 0; i < ADDRESSES; i++) {
            assert_int_equal(all.seen[i], kinds[i] == kind);
            assert_ptr_equal(map_find(address_of((unsigned)i), (enum map_kind)kind),
                             kinds[i] == kind ? values[i] : NULL);
        }
    }
    for (unsigned i = 0; i < ADDRESSES; i++)
        for (int kind = 0; kind < MAP_KINDS; kind++)
            map_take(address_of(i), (enum map_kind)kind);
    assert_null(map_find(NULL, MAP_HANDLE));
    assert_null(map_find((void *)1, MAP_HANDLE));
}

/* Each thread finds its own, whatever the others do meanwhile, and never another's. */
enum { THREADS = 4, OWN = 1500, TURNS = 60 };
static _Atomic int wrong;

static void *use_own(void *argument) {
    unsigned own = (unsigned)(uintptr_t)argument, random = own + 1;
    char *first = values[own * (OWN / THREADS)];
    for (int turn = 0; turn < TURNS; turn++) {
        unsigned count = 1 + draw(&random) % OWN; /* together more than the first table takes */
        void *replaced;
        for (unsigned i = 0; i < count; i++) {
            if (!map_put(address_of(i * THREADS + own), MAP_HANDLE, first + 16 * (i % 16), &replaced) ||
                replaced)
                wrong++;
        }
        for (unsigned i = 0; i < 2 * count; i++) {
            void *want = i < count ? first + 16 * (i % 16) : NULL;
            if (map_find(address_of(i * THREADS + own), MAP_HANDLE) != want)
                wrong++;
        }
        for (unsigned i = 0; i < count; i++) {
            if (!map_take(address_of(i * THREADS + own), MAP_HANDLE))
                wrong++;
        }
    }
    return NULL;
}

static void each_thread_finds_its_own_while_others_change_theirs(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_own, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(wrong, 0);
    assert_int_equal(map_count(MAP_HANDLE), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_what_was_put_and_not_taken),
        cmocka_unit_test(each_thread_finds_its_own_while_others_change_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
