#include "watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "quote.h"

/* The thread needs room for two link states and the client library; 8 MB, the usual, would be address space
 * for nothing. */
#define STACK_BYTES (256 * 1024)

/* Empty transactions for a returning site's writes are one round trip each to the site's own server: 50,000
 * take some seconds. More than that is no cache that was away for a while; the server says so. */
#define EMPTY_TRANSACTIONS_MAX 50000

/* A busy site writes some thousand events a second; between reading its position and setting it lie some 100
 * microseconds. */
#define POSITION_TRIES 200

struct watch {
    struct watch_setup setup;
    struct server *server; /* the thread's own */
    pthread_t thread;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    bool stopping, ordered, oldest;
    unsigned beats; /* the connection over which heartbeats may be written */
    struct watch_order order;
    struct watch_report report;
};

/* The connection with this number still stands. */
static bool stands(const struct server *server, unsigned connection) {
    return connection != WATCH_NO_CONNECTION && server_connection(server) == connection;
}

static bool is_over(const struct server_answer *answer) {
    return answer->outcome != SERVER_ANSWERED;
}

static const struct server_answer no_room = {SERVER_REFUSED, 0,
                                             "more GTIDs to leave out than can be written"};

/* How many GTIDs of the set are meant, at most one more than may be. */
static size_t count_gtids(const char *set, const char *uuid) {
    char gtid[80];
    unsigned long long number;
    size_t count = 0;
    for (size_t next = 0;
         count <= EMPTY_TRANSACTIONS_MAX && script_next_gtid(set, &next, &number, gtid, sizeof gtid);)
        count += strncmp(gtid, uuid, strlen(uuid)) == 0;
    return count;
}

/* Refused with `no_room` before the first is made if there are too many. */
static struct server_answer make_empty_transactions(struct server *server, const struct watch_order *order) {
    char sql[5000], quoted[4200], gtid[80];
    struct server_rows *rows;
    if (!quote_text(order->without, quoted, sizeof quoted))
        return no_room;
    snprintf(sql, sizeof sql, "SELECT GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed) AS missing", quoted);
    struct server_answer answer = server_query(server, sql, &rows);
    const char *missing = server_rows_value(rows, 0, "missing");
    size_t next = 0;
    unsigned long long number;
    if (missing && count_gtids(missing, order->without_uuid) > EMPTY_TRANSACTIONS_MAX)
        answer = no_room;
    while (!is_over(&answer) && missing && script_next_gtid(missing, &next, &number, gtid, sizeof gtid)) {
        if (strncmp(gtid, order->without_uuid, strlen(order->without_uuid)) != 0)
            continue;
        snprintf(sql, sizeof sql, "SET SESSION gtid_next = '%s'", gtid);
        answer = server_query(server, sql, NULL);
        if (!is_over(&answer))
            answer = server_query(server, "BEGIN", NULL);
        if (!is_over(&answer))
            answer = server_query(server, "COMMIT", NULL);
    }
    server_rows_free(rows);
    const struct server_answer back = server_query(server, "SET SESSION gtid_next = 'AUTOMATIC'", NULL);
    return is_over(&answer) ? answer : back;
}

static bool user_exists(struct server *server, const char *user, struct server_answer *answer) {
    char sql[512], quoted[300];
    struct server_rows *rows;
    if (!quote_text(user, quoted, sizeof quoted))
        return true;
    snprintf(sql, sizeof sql, "SELECT 1 AS found FROM mysql.user WHERE user = %s LIMIT 1", quoted);
    *answer = server_query(server, sql, &rows);
    const bool found = server_rows_count(rows) > 0;
    server_rows_free(rows);
    return found;
}

static struct server_answer set_joined_position(struct server *server, struct watch_order *order) {
    static const struct server_answer too_long = {SERVER_REFUSED, 0,
                                                  "the position is too long to be written"};
    const struct dialect *dialect = dialect_for_kind(SERVER_MARIADB);
    struct server_answer answer = {.outcome = SERVER_ANSWERED};
    for (unsigned tries = 0; tries < POSITION_TRIES; tries++) {
        char here[2048], joined[2048];
        struct server_rows *rows;
        answer = server_query(server,
                              "SELECT @@GLOBAL.gtid_slave_pos AS applied, @@GLOBAL.gtid_binlog_pos AS logged",
                              &rows);
        if (is_over(&answer))
            return answer;
        const char *applied = server_rows_value(rows, 0, "applied"),
                   *logged = server_rows_value(rows, 0, "logged");
        const bool written = applied && logged && link_gtid_union(applied, logged, here, sizeof here) &&
                             link_gtid_union(here, order->past, joined, sizeof joined) &&
                             script_set_position(&order->script, dialect, joined);
        server_rows_free(rows);
        if (!written)
            return too_long;
        answer = server_query(server, order->script.sql[order->script.position_at], NULL);
        if (answer.code != 1947)
            return answer;
    }
    return answer;
}

static struct server_answer run_statement(struct server *server, struct watch_order *order, size_t i) {
    if (order->joins_position && i == order->script.position_at)
        return set_joined_position(server, order);
    return server_query(server, order->script.sql[i], NULL);
}

static const struct server_answer lost = {SERVER_UNREACHABLE, 2013,
                                          "the connection was lost since the server was looked at"};

static struct server_answer carry_out(struct server *server, struct watch_order *order, char *failed,
                                      size_t size) {
    struct server_answer answer = {.outcome = SERVER_ANSWERED};
    failed[0] = '\0';
    if (!stands(server, order->connection)) {
        snprintf(failed, size, "%.79s", order->script.shown[0]);
        return lost;
    }
    if (order->kind == WATCH_ACCOUNT && (user_exists(server, order->user, &answer) || is_over(&answer))) {
        snprintf(failed, size, "%s", is_over(&answer) ? "SELECT ... FROM mysql.user" : "");
        return answer;
    }
    /* Empty transactions go round the ring, so that no site behind this one lacks what is left out here.
     * Where there are too many of them, the script's own statement does it for this server alone. */
    bool left_out = false;
    if (order->without[0]) {
        answer = make_empty_transactions(server, order);
        left_out = !is_over(&answer);
        const bool too_many = answer.outcome == SERVER_REFUSED && answer.code == 0;
        if (too_many && order->script.position_at < order->script.count)
            answer = (struct server_answer){.outcome = SERVER_ANSWERED};
    }
    if (is_over(&answer))
        snprintf(failed, size, "SET SESSION gtid_next");
    const size_t unneeded = left_out ? order->script.position_at : SCRIPT_MAX;
    if (left_out)
        order->script.position_at = SCRIPT_MAX;
    for (size_t i = 0; i < order->script.count && !is_over(&answer); i++) {
        if (i == unneeded)
            continue;
        answer = run_statement(server, order, i);
        if (is_over(&answer))
            snprintf(failed, size, "%s", order->script.shown[i]);
    }
    if (order->kind == WATCH_ACCOUNT) /* with sql_log_bin = 0 no session may live on */
        server_disconnect(server);
    return answer;
}

static struct server_answer beat(struct watch *watch) {
    struct server_answer answer = heartbeat_send(watch->server, watch->setup.heartbeat_site, clock_real_us());
    const bool no_table = answer.code == 1146 || answer.code == 1049;
    if (no_table) {
        answer = heartbeat_make_table(watch->server);
        if (!is_over(&answer))
            answer = heartbeat_send(watch->server, watch->setup.heartbeat_site, clock_real_us());
    }
    return answer;
}

/* The lags that are measured here, and when the next read for one of them is due. */
struct measuring {
    struct lag lags[RING_SITES_MAX];
    bool wanted[RING_SITES_MAX];
    int64_t read_at_us; /* INT64_MAX: nothing is measured */
};

static void choose_lags(const struct watch *watch, const struct watch_report *found, struct measuring *measuring) {
    const struct config_ring *ring = watch->setup.ring;
    const bool seen = found->answer.outcome == SERVER_ANSWERED && found->state.heartbeats_known;
    for (size_t i = 0; i < ring->site_count; i++)
        measuring->wanted[i] = seen && (watch->setup.all_lags
                                            ? ring->sites[i].server_id != found->state.server_id
                                            : found->state.link_exists && ring->sites[i].server_id ==
                                                                              found->state.source_server_id);
}

static void plan_measuring(const struct watch *watch, struct measuring *measuring, struct watch_report *found) {
    const int64_t now_us = clock_real_us(), interval_us = (int64_t)watch->setup.ring->heartbeat_interval_ms * 1000;
    measuring->read_at_us = INT64_MAX;
    for (size_t i = 0; i < RING_SITES_MAX; i++) {
        if (measuring->wanted[i]) {
            const int64_t next_us = lag_next_read_us(&measuring->lags[i], interval_us, now_us);
            if (next_us < measuring->read_at_us)
                measuring->read_at_us = next_us;
        }
        found->lag_us[i] = measuring->wanted[i] ? lag_result_us(&measuring->lags[i], interval_us, now_us) : LAG_NONE;
    }
}

static void measure(struct watch *watch, struct measuring *measuring) {
    const struct config_ring *ring = watch->setup.ring;
    struct server_rows *rows;
    const int64_t asked_us = clock_real_us();
    const struct server_answer answer = server_query(watch->server, HEARTBEAT_READ, &rows);
    const int64_t round_trip_us = clock_real_us() - asked_us, read_us = asked_us + round_trip_us / 2;
    if (is_over(&answer)) {
        memset(measuring->wanted, 0, sizeof measuring->wanted); /* until the next look finds it well */
        return;
    }
    for (size_t row = 0; row < server_rows_count(rows); row++) {
        const char *name = server_rows_value(rows, row, "site"), *sent = server_rows_value(rows, row, "sent_us");
        for (size_t i = 0; name && sent && i < ring->site_count; i++)
            if (measuring->wanted[i] && strcmp(name, ring->sites[i].name) == 0)
                lag_take(&measuring->lags[i], strtoll(sent, NULL, 10), read_us, round_trip_us);
    }
    for (size_t i = 0; i < ring->site_count; i++) /* one without a row was read, too */
        if (measuring->wanted[i])
            measuring->lags[i].read_us = read_us;
    server_rows_free(rows);
}

/* A look takes several round trips, and beats that come once an interval, as looks do, could always fall into
 * one. So a look waits a little for reads that are due just then, and is out of step with them from then on. */
static int64_t put_off_look(const struct watch *watch, int64_t look_at_ms, int64_t read_at_ms) {
    const int64_t most_ms = (int64_t)watch->setup.ring->probe_interval_ms / 4;
    if (read_at_ms >= look_at_ms + most_ms)
        return look_at_ms;
    return read_at_ms < look_at_ms ? look_at_ms : read_at_ms + 1;
}

static void wake_main(const struct watch *watch) {
    if (watch->setup.wake_fd >= 0)
        eventfd_write(watch->setup.wake_fd, 1);
}

/* Waits until `until_ms`, an order or the end. Called with the lock held. */
static void wait_for_work(struct watch *watch, int64_t until_ms) {
    const struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                                   .tv_nsec = (long)(until_ms % 1000) * 1000000};
    while (!watch->stopping && !watch->ordered && clock_monotonic_ms() < until_ms)
        pthread_cond_timedwait(&watch->changed, &watch->lock, &until);
}

static void look(struct watch *watch, bool oldest, struct watch_report *found) {
    pthread_mutex_lock(&watch->lock);
    watch->report.began_ms = clock_monotonic_ms();
    pthread_mutex_unlock(&watch->lock);
    found->answer = link_observe(watch->server, watch->setup.ring, oldest, &found->state);
    found->ended_ms = clock_monotonic_ms();
    found->connection = server_connection(watch->server);
    found->looks++;
    found->began_ms = -1;
}

static void *watch_main(void *argument) {
    struct watch *watch = argument;
    const int64_t look_every_ms = (int64_t)watch->setup.ring->probe_interval_ms;
    const int64_t beat_every_ms = (int64_t)watch->setup.ring->heartbeat_interval_ms;
    int64_t look_at_ms = clock_monotonic_ms(), beat_at_ms = look_at_ms;
    /* These two are large, and only this thread's. */
    struct watch_report found = {.began_ms = -1};
    struct watch_order *order = &(struct watch_order){0};
    unsigned told_looks = 0; /* the main loop isn't woken for less than a look */
    struct measuring measuring = {.read_at_us = INT64_MAX};
    for (size_t i = 0; i < RING_SITES_MAX; i++) {
        measuring.lags[i] = LAG_START;
        found.lag_us[i] = LAG_NONE;
    }
    server_thread_start();
    pthread_mutex_lock(&watch->lock);
    while (!watch->stopping) {
        const bool beats = watch->setup.heartbeat_site && stands(watch->server, watch->beats);
        int64_t look_due_ms = look_at_ms, until_ms;
        if (measuring.read_at_us != INT64_MAX) {
            until_ms = clock_monotonic_ms() + (measuring.read_at_us - clock_real_us() + 500) / 1000;
            look_due_ms = put_off_look(watch, look_at_ms, until_ms);
            until_ms = until_ms < look_due_ms ? until_ms : look_due_ms;
        } else {
            until_ms = look_due_ms;
        }
        wait_for_work(watch, beats && beat_at_ms < until_ms ? beat_at_ms : until_ms);
        const bool ordered = watch->ordered, stopping = watch->stopping, oldest = watch->oldest;
        const unsigned beats_over = watch->beats;
        if (ordered)
            *order = watch->order;
        pthread_mutex_unlock(&watch->lock);
        if (!stopping) {
            const int64_t now_ms = clock_monotonic_ms();
            const bool look_now = ordered || now_ms >= look_due_ms;
            if (ordered) {
                found.order_answer =
                    carry_out(watch->server, order, found.order_failed, sizeof found.order_failed);
                const size_t at = order->script.position_at;
                snprintf(found.order_position, sizeof found.order_position, "%.2190s",
                         at < order->script.count ? order->script.shown[at] : "");
                found.orders_done++;
            }
            if (beats && now_ms >= beat_at_ms && stands(watch->server, beats_over)) {
                found.heartbeat = beat(watch);
                found.heartbeats += !is_over(&found.heartbeat);
                beat_at_ms = now_ms + beat_every_ms;
            }
            if (measuring.read_at_us <= clock_real_us()) /* first: a look takes several round trips */
                measure(watch, &measuring);
            if (look_now) {
                look(watch, oldest, &found);
                look_at_ms = now_ms + look_every_ms;
                choose_lags(watch, &found, &measuring);
            }
            plan_measuring(watch, &measuring, &found);
        }
        pthread_mutex_lock(&watch->lock);
        watch->report = found;
        if (ordered)
            watch->ordered = false;
        pthread_cond_broadcast(&watch->changed);
        if (found.looks != told_looks)
            wake_main(watch);
        told_looks = found.looks;
    }
    pthread_mutex_unlock(&watch->lock);
    server_disconnect(watch->server);
    server_thread_stop();
    return NULL;
}

struct watch *watch_start(const struct watch_setup *setup) {
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return NULL;
    watch->setup = *setup;
    watch->report.began_ms = -1;
    watch->server = server_create(setup->address, setup->login, setup->by_socket, setup->limit_s);
    pthread_mutex_init(&watch->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_BYTES);
    const bool started = watch->server && pthread_create(&watch->thread, &small, watch_main, watch) == 0;
    pthread_attr_destroy(&small);
    if (started)
        return watch;
    server_destroy(watch->server);
    free(watch);
    return NULL;
}

void watch_stop(struct watch *watch) {
    if (!watch)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->stopping = true;
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_mutex_destroy(&watch->lock);
    pthread_cond_destroy(&watch->changed);
    server_destroy(watch->server);
    explicit_bzero(&watch->order, sizeof watch->order); /* held a password */
    free(watch);
}

void watch_read(struct watch *watch, struct watch_report *report) {
    pthread_mutex_lock(&watch->lock);
    *report = watch->report;
    pthread_mutex_unlock(&watch->lock);
}

bool watch_wait(struct watch *watch, unsigned looks, int64_t until_ms) {
    const struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                                   .tv_nsec = (long)(until_ms % 1000) * 1000000};
    pthread_mutex_lock(&watch->lock);
    while (watch->report.looks < looks && clock_monotonic_ms() < until_ms)
        pthread_cond_timedwait(&watch->changed, &watch->lock, &until);
    const bool enough = watch->report.looks >= looks;
    pthread_mutex_unlock(&watch->lock);
    return enough;
}

bool watch_give(struct watch *watch, const struct watch_order *order) {
    pthread_mutex_lock(&watch->lock);
    const bool free_to_take = !watch->ordered;
    if (free_to_take) {
        watch->order = *order;
        watch->ordered = true;
        pthread_cond_broadcast(&watch->changed);
    }
    pthread_mutex_unlock(&watch->lock);
    return free_to_take;
}

void watch_read_oldest(struct watch *watch, bool oldest) {
    pthread_mutex_lock(&watch->lock);
    watch->oldest = oldest;
    pthread_mutex_unlock(&watch->lock);
}

void watch_let_beat(struct watch *watch, unsigned connection) {
    pthread_mutex_lock(&watch->lock);
    watch->beats = connection;
    pthread_mutex_unlock(&watch->lock);
}
