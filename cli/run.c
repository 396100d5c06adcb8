/* roundabout run: starts a program with the library preloaded, in its own place, so that the exit status, the
 * signals and the process id are the program's. Whatever would make the preload silently useless is told
 * beforehand. */
#include "verbs.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../config/config.h"
#include "../page/files.h"
#include "../shim/deepbind.h"
#include "elf_file.h"
#include "program.h"

#define LIBRARY "libroundabout.so"

/* As env(1), nohup(1) and the shells have them. */
enum { EXIT_USAGE = 2, EXIT_CANNOT_RUN = PROGRAM_CANNOT_RUN, EXIT_NOT_FOUND = PROGRAM_NOT_FOUND };

static const char HELP[] =
    "usage: roundabout run [-f FILE] [--observe] [--deepbind] [--] PROGRAM [ARGUMENTS]\n\n"
    "Runs PROGRAM with its cache statements sent to the local master, and exits as it does.\n\n"
    "  -f, --config FILE  the configuration; otherwise $ROUNDABOUT_CONFIG, or\n"
    "                     /etc/roundabout/roundabout.conf\n"
    "      --observe      nothing is sent to the local master; which tables are used how is counted,\n"
    "                     for `roundabout observe report`. Needs no configuration\n"
    "      --deepbind     modules that ask for RTLD_DEEPBIND are loaded without it, so that\n"
    "                     they are routed, too; as `deepbind = true` in the configuration\n"
    "  -h, --help         this text\n\n"
    "exit status: the program's; 2 wrong usage or configuration, 126 the program can't be run\n"
    "or wouldn't load the library, 127 there is no such program\n";

static void print_finding(void *context, const char *message) {
    (void)context;
    fprintf(stderr, "ERROR %s\n", message);
}

/* The program */

/* Why a program loads no libraries, or not ours; NULL: nothing speaks against it, as with scripts, whose
 * interpreter is what counts. */
static const char *preload_obstacle(const char *path) {
    enum elf_kind kind;
    struct elf *elf = elf_open(path, &kind);
    const char *obstacle = kind == ELF_FOREIGN ? "is built for another machine than " LIBRARY
                           : kind == ELF_OWN && elf_is_static(elf) ? "is linked statically"
                                                                   : NULL;
    elf_close(elf);
    return obstacle;
}

/* The library */

static bool is_file(const char *path) {
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Beside this command, as in the build folder; or where it is installed, seen from PREFIX/bin; or where the
 * build said it would be. `path` holds PATH_MAX bytes, and is absolute without links. */
static bool find_library(char *path) {
    static const char *const PLACES[] = {"/" LIBRARY, "/../lib/roundabout/" LIBRARY};
    char self[PATH_MAX], candidate[PATH_MAX + sizeof("/../lib/roundabout/" LIBRARY)];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (length > 0) {
        self[length] = '\0';
        char *slash = strrchr(self, '/');
        if (slash)
            *slash = '\0';
        for (size_t i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]); i++) {
            snprintf(candidate, sizeof(candidate), "%s%s", self, PLACES[i]);
            if (is_file(candidate) && realpath(candidate, path))
                return true;
        }
    }
#ifdef ROUNDABOUT_LIBRARY_PATH
    if (is_file(ROUNDABOUT_LIBRARY_PATH) && realpath(ROUNDABOUT_LIBRARY_PATH, path))
        return true;
#endif
    return false;
}

/* Any copy of the library, wherever it lies: two of them in one process would route what the other has
 * routed. */
static bool is_our_library(const char *entry, size_t length) {
    static const size_t name = sizeof(LIBRARY) - 1;

    return length >= name && memcmp(entry + length - name, LIBRARY, name) == 0 &&
           (length == name || entry[length - name - 1] == '/');
}

/* Puts the library before whatever else is preloaded. False: no memory. */
static bool set_preload(const char *library) {
    const char *others = getenv("LD_PRELOAD");
    bool is_set;

    if (!others)
        others = "";
    char *value = malloc(strlen(library) + 1 + strlen(others) + 1);
    if (!value)
        return false;
    char *end = stpcpy(value, library);
    while (*others) {
        size_t length = strcspn(others, ": ");
        if (length > 0 && !is_our_library(others, length)) {
            *end++ = ':';
            end = stpncpy(end, others, length);
        }
        others += length + (others[length] ? 1 : 0);
    }
    *end = '\0';
    is_set = setenv("LD_PRELOAD", value, 1) == 0;
    free(value);
    return is_set;
}

/* The program may change its working directory before the library reads its configuration. Links are kept:
 * where one points may change before the program's children read it. False with errno set. */
static bool set_config(const char *path) {
    char directory[PATH_MAX];
    bool is_set;

    if (path[0] == '/')
        return setenv("ROUNDABOUT_CONFIG", path, 1) == 0;
    if (!getcwd(directory, sizeof(directory)))
        return false;
    size_t size = strlen(directory) + 1 + strlen(path) + 1;
    char *whole = malloc(size);
    if (!whole)
        return false;
    snprintf(whole, size, "%s/%s", directory, path);
    is_set = setenv("ROUNDABOUT_CONFIG", whole, 1) == 0;
    free(whole);
    return is_set;
}

/* The verb */

struct order {
    const char *config; /* -f, or NULL */
    char **program;     /* and its arguments */
    bool observe;
    bool deepbind;
    bool help;
};

/* False: told. */
static bool read_order(int argc, char **argv, struct order *order) {
    enum { DEEPBIND = 256, OBSERVE };
    static const struct option OPTIONS[] = {{"config", required_argument, NULL, 'f'},
                                            {"deepbind", no_argument, NULL, DEEPBIND},
                                            {"observe", no_argument, NULL, OBSERVE},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};

    *order = (struct order){.config = NULL};
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "+:f:h", OPTIONS, NULL)) != -1;) {
        if (option == 'f') {
            order->config = optarg;
        } else if (option == OBSERVE) {
            order->observe = true;
        } else if (option == DEEPBIND) {
            order->deepbind = true;
        } else if (option == 'h') {
            order->help = true;
            return true;
        } else {
            char letter[] = {'-', (char)optopt, '\0'}; /* optopt is 0 for an unknown long option */
            fprintf(stderr, "ERROR run: %s %s; `roundabout run --help` shows the usage\n",
                    option == ':' ? "no value behind" : "unknown option", optopt ? letter : argv[optind - 1]);
            return false;
        }
    }
    if (order->deepbind && !DEEPBIND_CURE) {
        fprintf(stderr, "ERROR run: --deepbind isn't offered for this kind of processor\n");
        return false;
    }
    if (optind >= argc) {
        fprintf(stderr, "ERROR run: no program to run; `roundabout run --help` shows the usage\n");
        return false;
    }
    order->program = argv + optind;
    return true;
}

/* Whoever observes must be able to count. */
static bool counts_somewhere(const struct config_stats *stats) {
    if (stats && !stats->enabled) {
        fprintf(stderr, "ERROR run: nothing can be observed: the configuration says stats.enabled = false\n");
        return false;
    }
    int directory = page_open_directory(stats ? stats->directory : NULL, getenv("XDG_RUNTIME_DIR"), NULL, 0);
    if (directory < 0)
        fprintf(stderr,
                "ERROR run: nothing can be observed: there is no directory to count in; make " PAGE_DIRECTORY
                " with mode 1777, or set XDG_RUNTIME_DIR or stats.directory\n");
    else
        close(directory);
    return directory >= 0;
}

/* path NULL: without one. */
static bool is_config_good(const char *path, bool observe) {
    struct config *config = path ? config_load(path, print_finding, NULL) : NULL;
    bool is_good = config || !path;

    if (is_good && observe)
        is_good = counts_somewhere(config ? &config->stats : NULL);
    config_free(config);
    return is_good;
}

static int check_program(const char *name, char *path, size_t size) {
    int status = program_find(name, path, size);

    if (status == EXIT_NOT_FOUND) {
        fprintf(stderr, "ERROR %s: no such program; check its name%s\n", name,
                strchr(name, '/') ? "" : ", or give its path");
    } else if (status == EXIT_CANNOT_RUN) {
        fprintf(stderr, "ERROR %s: it can't be executed; name a program file with the right to be executed\n",
                name);
    } else {
        const char *reason = program_raised_rights(path);
        const char *obstacle = preload_obstacle(path);
        if (reason) {
            fprintf(stderr,
                    "ERROR %s: %s, so it drops preloaded libraries; run a copy without these rights\n", path,
                    reason);
            return EXIT_CANNOT_RUN;
        }
        if (obstacle)
            fprintf(stderr, "WARNING %s: it %s; the preload has no effect on it\n", path, obstacle);
    }
    return status;
}

static bool prepare_environment(const struct order *order) {
    char library[PATH_MAX];

    if (!find_library(library)) {
        fprintf(stderr, "ERROR " LIBRARY
                        " is neither beside this command nor in ../lib/roundabout; build or install it\n");
        return false;
    }
    if (strpbrk(library, ": ")) { /* LD_PRELOAD has no way to quote them */
        fprintf(stderr, "ERROR %s: a blank or a colon can't stand in a preloaded path; move it\n", library);
        return false;
    }
    if (!set_preload(library) || (order->config && !set_config(order->config)) ||
        (order->deepbind && setenv("ROUNDABOUT_DEEPBIND", "1", 1) != 0) ||
        (order->observe && setenv("ROUNDABOUT_OBSERVE", "1", 1) != 0)) {
        fprintf(stderr, "ERROR the environment can't be set: %s\n", strerror(errno));
        return false;
    }
    return true;
}

int verb_run(int argc, char **argv) {
    struct order order;
    char path[PATH_MAX];

    if (!read_order(argc, argv, &order))
        return EXIT_USAGE;
    if (order.help) {
        fputs(HELP, stdout);
        return 0;
    }
    const char *config = config_choose_path(order.config, getenv("ROUNDABOUT_CONFIG"));
    bool needless = order.observe && !order.config && access(config, F_OK) != 0;
    if (!is_config_good(needless ? NULL : config, order.observe))
        return EXIT_USAGE;
    int status = check_program(order.program[0], path, sizeof(path));
    if (status != 0)
        return status;
    if (!prepare_environment(&order))
        return EXIT_USAGE;
    execvp(path,
           order.program); /* path has a slash; execvp, because it hands scripts without #! to the shell */
    int why = errno;
    fprintf(stderr, "ERROR %s: %s%s\n", path, strerror(why),
            why == ENOENT ? "; check the interpreter that it names" : "");
    return why == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}
