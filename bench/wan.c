/* The WAN relay: carries TCP and unix-socket connections over a delay line, so that a test or a bench on one
 * machine meets the round trip of a real distance. `wan --help` says how it is called.
 *
 * The delay line is one queue for the whole process. What is read from a socket is stamped, waits for the
 * one-way delay and is then written to the other side; as the delay is the same for all, the queue is in
 * order of time by itself. Bandwidth is not modelled: any number of chunks is under way at once, up to
 * MOST_UNDERWAY a direction.
 *
 * Set-up of a connection: a relay can't hold back the client's connect(), which returns as soon as the kernel
 * has the connection. The handshake is made up for afterwards: it travels the line three times (SYN, SYN-ACK,
 * ACK) before the relay connects to the server. The server's greeting is thus with the client after two round
 * trips, and the answer to a client that speaks first as well: just as over a real distance. Only a refusal
 * comes late, after 1.5 round trips instead of 1.
 *
 * A partition stops the line's clock: nothing is read, written or connected, new clients are accepted and
 * left waiting. When healed, everything goes on where it was, as TCP's own retransmission would do. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS       INT64_C(1000000)
#define NS_PER_S        INT64_C(1000000000)
#define MOST_ROUTES     16
#define MOST_UNDERWAY   ((size_t)64 << 20) /* bytes of one direction held here, bookkeeping included */
#define READ_SIZE       ((size_t)256 << 10)
#define READS_PER_TURN  4 /* so that one busy connection doesn't make the others' chunks late */
#define NOT_ARMED       INT64_C(-1)
#define ARMED_WRONGLY   INT64_C(-2)
#define HANDSHAKE_TRIPS 3
#define NOTABLY_LATE_NS (NS_PER_MS / 5)

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_un un;
    } socket;
    socklen_t size;
};

/* One --listen with its --to. */
struct route {
    struct address from, to;
    int listener;
};

enum end_state {
    END_AWAITED,    /* the handshake is still under way */
    END_CONNECTING, /* the kernel is connecting */
    END_OPEN,
    END_CLOSED, /* for good: what still arrives for it is dropped */
};

enum chunk_kind { CHUNK_BYTES, CHUNK_END, CHUNK_RESET, CHUNK_HANDSHAKE };

/* One thing under way to an end. In one list at a time: the line's, or the `ready` of its end. */
struct chunk {
    TAILQ_ENTRY(chunk) links;
    struct end *to;
    int64_t due_ns; /* on the line's clock */
    enum chunk_kind kind;
    unsigned trips_left; /* of a handshake */
    size_t size, written;
    unsigned char bytes[];
};

TAILQ_HEAD(chunk_list, chunk);

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
    LIST_ENTRY(connection) links; /* in wan.living or wan.dead */
};

static struct {
    int64_t delay_ns;
    struct chunk_list line;
    int64_t armed_ns; /* what the timer is set to, on the line's clock; or NOT_ARMED, ARMED_WRONGLY */

    bool partitioned;
    int64_t stopped_ns; /* the line's clock while partitioned */
    int64_t behind_ns;  /* how far the line's clock is behind the machine's: the sum of all partitions */

    /* `control` holds listeners, signals and the timer; `all` holds the connections' sockets and control
     * itself. */
    int control, all, timer, signals, spare_fd;
    struct route routes[MOST_ROUTES];
    size_t route_count;
    LIST_HEAD(, connection) living, dead;

    uint64_t bytes, chunks, late_chunks;
    int64_t late_sum_ns, late_most_ns;
} wan = {.armed_ns = NOT_ARMED, .line = TAILQ_HEAD_INITIALIZER(wan.line)};

static void die(const char *what) {
    fprintf(stderr, "wan: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t machine_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t line_now(void) {
    return wan.partitioned ? wan.stopped_ns : machine_now() - wan.behind_ns;
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
    if (epoll_ctl(wan.all, change, end->fd, &event) < 0)
        die("epoll_ctl");
    end->watched = wanted;
}

/* A connection is freed only between turns: events of this turn may still point to it. */
static void bury_if_over(struct connection *c) {
    if (c->dead || c->on_line || c->client.state != END_CLOSED || c->server.state != END_CLOSED)
        return;
    c->dead = true;
    LIST_REMOVE(c, links);
    LIST_INSERT_HEAD(&wan.dead, c, links);
}

static void free_dead(void) {
    while (!LIST_EMPTY(&wan.dead)) {
        struct connection *c = LIST_FIRST(&wan.dead);
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
    chunk->due_ns = line_now() + wan.delay_ns;
    chunk->to->connection->on_line++;
    TAILQ_INSERT_TAIL(&wan.line, chunk, links);
}

static void send_off(struct end *to, enum chunk_kind kind, const void *bytes, size_t size) {
    struct chunk *chunk = malloc(sizeof *chunk + size);
    if (!chunk)
        die("memory");
    *chunk = (struct chunk){.to = to, .kind = kind, .size = size, .trips_left = HANDSHAKE_TRIPS};
    if (size)
        memcpy(chunk->bytes, bytes, size);
    to->underway += sizeof *chunk + size;
    put_on_line(chunk);
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
        wan.bytes += (uint64_t)n;
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

static void set_no_delay(int fd, const struct address *address) {
    int on = 1;
    if (address->socket.any.sa_family == AF_INET)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* The handshake has come through: connects to the server. A full backlog (unix sockets say EAGAIN) is asked
 * again one delay later. */
static void connect_server(struct chunk *handshake) {
    struct end *server = handshake->to;
    const struct address *to = &server->connection->route->to;
    if (server->fd < 0) {
        server->fd = socket(to->socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (server->fd >= 0)
            set_no_delay(server->fd, to);
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

/* Lets out what is due. What is put on the line meanwhile waits for the next turn, even without any delay. */
static void release_due(void) {
    struct chunk *last = TAILQ_LAST(&wan.line, chunk_list);
    while (last && !wan.partitioned) {
        int64_t late_ns = line_now() - TAILQ_FIRST(&wan.line)->due_ns;
        if (late_ns < 0)
            return;
        wan.chunks++;
        wan.late_sum_ns += late_ns;
        wan.late_chunks += late_ns > NOTABLY_LATE_NS;
        if (late_ns > wan.late_most_ns)
            wan.late_most_ns = late_ns;
        struct chunk *chunk = take_first(&wan.line);
        bool was_last = chunk == last;
        arrive(chunk);
        if (was_last)
            return;
    }
}

static void arm_timer(void) {
    bool moves = !TAILQ_EMPTY(&wan.line) && !wan.partitioned;
    int64_t due_ns = moves ? TAILQ_FIRST(&wan.line)->due_ns : NOT_ARMED;
    if (due_ns == wan.armed_ns)
        return;
    struct itimerspec at = {0};
    if (due_ns >= 0) {
        int64_t machine_ns = due_ns + wan.behind_ns;
        at.it_value.tv_sec = (time_t)(machine_ns / NS_PER_S);
        at.it_value.tv_nsec = (long)(machine_ns % NS_PER_S);
    }
    if (timerfd_settime(wan.timer, TFD_TIMER_ABSTIME, &at, NULL) < 0)
        die("timerfd_settime");
    wan.armed_ns = due_ns;
}

static void take_timer(void) {
    uint64_t ticks;
    if (read(wan.timer, &ticks, sizeof ticks) == sizeof ticks)
        wan.armed_ns = NOT_ARMED;
}

/* Out of descriptors: gives one up to take the client off the queue and hang up on it, or the listener would
 * report it forever. */
static void turn_away(int listener) {
    static bool told;
    if (!told)
        fprintf(stderr, "wan: no more file descriptors: clients are turned away; raise ulimit -n\n");
    told = true;
    close(wan.spare_fd);
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    wan.spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void accept_clients(const struct route *route) {
    for (;;) {
        int fd = accept4(route->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE))
            turn_away(route->listener);
        if (fd < 0)
            return;
        set_no_delay(fd, &route->from);
        struct connection *c = calloc(1, sizeof *c);
        if (!c)
            die("memory");
        c->route = route;
        c->client = (struct end){.connection = c, .peer = &c->server, .state = END_OPEN, .fd = fd};
        c->server = (struct end){.connection = c, .peer = &c->client, .state = END_AWAITED, .fd = -1};
        TAILQ_INIT(&c->client.ready);
        TAILQ_INIT(&c->server.ready);
        LIST_INSERT_HEAD(&wan.living, c, links);
        send_off(&c->server, CHUNK_HANDSHAKE, NULL, 0);
        watch(&c->client);
    }
}

static void set_partitioned(bool partitioned) {
    if (partitioned && !wan.partitioned)
        wan.stopped_ns = line_now();
    if (!partitioned && wan.partitioned)
        wan.behind_ns = machine_now() - wan.stopped_ns;
    wan.partitioned = partitioned;
    wan.armed_ns = ARMED_WRONGLY;
    printf("%s\n", partitioned ? "partitioned" : "healed");
}

/* False when it is time to leave. */
static bool take_signal(void) {
    struct signalfd_siginfo info;
    if (read(wan.signals, &info, sizeof info) != sizeof info)
        return true;
    if (info.ssi_signo == SIGUSR1)
        set_partitioned(true);
    else if (info.ssi_signo == SIGUSR2)
        set_partitioned(false);
    else
        return false;
    return true;
}

/* A broken connection shows itself in the write or the read. */
static void tend_end(struct end *end, uint32_t events) {
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

/* False when it is time to leave. */
static bool tend_control(void) {
    struct epoll_event events[MOST_ROUTES + 2];
    int count = epoll_wait(wan.control, events, MOST_ROUTES + 2, 0);
    for (int i = 0; i < count; i++) {
        void *what = events[i].data.ptr;
        if (what == &wan.timer)
            take_timer();
        else if (what == &wan.signals) {
            if (!take_signal())
                return false;
        } else
            accept_clients(what);
    }
    return true;
}

static void carry(void) {
    struct epoll_event events[256];
    for (;;) {
        arm_timer();
        int count = epoll_wait(wan.partitioned ? wan.control : wan.all, events, 256, -1);
        if (count < 0 && errno != EINTR)
            die("epoll_wait");
        release_due();
        if (wan.partitioned)
            count = 0;
        for (int i = 0; i < count; i++)
            if (events[i].data.ptr != &wan.control)
                tend_end(events[i].data.ptr, events[i].events);
        if (!tend_control())
            return;
        release_due();
        free_dead();
    }
}

static bool parse_address(const char *text, struct address *address) {
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
        die("socket");
    if (stat(address->socket.un.sun_path, &status) == 0 && S_ISSOCK(status.st_mode) &&
        connect(fd, &address->socket.any, address->size) < 0 && errno == ECONNREFUSED)
        unlink(address->socket.un.sun_path);
    close(fd);
}

static void start_listening(struct route *route) {
    struct address *from = &route->from;
    int on = 1;
    if (from->socket.any.sa_family == AF_UNIX)
        remove_stale_socket(from);
    route->listener = socket(from->socket.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (route->listener < 0)
        die("socket");
    setsockopt(route->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(route->listener, &from->socket.any, from->size) < 0 || listen(route->listener, 4096) < 0)
        die("can't listen");
    if (from->socket.any.sa_family == AF_INET)
        getsockname(route->listener, &from->socket.any, &from->size);
}

static void print_address(FILE *out, const struct address *address) {
    char host[INET_ADDRSTRLEN];
    if (address->socket.any.sa_family == AF_UNIX)
        fprintf(out, "unix:%s", address->socket.un.sun_path);
    else
        fprintf(out, "%s:%u", inet_ntop(AF_INET, &address->socket.in.sin_addr, host, sizeof host),
                ntohs(address->socket.in.sin_port));
}

/* Appears complete or not at all, so whoever waits for it can read it at once. */
static void write_port_file(const char *path) {
    char new_path[4096];
    if (snprintf(new_path, sizeof new_path, "%s.new", path) >= (int)sizeof new_path) {
        errno = ENAMETOOLONG;
        die(path);
    }
    FILE *file = fopen(new_path, "w");
    if (!file)
        die(new_path);
    for (size_t i = 0; i < wan.route_count; i++) {
        const struct address *from = &wan.routes[i].from;
        if (from->socket.any.sa_family == AF_UNIX)
            fprintf(file, "%s\n", from->socket.un.sun_path);
        else
            fprintf(file, "%u\n", ntohs(from->socket.in.sin_port));
    }
    if (fclose(file) || rename(new_path, path) < 0)
        die(path);
}

static void watch_control(int fd, void *what) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    if (fd < 0 || epoll_ctl(wan.control, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll");
}

static void set_up(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN); /* whoever reads our standard output may leave first */

    wan.control = epoll_create1(EPOLL_CLOEXEC);
    wan.all = epoll_create1(EPOLL_CLOEXEC);
    wan.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    wan.signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    wan.spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    watch_control(wan.timer, &wan.timer);
    watch_control(wan.signals, &wan.signals);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &wan.control};
    if (wan.all < 0 || epoll_ctl(wan.all, EPOLL_CTL_ADD, wan.control, &event) < 0)
        die("epoll");
}

static void usage(FILE *out) {
    fputs(
        "Usage: wan --listen ADDRESS --to ADDRESS [--listen ... --to ...] [--delay-ms MS] [--port-file "
        "FILE]\n"
        "\n"
        "Relays connections with a delay, as if the two sides were far apart.\n"
        "\n"
        "  --listen ADDRESS   127.0.0.1:PORT (0: any free port) or unix:PATH\n"
        "  --to ADDRESS       where its connections go; up to 16 pairs\n"
        "  --delay-ms MS      one-way delay, 0 to 60000, fractions allowed; default 40, a round trip of 80\n"
        "  --port-file FILE   written when all listen: a line for each --listen, its port or path\n"
        "\n"
        "Signals: USR1 cuts the line (connections stay, nothing moves), USR2 heals it, TERM ends the relay.\n"
        "Standard output tells of each: `listening on`, `partitioned`, `healed`, and how late chunks were at "
        "the end.\n"
        "Only loopback addresses are taken. A new connection's handshake is accounted for: two round trips "
        "pass\n"
        "from connect() to the server's first byte.\n",
        out);
}

static void refuse(const char *what, const char *value) {
    fprintf(stderr, "wan: %s: %s; see wan --help\n", what, value);
    exit(2);
}

static const char *parse_options(int argc, char **argv) {
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},   {"to", required_argument, NULL, 't'},
        {"delay-ms", required_argument, NULL, 'd'}, {"port-file", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
    };
    const char *port_file = NULL;
    size_t targets = 0;
    double delay_ms = 40;
    char *rest;
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (option) {
        case 'l':
            if (wan.route_count == MOST_ROUTES || !parse_address(optarg, &wan.routes[wan.route_count++].from))
                refuse("--listen takes up to 16 times 127.0.0.1:PORT or unix:PATH", optarg);
            break;
        case 't':
            if (targets == MOST_ROUTES || !parse_address(optarg, &wan.routes[targets++].to))
                refuse("--to takes up to 16 times 127.0.0.1:PORT or unix:PATH", optarg);
            break;
        case 'd':
            delay_ms = strtod(optarg, &rest);
            if (rest == optarg || *rest || !(delay_ms >= 0 && delay_ms <= 60000))
                refuse("--delay-ms takes 0 to 60000", optarg);
            break;
        case 'p':
            port_file = optarg;
            break;
        case 'h':
            usage(stdout);
            exit(0);
        default:
            usage(stderr);
            exit(2);
        }
    }
    if (optind < argc)
        refuse("not an option", argv[optind]);
    if (!wan.route_count || targets != wan.route_count) {
        usage(stderr);
        exit(2);
    }
    wan.delay_ns = (int64_t)(delay_ms * (double)NS_PER_MS);
    return port_file;
}

int main(int argc, char **argv) {
    const char *port_file = parse_options(argc, argv);
    setvbuf(stdout, NULL, _IOLBF, 0);
    set_up();
    for (size_t i = 0; i < wan.route_count; i++) {
        start_listening(&wan.routes[i]);
        watch_control(wan.routes[i].listener, &wan.routes[i]);
        printf("listening on ");
        print_address(stdout, &wan.routes[i].from);
        printf(" to ");
        print_address(stdout, &wan.routes[i].to);
        printf(", %.3f ms each way\n", (double)wan.delay_ns / (double)NS_PER_MS);
    }
    if (port_file)
        write_port_file(port_file);
    carry();
    for (size_t i = 0; i < wan.route_count; i++)
        if (wan.routes[i].from.socket.any.sa_family == AF_UNIX)
            unlink(wan.routes[i].from.socket.un.sun_path);
    if (wan.chunks)
        printf("carried %llu bytes in %llu chunks; late by %.3f ms on average, %.3f ms at most, %.2f %% by "
               "more than 0.2 ms\n",
               (unsigned long long)wan.bytes, (unsigned long long)wan.chunks,
               (double)wan.late_sum_ns / (double)wan.chunks / (double)NS_PER_MS,
               (double)wan.late_most_ns / (double)NS_PER_MS,
               100.0 * (double)wan.late_chunks / (double)wan.chunks);
    return 0;
}
