/* All that can be shown of a ring at one moment, as plain values: what the page, the status as JSON, the
 * metrics and `roundabout status` are made from. Once made it isn't changed, and may be read by any thread.
 * What isn't known is so marked, and shown as such, never as zero. */
#ifndef ROUNDABOUT_PICTURE_H
#define ROUNDABOUT_PICTURE_H

#include "compared.h"
#include "journal.h"
#include "ring.h"
#include "routing.h"
#include "server.h"

/* A lag that isn't known. Below 0, and above this: it is at least that much, and grows. */
#define PICTURE_LAG_UNKNOWN (-1e15)

struct picture_server {
    char name[192]; /* the site's; or its site's and the replica's address */
    size_t site;
    bool replica;
    bool watched;    /* false: another site's replica; nobody here looks at it */
    char mark;       /* '*' as it should be, '?' not seen, '!' not as it should be */
    char words[120]; /* what it is: "whole", "stopped", ... */
    bool seen;       /* false: nothing is known of what follows down to `runs` */
    enum server_kind kind;
    char version[64];
    unsigned server_id, offset, increment;
    size_t source; /* whom it follows: a site; SITE_NONE, SITE_STRANGER */
    bool link_known, link_exists, runs;
    enum link_thread io, sql;
    long seconds_behind; /* -1: not known */
    unsigned error_code;
    const char *meaning, *cure; /* static; NULL: no error */
    enum site_life life;        /* of a site, in the daemon; SITE_UNKNOWN: not judged */
    bool bypassed;
    bool paused; /* of a site: its daemon is told to change nothing */
    double lag_ms[RING_SITES_MAX]; /* of each origin's writes here */
    /* What held when it was last seen, so that one lost answer is no event: picture_carry(). */
    bool last_known, last_runs;
    size_t last_source;
    int64_t last_at_us;
};

struct picture_note {
    char text[500];
};

/* What only the daemon knows; `roundabout status` leaves it out. */
struct picture_daemon {
    bool present;
    const char *version; /* static; of the program */
    char words[400];     /* its plan for this site's own link */
    enum link_step step;
    enum ring_reason reason;
    bool changes_nothing; /* manage = "watch", or --dry-run */
    int64_t started_us;   /* since 1970 */
    uint64_t turns, heartbeats;
    uint64_t event_counts[EVENT_COUNT];
    uint64_t commands_run, commands_dropped; /* on_event */
};

#define PICTURE_ENTRIES 40
#define PICTURE_HISTORY 180

/* One sample of the small plot. */
struct picture_sample {
    int64_t at_s;
    bool routing_known;
    uint64_t routed, statements; /* sums, as the counters have them */
    double full_circle_ms;       /* below 0: not known */
};

/* How the whole is doing, for a colour and a word. */
enum picture_tone { TONE_OK, TONE_WARNING, TONE_BAD, TONE_UNKNOWN };

struct picture {
    unsigned holders; /* of which the last one's picture_free() frees it */
    int64_t at_us;    /* since 1970 */
    size_t site_count, own;
    char sites[RING_SITES_MAX][64];
    bool main[RING_SITES_MAX];
    struct picture_server *servers; /* the sites in ring order, then the replicas */
    struct picture_note *warnings, *hints;
    bool pauses_known;          /* a site has answered: all have the same orders */
    struct picture_note paused; /* which sites are, in words; "": none */
    size_t server_count, warning_count, hint_count; /* notes: at most one a server */
    bool is_looked_at;     /* each server that is to be watched from here has been looked at */
    bool is_whole;         /* that, and all are as they should be */
    bool circle_is_closed; /* links that run lead from the own site back to it */
    double full_circle_ms; /* below 0: not known */
    enum picture_tone tone;
    char headline[200];
    struct picture_daemon daemon;
    struct compared compared;
    struct routing routing;
    size_t entry_count, sample_count;
    struct journal_entry entries[PICTURE_ENTRIES];  /* newest first */
    struct picture_sample samples[PICTURE_HISTORY]; /* oldest first */
};

/* The ring's sites and the room for all servers; nothing is seen yet. NULL: no memory. */
struct picture *picture_make(const struct config_ring *ring);
/* One more holder, of any thread; each gives it to picture_free(). NULL: nothing happens. */
struct picture *picture_share(struct picture *picture);
void picture_free(struct picture *picture);

/* What one look showed of a server: servers[place], whose name, site and replica are set. */
void picture_take_look(struct picture *picture, const struct config_ring *ring, size_t place,
                       const struct server_answer *answer, const struct link_state *state);

/* Who is told to change nothing, by `roundabout ring pause` or for a join: one state a site, NULL where it
 * isn't seen now. */
void picture_take_pauses(struct picture *picture, const struct link_state *const *states);

/* Takes over from the picture before what held of servers that aren't seen now, for that long. */
void picture_carry(struct picture *picture, const struct picture *before, int64_t limit_us);

/* When all looks, pauses and lags are in: whether the ring is whole, the full circle, and the notes. */
void picture_finish(struct picture *picture);

/* "lyon"; "-" for SITE_NONE, "a stranger" for SITE_STRANGER. */
const char *picture_site_name(const struct picture *picture, size_t site);
const char *picture_role(const struct picture *picture, const struct picture_server *server);
const char *picture_tone_word(enum picture_tone tone); /* "ok", "warning", ... */
const char *picture_thread_word(enum link_thread thread);
/* Whom it should follow while all sites are up. */
size_t picture_wanted_source(const struct picture *picture, const struct picture_server *server);

/* What happened between two pictures of one ring, by `tell`, in a sensible order. Pure. */
void picture_compare(const struct picture *before, const struct picture *after,
                     void (*tell)(void *context, enum event event, const char *site, const char *detail),
                     void *context);

#endif
