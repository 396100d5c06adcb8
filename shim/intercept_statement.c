/* Prepared statements run on main. What they do to the session is taken in when they are executed, and a
 * routed result that the application has not read makes them say 2014, as it would on one connection. */
#define _GNU_SOURCE
#include "intercept.h"

#include "stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool statement_begin(struct call *call, struct statement **statement, MYSQL_STMT *stmt, const void *caller) {
    *statement = statement_find(stmt);
    call->handle = NULL;
    call->real = *statement ? (*statement)->real : real_of_caller(caller);
    struct handle *handle = *statement ? (*statement)->handle : NULL;
    if (!handle || handle->passive || handle->busy) {
        return false;
    }
    (*statement)->out_of_sync = false;
    command_begin(call, handle->main, caller);
    if (call->target != handle->main) {
        handle->busy = false;
        (*statement)->out_of_sync = true;
        return true;
    }
    return true;
}

void statement_end(struct call *call, const struct statement *statement, bool executed, bool succeeded) {
    if (executed && statement->text) {
        command_end_text(call, (struct slice){statement->text, statement->length}, NULL, succeeded);
        return;
    }
    if (executed && statement->unseen) {
        command_end_text(call, (struct slice){"", 0}, &(struct sql_summary){.verb = SQL_OPAQUE}, succeeded);
        return;
    }
    struct handle *handle = call->handle;
    const struct command command = {.kind = executed ? COMMAND_TOUCHES : COMMAND_PLAIN};
    MYSQL *ok = handle->ok;
    if (executed) {
        stats_count(PAGE_UNREAD, ROUTE_OTHER_CALL);
        handle->spoke = handle->main;
        handle->session.main_touched = true;
    }
    command_end(call, &command, succeeded);
    if (!executed) {
        handle->ok = ok; /* a prepare and a close say nothing about ids */
    }
}

void statement_note_text(struct statement *statement, const struct handle *handle, const char *text,
                         unsigned long length) {
    free(statement->text);
    statement->text = NULL;
    statement->unseen = false;
    struct slice slice;
    if (!query_text_to_route(handle, text, length, &slice)) {
        return;
    }
    struct sql_summary summary;
    sql_summarize(slice, handle->session.route.modes, NULL, &summary);
    if (!command_matters(&summary)) {
        return;
    }
    statement->text = malloc(slice.length);
    statement->unseen = !statement->text;
    if (statement->text) {
        memcpy(statement->text, slice.at, slice.length);
        statement->length = slice.length;
    }
}

EXPORT MYSQL_STMT *mysql_stmt_init(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_stmt_init) {
        return NULL;
    }
    MYSQL_STMT *stmt = real->mysql_stmt_init(mysql);
    if (stmt && handle && !handle->busy && (!handle->passive || real_is_ambiguous())) {
        handle->passive |=
            !statement_add(stmt, handle, real); /* out of memory: what it does would not be seen */
    }
    return stmt;
}

EXPORT int mysql_stmt_prepare(MYSQL_STMT *stmt, const char *text, unsigned long length) {
    struct call call;
    struct statement *statement;
    bool watched = statement_begin(&call, &statement, stmt, CALLER);
    if (!call.real || !call.real->mysql_stmt_prepare) {
        return 1;
    }
    if (watched && statement->out_of_sync) {
        return 1;
    }
    if (watched) {
        statement_note_text(statement, call.handle, text, length);
    }
    int result = call.real->mysql_stmt_prepare(stmt, text, length);
    if (watched) {
        statement_end(&call, statement, false, result == 0);
    }
    return result;
}

EXPORT int mysql_stmt_execute(MYSQL_STMT *stmt) {
    struct call call;
    struct statement *statement;
    bool watched = statement_begin(&call, &statement, stmt, CALLER);
    if (!call.real || !call.real->mysql_stmt_execute) {
        return 1;
    }
    if (watched && statement->out_of_sync) {
        return 1;
    }
    int result = call.real->mysql_stmt_execute(stmt);
    if (watched) {
        statement_end(&call, statement, true, result == 0);
    }
    return result;
}

EXPORT int mariadb_stmt_execute_direct(MYSQL_STMT *stmt, const char *text, size_t length) {
    struct call call;
    struct statement *statement;
    bool watched = statement_begin(&call, &statement, stmt, CALLER);
    if (!call.real || !call.real->mariadb_stmt_execute_direct) {
        return 1;
    }
    if (watched && statement->out_of_sync) {
        return 1;
    }
    if (watched) {
        statement_note_text(statement, call.handle, text, length);
    }
    int result = call.real->mariadb_stmt_execute_direct(stmt, text, length);
    if (watched) {
        statement_end(&call, statement, true, result == 0);
    }
    return result;
}

EXPORT int mysql_stmt_next_result(MYSQL_STMT *stmt) {
    struct call call;
    struct statement *statement;
    bool watched = statement_begin(&call, &statement, stmt, CALLER);
    if (!call.real || !call.real->mysql_stmt_next_result) {
        return 1;
    }
    int result = call.real->mysql_stmt_next_result(stmt);
    if (watched && !statement->out_of_sync) {
        statement_end(&call, statement, false, result <= 0);
    }
    return result;
}

/* These speak to main, or to nobody, and may come from a garbage collector at any moment: between a routed
 * statement and its result too. They never fail for that, and leave the routed result alone. False: main's
 * descriptor is lent and can't be had back for the call. */
static bool begin_quiet(struct handle *handle) {
    int kept_errno = errno;
    if (handle->answered && !descriptor_suspend(&handle->loan)) {
        return false;
    }
    handle->busy = true;
    errno = kept_errno;
    return true;
}

static void end_quiet(struct handle *handle) {
    int kept_errno = errno;
    handle->busy = false;
    handle->last = handle->main;
    if (handle->answered) {
        descriptor_resume(&handle->loan);
    }
    errno = kept_errno;
}

static struct handle *watched_handle(const struct statement *statement) {
    struct handle *handle = statement ? statement->handle : NULL;
    return handle && !handle->passive && !handle->busy ? handle : NULL;
}

#define STATEMENT_COMMAND(name, parameters, arguments)                                  \
    EXPORT my_bool name parameters {                                                    \
        struct statement *statement = statement_find(stmt);                             \
        const struct real *real = statement ? statement->real : real_of_caller(CALLER); \
        struct handle *handle = watched_handle(statement);                              \
        if (!real || !real->name || (handle && !begin_quiet(handle))) {                 \
            return 1;                                                                   \
        }                                                                               \
        my_bool result = real->name arguments;                                          \
        if (handle) {                                                                   \
            end_quiet(handle);                                                          \
        }                                                                               \
        return result;                                                                  \
    }

STATEMENT_COMMAND(mysql_stmt_reset, (MYSQL_STMT * stmt), (stmt))
STATEMENT_COMMAND(mysql_stmt_free_result, (MYSQL_STMT * stmt), (stmt))
STATEMENT_COMMAND(mysql_stmt_send_long_data,
                  (MYSQL_STMT * stmt, unsigned number, const char *data, unsigned long length),
                  (stmt, number, data, length))

EXPORT my_bool mysql_stmt_close(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement ? statement->real : real_of_caller(CALLER);
    struct handle *handle = watched_handle(statement);
    if (!real || !real->mysql_stmt_close || (handle && !begin_quiet(handle))) {
        return 1;
    }
    if (statement) {
        statement_remove(statement); /* first: its address may be another's as soon as it is freed */
    }
    my_bool result = real->mysql_stmt_close(stmt);
    if (handle) {
        end_quiet(handle);
    }
    return result;
}

EXPORT unsigned mysql_stmt_errno(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement ? statement->real : real_of_caller(CALLER);
    if (statement && statement->out_of_sync) {
        return CLIENT_COMMANDS_OUT_OF_SYNC;
    }
    return real && real->mysql_stmt_errno ? real->mysql_stmt_errno(stmt) : 0;
}

EXPORT const char *mysql_stmt_error(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement ? statement->real : real_of_caller(CALLER);
    if (statement && statement->out_of_sync) {
        return "Commands out of sync; you can't run this command now";
    }
    return real && real->mysql_stmt_error ? real->mysql_stmt_error(stmt) : "";
}

EXPORT const char *mysql_stmt_sqlstate(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement ? statement->real : real_of_caller(CALLER);
    if (statement && statement->out_of_sync) {
        return "HY000";
    }
    return real && real->mysql_stmt_sqlstate ? real->mysql_stmt_sqlstate(stmt) : "00000";
}
