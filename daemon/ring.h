/* Who should follow whom. One local rule: follow the nearest living site upstream. Pure: what was seen of all
 * sites, the configuration and the time in; one step out. Nothing here looks at a server, a clock or a file.
 */
#ifndef ROUNDABOUT_RING_H
#define ROUNDABOUT_RING_H

#include "tally.h"

enum site_life {
    SITE_UNKNOWN, /* not looked at yet */
    SITE_ALIVE,
    SITE_DOUBTFUL, /* doesn't answer, or not steadily; not long enough to be called dead */
    SITE_DEAD,
};

/* The last answers of one site to the daemon's own probes, newest in bit 0, set where the probe failed. */
struct site_samples {
    uint32_t failed;
    unsigned count;  /* up to 32 */
    int64_t good_ms; /* when the last good probe was, or the first probe at all; monotonic */
};

void samples_add(struct site_samples *samples, bool failed, int64_t now_ms);

/* Dead takes both: N of the last M probes failed and nothing heard for dead_after_ms, by probe or -
 * `link_moves` - over the link. */
enum site_life ring_judge(const struct site_samples *samples, const struct config_ring *ring, bool link_moves,
                          int64_t now_ms);

/* No failed probe in the last M, and M probes made. */
bool ring_is_steady(const struct site_samples *samples, const struct config_ring *ring);

/* Why. value, sentence: %t is the target's name, %s the present source's. */
/* clang-format off: one row, one line */
#define RING_REASONS(X)                                                                         \
    X(WHOLE, "the link from %s is whole")                                                       \
    X(ALONE, "a ring of one has no links")                                                      \
    X(OWN_UNREACHABLE, "this site's own server doesn't answer")                                 \
    X(OWN_UNSEEN, "this site's own server doesn't show its link to the monitor user")           \
    X(LOOKING, "not all sites have been looked at yet")                                         \
    X(CUT_OFF, "no other site answers: this one is cut off")                                    \
    X(NOT_ANSWERING, "%s doesn't answer; not long enough to be called dead")                    \
    X(SOURCE_UNSEEN, "%t answers but doesn't show its state to the monitor user")               \
    X(NOBODY, "no site upstream can be followed now")                                           \
    X(COOL_DOWN, "the source was changed a moment ago; the next change is for %t")              \
    X(NO_LINK, "there is no link yet; it is made to %t")                                        \
    X(BYPASS, "%s is dead; %t is the nearest living site upstream")                             \
    X(DRAINING, "%s is dead; what was fetched from it is applied before %t is followed")        \
    X(HOLD, "%s is dead, and what it wrote meanwhile is to be left out: it isn't followed before it was seen again") \
    X(BACK, "%t is back; what it wrote that was never seen here is left out")                  \
    X(RETURN, "%t is back and has caught up")                                                   \
    X(ELSEWHERE, "the link points at a server that is not in the ring; it is pointed at %t")    \
    X(NOT_GTID, "the link from %t doesn't use GTIDs as a ring needs")                           \
    X(OTHER_USER, "the link from %t uses another replication user than the file says")          \
    X(STOPPED, "the link from %s is stopped")                                                   \
    X(STALLED, "the link from %s brings nothing though %s has news")                            \
    X(CONNECTING, "the link from %s is connecting")                                             \
    X(BACK_OFF, "the link from %s failed; tried again later")                                   \
    X(FAILED, "the link from %s failed")                                                        \
    X(PURGED, "%s has purged binary logs that this site still needs")                           \
    X(HOLE, "%s has left out a returning site's writes which were seen here; it is followed from behind them") \
    X(SET_BACK, "a crash has set this site's tables back behind its own binary log")            \
    X(LOST_SOURCE, "%s came back without its GTID position and gives out numbers twice: run `roundabout ring join %s`; "  \
                   "%t is followed meanwhile")                                                  \
    X(LOST, "%t came back without its GTID position and isn't followed: run `roundabout ring join %t`") \
    X(JOINING, "%s is being joined; %t is followed meanwhile")                                  \
    X(JOINS, "%t is being joined, and isn't followed before that is done")                      \
    X(LOST_SELF, "this site's server came back without its GTID position; nothing is written or changed there "  \
                 "until `roundabout ring join` was run for it")                                 \
    X(BLANK, "%s has purged binary logs that this empty site would need: run `roundabout ring join` for it") \
    X(DISK, "this site's server waits for disk space")                                          \
    X(MIXED, "%t is another kind of server; MariaDB and MySQL can't share a ring")              \
    X(OLD_SERVER, "%t is a server of a version that isn't supported")                           \
    X(SAME_ID, "%t has this server's own server_id")                                            \
    X(WRONG_ID, "%t has another server_id than the file says: is it that server?")              \
    X(SAME_DOMAIN, "%t has this server's own gtid_domain_id")                                   \
    X(NO_BINLOG, "%t doesn't write a binary log")                                               \
    X(NO_UPDATES, "%t doesn't log what it replicates (log_slave_updates, log_replica_updates)") \
    X(NO_GTID, "%t isn't set up for GTIDs (gtid_ignore_duplicates; gtid_mode, enforce_gtid_consistency)")
/* clang-format on */

enum ring_reason {
#define X(value, sentence) RING_##value,
    RING_REASONS(X)
#undef X
        RING_REASON_COUNT
};

const char *ring_reason_name(enum ring_reason reason);
const char *ring_reason_sentence(enum ring_reason reason);

struct ring_site {
    enum site_life life;
    bool steady;
    int64_t silent_ms; /* how long nothing was heard of it */
    bool bypassed;     /* was dead, and hasn't been followed since */
    enum site_memory memory;
    const struct link_state
        *state; /* what it last showed; NULL: nothing, ever or since it stopped answering */
};

#define SITE_NONE     ((size_t)-1) /* there is no link */
#define SITE_STRANGER ((size_t)-2) /* the link points at no site of the ring */

struct ring_view {
    const struct config_ring *ring; /* its sites are the sites below */
    struct ring_site sites[RING_SITES_MAX];
    size_t me;
    bool
        replica; /* the link is that of a plain replica of my site, which follows my own server if it lives */
    const struct link_state *link; /* the server whose link this is about; NULL: it can't be seen */
    int64_t now_ms;
    int64_t changed_ms;          /* when this daemon last changed the link's source; -1: never */
    int64_t moved_ms;            /* when the link last brought anything */
    int64_t applied_ms;          /* when the link last applied anything */
    int64_t connecting_since_ms; /* -1: it isn't connecting */
    int64_t failed_since_ms;     /* when the present failure was first seen, or last acted upon */
    unsigned attempts;           /* how often the present failure was acted upon */
};

struct ring_plan {
    enum link_step step;
    enum ring_reason reason;
    size_t target;       /* the site to follow; or SITE_NONE */
    size_t source;       /* the site that is followed now; or SITE_NONE, SITE_STRANGER */
    bool skip_returning; /* LINK_POINT: without the writes that the target made before it was seen again */
    bool correction;     /* the step answers a failure: it counts as an attempt */
    const struct link_error *error; /* never NULL */
};

struct ring_plan ring_plan(const struct ring_view *view);

/* "lyon<-paris: the link from paris is whole", with `name` for the one whose link it is. */
void ring_write_words(const struct config_ring *ring, const struct ring_plan *plan, const char *name,
                      char *words, size_t size);

/* `one` shows the heartbeats of `origin` as fresh as `other` does. Both times come from the origin's clock, so
 * clocks needn't agree; the looks at the two servers may lie some turns apart. */
bool ring_is_level(const struct config_ring *ring, const struct link_state *one, const struct link_state *other,
                   size_t origin);

/* Which site of the ring the link points at; SITE_NONE, SITE_STRANGER. */
size_t ring_find_source(const struct config_ring *ring, const struct link_state *link);

/* Why `me` can't follow `site`, whatever the moment; RING_WHOLE if nothing speaks against it. `expected_id`
 * is the file's server_id. */
enum ring_reason ring_unfit(const struct link_state *me, const struct link_state *site, unsigned expected_id,
                            bool replica);

/* The site `distance` steps upstream of `from`. */
size_t ring_upstream(size_t count, size_t from, size_t distance);

#endif
