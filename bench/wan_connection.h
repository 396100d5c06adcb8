/* Connections: two sockets each, and what is under way between them. Set-up: a relay can't hold back the
 * client's connect(), which returns as soon as the kernel has the connection. The handshake is made up for
 * afterwards: it travels the line three times (SYN, SYN-ACK, ACK) before the relay connects to the server.
 * The server's greeting is thus with the client after two round trips, and the answer to a client that speaks
 * first as well: just as over a real distance. Only a refusal comes late, after 1.5 round trips instead of 1.
 */
#ifndef WAN_CONNECTION_H
#define WAN_CONNECTION_H

#include "wan_line.h"
#include "wan_options.h"

/* The epoll set in which the sockets are watched, with their ends as data. */
void connections_open(int epoll);

/* Whoever waits at the route's listener is taken in. */
void connections_accept(const struct route *route);

/* Something has happened at the end's socket. */
void connections_tend(struct end *end, uint32_t events);

/* Lets out what is due on the line. What is put on it meanwhile waits for the next turn, even without any
 * delay. */
void connections_release_due(void);

/* A connection is freed only between turns: events of this turn may still point to it. */
void connections_free_dead(void);

#endif
