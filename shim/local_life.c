#define _GNU_SOURCE
#include "local_parts.h"

#include "broken_pipe.h"
#include "descriptor.h"
#include "log.h"
#include "prepared.h"
#include "variables.h"
#include "process.h"
#include "stats.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t local_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now); /* to a few milliseconds, without a system call */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool local_is_ours(struct local *local) {
    if (local->pid != process_id()) {
        return false;
    }
    int64_t now_ms = local_now_ms();
    if (local->socket.number < 0 || local->checked_ms == now_ms) {
        return true;
    }
    local->checked_ms = now_ms;
    broken_pipe_look();
    return socket_is_same(&local->socket);
}

bool local_is_usable(struct local *local) {
    return local_is_ours(local);
}

static bool says_inside(const struct local *local) {
    unsigned status = 0;
    if (local->real->mariadb_get_infov) {
        local->real->mariadb_get_infov(local->mysql, MARIADB_CONNECTION_SERVER_STATUS, &status, NULL);
    }
    return status & SERVER_STATUS_IN_TRANS;
}

bool local_say(struct local *local, const char *text, size_t length) {
    if (!local->hushed) {
        local->hushed_inside = says_inside(local);
        local->hushed = true;
    }
    struct broken_pipe hold;
    broken_pipe_hold(&hold);
    int result = local->real->mysql_real_query(local->mysql, text, length);
    broken_pipe_release(&hold);
    return result == 0;
}

bool local_is_inside(const struct local *local) {
    return local->hushed ? local->hushed_inside : says_inside(local);
}

/* A connection that the library has already given up holds no descriptor: its number may be anybody's by now.
 */
bool local_may_close(struct local *local) {
    local->checked_ms = 0;
    bool given_up =
        local->real->mysql_get_socket ? local->real->mysql_get_socket(local->mysql) < 0 : local->given_up;
    return given_up ? local->pid == process_id() : local_is_ours(local);
}

/* A forked child lets its copy of the parent's descriptor go, without a byte: the server sees the connection
 * end only when nobody holds it any more, and a parent that is gone may have left a transaction open. */
static void let_go(const struct local *local) {
    if (local->pid != process_id() && socket_is_same(&local->socket)) {
        descriptor_close(local->socket.number);
    }
}

/* To close these would speak on the parent's connection, or into somebody else's file. Their memory stays,
 * and stays known, so that a leak checker has no fault to find with it. */
static _Atomic(struct local *) left_open;

static void leave_open(struct local *local) {
    local->left = atomic_load(&left_open);
    while (!atomic_compare_exchange_weak(&left_open, &local->left, local)) {
    }
}

void local_free(struct local *local) {
    struct handle *own = handle_find(local->mysql);
    if (own) {
        handle_remove(own);
    }
    bool closes = local_may_close(local);
    if (closes) {
        struct broken_pipe hold;
        broken_pipe_hold(&hold);
        local->real->mysql_close(local->mysql);
        broken_pipe_release(&hold);
        prepared_close_waiting(local); /* they know no connection now */
    } else {
        let_go(local);
    }
    if (own) {
        handle_free(own);
    }
    if (closes) {
        free(local);
    } else {
        leave_open(local);
    }
}

/* Nothing of the handle may point to a connection that goes. */
static void forget_local(struct handle *handle, const struct local *local, bool abandoned) {
    prepared_forget_local(handle, local, abandoned);
    if (handle->ok == local->mysql) {
        handle->kept_insert_id =
            local->real->mysql_insert_id ? local->real->mysql_insert_id(local->mysql) : 0;
        handle->ok = NULL;
    }
    if (handle->counted == local->mysql) {
        handle->kept_warning_count =
            local->real->mysql_warning_count ? local->real->mysql_warning_count(local->mysql) : 0;
        handle->counted = NULL;
    }
    if (handle->last == local->mysql) {
        handle_note_last(handle, handle->main);
    }
    if (handle->failed == local->mysql) {
        handle->failed = NULL;
    }
    if (handle->routing->answered_by == local->mysql) {
        handle->routing->answered_by = handle->main;
    }
    if (handle->warned == local->mysql) {
        handle->warned = handle->main;
    }
    if (handle->found == local->mysql) {
        handle->found = handle->main;
    }
    if (handle->spoke == local->mysql) {
        handle->spoke = handle->main;
    }
    if (handle->pending == local->mysql) {
        handle->pending = NULL;
    }
    if (handle->streaming == local) {
        handle->streaming = NULL;
    }
    variables_forget(handle, local);
    if (handle->routing->refused_by == local) {
        handle->routing->refused_by = NULL;
    }
    if (handle->running == local->mysql) {
        handle->running = NULL; /* the application has jumped out of the statement */
    }
}

static void dispose(struct handle *handle, struct local *local) {
    forget_local(handle, local, !local_may_close(local));
    if (local->results > 0) {
        local->orphaned = true;
    } else {
        local_free(local);
    }
}

/* The connection is lost, but the application may hold pointers that accessors gave it: it is kept until the
 * next loss. */
void local_retire(struct handle *handle, struct local_slot *slot) {
    if (slot->retired) {
        prepared_hold_local(handle, slot->retired);
        dispose(handle, slot->retired);
    }
    unsigned error = slot->local->real->mysql_errno(slot->local->mysql);
    slot->local->given_up = error >= CLIENT_ERROR_FIRST; /* not so if the server only says that it will end */
    stats_count_event(PAGE_EVENT_SHADOW_LOST);
    slot->transaction_lost |= slot->local->transaction;
    slot->retired = slot->local;
    slot->local = NULL;
    prepared_note_loss(handle, slot->retired);
    variables_forget(handle, slot->retired);
    if (handle->streaming == slot->retired) {
        handle->streaming = NULL;
    }
}

void local_close_all(struct handle *handle) {
    for (int i = CONFIG_FOLLOW; handle->routing && i <= CONFIG_IMMEDIATE; i++) {
        struct local_slot *slot = &handle->routing->slots[i];
        if (slot->local) {
            dispose(handle, slot->local);
        }
        if (slot->retired) {
            dispose(handle, slot->retired);
        }
        memset(slot, 0, sizeof *slot);
    }
}

void local_result_freed(struct local *local) {
    if (--local->results == 0 && local->orphaned) {
        local_free(local);
    }
}

/* Neither closed nor used: what its descriptor number means now is not ours. Its memory stays. */
void local_abandon(struct handle *handle, struct local_slot *slot) {
    struct local *local = slot->local;
    forget_local(handle, local, true);
    slot->transaction_lost |= local->transaction && local->pid == process_id();
    slot->local = NULL;
    struct handle *own = handle_find(local->mysql);
    if (own) {
        handle_remove(own);
        handle_free(own);
    }
    if (local->results == 0) {
        let_go(local);
    }
    local->orphaned = false; /* a result may still point to it: left alone altogether */
    leave_open(local);
}

enum route_reason local_refuse_for_a_while(struct local_slot *slot, const struct config *config,
                                           enum route_reason reason) {
    slot->retry_at_ms = local_now_ms() + config->local.retry_after_ms;
    slot->refusal = reason;
    return reason;
}

void local_note_refusal(const char *what, const char *who, unsigned error, const char *text) {
    uint64_t key = log_key(1, who, strlen(who));
    if (log_state_changed(key, error)) {
        log_write(CONFIG_LOG_WARNING, "local master refuses %s %s: %u %s; main runs it", what, who, error,
                  text);
    }
}

void local_note_acceptance(const char *what, const char *who) {
    if (log_state_changed(log_key(1, who, strlen(who)), 0)) {
        log_write(CONFIG_LOG_INFO, "local master takes %s %s again", what, who);
    }
}
