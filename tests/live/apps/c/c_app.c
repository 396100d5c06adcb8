/* c_app --list, or names of scenarios, or seed=N for more of the random orders than the list has,
 * statements=N for more of those of prepared statements, non_blocking=N for calls that are begun and waited
 * for. */
#include "c_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct scenario *const LISTS[] = {TEXT,     RESULTS,         ANSWERS,          SESSION,
                                               PREPARED, PREPARED_ORDERS, PREPARED_REFUSED, NON_BLOCKING,
                                               PROCESS,  ORDERS};
enum { LIST_COUNT = sizeof LISTS / sizeof *LISTS };

static void run_named(const char *name) {
    for (size_t i = 0; i < LIST_COUNT; i++) {
        for (const struct scenario *scenario = LISTS[i]; scenario->name; scenario++) {
            if (strcmp(name, "--list") == 0) {
                puts(scenario->name);
            } else if (strcmp(name, scenario->name) == 0) {
                scenario->run();
            }
        }
    }
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        current = argv[i];
        if (strncmp(current, "seed=", 5) == 0) {
            uint32_t seed = (uint32_t)strtoul(current + 5, NULL, 10);
            random_orders(seed, 100, seed % 2);
        } else if (strncmp(current, "statements=", 11) == 0) {
            more_random_statements((uint32_t)strtoul(current + 11, NULL, 10), false);
        } else if (strncmp(current, "non_blocking=", 13) == 0) {
            more_random_statements((uint32_t)strtoul(current + 13, NULL, 10), true);
        } else {
            run_named(current);
        }
    }
    return 0;
}
