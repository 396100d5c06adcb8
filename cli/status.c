/* roundabout status: the ring as it is now. */
#include "verbs.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../config/config.h"
#include "../daemon/dialect.h"
#include "../daemon/ring.h"
#include "look.h"

enum { EXIT_WHOLE = 0, EXIT_BROKEN = 1, EXIT_TROUBLE = 3 };

#define WATCH_EVERY_S 2

static const char HELP[] = "usage: roundabout status [-f FILE] [--json] [--watch]\n\n"
                           "Shows each site and replica of the ring: its server, whom it follows and how, "
                           "and how long writes of each site\n"
                           "take to get there, measured for a moment from the heartbeats that the daemons "
                           "write; the lines of other sites are\n"
                           "as precise as half a round trip to them.\n\n"
                           "  -f, --config FILE    the configuration; otherwise $ROUNDABOUT_CONFIG, or\n"
                           "                       /etc/roundabout/roundabout.conf\n"
                           "      --json           one JSON object\n"
                           "      --watch          again and again, until interrupted\n"
                           "  -h, --help           this text\n\n"
                           "marks: * as it should be, ? not seen, ! not as it should be\n"
                           "exit status: 0 the ring is whole, 1 it isn't, 3 it can't be known\n";

struct note {
    char text[500];
};

struct view {
    const struct config_ring *ring;
    struct look *looks;
    size_t count;
    struct note *warnings, *hints;
    size_t warning_count, hint_count; /* at most one a server */
    bool is_whole;
};

__attribute__((format(printf, 2, 3))) static void set_note(struct note *note, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(note->text, sizeof note->text, format, arguments);
    va_end(arguments);
}

static bool was_seen(const struct look *look) {
    return look->answer.outcome == SERVER_ANSWERED && look->state.kind;
}

/* Whom it follows, as a site of the ring, by the source's own number: addresses differ by where one stands.
 */
static size_t source_of(const struct view *view, const struct look *look) {
    if (!was_seen(look) || !look->state.link_exists)
        return SITE_NONE;
    for (size_t i = 0; i < view->ring->site_count; i++)
        if (view->ring->sites[i].server_id == look->state.source_server_id)
            return i;
    const size_t by_address = ring_find_source(view->ring, &look->state);
    return by_address == SITE_NONE ? SITE_STRANGER : by_address;
}

static size_t wanted_source(const struct view *view, const struct look *look) {
    return look->replica ? look->site : ring_upstream(view->ring->site_count, look->site, 1);
}

static const char *name_of(const struct view *view, size_t site) {
    return site == SITE_NONE ? "-" : site == SITE_STRANGER ? "a stranger" : view->ring->sites[site].name;
}

struct verdict {
    char mark;
    char words[120];
};

static struct verdict judge(const struct view *view, const struct look *look) {
    struct verdict verdict = {.mark = '!'};
    const struct link_state *state = &look->state;
    const bool alone = view->ring->site_count == 1 && !look->replica;
    const struct link_error *error = link_trouble(state);
    const char *words = "whole";
    if (look->answer.outcome == SERVER_UNREACHABLE)
        verdict.mark = '?', words = "doesn't answer";
    else if (look->answer.outcome == SERVER_REFUSED)
        verdict.mark = '?', words = "refuses the monitor user";
    else if (!state->kind)
        words = "version not supported";
    else if (!state->link_known)
        verdict.mark = '?', words = "doesn't show its link";
    else if (!state->link_exists)
        verdict.mark = alone ? '*' : '!', words = alone ? "alone" : "no link";
    else if (error->consequence != LINK_NO_ERROR)
        words = error->meaning;
    else if (state->sql == LINK_THREAD_STOPPED || state->io == LINK_THREAD_STOPPED)
        words = "stopped";
    else if (state->io == LINK_THREAD_CONNECTING)
        words = "connecting";
    else if (link_waits_for_disk(state))
        words = "waits for disk space";
    else if (source_of(view, look) != wanted_source(view, look))
        words = source_of(view, look) == SITE_STRANGER ? "follows a stranger" : "goes past a site";
    else
        verdict.mark = '*';
    snprintf(verdict.words, sizeof verdict.words, "%s", words);
    return verdict;
}

static void take_notes(struct view *view) {
    view->is_whole = true;
    for (size_t i = 0; i < view->count; i++) {
        const struct look *look = &view->looks[i];
        const struct verdict verdict = judge(view, look);
        const struct link_error *error = link_trouble(&look->state);
        if (verdict.mark == '*')
            continue;
        view->is_whole = false;
        if (!was_seen(look)) {
            set_note(&view->warnings[view->warning_count++], "%s %s: %u %.300s", look->name, verdict.words,
                     look->answer.code, look->answer.text);
            continue;
        }
        set_note(&view->warnings[view->warning_count++], "%s: %s", look->name, verdict.words);
        if (!look->state.link_known)
            set_note(&view->hints[view->hint_count++], "%s: GRANT %s ON *.* TO the monitor user", look->name,
                     dialect_for_kind(look->state.kind)->grants_to_watch);
        else if (error->consequence != LINK_NO_ERROR)
            set_note(&view->hints[view->hint_count++], "%s: %s", look->name, error->cure);
        else if (source_of(view, look) < view->ring->site_count && link_is_whole(&look->state))
            set_note(&view->hints[view->hint_count++],
                     "%s: it comes back to %s by itself once that answers and has caught up", look->name,
                     name_of(view, wanted_source(view, look)));
        else if (look->replica)
            set_note(&view->hints[view->hint_count++], "%s: `START %s` there, or replicas_follow = true",
                     look->name, dialect_for_kind(look->state.kind)->replica_word);
        else
            set_note(&view->hints[view->hint_count++],
                     "%s: is roundaboutd running there? Its log says what it waits for", look->name);
    }
}

/* The lag of one origin at one server, in ms: measured, or, negative, at least by how much the heartbeat
 * there lies behind the origin's own; LAG_UNKNOWN if neither is known. */
#define LAG_UNKNOWN (-1e15)
static double lag_ms(const struct view *view, size_t origin, const struct look *there) {
    const struct look *from = &view->looks[origin];
    if (!was_seen(there) || !was_seen(from) || !there->state.heartbeats_known ||
        from->state.heartbeat_us[origin] < 0)
        return LAG_UNKNOWN;
    const double measured = look_lag_ms(from, there);
    if (measured >= 0)
        return measured;
    if (there->state.heartbeat_us[origin] < 0)
        return LAG_UNKNOWN;
    const double behind =
        (double)(from->state.heartbeat_us[origin] - there->state.heartbeat_us[origin]) / 1000;
    return behind > 0 ? -behind : LAG_UNKNOWN;
}

/* Once round the ring as it is now, hop by hop, so that no two clocks are compared. Below 0: it isn't closed,
 * or a hop wasn't measured. */
static double full_circle_ms(const struct view *view) {
    double sum = 0;
    size_t at = view->ring->own, hops = 0;
    do {
        const size_t source = source_of(view, &view->looks[at]);
        if (source >= view->ring->site_count)
            return -1;
        const double hop = lag_ms(view, source, &view->looks[at]);
        if (hop < 0)
            return -1;
        sum += hop;
        at = source;
    } while (at != view->ring->own && ++hops < view->ring->site_count);
    return at == view->ring->own ? sum : -1;
}

static const char *thread_word(enum link_thread thread) {
    static const char *const words[] = {"no", "connecting", "yes"};
    return words[thread];
}

static void put_lag(const struct view *view, size_t origin, const struct look *look, char *cell,
                    size_t size) {
    const double lag = lag_ms(view, origin, look);
    if (origin == look->site && !look->replica)
        snprintf(cell, size, ".");
    else if (lag >= 0)
        snprintf(cell, size, lag < 10 ? "%.1f ms" : "%.0f ms", lag);
    else if (lag > LAG_UNKNOWN)
        snprintf(cell, size, ">%.0f ms", -lag);
    else
        snprintf(cell, size, "?");
}

static void print_row(const struct view *view, const struct look *look) {
    const struct link_state *state = &look->state;
    const struct verdict verdict = judge(view, look);
    const bool seen = was_seen(look);
    char server[40] = "?", threads[40] = "-", step[32] = "-", cell[32];
    if (seen) {
        snprintf(server, sizeof server, "%s %.*s", dialect_for_kind(state->kind)->name,
                 (int)strcspn(state->version, "-"), state->version);
        snprintf(step, sizeof step, "%u of %u", state->offset, state->increment);
    }
    if (seen && state->link_exists)
        snprintf(threads, sizeof threads, "%s/%s", thread_word(state->io), thread_word(state->sql));
    printf("%c %-22.60s %-8s %-17s %-12.20s %-14s", verdict.mark, look->name,
           look->replica                        ? "replica"
           : view->ring->sites[look->site].main ? "main"
                                                : "remote",
           server, name_of(view, source_of(view, look)), threads);
    for (size_t origin = 0; origin < view->ring->site_count; origin++) {
        put_lag(view, origin, look, cell, sizeof cell);
        printf(" %9s", cell);
    }
    printf("  %-9s %s\n", look->replica ? "-" : step, verdict.words);
}

static void print_table(const struct view *view) {
    printf("  %-22s %-8s %-17s %-12s %-14s", "SITE", "ROLE", "SERVER", "FOLLOWS", "IO/SQL");
    for (size_t i = 0; i < view->ring->site_count; i++)
        printf(" %9.9s", view->ring->sites[i].name);
    printf("  %-9s %s\n", "AUTO-INC", "STATE");
    for (size_t i = 0; i < view->count; i++)
        print_row(view, &view->looks[i]);
    const double circle = full_circle_ms(view);
    if (circle >= 0)
        printf("the ring is %s; full circle %.1f ms\n", view->is_whole ? "whole" : "not as it should be",
               circle);
    else
        printf("the ring is %s; full circle not measured\n",
               view->is_whole ? "whole" : "not as it should be");
    for (size_t i = 0; i < view->warning_count; i++)
        printf("WARNING %s\n", view->warnings[i].text);
    for (size_t i = 0; i < view->hint_count; i++)
        printf("HINT %s\n", view->hints[i].text);
}

static void put_field(const char *name, const char *text) {
    printf("\"%s\":", name);
    json_put_text(stdout, text);
    putchar(',');
}

static void print_json_row(const struct view *view, const struct look *look) {
    const struct link_state *state = &look->state;
    const struct verdict verdict = judge(view, look);
    const struct link_error *error = link_trouble(state);
    printf("{");
    put_field("name", look->name);
    put_field("site", view->ring->sites[look->site].name);
    put_field("role", look->replica ? "replica" : view->ring->sites[look->site].main ? "main" : "remote");
    put_field("mark", (char[2]){verdict.mark, '\0'});
    put_field("state", verdict.words);
    if (was_seen(look)) {
        put_field("kind", dialect_for_kind(state->kind)->name);
        put_field("version", state->version);
        put_field("follows", name_of(view, source_of(view, look)));
        put_field("io", thread_word(state->io));
        put_field("sql", thread_word(state->sql));
        printf("\"server_id\":%u,\"auto_increment\":{\"offset\":%u,\"increment\":%u},\"seconds_behind\":",
               state->server_id, state->offset, state->increment);
        if (state->link_exists && state->seconds_behind >= 0)
            printf("%ld,", state->seconds_behind);
        else
            printf("null,");
    }
    if (error->consequence != LINK_NO_ERROR) {
        printf("\"error\":{\"code\":%u,", error->code        ? error->code
                                          : state->sql_errno ? state->sql_errno
                                                             : state->io_errno);
        put_field("meaning", error->meaning);
        printf("\"cure\":");
        json_put_text(stdout, error->cure);
        printf("},");
    }
    printf("\"lag_ms\":{");
    for (size_t origin = 0; origin < view->ring->site_count; origin++) {
        const double lag = lag_ms(view, origin, look);
        printf("%s", origin ? "," : "");
        json_put_text(stdout, view->ring->sites[origin].name);
        if (origin == look->site && !look->replica)
            printf(":0");
        else if (lag > LAG_UNKNOWN)
            printf(":%.2f", lag < 0 ? -lag : lag);
        else
            printf(":null");
    }
    printf("}}");
}

static void print_json_notes(const char *name, const struct note *notes, size_t count) {
    printf(",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        printf("%s", i ? "," : "");
        json_put_text(stdout, notes[i].text);
    }
    printf("]");
}

static void print_json(const struct view *view) {
    const double circle = full_circle_ms(view);
    printf("{\"whole\":%s,\"full_circle_ms\":", view->is_whole ? "true" : "false");
    if (circle >= 0)
        printf("%.2f", circle);
    else
        printf("null");
    printf(",\"servers\":[");
    for (size_t i = 0; i < view->count; i++) {
        printf("%s", i ? "," : "");
        print_json_row(view, &view->looks[i]);
    }
    printf("]");
    print_json_notes("warnings", view->warnings, view->warning_count);
    print_json_notes("hints", view->hints, view->hint_count);
    printf("}\n");
}

static int show(const struct config_ring *ring, bool json) {
    /* One beat of each site must arrive while one looks. */
    const unsigned measure_ms =
        ring->site_count > 1 ? ring->heartbeat_interval_ms + ring->heartbeat_interval_ms / 4 + 200 : 0;
    struct view view = {.ring = ring};
    int result = EXIT_TROUBLE;
    view.looks = look_at_all(ring, measure_ms > 5000 ? 5000 : measure_ms, &view.count);
    view.warnings = calloc(view.count ? view.count : 1, sizeof *view.warnings);
    view.hints = calloc(view.count ? view.count : 1, sizeof *view.hints);
    if (view.looks && view.warnings && view.hints) {
        take_notes(&view);
        if (json)
            print_json(&view);
        else
            print_table(&view);
        result = view.is_whole ? EXIT_WHOLE : EXIT_BROKEN;
    }
    fflush(stdout);
    free(view.warnings);
    free(view.hints);
    looks_free(view.looks, view.count);
    return result;
}

int verb_status(int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"watch", no_argument, NULL, 'w'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *file = NULL;
    bool json = false, again = false, wrong = false;
    for (int option; (option = getopt_long(argc, argv, "f:h", options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(HELP, stdout);
            return EXIT_WHOLE;
        }
        json |= option == 'j';
        again |= option == 'w';
        wrong |= option == '?';
        if (option == 'f')
            file = optarg;
    }
    if (wrong || optind != argc) {
        fputs(HELP, stderr);
        return EXIT_TROUBLE;
    }
    struct config *config = look_load_config(file);
    if (!config)
        return EXIT_TROUBLE;
    server_library_start();
    int result = show(&config->ring, json);
    while (again && !ferror(stdout)) {
        sleep(WATCH_EVERY_S);
        if (!json && isatty(STDOUT_FILENO))
            fputs("\033[H\033[J", stdout);
        result = show(&config->ring, json);
    }
    server_library_stop();
    config_free(config);
    return result;
}
