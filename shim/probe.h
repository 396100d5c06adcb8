/* A look whether a server answers at all, which nobody waits for: a connection is begun, and looked at again
 * later. MySQL and MariaDB speak first, so that one byte of theirs says more than a connection, which a host
 * may take for a server that is frozen. One probe at a time in this process, one caller at a time. Keeps
 * errno. */
#ifndef ROUNDABOUT_PROBE_H
#define ROUNDABOUT_PROBE_H

#include "../config/config.h"

enum probe {
    PROBE_NONE,     /* there is none, or it has failed: it can't be told this way */
    PROBE_SILENT,   /* nothing has come yet */
    PROBE_ANSWERED, /* it spoke, or refused at once: whoever tries it now need not wait */
};

/* Ends the one before. Waits so long at most for a server that is well. PROBE_NONE where the server's name
 * would have to be looked up, which may take long. */
enum probe probe_begin(const struct config_server *server, int wait_ms);
enum probe probe_look(void);
void probe_end(void);

#endif
