/* What a cache table lacks of the form that heals and can be repaired (a primary key, InnoDB, a second unique
 * index), and the ALTER that gives it. Pure. */
#ifndef ROUNDABOUT_PREPARE_H
#define ROUNDABOUT_PREPARE_H

#include "catalogue.h"

enum prepare_need {
    PREPARE_NOTHING, /* it has the form */
    PREPARE_ALTER,   /* the statement gives it */
    PREPARE_PERSON,  /* a person must act first; the reason says what */
};

/* `sql` is written to for PREPARE_ALTER only; `*reason` is a static text, for PREPARE_PERSON only. `table`
 * NULL: the server lacks it. */
enum prepare_need prepare_table(const struct catalogue_table *table, struct statement *sql,
                                const char **reason);

#endif
