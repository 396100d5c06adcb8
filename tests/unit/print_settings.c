/* Prints the table of settings, one a line: path, type, default, bounds, required or optional, sentence,
 * parted by tabs. For tests/check_settings.py. */
#include <stdio.h>

#include "../../config/config.h"

int main(void) {
    struct config_setting_text text;

    for (size_t n = 0; config_describe(n, &text); n++)
        printf("%s\t%s\t%s\t%s\t%s\t%s\n", text.path, text.type, text.fallback, text.bounds,
               text.required ? "required" : "optional", text.sentence);
    return fflush(stdout) == 0 ? 0 : 1;
}
