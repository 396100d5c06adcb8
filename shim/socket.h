/* The sockets of connections: learnt at the connect, and told from what their numbers may stand for later. */
#ifndef ROUNDABOUT_SOCKET_H
#define ROUNDABOUT_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

struct socket {
    int number; /* -1: not known */
    dev_t device;
    ino_t inode;
};

/* Between the two the sockets that this thread connects are noted: the way to learn a connection's own where
 * the library doesn't tell it. The end gives the first of them that is a stream and open still, else number
 * -1. */
void socket_catch_begin(void);
struct socket socket_catch_end(void);

struct socket socket_of(int number);
bool socket_is_same(const struct socket *socket); /* its number stands for it still */

#endif
