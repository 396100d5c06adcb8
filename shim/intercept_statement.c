/* Prepared statements: prepared and executed where they belong. What those on main do to the session is taken
 * in when they are executed, and a routed result that the application has not read makes the others say 2014,
 * as it would on one connection. */
#define _GNU_SOURCE
#include "intercept.h"

#include "broken_pipe.h"
#include "doubt.h"
#include "local.h"
#include "local_parts.h"
#include "prepared.h"
#include "stats.h"
#include "verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct real *statement_real(const struct statement *statement, const void *caller) {
    return statement ? statement->real : real_of_caller(caller);
}

static struct handle *watched_handle(const struct statement *statement) {
    struct handle *handle = statement ? statement->handle : NULL;
    return handle && !handle->passive && !handle->busy && !statement->inside ? handle : NULL;
}

void statement_note_error(struct handle *handle, const struct statement *statement) {
    MYSQL *asked = !statement->at_twin ? handle->main : statement->local ? statement->local->mysql : NULL;
    if (!asked) {
        return;
    }
    handle_note_error(handle, asked);
    if (asked != handle->main && handle->real->mysql_errno(asked) != 0) {
        command_plant_error(handle);
    }
}

void statement_note_spoken(struct statement *statement) {
    struct handle *handle = watched_handle(statement);
    if (handle && !statement->at_twin) {
        handle_note_last(handle, handle->main);
    } else if (handle && statement->local) {
        handle_note_last(handle, statement->local->mysql);
    }
}

/* Connector/C asks nobody about a statement that isn't prepared. */
static bool is_unprepared(const struct statement *statement) {
    enum { MYSQL_STMT_PREPARED = 1 };
    const struct real *real = statement->real;
    int state;
    return real->mariadb && !statement->at_twin && !statement->summary &&
           real->mysql_stmt_attr_get(statement->stmt, STMT_ATTR_STATE, &state) == 0 &&
           state < MYSQL_STMT_PREPARED;
}

bool statement_begin(struct call *call, struct statement **statement, MYSQL_STMT *stmt, const void *caller) {
    *statement = statement_find(stmt);
    call->handle = NULL;
    call->real = statement_real(*statement, caller);
    struct handle *handle = watched_handle(*statement);
    if (!handle) {
        return false;
    }
    (*statement)->error = 0;
    command_begin(call, handle->main, caller);
    if (call->target != handle->main) {
        handle->busy = false;
        handle_note_last(handle, call->target);
        (*statement)->error = CLIENT_COMMANDS_OUT_OF_SYNC;
    }
    return true;
}

void statement_end(struct call *call, struct statement *statement, bool executed, bool succeeded) {
    struct handle *handle = call->handle;
    if (executed) {
        prepared_note_executed(statement, false);
    } else {
        statement->at_main.prepared = succeeded;
        statement->numbered |= succeeded;
        statement->numbered_on_main |= succeeded;
        if (!succeeded) {
            prepared_forget_plan(statement);
        }
    }
    if (executed && succeeded && statement->summary) {
        local_note_refused(handle, statement->summary);
    }
    if (executed && succeeded) {
        session_note_written(&handle->session, statement->written, statement->written_by);
    }
    if (executed && statement->effects) {
        static const struct sql_summary unseen = {.verb = SQL_OPAQUE};
        struct slice text = {statement->unseen ? "" : statement->text,
                             statement->unseen ? 0 : statement->length};
        command_end_text(call, text, statement->unseen ? &unseen : NULL, succeeded);
        if (succeeded) {
            query_note_id(handle, statement);
        }
        return;
    }
    const struct command command = {.kind = executed ? COMMAND_TOUCHES : COMMAND_PLAIN};
    MYSQL *ok = handle->ok;
    if (executed) {
        handle_note_spoke(handle, handle->main);
        handle->session.main_touched = true;
    }
    command_end(call, &command, succeeded);
    if (!executed) {
        handle->ok = ok; /* a prepare says nothing about ids */
        handle->counted = handle->main;
        query_note_fields(handle, handle->main);
        if (statement->makes_list || !handle->server.mariadb) {
            handle->warned = handle->main;
        }
        query_note_prepared(handle, statement, succeeded);
    } else if (succeeded) {
        query_note_id(handle, statement);
    }
}

bool statement_prepare(struct call *call, struct statement *statement, const char *text,
                       unsigned long length) {
    struct handle *handle = call->handle;
    struct slice slice;
    prepared_clear(statement);
    statement->makes_list = false;
    if (!query_text_to_route(handle, text, length, &slice)) {
        return false;
    }
    handle->busy = false;
    bool done = query_prepare(handle, statement, slice);
    handle->busy = !done;
    return done;
}

/* The statement is about to be executed on main. */
static void before_main(struct handle *handle, const struct statement *statement) {
    struct sql_summary summary = {.verb = statement->unseen ? SQL_OPAQUE : SQL_OTHER};
    if (statement->effects && !statement->unseen) {
        struct slice text = {statement->text, statement->length};
        sql_summarize(text, handle->session.route.modes, NULL, &summary);
    }
    doubt_before_text(handle, &summary);
}

static bool end_ready(struct call *call, struct statement *statement, int *result) {
    *result = prepared_ready_main(statement);
    if (*result != 0) {
        const struct command command = {.kind = COMMAND_PLAIN};
        command_end(call, &command, false);
    }
    return *result != 0;
}

bool statement_execute_early(struct statement *statement, int *result) {
    struct handle *handle = watched_handle(statement);
    if (!handle) {
        return false;
    }
    if (is_unprepared(statement)) {
        statement->error = 0;
        *result = statement->real->mysql_stmt_execute(statement->stmt);
        statement_note_error(handle, statement);
        return true;
    }
    statement->clean = handle->real->mysql_errno(handle_failing(handle)) == 0;
    unsigned error = statement->error;
    statement->error = 0;
    if (query_execute_left_out(handle, statement, result)) {
        return true;
    }
    statement->error = error;
    prepared_drop_rows(statement);
    return false;
}

bool statement_execute(struct call *call, struct statement *statement, int *result) {
    struct handle *handle = call->handle;
    const struct real *real = call->real;
    if (statement->ended && !real->mariadb &&
        real->mysql_stmt_errno(statement->stmt) != CLIENT_STATEMENT_CLOSED) {
        statement->error = CLIENT_SERVER_LOST; /* the library doesn't know that it ever was prepared */
        handle->busy = false;
        *result = 1;
        return true;
    }
    handle->busy = false;
    if (query_execute(handle, statement, result)) {
        return true;
    }
    before_main(handle, statement);
    handle->busy = true;
    return end_ready(call, statement, result);
}

bool statement_execute_direct(struct call *call, struct statement *statement, const char *text, size_t length,
                              int *result) {
    struct handle *handle = call->handle;
    struct slice slice;
    prepared_clear(statement);
    if (!query_text_to_route(handle, text, length, &slice)) {
        return false;
    }
    handle->busy = false;
    bool done = query_execute_direct(handle, statement, slice, result);
    if (!done) {
        before_main(handle, statement);
    }
    handle->busy = !done;
    return done;
}

EXPORT MYSQL_STMT *mysql_stmt_init(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_stmt_init) {
        return NULL;
    }
    MYSQL_STMT *stmt = real->mysql_stmt_init(mysql);
    if (stmt && handle && !handle->busy && (!handle->passive || real_is_ambiguous())) {
        struct statement *statement = statement_add(stmt, handle, real);
        handle->passive |= !statement; /* out of memory: what it does would not be seen */
        if (statement) {
            statement->known = exposed_is_known(real, stmt, mysql);
        }
    }
    return stmt;
}

EXPORT int mysql_stmt_prepare(MYSQL_STMT *stmt, const char *text, unsigned long length) {
    struct call call;
    struct statement *statement = statement_find(stmt);
    prepared_drop_rows(statement);
    bool watched = statement_begin(&call, &statement, stmt, CALLER);
    if (!call.real || !call.real->mysql_stmt_prepare || (watched && statement->error)) {
        return 1;
    }
    if (watched && statement_prepare(&call, statement, text, length)) {
        return statement->error ? 1 : 0;
    }
    int result = call.real->mysql_stmt_prepare(stmt, text, length);
    if (watched) {
        statement_end(&call, statement, false, result == 0);
    }
    return result;
}

EXPORT int mysql_stmt_execute(MYSQL_STMT *stmt) {
    struct call call;
    int result;
    struct statement *statement = statement_find(stmt);
    if (statement_execute_early(statement, &result)) {
        return result;
    }
    bool watched = statement_begin(&call, &statement, stmt, CALLER);
    if (watched && statement->error) {
        prepared_note_refused(statement);
    }
    if (!call.real || !call.real->mysql_stmt_execute || (watched && statement->error)) {
        return 1;
    }
    if (watched && statement_execute(&call, statement, &result)) {
        return result;
    }
    uint64_t started_ns = watched && call.handle->timed ? stats_now_ns() : 0;
    result = call.real->mysql_stmt_execute(stmt);
    if (started_ns > 0 && result == 0) {
        command_note_main(call.handle, started_ns);
    }
    if (watched) {
        statement_end(&call, statement, true, result == 0);
    }
    return result;
}

EXPORT int mariadb_stmt_execute_direct(MYSQL_STMT *stmt, const char *text, size_t length) {
    struct call call;
    int result;
    struct statement *statement = statement_find(stmt);
    prepared_drop_rows(statement);
    bool watched = statement_begin(&call, &statement, stmt, CALLER);
    if (!call.real || !call.real->mariadb_stmt_execute_direct || (watched && statement->error)) {
        return 1;
    }
    if (watched && statement_execute_direct(&call, statement, text, length, &result)) {
        return result;
    }
    uint64_t started_ns = watched && call.handle->timed ? stats_now_ns() : 0;
    result = call.real->mariadb_stmt_execute_direct(stmt, text, length);
    if (started_ns > 0 && result == 0) {
        command_note_main(call.handle, started_ns);
    }
    if (watched) {
        statement->at_main.prepared = call.real->mysql_stmt_errno(stmt) == 0;
        statement_end(&call, statement, true, result == 0);
    }
    return result;
}

/* These speak to one connection, or to nobody, and may come from a garbage collector at any moment: between a
 * routed statement and its result too. They never fail for that, and leave the routed result alone. False:
 * main's descriptor is lent and can't be had back for the call. */
static bool begin_quiet(struct handle *handle) {
    int kept_errno = errno;
    if (handle->answered && !descriptor_suspend(&handle->routing->loan)) {
        return false;
    }
    handle->busy = true;
    errno = kept_errno;
    return true;
}

static void end_quiet(struct handle *handle, MYSQL *spoke) {
    int kept_errno = errno;
    handle->busy = false;
    handle_note_last(handle, spoke);
    if (handle->answered) {
        handle_note_last(handle, handle->main);
        descriptor_resume(&handle->routing->loan);
    }
    errno = kept_errno;
}

/* The shadow that the statement's twin is on, if it can be spoken to. */
static struct local *local_of(const struct statement *statement) {
    struct local *local = statement && statement->at_twin ? statement->local : NULL;
    return local && local_may_close(local) ? local : NULL;
}

/* Connector/C asks the server to reset a statement by its number also when it has failed to prepare another
 * text since: an error, as the number is unknown by then. Main's statement is given one that is. */
static bool number_on_main(struct statement *statement) {
    static const char text[] = "DO 1";
    const struct real *real = statement->real;
    statement->numbered_on_main = real->mysql_stmt_prepare(statement->stmt, text, sizeof text - 1) == 0;
    return statement->numbered_on_main && real->mysql_stmt_prepare(statement->stmt, "", 0) != 0;
}

EXPORT my_bool mysql_stmt_reset(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    struct handle *handle = watched_handle(statement);
    if (!real || !real->mysql_stmt_reset) {
        return 1;
    }
    if (handle && !statement->at_twin && !statement->over &&
        !(real->mariadb ? statement->numbered : prepared_is_ready(statement))) {
        return real->mysql_stmt_reset(stmt); /* which does nothing */
    }
    if (handle) {
        statement->cursor_open = false;
    }
    if (handle && statement->at_twin) {
        struct local *local = local_of(statement);
        statement->left_out = false;
        statement->at_main.stale |= statement->at_main.pieces > 0;
        statement->at_main.pieces = statement->at_local.pieces = 0;
        prepared_drop_long_data(statement);
        statement->error = 0;
        if (real->mariadb && statement->at_local.prepared) {
            query_note_id(handle, statement);
        }
        if (!local || prepared_is_in_the_way(statement)) {
            statement->at_local.stale = true; /* done before it is executed next */
            return 0;
        }
        struct broken_pipe hold;
        broken_pipe_hold(&hold);
        my_bool failed = real->mysql_stmt_reset(statement->twin);
        broken_pipe_release(&hold);
        if (real->mariadb || statement->at_local.prepared) { /* else Oracle's library asks nobody */
            handle_note_last(handle, local->mysql);
        }
        if (!failed && !real->mariadb && statement->at_local.prepared) {
            handle->ok = local->mysql; /* Oracle's library takes insert_id from every OK packet */
        }
        prepared_expose(statement);
        return failed && verdict_of_statement(real->mysql_stmt_errno(statement->twin)) != VERDICT_LOST;
    }
    if (handle && !begin_quiet(handle)) {
        return 1;
    }
    bool unknown = handle && real->mariadb && !statement->numbered_on_main && !statement->over;
    if (unknown && !number_on_main(statement)) {
        end_quiet(handle, handle->main);
        return 1;
    }
    my_bool result = real->mysql_stmt_reset(stmt);
    if (handle) {
        if (!result && !real->mariadb && statement->at_main.prepared) {
            handle->ok = handle->main;
        }
        statement->at_local.stale |= statement->at_local.pieces > 0;
        statement->at_main.pieces = statement->at_local.pieces = 0;
        prepared_drop_long_data(statement);
        statement->error = 0;
        if (real->mariadb) {
            /* the library takes it for that, whatever the server says */
            statement->at_main.prepared = statement->used = true;
            query_note_id(handle, statement);
        }
        if (result && !real->mariadb && !statement->summary) {
            statement->at_main.prepared = false; /* Oracle's library has given it up */
        }
        if (result && real->mysql_errno(handle->main) < CLIENT_ERROR_FIRST) {
            handle->warned = handle->main;
        }
        end_quiet(handle, handle->main);
    }
    return result;
}

/* ... but in Connector/C it clears its connection's error. */
static void note_cleared(struct statement *statement) {
    struct handle *handle = watched_handle(statement);
    if (handle && statement->real->mariadb) {
        statement_note_error(handle, statement);
    }
}

EXPORT my_bool mysql_stmt_free_result(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    struct handle *handle = watched_handle(statement);
    if (!real || !real->mysql_stmt_free_result) {
        return 1;
    }
    if (handle && (real->mariadb || prepared_is_ready(statement))) {
        statement->error = 0; /* else Oracle's library does nothing */
    }
    if (statement && statement->at_twin && !statement->inside) {
        if (statement->local && prepared_is_in_the_way(statement)) {
            return 0; /* its own rows are read already, and the library would throw away the others' */
        }
        if (handle && statement->local && handle->streaming == statement->local) {
            handle_note_last(handle, statement->local->mysql); /* it may read what is left */
        }
        statement->left_out = false;
        struct broken_pipe hold;
        broken_pipe_hold(&hold);
        my_bool failed = real->mysql_stmt_free_result(statement->twin);
        broken_pipe_release(&hold);
        prepared_expose(statement);
        note_cleared(statement);
        return failed && verdict_of_statement(real->mysql_stmt_errno(statement->twin)) != VERDICT_LOST;
    }
    if (handle && !begin_quiet(handle)) {
        return 1;
    }
    MYSQL *failed = handle ? handle->failed : NULL;
    my_bool result = real->mysql_stmt_free_result(stmt);
    if (handle) {
        end_quiet(handle, handle->last); /* it has nothing to say of the last call */
        handle->failed = failed;
        note_cleared(statement);
    }
    return result;
}

/* Rows wait that the library would not send long data amid. */
static bool refuse_long_data(struct handle *handle, struct statement *statement) {
    MYSQL *busy = handle->streaming && local_is_streaming(handle)      ? handle->streaming->mysql
                  : statement->at_twin && command_main_is_busy(handle) ? handle->main
                                                                       : NULL;
    if (busy) {
        handle_note_last(handle, busy);
        statement->error = CLIENT_COMMANDS_OUT_OF_SYNC;
    }
    return busy != NULL;
}

/* Sent to the side that answers, and kept for the other one. */
static my_bool send_to_twin(struct handle *handle, struct statement *statement, unsigned number,
                            const char *data, unsigned long length) {
    const struct real *real = statement->real;
    struct local *local = local_of(statement);
    /* What can't be sent now, or not before a reset, goes with the execute. */
    bool lost = !local || !statement->at_local.prepared || statement->at_local.stale;
    if (local && statement->at_local.prepared && handle->streaming == local && local_is_streaming(handle)) {
        handle_note_last(handle, local->mysql);
        my_bool failed = real->mysql_stmt_send_long_data(statement->twin, number, data, length);
        statement->left_out |=
            failed && real->mysql_stmt_errno(statement->twin) == CLIENT_COMMANDS_OUT_OF_SYNC;
        return failed;
    }
    if (refuse_long_data(handle, statement)) {
        return 1;
    }
    if (!lost && !prepared_bind(statement, statement->twin, &statement->at_local)) {
        lost = true;
    }
    struct broken_pipe hold;
    broken_pipe_hold(&hold);
    bool unsent = !lost && real->mysql_stmt_send_long_data(statement->twin, number, data, length);
    broken_pipe_release(&hold);
    if (unsent) {
        lost = verdict_of_statement(real->mysql_stmt_errno(statement->twin)) == VERDICT_LOST;
        if (!lost) {
            return 1;
        }
    }
    if (!prepared_note_long_data(statement, number, data, length)) {
        return 1;
    }
    statement->at_local.pieces += !lost;
    if (local) {
        handle_note_last(handle, local->mysql);
    }
    return 0;
}

EXPORT my_bool mysql_stmt_send_long_data(MYSQL_STMT *stmt, unsigned number, const char *data,
                                         unsigned long length) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    struct handle *handle = watched_handle(statement);
    if (!real || !real->mysql_stmt_send_long_data) {
        return 1;
    }
    if (handle && statement->summary && !prepared_has_room(statement, length) &&
        !prepared_settle_on_main(statement)) {
        return 1;
    }
    if (handle && statement->at_twin) {
        statement->error = 0;
        return send_to_twin(handle, statement, number, data, length);
    }
    if (handle && refuse_long_data(handle, statement)) {
        return 1;
    }
    if (handle && !begin_quiet(handle)) {
        return 1;
    }
    if (handle && statement->summary && prepared_ready_main(statement) != 0) {
        end_quiet(handle, handle->main);
        return 1;
    }
    my_bool result = real->mysql_stmt_send_long_data(stmt, number, data, length);
    if (handle) {
        if (result == 0 && statement->summary && prepared_note_long_data(statement, number, data, length)) {
            statement->at_main.pieces++;
        }
        end_quiet(handle, handle->main);
    }
    return result;
}

EXPORT my_bool mysql_stmt_close(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    struct handle *handle = watched_handle(statement);
    if (!real || !real->mysql_stmt_close || (handle && !begin_quiet(handle))) {
        return 1;
    }
    MYSQL *spoke = handle ? handle->last : NULL;
    if (statement) {
        struct local *local = local_of(statement);
        if (handle && statement->at_main.prepared) {
            spoke = handle->main;
        } else if (handle && local && statement->at_local.prepared) {
            spoke = local->mysql;
        } else if (handle && real->mariadb && statement->numbered && !statement->over) {
            /* Connector/C tells the server of the number that it had, or would have had */
            spoke = command_main_is_busy(handle) ? spoke : handle->main;
        }
        statement_remove(statement); /* first: its address may be another's as soon as it is freed */
        prepared_free(statement);
    }
    my_bool result = real->mysql_stmt_close(stmt);
    if (handle) {
        end_quiet(handle, spoke);
    }
    return result;
}
