#include "key.h"

#include <stdio.h>

bool key_read(struct statement *key, const struct chunk_table *table, const struct server_rows *rows,
              size_t row) {
    char column[24];
    statement_clear(key);
    for (size_t i = 0; i < table->key_count; i++) {
        snprintf(column, sizeof column, "k%zu", i);
        const char *part = server_rows_value(rows, row, column);
        if (!part)
            return false;
        if (i)
            statement_write(key, "%c", CHUNK_SEPARATOR);
        statement_write(key, "%s", part);
    }
    return !key->failed && key->at && chunk_key_fits(table, key->at);
}
