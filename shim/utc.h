/* The time as a log line has it. Pure: takes no lock, unlike gmtime_r() and strftime(), which take that of the
 * time zone's data; a child of fork() may inherit it held. */
#ifndef ROUNDABOUT_UTC_H
#define ROUNDABOUT_UTC_H

#include <stdint.h>

#define UTC_BYTES 96 /* more than the farthest year takes: what a compiler can prove */

/* Seconds since 1970 as "2026-11-30T05:06:31Z". */
void utc_write(int64_t seconds, char text[UTC_BYTES]);

#endif
