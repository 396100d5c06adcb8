/* roundabout check: is everything there that a ring needs, at every site? Answers as a Nagios plug-in does.
 */
#include "verbs.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../config/config.h"
#include "../daemon/plain.h"
#include "../daemon/preflight.h"
#include "look.h"

enum { EXIT_OK = 0, EXIT_WARNING = 1, EXIT_CRITICAL = 2, EXIT_UNKNOWN = 3 };

static const char HELP[] =
    "usage: roundabout check [-f FILE] [--json] [--all]\n\n"
    "Looks at every site and replica of the ring and says what is missing, why it matters and what cures "
    "it.\n"
    "Changes nothing. The first line is for monitors.\n\n"
    "  -f, --config FILE    the configuration; otherwise $ROUNDABOUT_CONFIG, or\n"
    "                       /etc/roundabout/roundabout.conf\n"
    "      --all            also what is as it should be\n"
    "      --json           one JSON object\n"
    "  -h, --help           this text\n\n"
    "exit status: 0 all is well, 1 warnings, 2 something that breaks a ring, 3 it can't be known\n";

struct findings {
    struct preflight_finding *list;
    char (*names)[400]; /* of servers and rules, where the finding's own don't last */
    size_t count, room;
    size_t by_weight[4];
    bool no_memory;
};

static void gather(void *context, const struct preflight_finding *finding) {
    struct findings *findings = context;
    if (findings->count == findings->room) {
        const size_t room = findings->room ? 2 * findings->room : 64;
        struct preflight_finding *list = realloc(findings->list, room * sizeof *list);
        if (list)
            findings->list = list;
        char(*names)[400] = realloc(findings->names, room * sizeof *names);
        if (names)
            findings->names = names;
        if (!list || !names) {
            findings->no_memory = true;
            return;
        }
        findings->room = room;
    }
    plain_copy(findings->names[findings->count], sizeof *findings->names, finding->rule);
    struct preflight_finding *kept = &findings->list[findings->count];
    *kept = *finding;
    /* Names of tables and columns, values of variables: a server's word. */
    plain_copy(kept->found, sizeof kept->found, finding->found);
    plain_copy(kept->cure, sizeof kept->cure, finding->cure);
    findings->count++;
    findings->by_weight[finding->weight]++;
}

static const char *word_for(enum preflight_weight weight) {
    static const char *const words[] = {"ok", "warning", "critical", "unknown"};
    return words[weight];
}

static struct preflight_table table_of(const struct look *look, const struct catalogue_table *table,
                                       const char *name, bool compared) {
    if (!table)
        return (struct preflight_table){.server = look->name, .name = name};
    return (struct preflight_table){
        .server = look->name,
        .name = name,
        .exists = true,
        .engine = table->engine,
        .columns = table->definition.at,
        .unique_indexes = table->has_second_unique,
        .primary_key = table->form.key_count > 0 || table->key_is_prefix,
        .healing_column = table->has_healing_column,
        .unrepairable = compared ? catalogue_refuses_repair(table) : NULL,
    };
}

/* The tables that a pattern finds at any site, each compared with the first site that has it. */
static void check_pattern(const struct config *config, const struct config_table *pattern, struct look *looks,
                          struct findings *findings) {
    struct catalogue catalogues[RING_SITES_MAX] = {{0}};
    bool answered[RING_SITES_MAX] = {false};
    const size_t sites = config->ring.site_count;
    const bool compared = config->ring.converge != CONFIG_CONVERGE_OFF;
    for (size_t i = 0; i < sites; i++)
        answered[i] = looks[i].answer.outcome == SERVER_ANSWERED &&
                      look_read_tables(looks[i].server, pattern, &catalogues[i]);
    for (size_t first = 0; first < sites; first++) {
        for (size_t row = 0; row < catalogues[first].count; row++) {
            const struct chunk_table *form = &catalogues[first].tables[row].form;
            char name[2 * CHUNK_NAME_BYTES];
            snprintf(name, sizeof name, "%s.%s", form->database, form->name);
            const struct preflight_table here =
                table_of(&looks[first], &catalogues[first].tables[row], name, compared);
            bool was_before = false;
            for (size_t i = 0; i < first && !was_before; i++)
                was_before = catalogue_find(&catalogues[i], form->database, form->name) != NULL;
            for (size_t i = 0; i < sites && !was_before; i++) {
                const struct preflight_table there =
                    table_of(&looks[i], catalogue_find(&catalogues[i], form->database, form->name), name,
                             compared);
                if (answered[i])
                    preflight_table(&there, i == first ? NULL : &here, gather, findings);
            }
        }
    }
    size_t found = 0, answers = 0;
    for (size_t i = 0; i < sites; i++) {
        found += catalogues[i].count;
        answers += answered[i];
    }
    if (found == 0 && answers > 0) {
        char name[300];
        struct preflight_finding finding = {.weight = PREFLIGHT_WARNING, .server = "all sites", .rule = name};
        snprintf(name, sizeof name, "%.140s.%.140s", pattern->database, pattern->table);
        snprintf(finding.found, sizeof finding.found, "no such table is seen anywhere");
        finding.why = "the file routes statements to it";
        snprintf(finding.cure, sizeof finding.cure, "create it, or GRANT SELECT on it to the monitor user");
        gather(findings, &finding);
    }
    for (size_t i = 0; i < sites; i++)
        catalogue_free(&catalogues[i]);
}

static void check_tables(const struct config *config, struct look *looks, struct findings *findings) {
    for (size_t i = 0; i < config->group_count; i++)
        for (size_t j = 0; j < config->groups[i].table_count; j++)
            check_pattern(config, &config->groups[i].tables[j], looks, findings);
}

static void print_json(const struct findings *findings, enum preflight_weight worst, bool all) {
    printf("{\"state\":\"%s\",\"checks\":%zu,\"warnings\":%zu,\"critical\":%zu,\"findings\":[",
           word_for(worst), findings->count, findings->by_weight[PREFLIGHT_WARNING],
           findings->by_weight[PREFLIGHT_CRITICAL]);
    const char *separator = "";
    for (size_t i = 0; i < findings->count; i++) {
        const struct preflight_finding *finding = &findings->list[i];
        if (finding->weight == PREFLIGHT_FINE && !all)
            continue;
        const char *const fields[][2] = {
            {"server", finding->server}, {"check", findings->names[i]}, {"state", word_for(finding->weight)},
            {"found", finding->found},   {"why", finding->why},         {"cure", finding->cure}};
        printf("%s{", separator);
        for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
            printf("%s\"%s\":", f ? "," : "", fields[f][0]);
            json_put_text(stdout, fields[f][1]);
        }
        printf("}");
        separator = ",";
    }
    printf("]}\n");
}

static void print_table(const struct findings *findings, enum preflight_weight worst, size_t servers,
                        bool all) {
    static const char *const states[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    printf("RING %s - %zu checks at %zu servers: %zu critical, %zu warnings\n", states[worst],
           findings->count, servers, findings->by_weight[PREFLIGHT_CRITICAL],
           findings->by_weight[PREFLIGHT_WARNING]);
    for (size_t i = 0; i < findings->count; i++) {
        const struct preflight_finding *finding = &findings->list[i];
        if (finding->weight == PREFLIGHT_FINE && !all)
            continue;
        printf("%-8s  %-16s  %-22s  %s\n", word_for(finding->weight), finding->server, findings->names[i],
               finding->weight == PREFLIGHT_FINE && !finding->found[0] ? "as it should be" : finding->found);
        if (finding->weight != PREFLIGHT_FINE)
            printf("          why: %s\n          cure: %s\n", finding->why, finding->cure);
    }
}

static int check(const struct config *config, bool json, bool all) {
    size_t count;
    struct look *looks = look_at_all(&config->ring, 0, &count);
    struct preflight_server *servers = calloc(count ? count : 1, sizeof *servers);
    struct findings findings = {0};
    int result = EXIT_UNKNOWN;
    if (looks && servers) {
        for (size_t i = 0; i < count; i++)
            servers[i] = (struct preflight_server){.name = looks[i].name,
                                                   .answer = looks[i].answer,
                                                   .state = looks[i].answer.outcome == SERVER_ANSWERED
                                                                ? &looks[i].state
                                                                : NULL,
                                                   .site = looks[i].site,
                                                   .replica = looks[i].replica};
        preflight_run(&(struct preflight){.ring = &config->ring, .servers = servers, .count = count}, gather,
                      &findings);
        check_tables(config, looks, &findings);
        const enum preflight_weight worst = findings.by_weight[PREFLIGHT_CRITICAL]  ? PREFLIGHT_CRITICAL
                                            : findings.by_weight[PREFLIGHT_WARNING] ? PREFLIGHT_WARNING
                                                                                    : PREFLIGHT_FINE;
        result = findings.no_memory ? EXIT_UNKNOWN : (int)worst;
        if (json)
            print_json(&findings, worst, all);
        else
            print_table(&findings, worst, count, all);
    }
    free(findings.list);
    free(findings.names);
    free(servers);
    looks_free(looks, count);
    return result;
}

int verb_check(int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"all", no_argument, NULL, 'a'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *file = NULL;
    bool json = false, all = false;
    for (int option; (option = getopt_long(argc, argv, "f:h", options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(HELP, stdout);
            return EXIT_OK;
        }
        if (option != 'f' && option != 'j' && option != 'a') {
            fputs(HELP, stderr);
            return EXIT_UNKNOWN;
        }
        json |= option == 'j';
        all |= option == 'a';
        if (option == 'f')
            file = optarg;
    }
    if (optind != argc) {
        fputs(HELP, stderr);
        return EXIT_UNKNOWN;
    }
    struct config *config = look_load_config(file);
    if (!config)
        return EXIT_UNKNOWN;
    server_library_start();
    const int result = check(config, json, all);
    server_library_stop();
    config_free(config);
    return result;
}
