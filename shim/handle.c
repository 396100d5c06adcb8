#define _GNU_SOURCE
#include "handle.h"

#include "local.h"
#include "map.h"
#include "prepared.h"
#include "variables.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct handle *handle_find(const MYSQL *mysql) {
    return map_find(mysql, MAP_HANDLE);
}

struct handle *handle_add(MYSQL *mysql, const struct real *real) {
    struct handle *old = handle_find(mysql);
    if (old) {
        handle_remove(old);
        local_close_all(old);
        handle_free(old);
    }
    struct handle *handle = calloc(1, sizeof *handle);
    if (!handle) {
        return NULL;
    }
    handle->main = handle->last = handle->ok = handle->counted = handle->found = handle->warned = mysql;
    handle_note_spoke(handle, mysql);
    handle->real = real;
    handle->socket.number = -1;
    session_reset(&handle->session, NULL);
    void *stale; /* none: it was thrown away above */
    if (!map_put(mysql, MAP_HANDLE, handle, &stale)) {
        handle_free(handle);
        return NULL;
    }
    return handle;
}

void handle_remove(struct handle *handle) {
    map_take(handle->main, MAP_HANDLE);
}

struct routing *handle_make_routing(struct handle *handle) {
    if (!handle->routing && (handle->routing = calloc(1, sizeof *handle->routing))) {
        handle->routing->loan = (struct descriptor_loan){.number = -1, .saved = -1};
    }
    return handle->routing;
}

bool credentials_set(struct credentials *credentials, const char *user, const char *password) {
    size_t user_size = user ? strlen(user) + 1 : 0, password_size = password ? strlen(password) + 1 : 0;
    char *memory = user || password ? malloc(user_size + password_size) : NULL;
    bool copied = memory || (!user && !password);
    char *old = credentials->user ? credentials->user : credentials->password;
    char *new_user = memory && user ? memcpy(memory, user, user_size) : NULL;
    char *new_password = memory && password ? memcpy(memory + user_size, password, password_size) : NULL;
    if (credentials->password) {
        explicit_bzero(credentials->password, strlen(credentials->password));
    }
    if (credentials->user) {
        explicit_bzero(credentials->user, strlen(credentials->user));
    }
    free(old);
    credentials->user = new_user;
    credentials->password = new_password;
    return copied;
}

void handle_free(struct handle *handle) {
    for (struct statement *statement = handle->statements; statement;) {
        struct statement *next = statement->next;
        statement->handle = NULL; /* lives on until the application closes it */
        statement->next = NULL;
        statement = next;
    }
    options_free(handle->options);
    credentials_set(&handle->credentials, NULL, NULL);
    session_free(&handle->session);
    variables_forget(handle, NULL);
    free(handle->sent_text);
    if (handle->routing) {
        free(handle->routing->repeatable);
        free(handle->routing->restated);
        free(handle->routing);
    }
    free(handle);
}

struct search {
    const struct real *real;
    unsigned long thread_id;
    unsigned long found;
};

/* No handle goes meanwhile; mysql_thread_id only reads. */
static bool look_for_running(void *context, void *value) {
    struct search *search = context;
    const struct handle *handle = value;
    MYSQL *running =
        handle->real == search->real && handle->thread_id == search->thread_id ? handle->running : NULL;
    search->found = running && search->real->mysql_thread_id ? search->real->mysql_thread_id(running) : 0;
    return search->found == 0;
}

unsigned long handle_shadow_running(const struct real *real, unsigned long thread_id) {
    struct search search = {.real = real, .thread_id = thread_id};
    map_walk(MAP_HANDLE, look_for_running, &search);
    return search.found;
}

struct collection {
    const struct real *real;
    struct handle **handles;
    size_t count, room;
};

static bool collect(void *context, void *value) {
    struct collection *collection = context;
    struct handle *handle = value;
    if (handle->real == collection->real && !handle->shadow && collection->count < collection->room) {
        collection->handles[collection->count++] = handle;
    }
    return true;
}

void handle_visit(const struct real *real, void (*visit)(struct handle *handle)) {
    /* Collected first: closing a shadow is a real call, and no lock is held over one. */
    struct collection all = {.real = real, .room = map_count(MAP_HANDLE)};
    all.handles = calloc(all.room + 1, sizeof(struct handle *));
    if (!all.handles) {
        return;
    }
    map_walk(MAP_HANDLE, collect, &all);
    for (size_t i = 0; i < all.count; i++) {
        visit(all.handles[i]);
    }
    free(all.handles);
}

struct statement *statement_add(MYSQL_STMT *stmt, struct handle *handle, const struct real *real) {
    struct statement *statement = calloc(1, sizeof *statement);
    if (!statement) {
        return NULL;
    }
    *statement = (struct statement){.stmt = stmt, .handle = handle, .real = real, .next = handle->statements};
    void *stale; /* stays: its handle's list may hold it */
    if (!map_put(stmt, MAP_STATEMENT, statement, &stale)) {
        free(statement);
        return NULL;
    }
    handle->statements = statement;
    return statement;
}

struct statement *statement_find(const MYSQL_STMT *stmt) {
    return map_count(MAP_STATEMENT) == 0 ? NULL : map_find(stmt, MAP_STATEMENT);
}

void statement_remove(struct statement *statement) {
    map_take(statement->stmt, MAP_STATEMENT);
    if (statement->handle) {
        struct statement **place = &statement->handle->statements;
        while (*place && *place != statement) {
            place = &(*place)->next;
        }
        if (*place) {
            *place = statement->next;
        }
    }
}

struct origin {
    const struct real *real;
    struct local *local;
};

bool result_add(MYSQL_RES *result, const struct real *real, struct local *local) {
    struct origin *origin = malloc(sizeof *origin);
    if (!origin) {
        return false;
    }
    *origin = (struct origin){real, local};
    void *stale;
    bool added = map_put(result, MAP_RESULT, origin, &stale);
    free(stale);
    if (!added) {
        free(origin);
    }
    return added;
}

bool result_find(const MYSQL_RES *result, const struct real **real, struct local **local) {
    const struct origin *origin = map_count(MAP_RESULT) == 0 ? NULL : map_find(result, MAP_RESULT);
    if (origin) {
        *real = origin->real;
        *local = origin->local;
    }
    return origin != NULL;
}

void result_remove(const MYSQL_RES *result) {
    free(map_take(result, MAP_RESULT));
}
