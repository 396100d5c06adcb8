/* Rules between settings of different groups; those within one group are rows' `check` (settings.h). They ask
 * the file, not the values: a setting that is there but wrong has had its finding. Private to config/. */
#ifndef ROUNDABOUT_RULES_H
#define ROUNDABOUT_RULES_H

#include "reading.h"

/* Groups and tables are named once. */
void rules_check_caches(struct reading *reading, const struct config_setting_t *root,
                        const struct config *config);

/* `site` and `ring` stand together, and the ring has it; which site is this host's own is noted. */
void rules_check_own_site(struct reading *reading, const struct config_setting_t *root,
                          struct config *config);

#endif
