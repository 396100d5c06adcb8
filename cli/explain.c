/* roundabout explain: what the library would do with statements, said by the library's own code. No server is
 * asked: the session that is assumed is what the options say, outside of a transaction. */
#include "verbs.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../config/config.h"
#include "../shim/route.h"
#include "text.h"

enum { EXIT_ALL_ROUTED = 0, EXIT_SOME_PASSED = 1, EXIT_TROUBLE = 2 };

static const char HELP[] =
    "usage: roundabout explain [-f FILE] [OPTIONS] [SQL...]\n\n"
    "Says of each statement whether it is sent to the local master, and why. Without SQL it reads\n"
    "statements from standard input, one a line.\n\n"
    "  -f, --config FILE    the configuration; otherwise $ROUNDABOUT_CONFIG, or\n"
    "                       /etc/roundabout/roundabout.conf\n"
    "      --database DB    the session's default database\n"
    "      --sql-mode MODE  the session's sql_mode, e.g. ANSI_QUOTES,NO_BACKSLASH_ESCAPES\n"
    "      --charset CS     the session's character set, e.g. gbk; otherwise utf8mb4\n"
    "      --json           one JSON object a statement, each on a line\n"
    "  -0                   standard input is separated by NUL bytes, not by newlines\n"
    "  -h, --help           this text\n\n"
    "exit status: 0 all are routed, 1 some aren't, 2 an error\n";

static const struct option OPTIONS[] = {
    {"config", required_argument, NULL, 'f'},
    {"database", required_argument, NULL, 'd'},
    {"sql-mode", required_argument, NULL, 'm'},
    {"charset", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct order {
    const char *config;
    struct route_session session;
    bool json;
    bool help;
    char separator; /* between statements on standard input */
    char **statements;
};

static struct slice slice_of(const char *text) {
    return (struct slice){text, strlen(text)};
}

static bool read_order(int argc, char **argv, struct order *order) {
    *order = (struct order){.separator = '\n', .session = {.known = true, .database_known = true}};
    bool unsafe = false;

    for (int option; (option = getopt_long(argc, argv, ":f:0h", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case 'f':
            order->config = optarg;
            break;
        case 'd':
            order->session.database = slice_of(optarg);
            break;
        case 'm':
            order->session.modes = lex_modes_of_sql_mode(slice_of(optarg));
            break;
        case 'c':
            unsafe = lex_charset_is_unsafe(slice_of(optarg));
            break;
        case 'j':
            order->json = true;
            break;
        case '0':
            order->separator = '\0';
            break;
        case 'h':
            order->help = true;
            return true;
        case ':':
            fprintf(stderr, "ERROR %s needs an argument; see `roundabout explain --help`\n",
                    argv[optind - 1]);
            return false;
        default:
            fprintf(stderr, "ERROR unknown option %s; see `roundabout explain --help`\n", argv[optind - 1]);
            return false;
        }
    }
    order->session.modes.multibyte_unsafe = unsafe;
    order->statements = argv + optind;
    return true;
}

static void print_finding(void *context, const char *message) {
    (void)context;
    fprintf(stderr, "ERROR %s\n", message);
}

static void print_escaped(struct slice text) {
    text_print_json(text.at, text.length);
}

static void print_plain(struct slice text) {
    text_print_plain(text.at, text.length);
}

/* A table as it is named, qualified with the current database. */
static void print_table(const struct sql_table *table, struct slice current,
                        void (*print)(struct slice text)) {
    struct slice database = table->database.length ? table->database : current;

    if (database.length) {
        print(database);
        putchar('.');
    }
    print(table->table);
}

static void print_json(const struct sql_summary *summary, const struct order *order,
                       enum route_reason reason) {
    printf("{\"decision\":\"%s\",\"reason\":\"%s\",\"verb\":\"%s\",\"tables\":[",
           reason == ROUTE_ROUTED ? "route" : "pass", route_reason_name(reason),
           sql_verb_name(summary->verb));
    for (size_t i = 0; i < summary->table_count; i++) {
        fputs(i ? ",\"" : "\"", stdout);
        print_table(&summary->tables[i], order->session.database, print_escaped);
        putchar('"');
    }
    fputs("]}\n", stdout);
}

static void print_for_people(const struct sql_summary *summary, const struct order *order,
                             enum route_reason reason) {
    printf("%s  %s: %s\n       %s", reason == ROUTE_ROUTED ? "route" : "pass ", route_reason_name(reason),
           route_reason_sentence(reason), sql_verb_name(summary->verb));
    for (size_t i = 0; i < summary->table_count; i++) {
        fputs(i ? ", " : " ", stdout);
        print_table(&summary->tables[i], order->session.database, print_plain);
    }
    putchar('\n');
}

/* Whether it is routed. */
static bool explain(struct slice text, const struct order *order, const struct config *config) {
    struct sql_summary summary;

    sql_summarize(text, order->session.modes, NULL,
                  &summary); /* the library stops at the first table that settles it */
    enum route_reason reason = route_decide(&summary, text.length, &order->session, config).reason;
    if (order->json)
        print_json(&summary, order, reason);
    else
        print_for_people(&summary, order, reason);
    return reason == ROUTE_ROUTED;
}

static bool is_blank(struct slice text) {
    for (size_t i = 0; i < text.length; i++)
        if (!memchr(" \t\r\n", text.at[i], 4))
            return false;
    return true;
}

static int explain_input(const struct order *order, const struct config *config) {
    int status = EXIT_ALL_ROUTED;
    char *line = NULL;
    size_t room = 0;

    for (ssize_t length; (length = getdelim(&line, &room, order->separator, stdin)) > 0;) {
        struct slice text = {line, (size_t)length};
        if (text.at[text.length - 1] == order->separator)
            text.length--;
        if (!is_blank(text) && !explain(text, order, config))
            status = EXIT_SOME_PASSED;
    }
    free(line);
    if (ferror(stdin)) {
        perror("ERROR standard input");
        return EXIT_TROUBLE;
    }
    return status;
}

static int explain_arguments(const struct order *order, const struct config *config) {
    int status = EXIT_ALL_ROUTED;

    for (char **statement = order->statements; *statement; statement++)
        if (!explain(slice_of(*statement), order, config))
            status = EXIT_SOME_PASSED;
    return status;
}

int verb_explain(int argc, char **argv) {
    struct order order;

    if (!read_order(argc, argv, &order))
        return EXIT_TROUBLE;
    if (order.help) {
        fputs(HELP, stdout);
        return EXIT_ALL_ROUTED;
    }
    struct config *config =
        config_load(config_choose_path(order.config, getenv("ROUNDABOUT_CONFIG")), print_finding, NULL);
    if (!config)
        return EXIT_TROUBLE;
    int status = *order.statements ? explain_arguments(&order, config) : explain_input(&order, config);
    config_free(config);
    return status;
}
