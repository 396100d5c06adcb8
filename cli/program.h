/* A program on disk: where it is, and what the dynamic linker thinks of its rights. */
#ifndef ROUNDABOUT_PROGRAM_H
#define ROUNDABOUT_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/* As env(1), nohup(1) and the shells exit. */
enum { PROGRAM_CANNOT_RUN = 126, PROGRAM_NOT_FOUND = 127 };

/* Looks where execvp(3) does. On success 0 and the path, which has a slash; else one of the two above. */
int program_find(const char *name, char *path, size_t size);

/* Why the dynamic linker would ignore LD_PRELOAD in this program (ld.so(8), secure-execution mode); NULL: it
 * wouldn't. File capabilities count for root as well, who would keep LD_PRELOAD: the same program should not
 * run here and be refused to everybody else. */
const char *program_raised_rights(const char *path);

/* It is setuid to this user himself: for him it has no raised rights, for all others it has. */
bool program_is_own_setuid(const char *path);

#endif
