/* The public names of the client API that both libraries share, declared here so that one object serves both:
 * nothing of their structs is known or used. Numbers are those of the libraries' public headers; they are the
 * same in both except where a table by library says otherwise (shim/options.c). */
#ifndef ROUNDABOUT_CLIENT_API_H
#define ROUNDABOUT_CLIENT_API_H

#include <stddef.h>
#include <stdint.h>

typedef struct st_mysql MYSQL;
typedef struct st_mysql_res MYSQL_RES;
typedef struct st_mysql_stmt MYSQL_STMT;
typedef struct st_mysql_bind MYSQL_BIND;
typedef char **MYSQL_ROW;
typedef unsigned char my_bool; /* char in MariaDB's library, bool in Oracle's: the same register, 0 or 1 */

/* Client error numbers (errmsg.h). */
enum {
    CLIENT_ERROR_FIRST = 2000,
    CLIENT_SERVER_GONE = 2006,
    CLIENT_SERVER_LOST = 2013,
    CLIENT_TLS_FAILED = 2026,
    CLIENT_COMMANDS_OUT_OF_SYNC = 2014,
    CLIENT_NO_RESULT_SET = 2053,
    CLIENT_NO_SUCH_CHARSET = 2019,
    CLIENT_SERVER_LOST_EXTENDED = 2055,
    CLIENT_STATEMENT_CLOSED = 2056,
    CLIENT_ERROR_LAST = 2999,
    CLIENT_MARIADB_ERROR_FIRST = 5000, /* Connector/C's own: 5000 ... 5999 */
    CLIENT_MARIADB_ERROR_LAST = 5999,
};

/* Bits of the server status in OK and EOF packets. */
enum { SERVER_STATUS_IN_TRANS = 1, SERVER_STATUS_AUTOCOMMIT = 2 };

/* enum enum_session_state_type */
enum { SESSION_TRACK_SYSTEM_VARIABLES = 0, SESSION_TRACK_SCHEMA = 1, SESSION_TRACK_TRANSACTION_STATE = 5 };

/* enum mariadb_value of Connector/C: the values that belong to the last statement */
enum {
    MARIADB_CONNECTION_ERROR = 8,
    MARIADB_CONNECTION_ERROR_ID = 9,
    MARIADB_CONNECTION_INFO = 11,
    MARIADB_CONNECTION_SQLSTATE = 20,
    MARIADB_CONNECTION_SERVER_STATUS = 30,
};

/* enum enum_stmt_attr_type: those up to 2 are in both libraries, those from 200 on in Connector/C */
enum {
    STMT_ATTR_UPDATE_MAX_LENGTH = 0,
    STMT_ATTR_CURSOR_TYPE,
    STMT_ATTR_PREFETCH_ROWS,
    STMT_ATTR_PREBIND_PARAMS = 200,
    STMT_ATTR_ARRAY_SIZE,
    STMT_ATTR_ROW_SIZE,
    STMT_ATTR_STATE,
};

/* MYSQL_BIND, which programs allocate themselves: 112 bytes in both libraries, and of its members these two
 * at the same place (mysql.h, mariadb_stmt.h). */
enum { BIND_SIZE = 112, BIND_BUFFER = 16, BIND_BUFFER_LENGTH = 64 };

/* enum net_async_status of Oracle's library */
enum net_async_status {
    NET_ASYNC_COMPLETE = 0,
    NET_ASYNC_NOT_READY,
    NET_ASYNC_ERROR,
    NET_ASYNC_COMPLETE_NO_MORE_RESULTS
};

#endif
