#include "purge.h"

#include <strings.h>

static const struct chunk_column *find_column(const struct chunk_table *table, const char *name) {
    for (size_t i = 0; i < table->column_count; i++)
        if (strcasecmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

const char *purge_refuses(const struct chunk_table *table, const struct expire_rule *rule) {
    const struct chunk_column *column = find_column(table, rule->column);
    const char *refused = chunk_refuses_comparing(table);
    if (refused)
        return refused;
    if (!column)
        return "it has no column of that name";
    if (rule->is_seconds && column->kind != CHUNK_NUMBER)
        return "UNIX_TIMESTAMP() can only be compared with a column that is a number";
    if (!rule->is_seconds && column->kind != CHUNK_QUOTED)
        return "NOW() can only be compared with a column that is a time";
    return NULL;
}

/* NULL is older than nothing. */
static void write_condition(struct statement *sql, const struct expire_rule *rule) {
    statement_write_name(sql, rule->column);
    statement_write(sql, " < %s", rule->is_seconds ? "UNIX_TIMESTAMP()" : "NOW()");
    if (rule->amount && rule->is_seconds)
        statement_write(sql, " - %u", rule->amount);
    else if (rule->amount)
        statement_write(sql, " - INTERVAL %u %s", rule->amount, rule->unit);
}

void purge_write_find(struct statement *sql, const struct chunk_table *table, const struct expire_rule *rule,
                      unsigned rows) {
    statement_write(sql, "SELECT ");
    chunk_write_key(sql, table);
    statement_write(sql, " FROM ");
    chunk_write_name(sql, table);
    statement_write(sql, " AS r WHERE ");
    write_condition(sql, rule);
    statement_write(sql, " LIMIT %u", rows);
}

void purge_write_delete(struct statement *sql, const struct chunk_table *table,
                        const struct expire_rule *rule, const char *const *keys, size_t count) {
    statement_write(sql, "DELETE FROM ");
    chunk_write_name(sql, table);
    statement_write(sql, " WHERE ");
    write_condition(sql, rule);
    for (size_t i = 0; i < count; i++) {
        statement_write(sql, i ? " OR (" : " AND ((");
        chunk_write_equals(sql, table, keys[i]);
        statement_write(sql, ")");
    }
    statement_write(sql, ")");
}
