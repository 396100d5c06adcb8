/* A connection to one server, with limits on how long anything may take. The only module that knows the
 * client library. */
#ifndef ROUNDABOUT_SERVER_H
#define ROUNDABOUT_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "../config/config.h"

enum server_outcome {
    SERVER_ANSWERED,    /* with what was asked for */
    SERVER_REFUSED,     /* it lives, and said no: an SQL error, a login that it doesn't accept */
    SERVER_UNREACHABLE, /* nothing answered in time */
};

/* How a request ended. The text is the server's or the library's, made plain; it holds no password. */
struct server_answer {
    enum server_outcome outcome;
    unsigned code;
    char text[512];
};

struct server;
struct server_rows;

/* Call server_library_start() before the first thread is made, and the thread pair in each thread that uses a
 * server. */
void server_library_start(void);
void server_library_stop(void);
void server_thread_start(void);
void server_thread_stop(void);

/* Nothing is connected yet. `address` and `login` must outlive the server. `by_socket`: use the address's
 * socket if it has one; else host and port. Each wait for the server is limited to limit_s seconds, and so is
 * connecting. One thread at a time may use it. NULL: no memory. */
struct server *server_create(const struct config_server *address, const struct config_login *login,
                             bool by_socket, unsigned limit_s);
void server_destroy(struct server *server);

/* Runs one statement, connecting first if need be. After SERVER_UNREACHABLE the connection is closed, and
 * what the statement did is not known. `rows`, if not NULL, gets the result set, or NULL when there is none;
 * the caller gives it to server_rows_free(). */
struct server_answer server_query(struct server *server, const char *sql, struct server_rows **rows);

/* What the server calls its version, "10.11.19-MariaDB-0+deb12u1"; NULL while not connected. */
const char *server_version(const struct server *server);

/* The number of the present connection, from 1 on; 0: it isn't connected. */
unsigned server_connection(const struct server *server);
void server_disconnect(struct server *server);

size_t server_rows_count(const struct server_rows *rows);
/* The value in the column of that name, any case; NULL: SQL NULL, no such column, no such row. Lives as long
 * as the rows. */
const char *server_rows_value(const struct server_rows *rows, size_t row, const char *column);
void server_rows_free(struct server_rows *rows);

#endif
