/* Questions about the statement before, replaced by their numbers. */
#include "../../shim/restate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define FOUND    "CAST(FOUND_ROWS() * 0 + 7 AS SIGNED)"
#define CHANGED  "CAST(-1 AS SIGNED)"
#define WARNINGS "CAST(3 AS UNSIGNED)"
#define ERRORS   "CAST(2 AS UNSIGNED)"

#define OF_50_BYTES  "1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+"
#define OF_237_BYTES OF_50_BYTES OF_50_BYTES OF_50_BYTES OF_50_BYTES "1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1"

static const struct {
    const char *text, *want; /* NULL: nothing is asked, or it can't be written */
} CASES[] = {
    {"SELECT FOUND_ROWS(), 1", "SELECT " FOUND " AS `FOUND_ROWS()`, 1"},
    {"SELECT FOUND_ROWS() AS n", "SELECT " FOUND " AS n"},
    {"SELECT FOUND_ROWS() n, row_count ( ) 'm'", "SELECT " FOUND " n, " CHANGED " 'm'"},
    {"select distinct ROW_COUNT() + 0;", "select distinct " CHANGED " + 0 AS `ROW_COUNT() + 0`;"},
    {"SELECT @@warning_count, @@session.error_count e, @@local.warning_count",
     "SELECT " WARNINGS " AS `@@warning_count`, " ERRORS " e, " WARNINGS " AS `@@local.warning_count`"},
    {"SELECT 1, CASE WHEN ROW_COUNT() > 0 THEN 1 ELSE 0 END FROM t",
     "SELECT 1, CASE WHEN " CHANGED
     " > 0 THEN 1 ELSE 0 END AS `CASE WHEN ROW_COUNT() > 0 THEN 1 ELSE 0 END` FROM t"},
    {"SELECT CASE ROW_COUNT() WHEN 1 THEN 1 END c", "SELECT CASE " CHANGED " WHEN 1 THEN 1 END c"},
    {"SELECT ROW_COUNT() DIV 2, ROW_COUNT() IS NULL, ROW_COUNT() + @a n",
     "SELECT " CHANGED " DIV 2 AS `ROW_COUNT() DIV 2`, " CHANGED " IS NULL AS `ROW_COUNT() IS NULL`, " CHANGED
     " + @a n"},
    {"SELECT (SELECT ROW_COUNT()), IF(FOUND_ROWS() > 1, 'a, b', `c`)",
     "SELECT (SELECT " CHANGED ") AS `(SELECT ROW_COUNT())`, IF(" FOUND
     " > 1, 'a, b', `c`) AS `IF(FOUND_ROWS() > 1, 'a, b', ``c``)`"},
    {"SELECT * FROM t WHERE n = ROW_COUNT()", "SELECT * FROM t WHERE n = " CHANGED},
    {"SELECT ROW_COUNT() INTO @n", "SELECT " CHANGED " AS `ROW_COUNT()` INTO @n"},
    {"INSERT INTO t VALUES (ROW_COUNT(), FOUND_ROWS())", "INSERT INTO t VALUES (" CHANGED ", " FOUND ")"},
    {"SET @n = FOUND_ROWS(), @m = 'ROW_COUNT()'", "SET @n = " FOUND ", @m = 'ROW_COUNT()'"},
    {"SELECT FOUND_ROWS() + 1; SELECT ROW_COUNT()", /* the second is about the first */
     "SELECT " FOUND " + 1 AS `FOUND_ROWS() + 1`; SELECT ROW_COUNT()"},
    {"SELECT 1; SELECT ROW_COUNT()", NULL},
    {"SELECT 'FOUND_ROWS()', `row_count`, row_count FROM t", NULL},
    {"SELECT shop.row_count()", NULL},
    {"INSERT INTO row_count (n) VALUES (1)", NULL},
    {"SELECT /*! ROW_COUNT() */ FOUND_ROWS()", NULL},
    {"CREATE PROCEDURE p() SELECT ROW_COUNT()", NULL},
    {"CREATE TABLE t SELECT ROW_COUNT() AS n", NULL},
    {"SELECT ROW_COUNT() + " OF_237_BYTES " + 1",
     "SELECT CAST(-1 AS SIGNED) + " OF_237_BYTES " + 1 AS `ROW_COUNT() + " OF_237_BYTES " + 1`"},
    {"SELECT ROW_COUNT() + " OF_237_BYTES " + 11", NULL}, /* too long a name */
    {"SELECT 'no end, ROW_COUNT()", NULL},
    {"", NULL},
};

static void numbers_stand_for_questions(void **unused) {
    (void)unused;
    const struct restate_numbers numbers = {.known = RESTATE_FOUND | RESTATE_CHANGED | RESTATE_LISTS,
                                            .found = 7,
                                            .changed = -1,
                                            .warnings = 3,
                                            .errors = 2};
    const struct lex_modes modes = {.ansi_quotes = false};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct slice text = {CASES[i].text, strlen(CASES[i].text)};
        size_t length = 0;
        char *got = restate_find(text, modes) ? restate_write(text, modes, &numbers, &length) : NULL;
        assert_string_equal(got ? got : CASES[i].text, CASES[i].want ? CASES[i].want : CASES[i].text);
        assert_int_equal(got != NULL, CASES[i].want != NULL);
        assert_true(!got || strlen(got) == length);
        free(got);
    }
}

static void what_is_not_known_stays(void **unused) {
    (void)unused;
    const struct restate_numbers numbers = {.known = RESTATE_CHANGED, .changed = -1};
    const struct lex_modes modes = {.ansi_quotes = false};
    static const char text[] = "SELECT FOUND_ROWS(), ROW_COUNT()";
    size_t length;
    char *got = restate_write((struct slice){text, sizeof text - 1}, modes, &numbers, &length);
    assert_non_null(got);
    assert_string_equal(got, "SELECT FOUND_ROWS(), " CHANGED " AS `ROW_COUNT()`");
    free(got);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_stand_for_questions),
        cmocka_unit_test(what_is_not_known_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
