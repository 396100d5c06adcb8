#define _GNU_SOURCE
#include "local_parts.h"

#include "breaker.h"
#include "broken_pipe.h"
#include "descriptor.h"
#include "log.h"
#include "process.h"
#include "stats.h"
#include "verdict.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Option numbers that are the same in both libraries. */
enum {
    OPTION_CONNECT_TIMEOUT = 0,
    OPTION_DEFAULT_FILE = 4,
    OPTION_CHARSET = 7,
    OPTION_LOCAL_INFILE = 8,
    OPTION_PROTOCOL = 9,
    OPTION_READ_TIMEOUT = 11,
    OPTION_WRITE_TIMEOUT = 12
};
enum { FLAG_LOCAL_FILES = 0x80 };
enum { PROTOCOL_TCP = 1, PROTOCOL_SOCKET = 2 };

static const char *describe_address(const struct config_server *server, char *text, size_t size) {
    if (server->socket) {
        snprintf(text, size, "%s", server->socket);
    } else {
        snprintf(text, size, "%s:%u", server->host ? server->host : "localhost", server->port);
    }
    return text;
}

static enum route_reason connect_failed(struct handle *handle, struct local_slot *slot,
                                        const struct config *config, MYSQL *mysql) {
    const struct real *real = handle->real;
    unsigned error = real->mysql_errno(mysql);
    char address[256], why[512];
    describe_address(&config->local.server, address, sizeof address);
    if (verdict_is_outage(error) && !descriptor_can_be_had()) { /* this process couldn't even ask */
        handle->cause = PAGE_CAUSE_CONNECT_REFUSED;
        local_note_refusal("connections at", address, error, real->mysql_error(mysql));
        return local_refuse_for_a_while(slot, config, ROUTE_LOCAL_DOWN);
    }
    if (verdict_is_outage(error)) {
        snprintf(why, sizeof why, "%s: %u %s", address, error, real->mysql_error(mysql));
        breaker_failed(config, why);
        handle->cause = PAGE_CAUSE_CONNECT_FAILED;
        return ROUTE_LOCAL_DOWN;
    }
    breaker_succeeded(config); /* it is there, if not for this account */
    handle->cause = PAGE_CAUSE_CONNECT_REFUSED;
    local_note_refusal("connections at", address, error, real->mysql_error(mysql));
    return local_refuse_for_a_while(slot, config, ROUTE_LOCAL_DOWN);
}

/* False: what the configuration asks for can't be had of this library. */
static bool set_options(const struct handle *handle, const struct config *config, MYSQL *mysql) {
    const struct real *real = handle->real;
    const struct config_local *local = &config->local;
    options_replay(handle->options, real, mysql,
                   (struct options_left_out){.files = local->user || local->defaults_file,
                                             .trust = local->tls});
    unsigned no_files = 0; /* no routed statement loads one, and a server may ask for any at any statement */
    real->mysql_options(mysql, OPTION_LOCAL_INFILE, &no_files);
    unsigned protocol = local->server.socket ? PROTOCOL_SOCKET : PROTOCOL_TCP;
    real->mysql_options(mysql, OPTION_PROTOCOL, &protocol);
    real->mysql_options(mysql, OPTION_CONNECT_TIMEOUT, &local->connect_timeout_s);
    real->mysql_options(mysql, OPTION_READ_TIMEOUT, &local->read_timeout_s);
    real->mysql_options(mysql, OPTION_WRITE_TIMEOUT, &local->read_timeout_s);
    const char *charset =
        real->mysql_character_set_name ? real->mysql_character_set_name(handle->main) : NULL;
    if (charset) {
        real->mysql_options(mysql, OPTION_CHARSET, charset);
    }
    if (local->defaults_file) {
        real->mysql_options(mysql, OPTION_DEFAULT_FILE, local->defaults_file);
    }
    return !local->tls || options_ask_for_tls(real, mysql, local->tls_ca);
}

static enum route_reason refuse_plain(struct handle *handle, struct local_slot *slot,
                                      const struct config *config, const char *why) {
    char address[256];
    describe_address(&config->local.server, address, sizeof address);
    local_note_refusal("connections as local.tls asks for at", address, CLIENT_TLS_FAILED, why);
    handle->cause = PAGE_CAUSE_CONNECT_REFUSED;
    return local_refuse_for_a_while(slot, config, ROUTE_LOCAL_DOWN);
}

static void note_socket(struct local *local, struct socket caught) {
    local->socket =
        local->real->mysql_get_socket ? socket_of(local->real->mysql_get_socket(local->mysql)) : caught;
    if (local->socket.number >= 0) {
        fcntl(local->socket.number, F_SETFD, FD_CLOEXEC); /* the libraries leave it open over exec */
    }
}

/* The local master must be another server than main, and of its kind. */
static enum route_reason check_server(struct handle *handle, struct local_slot *slot,
                                      const struct config *config, struct local *local) {
    if (!snapshot_identify(local->real, local->mysql, &local->server)) {
        return connect_failed(handle, slot, config, local->mysql);
    }
    local->autocommit = local->server.autocommit;
    if (handle->server.identity == 0) {
        return ROUTE_ROUTED; /* main was not asked: for local_kill_running only */
    }
    if (local->server.identity == handle->server.identity) {
        handle->passive = true; /* until it connects again */
        handle->aside = ROUTE_SAME_SERVER;
        return ROUTE_SAME_SERVER;
    }
    if (local->server.mariadb != handle->server.mariadb || local->server.major != handle->server.major) {
        if (log_state_changed(log_key(2, "kind", 4), local->server.major + 1)) {
            log_write(CONFIG_LOG_WARNING,
                      "local master is %s %u and main is %s %u: servers of two kinds differ in their "
                      "answers; nothing is routed",
                      local->server.mariadb ? "MariaDB" : "MySQL", local->server.major,
                      handle->server.mariadb ? "MariaDB" : "MySQL", handle->server.major);
        }
        handle->cause = PAGE_CAUSE_CONNECT_REFUSED;
        return local_refuse_for_a_while(slot, config, ROUTE_LOCAL_DOWN);
    }
    return ROUTE_ROUTED;
}

static struct local *new_local(const struct handle *handle) {
    struct local *local = calloc(1, sizeof *local);
    MYSQL *mysql = local ? handle->real->mysql_init(NULL) : NULL;
    struct handle *own = mysql ? handle_add(mysql, handle->real) : NULL;
    if (!own) {
        if (mysql) {
            handle->real->mysql_close(mysql);
        }
        free(local);
        return NULL;
    }
    own->passive = own->shadow = true;
    *local = (struct local){.mysql = mysql,
                            .real = handle->real,
                            .autocommit = true,
                            .pid = process_id(),
                            .socket = {.number = -1}};
    return local;
}

enum route_reason local_open(struct handle *handle, struct local_slot *slot, const struct config *config) {
    const struct config_local *to = &config->local;
    if (!to->user && !to->defaults_file && handle->credentials_unknown) {
        if (log_state_changed(log_key(2, "credentials", 11), 1)) {
            log_write(CONFIG_LOG_WARNING, "the application's user is hidden in a connection string: set "
                                          "local.user and local.password_file");
        }
        handle->cause = PAGE_CAUSE_CONNECT_REFUSED;
        return local_refuse_for_a_while(slot, config, ROUTE_LOCAL_DOWN);
    }
    struct local *local = new_local(handle);
    if (!local) {
        return ROUTE_LOCAL_DOWN;
    }
    if (!set_options(handle, config, local->mysql)) {
        local_free(local);
        return refuse_plain(handle, slot, config, "this client library can't promise it");
    }
    const char *user = to->user || to->defaults_file ? to->user : handle->credentials.user;
    const char *password = to->user || to->defaults_file ? to->password : handle->credentials.password;
    const char *database =
        handle->session.database && *handle->session.database ? handle->session.database : NULL;
    int64_t token;
    if (!breaker_begin_connect(config, &token)) {
        handle->cause = PAGE_CAUSE_BREAKER_OPEN;
        local_free(local);
        return ROUTE_LOCAL_DOWN;
    }
    struct descriptor_standard standard;
    broken_pipe_look();
    descriptor_occupy_standard(&standard);
    socket_catch_begin();
    MYSQL *connected =
        handle->real->mysql_real_connect(local->mysql, to->server.socket ? NULL : to->server.host, user,
                                         password, database, to->server.port, to->server.socket,
                                         handle->credentials.flags & ~(unsigned long)FLAG_LOCAL_FILES);
    struct socket caught = socket_catch_end();
    descriptor_vacate_standard(&standard);
    if (connected) {
        note_socket(local, caught);
    }
    /* Not on the library's word alone: Connector/C does without TLS where the server offers none, unless the
     * certificate is to be checked; and an option file has the last word. */
    bool plain = connected && to->tls && !handle->real->mysql_get_ssl_cipher(local->mysql);
    enum route_reason reason = plain       ? refuse_plain(handle, slot, config, "it offers no TLS")
                               : connected ? check_server(handle, slot, config, local)
                                           : connect_failed(handle, slot, config, local->mysql);
    breaker_end_connect(config, token);
    if (reason != ROUTE_ROUTED) {
        local->given_up = handle->real->mysql_errno(local->mysql) >= CLIENT_ERROR_FIRST;
        local_free(local);
        return reason;
    }
    local->database_version = handle->session.database_version; /* it was named in the connect */
    local->config = config;
    slot->local = local;
    slot->retry_at_ms = 0;
    breaker_succeeded(config);
    stats_count_event(PAGE_EVENT_SHADOW_OPENED);
    char address[256];
    describe_address(&to->server, address, sizeof address);
    local_note_acceptance("connections at", address);
    return ROUTE_ROUTED;
}
