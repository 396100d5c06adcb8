#define _GNU_SOURCE
#include "prepared.h"

#include "broken_pipe.h"
#include "command.h"
#include "local_parts.h"

#include <stdlib.h>
#include <string.h>

/* Losses of the shadow that a statement outlives. */
enum { OLD_TWINS_MAX = 32 };

/* What MySQL (ER_MALFORMED_PACKET) and MariaDB (ER_WRONG_ARGUMENTS) say to an execute that lacks a parameter.
 */
enum { MALFORMED = 1835, WRONG_ARGUMENTS = 1210 };

bool prepared_is_ready(const struct statement *statement) {
    return statement->at_twin ? statement->at_local.prepared : statement->at_main.prepared;
}

MYSQL_STMT *prepared_answering(struct statement *statement, MYSQL_STMT *stmt) {
    return statement && statement->at_twin && !statement->inside ? statement->twin : stmt;
}

void prepared_hide(struct statement *statement) {
    if (statement->lent) {
        exposed_write(statement->real, statement->stmt, &statement->own);
        statement->lent = false;
    }
}

void prepared_expose(struct statement *statement) {
    if (!statement->at_twin) {
        return;
    }
    if (!statement->lent) {
        statement->own = exposed_read(statement->real, statement->stmt);
        statement->lent = true;
    }
    struct exposed twins = exposed_read(statement->real, statement->twin);
    exposed_write(statement->real, statement->stmt, &twins);
}

/* --- the twin's life */

static bool put_off(struct closing **list, MYSQL_STMT *stmt) {
    struct closing *closing = malloc(sizeof *closing);
    if (closing) {
        *closing = (struct closing){.next = *list, .stmt = stmt};
        *list = closing;
    }
    return closing != NULL;
}

static void close_list(const struct real *real, struct closing **list) {
    while (*list) {
        struct closing *first = *list;
        *list = first->next;
        real->mysql_stmt_close(first->stmt);
        free(first);
    }
}

void prepared_close_waiting(struct local *local) {
    close_list(local->real, &local->closing);
}

bool prepared_is_in_the_way(const struct statement *statement) {
    struct handle *handle = statement->handle;
    return handle && statement->local && handle->streaming == statement->local &&
           statement->local->reader != statement && local_is_streaming(handle);
}

void prepared_note_loss(struct handle *handle, const struct local *local) {
    for (struct statement *statement = handle->statements; statement; statement = statement->next) {
        statement->lost_unseen |= statement->local == local && statement->at_twin;
    }
}

void prepared_hold_local(struct handle *handle, struct local *local) {
    for (struct statement *statement = handle->statements; statement; statement = statement->next) {
        if (statement->local == local && statement->at_twin && !statement->lost) {
            statement->lost = local;
            local->results++;
        }
    }
}

static void release_lost(struct statement *statement) {
    struct local *lost = statement->lost;
    statement->lost = NULL;
    if (lost) {
        local_result_freed(lost);
    }
}

static void close_twin(struct statement *statement) {
    struct local *local = statement->local;
    MYSQL_STMT *twin = statement->twin;
    bool waits = twin && local && prepared_is_in_the_way(statement);
    if (local && local->reader == statement) {
        local->reader = NULL;
    }
    statement->twin = NULL;
    statement->local = NULL;
    statement->lost_unseen = false;
    statement->at_local = (struct side){0};
    if (!twin || statement->foreign || (local && !local_may_close(local))) {
        release_lost(statement);
        return; /* left where it is: to close it would write on a connection that isn't ours */
    }
    if (waits) {
        put_off(&local->closing, twin);
    } else {
        struct broken_pipe hold;
        broken_pipe_hold(&hold);
        statement->real->mysql_stmt_close(twin);
        broken_pipe_release(&hold);
    }
    release_lost(statement);
}

MYSQL_STMT *prepared_failing(struct statement *statement, MYSQL_STMT *stmt) {
    bool says = statement && statement->over && statement->real->mysql_stmt_errno(stmt) != 0;
    return says ? stmt : prepared_answering(statement, stmt);
}

/* Another takes its place: its connection is lost. The application may hold metadata that points into it. */
static void lay_aside_twin(struct statement *statement) {
    if (statement->foreign) {
        /* left where it is */
    } else if (!statement->at_local.prepared) {
        statement->real->mysql_stmt_close(statement->twin); /* it never was one */
    } else if (put_off(&statement->old, statement->twin)) {
        statement->old_count++;
    }
    release_lost(statement);
    statement->twin = NULL;
    statement->local = NULL;
    statement->foreign = statement->lost_unseen = false;
    statement->at_local = (struct side){0};
}

void prepared_forget_local(struct handle *handle, const struct local *local, bool abandoned) {
    for (struct statement *statement = handle->statements; statement; statement = statement->next) {
        if (statement->local == local) {
            statement->local = NULL;
            statement->foreign = abandoned;
        }
    }
}

void prepared_end_session(struct handle *handle) {
    for (struct statement *statement = handle->statements; statement; statement = statement->next) {
        bool never_on_main = statement->summary && !statement->at_main.prepared;
        bool closed = statement->real->mysql_stmt_errno(statement->stmt) == CLIENT_STATEMENT_CLOSED;
        statement->over = true;
        statement->ended |= never_on_main;
        /* What was said before was of the session that was. The library has its own word for the end, but of
         * a lost session for those only that it has prepared. */
        statement->error = never_on_main && !closed ? CLIENT_SERVER_LOST : 0;
        statement->at_main = (struct side){0};
        prepared_forget_plan(statement);
    }
}

bool prepared_has_rows(const struct statement *statement) {
    struct handle *handle = statement->handle;
    return handle && statement->at_twin && statement->local && handle->streaming == statement->local &&
           statement->local->reader == statement && local_is_ours(statement->local);
}

void prepared_drop_rows(struct statement *statement) {
    if (statement && prepared_has_rows(statement)) {
        statement->real->mysql_stmt_free_result(statement->twin);
        statement->left_out = false;
    }
}

void prepared_note_refused(struct statement *statement) {
    const struct real *real = statement->real;
    struct handle *handle = statement->handle;
    MYSQL_STMT *answering = prepared_answering(statement, statement->stmt);
    statement->emptied = true;
    if (real->mariadb) {
        if (real->mysql_stmt_row_seek) {
            real->mysql_stmt_row_seek(answering, NULL);
        }
        return;
    }
    /* With parameters Oracle's library says so of the statement alone. To find out has left an error on the
     * connection that is busy; the other one has none. */
    MYSQL *shadow = statement->local ? statement->local->mysql : handle->main;
    MYSQL *other = handle->last == handle->main ? shadow : handle->main;
    if (statement->clean && real->mysql_stmt_param_count(answering) > 0 && real->mysql_errno(other) == 0) {
        handle_note_error(handle, other);
    }
}

/* --- its text */

static void forget_binds(struct binds *binds) {
    free(binds->copy);
    *binds = (struct binds){0};
}

static void forget_text(struct statement *statement) {
    free(statement->text);
    free(statement->summary);
    free(statement->database);
    statement->text = statement->database = NULL;
    statement->summary = NULL;
    statement->length = 0;
    statement->written = 0;
    statement->effects = statement->unseen = statement->over = statement->ended = false;
}

void prepared_forget_plan(struct statement *statement) {
    free(statement->summary);
    statement->summary = NULL;
}

void prepared_clear(struct statement *statement) {
    prepared_hide(statement);
    close_twin(statement);
    close_list(statement->real, &statement->old);
    statement->old_count = 0;
    statement->foreign = statement->at_twin = statement->left_out = statement->emptied =
        statement->cursor_open = false;
    forget_text(statement);
    prepared_drop_long_data(statement);
    if (prepared_prebound(statement) == 0) {
        forget_binds(&statement->params);
    }
    forget_binds(&statement->results);
    statement->at_main = (struct side){0};
}

void prepared_free(struct statement *statement) {
    prepared_clear(statement);
    forget_binds(&statement->params);
    free(statement);
}

static bool keep_text(struct statement *statement, struct slice text) {
    statement->text = malloc(text.length + 1);
    if (!statement->text) {
        return false;
    }
    memcpy(statement->text, text.at, text.length);
    statement->text[text.length] = '\0';
    statement->length = text.length;
    return true;
}

void prepared_keep_effects(struct statement *statement, struct slice text) {
    statement->effects = true;
    statement->unseen = !keep_text(statement, text);
}

bool prepared_keep_plan(struct statement *statement, struct slice text) {
    const struct session *session = &statement->handle->session;
    struct slice database = session->route.database;
    statement->summary = malloc(sizeof *statement->summary);
    statement->database = strndup(database.at ? database.at : "", database.length);
    if (!statement->summary || !statement->database || !keep_text(statement, text)) {
        forget_text(statement);
        return false;
    }
    sql_summarize((struct slice){statement->text, text.length}, session->route.modes, NULL,
                  statement->summary);
    statement->version = session->version;
    return true;
}

/* --- preparing it, now or again */

static bool names_default_database(const struct sql_summary *summary) {
    for (size_t i = 0; i < summary->table_count; i++) {
        if (summary->tables[i].database.length == 0) {
            return true;
        }
    }
    return false;
}

/* A setting that was made since may give these bytes another meaning than they had when they were prepared.
 */
static bool depends_on_settings(const struct statement *statement) {
    if (statement->summary->mode_dependent || memmem(statement->text, statement->length, "||", 2)) {
        return true;
    }
    for (size_t i = 0; i < statement->length; i++) {
        if ((unsigned char)statement->text[i] >= 0x80) {
            return true;
        }
    }
    return false;
}

/* Its names mean tables of another database than the session's default one is now. */
static bool names_another_database(const struct statement *statement) {
    const char *now = statement->handle->session.database ? statement->handle->session.database : "";
    return strcmp(statement->database, now) != 0 && names_default_database(statement->summary);
}

/* Prepares the text on `stmt`, with its names meaning the tables that they meant at first. */
static int prepare_as_before(const struct statement *statement, MYSQL *mysql, MYSQL_STMT *stmt) {
    const struct real *real = statement->real;
    if (!names_another_database(statement)) {
        return real->mysql_stmt_prepare(stmt, statement->text, statement->length);
    }
    const char *now = statement->handle->session.database;
    if (mysql == statement->handle->main) {
        command_keep_answers(statement->handle);
    }
    if (!*statement->database || !now || !*now || real->mysql_select_db(mysql, statement->database)) {
        return 1;
    }
    int result = real->mysql_stmt_prepare(stmt, statement->text, statement->length);
    return real->mysql_select_db(mysql, now) != 0 ? 1 : result;
}

/* False: *verdict says what the failure means. */
static bool make_twin(struct statement *statement, struct local *local, enum verdict *verdict) {
    const struct real *real = statement->real;
    const struct handle *handle = statement->handle;
    if (statement->twin && statement->local == local && statement->at_local.prepared) {
        return true;
    }
    *verdict = VERDICT_REFUSED;
    bool changed = statement->version != handle->session.version;
    if (statement->old_count >= OLD_TWINS_MAX || (changed && depends_on_settings(statement))) {
        return false;
    }
    statement->at_twin = false;
    prepared_hide(statement);
    if (statement->twin) {
        lay_aside_twin(statement);
    }
    MYSQL_STMT *twin = real->mysql_stmt_init(local->mysql);
    if (!twin) {
        return false;
    }
    statement->twin = twin;
    statement->local = local;
    statement->left_out = false;
    prepared_set_attributes(statement, twin);
    if (prepare_as_before(statement, local->mysql, twin) != 0) {
        if (names_another_database(statement)) { /* which one is the shadow's now depends on what failed */
            local->version = handle->session.version - 1;
            local->database_version = handle->session.database_version - 1;
        }
        if (verdict_of_statement(real->mysql_stmt_errno(twin)) == VERDICT_LOST) {
            *verdict = VERDICT_LOST;
        }
        return false;
    }
    statement->at_local = (struct side){.prepared = true};
    statement->numbered = true;
    return true;
}

enum verdict prepared_say(struct statement *statement, struct local *local, bool execute, int *result) {
    enum verdict verdict;
    *result = 1;
    prepared_close_waiting(local);
    if (execute) {
        prepared_read_binds(statement);
    }
    if (!make_twin(statement, local, &verdict)) {
        return verdict;
    }
    const struct real *real = statement->real;
    bool ready = !execute || prepared_bind(statement, statement->twin, &statement->at_local);
    *result = !ready || (execute && real->mysql_stmt_execute(statement->twin) != 0);
    if (*result == 0) {
        statement->left_out &= !execute;
        return VERDICT_APPLICATION;
    }
    unsigned error = real->mysql_stmt_errno(statement->twin);
    bool left_out = statement->left_out && execute;
    statement->left_out &= !execute;
    if (left_out && (error == MALFORMED || error == WRONG_ARGUMENTS)) {
        return VERDICT_APPLICATION;
    }
    return error ? verdict_of_statement(error) : VERDICT_REFUSED;
}

int prepared_ready_main(struct statement *statement) {
    struct handle *handle = statement->handle;
    prepared_read_binds(statement);
    prepared_hide(statement);
    statement->at_twin = false;
    if (!statement->summary) {
        return 0;
    }
    statement->inside = true;
    int result = 0;
    if (!statement->at_main.prepared) {
        result = prepare_as_before(statement, handle->main, statement->stmt);
        statement->at_main = (struct side){.prepared = result == 0};
        statement->numbered_on_main |= result == 0;
        statement->numbered |= result == 0;
    }
    if (result == 0) {
        result = !prepared_bind(statement, statement->stmt, &statement->at_main);
    }
    statement->inside = false;
    return result;
}

bool prepared_asks_for_rows(const struct statement *statement) {
    return statement->cursor_open &&
           !statement->real->mysql_stmt_row_tell(statement->at_twin ? statement->twin : statement->stmt);
}

void prepared_note_executed(struct statement *statement, bool at_twin) {
    struct side *there = at_twin ? &statement->at_local : &statement->at_main;
    struct side *elsewhere = at_twin ? &statement->at_main : &statement->at_local;
    there->pieces = 0;
    elsewhere->stale |= elsewhere->pieces > 0;
    elsewhere->pieces = 0;
    statement->at_twin = at_twin;
    statement->emptied = false;
    MYSQL_STMT *stmt = at_twin ? statement->twin : statement->stmt;
    statement->cursor_open = prepared_has_cursor(statement) &&
                             statement->real->mysql_stmt_field_count(stmt) > 0 &&
                             statement->real->mysql_stmt_num_rows(stmt) == 0;
    prepared_drop_long_data(statement);
    prepared_expose(statement);
}

bool prepared_settle_on_main(struct statement *statement) {
    struct handle *handle = statement->handle;
    if (!statement->summary || !handle) {
        return true;
    }
    bool busy = handle->busy;
    handle->busy = true;
    bool settled = prepared_ready_main(statement) == 0;
    handle->busy = busy;
    handle_note_last(handle, handle->main);
    prepared_forget_plan(statement);
    return settled;
}
