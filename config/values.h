/* The values of one group of the file, read by the table of settings into its struct. Private to config/. */
#ifndef ROUNDABOUT_VALUES_H
#define ROUNDABOUT_VALUES_H

#include "reading.h"

/* `values` is the struct of the group named `parent`, all zero; "" is the file as a whole. */
void values_read(struct reading *reading, const struct config_setting_t *group, const char *parent,
                 void *values);

#endif
