/* The closed lists that counters are kept by, in the words that explain, stats, the metrics and the manual
 * use. A new row anywhere makes another layout (page_layout). */
#ifndef ROUNDABOUT_NAMES_H
#define ROUNDABOUT_NAMES_H

/* Why a statement went where it went. value, name, sentence. */
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
    X(IN_TRANSACTION, in_transaction, "a transaction is open: this group passes, or main has written it") \
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
    X(STALE, stale, "the local master is further behind another site than max_stale_ms allows")           \
    X(OBSERVE, observe, "would be routed; the group is only observed")                                    \
    X(DISABLED, disabled, "the shim or the group is switched off")

enum route_reason {
#define X(value, name, sentence) ROUTE_##value,
    ROUTE_REASONS(X)
#undef X
        ROUTE_REASON_COUNT
};

/* The verbs that are told apart. */
#define PAGE_VERBS(X)   \
    X(SELECT, select)   \
    X(REPLACE, replace) \
    X(INSERT, insert)   \
    X(UPDATE, update)   \
    X(DELETE, delete)   \
    X(OTHER, other)     \
    X(UNREAD, unread) /* it was never looked at: a connection that is left alone, a prepared statement */

enum page_verb {
#define X(value, name) PAGE_##value,
    PAGE_VERBS(X)
#undef X
        PAGE_VERB_COUNT
};

/* Why a statement that was to be routed ran on main after all. value, name, sentence. */
#define PAGE_CAUSES(X)                                                                                \
    X(BREAKER_OPEN, breaker_open, "the local master is known to be down, and wasn't tried")           \
    X(CONNECT_FAILED, connect_failed, "the local master couldn't be reached")                         \
    X(CONNECT_REFUSED, connect_refused, "the local master took no connection of this kind")           \
    X(LOST, lost, "the connection was lost in the statement")                                         \
    X(TIMED_OUT, timed_out, "no answer came within read_timeout_s")                                   \
    X(REFUSED, refused, "the local master refused the statement: rights, a missing table, read only") \
    X(OUT_OF_STEP, out_of_step, "the session's settings couldn't be had there")                       \
    X(TRANSACTION_LOST, transaction_lost, "the shadow was lost earlier in the same transaction")      \
    X(OTHER_CAUSE, other, "no memory, too long, the same server as main")

enum page_cause {
#define X(value, name, sentence) PAGE_CAUSE_##value,
    PAGE_CAUSES(X)
#undef X
        PAGE_CAUSE_COUNT
};

/* What happened beside statements. */
#define PAGE_EVENTS(X)                  \
    X(SHADOW_OPENED, shadow_opened)     \
    X(SHADOW_LOST, shadow_lost)         \
    X(BREAKER_OPENED, breaker_opened)   \
    X(BREAKER_PROBED, breaker_probed)   \
    X(BREAKER_CLOSED, breaker_closed)   \
    X(CONFIG_RELOADED, config_reloaded) \
    X(CONFIG_REFUSED, config_refused)

enum page_event {
#define X(value, name) PAGE_EVENT_##value,
    PAGE_EVENTS(X)
#undef X
        PAGE_EVENT_COUNT
};

/* How a table is used, as observe mode sees it. value, name, sentence. */
#define PAGE_USES(X)                                                                                       \
    X(READ_BY_KEY, read_by_key, "SELECT of this table alone, WHERE nothing but column = value, ANDed")     \
    X(READ_OTHERWISE, read_otherwise, "SELECT of this table alone by anything else")                       \
    X(REPLACED, replaced, "REPLACE")                                                                       \
    X(UPSERTED, upserted, "INSERT ... ON DUPLICATE KEY UPDATE")                                            \
    X(INSERTED, inserted, "plain INSERT")                                                                  \
    X(UPDATED_BY_KEY, updated_by_key, "UPDATE WHERE nothing but column = value, ANDed")                    \
    X(DELETED_BY_KEY, deleted_by_key, "DELETE WHERE nothing but column = value, ANDed")                    \
    X(WRITTEN_OTHERWISE, written_otherwise, "UPDATE or DELETE by anything else")                           \
    X(WITH_OTHERS, with_others, "in one statement with another table")                                     \
    X(TIED, tied, "alone, but tied to main by a variable, a lock, an unknown function or what isn't read") \
    X(DROPPED, dropped, "dropped, or hidden by a temporary table of its name")

enum page_use {
#define X(value, name, sentence) PAGE_USE_##value,
    PAGE_USES(X)
#undef X
        PAGE_USE_COUNT
};

const char *route_reason_name(enum route_reason reason); /* "routed", "no_cache_table", ... */
const char *route_reason_sentence(enum route_reason reason);
const char *page_verb_name(enum page_verb verb);
const char *page_cause_name(enum page_cause cause);
const char *page_cause_sentence(enum page_cause cause);
const char *page_event_name(enum page_event event);
const char *page_use_name(enum page_use use);

#endif
