/* All that differs between the kinds of servers: one row each, chosen once by the server's version and then
 * only asked. */
#ifndef ROUNDABOUT_DIALECT_H
#define ROUNDABOUT_DIALECT_H

#include "link.h"

struct dialect {
    enum server_kind kind;
    const char *name;       /* "MariaDB" */
    unsigned since_version; /* 100500 is 10.5.0 */
    unsigned till_version;  /* the first that isn't meant any more; 0: no end */

    /* Words of its statements. */
    const char *replica_word;  /* STOP SLAVE, STOP REPLICA */
    const char *change;        /* CHANGE MASTER TO, ... */
    const char *option_prefix; /* MASTER_, SOURCE_ */
    const char *by_gtid;       /* the option that makes a link use GTIDs */
    const char *unencrypted;   /* an option that a link without TLS needs, with its comma; "" */
    const char *show_link;
    const char *skip_position; /* a statement with one %s, a quoted GTID position or set */

    /* One row with the columns that link_observe() reads, under common names. */
    const char *look;
    /* The oldest position that its binary logs start from is BINLOG_GTID_POS of the first of SHOW BINARY LOGS
     * (MariaDB), or a variable that `look` has read (MySQL). */
    bool oldest_needs_binlogs;
    const char *fresh_statistics; /* makes a session see tables' UPDATE_TIME as it is now; NULL: it does */
    bool error_text_is_in_workers; /* Last_SQL_Error only points at performance_schema */

    /* Columns of show_link. */
    const char *io_running, *sql_running, *io_state, *sql_state, *source_host, *source_port, *source_user,
        *source_server_id, *gtid_column, *gtid_value, *received, *seconds_behind;

    /* What the monitor user needs, for messages and for `check`. */
    const char *grants_to_watch, *grants_to_heal, *grants_for_accounts;
};

/* `version` as the server gives it. NULL: a server that isn't supported. */
const struct dialect *dialect_for_version(const char *version);
const struct dialect *dialect_for_kind(enum server_kind kind);

#endif
