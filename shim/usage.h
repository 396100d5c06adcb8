/* What kind of use a statement makes of its tables, as far as its text tells: for observe mode. Pure. */
#ifndef ROUNDABOUT_USAGE_H
#define ROUNDABOUT_USAGE_H

#include "../page/names.h"
#include "sql.h"

struct usage {
    enum page_use use;
    char
        columns[112]; /* by key: the columns that are compared, sorted, between commas; cut to fit. Else "" */
};

/* For a statement that names a table, summarised whole under the same modes. False: it is no use of a table
 * that is counted. */
bool usage_find(struct slice text, struct lex_modes modes, const struct sql_summary *summary,
                struct usage *usage);

#endif
