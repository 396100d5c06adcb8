/* Which Roundabout this is: the Makefile says, by debian/changelog. */
#ifndef ROUNDABOUT_DAEMON_VERSION_H
#define ROUNDABOUT_DAEMON_VERSION_H

#ifndef ROUNDABOUT_VERSION
#define ROUNDABOUT_VERSION "unknown"
#endif

#endif
