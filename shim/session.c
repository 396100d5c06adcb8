#define _GNU_SOURCE
#include "session.h"

#include <stdlib.h>
#include <string.h>

enum { SETTINGS_MAX = 64, SAVEPOINTS_MAX = 64, STATEMENTS_MAX = 1000 };

/* Server errors that undo the whole transaction and not just the statement. */
static bool undoes_transaction(const struct session *session, unsigned error) {
    switch (error) {
    case 1020: /* ER_CHECKREAD: under MariaDB's innodb_snapshot_isolation the transaction is undone */
    case 1180: /* ER_ERROR_DURING_COMMIT */
    case 1181: /* ER_ERROR_DURING_ROLLBACK */
    case 1206: /* ER_LOCK_TABLE_FULL */
    case 1213: /* ER_LOCK_DEADLOCK */
    case 1613: /* ER_XA_RBTIMEOUT */
    case 1614: /* ER_XA_RBDEADLOCK */
    case 3101: /* ER_TRANSACTION_ROLLBACK_DURING_COMMIT */
        return true;
    case 1205: /* ER_LOCK_WAIT_TIMEOUT */
        return session->rollback_on_timeout;
    default:
        return false;
    }
}

static void update_view(struct session *session) {
    session->route.in_transaction = session->begun || !session->autocommit;
    session->route.database =
        (struct slice){session->database, session->database ? strlen(session->database) : 0};
}

static void free_savepoints(struct session *session, size_t from) {
    while (session->savepoint_count > from) {
        free(session->savepoints[--session->savepoint_count]);
    }
}

static void free_settings(struct session *session) {
    while (session->setting_count > 0) {
        struct session_setting *setting = &session->settings[--session->setting_count];
        free(setting->name);
        free(setting->text);
    }
}

void session_free(struct session *session) {
    free_savepoints(session, 0);
    free_settings(session);
    temporary_free(&session->route.temporaries);
    free(session->settings);
    free(session->savepoints);
    free(session->database);
    memset(session, 0, sizeof *session);
}

void session_reset(struct session *session, const char *database) {
    session_free(session);
    session->autocommit = true;
    session->version = 1;
    if (database) {
        session->database = strdup(database);
        session->route.unmirrored = !session->database;
        session->route.database_known = true;
        session->database_version = session->version;
    }
    update_view(session);
}

static char *copy_slice(struct slice text) {
    return strndup(text.at ? text.at : "", text.length);
}

static void remove_setting(struct session *session, size_t place) {
    struct session_setting *old = &session->settings[place];
    free(old->name);
    free(old->text);
    session->setting_count--;
    memmove(old, old + 1, (session->setting_count - place) * sizeof *old);
}

void session_note_setting(struct session *session, struct slice name, struct slice text, bool alone) {
    for (size_t i = 0; i < session->setting_count; i++) {
        const struct session_setting *old = &session->settings[i];
        if (slice_same((struct slice){old->name, strlen(old->name)}, name)) {
            remove_setting(session, i);
            break;
        }
    }
    if (!session->settings) {
        session->settings = calloc(SETTINGS_MAX, sizeof *session->settings);
    }
    char *own_name = copy_slice(name);
    char *own_text = text.at ? copy_slice(text) : NULL;
    if (!session->settings || session->setting_count == SETTINGS_MAX || !own_name || (text.at && !own_text)) {
        free(own_name);
        free(own_text);
        session->route.unmirrored = true; /* until the connection is reset: a setting is lost */
        return;
    }
    for (char *c = own_name; *c; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    }
    session->settings[session->setting_count++] = (struct session_setting){.name = own_name,
                                                                           .text = own_text,
                                                                           .alone = alone,
                                                                           .version = ++session->version};
    if (!text.at) {
        session->route.known = false;
    }
}

void session_drop_setting(struct session *session, const char *lower_case_name) {
    for (size_t i = 0; i < session->setting_count; i++) {
        if (strcmp(session->settings[i].name, lower_case_name) == 0) {
            remove_setting(session, i);
            return;
        }
    }
}

void session_forget_settings(struct session *session) {
    session->route.known = false;
}

void session_note_database(struct session *session, struct slice database) {
    if (session->database && session->route.database_known && strlen(session->database) == database.length &&
        memcmp(session->database, database.at, database.length) == 0) {
        return;
    }
    free(session->database);
    session->database = copy_slice(database);
    session->route.unmirrored |= !session->database;
    session->route.database_known = true;
    session->database_version = ++session->version;
    update_view(session);
}

void session_note_charset(struct session *session, const char *name) {
    char text[96] = "NAMES ";
    size_t length = strlen(name);
    if (length >= sizeof text - 6) {
        session->route.unmirrored = true;
        return;
    }
    memcpy(text + 6, name, length + 1);
    session->route.modes.multibyte_unsafe = lex_charset_is_unsafe((struct slice){name, length});
    session_note_setting(session, (struct slice){"names", 5}, (struct slice){text, length + 6}, false);
}

/* The end of a transaction on main, whichever way. */
static enum session_echo end_transaction(struct session *session, enum session_echo echo) {
    session->begun = session->reported = false;
    session->begun_read_only = false;
    session->begun_snapshot = false;
    session->special_transaction = false;
    session->main_touched = false;
    session->route.written = 0;
    session->wrote_unasked = false;
    free_savepoints(session, 0);
    update_view(session);
    return echo;
}

enum session_echo session_note_autocommit(struct session *session, bool on) {
    bool was = session->autocommit;
    bool special = session->begun_read_only || session->special_transaction;
    session->autocommit = on;
    update_view(session);
    if (!on || was) {
        return SESSION_ECHO_NONE;
    }
    end_transaction(session, SESSION_ECHO_COMMIT);
    session->special_transaction = special; /* its access mode and isolation level are the next one's too */
    return SESSION_ECHO_COMMIT;
}

enum session_echo session_switch_autocommit(struct session *session, bool on) {
    session->wrote_unasked &= on; /* main is taken to have committed it */
    return session_note_autocommit(session, on);
}

enum session_echo session_note_end(struct session *session, bool committed) {
    session->doubt = false;
    return end_transaction(session, committed ? SESSION_ECHO_COMMIT : SESSION_ECHO_ROLLBACK);
}

enum session_echo session_note_error(struct session *session, unsigned error) {
    if (!undoes_transaction(session, error)) {
        return SESSION_ECHO_NONE;
    }
    return end_transaction(session, SESSION_ECHO_ROLLBACK);
}

enum session_echo session_note_status(struct session *session, bool in_transaction, bool autocommit) {
    bool opaque = session->opaque;
    bool switched_on = autocommit && !session->autocommit;
    session->doubt = session->opaque = false;
    session->autocommit = autocommit;
    bool ended = (session->begun || session->inside) && !in_transaction;
    session->inside = false;
    if (autocommit) {
        session->begun = in_transaction;
    }
    update_view(session);
    if (switched_on && !opaque) {
        return end_transaction(session, SESSION_ECHO_COMMIT);
    }
    ended |= switched_on;
    /* Ended out of sight, one way or the other: undone here is a cache miss, kept here could be a row that
     * main has undone. */
    return ended ? end_transaction(session, SESSION_ECHO_ROLLBACK) : SESSION_ECHO_NONE;
}

void session_note_written(struct session *session, uint64_t groups, const struct config *config) {
    if (groups == 0 || session_is_outside(session)) {
        return;
    }
    bool recounted = session->route.written && session->route.written_by != config;
    session->route.written = recounted ? ROUTE_ALL_GROUPS : session->route.written | groups;
    session->route.written_by = config;
}

void session_note_known(struct session *session) {
    session->route.known = true;
    if (session_is_outside(session)) {
        session->route.written = 0;
    } else if (session->wrote_unasked && !session->autocommit) {
        session->route.written = ROUTE_ALL_GROUPS;
        session->route.written_by = NULL;
    }
    session->wrote_unasked = false;
}

static bool same_name(struct slice a, const char *b) {
    return slice_same(a, (struct slice){b, strlen(b)});
}

static size_t find_savepoint(const struct session *session, struct slice name) {
    size_t i = 0;
    while (i < session->savepoint_count && !same_name(name, session->savepoints[i])) {
        i++;
    }
    return i;
}

static enum session_echo note_savepoint(struct session *session, const struct sql_summary *summary) {
    if (!session->route.in_transaction) {
        return SESSION_ECHO_NONE; /* in autocommit a savepoint is gone with its statement */
    }
    size_t place = find_savepoint(session, summary->name);
    if (summary->verb == SQL_SAVEPOINT) {
        session->main_touched = true;           /* main keeps it until its transaction ends */
        if (place < session->savepoint_count) { /* a second of the name replaces the first and comes last */
            free(session->savepoints[place]);
            session->savepoint_count--;
            memmove(&session->savepoints[place], &session->savepoints[place + 1],
                    (session->savepoint_count - place) * sizeof *session->savepoints);
        }
        if (!session->savepoints) {
            session->savepoints = calloc(SAVEPOINTS_MAX, sizeof *session->savepoints);
        }
        char *name = copy_slice(summary->name);
        if (!session->savepoints || !name || session->savepoint_count == SAVEPOINTS_MAX) {
            free(name);
            session->special_transaction =
                true; /* can't be followed any further; nothing is routed until it ends */
            return SESSION_ECHO_ROLLBACK;
        }
        session->savepoints[session->savepoint_count++] = name;
    } else if (place < session->savepoint_count) {
        free_savepoints(session, summary->verb == SQL_ROLLBACK_TO ? place + 1 : place);
    }
    return SESSION_ECHO_REPEAT;
}

/* The value of an assignment as a bare word: without the quotes of a simple string. at == NULL: it isn't one.
 */
static struct slice plain_value(struct slice value) {
    if (value.length >= 2 && (*value.at == '\'' || *value.at == '"') &&
        value.at[value.length - 1] == *value.at) {
        value.at++;
        value.length -= 2;
    }
    for (size_t i = 0; i < value.length; i++) {
        if (strchr("'\"\\` ()@", value.at[i])) {
            return (struct slice){NULL, 0};
        }
    }
    return value;
}

static bool is_word(struct slice value, const char *const *words) {
    for (; *words; words++) {
        if (same_name(value, *words)) {
            return true;
        }
    }
    return false;
}

static enum session_echo note_autocommit_text(struct session *session, struct slice value) {
    static const char *const on[] = {"1", "ON", "TRUE", NULL};
    static const char *const off[] = {"0", "OFF", "FALSE", NULL};
    if (value.at && is_word(value, on)) {
        return session_switch_autocommit(session, true);
    }
    if (value.at && is_word(value, off)) {
        return session_switch_autocommit(session, false);
    }
    if (value.at && same_name(value, "DEFAULT") && session->autocommit_default_known) {
        return session_note_autocommit(session, session->autocommit_default);
    }
    session->doubt = true;
    session->route.known = false;
    return SESSION_ECHO_NONE;
}

/* The charset that a setting makes the client's; at == NULL: not to be told from the text. Empty slice: the
 * setting doesn't touch it. */
static bool note_charset_text(struct session *session, const struct sql_assignment *assignment,
                              struct slice value) {
    if (!same_name(assignment->name, "NAMES") && !same_name(assignment->name, "CHARACTER SET") &&
        !same_name(assignment->name, "character_set_client")) {
        return true;
    }
    if (!value.at || same_name(value, "DEFAULT")) {
        return false;
    }
    session->route.modes.multibyte_unsafe = lex_charset_is_unsafe(value);
    return true;
}

static bool note_sql_mode_text(struct session *session, const struct sql_assignment *assignment) {
    if (!same_name(assignment->name, "sql_mode")) {
        return true;
    }
    struct slice value = assignment->value;
    bool quoted = value.length >= 2 && (*value.at == '\'' || *value.at == '"') &&
                  value.at[value.length - 1] == *value.at;
    if (!quoted || memchr(value.at + 1, *value.at, value.length - 2) ||
        memchr(value.at, '\\', value.length)) {
        return false;
    }
    bool unsafe = session->route.modes.multibyte_unsafe;
    session->route.modes = lex_modes_of_sql_mode((struct slice){value.at + 1, value.length - 2});
    session->route.modes.multibyte_unsafe = unsafe;
    return true;
}

void session_note_completion(struct session *session, struct slice value) {
    static const char *const words[][3] = {[SESSION_ENDS] = {"0", "NO_CHAIN", NULL},
                                           [SESSION_CHAINS] = {"1", "CHAIN", NULL},
                                           [SESSION_RELEASES] = {"2", "RELEASE", NULL}};
    session->completion = SESSION_COMPLETION_UNKNOWN;
    for (int i = SESSION_ENDS; value.at && i <= SESSION_RELEASES; i++) {
        if (is_word(value, words[i])) {
            session->completion = (unsigned char)i;
        }
    }
    if (session->completion == SESSION_COMPLETION_UNKNOWN) {
        session_forget_settings(session);
    }
}

/* Values of the one statement to come, or of no meaning to what may be routed. */
static bool is_of_no_account(struct slice name) {
    static const char *const names[] = {"insert_id",   "last_insert_id", "identity", "gtid_next",
                                        "gtid_seq_no", "password",       NULL};
    return is_word(name, names);
}

static bool says_session(struct slice text) {
    static const char *const starts[] = {"SESSION", "LOCAL", "@@SESSION", "@@LOCAL"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        if (slice_begins_with(text, starts[i])) {
            return true;
        }
    }
    return false;
}

static enum session_echo note_assignment(struct session *session, const struct sql_assignment *assignment) {
    if (assignment->scope == SQL_GLOBAL || assignment->scope == SQL_USER_VARIABLE_SCOPE) {
        return SESSION_ECHO_NONE;
    }
    if (is_of_no_account(assignment->name) || same_name(assignment->name, "DEFAULT ROLE")) {
        return SESSION_ECHO_NONE;
    }
    struct slice value = plain_value(assignment->value);
    if (same_name(assignment->name, "autocommit")) {
        return note_autocommit_text(session, value);
    }
    if (same_name(assignment->name, "completion_type")) {
        session_note_completion(session, value);
        return SESSION_ECHO_NONE;
    }
    static const char *const transaction[] = {"tx_isolation", "transaction_isolation", "tx_read_only",
                                              "transaction_read_only", NULL};
    if (is_word(assignment->name, transaction) && !says_session(assignment->text)) {
        session->special_transaction = true; /* without SESSION it is for the next transaction only */
        return SESSION_ECHO_NONE;
    }
    bool readable = assignment->constant;
    readable &= note_charset_text(session, assignment, value);
    readable &= note_sql_mode_text(session, assignment);
    bool alone = same_name(assignment->name, "TRANSACTION") || same_name(assignment->name, "ROLE");
    if (!readable && assignment->scope == SQL_NOT_A_VARIABLE) {
        session_forget_settings(session); /* NAMES DEFAULT and the like: main says what came of it */
        return SESSION_ECHO_NONE;
    }
    session_note_setting(session, assignment->name, readable ? assignment->text : (struct slice){NULL, 0},
                         alone);
    return SESSION_ECHO_NONE;
}

static enum session_echo note_set(struct session *session, struct slice rest) {
    enum session_echo echo = SESSION_ECHO_NONE;
    struct sql_assignment assignment;
    bool understood = true;
    while (sql_next_assignment(&rest, session->route.modes, &assignment, &understood)) {
        enum session_echo next = note_assignment(session, &assignment);
        echo = next != SESSION_ECHO_NONE ? next : echo;
    }
    if (!understood) {
        session->doubt = true;
        session_forget_settings(session);
    }
    return echo;
}

static enum session_echo begin_transaction(struct session *session, const struct sql_summary *summary) {
    bool special = session->special_transaction;
    bool stays_read_only = session->begun_read_only && session->modes_outlast_begin && !summary->read_write;
    end_transaction(session, SESSION_ECHO_COMMIT);
    session->begun = true;
    session->begun_read_only = summary->read_only || stays_read_only;
    session->begun_snapshot = summary->consistent_snapshot;
    session->special_transaction = special;
    session->main_touched = true; /* main holds a transaction of its own now: its end must be said to main */
    session->doubt = false;
    session->route.locked_tables = false; /* START TRANSACTION gives up LOCK TABLES */
    update_view(session);
    return SESSION_ECHO_COMMIT;
}

static enum session_echo end_by_text(struct session *session, const struct sql_summary *summary) {
    bool read_only = session->begun_read_only;
    bool special = session->special_transaction;
    enum session_completion way =
        summary->no_chain ? SESSION_ENDS : (enum session_completion)session->completion;
    enum session_echo echo = session_note_end(session, summary->verb == SQL_COMMIT);
    if (summary->chain || way == SESSION_CHAINS) {
        session->begun = true;
        session->begun_read_only = read_only;
        session->special_transaction = special;
        session->main_touched = true;
        update_view(session);
    }
    session->doubt = way == SESSION_COMPLETION_UNKNOWN && !summary->chain;
    return echo;
}

enum session_echo session_note_api_end(struct session *session, bool committed) {
    const struct sql_summary summary = {.verb = committed ? SQL_COMMIT : SQL_ROLLBACK};
    return end_by_text(session, &summary);
}

/* Nothing is routed between its start and its end. */
static enum session_echo note_xa(struct session *session, struct slice verb) {
    if (slice_equals_word(verb, "RECOVER")) {
        return SESSION_ECHO_NONE;
    }
    bool ends = slice_equals_word(verb, "COMMIT") || slice_equals_word(verb, "ROLLBACK");
    bool ended = ends && session->route.xa;
    session->route.xa = !ends;
    return ended ? end_transaction(session, session->begun ? SESSION_ECHO_ROLLBACK : SESSION_ECHO_NONE)
                 : SESSION_ECHO_NONE;
}

void session_note_unseen(struct session *session) {
    session->doubt = session->opaque = session->route.temporaries.doubt = true;
    session_forget_settings(session);
}

static enum session_echo note_one(struct session *session, const struct sql_summary *summary) {
    switch (summary->verb) {
    case SQL_BEGIN:
        return begin_transaction(session, summary);
    case SQL_COMMIT:
    case SQL_ROLLBACK:
        return end_by_text(session, summary);
    case SQL_SAVEPOINT:
    case SQL_ROLLBACK_TO:
    case SQL_RELEASE_SAVEPOINT:
        return note_savepoint(session, summary);
    case SQL_SET:
        return note_set(session, summary->name);
    case SQL_SET_TRANSACTION:
        session->special_transaction = true;
        return SESSION_ECHO_NONE;
    case SQL_SET_ROLE:
        session_note_setting(session, (struct slice){"role", 4}, summary->name, true);
        return SESSION_ECHO_NONE;
    case SQL_USE:
        session_note_database(session, summary->name);
        return SESSION_ECHO_NONE;
    case SQL_LOCK_TABLES:
        session->route.locked_tables = true;
        return end_transaction(session, SESSION_ECHO_COMMIT);
    case SQL_UNLOCK_TABLES:
        if (!session->route.locked_tables) {
            return SESSION_ECHO_NONE;
        }
        session->route.locked_tables = false;
        return end_transaction(session, SESSION_ECHO_COMMIT);
    case SQL_XA:
        return note_xa(session, summary->name);
    case SQL_CREATE_TEMPORARY:
        temporary_note_made(&session->route.temporaries, summary->table_count ? &summary->tables[0] : NULL,
                            session->route.database);
        return SESSION_ECHO_NONE;
    case SQL_DROP_TABLE:
        for (size_t i = 0; i < summary->table_count; i++) {
            temporary_note_dropped(&session->route.temporaries, &summary->tables[i], session->route.database);
        }
        return summary->temporary ? SESSION_ECHO_NONE : end_transaction(session, SESSION_ECHO_COMMIT);
    case SQL_IMPLICIT_COMMIT:
        if (summary->renames) {
            temporary_note_renamed(&session->route.temporaries);
        }
        return end_transaction(session, SESSION_ECHO_COMMIT);
    case SQL_OPAQUE:
    case SQL_UNKNOWN:
        session->main_touched = true;
        session_note_unseen(session);
        return SESSION_ECHO_NONE;
    default:
        session->main_touched = true;
        if (!session->route.in_transaction) {
            session->special_transaction = false; /* SET TRANSACTION was for this one statement */
        }
        return SESSION_ECHO_NONE;
    }
}

enum session_echo session_note_statement(struct session *session, const struct sql_summary *summary) {
    enum session_echo echo = note_one(session, summary);
    if (!summary->rest.length) {
        return echo;
    }
    /* Several statements in one text. Whether the later ones succeed is not known yet: their transaction
     * statements are taken in, and main is asked before anything is routed again. */
    struct sql_summary next = *summary;
    for (int i = 0; i < STATEMENTS_MAX && next.rest.length; i++) {
        struct slice rest = next.rest;
        sql_summarize(rest, session->route.modes, NULL, &next);
        if (next.verb != SQL_NOTHING) {
            enum session_echo later = note_one(session, &next);
            if (later != SESSION_ECHO_NONE) {
                echo = SESSION_ECHO_ROLLBACK; /* what was routed before is a miss at worst */
            }
        }
    }
    session_note_unseen(session);
    return echo;
}
