/* Rows, answers, binds and attributes of a prepared statement: from the side that answered last. */
#define _GNU_SOURCE
#include "intercept.h"

#include "broken_pipe.h"
#include "local.h"
#include "prepared.h"

#include <string.h>

enum { FETCH_TRUNCATED = 101 }; /* MYSQL_DATA_TRUNCATED */

#define ANSWER(type, name, none, parameters, arguments)              \
    EXPORT type name parameters {                                    \
        struct statement *statement = statement_find(stmt);          \
        const struct real *real = statement_real(statement, CALLER); \
        MYSQL_STMT *from = prepared_answering(statement, stmt);      \
        return real && real->name ? real->name arguments : (none);   \
    }

ANSWER(uint64_t, mysql_stmt_affected_rows, 0, (MYSQL_STMT * stmt), (from))
ANSWER(unsigned, mysql_stmt_field_count, 0, (MYSQL_STMT * stmt), (from))
ANSWER(unsigned long, mysql_stmt_param_count, 0, (MYSQL_STMT * stmt), (from))
ANSWER(int, mysql_stmt_warning_count, 0, (MYSQL_STMT * stmt), (from))
ANSWER(my_bool, mysql_stmt_more_results, 0, (MYSQL_STMT * stmt), (from))
ANSWER(void *, mysql_stmt_row_seek, NULL, (MYSQL_STMT * stmt, void *offset), (from, offset))
ANSWER(void *, mysql_stmt_row_tell, NULL, (MYSQL_STMT * stmt), (from))
ANSWER(void *, mariadb_stmt_fetch_fields, NULL, (MYSQL_STMT * stmt), (from))
ANSWER(my_bool, mysql_stmt_attr_get, 1, (MYSQL_STMT * stmt, int number, void *value), (from, number, value))
ANSWER(int, mysql_stmt_fetch_column, 1,
       (MYSQL_STMT * stmt, MYSQL_BIND *bind, unsigned column, unsigned long offset),
       (from, bind, column, offset))

EXPORT uint64_t mysql_stmt_num_rows(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    bool emptied = statement && statement->emptied && !statement->inside;
    return real && real->mysql_stmt_num_rows && !emptied
               ? real->mysql_stmt_num_rows(prepared_answering(statement, stmt))
               : 0;
}

EXPORT uint64_t mysql_stmt_insert_id(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    if (statement && statement->knows_id && !statement->inside) {
        return statement->insert_id;
    }
    return real && real->mysql_stmt_insert_id
               ? real->mysql_stmt_insert_id(prepared_answering(statement, stmt))
               : 0;
}

EXPORT void mysql_stmt_data_seek(MYSQL_STMT *stmt, uint64_t row) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    if (real && real->mysql_stmt_data_seek) {
        real->mysql_stmt_data_seek(prepared_answering(statement, stmt), row);
    }
}

/* What is asked of a twin whose shadow is lost. */
static bool lend_connection(struct statement *statement, MYSQL_STMT *to) {
    return statement && to == statement->twin && statement->handle &&
           exposed_lend_connection(statement->real, to, statement->handle->main);
}

/* They are freed through the shim: with two client libraries about it must be known whose they are. */
#define METADATA(name)                                                    \
    EXPORT MYSQL_RES *name(MYSQL_STMT *stmt) {                            \
        struct statement *statement = statement_find(stmt);               \
        const struct real *real = statement_real(statement, CALLER);      \
        MYSQL_STMT *from = prepared_answering(statement, stmt);           \
        bool lent = lend_connection(statement, from);                     \
        MYSQL_RES *result = real && real->name ? real->name(from) : NULL; \
        if (lent) {                                                       \
            exposed_take_connection(real, from);                          \
        }                                                                 \
        if (result && real_is_ambiguous()) {                              \
            result_add(result, real, NULL);                               \
        }                                                                 \
        return result;                                                    \
    }
METADATA(mysql_stmt_result_metadata)
METADATA(mysql_stmt_param_metadata)

/* --- what went wrong */

static bool hides_loss(const struct statement *statement) {
    return statement && statement->lost_unseen && statement->at_twin && !statement->inside &&
           statement->real->mysql_stmt_errno(statement->twin) == CLIENT_SERVER_LOST;
}

EXPORT unsigned mysql_stmt_errno(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    if (statement && statement->error) {
        return statement->error;
    }
    if (hides_loss(statement)) {
        return 0;
    }
    return real && real->mysql_stmt_errno ? real->mysql_stmt_errno(prepared_failing(statement, stmt)) : 0;
}

EXPORT const char *mysql_stmt_error(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    if (statement && statement->error) {
        return statement->error == CLIENT_SERVER_LOST ? "Lost connection to MySQL server during query"
               : statement->error == CLIENT_NO_RESULT_SET
                   ? "Attempt to read a row while there is no result set associated with the statement"
                   : "Commands out of sync; you can't run this command now";
    }
    return real && real->mysql_stmt_error && !hides_loss(statement)
               ? real->mysql_stmt_error(prepared_failing(statement, stmt))
               : "";
}

EXPORT const char *mysql_stmt_sqlstate(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    if (statement && statement->error) {
        return "HY000";
    }
    return real && real->mysql_stmt_sqlstate && !hides_loss(statement)
               ? real->mysql_stmt_sqlstate(prepared_failing(statement, stmt))
               : "00000";
}

/* --- rows */

/* The next row would have to be asked for, on a connection that Oracle's library has forgotten. */
static bool reads_lost_cursor(struct statement *statement) {
    if (!statement || !statement->at_twin || statement->inside || !prepared_has_cursor(statement) ||
        statement->real->mysql_stmt_row_tell(statement->twin) ||
        !lend_connection(statement, statement->twin)) {
        return false;
    }
    exposed_take_connection(statement->real, statement->twin);
    return true;
}

/* By the library alone: there are no rows to be asked for. */
static bool is_said_at_once(unsigned error) {
    return error == CLIENT_COMMANDS_OUT_OF_SYNC || error == CLIENT_NO_RESULT_SET;
}

EXPORT int mysql_stmt_fetch(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    if (!real || !real->mysql_stmt_fetch) {
        return 1;
    }
    if (statement && statement->emptied && !statement->inside && !real->mariadb &&
        prepared_is_ready(statement)) {
        statement->error = CLIENT_NO_RESULT_SET;
        return 1;
    }
    if (reads_lost_cursor(statement)) {
        statement->error = CLIENT_SERVER_LOST;
        return 1;
    }
    bool asks = statement && !statement->inside && prepared_asks_for_rows(statement);
    struct broken_pipe hold;
    broken_pipe_hold(&hold); /* with a cursor it asks the server */
    int result = real->mysql_stmt_fetch(prepared_answering(statement, stmt));
    broken_pipe_release(&hold);
    bool row = result == 0 || result == FETCH_TRUNCATED;
    if (asks &&
        !(result == 1 && is_said_at_once(real->mysql_stmt_errno(prepared_answering(statement, stmt))))) {
        statement_note_spoken(statement);
    }
    if (statement && result == 1 && !real->mariadb && !statement->summary && !statement->inside) {
        statement->at_main.prepared = true; /* Oracle's library takes it for that from then on */
    }
    if (statement) {
        statement->lost_unseen &= result != 1;
    }
    if (statement && (result == 1 || (row && real->mariadb))) {
        statement->error = 0;
    }
    if (row && real->mariadb && statement && statement->handle && !statement->inside) {
        statement_note_error(statement->handle, statement); /* it has cleared that of its connection */
    }
    return result;
}

EXPORT int mysql_stmt_store_result(MYSQL_STMT *stmt) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    if (!real || !real->mysql_stmt_store_result) {
        return 1;
    }
    if (statement) {
        statement->error = 0;
    }
    if (statement && statement->emptied && !statement->inside && !real->mariadb &&
        real->mysql_stmt_field_count(prepared_answering(statement, stmt)) > 0) {
        statement->error = CLIENT_COMMANDS_OUT_OF_SYNC;
        return 1;
    }
    bool asks = statement && !statement->inside && prepared_asks_for_rows(statement);
    int result = real->mysql_stmt_store_result(prepared_answering(statement, stmt));
    if (asks && result == 0) {
        statement_note_spoken(statement);
    }
    if (statement) {
        statement->lost_unseen &= result == 0;
    }
    if (statement && statement->at_twin && !statement->inside) {
        struct handle *handle = statement->handle;
        prepared_expose(statement);
        if (result == 0 && handle && statement->local && handle->streaming == statement->local &&
            statement->local->reader == statement) {
            handle->streaming = NULL;
        }
    }
    return result;
}

/* Oracle's library asks the connection for a next result, which forgets the error and the number of rows of
 * the last call, if there is none, and keeps what else was said of it. `asked` had none; `last` has the last
 * call. False: it is out of sync. */
static bool ask_last(struct handle *handle, MYSQL *asked, MYSQL *last) {
    handle_note_last(handle, last);
    return last == asked || handle->real->mysql_more_results(last) ||
           handle->real->mysql_next_result(last) <= 0;
}

EXPORT int mysql_stmt_next_result(MYSQL_STMT *stmt) {
    struct call call;
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    if (!real || !real->mysql_stmt_next_result) {
        return 1;
    }
    if (statement && statement->error && !statement->inside && !real->mariadb) {
        return (int)statement->error; /* Oracle's library does nothing before an error is cleared */
    }
    MYSQL_STMT *to = prepared_answering(statement, stmt);
    if (statement && !statement->inside && !real->mariadb && real->mysql_stmt_errno(to) != 0) {
        return real->mysql_stmt_next_result(to); /* likewise */
    }
    if (statement && statement->handle && !statement->inside && real->mariadb &&
        !real->mysql_stmt_more_results(to)) {
        int result = real->mysql_stmt_next_result(to);
        if (result > 0) { /* out of sync: it wasn't executed */
            statement->error = 0;
            statement_note_error(statement->handle, statement);
        }
        return result;
    }
    MYSQL *last = statement && statement->handle ? statement->handle->last : NULL;
    if (statement && statement->at_twin && !statement->inside) {
        statement->error = 0;
        int result = real->mysql_stmt_next_result(to);
        if (result > 0 && last && statement->local) {
            handle_note_last(statement->handle, statement->local->mysql);
        } else if (!real->mariadb && last && statement->local &&
                   !ask_last(statement->handle, statement->local->mysql, last)) {
            statement->error = CLIENT_COMMANDS_OUT_OF_SYNC;
            return 1;
        }
        return result;
    }
    bool watched = statement_begin(&call, &statement, stmt, CALLER);
    int result = real->mysql_stmt_next_result(stmt);
    if (watched && !statement->error && result < 0) {
        call.handle->busy = false; /* there was nothing, and nothing was said */
        if (!real->mariadb) {
            ask_last(call.handle, call.handle->main, last);
        }
    } else if (watched && !statement->error) {
        MYSQL *ok = call.handle->ok;
        const struct command command = {.kind = COMMAND_PLAIN};
        command_end(&call, &command, result <= 0);
        call.handle->ok = ok;
    }
    return result;
}

/* --- binds */

static my_bool bind(struct statement *statement, MYSQL_STMT *stmt, MYSQL_BIND *array, bool results) {
    const struct real *real = statement->real;
    MYSQL_STMT *to = prepared_answering(statement, stmt);
    prepared_read_binds(statement); /* of the other array: a program may have written there */
    bool inside = statement->inside;
    statement->inside |= to == stmt;
    bool lent = lend_connection(statement, to);
    my_bool failed =
        results ? real->mysql_stmt_bind_result(to, array) : real->mysql_stmt_bind_param(to, array);
    if (lent) {
        exposed_take_connection(real, to);
    }
    statement->inside = inside;
    if (failed) {
        return failed;
    }
    statement->left_out &= results;
    size_t count = results ? real->mysql_stmt_field_count(to) : real->mysql_stmt_param_count(to);
    if (!results && !statement->summary) {
        count = prepared_prebound(statement);
    }
    prepared_note_binds(statement, results ? &statement->results : &statement->params, array, count);
    prepared_expose(statement);
    return 0;
}

static bool is_followed(const struct statement *statement) {
    return statement && !statement->inside && statement->known && statement->handle;
}

EXPORT my_bool mysql_stmt_bind_param(MYSQL_STMT *stmt, MYSQL_BIND *array) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    if (!real || !real->mysql_stmt_bind_param) {
        return 1;
    }
    if (statement && real->mariadb) {
        statement->error = 0; /* Oracle's library lets an older one stand */
    }
    if (is_followed(statement) && (statement->summary || prepared_prebound(statement) > 0)) {
        return bind(statement, stmt, array, false);
    }
    return real->mysql_stmt_bind_param(prepared_answering(statement, stmt), array);
}

EXPORT my_bool mysql_stmt_bind_result(MYSQL_STMT *stmt, MYSQL_BIND *array) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    if (!real || !real->mysql_stmt_bind_result) {
        return 1;
    }
    if (statement && real->mariadb) {
        statement->error = 0; /* Oracle's library lets an older one stand */
    }
    if (is_followed(statement) && statement->summary) {
        return bind(statement, stmt, array, true);
    }
    return real->mysql_stmt_bind_result(prepared_answering(statement, stmt), array);
}

/* With names they are query attributes, which only main's statement is given. */
EXPORT my_bool mysql_stmt_bind_named_param(MYSQL_STMT *stmt, MYSQL_BIND *array, unsigned count,
                                           const char **names) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    if (!real || !real->mysql_stmt_bind_named_param) {
        return 1;
    }
    if (is_followed(statement) && statement->summary) {
        bool plain = !names && count == real->mysql_stmt_param_count(prepared_answering(statement, stmt));
        if (plain) {
            return bind(statement, stmt, array, false);
        }
        if (!prepared_settle_on_main(statement)) {
            return 1;
        }
    }
    return real->mysql_stmt_bind_named_param(stmt, array, count, names);
}

/* --- attributes */

EXPORT my_bool mysql_stmt_attr_set(MYSQL_STMT *stmt, int number, const void *value) {
    struct statement *statement = statement_find(stmt);
    const struct real *real = statement_real(statement, CALLER);
    if (!real || !real->mysql_stmt_attr_set) {
        return 1;
    }
    if (!is_followed(statement)) {
        return real->mysql_stmt_attr_set(stmt, number, value);
    }
    if (number == STMT_ATTR_PREBIND_PARAMS) {
        prepared_clear(statement); /* the library gives up what was prepared */
    }
    prepared_hide(statement);
    my_bool failed = real->mysql_stmt_attr_set(stmt, number, value);
    prepared_expose(statement);
    if (failed) {
        statement->error = 0;
        if (statement->at_twin) {
            real->mysql_stmt_attr_set(statement->twin, number, value); /* which says why */
        }
        return failed;
    }
    if (!prepared_note_attribute(statement, number, value)) {
        statement->known = false; /* a call-back, or what isn't known here: only main's has it */
        return !prepared_settle_on_main(statement);
    }
    if (statement->twin && statement->local && number != STMT_ATTR_PREBIND_PARAMS) {
        real->mysql_stmt_attr_set(statement->twin, number, value);
    }
    return 0;
}
