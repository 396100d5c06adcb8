/* Questions about the last call: answered by the connection that it ran on. None of them speaks to a server.
 */
#define _GNU_SOURCE
#include "command.h"
#include "local.h"

#include <stdarg.h>

/* `mysql` itself where the shim stands aside; *real NULL: no library. */
static MYSQL *answering(MYSQL *mysql, const void *caller, const struct real **real) {
    struct handle *handle = handle_find(mysql);
    *real = handle ? handle->real : real_of_caller(caller);
    return !handle || handle->passive || handle->busy ? mysql : handle->last;
}

/* Some drivers clear the error by writing into their handle: the error planted on main (intercept_query.c) is
 * gone then. */
EXPORT unsigned mysql_errno(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real) {
        return 0;
    }
    if (!handle || handle->passive || handle->busy || handle_failing(handle) == handle->main) {
        return real->mysql_errno(mysql);
    }
    if (handle->planted && real->mysql_errno(handle->main) == 0) {
        return 0;
    }
    return real->mysql_errno(handle_failing(handle));
}

#define ERROR(name, none)                                                                        \
    EXPORT                                                                                       \
    const char *name(MYSQL *mysql) {                                                             \
        struct handle *handle = handle_find(mysql);                                              \
        const struct real *real = handle ? handle->real : real_of_caller(CALLER);                \
        bool aside = !handle || handle->passive || handle->busy;                                 \
        return real && real->name ? real->name(aside ? mysql : handle_failing(handle)) : (none); \
    }

ERROR(mysql_error, "")
ERROR(mysql_sqlstate, "00000")

#define ANSWER(type, name, none)                               \
    EXPORT                                                     \
    type name(MYSQL *mysql) {                                  \
        const struct real *real;                               \
        MYSQL *from = answering(mysql, CALLER, &real);         \
        return real && real->name ? real->name(from) : (none); \
    }

ANSWER(uint64_t, mysql_affected_rows, 0)
ANSWER(const char *, mysql_info, NULL)

/* A statement that fails leaves the number of the one before, as if nothing had run in between. */
EXPORT unsigned mysql_warning_count(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_warning_count) {
        return 0;
    }
    if (!handle || handle->passive || handle->busy) {
        return real->mysql_warning_count(mysql);
    }
    return handle->counted ? real->mysql_warning_count(handle->counted) : handle->kept_warning_count;
}

/* Of the last statement: a call that has no answer of its own leaves it. */
EXPORT unsigned mysql_field_count(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_field_count) {
        return 0;
    }
    if (!handle || handle->passive || handle->busy) {
        return real->mysql_field_count(mysql);
    }
    return handle->fields_kept ? handle->routing->kept_field_count : real->mysql_field_count(handle->spoke);
}

/* Not the last call's: the last statement's that ended in an OK packet, over SELECTs and errors. */
EXPORT uint64_t mysql_insert_id(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real) {
        return 0;
    }
    if (!handle || handle->passive || handle->busy) {
        return real->mysql_insert_id(mysql);
    }
    return handle->ok ? real->mysql_insert_id(handle->ok) : handle->kept_insert_id;
}

EXPORT int mysql_session_track_get_first(MYSQL *mysql, int type, const char **data, size_t *length) {
    const struct real *real;
    MYSQL *from = answering(mysql, CALLER, &real);
    return real && real->mysql_session_track_get_first
               ? real->mysql_session_track_get_first(from, type, data, length)
               : 1;
}

EXPORT int mysql_session_track_get_next(MYSQL *mysql, int type, const char **data, size_t *length) {
    const struct real *real;
    MYSQL *from = answering(mysql, CALLER, &real);
    return real && real->mysql_session_track_get_next
               ? real->mysql_session_track_get_next(from, type, data, length)
               : 1;
}

/* The connection that a value is asked of. */
static MYSQL *telling(MYSQL *mysql, const struct handle *handle, int value) {
    switch (value) {
    case MARIADB_CONNECTION_ERROR:
    case MARIADB_CONNECTION_ERROR_ID:
    case MARIADB_CONNECTION_SQLSTATE:
        return handle_failing(handle);
    case MARIADB_CONNECTION_INFO:
    case MARIADB_CONNECTION_SERVER_STATUS:
        return handle->last;
    default:
        return mysql;
    }
}

/* The status with the transaction bits as one server would have them: main's mode, and open if it is at
 * either.
 */
static void join_status(const struct handle *handle, unsigned *status) {
    const struct local *local = handle_shadow(handle, CONFIG_FOLLOW);
    if (handle->last == handle->main && handle->hushed) {
        *status &= ~(unsigned)SERVER_STATUS_IN_TRANS;
        *status |= handle->hushed_inside ? SERVER_STATUS_IN_TRANS : 0;
    }
    if (handle->last == handle->main && local && local->transaction) {
        *status |= local_is_inside(local) ? SERVER_STATUS_IN_TRANS : 0;
    }
    if (handle->last != handle->main) {
        unsigned main_status = 0;
        handle->real->mariadb_get_infov(handle->main, MARIADB_CONNECTION_SERVER_STATUS, &main_status, NULL);
        *status &= ~(unsigned)SERVER_STATUS_AUTOCOMMIT;
        *status |= handle->session.autocommit ? SERVER_STATUS_AUTOCOMMIT : 0;
        bool inside = handle->hushed ? handle->hushed_inside : main_status & SERVER_STATUS_IN_TRANS;
        *status |= inside ? SERVER_STATUS_IN_TRANS : 0;
    }
}

EXPORT my_bool mariadb_get_infov(MYSQL *mysql, int value, void *argument, ...) {
    va_list arguments;
    va_start(arguments, argument);
    void *more = va_arg(arguments, void *);
    va_end(arguments);
    const struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mariadb_get_infov) {
        return 1;
    }
    bool aside = !handle || handle->passive || handle->busy;
    MYSQL *from = aside ? mysql : telling(mysql, handle, value);
    my_bool failed = real->mariadb_get_infov(from, value, argument, more);
    if (!failed && !aside && value == MARIADB_CONNECTION_SERVER_STATUS) {
        join_status(handle, argument);
    }
    return failed;
}

EXPORT my_bool mariadb_get_info(MYSQL *mysql, int value, void *argument) {
    return mariadb_get_infov(mysql, value, argument, NULL);
}
