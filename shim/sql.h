/* What a statement asks for: its verb, the tables it names, and everything in it that ties it to the session
 * it is sent in. Pure: text in, values out; no allocation; any number of threads. */
#ifndef ROUNDABOUT_SQL_H
#define ROUNDABOUT_SQL_H

#include "lex.h"

enum sql_verb {
    SQL_NOTHING, /* white space and comments only */
    SQL_SELECT,  /* also (SELECT ...), SELECT ... UNION ..., WITH ... SELECT */
    SQL_REPLACE,
    SQL_INSERT,
    SQL_UPDATE,
    SQL_DELETE,
    /* what follows is never a cache statement, but changes what the shim must know of the session */
    SQL_BEGIN,       /* BEGIN [WORK], START TRANSACTION ... */
    SQL_COMMIT,      /* COMMIT [WORK] [AND [NO] CHAIN] [[NO] RELEASE] */
    SQL_ROLLBACK,    /* ROLLBACK [WORK] ..., without TO */
    SQL_SAVEPOINT,   /* SAVEPOINT name */
    SQL_ROLLBACK_TO, /* ROLLBACK [WORK] TO [SAVEPOINT] name */
    SQL_RELEASE_SAVEPOINT,
    SQL_SET,             /* SET assignments, SET NAMES, SET CHARACTER SET, SET PASSWORD, ...: read on with
                            sql_next_assignment */
    SQL_SET_TRANSACTION, /* SET TRANSACTION without SESSION or GLOBAL: for the next transaction only */
    SQL_SET_ROLE,
    SQL_USE,
    SQL_LOCK_TABLES, /* also FLUSH TABLES ... WITH READ LOCK */
    SQL_UNLOCK_TABLES,
    SQL_XA,
    SQL_CREATE_TEMPORARY, /* CREATE [OR REPLACE] TEMPORARY TABLE: tables[0] is its name */
    SQL_DROP_TABLE,       /* DROP [TEMPORARY] TABLE: tables[] are its names */
    SQL_IMPLICIT_COMMIT,  /* all other statements that commit the open transaction (DDL, account and admin
                             statements) */
    SQL_OPAQUE, /* runs code or text that isn't seen here: CALL, EXECUTE, EXECUTE IMMEDIATE, BEGIN NOT ATOMIC,
                   DO, HANDLER, ...; a version comment that may be or hold another statement; text that can't
                   be cut into words and has a ; */
    SQL_DIAGNOSTICS,     /* SHOW WARNINGS | ERRORS | COUNT(*) WARNINGS | ERRORS, SELECT of nothing but
                            FOUND_ROWS(), ROW_COUNT(),
                            @@warning_count, @@error_count: answers for the statement before it */
    SQL_GET_DIAGNOSTICS, /* GET [CURRENT] DIAGNOSTICS [CONDITION number] @variable = item, ...: name is all
                            from the first variable on */
    SQL_OTHER,   /* understood to change nothing of the above (SHOW, EXPLAIN, ANALYZE of a SELECT, KILL, LOAD
                    DATA, ...) */
    SQL_UNKNOWN, /* the first word means nothing to us: treated as SQL_OPAQUE */
};

/* Why a statement can't go to another server's session. A statement may have several. */
enum sql_tie {
    SQL_MULTI_STATEMENT = 1 << 0,    /* something other than white space or comment behind the first ; */
    SQL_EXECUTABLE_COMMENT = 1 << 1, /* a version comment, or a hint that changes variables */
    SQL_USER_VARIABLE = 1 << 2,
    SQL_SYSTEM_VARIABLE = 1 << 3,
    SQL_UNSAFE_FUNCTION = 1 << 4, /* a function outside the white list */
    SQL_LOCKING_READ = 1 << 5,
    SQL_INTO = 1 << 6,
    SQL_FOUND_ROWS = 1 << 7,     /* SQL_CALC_FOUND_ROWS */
    SQL_NOT_UNDERSTOOD = 1 << 8, /* outside the grammar that is known here, or cut off in the middle */
    SQL_CHARSET = 1 << 9, /* bytes >= 0x80 that character sets read differently: anywhere while the session's
                             is multibyte_unsafe, else in names and outside of literals and comments */
};

struct sql_table {
    struct slice database; /* length 0: the session's default database */
    struct slice table;    /* without its quotes; `doubled` quotes inside are still doubled */
    bool quotes_doubled;   /* one of the two slices holds a doubled quote: it can't be compared as it is */
};

enum { SQL_TABLES_MAX = 16 };

struct sql_summary {
    enum sql_verb verb;
    unsigned ties;        /* enum sql_tie, or'ed */
    bool no_tables;       /* understood to name none (SELECT 1) */
    bool too_many_tables; /* more than SQL_TABLES_MAX; then SQL_NOT_UNDERSTOOD is set as well */
    bool mode_dependent;  /* has a double quote or a backslash: another lex_modes may read it another way */
    bool selects;         /* a SELECT stands in it, as the statement or inside it */
    bool parameters;      /* has a ? in place of a value: nothing but the text of a prepared statement */
    bool has_result;      /* a result set comes back (SELECT, ... RETURNING) */
    bool stopped_early;   /* the reader stopped at the first word or table that settled the matter (see
                             sql_filter) */
    struct slice
        name; /* SQL_USE: the database; savepoints: the name, both without quotes (a doubled quote inside is
                 still doubled); SQL_SET: all behind the word SET up to the first ;; SQL_SET_ROLE: "ROLE x",
                 the same; SQL_XA: START, BEGIN, END, PREPARE, COMMIT, ROLLBACK or RECOVER as written */
    bool read_only;           /* SQL_BEGIN: READ ONLY */
    bool read_write;          /* SQL_BEGIN: READ WRITE */
    bool consistent_snapshot; /* SQL_BEGIN: WITH CONSISTENT SNAPSHOT */
    bool chain;               /* SQL_COMMIT, SQL_ROLLBACK: AND CHAIN */
    bool no_chain;            /* SQL_COMMIT, SQL_ROLLBACK: AND NO CHAIN */
    bool release;             /* SQL_COMMIT, SQL_ROLLBACK: RELEASE */
    bool no_release;          /* SQL_COMMIT, SQL_ROLLBACK: NO RELEASE */
    bool renames;             /* SQL_IMPLICIT_COMMIT: ALTER or RENAME, which may give a table another name */
    bool temporary;           /* SQL_DROP_TABLE: DROP TEMPORARY TABLE */
    struct slice rest;        /* SQL_MULTI_STATEMENT: the text behind the first ; */
    size_t table_count;
    struct sql_table
        tables[SQL_TABLES_MAX]; /* every table that a statement names as its target or source, in order,
                                   repeats included; not the names of its own WITH, nor aliases, nor DUAL.
                                   Only the first table_count are written to */
};

/* Lets the reader stop at once when nothing it could still find would matter. It stops
 *   - at the first word, when the verb isn't one of `verbs` (bits 1 << enum sql_verb; SELECT, REPLACE,
 * INSERT, UPDATE, DELETE only), or when `possible` says of the whole text that it can't name a table of
 * interest; NULL: it isn't asked. Of a REPLACE, whose table comes at once, only if that can't be read;
 *   - at the first table of which `wanted` says that it isn't one of interest.
 * The summary then has stopped_early, the verb, and the tables up to the one that settled it. Its ties may be
 * incomplete, but for SQL_MULTI_STATEMENT: if there is a ; in what wasn't read, the words are read on to it,
 * so that a second statement is found all the same. Statements that change the session are always read whole.
 * NULL filter: everything is. */
struct sql_filter {
    unsigned verbs;
    bool (*possible)(void *context, struct slice text);
    bool (*wanted)(void *context, const struct sql_table *table);
    void *context;
};

void sql_summarize(struct slice text, struct lex_modes modes, const struct sql_filter *filter,
                   struct sql_summary *summary);

/* One assignment of a SET statement. */
enum sql_scope {
    SQL_SESSION,
    SQL_GLOBAL,
    SQL_USER_VARIABLE_SCOPE,
    SQL_NOT_A_VARIABLE /* NAMES, CHARACTER SET, PASSWORD, ROLE ... */
};
struct sql_assignment {
    enum sql_scope scope; /* PERSIST and PERSIST_ONLY count as global */
    struct slice name; /* the variable, without @@session. and quotes; "NAMES", "CHARACTER SET", "PASSWORD",
                          "DEFAULT ROLE", "TRANSACTION" (SET SESSION TRANSACTION ...) */
    struct slice text; /* the assignment whole, fit to stand behind SET again, e.g. "SESSION sql_mode = ''" */
    struct slice value; /* the expression */
    bool constant; /* the value is built of literals, bare words and pure functions only: it means the same in
                      another session */
};
/* Takes the next assignment from *rest (at first summary.name of a SQL_SET). False: no more, or *understood
 * set to false. */
bool sql_next_assignment(struct slice *rest, struct lex_modes modes, struct sql_assignment *assignment,
                         bool *understood);

const char *
sql_verb_name(enum sql_verb verb); /* "REPLACE", "SELECT", "START TRANSACTION", ...: for people and JSON */

#endif
