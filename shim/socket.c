#include "socket.h"

#include "command.h"
#include "real.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* A server with several addresses is tried at each; the sockets of failed attempts are closed again, and so
 * are those that a plug-in opens to log in with. */
enum { CAUGHT_MAX = 8 };
static __thread struct {
    bool on;
    unsigned count;
    int numbers[CAUGHT_MAX];
} caught __attribute__((tls_model("initial-exec")));

EXPORT int connect(int number, const struct sockaddr *address, socklen_t length) {
    if (caught.on && caught.count < CAUGHT_MAX) {
        caught.numbers[caught.count++] = number;
    }
    return real_connect(number, address, length);
}

void socket_catch_begin(void) {
    caught.on = true;
    caught.count = 0;
}

static bool is_connected_stream(int number) {
    int type = 0;
    socklen_t length = sizeof type;
    return getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

struct socket socket_catch_end(void) {
    int kept_errno = errno;
    struct socket found = {.number = -1};
    caught.on = false;
    for (unsigned i = 0; i < caught.count && found.number < 0; i++) {
        if (is_connected_stream(caught.numbers[i])) {
            found = socket_of(caught.numbers[i]);
        }
    }
    errno = kept_errno;
    return found;
}

struct socket socket_of(int number) {
    struct stat now;
    struct socket none = {.number = -1};
    if (number < 0 || fstat(number, &now) != 0) {
        return none;
    }
    return (struct socket){.number = number, .device = now.st_dev, .inode = now.st_ino};
}

bool socket_is_same(const struct socket *socket) {
    struct socket now = socket_of(socket->number);
    return now.number >= 0 && now.device == socket->device && now.inode == socket->inode;
}
