/* The statements with which a cache table is compared between sites, range by range of its primary key, and
 * with which one of its rows is taken away everywhere. Pure: a table's columns in, SQL out.
 *
 * A key is a text of SQL literals, one for each column of the primary key, that the servers themselves write:
 * numbers as they are, strings and binary values in hexadecimal with their own character set, so that any
 * byte is carried unharmed and the column's own collation decides what is equal and what comes first. */
#ifndef ROUNDABOUT_CHUNK_H
#define ROUNDABOUT_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "statement.h"

enum {
    CHUNK_KEY_PARTS = 16,   /* InnoDB's limit for the columns of an index */
    CHUNK_BUCKETS = 32,     /* parts of a range, by hash of the key; a bit each in a uint32_t */
    CHUNK_NAME_BYTES = 260, /* a name of 64 characters */
    CHUNK_POINTS_MAX = 64,  /* keys of one chunk_write_points() */
};

/* Stands between the literals of a key; none of them can hold it. */
#define CHUNK_SEPARATOR '\x1f'

enum chunk_kind {
    CHUNK_NUMBER,
    CHUNK_FLOAT, /* can't be compared for equality, so it can't be part of a key */
    CHUNK_TEXT,
    CHUNK_BINARY,
    CHUNK_QUOTED, /* dates, times, addresses: a short text of plain characters */
    CHUNK_BITS,   /* BIT, ENUM, SET: by number */
    CHUNK_JSON,
    CHUNK_OPAQUE, /* geometry and whatever is unknown: compared by its bytes; not in a key */
};

struct chunk_column {
    char name[CHUNK_NAME_BYTES];
    char charset[64]; /* CHUNK_TEXT */
    enum chunk_kind kind;
    bool nullable;
    bool generated; /* it isn't written, nor compared */
    bool unique;    /* part of a unique index other than the primary key */
};

struct chunk_table {
    char database[CHUNK_NAME_BYTES], name[CHUNK_NAME_BYTES];
    struct chunk_column *columns;
    size_t column_count;
    size_t key[CHUNK_KEY_PARTS]; /* places of its columns in `columns` */
    size_t key_count;            /* 0: no primary key */
};

/* By information_schema's data_type. */
enum chunk_kind chunk_kind_of(const char *data_type);

/* Why the table can't be compared, and why a row of it can't be taken away; NULL: it can. Static texts. */
const char *chunk_refuses_comparing(const struct chunk_table *table);
const char *chunk_refuses_repair(const struct chunk_table *table);

/* Parts of statements, for other modules that write some: k0, k1, ..., the key's literals of the row `r`; the
 * table's name; the key's columns equal to one key. */
void chunk_write_key(struct statement *sql, const struct chunk_table *table);
void chunk_write_name(struct statement *sql, const struct chunk_table *table);
void chunk_write_equals(struct statement *sql, const struct chunk_table *table, const char *key);

/* Whether the text is a key of this table: as many literals as its primary key has columns, each of its column's
 * kind and nothing else. Whatever comes from a server is asked about before it goes to another one. */
bool chunk_key_fits(const struct chunk_table *table, const char *key);

/* A range of keys: from `lower` on, up to and without `upper`; NULL: no bound. */
struct chunk_range {
    const char *lower, *upper;
};

/* The key at which a range shall be cut so that `rows` are before it: one row with the key's parts in the
 * columns k0, k1,
 * ..., or none if the range isn't longer. */
void chunk_write_cut(struct statement *sql, const struct chunk_table *table, struct chunk_range range,
                     unsigned rows);

/* row_text: each row of the range as a list in parentheses of literals that bring its values back exactly, for
 * the statement that chunk_write_replace() begins; NULL: it is longer than the server's max_allowed_packet. */
void chunk_write_rows(struct statement *sql, const struct chunk_table *table, struct chunk_range range);
void chunk_write_replace(struct statement *sql, const struct chunk_table *table);

/* bucket, n, x: count of rows and checksum of each bucket that has any. Two rows that differ in any column
 * have different checksums but for one chance in 2^32; the checksum of a bucket isn't linear in the rows'
 * bytes, so that equal differences of two rows don't cancel out as with CRC32 alone. */
void chunk_write_sums(struct statement *sql, const struct chunk_table *table, struct chunk_range range);

/* k0, k1, ..., h, name: the key, 128 bits of SHA-256 of the row, and 64 bits of SHA-256 of the key's values
 * (for logs) of each row in these buckets. */
void chunk_write_keys(struct statement *sql, const struct chunk_table *table, struct chunk_range range,
                      uint32_t buckets);

/* at, h: the same hash of each row that is there, `at` being the place of its key. */
void chunk_write_points(struct statement *sql, const struct chunk_table *table, const char *const *keys,
                        size_t count);

/* h: as above, of one row, which is then locked until the transaction ends. */
void chunk_write_lock(struct statement *sql, const struct chunk_table *table, const char *key);

/* A row of this key with values that mean nothing, logged in each format as something that every site carries
 * out and passes on, whether it has the row or not; and its end. Both in one transaction: nobody sees the
 * first. */
void chunk_write_tombstone(struct statement *sql, const struct chunk_table *table, const char *key);
void chunk_write_delete(struct statement *sql, const struct chunk_table *table, const char *key);

#endif
