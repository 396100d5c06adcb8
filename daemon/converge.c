#include "converge.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "expiry.h"
#include "observe.h"
#include "server.h"
#include "suspects.h"

#define STACK_BYTES (512 * 1024)

/* Comparing a chunk takes milliseconds; so long a wait means that something is wrong with that server. */
#define LIMIT_S 5
/* A replica is only waited for as long as nobody minds. */
#define REPLICA_LIMIT_S 2

#define POLL_EVERY_MS  250   /* suspects are read again */
#define BEATS_EVERY_MS 1000  /* lags, and which tables were written to, while there are no suspects */
#define LOAD_EVERY_MS  60000 /* which tables there are */
#define LOAD_AGAIN_MS  5000  /* the same, while something is wrong with them */
#define IDLE_MS        1000
#define REPLICAS_MS    15000 /* replicas that dropped out are asked again */
/* Beside the time by which a heartbeat may be late of itself. */
#define LAG_PAUSES_MS 5000

/* Kept until the loop takes them, which is every turn. */
#define REPAIRS_KEPT 64

struct converge {
    const struct config *config;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what is up to `shown` */
    pthread_cond_t changed;
    bool stopping, told;
    bool taken; /* the thread does nothing by other lives than these */
    enum site_life lives[RING_SITES_MAX];
    char repairs[REPAIRS_KEPT][CONVERGE_REPAIR_BYTES];
    size_t repair_first, repair_count;
    uint64_t repairs_untold;
    struct compared shown;

    /* The thread's own. */
    struct crew *crew;
    struct lease lease;
    int64_t lease_ms;
    struct comparison comparison;
    struct suspects suspects;
    unsigned living, compared; /* sites now; sites when all was last counted as changed */
    bool leads, paused;
    struct expiry *expiry;
    int64_t lease_at_ms, poll_at_ms, beats_at_ms, load_at_ms, replicas_at_ms;
    struct suspect *found; /* room for a visit's */
    struct log_subject subject, pause, replicas;
};

static const struct config_ring *ring_of(const struct converge *converge) {
    return &converge->config->ring;
}

static size_t candidate_of(struct converge *converge) {
    enum site_life lives[RING_SITES_MAX];
    pthread_mutex_lock(&converge->lock);
    const bool told = converge->told;
    converge->taken = told;
    memcpy(lives, converge->lives, sizeof lives);
    pthread_mutex_unlock(&converge->lock);
    if (!told)
        return SITE_NONE;
    converge->living = 0;
    for (size_t i = 0; i < ring_of(converge)->site_count; i++)
        if (lives[i] != SITE_DEAD)
            converge->living |= 1U << i;
    return fence_candidate(ring_of(converge), lives);
}

static void tell_lease(struct converge *converge, bool holds) {
    const struct lease *lease = &converge->lease;
    const char *purpose =
        ring_of(converge)->converge == CONFIG_CONVERGE_REPAIR ? "compared and repaired"
        : ring_of(converge)->converge == CONFIG_CONVERGE_OFF  ? "rid of old rows"
                                                              : "compared";
    if (holds)
        log_state(&converge->subject, CONFIG_LOG_INFO, "the sites' cache tables are %s from here", purpose);
    else if (lease->trouble.outcome == SERVER_REFUSED)
        log_state(&converge->subject, CONFIG_LOG_WARNING,
                  "cache tables can't be compared: roundabout.converge at %s: error %u; GRANT SELECT, "
                  "INSERT, DELETE, "
                  "CREATE ON roundabout.* to the monitor user, if that is what lacks",
                  ring_of(converge)->sites[lease->site_of_trouble].name, lease->trouble.code);
    else if (lease->waits_for != SITE_NONE)
        log_state(&converge->subject, CONFIG_LOG_INFO,
                  "another daemon compares the cache tables: it holds roundabout.converge at %s",
                  ring_of(converge)->sites[lease->waits_for].name);
    else
        log_state(&converge->subject, CONFIG_LOG_INFO,
                  "cache tables aren't compared: too few sites can be reached");
}

/* Takes, renews or gives back the lease. True: it's held. */
static bool keep_lease(struct converge *converge, size_t candidate) {
    const struct config_ring *ring = ring_of(converge);
    if (candidate == SITE_NONE) /* not known: wait with what is held */
        return false;
    if (candidate != ring->own) {
        if (lease_has_any(&converge->lease))
            lease_release(&converge->lease, converge->crew, ring, converge->living);
        log_state(&converge->subject, CONFIG_LOG_INFO, "cache tables are compared from %s",
                  ring->sites[candidate].name);
        return false;
    }
    int64_t now_ms = clock_monotonic_ms();
    const bool held =
        fence_holds(converge->lease.memories, converge->living, ring->site_count, now_ms, converge->lease_ms);
    if (now_ms < converge->lease_at_ms && (held || !converge->leads))
        return held;
    lease_round(&converge->lease, converge->crew, ring, converge->living, converge->lease_ms);
    converge->lease_at_ms = now_ms + converge->lease_ms / 4;
    now_ms = clock_monotonic_ms();
    const bool holds =
        fence_holds(converge->lease.memories, converge->living, ring->site_count, now_ms, converge->lease_ms);
    tell_lease(converge, holds);
    return holds;
}

static void load(struct converge *converge, int64_t now_ms) {
    if (now_ms < converge->load_at_ms)
        return;
    /* What suspects point at goes with the tables. They are found again. */
    struct comparison *comparison = &converge->comparison;
    bool changed;
    const bool read = comparison_load(comparison, converge->living, &changed);
    if (changed)
        suspects_clear(&converge->suspects);
    converge->load_at_ms =
        now_ms + (read && comparison_is_content(comparison) ? LOAD_EVERY_MS : LOAD_AGAIN_MS);
}

static int64_t lag_allowed_us(const struct config_ring *ring) {
    return 1000 * (LAG_PAUSES_MS + 2 * (int64_t)ring->heartbeat_interval_ms);
}

/* Those are compared that answer and don't lag. */
static void choose_replicas(struct converge *converge, unsigned answered, const struct diverge_beats *beats) {
    const struct config_ring *ring = ring_of(converge);
    unsigned *compared = &converge->comparison.replicas, fit = 0;
    char left_out[400] = "";
    for (size_t member = CREW_REPLICA; member < CREW_MAX; member++) {
        if (!(crew_replicas(ring) >> member & 1))
            continue;
        if (answered >> member & 1 &&
            diverge_lag_us(beats, converge->living, 1U << member, ring->site_count) <= lag_allowed_us(ring)) {
            fit |= 1U << member;
            continue;
        }
        char name[192];
        crew_write_name(ring, member, name, sizeof name);
        const size_t used = strlen(left_out);
        snprintf(left_out + used, sizeof left_out - used, "%s%s", used ? ", " : "", name);
    }
    if (fit & ~*compared)
        converge->load_at_ms = 0;
    *compared = fit;
    log_state(&converge->replicas, CONFIG_LOG_INFO,
              left_out[0] ? "not compared, for it doesn't answer the monitor user, or lags: %s" : "%s", left_out);
}

static void watch_lag(struct converge *converge, int64_t now_ms) {
    const struct config_ring *ring = ring_of(converge);
    if (now_ms < converge->beats_at_ms)
        return;
    converge->beats_at_ms = now_ms + BEATS_EVERY_MS;
    struct diverge_beats beats;
    unsigned asked = converge->living | converge->comparison.replicas;
    if (now_ms >= converge->replicas_at_ms) {
        converge->replicas_at_ms = now_ms + REPLICAS_MS;
        asked |= crew_replicas(ring);
    }
    const unsigned answered = comparison_read_beats(converge->crew, ring, asked, &beats);
    if ((answered & converge->living) != converge->living) {
        converge->paused = true;
        return;
    }
    choose_replicas(converge, answered, &beats);
    const int64_t lag_us = diverge_lag_us(&beats, converge->living, converge->living, ring->site_count);
    converge->paused = lag_us > lag_allowed_us(ring);
    if (lag_us == INT64_MAX)
        log_state(&converge->pause, CONFIG_LOG_WARNING,
                  "comparing cache tables waits: a site's heartbeats aren't seen everywhere");
    else if (converge->paused)
        log_state(&converge->pause, CONFIG_LOG_INFO, "comparing cache tables waits while a site lags");
    else
        log_state(&converge->pause, CONFIG_LOG_INFO, "%s", "");
    comparison_note_writes(&converge->comparison, converge->living, now_ms);
}

/* Whatever is due, once; how long until something else is. */
static int64_t work(struct converge *converge) {
    const size_t candidate = candidate_of(converge);
    const bool led = converge->leads;
    converge->leads = keep_lease(converge, candidate);
    if (!converge->leads) {
        if (led) {
            suspects_clear(&converge->suspects);
            comparison_note_all(&converge->comparison, SETTLE_ABANDONED, clock_monotonic_ms());
            crew_rest(converge->crew);
        }
        return converge->lease_ms / 4 < IDLE_MS ? converge->lease_ms / 4 : IDLE_MS;
    }
    int64_t now_ms = clock_monotonic_ms();
    if (converge->living != converge->compared)
        comparison_note_all(&converge->comparison, SETTLE_REGROUPED, now_ms);
    converge->compared = converge->living;
    const bool compares = ring_of(converge)->converge != CONFIG_CONVERGE_OFF;
    if (compares)
        load(converge, now_ms);
    watch_lag(converge, now_ms);
    const int64_t expiry_at_ms = /* a site that lags gets no more to do */
        converge->paused ? INT64_MAX : expiry_run(converge->expiry, now_ms);
    now_ms = clock_monotonic_ms();
    if (converge->suspects.count && now_ms >= converge->poll_at_ms) {
        suspects_poll(&converge->suspects, converge->living);
        now_ms = clock_monotonic_ms();
        converge->poll_at_ms = now_ms + POLL_EVERY_MS;
    }
    int64_t due_ms = expiry_at_ms < now_ms + IDLE_MS ? expiry_at_ms : now_ms + IDLE_MS;
    const size_t room = SUSPECTS_MAX - converge->suspects.count;
    struct comparison_table *table =
        converge->paused || room == 0 ? NULL : comparison_due(&converge->comparison, now_ms, &due_ms);
    if (table) {
        const bool had_none = converge->suspects.count == 0;
        const size_t count =
            comparison_visit(&converge->comparison, table, converge->living, converge->found, room);
        suspects_add(&converge->suspects, table, converge->found, count);
        now_ms = clock_monotonic_ms();
        if (had_none)
            converge->poll_at_ms = now_ms + POLL_EVERY_MS;
        due_ms = now_ms;
        comparison_due(&converge->comparison, now_ms, &due_ms);
    }
    if (converge->suspects.count && converge->poll_at_ms < due_ms)
        due_ms = converge->poll_at_ms;
    const int64_t wait_ms = due_ms - now_ms;
    return wait_ms < 0 ? 0 : wait_ms > IDLE_MS ? IDLE_MS : wait_ms;
}

static void keep_repair(void *context, const char *repair) {
    struct converge *converge = context;
    pthread_mutex_lock(&converge->lock);
    if (converge->repair_count < REPAIRS_KEPT) {
        const size_t place = (converge->repair_first + converge->repair_count++) % REPAIRS_KEPT;
        snprintf(converge->repairs[place], sizeof *converge->repairs, "%s", repair);
    } else {
        converge->repairs_untold++;
    }
    pthread_mutex_unlock(&converge->lock);
}

static void publish(struct converge *converge) {
    struct compared *shown = &converge->shown;
    const struct comparison *comparison = &converge->comparison;
    shown->leads = converge->leads && ring_of(converge)->converge != CONFIG_CONVERGE_OFF;
    shown->known |= shown->leads;
    shown->paused = shown->leads && converge->paused;
    shown->waiting = converge->suspects.count;
    shown->table_count = comparison->count < COMPARED_TABLES ? comparison->count : COMPARED_TABLES;
    for (size_t i = 0; i < shown->table_count; i++) {
        struct compared_table *table = &shown->tables[i];
        snprintf(table->name, sizeof table->name, "%.135s", comparison->tables[i].name);
        table->counts = comparison->tables[i].counts;
    }
}

static void *converge_main(void *argument) {
    struct converge *converge = argument;
    server_thread_start();
    pthread_mutex_lock(&converge->lock);
    while (!converge->stopping) {
        pthread_mutex_unlock(&converge->lock);
        const int64_t wait_ms = work(converge);
        const int64_t until_ms = clock_monotonic_ms() + wait_ms;
        const struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                                       .tv_nsec = (long)(until_ms % 1000) * 1000000};
        pthread_mutex_lock(&converge->lock);
        publish(converge);
        while (!converge->stopping && converge->taken == converge->told && clock_monotonic_ms() < until_ms)
            pthread_cond_timedwait(&converge->changed, &converge->lock, &until);
    }
    pthread_mutex_unlock(&converge->lock);
    if (lease_has_any(&converge->lease))
        lease_release(&converge->lease, converge->crew, ring_of(converge), converge->living);
    server_thread_stop();
    return NULL;
}

static void free_all(struct converge *converge) {
    expiry_close(converge->expiry);
    crew_stop(converge->crew);
    comparison_close(&converge->comparison);
    suspects_close(&converge->suspects);
    free(converge->found);
    pthread_mutex_destroy(&converge->lock);
    pthread_cond_destroy(&converge->changed);
    free(converge);
}

struct converge *converge_start(const struct config *config) {
    struct converge *converge = calloc(1, sizeof *converge);
    if (!converge)
        return NULL;
    converge->config = config;
    /* As long as it takes for a site to be called dead, with room: a holder that is cut off is not dead yet.
     */
    converge->lease_ms = 3 * (int64_t)config->ring.dead_after_ms;
    pthread_mutex_init(&converge->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&converge->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    lease_open(&converge->lease, &config->ring);
    converge->crew = crew_start(&config->ring, LIMIT_S, REPLICA_LIMIT_S);
    converge->found = calloc(SUSPECTS_MAX, sizeof *converge->found);
    comparison_open(&converge->comparison, config, converge->crew);
    converge->expiry = expiry_open(config, converge->crew, &converge->lease);
    const bool opened =
        converge->expiry && suspects_open(&converge->suspects, &converge->comparison, &converge->lease, converge->lease_ms);
    converge->suspects.tell = keep_repair;
    converge->suspects.context = converge;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_BYTES);
    const bool started = converge->crew && converge->found && opened &&
                         pthread_create(&converge->thread, &small, converge_main, converge) == 0;
    pthread_attr_destroy(&small);
    if (started)
        return converge;
    free_all(converge);
    return NULL;
}

void converge_stop(struct converge *converge) {
    if (!converge)
        return;
    pthread_mutex_lock(&converge->lock);
    converge->stopping = true;
    pthread_cond_broadcast(&converge->changed);
    pthread_mutex_unlock(&converge->lock);
    pthread_join(converge->thread, NULL);
    free_all(converge);
}

bool converge_tell(struct converge *converge, const enum site_life *lives) {
    const size_t bytes = converge->config->ring.site_count * sizeof *lives;
    pthread_mutex_lock(&converge->lock);
    if (!converge->told || memcmp(converge->lives, lives, bytes) != 0) {
        memcpy(converge->lives, lives, bytes);
        converge->told = true;
        converge->taken = false;
        pthread_cond_broadcast(&converge->changed);
    }
    const bool taken = converge->taken;
    pthread_mutex_unlock(&converge->lock);
    return taken;
}

bool converge_take_repair(struct converge *converge, char words[CONVERGE_REPAIR_BYTES]) {
    pthread_mutex_lock(&converge->lock);
    const bool any = converge->repair_count || converge->repairs_untold;
    if (converge->repair_count) {
        memcpy(words, converge->repairs[converge->repair_first], CONVERGE_REPAIR_BYTES);
        converge->repair_first = (converge->repair_first + 1) % REPAIRS_KEPT;
        converge->repair_count--;
    } else if (any) {
        snprintf(words, CONVERGE_REPAIR_BYTES, "%" PRIu64 " more keys, which the log tells",
                 converge->repairs_untold);
        converge->repairs_untold = 0;
    }
    pthread_mutex_unlock(&converge->lock);
    return any;
}

void converge_read(struct converge *converge, struct compared *compared) {
    pthread_mutex_lock(&converge->lock);
    *compared = converge->shown;
    pthread_mutex_unlock(&converge->lock);
}
