/* What strangers wrote, as it reaches a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../daemon/plain.h"

static void what_acts_on_a_terminal_is_replaced(void **unused) {
    (void)unused;
    static const char *const cases[][2] = {
        {"", ""},
        {"10.11.14-MariaDB", "10.11.14-MariaDB"},
        {"Zürich – 駅 🚉", "Zürich – 駅 🚉"},
        {"\x1B[2J\x1B]0;owned\x07", "?[2J?]0;owned?"},
        {"a\nb\tc\rd", "a b c d"},
        {"\x7F\x08", "??"},
        {"\xC2\x9B"
         "31m",
         "??31m"},
        {"\x9B"
         "31m",
         "?31m"},
        {"right\xE2\x80\xAEtfel", "right???tfel"},
        {"\xE2\x81\xA6x\xE2\x80\xA8y\xD8\x9Cz", "???x???y??z"},
        {"\xC0\xAF\xED\xA0\x80\xF5", "??????"},
        {"cut \xE2\x82", "cut ??"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[80];
        plain_copy(text, sizeof text, cases[i][0]);
        assert_string_equal(text, cases[i][1]);
        strcpy(text, cases[i][0]);
        plain_copy(text, sizeof text, text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void a_text_without_room_is_cut_between_characters(void **unused) {
    (void)unused;
    char text[8];
    static const struct {
        size_t size;
        const char *text;
    } cases[] = {{1, ""}, {2, ""}, {3, "é"}, {4, "é"}, {5, "éé"}, {6, "ééa"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(text, 'x', sizeof text);
        plain_copy(text, cases[i].size, "ééa");
        assert_string_equal(text, cases[i].text);
        assert_int_equal(text[7], 'x');
    }
    plain_copy(NULL, 0, "a");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_acts_on_a_terminal_is_replaced),
        cmocka_unit_test(a_text_without_room_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
