/* The statements with which rows that are too old are found and deleted. Pure.
 *
 * The keys are found first and then deleted by key, with the condition once more: a LIMIT in the DELETE would
 * be logged as rows or be unsafe, and each server would choose others; and a row that was written anew in
 * between, here or elsewhere, is left alone wherever the statement itself is what is logged. Logged as rows,
 * a site that lacks one of them doesn't pass that one on; such a row differs between sites, and is
 * converge's. */
#ifndef ROUNDABOUT_PURGE_H
#define ROUNDABOUT_PURGE_H

#include "../config/expire.h"
#include "chunk.h"

/* Why this table can't be purged by the rule; NULL: it can. Static. */
const char *purge_refuses(const struct chunk_table *table, const struct expire_rule *rule);

/* k0, k1, ...: the keys of at most `rows` rows that are too old. */
void purge_write_find(struct statement *sql, const struct chunk_table *table, const struct expire_rule *rule,
                      unsigned rows);

void purge_write_delete(struct statement *sql, const struct chunk_table *table,
                        const struct expire_rule *rule, const char *const *keys, size_t count);

#endif
