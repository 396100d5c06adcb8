/* Addresses that are listened at and connected to: loopback TCP and unix sockets. */
#ifndef WAN_ADDRESS_H
#define WAN_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_un un;
    } socket;
    socklen_t size;
};

/* "127.0.0.1:PORT" or "unix:PATH". False: it is neither, or no address of this machine's own. */
bool address_parse(const char *text, struct address *address);
void address_print(FILE *out, const struct address *address);

/* The port or the path, and a line's end. */
void address_print_place(FILE *out, const struct address *address);

/* A socket that listens there; a port 0 becomes the one that was given. Ends the process if that can't be. */
int address_listen(struct address *address);

/* Takes a unix socket's file away. */
void address_remove(const struct address *address);

void address_set_no_delay(int fd, const struct address *address);

#endif
