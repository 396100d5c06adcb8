/* A connection to each site and a thread that speaks on it, so that all sites can be asked at once: what is
 * asked of the farthest takes as long as its answer alone, and one that hangs holds up the others for its
 * time limit, not more. Replicas that follow other sites at times (replicas_follow) are in it, too: their
 * bits come after those that sites may have. */
#ifndef ROUNDABOUT_CREW_H
#define ROUNDABOUT_CREW_H

#include "link.h"
#include "server.h"

enum { CREW_MAX = 32, CREW_REPLICA = RING_SITES_MAX };
#define CREW_SITES ((1U << RING_SITES_MAX) - 1)

struct crew;

/* One member's answers are there if its bit was in the question. */
struct crew_answers {
    struct server_answer answer[CREW_MAX];
    struct server_rows *rows[CREW_MAX];
};

/* Nothing is connected yet. `ring` must outlive it; its own site is reached by socket. Nobody waits longer
 * for a replica than replica_limit_s. NULL: no memory or no threads. */
struct crew *crew_start(const struct config_ring *ring, unsigned limit_s, unsigned replica_limit_s);

/* The replicas that are in it, a bit each. */
unsigned crew_replicas(const struct config_ring *ring);

/* "lyon", or "lyon's replica 10.0.0.9:3307". Pure, as the one above is. */
void crew_write_name(const struct config_ring *ring, size_t member, char *name, size_t size);

/* Takes up to the time limit if a server hangs. NULL: nothing happens. */
void crew_stop(struct crew *crew);

/* Asks each of `sites` (a bit a site) its own statement - sql[site] - and waits for all. Which of them
 * answered (SERVER_ANSWERED); the rows are the caller's, for crew_free_rows(). One thread asks at a time. A
 * connection's statements may be a transaction as long as each is answered: after SERVER_UNREACHABLE the next
 * begins on a new connection. */
unsigned crew_ask(struct crew *crew, unsigned sites, const char *const *sql, struct crew_answers *answers);

/* The same statement for all of `sites`. */
unsigned crew_ask_all(struct crew *crew, unsigned sites, const char *sql, struct crew_answers *answers);
void crew_free_rows(struct crew_answers *answers);

/* What kind of server a site has shown to be; unknown before its first answer. */
enum server_kind crew_kind(const struct crew *crew, size_t site);

/* Closes all connections that there are; each is opened again when it's needed. */
void crew_rest(struct crew *crew);

#endif
