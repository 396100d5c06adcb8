/* roundabout ring pause, resume: the daemons change nothing for a while. The order is a row of
 * roundabout.pause, written at every site that answers and carried to the others by replication. */
#include "ring.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../daemon/pause.h"
#include "../daemon/ring.h"
#include "look.h"
#include "ring_hand.h"

enum { EXIT_FINE = 0, EXIT_NOT_EVERYWHERE = 1, EXIT_USAGE = 2 };

#define MINUTES_USUAL 60
#define LIMIT_S       10

static const char PAUSE_HELP[] =
    "usage: roundabout ring pause [-f FILE] [--for MINUTES] [--dry-run] [SITE]\n\n"
    "Tells the daemons of all sites, or of one, to change nothing: no link, no key. Heartbeats go on. They\n"
    "remind of it in their logs, `roundabout status` shows it, and it ends by itself.\n\n"
    "  -f, --config FILE    the configuration; otherwise $ROUNDABOUT_CONFIG, or\n"
    "                       /etc/roundabout/roundabout.conf\n"
    "      --for MINUTES    for how long, 1 to 10080; 60 if it isn't given\n"
    "      --dry-run        print the statements and change nothing\n"
    "  -h, --help           this text\n\n"
    "exit status: 0 every site that answers has the order, 1 one has not, or none answers, 2 usage\n";
static const char RESUME_HELP[] =
    "usage: roundabout ring resume [-f FILE] [--dry-run] [SITE]\n\n"
    "Takes back what `roundabout ring pause` ordered, for all sites or for one, as it was given.\n\n"
    "  -f, --config FILE    the configuration; otherwise $ROUNDABOUT_CONFIG, or\n"
    "                       /etc/roundabout/roundabout.conf\n"
    "      --dry-run        print the statements and change nothing\n"
    "  -h, --help           this text\n\n"
    "exit status: 0 every site that answers has the order, 1 one has not, or none answers, 2 usage\n";

/* The same row everywhere, so it doesn't matter that replication brings it a second time. A server that is
 * being joined is left alone: its row says more. */
static bool write_at(const struct config_ring *ring, const struct look *look, const char *sql, bool dry_run) {
    struct hand hand;
    const bool done = hand_open(&hand, ring, look->site, look->state.kind, LIMIT_S, dry_run) &&
                      hand_run(&hand, "CREATE DATABASE IF NOT EXISTS roundabout", NULL) &&
                      hand_run(&hand, PAUSE_MAKE_TABLE, NULL) && hand_run(&hand, sql, NULL);
    hand_close(&hand);
    return done;
}

bool ring_give_pause(const struct config_ring *ring, const char *site, unsigned minutes, bool dry_run) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct link_pause pause = {.set_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000};
    pause.until_us = minutes ? pause.set_us + (int64_t)minutes * 60000000 : 0;
    struct statement sql = {0};
    pause_write(&sql, site, &pause);
    size_t count, written = 0;
    struct look *looks = look_at_all(ring, 0, &count);
    bool everywhere = looks && !sql.failed;
    for (size_t i = 0; everywhere && i < ring->site_count; i++) {
        if (looks[i].answer.outcome != SERVER_ANSWERED || !looks[i].state.kind)
            printf("WARNING %s doesn't answer; the order comes to it when it is back\n", looks[i].name);
        else if (looks[i].state.site_pauses[i].joining)
            printf("%s: is being joined, and left alone\n", looks[i].name);
        else if (write_at(ring, &looks[i], sql.at, dry_run))
            written++;
        else
            everywhere = false;
    }
    if (everywhere && written == 0)
        fprintf(stderr, "ERROR no site answers\n");
    looks_free(looks, count);
    statement_free(&sql);
    return everywhere && written > 0;
}

static int give(int argc, char **argv, bool pauses) {
    struct ring_words words;
    const int takes = RING_TAKES_SITE | RING_TAKES_DRY_RUN | (pauses ? RING_TAKES_FOR : 0);
    const int ended = ring_read_words(argc, argv, takes, pauses ? PAUSE_HELP : RESUME_HELP, &words);
    if (ended >= 0)
        return ended;
    struct config *config = look_load_config(words.file);
    if (!config)
        return EXIT_USAGE;
    const unsigned minutes = !pauses ? 0 : words.minutes ? words.minutes : MINUTES_USUAL;
    int result = EXIT_USAGE;
    if (!words.argument || ring_find_site(&config->ring, words.argument) != SITE_NONE) {
        server_library_start();
        const bool given = ring_give_pause(&config->ring, words.argument, minutes, words.dry_run);
        server_library_stop();
        result = given ? EXIT_FINE : EXIT_NOT_EVERYWHERE;
        if (given && !words.dry_run && pauses)
            printf("paused for %u minutes; `roundabout ring resume` ends it before\n", minutes);
    }
    config_free(config);
    return result;
}

int ring_pause(int argc, char **argv) {
    return give(argc, argv, true);
}
int ring_resume(int argc, char **argv) {
    return give(argc, argv, false);
}
