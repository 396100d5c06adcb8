/* The statements of comparing and repairing, for each kind of key and column. */
#include "../../daemon/chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

static struct chunk_column columns[] = {
    {.name = "k", .kind = CHUNK_BINARY},
    {.name = "a`b", .kind = CHUNK_NUMBER},
    {.name = "t", .kind = CHUNK_TEXT, .charset = "latin1"},
    {.name = "v", .kind = CHUNK_TEXT, .charset = "utf8mb4", .nullable = true},
    {.name = "f", .kind = CHUNK_FLOAT, .nullable = true},
    {.name = "e", .kind = CHUNK_BITS},
    {.name = "d", .kind = CHUNK_QUOTED},
    {.name = "j", .kind = CHUNK_JSON},
    {.name = "g", .kind = CHUNK_NUMBER, .generated = true},
    {.name = "u", .kind = CHUNK_NUMBER, .nullable = true, .unique = true},
    {.name = "o", .kind = CHUNK_OPAQUE, .nullable = true},
};
enum { K, A, T, V, F, E, D, J, G, U, O };

/* A table of some of the columns, the key's first. */
static struct chunk_table table_of(const size_t *key, size_t key_count, const size_t *others,
                                   size_t other_count, struct chunk_column *room) {
    struct chunk_table table = {.database = "shop", .name = "ca`che", .columns = room};
    for (size_t i = 0; i < key_count; i++) {
        room[i] = columns[key[i]];
        table.key[table.key_count++] = i;
    }
    for (size_t i = 0; i < other_count; i++)
        room[key_count + i] = columns[others[i]];
    table.column_count = key_count + other_count;
    return table;
}
#define TABLE(room, others, ...) \
    table_of((size_t[]){__VA_ARGS__}, COUNT(((size_t[]){__VA_ARGS__})), others, COUNT(others), room)

static void check_text(struct statement *sql, const char *wanted) {
    assert_false(sql->failed);
    assert_string_equal(sql->at, wanted);
    statement_clear(sql);
}

static void each_type_of_column_has_its_kind(void **state) {
    (void)state;
    static const struct {
        const char *type;
        enum chunk_kind kind;
    } cases[] = {{"int", CHUNK_NUMBER},
                 {"bigint", CHUNK_NUMBER},
                 {"decimal", CHUNK_NUMBER},
                 {"double", CHUNK_FLOAT},
                 {"char", CHUNK_TEXT},
                 {"longtext", CHUNK_TEXT},
                 {"varbinary", CHUNK_BINARY},
                 {"blob", CHUNK_BINARY},
                 {"timestamp", CHUNK_QUOTED},
                 {"time", CHUNK_QUOTED},
                 {"uuid", CHUNK_QUOTED},
                 {"enum", CHUNK_BITS},
                 {"json", CHUNK_JSON},
                 {"point", CHUNK_OPAQUE},
                 {"vector", CHUNK_OPAQUE},
                 {"", CHUNK_OPAQUE},
                 {"in", CHUNK_OPAQUE},
                 {"a type of a name that is longer than any type's name is", CHUNK_OPAQUE}};
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(chunk_kind_of(cases[i].type), cases[i].kind);
}

static void ranges_are_written_for_the_index(void **state) {
    (void)state;
    struct chunk_column room[COUNT(columns)];
    const size_t none[] = {V};
    struct statement sql = {0};
    struct chunk_table one = TABLE(room, none, K);
    chunk_write_cut(&sql, &one, (struct chunk_range){0}, 5000);
    check_text(&sql,
               "SELECT CONCAT('X''', HEX(r.`k`), '''') AS k0 FROM `shop`.`ca``che` AS r FORCE INDEX (PRIMARY)"
               " ORDER BY r.`k` LIMIT 5000, 1");
    chunk_write_cut(&sql, &one, (struct chunk_range){.lower = "X'61'", .upper = "X'62'"}, 7);
    check_text(&sql,
               "SELECT CONCAT('X''', HEX(r.`k`), '''') AS k0 FROM `shop`.`ca``che` AS r FORCE INDEX (PRIMARY)"
               " WHERE r.`k` >= X'61' AND r.`k` < X'62' ORDER BY r.`k` LIMIT 7, 1");
    struct chunk_table three = TABLE(room, none, A, T, E);
    chunk_write_cut(&sql, &three,
                    (struct chunk_range){.lower = "1\x1f_latin1 X'61'\x1f"
                                                  "2",
                                         .upper = "3\x1f_latin1 X''\x1f"
                                                  "4"},
                    7);
    check_text(
        &sql,
        "SELECT CAST(r.`a``b` AS CHAR) AS k0, CONCAT('_latin1 X''', HEX(r.`t`), '''') AS k1, CAST(r.`e` + 0"
        " AS CHAR) AS k2 FROM `shop`.`ca``che` AS r FORCE INDEX (PRIMARY)"
        " WHERE r.`a``b` >= 1 AND (r.`a``b` > 1 OR (r.`a``b` = 1 AND (r.`t` > _latin1 X'61' OR (r.`t` ="
        " _latin1 X'61' AND (r.`e` >= 2)))))"
        " AND r.`a``b` <= 3 AND (r.`a``b` < 3 OR (r.`a``b` = 3 AND (r.`t` < _latin1 X'' OR (r.`t` ="
        " _latin1 X'' AND (r.`e` < 4)))))"
        " ORDER BY r.`a``b`, r.`t`, r.`e` LIMIT 7, 1");
    statement_free(&sql);
}

static void every_column_that_is_stored_counts_and_null_is_a_value(void **state) {
    (void)state;
    struct chunk_column room[COUNT(columns)];
    const size_t all[] = {T, V, F, E, D, J, G, U, O};
    struct chunk_table table = TABLE(room, all, K);
    struct statement sql = {0};
    chunk_write_sums(&sql, &table, (struct chunk_range){0});
    check_text(
        &sql,
        "SELECT (CRC32(CONCAT_WS(',', r.`k`)) & 31) AS bucket, COUNT(*) AS n, "
        "BIT_XOR(CRC32(CRC32(CONCAT_WS('#',"
        " LENGTH((r.`k`)), LENGTH((r.`t`)), COALESCE(LENGTH((r.`v`)), '-'), LENGTH((r.`j`)),"
        " COALESCE(LENGTH(HEX(r.`o`)), '-'),"
        " r.`k`, CAST(r.`t` AS BINARY), COALESCE(CAST(r.`v` AS BINARY), '-'),"
        " COALESCE(CAST(r.`f` + 0e0 AS CHAR), '-'), r.`e` + 0, r.`d`, CAST(CAST(r.`j` AS CHAR) AS BINARY),"
        " COALESCE(CAST(r.`u` AS CHAR), '-'), COALESCE(HEX(r.`o`), '-'))))) AS x"
        " FROM `shop`.`ca``che` AS r FORCE INDEX (PRIMARY) GROUP BY 1");
    statement_free(&sql);
}

static void keys_are_listed_of_the_buckets_that_differ_only(void **state) {
    (void)state;
    struct chunk_column room[COUNT(columns)];
    const size_t none[] = {E};
    struct chunk_table table = TABLE(room, none, A);
    struct statement sql = {0};
    chunk_write_keys(&sql, &table, (struct chunk_range){.lower = "5"}, 1U << 31 | 1U << 3);
    check_text(
        &sql,
        "SELECT CAST(r.`a``b` AS CHAR) AS k0, LEFT(SHA2(CONCAT_WS('#', r.`a``b`, r.`e` + 0), 256), 32) AS"
        " h, LEFT(SHA2(CONCAT_WS(',', r.`a``b`), 256), 16) AS name FROM `shop`.`ca``che` AS r FORCE INDEX"
        " (PRIMARY) WHERE r.`a``b` >= 5 AND (CRC32(CONCAT_WS(',', r.`a``b`)) & 31) IN (3, 31)");
    statement_free(&sql);
}

static void a_key_is_read_locked_and_taken_away_by_its_literals(void **state) {
    (void)state;
    struct chunk_column room[COUNT(columns)];
    const size_t others[] = {V, T, J, U, G, F};
    struct chunk_table table = TABLE(room, others, A, D);
    struct statement sql = {0};
    const char *const keys[] = {"1\x1f'2024-01-01'", "2\x1f''"};
    const size_t none[] = {E};
    struct chunk_table small = TABLE(room + 8, none, D);
    chunk_write_points(&sql, &small, (const char *const[]){"'x'", "'y'"}, 2);
    check_text(
        &sql,
        "SELECT 0 AS at, LEFT(SHA2(CONCAT_WS('#', r.`d`, r.`e` + 0), 256), 32) AS h FROM `shop`.`ca``che` AS"
        " r WHERE r.`d` = 'x' UNION ALL SELECT 1 AS at, LEFT(SHA2(CONCAT_WS('#', r.`d`, r.`e` + 0), 256),"
        " 32) AS h FROM `shop`.`ca``che` AS r WHERE r.`d` = 'y'");
    chunk_write_lock(&sql, &small, "'x'");
    check_text(
        &sql,
        "SELECT LEFT(SHA2(CONCAT_WS('#', r.`d`, r.`e` + 0), 256), 32) AS h FROM `shop`.`ca``che` AS r WHERE"
        " r.`d` = 'x' FOR UPDATE");
    chunk_write_tombstone(&sql, &table, keys[0]);
    check_text(&sql, "REPLACE INTO `shop`.`ca``che` (`a``b`, `d`, `t`, `j`, `u`) VALUES (1, '2024-01-01', "
                     "'0', '0', NULL)");
    chunk_write_delete(&sql, &table, keys[1]);
    check_text(&sql, "DELETE FROM `shop`.`ca``che` WHERE `a``b` = 2 AND `d` = ''");
    statement_free(&sql);
}

static void what_can_not_be_done_is_refused(void **state) {
    (void)state;
    struct chunk_column room[COUNT(columns)];
    const size_t others[] = {V, U, O};
    struct chunk_table table = TABLE(room, others, K);
    assert_null(chunk_refuses_comparing(&table));
    assert_null(chunk_refuses_repair(&table));
    room[2].nullable = false; /* the unique one */
    assert_null(chunk_refuses_comparing(&table));
    assert_non_null(chunk_refuses_repair(&table));
    table = TABLE(room, others, K);
    room[3].nullable = false; /* the opaque one */
    assert_non_null(chunk_refuses_repair(&table));
    table = TABLE(room, others, K, F);
    assert_non_null(chunk_refuses_comparing(&table));
    table = TABLE(room, others, O);
    assert_non_null(chunk_refuses_comparing(&table));
    table.key_count = 0;
    assert_non_null(chunk_refuses_comparing(&table));
}

static void a_key_has_a_literal_for_each_column(void **state) {
    (void)state;
    struct chunk_column room[COUNT(columns)];
    const size_t none[] = {E};
    struct chunk_table two = TABLE(room, none, K, A);
    assert_true(chunk_key_fits(&two, "X''\x1f"
                                     "1"));
    assert_false(chunk_key_fits(&two, "X''"));
    assert_false(chunk_key_fits(&two, ""));
    assert_false(chunk_key_fits(&two, "X''\x1f"
                                      "1\x1f"
                                      "2"));
}

/* A key that a server says goes into statements at the others. */
static void a_key_is_nothing_but_literals_of_its_columns(void **state) {
    (void)state;
    static const struct {
        size_t column;
        const char *key;
        bool fits;
    } cases[] = {
        {K, "X''", true},          {K, "X'00fF'", true},      {K, "X'0'", false},       {K, "X'00' OR 1=1", false},
        {K, "X'00' OR X'00'", false}, {K, "1", false},        {K, "", false},           {K, "'a'", false},
        {A, "1", true},            {A, "-12.50", true},       {A, "1e10", true},        {A, "1 OR 1=1", false},
        {A, "1--1", false},        {A, "-", false},           {A, "r.a", false},        {A, "1;", false},
        {A, "NULL", false},        {A, "(1)", false},         {A, "1/**/", false},      {A, "", false},
        {T, "_latin1 X'41'", true}, {T, "_latin1 X''", true}, {T, "X'41'", false},      {T, "_utf8mb4 X'41'", false},
        {T, "_latin1 X'41' OR 1", false}, {T, "_latin1", false}, {T, "_latin1 '1'", false}, {T, "_latin1 X'4' '", false},
        {E, "3", true},            {E, "x", false},           {D, "'2026-01-01 00:00:00.5'", true},
        {D, "'::ffff:1.2.3.4'", true}, {D, "'2026' OR '1'", false}, {D, "'\\'", false}, {D, "'", false},
    };
    const size_t none[] = {F};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct chunk_column room[COUNT(columns)];
        struct chunk_table table = TABLE(room, none, cases[i].column);
        if (chunk_key_fits(&table, cases[i].key) != cases[i].fits)
            fail_msg("%s: %s", cases[i].key, cases[i].fits ? "is a key" : "isn't a key");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_of_column_has_its_kind),
        cmocka_unit_test(ranges_are_written_for_the_index),
        cmocka_unit_test(every_column_that_is_stored_counts_and_null_is_a_value),
        cmocka_unit_test(keys_are_listed_of_the_buckets_that_differ_only),
        cmocka_unit_test(a_key_is_read_locked_and_taken_away_by_its_literals),
        cmocka_unit_test(what_can_not_be_done_is_refused),
        cmocka_unit_test(a_key_is_nothing_but_literals_of_its_columns),
        cmocka_unit_test(a_key_has_a_literal_for_each_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
