/* One record per MYSQL* of the application, found by its address. A record belongs to its handle: the client
 * API lets one thread at a time use a handle, so only the map of records (map.h) is shared, and nothing in a
 * record is locked. */
#ifndef ROUNDABOUT_HANDLE_H
#define ROUNDABOUT_HANDLE_H

#include "descriptor.h"
#include "options.h"
#include "session.h"
#include "socket.h"
#include "snapshot.h"

struct local;
struct statement;

/* Room for one shadow of a handle and what is to be remembered while there is none. */
struct local_slot {
    struct local *local; /* NULL until needed, and after a loss */
    struct local
        *retired; /* the one lost before: the application may still hold pointers into it (mysql_error) */
    int64_t retry_at_ms; /* this handle may not use the local master before (monotonic clock); 0: it may */
    enum route_reason refusal; /* why, while retry_at_ms is set */
    bool transaction_lost; /* the shadow was lost in the open transaction: what is left of it goes to main */
};

/* What a command that was sent to main means for the session, once it has succeeded. */
enum command_kind {
    COMMAND_PLAIN,   /* nothing */
    COMMAND_TOUCHES, /* main may be in a transaction now */
    COMMAND_COMMIT,
    COMMAND_ROLLBACK,
    COMMAND_AUTOCOMMIT,
    COMMAND_SELECT_DB,
    COMMAND_CHARSET,
    COMMAND_CHANGE_USER,
    COMMAND_RESET,
    COMMAND_NEXT_RESULT,
    COMMAND_SESSION_LOST, /* reconnect by the application's own wish */
};

struct command {
    enum command_kind kind;
    bool flag;        /* COMMAND_AUTOCOMMIT: on */
    bool keeps_count; /* COMMAND_PLAIN: it leaves ROW_COUNT() as it is */
    bool keeps_id;    /* COMMAND_PLAIN: it isn't answered by an OK packet, from which Oracle's library takes
                         insert_id */
    const char *text; /* COMMAND_SELECT_DB, COMMAND_CHARSET: the name; COMMAND_CHANGE_USER: the database. The
                         caller's, read before it returns */
    const char *user; /* COMMAND_CHANGE_USER */
    const char *password;
};

/* Who the application is on main. Strings are NULL where it gave none: then the library finds its own, as it
 * does for main. Both are in the memory of the first that isn't NULL. */
struct credentials {
    char *user;
    char *password;
    unsigned long flags;
};

/* Copies; what was there is wiped. False: out of memory, and both are NULL. */
bool credentials_set(struct credentials *credentials, const char *user, const char *password);

/* What only a handle needs that routes. */
struct routing {
    struct local_slot slots[2];  /* by enum config_transactions: FOLLOW, IMMEDIATE */
    struct descriptor_loan loan; /* main's descriptor, lent while `answered` */
    MYSQL *answered_by;          /* the shadow that has `answered` */
    int sent_result;             /* ... with this */
    char *repeatable; /* the last routed text that gave rows; its length is 0 when it can't be asked again */
    size_t repeatable_length;
    size_t repeatable_size;
    char *restated; /* what main was given in the place of the application's text (question.c) */
    size_t restated_length;
    struct slice restated_from; /* that text; empty: the last one was given as it is */
    struct local *
        refused_by; /* the shadow that has just refused a statement which main runs now, if `cause` says so */
    uint64_t main_least_ns; /* the shortest time that main has taken to answer here; 0: not seen */
    unsigned kept_field_count;
    int64_t kept_row_count;
};

/* Most handles of a busy program never route: this is what they take, so members are in an order that leaves
 * few gaps, with those that each statement looks at first. */
struct handle {
    MYSQL *main;
    const struct real *real;
    bool passive; /* the shim has no business here: all calls pass straight on (a shadow's own handle, a
                     replication stream, a server that isn't looked at, a shim that is switched off) */
    bool shadow;  /* the handle is a shadow's own: passive for good */
    bool busy;    /* the library is inside a call on this handle: calls that it makes itself pass straight on.
                     Left set when the    application jumps out of a call (longjmp): then the handle passes all
                     until it connects again */
    bool sent;    /* mysql_send_query without its mysql_read_query_result yet */
    bool answered;         /* the statement sent by mysql_send_query was routed and has its answer */
    bool timed;            /* main's next answer is timed */
    bool query_attributes; /* mysql_bind_param: they are taken up by the next statement on main */
    bool planted;     /* an error was planted on main, so that the application's clearing of it can be seen */
    bool main_marked; /* a savepoint of the shim's is in main's transaction: it goes when that ends */
    bool main_tallied; /* a command has set ROW_COUNT() on main behind it, as a ping does */
    bool untold; /* a statement has failed on main: it may have begun a transaction, which main's next answer
                    tells */
    bool credentials_unknown; /* they were in a connection string or can't be copied */
    bool hushed; /* the shim has asked main since the application was answered: what main's status bits say
                    now of a transaction, one server would tell with its next answer only */
    bool hushed_inside;      /* ... and before that they said this */
    bool fields_kept;        /* mysql_field_count is routing->kept_field_count */
    bool sent_names_tables;  /* the text of which sent_verb is names tables, or wasn't understood */
    _Atomic bool cancelled;  /* mariadb_cancel came while `running` was set */
    unsigned char aside;     /* enum route_reason: why a passive handle is left alone, for the counters; 0: it
                                isn't counted */
    unsigned char cause;     /* enum page_cause: why the last statement that was to be routed couldn't be */
    unsigned char sent_verb; /* enum sql_verb: of the text whose outcome comes with another call, also where
                                it isn't kept */
    unsigned kept_warning_count;
    unsigned long thread_id; /* main's; another one after a call means that the library has reconnected */
    struct routing *routing; /* NULL until the first statement that may be routed */
    struct local *streaming; /* a shadow from which the application may not have read everything */
    MYSQL *last;             /* who answers for the last call: main or a shadow */
    MYSQL *failed;           /* whose error it is, where a call has changed nothing else; NULL: last's */
    MYSQL *spoke;            /* who ran the last statement: for ROW_COUNT() and mysql_field_count. NULL:
                                routing->kept_row_count */
    MYSQL *ok; /* whose insert_id it is: who ended a statement in an OK packet last. NULL: kept_insert_id */
    MYSQL *counted; /* whose warning_count it is: who ran the last statement that succeeded. NULL:
                       kept_warning_count */
    MYSQL *warned;  /* whose list SHOW WARNINGS shows: who ran the last statement that made one, if an empty
                       one */
    MYSQL *found;   /* whose FOUND_ROWS() it is: who ran the last SELECT. NULL: kept_found_rows */
    MYSQL *pending; /* a shadow whose result has not been asked for with store_result or use_result yet */
    struct page_observed *observed; /* main's next answer is timed as a use of this table, or NULL */
    struct sent_text *sent_text; /* whose outcome comes with another call, if the session depends on it; else
                                    NULL */
    uint64_t sent_written;       /* the groups that it writes on main, if it succeeds, counted by ... */
    const struct config *sent_by;
    struct variables *variables; /* filled at the local master, not yet on main (variables.c); else NULL */
    struct session session;
    uint64_t sent_ns; /* when the first half of a statement that is timed was sent to main; else 0 */
    _Atomic(MYSQL *)
        running; /* the shadow that a statement is running on now: mariadb_cancel comes from another thread */
    uint64_t kept_insert_id;
    uint64_t kept_found_rows;
    struct socket socket; /* main's, as of its last connect */
    struct server server; /* which one main is; server.identity 0: not known yet */
    struct option *options;
    struct credentials credentials;
    struct async_call *async;     /* a non-blocking call under way (intercept_async.c); else NULL */
    struct statement *statements; /* prepared on this handle */
};
_Static_assert(ROUTE_REASON_COUNT <= 256 && PAGE_CAUSE_COUNT <= 256 && SQL_UNKNOWN < 256,
               "each fits into a byte");

static inline void handle_note_spoke(struct handle *handle, MYSQL *mysql) {
    handle->spoke = mysql;
    handle->fields_kept = false;
}

static inline void handle_note_last(struct handle *handle, MYSQL *last) {
    handle->last = last;
    handle->failed = NULL;
}

/* A call that was `asked` of one connection has set or cleared its error, and left all else of the last call
 * as it was. */
static inline void handle_note_error(struct handle *handle, MYSQL *asked) {
    handle->failed = asked != handle->last ? asked : NULL;
}

static inline MYSQL *handle_failing(const struct handle *handle) {
    return handle->failed ? handle->failed : handle->last;
}

/* The part of a handle that routes, made where there is none yet. NULL: out of memory. */
struct routing *handle_make_routing(struct handle *handle);

/* NULL: there is none. */
static inline struct local *handle_shadow(const struct handle *handle,
                                          enum config_transactions transactions) {
    return handle->routing ? handle->routing->slots[transactions].local : NULL;
}

/* The record of a handle; NULL: there is none. */
struct handle *handle_find(const MYSQL *mysql);

/* Makes the record for a handle that `real` has just initialised; throws away what stood at the address.
 * NULL: out of memory, and the handle is unknown from then on. */
struct handle *handle_add(MYSQL *mysql, const struct real *real);
void handle_remove(struct handle *handle); /* takes it out of the map; the caller goes on to close what is
                                              open, and to handle_free */
void handle_free(struct handle *handle);

/* The connection id, at the local master, of the shadow that a statement of the handle with this id on main
 * is running on now; 0: none is. */
unsigned long handle_shadow_running(const struct real *real, unsigned long thread_id);

/* Calls `visit` for each record of a library; none may be added or removed meanwhile by another thread. */
void handle_visit(const struct real *real, void (*visit)(struct handle *handle));

/* A prepared statement (prepared.h), met without its handle. */
struct statement *statement_add(MYSQL_STMT *stmt, struct handle *handle,
                                const struct real *real); /* NULL: out of memory */
struct statement *statement_find(const MYSQL_STMT *stmt); /* NULL: there is none */
/* Takes it out of the map and out of its handle's list; prepared_free follows. */
void statement_remove(struct statement *statement);

/* Results whose origin matters later: unbuffered ones of a shadow, and all of them where two client libraries
 * are in use. */
bool result_add(MYSQL_RES *result, const struct real *real, struct local *local);
bool result_find(const MYSQL_RES *result, const struct real **real,
                 struct local **local); /* false: not remembered */
void result_remove(const MYSQL_RES *result);

#endif
