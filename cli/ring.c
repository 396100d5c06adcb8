/* roundabout ring: the verbs that change the ring. A new one is a row here and a file of its own. */
#include "ring.h"

#include <stdio.h>
#include <string.h>

#include "verbs.h"

enum { EXIT_FINE = 0, EXIT_USAGE = 2 };

static const struct ring_verb {
    const char *name;
    int (*function)(int argc, char **argv);
    const char *help;
} VERBS[] = {
    {"prepare-table", ring_prepare_table,
     "give a cache table the form that heals, at every server of the ring"},
    {"join", ring_join, "make a fresh or wiped server a member"},
    {"leave", ring_leave, "take a site out, and lose nothing"},
    {"plan", ring_plan_verb, "print what each site's daemon would do now"},
    {"pause", ring_pause, "tell the daemons to change nothing for a while"},
    {"resume", ring_resume, "end that before its time"},
};
#define VERBS_END (VERBS + sizeof(VERBS) / sizeof(VERBS[0]))

static void print_help(FILE *file) {
    fprintf(file, "usage: roundabout ring VERB [OPTIONS] [...]\n\nverbs:\n");
    for (const struct ring_verb *verb = VERBS; verb < VERBS_END; verb++)
        fprintf(file, "  %-14s %s\n", verb->name, verb->help);
    fprintf(file, "\noptions:\n"
                  "  -f, --config FILE    the configuration; otherwise $ROUNDABOUT_CONFIG, or\n"
                  "                       /etc/roundabout/roundabout.conf\n"
                  "      --dry-run        print what would be done and change nothing\n"
                  "  -h, --help           this text; behind a verb, more about that one\n");
}

int verb_ring(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return EXIT_FINE;
    }
    for (const struct ring_verb *verb = VERBS; verb < VERBS_END; verb++)
        if (strcmp(argv[1], verb->name) == 0)
            return verb->function(argc - 1, argv + 1);
    fprintf(stderr, "ERROR unknown verb %s; `roundabout ring --help` lists them\n", argv[1]);
    return EXIT_USAGE;
}
