/* A site's server in hand, for the verbs that change the ring: each statement is said before it is run, so
 * that what was printed last is what was under way when something failed. */
#ifndef ROUNDABOUT_CLI_RING_HAND_H
#define ROUNDABOUT_CLI_RING_HAND_H

#include "../daemon/script.h"
#include "../daemon/server.h"

struct hand {
    const char *name; /* the site's */
    struct server *server;
    enum server_kind kind;
    bool dry_run; /* statements that change anything are said only */
};

/* Each answer may take limit_s. False after an error was printed: no memory. Give it to hand_close() in any
 * case. */
bool hand_open(struct hand *hand, const struct config_ring *ring, size_t site, enum server_kind kind,
               unsigned limit_s, bool dry_run);
void hand_close(struct hand *hand);

/* A statement that changes something. `shown` NULL: it has no secret. False after an error was printed. */
bool hand_run(struct hand *hand, const char *sql, const char *shown);
bool hand_run_script(struct hand *hand, const struct script *script);

/* The same without a word, and not in a dry run. */
bool hand_run_quietly(struct hand *hand, const char *sql);

/* A question, in a dry run too; the rows are the caller's. False after an error was printed. */
bool hand_ask(struct hand *hand, const char *sql, struct server_rows **rows);

/* What the words on a ring verb's command line said. */
struct ring_words {
    const char *file, *argument; /* NULL: not given */
    bool dry_run, copy, empty;
    unsigned minutes; /* --for; 0: not given */
};
enum {
    RING_TAKES_DRY_RUN = 1,
    RING_TAKES_COPY = 2,
    RING_TAKES_FOR = 4,
    RING_TAKES_SITE = 8,
    RING_NEEDS_SITE = 24
};

/* The exit status to end with, after help or an error was printed; -1: go on. */
int ring_read_words(int argc, char **argv, int takes, const char *help, struct ring_words *words);

/* The place of the site of this name; SITE_NONE after an error was printed. */
size_t ring_find_site(const struct config_ring *ring, const char *name);

#endif
