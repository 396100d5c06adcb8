/* Which process this is. A forked child finds the records and shadows of its parent in its memory, and must
 * not write a byte on a connection that is the parent's. */
#ifndef ROUNDABOUT_PROCESS_H
#define ROUNDABOUT_PROCESS_H

#include <sys/types.h>

/* getpid(), without its system call: kept in memory that the kernel wipes in a child, also in one made by a
 * clone() that no library has seen. For any thread. */
pid_t process_id(void);

#endif
