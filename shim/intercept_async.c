/* The non-blocking calls. Those of MariaDB's library run the blocking function on a small coroutine stack,
 * through the same public names: so the decision is made at the start, on the application's own stack, and a
 * routed statement is run to its end there - its server is at this site. What goes to main goes on as the
 * library has it; the handle stays busy until it is done. */
#define _GNU_SOURCE
#include "intercept.h"

#include "doubt.h"
#include "local.h"
#include "prepared.h"
#include "question.h"

#include <stdlib.h>
#include <string.h>

enum async_end { END_COMMAND, END_TEXT, END_SEND, END_READ, END_PREPARE, END_EXECUTE };

/* What is to be done when the call that was started ends. One per handle at a time; its strings are copies.
 */
struct async_call {
    enum async_end end;
    struct command command;
    char *strings[3];
    struct statement *statement;
};

static void free_async(struct async_call *async) {
    for (size_t i = 0; i < 3; i++) {
        if (async->strings[i]) {
            explicit_bzero(async->strings[i], strlen(async->strings[i]));
            free(async->strings[i]);
        }
    }
    free(async);
}

static void finish(struct call *call, enum async_end end, const struct command *command,
                   struct statement *statement, bool succeeded) {
    switch (end) {
    case END_COMMAND:
        command_end(call, command, succeeded);
        break;
    case END_TEXT:
        call->handle->query_attributes = false;
        command_end_kept(call, succeeded);
        break;
    case END_SEND:
        query_end_send(call, succeeded);
        break;
    case END_READ:
        call->handle->sent = false;
        command_end_kept(call, succeeded);
        break;
    case END_PREPARE:
    case END_EXECUTE:
        statement_end(call, statement, end == END_EXECUTE, succeeded);
        break;
    }
}

static bool keep(struct async_call *async, const char **text, size_t place) {
    if (*text && !(async->strings[place] = strdup(*text))) {
        return false;
    }
    *text = async->strings[place];
    return true;
}

/* The call was started: it has ended already (status 0), or its end is kept for the _cont. */
static void started(struct call *call, int status, enum async_end end, const struct command *command,
                    struct statement *statement, bool succeeded) {
    if (status == 0) {
        finish(call, end, command, statement, succeeded);
        return;
    }
    struct async_call *async = calloc(1, sizeof *async);
    if (!async) {
        return; /* stays busy: the handle passes everything from here on */
    }
    *async = (struct async_call){.end = end, .statement = statement};
    if (command) {
        async->command = *command;
        bool kept = keep(async, &async->command.text, 0) && keep(async, &async->command.user, 1) &&
                    keep(async, &async->command.password, 2);
        if (!kept) {
            free_async(async);
            return;
        }
    }
    call->handle->async = async;
}

static void ended(struct handle *handle, bool succeeded) {
    struct async_call *async = handle ? handle->async : NULL;
    if (!async) {
        return;
    }
    handle->async = NULL;
    struct call call = {.handle = handle, .real = handle->real, .target = handle->main};
    finish(&call, async->end, &async->command, async->statement, succeeded);
    free_async(async);
}

/* The _cont of a call on a handle: `failed` looks at *result. */
#define CONTINUE(type, name, none, succeeded)                                     \
    EXPORT                                                                        \
    int name##_cont(type *result, MYSQL *mysql, int ready) {                      \
        struct handle *handle = handle_find(mysql);                               \
        const struct real *real = handle ? handle->real : real_of_caller(CALLER); \
        if (!real || !real->name##_cont) {                                        \
            *result = (none);                                                     \
            return 0;                                                             \
        }                                                                         \
        int status = real->name##_cont(result, mysql, ready);                     \
        if (status == 0) {                                                        \
            ended(handle, (succeeded));                                           \
        }                                                                         \
        return status;                                                            \
    }

/* Before a command for main: true if it is one that ends a transaction, and it has ended at the shadow alone.
 */
static bool end_here(struct call *call, const struct command *command) {
    struct handle *handle = call->handle;
    if (call->target != handle->main) {
        return false;
    }
    handle->busy = false;
    bool commit = command->kind == COMMAND_COMMIT;
    bool ends = commit || command->kind == COMMAND_ROLLBACK;
    if (ends && query_end_alone(handle, commit)) {
        return true;
    }
    if (ends || command->kind == COMMAND_AUTOCOMMIT) {
        doubt_before_main(handle);
    }
    handle->busy = true;
    return false;
}

/* A command for main, begun: where the shadow has an unread result the library's own 2014 comes at once. */
#define START(type, name, parameters, arguments, none, succeeded, ...)                       \
    EXPORT                                                                                   \
    int name##_start parameters {                                                            \
        struct call call;                                                                    \
        bool watched = command_begin(&call, mysql, CALLER);                                  \
        if (!call.real || !call.real->name##_start) {                                        \
            *result = (none);                                                                \
            return 0;                                                                        \
        }                                                                                    \
        const struct command command = {__VA_ARGS__};                                        \
        if (watched && end_here(&call, &command)) {                                          \
            *result = 0;                                                                     \
            return 0;                                                                        \
        }                                                                                    \
        if (watched && call.target != call.handle->main) {                                   \
            mysql = call.target;                                                             \
            *result = call.real->name arguments;                                             \
            command_end(&call, &command, false);                                             \
            return 0;                                                                        \
        }                                                                                    \
        int status = call.real->name##_start STARTED arguments;                              \
        if (watched) {                                                                       \
            started(&call, status, END_COMMAND, &command, NULL, status == 0 && (succeeded)); \
        }                                                                                    \
        return status;                                                                       \
    }                                                                                        \
    CONTINUE(type, name, none, succeeded)
#define STARTED(...) (result, __VA_ARGS__)

START(int, mysql_select_db, (int *result, MYSQL *mysql, const char *database), (mysql, database), 1,
      *result == 0, .kind = COMMAND_SELECT_DB, .text = database)
START(int, mysql_set_character_set, (int *result, MYSQL *mysql, const char *name), (mysql, name), 1,
      *result == 0, .kind = COMMAND_CHARSET, .text = name)
START(int, mysql_set_server_option, (int *result, MYSQL *mysql, int option), (mysql, option), 1, *result == 0,
      .kind = COMMAND_PLAIN)
START(my_bool, mysql_change_user,
      (my_bool * result, MYSQL *mysql, const char *user, const char *password, const char *database),
      (mysql, user, password, database), 1, *result == 0, .kind = COMMAND_CHANGE_USER,
      .text = database ? database : "", .user = user, .password = password)
START(int, mysql_reset_connection, (int *result, MYSQL *mysql), (mysql), 1, *result == 0,
      .kind = COMMAND_RESET)
START(my_bool, mysql_autocommit, (my_bool * result, MYSQL *mysql, my_bool on), (mysql, on), 1, *result == 0,
      .kind = COMMAND_AUTOCOMMIT, .flag = on != 0)
START(my_bool, mysql_commit, (my_bool * result, MYSQL *mysql), (mysql), 1, *result == 0,
      .kind = COMMAND_COMMIT)
START(my_bool, mysql_rollback, (my_bool * result, MYSQL *mysql), (mysql), 1, *result == 0,
      .kind = COMMAND_ROLLBACK)
START(int, mysql_ping, (int *result, MYSQL *mysql), (mysql), 1, *result == 0, .kind = COMMAND_PLAIN)
START(const char *, mysql_stat, (const char **result, MYSQL *mysql), (mysql), NULL, *result != NULL,
      .kind = COMMAND_PLAIN, .keeps_count = true, .keeps_id = true)
START(int, mysql_kill, (int *result, MYSQL *mysql, unsigned long id), (mysql, id), 1, *result == 0,
      .kind = COMMAND_PLAIN)
START(int, mysql_refresh, (int *result, MYSQL *mysql, unsigned options), (mysql, options), 1, *result == 0,
      .kind = COMMAND_TOUCHES)
START(int, mysql_shutdown, (int *result, MYSQL *mysql, int level), (mysql, level), 1, *result == 0,
      .kind = COMMAND_PLAIN)
START(int, mysql_dump_debug_info, (int *result, MYSQL *mysql), (mysql), 1, *result == 0,
      .kind = COMMAND_PLAIN)
START(MYSQL_RES *, mysql_list_fields,
      (MYSQL_RES * *result, MYSQL *mysql, const char *table, const char *wild), (mysql, table, wild), NULL,
      *result != NULL, .kind = COMMAND_TOUCHES)

static int start_text(int *result, MYSQL *mysql, const char *text, unsigned long length, const void *caller) {
    struct call call;
    bool watched = command_begin(&call, mysql, caller);
    if (!call.real || !call.real->mysql_real_query_start) {
        *result = 1;
        return 0;
    }
    if (!watched) {
        return call.real->mysql_real_query_start(result, mysql, text, length);
    }
    struct handle *handle = call.handle;
    if (call.target != handle->main) {
        *result = call.real->mysql_real_query(call.target, text, length);
        command_end_kept(&call, false);
        return 0;
    }
    struct slice slice;
    struct sql_summary summary = {.verb = SQL_UNKNOWN};
    handle->busy = false;
    if (query_text_to_route(handle, text, length, &slice) &&
        query_route(handle, slice, &summary, NULL, result)) {
        return 0;
    }
    struct slice restated = question_restate(handle, slice, &summary);
    length = restated.at != text ? restated.length : length;
    text = restated.at;
    doubt_before_text(handle, &summary);
    handle->busy = true;
    command_keep_text(handle, slice, &summary);
    int status = call.real->mysql_real_query_start(result, mysql, text, length);
    started(&call, status, END_TEXT, NULL, NULL, status == 0 && *result == 0);
    return status;
}

EXPORT int mysql_real_query_start(int *result, MYSQL *mysql, const char *text, unsigned long length) {
    return start_text(result, mysql, text, length, CALLER);
}
CONTINUE(int, mysql_real_query, 1, *result == 0)

EXPORT int mysql_query_start(int *result, MYSQL *mysql, const char *text) {
    return start_text(result, mysql, text, strlen(text), CALLER);
}

/* It was started as mysql_real_query: it goes on as that. */
EXPORT int mysql_query_cont(int *result, MYSQL *mysql, int ready) {
    return mysql_real_query_cont(result, mysql, ready);
}

EXPORT int mysql_send_query_start(int *result, MYSQL *mysql, const char *text, unsigned long length) {
    struct call call;
    bool watched = command_begin(&call, mysql, CALLER);
    if (!call.real || !call.real->mysql_send_query_start) {
        *result = 1;
        return 0;
    }
    if (watched && call.target != call.handle->main) {
        *result = call.real->mysql_send_query(call.target, text, length);
        query_end_send(&call, false);
        return 0;
    }
    struct sending sending;
    if (watched) {
        call.handle->busy = false;
        if (query_send_routed(call.handle, text, length, &sending)) {
            *result = sending.result;
            return 0;
        }
        call.handle->busy = true;
        struct slice sent = query_begin_send(&call, text, length, &sending);
        text = sent.at;
        length = sent.length;
    }
    int status = call.real->mysql_send_query_start(result, mysql, text, length);
    if (watched) {
        started(&call, status, END_SEND, NULL, NULL, status == 0 && *result == 0);
    }
    return status;
}
CONTINUE(int, mysql_send_query, 1, *result == 0)

EXPORT int mysql_read_query_result_start(my_bool *result, MYSQL *mysql) {
    struct call call;
    if (query_read_answer(handle_find(mysql), result)) {
        return 0;
    }
    bool watched = command_begin(&call, mysql, CALLER);
    if (!call.real || !call.real->mysql_read_query_result_start) {
        *result = 1;
        return 0;
    }
    if (watched && call.target != call.handle->main) {
        *result = call.real->mysql_read_query_result(call.target);
        command_end_kept(&call, false);
        return 0;
    }
    int status = call.real->mysql_read_query_result_start(result, mysql);
    if (watched) {
        started(&call, status, END_READ, NULL, NULL, status == 0 && *result == 0);
    }
    return status;
}
CONTINUE(my_bool, mysql_read_query_result, 1, *result == 0)

/* A shadow's result is taken at once, by the blocking call. */
static bool is_shadows(const struct handle *handle) {
    return handle && !handle->passive && !handle->busy && (handle->pending || handle->last != handle->main);
}

EXPORT int mysql_store_result_start(MYSQL_RES **result, MYSQL *mysql) {
    struct call call;
    if (is_shadows(handle_find(mysql))) {
        *result = mysql_store_result(mysql);
        return 0;
    }
    bool watched = command_begin(&call, mysql, CALLER);
    if (!call.real || !call.real->mysql_store_result_start) {
        *result = NULL;
        return 0;
    }
    int status = call.real->mysql_store_result_start(result, mysql);
    if (watched) {
        const struct command command = {.kind = COMMAND_PLAIN, .keeps_count = true, .keeps_id = true};
        started(&call, status, END_COMMAND, &command, NULL,
                status == 0 && (*result || call.real->mysql_errno(mysql) == 0));
    }
    return status;
}
CONTINUE(MYSQL_RES *, mysql_store_result, NULL, *result || real->mysql_errno(mysql) == 0)

EXPORT int mysql_next_result_start(int *result, MYSQL *mysql) {
    struct call call;
    if (is_shadows(handle_find(mysql))) {
        *result = mysql_next_result(mysql);
        return 0;
    }
    bool watched = command_begin(&call, mysql, CALLER);
    if (!call.real || !call.real->mysql_next_result_start) {
        *result = 1;
        return 0;
    }
    int status = call.real->mysql_next_result_start(result, mysql);
    if (watched) {
        const struct command command = {.kind = COMMAND_NEXT_RESULT};
        started(&call, status, END_COMMAND, &command, NULL, status == 0 && *result == 0);
    }
    return status;
}
CONTINUE(int, mysql_next_result, 1, *result == 0)

/* The _cont of a call on a statement. */
#define CONTINUE_STATEMENT(name)                                     \
    EXPORT                                                           \
    int name##_cont(int *result, MYSQL_STMT *stmt, int ready) {      \
        struct statement *statement = statement_find(stmt);          \
        const struct real *real = statement_real(statement, CALLER); \
        if (!real || !real->name##_cont) {                           \
            *result = 1;                                             \
            return 0;                                                \
        }                                                            \
        int status = real->name##_cont(result, stmt, ready);         \
        if (status == 0 && statement) {                              \
            ended(statement->handle, *result == 0);                  \
        }                                                            \
        return status;                                               \
    }

EXPORT int mysql_stmt_prepare_start(int *result, MYSQL_STMT *stmt, const char *text, unsigned long length) {
    struct call call;
    struct statement *statement = statement_find(stmt);
    prepared_drop_rows(statement);
    bool watched = statement_begin(&call, &statement, stmt, CALLER);
    if (!call.real || !call.real->mysql_stmt_prepare_start || (watched && statement->error)) {
        *result = 1;
        return 0;
    }
    if (watched && statement_prepare(&call, statement, text, length)) {
        *result = statement->error ? 1 : 0;
        return 0;
    }
    int status = call.real->mysql_stmt_prepare_start(result, stmt, text, length);
    if (watched) {
        started(&call, status, END_PREPARE, NULL, statement, status == 0 && *result == 0);
    }
    return status;
}
CONTINUE_STATEMENT(mysql_stmt_prepare)

/* Where main's statement must be prepared first, that is done here and now. */
EXPORT int mysql_stmt_execute_start(int *result, MYSQL_STMT *stmt) {
    struct call call;
    struct statement *statement = statement_find(stmt);
    if (statement_execute_early(statement, result)) {
        return 0;
    }
    bool watched = statement_begin(&call, &statement, stmt, CALLER);
    if (watched && statement->error) {
        prepared_note_refused(statement);
    }
    if (!call.real || !call.real->mysql_stmt_execute_start || (watched && statement->error)) {
        *result = 1;
        return 0;
    }
    int ready;
    if (watched && statement_execute(&call, statement, &ready)) {
        *result = ready;
        return 0;
    }
    int status = call.real->mysql_stmt_execute_start(result, stmt);
    if (watched) {
        started(&call, status, END_EXECUTE, NULL, statement, status == 0 && *result == 0);
    }
    return status;
}
CONTINUE_STATEMENT(mysql_stmt_execute)

/* What the twin answers is read here and now, from the server at this site; what isn't its own goes on as the
 * library has it. */
static bool is_twins(const struct statement *statement) {
    return statement && statement->at_twin && !statement->inside;
}

#define START_AT_TWIN(name, failed, parameters, arguments)               \
    EXPORT int name##_start parameters {                                 \
        struct statement *statement = statement_find(stmt);              \
        const struct real *real = statement_real(statement, CALLER);     \
        if (is_twins(statement) || !real || !real->name##_start) {       \
            *result = is_twins(statement) ? (name arguments) : (failed); \
            return 0;                                                    \
        }                                                                \
        return real->name##_start STARTED arguments;                     \
    }

START_AT_TWIN(mysql_stmt_fetch, 1, (int *result, MYSQL_STMT *stmt), (stmt))
START_AT_TWIN(mysql_stmt_store_result, 1, (int *result, MYSQL_STMT *stmt), (stmt))
START_AT_TWIN(mysql_stmt_next_result, 1, (int *result, MYSQL_STMT *stmt), (stmt))
START_AT_TWIN(mysql_stmt_reset, 1, (my_bool * result, MYSQL_STMT *stmt), (stmt))
START_AT_TWIN(mysql_stmt_free_result, 1, (my_bool * result, MYSQL_STMT *stmt), (stmt))
START_AT_TWIN(mysql_stmt_send_long_data, 1,
              (my_bool * result, MYSQL_STMT *stmt, unsigned number, const char *data, unsigned long length),
              (stmt, number, data, length))

/* The record of a statement that is closed goes first: its address may be another's as soon as it is freed.
 */
EXPORT int mysql_stmt_close_start(my_bool *result, MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    if (!real || !real->mysql_stmt_close_start) {
        *result = 1;
        return 0;
    }
    if (statement) {
        statement_remove(statement);
        prepared_free(statement);
    }
    return real->mysql_stmt_close_start(result, stmt);
}

/* Oracle's: the same call again and again until it doesn't say NET_ASYNC_NOT_READY. Decided at the first one.
 */
EXPORT enum net_async_status mysql_real_query_nonblocking(MYSQL *mysql, const char *text,
                                                          unsigned long length) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_real_query_nonblocking) {
        return NET_ASYNC_ERROR;
    }
    if (!handle || handle->passive || (handle->busy && !handle->async)) {
        return real->mysql_real_query_nonblocking(mysql, text, length);
    }
    struct call call;
    if (!handle->busy) {
        struct slice slice;
        struct sql_summary summary = {.verb = SQL_UNKNOWN};
        int result;
        if (handle->streaming && local_is_streaming(handle)) {
            return mysql_real_query(mysql, text, length) == 0 ? NET_ASYNC_COMPLETE
                                                              : NET_ASYNC_ERROR; /* its own 2014 */
        }
        bool readable = query_text_to_route(handle, text, length, &slice);
        if (readable && query_route(handle, slice, &summary, NULL, &result)) {
            return result == 0 ? NET_ASYNC_COMPLETE : NET_ASYNC_ERROR;
        }
        question_restate(handle, readable ? slice : (struct slice){NULL, 0}, &summary);
        doubt_before_text(handle, &summary);
        command_keep_text(handle, slice, &summary);
        command_begin(&call, mysql, CALLER);
        started(&call, 1, END_TEXT, NULL, NULL, false);
    }
    struct slice sent = question_again(handle, (struct slice){text, length});
    enum net_async_status status = real->mysql_real_query_nonblocking(mysql, sent.at, sent.length);
    if (status != NET_ASYNC_NOT_READY) {
        ended(handle, status == NET_ASYNC_COMPLETE);
    }
    return status;
}

EXPORT enum net_async_status mysql_send_query_nonblocking(MYSQL *mysql, const char *text,
                                                          unsigned long length) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_send_query_nonblocking) {
        return NET_ASYNC_ERROR;
    }
    if (!handle || handle->passive || (handle->busy && !handle->async)) {
        return real->mysql_send_query_nonblocking(mysql, text, length);
    }
    struct call call;
    struct sending sending;
    if (!handle->busy) {
        if (handle->streaming && local_is_streaming(handle)) {
            return mysql_send_query(mysql, text, length) == 0 ? NET_ASYNC_COMPLETE
                                                              : NET_ASYNC_ERROR; /* its own 2014 */
        }
        command_begin(&call, mysql, CALLER);
        handle->busy = false;
        if (query_send_routed(handle, text, length, &sending)) {
            return sending.result == 0 ? NET_ASYNC_COMPLETE : NET_ASYNC_ERROR;
        }
        handle->busy = true;
        query_begin_send(&call, text, length, &sending);
        started(&call, 1, END_SEND, NULL, NULL, false);
    }
    struct slice sent = question_again(handle, (struct slice){text, length});
    enum net_async_status status = real->mysql_send_query_nonblocking(mysql, sent.at, sent.length);
    if (status != NET_ASYNC_NOT_READY) {
        ended(handle, status == NET_ASYNC_COMPLETE);
    }
    return status;
}
