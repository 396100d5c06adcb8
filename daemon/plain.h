/* Text that strangers wrote - servers, mostly - made fit for a terminal, a log's line and a page. */
#ifndef ROUNDABOUT_PLAIN_H
#define ROUNDABOUT_PLAIN_H

#include <stddef.h>

/* How many bytes the printable UTF-8 character at `text` has; 0: it is none, but the end, a broken one or one
 * that acts: a control (C0, DEL, C1: terminals obey these) or one that turns the direction of what follows.
 */
size_t plain_length(const char *text);

/* Copies as much as there is room for, in whole characters, with an end. Line ends and tabs become blanks,
 * other bytes that aren't plain '?'. `to` may be `from`. */
void plain_copy(char *to, size_t size, const char *from);

#endif
