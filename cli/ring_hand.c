#include "ring_hand.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../daemon/ring.h"

bool hand_open(struct hand *hand, const struct config_ring *ring, size_t site, enum server_kind kind,
               unsigned limit_s, bool dry_run) {
    *hand = (struct hand){.name = ring->sites[site].name, .kind = kind, .dry_run = dry_run};
    hand->server = server_create(&ring->sites[site].server, &ring->monitor, site == ring->own, limit_s);
    if (!hand->server)
        fprintf(stderr, "ERROR not enough memory\n");
    return hand->server != NULL;
}

void hand_close(struct hand *hand) {
    server_destroy(hand->server);
    hand->server = NULL;
}

static bool tell(const struct hand *hand, const struct server_answer *answer) {
    if (answer->outcome == SERVER_ANSWERED)
        return true;
    /* A syntax error quotes the statement, which may hold a password or values. */
    fprintf(stderr, "ERROR %s: %u %s\n", hand->name, answer->code,
            answer->code == 1064 ? "syntax" : answer->text);
    if (answer->code == 1227 || answer->code == 1044 || answer->code == 1142)
        fprintf(stderr,
                "HINT the monitor user needs more rights there for this verb than for watching; the manual "
                "lists them (roundabout(1)); or an administrator runs what --dry-run prints\n");
    return false;
}

bool hand_run(struct hand *hand, const char *sql, const char *shown) {
    printf("%s: ", hand->name);
    for (const char *at = shown ? shown : sql; *at; at++) /* MySQL's GTID sets have line ends */
        putchar(*at == '\n' && hand->kind == SERVER_MYSQL && strstr(sql, "gtid_purged") ? ' ' : *at);
    printf(";\n");
    fflush(stdout);
    if (hand->dry_run)
        return true;
    const struct server_answer answer = server_query(hand->server, sql, NULL);
    return tell(hand, &answer);
}

bool hand_run_script(struct hand *hand, const struct script *script) {
    for (size_t i = 0; i < script->count; i++)
        if (!hand_run(hand, script->sql[i], script->shown[i]))
            return false;
    return true;
}

bool hand_run_quietly(struct hand *hand, const char *sql) {
    if (hand->dry_run)
        return true;
    const struct server_answer answer = server_query(hand->server, sql, NULL);
    return tell(hand, &answer);
}

bool hand_ask(struct hand *hand, const char *sql, struct server_rows **rows) {
    const struct server_answer answer = server_query(hand->server, sql, rows);
    return tell(hand, &answer);
}

int ring_read_words(int argc, char **argv, int takes, const char *help, struct ring_words *words) {
    enum { FINE = 0, USAGE = 2 };
    static const struct option options[] = {{"config", required_argument, NULL, 'f'},
                                            {"dry-run", no_argument, NULL, 'n'},
                                            {"copy", no_argument, NULL, 'c'},
                                            {"empty", no_argument, NULL, 'e'},
                                            {"for", required_argument, NULL, 'm'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    *words = (struct ring_words){0};
    bool wrong = false;
    for (int option; (option = getopt_long(argc, argv, "f:h", options, NULL)) != -1;) {
        switch (option) {
        case 'h':
            fputs(help, stdout);
            return FINE;
        case 'f':
            words->file = optarg;
            break;
        case 'n':
            words->dry_run = true;
            wrong |= !(takes & RING_TAKES_DRY_RUN);
            break;
        case 'c':
        case 'e':
            words->copy |= option == 'c';
            words->empty |= option == 'e';
            wrong |= !(takes & RING_TAKES_COPY) || (words->copy && words->empty);
            break;
        case 'm': {
            char *end;
            const unsigned long minutes = strtoul(optarg, &end, 10);
            wrong |= !(takes & RING_TAKES_FOR) || *end || minutes < 1 || minutes > 7 * 24 * 60;
            words->minutes = wrong ? 0 : (unsigned)minutes;
            break;
        }
        default:
            wrong = true;
        }
    }
    if (optind < argc && takes & RING_TAKES_SITE)
        words->argument = argv[optind++];
    wrong |= (takes & RING_NEEDS_SITE) == RING_NEEDS_SITE && !words->argument;
    if (!wrong && optind == argc)
        return -1;
    fputs(help, stderr);
    return USAGE;
}

size_t ring_find_site(const struct config_ring *ring, const char *name) {
    for (size_t i = 0; i < ring->site_count; i++)
        if (strcmp(ring->sites[i].name, name) == 0)
            return i;
    fprintf(stderr, "ERROR ring.sites of the configuration has no site %s; it must be listed there first\n",
            name);
    return SITE_NONE;
}
