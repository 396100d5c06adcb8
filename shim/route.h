/* Where a statement belongs, and why. Pure: a summary, what is known of the session and the configuration in,
 * a reason out. */
#ifndef ROUNDABOUT_ROUTE_H
#define ROUNDABOUT_ROUTE_H

#include "../config/config.h"
#include "sql.h"

/* The closed list of reasons, in the words that explain, the logs and the manual use. name, sentence. */
#define ROUTE_REASONS(X)                                                                                  \
    X(ROUTED, routed, "sent to the local master")                                                         \
    X(NOT_A_CACHE_VERB, not_a_cache_verb, "its verb isn't listed for these tables")                       \
    X(NO_CACHE_TABLE, no_cache_table, "it names no cache table")                                          \
    X(OTHER_TABLE, other_table, "it names a table that is no cache table, or tables of two groups")       \
    X(MULTI_STATEMENT, multi_statement, "a second statement follows the first")                           \
    X(EXECUTABLE_COMMENT, executable_comment,                                                             \
      "a version comment or a variable-setting hint is code on some servers")                             \
    X(USER_VARIABLE, user_variable, "it reads or sets a user variable")                                   \
    X(SYSTEM_VARIABLE, system_variable, "it reads a system variable")                                     \
    X(UNSAFE_FUNCTION, unsafe_function, "it calls a function outside the list of pure ones")              \
    X(LOCKING_READ, locking_read, "it locks what it reads")                                               \
    X(INTO, into, "SELECT ... INTO leaves its result in the session or on that server's disk")            \
    X(FOUND_ROWS, found_rows, "SQL_CALC_FOUND_ROWS leaves a count in the session")                        \
    X(QUERY_ATTRIBUTES, query_attributes, "query attributes are set on the application's connection")     \
    X(TEMPORARY_TABLE, temporary_table, "a temporary table of the session hides the cache table")         \
    X(LOCKED_TABLES, locked_tables, "the session holds LOCK TABLES")                                      \
    X(IN_TRANSACTION, in_transaction, "a transaction is open and this group's statements don't leave it") \
    X(XA, xa, "an XA transaction is open")                                                                \
    X(CHARSET, charset, "its bytes can't be read safely in the session's character set")                  \
    X(SESSION_UNKNOWN, session_unknown,                                                                   \
      "the session's state isn't known or can't be had at the local master")                              \
    X(TOO_LONG, too_long, "longer than one of the two servers accepts")                                   \
    X(NOT_UNDERSTOOD, not_understood, "outside the grammar that is known here")                           \
    X(MAIN_BUSY, main_busy, "the application has not finished reading from main")                         \
    X(SAME_SERVER, same_server, "the application is connected to the local master already")               \
    X(OTHER_SERVER, other_server, "the application's server isn't in the `main` list")                    \
    X(OTHER_CALL, other_call, "sent by a call of the client library that isn't routed")                   \
    X(LOCAL_DOWN, local_down, "the local master can't be used")                                           \
    X(OBSERVE, observe, "would be routed; the group is only observed")                                    \
    X(DISABLED, disabled, "the shim or the group is switched off")

enum route_reason {
#define X(value, name, sentence) ROUTE_##value,
    ROUTE_REASONS(X)
#undef X
        ROUTE_REASON_COUNT
};

const char *route_reason_name(enum route_reason reason);     /* "routed", "no_cache_table", ... */
const char *route_reason_sentence(enum route_reason reason); /* for people */

/* What the decision depends on of the session. All zero: nothing is known yet. */
struct route_session {
    bool known;      /* main has been asked; false: database, modes and case rule below are assumptions */
    bool unmirrored; /* a setting of main's session can't be had at the local master */
    struct slice database; /* the default database; length 0: none. Meaningful when database_known or known */
    bool database_known;
    struct lex_modes modes;
    bool fold_case; /* lower_case_table_names != 0: database and table names compare without regard to case
                       (ASCII; others: no match) */
    bool in_transaction; /* autocommit is off, or a transaction was begun */
    bool xa;
    bool locked_tables;
    bool query_attributes;
    bool prepared;       /* the text is a prepared statement's: a ? in it stands for a value */
    bool many_temporary; /* too many to remember: each cache table may be hidden */
    size_t temporary_count;
    const struct sql_table *temporary; /* temporary tables made in this session, database filled in */
    size_t longest;                    /* bytes that both servers accept; 0: not known yet */
};

struct route_decision {
    enum route_reason reason;
    const struct config_group *group; /* NULL unless all tables are of this group */
};

/* Decides over one statement. The reason is the first that holds: the verb is listed nowhere; its tables (a
 * statement that names none, and wasn't understood as one that does, has the reason of its text instead); the
 * group is off; the verb isn't listed for the group, or SELECT isn't where one is inside; what its text says,
 * as in the list from multi_statement on, then charset and not_understood; what the session says, from
 * query_attributes on; unmirrored settings; its length; the group is only observed. It has `length` bytes.
 * ROUTE_SESSION_UNKNOWN with session->known false means: ask main (its answer may settle it) and decide
 * again; it is returned only if some answer could lead to ROUTE_ROUTED. */
struct route_decision route_decide(const struct sql_summary *summary, size_t length,
                                   const struct route_session *session, const struct config *config);

/* The cheap way for text that is sent: summarises with a filter made of the configuration, under the
 * session's modes, and decides. While the session isn't known and the modes matter, all modes are tried. The
 * summary is good for what follows the decision (session effects). */
struct route_decision route_text(struct slice text, const struct route_session *session,
                                 const struct config *config, struct sql_summary *summary);

/* The group that a table belongs to, or NULL. */
const struct config_group *route_find_group(const struct config *config, const struct route_session *session,
                                            const struct sql_table *table);

#endif
