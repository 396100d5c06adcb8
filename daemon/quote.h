/* SQL string literals. */
#ifndef ROUNDABOUT_QUOTE_H
#define ROUNDABOUT_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

/* `value` with its quotes, for a session with neither ANSI_QUOTES nor NO_BACKSLASH_ESCAPES, which is what
 * server_query()'s sessions are. False: no room. */
bool quote_text(const char *value, char *quoted, size_t size);

#endif
