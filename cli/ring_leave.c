/* roundabout ring leave: a site is taken out of the ring and nothing is lost. The daemons are told to keep
 * still; the site's successor takes what the site has written, and then follows the site before it; last, the
 * site stops following. The files are the operator's, and so is the end of the pause. Each step looks first
 * whether it's done, so the command may be run again. */
#include "ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../daemon/ring.h"
#include "look.h"
#include "ring_hand.h"

enum { EXIT_FINE = 0, EXIT_NOT_DONE = 1, EXIT_USAGE = 2 };

#define LIMIT_S       10
#define WAIT_MS       60000
#define PAUSE_MINUTES 60

static const char HELP[] = "usage: roundabout ring leave [-f FILE] [--dry-run] SITE\n\n"
                           "Takes SITE out of the ring: pauses the daemons, waits until the site's successor "
                           "has all that the site wrote, makes the\n"
                           "successor follow the site before it, stops the site's own link, and says what to "
                           "take out of the files. The site must\n"
                           "take no more writes by then. Links are made to the addresses in this host's "
                           "file. If the site is dead, what it wrote\n"
                           "and nobody fetched is lost.\n\n"
                           "  -f, --config FILE    the configuration; otherwise $ROUNDABOUT_CONFIG, or\n"
                           "                       /etc/roundabout/roundabout.conf\n"
                           "      --dry-run        print the statements and change nothing\n"
                           "  -h, --help           this text\n\n"
                           "exit status: 0 the site is out (with --dry-run: would be), 1 it isn't, 2 usage\n";

struct leave {
    const struct config_ring *ring;
    size_t site, successor, predecessor;
    bool site_is_seen, dry_run;
    struct link_state states[RING_SITES_MAX];
};

/* The last of the site's own numbers arrives at the successor, at most a minute from now. */
static bool wait_until_taken(const struct leave *leave, struct hand *successor) {
    const struct link_origin site = link_origin_of(&leave->states[leave->site]);
    const unsigned long long last = link_last_number(&leave->states[leave->site], &site);
    struct link_state *now = malloc(sizeof *now);
    const int64_t until_ms = clock_monotonic_ms() + WAIT_MS;
    bool taken = false;
    printf("%s: waits for what %s wrote, up to number %llu\n", successor->name,
           leave->ring->sites[leave->site].name, last);
    while (now && !taken && clock_monotonic_ms() < until_ms) {
        if (link_observe(successor->server, leave->ring, false, now).outcome != SERVER_ANSWERED)
            break;
        taken = link_last_number(now, &site) >= last;
        if (leave->dry_run)
            break;
        if (!taken)
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    free(now);
    if (!taken && !leave->dry_run)
        fprintf(
            stderr,
            "ERROR %s hasn't taken all that %s wrote; `roundabout status` says why; then run this again\n",
            successor->name, leave->ring->sites[leave->site].name);
    return taken || leave->dry_run;
}

static bool point(const struct leave *leave, struct hand *successor) {
    struct script *script = malloc(sizeof *script); /* large */
    const struct script_order order = {.source = &leave->ring->sites[leave->predecessor].server,
                                       .ring = leave->ring};
    const bool made = script &&
                      script_for_step(LINK_POINT, dialect_for_kind(successor->kind), &order, script) &&
                      hand_run_script(successor, script);
    if (script)
        explicit_bzero(script, sizeof *script);
    free(script);
    return made;
}

static bool stop_site(const struct leave *leave, size_t site) {
    struct hand hand;
    char sql[32];
    const enum server_kind kind = leave->states[site].kind;
    snprintf(sql, sizeof sql, "STOP %s", dialect_for_kind(kind)->replica_word);
    const bool stopped =
        hand_open(&hand, leave->ring, site, kind, LIMIT_S, leave->dry_run) && hand_run(&hand, sql, NULL);
    hand_close(&hand);
    return stopped;
}

static bool turn_successor(const struct leave *leave) {
    const struct link_state *state = &leave->states[leave->successor];
    const bool is_alone = leave->successor == leave->predecessor; /* of two: who stays follows nobody */
    if (!is_alone && state->link_exists &&
        state->source_server_id == leave->ring->sites[leave->predecessor].server_id) {
        printf("%s: follows %s already\n", leave->ring->sites[leave->successor].name,
               leave->ring->sites[leave->predecessor].name);
        return true;
    }
    struct hand hand;
    bool done = hand_open(&hand, leave->ring, leave->successor, state->kind, LIMIT_S, leave->dry_run);
    done = done && (!leave->site_is_seen || !link_is_whole(state) || wait_until_taken(leave, &hand));
    if (done && is_alone)
        done = !state->link_exists || stop_site(leave, leave->successor);
    else if (done)
        done = point(leave, &hand);
    hand_close(&hand);
    return done;
}

/* The daemons see the order in their next look, and an order of their own may be under way. */
static void wait_for_daemons(const struct leave *leave) {
    const unsigned wait_ms = 2 * leave->ring->probe_interval_ms + 500;
    if (!leave->dry_run)
        nanosleep(&(struct timespec){.tv_sec = wait_ms / 1000, .tv_nsec = (long)(wait_ms % 1000) * 1000000},
                  NULL);
}

static void print_rest(const struct leave *leave) {
    const struct config_site *site = &leave->ring->sites[leave->site];
    printf("now, before the pause ends in %d minutes:\n"
           "  stop roundaboutd at %s\n"
           "  at every other site take this out of ring.sites, and reload roundaboutd (SIGHUP):\n"
           "    { name = \"%s\"; host = \"%s\"; port = %u; server_id = %u; ... }\n"
           "  then `roundabout ring resume`\n",
           PAUSE_MINUTES, site->name, site->name, site->server.host, site->server.port, site->server_id);
}

static bool may_leave(const struct leave *leave, const struct look *looks) {
    const struct config_ring *ring = leave->ring;
    if (ring->sites[leave->site].main)
        fprintf(stderr, "ERROR %s is the main master's site; make another site main in all files first\n",
                ring->sites[leave->site].name);
    else if (ring->site_count < 2)
        fprintf(stderr, "ERROR %s is the only site\n", ring->sites[leave->site].name);
    else {
        for (size_t i = 0; i < ring->site_count; i++)
            if (i != leave->site && (looks[i].answer.outcome != SERVER_ANSWERED || !looks[i].state.kind)) {
                fprintf(stderr, "ERROR %s can't be seen: %u %s; a site leaves while all others are there\n",
                        looks[i].name, looks[i].answer.code, looks[i].answer.text);
                return false;
            }
        return true;
    }
    return false;
}

static bool run(struct leave *leave, const struct look *looks) {
    const size_t count = leave->ring->site_count;
    leave->predecessor = ring_upstream(count, leave->site, 1);
    leave->successor = ring_upstream(count, leave->site, count - 1);
    leave->site_is_seen =
        looks[leave->site].answer.outcome == SERVER_ANSWERED && looks[leave->site].state.kind;
    if (!may_leave(leave, looks))
        return false;
    for (size_t i = 0; i < count; i++)
        leave->states[i] = looks[i].state;
    if (!leave->site_is_seen)
        printf("WARNING %s doesn't answer; what it wrote and nobody fetched is lost\n",
               leave->ring->sites[leave->site].name);
    if (!ring_give_pause(leave->ring, NULL, PAUSE_MINUTES, leave->dry_run))
        return false;
    wait_for_daemons(leave);
    if (!turn_successor(leave) ||
        (leave->site_is_seen && leave->states[leave->site].link_exists && !stop_site(leave, leave->site)))
        return false;
    print_rest(leave);
    return true;
}

int ring_leave(int argc, char **argv) {
    struct ring_words words;
    const int ended = ring_read_words(argc, argv, RING_TAKES_DRY_RUN | RING_NEEDS_SITE, HELP, &words);
    if (ended >= 0)
        return ended;
    struct config *config = look_load_config(words.file);
    if (!config)
        return EXIT_USAGE;
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct leave *leave = calloc(1, sizeof *leave);
    const size_t site = ring_find_site(&config->ring, words.argument);
    int result = EXIT_USAGE;
    if (leave && site != SITE_NONE) {
        server_library_start();
        size_t count;
        struct look *looks = look_at_all(&config->ring, 0, &count);
        leave->ring = &config->ring;
        leave->site = site;
        leave->dry_run = words.dry_run;
        result = looks && run(leave, looks) ? EXIT_FINE : EXIT_NOT_DONE;
        looks_free(looks, count);
        server_library_stop();
    }
    free(leave);
    config_free(config);
    return result;
}
