/* What the shim works by: the configuration, read at the first use of a client library in this process, and
 * read again when its files have changed. */
#ifndef ROUNDABOUT_SETUP_H
#define ROUNDABOUT_SETUP_H

#include "../config/config.h"

/* NULL: the shim is switched off (ROUNDABOUT_DISABLE=1, no or bad configuration, no group to route) and
 * stands aside, until a good one is there and the program connects anew. Any thread; the first call reads the
 * file, logs what is wrong with it, and keeps errno. What is returned is never changed and never freed: it
 * may be used as long as one likes, but the next call may return another. */
const struct config *setup_config(void);

/* Looks, at most once a second, whether the configuration's files (those it includes as well) have changed,
 * and reads them if so. A good one is in force from the next setup_config() on; a bad one is logged once and
 * changes nothing. A process that has changed its root (chroot) keeps what it has. Cheap in between: a look at a coarse clock, no system call. Never called with a lock held.
 * Keeps errno. */
void setup_look(void);

/* Whether modules are loaded without RTLD_DEEPBIND: by ROUNDABOUT_DEEPBIND=1 (`roundabout run --deepbind`), or by the
 * configuration, which is read now if it wasn't yet. Any thread, also before this object's constructors. */
bool setup_clears_deepbind(void);

/* ROUNDABOUT_OBSERVE=1: nothing is routed, all is observed. Then a configuration is not needed. */
bool setup_observes(void);

/* XDG_RUNTIME_DIR as it was when the process began; NULL: not set, or the process has raised rights. */
const char *setup_runtime_directory(void);

#endif
