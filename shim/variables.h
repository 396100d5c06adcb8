/* User variables that GET DIAGNOSTICS has filled at the local master. The application's live on main: they
 * are taken there when main next runs something that may read them. Not at once: to read them is a SELECT,
 * and a SELECT would end the list of warnings that the application may ask about again. */
#ifndef ROUNDABOUT_VARIABLES_H
#define ROUNDABOUT_VARIABLES_H

#include "lex.h"

struct handle;
struct local;

/* The local master has run GET DIAGNOSTICS with these assignments (summary.name of SQL_GET_DIAGNOSTICS). */
void variables_note(struct handle *handle, struct local *local, struct slice assignments);

/* Main has run one with these: its values are the later ones. */
void variables_drop(struct handle *handle, struct slice assignments);

/* Sets them on main. One journey, when there are some; main must have nothing unread. */
void variables_return(struct handle *handle);

/* They are gone with their session, or with the shadow that has them (NULL: whichever). */
void variables_forget(struct handle *handle, const struct local *local);

#endif
