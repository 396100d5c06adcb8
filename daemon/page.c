#include "page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dialect.h"
#include "status_json.h"

/* The parts as they are in the tree, put into the program by the assembler. */
#define PART(name, file)                                                                                   \
    __asm__(".section .rodata\n" #name "_begin:\n.incbin \"" file "\"\n" #name "_end:\n.byte 0\n.text\n"); \
    extern const char name##_begin[] __attribute__((visibility("hidden"))),                                \
        name##_end[] __attribute__((visibility("hidden")))
PART(part_html, "daemon/page.html");
PART(part_css, "daemon/page.css");
PART(part_js, "daemon/page.js");

struct writer {
    struct buffer *buffer;
    const struct picture *picture;
    const char *nonce;
};

static void put(const struct writer *writer, const char *html) {
    buffer_put(writer->buffer, html);
}
static void put_text(const struct writer *writer, const char *text) {
    buffer_put_html(writer->buffer, text);
}

/* A link that runs, but not from where it should, is no more than a warning; a site known to be dead is more
 * than one that isn't seen. */
static enum picture_tone tone_of(const struct picture_server *server) {
    if (server->mark == '*')
        return TONE_OK;
    if (server->mark == '?')
        return server->life == SITE_DEAD ? TONE_BAD : TONE_UNKNOWN;
    return server->io == LINK_THREAD_RUNNING && server->sql == LINK_THREAD_RUNNING ? TONE_WARNING : TONE_BAD;
}
static const char *tone_shape(enum picture_tone tone) {
    static const char *const shapes[] = {[TONE_OK] = "\xE2\x9C\x93" /* a tick */,
                                         [TONE_WARNING] = "!",
                                         [TONE_BAD] = "\xC3\x97",
                                         [TONE_UNKNOWN] = "?"};
    return shapes[tone];
}

static void put_cell(const struct writer *writer, const char *label, const char *text) {
    put(writer, "<td data-label=\"");
    put_text(writer, label);
    put(writer, "\">");
    put_text(writer, text);
    put(writer, "</td>");
}

static void put_lag(const struct writer *writer, double lag_ms) {
    const bool at_least = lag_ms < 0;
    const double ms = at_least ? -lag_ms : lag_ms;
    put(writer, at_least ? "over " : "");
    if (ms < 10)
        buffer_put_format(writer->buffer, "%.1f ms", ms);
    else if (ms < 10000)
        buffer_put_format(writer->buffer, "%.0f ms", ms);
    else
        buffer_put_format(writer->buffer, "%.0f s", ms / 1000);
}

static void put_lags(const struct writer *writer, const struct picture_server *server) {
    const struct picture *picture = writer->picture;
    put(writer, "<td data-label=\"Lag of writes from\">");
    for (size_t origin = 0; origin < picture->site_count; origin++) {
        if (server->lag_ms[origin] <= PICTURE_LAG_UNKNOWN || (origin == server->site && !server->replica))
            continue;
        put(writer, "<span class=\"lag\"><b>");
        put_text(writer, picture->sites[origin]);
        put(writer, "</b> ");
        put_lag(writer, server->lag_ms[origin]);
        put(writer, "</span> ");
    }
    put(writer, "</td>");
}

static void put_servers(const struct writer *writer) {
    const struct picture *picture = writer->picture;
    for (size_t i = 0; i < picture->server_count; i++) {
        const struct picture_server *server = &picture->servers[i];
        char threads[40] = "", version[100] = "";
        if (server->seen && server->link_exists)
            snprintf(threads, sizeof threads, "%s / %s", picture_thread_word(server->io),
                     picture_thread_word(server->sql));
        if (server->seen)
            snprintf(version, sizeof version, "%s %.*s", dialect_for_kind(server->kind)->name,
                     (int)strcspn(server->version, "-"), server->version);
        put(writer, "<tr class=\"");
        put(writer, picture_tone_word(tone_of(server)));
        put(writer, "\"><th scope=\"row\"><i class=\"mark\">");
        put(writer, tone_shape(tone_of(server)));
        put(writer, "</i>");
        put_text(writer, server->name);
        put(writer, "</th>");
        put_cell(writer, "Role", picture_role(picture, server));
        put_cell(writer, "State", server->words);
        put_cell(writer, "Follows", server->seen ? picture_site_name(picture, server->source) : "");
        put_cell(writer, "Fetches / applies", threads);
        put_lags(writer, server);
        put_cell(writer, "Version", version);
        put(writer, "</tr>\n");
    }
}

static void put_notes(const struct writer *writer) {
    const struct picture *picture = writer->picture;
    for (size_t i = 0; i < picture->warning_count; i++) {
        put(writer, "<li class=\"warning\">");
        put_text(writer, picture->warnings[i].text);
        put(writer, "</li>");
    }
    for (size_t i = 0; i < picture->hint_count; i++) {
        put(writer, "<li class=\"hint\">");
        put_text(writer, picture->hints[i].text);
        put(writer, "</li>");
    }
}

static void put_journal(const struct writer *writer) {
    const struct picture *picture = writer->picture;
    for (size_t i = 0; i < picture->entry_count; i++) {
        const struct journal_entry *entry = &picture->entries[i];
        const time_t seconds = (time_t)(entry->at_us / 1000000);
        struct tm parts;
        char when[40];
        gmtime_r(&seconds, &parts);
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &parts);
        put(writer, "<li><time>");
        put(writer, when);
        put(writer, "</time> <b>");
        put(writer, event_name(entry->event));
        put(writer, "</b> <em>");
        put_text(writer, entry->site);
        put(writer, "</em> <span>");
        put_text(writer, entry->detail);
        put(writer, "</span></li>\n");
    }
}

static void put_reasons(const struct writer *writer) {
    const struct routing *routing = &writer->picture->routing;
    for (size_t reason = 0; routing->known && reason < ROUTE_REASON_COUNT; reason++) {
        if (!routing->statements[reason])
            continue;
        put(writer, "<tr><th scope=\"row\">");
        put(writer, route_reason_name((enum route_reason)reason));
        put(writer, "</th><td>");
        buffer_put_format(writer->buffer, "%" PRIu64, routing->statements[reason]);
        put(writer, "</td><td>");
        put_text(writer, route_reason_sentence((enum route_reason)reason));
        put(writer, "</td></tr>\n");
    }
}

static void put_sentences(const struct writer *writer) {
    put(writer, "{");
    for (size_t reason = 0; reason < ROUTE_REASON_COUNT; reason++) {
        put(writer, reason ? "," : "");
        buffer_put_json(writer->buffer, route_reason_name((enum route_reason)reason));
        put(writer, ":");
        buffer_put_json(writer->buffer, route_reason_sentence((enum route_reason)reason));
    }
    put(writer, "}");
}

static void put_circle(const struct writer *writer) {
    if (writer->picture->full_circle_ms < 0) {
        put(writer, "full circle not measured");
        return;
    }
    put(writer, "full circle ");
    put_lag(writer, writer->picture->full_circle_ms);
}

static void put_nonce(const struct writer *writer) {
    put(writer, writer->nonce);
}
static void put_style(const struct writer *writer) {
    buffer_put_bytes(writer->buffer, part_css_begin, (size_t)(part_css_end - part_css_begin));
}
static void put_script(const struct writer *writer) {
    buffer_put_bytes(writer->buffer, part_js_begin, (size_t)(part_js_end - part_js_begin));
}
static void put_values(const struct writer *writer) {
    status_json_write(writer->buffer, writer->picture);
}
static void put_site(const struct writer *writer) {
    put_text(writer, writer->picture->sites[writer->picture->own]);
}
static void put_tone(const struct writer *writer) {
    put(writer, picture_tone_word(writer->picture->tone));
}
static void put_headline(const struct writer *writer) {
    put_text(writer, writer->picture->headline);
}
static void put_plan(const struct writer *writer) {
    put_text(writer, writer->picture->daemon.words);
}
static void put_routing_class(const struct writer *writer) {
    put(writer, writer->picture->routing.known ? "known" : "absent");
}

/* What stands in the document as {{name}}. */
static const struct place {
    const char *name;
    void (*write)(const struct writer *writer);
} places[] = {
    {"nonce", put_nonce},       {"style", put_style},         {"script", put_script},
    {"values", put_values},     {"site", put_site},           {"tone", put_tone},
    {"headline", put_headline}, {"circle", put_circle},       {"plan", put_plan},
    {"servers", put_servers},   {"notes", put_notes},         {"journal", put_journal},
    {"reasons", put_reasons},   {"sentences", put_sentences}, {"routing", put_routing_class},
};

void page_write(struct buffer *buffer, const struct picture *picture, const char *nonce) {
    const struct writer writer = {buffer, picture, nonce};
    const char *at = part_html_begin;
    for (const char *open; at < part_html_end && (open = strstr(at, "{{")); at = strstr(open, "}}") + 2) {
        buffer_put_bytes(buffer, at, (size_t)(open - at));
        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
            if (strncmp(open + 2, places[i].name, strcspn(open + 2, "}")) == 0 &&
                strlen(places[i].name) == strcspn(open + 2, "}"))
                places[i].write(&writer);
    }
    buffer_put_bytes(buffer, at, (size_t)(part_html_end - at));
}
