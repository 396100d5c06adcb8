/* The statements of one step, as the server gets them and as they may be shown: without a password. Pure. */
#ifndef ROUNDABOUT_SCRIPT_H
#define ROUNDABOUT_SCRIPT_H

#include "dialect.h"

enum {
    SCRIPT_MAX = 4,
    SCRIPT_TEXT = 5120
}; /* a GTID position of 2047 bytes, quoted and doubled, and the words around it */

struct script {
    size_t count;
    size_t position_at; /* which statement sets the position; SCRIPT_MAX: none does */
    char sql[SCRIPT_MAX][SCRIPT_TEXT];
    char shown[SCRIPT_MAX][SCRIPT_TEXT];
};

/* What to write besides the step itself. */
struct script_order {
    const struct config_server *source; /* LINK_POINT */
    const struct config_ring *ring;     /* LINK_POINT: the replication user and the timers */
    const char *position; /* LINK_POINT, LINK_SKIP: first go past this GTID position; NULL: leave it */
};

/* Steps without statements (leave, wait, help) give an empty script. False: something is too long to be
 * written. */
bool script_for_step(enum link_step step, const struct dialect *dialect, const struct script_order *order,
                     struct script *script);

/* The statement that sets the position, written anew with another one, into script->sql and ->shown. */
bool script_set_position(struct script *script, const struct dialect *dialect, const char *position);

/* The replication user, made so that the statements stay out of the binary log. */
bool script_for_account(const struct config_login *login, struct script *script);

/* The GTIDs of one server in a MySQL set ("uuid:1-5:7,uuid:..."), one after the other: *next starts at 0 and
 * is moved on; false at the end. For sites whose last writes are to be left out: each becomes an empty
 * transaction here. */
bool script_next_gtid(const char *set, size_t *next, unsigned long long *number, char *gtid, size_t size);

#endif
