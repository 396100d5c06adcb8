/* Dates against those of libc. */
#include "../../shim/utc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void want_as_libc(int64_t seconds) {
    char got[UTC_BYTES], wanted[UTC_BYTES + 10];
    struct tm utc;
    const time_t at = (time_t)seconds;
    utc_write(seconds, got);
    assert_non_null(gmtime_r(&at, &utc));
    strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%SZ", &utc);
    assert_string_equal(got, wanted);
}

static void each_day_of_eight_centuries(void **state) {
    (void)state;
    for (int64_t day = -135140; day < 2 * 146097; day++) /* from 1600 on, with a second that goes round */
        want_as_libc(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);
}

static void ends_of_days_and_of_what_a_word_holds(void **state) {
    (void)state;
    const int64_t at[] = {0, -1, 86399, 86400, 951782399, 951782400, 951868800, INT32_MAX, INT64_C(4102444799), INT64_C(253402300799)};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        want_as_libc(at[i]);
    char text[UTC_BYTES];
    utc_write(INT64_MAX, text); /* libc has no such year; it is written whole */
    assert_string_equal(text, "292277026596-12-04T15:30:07Z");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_day_of_eight_centuries),
        cmocka_unit_test(ends_of_days_and_of_what_a_word_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
