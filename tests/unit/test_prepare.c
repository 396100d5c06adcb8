/* Which ALTER gives a table the form that heals. */
#include "../../daemon/prepare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

static void each_table_gets_what_it_lacks(void **state) {
    (void)state;
    static const struct {
        const char *engine;
        bool key, prefix, unique, column;
        enum prepare_need need;
        const char *sql;
    } cases[] = {
        {"InnoDB", true, false, true, true, PREPARE_NOTHING, NULL},
        {"InnoDB", true, false, true, false, PREPARE_NOTHING, NULL},
        {"InnoDB", true, false, false, false, PREPARE_ALTER,
         "ALTER TABLE `s`.`a``b` ADD COLUMN ring_u TINYINT NULL DEFAULT NULL INVISIBLE, ADD UNIQUE KEY "
         "ring_u (ring_u)"},
        {"InnoDB", true, false, false, true, PREPARE_ALTER,
         "ALTER TABLE `s`.`a``b` ADD UNIQUE KEY ring_u (ring_u)"},
        {"MyISAM", true, false, true, false, PREPARE_ALTER, "ALTER TABLE `s`.`a``b` ENGINE = InnoDB"},
        {"Aria", true, false, false, false, PREPARE_ALTER,
         "ALTER TABLE `s`.`a``b` ENGINE = InnoDB, ADD COLUMN ring_u TINYINT NULL DEFAULT NULL INVISIBLE, ADD "
         "UNIQUE KEY"
         " ring_u (ring_u)"},
        {"InnoDB", false, false, false, false, PREPARE_PERSON, NULL},
        {"InnoDB", false, true, false, false, PREPARE_PERSON, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct chunk_column column = {.name = "k", .kind = CHUNK_BINARY};
        struct catalogue_table table = {
            .form = {.database = "s", .name = "a`b", .columns = &column, .column_count = 1},
            .has_second_unique = cases[i].unique,
            .has_healing_column = cases[i].column,
            .key_is_prefix = cases[i].prefix};
        table.form.key_count = cases[i].key;
        snprintf(table.engine, sizeof table.engine, "%s", cases[i].engine);
        struct statement sql = {0};
        const char *reason;
        assert_int_equal(prepare_table(&table, &sql, &reason), cases[i].need);
        assert_true((reason != NULL) == (cases[i].need == PREPARE_PERSON));
        if (cases[i].sql)
            assert_string_equal(sql.at, cases[i].sql);
        else
            assert_null(sql.at);
        statement_free(&sql);
    }
}

static void a_missing_table_is_a_persons_work(void **state) {
    (void)state;
    struct statement sql = {0};
    const char *reason;
    assert_int_equal(prepare_table(NULL, &sql, &reason), PREPARE_PERSON);
    assert_non_null(reason);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_table_gets_what_it_lacks),
        cmocka_unit_test(a_missing_table_is_a_persons_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
