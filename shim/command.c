#define _GNU_SOURCE
#include "command.h"

#include "local.h"
#include "prepared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool command_begin(struct call *call, MYSQL *mysql, const void *caller) {
    struct handle *handle = handle_find(mysql);
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
    handle->last = handle->answered_by;
    descriptor_take_back(&handle->loan);
}

bool command_main_is_busy(const struct handle *handle) {
    const struct real *real = handle->real;
    return handle->sent || real->mysql_more_results(handle->main) ||
           real->mysql_next_result(handle->main) != -1;
}

static void echo(struct handle *handle, enum session_echo what) {
    local_echo(handle, what, (struct slice){NULL, 0});
}

/* The session is another one: as after a connect, and what was open at the local master belonged to the old
 * one. */
static void start_afresh(struct handle *handle, const char *database) {
    local_close_all(handle);
    prepared_end_session(handle);
    session_reset(&handle->session, database);
    memset(&handle->server, 0, sizeof handle->server);
    const char *charset =
        handle->real->mysql_character_set_name ? handle->real->mysql_character_set_name(handle->main) : NULL;
    if (charset) {
        handle->session.route.modes.multibyte_unsafe =
            lex_charset_is_unsafe((struct slice){charset, strlen(charset)});
    }
}

bool command_note_reconnect(struct handle *handle) {
    unsigned long now = handle->real->mysql_thread_id ? handle->real->mysql_thread_id(handle->main) : 0;
    if (now == handle->thread_id) {
        return false;
    }
    handle->thread_id = now;
    start_afresh(handle, NULL);
    return true;
}

static void note_failure(struct handle *handle) {
    unsigned error = handle->real->mysql_errno(handle->main);
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

/* Reads the status bits or, where the library doesn't show them, the transaction state that the server has
 * reported. */
static enum session_echo read_status(struct handle *handle) {
    const struct real *real = handle->real;
    unsigned status = 0;
    if (real->mariadb_get_infov) {
        if (real->mariadb_get_infov(handle->main, MARIADB_CONNECTION_SERVER_STATUS, &status, NULL) == 0) {
            return session_note_status(&handle->session, status & SERVER_STATUS_IN_TRANS,
                                       status & SERVER_STATUS_AUTOCOMMIT);
        }
        return SESSION_ECHO_NONE;
    }
    const char *state;
    size_t length;
    if (real->mysql_session_track_get_first &&
        real->mysql_session_track_get_first(handle->main, SESSION_TRACK_TRANSACTION_STATE, &state, &length) ==
            0 &&
        length > 0) {
        return session_note_status(&handle->session, *state == 'T', handle->session.autocommit);
    }
    handle->session.doubt &=
        handle->server.mariadb; /* a MySQL server would have reported one; MariaDB's is asked (snapshot.c) */
    return SESSION_ECHO_NONE;
}

void command_settle_doubt(struct handle *handle) {
    echo(handle, read_status(handle));
}

void command_before_commit(struct handle *handle) {
    if (handle->session.doubt) {
        command_settle_doubt(handle);
    }
    if (handle->session.doubt) {
        echo(handle,
             SESSION_ECHO_ROLLBACK); /* what main may have undone must not be kept here; a miss at worst */
    }
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

bool command_matters(const struct sql_summary *summary) {
    switch (summary->verb) {
    case SQL_NOTHING:
    case SQL_SELECT:
    case SQL_REPLACE:
    case SQL_INSERT:
    case SQL_UPDATE:
    case SQL_DELETE:
    case SQL_DIAGNOSTICS:
    case SQL_OTHER:
        return summary->rest.length > 0;
    default:
        return true;
    }
}

static bool ends_in_ok_packet(const struct handle *handle) {
    return handle->real->mysql_field_count && handle->real->mysql_field_count(handle->main) == 0;
}

static void end_text(struct handle *handle, struct slice text, const struct sql_summary *summary) {
    struct session *session = &handle->session;
    handle->counted = handle->main;
    if (ends_in_ok_packet(handle)) {
        handle->ok = handle->main;
    } else {
        handle->found = handle->main;
    }
    if (!command_matters(summary)) {
        session->main_touched = true;
        if (!session->route.in_transaction) {
            session->special_transaction = false;
        }
        return;
    }
    local_echo(handle, session_note_statement(session, summary), text);
    if (ends_in_ok_packet(handle) && !handle->real->mysql_more_results(handle->main)) {
        read_tracked_database(handle);
        if (handle->real->mariadb_get_infov) {
            echo(handle, read_status(handle));
        }
    }
}

static char *replace_string(char *old, const char *text) {
    if (old) {
        explicit_bzero(old, strlen(old));
        free(old);
    }
    return text ? strdup(text) : NULL;
}

static void change_user(struct handle *handle, const struct command *command) {
    struct credentials *own = &handle->credentials;
    own->user = replace_string(own->user, command->user);
    own->password = replace_string(own->password, command->password);
    handle->credentials_unknown = (command->user && !own->user) || (command->password && !own->password);
    start_afresh(handle, command->text);
}

/* Runs a statement on main, or what counts as one. */
static bool is_statement(enum command_kind kind) {
    return kind != COMMAND_PLAIN && kind != COMMAND_SELECT_DB && kind != COMMAND_SESSION_LOST;
}

static void end_in_success(struct handle *handle, const struct command *command) {
    struct session *session = &handle->session;
    if (is_statement(command->kind)) {
        handle->spoke = handle->counted = handle->main;
    }
    if (command->kind == COMMAND_TOUCHES || command->kind == COMMAND_CHANGE_USER ||
        command->kind == COMMAND_RESET) {
        handle->warned = handle->main;
    }
    switch (command->kind) {
    case COMMAND_COMMIT:
    case COMMAND_ROLLBACK:
        handle->ok = handle->main;
        echo(handle, session_note_end(session, command->kind == COMMAND_COMMIT));
        break;
    case COMMAND_AUTOCOMMIT:
        handle->ok = handle->main;
        echo(handle, session_note_autocommit(session, command->flag));
        break;
    case COMMAND_SELECT_DB:
        if (!handle->real->mariadb) {
            handle->ok = handle->main;
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
        if (ends_in_ok_packet(handle)) {
            handle->ok = handle->main;
        }
        break;
    case COMMAND_TOUCHES:
        session->main_touched = true;
        if (ends_in_ok_packet(handle)) {
            handle->ok = handle->main;
        }
        break;
    case COMMAND_PLAIN:
        if (!handle->real->mariadb) {
            handle->ok = handle->main; /* Oracle's library takes insert_id from every OK packet, MariaDB's
                                          only from a statement's */
        }
        break;
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
    handle->last = call->target;
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

void command_end(struct call *call, const struct command *command, bool succeeded) {
    int kept_errno = errno; /* as the library left it: some programs look at it */
    if (end_on_main(call, succeeded)) {
        end_in_success(call->handle, command);
    } else if (command->kind == COMMAND_CHANGE_USER && call->target == call->handle->main) {
        prepared_end_session(call->handle); /* the libraries give up the statements before they ask */
    }
    errno = kept_errno;
}

/* The servers make a new list of warnings for a statement that uses tables or has something to say. */
static bool makes_list(const struct handle *handle, const struct sql_summary *summary) {
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
        break;
    case SQL_SELECT:
        if (summary->table_count > 0 || summary->ties & SQL_NOT_UNDERSTOOD) {
            return true;
        }
        break;
    default:
        return true;
    }
    return handle->real->mysql_warning_count && handle->real->mysql_warning_count(handle->main) > 0;
}

void command_end_text(struct call *call, struct slice text, const struct sql_summary *summary,
                      bool succeeded) {
    struct handle *handle = call->handle;
    int kept_errno = errno;
    if (call->target == handle->main) {
        handle->spoke = handle->main;
    }
    if (!end_on_main(call, succeeded)) {
        handle->session.main_touched = true; /* it failed, but may have begun a transaction before it did */
        handle->warned = call->target;
        errno = kept_errno;
        return;
    }
    struct sql_summary own;
    if (!summary) {
        sql_summarize(text, handle->session.route.modes, NULL, &own);
        summary = &own;
    }
    if (makes_list(handle, summary)) {
        handle->warned = handle->main;
    }
    end_text(handle, text, summary);
    errno = kept_errno;
}

void command_keep_text(struct handle *handle, struct slice text, const struct sql_summary *summary) {
    free(handle->sent_text);
    handle->sent_text = NULL;
    handle->sent_length = 0;
    if (!command_matters(summary)) {
        return;
    }
    handle->sent_text = malloc(text.length + 1);
    if (!handle->sent_text) {
        handle->session.doubt = true; /* what it does is not seen then */
        session_forget_settings(&handle->session);
        return;
    }
    memcpy(handle->sent_text, text.at, text.length);
    handle->sent_text[text.length] = '\0';
    handle->sent_length = text.length;
}

void command_end_kept(struct call *call, bool succeeded) {
    struct handle *handle = call->handle;
    char *text = handle->sent_text;
    struct slice kept = {text ? text : "", handle->sent_length};
    handle->sent_text = NULL;
    handle->sent_length = 0;
    static const struct sql_summary plain = {.verb = SQL_OTHER};
    command_end_text(call, kept, text ? NULL : &plain, succeeded);
    free(text);
}
