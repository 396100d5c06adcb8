#include "prepare.h"

#include <strings.h>

enum prepare_need prepare_table(const struct catalogue_table *table, struct statement *sql,
                                const char **reason) {
    *reason = NULL;
    if (!table)
        *reason =
            "the table isn't there, or not shown to the monitor user; CREATE TABLE as at the other sites";
    else if (table->key_is_prefix)
        *reason = "its primary key holds only the beginning of a column; give it a key of whole columns";
    else if (table->form.key_count == 0)
        *reason = "it has no primary key, and only you know which columns name a row; ALTER TABLE ... ADD "
                  "PRIMARY KEY (...)";
    else
        *reason = chunk_refuses_comparing(&table->form);
    if (*reason)
        return PREPARE_PERSON;
    const bool is_innodb = strcasecmp(table->engine, "InnoDB") == 0;
    if (is_innodb && table->has_second_unique)
        return PREPARE_NOTHING;
    statement_write(sql, "ALTER TABLE ");
    statement_write_name(sql, table->form.database);
    statement_write(sql, ".");
    statement_write_name(sql, table->form.name);
    if (!is_innodb)
        statement_write(sql, " ENGINE = InnoDB%s", table->has_second_unique ? "" : ",");
    if (!table->has_second_unique && !table->has_healing_column)
        statement_write(sql, " ADD COLUMN ring_u TINYINT NULL DEFAULT NULL INVISIBLE,");
    if (!table->has_second_unique)
        statement_write(sql, " ADD UNIQUE KEY ring_u (ring_u)");
    return PREPARE_ALTER;
}
