/* Tells systemd how the daemon is, where there is one and this was built with libsystemd. Elsewhere nothing
 * happens. */
#ifndef ROUNDABOUT_NOTIFY_H
#define ROUNDABOUT_NOTIFY_H

void notify_ready(const char *status);
void notify_status(const char *status);
void notify_reloading(void);
void notify_stopping(void);

#endif
