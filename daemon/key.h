/* A key as an answer shows it. Pure: an answer's rows in, a text out. */
#ifndef ROUNDABOUT_KEY_H
#define ROUNDABOUT_KEY_H

#include "chunk.h"
#include "server.h"

/* The row's columns k0, k1, ... as one key, which is written over what `key` held. False: it isn't a key of
 * this table - a part of it lacks, or isn't of its column's kind -, or there is no memory. */
bool key_read(struct statement *key, const struct chunk_table *table, const struct server_rows *rows,
              size_t row);

#endif
