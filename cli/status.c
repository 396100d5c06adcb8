/* roundabout status: the ring as it is now. */
#include "verbs.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../config/config.h"
#include "../daemon/plain.h"
#include "../daemon/dialect.h"
#include "../daemon/status_json.h"
#include "daemon_lags.h"
#include "look.h"

enum { EXIT_WHOLE = 0, EXIT_BROKEN = 1, EXIT_TROUBLE = 3 };

#define WATCH_EVERY_S 2
#define BEATS_OLD     5 /* of a site that hasn't sent one for so many intervals nothing can be said */

static const char HELP[] =
    "usage: roundabout status [-f FILE] [--json] [--watch] [--measure]\n\n"
    "Shows each site and replica of the ring: its server, whom it follows and how, "
    "and how long writes of each site\n"
    "take to get there. These times are those that this host's daemon has measured, if "
    "it has a page (http.port);\n"
    "without one, `<600 ms' says that the last heartbeat got there within that time.\n\n"
    "  -f, --config FILE    the configuration; otherwise $ROUNDABOUT_CONFIG, or\n"
    "                       /etc/roundabout/roundabout.conf\n"
    "      --json           one JSON object, as the daemon's /status.json; only times that "
    "were measured\n"
    "      --watch          again and again, until interrupted\n"
    "      --measure        watches heartbeats arrive, for one interval and a little more; "
    "the lines of other sites are\n"
    "                       as precise as half a round trip to them. So does --watch where "
    "there is no page\n"
    "  -h, --help           this text\n\n"
    "marks: * as it should be, ? not seen, ! not as it should be\n"
    "exit status: 0 the ring is whole, 1 it isn't, 3 it can't be known\n";

/* What is shown at once. */
struct sight {
    struct picture *picture;
    bool measured; /* somebody has, us or the daemon */
    double (
        *at_most_ms)[RING_SITES_MAX]; /* of each server's lags where the picture has none; below 0: unknown */
};

static bool is_comparable(const struct look *from, const struct look *there) {
    return there->answer.outcome == SERVER_ANSWERED && from->answer.outcome == SERVER_ANSWERED &&
           there->state.heartbeats_known && from->state.heartbeat_us[from->site] >= 0;
}

/* The lag of one origin at one server, in ms: measured, or, negative, at least by how much the heartbeat
 * there lies behind the origin's own; PICTURE_LAG_UNKNOWN if neither is known. After one look a heartbeat may
 * be on its way, and a second one just sent. */
static double lag_ms(const struct look *from, const struct look *there, double on_the_way_ms) {
    const size_t origin = from->site;
    if (!is_comparable(from, there))
        return PICTURE_LAG_UNKNOWN;
    const double measured = look_lag_ms(from, there);
    if (measured >= 0)
        return measured;
    if (there->state.heartbeat_us[origin] < 0)
        return PICTURE_LAG_UNKNOWN;
    const double behind =
        (double)(from->state.heartbeat_us[origin] - there->state.heartbeat_us[origin]) / 1000;
    return behind > 2 * on_the_way_ms ? on_the_way_ms - behind : PICTURE_LAG_UNKNOWN;
}

/* The age of the newest heartbeat there: it got there in less. Below 0: none, or the origin sends none. */
static double at_most_ms(const struct look *from, const struct look *there, int64_t now_us,
                         double interval_ms) {
    if (!is_comparable(from, there) || there->state.heartbeat_us[from->site] < 0)
        return -1;
    const int64_t ahead_us = from->state.clock_us - from->state.clock_seen_us;
    const double age = (double)(now_us - (there->state.heartbeat_us[from->site] - ahead_us)) / 1000;
    return age <= BEATS_OLD * interval_ms ? age : -1;
}

/* What the server or the library said goes behind the warning's number: onto a terminal, so only what can be
 * printed. */
static void add_answer(struct picture_note *warning, const struct server_answer *answer) {
    size_t used = strlen(warning->text);
    if (used + 2 >= sizeof warning->text)
        return;
    warning->text[used++] = ' ';
    plain_copy(warning->text + used, sizeof warning->text - used, answer->text);
}

static void take_pauses(struct picture *picture, const struct look *looks) {
    const struct link_state *states[RING_SITES_MAX];
    for (size_t i = 0; i < picture->site_count; i++)
        states[i] = looks[i].answer.outcome == SERVER_ANSWERED ? &looks[i].state : NULL;
    picture_take_pauses(picture, states);
}

static void sight_end(struct sight *sight) {
    picture_free(sight->picture);
    free(sight->at_most_ms);
}

/* Of the server that couldn't be looked at, what was answered instead, behind the warning's number. */
static void add_answers(struct picture *picture, const struct look *looks) {
    for (size_t i = 0, warning = 0; i < picture->server_count; i++) {
        if (picture->servers[i].mark != '*' && !picture->servers[i].seen && looks[i].answer.text[0])
            add_answer(&picture->warnings[warning], &looks[i].answer);
        warning += picture->servers[i].mark != '*';
    }
}

/* Looks are in the picture's order: the sites, then the replicas. `watched`: while they looked, heartbeats
 * arrived. False: no memory. */
static bool sight_make(struct sight *sight, const struct config *config, const struct look *looks,
                       bool watched) {
    const struct config_ring *ring = &config->ring;
    const double interval_ms = ring->heartbeat_interval_ms;
    struct picture *picture = sight->picture = picture_make(ring);
    sight->at_most_ms = picture ? calloc(picture->server_count, sizeof *sight->at_most_ms) : NULL;
    if (!sight->at_most_ms)
        return false;
    picture->at_us = clock_real_us();
    for (size_t i = 0; i < picture->server_count; i++) {
        picture_take_look(picture, ring, i, &looks[i].answer, &looks[i].state);
        for (size_t origin = 0; origin < ring->site_count; origin++) {
            sight->at_most_ms[i][origin] = at_most_ms(&looks[origin], &looks[i], picture->at_us, interval_ms);
            if (picture->servers[i].seen)
                picture->servers[i].lag_ms[origin] =
                    lag_ms(&looks[origin], &looks[i], watched ? 0 : interval_ms);
        }
    }
    sight->measured = watched || daemon_lags_take(&config->http, picture);
    take_pauses(picture, looks);
    picture_finish(picture);
    add_answers(picture, looks);
    return true;
}

static void put_lag(size_t origin, const struct picture_server *server, double at_most, char *cell,
                    size_t size) {
    const double lag = server->lag_ms[origin];
    if (origin == server->site && !server->replica)
        snprintf(cell, size, ".");
    else if (lag >= 0)
        snprintf(cell, size, lag < 10 ? "%.1f ms" : "%.0f ms", lag);
    else if (lag > PICTURE_LAG_UNKNOWN)
        snprintf(cell, size, ">%.0f ms", -lag);
    else if (at_most >= 0)
        snprintf(cell, size, "<%.0f ms", at_most + 1);
    else
        snprintf(cell, size, "?");
}

static void print_row(const struct sight *sight, size_t place) {
    const struct picture *picture = sight->picture;
    const struct picture_server *server = &picture->servers[place];
    char kind[40] = "?", threads[40] = "-", step[32] = "-", cell[32];
    if (server->seen) {
        snprintf(kind, sizeof kind, "%s %.*s", dialect_for_kind(server->kind)->name,
                 (int)strcspn(server->version, "-"), server->version);
        snprintf(step, sizeof step, "%u of %u", server->offset, server->increment);
    }
    if (server->seen && server->link_exists)
        snprintf(threads, sizeof threads, "%s/%s", picture_thread_word(server->io),
                 picture_thread_word(server->sql));
    printf("%c %-22.60s %-8s %-17s %-12.20s %-14s", server->mark, server->name, picture_role(picture, server),
           kind, picture_site_name(picture, server->source), threads);
    for (size_t origin = 0; origin < picture->site_count; origin++) {
        put_lag(origin, server, sight->at_most_ms[place][origin], cell, sizeof cell);
        printf(" %9s", cell);
    }
    printf("  %-9s %s\n", server->replica ? "-" : step, server->words);
}

static void print_table(const struct sight *sight) {
    const struct picture *picture = sight->picture;
    printf("  %-22s %-8s %-17s %-12s %-14s", "SITE", "ROLE", "SERVER", "FOLLOWS", "IO/SQL");
    for (size_t i = 0; i < picture->site_count; i++)
        printf(" %9.9s", picture->sites[i]);
    printf("  %-9s %s\n", "AUTO-INC", "STATE");
    for (size_t i = 0; i < picture->server_count; i++)
        print_row(sight, i);
    const char *how = picture->is_whole ? "whole" : "not as it should be";
    if (picture->full_circle_ms >= 0)
        printf("the ring is %s; full circle %.1f ms\n", how, picture->full_circle_ms);
    else
        printf("the ring is %s; full circle not measured%s\n", how, sight->measured ? "" : ": see --measure");
    if (picture->paused.text[0])
        printf("WARNING %s\n", picture->paused.text);
    for (size_t i = 0; i < picture->warning_count; i++)
        printf("WARNING %s\n", picture->warnings[i].text);
    for (size_t i = 0; i < picture->hint_count; i++)
        printf("HINT %s\n", picture->hints[i].text);
}

static void print_json(const struct picture *picture) {
    struct buffer buffer = {0};
    status_json_write(&buffer, picture);
    if (!buffer.failed)
        fwrite(buffer.text, 1, buffer.length, stdout);
    buffer_free(&buffer);
}

static int show(const struct config *config, bool json, bool measure) {
    const struct config_ring *ring = &config->ring;
    /* One beat of each site must arrive while one looks. */
    unsigned measure_ms = ring->heartbeat_interval_ms + ring->heartbeat_interval_ms / 4 + 200;
    measure_ms = !measure || ring->site_count < 2 ? 0 : measure_ms > 5000 ? 5000 : measure_ms;
    size_t count;
    int result = EXIT_TROUBLE;
    struct sight sight = {0};
    struct look *looks = look_at_all(ring, measure_ms, &count);
    if (looks && sight_make(&sight, config, looks, measure_ms > 0)) {
        if (json)
            print_json(sight.picture);
        else
            print_table(&sight);
        result = sight.picture->is_whole ? EXIT_WHOLE : EXIT_BROKEN;
    }
    fflush(stdout);
    sight_end(&sight);
    looks_free(looks, count);
    return result;
}

int verb_status(int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"watch", no_argument, NULL, 'w'},
                                            {"measure", no_argument, NULL, 'm'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *file = NULL;
    bool json = false, again = false, measure = false, wrong = false;
    for (int option; (option = getopt_long(argc, argv, "f:h", options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(HELP, stdout);
            return EXIT_WHOLE;
        }
        json |= option == 'j';
        again |= option == 'w';
        measure |= option == 'm';
        wrong |= option == '?';
        if (option == 'f')
            file = optarg;
    }
    if (wrong || optind != argc) {
        fputs(HELP, stderr);
        return EXIT_TROUBLE;
    }
    struct config *config = look_load_config(file);
    if (!config)
        return EXIT_TROUBLE;
    server_library_start();
    measure |= again && !config->http.port;
    int result = show(config, json, measure);
    while (again && !ferror(stdout)) {
        sleep(WATCH_EVERY_S);
        if (!json && isatty(STDOUT_FILENO))
            fputs("\033[H\033[J", stdout);
        result = show(config, json, measure);
    }
    server_library_stop();
    config_free(config);
    return result;
}
