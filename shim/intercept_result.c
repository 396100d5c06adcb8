/* Results: asked for where the statement ran, freed where they came from. */
#define _GNU_SOURCE
#include "intercept.h"

#include "doubt.h"
#include "local.h"
#include "verdict.h"

/* Who has the result that the application asks for: a shadow whose result is still untouched, whatever ran in
 * between (a statement closed by a garbage collector), else who ran the last call. */
static MYSQL *result_owner(const struct handle *handle) {
    return handle->pending ? handle->pending : handle->last;
}

static void note_taken(struct handle *handle, MYSQL *owner) {
    handle_note_last(handle, owner);
    if (owner == handle->pending) {
        handle->pending = NULL;
    }
}

/* An unbuffered result reads from its connection's struct until it is freed: that struct must live as long.
 */
static void note_result(struct handle *handle, MYSQL_RES *result, MYSQL *owner, bool unbuffered) {
    struct local *local = unbuffered && owner != handle->main ? handle->streaming : NULL;
    if (!result || (!local && !real_is_ambiguous())) {
        return;
    }
    if (local) {
        local->results++;
    }
    if (!result_add(result, handle->real, local) && local) {
        handle->passive = true; /* out of memory: the shadow is left open for good instead */
    }
}

/* A result that the shim has no business with is still freed through it: with two client libraries about it
 * must be known whose it is. */
static MYSQL_RES *tell_apart(MYSQL_RES *result, const struct real *real) {
    if (result && real_is_ambiguous()) {
        result_add(result, real, NULL);
    }
    return result;
}

/* The shadow was lost while its rows were read, and the application has seen none of them: main is asked
 * instead. */
static MYSQL_RES *store_from_main(struct handle *handle) {
    const struct real *real = handle->real;
    struct call call = {.handle = handle, .real = real, .target = handle->main};
    const struct command command = {.kind = COMMAND_TOUCHES};
    handle->busy = true;
    local_give_up(handle, handle->streaming);
    bool asked = real->mysql_real_query(handle->main, handle->routing->repeatable,
                                        handle->routing->repeatable_length) == 0;
    MYSQL_RES *result = asked ? real->mysql_store_result(handle->main) : NULL;
    handle_note_spoke(handle, handle->main);
    command_end(&call, &command, result != NULL);
    return result;
}

EXPORT MYSQL_RES *mysql_store_result(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real) {
        return NULL;
    }
    if (!handle || handle->passive || handle->busy) {
        return tell_apart(real->mysql_store_result(mysql), real);
    }
    MYSQL *owner = result_owner(handle);
    handle->busy = true;
    MYSQL_RES *result = real->mysql_store_result(owner);
    handle->busy = false;
    note_taken(handle, owner);
    if (!result && owner != handle->main && handle->streaming && handle->routing->repeatable_length > 0 &&
        verdict_of(real->mysql_errno(owner)) == VERDICT_LOST) {
        result = store_from_main(handle);
        owner = handle->main;
    }
    note_result(handle, result, owner, false);
    if (result && owner != handle->main && !real->mysql_more_results(owner)) {
        handle->streaming = NULL;
    }
    return result;
}

EXPORT MYSQL_RES *mysql_use_result(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real) {
        return NULL;
    }
    if (!handle || handle->passive || handle->busy) {
        return tell_apart(real->mysql_use_result(mysql), real);
    }
    MYSQL *owner = result_owner(handle);
    handle->busy = true;
    MYSQL_RES *result = real->mysql_use_result(owner);
    handle->busy = false;
    note_taken(handle, owner);
    note_result(handle, result, owner, true);
    return result;
}

EXPORT my_bool mysql_more_results(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real) {
        return 0;
    }
    bool aside = !handle || handle->passive || handle->busy;
    return real->mysql_more_results(aside ? mysql : result_owner(handle));
}

EXPORT int mysql_next_result(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real) {
        return 1;
    }
    if (!handle || handle->passive || handle->busy) {
        return real->mysql_next_result(mysql);
    }
    MYSQL *owner = result_owner(handle);
    if (owner == handle->main) {
        doubt_before_next(handle);
    }
    handle->busy = true;
    int result = real->mysql_next_result(owner);
    handle->busy = false;
    handle_note_last(handle, owner);
    if (owner != handle->main) {
        if (result == 0) {
            handle->pending = real->mysql_field_count(owner) > 0 ? owner : NULL;
        } else if (result < 0) {
            handle->streaming = NULL;
        }
    } else if (result == 0) {
        struct call call = {.handle = handle, .real = real, .target = owner};
        const struct command command = {.kind = COMMAND_NEXT_RESULT};
        command_end(&call, &command, true);
    } else if (result > 0) {
        struct call call = {.handle = handle, .real = real, .target = owner};
        const struct command command = {.kind = COMMAND_NEXT_RESULT};
        command_end(&call, &command, false);
    }
    return result;
}

static const struct real *real_of_result(const MYSQL_RES *result, const void *caller, struct local **local) {
    const struct real *real = NULL;
    *local = NULL;
    return result_find(result, &real, local) ? real : real_of_caller(caller);
}

static void note_freed(const MYSQL_RES *result, struct local *local) {
    result_remove(result);
    if (local) {
        local_result_freed(local);
    }
}

EXPORT void mysql_free_result(MYSQL_RES *result) {
    struct local *local;
    const struct real *known = NULL;
    bool remembered = result && result_find(result, &known, &local);
    const struct real *real = remembered ? known : real_of_caller(CALLER);
    if (!real || !real->mysql_free_result) {
        return;
    }
    real->mysql_free_result(result);
    if (remembered) {
        note_freed(result, local);
    }
}

/* A shadow's result has no coroutine to read on: it is read here and now, from the same site. */
EXPORT int mysql_fetch_row_start(MYSQL_ROW *row, MYSQL_RES *result) {
    struct local *local;
    const struct real *real = real_of_result(result, CALLER, &local);
    if (!real || !real->mysql_fetch_row_start) {
        *row = NULL;
        return 0;
    }
    if (local) {
        *row = real->mysql_fetch_row(result);
        return 0;
    }
    return real->mysql_fetch_row_start(row, result);
}

EXPORT int mysql_free_result_start(MYSQL_RES *result) {
    struct local *local;
    const struct real *real = real_of_result(result, CALLER, &local);
    if (!real || !real->mysql_free_result_start) {
        return 0;
    }
    if (local) {
        real->mysql_free_result(result);
        note_freed(result, local);
        return 0;
    }
    return real->mysql_free_result_start(result);
}

EXPORT enum net_async_status mysql_free_result_nonblocking(MYSQL_RES *result) {
    struct local *local;
    const struct real *real = real_of_result(result, CALLER, &local);
    if (!real || !real->mysql_free_result_nonblocking) {
        return NET_ASYNC_ERROR;
    }
    if (local) {
        real->mysql_free_result(result);
        note_freed(result, local);
        return NET_ASYNC_COMPLETE;
    }
    return real->mysql_free_result_nonblocking(result);
}

EXPORT enum net_async_status mysql_store_result_nonblocking(MYSQL *mysql, MYSQL_RES **result) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_store_result_nonblocking) {
        return NET_ASYNC_ERROR;
    }
    if (handle && !handle->passive && !handle->busy && result_owner(handle) != handle->main) {
        *result = mysql_store_result(mysql);
        return *result || real->mysql_errno(handle->last) == 0 ? NET_ASYNC_COMPLETE : NET_ASYNC_ERROR;
    }
    return real->mysql_store_result_nonblocking(mysql, result);
}

EXPORT enum net_async_status mysql_next_result_nonblocking(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_next_result_nonblocking) {
        return NET_ASYNC_ERROR;
    }
    if (handle && !handle->passive && !handle->busy && result_owner(handle) != handle->main) {
        int next = mysql_next_result(mysql);
        return next == 0  ? NET_ASYNC_COMPLETE
               : next < 0 ? NET_ASYNC_COMPLETE_NO_MORE_RESULTS
                          : NET_ASYNC_ERROR;
    }
    if (!handle || handle->passive || handle->busy) {
        return real->mysql_next_result_nonblocking(mysql);
    }
    doubt_before_next(handle);
    handle->busy = true;
    enum net_async_status status = real->mysql_next_result_nonblocking(mysql);
    handle->busy = false;
    if (status == NET_ASYNC_COMPLETE || status == NET_ASYNC_ERROR) {
        struct call call = {.handle = handle, .real = real, .target = mysql};
        const struct command command = {.kind = COMMAND_NEXT_RESULT};
        command_end(&call, &command, status == NET_ASYNC_COMPLETE);
    } else if (status == NET_ASYNC_COMPLETE_NO_MORE_RESULTS) {
        handle_note_last(handle, mysql);
    }
    return status;
}
