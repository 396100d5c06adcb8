/* The cache tables as a server's information_schema tells of them. */
#ifndef ROUNDABOUT_CATALOGUE_H
#define ROUNDABOUT_CATALOGUE_H

#include "../config/config.h"
#include "chunk.h"
#include "server.h"

struct catalogue_table {
    struct chunk_table form;
    char engine[64];
    bool has_second_unique;  /* a unique index beside the primary key: REPLACE is then logged so that it heals
                              */
    bool has_healing_column; /* a column ring_u, whether indexed or not */
    bool has_trigger;
    bool key_is_prefix; /* its primary key holds only the beginning of a column; it has no key then here */
    struct statement definition; /* equal where the tables are */
};

struct catalogue {
    struct catalogue_table *tables; /* by database and name */
    size_t count;
};

/* Statements that find the tables of one pattern, their columns, indexes and triggers; their answers are what
 * catalogue_add() takes. Servers' own databases are never found. */
void catalogue_write_columns(struct statement *sql, const struct config_table *pattern);
void catalogue_write_indexes(struct statement *sql, const struct config_table *pattern);
void catalogue_write_triggers(struct statement *sql, const struct config_table *pattern);

/* Adds the tables of one pattern that aren't there yet. False: no memory, and some may be missing. */
bool catalogue_add(struct catalogue *catalogue, const struct server_rows *columns,
                   const struct server_rows *indexes, const struct server_rows *triggers);
void catalogue_free(struct catalogue *catalogue);

/* NULL: it isn't there. */
const struct catalogue_table *catalogue_find(const struct catalogue *catalogue, const char *database,
                                             const char *name);

/* Why rows of it can't be taken away everywhere; NULL: they can. Static texts. */
const char *catalogue_refuses_repair(const struct catalogue_table *table);

#endif
