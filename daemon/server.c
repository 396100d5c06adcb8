#include "server.h"

#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plain.h"

/* A session of the daemon's own: no mode that changes how its text is read, UTC, and short waits for locks,
 * so that a client that locks the heartbeat table holds up nothing else. */
#define SESSION                                                                                              \
    "SET SESSION sql_mode = '', time_zone = '+00:00', lock_wait_timeout = 2, innodb_lock_wait_timeout = 1, " \
    "autocommit = 1"

struct server {
    MYSQL *mysql; /* NULL: not connected */
    const struct config_server *address;
    const struct config_login *login;
    bool by_socket;
    unsigned limit_s;
    unsigned connections; /* made so far */
    char version[128]; /* as the server says it, made plain */
};

struct server_rows {
    MYSQL_RES *result;
    size_t row_count;
    char ***values; /* row by column; the result's own memory */
};

void server_library_start(void) {
    mysql_library_init(0, NULL, NULL);
}
void server_library_stop(void) {
    mysql_library_end();
}
void server_thread_start(void) {
    mysql_thread_init();
}
void server_thread_stop(void) {
    mysql_thread_end();
}

struct server *server_create(const struct config_server *address, const struct config_login *login,
                             bool by_socket, unsigned limit_s) {
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    *server = (struct server){.address = address, .login = login, .by_socket = by_socket, .limit_s = limit_s};
    return server;
}

void server_disconnect(struct server *server) {
    if (server->mysql)
        mysql_close(server->mysql);
    server->mysql = NULL;
}

void server_destroy(struct server *server) {
    if (!server)
        return;
    server_disconnect(server);
    free(server);
}

/* The client library's own errors mean that the server couldn't be heard, but for those that say what it
 * wants of us: TLS (2026), a password plugin (2059, 2061) and its version of the protocol (2007). */
static enum server_outcome outcome_of(unsigned code) {
    if (code == 0)
        return SERVER_ANSWERED;
    const bool of_library = (code >= 2000 && code < 3000) || (code >= 5000 && code < 5100);
    const bool wants_something = code == 2007 || code == 2026 || code == 2049 || code == 2059 || code == 2061;
    /* 1053: shutting down; 1158-1161: the network, as the server saw it. It will not answer the next one
     * either. */
    const bool is_leaving = code == 1053 || (code >= 1158 && code <= 1161);
    return (of_library && !wants_something) || is_leaving ? SERVER_UNREACHABLE : SERVER_REFUSED;
}

static struct server_answer answer_of(MYSQL *mysql) {
    struct server_answer answer = {.code = mysql_errno(mysql)};
    answer.outcome = outcome_of(answer.code);
    plain_copy(answer.text, sizeof answer.text, mysql_error(mysql));
    return answer;
}

static void set_tls(MYSQL *mysql, const struct config_login *login) {
#ifdef MARIADB_BASE_VERSION
    char on = 1, verify = login->tls_ca ? 1 : 0;
    if (login->tls) {
        mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &on);
        if (login->tls_ca)
            mysql_optionsv(mysql, MYSQL_OPT_SSL_CA, login->tls_ca);
    }
    mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
#else
    unsigned mode = !login->tls     ? SSL_MODE_PREFERRED
                    : login->tls_ca ? SSL_MODE_VERIFY_IDENTITY
                                    : SSL_MODE_REQUIRED;
    mysql_options(mysql, MYSQL_OPT_SSL_MODE, &mode);
    if (login->tls && login->tls_ca)
        mysql_options(mysql, MYSQL_OPT_SSL_CA, login->tls_ca);
#endif
}

static struct server_answer connect_server(struct server *server) {
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql)
        return (struct server_answer){SERVER_REFUSED, 2008, "out of memory"};
    const bool by_socket = server->by_socket && server->address->socket;
    unsigned protocol = by_socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &server->limit_s);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &server->limit_s);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &server->limit_s);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(mysql, MYSQL_INIT_COMMAND, SESSION);
    if (!by_socket)
        set_tls(mysql, server->login);
    if (!mysql_real_connect(mysql, by_socket ? NULL : server->address->host, server->login->user,
                            server->login->password, NULL, by_socket ? 0 : server->address->port,
                            by_socket ? server->address->socket : NULL, 0)) {
        const struct server_answer answer = answer_of(mysql);
        mysql_close(mysql);
        return answer;
    }
    if (!by_socket && server->login->tls && !mysql_get_ssl_cipher(mysql)) {
        /* Connector/C does without TLS where the server offers none, unless the certificate is to be checked. */
        mysql_close(mysql);
        return (struct server_answer){SERVER_REFUSED, 2026, "tls is asked for, and the server offers none"};
    }
    server->mysql = mysql;
    server->connections++;
    plain_copy(server->version, sizeof server->version, mysql_get_server_info(mysql));
    return (struct server_answer){.outcome = SERVER_ANSWERED};
}

static struct server_rows *keep_rows(MYSQL_RES *result) {
    struct server_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        return NULL;
    rows->result = result;
    rows->row_count = (size_t)mysql_num_rows(result);
    rows->values = calloc(rows->row_count ? rows->row_count : 1, sizeof *rows->values);
    if (!rows->values) {
        free(rows);
        return NULL;
    }
    for (size_t i = 0; i < rows->row_count; i++)
        rows->values[i] = mysql_fetch_row(result);
    return rows;
}

struct server_answer server_query(struct server *server, const char *sql, struct server_rows **rows) {
    if (rows)
        *rows = NULL;
    if (!server->mysql) {
        const struct server_answer answer = connect_server(server);
        if (answer.outcome != SERVER_ANSWERED)
            return answer;
    }
    struct server_answer answer = {.outcome = SERVER_ANSWERED};
    if (mysql_real_query(server->mysql, sql, strlen(sql)) != 0) {
        answer = answer_of(server->mysql);
    } else {
        MYSQL_RES *result = mysql_store_result(server->mysql);
        if (!result && mysql_errno(server->mysql))
            answer = answer_of(server->mysql);
        if (result && rows)
            *rows = keep_rows(result);
        if (result && !(rows && *rows))
            mysql_free_result(result);
    }
    if (answer.outcome == SERVER_UNREACHABLE)
        server_disconnect(server);
    return answer;
}

unsigned server_connection(const struct server *server) {
    return server->mysql ? server->connections : 0;
}

const char *server_version(const struct server *server) {
    return server->mysql ? server->version : NULL;
}

size_t server_rows_count(const struct server_rows *rows) {
    return rows ? rows->row_count : 0;
}

const char *server_rows_value(const struct server_rows *rows, size_t row, const char *column) {
    if (!rows || row >= rows->row_count)
        return NULL;
    const MYSQL_FIELD *fields = mysql_fetch_fields(rows->result);
    const unsigned count = mysql_num_fields(rows->result);
    for (unsigned i = 0; i < count; i++)
        if (strcasecmp(fields[i].name, column) == 0)
            return rows->values[row][i];
    return NULL;
}

void server_rows_free(struct server_rows *rows) {
    if (!rows)
        return;
    mysql_free_result(rows->result);
    free(rows->values);
    free(rows);
}
