#define _GNU_SOURCE
#include "doubt.h"

#include "command.h"
#include "local.h"
#include "variables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What main's last answer has told of its transaction. */
struct told {
    bool known;
    bool inside;
    bool autocommit;
};

/* By the status bits or, where the library doesn't show them, by the transaction state that the server
 * reports. MySQL's does when it has changed, and takes a temporary table that is made or dropped for the end
 * of the transaction, which it then doesn't report again: so nothing is known while one is open that isn't
 * reported, nor behind an error, which tells nothing. MariaDB's never does, and is asked with the settings
 * (snapshot.c). */
static struct told read_told(struct handle *handle) {
    const struct real *real = handle->real;
    struct session *session = &handle->session;
    unsigned status = 0;
    const char *state;
    size_t length;
    if (real->mariadb_get_infov) {
        bool known =
            real->mariadb_get_infov(handle->main, MARIADB_CONNECTION_SERVER_STATUS, &status, NULL) == 0;
        return (struct told){known, status & SERVER_STATUS_IN_TRANS, status & SERVER_STATUS_AUTOCOMMIT};
    }
    if (real->mysql_session_track_get_first &&
        real->mysql_session_track_get_first(handle->main, SESSION_TRACK_TRANSACTION_STATE, &state, &length) ==
            0 &&
        length > 0) {
        session->reported = *state == 'T';
    }
    bool known =
        !command_main_is_mariadb(handle) && !handle->untold && (session->reported || !session->begun);
    return (struct told){known, session->reported, session->autocommit};
}

static void note_told(struct handle *handle, struct told told) {
    if (told.known) {
        local_echo(handle, session_note_status(&handle->session, told.inside, told.autocommit),
                   (struct slice){NULL, 0});
    }
}

#define MARK "roundabout"

static bool say_to_main(struct handle *handle, const char *text) {
    bool busy = handle->busy;
    command_keep_answers(handle);
    handle->busy = true;
    bool done = handle->real->mysql_real_query(handle->main, text, strlen(text)) == 0;
    handle->busy = busy;
    return done;
}

bool doubt_hear_main(struct handle *handle) {
    const struct session *session = &handle->session;
    if (!handle->untold || session->autocommit || session->begun || !handle->real->mariadb_get_infov ||
        command_main_is_busy(handle)) {
        return true;
    }
    handle->untold = false;
    return say_to_main(handle, "DO 1") && !command_note_reconnect(handle); /* of a ping it reads no status */
}

#define RELEASE "RELEASE SAVEPOINT " MARK

/* MariaDB keeps the error of a savepoint that isn't there as a warning; caught, it is forgotten, but what was
 * in the list before is as well. So the savepoint is released only where it may be there: not if the
 * transaction that it was made in, or one like it, isn't open. Rows come only if it is gone. */
#define RELEASE_IF(condition)                                                                    \
    "BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR 1305 SELECT FOUND_ROWS(), @@in_transaction; " \
    "IF " condition " THEN " RELEASE "; ELSE SELECT FOUND_ROWS(), 0; END IF; END"

/* Reads these rows, if there are some: the count of found rows that they replace, and whether main is in
 * another transaction by now. */
static bool read_gone(struct handle *handle, struct told *told) {
    const struct real *real = handle->real;
    bool gone = real->mysql_field_count(handle->main) > 0;
    MYSQL_RES *result = gone ? real->mysql_store_result(handle->main) : NULL;
    MYSQL_ROW row = result ? real->mysql_fetch_row(result) : NULL;
    if (row && row[0] && row[1]) {
        *told = (struct told){true, *row[1] != '0', told->autocommit};
        if (handle->found == handle->main) {
            handle->kept_found_rows = strtoull(row[0], NULL, 10);
            handle->found = NULL;
        }
    }
    if (result) {
        real->mysql_free_result(result);
    }
    while (real->mysql_next_result(handle->main) == 0) {
    }
    return gone;
}

/* True: main's transaction is still the one that was marked. MariaDB tells what it is otherwise. */
static bool release_mark(struct handle *handle, struct told *told) {
    bool explicit = handle->session.begun || handle->session.inside;
    handle->main_marked = false;
    if (command_main_is_mariadb(handle) &&
        say_to_main(handle, explicit ? RELEASE_IF("@@in_transaction") : RELEASE_IF("1"))) {
        bool busy = handle->busy;
        handle->busy = true;
        bool gone = read_gone(handle, told);
        handle->busy = busy;
        return !gone;
    }
    /* under MariaDB's sql_mode ORACLE the above is no statement */
    return say_to_main(handle, RELEASE);
}

/* Asked outright, where nothing is told: a savepoint holds in a transaction only. Main must not be lost. */
static struct told ask_told(struct handle *handle) {
    bool inside = say_to_main(handle, "SAVEPOINT " MARK) && say_to_main(handle, "RELEASE SAVEPOINT " MARK);
    handle->session.reported &= inside;
    handle->untold = false;
    return (struct told){true, inside, handle->session.autocommit};
}

static bool must_ask(const struct handle *handle) {
    return !handle->real->mariadb_get_infov && !command_main_is_mariadb(handle) &&
           !handle->session.route.xa && !handle->session.special_transaction;
}

bool doubt_settle_at_once(struct handle *handle) {
    const struct session *session = &handle->session;
    struct told told = read_told(handle);
    if (handle->main_marked && (!told.known || told.inside || !(session->begun || session->inside))) {
        return false;
    }
    handle->main_marked = false; /* gone with the transaction */
    note_told(handle, told);
    return true;
}

/* An error says nothing of the transaction: what came before it in the same call may have ended one. */
static void hear_behind_error(struct handle *handle) {
    if (handle->untold && handle->real->mariadb_get_infov) {
        handle->untold = false;
        say_to_main(handle, "DO 1");
    } else if (handle->untold && !handle->main_marked && must_ask(handle)) {
        note_told(handle, ask_told(handle));
    }
}

/* By what main has told, or by the savepoint where main has got one. */
static void settle_by_mark(struct handle *handle) {
    hear_behind_error(handle);
    if (doubt_settle_at_once(handle)) {
        return;
    }
    struct session *session = &handle->session;
    struct told told = read_told(handle);
    if (!release_mark(handle, &told)) {
        bool lost = handle->real->mysql_errno(handle->main) >= CLIENT_ERROR_FIRST;
        bool chained = session->begun_read_only && session->completion != SESSION_ENDS;
        local_echo(handle, session_note_end(session, false),
                   (struct slice){NULL, 0}); /* one way or the other: see session_note_status */
        session->doubt = true;
        /* what has begun since */
        note_told(handle, told.known || lost || !must_ask(handle) ? told : ask_told(handle));
        session->special_transaction |= chained && session->begun; /* READ ONLY as well, or not */
        return;
    }
    session->doubt = session->opaque = session->inside = false;
    if (handle->real->mariadb_get_infov) {
        note_told(handle, told); /* autocommit may be off now */
    }
}

void doubt_settle(struct handle *handle) {
    settle_by_mark(handle);
    if (handle->session.doubt && must_ask(handle)) {
        note_told(handle, ask_told(handle));
    }
}

void doubt_ask_outright(struct handle *handle) {
    if (must_ask(handle) && !handle->session.begun && handle->session.autocommit) {
        note_told(handle, ask_told(handle));
    }
}

void doubt_before_next(struct handle *handle) {
    struct session *session = &handle->session;
    if (session->doubt && !handle->real->mariadb_get_infov && !command_main_is_mariadb(handle)) {
        int kept_errno = errno;
        doubt_settle_at_once(handle);
        session->doubt = session->opaque = true; /* there may be more of it */
        errno = kept_errno;
    }
}

void doubt_before_main(struct handle *handle) {
    const struct local *local = handle_shadow(handle, CONFIG_FOLLOW);
    bool waits = handle->untold && !handle->main_marked &&
                 !(local && local->transaction); /* main's next answer tells */
    if (handle->session.doubt && !waits && !command_main_is_busy(handle)) {
        settle_by_mark(handle); /* what else there is to ask is asked when something is to be routed */
    }
}

/* In a transaction, by its last answer. */
static bool is_inside(const struct real *real, MYSQL *mysql) {
    unsigned status = 0;
    real->mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status, NULL);
    return status & SERVER_STATUS_IN_TRANS;
}

static bool is_opaque(const struct sql_summary *summary) {
    return summary->verb == SQL_OPAQUE || summary->verb == SQL_UNKNOWN;
}

static bool is_of_temporary(const struct sql_summary *summary) {
    return summary->verb == SQL_CREATE_TEMPORARY || (summary->verb == SQL_DROP_TABLE && summary->temporary);
}

/* What is told behind the text doesn't say that the transaction is still the same. Code that can't be seen
 * may end it and begin the next: a procedure, or what several statements call. A temporary table among these
 * looks like an end. */
static bool may_mislead(const struct handle *handle, const struct sql_summary *summary) {
    bool by_status = handle->real->mariadb_get_infov != NULL;
    struct sql_summary next = *summary;
    while (!is_opaque(&next) && (by_status || !is_of_temporary(&next)) && next.rest.length > 0) {
        struct slice rest = next.rest;
        sql_summarize(rest, handle->session.route.modes, NULL, &next);
    }
    return is_opaque(&next) || (!by_status && is_of_temporary(&next));
}

/* Of the shadow's transaction nothing must be kept that main has undone, and it must be READ ONLY as long as
 * main's is. Main's status tells that a
 * transaction is over, if main has one; a savepoint that is gone tells even that another one has begun
 * meanwhile. */
static void join_transaction(struct handle *handle, const struct sql_summary *summary) {
    static const char begin[] = "START TRANSACTION", mark[] = "SAVEPOINT " MARK;
    struct session *session = &handle->session;
    const struct local *local = handle_shadow(handle, CONFIG_FOLLOW);
    bool by_status = handle->real->mariadb_get_infov != NULL;
    session->inside = by_status && is_inside(handle->real, handle->main);
    bool at_shadow = local && local->transaction && (!by_status || is_inside(handle->real, local->mysql));
    if ((!at_shadow && !session->begun_read_only) || !session->route.in_transaction || session->route.xa ||
        handle->main_marked) {
        return;
    }
    bool told = session->begun || session->inside;
    bool outside = !told && (by_status || (command_main_is_mariadb(handle) && !session->main_touched));
    bool marks = may_mislead(handle, summary) || (!by_status && !session->reported);
    if (outside && say_to_main(handle, begin)) {
        session->begun = session->main_touched = true;
    }
    if (marks && say_to_main(handle, mark)) {
        handle->main_marked = session->main_touched = true;
    }
}

void doubt_before_text(struct handle *handle, const struct sql_summary *summary) {
    bool opaque = is_opaque(summary) || summary->rest.length > 0;
    if ((!handle->session.doubt && !handle->variables && !opaque) || summary->verb == SQL_DIAGNOSTICS ||
        summary->verb == SQL_GET_DIAGNOSTICS) {
        return; /* what a question is about must be the last that main has run */
    }
    int kept_errno = errno;
    doubt_before_main(handle);
    if ((handle->variables || opaque) && !command_main_is_busy(handle)) {
        if (handle->variables) {
            command_keep_answers(handle);
            variables_return(handle);
        }
        if (opaque) {
            join_transaction(handle, summary);
        }
    }
    errno = kept_errno;
}
