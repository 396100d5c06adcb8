/* roundabout doctor: whether the library can work, or works, in a program or a process; if not, why and what
 * helps. */
#include "doctor.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "look.h"
#include "program.h"
#include "verbs.h"

enum { EXIT_ROUTED = 0, EXIT_BYPASSES = 1, EXIT_UNKNOWN = 2 };

static const char HELP[] =
    "usage: roundabout doctor [-f FILE] [--json] PROGRAM|PID\n\n"
    "Says whether cache statements of a program or of a running process can be sent to the local\n"
    "master; if not, why, and what helps. PROGRAM is a path or a name on PATH, also of a script.\n\n"
    "  -f, --config FILE  the configuration that the program would use; otherwise\n"
    "                     $ROUNDABOUT_CONFIG, or /etc/roundabout/roundabout.conf. A process has one.\n"
    "      --json         one JSON object\n"
    "  -h, --help         this text\n\n"
    "A process of another user can only be looked at by root.\n"
    "exit status: 0 routed, 1 bypasses, 2 it can't be told, or wrong usage\n";

void doctor_note(struct doctor_report *report, const char *about, const char *format, ...) {
    va_list arguments;
    if (report->count == FINDINGS_MAX) {
        report->left_out++;
        return;
    }
    struct doctor_finding *finding = &report->findings[report->count++];
    finding->about = about;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof finding->text, format, arguments);
    va_end(arguments);
    for (char *at = finding->text; *at; at++) /* paths may hold anything */
        if (iscntrl((unsigned char)*at))
            *at = '?';
}

static const char *verdict_word(enum doctor_verdict verdict, bool is_process) {
    return verdict == DOCTOR_BYPASSES  ? "bypasses"
           : verdict == DOCTOR_UNKNOWN ? "can't tell"
           : is_process                ? "is routed"
                                       : "will be routed";
}

static void print_text(const char *target, const struct doctor_report *report,
                       const struct doctor_judgement *judgement) {
    printf("%s: %s\n", target, verdict_word(judgement->verdict, report->facts.is_process));
    printf("  why:  %s\n", judgement->why);
    if (judgement->cure)
        printf("  cure: %s\n", judgement->cure);
    putchar('\n');
    for (size_t i = 0; i < report->count; i++)
        printf("  %-15s %s\n",
               i > 0 && strcmp(report->findings[i].about, report->findings[i - 1].about) == 0
                   ? ""
                   : report->findings[i].about,
               report->findings[i].text);
    if (report->left_out > 0)
        printf("  and %zu more\n", report->left_out);
}

static void print_json(const char *target, const struct doctor_report *report,
                       const struct doctor_judgement *judgement) {
    static const char *const WORDS[] = {
        [DOCTOR_ROUTED] = "routed", [DOCTOR_BYPASSES] = "bypasses", [DOCTOR_UNKNOWN] = "unknown"};
    printf("{\"target\": ");
    json_put_text(stdout, target);
    printf(", \"kind\": \"%s\", \"verdict\": \"%s\", \"why\": ",
           report->facts.is_process ? "process" : "program", WORDS[judgement->verdict]);
    json_put_text(stdout, judgement->why);
    printf(", \"cure\": ");
    if (judgement->cure)
        json_put_text(stdout, judgement->cure);
    else
        printf("null");
    printf(", \"findings\": [");
    for (size_t i = 0; i < report->count; i++) {
        printf("%s{\"about\": ", i > 0 ? ", " : "");
        json_put_text(stdout, report->findings[i].about);
        printf(", \"text\": ");
        json_put_text(stdout, report->findings[i].text);
        putchar('}');
    }
    printf("], \"left_out\": %zu}\n", report->left_out);
}

struct order {
    const char *config, *target;
    bool json, help;
};

/* False: told. */
static bool read_order(int argc, char **argv, struct order *order) {
    enum { JSON = 256 };
    static const struct option OPTIONS[] = {{"config", required_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, JSON},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    *order = (struct order){.config = NULL};
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":f:h", OPTIONS, NULL)) != -1;) {
        if (option == 'f') {
            order->config = optarg;
        } else if (option == JSON) {
            order->json = true;
        } else if (option == 'h') {
            order->help = true;
            return true;
        } else {
            const char letter[] = {'-', (char)optopt, '\0'};
            fprintf(stderr, "ERROR doctor: %s %s; `roundabout doctor --help` shows the usage\n",
                    option == ':' ? "no value behind" : "unknown option",
                    optopt && optopt < JSON ? letter : argv[optind - 1]);
            return false;
        }
    }
    if (optind + 1 != argc) {
        fprintf(
            stderr,
            "ERROR doctor: name one program or one process id; `roundabout doctor --help` shows the usage\n");
        return false;
    }
    order->target = argv[optind];
    return true;
}

/* 0: not a process id. */
static int read_pid(const char *text) {
    char *end;
    errno = 0;
    const long pid = strtol(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == '\0' && errno == 0 && pid > 0 && pid <= INT_MAX ? (int)pid
                                                                                                    : 0;
}

static bool look(const struct order *order, struct doctor_report *report) {
    char path[PATH_MAX];
    const int pid = read_pid(order->target);
    if (pid > 0) {
        if (doctor_look_at_process(pid, report))
            return true;
        fprintf(stderr, "ERROR process %d: %s%s\n", pid, strerror(errno),
                errno == EACCES || errno == EPERM ? "; only root and its own user may look at it" : "");
        return false;
    }
    const int status = program_find(order->target, path, sizeof path);
    if (status != 0) {
        fprintf(stderr, "ERROR %s: %s\n", order->target,
                status == PROGRAM_NOT_FOUND ? "no such program; check its name, or give its path"
                                            : "it can't be executed");
        return false;
    }
    if (doctor_look_at_program(path, order->config, report))
        return true;
    fprintf(stderr, "ERROR %s: %s\n", path, strerror(errno));
    return false;
}

int verb_doctor(int argc, char **argv) {
    static struct doctor_report report;
    struct order order;
    if (!read_order(argc, argv, &order))
        return EXIT_UNKNOWN;
    if (order.help) {
        fputs(HELP, stdout);
        return 0;
    }
    if (!look(&order, &report))
        return EXIT_UNKNOWN;
    const struct doctor_judgement judgement = doctor_judge(&report.facts);
    if (order.json)
        print_json(order.target, &report, &judgement);
    else
        print_text(order.target, &report, &judgement);
    return judgement.verdict == DOCTOR_ROUTED     ? EXIT_ROUTED
           : judgement.verdict == DOCTOR_BYPASSES ? EXIT_BYPASSES
                                                  : EXIT_UNKNOWN;
}
