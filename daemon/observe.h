/* One look at a server: its settings, its link, the heartbeats that reached it. */
#ifndef ROUNDABOUT_OBSERVE_H
#define ROUNDABOUT_OBSERVE_H

#include "link.h"
#include "server.h"

/* Fills `state`. SERVER_ANSWERED: all that the monitor user may see is there; what it may not see is marked
 * unknown, with the error number. Otherwise `state` is all zeros, or for SERVER_REFUSED whatever the server
 * said before it refused. At most three round trips, and two more with `oldest`, which reads the position
 * that the server's binary logs begin with. */
struct server_answer link_observe(struct server *server, const struct config_ring *ring, bool oldest,
                                  struct link_state *state);

int64_t clock_real_us(void);
int64_t clock_monotonic_ms(void);

#endif
