/* Who follows whom, as a table: one row, one claim. Sites are named by their place, 0 to n-1; each follows
 * the one before it. */
#include "../../daemon/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW   1000000
#define HOSTS "abcdefghijklmnop"

static struct config_site sites[RING_SITES_MAX];
static struct link_state states[RING_SITES_MAX];
static struct link_state replica_state;
static struct config_ring ring;
static struct ring_view view;

struct row {
    const char *claim;
    const char *lives; /* a letter a site: A alive, D dead, ~ doubtful, ? unknown, x alive but its state can't
                          be seen */
    int me;
    int source;          /* whom my link follows: a site; -1 nobody, -2 a stranger */
    void (*tweak)(void); /* what else is special */
    enum link_step step;
    enum ring_reason reason;
    int target; /* -1: none */
};

/* A ring in which all is well but for what row->lives and row->source say. */
static void build(const struct row *row) {
    static char names[RING_SITES_MAX][2];
    static char user[] = "repl";
    const size_t count = strlen(row->lives);
    memset(&view, 0, sizeof view);
    memset(states, 0, sizeof states);
    memset(sites, 0, sizeof sites);
    memset(&replica_state, 0, sizeof replica_state);
    ring = (struct config_ring){.sites = sites,
                                .site_count = count,
                                .own = (size_t)row->me,
                                .replication.user = user,
                                .probe_interval_ms = 1000,
                                .dead_after_ms = 5000,
                                .samples_failed = 3,
                                .samples = 5,
                                .cool_down_ms = 10000,
                                .heartbeat_interval_ms = 1000,
                                .connect_retry_s = 5,
                                .net_timeout_s = 10};
    for (size_t i = 0; i < count; i++) {
        names[i][0] = HOSTS[i];
        sites[i] = (struct config_site){.name = names[i],
                                        .server = {.host = names[i], .port = 3306},
                                        .server_id = (unsigned)i + 1};
        struct link_state *state = &states[i];
        state->kind = SERVER_MARIADB;
        state->server_id = state->domain_id = (unsigned)i + 1;
        state->log_bin = state->log_updates = state->gtid_ready = state->gtid_strict = true;
        state->link_known = state->link_exists = state->uses_gtid = true;
        state->io = state->sql = LINK_THREAD_RUNNING;
        const size_t before = ring_upstream(count, i, 1);
        snprintf(state->source_host, sizeof state->source_host, "%s", (char[2]){HOSTS[before], 0});
        state->source_port = 3306;
        state->source_server_id = (unsigned)before + 1;
        snprintf(state->source_user, sizeof state->source_user, "repl");
        state->heartbeats_known = state->drained = true;
        for (size_t origin = 0; origin < count; origin++)
            state->heartbeat_us[origin] = INT64_C(900000000000000);
        const char life = row->lives[i];
        view.sites[i].life = life == 'D'   ? SITE_DEAD
                             : life == '~' ? SITE_DOUBTFUL
                             : life == '?' ? SITE_UNKNOWN
                                           : SITE_ALIVE;
        view.sites[i].steady = life == 'A' || life == 'x';
        view.sites[i].memory = SITE_REMEMBERS;
        view.sites[i].state = life == 'A' ? state : NULL;
    }
    struct link_state *mine = &states[row->me];
    if (row->source == -1)
        mine->link_exists = false;
    else if (row->source == -2)
        snprintf(mine->source_host, sizeof mine->source_host, "elsewhere");
    else
        snprintf(mine->source_host, sizeof mine->source_host, "%s", (char[2]){HOSTS[row->source], 0});
    view.ring = &ring;
    view.me = (size_t)row->me;
    view.link = view.sites[row->me].life == SITE_ALIVE && row->lives[row->me] == 'A' ? mine : NULL;
    view.now_ms = NOW;
    view.changed_ms = -1;
    view.moved_ms = NOW - 100;
    view.connecting_since_ms = -1;
    view.failed_since_ms = NOW;
}

#define MINE (&states[view.me])
static void io_off(void) {
    MINE->io = LINK_THREAD_STOPPED;
}
static void sql_off(void) {
    MINE->sql = LINK_THREAD_STOPPED;
}
static void both_off(void) {
    io_off(), sql_off();
}
static void io_error(unsigned code, const char *text) {
    io_off();
    MINE->io_errno = code;
    snprintf(MINE->io_error, sizeof MINE->io_error, "%s", text);
}
static void sql_error(unsigned code) {
    sql_off(), MINE->sql_errno = code;
}
static void long_ago(void) {
    view.failed_since_ms = 0;
}
static void connecting(unsigned code, int64_t for_ms) {
    MINE->io = LINK_THREAD_CONNECTING;
    MINE->io_errno = code;
    view.connecting_since_ms = NOW - for_ms;
    view.failed_since_ms = view.connecting_since_ms;
}

static void changed_just_now(void) {
    view.changed_ms = NOW - 1000;
}
static void changed_before_the_cool_down(void) {
    view.changed_ms = NOW - 10000;
}
static void two_lags(void) {
    states[2].heartbeat_us[0] -= 60000000;
}
static void two_lags_a_little(void) {
    states[2].heartbeat_us[0] -= 2000000;
}
static void two_has_no_heartbeats(void) {
    states[2].heartbeats_known = false;
}
static void two_is_unsteady(void) {
    view.sites[2].steady = false;
}
static void two_has_a_stopped_link(void) {
    states[2].sql = LINK_THREAD_STOPPED;
}
static void two_is_connecting(void) {
    states[2].io = LINK_THREAD_CONNECTING;
}
static void two_has_no_link(void) {
    states[2].link_exists = false;
}
static void two_follows_a_stranger(void) {
    states[2].source_server_id = 99;
}
static void two_is_mysql(void) {
    states[2].kind = SERVER_MYSQL;
}
static void two_is_ancient(void) {
    states[2].kind = SERVER_KIND_UNKNOWN;
}
static void two_has_my_id(void) {
    states[2].server_id = MINE->server_id;
}
static void two_has_an_unexpected_id(void) {
    states[2].server_id = 77;
}
static void two_has_my_domain(void) {
    states[2].domain_id = MINE->domain_id;
}
static void two_writes_no_binlog(void) {
    states[2].log_bin = false;
}
static void two_logs_no_updates(void) {
    states[2].log_updates = false;
}
static void two_has_no_gtid(void) {
    states[2].gtid_ready = false;
}
static void mysql_domains_are_equal(void) {
    for (size_t i = 0; i < 3; i++)
        states[i].kind = SERVER_MYSQL, states[i].domain_id = 0;
}
static void two_was_bypassed_and_skips(void) {
    view.sites[2].bypassed = true;
    ring.returning_writes = CONFIG_RETURNING_SKIP;
}
static void two_was_bypassed(void) {
    view.sites[2].bypassed = true;
}
static void no_heartbeats_anywhere(void) {
    for (size_t i = 0; i < 3; i++)
        states[i].heartbeats_known = false;
}
static void no_heartbeats_and_two_is_behind(void) {
    no_heartbeats_anywhere();
    states[2].seconds_behind = 30;
}
static void i_lack_an_origin(void) {
    MINE->heartbeat_us[1] = -1, states[2].heartbeat_us[1] = -1;
}
static void no_gtid_position(void) {
    MINE->uses_gtid = false;
}
static void no_gtid_position_and_hot(void) {
    no_gtid_position(), changed_just_now();
}
static void another_user(void) {
    snprintf(MINE->source_user, sizeof MINE->source_user, "someone");
}
static void disk_full(void) {
    snprintf(MINE->io_state, sizeof MINE->io_state, "Waiting for someone to free space");
}
static void disk_full_mysql(void) {
    snprintf(MINE->io_state, sizeof MINE->io_state, "Waiting for disk space");
}
static void draining(void) {
    MINE->drained = false, view.applied_ms = NOW - 1000, view.sites[2].silent_ms = 5000;
}
static void drain_stuck(void) {
    draining(), view.applied_ms = NOW - 5000;
}
static void drain_too_long(void) {
    draining(), view.sites[2].silent_ms = 60000;
}
static void drain_stopped(void) {
    draining(), sql_off();
}
static void link_unseen(void) {
    MINE->link_known = false;
}
static void stalled(void) {
    view.moved_ms = NOW - 8000, MINE->heartbeat_us[2] -= 9000000, view.failed_since_ms = 0;
}
static void stalled_but_just_restarted(void) {
    stalled(), view.failed_since_ms = NOW - 500, view.attempts = 1;
}
static void silent_because_upstream_is_silent(void) {
    view.moved_ms = NOW - 8000;
}
static void catching_up(void) {
    MINE->heartbeat_us[2] -= 90000000;
}
static void stopped_in_the_cool_down(void) {
    sql_off(), changed_just_now();
}
static void connecting_a_while(void) {
    connecting(2003, 4000);
}
static void connecting_for_long(void) {
    connecting(2003, 31000);
}
static void connecting_wrong_password(void) {
    connecting(1045, 3000);
}
static void connecting_wrong_password_longer(void) {
    connecting(1045, 6000);
}
static void connecting_wrong_password_tried(void) {
    connecting(1045, 3600000), view.attempts = 4;
}
static void connecting_no_grant(void) {
    connecting(1597, 3600000), view.attempts = 4;
}
static void gave_up_after_ten(void) {
    io_error(2003, "error connecting to source, attempt 10/10"), long_ago();
}
static void same_id_1593(void) {
    io_error(1593, "equal server ids");
}
static void same_id_1593_tried(void) {
    same_id_1593(), view.attempts = 1, long_ago();
}
static void purged_m(void) {
    io_error(1236, "Could not find GTID state requested by slave in any binlog files");
    snprintf(MINE->applied, sizeof MINE->applied, "3-3-7");
}
static void purged_y(void) {
    io_error(13114, "the source purged required binary logs");
    snprintf(MINE->applied, sizeof MINE->applied, "3-3-7");
}
static void purged_m_skip(void) {
    purged_m(), sql_off(), ring.on_purged = CONFIG_PURGED_SKIP;
}
static void purged_y_skip(void) {
    purged_y(), sql_off(), ring.on_purged = CONFIG_PURGED_SKIP;
}
static void purged_again(void) {
    purged_m_skip(), view.attempts = 1;
}
static void purged_too_often(void) {
    purged_m_skip(), view.attempts = 3, long_ago();
}
static void purged_blank(void) {
    purged_m_skip(), MINE->applied[0] = '\0';
}
static void purged_blank_y(void) {
    purged_y_skip();
    for (size_t i = 0; i < ring.site_count; i++) {
        states[i].kind = SERVER_MYSQL;
        snprintf(states[i].uuid, sizeof states[i].uuid, "%c000-1", HOSTS[i]);
    }
    snprintf(MINE->logged, sizeof MINE->logged, "a000-1:1-12");
}
static void purged_not_blank_y(void) {
    purged_blank_y(), snprintf(MINE->logged, sizeof MINE->logged, "a000-1:1-12,\nc000-1:1-3:7-9");
}
static void second_forgot(void) {
    view.sites[1].memory = SITE_FORGOT;
}
static void second_joins(void) {
    states[1].site_pauses[1] = (struct link_pause){.until_us = 1, .joining = LINK_JOINING};
}
static void second_joins_and_has_forgotten(void) {
    second_joins(), second_forgot();
}
static void second_may_have_forgotten(void) {
    view.sites[1].memory = SITE_UNSURE;
}
static void second_forgot_and_answers_nothing(void) {
    second_forgot(), view.sites[1].state = NULL;
}
static void mine_is_blank_and_unsure(void) {
    view.sites[view.me].memory = SITE_UNSURE, MINE->applied[0] = '\0';
}
static void mine_is_blank_unsure_and_stopped(void) {
    mine_is_blank_and_unsure(), both_off();
}
static void mine_is_unsure(void) {
    mine_is_blank_and_unsure(), snprintf(MINE->applied, sizeof MINE->applied, "1-1-5");
}
static void two_skip(void) {
    ring.returning_writes = CONFIG_RETURNING_SKIP;
}
static void two_skip_held(void) {
    two_skip(), io_off();
}
static void two_skip_back(void) {
    two_skip_held(), view.sites[1].bypassed = true;
}
static void two_skip_back_unsteady(void) {
    two_skip_back(), view.sites[1].steady = false;
}
static void two_keep_back(void) {
    two_skip_back(), ring.returning_writes = CONFIG_RETURNING_KEEP, long_ago();
}
static void set_back(void) {
    sql_error(1950);
    snprintf(MINE->logged, sizeof MINE->logged, "1-1-5,2-2-9");
    snprintf(MINE->applied, sizeof MINE->applied, "1-1-5,2-2-7");
}
static void set_back_skip(void) {
    set_back(), io_off(), ring.on_purged = CONFIG_PURGED_SKIP;
}
static void source_is_behind(void) {
    io_error(1236, "GTID 3-3-2, which is not in the master's binlog"), long_ago();
}
static void numbers_used_twice(void) {
    io_error(1236, "missing the GTID 3-3-14"), view.attempts = 1, long_ago();
}
static void replica_of(size_t source);

/* The source, c, has left out some of b's. */
static void hole(void) {
    io_error(1236, "The binlog on the master is missing the GTID 2-2-14 requested by the slave"), sql_off(), long_ago();
    ring.returning_writes = CONFIG_RETURNING_SKIP;
    snprintf(states[2].logged, sizeof states[2].logged, "1-1-5,2-2-70,3-3-9");
    snprintf(states[1].logged, sizeof states[1].logged, "2-2-71");
    snprintf(MINE->logged, sizeof MINE->logged, "1-1-6,2-2-14,3-3-9");
}
static void hole_where_all_is_kept(void) {
    hole(), ring.returning_writes = CONFIG_RETURNING_KEEP, view.attempts = 1;
}
static void hole_of_the_sources_own(void) {
    hole(), io_error(1236, "missing the GTID 3-3-14"), view.attempts = 1;
}
static void hole_of_my_own(void) {
    hole(), io_error(1236, "missing the GTID 1-1-4");
}
static void hole_of_a_strangers(void) {
    hole(), io_error(1236, "missing the GTID 9-9-4"), view.attempts = 1;
}
static void hole_again(void) {
    hole(), view.attempts = 1, view.failed_since_ms = NOW - 1000;
}
static void hole_for_a_replica(void) {
    hole(), replica_of(0), replica_state.io = replica_state.sql = LINK_THREAD_STOPPED;
    replica_state.io_errno = 1236;
    snprintf(replica_state.io_error, sizeof replica_state.io_error, "missing the GTID 3-3-4 requested");
}
static void duplicate_key(void) {
    sql_error(1062);
}
static void duplicate_key_once(void) {
    sql_error(1062), long_ago();
}
static void duplicate_key_again(void) {
    sql_error(1062), view.attempts = 1, long_ago();
}
static void no_row(void) {
    sql_error(1032), view.attempts = 1, long_ago();
}
static void no_table(void) {
    sql_error(1146);
}
static void no_table_waited(void) {
    sql_error(1146), view.failed_since_ms = NOW - 5000;
}
static void no_table_tried(void) {
    sql_error(1146), view.attempts = 4, long_ago();
}
static void out_of_order(void) {
    sql_error(1950), view.attempts = 4, long_ago();
}
static void deadlock(void) {
    sql_error(1213);
}
static void deadlock_twice(void) {
    sql_error(1213), view.attempts = 1, view.failed_since_ms = NOW - 1999;
}
static void bad_relay_log(void) {
    sql_error(1594), long_ago();
}
static void unheard_of(void) {
    sql_error(4711), view.attempts = 1, long_ago();
}

static void replica_of(size_t source) {
    view.replica = true;
    replica_state = states[(source + 1) % ring.site_count];
    snprintf(replica_state.source_host, sizeof replica_state.source_host, "%s", (char[2]){HOSTS[source], 0});
    replica_state.server_id = 101;
    replica_state.domain_id = 1;
    replica_state.link_exists = replica_state.link_known = true;
    replica_state.io = replica_state.sql = LINK_THREAD_RUNNING;
    view.link = &replica_state;
}
static void replica_of_mine(void) {
    replica_of(0);
}
static void replica_of_two(void) {
    replica_of(2);
}
static void replica_of_two_with_one_domain(void) {
    replica_of(2), states[2].domain_id = 1;
}
static void replica_stopped(void) {
    replica_of(0), replica_state.sql = LINK_THREAD_STOPPED;
}
static void replica_of_two_while_mine_lags(void) {
    replica_of(2), states[0].heartbeat_us[1] -= 60000000;
}

/* clang-format off: one row, one line */
static const struct row rows[] = {
    /* healthy rings */
    {"a ring of one has no link", "A", 0, -1, NULL, LINK_LEAVE, RING_ALONE, -1},
    {"a healthy ring of two is left alone", "AA", 0, 1, NULL, LINK_LEAVE, RING_WHOLE, 1},
    {"a healthy ring of three is left alone, first site", "AAA", 0, 2, NULL, LINK_LEAVE, RING_WHOLE, 2},
    {"a healthy ring of three is left alone, middle site", "AAA", 1, 0, NULL, LINK_LEAVE, RING_WHOLE, 0},
    {"a healthy ring of three is left alone, last site", "AAA", 2, 1, NULL, LINK_LEAVE, RING_WHOLE, 1},
    {"a healthy ring of five is left alone", "AAAAA", 3, 2, NULL, LINK_LEAVE, RING_WHOLE, 2},
    {"a healthy ring of sixteen is left alone", "AAAAAAAAAAAAAAAA", 0, 15, NULL, LINK_LEAVE, RING_WHOLE, 15},
    /* making links */
    {"with no link, one is made to the upstream neighbour", "AAA", 0, -1, NULL, LINK_POINT, RING_NO_LINK, 2},
    {"with no link in a ring of two, one is made", "AA", 1, -1, NULL, LINK_POINT, RING_NO_LINK, 0},
    {"with no link and the neighbour dead, the next one is followed", "AAD", 0, -1, NULL, LINK_POINT,
     RING_NO_LINK, 1},
    {"with no link and the neighbour not looked at yet, it waits", "AA?", 0, -1, NULL, LINK_WAIT,
     RING_LOOKING, 2},
    {"with no link and the neighbour doubtful, it waits", "AA~", 0, -1, NULL, LINK_WAIT, RING_NOBODY, 2},
    {"with no link and the neighbour's state hidden, it waits", "AAx", 0, -1, NULL, LINK_WAIT,
     RING_SOURCE_UNSEEN, 2},
    {"an existing pair's file/position link is made a GTID link", "AA", 1, 0, no_gtid_position, LINK_POINT,
     RING_NOT_GTID, 0},
    {"a link is not re-made again and again", "AA", 1, 0, no_gtid_position_and_hot, LINK_WAIT, RING_COOL_DOWN,
     0},
    {"a link with another replication user is re-made", "AAA", 0, 2, another_user, LINK_POINT,
     RING_OTHER_USER, 2},
    {"a link someone pointed elsewhere is pointed back", "AAA", 0, -2, NULL, LINK_POINT, RING_ELSEWHERE, 2},
    {"a link someone pointed at itself is pointed back", "AAA", 0, 0, NULL, LINK_POINT, RING_ELSEWHERE, 2},
    {"a link someone pointed at a farther site comes back", "AAA", 0, 1, NULL, LINK_POINT, RING_RETURN, 2},
    {"a tug of war over a link is fought once a cool-down", "AAA", 0, -2, changed_just_now, LINK_WAIT,
     RING_COOL_DOWN, 2},
    /* dead sites */
    {"a dead neighbour is bypassed, first site", "AAD", 0, 2, NULL, LINK_POINT, RING_BYPASS, 1},
    {"a dead neighbour is bypassed, middle site", "DAA", 1, 0, NULL, LINK_POINT, RING_BYPASS, 2},
    {"a dead neighbour is bypassed, last site", "ADA", 2, 1, NULL, LINK_POINT, RING_BYPASS, 0},
    {"a dead site elsewhere is its successor's business, first", "ADA", 0, 2, NULL, LINK_LEAVE, RING_WHOLE,
     2},
    {"a dead site elsewhere is its successor's business, middle", "AAD", 1, 0, NULL, LINK_LEAVE, RING_WHOLE,
     0},
    {"what was fetched from a dead site is applied first", "AAD", 0, 2, draining, LINK_WAIT, RING_DRAINING,
     1},
    {"an applier that makes no progress isn't waited for", "AAD", 0, 2, drain_stuck, LINK_POINT, RING_BYPASS,
     1},
    {"an applier that takes too long isn't waited for", "AAD", 0, 2, drain_too_long, LINK_POINT, RING_BYPASS,
     1},
    {"a stopped applier isn't waited for", "AAD", 0, 2, drain_stopped, LINK_POINT, RING_BYPASS, 1},
    {"two dead neighbours are bypassed", "AADD", 0, 3, NULL, LINK_POINT, RING_BYPASS, 1},
    {"two dead of five, not neighbours", "DAADA", 4, 3, NULL, LINK_POINT, RING_BYPASS, 2},
    {"a bypass whose own target dies goes further", "AADD", 0, 2, NULL, LINK_POINT, RING_BYPASS, 1},
    {"a bypass stays while the dead site is dead", "AAD", 0, 1, NULL, LINK_LEAVE, RING_WHOLE, 1},
    {"in a ring of two nobody can be bypassed", "AD", 0, 1, NULL, LINK_WAIT, RING_CUT_OFF, -1},
    {"all others dead means that this site is cut off", "ADD", 0, 2, NULL, LINK_WAIT, RING_CUT_OFF, -1},
    {"all others doubtful means that this site is cut off", "A~~", 0, 2, NULL, LINK_WAIT, RING_CUT_OFF, -1},
    {"a cut-off site without a link makes none", "ADD", 0, -1, NULL, LINK_WAIT, RING_CUT_OFF, -1},
    {"a cut-off site leaves even a stopped link", "ADD", 0, 2, both_off, LINK_WAIT, RING_CUT_OFF, -1},
    {"the own server dead: nothing can be done", "DAA", 0, 2, NULL, LINK_WAIT, RING_OWN_UNREACHABLE, -1},
    {"the own server hides its link: a grant is missing", "AAA", 0, 2, link_unseen, LINK_HELP,
     RING_OWN_UNSEEN, -1},
    /* doubt */
    {"nothing is known yet: nothing is done", "A??", 0, 2, NULL, LINK_WAIT, RING_LOOKING, -1},
    {"one dead and one unknown isn't cut off, but early", "AD?", 0, 2, NULL, LINK_WAIT, RING_LOOKING, -1},
    {"a doubtful neighbour is waited for", "AA~", 0, 2, NULL, LINK_WAIT, RING_NOT_ANSWERING, 2},
    {"an unknown neighbour that is followed is waited for", "AA?", 0, 2, NULL, LINK_WAIT, RING_NOT_ANSWERING,
     2},
    {"a flapping neighbour isn't returned to", "AA~", 0, 1, NULL, LINK_LEAVE, RING_WHOLE, 1},
    {"a neighbour that answers but hides its state is kept", "AAx", 0, 2, NULL, LINK_LEAVE, RING_WHOLE, 2},
    {"a neighbour that hides its state isn't returned to", "AAx", 0, 1, NULL, LINK_LEAVE, RING_WHOLE, 1},
    {"dead neighbour, doubtful next: the one behind it is followed", "AA~D", 0, 3, NULL, LINK_POINT,
     RING_BYPASS, 1},
    {"dead neighbour, hidden next: the one behind it is followed", "AAxD", 0, 3, NULL, LINK_POINT,
     RING_BYPASS, 1},
    /* cool-down */
    {"a bypass waits for the cool-down", "AAD", 0, 2, changed_just_now, LINK_WAIT, RING_COOL_DOWN, 1},
    {"after the cool-down the bypass goes on", "AAD", 0, 2, changed_before_the_cool_down, LINK_POINT,
     RING_BYPASS, 1},
    {"a return waits for the cool-down", "AAA", 0, 1, changed_just_now, LINK_WAIT, RING_COOL_DOWN, 2},
    {"a stopped link is started even in the cool-down", "AAA", 0, 2, stopped_in_the_cool_down, LINK_START,
     RING_STOPPED, 2},
    /* the return of a site */
    {"a site that has caught up is followed again", "AAA", 0, 1, NULL, LINK_POINT, RING_RETURN, 2},
    {"a site that lags is not followed yet", "AAA", 0, 1, two_lags, LINK_LEAVE, RING_WHOLE, 1},
    {"a look a moment apart is no lag", "AAA", 0, 1, two_lags_a_little, LINK_POINT, RING_RETURN, 2},
    {"a site without heartbeats isn't known to have caught up", "AAA", 0, 1, two_has_no_heartbeats,
     LINK_LEAVE, RING_WHOLE, 1},
    {"a site that answered too few probes isn't followed yet", "AAA", 0, 1, two_is_unsteady, LINK_LEAVE,
     RING_WHOLE, 1},
    {"a site whose own link is stopped isn't followed yet", "AAA", 0, 1, two_has_a_stopped_link, LINK_LEAVE,
     RING_WHOLE, 1},
    {"a site whose own link is connecting isn't followed yet", "AAA", 0, 1, two_is_connecting, LINK_LEAVE,
     RING_WHOLE, 1},
    {"a site without a link isn't followed yet", "AAA", 0, 1, two_has_no_link, LINK_LEAVE, RING_WHOLE, 1},
    {"a site that follows a stranger isn't followed yet", "AAA", 0, 1, two_follows_a_stranger, LINK_LEAVE,
     RING_WHOLE, 1},
    {"a site that follows a dead site isn't followed yet", "AADA", 0, 1, NULL, LINK_LEAVE, RING_WHOLE, 1},
    {"no heartbeats at all: the server's own word must do", "AAA", 0, 1, no_heartbeats_anywhere, LINK_POINT,
     RING_RETURN, 2},
    {"no heartbeats at all and the site is behind", "AAA", 0, 1, no_heartbeats_and_two_is_behind, LINK_LEAVE,
     RING_WHOLE, 1},
    {"an origin that never beat holds nobody up", "AAA", 0, 1, i_lack_an_origin, LINK_POINT, RING_RETURN, 2},
    {"a dead bypass makes a lagging neighbour good enough", "ADA", 0, 1, two_lags, LINK_POINT, RING_BYPASS,
     2},
    {"of two nearer sites the nearest is returned to", "AAAA", 0, 1, NULL, LINK_POINT, RING_RETURN, 3},
    /* misfits */
    {"no link is made to another kind of server", "AAA", 0, -1, two_is_mysql, LINK_HELP, RING_MIXED, 2},
    {"no link is made to an unsupported server", "AAA", 0, -1, two_is_ancient, LINK_HELP, RING_OLD_SERVER, 2},
    {"no link is made to a server with the same server_id", "AAA", 0, -1, two_has_my_id, LINK_HELP,
     RING_SAME_ID, 2},
    {"no link is made to a server with an unexpected server_id", "AAA", 0, -1, two_has_an_unexpected_id,
     LINK_HELP, RING_WRONG_ID, 2},
    {"no link is made to a server with the same domain", "AAA", 0, -1, two_has_my_domain, LINK_HELP,
     RING_SAME_DOMAIN, 2},
    {"no link is made to a server without a binary log", "AAA", 0, -1, two_writes_no_binlog, LINK_HELP,
     RING_NO_BINLOG, 2},
    {"no link is made to a server that doesn't relay", "AAA", 0, -1, two_logs_no_updates, LINK_HELP,
     RING_NO_UPDATES, 2},
    {"no link is made to a server without GTIDs", "AAA", 0, -1, two_has_no_gtid, LINK_HELP, RING_NO_GTID, 2},
    {"MySQL has no domains to differ", "AAA", 0, -1, mysql_domains_are_equal, LINK_POINT, RING_NO_LINK, 2},
    {"a misfit isn't returned to", "AAA", 0, 1, two_is_mysql, LINK_LEAVE, RING_WHOLE, 1},
    {"a running link to a site that became a misfit is left, and said", "AAA", 0, 2, two_logs_no_updates,
     LINK_HELP, RING_NO_UPDATES, 2},
    {"a stranger isn't exchanged for a misfit", "AAA", 0, -2, two_is_mysql, LINK_HELP, RING_MIXED, 2},
    {"a misfit on the way of a bypass is passed over", "AAAD", 0, 3, two_is_mysql, LINK_POINT, RING_BYPASS,
     1},
    /* broken links to living sites */
    {"a stopped fetcher is started", "AAA", 0, 2, io_off, LINK_START, RING_STOPPED, 2},
    {"a stopped applier is started", "AAA", 0, 2, sql_off, LINK_START, RING_STOPPED, 2},
    {"a link stopped by hand is started", "AAA", 0, 2, both_off, LINK_START, RING_STOPPED, 2},
    {"a connecting link is left to the server", "AAA", 0, 2, connecting_a_while, LINK_WAIT, RING_CONNECTING,
     2},
    {"a link that connects for too long is restarted", "AAA", 0, 2, connecting_for_long, LINK_RESTART_IO,
     RING_CONNECTING, 2},
    {"a wrong password is first left to the server", "AAA", 0, 2, connecting_wrong_password, LINK_WAIT,
     RING_BACK_OFF, 2},
    {"a wrong password: the link is made anew with the file's", "AAA", 0, 2, connecting_wrong_password_longer,
     LINK_POINT, RING_FAILED, 2},
    {"a wrong password in the file too: help", "AAA", 0, 2, connecting_wrong_password_tried, LINK_HELP,
     RING_FAILED, 2},
    {"a missing grant: help", "AAA", 0, 2, connecting_no_grant, LINK_HELP, RING_FAILED, 2},
    {"a server that gave up connecting is started", "AAA", 0, 2, gave_up_after_ten, LINK_START, RING_FAILED,
     2},
    {"a living upstream with a broken link is repaired, not bypassed", "AAAA", 0, 3, gave_up_after_ten,
     LINK_START, RING_FAILED, 3},
    {"equal server_ids (1593) wait before the one retry", "AAA", 0, 2, same_id_1593, LINK_WAIT, RING_BACK_OFF,
     2},
    {"equal server_ids (1593): help", "AAA", 0, 2, same_id_1593_tried, LINK_HELP, RING_FAILED, 2},
    {"purged binlogs: help by default, MariaDB", "AAA", 0, 2, purged_m, LINK_HELP, RING_PURGED, 2},
    {"purged binlogs: help by default, MySQL", "AAA", 0, 2, purged_y, LINK_HELP, RING_PURGED, 2},
    {"purged binlogs are skipped when asked for, MariaDB", "AAA", 0, 2, purged_m_skip, LINK_SKIP, RING_PURGED,
     2},
    {"purged binlogs are skipped when asked for, MySQL", "AAA", 0, 2, purged_y_skip, LINK_SKIP, RING_PURGED,
     2},
    {"purged binlogs aren't skipped in a loop", "AAA", 0, 2, purged_again, LINK_WAIT, RING_BACK_OFF, 2},
    {"an empty site goes on without nothing: help, MariaDB", "AAA", 0, 2, purged_blank, LINK_HELP, RING_BLANK, 2},
    {"an empty site goes on without nothing: help, MySQL", "AAA", 0, 2, purged_blank_y, LINK_HELP, RING_BLANK, 2},
    {"a site that has something goes on without the rest", "AAA", 0, 2, purged_not_blank_y, LINK_SKIP, RING_PURGED, 2},
    {"of two: a dead one's writes are kept away", "AD", 0, 1, two_skip, LINK_HOLD, RING_HOLD, 1},
    {"of two: once", "AD", 0, 1, two_skip_held, LINK_WAIT, RING_CUT_OFF, -1},
    {"of two: not unless asked for", "AD", 0, 1, NULL, LINK_WAIT, RING_CUT_OFF, -1},
    {"of two: it's followed without them when it's back", "AA", 0, 1, two_skip_back, LINK_POINT, RING_BACK, 1},
    {"of two: not before it is steady", "AA", 0, 1, two_skip_back_unsteady, LINK_WAIT, RING_NOT_ANSWERING, 1},
    {"of two: with them unless asked for", "AA", 0, 1, two_keep_back, LINK_START, RING_STOPPED, 1},
    {"of more: the next is followed", "AADA", 3, 2, two_skip, LINK_POINT, RING_BYPASS, 1},
    {"a site that forgot its GTIDs is gone past", "AAAA", 2, 1, second_forgot, LINK_POINT, RING_LOST_SOURCE, 0},
    {"a site that forgot its GTIDs isn't returned to", "AAAA", 2, 0, second_forgot, LINK_LEAVE, RING_WHOLE, 0},
    {"nor while it shows nothing", "AAAA", 2, 0, second_forgot_and_answers_nothing, LINK_LEAVE, RING_WHOLE, 0},
    {"a site that forgot its GTIDs changes nothing of its own", "AAAA", 1, 0, second_forgot, LINK_HELP, RING_LOST_SELF, -1},
    {"a ring of two calls for help", "AA", 0, 1, second_forgot, LINK_HELP, RING_LOST, 1},
    {"a site that is being joined is gone past", "AAAA", 2, 1, second_joins, LINK_POINT, RING_JOINING, 0},
    {"also if that is why", "AAAA", 2, 1, second_joins_and_has_forgotten, LINK_POINT, RING_JOINING, 0},
    {"a site that is being joined isn't returned to", "AAAA", 2, 0, second_joins, LINK_LEAVE, RING_WHOLE, 0},
    {"nor in a ring of two, where its link is left alone", "AA", 0, 1, second_joins, LINK_WAIT, RING_JOINS, 1},
    {"a site that may have forgotten is still followed", "AAAA", 2, 1, second_may_have_forgotten, LINK_LEAVE, RING_WHOLE, 1},
    {"but isn't returned to before that is known", "AAAA", 2, 0, second_may_have_forgotten, LINK_LEAVE, RING_WHOLE, 0},
    {"a site that remembers is returned to", "AAAA", 2, 0, NULL, LINK_POINT, RING_RETURN, 1},
    {"an empty site makes no link before it is known to be new", "AAA", 0, -1, mine_is_blank_and_unsure, LINK_WAIT, RING_LOOKING, -1},
    {"nor starts one", "AAA", 0, 2, mine_is_blank_unsure_and_stopped, LINK_WAIT, RING_LOOKING, -1},
    {"one that has something does", "AAA", 0, -1, mine_is_unsure, LINK_POINT, RING_NO_LINK, 2},
    {"purged binlogs that can't be skipped: help", "AAA", 0, 2, purged_too_often, LINK_HELP, RING_PURGED, 2},
    {"tables set back by a crash: help by default", "AAA", 0, 2, set_back, LINK_HELP, RING_SET_BACK, 2},
    {"tables set back by a crash: on without, when asked for", "AAA", 0, 2, set_back_skip, LINK_SKIP,
     RING_SET_BACK, 2},
    {"a source that lacks an event may catch up", "AAA", 0, 2, source_is_behind, LINK_POINT, RING_FAILED, 2},
    {"GTIDs used twice: help", "AAA", 0, 2, numbers_used_twice, LINK_HELP, RING_FAILED, 2},
    {"a source that has left out a returning site's writes is followed from behind them", "AAA", 0, 2, hole, LINK_SKIP,
     RING_HOLE, 2},
    {"own events that come back with a hole are nothing to wait for", "AAA", 0, 2, hole_of_my_own, LINK_SKIP, RING_HOLE, 2},
    {"a second hole is passed after a while", "AAA", 0, 2, hole_again, LINK_WAIT, RING_BACK_OFF, 2},
    {"a hole where nothing is left out is a person's business", "AAA", 0, 2, hole_where_all_is_kept, LINK_HELP, RING_FAILED, 2},
    {"a source that lacks its own events has forgotten them", "AAA", 0, 2, hole_of_the_sources_own, LINK_HELP, RING_FAILED, 2},
    {"a hole in a domain that the source doesn't have is nothing to pass", "AAA", 0, 2, hole_of_a_strangers, LINK_HELP,
     RING_FAILED, 2},
    {"a replica passes a hole of its own master's", "AAA", 0, 0, hole_for_a_replica, LINK_SKIP, RING_HOLE, 0},
    {"a duplicate key isn't retried at once", "AAA", 0, 2, duplicate_key, LINK_WAIT, RING_BACK_OFF, 2},
    {"a duplicate key is retried once", "AAA", 0, 2, duplicate_key_once, LINK_START, RING_FAILED, 2},
    {"a duplicate key again: help", "AAA", 0, 2, duplicate_key_again, LINK_HELP, RING_FAILED, 2},
    {"a missing row: help", "AAA", 0, 2, no_row, LINK_HELP, RING_FAILED, 2},
    {"a missing table: a person has time to make it", "AAA", 0, 2, no_table, LINK_WAIT, RING_BACK_OFF, 2},
    {"a missing table is tried again after a while", "AAA", 0, 2, no_table_waited, LINK_START, RING_FAILED,
     2},
    {"a missing table for long: help", "AAA", 0, 2, no_table_tried, LINK_HELP, RING_FAILED, 2},
    {"an event out of order: help", "AAA", 0, 2, out_of_order, LINK_HELP, RING_FAILED, 2},
    {"a deadlock is tried again at once", "AAA", 0, 2, deadlock, LINK_START, RING_FAILED, 2},
    {"a second deadlock waits", "AAA", 0, 2, deadlock_twice, LINK_WAIT, RING_BACK_OFF, 2},
    {"a damaged relay log is fetched anew", "AAA", 0, 2, bad_relay_log, LINK_POINT, RING_FAILED, 2},
    {"an unheard-of error counts as fatal", "AAA", 0, 2, unheard_of, LINK_HELP, RING_FAILED, 2},
    {"a full disk: help, MariaDB", "AAA", 0, 2, disk_full, LINK_HELP, RING_DISK, 2},
    {"a full disk: help, MySQL", "AAA", 0, 2, disk_full_mysql, LINK_HELP, RING_DISK, 2},
    {"a link that brings nothing though there is news is restarted", "AAA", 0, 2, stalled, LINK_RESTART_IO,
     RING_STALLED, 2},
    {"a restarted link gets time", "AAA", 0, 2, stalled_but_just_restarted, LINK_WAIT, RING_STALLED, 2},
    {"a silent link with a silent source is whole", "AAA", 0, 2, silent_because_upstream_is_silent,
     LINK_LEAVE, RING_WHOLE, 2},
    {"a link that is catching up is left alone", "AAA", 0, 2, catching_up, LINK_LEAVE, RING_WHOLE, 2},
    /* plain replicas */
    {"a replica follows its own site's server", "AAA", 0, 2, replica_of_mine, LINK_LEAVE, RING_WHOLE, 0},
    {"a replica of a dead server goes upstream", "DAA", 0, 2, replica_of_mine, LINK_POINT, RING_BYPASS, 2},
    {"a replica of a doubtful server waits", "~AA", 0, 2, replica_of_mine, LINK_WAIT, RING_NOT_ANSWERING, 0},
    {"a replica comes home", "AAA", 0, 2, replica_of_two, LINK_POINT, RING_RETURN, 0},
    {"a replica shares its server's domain", "DAA", 0, 2, replica_of_two_with_one_domain, LINK_LEAVE,
     RING_WHOLE, 2},
    {"a replica waits until home has caught up", "AAA", 0, 2, replica_of_two_while_mine_lags, LINK_LEAVE,
     RING_WHOLE, 2},
    {"a stopped replica is started", "AAA", 0, 2, replica_stopped, LINK_START, RING_STOPPED, 0},
    {"a replica of a cut-off site waits", "DDD", 0, 2, replica_of_mine, LINK_WAIT, RING_CUT_OFF, -1},
};
/* clang-format on */

static void every_row_holds(void **unused) {
    (void)unused;
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        build(row);
        if (row->tweak)
            row->tweak();
        const struct ring_plan got = ring_plan(&view);
        const size_t wanted_target = row->target < 0 ? SITE_NONE : (size_t)row->target;
        if (got.step == row->step && got.reason == row->reason && got.target == wanted_target)
            continue;
        print_error("%s\n  wanted step %d %s target %d, got step %d %s target %d\n", row->claim, row->step,
                    ring_reason_name(row->reason), row->target, got.step, ring_reason_name(got.reason),
                    (int)got.target);
        wrong++;
    }
    print_message("%zu rows\n", sizeof rows / sizeof *rows);
    assert_int_equal(wrong, 0);
}

static struct ring_plan plan_with(const char *lives, int source, void (*tweak)(void)) {
    build(&(struct row){.lives = lives, .me = 0, .source = source});
    tweak();
    return ring_plan(&view);
}

static void returning_writes_are_skipped_only_where_asked(void **unused) {
    (void)unused;
    assert_true(plan_with("AAA", 1, two_was_bypassed_and_skips).skip_returning);
    assert_false(plan_with("AAA", 1, two_was_bypassed).skip_returning);
    assert_false(plan_with("AAA", 1, changed_before_the_cool_down).skip_returning);
}

static void a_failed_event_is_never_retried_in_a_loop(void **unused) {
    (void)unused;
    unsigned starts = 0;
    build(&(struct row){.lives = "AAA", .me = 0, .source = 2});
    sql_error(1062);
    view.failed_since_ms = 0;
    for (view.now_ms = 0; view.now_ms < 24 * 3600 * 1000; view.now_ms += 1000) {
        if (ring_plan(&view).step != LINK_START)
            continue;
        starts++;
        view.attempts++;
        view.failed_since_ms = view.now_ms;
    }
    assert_int_equal(starts, 1);
}

static void dead_takes_samples_time_and_a_silent_link(void **unused) {
    (void)unused;
    build(&(struct row){.lives = "AAA", .me = 0, .source = 2});
    struct site_samples samples = {0};
    assert_int_equal(ring_judge(&samples, &ring, false, 0), SITE_UNKNOWN);
    for (int64_t t = 0; t <= 10000; t += 1000)
        samples_add(&samples, false, t);
    assert_int_equal(ring_judge(&samples, &ring, false, 10000), SITE_ALIVE);
    assert_true(ring_is_steady(&samples, &ring));
    samples_add(&samples, true, 11000);
    assert_int_equal(ring_judge(&samples, &ring, false, 11000), SITE_DOUBTFUL);
    assert_int_equal(ring_judge(&samples, &ring, false, 19000), SITE_DOUBTFUL); /* one sample is one sample */
    for (int64_t t = 12000; t <= 14000; t += 1000)
        samples_add(&samples, true, t);
    assert_int_equal(ring_judge(&samples, &ring, false, 14999), SITE_DOUBTFUL);
    assert_int_equal(ring_judge(&samples, &ring, true, 15000), SITE_DOUBTFUL);
    assert_int_equal(ring_judge(&samples, &ring, false, 15000), SITE_DEAD);
    samples_add(&samples, false, 16000); /* one good answer after four bad ones: flapping */
    assert_int_equal(ring_judge(&samples, &ring, false, 16000), SITE_DOUBTFUL);
    samples_add(&samples, false, 17000);
    assert_int_equal(ring_judge(&samples, &ring, false, 17000), SITE_DOUBTFUL);
    samples_add(&samples, false, 18000);
    assert_int_equal(ring_judge(&samples, &ring, false, 18000), SITE_ALIVE);
    assert_false(ring_is_steady(&samples, &ring));
}

static void a_site_never_seen_dies_too(void **unused) {
    (void)unused;
    build(&(struct row){.lives = "AAA", .me = 0, .source = 2});
    struct site_samples samples = {0};
    for (int64_t t = 3000; t <= 8000; t += 1000)
        samples_add(&samples, true, t);
    assert_int_equal(ring_judge(&samples, &ring, false, 7999), SITE_DOUBTFUL);
    assert_int_equal(ring_judge(&samples, &ring, false, 8000), SITE_DEAD);
}

static void every_reason_has_a_sentence(void **unused) {
    (void)unused;
    for (enum ring_reason reason = 0; reason < RING_REASON_COUNT; reason++)
        assert_true(strlen(ring_reason_sentence(reason)) > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_holds),
        cmocka_unit_test(returning_writes_are_skipped_only_where_asked),
        cmocka_unit_test(a_failed_event_is_never_retried_in_a_loop),
        cmocka_unit_test(dead_takes_samples_time_and_a_silent_link),
        cmocka_unit_test(a_site_never_seen_dies_too),
        cmocka_unit_test(every_reason_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
