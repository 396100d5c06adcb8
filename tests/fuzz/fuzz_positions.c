/* The arithmetic of positions and pauses under arbitrary texts: lists of MariaDB's GTIDs, sets of MySQL's,
 * rows of roundabout.pause. What is made of two lists has nothing that neither had, and of each domain what
 * is further; where a joining site goes on is behind all that anybody has seen of it; a number that is said
 * to be the last one of a server stands in its set; a pause that holds is one that was given, and isn't over.
 *
 * An input is a byte - the kind of servers, and which site joins -, and lines: the donor's position; of each
 * of three sites what it has applied, what it has logged, its uuid, and its row of pauses ("SITE SET UNTIL",
 * SITE a number, 3 for the ring's). */
#define _GNU_SOURCE
#include "../../daemon/join.h"
#include "../../daemon/pause.h"
#include "../../daemon/script.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SITES = 3, NOW_US = 1000 };

static void wrong(const char *what, const char *one, const char *other) {
    fprintf(stderr, "%s: %s and %s\n", what, one, other);
    abort();
}

/* Of one element, as of_domain has written it. */
static unsigned long long sequence_of(const char *gtid) {
    return strtoull(strrchr(gtid, '-') + 1, NULL, 10);
}

/* 0: it isn't there, or is 0. */
static unsigned long long last_of_domain(const char *list, unsigned domain) {
    char gtid[64];
    return link_gtid_of_domain(list, domain, gtid, sizeof gtid) ? sequence_of(gtid) : 0;
}

static bool has_element(const char *list, const char *gtid) {
    const size_t length = strlen(gtid);
    for (const char *at = list; (at = strstr(at, gtid)); at++)
        if ((at == list || !isdigit((unsigned char)at[-1])) && !isdigit((unsigned char)at[length]))
            return true;
    return false;
}

/* Texts in which a number has a 0 before it are equal without being the same. */
static bool has_leading_zero(const char *list) {
    for (const char *at = list; *at; at++)
        if (*at == '0' && (at == list || !isdigit((unsigned char)at[-1])) && isdigit((unsigned char)at[1]))
            return true;
    return false;
}

static void check_union(const char *one, const char *other) {
    char merged[8192], gtid[64];
    if (!link_gtid_union(one, other, merged, sizeof merged))
        wrong("no room", one, other);
    if (merged[strspn(merged, "0123456789-,")])
        wrong("not a list", merged, one);
    for (const char *at = merged; *at; at += *at == ',') {
        const size_t length = strcspn(at, ",");
        const unsigned long domain = strtoul(at, NULL, 10);
        snprintf(gtid, sizeof gtid, "%.*s", (int)length, at);
        at += length;
        if (!has_leading_zero(one) && !has_leading_zero(other) && !has_element(one, gtid) &&
            !has_element(other, gtid))
            wrong("neither has it", gtid, merged);
        const unsigned long long mine = last_of_domain(one, (unsigned)domain),
                                 theirs = last_of_domain(other, (unsigned)domain);
        if (last_of_domain(merged, (unsigned)domain) != (mine > theirs ? mine : theirs))
            wrong("not the further one", gtid, merged);
    }
}

static void check_position(const struct link_state *const *states, size_t site, const char *donors) {
    char position[4096];
    if (!join_position(states, SITES, site, donors, position, sizeof position))
        wrong("no room", donors, states[site]->logged);
    if (states[site]->kind != SERVER_MARIADB)
        return;
    const unsigned domain = states[site]->domain_id;
    const unsigned long long goes_on = last_of_domain(position, domain);
    for (size_t i = 0; i < SITES; i++)
        if (i != site && (last_of_domain(states[i]->applied, domain) > goes_on ||
                          last_of_domain(states[i]->logged, domain) > goes_on))
            wrong("numbers would be given out again", position, states[i]->logged);
}

static void check_last_number(const struct link_state *holder, const struct link_state *whose) {
    const struct link_origin origin = link_origin_of(whose);
    const unsigned long long last = link_last_number(holder, &origin);
    char number[32];
    snprintf(number, sizeof number, "%llu", last);
    if (last && !has_leading_zero(holder->logged) && !has_leading_zero(holder->applied) &&
        !has_element(holder->logged, number) && !has_element(holder->applied, number))
        wrong("nobody has that number", number, holder->logged);
    char own[sizeof origin.uuid + 1];
    snprintf(own, sizeof own, "%s:", origin.uuid);
    if (last && origin.kind == SERVER_MYSQL && !strstr(holder->logged, own))
        wrong("not that server's", holder->logged, own);
}

static void check_set(const char *set) {
    char gtid[128];
    unsigned long long number;
    size_t next = 0;
    for (unsigned i = 0; i < 300 && script_next_gtid(set, &next, &number, gtid, sizeof gtid); i++)
        if (number == 0 || !strchr(gtid, ':') || strtoull(strrchr(gtid, ':') + 1, NULL, 10) != number)
            wrong("not a GTID", gtid, set);
}

static void check_pauses(const struct link_state *const *states) {
    for (size_t site = 0; site < SITES; site++) {
        const struct link_pause pause = pause_of_site(states, SITES, site, NOW_US);
        bool given = !pause.set_us && !pause.until_us && !pause.joining;
        for (size_t i = 0; i < SITES && !given; i++)
            given = (memcmp(&pause, &states[i]->ring_pause, sizeof pause) == 0 ||
                     memcmp(&pause, &states[i]->site_pauses[site], sizeof pause) == 0) &&
                    pause.until_us > NOW_US;
        if (!given)
            wrong("nobody gave that pause", "", "");
        struct statement sql = {0};
        pause_write(&sql, NULL, &pause);
        if (sql.failed || strspn(sql.at, "REPLACINTOVUSpwroundabout.pase (),'0123456789_junigl-") == 0)
            abort();
        statement_free(&sql);
    }
}

static const char *next_line(char **text) {
    const char *line = strsep(text, "\n");
    return line ? line : "";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct link_state states[SITES];
    const struct link_state *const seen[SITES] = {&states[0], &states[1], &states[2]};
    if (size < 1)
        return 0;
    char *text = malloc(size), *left = text;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    const char *donors = next_line(&left);
    memset(states, 0, sizeof states);
    for (size_t i = 0; i < SITES; i++) {
        struct link_state *state = &states[i];
        int64_t set_us, until_us;
        unsigned site;
        state->kind = data[0] & 1 ? SERVER_MYSQL : SERVER_MARIADB;
        state->domain_id = (unsigned)i + 1;
        snprintf(state->applied, sizeof state->applied, "%s", next_line(&left));
        snprintf(state->logged, sizeof state->logged, "%s", next_line(&left));
        snprintf(state->uuid, sizeof state->uuid, "%s", next_line(&left));
        if (sscanf(next_line(&left), "%u %" SCNd64 " %" SCNd64, &site, &set_us, &until_us) == 3 &&
            site <= SITES)
            *(site < SITES ? &state->site_pauses[site] : &state->ring_pause) =
                (struct link_pause){.set_us = set_us, .until_us = until_us};
    }
    check_union(donors, states[0].applied);
    check_union(states[0].logged, states[1].logged);
    if (strlen(donors) < 1024)
        check_position(seen, data[0] >> 1 & 1 ? 2 : 0, donors);
    for (size_t i = 0; i < SITES; i++) {
        check_last_number(&states[i], &states[(i + 1) % SITES]);
        check_set(states[i].logged);
        link_is_set_back(&states[i]);
        link_is_blank(&states[i], seen, SITES);
        join_judge(seen, i, SITE_REMEMBERS);
    }
    check_pauses(seen);
    free(text);
    return 0;
}
