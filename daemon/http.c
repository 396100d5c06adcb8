#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buffer.h"
#include "host.h"
#include "log.h"
#include "metrics.h"
#include "page.h"
#include "status_json.h"

#ifdef HAVE_MICROHTTPD
#include <dlfcn.h>
#include <microhttpd.h>

/* Opened when there is to be a page: with what it brings (GnuTLS) it takes two megabytes, which a daemon
 * without a page is not to have. */
#define FUNCTIONS(X)               \
    X(start_daemon)                \
    X(stop_daemon)                 \
    X(create_response_from_buffer) \
    X(add_response_header)         \
    X(queue_response)              \
    X(destroy_response)            \
    X(get_connection_info)         \
    X(lookup_connection_value)

static struct {
    bool is_open;
#define X(name) __typeof__(&MHD_##name) name;
    FUNCTIONS(X)
#undef X
} library;

/* It stays open. False: logged. */
static bool open_library(void) {
    if (library.is_open)
        return true;
    void *handle = dlopen(MICROHTTPD_SONAME, RTLD_NOW | RTLD_LOCAL), *function = NULL;
#define X(name)                                             \
    function = handle ? dlsym(handle, "MHD_" #name) : NULL; \
    memcpy(&library.name, &function, sizeof function);      \
    handle = function ? handle : NULL;
    FUNCTIONS(X)
#undef X
    library.is_open = handle != NULL;
    if (!library.is_open)
        log_line(CONFIG_LOG_ERROR,
                 "http.port is set, but %s can't be used; install libmicrohttpd. The page is off",
                 MICROHTTPD_SONAME);
    return library.is_open;
}

#define CONNECTIONS_MAX  64
#define CONNECTION_BYTES (16 * 1024) /* a request's head: all else is answered 431 or 414 */
#define IDLE_LIMIT_S     5
#define LIFE_LIMIT_MS    15000 /* of a connection: the idle limit alone lets one byte every few seconds pass */
#define NICENESS         5     /* below the thread that keeps the ring */

struct connection {
    int fd; /* -1: free */
    int64_t began_ms;
};

struct http {
    const struct config_http *config;
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;  /* guards what follows */
    struct picture *shown; /* NULL: nothing yet */
    struct connection connections[CONNECTIONS_MAX];
    int64_t now_ms; /* of the last turn */
};

static struct picture *hold(struct http *http) {
    pthread_mutex_lock(&http->lock);
    struct picture *picture = http->shown ? picture_share(http->shown) : NULL;
    pthread_mutex_unlock(&http->lock);
    return picture;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              struct buffer *body, const char *policy) {
    const bool whole = !body->failed && body->text;
    static char sorry[] = "not enough memory\n";
    struct MHD_Response *response =
        whole ? library.create_response_from_buffer(body->length, body->text, MHD_RESPMEM_MUST_FREE)
              : library.create_response_from_buffer(sizeof sorry - 1, sorry, MHD_RESPMEM_PERSISTENT);
    if (!response || !whole)
        buffer_free(body);
    if (!response)
        return MHD_NO;
    const char *const headers[][2] = {
        {"Content-Type", whole ? type : "text/plain"},
        {"Content-Security-Policy", policy ? policy : "default-src 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
        {"Connection", "close"},
        {"Allow", status == MHD_HTTP_METHOD_NOT_ALLOWED ? "GET, HEAD" : NULL},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (headers[i][1])
            library.add_response_header(response, headers[i][0], headers[i][1]);
    const enum MHD_Result result = library.queue_response(connection, whole ? status : 500, response);
    library.destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *words) {
    struct buffer body = {0};
    buffer_put(&body, words);
    return answer(connection, status, "text/plain; charset=utf-8", &body, NULL);
}

/* Twelve random bytes for one answer's script and style, as text. */
static bool make_nonce(char *nonce, size_t size) {
    unsigned char bytes[12];
    if (getrandom(bytes, sizeof bytes, GRND_NONBLOCK) != (ssize_t)sizeof bytes || size < 2 * sizeof bytes + 1)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(nonce + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static enum MHD_Result answer_page(struct MHD_Connection *connection, const struct picture *picture) {
    struct buffer body = {0};
    char nonce[32], policy[300];
    if (!make_nonce(nonce, sizeof nonce))
        return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "no random numbers yet\n");
    snprintf(
        policy, sizeof policy,
        "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        nonce, nonce);
    page_write(&body, picture, nonce);
    return answer(connection, MHD_HTTP_OK, "text/html; charset=utf-8", &body, policy);
}

static void put_address(struct MHD_Connection *connection, char *address, size_t size) {
    const union MHD_ConnectionInfo *info =
        library.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    address[0] = '\0';
    if (!info || getsockname(info->connect_fd, (struct sockaddr *)&storage, &length) != 0)
        return;
    const void *bytes = storage.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)&storage)->sin_addr
                                                     : (void *)&((struct sockaddr_in6 *)&storage)->sin6_addr;
    if (!inet_ntop(storage.ss_family, bytes, address, (socklen_t)size))
        address[0] = '\0';
}

static enum MHD_Result route(struct MHD_Connection *connection, const char *path,
                             const struct picture *picture) {
    struct buffer body = {0};
    if (strcmp(path, "/") == 0)
        return answer_page(connection, picture);
    if (strcmp(path, "/metrics") == 0) {
        metrics_write(&body, picture);
        return answer(connection, MHD_HTTP_OK, METRICS_TYPE, &body, NULL);
    }
    if (strcmp(path, "/status.json") == 0) {
        status_json_write(&body, picture);
        return answer(connection, MHD_HTTP_OK, "application/json", &body, NULL);
    }
    return refuse(connection, MHD_HTTP_NOT_FOUND, "there are /, /status.json and /metrics\n");
}

static enum MHD_Result take_request(void *context, struct MHD_Connection *connection, const char *path,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_size, void **request) {
    struct http *http = context;
    static _Thread_local bool is_nice;
    char address[INET6_ADDRSTRLEN];
    (void)version, (void)upload, (void)upload_size, (void)request;
    if (!is_nice) /* of this thread alone, on Linux */
        setpriority(PRIO_PROCESS, 0, NICENESS);
    is_nice = true;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "nothing can be changed here\n");
    put_address(connection, address, sizeof address);
    if (!host_is_ours(library.lookup_connection_value(connection, MHD_HEADER_KIND, "Host"), address,
                      http->config->allowed_hosts, http->config->allowed_host_count))
        return refuse(connection, MHD_HTTP_MISDIRECTED_REQUEST,
                      "not a name of this host; http.allowed_hosts in its configuration lists them\n");
    struct picture *picture = hold(http);
    if (!picture)
        return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "nothing has been seen yet\n");
    const enum MHD_Result result = route(connection, path, picture);
    picture_free(picture);
    return result;
}

static void note_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                            enum MHD_ConnectionNotificationCode code) {
    struct http *http = context;
    const union MHD_ConnectionInfo *info =
        library.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!info)
        return;
    const int looked_for = code == MHD_CONNECTION_NOTIFY_STARTED ? -1 : info->connect_fd;
    (void)socket_context;
    pthread_mutex_lock(&http->lock);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *at = &http->connections[i];
        if (at->fd != looked_for)
            continue;
        at->fd = code == MHD_CONNECTION_NOTIFY_STARTED ? info->connect_fd : -1;
        at->began_ms = http->now_ms;
        break;
    }
    pthread_mutex_unlock(&http->lock);
}

void http_turn(struct http *http, int64_t now_ms) {
    if (!http)
        return;
    pthread_mutex_lock(&http->lock);
    http->now_ms = now_ms;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (http->connections[i].fd >= 0 && now_ms - http->connections[i].began_ms > LIFE_LIMIT_MS)
            shutdown(http->connections[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&http->lock);
}

void http_show(struct http *http, struct picture *picture) {
    if (!http)
        return;
    pthread_mutex_lock(&http->lock);
    struct picture *before = http->shown;
    http->shown = picture_share(picture);
    pthread_mutex_unlock(&http->lock);
    picture_free(before);
}

static bool read_address(const struct config_http *config, struct sockaddr_storage *storage, bool *is_six) {
    const char *text = config->address ? config->address : "127.0.0.1";
    struct sockaddr_in *four = (struct sockaddr_in *)storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)storage;
    memset(storage, 0, sizeof *storage);
    *is_six = inet_pton(AF_INET6, text, &six->sin6_addr) == 1;
    if (*is_six) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)config->port);
        return true;
    }
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)config->port);
    return inet_pton(AF_INET, text, &four->sin_addr) == 1;
}

struct http *http_open(const struct config_http *config) {
    struct sockaddr_storage storage;
    bool is_six = false;
    if (config->port == 0 || !open_library())
        return NULL;
    const char *text = config->address ? config->address : "127.0.0.1";
    struct http *http = calloc(1, sizeof *http);
    if (!http || !read_address(config, &storage, &is_six)) {
        log_line(CONFIG_LOG_ERROR, "http.address %s is no IP address; the page is off", text);
        free(http);
        return NULL;
    }
    http->config = config;
    pthread_mutex_init(&http->lock, NULL);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        http->connections[i].fd = -1;
    http->daemon =
        library.start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | (is_six ? MHD_USE_IPv6 : 0),
                             (uint16_t)config->port, NULL, NULL, take_request, http, MHD_OPTION_SOCK_ADDR,
                             (struct sockaddr *)&storage, MHD_OPTION_CONNECTION_LIMIT,
                             (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                             (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_LIMIT_S,
                             MHD_OPTION_NOTIFY_CONNECTION, note_connection, http,
                             MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (!http->daemon) {
        log_line(CONFIG_LOG_ERROR, "can't listen at %s port %u: %s; the page is off", text, config->port,
                 strerror(errno));
        pthread_mutex_destroy(&http->lock);
        free(http);
        return NULL;
    }
    log_line(CONFIG_LOG_INFO, "the page is at http://%s%s%s:%u/", is_six ? "[" : "", text, is_six ? "]" : "",
             config->port);
    return http;
}

void http_close(struct http *http) {
    if (!http)
        return;
    library.stop_daemon(http->daemon);
    picture_free(http->shown);
    pthread_mutex_destroy(&http->lock);
    free(http);
}

#else /* built without libmicrohttpd */

struct http *http_open(const struct config_http *config) {
    if (config->port)
        log_line(CONFIG_LOG_WARNING,
                 "http.port is set, but this roundaboutd was built without libmicrohttpd: there is no page");
    return NULL;
}
void http_close(struct http *http) {
    (void)http;
}
void http_show(struct http *http, struct picture *picture) {
    (void)http, (void)picture;
}
void http_turn(struct http *http, int64_t now_ms) {
    (void)http, (void)now_ms;
}
#endif
