#define _GNU_SOURCE
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct options DEFAULTS = {
    .connect_timeout_s = 10,
    .replaces = 30,
    .selects = 30,
    .batch = 1,
    .other = "SELECT 1",
    .table = "cache",
    .key_column = "k",
    .value_column = "v",
    .value_size = 100,
    .keys = 10000,
    .distribution = "uniform",
    .zipf_exponent = 0.99,
    .transaction_word = "none",
    .per_request = 1,
    .threads = 1,
    .warmup = 1,
    .seed = 1,
};

enum kind { TEXT, NUMBER, REAL, FLAG };

/* A row is an option: from it come reading, bounds and --help. `shown` is the default, where it isn't none.
 */
static const struct row {
    const char *heading; /* begins a group */
    char letter;
    const char *name, *argument, *shown, *help;
    enum kind kind;
    size_t place;
    double least, most;
} ROWS[] = {
#define PLACE(member) offsetof(struct options, member)
    {"Where to", 'h', "host", "NAME", NULL, "the server; 127.0.0.1 rather than localhost for TCP", TEXT,
     PLACE(host), 0, 0},
    {NULL, 'P', "port", "N", NULL, "its port", NUMBER, PLACE(port), 0, 65535},
    {NULL, 'S', "socket", "PATH", NULL, "its unix socket", TEXT, PLACE(socket), 0, 0},
    {NULL, 'u', "user", "NAME", NULL, "who to connect as", TEXT, PLACE(user), 0, 0},
    {NULL, 'p', "password", "WORD", NULL, "better in --defaults-file: others see a command line", TEXT,
     PLACE(password), 0, 0},
    {NULL, 'D', "database", "NAME", NULL, "the default database", TEXT, PLACE(database), 0, 0},
    {NULL, 0, "defaults-file", "FILE", NULL, "the client library's option file; its [client] is read", TEXT,
     PLACE(defaults_file), 0, 0},
    {NULL, 0, "connect-timeout", "S", "10", "seconds that a connection may take", REAL,
     PLACE(connect_timeout_s), 1, 3600},

    {"A request", 'R', "replaces", "N", "30", "REPLACEs of a request", NUMBER, PLACE(replaces), 0, 1e6},
    {NULL, 's', "selects", "N", "30", "SELECTs of a request, behind them", NUMBER, PLACE(selects), 0, 1e6},
    {NULL, 'o', "others", "N", "0", "other statements: one half before those, the other behind", NUMBER,
     PLACE(others), 0, 1e6},
    {NULL, 0, "other", "SQL", "SELECT 1", "the text of the others", TEXT, PLACE(other), 0, 0},
    {NULL, 0, "table", "NAME", "cache", "the cache table, with or without its database", TEXT, PLACE(table),
     0, 0},
    {NULL, 0, "key-column", "NAME", "k", "its key", TEXT, PLACE(key_column), 0, 0},
    {NULL, 0, "value-column", "NAME", "v", "its value", TEXT, PLACE(value_column), 0, 0},
    {NULL, 0, "value-size", "BYTES", "100", "of a value", NUMBER, PLACE(value_size), 1, 16e6},
    {NULL, 0, "batch", "ROWS", "1", "rows of one REPLACE", NUMBER, PLACE(batch), 1, 10000},
    {NULL, 0, "keys", "N", "10000", "how many keys there are", NUMBER, PLACE(keys), 1, 1e9},
    {NULL, 0, "distribution", "HOW", "uniform", "which are used: uniform or zipf", TEXT, PLACE(distribution),
     0, 0},
    {NULL, 0, "zipf-exponent", "X", "0.99", "of zipf", REAL, PLACE(zipf_exponent), 0.01, 10},
    {NULL, 0, "transaction", "HOW", "none",
     "none: autocommit; begin: BEGIN and COMMIT around a request; commit: autocommit off and a COMMIT at its "
     "end",
     TEXT, PLACE(transaction_word), 0, 0},
    {NULL, 0, "prepared", NULL, NULL, "prepared statements instead of texts", FLAG, PLACE(prepared), 0, 0},
    {NULL, 0, "send-read", NULL, NULL, "sent by one call and read by another, as Ruby's mysql2 does", FLAG, PLACE(send_read),
     0, 0},
    {NULL, 0, "reconnect", NULL, NULL, "a fresh connection for each request", FLAG, PLACE(reconnect), 0, 0},

    {"Or your own", 0, "statements", "FILE", NULL,
     "replay a file: the server's general log, or one statement a line", TEXT, PLACE(statements), 0, 0},
    {NULL, 0, "per-request", "N", "1",
     "lines that make a request; of a general log, what one connection said is one", NUMBER,
     PLACE(per_request), 1, 1e9},

    {"How many and how fast", 't', "threads", "N", "1", "connections at once, a thread each", NUMBER,
     PLACE(threads), 1, 4096},
    {NULL, 'n', "requests", "N", NULL, "end after so many requests of all threads", NUMBER, PLACE(requests),
     0, 1e12},
    {NULL, 'T', "duration", "S", "10", "end after so many seconds, unless --requests ends it", REAL,
     PLACE(duration_s), 0, 1e7},
    {NULL, 'r', "rate", "N", NULL,
     "requests a second, at constant distance, of all threads; a request's time counts from when it was due. "
     "Without it each thread sends the next request when the last is answered",
     REAL, PLACE(rate), 0, 1e7},
    {NULL, 0, "warmup", "N", "1", "requests of each thread that come first and aren't counted", NUMBER,
     PLACE(warmup), 0, 1e6},
    {NULL, 0, "create", NULL, NULL, "make the table first, if there is none", FLAG, PLACE(create), 0, 0},
    {NULL, 0, "fill", NULL, NULL, "REPLACE every key first", FLAG, PLACE(fill), 0, 0},
    {NULL, 0, "seed", "N", "1", "of the choice of keys", NUMBER, PLACE(seed), 1, 1e9},

    {"What is said", 0, "json", "FILE", NULL,
     "all results as JSON; - is standard output, in place of the table", TEXT, PLACE(json), 0, 0},
    {NULL, 0, "csv", "FILE", NULL, "a line a kind of statement; - likewise", TEXT, PLACE(csv), 0, 0},
    {NULL, 0, "label", "TEXT", NULL, "a name for this run, in both", TEXT, PLACE(label), 0, 0},
    {NULL, 0, "progress", NULL, NULL, "a line a second on standard error, also where that is no terminal",
     FLAG, PLACE(progress), 0, 0},
    {NULL, 'q', "quiet", NULL, NULL, "none there either, and no table", FLAG, PLACE(quiet), 0, 0},
#undef PLACE
};
enum { ROW_COUNT = sizeof ROWS / sizeof *ROWS, HELP = 1000 };

/* Prints words from column `column` on, broken before column 100. */
static void print_wrapped(const char *words, int column) {
    int at = column;
    while (*words) {
        int length = (int)strcspn(words, " ");
        if (at + length > 100 && at > column) {
            printf("\n%*s", column, "");
            at = column;
        }
        printf(at > column ? " %.*s" : "%.*s", length, words);
        at += length + 1;
        words += length;
        words += strspn(words, " ");
    }
    putchar('\n');
}

static void print_help(void) {
    printf("Usage: roundabout-bench [OPTION]...\n"
           "Sends requests of cache statements to a MySQL or MariaDB server, and says how long they took. "
           "Run it bare and under\n"
           "`roundabout run': it is an application like any other.\n");
    for (int i = 0; i < ROW_COUNT; i++) {
        const struct row *row = &ROWS[i];
        char left[40] = "    ";
        if (row->heading) {
            printf("\n%s:\n", row->heading);
        }
        if (row->letter) {
            snprintf(left, sizeof left, "-%c, ", row->letter);
        }
        printf("  %s--%s%s%-*s ", left, row->name, row->argument ? "=" : "",
               (int)(22 - strlen(row->name) - (row->argument ? 1 : 0)), row->argument ? row->argument : "");
        char text[400];
        snprintf(text, sizeof text, "%s%s%s%s", row->help, row->shown ? " (" : "",
                 row->shown ? row->shown : "", row->shown ? ")" : "");
        print_wrapped(text, 31);
    }
    printf("\nExit status: 0 all statements succeeded; 1 some failed; 2 it couldn't begin.\n");
}

static bool read_number(const struct row *row, const char *word, double *number) {
    char *end;
    errno = 0;
    *number = strtod(word, &end);
    bool whole = row->kind == REAL || *number == (double)(long)*number;
    if (errno == 0 && end != word && !*end && whole && *number >= row->least && *number <= row->most) {
        return true;
    }
    fprintf(stderr, "roundabout-bench: --%s is a %s from %g to %g, not \"%s\"\n", row->name,
            row->kind == REAL ? "number" : "whole number", row->least, row->most, word);
    return false;
}

static bool take(const struct row *row, const char *word, struct options *options) {
    char *place = (char *)options + row->place;
    double number;
    switch (row->kind) {
    case TEXT:
        *(const char **)(void *)place = word;
        return true;
    case FLAG:
        *(bool *)(void *)place = true;
        return true;
    case REAL:
        return read_number(row, word, (double *)(void *)place);
    case NUMBER:
        if (!read_number(row, word, &number)) {
            return false;
        }
        *(long *)(void *)place = (long)number;
        return true;
    }
    return false;
}

static int choose(const char *what, const char *word, const char *const *names) {
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], word) == 0) {
            return i;
        }
    }
    fprintf(stderr, "roundabout-bench: --%s: there is no \"%s\"\n", what, word);
    return -1;
}

static bool fits_together(struct options *options) {
    static const char *const choices[] = {"uniform", "zipf", NULL};
    static const char *const transactions[] = {"none", "begin", "commit", NULL};
    int choice = choose("distribution", options->distribution, choices);
    int transaction = choose("transaction", options->transaction_word, transactions);
    if (choice < 0 || transaction < 0) {
        return false;
    }
    options->choice = (enum key_choice)choice;
    options->transaction = (enum transaction)transaction;
    if (!options->statements && options->replaces + options->selects + options->others == 0) {
        fprintf(stderr, "roundabout-bench: a request without a statement\n");
        return false;
    }
    if (options->statements && options->prepared) {
        fprintf(stderr, "roundabout-bench: --statements are sent as they stand, not --prepared\n");
        return false;
    }
    if (options->prepared && options->send_read) {
        fprintf(stderr, "roundabout-bench: --send-read is about texts, not --prepared\n");
        return false;
    }
    if (options->json && options->csv && strcmp(options->json, "-") == 0 && strcmp(options->csv, "-") == 0) {
        fprintf(stderr, "roundabout-bench: only one of --json and --csv can go to standard output\n");
        return false;
    }
    return true;
}

int options_read(int count, char **words, struct options *options) {
    struct option longs[ROW_COUNT + 2] = {{"help", no_argument, NULL, HELP}};
    char letters[2 * ROW_COUNT + 1] = "", *at = letters;
    for (int i = 0; i < ROW_COUNT; i++) {
        longs[i + 1] = (struct option){ROWS[i].name, ROWS[i].argument ? required_argument : no_argument, NULL,
                                       HELP + 1 + i};
        if (ROWS[i].letter) {
            *at++ = ROWS[i].letter;
            if (ROWS[i].argument) {
                *at++ = ':';
            }
        }
    }
    *at = '\0';
    *options = DEFAULTS;
    for (int found; (found = getopt_long(count, words, letters, longs, NULL)) != -1;) {
        if (found == '?') {
            fprintf(stderr, "roundabout-bench --help lists the options.\n");
            return 2;
        }
        if (found == HELP) {
            print_help();
            return 0;
        }
        const struct row *row = found > HELP ? &ROWS[found - HELP - 1] : ROWS;
        while (found < HELP && row->letter != found) {
            row++;
        }
        if (!take(row, optarg, options)) {
            return 2;
        }
    }
    if (optind < count) {
        fprintf(stderr, "roundabout-bench: what is \"%s\"? roundabout-bench --help lists the options.\n",
                words[optind]);
        return 2;
    }
    return fits_together(options) ? -1 : 2;
}
