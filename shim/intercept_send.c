/* The two halves of a statement: mysql_send_query and mysql_read_query_result, between which the program
 * waits on main's descriptor. */
#define _GNU_SOURCE
#include "intercept.h"

#include "doubt.h"
#include "question.h"
#include "setup.h"
#include "stats.h"

/* What goes to main as the first half of a statement does to the session what its outcome says, and that
 * comes with the second. */
struct slice query_begin_send(struct call *call, const char *text, unsigned long length,
                              const struct sending *sending) {
    struct handle *handle = call->handle;
    struct slice slice, sent = {text, length};
    if (call->target == handle->main && query_text_to_route(handle, text, length, &slice)) {
        struct slice restated = question_restate(handle, slice, &sending->summary);
        sent = restated.at != text ? restated : sent;
        doubt_before_text(handle, &sending->summary);
        command_keep_text(handle, slice, &sending->summary);
    }
    return sent;
}

/* Nothing of it was tried. */
static void count_passed(struct handle *handle, struct slice text, const struct sql_summary *summary,
                         struct route_decision decision) {
    query_observe(handle, text, &decision);
    query_note_reason(summary, decision.reason);
    query_count(handle, decision, summary, 0);
}

bool query_send_routed(struct handle *handle, const char *text, unsigned long length,
                       struct sending *sending) {
    struct slice slice;
    struct sql_summary *summary = &sending->summary;
    struct route_decision decision;
    handle->timed = false;
    handle->observed = NULL;
    if (!query_text_to_route(handle, text, length, &slice)) {
        return false;
    }
    bool may = query_may_route(handle, slice, summary, &decision);
    struct routing *routing = may ? handle_make_routing(handle) : NULL;
    if (!routing || !descriptor_prepare(&routing->loan, &handle->socket)) {
        bool lacks_loan = decision.reason == ROUTE_ROUTED || decision.reason == ROUTE_SESSION_UNKNOWN;
        decision.reason = lacks_loan ? ROUTE_OTHER_CALL : decision.reason;
        count_passed(handle, slice, summary, decision);
        return false;
    }
    if (!query_route(handle, slice, summary, &decision, &routing->sent_result)) {
        descriptor_drop(&routing->loan);
        return false;
    }
    if (handle->last == handle->main) { /* lost, as the question for its session has shown */
        descriptor_drop(&routing->loan);
        sending->result = 1;
        return true;
    }
    sending->result = 0;
    descriptor_lend(&routing->loan);
    handle->answered = true;
    routing->answered_by = handle->last;
    handle_note_last(handle,
                     handle->main); /* nothing has been answered yet, as far as the application knows */
    handle->planted = false;
    handle->real->mysql_next_result(handle->main); /* clears an error there, without a byte on the wire */
    return true;
}

bool query_read_answer(struct handle *handle, my_bool *failed) {
    if (!handle || !handle->answered || handle->busy) {
        return false;
    }
    handle->answered = false;
    descriptor_take_back(&handle->routing->loan);
    handle_note_last(handle, handle->routing->answered_by);
    if (handle->routing->sent_result != 0) {
        command_plant_error(handle);
    }
    *failed = handle->routing->sent_result != 0;
    return true;
}

EXPORT int mysql_send_query(MYSQL *mysql, const char *text, unsigned long length) {
    struct handle *handle = handle_find(mysql);
    struct call call;
    struct sending sending;
    if (!command_begin_on(&call, handle, mysql, CALLER)) {
        query_count_aside(handle);
        return call.real && call.real->mysql_send_query ? call.real->mysql_send_query(mysql, text, length)
                                                        : 1;
    }
    if (call.target == call.handle->main) {
        call.handle->busy = false;
        if (query_send_routed(call.handle, text, length, &sending)) {
            return sending.result;
        }
        call.handle->busy = true;
    }
    struct slice sent = query_begin_send(&call, text, length, &sending);
    call.handle->sent_ns = call.target == call.handle->main && call.handle->timed ? stats_now_ns() : 0;
    int result = call.real->mysql_send_query(call.target, sent.at, sent.length);
    query_end_send(&call, result == 0);
    return result;
}

void query_end_send(struct call *call, bool succeeded) {
    struct handle *handle = call->handle;
    const struct command plain = {.kind = COMMAND_PLAIN};
    handle->query_attributes = false;
    if (call->target == handle->main) {
        handle->sent = succeeded;
        handle->session.main_touched = true;
        handle_note_spoke(handle, handle->main);
    }
    MYSQL *ok = handle->ok, *counted = handle->counted;
    command_end(call, &plain, succeeded);
    handle->ok = ok;
    handle->counted = counted; /* nothing has been answered yet */
}

EXPORT my_bool mysql_read_query_result(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    struct call call;
    my_bool failed;
    if (query_read_answer(handle, &failed)) {
        return failed;
    }
    if (!command_begin_on(&call, handle, mysql, CALLER)) {
        return call.real && call.real->mysql_read_query_result ? call.real->mysql_read_query_result(mysql)
                                                               : 1;
    }
    failed = call.real->mysql_read_query_result(call.target);
    if (call.target == call.handle->main) {
        call.handle->sent = false;
        if (call.handle->sent_ns > 0 && !failed) {
            command_note_main(call.handle, call.handle->sent_ns);
        }
        call.handle->sent_ns = 0;
    }
    command_end_kept(&call, !failed);
    return failed;
}
