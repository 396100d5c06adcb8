/* How long writes take between the sites, as this host's daemon has measured it: asked at its page, which
 * takes no time, where watching heartbeats arrive takes more than a second. */
#ifndef ROUNDABOUT_DAEMON_LAGS_H
#define ROUNDABOUT_DAEMON_LAGS_H

#include <stdbool.h>

#include "../config/config.h"
#include "../daemon/picture.h"

/* Fills in the lags of the picture's servers that the daemon knows; those that are known to lie behind
 * already stay. False: there is no page, or what answers there is not the daemon of the picture's own site;
 * the picture is as it was. Takes half a second at most, then. */
bool daemon_lags_take(const struct config_http *http, struct picture *picture);

#endif
