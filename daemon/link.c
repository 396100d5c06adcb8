#include "link.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows with a text come before the same code without one: the first that fits is meant. */
/* clang-format off: one row, one line */
static const struct {
    const char *text; /* a part of the server's message; NULL: any */
    struct link_error error;
} errors[] = {
    {NULL, {0, LINK_NO_ERROR, "no error", "nothing to do"}},

    /* the way to the source */
    {NULL, {2002, LINK_TRANSIENT, "the source can't be reached", "the server retries by itself"}},
    {NULL, {2003, LINK_TRANSIENT, "the source refuses or is down", "the server retries by itself"}},
    {NULL,
     {2005, LINK_CONFIGURATION, "the source's name can't be resolved",
      "correct `host` in the ring section, or DNS at this site"}},
    {NULL, {2006, LINK_TRANSIENT, "the source went away", "the server retries by itself"}},
    {NULL, {2013, LINK_TRANSIENT, "the connection to the source was lost", "the server retries by itself"}},
    {NULL,
     {2026, LINK_CONFIGURATION, "TLS with the source failed",
      "give `tls_ca`, or the source a certificate that it signs"}},
    {NULL,
     {2059, LINK_CONFIGURATION, "the replication user's password plugin isn't there",
      "use a user with mysql_native_password or ed25519 (MariaDB); a ring can't mix MariaDB and MySQL"}},
    {NULL,
     {2061, LINK_CONFIGURATION, "the password may not travel unencrypted",
      "set `tls = true` for replication, or let the source's key be fetched"}},
    {NULL,
     {1040, LINK_TRANSIENT, "the source has too many connections",
      "the server retries by itself; raise max_connections"}},
    {NULL,
     {1203, LINK_TRANSIENT, "the replication user has too many connections", "the server retries by itself"}},
    {NULL,
     {1045, LINK_CONFIGURATION, "the source refuses the replication user",
      "CREATE USER and GRANT REPLICATION SLAVE at the source, or correct user and password_file of "
      "`replication`"}},
    {NULL,
     {1044, LINK_CONFIGURATION, "the source refuses the replication user",
      "GRANT REPLICATION SLAVE ON *.* at the source"}},
    {NULL,
     {1129, LINK_CONFIGURATION, "the source has blocked this host after many connect errors",
      "FLUSH HOSTS at the source"}},
    {NULL,
     {1130, LINK_CONFIGURATION, "the source doesn't accept this host",
      "create the replication user for this host ('%') at the source"}},
    {NULL,
     {1227, LINK_CONFIGURATION, "the replication user lacks a right",
      "GRANT REPLICATION SLAVE ON *.* at the source"}},
    {NULL,
     {1597, LINK_CONFIGURATION, "the replication user lacks REPLICATION SLAVE",
      "GRANT REPLICATION SLAVE ON *.* at the source"}},
    {NULL,
     {13120, LINK_CONFIGURATION, "the replication user lacks REPLICATION SLAVE",
      "GRANT REPLICATION SLAVE ON *.* at the source"}},
    {NULL, {1053, LINK_TRANSIENT, "the source is shutting down", "the server retries by itself"}},
    {NULL, {1158, LINK_TRANSIENT, "reading from the network failed", "the server retries by itself"}},
    {NULL, {1159, LINK_TRANSIENT, "reading from the network took too long", "the server retries by itself"}},
    {NULL, {1160, LINK_TRANSIENT, "writing to the network failed", "the server retries by itself"}},
    {NULL, {1161, LINK_TRANSIENT, "writing to the network took too long", "the server retries by itself"}},

    /* what the source has */
    {NULL,
     {1593, LINK_FATAL, "source and replica have the same server_id",
      "give each server of the ring and each replica its own server_id"}},
    {NULL,
     {13117, LINK_FATAL, "source and replica have the same server_id or uuid",
      "give each server of the ring and each replica its own server_id"}},
    {"purged",
     {1236, LINK_PURGED, "the source has purged binary logs that this site still needs",
      "on_purged = \"skip\" goes on without them; else copy the data and set the GTID position by hand"}},
    {"Could not find GTID state",
     {1236, LINK_PURGED, "the source has purged binary logs that this site still needs",
      "on_purged = \"skip\" goes on without them; else copy the data and set the GTID position by hand"}},
    {"not in the master's binlog",
     {1236, LINK_CONFIGURATION, "the source lacks an event that this site already has",
      "it goes on once the source has caught up; set gtid_ignore_duplicates = 1 at every site"}},
    {"missing the GTID",
     {1236, LINK_HOLE, "the source lacks the very event that this site has got to",
      "where it has left out a returning site's, `returning_writes = \"skip\"` goes on behind them; where it has given out "
      "GTIDs again (a server that came back empty), run `roundabout ring join` for it"}},
    {NULL,
     {1236, LINK_FATAL, "the source's binary log can't be read",
      "look at the source's error log; re-seed this site if its log is damaged"}},
    {"purged",
     {13114, LINK_PURGED, "the source has purged binary logs that this site still needs",
      "on_purged = \"skip\" goes on without them; else copy the data and set gtid_purged by hand"}},
    {NULL,
     {13114, LINK_FATAL, "the source's binary log can't be read",
      "look at the source's error log; re-seed this site if its log is damaged"}},

    /* what the applier met */
    {NULL, {1205, LINK_TRANSIENT, "a row was locked too long", "the applier tries again"}},
    {NULL, {1213, LINK_TRANSIENT, "a deadlock with a client", "the applier tries again"}},
    {NULL, {1317, LINK_TRANSIENT, "the applier was interrupted", "it is started again"}},
    {NULL, {1927, LINK_TRANSIENT, "the applier's connection was killed", "it is started again"}},
    {NULL, {1964, LINK_TRANSIENT, "an earlier parallel transaction failed", "it is started again"}},
    {NULL,
     {1032, LINK_FATAL, "a row that the event changes isn't here",
      "SET GLOBAL slave_exec_mode = 'IDEMPOTENT' (replica_exec_mode on MySQL), then start the link"}},
    {NULL,
     {1062, LINK_FATAL, "a row that the event inserts is here already",
      "SET GLOBAL slave_exec_mode = 'IDEMPOTENT' (replica_exec_mode on MySQL), then start the link; check "
      "auto_increment_offset"}},
    {NULL,
     {1146, LINK_CONFIGURATION, "a table of the event isn't here",
      "create the table here, with sql_log_bin = 0"}},
    {NULL,
     {1049, LINK_CONFIGURATION, "a database of the event isn't here",
      "create the database here, with sql_log_bin = 0"}},
    {NULL,
     {1054, LINK_CONFIGURATION, "a column of the event isn't here",
      "give the table the same definition at every site"}},
    {NULL,
     {1677, LINK_CONFIGURATION, "a column's type differs between sites",
      "give the table the same definition at every site"}},
    {NULL,
     {1396, LINK_FATAL, "an account statement of the event can't be repeated here",
      "make accounts with sql_log_bin = 0 at each site; skip this one event by hand"}},
    {NULL,
     {1290, LINK_CONFIGURATION, "the server is in a mode that forbids the change",
      "look at read_only and the server's start options"}},
    {NULL,
     {1950, LINK_CONFIGURATION, "an event is out of order in its domain",
      "give each site its own gtid_domain_id"}},
    {NULL, {1021, LINK_TRANSIENT, "the disk is full", "free space; the server goes on by itself"}},
    {NULL, {1114, LINK_TRANSIENT, "a table is full", "free space or raise the limit"}},
    {NULL, {3, LINK_TRANSIENT, "writing to disk failed", "free space"}},
    {NULL,
     {22, LINK_FATAL, "the event is in a character set that this server lacks",
      "a ring can't mix MariaDB and MySQL"}},
    {NULL,
     {1594, LINK_DAMAGED, "an event in the relay log can't be read",
      "re-make the link, which fetches the relay log anew"}},
    {NULL,
     {13121, LINK_DAMAGED, "an event in the relay log can't be read",
      "a ring can't mix MariaDB and MySQL; if it doesn't, re-make the link"}},
    {NULL, {1782, LINK_FATAL, "the source sends events without GTIDs", "set gtid_mode = ON at every site"}},
    {NULL,
     {13122, LINK_DAMAGED, "the relay log can't be initialised",
      "re-make the link, which fetches the relay log anew"}},
};
/* clang-format on */

static const struct link_error other_transient = {0, LINK_TRANSIENT, "the connection to the source failed",
                                                  "the server retries by itself"};
static const struct link_error other_fatal = {
    0, LINK_FATAL, "the event can't be applied",
    "look at the message; correct the data or the server, then start the link"};

const struct link_error *link_classify(unsigned code, const char *text) {
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].error.code == code && (!errors[i].text || (text && strstr(text, errors[i].text))))
            return &errors[i].error;
    return code >= 2000 && code < 2100 ? &other_transient : &other_fatal;
}

static const struct link_error set_back = {
    1950, LINK_PURGED, "a crash has set this site's tables back behind its own binary log",
    "on_purged = \"skip\" goes on without what the tables lost; else set gtid_slave_pos to gtid_binlog_pos "
    "by hand and copy the rows"};

const struct link_error *link_trouble(const struct link_state *state) {
    if (state->sql == LINK_THREAD_STOPPED && state->sql_errno == 1950 && link_is_set_back(state))
        return &set_back;
    if (state->sql == LINK_THREAD_STOPPED && state->sql_errno)
        return link_classify(state->sql_errno, state->sql_error);
    if (state->io != LINK_THREAD_RUNNING && state->io_errno)
        return link_classify(state->io_errno, state->io_error);
    return link_classify(0, "");
}

int64_t link_retry_delay_ms(enum link_consequence consequence, unsigned attempts) {
    /* The first attempt of a transient stop is at once: a stop by hand looks the same. A failed event is
     * tried again only as often as a person may have cured it meanwhile, and a fatal one once, because a
     * crash of the applier can look fatal. */
    static const int64_t transient[] = {0, 2000, 5000, 15000, 30000, 60000};
    static const int64_t configuration[] = {5000, 30000, 120000, 600000};
    static const int64_t fatal[] = {10000};
    static const int64_t purged[] = {0, 5000, 60000};
    switch (consequence) {
    case LINK_NO_ERROR:
    case LINK_TRANSIENT: {
        const size_t last = sizeof transient / sizeof *transient - 1;
        return transient[attempts < last ? attempts : last];
    }
    case LINK_CONFIGURATION:
        return attempts < sizeof configuration / sizeof *configuration ? configuration[attempts] : -1;
    case LINK_HOLE: /* there may be one in each domain */
    case LINK_PURGED:
        return attempts < sizeof purged / sizeof *purged ? purged[attempts] : -1;
    case LINK_DAMAGED:
    case LINK_FATAL:
        return attempts < sizeof fatal / sizeof *fatal ? fatal[attempts] : -1;
    }
    return -1;
}

bool link_domain_of_hole(const char *text, unsigned *domain) {
    static const char words[] = "missing the GTID ";
    const char *at = strstr(text, words);
    return at && sscanf(at + sizeof words - 1, "%u-", domain) == 1;
}

bool link_is_whole(const struct link_state *state) {
    return state->link_known && state->link_exists && state->io == LINK_THREAD_RUNNING &&
           state->sql == LINK_THREAD_RUNNING && !link_waits_for_disk(state);
}

bool link_waits_for_disk(const struct link_state *state) {
    return strstr(state->io_state, "disk space") || strstr(state->io_state, "free space");
}

/* A number as servers write it, digits alone; more than `most` is none. */
static bool take_number(const char **at, unsigned long long most, unsigned long long *number) {
    char *end;
    if (!isdigit((unsigned char)**at))
        return false;
    errno = 0;
    *number = strtoull(*at, &end, 10);
    *at = end;
    return errno == 0 && *number <= most;
}

static bool take_dash(const char **at) {
    const bool found = **at == '-';
    *at += found;
    return found;
}

/* Reads one "domain-server-sequence" at *list and moves past it and a comma. */
static bool next_gtid(const char **list, unsigned *domain, unsigned long long *sequence, char *gtid,
                      size_t size) {
    const char *at = *list;
    unsigned long long read_domain, server, read_sequence;
    while (isspace((unsigned char)*at) || *at == ',')
        at++;
    if (!take_number(&at, UINT32_MAX, &read_domain) || !take_dash(&at) ||
        !take_number(&at, UINT32_MAX, &server) || !take_dash(&at) ||
        !take_number(&at, ULLONG_MAX, &read_sequence))
        return false;
    if (snprintf(gtid, size, "%llu-%llu-%llu", read_domain, server, read_sequence) >= (int)size)
        return false;
    *domain = (unsigned)read_domain;
    *sequence = read_sequence;
    *list = at;
    return true;
}

static bool find_domain(const char *list, unsigned wanted, unsigned long long *sequence, char *gtid,
                        size_t size) {
    unsigned domain;
    while (next_gtid(&list, &domain, sequence, gtid, size))
        if (domain == wanted)
            return true;
    return false;
}

bool link_gtid_of_domain(const char *list, unsigned domain, char *gtid, size_t size) {
    unsigned long long sequence;
    return find_domain(list, domain, &sequence, gtid, size);
}

bool link_is_set_back(const struct link_state *state) {
    char gtid[64];
    unsigned domain;
    unsigned long long logged, applied;
    for (const char *at = state->logged;
         state->kind == SERVER_MARIADB && next_gtid(&at, &domain, &logged, gtid, sizeof gtid);)
        if (domain != state->domain_id &&
            (!find_domain(state->applied, domain, &applied, gtid, sizeof gtid) || applied < logged))
            return true;
    return false;
}

/* The greatest number behind a uuid in a MySQL set, ":1-5:7"; those of a tag (":tag:1-3") are counted for
 * themselves by the server, and stand last. */
static unsigned long long last_of_intervals(const char *at) {
    unsigned long long last = 0, number;
    while (*at == ':') {
        at++;
        if (!take_number(&at, ULLONG_MAX, &number))
            break;
        if (take_dash(&at) && !take_number(&at, ULLONG_MAX, &number))
            break;
        if (number > last)
            last = number;
    }
    return last;
}

/* The last number of one server in a MySQL set. */
static unsigned long long last_of_uuid(const char *set, const char *uuid) {
    for (const char *at = set; *at; at += strcspn(at, ",")) {
        while (isspace((unsigned char)*at) || *at == ',')
            at++;
        const size_t length = strcspn(at, ":,");
        if (length && length == strlen(uuid) && memcmp(at, uuid, length) == 0)
            return last_of_intervals(at + length);
    }
    return 0;
}

struct link_origin link_origin_of(const struct link_state *state) {
    struct link_origin origin = {.kind = state->kind, .domain_id = state->domain_id};
    snprintf(origin.uuid, sizeof origin.uuid, "%s", state->uuid);
    return origin;
}

unsigned long long link_last_number(const struct link_state *holder, const struct link_origin *origin) {
    unsigned long long logged = 0, applied = 0;
    char gtid[64];
    if (origin->kind == SERVER_MYSQL)
        return last_of_uuid(holder->logged, origin->uuid);
    if (!find_domain(holder->logged, origin->domain_id, &logged, gtid, sizeof gtid))
        logged = 0;
    if (!find_domain(holder->applied, origin->domain_id, &applied, gtid, sizeof gtid))
        applied = 0;
    return logged > applied ? logged : applied;
}

bool link_is_blank(const struct link_state *state, const struct link_state *const *others, size_t count) {
    if (state->kind == SERVER_MARIADB)
        return !state->applied[0];
    for (size_t i = 0; i < count; i++)
        if (others[i] && strcmp(others[i]->uuid, state->uuid) != 0 &&
            last_of_uuid(state->logged, others[i]->uuid))
            return false;
    return true;
}

static bool append_gtid(char *list, size_t size, const char *gtid) {
    const size_t used = strlen(list);
    return snprintf(list + used, size - used, "%s%s", used ? "," : "", gtid) < (int)(size - used);
}

bool link_gtid_union(const char *one, const char *other, char *merged, size_t size) {
    char mine[64], theirs[64];
    unsigned domain;
    unsigned long long sequence, other_sequence;
    merged[0] = '\0';
    for (const char *at = one; next_gtid(&at, &domain, &sequence, mine, sizeof mine);) {
        const bool other_is_ahead =
            find_domain(other, domain, &other_sequence, theirs, sizeof theirs) && other_sequence > sequence;
        if (!append_gtid(merged, size, other_is_ahead ? theirs : mine))
            return false;
    }
    for (const char *at = other; next_gtid(&at, &domain, &sequence, theirs, sizeof theirs);)
        if (!find_domain(one, domain, &other_sequence, mine, sizeof mine) &&
            !append_gtid(merged, size, theirs))
            return false;
    return true;
}
