/* `expire` of a group of cache tables: which rows are too old. Not SQL, but a form of it that can mean
 * nothing else: COLUMN < NOW() - INTERVAL N UNIT; or with UNIX_TIMESTAMP() - N for a column of seconds since
 * 1970. Pure. */
#ifndef ROUNDABOUT_CONFIG_EXPIRE_H
#define ROUNDABOUT_CONFIG_EXPIRE_H

#include <stdbool.h>
#include <stddef.h>

struct expire_rule {
    char column[65];
    bool is_seconds;  /* the column is a number of seconds since 1970 */
    unsigned amount;  /* 0 with is_seconds: the column says itself when the row ends */
    const char *unit; /* static, "MINUTE"; with is_seconds NULL */
};

/* False: *why says what is wrong with the text; static. */
bool expire_read(const char *text, struct expire_rule *rule, const char **why);

#endif
