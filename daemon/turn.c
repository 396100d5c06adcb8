#include "turn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "converge.h"
#include "expiry.h"
#include "log.h"
#include "memory.h"
#include "pause.h"
#include "place.h"
#include "site.h"

#define OWN_LIMIT_S                                                                                         \
    5 /* one's own server is local: it is slow only when something is wrong, and SHOW SLAVE STATUS can hang \
       */
#define OTHER_LIMIT_S 2

/* A statement that the server refused isn't repeated every second: a person must give a right or change a
 * setting first. */
#define REFUSED_RETRY_MS 15000

#define PAUSE_STEP_US INT64_C(600000000)

/* A link that this daemon may change: its site's own, or that of a replica behind it. */
struct managed {
    struct watch *watch; /* a site's is the same as sites[own].watch */
    struct watch_report report;
    struct link_memory memory;
    char name[192];
    bool replica;
    unsigned orders_given;
    bool order_is_open, order_is_account;
    int64_t retry_at_ms; /* after an order that failed: no other one before then */
    struct log_subject subject, would, trouble;
    struct ring_plan plan;
    char words[400];
};

struct turn {
    struct turn_setup setup;
    const struct config_ring *ring;
    struct site_record sites[RING_SITES_MAX];
    struct tally tally;
    unsigned looks[RING_SITES_MAX]; /* that the tally has taken in */
    struct managed own;
    struct managed *replicas;
    size_t replica_count;
    bool account_is_done;
    bool bypasses_are_known; /* which sites were bypassed when this daemon started */
    struct converge *converge; /* NULL: nothing is compared from here */
    struct link_pause pause; /* zeros: none holds */
    bool someone_is_empty;   /* nothing is compared meanwhile */
    struct log_subject heartbeat, paused;
    struct watch_order order; /* too large for a stack */
};

static bool may_change(const struct turn *turn) {
    return turn->ring->manage == CONFIG_MANAGE_LINKS && !turn->setup.dry_run;
}

static bool start_sites(struct turn *turn) {
    for (size_t i = 0; i < turn->ring->site_count; i++) {
        const bool own = i == turn->ring->own;
        turn->sites[i].watch = watch_start(&(struct watch_setup){
            .address = &turn->ring->sites[i].server,
            .login = &turn->ring->monitor,
            .by_socket = own,
            .ring = turn->ring,
            .limit_s = own ? OWN_LIMIT_S : OTHER_LIMIT_S,
            .all_lags = own,
            .heartbeat_site = own && may_change(turn) ? turn->ring->sites[i].name : NULL,
            .wake_fd = turn->setup.wake_fd,
        });
        turn->sites[i].sampled_ms = clock_monotonic_ms();
        if (!turn->sites[i].watch)
            return false;
    }
    return true;
}

static bool start_replicas(struct turn *turn) {
    const struct config_site *site = &turn->ring->sites[turn->ring->own];
    turn->replicas = calloc(site->replica_count ? site->replica_count : 1, sizeof *turn->replicas);
    if (!turn->replicas)
        return false;
    for (size_t i = 0; i < site->replica_count; i++) {
        const struct config_server *address = &site->replicas[i];
        struct managed *replica = &turn->replicas[i];
        replica->replica = true;
        replica->memory = MEMORY_EMPTY;
        if (address->host)
            snprintf(replica->name, sizeof replica->name, "%s's replica %s:%u", site->name, address->host,
                     address->port);
        else
            snprintf(replica->name, sizeof replica->name, "%s's replica %s", site->name, address->socket);
        replica->watch = watch_start(&(struct watch_setup){.address = address,
                                                           .login = &turn->ring->monitor,
                                                           .by_socket = true,
                                                           .ring = turn->ring,
                                                           .limit_s = OTHER_LIMIT_S,
                                                           .wake_fd = turn->setup.wake_fd});
        if (!replica->watch)
            return false;
        turn->replica_count++;
    }
    return true;
}

static bool start_converge(struct turn *turn) {
    const struct config *config = turn->setup.config;
    if (!config || !config->group_count || !may_change(turn) || turn->ring->site_count < 2 ||
        (turn->ring->converge == CONFIG_CONVERGE_OFF && !expiry_is_wanted(config)))
        return true;
    turn->converge = converge_start(config);
    return turn->converge != NULL;
}

struct turn *turn_start(const struct turn_setup *setup) {
    struct turn *turn = calloc(1, sizeof *turn);
    if (!turn)
        return NULL;
    turn->setup = *setup;
    turn->ring = setup->ring;
    turn->own.memory = MEMORY_EMPTY;
    snprintf(turn->own.name, sizeof turn->own.name, "%s", turn->ring->sites[turn->ring->own].name);
    if (!start_sites(turn) || !start_replicas(turn) || !start_converge(turn)) {
        turn_stop(turn);
        return NULL;
    }
    turn->own.watch = turn->sites[turn->ring->own].watch;
    return turn;
}

void turn_stop(struct turn *turn) {
    if (!turn)
        return;
    converge_stop(turn->converge);
    for (size_t i = 0; i < turn->ring->site_count; i++)
        watch_stop(turn->sites[i].watch);
    for (size_t i = 0; i < turn->replica_count; i++)
        watch_stop(turn->replicas[i].watch);
    free(turn->replicas);
    explicit_bzero(&turn->order, sizeof turn->order); /* held a password */
    free(turn);
}

void turn_wait_for_looks(struct turn *turn, int64_t until_ms) {
    for (size_t i = 0; i < turn->ring->site_count; i++)
        watch_wait(turn->sites[i].watch, 1, until_ms);
    for (size_t i = 0; i < turn->replica_count; i++)
        watch_wait(turn->replicas[i].watch, 1, until_ms);
}

static const char *site_name(const struct turn *turn, size_t site) {
    return site < turn->ring->site_count ? turn->ring->sites[site].name
           : site == SITE_STRANGER       ? "another server"
                                         : "nobody";
}

static void put_words(const struct turn *turn, struct managed *link) {
    char name[sizeof link->name + 8];
    snprintf(name, sizeof name, "link %s", link->name);
    ring_write_words(turn->ring, &link->plan, name, link->words, sizeof link->words);
}

/* The server's text for a failed event quotes the statement with its values, so only its number and meaning
 * are shown. */
static void tell_plan(struct managed *link) {
    const struct ring_plan *plan = &link->plan;
    const struct link_state *state = &link->report.state;
    char why[400] = "";
    if (plan->error->consequence != LINK_NO_ERROR) {
        const bool applying = state->sql == LINK_THREAD_STOPPED && state->sql_errno;
        snprintf(why, sizeof why, ": %u %s%s%s", applying ? state->sql_errno : state->io_errno,
                 plan->error->meaning, plan->step == LINK_HELP ? "; help is needed: " : "; ",
                 plan->error->cure);
    }
    const enum config_log_level level = plan->step == LINK_HELP   ? CONFIG_LOG_ERROR
                                        : plan->step == LINK_WAIT ? CONFIG_LOG_WARNING
                                                                  : CONFIG_LOG_INFO;
    log_state(&link->subject, level, "%s%s", link->words, why);
}

static void tell_order(const struct turn *turn, struct managed *link) {
    const struct server_answer *answer = &link->report.order_answer;
    const struct dialect *dialect = dialect_for_kind(link->report.state.kind);
    if (link->report.order_position[0]) {
        log_line(CONFIG_LOG_INFO, "%s ran: %s", link->name, link->report.order_position);
        journal_add(turn->setup.journal, EVENT_STATEMENT_RUN, link->name, link->report.order_position);
    }
    if (answer->outcome == SERVER_ANSWERED)
        log_state(&link->trouble, CONFIG_LOG_INFO, "%s", "");
    else if (site_refused_a_right(answer->code))
        log_state(&link->trouble, CONFIG_LOG_ERROR,
                  "%s: not allowed to run %s: %u; GRANT %s ON *.* to the monitor user; watching goes on",
                  link->name, link->report.order_failed, answer->code,
                  !dialect                                              ? "the needed right"
                  : strstr(link->report.order_failed, "mysql.user")     ? dialect->grants_for_accounts
                  : strstr(link->report.order_failed, "sql_log_bin")    ? dialect->grants_for_accounts
                  : strstr(link->report.order_failed, "REPLICATION SL") ? dialect->grants_for_accounts
                  : strstr(link->report.order_failed, "CREATE USER")    ? dialect->grants_for_accounts
                                                                        : dialect->grants_to_heal);
    else /* a syntax error quotes the statement, which may hold a password */
        log_state(&link->trouble, CONFIG_LOG_ERROR, "%s: %s failed: %u %s", link->name,
                  link->report.order_failed, answer->code, answer->code == 1064 ? "syntax" : answer->text);
    if (answer->outcome != SERVER_ANSWERED) {
        char detail[JOURNAL_DETAIL];
        snprintf(detail, sizeof detail, "%u: %s", answer->code, link->report.order_failed);
        journal_add(turn->setup.journal, EVENT_STATEMENT_FAILED, link->name, detail);
    }
}

/* The position past what shall not be fetched. */
static bool put_position(const struct turn *turn, const struct managed *link, char *position, size_t size) {
    const struct ring_plan *plan = &link->plan;
    const struct link_state *state = &link->report.state;
    const struct site_record *target = &turn->sites[plan->target];
    if (plan->reason == RING_SET_BACK) /* past what the own log has, which is counted in anyway */
        return snprintf(position, size, "%s", state->logged) < (int)size;
    unsigned domain;
    if (plan->reason == RING_HOLE) /* to where the source is: nothing says where the hole ends */
        return link_domain_of_hole(state->io_error, &domain) &&
               link_gtid_of_domain(target->report.state.logged, domain, position, size);
    if (plan->step == LINK_SKIP)
        return snprintf(position, size, "%s", target->report.state.oldest) < (int)size;
    return link_gtid_of_domain(target->returned, target->report.state.domain_id, position, size);
}

static bool write_order(struct turn *turn, struct managed *link, struct watch_order *order) {
    const struct ring_plan *plan = &link->plan;
    const struct link_state *state = &link->report.state;
    const struct site_record *target = &turn->sites[plan->target];
    char position[2048] = "";
    bool leaves_out = plan->step == LINK_POINT && plan->skip_returning && target->returned[0];
    if (leaves_out && state->kind == SERVER_MARIADB) /* it may never have written anything */
        leaves_out = link_gtid_of_domain(target->returned, target->report.state.domain_id, position, sizeof position);
    memset(order, 0, sizeof *order);
    order->kind = WATCH_SCRIPT;
    order->connection = link->report.connection;
    if (leaves_out && state->kind == SERVER_MYSQL) {
        memcpy(order->without, target->returned, sizeof order->without);
        memcpy(order->without_uuid, target->report.state.uuid, sizeof order->without_uuid);
    } else if ((leaves_out || plan->step == LINK_SKIP) &&
               !put_position(turn, link, position, sizeof position)) {
        return false;
    }
    if (plan->step == LINK_SKIP && state->kind == SERVER_MYSQL)
        memcpy(order->without, target->report.state.oldest, sizeof order->without);
    if (position[0] && state->kind == SERVER_MARIADB) {
        order->joins_position = true;
        memcpy(order->past, position, sizeof order->past);
    }
    return script_for_step(plan->step, dialect_for_kind(state->kind),
                           &(struct script_order){.source = &turn->ring->sites[plan->target].server,
                                                  .ring = turn->ring,
                                                  .position = position[0] ? position : NULL},
                           &order->script);
}

static void give_order(struct turn *turn, struct managed *link, int64_t now_ms) {
    const struct ring_plan *plan = &link->plan;
    const char *verb = may_change(turn) ? "runs" : "would run";
    if (may_change(turn)) {
        if (!watch_give(link->watch, &turn->order))
            return;
        link->orders_given++;
        link->order_is_open = true;
        if (plan->correction)
            link->memory.attempts++;
        link->memory.failed_since_ms = now_ms;
        if (plan->step == LINK_POINT) {
            if (plan->reason !=
                RING_NO_LINK) /* the first link is no change that the next must keep away from */
                link->memory.changed_ms = now_ms;
            link->memory.moved_ms = link->memory.applied_ms = now_ms;
            if (!link->replica)
                turn->sites[plan->target].bypassed = false;
        }
    }
    if (may_change(turn) && turn->order.without[0])
        log_line(CONFIG_LOG_INFO, "%s makes an empty transaction of each GTID of %s that is left out",
                 link->name, site_name(turn, plan->target));
    for (size_t i = 0; i < turn->order.script.count; i++) {
        if (may_change(turn) && i == turn->order.script.position_at)
            continue; /* logged as it was, once it has been set */
        if (may_change(turn)) {
            log_line(CONFIG_LOG_INFO, "%s %s: %s", link->name, verb, turn->order.script.shown[i]);
            journal_add(turn->setup.journal, EVENT_STATEMENT_RUN, link->name, turn->order.script.shown[i]);
        } else {
            log_state(&link->would, CONFIG_LOG_INFO, "%s %s: %s%s", link->name, verb,
                      turn->order.script.shown[i], turn->order.script.count > 1 ? "; ..." : "");
        }
    }
}

/* The source's oldest position is read only while it is needed: two more statements a look. */
static bool must_wait_for_oldest(struct turn *turn, struct managed *link) {
    const struct ring_plan *plan = &link->plan;
    if (plan->step != LINK_SKIP || plan->reason != RING_PURGED)
        return false;
    struct site_record *source = &turn->sites[plan->target];
    source->oldest_is_needed = true;
    if (!source->oldest_asked)
        source->oldest_asked = source->report.looks;
    if (!source->report.state.oldest[0] && source->report.looks > source->oldest_asked + 2)
        log_state(&link->trouble, CONFIG_LOG_ERROR,
                  "%s: what %s's binary logs begin with isn't shown to the monitor user; GRANT %s there",
                  link->name, site_name(turn, plan->target),
                  dialect_for_kind(link->report.state.kind)->grants_to_watch);
    return !source->report.state.oldest[0];
}

static void act(struct turn *turn, struct managed *link, int64_t now_ms) {
    if (must_wait_for_oldest(turn, link))
        return;
    if (link->plan.step == LINK_LEAVE || link->plan.step == LINK_WAIT || link->plan.step == LINK_HELP ||
        now_ms < link->retry_at_ms || turn->pause.until_us)
        return;
    if (!write_order(turn, link, &turn->order)) {
        log_state(&link->trouble, CONFIG_LOG_ERROR, "%s: the statements for this step can't be written",
                  link->name);
        return;
    }
    give_order(turn, link, now_ms);
}

static void build_view(const struct turn *turn, const struct managed *link, int64_t now_ms,
                       struct ring_view *view) {
    const struct link_memory *memory = &link->memory;
    const bool seen =
        link->report.looks && link->report.answer.outcome == SERVER_ANSWERED && link->report.state.kind;
    *view = (struct ring_view){
        .ring = turn->ring,
        .me = turn->ring->own,
        .replica = link->replica,
        .link = seen ? &link->report.state : NULL,
        .now_ms = now_ms,
        .changed_ms = memory->changed_ms,
        .moved_ms = memory->moved_ms,
        .applied_ms = memory->applied_ms,
        .connecting_since_ms = memory->connecting_since_ms,
        .failed_since_ms = memory->failed_since_ms,
        .attempts = memory->attempts,
    };
    for (size_t i = 0; i < turn->ring->site_count; i++) {
        const struct site_record *site = &turn->sites[i];
        view->sites[i] = (struct ring_site){
            .life = site->life,
            .steady = ring_is_steady(&site->samples, turn->ring),
            .silent_ms = now_ms - site->samples.good_ms,
            .bypassed = site->bypassed,
            .memory = turn->tally.memory[i],
            .state = site->life == SITE_ALIVE || site->life == SITE_DOUBTFUL ? site_state(site) : NULL,
        };
    }
}

/* A daemon that starts beside a link that already goes past a site must not take that site's coming back for
 * news it never heard of. */
static void learn_bypasses(struct turn *turn, size_t source) {
    if (turn->bypasses_are_known || source >= turn->ring->site_count || !turn->own.report.looks)
        return;
    turn->bypasses_are_known = true;
    for (size_t distance = 1; distance < turn->ring->site_count; distance++) {
        const size_t site = ring_upstream(turn->ring->site_count, turn->ring->own, distance);
        if (site == source)
            return;
        turn->sites[site].bypassed = true;
    }
}

/* Makes the replication user at this site, once, before the first link that another site makes to here needs
 * it. */
static void order_account(struct turn *turn) {
    const struct config_login *login = &turn->ring->replication;
    if (turn->account_is_done || !may_change(turn) || turn->pause.until_us || !login->user || !turn->own.report.looks ||
        turn->own.report.answer.outcome != SERVER_ANSWERED)
        return;
    memset(&turn->order, 0, sizeof turn->order);
    turn->order.kind = WATCH_ACCOUNT;
    turn->order.connection = turn->own.report.connection;
    snprintf(turn->order.user, sizeof turn->order.user, "%s", login->user);
    turn->account_is_done = true;
    if (!script_for_account(login, &turn->order.script) || !watch_give(turn->own.watch, &turn->order))
        return;
    turn->own.orders_given++;
    turn->own.order_is_open = turn->own.order_is_account = true;
    log_line(CONFIG_LOG_INFO, "%s makes the replication user unless it is there: %s; %s; %s", turn->own.name,
             turn->order.script.shown[0], turn->order.script.shown[1], turn->order.script.shown[2]);
    char detail[JOURNAL_DETAIL];
    snprintf(detail, sizeof detail, "unless the user is there: %.80s; %.140s; %.140s", turn->order.script.shown[0],
             turn->order.script.shown[1], turn->order.script.shown[2]);
    journal_add(turn->setup.journal, EVENT_STATEMENT_RUN, turn->own.name, detail);
}

static void tell_heartbeat(struct turn *turn) {
    const struct server_answer *answer = &turn->own.report.heartbeat;
    if (answer->outcome != SERVER_REFUSED)
        log_state(&turn->heartbeat, CONFIG_LOG_INFO, "%s", "");
    else
        log_state(&turn->heartbeat, CONFIG_LOG_WARNING, "%s can't write its heartbeat: %u %s; %s",
                  turn->own.name, answer->code, answer->text,
                  site_refused_a_right(answer->code)
                      ? "GRANT SELECT, INSERT, DELETE, CREATE ON roundabout.* to the monitor user"
                      : "lags aren't known until it can");
}

static bool turn_link(struct turn *turn, struct managed *link, int64_t now_ms) {
    const bool was_open = link->order_is_open;
    link->order_is_open = link->report.orders_done != link->orders_given;
    if (was_open && !link->order_is_open) {
        tell_order(turn, link);
        const bool refused = link->report.order_answer.outcome == SERVER_REFUSED && !link->order_is_account;
        link->retry_at_ms = refused ? now_ms + REFUSED_RETRY_MS : 0;
        if (link->order_is_account && link->report.order_answer.outcome == SERVER_UNREACHABLE)
            turn->account_is_done = false;
        link->order_is_account = false;
    }
    if (link->order_is_open)
        return true;
    memory_take_in(&link->memory, turn->ring, &link->report);
    struct ring_view view;
    build_view(turn, link, now_ms, &view);
    link->plan = ring_plan(&view);
    put_words(turn, link);
    tell_plan(link);
    act(turn, link, now_ms);
    return link->order_is_open;
}

static bool turn_take_replica(struct turn *turn, struct managed *replica, int64_t now_ms) {
    watch_read(replica->watch, &replica->report);
    if (turn->ring->replicas_follow)
        return turn_link(turn, replica, now_ms);
    const struct link_state *state = &replica->report.state;
    if (!replica->report.looks)
        return false;
    if (replica->report.answer.outcome != SERVER_ANSWERED)
        log_state(&replica->subject, CONFIG_LOG_WARNING, "%s doesn't answer: %u", replica->name,
                  replica->report.answer.code);
    else if (link_is_whole(state))
        log_state(&replica->subject, CONFIG_LOG_INFO, "%s follows", replica->name);
    else if (state->link_exists && link_trouble(state)->consequence != LINK_NO_ERROR)
        log_state(&replica->subject, CONFIG_LOG_WARNING, "%s doesn't follow: %s; %s", replica->name,
                  link_trouble(state)->meaning, link_trouble(state)->cure);
    else
        log_state(&replica->subject, CONFIG_LOG_WARNING, "%s doesn't follow: its link is %s", replica->name,
                  state->link_exists ? "stopped" : "not made, or not shown to the monitor user");
    return false;
}

/* One that answers and shows nothing may be empty: nothing may be written there either. False: something
 * that was begun before this was known may still be written. */
static bool tell_converge(struct turn *turn) {
    enum site_life lives[RING_SITES_MAX];
    for (size_t i = 0; i < turn->ring->site_count; i++) {
        const struct site_record *site = &turn->sites[i];
        const bool is_hidden = site->life == SITE_ALIVE && !site_state(site);
        lives[i] = turn->pause.until_us || turn->someone_is_empty || is_hidden ? SITE_UNKNOWN : site->life;
    }
    if (!turn->converge)
        return true;
    const bool known = converge_tell(turn->converge, lives);
    char repair[CONVERGE_REPAIR_BYTES];
    while (converge_take_repair(turn->converge, repair))
        journal_add(turn->setup.journal, EVENT_KEY_REPAIRED, turn->ring->sites[turn->ring->own].name, repair);
    return known;
}

static void take_pause(struct turn *turn) {
    const struct link_state *states[RING_SITES_MAX];
    for (size_t i = 0; i < turn->ring->site_count; i++)
        states[i] = site_state(&turn->sites[i]);
    turn->pause = pause_of_site(states, turn->ring->site_count, turn->ring->own, clock_real_us());
}

/* The time left is told in steps, which makes each step a reminder. */
static void tell_pause(struct turn *turn) {
    const int64_t steps = (turn->pause.until_us - clock_real_us()) / PAUSE_STEP_US + 1;
    if (turn->pause.joining)
        log_state(&turn->paused, CONFIG_LOG_WARNING,
                  "paused: `roundabout ring join` is at work here, or was ended before it was done: run it again");
    else if (turn->pause.until_us)
        log_state(&turn->paused, CONFIG_LOG_WARNING,
                  "paused, nothing is changed; for at most %" PRId64 " minutes more, or until `roundabout ring resume`",
                  steps * (PAUSE_STEP_US / 60000000));
    else
        log_state(&turn->paused, CONFIG_LOG_INFO, "%s", "");
}

static void open_beats(struct turn *turn, int64_t now_ms) {
    const size_t count = turn->ring->site_count;
    const struct link_state *states[RING_SITES_MAX];
    struct ring_view view;
    build_view(turn, &turn->own, now_ms, &view);
    for (size_t i = 0; i < count; i++)
        states[i] = view.sites[i].state;
    turn->someone_is_empty = false;
    for (size_t i = 0; i < count; i++)
        turn->someone_is_empty |=
            place_is_empty(&view, i, pause_of_site(states, count, i, clock_real_us()).joining);
    switch (place_decide(&view, turn->pause.joining)) {
    case PLACE_SILENT:
        watch_let_beat(turn->own.watch, WATCH_NO_CONNECTION);
        break;
    case PLACE_UNDECIDED:
        break;
    case PLACE_BEATS:
        watch_let_beat(turn->own.watch, turn->own.report.connection);
        break;
    }
    if (!view.link) /* it may come back as another */
        turn->account_is_done = false;
}

static void take_looks(struct turn *turn) {
    const struct link_state *states[RING_SITES_MAX];
    unsigned looked = 0;
    for (size_t i = 0; i < turn->ring->site_count; i++) {
        const struct link_state *state = site_state(&turn->sites[i]);
        states[i] = state && state->kind ? state : NULL;
        looked |= turn->looks[i] != turn->sites[i].report.looks ? 1U << i : 0;
        turn->looks[i] = turn->sites[i].report.looks;
    }
    tally_take(&turn->tally, states, turn->ring->site_count, looked);
}

bool turn_run(struct turn *turn, int64_t now_ms) {
    watch_read(turn->own.watch, &turn->own.report);
    const size_t source =
        turn->own.report.looks ? ring_find_source(turn->ring, &turn->own.report.state) : SITE_NONE;
    learn_bypasses(turn, source);
    for (size_t i = 0; i < turn->ring->site_count; i++) {
        turn->sites[i].oldest_is_needed = false;
        site_judge(&turn->sites[i], turn->ring, i, i == source, turn->own.memory.moved_ms, now_ms);
    }
    take_looks(turn);
    take_pause(turn);
    open_beats(turn, now_ms);
    if (tell_converge(turn))
        tell_pause(turn);
    order_account(turn);
    tell_heartbeat(turn);
    bool busy = turn_link(turn, &turn->own, now_ms);
    for (size_t i = 0; i < turn->replica_count; i++)
        busy |= turn_take_replica(turn, &turn->replicas[i], now_ms);
    for (size_t i = 0; i < turn->ring->site_count; i++) {
        if (!turn->sites[i].oldest_is_needed)
            turn->sites[i].oldest_asked = 0;
        watch_read_oldest(turn->sites[i].watch, turn->sites[i].oldest_is_needed);
    }
    return busy;
}

const char *turn_words(const struct turn *turn) {
    return turn->own.words;
}
const struct ring_plan *turn_plan(const struct turn *turn) {
    return &turn->own.plan;
}
const struct site_record *turn_site(const struct turn *turn, size_t site) {
    return &turn->sites[site];
}
const struct watch_report *turn_replica(const struct turn *turn, size_t replica) {
    return &turn->replicas[replica].report;
}
bool turn_may_change(const struct turn *turn) {
    return may_change(turn);
}
void turn_read_compared(const struct turn *turn, struct compared *compared) {
    if (turn->converge)
        converge_read(turn->converge, compared);
    else
        compared->known = false;
}
unsigned turn_heartbeats(const struct turn *turn) {
    return turn->own.report.heartbeats;
}
