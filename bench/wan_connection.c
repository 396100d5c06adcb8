#define _GNU_SOURCE
#include "wan_connection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wan.h"

#define MOST_UNDERWAY  ((size_t)64 << 20) /* bytes of one direction held here, bookkeeping included */
#define READ_SIZE      ((size_t)256 << 10)
#define READS_PER_TURN 4 /* so that one busy connection doesn't make the others' chunks late */

enum end_state {
    END_AWAITED,    /* the handshake is still under way */
    END_CONNECTING, /* the kernel is connecting */
    END_OPEN,
    END_CLOSED, /* for good: what still arrives for it is dropped */
};

/* One of a connection's two sockets. */
struct end {
    struct connection *connection;
    struct end *peer;
    enum end_state state;
    int fd; /* -1 unless connecting or open */
    uint32_t watched;
    bool said_all, heard_all; /* its end of stream was read; the peer's was passed on to it */
    bool choked;              /* not read because too much of it is under way */
    size_t underway;          /* of chunks to this end: on the line and ready */
    struct chunk_list ready;  /* arrived, and waiting for room in the socket */
};

struct connection {
    struct end client, server;
    const struct route *route;
    size_t on_line; /* chunks on the line that point here */
    bool dead;
    LIST_ENTRY(connection) links; /* in `living` or `dead` */
};

static int sockets, spare_fd;
static LIST_HEAD(, connection) living, dead;

void connections_open(int epoll) {
    sockets = epoll;
    spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static struct chunk *take_first(struct chunk_list *list) {
    struct chunk *chunk = TAILQ_FIRST(list);
    TAILQ_REMOVE(list, chunk, links);
    return chunk;
}

/* Tells epoll what this end waits for now. An end that waits for nothing is taken out, as epoll reports
 * hang-ups even unasked: a sender that has closed its socket would keep this relay awake until all that it
 * sent is written. */
static void watch(struct end *end) {
    uint32_t wanted = 0;
    if (end->state == END_OPEN && !end->said_all && !end->choked)
        wanted |= EPOLLIN;
    if (end->state == END_CONNECTING || (end->state == END_OPEN && !TAILQ_EMPTY(&end->ready)))
        wanted |= EPOLLOUT;
    if (end->fd < 0 || end->watched == wanted)
        return;
    struct epoll_event event = {.events = wanted, .data.ptr = end};
    int change = !end->watched ? EPOLL_CTL_ADD : wanted ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
    if (epoll_ctl(sockets, change, end->fd, &event) < 0)
        wan_die("epoll_ctl");
    end->watched = wanted;
}

static void bury_if_over(struct connection *c) {
    if (c->dead || c->on_line || c->client.state != END_CLOSED || c->server.state != END_CLOSED)
        return;
    c->dead = true;
    LIST_REMOVE(c, links);
    LIST_INSERT_HEAD(&dead, c, links);
}

void connections_free_dead(void) {
    while (!LIST_EMPTY(&dead)) {
        struct connection *c = LIST_FIRST(&dead);
        LIST_REMOVE(c, links);
        free(c);
    }
}

/* The chunk has left this relay, so its sender may be read again if it was held back. */
static void forget(struct chunk *chunk) {
    struct end *to = chunk->to;
    to->underway -= sizeof *chunk + chunk->size;
    free(chunk);
    if (to->peer->choked && to->underway < MOST_UNDERWAY / 2) {
        to->peer->choked = false;
        watch(to->peer);
    }
}

static void close_end(struct end *end) {
    if (end->fd >= 0)
        close(end->fd);
    end->fd = -1;
    end->state = END_CLOSED;
    while (!TAILQ_EMPTY(&end->ready))
        forget(take_first(&end->ready));
    bury_if_over(end->connection);
}

/* TCP only: a unix socket has no reset, its peer just sees the end of the stream. */
static void reset_end(struct end *end) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (end->fd >= 0)
        setsockopt(end->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close_end(end);
}

static void put_on_line(struct chunk *chunk) {
    chunk->to->connection->on_line++;
    line_put(chunk);
}

static void send_off(struct end *to, enum chunk_kind kind, const void *bytes, size_t size) {
    to->underway += sizeof(struct chunk) + size;
    put_on_line(line_make_chunk(to, kind, bytes, size));
}

/* This end's own side has gone without a word: so will its peer, one delay later. */
static void lose_end(struct end *end) {
    send_off(end->peer, CHUNK_RESET, NULL, 0);
    close_end(end);
}

/* Writes what has arrived as far as the socket takes it. */
static void write_ready(struct end *end) {
    while (end->state == END_OPEN && !TAILQ_EMPTY(&end->ready)) {
        struct chunk *chunk = TAILQ_FIRST(&end->ready);
        if (chunk->kind == CHUNK_END) {
            shutdown(end->fd, SHUT_WR);
            end->heard_all = true;
            forget(take_first(&end->ready));
            if (end->said_all) {
                close_end(end);
                return;
            }
            continue;
        }
        ssize_t n = send(end->fd, chunk->bytes + chunk->written, chunk->size - chunk->written, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            lose_end(end);
            return;
        }
        chunk->written += (size_t)n;
        if (chunk->written == chunk->size)
            forget(take_first(&end->ready));
    }
    watch(end);
}

static void read_from(struct end *end) {
    static unsigned char buffer[READ_SIZE];
    for (int reads = 0; reads < READS_PER_TURN; reads++) {
        ssize_t n = recv(end->fd, buffer, sizeof buffer, 0);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            return;
        if (n < 0) {
            lose_end(end);
            return;
        }
        if (n == 0) {
            end->said_all = true;
            send_off(end->peer, CHUNK_END, NULL, 0);
            if (end->heard_all)
                close_end(end);
            else
                watch(end);
            return;
        }
        send_off(end->peer, CHUNK_BYTES, buffer, (size_t)n);
        if (end->peer->underway >= MOST_UNDERWAY) {
            end->choked = true;
            watch(end);
            return;
        }
        if ((size_t)n < sizeof buffer)
            return;
    }
}

/* The handshake has come through: connects to the server. A full backlog (unix sockets say EAGAIN) is asked
 * again one delay later. */
static void connect_server(struct chunk *handshake) {
    struct end *server = handshake->to;
    const struct address *to = &server->connection->route->to;
    if (server->fd < 0) {
        server->fd = socket(to->socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (server->fd >= 0)
            address_set_no_delay(server->fd, to);
    }
    int refused = server->fd < 0 || connect(server->fd, &to->socket.any, to->size) < 0 ? errno : 0;
    if (refused == EAGAIN) {
        put_on_line(handshake);
        return;
    }
    forget(handshake);
    if (refused && refused != EINPROGRESS) {
        close_end(server);
        reset_end(server->peer);
        return;
    }
    server->state = refused ? END_CONNECTING : END_OPEN;
    write_ready(server);
}

static void finish_connecting(struct end *server) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(server->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        close_end(server);
        reset_end(server->peer);
        return;
    }
    server->state = END_OPEN;
    write_ready(server);
}

static void arrive(struct chunk *chunk) {
    struct end *to = chunk->to;
    to->connection->on_line--;
    if (to->state == END_CLOSED) {
        forget(chunk);
        bury_if_over(to->connection);
        return;
    }
    switch (chunk->kind) {
    case CHUNK_HANDSHAKE:
        if (--chunk->trips_left)
            put_on_line(chunk);
        else {
            chunk->trips_left = 1;
            connect_server(chunk);
        }
        break;
    case CHUNK_RESET:
        forget(chunk);
        reset_end(to);
        break;
    case CHUNK_BYTES:
    case CHUNK_END:
        TAILQ_INSERT_TAIL(&to->ready, chunk, links);
        write_ready(to);
        break;
    }
}

void connections_release_due(void) {
    const struct chunk *last = line_last();
    for (struct chunk *chunk; last && (chunk = line_take_due());) {
        const bool was_last = chunk == last;
        arrive(chunk);
        if (was_last)
            return;
    }
}

/* Out of descriptors: gives one up to take the client off the queue and hang up on it, or the listener would
 * report it forever. */
static void turn_away(int listener) {
    static bool told;
    if (!told)
        fprintf(stderr, "wan: no more file descriptors: clients are turned away; raise ulimit -n\n");
    told = true;
    close(spare_fd);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void connections_accept(const struct route *route) {
    for (;;) {
        int fd = accept4(route->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE))
            turn_away(route->listener);
        if (fd < 0)
            return;
        address_set_no_delay(fd, &route->from);
        struct connection *c = calloc(1, sizeof *c);
        if (!c)
            wan_die("memory");
        c->route = route;
        c->client = (struct end){.connection = c, .peer = &c->server, .state = END_OPEN, .fd = fd};
        c->server = (struct end){.connection = c, .peer = &c->client, .state = END_AWAITED, .fd = -1};
        TAILQ_INIT(&c->client.ready);
        TAILQ_INIT(&c->server.ready);
        LIST_INSERT_HEAD(&living, c, links);
        send_off(&c->server, CHUNK_HANDSHAKE, NULL, 0);
        watch(&c->client);
    }
}

/* A broken connection shows itself in the write or the read. */
void connections_tend(struct end *end, uint32_t events) {
    if (end->state == END_CONNECTING) {
        finish_connecting(end);
        return;
    }
    if (end->state == END_OPEN && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)))
        write_ready(end);
    if (end->state == END_OPEN && !end->said_all && !end->choked &&
        (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        read_from(end);
}
