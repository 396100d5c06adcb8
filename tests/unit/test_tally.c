/* Whether a site's server still knows which GTIDs it gave out: looks in the order in which the daemon hears of
 * them, and what they prove. */
#include "../../daemon/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SITES 3 /* a, b, c, of which c is asked about */

struct row {
    const char *claim;
    /* "a@10-12:1-1-5,3-3-9": a look at a from 10 ms to 12 ms, and what a had logged. Between spaces a turn of the
     * daemon; + joins looks that it hears of in one turn. "-": no look, only a state that isn't there any more. */
    const char *looks;
    enum site_memory wanted;
};

/* clang-format off: one row, one line */
static const struct row rows[] = {
    {"nobody else was seen", "c@10-11:3-3-9", SITE_UNSURE},
    {"nor c itself", "a@10-11:3-3-9", SITE_UNSURE},
    {"c shows what the others showed before", "a@10-11:3-3-9 b@10-11:3-3-8 c@20-21:3-3-9", SITE_REMEMBERS},
    {"c shows more", "a@10-11:3-3-9 c@20-21:3-3-12", SITE_REMEMBERS},
    {"c shows less: it forgot", "a@10-11:3-3-9 b@10-11:3-3-7 c@20-21:3-3-8", SITE_FORGOT},
    {"c shows nothing: it forgot", "a@10-11:3-3-9 c@20-21:", SITE_FORGOT},
    {"so it did by what one of two shows", "a@10-11:3-3-9 b@10-11: c@20-21:3-3-8", SITE_FORGOT},
    {"in a new ring nobody has given out anything", "a@10-11: c@10-11: b@10-11:", SITE_REMEMBERS},
    {"c wrote between the looks", "c@10-11:3-3-8 a@20-21:3-3-9", SITE_UNSURE},
    {"c wrote while both looks were under way", "a@10-20:3-3-9+c@10-20:3-3-8", SITE_UNSURE},
    {"a look ends when another begins", "a@10-20:3-3-9 c@20-21:3-3-8", SITE_UNSURE},
    {"a look later than c's that shows no more proves as much", "c@10-11:3-3-8+a@20-21:3-3-8", SITE_REMEMBERS},
    {"under load each look overlaps with c's, and the ones before count",
     "a@10-12:3-3-5+c@10-12:3-3-4 a@20-22:3-3-15+c@20-22:3-3-14", SITE_REMEMBERS},
    {"and tell that it forgot", "a@10-12:3-3-5+c@10-12:3-3-4 a@20-22:3-3-5+c@20-22:3-3-1", SITE_FORGOT},
    {"what another shows after c's look changes nothing before the next", "a@10-11:3-3-9 c@20-21:3-3-9 a@30-31:3-3-12", SITE_REMEMBERS},
    {"and the next is later", "a@10-11:3-3-9 c@20-21:3-3-9 a@30-31:3-3-12 c@40-41:3-3-12", SITE_REMEMBERS},
    {"a look at c that took long proves nothing by looks made meanwhile",
     "a@10-11:3-3-5 a@30-31:3-3-9 a@40-41:3-3-11 c@20-50:3-3-5", SITE_UNSURE},
    {"what was known of c stays so while nothing is proved", "a@10-11:3-3-9 c@20-21: a@30-31:3-3-9 a@40-41:3-3-9 c@25-50:", SITE_FORGOT},
    {"one that answers no more has shown what it has shown", "c@5-6:3-3-9 a@10-11:3-3-9 a@- c@20-21:3-3-1", SITE_FORGOT},
    {"but of one first seen later nothing was read", "a@10-11:3-3-9 a@- c@20-21:3-3-1", SITE_UNSURE},
    {"c answers no more, and comes back without", "a@10-11:3-3-9 c@20-21:3-3-9 c@- a@30-31:3-3-9 c@40-41:", SITE_FORGOT},
    {"what another gets while c is away counts, too",
     "a@10-11:3-3-9 c@20-21:3-3-9 c@- a@30-31:3-3-12 a@40-41:3-3-12 c@50-51:3-3-10", SITE_FORGOT},
    {"what was shown before c was first seen proves nothing by numbers that weren't read",
     "a@10-11:3-3-9 a@30-41:3-3-9 c@30-41:3-3-1", SITE_UNSURE},
    {"it was joined again", "a@10-11:3-3-9 c@20-21: a@30-31:3-3-9 c@40-41:3-3-9", SITE_REMEMBERS},
    {"all were begun anew", "a@10-11:3-3-9 b@10-11:3-3-9 c@20-21:3-3-9 a@30-31: b@30-31: c@40-41:", SITE_REMEMBERS},
};
/* clang-format on */

static struct link_state states[SITES];
static const struct link_state *seen[SITES];
static struct tally tally;

static void start(enum server_kind kind) {
    memset(states, 0, sizeof states);
    memset(seen, 0, sizeof seen);
    tally = (struct tally){0};
    for (unsigned i = 0; i < SITES; i++) {
        states[i].kind = kind;
        states[i].domain_id = kind == SERVER_MARIADB ? i + 1 : 0;
        snprintf(states[i].uuid, sizeof states[i].uuid, "%c000-1", 'a' + (int)i);
    }
}

static unsigned take_look(const char *word) {
    long long asked, answered;
    int length = 0;
    const size_t site = (size_t)(word[0] - 'a');
    if (word[2] == '-') {
        seen[site] = NULL;
        return 0;
    }
    assert_int_equal(sscanf(word + 1, "@%lld-%lld:%n", &asked, &answered, &length), 2);
    snprintf(states[site].logged, sizeof states[site].logged, "%s", word + 1 + length);
    states[site].asked_ms = asked, states[site].answered_ms = answered;
    seen[site] = &states[site];
    return 1U << site;
}

static void take_looks(const char *looks) {
    char text[300], *turns = NULL, *words = NULL;
    snprintf(text, sizeof text, "%s", looks);
    for (char *turn = strtok_r(text, " ", &turns); turn; turn = strtok_r(NULL, " ", &turns)) {
        unsigned looked = 0;
        for (char *word = strtok_r(turn, "+", &words); word; word = strtok_r(NULL, "+", &words))
            looked |= take_look(word);
        tally_take(&tally, seen, SITES, looked);
    }
}

static void every_row_holds(void **unused) {
    (void)unused;
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start(SERVER_MARIADB);
        take_looks(rows[i].looks);
        if (tally.memory[2] != rows[i].wanted) {
            print_error("%s: wanted %d, got %d\n", rows[i].claim, rows[i].wanted, tally.memory[2]);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void mysql_numbers_are_those_of_a_uuid(void **unused) {
    (void)unused;
    start(SERVER_MYSQL);
    take_looks("a@10-11:c000-1:1-9 c@20-21:c000-1:1-9");
    assert_int_equal(tally.memory[2], SITE_REMEMBERS);
    take_looks("a@30-31:c000-1:1-9 c@40-41:c000-1:1-5");
    assert_int_equal(tally.memory[2], SITE_FORGOT);
}

static void a_server_with_other_numbers_is_a_new_one(void **unused) {
    (void)unused;
    start(SERVER_MYSQL);
    take_looks("a@10-11:c000-1:1-9 c@20-21:c000-1:1-9");
    snprintf(states[2].uuid, sizeof states[2].uuid, "d000-1");
    take_looks("c@30-31:");
    assert_int_equal(tally.memory[2], SITE_REMEMBERS);
    start(SERVER_MARIADB);
    take_looks("a@10-11:3-3-9 c@20-21:3-3-9");
    states[2].domain_id = 7;
    take_looks("c@30-31:");
    assert_int_equal(tally.memory[2], SITE_REMEMBERS);
}

static void servers_of_one_domain_or_of_two_kinds_prove_nothing_bad(void **unused) {
    (void)unused;
    start(SERVER_MARIADB);
    states[0].domain_id = 3;
    take_looks("a@10-11:3-3-9 c@20-21:3-3-2");
    assert_int_equal(tally.memory[2], SITE_REMEMBERS);
    start(SERVER_MARIADB);
    states[0].kind = SERVER_MYSQL;
    take_looks("a@10-11:3-3-9 c@20-21:3-3-2");
    assert_int_equal(tally.memory[2], SITE_REMEMBERS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_holds),
        cmocka_unit_test(mysql_numbers_are_those_of_a_uuid),
        cmocka_unit_test(a_server_with_other_numbers_is_a_new_one),
        cmocka_unit_test(servers_of_one_domain_or_of_two_kinds_prove_nothing_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
