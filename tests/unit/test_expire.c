/* What `expire` may say, and the statements that follow from it. */
#include "../../daemon/key.h"
#include "../../daemon/purge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void every_text_is_read_or_refused(void **unused) {
    static const struct {
        const char *text, *column;
        bool good, is_seconds;
        unsigned amount;
        const char *unit;
    } rows[] = {
        {"created < NOW() - INTERVAL 10 MINUTE", "created", true, false, 10, "MINUTE"},
        {" `of a day`<now ( )-interval 1 day ", "of a day", true, false, 1, "DAY"},
        {"ends < NOW()", "ends", true, false, 0, NULL},
        {"ends < UNIX_TIMESTAMP()", "ends", true, true, 0, NULL},
        {"made<unix_timestamp()-600", "made", true, true, 600, NULL},
        {"", "", false, false, 0, NULL},
        {"created", "", false, false, 0, NULL},
        {"created > NOW()", "", false, false, 0, NULL},
        {"created <= NOW()", "", false, false, 0, NULL},
        {"created < NOW() + INTERVAL 1 DAY", "", false, false, 0, NULL},
        {"created < NOW() - INTERVAL 0 DAY", "", false, false, 0, NULL},
        {"created < NOW() - INTERVAL -1 DAY", "", false, false, 0, NULL},
        {"created < NOW() - INTERVAL 1 MONTH", "", false, false, 0, NULL},
        {"created < NOW() - INTERVAL 99999999999 SECOND", "", false, false, 0, NULL},
        {"created < NOW() - INTERVAL 1 DAY OR 1", "", false, false, 0, NULL},
        {"created < NOW() - INTERVAL 1 DAYS", "", false, false, 0, NULL},
        {"created < NOW() -- x", "", false, false, 0, NULL},
        {"created < NOWHERE()", "", false, false, 0, NULL},
        {"a.b < NOW()", "", false, false, 0, NULL},
        {"1 = 1 OR created < NOW()", "", false, false, 0, NULL},
        {"`a` OR `b` < NOW()", "", false, false, 0, NULL},
        {"(SELECT 1) < NOW()", "", false, false, 0, NULL},
        {"`created < NOW()", "", false, false, 0, NULL},
        {"`` < NOW()", "", false, false, 0, NULL},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct expire_rule rule;
        const char *why;
        if (expire_read(rows[i].text, &rule, &why) != rows[i].good)
            fail_msg("%s: %d wanted", rows[i].text, rows[i].good);
        if (!rows[i].good) {
            assert_non_null(why);
            continue;
        }
        assert_string_equal(rule.column, rows[i].column);
        assert_int_equal(rule.is_seconds, rows[i].is_seconds);
        assert_int_equal(rule.amount, rows[i].amount);
        assert_string_equal(rule.unit ? rule.unit : "", rows[i].unit ? rows[i].unit : "");
    }
}

static void rows_are_found_and_deleted_by_key_and_age(void **unused) {
    struct chunk_column columns[] = {{.name = "k", .kind = CHUNK_NUMBER},
                                     {.name = "t", .kind = CHUNK_QUOTED},
                                     {.name = "s", .kind = CHUNK_NUMBER}};
    const struct chunk_table table = {
        .database = "d", .name = "c", .columns = columns, .column_count = 3, .key = {0}, .key_count = 1};
    const char *const keys[] = {"5", "7"};
    struct expire_rule rule;
    const char *why;
    struct statement sql = {0};
    (void)unused;
    assert_true(expire_read("t < NOW() - INTERVAL 3 HOUR", &rule, &why));
    assert_null(purge_refuses(&table, &rule));
    purge_write_find(&sql, &table, &rule, 50);
    assert_string_equal(sql.at, "SELECT CAST(r.`k` AS CHAR) AS k0 FROM `d`.`c` AS r WHERE `t` < NOW() - INTERVAL 3 HOUR LIMIT 50");
    statement_clear(&sql);
    purge_write_delete(&sql, &table, &rule, keys, 2);
    assert_string_equal(sql.at, "DELETE FROM `d`.`c` WHERE `t` < NOW() - INTERVAL 3 HOUR AND ((`k` = 5) OR (`k` = 7))");
    statement_clear(&sql);
    assert_true(expire_read("s < UNIX_TIMESTAMP() - 60", &rule, &why));
    assert_null(purge_refuses(&table, &rule));
    purge_write_delete(&sql, &table, &rule, keys, 1);
    assert_string_equal(sql.at, "DELETE FROM `d`.`c` WHERE `s` < UNIX_TIMESTAMP() - 60 AND ((`k` = 5))");
    statement_free(&sql);
    assert_true(expire_read("s < NOW()", &rule, &why));
    assert_non_null(purge_refuses(&table, &rule));
    assert_true(expire_read("t < UNIX_TIMESTAMP()", &rule, &why));
    assert_non_null(purge_refuses(&table, &rule));
    assert_true(expire_read("nowhere < NOW()", &rule, &why));
    assert_non_null(purge_refuses(&table, &rule));
}

/* In place of daemon/server.h: one row. */
struct server_rows {
    const char *parts[3]; /* k0, k1, k2 */
};

const char *server_rows_value(const struct server_rows *rows, size_t row, const char *column) {
    return row == 0 && column[0] == 'k' ? rows->parts[column[1] - '0'] : NULL;
}

static void a_key_is_read_only_if_it_is_nothing_but_literals(void **unused) {
    (void)unused;
    struct chunk_column columns[] = {{.name = "n", .kind = CHUNK_NUMBER}, {.name = "b", .kind = CHUNK_BINARY}};
    const struct chunk_table table = {.columns = columns, .column_count = 2, .key = {1, 0}, .key_count = 2};
    static const struct {
        struct server_rows row;
        const char *key; /* NULL: it is none */
    } rows[] = {
        {{{"X'61'", "5", NULL}}, "X'61'\x1f" "5"},
        {{{"X''", "-5", NULL}}, "X''\x1f-5"},
        {{{NULL, "5", NULL}}, NULL},
        {{{"X'61'", NULL, NULL}}, NULL},
        {{{"X'61'", "", NULL}}, NULL},
        {{{"5", "X'61'", NULL}}, NULL},
        {{{"X'61'", "5 OR 1", NULL}}, NULL},
        {{{"X'61'\x1f" "4", "5", NULL}}, NULL},
    };
    struct statement key = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const bool is_key = key_read(&key, &table, &rows[i].row, 0);
        if (is_key != (rows[i].key != NULL) || (is_key && strcmp(key.at, rows[i].key) != 0))
            fail_msg("row %zu: got %s", i, is_key ? key.at : "none");
    }
    statement_free(&key);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_is_read_or_refused),
        cmocka_unit_test(rows_are_found_and_deleted_by_key_and_age),
        cmocka_unit_test(a_key_is_read_only_if_it_is_nothing_but_literals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
