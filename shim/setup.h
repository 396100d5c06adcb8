/* What the shim works by: the configuration, read once at the first use of a client library in this process.
 */
#ifndef ROUNDABOUT_SETUP_H
#define ROUNDABOUT_SETUP_H

#include "../config/config.h"

/* NULL: the shim is switched off (ROUNDABOUT_DISABLE=1, no or bad configuration, no group to route) and
 * stands aside for the life of the process. Any thread; the first call reads the file, logs what is wrong
 * with it, and keeps errno. */
const struct config *setup_config(void);

/* Whether modules are loaded without RTLD_DEEPBIND: by ROUNDABOUT_DEEPBIND=1 (`roundabout run --deepbind`), or by the
 * configuration, which is read now if it wasn't yet. Any thread, also before this object's constructors. */
bool setup_clears_deepbind(void);

#endif
