/* The words of the verbs that answer from what programs have counted: where they count, and in which form. */
#ifndef ROUNDABOUT_GATHER_OPTIONS_H
#define ROUNDABOUT_GATHER_OPTIONS_H

#include <stdbool.h>

struct config;

enum { GATHER_FINE = 0, GATHER_NOTHING = 1, GATHER_TROUBLE = 2 }; /* exit statuses */

/* An option of a verb's own, "--NAME" without a value. */
struct gather_switch {
    const char *name;
    bool *is_on;
};

struct gather_options {
    const char *config, *directory; /* NULL: not given */
    bool json;
    int first; /* the first word that is no option; argc: there is none */
    struct config *kept;
};

/* Reads options and moves them before the other words; argv[0] is the verb. `own` ends with a row of NULL.
 * -1: go on; else all has been said, and the exit status is returned. */
int gather_read_options(int argc, char **argv, const char *help, const struct gather_switch *own,
                        struct gather_options *options);

/* Where programs count, as it was given or as the file says; NULL: at the usual place. False: it was told
 * why there is no answer. What it points at lives until gather_free_options(). */
bool gather_choose_directory(struct gather_options *options, const char **directory);
void gather_free_options(struct gather_options *options);

#endif
