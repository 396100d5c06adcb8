/* How the relay is called. */
#ifndef WAN_OPTIONS_H
#define WAN_OPTIONS_H

#include <stdint.h>

#include "wan_address.h"

enum { OPTIONS_ROUTES_MAX = 16 };

/* One --listen with its --to. */
struct route {
    struct address from, to;
    int listener;
};

struct options {
    struct route routes[OPTIONS_ROUTES_MAX];
    size_t route_count;
    int64_t delay_ns;
    const char *port_file; /* NULL: none */
};

/* Ends the process where they are wrong, or ask for help. */
void options_read(int argc, char **argv, struct options *options);

#endif
