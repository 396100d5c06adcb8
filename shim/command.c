#define _GNU_SOURCE
#include "command.h"

#include "doubt.h"
#include "local.h"
#include "observe.h"
#include "prepared.h"
#include "setup.h"
#include "stats.h"
#include "variables.h"
#include "watch.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool command_begin(struct call *call, MYSQL *mysql, const void *caller) {
    return command_begin_on(call, handle_find(mysql), mysql, caller);
}

bool command_begin_on(struct call *call, struct handle *handle, MYSQL *mysql, const void *caller) {
    call->target = mysql;
    if (!handle || handle->passive || handle->busy) {
        call->real = handle ? handle->real : real_of_caller(caller);
        call->handle = NULL;
        return false;
    }
    call->handle = handle;
    call->real = handle->real;
    if (handle->answered) {
        command_forget_answer(handle);
    }
    if (handle->streaming) {
        int kept_errno = errno;
        if (local_is_streaming(handle)) {
            call->target = handle->streaming->mysql;
        }
        errno = kept_errno;
    }
    handle->busy = true;
    return true;
}

void command_forget_answer(struct handle *handle) {
    handle->answered = false;
    handle_note_last(handle, handle->routing->answered_by);
    descriptor_take_back(&handle->routing->loan);
}

bool command_main_is_busy(const struct handle *handle) {
    const struct real *real = handle->real;
    return handle->sent || real->mysql_more_results(handle->main) ||
           real->mysql_next_result(handle->main) != -1;
}

bool command_main_is_mariadb(const struct handle *handle) {
    if (handle->server.identity || !handle->real->mysql_get_server_info) {
        return handle->server.mariadb;
    }
    const char *version = handle->real->mysql_get_server_info(handle->main);
    return version && strstr(version, "MariaDB");
}

static void echo(struct handle *handle, enum session_echo what) {
    local_echo(handle, what, (struct slice){NULL, 0});
}

/* The session is another one: as after a connect, and what was open at the local master belonged to the old
 * one. */
static void start_afresh(struct handle *handle, const char *database) {
    local_close_all(handle);
    prepared_end_session(handle);
    variables_forget(handle, NULL);
    handle->main_marked = false;
    session_reset(&handle->session, database);
    memset(&handle->server, 0, sizeof handle->server);
    const char *charset =
        handle->real->mysql_character_set_name ? handle->real->mysql_character_set_name(handle->main) : NULL;
    if (charset) {
        handle->session.route.modes.multibyte_unsafe =
            lex_charset_is_unsafe((struct slice){charset, strlen(charset)});
    }
}

/* The last connection that this thread has made: Oracle's library reconnects with a handle of its own,
 * through the public names, and copies it over the application's. */
static __thread struct {
    unsigned long thread_id;
    struct socket socket;
} latest __attribute__((tls_model("initial-exec")));

void command_note_socket(struct handle *handle, struct socket caught) {
    const struct real *real = handle->real;
    struct socket now = real->mysql_get_socket ? socket_of(real->mysql_get_socket(handle->main)) : caught;
    latest.thread_id = handle->thread_id;
    latest.socket = now;
    if (now.number != handle->socket.number || now.inode != handle->socket.inode ||
        now.device != handle->socket.device) {
        handle->socket = now;
        watch_begin(now.number);
    }
}

bool command_note_reconnect(struct handle *handle) {
    unsigned long now = handle->real->mysql_thread_id ? handle->real->mysql_thread_id(handle->main) : 0;
    if (now == handle->thread_id) {
        return false;
    }
    handle->thread_id = now;
    static const struct socket unknown = {.number = -1};
    command_note_socket(handle, latest.thread_id == now ? latest.socket : unknown);
    start_afresh(handle, NULL);
    return true;
}

static bool is_of_server(unsigned error) {
    return error > 0 && (error < CLIENT_ERROR_FIRST || error > CLIENT_ERROR_LAST) &&
           (error < CLIENT_MARIADB_ERROR_FIRST || error > CLIENT_MARIADB_ERROR_LAST);
}

static void note_failure(struct handle *handle) {
    unsigned error = handle->real->mysql_errno(handle->main);
    if (is_of_server(error)) {
        handle->warned = handle->main; /* its list holds the error */
        handle->main_tallied = true;
    }
    switch (error) {
    case CLIENT_SERVER_GONE:
    case CLIENT_SERVER_LOST:
    case CLIENT_SERVER_LOST_EXTENDED:
    case 1053:                                                   /* ER_SERVER_SHUTDOWN */
    case 1927:                                                   /* ER_CONNECTION_KILLED */
    case 4031:                                                   /* ER_CLIENT_INTERACTION_TIMEOUT */
        echo(handle, session_note_end(&handle->session, false)); /* its server undoes the transaction */
        break;
    default:
        echo(handle, session_note_error(&handle->session, error));
    }
}

/* A commit that takes in what may have been undone out of sight must not keep it here: a miss at worst. */
static enum session_echo in_doubt(bool doubted, enum session_echo what) {
    return doubted && what == SESSION_ECHO_COMMIT ? SESSION_ECHO_ROLLBACK : what;
}

/* What the server itself reports behind an OK packet. */
static void read_tracked_database(struct handle *handle) {
    const char *name;
    size_t length;
    if (handle->real->mysql_session_track_get_first &&
        handle->real->mysql_session_track_get_first(handle->main, SESSION_TRACK_SCHEMA, &name, &length) ==
            0) {
        session_note_database(&handle->session, (struct slice){name, length});
    }
}

bool command_begins_with(struct slice text, struct lex_modes modes, const char *word) {
    struct lexer lexer;
    lex_start(&lexer, text, modes);
    struct token first = lex_next(&lexer);
    return first.kind == LEX_WORD && slice_equals_word(first.text, word);
}

bool command_counts_rows(struct slice text) {
    return memmem(text.at, text.length, "(", 1) != NULL;
}

bool command_matters(const struct sql_summary *summary) {
    switch (summary->verb) {
    case SQL_NOTHING:
    case SQL_SELECT:
    case SQL_REPLACE:
    case SQL_INSERT:
    case SQL_UPDATE:
    case SQL_DELETE:
    case SQL_DIAGNOSTICS:
    case SQL_GET_DIAGNOSTICS:
    case SQL_OTHER:
        return summary->rest.length > 0;
    default:
        return true;
    }
}

static bool ends_in_ok_packet(const struct handle *handle) {
    return handle->real->mysql_field_count && handle->real->mysql_field_count(handle->main) == 0;
}

/* What main writes in a transaction, the rest of it must see: there. */
static uint64_t find_written(const struct handle *handle, struct slice text,
                             const struct sql_summary *summary) {
    const struct session *session = &handle->session;
    const struct config *config = setup_config();
    if (session_is_outside(session) || !config ||
        (summary->rest.length == 0 && !route_text_may_write(text, session->route.modes, summary))) {
        return 0;
    }
    return route_find_written(text, &session->route, config);
}

/* ... but while main was never asked whether it is in one, no statement is read for this: most handles never
 * route. */
static bool writes_unasked(const struct handle *handle, struct slice text,
                           const struct sql_summary *summary) {
    return handle->server.identity == 0 && !handle->session.route.in_transaction &&
           (summary->rest.length > 0 || route_text_may_write(text, handle->session.route.modes, summary));
}

static void note_written(struct handle *handle, struct slice text, const struct sql_summary *summary) {
    if (writes_unasked(handle, text, summary)) {
        handle->session.wrote_unasked = true;
    } else if (text.length > 0) {
        session_note_written(&handle->session, find_written(handle, text, summary), setup_config());
    }
}

static void end_text(struct handle *handle, struct slice text, const struct sql_summary *summary) {
    struct session *session = &handle->session;
    handle->counted = handle->main;
    if (ends_in_ok_packet(handle)) {
        handle->ok = handle->main;
    }
    if (!command_matters(summary)) {
        bool asks = summary->verb == SQL_DIAGNOSTICS || summary->verb == SQL_GET_DIAGNOSTICS;
        if (session->doubt && asks) { /* main was asked nothing before it, and it changes nothing */
            doubt_settle_at_once(handle);
        }
        session->main_touched = true;
        if (!session->route.in_transaction) {
            session->special_transaction = false;
        }
        return;
    }
    bool doubted = session->doubt;
    if (session->begun_read_only) {
        session->modes_outlast_begin = !command_main_is_mariadb(handle);
    }
    local_echo(handle, in_doubt(doubted, session_note_statement(session, summary)), text);
    if (ends_in_ok_packet(handle) && !handle->real->mysql_more_results(handle->main)) {
        read_tracked_database(handle);
        doubt_settle_at_once(handle);
    }
}

static void change_user(struct handle *handle, const struct command *command) {
    handle->credentials_unknown = !credentials_set(&handle->credentials, command->user, command->password);
    start_afresh(handle, command->text);
}

/* Runs a statement on main, or what counts as one. */
static bool is_statement(enum command_kind kind) {
    return kind != COMMAND_PLAIN && kind != COMMAND_SELECT_DB && kind != COMMAND_SESSION_LOST;
}

/* Oracle's library takes insert_id and the number of warnings from every OK packet, MariaDB's only from a
 * statement's. A MySQL server repeats the number of the statement before, MariaDB says 0. */
static void take_ok_packet(struct handle *handle) {
    handle->ok = handle->main;
    if (handle->server.mariadb) {
        handle->counted = handle->main;
    }
}

static void end_in_success(struct handle *handle, const struct command *command) {
    struct session *session = &handle->session;
    bool doubted = session->doubt;
    handle->main_tallied |= !command->keeps_count;
    if (is_statement(command->kind)) {
        handle->hushed = false;
        handle_note_spoke(handle, handle->main);
        handle->counted = handle->main;
    }
    if (command->kind == COMMAND_TOUCHES || command->kind == COMMAND_CHANGE_USER ||
        command->kind == COMMAND_RESET ||
        (!handle->server.mariadb && is_statement(command->kind) && command->kind != COMMAND_NEXT_RESULT)) {
        handle->warned = handle->main;
    }
    switch (command->kind) {
    case COMMAND_COMMIT:
    case COMMAND_ROLLBACK:
        handle->ok = handle->main;
        echo(handle, in_doubt(doubted, session_note_api_end(session, command->kind == COMMAND_COMMIT)));
        break;
    case COMMAND_AUTOCOMMIT:
        handle->ok = handle->main;
        echo(handle, in_doubt(doubted, session_switch_autocommit(session, command->flag)));
        break;
    case COMMAND_SELECT_DB:
        if (!handle->real->mariadb) {
            take_ok_packet(handle);
        }
        session_note_database(session, (struct slice){command->text, strlen(command->text)});
        break;
    case COMMAND_CHARSET:
        handle->ok = handle->main;
        session_note_charset(session, command->text);
        break;
    case COMMAND_CHANGE_USER:
        handle->ok = handle->main;
        change_user(handle, command);
        break;
    case COMMAND_RESET:
        handle->ok = handle->main;
        start_afresh(handle, NULL);
        break;
    case COMMAND_SESSION_LOST:
        start_afresh(handle, NULL);
        break;
    case COMMAND_NEXT_RESULT:
        if (!ends_in_ok_packet(handle)) {
            handle->found = handle->main;
        } else {
            handle->ok = handle->main;
            if (session->doubt && !handle->real->mysql_more_results(handle->main)) {
                doubt_settle_at_once(handle); /* the last word of what couldn't be seen into */
            }
        }
        break;
    case COMMAND_TOUCHES:
        session->main_touched = true;
        if (ends_in_ok_packet(handle)) {
            handle->ok = handle->main;
        } else {
            handle->found = handle->main; /* a list is a statement that gives rows */
        }
        break;
    case COMMAND_PLAIN:
        if (!handle->real->mariadb && !command->keeps_id) {
            take_ok_packet(handle);
        }
        break;
    }
}

void command_keep_answers(struct handle *handle) {
    const struct real *real = handle->real;
    if (!handle->hushed && real->mariadb_get_infov) {
        unsigned status = 0;
        real->mariadb_get_infov(handle->main, MARIADB_CONNECTION_SERVER_STATUS, &status, NULL);
        handle->hushed_inside = status & SERVER_STATUS_IN_TRANS;
        handle->hushed = true;
    }
    if (handle->ok == handle->main && real->mysql_insert_id) {
        handle->kept_insert_id = real->mysql_insert_id(handle->main);
        handle->ok = NULL;
    }
    if (handle->counted == handle->main && real->mysql_warning_count) {
        handle->kept_warning_count = real->mysql_warning_count(handle->main);
        handle->counted = NULL;
    }
}

void command_plant_error(struct handle *handle) {
    const struct real *real = handle->real;
    if (real->mysql_options4) {
        bool busy = handle->busy;
        handle->busy = true;
        handle->planted = real->mysql_options4(handle->main, options_attribute_add(real), "", "") != 0;
        handle->busy = busy;
    }
}

/* False: there is nothing more to say of it. */
static bool end_on_main(struct call *call, bool succeeded) {
    struct handle *handle = call->handle;
    handle->busy = false;
    handle_note_last(handle, call->target);
    handle->planted = false;
    if (call->target != handle->main) {
        command_plant_error(handle); /* the library has said 2014 */
        return false;
    }
    command_note_reconnect(handle);
    if (!succeeded) {
        note_failure(handle);
    }
    return succeeded;
}

/* The library doesn't know the name and has said so without a word to main: all but the error is still the
 * last statement's. Where that ran on a shadow it gets the same error. */
static void end_without_charset(struct call *call, MYSQL *last, const char *name) {
    struct handle *handle = call->handle;
    if (call->target == handle->main && last != handle->main &&
        call->real->mysql_errno(handle->main) == CLIENT_NO_SUCH_CHARSET) {
        call->real->mysql_set_character_set(last, name);
        handle_note_last(handle, last);
        handle->planted = true; /* main has it too */
    }
}

/* The libraries give up the statements before they ask. MariaDB's server ends the session before it looks at
 * the user, and lets the old one begin another; MySQL's closes the connection. So main is asked again, and
 * answers for itself, before anything is routed. */
static void end_without_change(struct handle *handle) {
    if (handle->real->mysql_errno(handle->main) == CLIENT_COMMANDS_OUT_OF_SYNC) {
        prepared_end_session(handle); /* the server wasn't asked */
    } else {
        start_afresh(handle, NULL);
    }
}

/* MySQL adds the error to the list of the statement before: where that is a shadow's, it fails there as well.
 */
static void end_without_database(struct handle *handle, MYSQL *warned, const char *name) {
    for (int i = CONFIG_FOLLOW; !handle->server.mariadb && i <= CONFIG_IMMEDIATE; i++) {
        struct local *local = handle_shadow(handle, (enum config_transactions)i);
        if (local && local->mysql == warned && name && local_is_usable(local) &&
            is_of_server(handle->real->mysql_errno(handle->main))) {
            handle->busy = true;
            if (local->real->mysql_select_db(warned, name) == 0) {
                local->version = local->database_version = 0; /* it is there: back, before anything is run */
            } else {
                handle->warned = warned;
            }
            handle->busy = false;
        }
    }
}

void command_end(struct call *call, const struct command *command, bool succeeded) {
    int kept_errno = errno; /* as the library left it: some programs look at it */
    MYSQL *last = call->handle->last, *warned = call->handle->warned;
    if (is_statement(command->kind)) {
        call->handle->untold = !succeeded;
    }
    if (end_on_main(call, succeeded)) {
        end_in_success(call->handle, command);
    } else if (command->kind == COMMAND_CHARSET) {
        end_without_charset(call, last, command->text);
    } else if (command->kind == COMMAND_SELECT_DB && call->target == call->handle->main) {
        end_without_database(call->handle, warned, command->text);
    } else if (command->kind == COMMAND_CHANGE_USER && call->target == call->handle->main) {
        end_without_change(call->handle);
    }
    errno = kept_errno;
}

/* Of a SELECT. The reader may have stopped before it came to one: then it reads again, if it matters whose
 * the list is. */
static bool names_tables(const struct handle *handle, struct slice text, const struct sql_summary *summary) {
    if (summary->stopped_early && summary->table_count == 0 && handle->warned != handle->main) {
        struct sql_summary whole;
        sql_summarize(text, handle->session.route.modes, NULL, &whole);
        return whole.table_count > 0 || whole.ties & SQL_NOT_UNDERSTOOD;
    }
    return summary->table_count > 0 || summary->ties & SQL_NOT_UNDERSTOOD;
}

bool command_uses_tables(const struct handle *handle, struct slice text, const struct sql_summary *summary) {
    switch (summary->verb) {
    case SQL_NOTHING:
    case SQL_BEGIN:
    case SQL_COMMIT:
    case SQL_ROLLBACK:
    case SQL_SAVEPOINT:
    case SQL_ROLLBACK_TO:
    case SQL_RELEASE_SAVEPOINT:
    case SQL_SET:
    case SQL_SET_TRANSACTION:
    case SQL_USE:
    case SQL_DIAGNOSTICS:
    case SQL_GET_DIAGNOSTICS:
        return false;
    case SQL_SELECT:
        return names_tables(handle, text, summary);
    case SQL_OPAQUE:
        return !command_begins_with(text, handle->session.route.modes, "DO");
    default:
        return true;
    }
}

/* MariaDB makes a new list of warnings for a statement that uses tables or has something to say, MySQL for
 * every one that isn't a question about the list itself. */
static bool one_makes_list(const struct handle *handle, struct slice text,
                           const struct sql_summary *summary) {
    if (handle->server.mariadb) {
        return command_uses_tables(handle, text, summary) ||
               (handle->real->mysql_warning_count && handle->real->mysql_warning_count(handle->main) > 0);
    }
    return summary->verb == SQL_DIAGNOSTICS ? !command_begins_with(text, handle->session.route.modes, "SHOW")
                                            : summary->verb != SQL_GET_DIAGNOSTICS;
}

/* Of several statements in one text: any of them. */
static bool makes_list(const struct handle *handle, struct slice text, const struct sql_summary *summary) {
    bool makes = one_makes_list(handle, text, summary);
    struct slice rest = summary->rest;
    while (!makes && rest.length > 0) {
        struct sql_summary next;
        sql_summarize(rest, handle->session.route.modes, NULL, &next);
        makes = one_makes_list(handle, rest, &next);
        rest = next.rest;
    }
    return makes;
}

/* FOUND_ROWS() is of the last statement that gave rows, the lists of warnings and errors apart; one INTO
 * variables gives them there. MySQL counts DO and UPDATE as well. */
static bool finds_rows(const struct handle *handle, struct slice text, const struct sql_summary *summary) {
    struct lex_modes modes = handle->session.route.modes;
    if (summary->verb == SQL_DIAGNOSTICS) {
        return !command_begins_with(text, modes, "SHOW") || command_counts_rows(text);
    }
    if (summary->verb == SQL_IMPLICIT_COMMIT) {
        return false; /* ANALYZE and its like */
    }
    return !ends_in_ok_packet(handle) || summary->verb == SQL_SELECT ||
           (!handle->server.mariadb &&
            (summary->verb == SQL_UPDATE ||
             (summary->verb == SQL_OPAQUE && command_begins_with(text, modes, "DO"))));
}

/* It failed, but not before some of it ran: a procedure may have ended the transaction. And the shim's
 * savepoint must go before the application makes one of its own, which would go with it. */
static void note_failed_text(struct handle *handle, struct slice text, const struct sql_summary *summary) {
    enum { ER_PARSE_ERROR = 1064 };
    unsigned error = handle->real->mysql_errno(handle->main);
    struct sql_summary own;
    if (!summary) {
        sql_summarize(text, handle->session.route.modes, NULL, &own);
        summary = &own;
    }
    bool ran = summary->verb == SQL_OPAQUE || (summary->verb == SQL_UNKNOWN && error != ER_PARSE_ERROR);
    if (is_of_server(error) && (ran || handle->main_marked)) {
        session_note_unseen(&handle->session);
    }
}

void command_end_text(struct call *call, struct slice text, const struct sql_summary *summary,
                      bool succeeded) {
    struct handle *handle = call->handle;
    int kept_errno = errno;
    bool keeps_count = !handle->spoke && summary && summary->verb == SQL_GET_DIAGNOSTICS && succeeded;
    if (call->target == handle->main && keeps_count) {
        handle->routing->kept_field_count = 0;
        handle->fields_kept = true;
    } else if (call->target == handle->main) {
        handle_note_spoke(handle, handle->main);
    }
    if (!end_on_main(call, succeeded)) {
        handle->session.main_touched = true; /* it failed, but may have begun a transaction before it did */
        handle->untold = call->target == handle->main;
        handle->warned = call->target;
        if (call->target == handle->main) {
            note_failed_text(handle, text, summary);
        }
        errno = kept_errno;
        return;
    }
    struct sql_summary own;
    if (!summary) {
        sql_summarize(text, handle->session.route.modes, NULL, &own);
        summary = &own;
    }
    if (makes_list(handle, text, summary)) {
        handle->warned = handle->main;
    }
    if (finds_rows(handle, text, summary)) {
        handle->found = handle->main;
    }
    if (handle->variables && summary->verb == SQL_GET_DIAGNOSTICS &&
        !(handle->real->mysql_warning_count && handle->real->mysql_warning_count(handle->main) > 0)) {
        variables_drop(handle, summary->name);
    }
    end_text(handle, text, summary);
    note_written(handle, text, summary);
    struct local *local = handle_shadow(handle, CONFIG_FOLLOW);
    if (local) {
        local->hushed = false; /* this answer would have told it */
    }
    handle->untold = handle->hushed = false;
    errno = kept_errno;
}

struct sent_text {
    size_t length;
    char text[]; /* and a 0 */
};

void command_keep_text(struct handle *handle, struct slice text, const struct sql_summary *summary) {
    free(handle->sent_text);
    handle->sent_text = NULL;
    handle->sent_verb = (unsigned char)summary->verb;
    handle->sent_names_tables = names_tables(handle, text, summary);
    handle->sent_written = writes_unasked(handle, text, summary) ? 0 : find_written(handle, text, summary);
    handle->sent_by = handle->sent_written ? setup_config() : NULL;
    if (!command_matters(summary) && summary->verb != SQL_DIAGNOSTICS) {
        return;
    }
    handle->sent_text = malloc(sizeof *handle->sent_text + text.length + 1);
    if (!handle->sent_text) {
        handle->session.doubt = true; /* what it does is not seen then */
        session_forget_settings(&handle->session);
        return;
    }
    memcpy(handle->sent_text->text, text.at, text.length);
    handle->sent_text->text[text.length] = '\0';
    handle->sent_text->length = text.length;
}

void command_end_kept(struct call *call, bool succeeded) {
    struct handle *handle = call->handle;
    struct sent_text *text = handle->sent_text;
    struct slice kept = {text ? text->text : "", text ? text->length : 0};
    handle->sent_text = NULL;
    struct sql_summary plain;
    memset(&plain, 0, offsetof(struct sql_summary, tables)); /* the rest is large, and not looked at */
    plain.verb = (enum sql_verb)handle->sent_verb;
    plain.ties = handle->sent_names_tables ? SQL_NOT_UNDERSTOOD : 0;
    command_end_text(call, kept, text ? NULL : &plain, succeeded);
    if (succeeded && !text) {
        session_note_written(&handle->session, handle->sent_written, handle->sent_by);
    }
    free(text);
}

void command_note_main(struct handle *handle, uint64_t started_ns) {
    uint64_t ns = stats_now_ns() - started_ns;
    stats_note_main(ns);
    if (handle->observed) {
        observe_note_time(handle->observed, ns);
    }
    struct routing *routing = handle->routing;
    if (routing && (routing->main_least_ns == 0 || ns < routing->main_least_ns)) {
        routing->main_least_ns = ns;
    }
}
