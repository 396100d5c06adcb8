#include "verbs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "../config/config.h"

#ifndef ROUNDABOUT_VERSION
#define ROUNDABOUT_VERSION "0.1"
#endif

/* Exit statuses of the command itself; a verb may have more. */
enum { EXIT_FINE = 0, EXIT_USAGE = 2 };

static const struct verb {
    const char *name;
    int (*function)(int argc, char **argv);
    const char *help;
} VERBS[] = {
    {"init", verb_init, "write a configuration to begin with, from what is found on this host"},
    {"run", verb_run, "run a program with its cache statements sent to the local master"},
    {"explain", verb_explain, "say which statements are sent to the local master, and why the others aren't"},
    {"doctor", verb_doctor, "say whether a program or a running process can be routed; if not, why and what helps"},
    {"check", verb_check, "look whether everything is there that a ring needs, at every site"},
    {"status", verb_status, "show the ring: who follows whom, how far behind, what is wrong"},
    {"ring", verb_ring, "change the ring: join, leave, pause, prepare a cache table; show what it would do"},
    {"stats", verb_stats, "show what was routed on this host, what was not and why, and what it saved"},
    {"observe", verb_observe, "rank the tables that look like caches, after `roundabout run --observe`"},
};
#define VERBS_END (VERBS + sizeof(VERBS) / sizeof(VERBS[0]))

static void print_help(FILE *file) {
    fprintf(file, "usage: roundabout VERB [OPTIONS] [...]\n"
                  "       roundabout --help | --version\n\n"
                  "verbs:\n");
    for (const struct verb *verb = VERBS; verb < VERBS_END; verb++)
        fprintf(file, "  %-10s %s\n", verb->name, verb->help);
    fprintf(file, "\n`roundabout VERB --help` says more about one of them.\n");
}

static int refuse_verb(const char *name) {
    const struct verb *nearest = NULL;
    unsigned least = UINT_MAX;

    for (const struct verb *verb = VERBS; verb < VERBS_END; verb++) {
        unsigned distance = config_word_distance(name, verb->name);
        if (distance < least) {
            least = distance;
            nearest = verb;
        }
    }
    if (nearest)
        fprintf(stderr, "ERROR unknown verb %s; did you mean %s?\n", name, nearest->name);
    else
        fprintf(stderr, "ERROR unknown verb %s; `roundabout --help` lists them\n", name);
    return EXIT_USAGE;
}

static int dispatch(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help(stdout);
        return EXIT_FINE;
    }
    if (strcmp(name, "--version") == 0) {
        printf("roundabout %s\n", ROUNDABOUT_VERSION);
        return EXIT_FINE;
    }
    for (const struct verb *verb = VERBS; verb < VERBS_END; verb++)
        if (strcmp(name, verb->name) == 0)
            return verb->function(argc - 1, argv + 1);
    return refuse_verb(name);
}

int main(int argc, char **argv) {
    int status = dispatch(argc, argv);

    if (fflush(stdout) != 0 || ferror(stdout)) { /* an answer that was cut off isn't an answer */
        perror("ERROR standard output");
        return EXIT_USAGE;
    }
    return status;
}
