/* Opens libconfig for this object alone (late.c says why). */
#ifndef ROUNDABOUT_LATE_H
#define ROUNDABOUT_LATE_H

/* NULL: config_load may be called now. Else why not, in words that live until the next call of the dynamic
 * linker. Call once. */
const char *late_open(void);

#endif
