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

/* More than that, which a ring of many sites has, the page's script asks for: the page itself stays small. */
#define VALUES_BYTES_MAX (16 * 1024)
#define ENTRIES_MAX      15 /* of the journal, without a script */

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
        put(writer, "<i><b>");
        put_text(writer, picture->sites[origin]);
        put(writer, "</b> ");
        put_lag(writer, server->lag_ms[origin]);
        put(writer, "</i> ");
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

static void put_note(const struct writer *writer, const char *kind, const char *text) {
    put(writer, "<li class=\"");
    put(writer, kind);
    put(writer, "\">");
    put_text(writer, text);
    put(writer, "</li>");
}

static void put_notes(const struct writer *writer) {
    const struct picture *picture = writer->picture;
    if (picture->paused.text[0])
        put_note(writer, "warning", picture->paused.text);
    for (size_t i = 0; i < picture->warning_count; i++)
        put_note(writer, "warning", picture->warnings[i].text);
    for (size_t i = 0; i < picture->hint_count; i++)
        put_note(writer, "hint", picture->hints[i].text);
}

/* An event's name in words. */
static void put_event(const struct writer *writer, enum event event) {
    for (const char *at = event_name(event); *at; at++)
        buffer_put_bytes(writer->buffer, *at == '_' ? " " : at, 1);
}

static void put_moment(const struct writer *writer, int64_t at_us) {
    const time_t seconds = (time_t)(at_us / 1000000);
    struct tm parts;
    char when[40];
    gmtime_r(&seconds, &parts);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &parts);
    put(writer, when);
}

static void put_journal(const struct writer *writer) {
    const struct picture *picture = writer->picture;
    for (size_t i = 0; i < picture->entry_count && i < ENTRIES_MAX; i++) {
        const struct journal_entry *entry = &picture->entries[i];
        put(writer, "<li class=\"");
        put(writer, event_name(entry->event));
        put(writer, "\"><time>");
        put_moment(writer, entry->at_us);
        put(writer, "</time> <b>");
        put_event(writer, entry->event);
        put(writer, "</b> <em>");
        put_text(writer, entry->site);
        put(writer, "</em> <span>");
        put_text(writer, entry->detail);
        put(writer, "</span></li>\n");
    }
}

/* By thousands, as the script has it. */
static void put_number(const struct writer *writer, uint64_t number) {
    char digits[24];
    const size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, number);
    for (size_t i = 0; i < length; i++) {
        put(writer, i && (length - i) % 3 == 0 ? "," : "");
        buffer_put_bytes(writer->buffer, digits + i, 1);
    }
}

static void put_duration(const struct writer *writer, double seconds) {
    const bool is_long = seconds >= 120, is_very_long = seconds >= 7200;
    buffer_put_format(writer->buffer, "%.1f %s",
                      seconds / (is_very_long ? 3600
                                 : is_long    ? 60
                                              : 1),
                      is_very_long ? "h"
                      : is_long    ? "min"
                                   : "s");
}

static void begin_tile(const struct writer *writer, const char *name) {
    put(writer, "<div><dt>");
    put(writer, name);
    put(writer, "</dt><dd>");
}
static void end_tile(const struct writer *writer) {
    put(writer, "</dd></div>");
}

static void put_tiles(const struct writer *writer) {
    const struct routing *routing = &writer->picture->routing;
    const uint64_t all = routing_total(routing);
    if (!routing->known)
        return;
    begin_tile(writer, "statements");
    put_number(writer, all);
    end_tile(writer);
    if (all) {
        begin_tile(writer, "of all routed");
        buffer_put_format(writer->buffer, "%.1f %%",
                          100 * (double)routing->statements[ROUTE_ROUTED] / (double)all);
        end_tile(writer);
    }
    begin_tile(writer, "time saved");
    put_duration(writer, (double)routing->saved_ns / 1e9);
    end_tile(writer);
    if (routing->breakers_open) {
        begin_tile(writer, "local master");
        put(writer, "left alone");
        end_tile(writer);
    }
}

/* The most frequent first. */
static void put_reasons(const struct writer *writer) {
    const struct routing *routing = &writer->picture->routing;
    bool is_put[ROUTE_REASON_COUNT] = {false};
    while (routing->known) {
        size_t most = ROUTE_REASON_COUNT;
        for (size_t reason = 0; reason < ROUTE_REASON_COUNT; reason++)
            if (!is_put[reason] && routing->statements[reason] &&
                (most == ROUTE_REASON_COUNT || routing->statements[reason] > routing->statements[most]))
                most = reason;
        if (most == ROUTE_REASON_COUNT)
            return;
        is_put[most] = true;
        put(writer, "<tr><th scope=\"row\">");
        put(writer, route_reason_name((enum route_reason)most));
        put(writer, "</th><td>");
        put_number(writer, routing->statements[most]);
        put(writer, "</td><td>");
        put_text(writer, route_reason_sentence((enum route_reason)most));
        put(writer, "</td></tr>\n");
    }
}

static bool is_compared(const struct picture *picture) {
    return picture->compared.known && picture->compared.table_count;
}

static void put_comparing(const struct writer *writer) {
    const struct compared *compared = &writer->picture->compared;
    if (!is_compared(writer->picture))
        return;
    if (!compared->leads)
        put(writer, writer->picture->paused.text[0] ? "Nothing is compared during a pause."
                                                    : "Another daemon compares them now.");
    else if (compared->paused)
        put(writer, "Comparing waits while a site lags or isn't seen.");
    else if (compared->waiting)
        buffer_put_format(writer->buffer, "%zu keys are looked at again.", compared->waiting);
    else
        put(writer, "Compared from here.");
}

static void put_number_cell(const struct writer *writer, const char *label, uint64_t number) {
    put(writer, "<td data-label=\"");
    put(writer, label);
    put(writer, "\">");
    put_number(writer, number);
    put(writer, "</td>");
}

static void put_compared(const struct writer *writer) {
    const struct picture *picture = writer->picture;
    for (size_t i = 0; is_compared(picture) && i < picture->compared.table_count; i++) {
        const struct compared_table *table = &picture->compared.tables[i];
        put(writer, "<tr><th scope=\"row\">");
        put_text(writer, table->name);
        put(writer, "</th>");
        put_number_cell(writer, "Rows compared", table->counts.rows);
        put_number_cell(writer, "Keys that differed", table->counts.divergent);
        put_number_cell(writer, "Repaired", table->counts.repaired);
        put_number_cell(writer, "Came to no verdict", table->counts.given_up);
        put(writer, "<td data-label=\"All compared at\">");
        if (table->counts.passed_at_us)
            put_moment(writer, table->counts.passed_at_us);
        else
            put(writer, "not yet");
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
    struct buffer values = {0};
    status_json_write(&values, writer->picture);
    put(writer, values.text && values.length <= VALUES_BYTES_MAX ? values.text : "null");
    buffer_free(&values);
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
    put(writer, writer->picture->daemon.changes_nothing ? " (it watches and changes nothing)" : "");
}
static void put_routing_class(const struct writer *writer) {
    put(writer, writer->picture->routing.known ? "known" : "absent");
}
static void put_compared_class(const struct writer *writer) {
    put(writer, is_compared(writer->picture) ? "known" : "absent");
}
static void put_when(const struct writer *writer) {
    put_moment(writer, writer->picture->at_us);
    put(writer, " UTC");
}

/* What stands in the document as {{name}}. */
static const struct place {
    const char *name;
    void (*write)(const struct writer *writer);
} places[] = {
    {"nonce", put_nonce},
    {"style", put_style},
    {"script", put_script},
    {"values", put_values},
    {"site", put_site},
    {"tone", put_tone},
    {"headline", put_headline},
    {"circle", put_circle},
    {"plan", put_plan},
    {"when", put_when},
    {"servers", put_servers},
    {"notes", put_notes},
    {"journal", put_journal},
    {"tiles", put_tiles},
    {"reasons", put_reasons},
    {"sentences", put_sentences},
    {"routing", put_routing_class},
    {"comparing", put_comparing},
    {"compared", put_compared},
    {"compared-class", put_compared_class},
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
