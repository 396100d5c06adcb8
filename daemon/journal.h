/* What the daemon did and saw, newest last: the last entries in memory, and all of them in a bounded file if
 * there is one. Used by the loop's thread alone. */
#ifndef ROUNDABOUT_JOURNAL_H
#define ROUNDABOUT_JOURNAL_H

#include <stdint.h>

#include "../config/config.h"
#include "event.h"

#define JOURNAL_ENTRIES 200 /* in memory */
#define JOURNAL_DETAIL  400

struct journal_entry {
    uint64_t number; /* 1 is the first since the daemon started */
    int64_t at_us;   /* since 1970 */
    enum event event;
    char site[64];               /* the site or server that it is about; "" none */
    char detail[JOURNAL_DETAIL]; /* cut to fit, at a character's end */
};

struct journal;

/* NULL: no memory. `config` NULL or without a file: memory only. */
struct journal *journal_open(const struct config_journal *config);
void journal_close(struct journal *journal);

/* Another file from now on; the entries in memory stay. A file that can't be opened is logged, and the
 * journal goes on in memory. */
void journal_use(struct journal *journal, const struct config_journal *config);

/* `journal` NULL: nothing happens. `detail` holds no secrets. */
void journal_add(struct journal *journal, enum event event, const char *site, const char *detail);

/* The newest `most` entries, newest first; how many there are. */
size_t journal_read(const struct journal *journal, struct journal_entry *entries, size_t most);

/* The number of the last entry; 0: none yet. */
uint64_t journal_last(const struct journal *journal);
/* The entry of that number, while it is in memory; else NULL. Until the next one is added. */
const struct journal_entry *journal_find(const struct journal *journal, uint64_t number);

/* How often each event was entered since the start. */
uint64_t journal_count(const struct journal *journal, enum event event);

#endif
