/* Handles: made, given options, connected, given another user, closed. */
#define _GNU_SOURCE
#include "command.h"
#include "local.h"
#include "setup.h"
#include "stats.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

EXPORT MYSQL *mysql_init(MYSQL *mysql) {
    const struct real *real = real_of_caller(CALLER);
    if (!real) {
        return NULL; /* no client library in this process: what the library itself says when it can't */
    }
    MYSQL *made = real->mysql_init(mysql);
    struct handle *handle = made ? handle_add(made, real) : NULL;
    setup_look();
    stats_start();
    if (handle && !setup_config()) {
        handle->passive = true;
    }
    return made;
}

/* The options go to the library first and as they are; those that it takes are kept for the shadow. */
static int end_options(struct call *call, int result, int number, const void *argument, const void *second) {
    struct handle *handle = call->handle;
    handle->busy = false;
    if (result != 0) {
        handle_note_error(handle, handle->main); /* it says why there */
    } else if (!options_keep(&handle->options, call->real, number, argument, second)) {
        handle->passive =
            true; /* out of memory: a shadow that lacks an option would be another kind of connection */
    }
    return result;
}

EXPORT int mysql_options(MYSQL *mysql, int number, const void *argument) {
    struct call call;
    if (!command_begin(&call, mysql, CALLER)) {
        return call.real ? call.real->mysql_options(mysql, number, argument) : 1;
    }
    return end_options(&call, call.real->mysql_options(mysql, number, argument), number, argument, NULL);
}

EXPORT int mysql_options4(MYSQL *mysql, int number, const void *argument, const void *second) {
    struct call call;
    if (!command_begin(&call, mysql, CALLER)) {
        return call.real && call.real->mysql_options4
                   ? call.real->mysql_options4(mysql, number, argument, second)
                   : 1;
    }
    return end_options(&call, call.real->mysql_options4(mysql, number, argument, second), number, argument,
                       second);
}

/* No option takes more than two arguments; those that take fewer leave the rest unread. */
EXPORT int mysql_optionsv(MYSQL *mysql, int number, ...) {
    va_list arguments;
    va_start(arguments, number);
    const void *first = va_arg(arguments, const void *);
    const void *second = va_arg(arguments, const void *);
    va_end(arguments);
    struct call call;
    if (!command_begin(&call, mysql, CALLER)) {
        return call.real && call.real->mysql_optionsv
                   ? call.real->mysql_optionsv(mysql, number, first, second)
                   : 1;
    }
    return end_options(&call, call.real->mysql_optionsv(mysql, number, first, second), number, first, second);
}

EXPORT my_bool mysql_ssl_set(MYSQL *mysql, const char *key, const char *cert, const char *ca,
                             const char *capath, const char *cipher) {
    struct call call;
    if (!command_begin(&call, mysql, CALLER)) {
        return call.real && call.real->mysql_ssl_set
                   ? call.real->mysql_ssl_set(mysql, key, cert, ca, capath, cipher)
                   : 1;
    }
    my_bool result = call.real->mysql_ssl_set(mysql, key, cert, ca, capath, cipher);
    call.handle->busy = false;
    if (result == 0 && !options_keep_ssl(&call.handle->options, call.real, key, cert, ca, capath, cipher)) {
        call.handle->passive = true;
    }
    return result;
}

static bool same_text(const char *a, const char *b) {
    return a && b && strcmp(a, b) == 0;
}

/* An address as the application gave it. Port 0 is the library's default. */
struct address {
    const char *host;
    unsigned port;
    const char *socket;
};

static bool is_address_of(const struct config_server *server, const struct address *given) {
    if (server->socket) {
        return same_text(server->socket, given->socket);
    }
    const char *host = given->host ? given->host : "localhost";
    return !given->socket &&
           slice_same((struct slice){server->host, strlen(server->host)},
                      (struct slice){host, strlen(host)}) &&
           server->port == (given->port ? given->port : 3306);
}

/* ROUTE_ROUTED: there is none. */
static enum route_reason reason_to_leave_alone(const struct config *config, const struct address *given) {
    if (setup_observes()) {
        return ROUTE_ROUTED; /* there may be no configuration at all */
    }
    if (is_address_of(&config->local.server, given)) {
        return ROUTE_SAME_SERVER;
    }
    bool listed = config->main_count == 0;
    for (size_t i = 0; i < config->main_count && !listed; i++) {
        listed = is_address_of(&config->mains[i], given);
    }
    return listed ? ROUTE_ROUTED : ROUTE_OTHER_SERVER;
}

/* Connector/C takes a host with these for a connection string, a plugin's address or a list of hosts. */
static bool hides_more_than_a_host(const struct real *real, const char *host) {
    return real->mariadb && host && (strpbrk(host, ";=,") || strstr(host, "://"));
}

struct login {
    struct address address;
    const char *user;
    const char *password;
    const char *database;
    unsigned long flags;
};

/* Before the connect, since the caller's strings may live in the handle's own options: what a successful one
 * will mean. */
static void note_login(struct handle *handle, const struct login *login) {
    if (handle->answered) {
        command_forget_answer(handle);
    }
    local_close_all(handle);
    bool copied = credentials_set(&handle->credentials, login->user, login->password);
    handle->credentials.flags = login->flags;
    handle->credentials_unknown = !copied || hides_more_than_a_host(handle->real, login->address.host);
    const char *database = login->database                        ? login->database
                           : options_read_a_file(handle->options) ? NULL
                                                                  : "";
    session_reset(&handle->session, handle->credentials_unknown ? login->database : database);
    memset(&handle->server, 0, sizeof handle->server);
    handle->sent = handle->planted = handle->query_attributes = handle->main_marked = false;
    handle->kept_insert_id = 0;
    handle->socket.number = -1;
    handle_note_last(handle, handle->main);
    handle->ok = handle->counted = handle->found = handle->warned = handle->main;
    handle_note_spoke(handle, handle->main);
    const struct config *config = setup_config();
    handle->aside = (unsigned char)(config && !handle->shadow ? reason_to_leave_alone(config, &login->address)
                                                              : ROUTE_ROUTED);
    handle->passive = handle->shadow || !config || handle->aside != ROUTE_ROUTED;
}

static void end_login(struct handle *handle, bool succeeded, struct socket caught) {
    handle->busy = false;
    if (!succeeded) {
        return;
    }
    const struct real *real = handle->real;
    handle->thread_id = real->mysql_thread_id ? real->mysql_thread_id(handle->main) : 0;
    command_note_socket(handle, caught);
    const char *charset =
        real->mysql_character_set_name ? real->mysql_character_set_name(handle->main) : NULL;
    if (charset) {
        handle->session.route.modes.multibyte_unsafe =
            lex_charset_is_unsafe((struct slice){charset, strlen(charset)});
    }
}

/* Oracle's library closes the connection that it had when it refuses a second one: all says so, until the
 * next that succeeds. */
static void end_login_lost(struct handle *handle) {
    local_close_all(handle);
    handle->passive = true;
}

EXPORT MYSQL *mysql_real_connect(MYSQL *mysql, const char *host, const char *user, const char *password,
                                 const char *database, unsigned port, const char *socket,
                                 unsigned long flags) {
    struct handle *handle = handle_find(mysql);
    if (!handle || handle->busy || handle->shadow) {
        const struct real *real = handle ? handle->real : real_of_caller(CALLER);
        return real ? real->mysql_real_connect(mysql, host, user, password, database, port, socket, flags)
                    : NULL;
    }
    const struct login login = {{host, port, socket}, user, password, database, flags};
    if (handle->thread_id !=
        0) { /* connected already: the library refuses, and the session goes on; unless it was lost */
        handle->busy = true;
        socket_catch_begin();
        MYSQL *again =
            handle->real->mysql_real_connect(mysql, host, user, password, database, port, socket, flags);
        struct socket caught = socket_catch_end();
        handle->busy = false;
        handle_note_last(handle, handle->main);
        if (again) {
            note_login(handle, &login);
            end_login(handle, true, caught);
        } else if (handle->socket.number >= 0 && !socket_is_same(&handle->socket)) {
            end_login_lost(handle);
        }
        return again;
    }
    note_login(handle, &login);
    handle->busy = true; /* init commands come back to mysql_real_query on this very handle */
    socket_catch_begin();
    MYSQL *connected =
        handle->real->mysql_real_connect(mysql, host, user, password, database, port, socket, flags);
    end_login(handle, connected != NULL, socket_catch_end());
    return connected;
}

EXPORT MYSQL *mysql_real_connect_dns_srv(MYSQL *mysql, const char *name, const char *user,
                                         const char *password, const char *database, unsigned long flags) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_real_connect_dns_srv) {
        return NULL;
    }
    if (!handle || handle->busy || handle->shadow) {
        return real->mysql_real_connect_dns_srv(mysql, name, user, password, database, flags);
    }
    const struct login login = {{name, 0, NULL}, user, password, database, flags};
    note_login(handle, &login);
    handle->busy = true;
    socket_catch_begin();
    MYSQL *connected = real->mysql_real_connect_dns_srv(mysql, name, user, password, database, flags);
    end_login(handle, connected != NULL, socket_catch_end());
    return connected;
}

/* The program waits on the socket from here on, and may have a set watch it. */
static void end_step(struct handle *handle, int status, bool succeeded) {
    static const struct socket unknown = {.number = -1};
    if (status == 0) {
        end_login(handle, succeeded, unknown);
    } else {
        command_note_socket(handle, unknown);
    }
}

EXPORT int mysql_real_connect_start(MYSQL **result, MYSQL *mysql, const char *host, const char *user,
                                    const char *password, const char *database, unsigned port,
                                    const char *socket, unsigned long flags) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_real_connect_start) {
        *result = NULL;
        return 0;
    }
    bool aside = !handle || handle->busy || handle->shadow;
    if (!aside) {
        const struct login login = {{host, port, socket}, user, password, database, flags};
        note_login(handle, &login);
        handle->busy = true;
    }
    int status =
        real->mysql_real_connect_start(result, mysql, host, user, password, database, port, socket, flags);
    if (!aside) {
        end_step(handle, status, *result != NULL);
    }
    return status;
}

EXPORT int mysql_real_connect_cont(MYSQL **result, MYSQL *mysql, int ready) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_real_connect_cont) {
        *result = NULL;
        return 0;
    }
    int status = real->mysql_real_connect_cont(result, mysql, ready);
    if (handle && !handle->shadow) {
        end_step(handle, status, *result != NULL);
    }
    return status;
}

EXPORT enum net_async_status mysql_real_connect_nonblocking(MYSQL *mysql, const char *host, const char *user,
                                                            const char *password, const char *database,
                                                            unsigned port, const char *socket,
                                                            unsigned long flags) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_real_connect_nonblocking) {
        return NET_ASYNC_ERROR;
    }
    if (handle && !handle->busy && !handle->shadow) { /* the first of several calls with the same arguments */
        const struct login login = {{host, port, socket}, user, password, database, flags};
        note_login(handle, &login);
        handle->busy = true;
    }
    socket_catch_begin();
    enum net_async_status status =
        real->mysql_real_connect_nonblocking(mysql, host, user, password, database, port, socket, flags);
    struct socket caught = socket_catch_end();
    if (handle && !handle->shadow) {
        caught = caught.number < 0 ? handle->socket : caught; /* one of the calls has made the connection */
        if (status != NET_ASYNC_NOT_READY) {
            end_login(handle, status == NET_ASYNC_COMPLETE, caught);
        } else {
            command_note_socket(handle, caught);
        }
    }
    return status;
}

/* Called for the application's handle by the library itself when it reconnects inside another call: then the
 * record stays. */
static struct handle *begin_close(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    if (!handle || handle->busy || handle->shadow) {
        return NULL;
    }
    if (handle->answered) {
        command_forget_answer(handle);
    }
    handle_remove(handle);
    local_close_all(handle);
    return handle;
}

EXPORT void mysql_close(MYSQL *mysql) {
    struct handle *known = handle_find(mysql);
    const struct real *real = known ? known->real : real_of_caller(CALLER);
    struct handle *handle = begin_close(mysql);
    if (real) {
        real->mysql_close(mysql);
    }
    if (handle) {
        handle_free(handle);
    }
}

EXPORT int mysql_close_start(MYSQL *mysql) {
    struct handle *known = handle_find(mysql);
    const struct real *real = known ? known->real : real_of_caller(CALLER);
    struct handle *handle = begin_close(mysql);
    if (handle) {
        handle_free(handle); /* what follows is the library's alone */
    }
    return real && real->mysql_close_start ? real->mysql_close_start(mysql) : 0;
}

EXPORT void mysql_server_end(void) {
    const struct real *real = real_of_caller(CALLER);
    if (!real || !real->mysql_server_end) {
        return;
    }
    handle_visit(real, local_close_all); /* before the library takes down what they stand on */
    real->mysql_server_end();
}

EXPORT my_bool mysql_change_user(MYSQL *mysql, const char *user, const char *password, const char *database) {
    struct call call;
    if (!command_begin(&call, mysql, CALLER)) {
        return call.real && call.real->mysql_change_user
                   ? call.real->mysql_change_user(mysql, user, password, database)
                   : 1;
    }
    const struct command command = {.kind = COMMAND_CHANGE_USER,
                                    .text = database ? database : "",
                                    .user = user,
                                    .password = password};
    my_bool failed = call.real->mysql_change_user(call.target, user, password, database);
    command_end(&call, &command, !failed);
    return failed;
}

EXPORT int mysql_reset_connection(MYSQL *mysql) {
    struct call call;
    if (!command_begin(&call, mysql, CALLER)) {
        return call.real && call.real->mysql_reset_connection ? call.real->mysql_reset_connection(mysql) : 1;
    }
    if (call.real->mariadb) {
        call.target =
            call.handle->main; /* Connector/C skips an unread result here where Oracle's library says 2014 */
    }
    const struct command command = {.kind = COMMAND_RESET};
    int failed = call.real->mysql_reset_connection(call.target);
    command_end(&call, &command, failed == 0);
    return failed;
}

EXPORT enum net_async_status mysql_reset_connection_nonblocking(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_reset_connection_nonblocking) {
        return NET_ASYNC_ERROR;
    }
    if (!handle || handle->passive || handle->busy) {
        return real->mysql_reset_connection_nonblocking(mysql);
    }
    return mysql_reset_connection(mysql) == 0 ? NET_ASYNC_COMPLETE : NET_ASYNC_ERROR;
}

EXPORT my_bool mariadb_reconnect(MYSQL *mysql) {
    struct call call;
    if (!command_begin(&call, mysql, CALLER)) {
        return call.real && call.real->mariadb_reconnect ? call.real->mariadb_reconnect(mysql) : 1;
    }
    const struct command command = {.kind = COMMAND_SESSION_LOST};
    my_bool failed = call.real->mariadb_reconnect(call.target);
    command_end(&call, &command, !failed);
    return failed;
}

/* Comes from another thread than the one that uses the handle. */
EXPORT int mariadb_cancel(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mariadb_cancel) {
        return 1;
    }
    MYSQL *running = handle ? handle->running : NULL;
    if (running) {
        handle->cancelled = true;
        real->mariadb_cancel(running);
    }
    return real->mariadb_cancel(mysql);
}
