/* Main's transaction, where it may have ended or begun out of sight: in code that can't be seen into. Whether
 * it has is told by main's answers or by a savepoint of the shim's in it; what is in doubt all the same is
 * undone at the shadow. */
#ifndef ROUNDABOUT_DOUBT_H
#define ROUNDABOUT_DOUBT_H

#include "handle.h"

/* By main's last answer, without a word to main. False: that it is over is told, but not whether it is
 * another one now. */
bool doubt_settle_at_once(struct handle *handle);

/* Before main's next result is asked for: what the one before it told of main's transaction goes with it. */
void doubt_before_next(struct handle *handle);

/* Code that was not seen may have begun or ended a transaction: main's status says, or main is asked. Main
 * must not be busy. */
void doubt_settle(struct handle *handle);

/* Tables were made or dropped out of sight: what is reported then doesn't tell of a transaction (Oracle's
 * library on MySQL), and main is asked outright. */
void doubt_ask_outright(struct handle *handle);

/* Before main is given a command: a transaction that may have ended out of sight is asked after, as long as
 * main's last answer or the savepoint in it still tells; what is in doubt even so is undone at the shadow
 * when main commits it. */
void doubt_before_main(struct handle *handle);
/* ... or a statement: user variables that the local master has filled are set first, and before code that
 * can't be seen into main gets a savepoint if the shadow has a transaction, or at least a transaction of its
 * own, so that main's tells when it has ended. */
void doubt_before_text(struct handle *handle, const struct sql_summary *summary);

/* Before a shadow answers a question. With autocommit off, a statement that has failed on main may have begun
 * a transaction there, which on one connection the answer tells; Connector/C shows it. False: main is lost,
 * or its session is another one now. */
bool doubt_hear_main(struct handle *handle);

#endif
