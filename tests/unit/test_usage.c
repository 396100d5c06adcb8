/* What use a statement makes of its tables: tests/data/usages.tsv. */
#include "../../shim/usage.h"

#include "table.h"

static bool check_usage(const struct table_row *row) {
    struct slice text = copy_column(row, 2);
    const struct lex_modes modes = {.ansi_quotes = false};
    struct sql_summary summary;
    struct usage usage = {.columns = ""};
    sql_summarize(text, modes, NULL, &summary);
    bool used = summary.table_count > 0 && usage_find(text, modes, &summary, &usage);
    const char *name = used ? page_use_name(usage.use) : "none";
    const char *columns = used && usage.columns[0] ? usage.columns : "-";
    bool holds = strcmp(name, row->columns[0]) == 0 && strcmp(columns, row->columns[1]) == 0;
    if (!holds)
        print_error("%s: want %s by %s, got %s by %s\n    %s\n", row->place, row->columns[0], row->columns[1],
                    name, columns, row->columns[2]);
    free_slice(text);
    return holds;
}

static void every_statement_is_the_use_that_the_table_says(void **state) {
    (void)state;
    check_table("usages.tsv", 3, 50, check_usage);
}

static void columns_that_have_no_room_are_cut(void **state) {
    (void)state;
    char text[2000] = "SELECT v FROM cache WHERE ";
    for (int i = 0; i < 8; i++) {
        char part[128];
        snprintf(part, sizeof part, "%scolumn_with_a_rather_long_name_number_%d = %d", i ? " AND " : "", i,
                 i);
        strcat(text, part);
    }
    struct slice slice = {text, strlen(text)};
    struct sql_summary summary;
    struct usage usage;
    const struct lex_modes modes = {.ansi_quotes = false};
    sql_summarize(slice, modes, NULL, &summary);
    assert_true(usage_find(slice, modes, &summary, &usage));
    assert_int_equal(usage.use, PAGE_USE_READ_BY_KEY);
    assert_int_equal(strlen(usage.columns), sizeof usage.columns - 1);
    strcat(text, " AND ninth = 1"); /* nobody's key has so many */
    slice.length = strlen(text);
    sql_summarize(slice, modes, NULL, &summary);
    assert_true(usage_find(slice, modes, &summary, &usage));
    assert_int_equal(usage.use, PAGE_USE_READ_OTHERWISE);
}

/* Nothing is read behind the end of a text, wherever it is cut off. */
static void a_text_may_end_anywhere(void **state) {
    (void)state;
    static const char whole[] =
        "SELECT v FROM cache c WHERE (c.`k` = _utf8mb4'a' 'b') AND site IN (1, -2) LIMIT 1";
    for (size_t length = 0; length < sizeof whole; length++) {
        struct table_row row = {.columns = {(char *)(uintptr_t)whole}, .lengths = {length}};
        struct slice text = copy_column(&row, 0);
        struct sql_summary summary;
        struct usage usage;
        const struct lex_modes modes = {.ansi_quotes = false};
        sql_summarize(text, modes, NULL, &summary);
        if (summary.table_count > 0)
            usage_find(text, modes, &summary, &usage);
        free_slice(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_statement_is_the_use_that_the_table_says),
        cmocka_unit_test(columns_that_have_no_room_are_cut),
        cmocka_unit_test(a_text_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
