/* What the files of the interception share: the way of a text, for every call that can send one. */
#ifndef ROUNDABOUT_INTERCEPT_H
#define ROUNDABOUT_INTERCEPT_H

#include "command.h"

struct local;

/* Decides over a text and, if it is routed, runs it: true, and *result is what the library's function
 * returned on the shadow, or on main if that was lost when it was asked for its session. False: the text is
 * main's; summary then says what it is. Nothing of main's or the shadow's may be unread. `judged`: what
 * query_may_route has just said of it, together with the summary; NULL: it wasn't asked. */
bool query_route(struct handle *handle, struct slice text, struct sql_summary *summary,
                 const struct route_decision *judged, int *result);

/* A shadow has answered a text: whose answers the accessors give from now on, and whose rows are to be read.
 */
void query_end_routed(struct handle *handle, struct local *local, struct slice text, int result);

/* A first look, which asks nobody: whether query_route may come to true for this text; *decision says why
 * not. Counts nothing. */
bool query_may_route(struct handle *handle, struct slice text, struct sql_summary *summary,
                     struct route_decision *decision);

/* One statement, once it is known where it went. ns: what it took there, if it was routed; else 0, and
 * handle->timed says whether main's answer is to be timed. */
void query_count(struct handle *handle, struct route_decision decision, const struct sql_summary *summary,
                 uint64_t ns);

/* Observe mode: counts the use that a text makes of its tables. False: it isn't observed. */
bool query_observe(struct handle *handle, struct slice text, const struct route_decision *decision);

/* A text that passes straight on because its handle is left alone (NULL: nothing is counted). */
void query_count_aside(const struct handle *handle);

/* One line in the log, where it is wanted: why this statement went where it did. */
void query_note_reason(const struct sql_summary *summary, enum route_reason reason);

/* Ends a transaction that main has no part in at the shadow alone. False: main must be told. */
bool query_end_alone(struct handle *handle, bool commit);

/* Main has killed the connection or statement with this id. */
void query_follow_kill(struct handle *handle, unsigned long thread_id);

/* The text as the library will read it; false: of a length that is never routed. */
bool query_text_to_route(const struct handle *handle, const char *text, unsigned long length,
                         struct slice *slice);

/* A text on its way to be sent. */
struct sending {
    int result; /* set where it was not main's */
    struct sql_summary summary;
};

/* The first half of a routed statement: runs it to its end, on the server at this site, and has main's
 * descriptor say that the answer is there; or main was lost when it was asked for its session:
 * sending->result is what the library's function returns. False: it is main's. */
bool query_send_routed(struct handle *handle, const char *text, unsigned long length,
                       struct sending *sending);
/* The second half. False: it is main's, or there was no first one. */
bool query_read_answer(struct handle *handle, my_bool *failed);

/* Before and behind the sending half of a statement on main: what is to be sent. `sending`: as the above left
 * it for the same text, with nothing done on the handle since. */
struct slice query_begin_send(struct call *call, const char *text, unsigned long length,
                              const struct sending *sending);
void query_end_send(struct call *call, bool succeeded);

/* Decides over a text that the application prepares, and keeps of it what is needed later. True: the
 * statement's twin is prepared, and main's needn't be; or statement->error says why neither can be. */
bool query_prepare(struct handle *handle, struct statement *statement, struct slice text);

/* True: it ran at the local master and *result is the library's value, or statement->error says why it
 * couldn't anywhere. False: main's statement is to be made ready (prepared_ready_main), and executed. */
bool query_execute(struct handle *handle, struct statement *statement, int *result);
bool query_execute_direct(struct handle *handle, struct statement *statement, struct slice text, int *result);

/* A statement whose long data was refused amid its own rows is executed: at once where it is, as the library
 * does what belongs to that before it gives up the rows. They have kept the session from changing since.
 * False: it isn't one, or the shadow was lost. */
bool query_execute_left_out(struct handle *handle, struct statement *statement, int *result);

/* A statement takes the connection's insert_id when it is executed, which is an older one where it has no OK
 * packet of its own; in Connector/C also when it is reset or prepared again. */
void query_note_id(const struct handle *handle, struct statement *statement);
void query_note_prepared(const struct handle *handle, struct statement *statement, bool succeeded);

/* Oracle's library takes the number of fields from a prepare as well. */
void query_note_fields(struct handle *handle, MYSQL *prepared_by);

/* Before and behind a call that makes a prepared statement speak to main. True: watched; then, unless
 * statement->error says that the shim has answered for the library, the call is made and statement_end
 * follows. */
bool statement_begin(struct call *call, struct statement **statement, MYSQL_STMT *stmt, const void *caller);
void statement_end(struct call *call, struct statement *statement, bool executed, bool succeeded);

/* The application prepares another text, or executes what it has prepared: true: done, with *result. False:
 * it is to be done on main, whose statement is ready for it - or *result says that it could not be made so.
 */
bool statement_prepare(struct call *call, struct statement *statement, const char *text,
                       unsigned long length);
bool statement_execute(struct call *call, struct statement *statement, int *result);
bool statement_execute_direct(struct call *call, struct statement *statement, const char *text, size_t length,
                              int *result);

/* ... and before all that: true: it had to be done at once, with *result. Else its own rows are given up. */
bool statement_execute_early(struct statement *statement, int *result);

/* A call on it was a command of the connection that answers for it. */
void statement_note_spoken(struct statement *statement);

/* A call on it has set or cleared the error of the connection that answers for it, and left all else. */
void statement_note_error(struct handle *handle, const struct statement *statement);

/* The library's own functions where the shim has nothing to do with a statement. */
const struct real *statement_real(const struct statement *statement, const void *caller);

#endif
