/* roundabout ring join: a fresh or wiped server becomes a member, over SQL alone. It is given the ring's
 * GTID position before anything else, so that what it writes from then on is numbered on from what the
 * others know of it; then the cache tables, and a link that goes on where the copy was taken. Nothing of it
 * gets into its binary log. A row of roundabout.pause there says that it is under way: the site's daemon
 * waits, and this command, run again after it was ended at any place, knows what it may throw away. */
#include "ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../daemon/join.h"
#include "../daemon/pause.h"
#include "../daemon/quote.h"
#include "look.h"
#include "ring_copy.h"

enum { EXIT_FINE = 0, EXIT_NOT_DONE = 1, EXIT_USAGE = 2 };

#define LIMIT_S      120
#define LINK_WAIT_MS 30000 /* for the link to run; and for the successor's to lead elsewhere, beside its cool-down */
#define FOR_EVER_US  (INT64_MAX / 2)

static const char HELP[] =
    "usage: roundabout ring join [-f FILE] [--copy | --empty] [--dry-run] SITE\n\n"
    "Makes a fresh or wiped server the ring member of SITE, which the file lists already: the ring's GTID "
    "position, "
    "the cache\n"
    "tables of a living site, and the link. Refuses a server that has written anything of its own. Ended at "
    "any "
    "place, it goes\n"
    "on when it is run again. Best run at the site itself: the link is made to the address in this host's "
    "file.\n\n"
    "  -f, --config FILE    the configuration; otherwise $ROUNDABOUT_CONFIG, or\n"
    "                       /etc/roundabout/roundabout.conf\n"
    "      --copy           the cache tables with their rows (the default)\n"
    "      --empty          the cache tables without their rows\n"
    "      --dry-run        print the statements and change nothing\n"
    "  -h, --help           this text\n\n"
    "exit status: 0 the site is a member (with --dry-run: would be), 1 it isn't, 2 usage\n";

struct join {
    const struct config *config;
    const struct config_ring *ring;
    const struct link_state *states[RING_SITES_MAX]; /* NULL: not seen */
    struct tally tally;
    size_t site, donor;
    bool copy;
    struct hand from, there;
    const struct dialect *dialect;
    struct catalogue tables;
    char position[2048];
};

static bool read_tables(struct join *join) {
    const struct config *config = join->config;
    for (size_t i = 0; i < config->group_count; i++)
        for (size_t j = 0; j < config->groups[i].table_count; j++)
            if (!look_read_tables(join->from.server, &config->groups[i].tables[j], &join->tables)) {
                fprintf(stderr, "ERROR %s doesn't show its information_schema\n", join->from.name);
                return false;
            }
    return true;
}

/* MariaDB shows where in its binary log a snapshot stands; MySQL's position is read before the snapshot, and
 * what lies between the two is applied twice, which does no harm to rows in mode IDEMPOTENT. */
static bool open_snapshot(struct join *join) {
    struct hand *from = &join->from;
    struct server_rows *rows = NULL;
    char donors[2048] = "", sql[400], quoted[300], file[128] = "", place[32] = "";
    bool open = true;
    if (from->kind == SERVER_MYSQL)
        open = hand_ask(from, "SELECT @@GLOBAL.gtid_executed AS position", &rows);
    if (open && rows && server_rows_value(rows, 0, "position"))
        snprintf(donors, sizeof donors, "%s", server_rows_value(rows, 0, "position"));
    server_rows_free(rows);
    rows = NULL;
    printf("%s: START TRANSACTION WITH CONSISTENT SNAPSHOT;\n", from->name);
    open = open && hand_ask(from, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", NULL) &&
           hand_ask(from, "START TRANSACTION WITH CONSISTENT SNAPSHOT", NULL);
    if (from->kind == SERVER_MARIADB && open) {
        open = hand_ask(from, "SHOW STATUS LIKE 'binlog_snapshot_%'", &rows);
        for (size_t row = 0; row < server_rows_count(rows); row++) {
            const char *name = server_rows_value(rows, row, "Variable_name"),
                       *value = server_rows_value(rows, row, "Value");
            if (name && value && strcasecmp(name, "binlog_snapshot_file") == 0)
                snprintf(file, sizeof file, "%s", value);
            if (name && value && strcasecmp(name, "binlog_snapshot_position") == 0)
                snprintf(place, sizeof place, "%s", value);
        }
        server_rows_free(rows);
        rows = NULL;
        open = open && quote_text(file, quoted, sizeof quoted);
        snprintf(sql, sizeof sql, "SELECT BINLOG_GTID_POS(%s, %llu) AS position", quoted,
                 strtoull(place, NULL, 10));
        open = open && hand_ask(from, sql, &rows);
        if (open && server_rows_value(rows, 0, "position"))
            snprintf(donors, sizeof donors, "%s", server_rows_value(rows, 0, "position"));
        server_rows_free(rows);
    }
    if (open && !donors[0])
        fprintf(stderr, "ERROR %s has no GTID position to join at\n", from->name);
    return open && donors[0] &&
           join_position(join->states, join->ring->site_count, join->site, donors, join->position,
                         sizeof join->position);
}

static unsigned version_number(const char *version) {
    unsigned major = 0, minor = 0;
    sscanf(version, "%u.%u", &major, &minor);
    return major * 100 + minor;
}

static bool set_position(struct join *join) {
    struct hand *there = &join->there;
    char quoted[4200], sql[4300];
    if (!quote_text(join->position, quoted, sizeof quoted))
        return false;
    if (there->kind == SERVER_MYSQL) {
        /* The new words are from 8.2, the old ones are gone from 8.4 on. */
        const bool is_old = version_number(join->states[join->site]->version) < 802;
        snprintf(sql, sizeof sql, "SET GLOBAL gtid_purged = %s", quoted);
        return hand_run(there, is_old ? "RESET MASTER" : "RESET BINARY LOGS AND GTIDS", NULL) &&
               hand_run(there, sql, NULL);
    }
    snprintf(sql, sizeof sql, "SET GLOBAL gtid_binlog_state = %s", quoted);
    if (!hand_run(there, "RESET MASTER", NULL) || !hand_run(there, sql, NULL))
        return false;
    snprintf(sql, sizeof sql, "SET GLOBAL gtid_slave_pos = %s", quoted);
    return hand_run(there, sql, NULL);
}

static bool stop_link(struct join *join) {
    char sql[64];
    snprintf(sql, sizeof sql, "STOP %s", join->dialect->replica_word);
    if (!hand_run(&join->there, sql, NULL))
        return false;
    snprintf(sql, sizeof sql, "RESET %s ALL", join->dialect->replica_word);
    return hand_run(&join->there, sql, NULL);
}

static bool set_mark(struct join *join, bool all_but_link) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const struct link_pause pause = {.set_us = (int64_t)now.tv_sec * 1000000,
                                     .until_us = FOR_EVER_US,
                                     .joining = all_but_link ? LINK_JOINED_BUT_FOR_THE_LINK : LINK_JOINING};
    struct statement sql = {0};
    pause_write(&sql, join->there.name, &pause);
    const bool set = !sql.failed &&
                     hand_run(&join->there, "CREATE DATABASE IF NOT EXISTS roundabout", NULL) &&
                     hand_run(&join->there, PAUSE_MAKE_TABLE, NULL) && hand_run(&join->there, sql.at, NULL);
    statement_free(&sql);
    return set;
}

static bool clear_mark(struct join *join) {
    char sql[300], quoted[160];
    if (!quote_text(join->there.name, quoted, sizeof quoted))
        return false;
    snprintf(sql, sizeof sql, "DELETE FROM roundabout.pause WHERE site = %s", quoted);
    return hand_run(&join->there, sql, NULL);
}

static bool make_link(struct join *join) {
    struct script *script = malloc(sizeof *script); /* large */
    const struct script_order order = {.source = &join->ring->sites[join->donor].server, .ring = join->ring};
    const bool made = script && script_for_step(LINK_POINT, join->dialect, &order, script) &&
                      hand_run_script(&join->there, script);
    if (script)
        explicit_bzero(script, sizeof *script);
    free(script);
    return made;
}

/* The site's daemon may start it once more if it takes longer; but then a person should know. */
static bool wait_for_link(struct join *join) {
    if (join->there.dry_run)
        return true;
    struct link_state *state = calloc(1, sizeof *state);
    const int64_t until_ms = clock_monotonic_ms() + LINK_WAIT_MS;
    bool runs = false;
    while (state && !runs && clock_monotonic_ms() < until_ms) {
        if (link_observe(join->there.server, join->ring, false, state).outcome != SERVER_ANSWERED)
            break;
        runs = link_is_whole(state);
        if (!runs && link_trouble(state)->consequence > LINK_TRANSIENT)
            break;
        if (!runs)
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    if (!runs && state)
        fprintf(stderr, "ERROR %s: the link doesn't run: %s; %s; then run this again\n", join->there.name,
                link_trouble(state)->meaning, link_trouble(state)->cure);
    free(state);
    return runs;
}

/* For the site's successor. The monitor user may lack the rights; a person makes the user then. */
static void make_account(struct join *join) {
    struct script *script = malloc(sizeof *script); /* large */
    bool made =
        script && join->ring->replication.user && script_for_account(&join->ring->replication, script);
    for (size_t i = 1; made && i < script->count; i++)
        made = hand_run(&join->there, script->sql[i], script->shown[i]);
    if (!made)
        printf("WARNING the replication user wasn't made; the site's successor needs it\n");
    if (script)
        explicit_bzero(script, sizeof *script);
    free(script);
}

/* All daemons see the mark in their next look, and leave the site alone from then on. */
static bool wait_for_daemons(const struct join *join) {
    const unsigned wait_ms = 2 * join->ring->probe_interval_ms + 500;
    if (!join->there.dry_run)
        nanosleep(&(struct timespec){.tv_sec = wait_ms / 1000, .tv_nsec = (long)(wait_ms % 1000) * 1000000},
                  NULL);
    return true;
}

/* By its address as this host's file has it, or by the number of the server it last got to. */
static bool follows(const struct config_ring *ring, const struct link_state *state, size_t site) {
    return state->link_exists && (ring_find_source(ring, state) == site ||
                                  state->source_server_id == ring->sites[site].server_id);
}

/* A site that follows this one and not a site before it; SITE_NONE. */
static size_t find_follower(const struct join *join) {
    size_t count, follower = SITE_NONE;
    struct look *looks = look_at_all(join->ring, 0, &count);
    for (size_t i = 0; looks && i < join->ring->site_count; i++)
        if (i != join->site && looks[i].answer.outcome == SERVER_ANSWERED &&
            follows(join->ring, &looks[i].state, join->site))
            follower = i;
    looks_free(looks, count);
    return follower;
}

/* The joined server's binary log begins where the donor's stands now: whoever still waited for what is before
 * that would ask in vain. Of two, the one that stays is the donor. */
static bool wait_for_followers(const struct join *join) {
    if (join->there.dry_run || join->ring->site_count == 2)
        return true;
    const int64_t until_ms = clock_monotonic_ms() + join->ring->cool_down_ms + LINK_WAIT_MS;
    size_t follower = find_follower(join);
    if (follower != SITE_NONE)
        printf("%s still follows %s; its daemon is waited for\n", join->ring->sites[follower].name,
               join->there.name);
    while (follower != SITE_NONE && clock_monotonic_ms() < until_ms) {
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
        follower = find_follower(join);
    }
    if (follower != SITE_NONE)
        fprintf(stderr,
                "ERROR %s still follows %s, whose binary log won't have what it needs\n"
                "HINT start the roundaboutd of %s, or end its pause; it then follows the site before\n",
                join->ring->sites[follower].name, join->there.name, join->ring->sites[follower].name);
    return follower == SITE_NONE;
}

/* What a join that was ended has left is thrown away: its snapshot is gone. Also a link that the site's
 * daemon has made before it saw the mark. */
static bool prepare(struct join *join) {
    struct hand *there = &join->there;
    if (!set_mark(join, false) || !wait_for_daemons(join) || !wait_for_followers(join) || !stop_link(join))
        return false;
    make_account(join);
    return open_snapshot(join) && set_position(join) && copy_definitions(&join->from, there, &join->tables) &&
           (!join->copy || copy_rows(&join->from, there, &join->tables)) && set_mark(join, true);
}

static bool do_all(struct join *join, enum join_verdict verdict) {
    return hand_run(&join->there, "SET SESSION sql_log_bin = 0", NULL) &&
           (verdict == JOIN_FINISH || prepare(join)) && make_link(join) && wait_for_link(join) &&
           clear_mark(join);
}

static bool refuse(const struct join *join, enum join_verdict verdict) {
    const char *name = join->ring->sites[join->site].name;
    if (verdict != JOIN_HAS_WRITTEN)
        return false;
    fprintf(stderr,
            "ERROR %s has written transactions of its own (%.300s), or holds an old member's history; the "
            "others would take "
            "them for theirs, or lack them\n"
            "HINT if nothing there is worth keeping: stop its roundaboutd, empty its cache tables with "
            "sql_log_bin = 0, `%s` "
            "there, and run this again; to keep what a returning member has written, leave it alone\n",
            name, join->states[join->site]->logged,
            join->states[join->site]->kind == SERVER_MARIADB ? "RESET MASTER"
                                                             : "RESET BINARY LOGS AND GTIDS");
    return true;
}

static int run(struct join *join, bool dry_run) {
    const char *name = join->ring->sites[join->site].name;
    enum ring_reason why;
    const enum join_verdict verdict = join_judge(join->states, join->site, join->tally.memory[join->site]);
    if (verdict == JOIN_MEMBER) {
        printf("%s is a member already; nothing is to be done\n", name);
        return EXIT_FINE;
    }
    if (refuse(join, verdict))
        return EXIT_NOT_DONE;
    join->donor = join_find_donor(join->ring, join->states, join->site, &why);
    if (join->donor == SITE_NONE) {
        fprintf(stderr, "ERROR no site can be joined to: %s\n",
                why == RING_NOBODY ? "no other answers with its own link running" : ring_reason_name(why));
        fprintf(stderr, "HINT `roundabout check` says what each server lacks\n");
        return EXIT_NOT_DONE;
    }
    const enum server_kind kind = join->states[join->site]->kind;
    join->dialect = dialect_for_kind(kind);
    const bool opened = hand_open(&join->from, join->ring, join->donor, kind, LIMIT_S, dry_run) &&
                        hand_open(&join->there, join->ring, join->site, kind, LIMIT_S, dry_run);
    if (verdict == JOIN_AGAIN || verdict == JOIN_FINISH)
        printf("%s: goes on with a join that was begun and not ended\n", name);
    bool done = opened && read_tables(join) &&
                (verdict != JOIN_FRESH || copy_finds_no_rows(&join->there, &join->tables));
    if (done)
        copy_warn_of_others(&join->from, &join->there, &join->tables);
    done = done && do_all(join, verdict);
    if (done && !dry_run)
        printf("%s is a member: it follows %s; its successor follows it once it has caught up. roundaboutd "
               "may be started there\n",
               name, join->from.name);
    else if (!done && !dry_run)
        fprintf(stderr, "%s isn't a member yet; run this again: it goes on from what is there\n", name);
    hand_close(&join->from);
    hand_close(&join->there);
    return done ? EXIT_FINE : EXIT_NOT_DONE;
}

/* A link that runs where nothing was ever written may have been made a moment ago, and fail at the first event for
 * a table that isn't there: it has to run for some seconds. */
static struct look *look_for_long(struct join *join, size_t *count) {
    struct look *looks = NULL;
    *count = 0;
    for (unsigned tries = 0; tries < 5; tries++) {
        if (tries)
            nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        looks_free(looks, *count);
        looks = look_twice(join->ring, &join->tally, count);
        for (size_t i = 0; i < join->ring->site_count; i++) {
            const bool seen = looks && looks[i].answer.outcome == SERVER_ANSWERED && looks[i].state.kind;
            join->states[i] = seen ? &looks[i].state : NULL;
        }
        const struct link_state *state = join->states[join->site];
        if (!state || !state->logged[0] || !link_is_whole(state))
            break;
        const struct link_origin origin = link_origin_of(state);
        if (link_last_number(state, &origin))
            break;
    }
    return looks;
}

static int look_and_run(struct join *join, bool dry_run) {
    size_t count;
    struct look *looks = look_for_long(join, &count);
    int result = EXIT_NOT_DONE;
    if (looks && !join->states[join->site])
        fprintf(stderr, "ERROR %s can't be seen: %u %s; make the monitor user there with sql_log_bin = 0\n",
                looks[join->site].name, looks[join->site].answer.code, looks[join->site].answer.text);
    else if (looks)
        result = run(join, dry_run);
    catalogue_free(&join->tables);
    looks_free(looks, count);
    return result;
}

int ring_join(int argc, char **argv) {
    struct ring_words words;
    const int ended =
        ring_read_words(argc, argv, RING_TAKES_DRY_RUN | RING_TAKES_COPY | RING_NEEDS_SITE, HELP, &words);
    if (ended >= 0)
        return ended;
    struct config *config = look_load_config(words.file);
    if (!config)
        return EXIT_USAGE;
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct join *join = calloc(1, sizeof *join);
    int result = EXIT_USAGE;
    const size_t site = ring_find_site(&config->ring, words.argument);
    if (join && site != SITE_NONE && words.empty && config->ring.converge == CONFIG_CONVERGE_REPAIR) {
        fprintf(stderr, "ERROR with converge = \"repair\" what an empty site lacks would be deleted at all "
                        "sites; use --copy\n");
    } else if (join && site != SITE_NONE) {
        join->config = config;
        join->ring = &config->ring;
        join->site = site;
        join->copy = !words.empty;
        server_library_start();
        result = look_and_run(join, words.dry_run);
        server_library_stop();
    }
    free(join);
    config_free(config);
    return result;
}
