#include "daemon_lags.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../daemon/buffer.h"
#include "../daemon/observe.h"

#define LIMIT_MS 500

/* Where the daemon that listens at this address is reached from this host. */
static const char *address_to_ask(const struct config_http *http) {
    const char *address = http->address ? http->address : "127.0.0.1";
    return strcmp(address, "0.0.0.0") == 0 ? "127.0.0.1" : strcmp(address, "::") == 0 ? "::1" : address;
}

/* A socket, whose reads and writes end by themselves; -1: nobody there. */
static int reach(const char *address, unsigned port) {
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const bool is_four = inet_pton(AF_INET, address, &four.sin_addr) == 1;
    if (!is_four && inet_pton(AF_INET6, address, &six.sin6_addr) != 1)
        return -1;
    const struct timeval limit = {.tv_usec = LIMIT_MS * 1000};
    const int fd = socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* that of connect, too */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, is_four ? (const struct sockaddr *)&four : (const struct sockaddr *)&six,
                is_four ? sizeof four : sizeof six) == 0)
        return fd;
    close(fd);
    return -1;
}

/* What it answers, head and all, until it closes or its time is up. */
static void read_answer(int fd, struct buffer *answer) {
    const int64_t until_ms = clock_monotonic_ms() + LIMIT_MS;
    char bytes[8192];
    for (ssize_t count; clock_monotonic_ms() < until_ms && (count = recv(fd, bytes, sizeof bytes, 0)) > 0;)
        buffer_put_bytes(answer, bytes, (size_t)count);
}

static bool ask(const struct config_http *http, struct buffer *answer) {
    const char *address = address_to_ask(http);
    const int fd = reach(address, http->port);
    if (fd < 0)
        return false;
    char request[200];
    const bool is_six = strchr(address, ':') != NULL;
    const int length = snprintf(request, sizeof request, "GET /metrics HTTP/1.0\r\nHost: %s%s%s\r\n\r\n",
                                is_six ? "[" : "", address, is_six ? "]" : "");
    if (send(fd, request, (size_t)length, MSG_NOSIGNAL) == length)
        read_answer(fd, answer);
    close(fd);
    return answer->text && !answer->failed;
}

/* Puts one label and its value as /metrics prints them. */
static void put_label(struct buffer *line, const char *before, const char *value) {
    buffer_put(line, before);
    buffer_put_label(line, value);
    buffer_put(line, "\"");
}

/* The value of one lag series, in ms; below 0: there is none. */
static double find_lag(const struct buffer *answer, const char *series, const struct picture *picture,
                       size_t origin, const struct picture_server *server) {
    struct buffer line = {0};
    buffer_put_format(&line, "\n%s", series);
    put_label(&line, "{origin=\"", picture->sites[origin]);
    put_label(&line, ",site=\"", picture->sites[server->site]);
    put_label(&line, ",server=\"", server->name);
    buffer_put(&line, "} ");
    const char *found = line.failed ? NULL : strstr(answer->text, line.text);
    const double seconds = found ? strtod(found + line.length, NULL) : -1;
    buffer_free(&line);
    return isfinite(seconds) ? seconds * 1000 : -1;
}

static bool is_of_own_site(const struct buffer *answer, const struct picture *picture) {
    struct buffer line = {0};
    put_label(&line, "\nroundabout_build_info{site=\"", picture->sites[picture->own]);
    const bool found = !line.failed && strstr(answer->text, line.text);
    buffer_free(&line);
    return found;
}

static void take_lag(const struct buffer *answer, struct picture *picture, size_t origin,
                     struct picture_server *server) {
    double *lag_ms = &server->lag_ms[origin];
    if (*lag_ms > PICTURE_LAG_UNKNOWN)
        return;
    const double known = find_lag(answer, "roundabout_lag_seconds", picture, origin, server);
    const double least = find_lag(answer, "roundabout_lag_at_least_seconds", picture, origin, server);
    *lag_ms = known >= 0 ? known : least > 0 ? -least : *lag_ms;
}

bool daemon_lags_take(const struct config_http *http, struct picture *picture) {
    struct buffer answer = {0};
    const bool known = http->port && ask(http, &answer) && is_of_own_site(&answer, picture);
    for (size_t i = 0; known && i < picture->server_count; i++)
        for (size_t origin = 0; origin < picture->site_count; origin++)
            if (picture->servers[i].seen)
                take_lag(&answer, picture, origin, &picture->servers[i]);
    buffer_free(&answer);
    return known;
}
