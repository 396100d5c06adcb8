#include "preflight.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialect.h"

#define DAY_S           INT64_C(86400)
#define CLOCKS_APART_US INT64_C(1000000)

/* A rule sees one server and all of them. It writes what it found and says whether that is as it should be.
 */
struct subject {
    const struct preflight *all;
    const struct preflight_server *server;
    const struct link_state *state;
    char *found, *cure; /* `cure` holds the rule's own text and may be made more precise */
};
enum {
    FOUND = sizeof((struct preflight_finding *)0)->found,
    CURE = sizeof((struct preflight_finding *)0)->cure
};

static bool is_supported(struct subject *it) {
    snprintf(it->found, FOUND, "%s", it->state->version);
    return it->state->kind != SERVER_KIND_UNKNOWN;
}

static bool is_same_kind(struct subject *it) {
    for (size_t i = 0; i < it->all->count; i++) {
        const struct link_state *other = it->all->servers[i].state;
        if (other && other->kind != it->state->kind) {
            snprintf(it->found, FOUND, "%s here, another kind at %s", it->state->version,
                     it->all->servers[i].name);
            return false;
        }
    }
    return true;
}

static bool shows_its_link(struct subject *it) {
    snprintf(it->found, FOUND, it->state->link_known ? "shown" : "refused with %u", it->state->link_problem);
    snprintf(it->cure, CURE, "GRANT %s ON *.* TO the monitor user",
             dialect_for_kind(it->state->kind)->grants_to_watch);
    return it->state->link_known;
}

static bool has_the_files_id(struct subject *it) {
    const unsigned wanted = it->all->ring->sites[it->server->site].server_id;
    snprintf(it->found, FOUND, "server_id is %u", it->state->server_id);
    snprintf(it->cure, CURE,
             "[mysqld] server_id = %u, or correct host, port or server_id of the site in the file", wanted);
    return it->server->replica || it->state->server_id == wanted;
}

static bool has_its_own_id(struct subject *it) {
    snprintf(it->found, FOUND, "server_id is %u", it->state->server_id);
    for (size_t i = 0; i < it->all->count; i++) {
        const struct preflight_server *other = &it->all->servers[i];
        if (other != it->server && other->state && other->state->server_id == it->state->server_id) {
            snprintf(it->found, FOUND, "server_id %u is also %s's", it->state->server_id, other->name);
            return false;
        }
    }
    return it->state->server_id != 0;
}

static bool writes_a_binlog(struct subject *it) {
    return it->state->log_bin;
}
static bool logs_what_it_replicates(struct subject *it) {
    return it->state->log_updates;
}

static bool has_its_own_domain(struct subject *it) {
    snprintf(it->found, FOUND, "gtid_domain_id is %u", it->state->domain_id);
    snprintf(it->cure, CURE, "[mysqld] gtid_domain_id = %u, and SET GLOBAL gtid_domain_id = %u",
             it->state->server_id, it->state->server_id);
    for (size_t i = 0; i < it->all->count; i++) {
        const struct preflight_server *other = &it->all->servers[i];
        if (other != it->server && !other->replica && other->state &&
            other->state->domain_id == it->state->domain_id) {
            snprintf(it->found, FOUND, "gtid_domain_id %u is also %s's", it->state->domain_id, other->name);
            return false;
        }
    }
    return it->state->domain_id != 0;
}

static bool is_strict(struct subject *it) {
    return it->state->gtid_strict;
}
static bool is_ready_for_gtids(struct subject *it) {
    return it->state->gtid_ready;
}
static bool is_idempotent(struct subject *it) {
    snprintf(it->found, FOUND, "slave_exec_mode (replica_exec_mode) is STRICT, and binlog_format %s",
             it->state->binlog_format);
    return it->state->idempotent;
}

static bool has_a_healing_format(struct subject *it) {
    snprintf(it->found, FOUND, "binlog_format is %s", it->state->binlog_format);
    return strcmp(it->state->binlog_format, "STATEMENT") != 0;
}

static bool steps_over_others(struct subject *it) {
    snprintf(it->found, FOUND, "auto_increment_increment is %u for %zu sites", it->state->increment,
             it->all->ring->site_count);
    return it->state->increment >= it->all->ring->site_count;
}

static bool has_its_own_offset(struct subject *it) {
    snprintf(it->found, FOUND, "auto_increment_offset is %u of %u", it->state->offset, it->state->increment);
    snprintf(it->cure, CURE, "[mysqld] auto_increment_offset = %zu, and the same with SET GLOBAL",
             it->server->site + 1);
    if (it->state->offset > it->state->increment)
        return false;
    for (size_t i = 0; i < it->all->count; i++) {
        const struct preflight_server *other = &it->all->servers[i];
        if (other != it->server && !other->replica && other->state && it->all->ring->site_count > 1 &&
            other->state->offset == it->state->offset) {
            snprintf(it->found, FOUND, "auto_increment_offset %u is also %s's", it->state->offset,
                     other->name);
            return false;
        }
    }
    return true;
}

static bool notices_silence(struct subject *it) {
    const unsigned wanted = it->all->ring->net_timeout_s;
    snprintf(it->found, FOUND, "it is %u s", it->state->net_timeout_s);
    snprintf(it->cure, CURE,
             "[mysqld] %s_net_timeout = %u, and the same with SET GLOBAL; then restart the link",
             it->state->kind == SERVER_MARIADB ? "slave" : "replica", wanted);
    return it->state->net_timeout_s <= wanted;
}

static bool keeps_its_binlogs(struct subject *it) {
    snprintf(it->found, FOUND, it->state->binlog_kept_s == 0 ? "kept for ever" : "kept for %" PRId64 " s",
             it->state->binlog_kept_s);
    return it->state->binlog_kept_s == 0 || it->state->binlog_kept_s >= DAY_S;
}

static bool syncs_its_binlog(struct subject *it) {
    snprintf(it->found, FOUND, "sync_binlog is %u", it->state->sync_binlog);
    return it->state->sync_binlog == 1;
}

static bool may_be_written(struct subject *it) {
    return !it->state->read_only;
}

static bool has_the_time(struct subject *it) {
    const int64_t apart_us = it->state->clock_us - it->state->clock_seen_us;
    snprintf(it->found, FOUND, "%+" PRId64 " ms from this host's clock", apart_us / 1000);
    return llabs(apart_us) < CLOCKS_APART_US;
}

static bool beats(struct subject *it) {
    const int64_t sent_us = it->state->heartbeat_us[it->server->site];
    const int64_t age_ms = (it->state->clock_seen_us - sent_us) / 1000;
    if (!it->state->heartbeats_known || sent_us < 0)
        snprintf(it->found, FOUND, it->state->heartbeat_problem ? "none can be read (%u)" : "none yet",
                 it->state->heartbeat_problem);
    else
        snprintf(it->found, FOUND, "the last is %" PRId64 " ms old", age_ms);
    return it->state->heartbeats_known && sent_us >= 0 &&
           age_ms < (int64_t)it->all->ring->dead_after_ms + CLOCKS_APART_US / 1000;
}

static bool follows_its_neighbour(struct subject *it) {
    const struct config_ring *ring = it->all->ring;
    const size_t wanted =
        it->server->replica ? it->server->site : ring_upstream(ring->site_count, it->server->site, 1);
    if (!it->state->link_exists) {
        snprintf(it->found, FOUND, "there is no link");
        return ring->site_count == 1 && !it->server->replica;
    }
    /* By server_id: another site's address for its source needn't be this host's. */
    snprintf(it->found, FOUND, "follows %.120s:%u, server_id %u", it->state->source_host,
             it->state->source_port, it->state->source_server_id);
    return it->state->source_server_id == ring->sites[wanted].server_id;
}

static bool has_a_whole_link(struct subject *it) {
    const struct link_error *error = link_trouble(it->state);
    if (!it->state->link_exists)
        return true; /* the rule before says it */
    snprintf(it->found, FOUND, "IO %d SQL %d", it->state->io, it->state->sql);
    if (error->consequence != LINK_NO_ERROR) {
        snprintf(it->found, FOUND, "%u: %s",
                 error->code            ? error->code
                 : it->state->sql_errno ? it->state->sql_errno
                                        : it->state->io_errno,
                 error->meaning);
        snprintf(it->cure, CURE, "%s", error->cure);
    } else {
        static const char *const words[] = {"stopped", "connecting", "running"};
        snprintf(it->found, FOUND, "fetching is %s, applying is %s", words[it->state->io],
                 words[it->state->sql]);
    }
    return link_is_whole(it->state);
}

/* Who a rule is for. */
enum { MARIADB = 1, MYSQL = 2, ANY = 3, SITES = 4, REPLICAS = 8, ALL = 15 };

/* clang-format off: one row, one line */
static const struct rule {
    const char *name;
    int whom;
    enum preflight_weight weight;
    bool (*holds)(struct subject *subject);
    const char *found; /* said where the rule fails and has nothing more precise to say */
    const char *why, *cure;
} rules[] = {
    {"version", ALL, PREFLIGHT_CRITICAL, is_supported, "",
     "only MariaDB from 10.5 and MySQL from 8.0.26 are known here", "upgrade the server"},
    {"kind", ALL, PREFLIGHT_CRITICAL, is_same_kind, "",
     "MySQL can't read MariaDB's row events (13121), MariaDB can't read MySQL's character sets (22)",
     "use one kind of server in a ring"},
    {"monitor", ALL, PREFLIGHT_CRITICAL, shows_its_link, "", "what can't be seen can't be kept", ""},
    {"server_id", ANY | SITES, PREFLIGHT_CRITICAL, has_the_files_id, "",
     "it may be another server than the file means", ""},
    {"server_id is its own", ALL, PREFLIGHT_CRITICAL, has_its_own_id, "",
     "equal ids stop a link (1593, 13117), or throw each other out every second without an error",
     "[mysqld] server_id, a different number on every server"},
    {"binary log", ANY | SITES, PREFLIGHT_CRITICAL, writes_a_binlog, "log_bin is off",
     "nobody can follow a server without one", "[mysqld] log_bin = binlog, and restart"},
    {"relaying", ANY | SITES, PREFLIGHT_CRITICAL, logs_what_it_replicates,
     "log_slave_updates (log_replica_updates) is off", "what arrives here would go no further round the ring",
     "[mysqld] log_slave_updates = 1 (log_replica_updates), and restart"},
    {"GTID domain", MARIADB | SITES, PREFLIGHT_CRITICAL, has_its_own_domain, "",
     "in one domain all links stop with 1950, or lose their place", ""},
    {"GTID strict mode", MARIADB | SITES, PREFLIGHT_WARNING, is_strict, "gtid_strict_mode is off",
     "mistakes in numbering stay unseen",
     "[mysqld] gtid_strict_mode = 1, and SET GLOBAL gtid_strict_mode = 1"},
    {"GTID duplicates", MARIADB | SITES, PREFLIGHT_CRITICAL, is_ready_for_gtids,
     "gtid_ignore_duplicates is off", "going past a dead site stops with 1236 when the new source is behind",
     "[mysqld] gtid_ignore_duplicates = 1, and SET GLOBAL gtid_ignore_duplicates = 1"},
    {"GTID mode", MYSQL | SITES, PREFLIGHT_CRITICAL, is_ready_for_gtids,
     "gtid_mode or enforce_gtid_consistency is not ON",
     "without GTIDs a link loses its place when its source changes, and events circle",
     "SET PERSIST enforce_gtid_consistency = ON; SET PERSIST gtid_mode, one step at a time, to ON"},
    {"exec mode", ANY | SITES, PREFLIGHT_CRITICAL, is_idempotent, "",
     "two sites that write one key at the same time stop both links (1062, 1032)",
     "[mysqld] slave_exec_mode = IDEMPOTENT (replica_exec_mode), and the same with SET GLOBAL"},
    {"binlog format", ANY | SITES, PREFLIGHT_WARNING, has_a_healing_format, "",
     "an INSERT of a row that is there stops the link, IDEMPOTENT or not",
     "[mysqld] binlog_format = MIXED (MariaDB) or ROW (MySQL)"},
    {"auto_increment step", ANY | SITES, PREFLIGHT_WARNING, steps_over_others, "",
     "two sites give out the same numbers: links stop (1062), or rows replace each other",
     "[mysqld] auto_increment_increment = 16 at every site, and the same with SET GLOBAL"},
    {"auto_increment offset", ANY | SITES, PREFLIGHT_WARNING, has_its_own_offset, "",
     "two sites give out the same numbers", ""},
    {"net timeout", ANY | SITES, PREFLIGHT_WARNING, notices_silence, "",
     "a source that falls silent is noticed only after this time", ""},
    {"binlog expiry", ANY | SITES, PREFLIGHT_WARNING, keeps_its_binlogs, "",
     "a site that was away for longer can't catch up (1236, 13114)",
     "[mysqld] binlog_expire_logs_seconds = 604800"},
    {"sync_binlog", ANY | SITES, PREFLIGHT_WARNING, syncs_its_binlog, "",
     "a crash of the machine loses events that others have: GTIDs are given out twice",
     "[mysqld] sync_binlog = 1, and SET GLOBAL sync_binlog = 1"},
    {"writable", ANY | SITES, PREFLIGHT_WARNING, may_be_written, "read_only is on",
     "the site's cache writes go to the main master, at its distance",
     "SET GLOBAL read_only = 0, when nothing else wants it"},
    {"clock", ANY | SITES, PREFLIGHT_WARNING, has_the_time, "",
     "times in logs and rows can't be compared between sites", "run an NTP client on the server's host"},
    {"heartbeat", ANY | SITES, PREFLIGHT_WARNING, beats, "",
     "the site's daemon doesn't run, or may not write roundabout.heartbeat",
     "start roundaboutd there; GRANT SELECT, INSERT, DELETE, CREATE ON roundabout.* TO the monitor user"},
    {"source", ALL, PREFLIGHT_WARNING, follows_its_neighbour, "",
     "the ring is open there, or goes past a site",
     "start roundaboutd there; its log says what it waits for"},
    {"link", ALL, PREFLIGHT_CRITICAL, has_a_whole_link, "", "what others write doesn't arrive there",
     "start roundaboutd there; its log says what it waits for"},
};
/* clang-format on */

static bool is_for(const struct rule *rule, const struct preflight_server *server) {
    const int kind = server->state->kind == SERVER_MYSQL ? MYSQL : MARIADB;
    return (rule->whom & kind) && (rule->whom & (server->replica ? REPLICAS : SITES));
}

static void report_answer(const struct preflight_server *server, preflight_report *report, void *context) {
    struct preflight_finding finding = {.server = server->name,
                                        .rule = "answer",
                                        .why = "what can't be seen can't be kept"};
    snprintf(finding.found, sizeof finding.found, "answers");
    if (!server->state) {
        const bool refused = server->answer.outcome == SERVER_REFUSED;
        finding.weight = server->replica ? PREFLIGHT_WARNING : PREFLIGHT_CRITICAL;
        snprintf(finding.found, sizeof finding.found, "%u %.180s", server->answer.code, server->answer.text);
        snprintf(
            finding.cure, sizeof finding.cure, "%s",
            refused
                ? "make the monitor user there, roundaboutd(8) has its rights; or correct user and password_file of `monitor`"
                : "start the server, or correct its host and port in the file; look at the network between");
    }
    report(context, &finding);
}

void preflight_run(const struct preflight *preflight, preflight_report *report, void *context) {
    for (size_t i = 0; i < preflight->count; i++) {
        const struct preflight_server *server = &preflight->servers[i];
        report_answer(server, report, context);
        for (size_t r = 0; server->state && r < sizeof rules / sizeof *rules; r++) {
            const struct rule *rule = &rules[r];
            if (!is_for(rule, server))
                continue;
            struct preflight_finding finding = {.server = server->name, .rule = rule->name, .why = rule->why};
            snprintf(finding.cure, sizeof finding.cure, "%s", rule->cure);
            snprintf(finding.found, sizeof finding.found, "%s", rule->found);
            struct subject subject = {preflight, server, server->state, finding.found, finding.cure};
            finding.weight = rule->holds(&subject) ? PREFLIGHT_FINE : rule->weight;
            if (finding.weight == PREFLIGHT_CRITICAL && server->replica)
                finding.weight = PREFLIGHT_WARNING;
            report(context, &finding);
            if (rule->holds == is_supported && finding.weight != PREFLIGHT_FINE)
                break; /* nothing else was read from it */
        }
    }
}

void preflight_table(const struct preflight_table *table, const struct preflight_table *first,
                     preflight_report *report, void *context) {
    struct preflight_finding finding = {.server = table->server, .rule = table->name};
    finding.weight = PREFLIGHT_CRITICAL;
    if (!table->exists) {
        snprintf(finding.found, sizeof finding.found, "the table isn't there");
        finding.why = "its events stop the link there (1146)";
        snprintf(finding.cure, sizeof finding.cure,
                 "SET sql_log_bin = 0, and CREATE TABLE as at the other sites");
    } else if (!table->primary_key) {
        snprintf(finding.found, sizeof finding.found, "it has no primary key");
        finding.why = "a REPLACE without a key inserts one more row each time, and sites can't be compared";
        snprintf(finding.cure, sizeof finding.cure, "ALTER TABLE %s ADD PRIMARY KEY (the cache's key)",
                 table->name);
    } else if (strcmp(table->engine, "InnoDB") != 0) {
        finding.weight = PREFLIGHT_WARNING;
        snprintf(finding.found, sizeof finding.found, "its engine is %s", table->engine);
        finding.why = "a crash loses the applier's place in a table without transactions";
        snprintf(finding.cure, sizeof finding.cure, "ALTER TABLE %s ENGINE = InnoDB", table->name);
    } else if (first && strcmp(first->columns, table->columns) != 0) {
        snprintf(finding.found, sizeof finding.found, "its columns differ from those at %s", first->server);
        finding.why = "row events don't fit (1677), or values land in other columns";
        snprintf(finding.cure, sizeof finding.cure, "ALTER TABLE %s, with sql_log_bin = 0, as at %s",
                 table->name, first->server);
    } else if (table->unique_indexes == 0) {
        finding.weight = PREFLIGHT_WARNING;
        snprintf(finding.found, sizeof finding.found, "it has no unique index beside its primary key");
        finding.why =
            "a site that lacks a row drops that row's REPLACE and relays it to nobody when rows are logged";
        snprintf(finding.cure, sizeof finding.cure,
                 "`roundabout ring prepare-table %.100s`, or with sql_log_bin = 0 at each server: ALTER TABLE %.100s "
                 "%sADD UNIQUE KEY ring_u (ring_u)",
                 table->name, table->name,
                 table->healing_column ? "" : "ADD COLUMN ring_u TINYINT NULL DEFAULT NULL INVISIBLE, ");
    } else if (table->unrepairable) {
        finding.weight = PREFLIGHT_WARNING;
        snprintf(finding.found, sizeof finding.found, "keys that differ between sites can't be repaired");
        finding.why = table->unrepairable;
        snprintf(finding.cure, sizeof finding.cure,
                 "change the table; or live with it: such a key stays different until it is written again");
    } else {
        finding.weight = PREFLIGHT_FINE;
        finding.why = "";
    }
    report(context, &finding);
}
