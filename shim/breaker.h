/* The circuit breaker of this process for its one local master: after a failure nobody tries it for
 * retry_after_ms; then one statement probes. Any thread, no lock. */
#ifndef ROUNDABOUT_BREAKER_H
#define ROUNDABOUT_BREAKER_H

#include <stdbool.h>

/* May the local master be tried now? While it is down this says true once per period, to the one who is to
 * probe it. */
bool breaker_allows(unsigned retry_after_ms);

/* The local master could not be reached or was lost. `why` is for the log, one line when it was up until now.
 */
void breaker_failed(unsigned retry_after_ms, const char *why);

/* It answered. One line when it was down. */
void breaker_succeeded(void);

bool breaker_is_open(void);

#endif
