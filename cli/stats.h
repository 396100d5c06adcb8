/* The two forms of `roundabout stats`. */
#ifndef ROUNDABOUT_STATS_FORMS_H
#define ROUNDABOUT_STATS_FORMS_H

#include "gather.h"

/* `before`, taken seconds ago, or NULL: shows rates as well. */
void stats_print_table(const struct gathered *now, const struct gathered *before, double seconds);
void stats_print_json(const struct gathered *gathered); /* one line */

#endif
