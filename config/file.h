/* A file's text, and the files that it includes. Private to config/. */
#ifndef ROUNDABOUT_CONFIG_FILE_H
#define ROUNDABOUT_CONFIG_FILE_H

#include <sys/types.h>

#include "reading.h"

/* All of a file on the heap, NUL-terminated; NULL with the reason in words. */
char *file_read(const char *path, const char **why);

/* libconfig's scanner ends the process when it meets a directory behind an @include, and waits for ever at a
 * FIFO. So those are found before it starts. False: a finding, don't parse. */
bool file_includes_files(struct reading *reading, const char *text);

/* The file at `path` and all that it includes, as config_list_files() says. */
void file_list(struct reading *reading, const char *path, void (*note)(void *context, const char *file),
               void *context);

/* As many bytes as there are, up to `size`; -1 with errno set. */
ssize_t file_read_fully(int file, char *bytes, size_t size);

#endif
