/* The cache tables compared between the living sites, chunk by chunk at a bounded rate. What differs becomes
 * suspects; whether they stay so is suspects.h's business. comparison_load.c: which tables there are and when
 * they were written to; comparison.c: what is in them. */
#ifndef ROUNDABOUT_COMPARISON_H
#define ROUNDABOUT_COMPARISON_H

#include "catalogue.h"
#include "compared.h"
#include "crew.h"
#include "diverge.h"
#include "log.h"
#include "settle.h"
#include "sweep.h"

/* A key that was said to differ, so that it's said once. */
struct comparison_known {
    char name[DIVERGE_NAME_BYTES];
    uint64_t sweep; /* in which it was last found */
};

struct comparison_table {
    struct catalogue_table entry;    /* shares the catalogue's memory */
    char name[2 * CHUNK_NAME_BYTES]; /* database.table */
    struct sweep sweep;
    uint64_t sweeps; /* how many have begun */
    struct settle settle;
    struct compared_counts counts;
    char stamps[CREW_MAX][64]; /* when it was last written to, by member; "?": it wasn't told */
    unsigned replicas;         /* where it is, defined as here */
    unsigned strangers;        /* replicas that hold so much else that they are no replicas of it */
    unsigned strays;           /* keys that were repaired because replicas alone differed, of late */
    uint64_t stray_sweep;      /* in which there was one last */
    bool refused;              /* it can't be compared */
    bool repairable;
    int64_t repairs_from_ms; /* a repair was refused: none before then */
    struct comparison_known *known;
    size_t known_count, known_room;
    bool has_news; /* one was learnt that wasn't told in their number */
    struct log_subject subject, findings;
};

struct comparison {
    const struct config *config;
    struct crew *crew;
    unsigned replicas; /* which are compared now; one that doesn't answer drops out */
    struct catalogue catalogue;
    struct comparison_table *tables;
    size_t count;
    int64_t next_ms; /* not before then, for the rate's sake */
    struct statement sql;
    struct log_subject subject;
};

void comparison_open(struct comparison *comparison, const struct config *config, struct crew *crew);
void comparison_close(struct comparison *comparison);

/* Reads which tables there are at the `living` sites and the replicas. `*changed`: they aren't the same as
 * before, and all sweeps begin anew; what pointed at tables does so no more. False: not all sites answered,
 * and nothing is known that wasn't before. */
bool comparison_load(struct comparison *comparison, unsigned living, bool *changed);

/* Whether all tables that were found can be compared, and repaired where that is asked for. False also where
 * none was found. */
bool comparison_is_content(const struct comparison *comparison);

/* Reads at each site when each table was last written to, and notes those that were since. */
void comparison_note_writes(struct comparison *comparison, unsigned living, int64_t now_ms);

/* A range of the table, or a key of it, or all of all tables, has come to this end. */
void comparison_note(struct comparison_table *table, enum settle_end end, int64_t now_ms);
void comparison_note_all(struct comparison *comparison, enum settle_end end, int64_t now_ms);

/* The table whose next chunk is due, or NULL; `*due_ms` is when the next one will be. */
struct comparison_table *comparison_due(struct comparison *comparison, int64_t now_ms, int64_t *due_ms);

/* Looks at the next chunk of the table. The suspects found are put into `found` (of `room`), their keys owned
 * by the caller. */
size_t comparison_visit(struct comparison *comparison, struct comparison_table *table, unsigned living,
                        struct suspect *found, size_t room);

/* Remembers that a key of the table differs. True: it wasn't known. */
bool comparison_learn(struct comparison_table *table, const char *name);

/* Says how many keys of it are known to differ. */
void comparison_tell_known(struct comparison_table *table);

/* Heartbeats as these members have them now; which of them answered. */
unsigned comparison_read_beats(struct crew *crew, const struct config_ring *ring, unsigned members,
                               struct diverge_beats *beats);

/* Asks the living sites, and of `replicas` those that are compared now, which drop out if they don't answer.
 * Which of all answered; 0: not all sites did. */
unsigned comparison_ask(struct comparison *comparison, unsigned living, unsigned replicas, const char *sql,
                        struct crew_answers *answers);

#endif
