/* Where a statement goes: what its text and the session say, and what must be asked of main before that is
 * known. */
#define _GNU_SOURCE
#include "decision.h"

#include "command.h"
#include "doubt.h"
#include "local.h"
#include "log.h"
#include "observe.h"
#include "prepared.h"
#include "setup.h"
#include "site_page.h"
#include "snapshot.h"
#include "stats.h"

#include <string.h>

static bool is_loss(unsigned error) {
    return error == CLIENT_SERVER_GONE || error == CLIENT_SERVER_LOST || error == CLIENT_SERVER_LOST_EXTENDED;
}

/* Asks main what the session looks like. False: it doesn't say, and the statement goes to main as it is,
 * unless main turns out to be *lost. */
static bool learn_session(struct handle *handle, bool keeps_counts, bool *lost) {
    command_keep_answers(handle);
    handle->busy = true;
    uint64_t started_ns = stats_now_ns();
    bool learnt = snapshot_read(handle, keeps_counts);
    if (learnt) {
        handle_make_routing(handle);
        handle->observed = NULL;
        command_note_main(handle, started_ns);
    }
    if (command_note_reconnect(handle)) {
        learnt =
            learnt &&
            snapshot_read(handle,
                          false); /* what was read is of the new session, but the old one's state is not */
    }
    handle->busy = false;
    if (learnt) {
        return true;
    }
    unsigned error = handle->real->mysql_errno(handle->main);
    *lost = is_loss(error);
    if (error <
        CLIENT_ERROR_FIRST) { /* it answers, but not this: asking again would cost each statement a journey */
        handle->passive = true;
        handle->aside = ROUTE_SESSION_UNKNOWN;
        if (log_state_changed(log_key(2, "snapshot", 8), error)) {
            log_write(
                CONFIG_LOG_WARNING,
                "main doesn't tell its session's settings: %u %s; nothing is routed on such a connection",
                error, handle->real->mysql_error(handle->main));
        }
    }
    return false;
}

static struct route_decision judge_text(struct handle *handle, const struct candidate *candidate,
                                        const struct config *config) {
    struct route_session *session = &handle->session.route;
    session->query_attributes = handle->query_attributes;
    if (!candidate->prepared) {
        return route_text(candidate->text, session, config, candidate->summary);
    }
    struct route_session view = *session;
    view.prepared = true;
    if (!candidate->statement) {
        return route_text(candidate->text, &view, config, candidate->summary);
    }
    view.database = (struct slice){candidate->statement->database, strlen(candidate->statement->database)};
    view.database_known = true;
    return route_decide(candidate->summary, candidate->text.length, &view, config);
}

struct route_decision decision_judge(struct handle *handle, const struct candidate *candidate) {
    const struct config *config = setup_config();
    struct route_decision decision = judge_text(handle, candidate, config);
    if (decision.reason == ROUTE_ROUTED && decision.group->max_stale_ms) {
        const struct local *local = handle_shadow(handle, CONFIG_FOLLOW);
        bool written = local && local->transaction && local->written;
        if (route_is_stale(candidate->summary, &decision, site_page_behind_ms(config), written)) {
            decision.reason = ROUTE_STALE;
        }
    }
    return decision;
}

static bool only_prepares(const struct candidate *candidate) {
    return candidate->prepared && !candidate->statement;
}

/* False: as above. */
static bool learn_all(struct handle *handle, const struct candidate *candidate) {
    const struct temporaries *temporaries = &handle->session.route.temporaries;
    unsigned count = temporaries->count;
    if (!learn_session(handle, only_prepares(candidate), candidate->lost)) {
        return false;
    }
    if (temporaries->count != count) {
        doubt_ask_outright(handle);
    }
    return true;
}

/* Where the names of a statement mean tables. */
static struct slice database_of(const struct handle *handle, const struct candidate *candidate) {
    const struct statement *prepared = candidate->statement;
    return prepared ? (struct slice){prepared->database, strlen(prepared->database)}
                    : handle->session.route.database;
}

/* A table of which it isn't known whether it is hidden; NULL: there is none. */
static const struct sql_table *find_unsure(const struct handle *handle, const struct candidate *candidate) {
    const struct temporaries *temporaries = &handle->session.route.temporaries;
    const struct sql_summary *summary = candidate->summary;
    struct slice database = database_of(handle, candidate);
    for (size_t i = 0; temporaries->unsure && i < summary->table_count; i++) {
        if (temporary_look(temporaries, &summary->tables[i], database) == TEMPORARY_UNSURE) {
            return &summary->tables[i];
        }
    }
    return NULL;
}

static void learn_tables(struct handle *handle, const struct candidate *candidate) {
    const struct sql_table *table;
    bool answered = true;
    command_keep_answers(handle);
    handle->busy = true;
    while (answered && (table = find_unsure(handle, candidate))) {
        answered = snapshot_ask_table(handle, table, database_of(handle, candidate));
    }
    command_note_reconnect(handle);
    handle->busy = false;
    *candidate->lost = !answered && is_loss(handle->real->mysql_errno(handle->main));
}

/* Main's counts of its last statement would not survive being asked for a table. */
static bool has_counts(const struct handle *handle, const struct candidate *candidate) {
    return handle->found == handle->main || (only_prepares(candidate) && handle->spoke == handle->main);
}

static struct route_decision decide(struct handle *handle, const struct candidate *candidate) {
    struct session *session = &handle->session;
    const struct sql_summary *summary = candidate->summary;
    if (handle->thread_id == 0) { /* not connected: the library says so */
        if (!candidate->statement) {
            sql_summarize(candidate->text, session->route.modes, NULL, candidate->summary);
        }
        return (struct route_decision){.reason = ROUTE_SESSION_UNKNOWN};
    }
    struct route_decision decision =
        candidate->judged ? *candidate->judged : decision_judge(handle, candidate);
    /* Main's count of found rows would not survive the question: it is asked before there is one. */
    bool asks = !session->route.known &&
                (decision.reason == ROUTE_SESSION_UNKNOWN || (summary->ties & SQL_FOUND_ROWS) != 0);
    bool doubts =
        session->doubt && (decision.reason == ROUTE_ROUTED || decision.reason == ROUTE_IN_TRANSACTION);
    bool unsure = decision.reason == ROUTE_TEMPORARY_TABLE &&
                  (session->route.temporaries.doubt || find_unsure(handle, candidate));
    if (decision.reason != ROUTE_ROUTED && !asks && !doubts && !unsure) {
        return decision;
    }
    if (command_main_is_busy(handle)) {
        decision.reason = ROUTE_MAIN_BUSY;
        return decision;
    }
    if (session->doubt) {
        doubt_settle(handle);
        decision = decision_judge(handle, candidate);
    }
    if (session->special_transaction) {
        decision.reason = ROUTE_IN_TRANSACTION;
        return decision;
    }
    if (unsure && has_counts(handle, candidate)) {
        session_forget_settings(session);
    }
    if (!session->route.known && learn_all(handle, candidate)) {
        decision = decision_judge(handle, candidate);
    }
    if (!session->route.known) {
        decision.reason = ROUTE_SESSION_UNKNOWN;
    } else if (decision.reason == ROUTE_TEMPORARY_TABLE && find_unsure(handle, candidate)) {
        learn_tables(handle, candidate);
        decision = decision_judge(handle, candidate);
    }
    return decision;
}

/* With ROUNDABOUT_OBSERVE nothing is routed and main is asked nothing: what would have been routed, or would
 * have been after a question, is counted as observed. */
static struct route_decision decide_as_if(struct handle *handle, const struct candidate *candidate) {
    const struct route_session *session = &handle->session.route;
    struct route_decision decision =
        candidate->judged ? *candidate->judged : decision_judge(handle, candidate);
    if (candidate->summary->stopped_early) {
        sql_summarize(candidate->text, session->modes, NULL, candidate->summary);
    }
    if (decision.reason == ROUTE_ROUTED || (decision.reason == ROUTE_SESSION_UNKNOWN && !session->known)) {
        decision.reason = ROUTE_OBSERVE;
    }
    return decision;
}

struct route_decision decision_make(struct handle *handle, const struct candidate *candidate) {
    return setup_observes() ? decide_as_if(handle, candidate) : decide(handle, candidate);
}
