/* The shim's own log: one line per change of state, to the configured file or to standard error, never to
 * standard output; a line is left out where standard error isn't any more what the name says, or nobody reads
 * it. Each line is one write(2), so that lines of several processes don't mix. Keeps errno. Any thread, which
 * isn't cancelled here; allocates nothing. No statement, no value and no password is ever given to it. */
#ifndef ROUNDABOUT_LOG_H
#define ROUNDABOUT_LOG_H

#include "../config/config.h"

#include <stdint.h>

/* file NULL: standard error. A file that can't be opened: standard error, and one line that says so. Call
 * once. */
void log_open(const char *file, enum config_log_level level);
bool log_wants(enum config_log_level level);
void log_write(enum config_log_level level, const char *format, ...)
    __attribute__((cold, format(printf, 2, 3)));

/* Remembers the state of something that is logged on change only. True if `state` differs from what was last
 * said of `key` (0 for a key never seen). Room for 256 keys; those beyond are as if they always changed back
 * and forth, and are not logged: false. */
bool log_state_changed(uint64_t key, unsigned state);
bool log_knows_states(void); /* false: nothing was ever said of any key, and nothing is to be said of 0 */

uint64_t log_key(uint64_t seed, const char *text, size_t length); /* a hash that is never 0 */

#endif
