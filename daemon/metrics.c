#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>

#include "dialect.h"

/* value, name without prefix, type, help. */
/* clang-format off: one row, one line */
#define FAMILIES(X)                                                                                         \
    X(INFO, build_info, gauge, "1; the site that this daemon keeps, and the daemon's version")              \
    X(START, start_time_seconds, gauge, "When the daemon started, in seconds since 1970")                   \
    X(TURNS, turns_total, counter, "Turns that the daemon's loop has taken")                                \
    X(BEATS, heartbeats_total, counter, "Heartbeats that the daemon has written")                           \
    X(WHOLE, ring_whole, gauge, "1: every server that is watched is as it should be")                       \
    X(CLOSED, ring_closed, gauge, "1: links that run lead all the way round")                               \
    X(CIRCLE, full_circle_seconds, gauge, "How long a write takes all the way round")                       \
    X(UP, site_up, gauge, "1: the site answers; 0: it is dead; absent while neither is sure")               \
    X(BYPASSED, site_bypassed, gauge, "1: the site was dead and hasn't been followed since")                \
    X(PAUSED, paused, gauge, "1: the site's daemon is told to change nothing; 0: it is not")                \
    X(SEEN, server_seen, gauge, "1: the server has shown its state in the last look; 0: it has not")        \
    X(LINK, link_up, gauge, "1: the server's link runs; 0: it does not")                                    \
    X(FOLLOWS, link_info, gauge, "1; whom the server follows")                                              \
    X(BEHIND, server_seconds_behind, gauge, "The server's own Seconds_Behind; shown, never trusted")        \
    X(LAG, lag_seconds, gauge, "How long writes of `origin` take to get to the server")                     \
    X(LAG_LEAST, lag_at_least_seconds, gauge,                                                               \
      "The same while none arrives: by how much it lies behind at least")                                   \
    X(HELP, help_needed, gauge, "1: the daemon won't go on by itself, a person must act")                   \
    X(PLAN, plan_info, gauge, "1; what the daemon's plan for its own link rests on")                        \
    X(EVENTS, events_total, counter, "What happened, by the names in roundaboutd(8)")                       \
    X(COMMANDS, event_commands_total, counter, "on_event programs that were run, and dropped for the rate") \
    X(COMPARES, converge_leads, gauge, "1: this daemon compares the sites' cache tables; 0: it has, and another does now") \
    X(COMPARING_WAITS, converge_paused, gauge, "1: comparing waits, for a site lags")                       \
    X(SUSPECTS, converge_suspects, gauge, "Keys that differ between sites and aren't confirmed yet")        \
    X(COMPARED, compared_rows_total, counter, "Rows of a cache table that were compared between sites")     \
    X(DIVERGENT, divergent_keys_total, counter, "Keys of it that were found to differ for good")            \
    X(REPAIRED, repaired_keys_total, counter, "Those of them that were deleted everywhere")                 \
    X(GIVEN_UP, given_up_keys_total, counter, "Keys of it that differed and came to no verdict: compared again") \
    X(PASSED, compared_timestamp_seconds, gauge, "When all of it had been compared last, in seconds since 1970") \
    X(STATEMENTS, statements_total, counter, "Statements of this host's programs by what became of them")   \
    X(FALLBACKS, fallbacks_total, counter, "Statements that were to be routed and ran on main after all")   \
    X(TABLE_SEEN, table_statements_total, counter, "Statements on a cache table")                           \
    X(TABLE_ROUTED, table_routed_total, counter, "Those of them that were routed")                          \
    X(ROUTED_TIME, routed_seconds, histogram, "How long routed statements took")                            \
    X(SAVED, saved_seconds_total, counter, "Time that routing has saved, at least")                         \
    X(MAIN_TIME, main_answer_seconds, gauge, "How long main takes to answer, lately")                       \
    X(PROCESSES, processes_total, counter, "Programs that have counted on this host")                       \
    X(SHIM_EVENTS, shim_events_total, counter, "What happened in this host's programs beside statements")   \
    X(BREAKERS, breakers_open, gauge, "For how many users the local master is known to be down")
/* clang-format on */

enum family {
#define X(value, name, type, help) FAMILY_##value,
    FAMILIES(X)
#undef X
        FAMILY_COUNT
};

static const struct {
    const char *name, *type, *help;
} families[FAMILY_COUNT] = {
#define X(value, name, type, help) [FAMILY_##value] = {"roundabout_" #name, #type, help},
    FAMILIES(X)
#undef X
};

const char *metrics_family_name(size_t n) {
    return n < FAMILY_COUNT ? families[n].name : NULL;
}

/* One family after the other, as the format asks for; its head is written with its first series. */
struct writer {
    struct buffer *buffer;
    const struct picture *picture;
    enum family family;
    bool has_head;
};

static void begin(struct writer *writer, enum family family) {
    writer->family = family;
    writer->has_head = false;
}

static void put_head(struct writer *writer) {
    const char *name = families[writer->family].name;
    if (writer->has_head)
        return;
    writer->has_head = true;
    buffer_put(writer->buffer, "# HELP ");
    buffer_put(writer->buffer, name);
    buffer_put(writer->buffer, " ");
    buffer_put(writer->buffer, families[writer->family].help);
    buffer_put(writer->buffer, "\n# TYPE ");
    buffer_put(writer->buffer, name);
    buffer_put(writer->buffer, " ");
    buffer_put(writer->buffer, families[writer->family].type);
    buffer_put(writer->buffer, "\n");
}

/* Labels as name, value, ..., ended by a NULL name. */
static void put_series(struct writer *writer, const char *suffix, const char *const *labels) {
    struct buffer *buffer = writer->buffer;
    put_head(writer);
    buffer_put(buffer, families[writer->family].name);
    buffer_put(buffer, suffix);
    for (size_t i = 0; labels && labels[i]; i += 2) {
        buffer_put(buffer, i ? "," : "{");
        buffer_put(buffer, labels[i]);
        buffer_put(buffer, "=\"");
        buffer_put_label(buffer, labels[i + 1]);
        buffer_put(buffer, "\"");
    }
    buffer_put(buffer, labels && labels[0] ? "} " : " ");
}

#define LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void put_count(struct writer *writer, const char *const *labels, uint64_t count) {
    put_series(writer, "", labels);
    buffer_put_format(writer->buffer, "%" PRIu64 "\n", count);
}

static void put_number(struct writer *writer, const char *const *labels, double number) {
    put_series(writer, "", labels);
    buffer_put_format(writer->buffer, "%.9g\n", number);
}

static void put_time(struct writer *writer, const char *const *labels, int64_t at_us) {
    put_series(writer, "", labels);
    buffer_put_format(writer->buffer, "%.3f\n", (double)at_us / 1e6);
}

static void write_daemon(struct writer *writer) {
    const struct picture *picture = writer->picture;
    const struct picture_daemon *daemon = &picture->daemon;
    if (!daemon->present)
        return;
    begin(writer, FAMILY_INFO);
    put_count(writer, LABELS("site", picture->sites[picture->own], "version", daemon->version), 1);
    begin(writer, FAMILY_START);
    put_time(writer, NULL, daemon->started_us);
    begin(writer, FAMILY_TURNS);
    put_count(writer, NULL, daemon->turns);
    begin(writer, FAMILY_BEATS);
    put_count(writer, NULL, daemon->heartbeats);
    begin(writer, FAMILY_HELP);
    put_count(writer, NULL, daemon->step == LINK_HELP);
    begin(writer, FAMILY_PLAN);
    put_count(writer, LABELS("reason", ring_reason_name(daemon->reason)), 1);
    begin(writer, FAMILY_EVENTS);
    for (size_t event = 0; event < EVENT_COUNT; event++)
        put_count(writer, LABELS("event", event_name((enum event)event)), daemon->event_counts[event]);
    begin(writer, FAMILY_COMMANDS);
    put_count(writer, LABELS("outcome", "run"), daemon->commands_run);
    put_count(writer, LABELS("outcome", "dropped"), daemon->commands_dropped);
}

static uint64_t find_count(const struct compared_counts *counts, enum family family) {
    return family == FAMILY_COMPARED    ? counts->rows
           : family == FAMILY_DIVERGENT ? counts->divergent
           : family == FAMILY_REPAIRED  ? counts->repaired
                                        : counts->given_up;
}

static void write_compared(struct writer *writer) {
    const struct compared *compared = &writer->picture->compared;
    if (!compared->known)
        return;
    begin(writer, FAMILY_COMPARES);
    put_count(writer, NULL, compared->leads);
    if (compared->leads) {
        begin(writer, FAMILY_COMPARING_WAITS);
        put_count(writer, NULL, compared->paused);
        begin(writer, FAMILY_SUSPECTS);
        put_count(writer, NULL, compared->waiting);
    }
    static const enum family counts[] = {FAMILY_COMPARED, FAMILY_DIVERGENT, FAMILY_REPAIRED, FAMILY_GIVEN_UP};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        begin(writer, counts[i]);
        for (size_t j = 0; j < compared->table_count; j++)
            put_count(writer, LABELS("table", compared->tables[j].name),
                      find_count(&compared->tables[j].counts, counts[i]));
    }
    begin(writer, FAMILY_PASSED);
    for (size_t j = 0; j < compared->table_count; j++)
        if (compared->tables[j].counts.passed_at_us)
            put_time(writer, LABELS("table", compared->tables[j].name),
                     compared->tables[j].counts.passed_at_us);
}

static void write_sites(struct writer *writer) {
    const struct picture *picture = writer->picture;
    begin(writer, FAMILY_UP);
    for (size_t i = 0; i < picture->site_count; i++)
        if (picture->servers[i].life == SITE_ALIVE || picture->servers[i].life == SITE_DEAD)
            put_count(writer, LABELS("site", picture->sites[i]), picture->servers[i].life == SITE_ALIVE);
    begin(writer, FAMILY_PAUSED);
    for (size_t i = 0; i < picture->site_count && picture->pauses_known; i++)
        put_count(writer, LABELS("site", picture->sites[i]), picture->servers[i].paused);
    begin(writer, FAMILY_BYPASSED);
    for (size_t i = 0; i < picture->site_count; i++)
        if (picture->servers[i].life != SITE_UNKNOWN)
            put_count(writer, LABELS("site", picture->sites[i]), picture->servers[i].bypassed);
}

#define FOR_EACH_SERVER(server)                                  \
    for (const struct picture_server *server = picture->servers; \
         server < picture->servers + picture->server_count; server++)
#define SERVER_LABELS "site", picture->sites[server->site], "server", server->name

static void write_servers(struct writer *writer) {
    const struct picture *picture = writer->picture;
    begin(writer, FAMILY_SEEN);
    FOR_EACH_SERVER(server)
    if (server->watched)
        put_count(writer, LABELS(SERVER_LABELS), server->seen);
    begin(writer, FAMILY_LINK);
    FOR_EACH_SERVER(server)
    if (server->seen && server->link_known)
        put_count(writer, LABELS(SERVER_LABELS), server->runs);
    begin(writer, FAMILY_FOLLOWS);
    FOR_EACH_SERVER(server)
    if (server->seen && server->link_exists)
        put_count(writer, LABELS(SERVER_LABELS, "source", picture_site_name(picture, server->source)), 1);
    begin(writer, FAMILY_BEHIND);
    FOR_EACH_SERVER(server)
    if (server->seen && server->seconds_behind >= 0)
        put_count(writer, LABELS(SERVER_LABELS), (uint64_t)server->seconds_behind);
}

static void write_lags(struct writer *writer, enum family family, bool measured) {
    const struct picture *picture = writer->picture;
    begin(writer, family);
    FOR_EACH_SERVER(server) {
        for (size_t origin = 0; origin < picture->site_count; origin++) {
            const double lag_ms = server->lag_ms[origin];
            if ((origin == server->site && !server->replica) || lag_ms <= PICTURE_LAG_UNKNOWN ||
                (lag_ms >= 0) != measured)
                continue;
            put_number(writer, LABELS("origin", picture->sites[origin], SERVER_LABELS),
                       (lag_ms < 0 ? -lag_ms : lag_ms) / 1000);
        }
    }
}

static void write_routed_times(struct writer *writer) {
    const struct page_times *times = &writer->picture->routing.routed;
    uint64_t count = 0;
    begin(writer, FAMILY_ROUTED_TIME);
    for (unsigned bucket = 0; bucket + 1 < PAGE_BUCKETS; bucket++) {
        char limit[32];
        count += times->buckets[bucket];
        snprintf(limit, sizeof limit, "%.9g", (double)page_bucket_limit_ns(bucket) / 1e9);
        put_series(writer, "_bucket", LABELS("le", limit));
        buffer_put_format(writer->buffer, "%" PRIu64 "\n", count);
    }
    count += times->buckets[PAGE_BUCKETS - 1];
    put_series(writer, "_bucket", LABELS("le", "+Inf"));
    buffer_put_format(writer->buffer, "%" PRIu64 "\n", count);
    put_series(writer, "_sum", NULL);
    buffer_put_format(writer->buffer, "%.9f\n", (double)times->sum_ns / 1e9);
    put_series(writer, "_count", NULL);
    buffer_put_format(writer->buffer, "%" PRIu64 "\n", count);
}

static void write_tables(struct writer *writer) {
    const struct routing *routing = &writer->picture->routing;
    for (unsigned pass = 0; pass < 2; pass++) {
        begin(writer, pass ? FAMILY_TABLE_ROUTED : FAMILY_TABLE_SEEN);
        for (size_t i = 0; i < routing->table_count; i++) {
            const struct routing_table *table = &routing->tables[i];
            put_count(writer,
                      LABELS("group", table->group, "table", table->table[0] ? table->table : "others"),
                      pass ? table->routed : table->seen);
        }
    }
}

static void write_routing(struct writer *writer) {
    const struct routing *routing = &writer->picture->routing;
    if (routing->breakers) {
        begin(writer, FAMILY_BREAKERS);
        put_count(writer, NULL, routing->breakers_open);
    }
    if (!routing->known)
        return;
    begin(writer, FAMILY_STATEMENTS);
    for (size_t reason = 0; reason < ROUTE_REASON_COUNT; reason++)
        put_count(writer, LABELS("reason", route_reason_name((enum route_reason)reason)),
                  routing->statements[reason]);
    begin(writer, FAMILY_FALLBACKS);
    for (size_t cause = 0; cause < PAGE_CAUSE_COUNT; cause++)
        put_count(writer, LABELS("cause", page_cause_name((enum page_cause)cause)),
                  routing->fallbacks[cause]);
    write_tables(writer);
    write_routed_times(writer);
    if (routing->main_recent_ns) {
        begin(writer, FAMILY_SAVED);
        put_number(writer, NULL, (double)routing->saved_ns / 1e9);
        begin(writer, FAMILY_MAIN_TIME);
        put_number(writer, NULL, (double)routing->main_recent_ns / 1e9);
    }
    begin(writer, FAMILY_PROCESSES);
    put_count(writer, NULL, routing->processes);
    begin(writer, FAMILY_SHIM_EVENTS);
    for (size_t event = 0; event < PAGE_EVENT_COUNT; event++)
        put_count(writer, LABELS("event", page_event_name((enum page_event)event)), routing->events[event]);
}

void metrics_write(struct buffer *buffer, const struct picture *picture) {
    struct writer writer = {.buffer = buffer, .picture = picture};
    write_daemon(&writer);
    if (picture->is_looked_at) {
        begin(&writer, FAMILY_WHOLE);
        put_count(&writer, NULL, picture->is_whole);
        begin(&writer, FAMILY_CLOSED);
        put_count(&writer, NULL, picture->circle_is_closed);
    }
    if (picture->full_circle_ms >= 0) {
        begin(&writer, FAMILY_CIRCLE);
        put_number(&writer, NULL, picture->full_circle_ms / 1000);
    }
    write_sites(&writer);
    write_compared(&writer);
    write_servers(&writer);
    write_lags(&writer, FAMILY_LAG, true);
    write_lags(&writer, FAMILY_LAG_LEAST, false);
    write_routing(&writer);
}
