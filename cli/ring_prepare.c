/* roundabout ring prepare-table: the form of a cache table in which REPLACE heals every site and a key can be
 * taken away everywhere, made at each server by itself and kept out of its binary log: each is looked at
 * first, so that one that has the form already is left alone (carried round the ring, the statement would
 * stop the link there), and a site that is away now can be prepared later by the same command. */
#include "ring.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../daemon/prepare.h"
#include "look.h"

enum { EXIT_FINE = 0, EXIT_NOT_EVERYWHERE = 1, EXIT_USAGE = 2 };

/* The index of a large table takes its time. */
#define ALTER_LIMIT_S 3600

static const char HELP[] = "usage: roundabout ring prepare-table [-f FILE] [--dry-run] DATABASE.TABLE\n\n"
                           "Gives a cache table the form that a ring needs - InnoDB, and a second unique "
                           "index beside its primary key, on\n"
                           "an invisible column that is always NULL - at every site and replica that lacks "
                           "it. Statements on the table,\n"
                           "also SELECT * and REPLACE without a list of columns, go on as before. At each "
                           "server the ALTER stays out of\n"
                           "the binary log. The monitor user needs ALTER, CREATE and INSERT on the table and "
                           "BINLOG ADMIN (MariaDB) or\n"
                           "SESSION_VARIABLES_ADMIN (MySQL); or let --dry-run print the statements and run "
                           "them as an administrator.\n\n"
                           "  -f, --config FILE    the configuration; otherwise $ROUNDABOUT_CONFIG, or\n"
                           "                       /etc/roundabout/roundabout.conf\n"
                           "      --dry-run        print the statements and change nothing\n"
                           "  -h, --help           this text\n\n"
                           "exit status: 0 the table has the form everywhere (with --dry-run: or would "
                           "have), 1 not everywhere, 2 usage\n";

static bool alter(const struct config_ring *ring, const struct look *look,
                  const struct config_server *address, const char *sql) {
    const bool by_socket = look->replica || look->site == ring->own;
    struct server *server = server_create(address, &ring->monitor, by_socket, ALTER_LIMIT_S);
    if (!server)
        return false;
    struct server_answer answer = server_query(server, "SET SESSION sql_log_bin = 0", NULL);
    if (answer.outcome == SERVER_ANSWERED)
        answer = server_query(server, sql, NULL);
    if (answer.outcome == SERVER_ANSWERED)
        printf("%s: done\n", look->name);
    else
        fprintf(stderr, "ERROR %s: %u %s\n", look->name, answer.code, answer.text);
    server_destroy(server);
    return answer.outcome == SERVER_ANSWERED;
}

/* True: the table has the form there, or would have. */
static bool prepare_at(const struct config_ring *ring, const struct look *look,
                       const struct config_server *address, const struct config_table *name, bool dry_run) {
    if (look->answer.outcome != SERVER_ANSWERED) {
        fprintf(stderr, "ERROR %s doesn't answer: %u %s; run this again when it does\n", look->name,
                look->answer.code, look->answer.text);
        return false;
    }
    struct catalogue catalogue = {0};
    struct statement sql = {0};
    const char *reason;
    bool prepared = false;
    if (!look_read_tables(look->server, name, &catalogue)) {
        fprintf(stderr, "ERROR %s doesn't show its information_schema\n", look->name);
    } else {
        switch (prepare_table(catalogue_find(&catalogue, name->database, name->table), &sql, &reason)) {
        case PREPARE_NOTHING:
            printf("%s: as it should be\n", look->name);
            prepared = true;
            break;
        case PREPARE_PERSON:
            fprintf(stderr, "ERROR %s: %s\n", look->name, reason);
            break;
        case PREPARE_ALTER:
            printf("%s: SET SESSION sql_log_bin = 0; %s;\n", look->name, sql.at);
            prepared = dry_run || (!sql.failed && alter(ring, look, address, sql.at));
            break;
        }
    }
    catalogue_free(&catalogue);
    statement_free(&sql);
    return prepared;
}

/* As look_at_all() puts them: the sites, then each site's replicas. */
static const struct config_server *address_of(const struct config_ring *ring, size_t place) {
    if (place < ring->site_count)
        return &ring->sites[place].server;
    place -= ring->site_count;
    size_t site = 0;
    for (; place >= ring->sites[site].replica_count; site++)
        place -= ring->sites[site].replica_count;
    return &ring->sites[site].replicas[place];
}

static int prepare_everywhere(const struct config *config, const struct config_table *name, bool dry_run) {
    size_t count;
    struct look *looks = look_at_all(&config->ring, 0, &count);
    int result = looks ? EXIT_FINE : EXIT_NOT_EVERYWHERE;
    for (size_t i = 0; looks && i < count; i++)
        if (!prepare_at(&config->ring, &looks[i], address_of(&config->ring, i), name, dry_run))
            result = EXIT_NOT_EVERYWHERE;
    if (looks)
        looks_free(looks, count);
    return result;
}

int ring_prepare_table(int argc, char **argv) {
    static const struct option options[] = {{"config", required_argument, NULL, 'f'},
                                            {"dry-run", no_argument, NULL, 'n'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *file = NULL;
    bool dry_run = false;
    for (int option; (option = getopt_long(argc, argv, "f:h", options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(HELP, stdout);
            return EXIT_FINE;
        }
        if (option != 'f' && option != 'n') {
            fputs(HELP, stderr);
            return EXIT_USAGE;
        }
        if (option == 'f')
            file = optarg;
        dry_run |= option == 'n';
    }
    char *dot = optind + 1 == argc ? strchr(argv[optind], '.') : NULL;
    if (!dot || dot == argv[optind] || !dot[1] || strpbrk(argv[optind], "*?")) {
        fputs("ERROR one table, as DATABASE.TABLE, is needed\n", stderr);
        fputs(HELP, stderr);
        return EXIT_USAGE;
    }
    *dot = '\0';
    const struct config_table name = {.database = argv[optind], .table = dot + 1};
    struct config *config = look_load_config(file);
    if (!config)
        return EXIT_USAGE;
    server_library_start();
    const int result = prepare_everywhere(config, &name, dry_run);
    server_library_stop();
    config_free(config);
    return result;
}
