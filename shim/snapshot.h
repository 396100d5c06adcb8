/* Asks a server, in one statement, who it is and what the session looks like. */
#ifndef ROUNDABOUT_SNAPSHOT_H
#define ROUNDABOUT_SNAPSHOT_H

#include "real.h"
#include "sql.h"

#include <stdbool.h>

struct handle;

struct server {
    uint64_t identity; /* a hash of server_id, host, port and data directory; 0: not asked yet */
    size_t longest;    /* max_allowed_packet */
    unsigned major;    /* 10 of 10.11.6-MariaDB */
    bool mariadb;
    bool autocommit; /* of that session, when it was asked: an init command or the server's default may switch
                        it off */
};

/* Asks the server at the other end of `mysql`. One round trip; leaves no result behind. False: mysql_errno
 * says why. */
bool snapshot_identify(const struct real *real, MYSQL *mysql, struct server *server);

/* Asks main for its identity and for all settings of its session that a statement's outcome may depend on,
 * and puts them into the handle's session; and, behind code that wasn't seen, whether that has made tables.
 * One round trip on main, or two there on MySQL, which disturbs nothing that the statement about to be sent
 * does not change as well. `keeps_counts`: none is, and the counts of main's last one (ROW_COUNT(),
 * mysql_field_count) are kept in the handle. The handle must be busy. False: nothing was learnt. */
__attribute__((cold)) bool snapshot_read(struct handle *handle, bool keeps_counts);

/* Asks main whether a temporary table hides this one, and notes the answer; what it won't tell is taken for
 * hidden. One round trip. False: main is lost. */
__attribute__((cold)) bool snapshot_ask_table(struct handle *handle, const struct sql_table *table,
                                              struct slice database);

#endif
