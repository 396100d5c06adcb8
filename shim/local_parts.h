/* What the files of the shadow share: its life (local_life.c), its opening (local_open.c), its being in step
 * (local_step.c). */
#ifndef ROUNDABOUT_LOCAL_PARTS_H
#define ROUNDABOUT_LOCAL_PARTS_H

#include "../config/config.h"
#include "local.h"

int64_t local_now_ms(void);

/* The same socket as at the connect, in the process that made it. A program that closes "all" descriptors, or
 * a forked child, must not make the library write our protocol into somebody else's file. The process is
 * looked at each time; the socket once in a tick of the coarse clock (1 to 10 ms), since fstat() costs a
 * third of a statement's own time. What could slip through is a program that within one tick closes all but
 * main's descriptor, opens another *socket* under the number and runs a cache statement (on anything but a
 * socket the library's send() fails, and nothing is written). */
bool local_is_ours(struct local *local);

/* To end it, or a statement on it, writes nothing into somebody else's file: it is ours, or the library has
 * given it up already. */
bool local_may_close(struct local *local);

/* Ends the connection, or leaves its memory where to end it would speak on the parent's connection or into
 * somebody else's file. */
void local_free(struct local *local);

/* The connection is lost, but the application may hold pointers that accessors gave it: it is kept until the
 * next loss. */
__attribute__((cold)) void local_retire(struct handle *handle, struct local_slot *slot);

/* Neither closed nor used: what its descriptor number means now is not ours. Its memory stays. */
__attribute__((cold)) void local_abandon(struct handle *handle, struct local_slot *slot);

/* This handle doesn't try again for retry_after_ms. Returns the reason it was given. */
__attribute__((cold)) enum route_reason local_refuse_for_a_while(struct local_slot *slot, const struct config *config,
                                           enum route_reason reason);

/* One line when the local master begins to refuse `what` of `who`, or does it for another reason; one when it
 * takes it again. */
__attribute__((cold)) void local_note_refusal(const char *what, const char *who, unsigned error, const char *text);
__attribute__((cold)) void local_note_acceptance(const char *what, const char *who);

/* Fills an empty slot with a connection to the local master, checked to be another server than main and of
 * its kind. */
__attribute__((cold)) enum route_reason local_open(struct handle *handle, struct local_slot *slot, const struct config *config);

/* Brings database, settings and, where the group follows the application's transaction, the transaction in
 * step with main; without `begins` one that isn't open yet stays so. */
enum route_reason local_keep_step(struct handle *handle, struct local_slot *slot, const struct config *config,
                                  bool follow, bool begins);

#endif
