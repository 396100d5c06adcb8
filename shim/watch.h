/* The epoll sets that watch main's sockets. A set keeps watching the file that a number stood for when it was
 * added; so that a number can stand for another file in its sets too, what is added to sets is remembered. */
#ifndef ROUNDABOUT_WATCH_H
#define ROUNDABOUT_WATCH_H

#include <stdbool.h>

/* The number is a new connection's of the application: no set knows it yet; those that take it up from now on
 * are remembered. */
void watch_begin(int number);

/* All sets that watch the number are known: it is a connection's, there aren't too many, and memory wasn't
 * short. */
bool watch_is_whole(int number);

/* Makes the number stand for another open file, in the sets that watch it too. `flags` as of dup3. */
void watch_put_under(int number, int file, int flags);

#endif
