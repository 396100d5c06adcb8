/* Opens libconfig for this object alone (late.c says why). */
#ifndef ROUNDABOUT_LATE_H
#define ROUNDABOUT_LATE_H

/* NULL: config_load may be called now. Else why not, in words that live until this thread's next call of the dynamic
 * linker. Any thread, any number of times: all but the first are cheap. The caller must hold no lock, since another thread that holds
 * the dynamic linker's may come here from a constructor. */
const char *late_open(void);

#endif
