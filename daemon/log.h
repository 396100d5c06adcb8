/* One line an event: when, how heavy, what. */
#ifndef ROUNDABOUT_DAEMON_LOG_H
#define ROUNDABOUT_DAEMON_LOG_H

#include "../config/config.h"

/* `file` NULL: standard error. Opened for appending; false if it can't be, and then lines go to standard
 * error. May be called again. */
bool log_open(const char *file, enum config_log_level level);
void log_close(void);

__attribute__((format(printf, 2, 3))) void log_line(enum config_log_level level, const char *format, ...);

/* A subject that has a state. The line is written only when the state's text differs from the last one; an
 * empty text says that there is nothing to say, and is remembered. */
struct log_subject {
    char last[600];
};
__attribute__((format(printf, 3, 4))) void log_state(struct log_subject *subject, enum config_log_level level,
                                                     const char *format, ...);

#endif
