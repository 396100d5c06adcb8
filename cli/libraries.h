/* The libraries that the dynamic linker would load for a program or a module, without running it. */
#ifndef ROUNDABOUT_LIBRARIES_H
#define ROUNDABOUT_LIBRARIES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct library {
    char path[PATH_MAX];     /* "": it wasn't found */
    char name[NAME_MAX + 1]; /* as it was asked for */
};

/* In the order in which they are searched for symbols, behind the file itself, which isn't among them. */
struct libraries {
    struct library *items;
    size_t count;
};

/* The closure over what `path` names. Empty where it can't be read or memory is short. The caller gives it to
 * libraries_free(). */
struct libraries libraries_of(const char *path);
void libraries_free(struct libraries *libraries);

/* By file name or soname: libmariadb, libmysqlclient, libperconaserverclient, in any version. */
bool library_is_client(const char *path);

#endif
