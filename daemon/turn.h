/* One daemon's turns: what the watches saw becomes samples, samples become lives, lives and links become a
 * plan, and a plan's statements are handed to the watch of the server that they are for. Everything but the
 * clock is in here; the loop around it is main's. */
#ifndef ROUNDABOUT_TURN_H
#define ROUNDABOUT_TURN_H

#include "compared.h"
#include "journal.h"
#include "ring.h"
#include "site.h"
#include "watch.h"

struct turn;

struct turn_setup {
    const struct config_ring *ring; /* outlives the turn */
    const struct config *config; /* with that ring in it: cache tables are compared too; NULL: they aren't */
    bool dry_run;                   /* statements are logged and not run; as with manage = "watch" */
    int wake_fd;                    /* an eventfd, written when something was seen; -1: none */
    struct journal *journal;        /* gets each statement that is run, without passwords; NULL: none */
};

/* Starts a watch for each site and for this site's own replicas. NULL: no memory or no threads. */
struct turn *turn_start(const struct turn_setup *setup);
void turn_stop(struct turn *turn);

/* Waits until every watch has ended one look, at most till then. */
void turn_wait_for_looks(struct turn *turn, int64_t until_ms);

/* One turn. True: a statement was ordered in it, or is still under way. */
bool turn_run(struct turn *turn, int64_t now_ms);

/* The plan for this site's own link in the last turn, in words: "lyon<-paris: the link from paris is whole".
 */
const char *turn_words(const struct turn *turn);
const struct ring_plan *turn_plan(const struct turn *turn);

/* What is known of a site, and of a replica behind this one's server. They live as long as the turn, and are
 * this thread's. */
const struct site_record *turn_site(const struct turn *turn, size_t site);
const struct watch_report *turn_replica(const struct turn *turn, size_t replica);
bool turn_may_change(const struct turn *turn);

/* What comparing cache tables has come to. */
void turn_read_compared(const struct turn *turn, struct compared *compared);

/* How often heartbeats were written; for tests. */
unsigned turn_heartbeats(const struct turn *turn);

#endif
