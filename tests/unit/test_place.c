/* When a site's server may be written to: a ring of three seen from its third site, c. */
#include "../../daemon/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SITES 3
#define ME    2
#define BEAT  INT64_C(900000000000000)

static struct config_site sites[SITES];
static struct config_ring ring;
static struct link_state states[SITES];
static struct ring_view view;

/* A member that has written, in a ring in which all is well. */
static void build(void) {
    memset(states, 0, sizeof states);
    ring = (struct config_ring){
        .sites = sites, .site_count = SITES, .own = ME, .heartbeat_interval_ms = 1000, .probe_interval_ms = 1000};
    view = (struct ring_view){.ring = &ring, .me = ME, .link = &states[ME]};
    for (unsigned i = 0; i < SITES; i++) {
        struct link_state *state = &states[i];
        state->kind = SERVER_MARIADB;
        state->server_id = state->domain_id = i + 1;
        snprintf(state->logged, sizeof state->logged, "1-1-5,2-2-7,3-3-9");
        snprintf(state->applied, sizeof state->applied, "1-1-5,2-2-7");
        state->link_known = state->link_exists = state->heartbeats_known = state->drained = true;
        state->io = state->sql = LINK_THREAD_RUNNING;
        for (unsigned origin = 0; origin < SITES; origin++)
            state->heartbeat_us[origin] = BEAT;
        view.sites[i] = (struct ring_site){.life = SITE_ALIVE, .memory = SITE_REMEMBERS, .state = state};
    }
}

static void hide(size_t site, enum site_life life) {
    view.sites[site].life = life;
    view.sites[site].state = NULL;
}

static void mine_is_down(void) {
    hide(ME, SITE_DEAD), view.link = NULL;
}
static void mine_forgot(void) {
    view.sites[ME].memory = SITE_FORGOT;
}
static void mine_may_have_forgotten(void) {
    view.sites[ME].memory = SITE_UNSURE;
}
static void one_is_unknown(void) {
    hide(0, SITE_UNKNOWN);
}
static void one_is_doubtful(void) {
    hide(0, SITE_DOUBTFUL);
}
static void one_was_missed_once(void) {
    view.sites[0].life = SITE_DOUBTFUL;
}
static void one_is_dead(void) {
    hide(0, SITE_DEAD);
}
static void one_is_hidden(void) {
    hide(0, SITE_ALIVE);
}
static void all_are_dead(void) {
    hide(0, SITE_DEAD), hide(1, SITE_DEAD);
}
static void mine_is_new(void) {
    for (unsigned i = 0; i < SITES; i++)
        snprintf(states[i].logged, sizeof states[i].logged, "1-1-5,2-2-7"), states[i].heartbeat_us[ME] = -1;
}
/* Under load its position is always a little behind. */
static void mine_is_new_under_load(void) {
    mine_is_new();
    snprintf(states[1].logged, sizeof states[1].logged, "1-1-5,2-2-9");
    states[ME].heartbeat_us[1] -= 2000000;
}
static void mine_is_new_and_behind(void) {
    mine_is_new_under_load(), states[ME].heartbeat_us[1] -= 60000000;
}
static void mine_is_new_and_without_heartbeats(void) {
    mine_is_new_under_load(), states[ME].heartbeats_known = false;
}
static void mine_has_just_begun_to_fetch(void) {
    mine_is_new_and_without_heartbeats();
    states[ME].logged[0] = states[ME].applied[0] = '\0';
}
static void all_are_new(void) {
    for (unsigned i = 0; i < SITES; i++) {
        states[i].logged[0] = states[i].applied[0] = '\0';
        states[i].heartbeats_known = false;
    }
}
static void nobody_beats_and_mine_is_behind(void) {
    mine_is_new_under_load();
    for (unsigned i = 0; i < SITES; i++)
        for (unsigned origin = 0; origin < SITES; origin++)
            states[i].heartbeat_us[origin] = -1;
}
static void mine_is_new_and_unlinked(void) {
    mine_is_new(), states[ME].link_exists = false;
}
static void mine_is_new_and_fails(void) {
    mine_is_new(), states[ME].io = LINK_THREAD_STOPPED;
}
static void mine_is_linked_no_more(void) {
    states[ME].link_exists = false;
}
static void alone(void) {
    ring.site_count = 1, ring.own = view.me = 0, view.link = &states[0], view.sites[0].memory = SITE_UNSURE;
}

/* clang-format off: one row, one line */
static const struct {
    const char *claim;
    void (*tweak)(void);
    bool joining;
    enum place_beats wanted;
} beats[] = {
    {"a member beats", NULL, false, PLACE_BEATS},
    {"not while it is joined", NULL, true, PLACE_SILENT},
    {"not while it can't be seen: it may come back as another", mine_is_down, false, PLACE_SILENT},
    {"not once it has forgotten", mine_forgot, false, PLACE_SILENT},
    {"what isn't proved changes nothing", mine_may_have_forgotten, false, PLACE_UNDECIDED},
    {"nor does it before all were looked at", one_is_unknown, false, PLACE_UNDECIDED},
    {"or while one may answer in a moment", one_is_doubtful, false, PLACE_UNDECIDED},
    {"one that has answered since is known", one_was_missed_once, false, PLACE_BEATS},
    {"a dead one isn't waited for", one_is_dead, false, PLACE_BEATS},
    {"nor one that shows nothing", one_is_hidden, false, PLACE_BEATS},
    {"with nobody to be seen nothing is known of oneself", all_are_dead, false, PLACE_UNDECIDED},
    {"a member beats whose link is gone", mine_is_linked_no_more, false, PLACE_BEATS},
    {"a new one beats once it has all", mine_is_new, false, PLACE_BEATS},
    {"under load, once it shows the others' heartbeats", mine_is_new_under_load, false, PLACE_BEATS},
    {"not while it is behind", mine_is_new_and_behind, false, PLACE_UNDECIDED},
    {"nor before it has the heartbeats' table", mine_is_new_and_without_heartbeats, false, PLACE_UNDECIDED},
    {"nor before it has fetched anything, when all of nothing is applied", mine_has_just_begun_to_fetch, false, PLACE_UNDECIDED},
    {"where nobody beats its position says how far it is", nobody_beats_and_mine_is_behind, false, PLACE_UNDECIDED},
    {"in a new ring somebody has to be the first", all_are_new, false, PLACE_BEATS},
    {"a new one doesn't beat before it has a link", mine_is_new_and_unlinked, false, PLACE_UNDECIDED},
    {"nor over one that fails", mine_is_new_and_fails, false, PLACE_UNDECIDED},
    {"a ring of one beats", alone, false, PLACE_BEATS},
};

static void mine_is_blank(void) {
    states[ME].applied[0] = '\0';
}
static void mine_is_blank_and_unsure(void) {
    mine_is_blank(), mine_may_have_forgotten();
}
static void mine_is_blank_and_unlinked(void) {
    mine_is_blank(), mine_is_linked_no_more();
}

static const struct {
    const char *claim;
    void (*tweak)(void);
    bool joining, wanted;
} empties[] = {
    {"a member isn't empty", NULL, false, false},
    {"nor one whose link is gone", mine_is_linked_no_more, false, false},
    {"nor one that can't be seen", mine_is_down, false, false},
    {"one that is being joined is", NULL, true, true},
    {"one that has forgotten is", mine_forgot, false, true},
    {"one that is new and behind is", mine_is_new_and_behind, false, true},
    {"one that is new and whose link fails is", mine_is_new_and_fails, false, true},
    {"one that is new and has all isn't", mine_is_new, false, false},
    {"one that has nothing and no link is", mine_is_blank_and_unlinked, false, true},
    {"one that has nothing and may have forgotten is", mine_is_blank_and_unsure, false, true},
    {"one that has nothing and follows is as good as the others", mine_is_blank, false, false},
};
/* clang-format on */

static void who_may_beat(void **unused) {
    (void)unused;
    for (size_t i = 0; i < sizeof beats / sizeof *beats; i++) {
        build();
        if (beats[i].tweak)
            beats[i].tweak();
        const enum place_beats got = place_decide(&view, beats[i].joining);
        if (got != beats[i].wanted)
            fail_msg("%s: wanted %d, got %d", beats[i].claim, beats[i].wanted, got);
    }
}

static void who_is_empty(void **unused) {
    (void)unused;
    for (size_t i = 0; i < sizeof empties / sizeof *empties; i++) {
        build();
        if (empties[i].tweak)
            empties[i].tweak();
        if (place_is_empty(&view, ME, empties[i].joining) != empties[i].wanted)
            fail_msg("%s: wanted %d", empties[i].claim, empties[i].wanted);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_beat),
        cmocka_unit_test(who_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
