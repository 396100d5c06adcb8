#include "look.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../config/config.h"
#include "../daemon/heartbeat.h"

#define LIMIT_S  2
#define PAUSE_NS 3000000 /* between two questions while measuring: what a lag is rounded up by, at most */

struct looker {
    pthread_t thread;
    bool started;
    const struct config_ring *ring;
    const struct config_server *address;
    bool by_socket;
    unsigned measure_ms;
    struct look *look;
};

static void note_beat(struct look_beats *beats, int64_t sent_us, int64_t seen_us) {
    if (beats->count > 0 && beats->sent_us[beats->count - 1] == sent_us)
        return;
    if (beats->count == LOOK_BEATS) {
        memmove(beats->sent_us, beats->sent_us + 1, sizeof beats->sent_us - sizeof *beats->sent_us);
        memmove(beats->seen_us, beats->seen_us + 1, sizeof beats->seen_us - sizeof *beats->seen_us);
        beats->count--;
    }
    beats->sent_us[beats->count] = sent_us;
    beats->seen_us[beats->count++] = seen_us;
}

static void watch_beats(struct looker *looker) {
    struct look *look = looker->look;
    const int64_t until_ms = clock_monotonic_ms() + looker->measure_ms;
    int64_t before_us = clock_real_us();
    while (clock_monotonic_ms() < until_ms) {
        struct server_rows *rows;
        const int64_t asked_us = clock_real_us();
        const struct server_answer answer = server_query(look->server, HEARTBEAT_READ, &rows);
        const int64_t at_server_us = (asked_us + clock_real_us()) / 2;
        const int64_t seen_us = (before_us + at_server_us) / 2;
        before_us = at_server_us;
        for (size_t row = 0; row < server_rows_count(rows); row++) {
            const char *name = server_rows_value(rows, row, "site"),
                       *sent = server_rows_value(rows, row, "sent_us");
            for (size_t i = 0; name && sent && i < looker->ring->site_count; i++)
                if (strcmp(name, looker->ring->sites[i].name) == 0)
                    note_beat(&look->beats[i], strtoll(sent, NULL, 10), seen_us);
        }
        server_rows_free(rows);
        if (answer.outcome != SERVER_ANSWERED)
            return;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
}

static void *look_main(void *argument) {
    struct looker *looker = argument;
    server_thread_start();
    looker->look->answer = link_observe(looker->look->server, looker->ring, false, &looker->look->state);
    if (looker->measure_ms && looker->look->answer.outcome == SERVER_ANSWERED &&
        looker->look->state.heartbeats_known)
        watch_beats(looker);
    server_thread_stop();
    return NULL;
}

static void set_up(const struct config_ring *ring, size_t site, const struct config_server *replica,
                   struct looker *looker, struct look *look) {
    const char *name = ring->sites[site].name;
    *looker =
        (struct looker){.ring = ring, .address = replica ? replica : &ring->sites[site].server, .look = look};
    looker->by_socket = replica || site == ring->own;
    look->site = site;
    look->replica = replica != NULL;
    if (!replica)
        snprintf(look->name, sizeof look->name, "%s", name);
    else if (replica->host)
        snprintf(look->name, sizeof look->name, "%s/%.100s:%u", name, replica->host, replica->port);
    else
        snprintf(look->name, sizeof look->name, "%s/%.110s", name, replica->socket);
}

struct look *look_at_all(const struct config_ring *ring, unsigned measure_ms, size_t *count) {
    *count = ring->site_count;
    for (size_t i = 0; i < ring->site_count; i++)
        *count += ring->sites[i].replica_count;
    struct look *looks = calloc(*count, sizeof *looks);
    struct looker *lookers = calloc(*count, sizeof *lookers);
    if (!looks || !lookers) {
        free(looks);
        free(lookers);
        return NULL;
    }
    size_t next = 0;
    for (size_t i = 0; i < ring->site_count; i++, next++)
        set_up(ring, i, NULL, &lookers[next], &looks[next]);
    for (size_t i = 0; i < ring->site_count; i++)
        for (size_t j = 0; j < ring->sites[i].replica_count; j++, next++)
            set_up(ring, i, &ring->sites[i].replicas[j], &lookers[next], &looks[next]);
    for (size_t i = 0; i < *count; i++) {
        looks[i].answer = (struct server_answer){SERVER_UNREACHABLE, 0, "not looked at"};
        looks[i].server = server_create(lookers[i].address, &ring->monitor, lookers[i].by_socket, LIMIT_S);
        lookers[i].measure_ms = measure_ms;
        lookers[i].started =
            looks[i].server && pthread_create(&lookers[i].thread, NULL, look_main, &lookers[i]) == 0;
    }
    for (size_t i = 0; i < *count; i++)
        if (lookers[i].started)
            pthread_join(lookers[i].thread, NULL);
    free(lookers);
    return looks;
}

void looks_free(struct look *looks, size_t count) {
    for (size_t i = 0; looks && i < count; i++)
        server_destroy(looks[i].server);
    free(looks);
}

static void take_in(const struct config_ring *ring, const struct look *looks, struct tally *tally) {
    const struct link_state *states[RING_SITES_MAX];
    for (size_t i = 0; i < ring->site_count; i++)
        states[i] = looks && looks[i].answer.outcome == SERVER_ANSWERED && looks[i].state.kind ? &looks[i].state : NULL;
    tally_take(tally, states, ring->site_count, ~0U);
}

struct look *look_twice(const struct config_ring *ring, struct tally *tally, size_t *count) {
    *tally = (struct tally){0};
    struct look *looks = look_at_all(ring, 0, count);
    take_in(ring, looks, tally);
    looks_free(looks, *count);
    looks = look_at_all(ring, 0, count);
    take_in(ring, looks, tally);
    return looks;
}

double look_lag_ms(const struct look *origin, const struct look *there) {
    const struct look_beats *arrived = &there->beats[origin->site];
    const int64_t ahead_us = origin->state.clock_us - origin->state.clock_seen_us;
    double least_ms = -1;
    for (size_t i = 1; i < arrived->count; i++) {
        const double lag_ms = (double)(arrived->seen_us[i] - (arrived->sent_us[i] - ahead_us)) / 1000;
        if (least_ms < 0 || lag_ms < least_ms)
            least_ms = lag_ms > 0 ? lag_ms : 0;
    }
    return least_ms;
}

static void print_finding(void *context, const char *message) {
    (void)context;
    fprintf(stderr, "ERROR %s\n", message);
}

struct config *look_load_config(const char *option) {
    const char *path = config_choose_path(option, getenv("ROUNDABOUT_CONFIG"));
    struct config *config = config_load(path, print_finding, NULL);
    if (config && config->ring.site_count == 0) {
        fprintf(stderr,
                "ERROR %s: no ring; add `site` and the ring section, as in /etc/roundabout/roundabout.conf.sample\n", path);
        config_free(config);
        return NULL;
    }
    if (config && !config_ring_is_open(config, print_finding, NULL)) {
        config_free(config);
        return NULL;
    }
    return config;
}

static bool ask(struct server *server, void (*write)(struct statement *, const struct config_table *),
                const struct config_table *pattern, struct server_rows **rows) {
    struct statement sql = {0};
    write(&sql, pattern);
    const bool answered = !sql.failed && server_query(server, sql.at, rows).outcome == SERVER_ANSWERED;
    statement_free(&sql);
    return answered;
}

bool look_read_tables(struct server *server, const struct config_table *pattern,
                      struct catalogue *catalogue) {
    struct server_rows *columns = NULL, *indexes = NULL, *triggers = NULL;
    const bool whole = ask(server, catalogue_write_columns, pattern, &columns) &&
                       ask(server, catalogue_write_indexes, pattern, &indexes) &&
                       ask(server, catalogue_write_triggers, pattern, &triggers) &&
                       catalogue_add(catalogue, columns, indexes, triggers);
    server_rows_free(columns);
    server_rows_free(indexes);
    server_rows_free(triggers);
    return whole;
}

void json_put_text(FILE *file, const char *text) {
    putc('"', file);
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            fprintf(file, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7F)
            fprintf(file, "\\u%04x", byte);
        else
            putc(byte, file);
    }
    putc('"', file);
}
