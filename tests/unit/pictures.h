/* Pictures of rings that tests show: by name, made without servers. */
#ifndef ROUNDABOUT_TESTS_PICTURES_H
#define ROUNDABOUT_TESTS_PICTURES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/picture.h"

#define PICTURES_AT_US   INT64_C(1795000000000000)
#define PICTURES_HOSTILE "<script>alert(\"x\")</script>'&\\\n\xFF"

static struct config_site pictures_sites[RING_SITES_MAX];
static struct config_server pictures_replicas[12];
static struct config_ring pictures_ring;

static struct config_ring *pictures_make_ring(size_t count, bool hostile) {
    static char names[][64] = {"paris", "lyon", "nice", "brest", "lille", "nantes", "toulouse", "strasbourg",
                               "the-second-data-centre-behind-the-river-where-it-floods-in-may", "a",
                               "montpellier", "clermont-ferrand", "le-havre", "saint-etienne", "m\xC3\xBCnchen", "aix"},
                hostile_name[] = PICTURES_HOSTILE, host[] = "10.0.0.9";
    const size_t replica_count = count > 8 ? 12 : 3;
    memset(pictures_sites, 0, sizeof pictures_sites);
    for (size_t i = 0; i < replica_count; i++)
        pictures_replicas[i] = (struct config_server){.host = host, .port = (unsigned)(3307 + i)};
    for (size_t i = 0; i < count; i++)
        pictures_sites[i] = (struct config_site){.name = hostile && i == 1 ? hostile_name : names[i],
                                                 .server_id = (unsigned)(i + 1),
                                                 .server = {.host = host, .port = (unsigned)(100 + i)},
                                                 .main = i == 0};
    pictures_sites[0].replicas = pictures_replicas;
    pictures_sites[0].replica_count = replica_count;
    pictures_ring =
        (struct config_ring){.sites = pictures_sites, .site_count = count, .own = count > 1 ? 1 : 0};
    return &pictures_ring;
}

/* Server `place` was seen following the site of that number. */
static void pictures_see(struct picture *picture, size_t place, size_t source, bool runs) {
    static const struct server_answer answered = {.outcome = SERVER_ANSWERED};
    static struct link_state state;
    const enum link_thread thread = runs ? LINK_THREAD_RUNNING : LINK_THREAD_STOPPED;
    memset(&state, 0, sizeof state);
    state.kind = SERVER_MARIADB;
    snprintf(state.version, sizeof state.version, "10.11.14-MariaDB");
    state.link_known = state.link_exists = true;
    state.server_id = (unsigned)(place + 1);
    state.source_server_id = (unsigned)(source + 1);
    state.offset = (unsigned)(place + 1);
    state.increment = 16;
    state.io = state.sql = thread;
    state.seconds_behind = 0;
    if (!runs) {
        state.sql_errno = 1146;
        snprintf(state.sql_error, sizeof state.sql_error,
                 "Table 'shop.secret' doesn't exist in 'SELECT 4711'");
    }
    picture_take_look(picture, &pictures_ring, place, &answered, &state);
    picture->servers[place].life = picture->servers[place].replica ? SITE_UNKNOWN : SITE_ALIVE;
}

static void pictures_lose(struct picture *picture, size_t place) {
    static const struct server_answer silent = {.outcome = SERVER_UNREACHABLE,
                                                .code = 2003,
                                                .text = PICTURES_HOSTILE};
    static struct link_state state;
    memset(&state, 0, sizeof state);
    picture_take_look(picture, &pictures_ring, place, &silent, &state);
    picture->servers[place].life = SITE_DEAD;
    picture->servers[place].bypassed = true;
}

static void pictures_measure(struct picture *picture, size_t count) {
    for (size_t place = 0; place < picture->server_count; place++)
        for (size_t origin = 0; origin < count && picture->servers[place].seen; origin++)
            picture->servers[place].lag_ms[origin] =
                picture->servers[place].replica
                    ? 0.8 + 41.3 * (double)((count - origin) % count)
                    : 41.3 * (double)((picture->servers[place].site + count - origin) % count);
}

static void pictures_add_entry(struct picture *picture, enum event event, const char *site,
                               const char *detail) {
    struct journal_entry *entry = &picture->entries[picture->entry_count];
    *entry = (struct journal_entry){.number = picture->entry_count + 1,
                                    .at_us = PICTURES_AT_US - (int64_t)picture->entry_count * 61000000,
                                    .event = event};
    snprintf(entry->site, sizeof entry->site, "%s", site);
    snprintf(entry->detail, sizeof entry->detail, "%s", detail);
    picture->entry_count++;
}

static void pictures_count(struct picture *picture) {
    struct routing *routing = &picture->routing;
    routing->known = true;
    routing->statements[ROUTE_ROUTED] = 182734;
    routing->statements[ROUTE_NO_CACHE_TABLE] = 91022;
    routing->statements[ROUTE_OTHER_TABLE] = 1203;
    routing->statements[ROUTE_UNSAFE_FUNCTION] = 77;
    routing->fallbacks[PAGE_CAUSE_LOST] = 3;
    routing->saved_ns = UINT64_C(14321000000000);
    routing->main_recent_ns = 81200000;
    routing->processes = 64;
    routing->breakers = 1;
    routing->routed.buckets[8] = 182734;
    routing->routed.sum_ns = 33000000000;
    routing->table_count = 1;
    snprintf(routing->tables[0].group, sizeof routing->tables[0].group, "pages");
    snprintf(routing->tables[0].table, sizeof routing->tables[0].table, "shop.cache");
    routing->tables[0].routed = 182734;
    routing->tables[0].seen = 182800;
    picture->compared = (struct compared){.known = true, .leads = true, .waiting = 2, .table_count = 2};
    picture->compared.tables[0] = (struct compared_table){
        "shop.cache",
        {.rows = 1000000, .divergent = 41, .repaired = 39, .given_up = 7, .passed_at_us = PICTURES_AT_US}};
    picture->compared.tables[1] = (struct compared_table){.name = "shop.new"};
    picture->sample_count = PICTURE_HISTORY;
    for (size_t i = 0; i < PICTURE_HISTORY; i++)
        picture->samples[i] =
            (struct picture_sample){.at_s = PICTURES_AT_US / 1000000 + 10 * (int64_t)i - 1800,
                                    .routing_known = i > 4,
                                    .routed = 1000 * i + (i * i * 37 % 991),
                                    .statements = 1500 * i + (i * i * 53 % 1991),
                                    .full_circle_ms = i % 60 == 30 ? -1 : 120.0 + (double)(i * i % 17)};
}

/* Orders as each site shows them: "paused" has one for the ring, "joined" one for nice. */
static void pictures_pause(struct picture *picture, const char *name) {
    static struct link_state state;
    const struct link_state *states[RING_SITES_MAX] = {&state};
    const int64_t until_us = PICTURES_AT_US + INT64_C(600000000);
    memset(&state, 0, sizeof state);
    if (strcmp(name, "paused") == 0)
        state.ring_pause = (struct link_pause){.set_us = 1, .until_us = until_us};
    if (strcmp(name, "joined") == 0)
        state.site_pauses[2] =
            (struct link_pause){.set_us = 1, .until_us = until_us, .joining = LINK_JOINING};
    picture_take_pauses(picture, states);
}

static size_t pictures_count_sites(const char *name) {
    static const struct {
        const char *name;
        size_t count;
    } counts[] = {{"pair", 2}, {"four", 4}, {"six", 6}, {"eight", 8}, {"sixteen", RING_SITES_MAX}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (strcmp(name, counts[i].name) == 0)
            return counts[i].count;
    return 3;
}

/* "healthy", "bypassed", "stopped", "cut off", "paused", "joined", "unknown", "hostile", and by their sites "pair", "four",
 * "six", "eight", "sixteen". The caller frees it. */
static struct picture *pictures_make(const char *name) {
    const bool hostile = strcmp(name, "hostile") == 0;
    const size_t count = pictures_count_sites(name);
    struct picture *picture = picture_make(pictures_make_ring(count, hostile));
    picture->at_us = PICTURES_AT_US;
    picture->daemon =
        (struct picture_daemon){.present = true, .version = "0.1", .step = LINK_LEAVE, .started_us = PICTURES_AT_US - 1000};
    snprintf(picture->daemon.words, sizeof picture->daemon.words,
             "link lyon<-paris: the link from paris is whole");
    if (strcmp(name, "unknown") == 0) {
        snprintf(picture->daemon.words, sizeof picture->daemon.words,
                 "link lyon<-nobody: not all sites have been looked at yet");
        picture->daemon.step = LINK_WAIT;
        picture->daemon.reason = RING_LOOKING;
        picture_finish(picture);
        return picture;
    }
    for (size_t i = 0; i < count; i++)
        pictures_see(picture, i, (i + count - 1) % count, true);
    if (strcmp(name, "bypassed") == 0) {
        pictures_lose(picture, 2);
        pictures_see(picture, 0, 1, true);
        picture->servers[2].last_known = false;
    }
    if (strcmp(name, "four") == 0) {
        pictures_lose(picture, 3);
        pictures_see(picture, 0, 2, true);
        picture->servers[3].last_known = false;
    }
    if (strcmp(name, "cut off") == 0) {
        for (size_t i = 0; i < count; i += 2) {
            pictures_lose(picture, i);
            picture->servers[i].life = SITE_UNKNOWN;
            picture->servers[i].last_known = picture->servers[i].bypassed = false;
        }
        picture->daemon.step = LINK_WAIT;
        picture->daemon.reason = RING_CUT_OFF;
    }
    if (strcmp(name, "stopped") == 0) {
        pictures_see(picture, 1, 0, false);
        picture->daemon.step = LINK_HELP;
        picture->daemon.reason = RING_FAILED;
        snprintf(picture->daemon.words, sizeof picture->daemon.words,
                 "link lyon<-paris: the link from paris failed");
    }
    for (size_t i = 0; i + 1 < pictures_ring.sites[0].replica_count; i++)
        pictures_see(picture, count + i, 0, true);
    pictures_pause(picture, name);
    pictures_measure(picture, count);
    if (strcmp(name, "bypassed") == 0) {
        for (size_t i = 0; i < 2; i++)
            picture->servers[i].lag_ms[2] = -15200;
        pictures_add_entry(picture, EVENT_SITE_BYPASSED, "nice", "paris follows lyon now");
        pictures_add_entry(picture, EVENT_SITE_DEAD, "nice", "doesn't answer");
    }
    pictures_add_entry(picture, EVENT_STATEMENT_RUN, "lyon",
                       "CHANGE MASTER TO MASTER_HOST='10.0.0.9', MASTER_PORT=100, MASTER_PASSWORD='***'");
    while (count > 8 && picture->entry_count < PICTURE_ENTRIES - 1)
        pictures_add_entry(
            picture, EVENT_STATEMENT_RUN, "lyon",
            "CHANGE MASTER TO MASTER_HOST='10.0.0.9', MASTER_PORT=100, MASTER_USER='roundabout_link', "
            "MASTER_PASSWORD='***', MASTER_CONNECT_RETRY=5, MASTER_HEARTBEAT_PERIOD=2.000, "
            "MASTER_SSL=0, MASTER_USE_GTID=slave_pos");
    pictures_add_entry(picture, EVENT_DAEMON_STARTED, hostile ? PICTURES_HOSTILE : "lyon",
                       hostile ? PICTURES_HOSTILE : "");
    pictures_count(picture);
    picture->compared.leads = strcmp(name, "paused") != 0;
    if (hostile)
        snprintf(picture->compared.tables[0].name, sizeof picture->compared.tables[0].name, "%s",
                 PICTURES_HOSTILE);
    if (hostile)
        snprintf(picture->routing.tables[0].table, sizeof picture->routing.tables[0].table, "%s",
                 PICTURES_HOSTILE);
    picture_finish(picture);
    return picture;
}

#endif
