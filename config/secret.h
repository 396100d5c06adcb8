/* Files with secrets, which others must not be able to read. Private to config/. */
#ifndef ROUNDABOUT_SECRET_H
#define ROUNDABOUT_SECRET_H

#include "reading.h"

/* A descriptor, or -1 with a finding. The path is repeated only once a file has been found there. */
int secret_open(struct reading *reading, const struct config_setting_t *setting, const char *path);

/* The first line without its end, on the heap; NULL with a finding. */
char *secret_read(struct reading *reading, const struct config_setting_t *setting, const char *path);

#endif
