/* One call of the application's on its way to main: what comes before and behind each of them. */
#ifndef ROUNDABOUT_COMMAND_H
#define ROUNDABOUT_COMMAND_H

#include "handle.h"

#define EXPORT __attribute__((visibility("default")))
#define CALLER __builtin_extract_return_addr(__builtin_return_address(0))

/* The functions that this object defines in the libraries' stead. */
#define X(type, name, parameters) type name parameters;
REAL_FUNCTIONS(X)
#undef X

struct call {
    struct handle *handle;   /* NULL where the shim stands aside */
    const struct real *real; /* NULL: no client library is to be found */
    MYSQL *target; /* where the call goes: main, or the shadow that the application has not finished reading
                      from, so that the library itself says 2014 with all that goes with it */
};

/* False: the call goes straight to call->real with its own argument: an unknown handle, a passive one, or the
 * library calling itself. True: it goes to call->target, and command_end follows. */
bool command_begin(struct call *call, MYSQL *mysql, const void *caller);
/* The same, once its record has been looked up. */
bool command_begin_on(struct call *call, struct handle *handle, MYSQL *mysql, const void *caller);
void command_end(struct call *call, const struct command *command, bool succeeded);

/* For text that main has run: its summary is made here if it is not at hand (NULL). */
void command_end_text(struct call *call, struct slice text, const struct sql_summary *summary,
                      bool succeeded);

/* The session may follow from this statement: its text must be kept until its outcome is known. */
bool command_matters(const struct sql_summary *summary);

/* To MariaDB, which makes a new list of warnings for those that do, and for their preparing. */
bool command_uses_tables(const struct handle *handle, struct slice text, const struct sql_summary *summary);

/* The text's first word. */
bool command_begins_with(struct slice text, struct lex_modes modes, const char *upper_case_word);

/* Of a question about the lists of warnings and errors: for how many, with (*). */
bool command_counts_rows(struct slice text);

/* A text whose outcome comes with another call: kept if it matters. */
void command_keep_text(struct handle *handle, struct slice text, const struct sql_summary *summary);
/* ... and taken back when that call has come. */
void command_end_kept(struct call *call, bool succeeded);

/* Before a statement of the shim's on main: its insert_id, its number of warnings and what it has told of a
 * transaction are kept over that. */
void command_keep_answers(struct handle *handle);

/* After a failure that a shadow answers for: leaves an error on main as well, without a word on the wire. A
 * driver that clears the error by writing into its own handle is seen to do so then (mysql_errno). */
void command_plant_error(struct handle *handle);

/* Another call than the second half follows the first half of a routed statement: what it answered is given
 * up. */
void command_forget_answer(struct handle *handle);

/* The handle is connected, or about to be: notes main's socket, which is the one that was caught where the
 * library doesn't tell it. */
void command_note_socket(struct handle *handle, struct socket caught);

/* The library may have reconnected by itself inside a call: then the session is a new one, and true is
 * returned. */
bool command_note_reconnect(struct handle *handle);

/* Main's brand, also before it was asked. */
bool command_main_is_mariadb(const struct handle *handle);

/* Main is inside a result or has one to come. The exact test, without a byte on the wire; clears main's errno
 * and affected_rows, as the statement that is about to be sent does. */
bool command_main_is_busy(const struct handle *handle);

/* Main has answered what was sent to it then, and handle->timed was set. */
void command_note_main(struct handle *handle, uint64_t started_ns);

#endif
