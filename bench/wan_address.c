#include "wan_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wan.h"

bool address_parse(const char *text, struct address *address) {
    char host[INET_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    memset(address, 0, sizeof *address);
    if (strncmp(text, "unix:", 5) == 0) {
        const char *path = text + 5;
        if (!*path || strlen(path) >= sizeof address->socket.un.sun_path)
            return false;
        address->socket.un.sun_family = AF_UNIX;
        memcpy(address->socket.un.sun_path, path, strlen(path) + 1);
        address->size = sizeof address->socket.un;
        return true;
    }
    if (!colon || (size_t)(colon - text) >= sizeof host)
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    char *rest;
    errno = 0;
    unsigned long port = strtoul(colon + 1, &rest, 10);
    if (errno || !colon[1] || *rest || port > 65535)
        return false;
    address->socket.in.sin_family = AF_INET;
    address->socket.in.sin_port = htons((uint16_t)port);
    address->size = sizeof address->socket.in;
    return inet_pton(AF_INET, host, &address->socket.in.sin_addr) == 1 &&
           ntohl(address->socket.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* A socket file that nobody answers at is what a killed relay left behind. */
static void remove_stale_socket(const struct address *address) {
    struct stat status;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        wan_die("socket");
    if (stat(address->socket.un.sun_path, &status) == 0 && S_ISSOCK(status.st_mode) &&
        connect(fd, &address->socket.any, address->size) < 0 && errno == ECONNREFUSED)
        unlink(address->socket.un.sun_path);
    close(fd);
}

int address_listen(struct address *address) {
    int on = 1;
    if (address->socket.any.sa_family == AF_UNIX)
        remove_stale_socket(address);
    const int listener = socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0)
        wan_die("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, &address->socket.any, address->size) < 0 || listen(listener, 4096) < 0)
        wan_die("can't listen");
    if (address->socket.any.sa_family == AF_INET)
        getsockname(listener, &address->socket.any, &address->size);
    return listener;
}

void address_print(FILE *out, const struct address *address) {
    char host[INET_ADDRSTRLEN];
    if (address->socket.any.sa_family == AF_UNIX)
        fprintf(out, "unix:%s", address->socket.un.sun_path);
    else
        fprintf(out, "%s:%u", inet_ntop(AF_INET, &address->socket.in.sin_addr, host, sizeof host),
                ntohs(address->socket.in.sin_port));
}

void address_print_place(FILE *out, const struct address *address) {
    if (address->socket.any.sa_family == AF_UNIX)
        fprintf(out, "%s\n", address->socket.un.sun_path);
    else
        fprintf(out, "%u\n", ntohs(address->socket.in.sin_port));
}

void address_remove(const struct address *address) {
    if (address->socket.any.sa_family == AF_UNIX)
        unlink(address->socket.un.sun_path);
}

void address_set_no_delay(int fd, const struct address *address) {
    int on = 1;
    if (address->socket.any.sa_family == AF_INET)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}
