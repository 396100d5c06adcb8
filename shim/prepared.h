/* A prepared statement. The application holds main's MYSQL_STMT; one that may be routed has a twin on the
 * shadow. Where it runs is decided anew at each execute: the side that it runs on is prepared then if it
 * isn't yet, and is given the attributes, binds and long data that the application has set. All questions go
 * to the side that answered last. One thread at a time, as for its handle. */
#ifndef ROUNDABOUT_PREPARED_H
#define ROUNDABOUT_PREPARED_H

#include "exposed.h"
#include "handle.h"
#include "verdict.h"

struct local;

/* A copy of an array of MYSQL_BINDs, as the application gave it. */
struct binds {
    char *copy;
    size_t count;
    unsigned version; /* 0: none were given for this text */
};

/* What one of the two has of all that the application has set. */
struct side {
    bool prepared;
    bool stale; /* long data lies there that doesn't count any more */
    unsigned params;
    unsigned results; /* versions of the binds */
    size_t pieces;    /* of the long data for the next execute */
};

/* A statement that waits to be closed. */
struct closing {
    struct closing *next;
    MYSQL_STMT *stmt;
};

enum { ATTRIBUTES_MAX = 8, LONG_DATA_MAX = 1 << 20 /* bytes kept; a statement with more runs on main */ };

struct attribute {
    int number;
    bool given;                            /* else the program's pointer was NULL */
    _Alignas(unsigned long) char value[8]; /* the longest that an attribute has */
};

struct statement {
    MYSQL_STMT *stmt;
    struct handle *handle; /* NULL: the handle was closed first */
    const struct real *real;
    struct statement *next; /* of the same handle */
    bool inside;            /* the library is inside a call on `stmt`: those that it makes itself pass */
    bool known;             /* the struct behind it is the one of exposed.h */
    unsigned error; /* the shim's own answer to the last call: CLIENT_COMMANDS_OUT_OF_SYNC, since a routed
                       result was pending, or CLIENT_SERVER_LOST; 0: the library's */

    char *text; /* of one that may be routed or that changes the session; else NULL */
    size_t length;
    enum page_verb verb;       /* of the text, and what became of it when it was prepared: for the counters, where */
    enum route_reason reason;  /* no execution can change it */
    bool makes_list;           /* its preparing leaves an empty list of warnings */
    bool effects; /* it may change the session: taken in when main has executed it */
    bool unseen;  /* ... and there was no memory for its text */
    uint64_t written; /* the groups that it writes, counted by this configuration (route_find_written) */
    const struct config *written_by;

    struct attribute attributes[ATTRIBUTES_MAX];
    size_t attribute_count;
    struct binds params;
    struct binds results;
    struct piece *pieces; /* long data for the next execute, oldest first */
    size_t piece_count;
    size_t piece_bytes;

    struct sql_summary *summary; /* of one that may be routed, of `text`; NULL: it is main's for good */
    char *database;              /* the default one when it was prepared: its names mean tables there */
    unsigned version;            /* the session's, likewise */
    bool over;                   /* its session has ended, and the statement with it: the library says so */
    bool ended;                  /* ... and never was prepared on main: the library may not know */
    bool at_twin;                /* the twin answers */
    bool foreign;                /* the twin's connection is another process's, or its descriptor is */
    MYSQL_STMT *twin;            /* NULL: there is none */
    struct local *local;         /* where the twin is; NULL: that connection is gone */
    bool lost_unseen;            /* ... without a call on this statement that has failed for it */
    struct local
        *lost; /* ... and this is what is left of it: Connector/C looks at its struct for stored rows */
    struct closing *old;         /* twins on connections that were lost: their metadata may be in use */
    size_t old_count;
    bool knows_id; /* insert_id is set: at its last execute the library took the connection's of that moment,
                    */
    uint64_t insert_id; /* and that may be one of the other side's */
    bool used;          /* it was prepared before */
    bool numbered;      /* some time since it was made: Connector/C keeps its number at the server */
    bool numbered_on_main; /* ... and main's statement has one as well */
    bool left_out; /* long data was refused amid unread rows: the library leaves that parameter out of the
                      twin's next execute, which the server calls malformed */
    bool cursor_open; /* its rows are still at the server: to fetch them is a command */
    bool clean;    /* the connection had no error before this execute */
    bool emptied; /* the shim has refused to execute it: its rows are gone, as the library gives them up first
                   */
    struct exposed own; /* what stmt shows by itself, while `lent` */
    bool lent;
    struct side at_main;
    struct side at_local;
};

/* The side that answers is prepared. */
bool prepared_is_ready(const struct statement *statement);

/* The statement that the application's call is for: stmt or its twin. `statement` may be NULL. */
MYSQL_STMT *prepared_answering(struct statement *statement, MYSQL_STMT *stmt);
/* The one that says what went wrong: stmt where the library has closed it with its session. */
MYSQL_STMT *prepared_failing(struct statement *statement, MYSQL_STMT *stmt);

/* Before another text is prepared: forgets the last one, and all that was bound to it. Closes the twin. */
void prepared_clear(struct statement *statement);

/* Frees it, after statement_remove; `stmt` itself is left to the caller. */
void prepared_free(struct statement *statement);

/* Keeps the text of one whose execution the session may follow from. */
void prepared_keep_effects(struct statement *statement, struct slice text);

/* Keeps the text of one that may be routed, and how its session was. False: out of memory. */
bool prepared_keep_plan(struct statement *statement, struct slice text);

/* It is main's for good, until another text is prepared. */
void prepared_forget_plan(struct statement *statement);

/* Prepares the twin there, if it isn't yet, and with `execute` gives it all that was bound and executes it.
 * *result is the library's value. VERDICT_APPLICATION: this is the answer, be it an error. */
enum verdict prepared_say(struct statement *statement, struct local *local, bool execute, int *result);

/* Makes main's statement ready for an execute: prepares it if it isn't, gives it all that was bound. 0, or
 * what the library said; its error is on stmt. The handle must be busy. */
int prepared_ready_main(struct statement *statement);

/* Its next row must be asked for: a command of its connection's. */
bool prepared_asks_for_rows(const struct statement *statement);

/* Where it is used from here on: the other side's share of the long data doesn't count any more. */
void prepared_note_executed(struct statement *statement, bool at_twin);

/* Runs on main for good, until another text is prepared. False: it could not be prepared there. */
bool prepared_settle_on_main(struct statement *statement);

/* What stmt shows of itself is the twin's, if that answers. After each call that may have changed it there.
 */
void prepared_expose(struct statement *statement);
/* ... and its own: before each call on stmt itself. */
void prepared_hide(struct statement *statement);

/* The application's array was taken by the side that answers. */
void prepared_note_binds(struct statement *statement, struct binds *binds, const MYSQL_BIND *array,
                         size_t count);
/* Buffers that a program has written into its statement itself. */
void prepared_read_binds(struct statement *statement);
/* False: one that a twin can't have. */
bool prepared_note_attribute(struct statement *statement, int number, const void *value);
bool prepared_bind(struct statement *statement, MYSQL_STMT *stmt, struct side *side);
void prepared_set_attributes(const struct statement *statement, MYSQL_STMT *twin);
size_t prepared_prebound(const struct statement *statement); /* STMT_ATTR_PREBIND_PARAMS */
bool prepared_has_cursor(const struct statement *statement);

/* Long data that was sent to the side that answers. False: it can't be kept. */
bool prepared_note_long_data(struct statement *statement, unsigned number, const char *data,
                             unsigned long length);
bool prepared_has_room(const struct statement *statement, unsigned long length);
void prepared_drop_long_data(struct statement *statement);

/* The shim has answered an execute: commands out of sync. */
void prepared_note_refused(struct statement *statement);

/* Rows of its own that wait on the shadow are given up, as the library gives up a statement's own rows when
 * it is used again. */
void prepared_drop_rows(struct statement *statement);

/* ... if there are any. */
bool prepared_has_rows(const struct statement *statement);

/* The rows that wait on this shadow are another's. */
bool prepared_is_in_the_way(const struct statement *statement);

/* A shadow is lost. Oracle's library has left an error on its twins, which no call of the application's on
 * them has met yet. */
void prepared_note_loss(struct handle *handle, const struct local *local);

/* A shadow that was lost goes: what is left of it stays for twins that answer. */
void prepared_hold_local(struct handle *handle, struct local *local);

/* A shadow goes, with the twins that are on it. `abandoned`: not a byte may be written on it. */
void prepared_forget_local(struct handle *handle, const struct local *local, bool abandoned);

/* Main's session has become another one: the library knows the handle's statements no more. */
void prepared_end_session(struct handle *handle);

/* Closes the twins that were closed while another's rows waited on the shadow. */
void prepared_close_waiting(struct local *local);

#endif
