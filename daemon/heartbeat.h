/* Each site's daemon writes its own row once an interval; replication carries it round. What another site
 * shows of a row is how fresh that site's copy of this one is. The times are the sender's and only compared
 * with each other or with the sender's own clock. */
#ifndef ROUNDABOUT_HEARTBEAT_H
#define ROUNDABOUT_HEARTBEAT_H

#include "server.h"

#include <stdint.h>

#define HEARTBEAT_READ "SELECT site, sent_us FROM roundabout.heartbeat"

/* Makes the table where it isn't there yet, logged, so that plain replicas get it too. The second unique key,
 * always NULL, makes REPLACE be logged as a delete and a write, which heals a site that lacks the row. */
struct server_answer heartbeat_make_table(struct server *server);

struct server_answer heartbeat_send(struct server *server, const char *site, int64_t now_us);

#endif
