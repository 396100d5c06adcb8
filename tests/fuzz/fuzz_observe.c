/* The daemon under servers that say anything: three servers' answers are made of the input, looked at by the
 * daemon's own reader, and a plan and its statements are made of what was seen. A plan names a site of the
 * ring, and what it writes is one statement each, quoted whole.
 *
 * An input is lines; a line --- goes on to the next server. A server's first line is its version, the others
 * are COLUMN=VALUE of all its answers; COLUMN alone is a NULL. */
#define _GNU_SOURCE
#include "../../daemon/heartbeat.h"
#include "../../daemon/observe.h"
#include "../../daemon/ring.h"
#include "../../daemon/script.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SITES = 3, COLUMNS_MAX = 64 };

/* In place of the client library: daemon/server.h over one part of the input. */
struct server {
    const char *version;
    size_t count;
    const char *columns[COLUMNS_MAX];
    const char *values[COLUMNS_MAX];
};
struct server_rows {
    const struct server *server;
};

const char *server_version(const struct server *server) {
    return server->version;
}

struct server_answer server_query(struct server *server, const char *sql, struct server_rows **rows) {
    (void)sql;
    if (rows) {
        *rows = malloc(sizeof **rows);
        (*rows)->server = server;
    }
    return (struct server_answer){.outcome = SERVER_ANSWERED};
}

size_t server_rows_count(const struct server_rows *rows) {
    return rows && rows->server->count ? 1 : 0;
}

const char *server_rows_value(const struct server_rows *rows, size_t row, const char *column) {
    for (size_t i = 0; rows && row == 0 && i < rows->server->count; i++)
        if (strcasecmp(rows->server->columns[i], column) == 0)
            return rows->server->values[i];
    return NULL;
}

void server_rows_free(struct server_rows *rows) {
    free(rows);
}

static void read_server(struct server *server, char *text) {
    *server = (struct server){.version = ""};
    for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n")) {
        if (!server->version[0]) {
            server->version = line;
            continue;
        }
        if (server->count == COLUMNS_MAX)
            return;
        char *value = strchr(line, '=');
        if (value)
            *value++ = '\0';
        server->columns[server->count] = line;
        server->values[server->count++] = value;
    }
}

/* Outside of strings there is nothing that could end a statement or hide the rest of it. */
static void want_one_statement(const char *sql) {
    bool inside = false;
    for (const char *at = sql; *at; at++) {
        if (inside && *at == '\\' && at[1])
            at++;
        else if (*at == '\'')
            inside = !inside;
        else if (!inside && (*at == ';' || *at == '#' || *at == '"' || *at == '`'))
            inside = true, at = "\0";
        if (!*at)
            break;
    }
    if (inside) {
        fprintf(stderr, "not one statement: %s\n", sql);
        abort();
    }
}

static bool password_was_said; /* by the input itself */

static void check_script(const struct ring_view *view, const struct ring_plan *plan) {
    static struct script script;
    const struct dialect *dialect = dialect_for_kind(view->link->kind);
    const struct link_state *target = plan->target < SITES ? view->sites[plan->target].state : NULL;
    struct script_order order = {.ring = view->ring,
                                 .source = target ? &view->ring->sites[plan->target].server : NULL,
                                 .position = target ? target->oldest : NULL};
    if (!dialect || (plan->step == LINK_POINT && !order.source) ||
        (plan->step == LINK_SKIP && !order.position))
        return;
    if (!script_for_step(plan->step, dialect, &order, &script))
        return;
    for (size_t i = 0; i < script.count; i++) {
        want_one_statement(script.sql[i]);
        if (!password_was_said && strstr(script.shown[i], "pass;word"))
            abort();
    }
}

static void check_positions(const struct link_state *one, const struct link_state *other) {
    char merged[4096], gtid[128];
    unsigned long long number;
    size_t next = 0;
    link_gtid_union(one->logged, other->logged, merged, sizeof merged);
    link_gtid_of_domain(one->applied, other->domain_id, gtid, sizeof gtid);
    for (unsigned i = 0; i < 1000 && script_next_gtid(one->applied, &next, &number, gtid, sizeof gtid); i++)
        continue;
    link_is_set_back(one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char paris[] = "paris", lyon[] = "lyon", nice[] = "nice", one[] = "10.0.0.1", two[] = "10.0.0.2",
                three[] = "10.0.0.3", user[] = "link", password[] = "pass;word'";
    static struct config_site sites[SITES] = {
        {.name = paris, .server = {.host = one, .port = 3306}, .server_id = 1, .main = true},
        {.name = lyon, .server = {.host = two, .port = 3306}, .server_id = 2},
        {.name = nice, .server = {.host = three, .port = 3306}, .server_id = 3}};
    static const struct config_ring ring = {.sites = sites,
                                            .site_count = SITES,
                                            .replication = {.user = user, .password = password},
                                            .dead_after_ms = 5000,
                                            .samples = 5,
                                            .samples_failed = 3,
                                            .cool_down_ms = 10000,
                                            .connect_retry_s = 5,
                                            .net_timeout_s = 10,
                                            .on_purged = CONFIG_PURGED_SKIP};
    static struct link_state states[SITES];
    if (size < 2)
        return 0;
    char *text = malloc(size - 1), *left = text;
    memcpy(text, data + 2, size - 2);
    text[size - 2] = '\0';
    password_was_said = memmem(text, size - 2, "pass;word", 9) != NULL;
    struct ring_view view = {.ring = &ring,
                             .me = 0,
                             .link = &states[0],
                             .now_ms = 100000,
                             .changed_ms = data[1] & 1 ? -1 : 95000,
                             .moved_ms = 99000,
                             .applied_ms = 99000,
                             .connecting_since_ms = data[1] & 2 ? -1 : 10000,
                             .failed_since_ms = data[1] & 4 ? 0 : 99999,
                             .attempts = data[1] >> 5};
    for (size_t i = 0; i < SITES; i++) {
        struct server server;
        char *part = left, *end = left ? strstr(left, "\n---\n") : NULL;
        if (end)
            *end = '\0';
        left = end ? end + 5 : NULL;
        read_server(&server, part);
        link_observe(&server, &ring, true, &states[i]);
        bool dead = data[0] >> i & 1;
        view.sites[i] = (struct ring_site){.life = dead ? SITE_DEAD : SITE_ALIVE,
                                           .steady = !(data[0] >> (i + 3) & 1),
                                           .silent_ms = dead ? 60000 : 0,
                                           .bypassed = data[0] >> 6 & i & 1,
                                           .state = dead ? NULL : &states[i]};
    }
    const struct ring_plan plan = ring_plan(&view);
    if (plan.reason >= RING_REASON_COUNT || !plan.error ||
        (plan.target >= SITES && plan.target != SITE_NONE) ||
        (plan.source >= SITES && plan.source != SITE_NONE && plan.source != SITE_STRANGER))
        abort();
    check_script(&view, &plan);
    check_positions(&states[0], &states[1]);
    check_positions(&states[1], &states[2]);
    free(text);
    return 0;
}
