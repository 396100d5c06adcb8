#include "herald.h"

#include <stdlib.h>
#include <string.h>

#include "hook.h"
#include "http.h"
#include "log.h"
#include "observe.h"
#include "picture.h"
#include "site_page.h"
#include "version.h"

#define PICTURE_EVERY_MS 200
#define ROUTING_EVERY_MS 2000
#define FOLD_EVERY_MS    60000
#define SAMPLE_EVERY_MS  10000

struct herald {
    const struct config *config;
    struct journal *journal;
    struct hook *hook;
    struct http *http;
    struct site_page *site_page;
    struct picture *before; /* the one compared with; NULL: none yet */
    uint64_t told;          /* the number of the journal's last entry that on_event was told of */
    struct routing routing;
    unsigned routing_fallen;
    struct picture_sample samples[PICTURE_HISTORY];
    size_t sample_count;
    int64_t picture_at_ms, routing_at_ms, fold_at_ms, sample_at_ms;
    int64_t started_us;
    uint64_t turns;
    struct log_subject trouble;
};

struct herald *herald_open(const struct config *config, struct journal *journal) {
    struct herald *herald = calloc(1, sizeof *herald);
    if (!herald)
        return NULL;
    herald->config = config;
    herald->journal = journal;
    herald->told = journal_last(journal);
    herald->started_us = clock_real_us();
    herald->hook = hook_open(&config->on_event);
    herald->http = http_open(&config->http);
    herald->site_page = site_page_open(config);
    return herald;
}

void herald_close(struct herald *herald) {
    if (!herald)
        return;
    site_page_close(herald->site_page);
    http_close(herald->http);
    hook_close(herald->hook);
    picture_free(herald->before);
    free(herald);
}

/* A lag: measured, with the difference of the two clocks taken out; or, while nothing arrives, at least by
 * how much the heartbeat there lies behind the origin's own. A measured one is held for a while, and says
 * nothing of a link that has stopped since. */
static double find_lag_ms(const struct config_ring *ring, const struct watch_report *origin,
                          const struct watch_report *there, size_t place) {
    if (!origin->looks || origin->answer.outcome != SERVER_ANSWERED || !origin->state.kind ||
        !there->state.heartbeats_known)
        return PICTURE_LAG_UNKNOWN;
    const struct link_state *state = &origin->state;
    double lag_ms = PICTURE_LAG_UNKNOWN, expected_ms = 0;
    if (there->lag_us[place] != LAG_NONE) {
        lag_ms = (double)(there->lag_us[place] + state->clock_us - state->clock_seen_us) / 1000;
        lag_ms = expected_ms = lag_ms > 0 ? lag_ms : 0;
    }
    if (state->heartbeat_us[place] < 0 || there->state.heartbeat_us[place] < 0)
        return lag_ms;
    /* A little behind is what looks at different moments show. */
    const double behind_ms = (double)(state->heartbeat_us[place] - there->state.heartbeat_us[place]) / 1000;
    return behind_ms - expected_ms > 2.5 * ring->heartbeat_interval_ms + ring->probe_interval_ms ? -behind_ms
                                                                                                 : lag_ms;
}

static void take_report(const struct herald *herald, const struct turn *turn, struct picture *picture,
                        size_t place, const struct watch_report *report) {
    if (!report->looks)
        return;
    picture_take_look(picture, &herald->config->ring, place, &report->answer, &report->state);
    if (!picture->servers[place].seen)
        return;
    for (size_t origin = 0; origin < picture->site_count; origin++)
        picture->servers[place].lag_ms[origin] =
            find_lag_ms(&herald->config->ring, &turn_site(turn, origin)->report, report, origin);
}

static void take_pauses(const struct turn *turn, struct picture *picture) {
    const struct link_state *states[RING_SITES_MAX];
    for (size_t i = 0; i < picture->site_count; i++)
        states[i] = site_state(turn_site(turn, i));
    picture_take_pauses(picture, states);
}

static void take_daemon(const struct herald *herald, const struct turn *turn, struct picture_daemon *daemon) {
    const struct ring_plan *plan = turn_plan(turn);
    daemon->present = true;
    daemon->version = ROUNDABOUT_VERSION;
    memcpy(daemon->words, turn_words(turn), strnlen(turn_words(turn), sizeof daemon->words - 1));
    daemon->step = plan->step;
    daemon->reason = plan->reason;
    daemon->changes_nothing = !turn_may_change(turn);
    daemon->started_us = herald->started_us;
    daemon->turns = herald->turns;
    daemon->heartbeats = turn_heartbeats(turn);
    daemon->commands_run = hook_run_count(herald->hook);
    daemon->commands_dropped = hook_dropped_count(herald->hook);
}

static struct picture *make_picture(const struct herald *herald, const struct turn *turn) {
    const struct config_ring *ring = &herald->config->ring;
    struct picture *picture = picture_make(ring);
    if (!picture)
        return NULL;
    picture->at_us = clock_real_us();
    for (size_t i = 0; i < ring->site_count; i++) {
        const struct site_record *site = turn_site(turn, i);
        picture->servers[i].life = site->life;
        picture->servers[i].bypassed = site->bypassed;
        take_report(herald, turn, picture, i, &site->report);
    }
    for (size_t i = 0, own = 0; i < picture->server_count; i++)
        if (picture->servers[i].replica && picture->servers[i].site == ring->own)
            take_report(herald, turn, picture, i, turn_replica(turn, own++));
    take_pauses(turn, picture);
    if (herald->before)
        picture_carry(picture, herald->before, (int64_t)ring->dead_after_ms * 1000);
    take_daemon(herald, turn, &picture->daemon);
    turn_read_compared(turn, &picture->compared);
    picture->routing = herald->routing;
    picture->sample_count = herald->sample_count;
    memcpy(picture->samples, herald->samples, sizeof herald->samples);
    picture_finish(picture);
    return picture;
}

static void enter(void *context, enum event event, const char *site, const char *detail) {
    struct herald *herald = context;
    journal_add(herald->journal, event, site, detail);
}

/* What this very picture has told is in it, too. */
static void take_journal(const struct herald *herald, struct picture *picture) {
    picture->entry_count = journal_read(herald->journal, picture->entries, PICTURE_ENTRIES);
    for (size_t event = 0; event < EVENT_COUNT; event++)
        picture->daemon.event_counts[event] = journal_count(herald->journal, (enum event)event);
}

static void tell_new_entries(struct herald *herald, int64_t now_ms) {
    const uint64_t last = journal_last(herald->journal);
    while (herald->told < last) {
        const struct journal_entry *entry = journal_find(herald->journal, ++herald->told);
        if (entry && event_is_told(entry->event))
            hook_tell(herald->hook, entry->event, entry->site, entry->detail, now_ms);
    }
}

static void take_sample(struct herald *herald, const struct picture *picture) {
    const struct picture_sample sample = {.at_s = picture->at_us / 1000000,
                                          .routing_known = herald->routing.known,
                                          .routed = herald->routing.statements[ROUTE_ROUTED],
                                          .statements = routing_total(&herald->routing),
                                          .full_circle_ms = picture->full_circle_ms};
    if (herald->sample_count == PICTURE_HISTORY) {
        memmove(herald->samples, herald->samples + 1, sizeof herald->samples - sizeof *herald->samples);
        herald->sample_count--;
    }
    herald->samples[herald->sample_count++] = sample;
}

static bool is_due(int64_t *at_ms, int64_t every_ms, int64_t now_ms) {
    if (now_ms < *at_ms)
        return false;
    *at_ms = now_ms + every_ms;
    return true;
}

static void read_routing(struct herald *herald, int64_t now_ms) {
    struct routing fresh;
    const bool folds = is_due(&herald->fold_at_ms, FOLD_EVERY_MS, now_ms);
    routing_read(&herald->config->stats, getenv("XDG_RUNTIME_DIR"), folds, &fresh);
    routing_take(&herald->routing, &fresh, &herald->routing_fallen);
}

void herald_turn(struct herald *herald, const struct turn *turn, int64_t now_ms) {
    if (!herald)
        return;
    herald->turns++;
    http_turn(herald->http, now_ms);
    hook_turn(herald->hook, now_ms);
    tell_new_entries(herald, now_ms);
    if (!is_due(&herald->picture_at_ms, PICTURE_EVERY_MS, now_ms))
        return;
    if (is_due(&herald->routing_at_ms, ROUTING_EVERY_MS, now_ms))
        read_routing(herald, now_ms);
    struct picture *picture = make_picture(herald, turn);
    if (!picture) {
        log_state(&herald->trouble, CONFIG_LOG_ERROR, "not enough memory to show the ring");
        return;
    }
    site_page_write(herald->site_page, picture, turn_site(turn, picture->own), now_ms);
    /* At start all is new, and nothing of it has happened just now. */
    if (herald->before && herald->before->is_looked_at)
        picture_compare(herald->before, picture, enter, herald);
    take_journal(herald, picture);
    picture_free(herald->before);
    herald->before = picture;
    if (is_due(&herald->sample_at_ms, SAMPLE_EVERY_MS, now_ms))
        take_sample(herald, picture);
    http_show(herald->http, picture);
}
