/* What the shim knows of the session that an application has on main, and the rules by which it learns it:
 * from statements that main has run, from API calls, from main's own report. Pure: no connection, no clock,
 * no lock; memory of its own for names and settings. When memory is short the session becomes `unmirrored`,
 * which makes its statements pass. One thread at a time, as the client API demands of a handle. */
#ifndef ROUNDABOUT_SESSION_H
#define ROUNDABOUT_SESSION_H

#include "route.h"

/* One thing that SET has set, to be set at the local master as well. */
struct session_setting {
    char *name; /* lower case: a variable, or "names", "character set", "role", "transaction" */
    char *text; /* fit to stand behind SET; NULL: only main knows the value, ask it */
    bool alone; /* can't share a SET statement with others */
    unsigned
        version; /* session.version when it was set; orders the settings and tells what a connection lacks */
};

/* What the shadow's own transaction must do because of what main has just done. */
enum session_echo {
    SESSION_ECHO_NONE,
    SESSION_ECHO_COMMIT,
    SESSION_ECHO_ROLLBACK,
    SESSION_ECHO_REPEAT, /* run the same text: savepoints */
};

/* What a COMMIT or ROLLBACK that doesn't say it does beside: the variable completion_type. */
enum session_completion { SESSION_ENDS, SESSION_CHAINS, SESSION_RELEASES, SESSION_COMPLETION_UNKNOWN };

struct session {
    struct route_session route; /* what route_decide reads; its slices point into this struct's memory */
    char *database;
    unsigned database_version;
    unsigned version; /* grows with each change of a setting or of the database */
    unsigned char completion; /* enum session_completion */
    bool autocommit; /* main's; true until known otherwise */
    bool begun;      /* BEGIN or START TRANSACTION is in force */
    bool begun_read_only;
    bool begun_snapshot;      /* WITH CONSISTENT SNAPSHOT */
    bool special_transaction; /* SET TRANSACTION was said for the next or the open one: not mirrored, so
                                 nothing is routed meanwhile */
    bool modes_outlast_begin; /* MySQL: BEGIN inside a READ ONLY transaction begins another such */
    bool doubt;  /* code that wasn't seen may have begun or ended a transaction: main's status bits must be
                    asked */
    bool opaque; /* ... and how, as well */
    bool reported; /* main's server has reported the open transaction: for a library that doesn't show the
                      status bits */
    bool inside; /* main was in a transaction when such code began, as its status said */
    bool main_touched; /* main has run something since its last transaction ended that may belong to one */
    bool wrote_unasked; /* main has written something before it was ever asked: if it says then that autocommit
                           is off, and wasn't told so, that is taken for a write to every group */
    bool autocommit_default; /* what SET autocommit = DEFAULT makes of it, as main told with its settings */
    bool autocommit_default_known;
    bool rollback_on_timeout; /* innodb_rollback_on_timeout: error 1205 undoes the transaction, not just the
                                 statement */
    unsigned setting_count;
    unsigned savepoint_count;
    struct session_setting *settings; /* in the order of their versions */
    char **savepoints;                /* their names as written, oldest first */
};

/* As after a connect: nothing known, nothing set; frees what was held. The database is NULL or the one named
 * at the connect. */
void session_reset(struct session *session, const char *database);
void session_free(struct session *session);

/* Main has run a text with success: `summary` is of its first statement; those that follow it are taken in as
 * well. */
enum session_echo session_note_statement(struct session *session, const struct sql_summary *summary);

/* Code has run on main that wasn't seen, or not each of its outcomes. */
void session_note_unseen(struct session *session);

/* Main has refused a statement with this error: some undo the whole transaction. */
enum session_echo session_note_error(struct session *session, unsigned error);

enum session_echo session_note_autocommit(struct session *session, bool on);   /* as main has told it */
enum session_echo session_switch_autocommit(struct session *session, bool on); /* by the application */
/* The transaction is over, for whatever cause. */
enum session_echo session_note_end(struct session *session, bool committed);

/* mysql_commit, mysql_rollback: the statements of that name, in the session's way. */
enum session_echo session_note_api_end(struct session *session, bool committed);

/* A value of completion_type as main gives it or a text sets it. */
void session_note_completion(struct session *session, struct slice value);
void session_note_database(struct session *session, struct slice database);
void session_note_charset(struct session *session, const char *name); /* mysql_set_character_set */
/* A setting by name and text behind SET; text NULL: ask main. */
void session_note_setting(struct session *session, struct slice name, struct slice text, bool alone);

void session_drop_setting(struct session *session, const char *lower_case_name);

/* Something happened that may have changed any setting: ask main again before the next routed statement. */
void session_forget_settings(struct session *session);

/* Main has written, or may have, tables of these groups, as route_find_written counts them by this
 * configuration. Forgotten when the transaction ends; in autocommit there is nothing to remember. */
void session_note_written(struct session *session, uint64_t groups, const struct config *config);

/* Main was asked, and all of its answer noted. */
void session_note_known(struct session *session);

/* Main is in autocommit outside of a transaction, for sure. */
static inline bool session_is_outside(const struct session *session) {
    return !session->route.in_transaction && session->route.known && !session->doubt;
}

/* The status bits of main's latest OK packet. Settles `doubt`. */
enum session_echo session_note_status(struct session *session, bool in_transaction, bool autocommit);

#endif
