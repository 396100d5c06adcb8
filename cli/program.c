#include "program.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* *found is left alone where there is nothing. */
static bool is_runnable(const char *path, bool *found) {
    struct stat status;

    if (stat(path, &status) != 0)
        return false;
    *found = true;
    return !S_ISDIR(status.st_mode) && access(path, X_OK) == 0;
}

int program_find(const char *name, char *path, size_t size) {
    const char *places = getenv("PATH");
    bool found = false;

    if (strchr(name, '/')) {
        if ((size_t)snprintf(path, size, "%s", name) < size && is_runnable(path, &found))
            return 0;
        return found ? PROGRAM_CANNOT_RUN : PROGRAM_NOT_FOUND;
    }
    if (!places)
        places = "/bin:/usr/bin";
    for (;;) {
        size_t length = strcspn(places, ":");
        const char *place = length > 0 ? places : "."; /* an empty part is the working directory */
        int written = snprintf(path, size, "%.*s/%s", length > 0 ? (int)length : 1, place, name);
        if (name[0] && (size_t)written < size && is_runnable(path, &found))
            return 0;
        if (places[length] == '\0')
            return found ? PROGRAM_CANNOT_RUN : PROGRAM_NOT_FOUND;
        places += length + 1;
    }
}

bool program_is_own_setuid(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && (status.st_mode & S_ISUID) && status.st_uid == geteuid();
}

const char *program_raised_rights(const char *path) {
    struct stat status;

    if (stat(path, &status) != 0)
        return NULL;
    if ((status.st_mode & S_ISUID) && status.st_uid != geteuid())
        return "it is setuid";
    if ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP) && status.st_gid != getegid())
        return "it is setgid"; /* without S_IXGRP the bit once meant mandatory locking, and gives no rights */
    if (getxattr(path, "security.capability", NULL, 0) > 0)
        return "it has file capabilities";
    return NULL;
}
