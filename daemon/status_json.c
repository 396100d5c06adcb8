#include "status_json.h"

#include <inttypes.h>

#include "dialect.h"

static void put_key(struct buffer *buffer, const char *key) {
    buffer_put_json(buffer, key);
    buffer_put(buffer, ":");
}

static void put_field(struct buffer *buffer, const char *key, const char *text) {
    put_key(buffer, key);
    buffer_put_json(buffer, text);
    buffer_put(buffer, ",");
}

static const char *bool_word(bool value) {
    return value ? "true" : "false";
}

static const char *life_word(enum site_life life) {
    static const char *const words[] = {"unknown", "alive", "doubtful", "dead"};
    return words[life];
}

static void put_lags(struct buffer *buffer, const struct picture *picture,
                     const struct picture_server *server) {
    buffer_put(buffer, "\"lag_ms\":{");
    for (size_t origin = 0; origin < picture->site_count; origin++) {
        const double lag_ms = server->lag_ms[origin];
        buffer_put(buffer, origin ? "," : "");
        put_key(buffer, picture->sites[origin]);
        if (origin == server->site && !server->replica)
            buffer_put(buffer, "0");
        else if (lag_ms > PICTURE_LAG_UNKNOWN)
            buffer_put_format(buffer, "%.2f", lag_ms < 0 ? -lag_ms : lag_ms);
        else
            buffer_put(buffer, "null");
    }
    buffer_put(buffer, "},\"lag_at_least\":[");
    bool first = true;
    for (size_t origin = 0; origin < picture->site_count; origin++) {
        if (server->lag_ms[origin] >= 0 || server->lag_ms[origin] <= PICTURE_LAG_UNKNOWN)
            continue;
        buffer_put(buffer, first ? "" : ",");
        buffer_put_json(buffer, picture->sites[origin]);
        first = false;
    }
    buffer_put(buffer, "]");
}

static void put_server(struct buffer *buffer, const struct picture *picture,
                       const struct picture_server *server) {
    buffer_put(buffer, "{");
    put_field(buffer, "name", server->name);
    put_field(buffer, "site", picture->sites[server->site]);
    put_field(buffer, "role", picture_role(picture, server));
    put_field(buffer, "mark", (char[2]){server->mark, '\0'});
    put_field(buffer, "state", server->words);
    buffer_put_format(buffer, "\"watched\":%s,", bool_word(server->watched));
    if (server->life != SITE_UNKNOWN && !server->replica)
        buffer_put_format(buffer, "\"life\":\"%s\",\"bypassed\":%s,", life_word(server->life),
                          bool_word(server->bypassed));
    if (server->paused)
        buffer_put(buffer, "\"paused\":true,");
    if (server->seen) {
        put_field(buffer, "kind", dialect_for_kind(server->kind)->name);
        put_field(buffer, "version", server->version);
        put_field(buffer, "follows", picture_site_name(picture, server->source));
        put_field(buffer, "io", picture_thread_word(server->io));
        put_field(buffer, "sql", picture_thread_word(server->sql));
        buffer_put_format(
            buffer,
            "\"server_id\":%u,\"auto_increment\":{\"offset\":%u,\"increment\":%u},\"seconds_behind\":",
            server->server_id, server->offset, server->increment);
        if (server->seconds_behind >= 0)
            buffer_put_format(buffer, "%ld,", server->seconds_behind);
        else
            buffer_put(buffer, "null,");
    }
    if (server->meaning) {
        buffer_put_format(buffer, "\"error\":{\"code\":%u,", server->error_code);
        put_field(buffer, "meaning", server->meaning);
        put_key(buffer, "cure");
        buffer_put_json(buffer, server->cure);
        buffer_put(buffer, "},");
    }
    put_lags(buffer, picture, server);
    buffer_put(buffer, "}");
}

static void put_notes(struct buffer *buffer, const char *key, const struct picture_note *notes,
                      size_t count) {
    buffer_put(buffer, ",");
    put_key(buffer, key);
    buffer_put(buffer, "[");
    for (size_t i = 0; i < count; i++) {
        buffer_put(buffer, i ? "," : "");
        buffer_put_json(buffer, notes[i].text);
    }
    buffer_put(buffer, "]");
}

static void put_daemon(struct buffer *buffer, const struct picture *picture) {
    const struct picture_daemon *daemon = &picture->daemon;
    static const char *const steps[] = {[LINK_LEAVE] = "leave",
                                        [LINK_WAIT] = "wait",
                                        [LINK_START] = "start",
                                        [LINK_POINT] = "point",
                                        [LINK_RESTART_IO] = "restart_io",
                                        [LINK_HOLD] = "hold",
                                        [LINK_SKIP] = "skip",
                                        [LINK_HELP] = "help"};
    buffer_put(buffer, ",\"daemon\":{");
    put_field(buffer, "version", daemon->version);
    put_field(buffer, "plan", daemon->words);
    put_field(buffer, "step", steps[daemon->step]);
    put_field(buffer, "reason", ring_reason_name(daemon->reason));
    buffer_put_format(buffer,
                      "\"changes_nothing\":%s,\"started_at_s\":%.3f,\"turns\":%" PRIu64
                      ",\"heartbeats\":%" PRIu64 "}",
                      bool_word(daemon->changes_nothing), (double)daemon->started_us / 1e6, daemon->turns,
                      daemon->heartbeats);
    buffer_put(buffer, ",\"journal\":[");
    for (size_t i = 0; i < picture->entry_count; i++) {
        const struct journal_entry *entry = &picture->entries[i];
        buffer_put(buffer, i ? ",{" : "{");
        buffer_put_format(buffer, "\"number\":%" PRIu64 ",\"at_s\":%.3f,", entry->number,
                          (double)entry->at_us / 1e6);
        put_field(buffer, "event", event_name(entry->event));
        put_field(buffer, "site", entry->site);
        put_key(buffer, "detail");
        buffer_put_json(buffer, entry->detail);
        buffer_put(buffer, "}");
    }
    buffer_put(buffer, "]");
}

/* Of whoever compares the sites' cache tables, or has. */
static void put_compared(struct buffer *buffer, const struct compared *compared) {
    buffer_put_format(buffer, ",\"converge\":{\"leads\":%s,\"paused\":%s,\"waiting\":%zu,\"tables\":[",
                      bool_word(compared->leads), bool_word(compared->paused), compared->waiting);
    for (size_t i = 0; i < compared->table_count; i++) {
        const struct compared_counts *counts = &compared->tables[i].counts;
        buffer_put(buffer, i ? ",{" : "{");
        put_field(buffer, "table", compared->tables[i].name);
        buffer_put_format(buffer,
                          "\"rows\":%" PRIu64 ",\"divergent\":%" PRIu64 ",\"repaired\":%" PRIu64
                          ",\"given_up\":%" PRIu64 ",\"passed_at_s\":",
                          counts->rows, counts->divergent, counts->repaired, counts->given_up);
        if (counts->passed_at_us)
            buffer_put_format(buffer, "%.3f}", (double)counts->passed_at_us / 1e6);
        else
            buffer_put(buffer, "null}");
    }
    buffer_put(buffer, "]}");
}

static void put_times(struct buffer *buffer, const struct routing *routing) {
    if (page_times_count(&routing->routed))
        buffer_put_format(buffer, ",\"routed_p50_ms\":%.4f,\"routed_p99_ms\":%.4f",
                          (double)page_times_quantile_ns(&routing->routed, 0.5) / 1e6,
                          (double)page_times_quantile_ns(&routing->routed, 0.99) / 1e6);
    if (routing->main_recent_ns)
        buffer_put_format(buffer, ",\"main_ms\":%.4f", (double)routing->main_recent_ns / 1e6);
}

static void put_routing(struct buffer *buffer, const struct routing *routing) {
    buffer_put(buffer, ",\"routing\":{\"reasons\":{");
    for (size_t reason = 0; reason < ROUTE_REASON_COUNT; reason++)
        buffer_put_format(buffer, "%s\"%s\":%" PRIu64, reason ? "," : "",
                          route_reason_name((enum route_reason)reason), routing->statements[reason]);
    buffer_put(buffer, "},\"fallbacks\":{");
    for (size_t cause = 0; cause < PAGE_CAUSE_COUNT; cause++)
        buffer_put_format(buffer, "%s\"%s\":%" PRIu64, cause ? "," : "",
                          page_cause_name((enum page_cause)cause), routing->fallbacks[cause]);
    buffer_put(buffer, "},\"tables\":[");
    for (size_t i = 0; i < routing->table_count; i++) {
        buffer_put(buffer, i ? ",{" : "{");
        put_field(buffer, "group", routing->tables[i].group);
        put_field(buffer, "table", routing->tables[i].table);
        buffer_put_format(buffer, "\"routed\":%" PRIu64 ",\"seen\":%" PRIu64 "}", routing->tables[i].routed,
                          routing->tables[i].seen);
    }
    buffer_put_format(buffer,
                      "],\"statements\":%" PRIu64 ",\"routed\":%" PRIu64
                      ",\"processes\":%" PRIu64 ",\"breakers_open\":%u",
                      routing_total(routing), routing->statements[ROUTE_ROUTED], routing->processes, routing->breakers_open);
    if (routing->main_recent_ns)
        buffer_put_format(buffer, ",\"saved_s\":%.6f", (double)routing->saved_ns / 1e9);
    put_times(buffer, routing);
    buffer_put(buffer, "}");
}

/* Compact, as there are many: [seconds since 1970, routed, statements, full circle in ms]. */
static void put_history(struct buffer *buffer, const struct picture *picture) {
    buffer_put(buffer, ",\"history\":[");
    for (size_t i = 0; i < picture->sample_count; i++) {
        const struct picture_sample *sample = &picture->samples[i];
        buffer_put_format(buffer, "%s[%" PRId64 ",", i ? "," : "", sample->at_s);
        if (sample->routing_known)
            buffer_put_format(buffer, "%" PRIu64 ",%" PRIu64 ",", sample->routed, sample->statements);
        else
            buffer_put(buffer, "null,null,");
        if (sample->full_circle_ms >= 0)
            buffer_put_format(buffer, "%.2f]", sample->full_circle_ms);
        else
            buffer_put(buffer, "null]");
    }
    buffer_put(buffer, "]");
}

void status_json_write(struct buffer *buffer, const struct picture *picture) {
    buffer_put_format(buffer, "{\"whole\":%s,\"closed\":%s,\"full_circle_ms\":", bool_word(picture->is_whole),
                      bool_word(picture->circle_is_closed));
    if (picture->full_circle_ms >= 0)
        buffer_put_format(buffer, "%.2f,", picture->full_circle_ms);
    else
        buffer_put(buffer, "null,");
    put_field(buffer, "tone", picture_tone_word(picture->tone));
    put_field(buffer, "headline", picture->headline);
    buffer_put_format(buffer, "\"at_s\":%.3f,", (double)picture->at_us / 1e6);
    put_field(buffer, "site", picture->sites[picture->own]);
    buffer_put(buffer, "\"servers\":[");
    for (size_t i = 0; i < picture->server_count; i++) {
        buffer_put(buffer, i ? "," : "");
        put_server(buffer, picture, &picture->servers[i]);
    }
    buffer_put(buffer, "]");
    if (picture->paused.text[0]) {
        buffer_put(buffer, ",\"paused\":");
        buffer_put_json(buffer, picture->paused.text);
    }
    put_notes(buffer, "warnings", picture->warnings, picture->warning_count);
    put_notes(buffer, "hints", picture->hints, picture->hint_count);
    if (picture->daemon.present)
        put_daemon(buffer, picture);
    if (picture->compared.known)
        put_compared(buffer, &picture->compared);
    if (picture->routing.known)
        put_routing(buffer, &picture->routing);
    if (picture->sample_count)
        put_history(buffer, picture);
    buffer_put(buffer, "}\n");
}
