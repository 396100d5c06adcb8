/* roundabout init: a configuration to begin with, from what is found on this host. Asks nothing, changes no
 * server. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verbs.h"

enum { EXIT_WRITTEN = 0, EXIT_NOT_WRITTEN = 1, EXIT_USAGE = 2 };

static const char HELP[] =
    "usage: roundabout init [-o FILE] [--socket PATH]\n\n"
    "Writes a configuration, with comments, from what it finds on this host: the server's socket,\n"
    "its version and numbers, the master that it follows, its replicas, tables that sound like a\n"
    "cache. Nothing is routed with it before you have edited it; no server is changed.\n\n"
    "  -o, --output FILE  a new file, which programs of any user can read; otherwise standard output\n"
    "      --socket PATH  the server's socket; otherwise as my.cnf names it, or at a usual place\n"
    "  -h, --help         this text\n\n"
    "It connects as ~/.my.cnf says, or as you. Files named monitor.password and link.password\n"
    "beside FILE, or in /etc/roundabout, are used as they are found.\n"
    "exit status: 0 written, 1 no server found or the file can't be written, 2 wrong usage\n";

struct order {
    const char *output, *socket;
    bool help;
};

/* False: told. */
static bool read_order(int argc, char **argv, struct order *order) {
    enum { SOCKET = 256 };
    static const struct option OPTIONS[] = {{"output", required_argument, NULL, 'o'},
                                            {"socket", required_argument, NULL, SOCKET},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    *order = (struct order){.output = NULL};
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":o:h", OPTIONS, NULL)) != -1;) {
        if (option == 'o') {
            order->output = optarg;
        } else if (option == SOCKET) {
            order->socket = optarg;
        } else if (option == 'h') {
            order->help = true;
            return true;
        } else {
            fprintf(stderr, "ERROR init: %s %s; `roundabout init --help` shows the usage\n",
                    option == ':' ? "no value behind" : "unknown option", argv[optind - 1]);
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "ERROR init: %s: nothing is expected here; a file is named with -o\n", argv[optind]);
        return false;
    }
    return true;
}

/* The folder that the configuration will lie in, absolute. False: it isn't there. */
static bool find_folder(const char *output, char *folder) {
    char copy[PATH_MAX];
    if (!output)
        return snprintf(folder, PATH_MAX, "/etc/roundabout") > 0;
    if (snprintf(copy, sizeof copy, "%s", output) >= (int)sizeof copy)
        return false;
    char *slash = strrchr(copy, '/');
    if (slash == copy)
        slash++; /* the root keeps its slash */
    if (slash)
        *slash = '\0';
    return realpath(slash ? copy : ".", folder) != NULL;
}

static bool name_file(char *path, size_t size, const char *folder, const char *name) {
    snprintf(path, size, "%.4000s/%s", folder, name);
    return access(path, R_OK) == 0;
}

static bool write_new(const char *path, const struct init_found *found) {
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (!file) {
        fprintf(stderr, "ERROR %s: %s\n", path,
                errno == EEXIST ? "it is there already, and stays as it is; name another with -o"
                                : strerror(errno));
        return false;
    }
    init_write(file, found);
    const bool is_whole = fflush(file) == 0 && !ferror(file);
    if (fclose(file) != 0 || !is_whole) {
        fprintf(stderr, "ERROR %s: %s\n", path, strerror(errno));
        unlink(path);
        return false;
    }
    return true;
}

int verb_init(int argc, char **argv) {
    static struct init_found found;
    struct order order;
    char folder[PATH_MAX];
    if (!read_order(argc, argv, &order))
        return EXIT_USAGE;
    if (order.help) {
        fputs(HELP, stdout);
        return 0;
    }
    if (!find_folder(order.output, folder)) {
        fprintf(stderr, "ERROR %s: its folder isn't there\n", order.output);
        return EXIT_NOT_WRITTEN;
    }
    if (!init_look(order.socket, &found)) {
        fprintf(stderr,
                "ERROR %s: no server's socket is there; name it with --socket, or begin "
                "with /etc/roundabout/roundabout.conf.sample\n",
                order.socket ? order.socket : "usual places and my.cnf");
        return EXIT_NOT_WRITTEN;
    }
    found.has_monitor_file =
        name_file(found.monitor_file, sizeof found.monitor_file, folder, "monitor.password");
    found.has_link_file = name_file(found.link_file, sizeof found.link_file, folder, "link.password");
    if (!found.answered)
        fprintf(stderr, "WARNING %s: %s; numbers and sites are guessed\n", found.socket, found.why_not);
    if (!order.output) {
        init_write(stdout, &found);
        return EXIT_WRITTEN;
    }
    if (!write_new(order.output, &found))
        return EXIT_NOT_WRITTEN;
    printf("%s written; edit it, then `roundabout check -f %s`\n", order.output, order.output);
    return EXIT_WRITTEN;
}
