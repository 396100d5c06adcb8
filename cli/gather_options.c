#include "gather_options.h"

#include <getopt.h>
#include <stdio.h>

#include "../config/config.h"
#include "gather.h"

enum { OWN_MAX = 8, FIRST_OWN = 256 };

int gather_read_options(int argc, char **argv, const char *help, const struct gather_switch *own,
                        struct gather_options *options) {
    struct option known[OWN_MAX + 5] = {
        {"config", required_argument, NULL, 'f'},
        {"directory", required_argument, NULL, 'd'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
    };
    for (int i = 0; i < OWN_MAX && own[i].name; i++)
        known[4 + i] = (struct option){own[i].name, no_argument, NULL, FIRST_OWN + i};
    *options = (struct gather_options){.config = NULL};
    for (int option; (option = getopt_long(argc, argv, ":f:h", known, NULL)) != -1;) {
        switch (option) {
        case 'f':
            options->config = optarg;
            break;
        case 'd':
            options->directory = optarg;
            break;
        case 'j':
            options->json = true;
            break;
        case 'h':
            fputs(help, stdout);
            return GATHER_FINE;
        case ':':
        case '?':
            fprintf(stderr, "ERROR %s: %s %s; `roundabout %s --help` shows the usage\n", argv[0],
                    option == ':' ? "no value behind" : "unknown option", argv[optind - 1], argv[0]);
            return GATHER_TROUBLE;
        default:
            *own[option - FIRST_OWN].is_on = true;
        }
    }
    options->first = optind;
    return -1;
}

bool gather_choose_directory(struct gather_options *options, const char **directory) {
    *directory = options->directory;
    return *directory || gather_find_directory(options->config, directory, &options->kept);
}

void gather_free_options(struct gather_options *options) {
    config_free(options->kept);
    options->kept = NULL;
}
