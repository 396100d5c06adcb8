#define _GNU_SOURCE
#include "chunk.h"

#include <inttypes.h>
#include <string.h>

enum chunk_kind chunk_kind_of(const char *data_type) {
    static const struct {
        enum chunk_kind kind;
        const char *types; /* each between spaces */
    } kinds[] = {
        {CHUNK_NUMBER, " tinyint smallint mediumint int bigint decimal year "},
        {CHUNK_FLOAT, " float double "},
        {CHUNK_TEXT, " char varchar tinytext text mediumtext longtext "},
        {CHUNK_BINARY, " binary varbinary tinyblob blob mediumblob longblob "},
        {CHUNK_QUOTED, " date time datetime timestamp uuid inet6 inet4 "},
        {CHUNK_BITS, " bit enum set "},
        {CHUNK_JSON, " json "},
    };
    char word[40];
    const size_t length = strlen(data_type);
    if (length + 3 > sizeof word)
        return CHUNK_OPAQUE;
    word[0] = ' ';
    memcpy(word + 1, data_type, length);
    memcpy(word + 1 + length, " ", 2);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strstr(kinds[i].types, word))
            return kinds[i].kind;
    return CHUNK_OPAQUE;
}

const char *chunk_refuses_comparing(const struct chunk_table *table) {
    if (table->key_count == 0)
        return "it has no primary key";
    for (size_t i = 0; i < table->key_count; i++) {
        const struct chunk_column *column = &table->columns[table->key[i]];
        if (column->kind == CHUNK_FLOAT)
            return "a column of its primary key is a floating-point number";
        if (column->kind == CHUNK_OPAQUE || column->kind == CHUNK_JSON)
            return "a column of its primary key is of a type that can't be written as a literal";
    }
    return NULL;
}

static bool is_in_key(const struct chunk_table *table, size_t column) {
    for (size_t i = 0; i < table->key_count; i++)
        if (table->key[i] == column)
            return true;
    return false;
}

const char *chunk_refuses_repair(const struct chunk_table *table) {
    const char *refused = chunk_refuses_comparing(table);
    if (refused)
        return refused;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct chunk_column *column = &table->columns[i];
        if (is_in_key(table, i))
            continue;
        if (column->unique && !column->nullable)
            return "a tombstone could push out another row: another unique index than the primary key has a "
                   "column that is NOT NULL";
        if (column->kind == CHUNK_OPAQUE && !column->nullable)
            return "there is no value that means nothing for one of its columns";
    }
    return NULL;
}

static const struct chunk_column *key_column(const struct chunk_table *table, size_t i) {
    return &table->columns[table->key[i]];
}

/* The i-th literal of a key and how long it is. */
static const char *part_of(const char *key, size_t i, int *length) {
    for (; i > 0; i--) {
        key = strchr(key, CHUNK_SEPARATOR);
        if (!key)
            return *length = 0, "";
        key++;
    }
    const char *end = strchr(key, CHUNK_SEPARATOR);
    *length = end ? (int)(end - key) : (int)strlen(key);
    return key;
}

/* X'...' with whole bytes. */
static bool is_hex_literal(const char *text, size_t length) {
    return length >= 3 && length % 2 == 1 && strncmp(text, "X'", 2) == 0 && text[length - 1] == '\'' &&
           strspn(text + 2, "0123456789ABCDEFabcdef") == length - 3;
}

/* A key of one server's becomes part of statements at the others: nothing but a literal as write_literal_of() has
 * it written may be. */
static bool is_literal(const struct chunk_column *column, const char *text, size_t length) {
    const size_t charset = strlen(column->charset);
    switch (column->kind) {
    case CHUNK_NUMBER:
    case CHUNK_BITS:
        return length > 0 && strspn(text, "0123456789.eE+-") >= length && strcspn(text, "0123456789") < length &&
               !memmem(text, length, "--", 2);
    case CHUNK_TEXT:
        return length > charset + 2 && text[0] == '_' && strncmp(text + 1, column->charset, charset) == 0 &&
               text[charset + 1] == ' ' && is_hex_literal(text + charset + 2, length - charset - 2);
    case CHUNK_BINARY:
        return is_hex_literal(text, length);
    case CHUNK_QUOTED: /* dates, times, addresses, UUIDs */
        return length >= 2 && text[0] == '\'' && text[length - 1] == '\'' &&
               strspn(text + 1, "0123456789ABCDEFabcdef.:- ") == length - 2;
    default:
        return false;
    }
}

bool chunk_key_fits(const struct chunk_table *table, const char *key) {
    size_t parts = 1;
    int length;
    for (const char *at = key; *at; at++)
        parts += *at == CHUNK_SEPARATOR;
    bool fits = parts == table->key_count;
    for (size_t i = 0; fits && i < parts; i++) {
        const char *part = part_of(key, i, &length);
        fits = is_literal(key_column(table, i), part, (size_t)length);
    }
    return fits;
}

/* All columns are named through `r`, so that no alias of ours can be taken for one of them. */
static void write_column(struct statement *sql, const struct chunk_column *column) {
    statement_write(sql, "r.");
    statement_write_name(sql, column->name);
}

static void write_table(struct statement *sql, const struct chunk_table *table) {
    statement_write_name(sql, table->database);
    statement_write(sql, ".");
    statement_write_name(sql, table->name);
}

/* An expression whose value is the literal of the column's value. */
static void write_literal_of(struct statement *sql, const struct chunk_column *column) {
    static const struct {
        const char *before, *after;
    } words[] = {
        [CHUNK_NUMBER] = {"CAST(", " AS CHAR)"},
        [CHUNK_BINARY] = {"CONCAT('X''', HEX(", "), '''')"},
        [CHUNK_QUOTED] = {"CONCAT('''', ", ", '''')"},
        [CHUNK_BITS] = {"CAST(", " + 0 AS CHAR)"},
    };
    if (column->kind == CHUNK_TEXT)
        statement_write(sql, "CONCAT('_%s X''', HEX(", column->charset);
    else
        statement_write(sql, "%s", words[column->kind].before);
    write_column(sql, column);
    statement_write(sql, "%s", column->kind == CHUNK_TEXT ? "), '''')" : words[column->kind].after);
}

static void write_key_literals(struct statement *sql, const struct chunk_table *table) {
    for (size_t i = 0; i < table->key_count; i++) {
        statement_write(sql, "%s", i ? ", " : "");
        write_literal_of(sql, key_column(table, i));
        statement_write(sql, " AS k%zu", i);
    }
}

/* The values of the key as bytes. */
static void write_key_bytes(struct statement *sql, const struct chunk_table *table) {
    statement_write(sql, "CONCAT_WS(','");
    for (size_t i = 0; i < table->key_count; i++) {
        const bool is_text = key_column(table, i)->kind == CHUNK_TEXT;
        statement_write(sql, ", %s", is_text ? "CAST(" : "");
        write_column(sql, key_column(table, i));
        statement_write(sql, "%s",
                        is_text                                    ? " AS BINARY)"
                        : key_column(table, i)->kind == CHUNK_BITS ? " + 0"
                                                                   : "");
    }
    statement_write(sql, ")");
}

static bool has_any_length(const struct chunk_column *column) {
    return column->kind == CHUNK_TEXT || column->kind == CHUNK_BINARY || column->kind == CHUNK_JSON ||
           column->kind == CHUNK_OPAQUE;
}

/* Values of any length are told apart by their lengths, which come first; NULL by a length, or a value, that
 * no value has. Times depend on the session's time zone, which is UTC for all. */
static void write_row_bytes(struct statement *sql, const struct chunk_table *table) {
    static const struct {
        const char *before, *after;
    } words[] = {
        [CHUNK_NUMBER] = {"", ""},
        [CHUNK_FLOAT] = {"", " + 0e0"}, /* a FLOAT shows only six of its digits */
        [CHUNK_TEXT] = {"CAST(", " AS BINARY)"},
        [CHUNK_BINARY] = {"", ""},
        [CHUNK_QUOTED] = {"", ""},
        [CHUNK_BITS] = {"", " + 0"},
        [CHUNK_JSON] = {"CAST(CAST(", " AS CHAR) AS BINARY)"},
        [CHUNK_OPAQUE] = {"HEX(", ")"},
    };
    statement_write(sql, "CONCAT_WS('#'");
    for (size_t i = 0; i < table->column_count; i++) {
        const struct chunk_column *column = &table->columns[i];
        if (!has_any_length(column) || column->generated)
            continue;
        const char *bytes = column->kind == CHUNK_OPAQUE ? "HEX" : "";
        statement_write(sql, column->nullable ? ", COALESCE(LENGTH(%s(" : ", LENGTH(%s(", bytes);
        write_column(sql, column);
        statement_write(sql, column->nullable ? ")), '-')" : "))");
    }
    for (size_t i = 0; i < table->column_count; i++) {
        const struct chunk_column *column = &table->columns[i];
        if (column->generated)
            continue;
        const bool as_text = column->nullable && !has_any_length(column);
        statement_write(sql, ", %s%s%s", column->nullable ? "COALESCE(" : "", as_text ? "CAST(" : "",
                        words[column->kind].before);
        write_column(sql, column);
        statement_write(sql, "%s%s%s", words[column->kind].after, as_text ? " AS CHAR)" : "",
                        column->nullable ? ", '-')" : "");
    }
    statement_write(sql, ")");
}

static void write_row_hash(struct statement *sql, const struct chunk_table *table) {
    statement_write(sql, "LEFT(SHA2(");
    write_row_bytes(sql, table);
    statement_write(sql, ", 256), 32) AS h");
}

/* Rows from the bound on, or before it: a > x OR (a = x AND (b > y OR (b = y AND c >= z))), which both
 * servers' optimizers take for a range of the index; (a, b, c) >= (x, y, z) they don't. */
static void write_bound(struct statement *sql, const struct chunk_table *table, const char *key, bool lower) {
    int length;
    const char *first = part_of(key, 0, &length);
    write_column(sql, key_column(table, 0));
    statement_write(sql,
                    table->key_count == 1 ? (lower ? " >= %.*s" : " < %.*s")
                                          : (lower ? " >= %.*s AND (" : " <= %.*s AND ("),
                    length, first);
    for (size_t i = 0; table->key_count > 1 && i < table->key_count; i++) {
        const char *part = part_of(key, i, &length);
        const bool last = i + 1 == table->key_count;
        write_column(sql, key_column(table, i));
        statement_write(sql, " %s%s %.*s", lower ? ">" : "<", lower && last ? "=" : "", length, part);
        if (last)
            break;
        statement_write(sql, " OR (");
        write_column(sql, key_column(table, i));
        statement_write(sql, " = %.*s AND (", length, part);
    }
    for (size_t i = 1; i < table->key_count; i++)
        statement_write(sql, "))");
    if (table->key_count > 1)
        statement_write(sql, ")");
}

static void write_source(struct statement *sql, const struct chunk_table *table, struct chunk_range range) {
    statement_write(sql, " FROM ");
    write_table(sql, table);
    statement_write(sql, " AS r FORCE INDEX (PRIMARY)");
    const char *word = " WHERE ";
    if (range.lower) {
        statement_write(sql, "%s", word);
        write_bound(sql, table, range.lower, true);
        word = " AND ";
    }
    if (range.upper) {
        statement_write(sql, "%s", word);
        write_bound(sql, table, range.upper, false);
    }
}

void chunk_write_cut(struct statement *sql, const struct chunk_table *table, struct chunk_range range,
                     unsigned rows) {
    statement_write(sql, "SELECT ");
    write_key_literals(sql, table);
    write_source(sql, table, range);
    statement_write(sql, " ORDER BY ");
    for (size_t i = 0; i < table->key_count; i++) {
        statement_write(sql, "%s", i ? ", " : "");
        write_column(sql, key_column(table, i));
    }
    statement_write(sql, " LIMIT %u, 1", rows);
}

static void write_value_of(struct statement *sql, const struct chunk_column *column) {
    static const struct {
        const char *before, *after;
    } words[] = {
        [CHUNK_FLOAT] = {"CAST(", " + 0e0 AS CHAR)"},
        [CHUNK_JSON] = {"CONCAT('_utf8mb4 X''', HEX(CAST(", " AS CHAR)), '''')"},
        [CHUNK_OPAQUE] = {"CONCAT('X''', HEX(", "), '''')"},
    };
    if (column->kind != CHUNK_FLOAT && column->kind != CHUNK_JSON && column->kind != CHUNK_OPAQUE) {
        write_literal_of(sql, column);
        return;
    }
    statement_write(sql, "%s", words[column->kind].before);
    write_column(sql, column);
    statement_write(sql, "%s", words[column->kind].after);
}

/* CONCAT, and not CONCAT_WS, is NULL as soon as a part is cut for its length. */
void chunk_write_rows(struct statement *sql, const struct chunk_table *table, struct chunk_range range) {
    const char *separator = "";
    statement_write(sql, "SELECT CONCAT('('");
    for (size_t i = 0; i < table->column_count; i++) {
        const struct chunk_column *column = &table->columns[i];
        if (column->generated)
            continue;
        statement_write(sql, ", '%s', ", separator);
        separator = ", ";
        if (column->nullable) {
            statement_write(sql, "IF(");
            write_column(sql, column);
            statement_write(sql, " IS NULL, 'NULL', ");
        }
        write_value_of(sql, column);
        statement_write(sql, column->nullable ? ")" : "");
    }
    statement_write(sql, ", ')') AS row_text");
    write_source(sql, table, range);
}

void chunk_write_replace(struct statement *sql, const struct chunk_table *table) {
    const char *separator = " (";
    statement_write(sql, "REPLACE INTO ");
    write_table(sql, table);
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].generated)
            continue;
        statement_write(sql, "%s", separator);
        statement_write_name(sql, table->columns[i].name);
        separator = ", ";
    }
    statement_write(sql, ") VALUES ");
}

static void write_bucket(struct statement *sql, const struct chunk_table *table) {
    statement_write(sql, "(CRC32(");
    write_key_bytes(sql, table);
    statement_write(sql, ") & %d)", CHUNK_BUCKETS - 1);
}

void chunk_write_sums(struct statement *sql, const struct chunk_table *table, struct chunk_range range) {
    statement_write(sql, "SELECT ");
    write_bucket(sql, table);
    /* The inner checksum becomes decimal digits before the outer one: that is what isn't linear. */
    statement_write(sql, " AS bucket, COUNT(*) AS n, BIT_XOR(CRC32(CRC32(");
    write_row_bytes(sql, table);
    statement_write(sql, "))) AS x");
    write_source(sql, table, range);
    statement_write(sql, " GROUP BY 1");
}

void chunk_write_keys(struct statement *sql, const struct chunk_table *table, struct chunk_range range,
                      uint32_t buckets) {
    statement_write(sql, "SELECT ");
    write_key_literals(sql, table);
    statement_write(sql, ", ");
    write_row_hash(sql, table);
    statement_write(sql, ", LEFT(SHA2(");
    write_key_bytes(sql, table);
    statement_write(sql, ", 256), 16) AS name");
    write_source(sql, table, range);
    statement_write(sql, "%s", range.lower || range.upper ? " AND " : " WHERE ");
    write_bucket(sql, table);
    const char *separator = " IN (";
    for (unsigned i = 0; i < CHUNK_BUCKETS; i++) {
        if (!(buckets >> i & 1))
            continue;
        statement_write(sql, "%s%u", separator, i);
        separator = ", ";
    }
    statement_write(sql, ")");
}

static void write_equals(struct statement *sql, const struct chunk_table *table, const char *key,
                         bool qualified) {
    for (size_t i = 0; i < table->key_count; i++) {
        int length;
        const char *part = part_of(key, i, &length);
        statement_write(sql, "%s", i ? " AND " : "");
        if (qualified)
            write_column(sql, key_column(table, i));
        else
            statement_write_name(sql, key_column(table, i)->name);
        statement_write(sql, " = %.*s", length, part);
    }
}

void chunk_write_points(struct statement *sql, const struct chunk_table *table, const char *const *keys,
                        size_t count) {
    for (size_t i = 0; i < count; i++) {
        statement_write(sql, "%sSELECT %zu AS at, ", i ? " UNION ALL " : "", i);
        write_row_hash(sql, table);
        statement_write(sql, " FROM ");
        write_table(sql, table);
        statement_write(sql, " AS r WHERE ");
        write_equals(sql, table, keys[i], true);
    }
}

void chunk_write_lock(struct statement *sql, const struct chunk_table *table, const char *key) {
    statement_write(sql, "SELECT ");
    write_row_hash(sql, table);
    statement_write(sql, " FROM ");
    write_table(sql, table);
    statement_write(sql, " AS r WHERE ");
    write_equals(sql, table, key, true);
    statement_write(sql, " FOR UPDATE");
}

/* Texts get '0', which is also valid JSON where a constraint asks for that; a unique column that may be NULL
 * gets NULL, which pushes out nobody; all else gets its default, and where it has none, in a session without
 * strict mode, its type's zero. */
void chunk_write_tombstone(struct statement *sql, const struct chunk_table *table, const char *key) {
    struct statement values = {0};
    statement_write(sql, "REPLACE INTO ");
    write_table(sql, table);
    statement_write(sql, " (");
    for (size_t i = 0; i < table->key_count; i++) {
        int length;
        const char *part = part_of(key, i, &length);
        statement_write(sql, "%s", i ? ", " : "");
        statement_write_name(sql, key_column(table, i)->name);
        statement_write(&values, "%s%.*s", i ? ", " : "", length, part);
    }
    for (size_t i = 0; i < table->column_count; i++) {
        const struct chunk_column *column = &table->columns[i];
        const bool takes_null = column->unique && column->nullable;
        const bool takes_zero =
            !column->nullable && (column->kind == CHUNK_TEXT || column->kind == CHUNK_JSON);
        if (is_in_key(table, i) || column->generated || !(takes_null || takes_zero))
            continue;
        statement_write(sql, ", ");
        statement_write_name(sql, column->name);
        statement_write(&values, takes_null ? ", NULL" : ", '0'");
    }
    statement_write(sql, ") VALUES (%s)", values.at ? values.at : "");
    sql->failed |= values.failed;
    statement_free(&values);
}

void chunk_write_delete(struct statement *sql, const struct chunk_table *table, const char *key) {
    statement_write(sql, "DELETE FROM ");
    write_table(sql, table);
    statement_write(sql, " WHERE ");
    write_equals(sql, table, key, false);
}

void chunk_write_key(struct statement *sql, const struct chunk_table *table) {
    write_key_literals(sql, table);
}

void chunk_write_name(struct statement *sql, const struct chunk_table *table) {
    write_table(sql, table);
}

void chunk_write_equals(struct statement *sql, const struct chunk_table *table, const char *key) {
    write_equals(sql, table, key, false);
}
