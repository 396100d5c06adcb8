/* Prints the table of settings, one a line: path, type, default, bounds, required or optional, sentence,
 * parted by tabs. With the argument "reasons" or "causes": why statements go where they go, or fall back to
 * main, name and sentence. For tests/check_settings.py and the manual. */
#include <stdio.h>
#include <string.h>

#include "../../config/config.h"
#include "../../page/names.h"

#define X(value, name, sentence) printf("%s\t%s\n", #name, sentence);
static void print_reasons(void) {
    ROUTE_REASONS(X)
}
static void print_causes(void) {
    PAGE_CAUSES(X)
}
#undef X

int main(int argc, char **argv) {
    struct config_setting_text text;

    if (argc > 1) {
        strcmp(argv[1], "causes") == 0 ? print_causes() : print_reasons();
        return fflush(stdout) == 0 ? 0 : 1;
    }
    for (size_t n = 0; config_describe(n, &text); n++)
        printf("%s\t%s\t%s\t%s\t%s\t%s\n", text.path, text.type, text.fallback, text.bounds,
               text.required ? "required" : "optional", text.sentence);
    return fflush(stdout) == 0 ? 0 : 1;
}
