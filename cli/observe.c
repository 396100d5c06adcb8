/* roundabout observe: which tables look like key=>value caches, from what observed programs did with them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gather.h"
#include "gather_options.h"
#include "judge.h"
#include "text.h"
#include "verbs.h"

static const char HELP[] =
    "usage: roundabout observe report [-f FILE | --directory DIR] [--propose | --json]\n\n"
    "verbs:\n"
    "  report     rank the tables that look like caches\n\n"
    "Ranks the tables that programs have used while they were observed: run by\n"
    "`roundabout run --observe`, or of a group with mode = \"observe\". A table that is looked up by\n"
    "key, and written whole by REPLACE or INSERT ... ON DUPLICATE KEY UPDATE, looks like a cache.\n"
    "What its rows are worth, and whether the columns are its primary key, is for you to know.\n"
    "`would save` is each statement's time on main, as it was measured, less 0.3 ms.\n\n"
    "      --propose        a caches section to paste, of the tables that look like caches\n"
    "      --json           one JSON object on a line; seconds, null is unknown\n"
    "  -f, --config FILE    the configuration that says where programs count\n"
    "      --directory DIR  where they count; otherwise as `roundabout stats --help` says\n"
    "  -h, --help           this text\n\n"
    "`roundabout stats --reset` forgets what was observed.\n"
    "exit status: 0 fine, 1 nothing was observed (--propose: no table looks like a cache), 2 an error\n";

struct order {
    struct gather_options options;
    bool propose;
};

/* -1: go on; else the exit status. */
static int read_order(int argc, char **argv, struct order *order) {
    const struct gather_switch own[] = {{"propose", &order->propose}, {NULL, NULL}};
    order->propose = false;
    const int ended = gather_read_options(argc, argv, HELP, own, &order->options);
    if (ended >= 0)
        return ended;
    if (order->options.first + 1 != argc || strcmp(argv[order->options.first], "report") != 0) {
        fprintf(stderr, "ERROR observe: say `roundabout observe report`; --help shows the usage\n");
        return GATHER_TROUBLE;
    }
    return -1;
}

struct line {
    const struct page_observed *table;
    struct judged judged;
};

/* Likely caches first, and in each kind what would save most. */
static int best_first(const void *one, const void *other) {
    const struct line *a = one, *b = other;
    if (a->judged.judgement != b->judged.judgement)
        return a->judged.judgement < b->judged.judgement ? -1 : 1;
    if (a->judged.saves_ns != b->judged.saves_ns)
        return a->judged.saves_ns > b->judged.saves_ns ? -1 : 1;
    if (a->judged.uses != b->judged.uses)
        return a->judged.uses > b->judged.uses ? -1 : 1;
    return strcmp(a->table->table, b->table->table);
}

static size_t rank(const struct page_observation *observed, struct line *lines) {
    size_t count = 0;
    for (size_t i = 0; i + 1 < PAGE_OBSERVED; i++) {
        lines[count] = (struct line){&observed->tables[i], judge_table(&observed->tables[i])};
        count += lines[count].judged.uses > 0;
    }
    qsort(lines, count, sizeof *lines, best_first);
    return count;
}

static void print_padded(const char *text, size_t width) {
    text_print_plain(text, strlen(text));
    printf("%*s ", strlen(text) < width ? (int)(width - strlen(text)) : 0, "");
}

static void print_share(uint64_t part, uint64_t whole) {
    printf("%6.0f %% ", whole ? 100.0 * (double)part / (double)whole : 0.0);
}

enum { SELDOM_SHOWN = 10 };

static void print_table(const struct line *lines, size_t count, uint64_t statements, uint64_t rest) {
    printf("%" PRIu64 " statements were observed\n\n%-8s %-30s %-16s %10s %8s %8s %10s %11s\n", statements,
           "looks", "table", "looked up by", "statements", "by key", "in trx", "on main", "would save");
    size_t left_out = 0, seldom = 0;
    for (size_t i = 0; i < count; i++) {
        const struct page_observed *table = lines[i].table;
        const struct judged *judged = &lines[i].judged;
        if (judged->judgement == JUDGED_UNKNOWN && ++seldom > SELDOM_SHOWN) {
            left_out++;
            continue;
        }
        print_padded(judgement_name(judged->judgement), 8);
        print_padded(table->table, 30);
        print_padded(table->columns[0] ? table->columns : "-", 16);
        printf("%10" PRIu64 " ", judged->uses);
        print_share(judged->by_key, judged->uses);
        print_share(table->in_transaction, judged->uses);
        if (judged->main_ns > 0)
            printf("%7.2f ms %9.2f s", (double)judged->main_ns / 1e6, (double)judged->saves_ns / 1e9);
        printf("\n%8s %s\n", "", judged->why);
    }
    if (left_out > 0)
        printf("\nand %zu more tables that fewer than %d statements name; --json has all\n", left_out, JUDGE_USES_LEAST);
    if (rest > 0)
        printf("\nand %" PRIu64 " statements of tables beyond the first %d or so\n", rest, PAGE_OBSERVED - 1);
}

static void print_statements(unsigned statements) {
    static const struct {
        enum page_verb verb;
        const char *name;
    } verbs[] = {{PAGE_REPLACE, "REPLACE"},
                 {PAGE_SELECT, "SELECT"},
                 {PAGE_INSERT, "INSERT"},
                 {PAGE_UPDATE, "UPDATE"},
                 {PAGE_DELETE, "DELETE"}};
    const char *comma = "";
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (statements & 1u << verbs[i].verb) {
            printf("%s\"%s\"", comma, verbs[i].name);
            comma = ", ";
        }
    }
}

/* Tables that list the same statements are one group. Returns how many tables are in it all. */
static size_t print_proposal(const struct line *lines, size_t count) {
    size_t proposed = 0;
    unsigned done[32] = {0}; /* sets of statements that have had their group */
    size_t groups = 0;

    for (size_t i = 0; i < count && lines[i].judged.judgement == JUDGED_CACHE; i++) {
        unsigned statements = lines[i].judged.statements;
        bool known = false;
        for (size_t k = 0; k < groups; k++)
            known |= done[k] == statements;
        if (known || groups == sizeof done / sizeof done[0])
            continue;
        done[groups++] = statements;
        bool opened = false;
        for (size_t j = i; j < count && lines[j].judged.judgement == JUDGED_CACHE; j++) {
            char pattern[sizeof lines[j].table->table];
            if (lines[j].judged.statements != statements ||
                !judge_write_pattern(lines[j].table, pattern, sizeof pattern))
                continue;
            printf("%s", opened     ? ",\n               \""
                         : proposed ? ",\n    {\n        tables = [\n               \""
                                    : "caches = (\n    {\n        tables = [\n               \"");
            text_print_plain(pattern, strlen(pattern));
            putchar('"');
            opened = true;
            proposed++;
        }
        if (opened) {
            printf("\n        ];\n        statements = [ ");
            print_statements(statements);
            printf(" ];\n    }");
        }
    }
    printf(proposed ? "\n);\n" : "# no table looks like a cache\n");
    for (size_t i = 0; i < count; i++) {
        if (lines[i].judged.judgement == JUDGED_MAYBE) {
            printf("# maybe ");
            text_print_plain(lines[i].table->table, strlen(lines[i].table->table));
            printf(": %s\n", lines[i].judged.why);
        }
    }
    return proposed;
}

static void print_json(const struct page_observation *observed, const struct line *lines, size_t count, uint64_t rest) {
    printf("{\"statements\":%" PRIu64 ",\"processes\":%" PRIu64 ",\"of_other_tables\":%" PRIu64 ",\"tables\":[",
           observed->statements, observed->processes, rest);
    for (size_t i = 0; i < count; i++) {
        const struct page_observed *table = lines[i].table;
        const struct judged *judged = &lines[i].judged;
        printf("%s{\"table\":\"", i ? "," : "");
        text_print_json(table->table, strlen(table->table));
        printf("\",\"looks\":\"%s\",\"why\":\"%s\",\"columns\":\"", judgement_name(judged->judgement),
               judged->why);
        text_print_json(table->columns, strlen(table->columns));
        printf("\",\"statements\":%" PRIu64 ",\"by_key\":%" PRIu64 ",\"by_other_columns\":%" PRIu64
               ",\"in_transaction\":%" PRIu64 ",\"uses\":{",
               judged->uses, judged->by_key, table->other_columns, table->in_transaction);
        for (unsigned use = 0; use < PAGE_USE_COUNT; use++)
            printf("%s\"%s\":%" PRIu64, use ? "," : "", page_use_name((enum page_use)use), table->uses[use]);
        printf("},\"main_seconds\":");
        if (judged->main_ns > 0)
            printf("%.9f,\"saves_seconds\":%.6f}", (double)judged->main_ns / 1e9,
                   (double)judged->saves_ns / 1e9);
        else
            printf("null,\"saves_seconds\":null}");
    }
    printf("]}\n");
}

static int report(const struct order *order, const struct page_observation *observed) {
    static struct line lines[PAGE_OBSERVED];
    size_t count = rank(observed, lines);
    uint64_t rest = judge_table(&observed->tables[PAGE_OBSERVED - 1]).uses;

    if (order->propose)
        return print_proposal(lines, count) > 0 ? GATHER_FINE : GATHER_NOTHING;
    if (order->options.json)
        print_json(observed, lines, count, rest);
    else if (observed->statements == 0)
        printf("nothing was observed yet; `roundabout run --observe -- PROGRAM` does\n");
    else
        print_table(lines, count, observed->statements, rest);
    return observed->statements > 0 ? GATHER_FINE : GATHER_NOTHING;
}

int verb_observe(int argc, char **argv) {
    struct order order;
    struct gathered gathered;
    const char *directory, *why;
    int status = GATHER_NOTHING;

    const int ended = read_order(argc, argv, &order);
    if (ended >= 0)
        return ended;
    if (!gather_choose_directory(&order.options, &directory))
        return GATHER_TROUBLE;
    if (gather(&gathered, directory, &why))
        status = report(&order, gathered.observed);
    else
        fprintf(stderr, "ERROR observe: no counters in %s: %s\n", directory ? directory : PAGE_DIRECTORY,
                why);
    gather_free(&gathered);
    gather_free_options(&order.options);
    return status;
}
