/* The WAN relay: carries TCP and unix-socket connections over a delay line, so that a test or a bench on one
 * machine meets the round trip of a real distance. `wan --help` says how it is called.
 *
 * What is read from a socket is stamped, waits for the one-way delay on the line (wan_line.h) and is then
 * written to the other side. Any number of chunks is under way at once, up to MOST_UNDERWAY a direction
 * (wan_connection.c).
 *
 * A partition stops the line's clock: nothing is read, written or connected, new clients are accepted and
 * left waiting. When healed, everything goes on where it was, as TCP's own retransmission would do. */
#include "wan.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "wan_connection.h"
#include "wan_line.h"
#include "wan_options.h"

/* `control` holds listeners, signals and the timer; `all` holds the connections' sockets and control itself.
 */
static struct { int control, all, timer, signals; } wan;

void wan_die(const char *what) {
    fprintf(stderr, "wan: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void cut_or_heal(bool partitioned) {
    line_set_partitioned(partitioned);
    printf("%s\n", partitioned ? "partitioned" : "healed");
}

/* False when it is time to leave. */
static bool take_signal(void) {
    struct signalfd_siginfo info;
    if (read(wan.signals, &info, sizeof info) != sizeof info)
        return true;
    if (info.ssi_signo == SIGUSR1)
        cut_or_heal(true);
    else if (info.ssi_signo == SIGUSR2)
        cut_or_heal(false);
    else
        return false;
    return true;
}

/* False when it is time to leave. */
static bool tend_control(void) {
    struct epoll_event events[OPTIONS_ROUTES_MAX + 2];
    int count = epoll_wait(wan.control, events, OPTIONS_ROUTES_MAX + 2, 0);
    for (int i = 0; i < count; i++) {
        void *what = events[i].data.ptr;
        if (what == &wan.timer)
            line_take_timer();
        else if (what == &wan.signals) {
            if (!take_signal())
                return false;
        } else
            connections_accept(what);
    }
    return true;
}

static void carry(void) {
    struct epoll_event events[256];
    for (;;) {
        line_arm_timer();
        int count = epoll_wait(line_is_partitioned() ? wan.control : wan.all, events, 256, -1);
        if (count < 0 && errno != EINTR)
            wan_die("epoll_wait");
        connections_release_due();
        if (line_is_partitioned())
            count = 0;
        for (int i = 0; i < count; i++)
            if (events[i].data.ptr != &wan.control)
                connections_tend(events[i].data.ptr, events[i].events);
        if (!tend_control())
            return;
        connections_release_due();
        connections_free_dead();
    }
}

/* Appears complete or not at all, so whoever waits for it can read it at once. */
static void write_port_file(const struct options *options) {
    const char *path = options->port_file;
    char new_path[4096];
    if (snprintf(new_path, sizeof new_path, "%s.new", path) >= (int)sizeof new_path) {
        errno = ENAMETOOLONG;
        wan_die(path);
    }
    FILE *file = fopen(new_path, "w");
    if (!file)
        wan_die(new_path);
    for (size_t i = 0; i < options->route_count; i++)
        address_print_place(file, &options->routes[i].from);
    if (fclose(file) || rename(new_path, path) < 0)
        wan_die(path);
}

static void watch_control(int fd, void *what) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    if (fd < 0 || epoll_ctl(wan.control, EPOLL_CTL_ADD, fd, &event) < 0)
        wan_die("epoll");
}

static void set_up(int64_t delay_ns) {
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
    wan.timer = line_open(delay_ns);
    wan.signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    connections_open(wan.all);
    watch_control(wan.timer, &wan.timer);
    watch_control(wan.signals, &wan.signals);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &wan.control};
    if (wan.all < 0 || epoll_ctl(wan.all, EPOLL_CTL_ADD, wan.control, &event) < 0)
        wan_die("epoll");
}

int main(int argc, char **argv) {
    static struct options options;
    options_read(argc, argv, &options);
    setvbuf(stdout, NULL, _IOLBF, 0);
    set_up(options.delay_ns);
    for (size_t i = 0; i < options.route_count; i++) {
        struct route *route = &options.routes[i];
        route->listener = address_listen(&route->from);
        watch_control(route->listener, route);
        printf("listening on ");
        address_print(stdout, &route->from);
        printf(" to ");
        address_print(stdout, &route->to);
        printf(", %.3f ms each way\n", (double)options.delay_ns / (double)WAN_NS_PER_MS);
    }
    if (options.port_file)
        write_port_file(&options);
    carry();
    for (size_t i = 0; i < options.route_count; i++)
        address_remove(&options.routes[i].from);
    line_print_lateness();
    return 0;
}
