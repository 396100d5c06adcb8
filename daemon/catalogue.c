#include "catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "quote.h"

/* A pattern of the file as a condition: * and ? become % and _, and what LIKE would take for these is
 * escaped. A plain name is compared for equality, which lets the servers open that table only. */
static void write_condition(struct statement *sql, const char *column, const char *pattern) {
    char like[2 * CHUNK_NAME_BYTES], quoted[4 * CHUNK_NAME_BYTES];
    size_t used = 0;
    const bool is_plain = !strpbrk(pattern, "*?");
    for (; *pattern && used + 3 < sizeof like; pattern++) {
        if (!is_plain && (*pattern == '%' || *pattern == '_' || *pattern == '|'))
            like[used++] = '|';
        like[used++] = *pattern == '*' ? '%' : *pattern == '?' ? '_' : *pattern;
    }
    like[used] = '\0';
    if (*pattern || !quote_text(like, quoted, sizeof quoted))
        snprintf(quoted, sizeof quoted, "''"); /* longer than any name */
    statement_write(sql, "%s %s %s%s", column, is_plain ? "=" : "LIKE", quoted,
                    is_plain ? "" : " ESCAPE '|'");
}

static void write_where(struct statement *sql, const struct config_table *pattern, const char *database,
                        const char *table) {
    statement_write(sql, " WHERE ");
    write_condition(sql, database, pattern->database);
    statement_write(sql, " AND ");
    write_condition(sql, table, pattern->table);
    statement_write(
        sql, " AND %s NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys', 'roundabout')",
        database);
}

void catalogue_write_columns(struct statement *sql, const struct config_table *pattern) {
    statement_write(
        sql, "SELECT c.table_schema AS db, c.table_name AS tb, c.column_name AS name, c.data_type AS kind,"
             " c.column_type AS type, COALESCE(c.character_set_name, '') AS charset,"
             " COALESCE(c.collation_name, '') AS collation, c.is_nullable = 'YES' AS is_nullable,"
             " COALESCE(c.generation_expression, '') <> '' AS is_generated, t.engine AS engine"
             " FROM information_schema.columns c JOIN information_schema.tables t"
             " ON t.table_schema = c.table_schema AND t.table_name = c.table_name");
    write_where(sql, pattern, "c.table_schema", "c.table_name");
    statement_write(sql, " AND ");
    write_condition(sql, "t.table_schema", pattern->database);
    statement_write(sql, " AND ");
    write_condition(sql, "t.table_name", pattern->table);
    statement_write(sql, " AND t.table_type = 'BASE TABLE' ORDER BY 1, 2, c.ordinal_position");
}

void catalogue_write_indexes(struct statement *sql, const struct config_table *pattern) {
    statement_write(sql, "SELECT s.table_schema AS db, s.table_name AS tb, s.column_name AS name,"
                         " s.index_name = 'PRIMARY' AS is_primary, s.seq_in_index AS place,"
                         " s.sub_part IS NOT NULL AS is_prefix FROM information_schema.statistics s");
    write_where(sql, pattern, "s.table_schema", "s.table_name");
    statement_write(sql, " AND s.non_unique = 0 ORDER BY 1, 2, s.index_name, s.seq_in_index");
}

void catalogue_write_triggers(struct statement *sql, const struct config_table *pattern) {
    statement_write(sql, "SELECT g.event_object_schema AS db, g.event_object_table AS tb"
                         " FROM information_schema.triggers g");
    write_where(sql, pattern, "g.event_object_schema", "g.event_object_table");
}

static const char *value_of(const struct server_rows *rows, size_t row, const char *column) {
    const char *value = server_rows_value(rows, row, column);
    return value ? value : "";
}

static bool flag_of(const struct server_rows *rows, size_t row, const char *column) {
    return atoi(value_of(rows, row, column)) != 0;
}

static bool is_of(const struct server_rows *rows, size_t row, const struct chunk_table *form) {
    return strcmp(value_of(rows, row, "db"), form->database) == 0 &&
           strcmp(value_of(rows, row, "tb"), form->name) == 0;
}

static bool add_column(struct catalogue_table *table, const struct server_rows *rows, size_t row) {
    struct chunk_table *form = &table->form;
    struct chunk_column *columns = realloc(form->columns, (form->column_count + 1) * sizeof *columns);
    if (!columns)
        return false;
    form->columns = columns;
    struct chunk_column *column = &columns[form->column_count++];
    *column = (struct chunk_column){.kind = chunk_kind_of(value_of(rows, row, "kind")),
                                    .nullable = flag_of(rows, row, "is_nullable"),
                                    .generated = flag_of(rows, row, "is_generated")};
    snprintf(column->name, sizeof column->name, "%s", value_of(rows, row, "name"));
    snprintf(column->charset, sizeof column->charset, "%s", value_of(rows, row, "charset"));
    if (column->charset[strspn(column->charset, "abcdefghijklmnopqrstuvwxyz0123456789_")])
        column->kind = CHUNK_OPAQUE; /* no server's word for one; it isn't quoted where it's used */
    table->has_healing_column |= strcasecmp(column->name, "ring_u") == 0;
    statement_write(&table->definition, "%s %s %s %d %d,", column->name, value_of(rows, row, "type"),
                    value_of(rows, row, "collation"), column->nullable, column->generated);
    return true;
}

/* A prefix of a column identifies a row by a part of the value that only the server knows how to cut: such a
 * key has no columns here. */
static void add_index_part(struct catalogue_table *table, const struct server_rows *rows, size_t row) {
    struct chunk_table *form = &table->form;
    const char *name = value_of(rows, row, "name");
    size_t column = 0;
    while (column < form->column_count && strcasecmp(form->columns[column].name, name) != 0)
        column++;
    if (!flag_of(rows, row, "is_primary")) {
        table->has_second_unique = true;
        if (column < form->column_count)
            form->columns[column].unique = true;
        return;
    }
    table->key_is_prefix |= flag_of(rows, row, "is_prefix");
    if (column < form->column_count && form->key_count < CHUNK_KEY_PARTS)
        form->key[form->key_count++] = column;
    statement_write(&table->definition, " key %s,", name);
}

static bool add_table(struct catalogue *catalogue, const struct server_rows *columns, size_t first,
                      size_t end, const struct server_rows *indexes, const struct server_rows *triggers) {
    struct catalogue_table *tables = realloc(catalogue->tables, (catalogue->count + 1) * sizeof *tables);
    if (!tables)
        return false;
    catalogue->tables = tables;
    struct catalogue_table *table = &tables[catalogue->count++];
    *table = (struct catalogue_table){0};
    snprintf(table->form.database, sizeof table->form.database, "%s", value_of(columns, first, "db"));
    snprintf(table->form.name, sizeof table->form.name, "%s", value_of(columns, first, "tb"));
    snprintf(table->engine, sizeof table->engine, "%s", value_of(columns, first, "engine"));
    for (size_t row = first; row < end; row++)
        if (!add_column(table, columns, row))
            return false;
    for (size_t row = 0; row < server_rows_count(indexes); row++)
        if (is_of(indexes, row, &table->form))
            add_index_part(table, indexes, row);
    for (size_t row = 0; row < server_rows_count(triggers); row++)
        table->has_trigger |= is_of(triggers, row, &table->form);
    if (table->key_is_prefix)
        table->form.key_count = 0;
    return !table->definition.failed;
}

bool catalogue_add(struct catalogue *catalogue, const struct server_rows *columns,
                   const struct server_rows *indexes, const struct server_rows *triggers) {
    for (size_t first = 0, end; first < server_rows_count(columns); first = end) {
        const char *database = value_of(columns, first, "db"), *name = value_of(columns, first, "tb");
        for (end = first; end < server_rows_count(columns); end++)
            if (strcmp(value_of(columns, end, "db"), database) != 0 ||
                strcmp(value_of(columns, end, "tb"), name) != 0)
                break;
        if (!catalogue_find(catalogue, database, name) &&
            !add_table(catalogue, columns, first, end, indexes, triggers))
            return false;
    }
    return true;
}

void catalogue_free(struct catalogue *catalogue) {
    for (size_t i = 0; i < catalogue->count; i++) {
        free(catalogue->tables[i].form.columns);
        statement_free(&catalogue->tables[i].definition);
    }
    free(catalogue->tables);
    *catalogue = (struct catalogue){0};
}

const struct catalogue_table *catalogue_find(const struct catalogue *catalogue, const char *database,
                                             const char *name) {
    for (size_t i = 0; i < catalogue->count; i++)
        if (strcmp(catalogue->tables[i].form.database, database) == 0 &&
            strcmp(catalogue->tables[i].form.name, name) == 0)
            return &catalogue->tables[i];
    return NULL;
}

const char *catalogue_refuses_repair(const struct catalogue_table *table) {
    if (strcasecmp(table->engine, "InnoDB") != 0)
        return "its engine isn't InnoDB";
    if (!table->has_second_unique)
        return "it has no unique index beside its primary key, so a site that lacks a row wouldn't pass its "
               "deletion on; see `roundabout ring prepare-table`";
    if (table->has_trigger)
        return "it has a trigger, which could act on the tombstone";
    return chunk_refuses_repair(&table->form);
}
