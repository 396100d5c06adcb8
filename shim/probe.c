#define _GNU_SOURCE
#include "probe.h"

#include "descriptor.h"
#include "real.h"
#include "socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Compared before it is used: a program that closes "all" descriptors may have made another file of its
 * number. */
static struct socket probe = {.number = -1};

union address {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

/* Its length; 0: it isn't known without a look-up. */
static socklen_t address_of(const struct config_server *server, union address *address) {
    memset(address, 0, sizeof *address);
    if (server->socket) {
        address->local.sun_family = AF_UNIX;
        bool fits = strlen(server->socket) < sizeof address->local.sun_path;
        strncpy(address->local.sun_path, server->socket, sizeof address->local.sun_path - 1);
        return fits ? sizeof address->local : 0;
    }
    const char *host = server->host ? server->host : "";
    if (inet_pton(AF_INET, host, &address->four.sin_addr) == 1) {
        address->four.sin_family = AF_INET;
        address->four.sin_port = htons((uint16_t)server->port);
        return sizeof address->four;
    }
    if (inet_pton(AF_INET6, host, &address->six.sin6_addr) == 1) {
        address->six.sin6_family = AF_INET6;
        address->six.sin6_port = htons((uint16_t)server->port);
        return sizeof address->six;
    }
    return 0;
}

static enum probe look(int wait_ms) {
    if (probe.number < 0 || !socket_is_same(&probe)) {
        probe.number = -1;
        return PROBE_NONE;
    }
    struct pollfd watched = {.fd = probe.number, .events = POLLIN};
    if (poll(&watched, 1, wait_ms) <= 0) {
        return PROBE_SILENT;
    }
    char byte;
    ssize_t got = recv(probe.number, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    bool answered = got > 0 || (got < 0 && errno == ECONNREFUSED);
    return answered ? PROBE_ANSWERED : got < 0 && errno == EAGAIN ? PROBE_SILENT : PROBE_NONE;
}

enum probe probe_begin(const struct config_server *server, int wait_ms) {
    int kept_errno = errno;
    union address address;
    socklen_t length = address_of(server, &address);
    probe_end();
    int number = -1;
    if (length > 0) {
        struct descriptor_standard standard;
        descriptor_occupy_standard(&standard);
        number = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        descriptor_vacate_standard(&standard);
    }
    enum probe seen = PROBE_NONE;
    if (number >= 0 && (real_connect(number, &address, length) == 0 || errno == EINPROGRESS)) {
        probe = socket_of(number);
        seen = look(wait_ms);
    } else if (number >= 0) {
        seen = errno == EAGAIN ? PROBE_SILENT
                               : PROBE_NONE; /* a local socket with a long queue: as frozen as can be */
        close(number);
    }
    if (seen != PROBE_SILENT) {
        probe_end();
    }
    errno = kept_errno;
    return seen;
}

enum probe probe_look(void) {
    int kept_errno = errno;
    enum probe seen = look(0);
    errno = kept_errno;
    return seen;
}

void probe_end(void) {
    int kept_errno = errno;
    if (probe.number >= 0 && socket_is_same(&probe)) {
        close(probe.number);
    }
    probe.number = -1;
    errno = kept_errno;
}
