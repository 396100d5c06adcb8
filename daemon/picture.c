#include "picture.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialect.h"
#include "pause.h"

static void name_replica(struct picture_server *server, const char *site,
                         const struct config_server *address) {
    if (address->host)
        snprintf(server->name, sizeof server->name, "%s/%.100s:%u", site, address->host, address->port);
    else
        snprintf(server->name, sizeof server->name, "%s/%.110s", site, address->socket);
}

struct picture *picture_make(const struct config_ring *ring) {
    struct picture *picture = calloc(1, sizeof *picture);
    if (!picture)
        return NULL;
    picture->holders = 1;
    picture->site_count = ring->site_count;
    picture->own = ring->own;
    picture->full_circle_ms = -1;
    picture->server_count = ring->site_count;
    for (size_t i = 0; i < ring->site_count; i++)
        picture->server_count += ring->sites[i].replica_count;
    picture->servers = calloc(picture->server_count, sizeof *picture->servers);
    picture->warnings = calloc(picture->server_count, sizeof *picture->warnings);
    picture->hints = calloc(picture->server_count, sizeof *picture->hints);
    if (!picture->servers || !picture->warnings || !picture->hints) {
        picture_free(picture);
        return NULL;
    }
    size_t next = ring->site_count;
    for (size_t i = 0; i < ring->site_count; i++) {
        const struct config_site *site = &ring->sites[i];
        snprintf(picture->sites[i], sizeof picture->sites[i], "%s", site->name);
        picture->main[i] = site->main;
        picture->servers[i].site = i;
        snprintf(picture->servers[i].name, sizeof picture->servers[i].name, "%s", site->name);
        for (size_t j = 0; j < site->replica_count; j++, next++) {
            picture->servers[next].site = i;
            picture->servers[next].replica = true;
            name_replica(&picture->servers[next], site->name, &site->replicas[j]);
        }
    }
    for (size_t i = 0; i < picture->server_count; i++) {
        struct picture_server *server = &picture->servers[i];
        server->mark = '?';
        server->source = SITE_NONE;
        server->seconds_behind = -1;
        const bool is_elsewhere = server->replica && server->site != picture->own;
        snprintf(server->words, sizeof server->words,
                 is_elsewhere ? "not watched from here" : "not looked at yet");
        for (size_t origin = 0; origin < RING_SITES_MAX; origin++)
            server->lag_ms[origin] = PICTURE_LAG_UNKNOWN;
    }
    return picture;
}

struct picture *picture_share(struct picture *picture) {
    __atomic_add_fetch(&picture->holders, 1, __ATOMIC_RELAXED);
    return picture;
}

void picture_free(struct picture *picture) {
    if (!picture || __atomic_sub_fetch(&picture->holders, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    free(picture->servers);
    free(picture->warnings);
    free(picture->hints);
    free(picture);
}

/* Whom it follows, as a site of the ring, by the source's own number: addresses differ by where one stands.
 */
static size_t find_source(const struct config_ring *ring, const struct link_state *state) {
    if (!state->link_exists)
        return SITE_NONE;
    for (size_t i = 0; i < ring->site_count; i++)
        if (ring->sites[i].server_id == state->source_server_id)
            return i;
    const size_t by_address = ring_find_source(ring, state);
    return by_address == SITE_NONE ? SITE_STRANGER : by_address;
}

size_t picture_wanted_source(const struct picture *picture, const struct picture_server *server) {
    return server->replica ? server->site : ring_upstream(picture->site_count, server->site, 1);
}

static const char *judge(const struct picture *picture, struct picture_server *server,
                         const struct server_answer *answer, const struct link_state *state) {
    const bool alone = picture->site_count == 1 && !server->replica;
    server->mark = '?';
    if (answer->outcome == SERVER_UNREACHABLE)
        return "doesn't answer";
    if (answer->outcome == SERVER_REFUSED)
        return "refuses the monitor user";
    server->mark = '!';
    if (!state->kind)
        return "version not supported";
    if (!state->link_known) {
        server->mark = '?';
        return "doesn't show its link";
    }
    if (!state->link_exists) {
        server->mark = alone ? '*' : '!';
        return alone ? "alone" : "no link";
    }
    if (server->meaning)
        return server->meaning;
    if (state->sql == LINK_THREAD_STOPPED || state->io == LINK_THREAD_STOPPED)
        return "stopped";
    if (state->io == LINK_THREAD_CONNECTING)
        return "connecting";
    if (link_waits_for_disk(state))
        return "waits for disk space";
    if (server->source != picture_wanted_source(picture, server))
        return server->source == SITE_STRANGER ? "follows a stranger" : "goes past a site";
    server->mark = '*';
    return "whole";
}

void picture_take_look(struct picture *picture, const struct config_ring *ring, size_t place,
                       const struct server_answer *answer, const struct link_state *state) {
    struct picture_server *server = &picture->servers[place];
    const struct link_error *error = link_trouble(state);
    server->watched = true;
    server->seen = answer->outcome == SERVER_ANSWERED && state->kind;
    if (server->seen) {
        server->kind = state->kind;
        snprintf(server->version, sizeof server->version, "%s", state->version);
        server->server_id = state->server_id;
        server->offset = state->offset;
        server->increment = state->increment;
        server->source = find_source(ring, state);
        server->link_known = state->link_known;
        server->link_exists = state->link_exists;
        server->runs = link_is_whole(state);
        server->io = state->io;
        server->sql = state->sql;
        server->seconds_behind = state->link_exists ? state->seconds_behind : -1;
        server->last_known = state->link_known;
        server->last_runs = server->runs;
        server->last_source = server->source;
        server->last_at_us = picture->at_us;
    }
    server->error_code = answer->outcome == SERVER_ANSWERED ? 0 : answer->code;
    if (error->consequence != LINK_NO_ERROR) {
        server->meaning = error->meaning;
        server->cure = error->cure;
        server->error_code = error->code        ? error->code
                             : state->sql_errno ? state->sql_errno
                                                : state->io_errno;
    }
    snprintf(server->words, sizeof server->words, "%s", judge(picture, server, answer, state));
}

static int64_t minutes_left(const struct picture *picture, const struct link_pause *pause) {
    return pause->until_us > picture->at_us ? (pause->until_us - picture->at_us + 59999999) / 60000000 : 0;
}

static void say_pauses(struct picture *picture, const struct link_pause *pauses) {
    struct picture_note *note = &picture->paused;
    size_t same = 0;
    for (size_t i = 0; i < picture->site_count; i++)
        same += !pauses[i].joining && pauses[i].until_us == pauses[0].until_us;
    if (pauses[0].until_us && same == picture->site_count) {
        snprintf(note->text, sizeof note->text, "the ring is paused for %" PRId64 " minutes more",
                 minutes_left(picture, &pauses[0]));
        return;
    }
    for (size_t i = 0; i < picture->site_count; i++) {
        const size_t used = strlen(note->text);
        if (pauses[i].joining)
            snprintf(note->text + used, sizeof note->text - used,
                     "%s%s is being joined (`roundabout ring join`)", used ? "; " : "", picture->sites[i]);
        else if (pauses[i].until_us)
            snprintf(note->text + used, sizeof note->text - used,
                     "%s%s is paused for %" PRId64 " minutes more", used ? "; " : "", picture->sites[i],
                     minutes_left(picture, &pauses[i]));
    }
}

void picture_take_pauses(struct picture *picture, const struct link_state *const *states) {
    struct link_pause pauses[RING_SITES_MAX] = {0};
    for (size_t i = 0; i < picture->site_count; i++) {
        pauses[i] = pause_of_site(states, picture->site_count, i, picture->at_us);
        picture->pauses_known |= states[i] != NULL;
        picture->servers[i].paused = pauses[i].until_us > 0;
    }
    say_pauses(picture, pauses);
}

void picture_carry(struct picture *picture, const struct picture *before, int64_t limit_us) {
    for (size_t i = 0; i < picture->server_count && i < before->server_count; i++) {
        struct picture_server *server = &picture->servers[i];
        const struct picture_server *was = &before->servers[i];
        if (server->last_known || !was->last_known || picture->at_us - was->last_at_us > limit_us)
            continue;
        server->last_known = true;
        server->last_runs = was->last_runs;
        server->last_source = was->last_source;
        server->last_at_us = was->last_at_us;
    }
}

const char *picture_site_name(const struct picture *picture, size_t site) {
    return site == SITE_NONE ? "-" : site == SITE_STRANGER ? "a stranger" : picture->sites[site];
}

const char *picture_role(const struct picture *picture, const struct picture_server *server) {
    return server->replica ? "replica" : picture->main[server->site] ? "main" : "remote";
}

const char *picture_thread_word(enum link_thread thread) {
    static const char *const words[] = {"no", "connecting", "yes"};
    return words[thread];
}

/* Once round the ring as it is now, hop by hop, so that no two clocks are compared. */
static void close_circle(struct picture *picture) {
    double sum = 0;
    size_t at = picture->own, hops = 0;
    bool measured = true;
    do {
        const struct picture_server *server = &picture->servers[at];
        if (!server->last_known || !server->last_runs || server->last_source >= picture->site_count)
            return;
        const double hop = server->lag_ms[server->last_source];
        measured = measured && hop >= 0;
        sum += hop;
        at = server->last_source;
    } while (at != picture->own && ++hops < picture->site_count);
    picture->circle_is_closed = at == picture->own;
    if (picture->circle_is_closed && measured)
        picture->full_circle_ms = sum;
}

__attribute__((format(printf, 2, 3))) static void set_note(struct picture_note *note, const char *format,
                                                           ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(note->text, sizeof note->text, format, arguments);
    va_end(arguments);
}

static void take_hint(struct picture *picture, const struct picture_server *server) {
    struct picture_note *hint = &picture->hints[picture->hint_count++];
    const struct dialect *dialect = dialect_for_kind(server->kind);
    if (!server->link_known)
        set_note(hint, "%s: GRANT %s ON *.* TO the monitor user", server->name, dialect->grants_to_watch);
    else if (server->cure)
        set_note(hint, "%s: %s", server->name, server->cure);
    else if (server->source < picture->site_count && server->runs)
        set_note(hint, "%s: it comes back to %s by itself once that answers and has caught up", server->name,
                 picture_site_name(picture, picture_wanted_source(picture, server)));
    else if (server->replica)
        set_note(hint, "%s: `START %s` there, or replicas_follow = true", server->name,
                 dialect->replica_word);
    else
        set_note(hint, "%s: is roundaboutd running there? Its log says what it waits for", server->name);
}

const char *picture_tone_word(enum picture_tone tone) {
    static const char *const words[] = {"ok", "warning", "bad", "unknown"};
    return words[tone];
}

/* The sites that the closed ring goes past, "lyon, nice". */
static void list_bypassed(const struct picture *picture, char *names, size_t size) {
    bool is_in[RING_SITES_MAX] = {false};
    size_t used = 0;
    for (size_t at = picture->own, hops = 0; hops < picture->site_count; hops++) {
        is_in[at] = true;
        at = picture->servers[at].last_source;
    }
    names[0] = '\0';
    for (size_t i = 0; i < picture->site_count && used + 70 < size; i++)
        if (!is_in[i])
            used += (size_t)snprintf(names + used, size - used, "%s%s", used ? ", " : "", picture->sites[i]);
}

static void find_headline(struct picture *picture) {
    char names[160] = "";
    bool all_seen = true, all_paused = true;
    for (size_t i = 0; i < picture->site_count; i++) {
        all_seen = all_seen && picture->servers[i].seen;
        all_paused = all_paused && picture->servers[i].paused;
    }
    if (picture->circle_is_closed)
        list_bypassed(picture, names, sizeof names);
    picture->tone = TONE_BAD;
    if (picture->daemon.present && picture->daemon.step == LINK_HELP)
        snprintf(picture->headline, sizeof picture->headline, "Help is needed at %s",
                 picture->sites[picture->own]);
    else if (picture->daemon.present && picture->daemon.reason == RING_CUT_OFF)
        snprintf(picture->headline, sizeof picture->headline, "No other site answers %s",
                 picture->sites[picture->own]);
    else if (picture->site_count == 1)
        snprintf(picture->headline, sizeof picture->headline, "%s is alone in its ring", picture->sites[0]);
    else if (picture->circle_is_closed && names[0])
        snprintf(picture->headline, sizeof picture->headline, "The ring goes past %s", names);
    else if (picture->circle_is_closed)
        snprintf(picture->headline, sizeof picture->headline, "The ring is %s",
                 !picture->is_whole        ? "closed, but not all is well"
                 : all_paused              ? "whole, and paused"
                 : picture->paused.text[0] ? "whole, and a site is paused"
                                           : "whole");
    else
        snprintf(picture->headline, sizeof picture->headline,
                 all_seen ? "The ring is open" : "Not all of the ring can be seen");
    if (picture->daemon.present && picture->daemon.step == LINK_HELP)
        return;
    if (picture->is_whole && !picture->paused.text[0])
        picture->tone = TONE_OK;
    else if (picture->is_whole || picture->circle_is_closed)
        picture->tone = TONE_WARNING;
    else if (!all_seen)
        picture->tone = TONE_UNKNOWN;
}

void picture_finish(struct picture *picture) {
    picture->is_whole = picture->is_looked_at = true;
    close_circle(picture);
    for (size_t i = 0; i < picture->server_count; i++) {
        const struct picture_server *server = &picture->servers[i];
        if (!server->replica || server->site == picture->own) /* others are their own site's to judge */
            picture->is_looked_at = picture->is_looked_at && server->watched;
        if (server->mark == '*' || !server->watched)
            continue;
        picture->is_whole = false;
        struct picture_note *warning = &picture->warnings[picture->warning_count++];
        if (server->seen || !server->error_code)
            set_note(warning, "%s: %s", server->name, server->words);
        else
            set_note(warning, "%s %s: %u", server->name, server->words, server->error_code);
        if (server->seen)
            take_hint(picture, server);
    }
    picture->is_whole = picture->is_whole && picture->is_looked_at;
    find_headline(picture);
}
