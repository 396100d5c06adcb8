/* Where a statement belongs, and why. Pure: a summary, what is known of the session and the configuration in,
 * a reason out. */
#ifndef ROUNDABOUT_ROUTE_H
#define ROUNDABOUT_ROUTE_H

#include <stdint.h>

#include "../config/config.h"
#include "../page/names.h"
#include "sql.h"
#include "temporary.h"

/* What the decision depends on of the session. All zero: nothing is known yet. */
struct route_session {
    struct slice database; /* the default database; length 0: none. Meaningful when database_known or known */
    bool known;            /* main has been asked; false: database, modes and case rule are assumptions */
    bool unmirrored;       /* a setting of main's session can't be had at the local master */
    bool database_known;
    struct lex_modes modes;
    bool fold_case; /* lower_case_table_names != 0: database and table names compare without regard to case
                       (ASCII; others: no match) */
    bool in_transaction; /* autocommit is off, or a transaction was begun */
    bool xa;
    bool locked_tables;
    bool query_attributes;
    bool prepared;       /* the text is a prepared statement's: a ? in it stands for a value */
    struct temporaries temporaries;
    size_t longest;                    /* bytes that both servers accept; 0: not known yet */
    uint64_t written; /* a bit for each group whose tables main may have written in the open transaction, as
                         route_find_written counts them; without meaning outside of one */
    const struct config *written_by; /* by which they are counted; under another one they are all meant */
};

struct route_decision {
    enum route_reason reason;
    unsigned table; /* the place of the group's pattern that fits the first table, as it was read; else 0 */
    const struct config_group *group; /* NULL unless all tables are of this group */
};

/* Decides over one statement. The reason is the first that holds: the verb is listed nowhere; its tables (a
 * statement that names none, and wasn't understood as one that does, has the reason of its text instead); the
 * group is off; the verb isn't listed for the group, or SELECT isn't where one is inside; what its text says,
 * as in the list from multi_statement on, then charset and not_understood; what the session says, from
 * query_attributes on; unmirrored settings; its length; the group is only observed. It has `length` bytes.
 * ROUTE_TEMPORARY_TABLE with session->temporaries.unsure means: ask main about the tables, and decide again.
 * ROUTE_SESSION_UNKNOWN with session->known false means: ask main (its answer may settle it) and decide
 * again; it is returned only if some answer could lead to ROUTE_ROUTED. */
struct route_decision route_decide(const struct sql_summary *summary, size_t length,
                                   const struct route_session *session, const struct config *config);

/* The cheap way for text that is sent: summarises with a filter made of the configuration, under the
 * session's modes, and decides. While the session isn't known and the modes matter, all modes are tried. The
 * summary is good for what follows the decision (session effects). */
struct route_decision route_text(struct slice text, const struct route_session *session,
                                 const struct config *config, struct sql_summary *summary);

#define ROUTE_ALL_GROUPS UINT64_MAX

/* The groups of whose tables a text writes some; all where it can't be told. */
uint64_t route_find_written(struct slice text, const struct route_session *session,
                            const struct config *config);

/* It writes, if anything: else there is nothing to be found by the above. */
static inline bool route_may_write(const struct sql_summary *summary) {
    return summary->verb >= SQL_REPLACE && summary->verb <= SQL_DELETE;
}

/* The same of a text whose reading may have stopped in front of its true verb: WITH ... DELETE. */
bool route_text_may_write(struct slice text, struct lex_modes modes, const struct sql_summary *summary);

/* Whether a statement that would be routed reads what may be older than its group allows: nothing but reads are
 * passed for it, and none in a transaction that has `written` at the local master, where it would miss its own
 * writes. `behind_ms`: how far the local master is behind; 0: not known, which is no reason. */
bool route_is_stale(const struct sql_summary *summary, const struct route_decision *decision,
                    int64_t behind_ms, bool written);

/* The pattern of the group that fits a table, the first of several; NULL: none does. While the session isn't
 * known: one that may, under some answer of main's. */
const struct config_table *route_find_table(const struct config_group *group,
                                            const struct route_session *session,
                                            const struct sql_table *table);

/* The group that a table belongs to, or NULL. */
const struct config_group *route_find_group(const struct config *config, const struct route_session *session,
                                            const struct sql_table *table);

#endif
