/* Text: where it goes, and the way it goes there. */
#define _GNU_SOURCE
#include "intercept.h"

#include "broken_pipe.h"
#include "decision.h"
#include "doubt.h"
#include "local.h"
#include "log.h"
#include "observe.h"
#include "prepared.h"
#include "question.h"
#include "setup.h"
#include "stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void query_note_reason(const struct sql_summary *summary, enum route_reason reason) {
    if (log_wants(CONFIG_LOG_DEBUG)) {
        log_write(CONFIG_LOG_DEBUG, "%s: %s", sql_verb_name(summary->verb), route_reason_name(reason));
    }
}

/* Kept so that main can be asked the same if the shadow is lost while its rows are read. Longer ones are not
 * kept: their loss is shown. */
enum { REPEATABLE_MAX = 65536 };

static void keep_repeatable(struct routing *routing, struct slice text) {
    routing->repeatable_length = 0;
    if (text.length > REPEATABLE_MAX) {
        return;
    }
    if (text.length > routing->repeatable_size) {
        char *larger = realloc(routing->repeatable, text.length);
        if (!larger) {
            return;
        }
        routing->repeatable = larger;
        routing->repeatable_size = text.length;
    }
    memcpy(routing->repeatable, text.at, text.length);
    routing->repeatable_length = text.length;
}

/* False: it failed, or gave no rows. */
static bool end_at_local(struct handle *handle, struct local *local, int result, bool rows) {
    handle_note_spoke(handle, local->mysql);
    handle_note_last(handle, local->mysql);
    handle->warned = local->mysql;
    handle->main_tallied = false;
    handle->planted = false;
    local->hushed = false;
    if (result != 0) {
        command_plant_error(handle);
        return false;
    }
    handle->counted = local->mysql;
    handle->hushed = false;
    if (rows) {
        handle->found = local->mysql;
    } else {
        handle->ok = local->mysql;
    }
    return rows;
}

void query_end_routed(struct handle *handle, struct local *local, struct slice text, int result) {
    const struct real *real = handle->real;
    bool rows = result == 0 && real->mysql_field_count(local->mysql) > 0;
    local->reader = NULL;
    end_at_local(handle, local, result, rows);
    if (rows || (result == 0 && real->mysql_more_results(local->mysql))) {
        keep_repeatable(handle->routing, text);
        handle->pending = rows ? local->mysql : NULL;
        handle->streaming = local;
    }
}

void query_note_id(const struct handle *handle, struct statement *statement) {
    statement->knows_id = true;
    statement->insert_id = handle->ok ? handle->real->mysql_insert_id(handle->ok) : handle->kept_insert_id;
}

void query_note_fields(struct handle *handle, MYSQL *prepared_by) {
    if (!handle->real->mariadb && handle->routing) { /* without it nobody but main has run anything */
        handle->routing->kept_field_count = handle->real->mysql_field_count(prepared_by);
        handle->fields_kept = true;
    }
}

void query_note_prepared(const struct handle *handle, struct statement *statement, bool succeeded) {
    if (statement->used && handle->real->mariadb) {
        query_note_id(handle, statement); /* Connector/C resets it first */
    }
    statement->used = succeeded;
}

/* Its rows are the statement's: nobody asks the connection for them. */
static void end_execute(struct handle *handle, struct local *local, struct statement *statement, int result) {
    prepared_note_executed(statement, true);
    bool rows = result == 0 && handle->real->mysql_stmt_field_count(statement->twin) > 0;
    if (end_at_local(handle, local, result, rows)) {
        handle->routing->repeatable_length = 0;
        handle->pending = NULL;
        handle->streaming = local;
        local->reader = statement;
    }
    if (result == 0) {
        query_note_id(handle, statement);
    }
}

static void end_prepare(struct handle *handle, struct local *local, struct statement *statement) {
    statement->at_twin = true;
    prepared_expose(statement);
    query_note_prepared(handle, statement, true);
    handle_note_last(handle, local->mysql);
    handle->counted = local->mysql; /* without warnings, in both libraries */
    query_note_fields(handle, local->mysql);
    if (statement->makes_list) {
        handle->warned = local->mysql;
    }
    handle->planted = false;
}

/* Main has had no part in the transaction that the application ends: no statement of it, no BEGIN. Then its
 * end is the shadow's alone, and costs no journey. */
static bool ends_at_shadow_alone(const struct handle *handle) {
    const struct session *session = &handle->session;
    const struct local *local = handle_shadow(handle, CONFIG_FOLLOW);
    return local && local->transaction && session->route.known && !session->autocommit && !session->begun &&
           session->completion == SESSION_ENDS && !session->main_touched && !session->doubt &&
           !session->special_transaction && !session->route.xa && !session->route.locked_tables;
}

/* The same of a text. */
static bool ends_here(const struct handle *handle, const struct sql_summary *summary) {
    return (summary->verb == SQL_COMMIT || summary->verb == SQL_ROLLBACK) && !summary->chain &&
           !summary->release && summary->rest.length == 0 && ends_at_shadow_alone(handle);
}

bool query_end_alone(struct handle *handle, bool commit) {
    if (handle->streaming || !ends_at_shadow_alone(handle) || command_main_is_busy(handle)) {
        return false;
    }
    struct local *local = handle_shadow(handle, CONFIG_FOLLOW);
    handle->busy = true;
    bool ended = local_end_alone(handle, commit);
    handle->busy = false;
    if (ended) {
        MYSQL *warned = handle->warned;
        session_note_end(&handle->session, commit);
        query_end_routed(handle, local, (struct slice){NULL, 0}, 0);
        handle->warned = handle->server.mariadb ? warned : local->mysql; /* MySQL begins a new list */
    }
    return ended;
}

bool query_may_route(struct handle *handle, struct slice text, struct sql_summary *summary,
                     struct route_decision *decision) {
    *decision = decision_judge(handle, &(struct candidate){.text = text, .summary = summary});
    const struct route_session *session = &handle->session.route;
    return decision->reason == ROUTE_ROUTED ||
           (decision->reason == ROUTE_SESSION_UNKNOWN && !session->known) ||
           (decision->reason == ROUTE_TEMPORARY_TABLE &&
            (session->temporaries.unsure || session->temporaries.doubt)) ||
           summary->verb == SQL_DIAGNOSTICS || summary->verb == SQL_GET_DIAGNOSTICS ||
           ends_here(handle, summary);
}

void query_count_aside(const struct handle *handle) {
    if (handle && handle->passive && !handle->busy && handle->aside != ROUTE_ROUTED) {
        stats_count(PAGE_UNREAD, (enum route_reason)handle->aside);
    }
}

bool query_observe(struct handle *handle, struct slice text, const struct route_decision *decision) {
    if (!observe_wants(setup_config(), decision)) {
        return false;
    }
    handle->observed = observe_statement(text, &handle->session.route);
    return true;
}

/* Has the configuration changed? Asked with each statement on cache tables, also while none is routed; with
 * one of eight others, to which the look at a clock would be a tenth of what they cost. */
static void look_about(const struct config_group *group, uint64_t before) {
    enum { LOOK_SAMPLE = 8 };
    if (group || before % LOOK_SAMPLE == 0) {
        setup_look();
    }
}

void query_count(struct handle *handle, struct route_decision decision, const struct sql_summary *summary,
                 uint64_t ns) {
    enum page_verb verb = stats_verb(summary->verb);
    const uint64_t before = stats_count(verb, decision.reason);
    handle->timed = stats_is_timed(before);
    if (decision.group) {
        stats_count_table(decision.group, &decision.group->tables[decision.table], verb, decision.reason, ns);
    }
    if (ns > 0) {
        stats_note_routed(ns, handle->routing ? handle->routing->main_least_ns : 0);
    }
    look_about(decision.group, before);
    handle->timed |= handle->observed != NULL;
}

bool query_route(struct handle *handle, struct slice text, struct sql_summary *summary,
                 const struct route_decision *judged, int *result) {
    int kept_errno = errno;
    bool routed = false;
    uint64_t ns = 0;
    bool lost = false;
    handle->cause = PAGE_CAUSE_OTHER_CAUSE;
    const struct candidate candidate = {.text = text, .summary = summary, .lost = &lost, .judged = judged};
    struct route_decision decision = decision_make(handle, &candidate);
    handle->observed = NULL;
    if (decision.reason == ROUTE_ROUTED) {
        struct local *local = NULL;
        uint64_t started_ns = stats_now_ns();
        handle->cause = PAGE_CAUSE_OTHER_CAUSE;
        handle->busy = true;
        decision.reason = local_run(handle, decision.group, summary, text, result, &local);
        handle->busy = false;
        if (decision.reason == ROUTE_ROUTED) {
            query_end_routed(handle, local, text, *result);
            routed = true;
            ns = stats_now_ns() - started_ns;
        } else {
            stats_count_fallback((enum page_cause)handle->cause);
        }
    } else if (query_observe(handle, text, &decision)) {
        /* main's, whatever it is */
    } else if (question_is_one(summary) && question_ask_shadow(handle, text, summary, result)) {
        decision.reason = ROUTE_ROUTED;
        routed = true;
    } else if (ends_here(handle, summary) && query_end_alone(handle, summary->verb == SQL_COMMIT)) {
        decision.reason = ROUTE_ROUTED;
        *result = 0;
        routed = true;
    } else if (lost) {
        struct call call = {.handle = handle, .real = handle->real, .target = handle->main};
        command_end_text(&call, text, summary, false);
        *result = 1;
        routed = true;
    }
    query_note_reason(summary, decision.reason);
    query_count(handle, decision, summary, ns);
    errno = kept_errno;
    return routed;
}

/* Reasons that the text has no part in: the next execute may find another. */
static bool may_change(enum route_reason reason) {
    switch (reason) {
    case ROUTE_ROUTED:
    case ROUTE_QUERY_ATTRIBUTES:
    case ROUTE_TEMPORARY_TABLE:
    case ROUTE_LOCKED_TABLES:
    case ROUTE_IN_TRANSACTION:
    case ROUTE_XA:
    case ROUTE_SESSION_UNKNOWN:
    case ROUTE_MAIN_BUSY:
    case ROUTE_STALE:
    case ROUTE_OBSERVE:
        return true;
    default:
        return false;
    }
}

/* Main was lost when it was asked for its session: what the library would say to a statement that is on its
 * way then. One on a connection that was lost before it says itself. */
static void note_lost(struct handle *handle, struct statement *statement, bool lost) {
    if (lost && handle->real->mysql_errno(handle->main) == CLIENT_SERVER_LOST) {
        struct call call = {.handle = handle, .real = handle->real, .target = handle->main};
        const struct command command = {.kind = COMMAND_PLAIN};
        command_end(&call, &command, false);
        statement->error = CLIENT_SERVER_LOST;
    }
}

/* Decides over a text that is prepared, and keeps of it what its executions will need. */
static struct route_decision plan(struct handle *handle, struct statement *statement, struct slice text) {
    struct sql_summary summary;
    bool lost = false;
    const struct candidate candidate = {.text = text, .summary = &summary, .prepared = true, .lost = &lost};
    struct route_decision decision = decision_make(handle, &candidate);
    query_note_reason(&summary, decision.reason);
    statement->verb = stats_verb(summary.verb);
    statement->reason = decision.reason;
    /* to MySQL it is a statement, whatever the text */
    statement->makes_list = !handle->server.mariadb ||
                            (summary.verb != SQL_OPAQUE && command_uses_tables(handle, text, &summary));
    statement->written_by = setup_config();
    statement->written = route_text_may_write(text, handle->session.route.modes, &summary)
                             ? route_find_written(text, &handle->session.route, statement->written_by)
                             : 0;
    bool decided_again = may_change(decision.reason) || observe_wants(setup_config(), &decision);
    if (decided_again && statement->known && handle->thread_id != 0) {
        if (!prepared_keep_plan(statement, text)) {
            decision.reason = ROUTE_DISABLED;
        }
    } else {
        decision.reason = ROUTE_DISABLED;
        if (command_matters(&summary)) {
            prepared_keep_effects(statement, text);
        }
    }
    note_lost(handle, statement, lost);
    return decision;
}

bool query_prepare(struct handle *handle, struct statement *statement, struct slice text) {
    int kept_errno = errno;
    handle->cause = PAGE_CAUSE_OTHER_CAUSE;
    struct route_decision decision = plan(handle, statement, text);
    if (decision.reason == ROUTE_ROUTED) {
        struct local *local = NULL;
        int result;
        handle->busy = true;
        decision.reason = local_run_prepared(handle, decision.group, statement, false, &result, &local);
        handle->busy = false;
        if (decision.reason == ROUTE_ROUTED) {
            end_prepare(handle, local, statement);
        }
    }
    errno = kept_errno;
    return decision.reason == ROUTE_ROUTED || statement->error;
}

bool query_execute(struct handle *handle, struct statement *statement, int *result) {
    int kept_errno = errno;
    handle->cause = PAGE_CAUSE_OTHER_CAUSE;
    handle->timed = false;
    handle->observed = NULL;
    if (!statement->summary) {
        const uint64_t before = stats_count(statement->verb, statement->reason);
        handle->timed = stats_is_timed(before);
        look_about(NULL, before);
        return false;
    }
    uint64_t ns = 0;
    bool lost = false;
    const struct candidate candidate = {.text = {statement->text, statement->length},
                                        .summary = statement->summary,
                                        .prepared = true,
                                        .statement = statement,
                                        .lost = &lost};
    struct route_decision decision = decision_make(handle, &candidate);
    if (decision.reason == ROUTE_ROUTED) {
        struct local *local = NULL;
        uint64_t started_ns = stats_now_ns();
        handle->cause = PAGE_CAUSE_OTHER_CAUSE;
        handle->busy = true;
        decision.reason = local_run_prepared(handle, decision.group, statement, true, result, &local);
        handle->busy = false;
        if (decision.reason == ROUTE_ROUTED) {
            end_execute(handle, local, statement, *result);
            ns = stats_now_ns() - started_ns;
        } else {
            stats_count_fallback((enum page_cause)handle->cause);
        }
    } else if (query_observe(handle, candidate.text, &decision)) {
        /* main's, whatever it is */
    } else if (lost) {
        note_lost(handle, statement, lost);
        *result = 1;
    } else if (decision.reason == ROUTE_MAIN_BUSY && (statement->at_twin || !statement->at_main.prepared)) {
        statement->error = CLIENT_COMMANDS_OUT_OF_SYNC; /* as it would on one connection */
        handle_note_last(handle, handle->main);
        prepared_note_refused(statement);
        *result = 1;
    }
    query_note_reason(statement->summary, decision.reason);
    query_count(handle, decision, statement->summary, ns);
    errno = kept_errno;
    return decision.reason == ROUTE_ROUTED || statement->error;
}

bool query_execute_left_out(struct handle *handle, struct statement *statement, int *result) {
    struct local *local = statement->local;
    if (!statement->left_out || !prepared_has_rows(statement) || !local_is_streaming(handle)) {
        return false;
    }
    int kept_errno = errno;
    struct broken_pipe hold;
    broken_pipe_hold(&hold);
    handle->busy = true;
    *result = handle->real->mysql_stmt_execute(statement->twin);
    handle->busy = false;
    broken_pipe_release(&hold);
    statement->left_out = false;
    bool lost =
        *result != 0 && verdict_of_statement(handle->real->mysql_stmt_errno(statement->twin)) == VERDICT_LOST;
    if (!lost) {
        end_execute(handle, local, statement, *result);
        stats_count(statement->verb, ROUTE_ROUTED);
    }
    errno = kept_errno;
    return !lost;
}

bool query_execute_direct(struct handle *handle, struct statement *statement, struct slice text,
                          int *result) {
    plan(handle, statement, text);
    if (statement->error) {
        *result = 1;
        return true;
    }
    return query_execute(handle, statement, result);
}

bool query_text_to_route(const struct handle *handle, const char *text, unsigned long length,
                         struct slice *slice) {
    bool whole =
        length == (unsigned long)-1 && handle->real->mariadb; /* Connector/C measures the text itself then */
    *slice = (struct slice){text, whole ? strlen(text) : length};
    return slice->length > 0 && (whole || length != (unsigned long)-1);
}

/* KILL [HARD | SOFT] [QUERY | CONNECTION] id, of a statement that may run on a shadow: interrupted there too,
 * once main has taken it. */
static void follow_kill(struct handle *handle, struct slice text) {
    struct lexer lexer;
    lex_start(&lexer, text, handle->session.route.modes);
    struct token token = lex_next(&lexer);
    if (token.kind != LEX_WORD || !slice_equals_word(token.text, "KILL")) {
        return;
    }
    do {
        token = lex_next(&lexer);
    } while (token.kind == LEX_WORD);
    char digits[24] = "";
    if (token.kind == LEX_NUMBER && token.text.length < sizeof digits) {
        memcpy(digits, token.text.at, token.text.length);
        query_follow_kill(handle, strtoul(digits, NULL, 10));
    }
}

void query_follow_kill(struct handle *handle, unsigned long thread_id) {
    int kept_errno = errno;
    handle->busy = true;
    local_kill_running(handle, thread_id);
    handle->busy = false;
    errno = kept_errno;
}

static int run(struct handle *handle, const char *text, unsigned long length) {
    struct call call = {.handle = handle, .real = handle->real, .target = handle->main};
    static const struct sql_summary unseen = {.verb = SQL_UNKNOWN};
    const struct sql_summary *seen = &unseen;
    struct sql_summary summary;
    struct slice slice = {text, 0};
    uint64_t started_ns = 0;
    int result;
    if (handle->answered) {
        command_forget_answer(handle);
    }
    if (handle->streaming && local_is_streaming(handle)) {
        call.target = handle->streaming->mysql;
    } else if (query_text_to_route(handle, text, length, &slice)) {
        if (query_route(handle, slice, &summary, NULL, &result)) {
            return result;
        }
        seen = &summary;
        started_ns = handle->timed ? stats_now_ns() : 0;
        struct slice restated = question_restate(handle, slice, seen);
        length = restated.at != text ? restated.length : length;
        text = restated.at;
    }
    if (call.target == handle->main) {
        doubt_before_text(handle, seen);
    }
    handle->busy = true;
    result = call.real->mysql_real_query(call.target, text, length);
    if (started_ns > 0 && result == 0) {
        command_note_main(handle, started_ns);
    }
    handle->query_attributes &= call.target != handle->main;
    command_end_text(&call, slice, seen, result == 0);
    if (result == 0) {
        local_note_refused(handle, seen);
        if (seen->verb == SQL_OTHER) {
            follow_kill(handle, slice);
        }
    }
    return result;
}

EXPORT int mysql_real_query(MYSQL *mysql, const char *text, unsigned long length) {
    struct handle *handle = handle_find(mysql);
    if (!handle || handle->passive || handle->busy) {
        const struct real *real = handle ? handle->real : real_of_caller(CALLER);
        query_count_aside(handle);
        return real ? real->mysql_real_query(mysql, text, length) : 1;
    }
    return run(handle, text, length);
}

EXPORT int mysql_query(MYSQL *mysql, const char *text) {
    struct handle *handle = handle_find(mysql);
    if (!handle || handle->passive || handle->busy) {
        const struct real *real = handle ? handle->real : real_of_caller(CALLER);
        query_count_aside(handle);
        return real ? real->mysql_real_query(mysql, text, strlen(text)) : 1;
    }
    return run(handle, text, strlen(text));
}

/* Query attributes stay on main until its next statement: that one can't be sent elsewhere. */
EXPORT my_bool mysql_bind_param(MYSQL *mysql, unsigned count, MYSQL_BIND *binds, const char **names) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_bind_param) {
        return 1;
    }
    if (handle) {
        handle->query_attributes = count > 0;
    }
    return real->mysql_bind_param(mysql, count, binds, names);
}
