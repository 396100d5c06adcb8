/* Whom a request is for. A page from elsewhere can give this host a name of its own (DNS rebinding) and have
 * a browser ask by it; such requests are refused. Pure. */
#ifndef ROUNDABOUT_HOST_H
#define ROUNDABOUT_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* `host` is the request's Host header, "name", "name:port" or "[address]:port", NULL if it has none;
 * `address` the one that the connection came in at, as text. Ours are: that address; `localhost` where that
 * address is of the loopback; the names allowed. Any port will do: the way here may lead through a tunnel. */
bool host_is_ours(const char *host, const char *address, char *const *allowed, size_t allowed_count);

#endif
