#define _GNU_SOURCE
#include "local.h"

#include "breaker.h"
#include "broken_pipe.h"
#include "local_parts.h"
#include "log.h"
#include "prepared.h"
#include "process.h"
#include "setup.h"
#include "verdict.h"

#include <stdio.h>
#include <string.h>

static bool same_text(const char *one, const char *other) {
    return one == other || (one && other && strcmp(one, other) == 0);
}

/* The local master and who goes there, before and after the configuration was read anew. */
static bool is_same_place(const struct config_local *one, const struct config_local *other) {
    return same_text(one->server.socket, other->server.socket) &&
           same_text(one->server.host, other->server.host) && one->server.port == other->server.port &&
           same_text(one->user, other->user) && same_text(one->password, other->password) &&
           same_text(one->defaults_file, other->defaults_file);
}

static enum route_reason make_ready(struct handle *handle, struct local_slot *slot,
                                    const struct config *config, bool follow, bool begins, size_t length) {
    if (slot->transaction_lost) {
        if (handle->session.route.in_transaction) {
            handle->cause = PAGE_CAUSE_TRANSACTION_LOST;
            return ROUTE_LOCAL_DOWN;
        }
        slot->transaction_lost = false;
    }
    if (slot->retry_at_ms && local_now_ms() < slot->retry_at_ms) {
        handle->cause =
            slot->refusal == ROUTE_SESSION_UNKNOWN ? PAGE_CAUSE_OUT_OF_STEP : PAGE_CAUSE_CONNECT_REFUSED;
        return slot->refusal;
    }
    if (slot->local && !local_is_ours(slot->local)) {
        local_abandon(handle, slot);
        if (slot->transaction_lost) {
            handle->cause = PAGE_CAUSE_TRANSACTION_LOST;
            return ROUTE_LOCAL_DOWN;
        }
    }
    bool keeps_transaction = slot->local && slot->local->transaction;
    if (slot->local && !keeps_transaction && slot->local->config != config &&
        !is_same_place(&slot->local->config->local, &config->local)) {
        local_retire(handle, slot);
    }
    if (!keeps_transaction && !(slot->local ? breaker_allows(config) : breaker_allows_opening(config))) {
        handle->cause = PAGE_CAUSE_BREAKER_OPEN;
        return ROUTE_LOCAL_DOWN;
    }
    if (!slot->local) {
        enum route_reason reason = local_open(handle, slot, config);
        if (reason != ROUTE_ROUTED) {
            return reason;
        }
    }
    /* one byte of the packet is the command */
    if (length + 1 > slot->local->server.longest ||
        (handle->server.longest && length + 1 > handle->server.longest)) {
        return ROUTE_TOO_LONG;
    }
    return local_keep_step(handle, slot, config, follow, begins);
}

/* Reads and writes are told of apart: a read-only server takes the ones and refuses the others. */
static uint64_t table_key(const struct handle *handle, const struct sql_summary *summary) {
    const struct sql_table *table = &summary->tables[0];
    struct slice database = table->database.length ? table->database : handle->session.route.database;
    uint64_t kind = summary->verb == SQL_SELECT ? 3 : 4;
    return log_key(log_key(kind, database.at ? database.at : "", database.length), table->table.at,
                   table->table.length);
}

/* Of these the server's own words name servers, accounts and tables; others may quote the statement, and a
 * log holds no values. */
static bool may_be_quoted(unsigned error) {
    switch (error) {
    case 1021: /* ER_DISK_FULL */
    case 1044: /* ER_DBACCESS_DENIED_ERROR */
    case 1046: /* ER_NO_DB_ERROR */
    case 1049: /* ER_BAD_DB_ERROR */
    case 1114: /* ER_RECORD_FILE_FULL */
    case 1142: /* ER_TABLEACCESS_DENIED_ERROR */
    case 1146: /* ER_NO_SUCH_TABLE */
    case 1226: /* ER_USER_LIMIT_REACHED */
    case 1290: /* ER_OPTION_PREVENTS_STATEMENT: read_only */
    case 1836: /* ER_READ_ONLY_MODE */
        return true;
    default:
        return false;
    }
}

void local_note_refused(struct handle *handle, const struct sql_summary *summary) {
    struct local *local = handle->cause == PAGE_CAUSE_REFUSED ? handle->routing->refused_by : NULL;
    if (!local) {
        return;
    }
    handle->cause = PAGE_CAUSE_OTHER_CAUSE;
    unsigned error = local->real->mysql_errno(local->mysql);
    if (summary->table_count > 0 && log_state_changed(table_key(handle, summary), error)) {
        const struct sql_table *table = &summary->tables[0];
        const char *words =
            may_be_quoted(error) ? local->real->mysql_error(local->mysql) : "(its words are not logged)";
        log_write(CONFIG_LOG_WARNING, "local master refuses statements on %.*s: %u %s; main runs them",
                  (int)table->table.length, table->table.at, error, words);
    }
}

/* The rows of the shadow's transaction are undone, and the application is told of a deadlock: without the
 * shim all of its transaction would be undone now. Main's part must go as well, or the application's next
 * attempt would run on top of it. */
static __attribute__((cold)) void undo_both(struct handle *handle, struct local *local) {
    static const char text[] = "ROLLBACK";
    if (!local->transaction) {
        return; /* it ran by itself: nothing but the statement is undone */
    }
    local->transaction = false;
    if (handle->session.main_touched) {
        handle->real->mysql_real_query(handle->main, text, sizeof text - 1);
    }
    session_note_end(&handle->session, false);
}

/* Said twice, these leave what they leave said once. Others that were lost on their way are not said to a new
 * connection: if the first one did run, main's answer is the better guess, since what the local master has
 * reaches main later. */
static bool may_be_repeated(enum sql_verb verb) {
    return verb == SQL_REPLACE || verb == SQL_SELECT || verb == SQL_DELETE;
}

/* What is to be said at the local master. */
struct order {
    const struct config_group *group;
    const struct sql_summary *summary;
    struct slice text;
    struct statement *prepared; /* NULL: the text as it is */
    bool execute;               /* else the statement is only prepared */
};

/* VERDICT_APPLICATION: *result is the answer. */
static enum verdict say(struct handle *handle, struct local *local, const struct order *order, int *result) {
    enum verdict verdict = VERDICT_APPLICATION;
    handle->cancelled = false;
    handle->running = local->mysql;
    if (order->prepared) {
        verdict = prepared_say(order->prepared, local, order->execute, result);
    } else {
        *result = local->real->mysql_real_query(local->mysql, order->text.at, order->text.length);
        if (*result != 0) {
            verdict = verdict_of(local->real->mysql_errno(local->mysql));
        }
    }
    handle->running = NULL;
    return verdict;
}

static void note_success(const struct handle *handle, const struct order *order) {
    const struct sql_summary *summary = order->summary;
    breaker_succeeded(setup_config());
    if (log_knows_states() && summary->table_count > 0 && log_state_changed(table_key(handle, summary), 0)) {
        log_write(CONFIG_LOG_INFO, "local master takes statements on %.*s again",
                  (int)summary->tables[0].table.length, summary->tables[0].table.at);
    }
}

/* An order that is under way. */
struct attempt {
    const struct config *config;
    int64_t started_ms;
    unsigned number; /* from 0 on */
};

/* The shadow was lost in it. True: once more, on a new connection. */
static __attribute__((cold, noinline)) bool may_try_again(struct handle *handle, struct local_slot *slot,
                                                          const struct order *order, struct attempt attempt) {
    const struct local *local = slot->local;
    char why[512];
    snprintf(why, sizeof why, "%u %s", local->real->mysql_errno(local->mysql),
             local->real->mysql_error(local->mysql));
    local_retire(handle, slot);
    bool timed_out =
        local_now_ms() - attempt.started_ms >= (int64_t)attempt.config->local.read_timeout_s * 1000;
    if ((timed_out || attempt.number > 0) && !handle->cancelled) {
        breaker_failed(attempt.config, why);
    }
    bool again = !timed_out && attempt.number == 0 && !slot->transaction_lost && !handle->cancelled &&
                 (!order->execute || may_be_repeated(order->summary->verb));
    if (!again) {
        handle->cause = timed_out ? PAGE_CAUSE_TIMED_OUT : PAGE_CAUSE_LOST;
    }
    return again;
}

static enum route_reason run(struct handle *handle, const struct order *order, int *result,
                             struct local **answered) {
    const struct config *config = setup_config();
    struct routing *routing = handle_make_routing(handle);
    if (!routing) {
        return ROUTE_LOCAL_DOWN;
    }
    struct local_slot *slot = &routing->slots[order->group->transactions == CONFIG_IMMEDIATE];
    bool follow = order->group->transactions == CONFIG_FOLLOW;
    /* in a READ ONLY one MariaDB won't even prepare what writes */
    bool begins = order->execute || handle->session.begun_read_only;
    struct attempt attempt = {config, local_now_ms(), 0};
    for (;; attempt.number++) {
        enum route_reason reason = make_ready(handle, slot, config, follow, begins, order->text.length);
        if (reason == ROUTE_LOCAL_DOWN && !slot->local && !slot->transaction_lost && attempt.number == 0 &&
            !slot->retry_at_ms && slot->retired && !breaker_is_open(config)) {
            continue; /* it was lost while it lay idle and found out just now: once more on a new connection
                       */
        }
        if (reason != ROUTE_ROUTED) {
            return reason;
        }
        struct local *local = slot->local;
        *answered = local;
        switch (say(handle, local, order, result)) {
        case VERDICT_APPLICATION:
            local->written |= order->execute && order->summary->verb != SQL_SELECT;
            if (*result == 0) {
                note_success(handle, order);
            }
            return ROUTE_ROUTED;
        case VERDICT_DEADLOCK:
            undo_both(handle, local);
            return ROUTE_ROUTED;
        case VERDICT_REFUSED:
            handle->routing->refused_by = local->real->mysql_errno(local->mysql) != 0 ? local : NULL;
            handle->cause = PAGE_CAUSE_REFUSED;
            return ROUTE_LOCAL_DOWN;
        case VERDICT_LOST:
            if (!may_try_again(handle, slot, order, attempt)) {
                return ROUTE_LOCAL_DOWN;
            }
        }
    }
}

static enum route_reason run_unbroken(struct handle *handle, const struct order *order, int *result,
                                      struct local **answered) {
    struct broken_pipe hold;
    broken_pipe_hold(&hold);
    enum route_reason reason = run(handle, order, result, answered);
    broken_pipe_release(&hold);
    return reason;
}

enum route_reason local_run(struct handle *handle, const struct config_group *group,
                            const struct sql_summary *summary, struct slice text, int *result,
                            struct local **answered) {
    const struct order order = {.group = group, .summary = summary, .text = text, .execute = true};
    return run_unbroken(handle, &order, result, answered);
}

enum route_reason local_run_prepared(struct handle *handle, const struct config_group *group,
                                     struct statement *statement, bool execute, int *result,
                                     struct local **answered) {
    const struct order order = {.group = group,
                                .summary = statement->summary,
                                .text = {statement->text, statement->length},
                                .prepared = statement,
                                .execute = execute};
    return run_unbroken(handle, &order, result, answered);
}

void local_give_up(struct handle *handle, const struct local *local) {
    for (int i = CONFIG_FOLLOW; i <= CONFIG_IMMEDIATE; i++) {
        if (local && handle_shadow(handle, (enum config_transactions)i) == local) {
            local_retire(handle, &handle->routing->slots[i]);
        }
    }
}

bool local_is_streaming(struct handle *handle) {
    struct local *local = handle->streaming;
    if (!local || local->pid != process_id()) {
        return false;
    }
    if (local->real->mysql_more_results(local->mysql) || local->real->mysql_next_result(local->mysql) != -1) {
        return true;
    }
    handle->streaming = NULL;
    handle->pending = NULL;
    return false;
}

static bool end_on(struct handle *handle, struct local_slot *slot, bool commit) {
    struct local *local = slot->local;
    const char *text = commit ? "COMMIT" : "ROLLBACK";
    if (!local_is_ours(local)) {
        local_abandon(handle, slot);
        return false;
    }
    if (local_say(local, text, strlen(text))) {
        local->transaction = local->hushed = false; /* that it is over, main's answer has told */
        return true;
    }
    if (commit) {
        log_write(CONFIG_LOG_WARNING,
                  "local master lost a transaction's cache entries at its commit: %u %s; they will be missed "
                  "and made again",
                  local->real->mysql_errno(local->mysql), local->real->mysql_error(local->mysql));
    }
    local_retire(handle, slot);
    return false;
}

void local_echo(struct handle *handle, enum session_echo echo, struct slice text) {
    if (echo == SESSION_ECHO_NONE || !handle->routing) {
        return;
    }
    struct local_slot *slot = &handle->routing->slots[CONFIG_FOLLOW];
    if (slot->local && slot->local->transaction) {
        if (echo != SESSION_ECHO_REPEAT) {
            end_on(handle, slot, echo == SESSION_ECHO_COMMIT);
        } else if (!local_is_ours(slot->local)) {
            local_abandon(handle, slot);
        } else if (!local_say(slot->local, text.at, text.length)) {
            /* without its savepoint the shadow can't undo what main will undo: it gives up the whole */
            end_on(handle, slot, false);
            slot->transaction_lost = true;
        }
    }
    if (echo != SESSION_ECHO_REPEAT) {
        slot->transaction_lost = false;
    }
}

bool local_end_alone(struct handle *handle, bool commit) {
    struct local_slot *slot = &handle->routing->slots[CONFIG_FOLLOW];
    bool ended = end_on(handle, slot, commit);
    slot->transaction_lost = false;
    return ended;
}

void local_kill_running(struct handle *handle, unsigned long thread_id) {
    unsigned long shadow = handle_shadow_running(handle->real, thread_id);
    struct routing *routing = shadow != 0 ? handle_make_routing(handle) : NULL;
    struct local_slot *slot = routing ? &routing->slots[CONFIG_IMMEDIATE] : NULL;
    char text[64];
    if (!slot || make_ready(handle, slot, setup_config(), false, false, 0) != ROUTE_ROUTED) {
        return;
    }
    int length = snprintf(text, sizeof text, "KILL QUERY %lu", shadow);
    local_say(slot->local, text, (size_t)length);
    if (handle->server.identity == 0) {
        local_close_all(
            handle); /* main isn't known to this handle yet, so what was opened was compared with nothing */
    }
}
