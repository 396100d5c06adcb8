/* The circuit breaker of one local master: after a failure nobody tries it for retry_after_ms; then one
 * process probes: it begins a connection, and once the server has answered on it, or refused it, one
 * statement tries. So a host that is silent makes nobody wait again. It is in a page that all processes of
 * this user share (page/page.h); where that can't be had, in this process. The daemon of the host opens it,
 * too, for all users, by what it says in the site's page; and what programs of one user have found makes those of another look
 * before they wait (page/files.h), which a lie costs a look. A process whose failures others contradict - in a
 * jail without the socket, out of descriptors - comes to keep one of its own, so that it doesn't close the
 * way for all. Any thread, no lock. Keeps errno. */
#ifndef ROUNDABOUT_BREAKER_H
#define ROUNDABOUT_BREAKER_H

#include "../config/config.h"

#include <stdint.h>

/* May the local master be tried now? While it is down this says true once per period at most, to the one who
 * is to try it. A prober that never tells how it went holds the others up for retry_after_ms and
 * connect_timeout_s at most. */
bool breaker_allows(const struct config *config);

/* The same, by a new connection: then the daemon's word opens the breaker, once for each silence that it
 * tells of. */
bool breaker_allows_opening(const struct config *config);

/* Before a connection is opened. False: another process has been at it for so long, or so many of them, that it looks as if
 * nobody answers; what they find will tell. True: breaker_end_connect() follows with the same token. */
bool breaker_begin_connect(const struct config *config, int64_t *token);
void breaker_end_connect(const struct config *config, int64_t token);

/* The local master could not be reached or was lost. `why` is for the log, one line when it was up until now.
 */
__attribute__((cold)) void breaker_failed(const struct config *config, const char *why);

/* It answered. One line when it was down. */
void breaker_succeeded(const struct config *config);

__attribute__((cold)) bool breaker_is_open(const struct config *config);

#endif
