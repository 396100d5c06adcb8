/* The load generator's own parts: keys by their law, texts, and files of statements. */
#define _GNU_SOURCE
#include "../../bench/load/replay.h"
#include "../../bench/load/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { DRAWS = 400000, KEYS = 1000 };

static void draw(enum key_choice choice, double exponent, unsigned counts[KEYS]) {
    const struct options options = {.keys = KEYS, .seed = 7, .choice = choice, .zipf_exponent = exponent};
    struct keys keys;
    keys_start(&keys, &options, 3);
    memset(counts, 0, KEYS * sizeof *counts);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t key = keys_next(&keys);
        assert_true(key < KEYS);
        counts[key]++;
    }
}

/* Within five times the spread that chance gives. */
static void near(unsigned got, double want) {
    if (fabs((double)got - want) > 5 * sqrt(want)) {
        fail_msg("drawn %u times, want about %.0f", got, want);
    }
}

static void each_key_is_drawn_as_often_by_the_uniform_law(void **state) {
    (void)state;
    static unsigned counts[KEYS];
    draw(KEYS_UNIFORM, 1, counts);
    for (int i = 0; i < KEYS; i++) {
        near(counts[i], (double)DRAWS / KEYS);
    }
}

static void the_nth_key_is_drawn_by_its_rank_to_the_exponent_by_zipfs_law(void **state) {
    (void)state;
    static const double exponents[] = {0.5, 0.99, 1, 1.3, 3};
    static unsigned counts[KEYS];
    for (size_t e = 0; e < sizeof exponents / sizeof *exponents; e++) {
        double sum = 0;
        for (int rank = 1; rank <= KEYS; rank++) {
            sum += pow(rank, -exponents[e]);
        }
        draw(KEYS_ZIPF, exponents[e], counts);
        static const int ranks[] = {1, 2, 3, 10, 100, KEYS};
        for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
            double want = DRAWS * pow(ranks[i], -exponents[e]) / sum;
            if (want > 20) {
                near(counts[ranks[i] - 1], want);
            }
        }
    }
}

static void one_seed_gives_the_same_keys_and_each_thread_its_own(void **state) {
    (void)state;
    const struct options options = {.keys = 1000000, .seed = 7};
    struct keys one, again, other;
    keys_start(&one, &options, 0);
    keys_start(&again, &options, 0);
    keys_start(&other, &options, 1);
    int same = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t key = keys_next(&one);
        assert_int_equal(key, keys_next(&again));
        same += key == keys_next(&other);
    }
    assert_true(same < 5);
}

static void texts_are_whole_statements(void **state) {
    (void)state;
    const struct options options = {.keys = 1,
                                    .seed = 1,
                                    .table = "shop.cache",
                                    .key_column = "k",
                                    .value_column = "v",
                                    .value_size = 20,
                                    .batch = 2};
    struct text text;
    struct keys keys;
    char value[21] = "";
    assert_true(text_start(&text, &options));
    keys_start(&keys, &options, 0);
    text_select(&text, &keys);
    static const char select[] = "SELECT v FROM shop.cache WHERE k = 'key:0'";
    assert_int_equal(text.length, sizeof select - 1);
    assert_memory_equal(text.at, select, text.length);
    text_replace(&text, &keys, 2, 99);
    static const char head[] = "REPLACE INTO shop.cache (k, v) VALUES ('key:99', '";
    static const char second[] = "'), ('key:100', '";
    assert_int_equal(text.length, sizeof head - 1 + 20 + sizeof second - 1 + 20 + 2);
    assert_memory_equal(text.at, head, sizeof head - 1);
    memcpy(value, text.at + sizeof head - 1, 20);
    assert_memory_equal(text.at + sizeof head - 1 + 20, second, sizeof second - 1);
    assert_memory_not_equal(value, text.at + sizeof head - 1 + 20 + sizeof second - 1,
                            20); /* no two values alike */
    assert_memory_equal(text.at + text.length - 2, "')", 2);
    text_end(&text);
}

/* A file, and its requests: statements of one are parted by | and requests by a line's end. */
static const struct {
    const char *what, *file, *want;
    long per_request;
} FILES[] = {
    {"lines", "SELECT 1\n\n# no\n  REPLACE INTO t VALUES (1) ; \r\n-- nor this\nSELECT ';'",
     "SELECT 1\nREPLACE INTO t VALUES (1)\nSELECT ';'", 1},
    {"two lines a request", "SELECT 1\nSELECT 2\nSELECT 3\n", "SELECT 1|SELECT 2\nSELECT 3", 2},
    {"MariaDB's log",
     "/usr/sbin/mariadbd, Version: 10.11.19-MariaDB (Debian 12). started with:\nTcp port: 0  Unix socket: "
     "/s\nTime\t\t    Id Command\tArgument\n"
     "261123 12:00:00\t     8 Connect\tapp@localhost on shop using Socket\n\t\t     8 Query\tSELECT 1\n"
     "\t\t     9 Connect\tapp@localhost on  using Socket\n\t\t     9 Init DB\tshop\n\t\t     8 "
     "Query\tREPLACE INTO cache\n  VALUES ('a',\n'b')\n"
     "261123 12:00:01\t     9 Query\tSELECT 2\n\t\t     8 Quit\t\n\t\t     9 Prepare\tSELECT ?\n\t\t     9 "
     "Execute\tSELECT 3\n\t\t     9 Close stmt\t\n",
     "SELECT 1|REPLACE INTO cache\n  VALUES ('a',\n'b')\nUSE shop|SELECT 2|SELECT 3", 1},
    {"MySQL's log",
     "/usr/sbin/mysqld, Version: 9.7.4 (Debian). started with:\nTcp port: 3306  Unix socket: /s\nTime        "
     "         Id Command    Argument\n"
     "2026-11-23T12:00:00.123456Z\t   12 Connect\tapp@localhost on shop using "
     "Socket\n2026-11-23T12:00:00.123457Z\t   12 Query\tSELECT 1\n"
     "2026-11-23T12:00:00.123458+01:00\t   12 Query\tSELECT\t2\n",
     "SELECT 1|SELECT\t2", 1},
    {"an empty entry", "261123 12:00:00\t     8 Query\t\n\t\t     8 Query\tSELECT 1\n", "SELECT 1", 1},
    {"nothing", "\n# only this\n", NULL, 1},
    {"a log without statements",
     "261123 12:00:00\t     8 Connect\tapp@localhost on shop using Socket\n\t\t     8 Quit\t\n", NULL, 1},
};

static void files_are_read_as_requests(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        struct replay replay;
        char why[100], got[1000] = "", *at = got;
        bool read = replay_read(&replay, strdup(FILES[i].file), FILES[i].per_request, why, sizeof why);
        if (read != (FILES[i].want != NULL)) {
            fail_msg("%s: %s", FILES[i].what, read ? "read" : why);
        }
        for (size_t r = 0; read && r < replay.request_count; r++) {
            for (size_t s = 0; s < replay.requests[r].count; s++) {
                const struct replay_statement *statement = &replay.statements[replay.requests[r].first + s];
                if (r + s > 0) {
                    *at++ = s ? '|' : '\n';
                }
                at = mempcpy(at, statement->at, statement->length);
            }
        }
        if (read && strcmp(got, FILES[i].want) != 0) {
            fail_msg("%s: got\n%s\nwant\n%s", FILES[i].what, got, FILES[i].want);
        }
        if (read) {
            replay_free(&replay);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_is_drawn_as_often_by_the_uniform_law),
        cmocka_unit_test(the_nth_key_is_drawn_by_its_rank_to_the_exponent_by_zipfs_law),
        cmocka_unit_test(one_seed_gives_the_same_keys_and_each_thread_its_own),
        cmocka_unit_test(texts_are_whole_statements),
        cmocka_unit_test(files_are_read_as_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
