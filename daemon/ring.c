#include "ring.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const reason_names[] = {
#define X(value, sentence) #value,
    RING_REASONS(X)
#undef X
};

static const char *const reason_sentences[] = {
#define X(value, sentence) sentence,
    RING_REASONS(X)
#undef X
};

const char *ring_reason_name(enum ring_reason reason) {
    return reason_names[reason];
}
const char *ring_reason_sentence(enum ring_reason reason) {
    return reason_sentences[reason];
}

void samples_add(struct site_samples *samples, bool failed, int64_t now_ms) {
    if (!failed || samples->count == 0)
        samples->good_ms = now_ms;
    samples->failed = samples->failed << 1 | (failed ? 1U : 0U);
    if (samples->count < 32)
        samples->count++;
}

static unsigned count_failed(const struct site_samples *samples, const struct config_ring *ring) {
    const unsigned window = samples->count < ring->samples ? samples->count : ring->samples;
    const uint32_t mask = window >= 32 ? UINT32_MAX : (UINT32_C(1) << window) - 1;
    return (unsigned)__builtin_popcount(samples->failed & mask);
}

enum site_life ring_judge(const struct site_samples *samples, const struct config_ring *ring, bool link_moves,
                          int64_t now_ms) {
    if (samples->count == 0)
        return SITE_UNKNOWN;
    const bool many_failed = count_failed(samples, ring) >= ring->samples_failed;
    const bool last_failed = samples->failed & 1;
    if (!last_failed)
        return many_failed ? SITE_DOUBTFUL : SITE_ALIVE;
    const bool long_silent = now_ms - samples->good_ms >= (int64_t)ring->dead_after_ms;
    return many_failed && long_silent && !link_moves ? SITE_DEAD : SITE_DOUBTFUL;
}

bool ring_is_steady(const struct site_samples *samples, const struct config_ring *ring) {
    return samples->count >= ring->samples && count_failed(samples, ring) == 0;
}

size_t ring_upstream(size_t count, size_t from, size_t distance) {
    return (from + count - distance % count) % count;
}

size_t ring_find_source(const struct config_ring *ring, const struct link_state *link) {
    if (!link->link_exists)
        return SITE_NONE;
    for (size_t i = 0; i < ring->site_count; i++) {
        const struct config_server *server = &ring->sites[i].server;
        if (server->host && strcasecmp(server->host, link->source_host) == 0 &&
            server->port == link->source_port)
            return i;
    }
    return SITE_STRANGER;
}

enum ring_reason ring_unfit(const struct link_state *me, const struct link_state *site, unsigned expected_id,
                            bool replica) {
    if (site->kind == SERVER_KIND_UNKNOWN)
        return RING_OLD_SERVER;
    if (site->kind != me->kind)
        return RING_MIXED;
    if (site->server_id == me->server_id)
        return RING_SAME_ID;
    if (site->server_id != expected_id)
        return RING_WRONG_ID;
    if (!replica && site->kind == SERVER_MARIADB && site->domain_id == me->domain_id)
        return RING_SAME_DOMAIN;
    if (!site->log_bin)
        return RING_NO_BINLOG;
    if (!site->log_updates)
        return RING_NO_UPDATES;
    if (!site->gtid_ready)
        return RING_NO_GTID;
    return RING_WHOLE;
}

/* An empty server that goes on without what is missing would stay empty, and pass on nothing of what it
 * lacks. */
static bool is_blank(const struct ring_view *view) {
    const struct link_state *others[RING_SITES_MAX] = {NULL};
    for (size_t i = 0; i < view->ring->site_count; i++)
        others[i] = view->sites[i].state;
    return link_is_blank(view->link, others, view->ring->site_count);
}

/* It is about to have purged what its successor hasn't fetched from it: a joined server's history begins where
 * its donor's stood. */
static bool is_joining(const struct ring_view *view, size_t site) {
    const struct link_state *state = view->sites[site].state;
    return state && state->site_pauses[site].joining;
}

/* Not to be followed, though it lives. */
static bool is_lost(const struct ring_view *view, size_t site) {
    return view->sites[site].memory == SITE_FORGOT || is_joining(view, site);
}

#define DRAIN_LIMIT_MS 60000

/* Changing the source throws away what was fetched and not applied yet. From a living source it comes again;
 * from a dead one it may be the only copy, so it is applied first, as long as that makes progress. */
static bool is_draining(const struct ring_view *view, size_t source) {
    return !view->link->drained && view->link->sql == LINK_THREAD_RUNNING &&
           view->now_ms - view->applied_ms < (int64_t)view->ring->dead_after_ms &&
           view->sites[source].silent_ms < DRAIN_LIMIT_MS;
}

static struct ring_plan plan(enum link_step step, enum ring_reason reason, size_t target, size_t source) {
    return (struct ring_plan){
        .step = step, .reason = reason, .target = target, .source = source, .error = link_classify(0, "")};
}

static bool someone_else_lives(const struct ring_view *view) {
    for (size_t i = 0; i < view->ring->site_count; i++)
        if ((i != view->me || view->replica) && view->sites[i].life == SITE_ALIVE)
            return true;
    return false;
}

static bool someone_is_unknown(const struct ring_view *view) {
    for (size_t i = 0; i < view->ring->site_count; i++)
        if (i != view->me && view->sites[i].life == SITE_UNKNOWN)
            return true;
    return false;
}

/* `site` is fed by a living site, by its own report. Compared by server_id: the address by which it knows its
 * source may be another. */
static bool follows_a_living_site(const struct ring_view *view, size_t site) {
    const struct link_state *state = view->sites[site].state;
    if (!link_is_whole(state))
        return false;
    for (size_t i = 0; i < view->ring->site_count; i++)
        if (i != site && view->ring->sites[i].server_id == state->source_server_id)
            return i == view->me || view->sites[i].life == SITE_ALIVE;
    return false;
}

bool ring_is_level(const struct config_ring *ring, const struct link_state *one, const struct link_state *other,
                   size_t origin) {
    const int64_t tolerance_us =
        1000 * (3 * (int64_t)ring->heartbeat_interval_ms + 2 * (int64_t)ring->probe_interval_ms);
    return other->heartbeat_us[origin] - one->heartbeat_us[origin] <= tolerance_us;
}

/* `site` shows the heartbeats of all others as fresh as they are seen here. */
static bool has_caught_up(const struct ring_view *view, size_t site) {
    const struct link_state *state = view->sites[site].state;
    if (!view->link->heartbeats_known)
        return state->seconds_behind == 0;
    if (!state->heartbeats_known)
        return false;
    for (size_t origin = 0; origin < view->ring->site_count; origin++)
        if (origin != site && view->link->heartbeat_us[origin] >= 0 &&
            !ring_is_level(view->ring, state, view->link, origin))
            return false;
    return true;
}

/* May the link move from a living source back to `site`, which is nearer? */
static bool may_return(const struct ring_view *view, size_t site) {
    const struct ring_site *it = &view->sites[site];
    const bool own_server = site == view->me; /* a replica's: nearer than any, whatever it follows */
    return it->steady && it->state && it->memory == SITE_REMEMBERS && (own_server || follows_a_living_site(view, site)) &&
           has_caught_up(view, site);
}

/* In a ring of two there's nobody to go to while the other one is dead, and its link would fetch what that has
 * written as soon as it's back. */
static bool sets_aside(const struct ring_view *view, size_t source) {
    return view->ring->site_count == 2 && !view->replica && source < 2 && source != view->me &&
           view->ring->returning_writes == CONFIG_RETURNING_SKIP;
}

static struct ring_plan follow_again(const struct ring_view *view, size_t source) {
    const struct ring_site *site = &view->sites[source];
    const bool may = site->life == SITE_ALIVE && site->steady && site->state &&
                     site->memory == SITE_REMEMBERS && !is_joining(view, source);
    struct ring_plan move = plan(may ? LINK_POINT : LINK_WAIT, may ? RING_BACK : RING_NOT_ANSWERING, source, source);
    move.skip_returning = may;
    return move;
}

/* Looks upstream, nearest first, for the site to follow. The plan's target says which; its step is LINK_LEAVE
 * when that's the present source, LINK_POINT when it isn't, and anything else when it is too early to say. */
static struct ring_plan choose_target(const struct ring_view *view, size_t source) {
    const size_t count = view->ring->site_count;
    const bool has_source = source < count;
    const bool source_is_dead = has_source && view->sites[source].life == SITE_DEAD;
    const bool source_is_lost = has_source && is_lost(view, source);
    size_t lost = SITE_NONE;
    for (size_t distance = view->replica ? 0 : 1; distance < count; distance++) {
        const size_t candidate = ring_upstream(count, view->me, distance);
        const struct ring_site *site = &view->sites[candidate];
        if (site->life == SITE_DEAD)
            continue;
        if (is_lost(view, candidate)) {
            lost = lost == SITE_NONE ? candidate : lost;
            continue;
        }
        if (candidate == source)
            return site->life == SITE_ALIVE ? plan(LINK_LEAVE, RING_WHOLE, candidate, source)
                                            : plan(LINK_WAIT, RING_NOT_ANSWERING, candidate, source);
        if (site->life != SITE_ALIVE) {
            if (has_source) /* living: stay with it; dead: look further, this one can be returned to */
                continue;
            return plan(LINK_WAIT, site->life == SITE_UNKNOWN ? RING_LOOKING : RING_NOBODY, candidate,
                        source);
        }
        const bool must_move = !has_source || source_is_dead || source_is_lost;
        if (!site->state) {
            if (must_move && !has_source)
                return plan(LINK_WAIT, RING_SOURCE_UNSEEN, candidate, source);
            continue;
        }
        const enum ring_reason unfit =
            ring_unfit(view->link, site->state, view->ring->sites[candidate].server_id, view->replica);
        if (unfit != RING_WHOLE) {
            if (!has_source)
                return plan(LINK_HELP, unfit, candidate, source);
            continue;
        }
        if (!must_move && !may_return(view, candidate))
            continue;
        const enum ring_reason reason = source == SITE_NONE        ? RING_NO_LINK
                                        : source == SITE_STRANGER  ? RING_ELSEWHERE
                                        : source_is_dead           ? RING_BYPASS
                                        : !source_is_lost          ? RING_RETURN
                                        : is_joining(view, source) ? RING_JOINING
                                                                   : RING_LOST_SOURCE;
        if (source_is_dead && is_draining(view, source))
            return plan(LINK_WAIT, RING_DRAINING, candidate, source);
        struct ring_plan move = plan(LINK_POINT, reason, candidate, source);
        /* A replica has all that its own server has, whatever the ring leaves out. */
        move.skip_returning =
            site->bypassed && !view->replica && view->ring->returning_writes == CONFIG_RETURNING_SKIP;
        return move;
    }
    if (lost == SITE_NONE)
        return plan(LINK_WAIT, RING_NOBODY, SITE_NONE, source);
    return is_joining(view, lost) ? plan(LINK_WAIT, RING_JOINS, lost, source)
                                  : plan(LINK_HELP, RING_LOST, lost, source);
}

/* A source that leaves out what a returning site had written has a hole in that site's events, and whoever has
 * got to some of these from another source can't go on at this one: the server holds it for a fault. Behind
 * the hole all is well, and what is left out then is found by comparing. Of its own events a source can only
 * lack some if it has forgotten which it gave out. */
static bool is_passable(const struct ring_view *view, size_t source) {
    const struct link_state *state = view->sites[source].state;
    unsigned domain;
    char last[64];
    return view->ring->returning_writes == CONFIG_RETURNING_SKIP && state &&
           link_domain_of_hole(view->link->io_error, &domain) && domain != state->domain_id &&
           link_gtid_of_domain(state->logged, domain, last, sizeof last);
}

/* What a failure asks for, once it has lasted long enough since it was seen or last acted upon. */
static struct ring_plan answer_failure(const struct ring_view *view, size_t source,
                                       const struct link_error *error) {
    struct ring_plan answer = plan(LINK_WAIT, RING_BACK_OFF, source, source);
    answer.error = error;
    answer.correction = true;
    const enum ring_reason lost =
        view->link->sql == LINK_THREAD_STOPPED && view->link->sql_errno ? RING_SET_BACK
        : error->consequence == LINK_PURGED && is_blank(view)           ? RING_BLANK
                                                                        : RING_PURGED;
    const bool skip_allowed = view->ring->on_purged == CONFIG_PURGED_SKIP;
    const bool fatal = error->consequence == LINK_HOLE && !is_passable(view, source);
    const int64_t delay_ms = link_retry_delay_ms(fatal ? LINK_FATAL : error->consequence, view->attempts);
    if (delay_ms < 0 || (error->consequence == LINK_PURGED && (!skip_allowed || lost == RING_BLANK))) {
        answer.step = LINK_HELP;
        answer.reason = error->consequence == LINK_PURGED ? lost : RING_FAILED;
        return answer;
    }
    if (view->now_ms < view->failed_since_ms + delay_ms)
        return answer;
    const bool fetching_failed = view->link->sql != LINK_THREAD_STOPPED || !view->link->sql_errno;
    switch (error->consequence) {
    case LINK_PURGED:
        answer.step = LINK_SKIP;
        answer.reason = lost;
        break;
    case LINK_HOLE:
        answer.step = fatal ? LINK_START : LINK_SKIP;
        answer.reason = fatal ? RING_FAILED : RING_HOLE;
        break;
    case LINK_DAMAGED:
        answer.step = LINK_POINT;
        answer.reason = RING_FAILED;
        break;
    case LINK_CONFIGURATION: /* made anew, the link has the file's present user, password and TLS */
        answer.step = fetching_failed ? LINK_POINT : LINK_START;
        answer.reason = RING_FAILED;
        break;
    case LINK_NO_ERROR:
    case LINK_TRANSIENT:
    case LINK_FATAL:
        answer.step = LINK_START;
        answer.reason = error->consequence == LINK_NO_ERROR ? RING_STOPPED : RING_FAILED;
        break;
    }
    return answer;
}

static bool source_has_news(const struct ring_view *view, size_t source, int64_t stall_ms) {
    const struct link_state *state = view->sites[source].state;
    if (!state || !state->heartbeats_known || !view->link->heartbeats_known)
        return false;
    for (size_t origin = 0; origin < view->ring->site_count; origin++)
        if (origin != view->me && state->heartbeat_us[origin] >= 0 &&
            state->heartbeat_us[origin] - view->link->heartbeat_us[origin] > 1000 * stall_ms)
            return true;
    return false;
}

/* The link points where it should, at a living site: is it well? */
static struct ring_plan look_after(const struct ring_view *view, size_t source) {
    const struct config_ring *ring = view->ring;
    const struct link_state *link = view->link;
    const struct link_error *error = link_trouble(link);

    if (!link->uses_gtid)
        return plan(LINK_POINT, RING_NOT_GTID, source, source);
    if (ring->replication.user && strcmp(ring->replication.user, link->source_user) != 0)
        return plan(LINK_POINT, RING_OTHER_USER, source, source);
    if (link_waits_for_disk(link))
        return plan(LINK_HELP, RING_DISK, source, source);
    if (link->sql == LINK_THREAD_STOPPED || link->io == LINK_THREAD_STOPPED)
        return answer_failure(view, source, error);

    const int64_t interval_ms = 3 * (int64_t)ring->heartbeat_interval_ms;
    const int64_t stall_ms =
        interval_ms > (int64_t)ring->dead_after_ms ? interval_ms : (int64_t)ring->dead_after_ms;
    if (link->io == LINK_THREAD_CONNECTING) {
        if (error->consequence != LINK_TRANSIENT && error->consequence != LINK_NO_ERROR)
            return answer_failure(view, source, error);
        const int64_t retries_ms = 3000 * (int64_t)ring->connect_retry_s;
        const int64_t patience_ms = retries_ms > 30000 ? retries_ms : 30000;
        const bool too_long =
            view->connecting_since_ms >= 0 && view->now_ms - view->connecting_since_ms >= patience_ms;
        struct ring_plan wait = plan(LINK_WAIT, RING_CONNECTING, source, source);
        wait.error = error;
        if (too_long &&
            view->now_ms >= view->failed_since_ms + link_retry_delay_ms(LINK_TRANSIENT, view->attempts)) {
            wait.step = LINK_RESTART_IO;
            wait.correction = true;
        }
        return wait;
    }
    if (view->now_ms - view->moved_ms >= stall_ms && source_has_news(view, source, stall_ms)) {
        const bool now =
            view->now_ms >= view->failed_since_ms + link_retry_delay_ms(LINK_TRANSIENT, view->attempts);
        struct ring_plan stalled = plan(now ? LINK_RESTART_IO : LINK_WAIT, RING_STALLED, source, source);
        stalled.correction = true;
        return stalled;
    }
    return plan(LINK_LEAVE, RING_WHOLE, source, source);
}

static struct ring_plan choose_step(const struct ring_view *view) {
    const struct config_ring *ring = view->ring;
    if (!view->link)
        return plan(LINK_WAIT,
                    view->sites[view->me].life == SITE_UNKNOWN ? RING_LOOKING : RING_OWN_UNREACHABLE,
                    SITE_NONE, SITE_NONE);
    if (ring->site_count < 2 && !view->replica)
        return plan(LINK_LEAVE, RING_ALONE, SITE_NONE, SITE_NONE);
    if (!view->link->link_known)
        return plan(LINK_HELP, RING_OWN_UNSEEN, SITE_NONE, SITE_NONE);

    const size_t source = ring_find_source(ring, view->link);
    if (!view->replica && view->sites[view->me].memory == SITE_FORGOT)
        return plan(LINK_HELP, RING_LOST_SELF, SITE_NONE, source);
    const bool aside = sets_aside(view, source);
    if (aside && view->sites[source].life == SITE_DEAD && view->link->io != LINK_THREAD_STOPPED)
        return plan(LINK_HOLD, RING_HOLD, source, source);
    if (!someone_else_lives(view))
        return plan(LINK_WAIT, someone_is_unknown(view) ? RING_LOOKING : RING_CUT_OFF, SITE_NONE, source);
    /* A link to nobody, or to itself, is no source to be kept. */
    if (aside && view->sites[source].bypassed && view->link->io == LINK_THREAD_STOPPED &&
        view->sites[source].memory != SITE_FORGOT)
        return follow_again(view, source);
    const bool to_itself = source == view->me && !view->replica;
    const struct ring_plan choice = choose_target(view, to_itself ? SITE_STRANGER : source);
    if (choice.step == LINK_LEAVE) {
        struct ring_plan care = look_after(view, source);
        if (care.step == LINK_LEAVE && view->sites[source].state) {
            /* A running link to a site that has become unfit is left running, but said. */
            const enum ring_reason unfit = ring_unfit(view->link, view->sites[source].state,
                                                      ring->sites[source].server_id, view->replica);
            if (unfit != RING_WHOLE)
                return plan(LINK_HELP, unfit, source, source);
        }
        const bool remake = care.step == LINK_POINT && !care.correction;
        if (remake && view->changed_ms >= 0 && view->now_ms - view->changed_ms < (int64_t)ring->cool_down_ms)
            return plan(LINK_WAIT, RING_COOL_DOWN, care.target, source);
        return care;
    }
    const bool hot = view->changed_ms >= 0 && view->now_ms - view->changed_ms < (int64_t)ring->cool_down_ms;
    if (choice.step == LINK_POINT && hot)
        return plan(LINK_WAIT, RING_COOL_DOWN, choice.target, source);
    return choice;
}

struct ring_plan ring_plan(const struct ring_view *view) {
    const struct ring_plan chosen = choose_step(view);
    const bool acts = chosen.step != LINK_LEAVE && chosen.step != LINK_WAIT && chosen.step != LINK_HELP;
    /* Over a link it would get its own numbers back, and not its rows. */
    if (acts && !view->replica && view->sites[view->me].memory == SITE_UNSURE && is_blank(view))
        return plan(LINK_WAIT, RING_LOOKING, SITE_NONE, chosen.source);
    return chosen;
}

static const char *name_of(const struct config_ring *ring, size_t site) {
    return site < ring->site_count ? ring->sites[site].name
           : site == SITE_STRANGER ? "another server"
                                   : "nobody";
}

void ring_write_words(const struct config_ring *ring, const struct ring_plan *plan, const char *name,
                      char *words, size_t size) {
    const size_t source = plan->source != SITE_NONE ? plan->source : plan->target;
    size_t used = (size_t)snprintf(words, size, "%.190s<-%.63s: ", name, name_of(ring, source));
    for (const char *at = ring_reason_sentence(plan->reason); *at && used + 70 < size; at++) {
        if (at[0] == '%' && (at[1] == 't' || at[1] == 's')) {
            used += (size_t)snprintf(words + used, size - used, "%.60s",
                                     name_of(ring, at[1] == 't' ? plan->target : plan->source));
            at++;
        } else {
            words[used++] = *at;
            words[used] = '\0';
        }
    }
}
