#include "settings.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

const struct kind_words KINDS[] = {
    [GROUP] = {"group", "a group, { ... }", NULL},
    [LIST] = {"list", "a list of groups, ( { ... }, { ... } )", "a group, { ... }"},
    [TEXT] = {"string", "a string in double quotes", NULL},
    [PATH] = {"path", "an absolute path in double quotes", NULL},
    [NUMBER] = {"number", "a whole number", NULL},
    [SWITCH] = {"switch", "true or false", NULL},
    [WORD] = {"word", "one word in double quotes", NULL},
    [WORDS] = {"words", "a list of words, [ \"...\", \"...\" ]", "one word in double quotes"},
    [TABLES] = {"tables", "a list of table patterns, [ \"database.table\", \"database.prefix_*\" ]",
                "\"database.table\""},
    [TEXTS] = {"strings", "a list of strings in double quotes, [ \"...\", \"...\" ]", "a string in double quotes"},
};

_Static_assert(sizeof(enum config_mode) == sizeof(unsigned) &&
                   sizeof(enum config_transactions) == sizeof(unsigned) &&
                   sizeof(enum config_log_level) == sizeof(unsigned) &&
                   sizeof(enum config_readable) == sizeof(unsigned) &&
                   sizeof(enum config_manage) == sizeof(unsigned) &&
                   sizeof(enum config_purged) == sizeof(unsigned) &&
                   sizeof(enum config_returning) == sizeof(unsigned) &&
                   sizeof(enum config_converge) == sizeof(unsigned),
               "words are stored as unsigned");

static const struct word STATEMENTS[] = {
    {"REPLACE", CONFIG_REPLACE}, {"SELECT", CONFIG_SELECT}, {"INSERT", CONFIG_INSERT},
    {"UPDATE", CONFIG_UPDATE},   {"DELETE", CONFIG_DELETE}, {NULL, 0},
};
static const struct word TRANSACTIONS[] = {{"follow", CONFIG_FOLLOW},
                                           {"immediate", CONFIG_IMMEDIATE},
                                           {"pass", CONFIG_PASS},
                                           {NULL, 0}};
static const struct word MODES[] = {{"route", CONFIG_ROUTE},
                                    {"observe", CONFIG_OBSERVE},
                                    {"off", CONFIG_OFF},
                                    {NULL, 0}};
static const struct word READABLE[] = {{"owner", CONFIG_READABLE_OWNER},
                                       {"group", CONFIG_READABLE_GROUP},
                                       {"all", CONFIG_READABLE_ALL},
                                       {NULL, 0}};
static const struct word LOG_LEVELS[] = {{"error", CONFIG_LOG_ERROR},
                                         {"warning", CONFIG_LOG_WARNING},
                                         {"info", CONFIG_LOG_INFO},
                                         {"debug", CONFIG_LOG_DEBUG},
                                         {NULL, 0}};

static const struct word MANAGE[] = {{"links", CONFIG_MANAGE_LINKS}, {"watch", CONFIG_MANAGE_WATCH}, {NULL, 0}};
static const struct word PURGED[] = {{"help", CONFIG_PURGED_HELP}, {"skip", CONFIG_PURGED_SKIP}, {NULL, 0}};
static const struct word CONVERGE[] = {{"off", CONFIG_CONVERGE_OFF},
                                       {"report", CONFIG_CONVERGE_REPORT},
                                       {"repair", CONFIG_CONVERGE_REPAIR},
                                       {NULL, 0}};
static const struct word RETURNING[] = {{"keep", CONFIG_RETURNING_KEEP},
                                        {"skip", CONFIG_RETURNING_SKIP},
                                        {NULL, 0}};

#define AT(type, field) .offset = offsetof(struct type, field)
#define MANY(type, items, count, item, most)                                              \
    .offset = offsetof(struct type, items), .count_offset = offsetof(struct type, count), \
    .item_size = sizeof(struct item), .highest = (most)
#define BETWEEN(low, high) .lowest = (low), .highest = (high)
/* sun_path has 108 bytes with its NUL; a host name has at most 255 (RFC 1035); MariaDB's user names 128. */
#define SOCKET_BYTES BETWEEN(1, 107)
#define HOST_BYTES   BETWEEN(1, 255)
#define USER_BYTES   BETWEEN(1, 128)
#define FILE_BYTES   BETWEEN(1, PATH_MAX - 1)

/* One item of a list of strings. */
struct config_texts_item {
    char *text;
};

const struct setting SETTINGS[] = {
    {"local", GROUP, AT(config, local), .required = true, .check = config_check_local,
     .sentence = "The master at this host's own site; needs a socket or a host."},
    {"local.socket", PATH, AT(config_local, server.socket), SOCKET_BYTES,
     .sentence = "Its socket, when it runs on this host."},
    {"local.host", TEXT, AT(config_local, server.host), HOST_BYTES,
     .sentence = "Its host name or address, when it is reached by TCP."},
    {"local.port", NUMBER, AT(config_local, server.port), BETWEEN(1, 65535), .fallback = 3306,
     .sentence = "Its port, beside host."},
    {"local.user", TEXT, AT(config_local, user), USER_BYTES,
     .sentence = "The user to connect as; without it the application's own user and password are used."},
    {"local.password_file", PATH, AT(config_local, password_file), FILE_BYTES,
     .sentence = "A file whose first line is the password of user."},
    {"local.defaults_file", PATH, AT(config_local, defaults_file), FILE_BYTES,
     .sentence = "An option file for the client library, whose [client] section may hold user, password and "
                 "TLS options."},
    {"local.tls", SWITCH, AT(config_local, tls),
     .sentence = "Whether connections to host are encrypted; where they can't be, statements run on main."},
    {"local.tls_ca", PATH, AT(config_local, tls_ca), FILE_BYTES,
     .sentence = "The certificates that the server's own is checked against, with its name; without it, it isn't checked."},
    {"local.connect_timeout_s", NUMBER, AT(config_local, connect_timeout_s), BETWEEN(1, 60), .fallback = 1,
     .sentence = "How long, in seconds, a statement may wait for a connection to the local master before it "
                 "runs on main."},
    {"local.read_timeout_s", NUMBER, AT(config_local, read_timeout_s), BETWEEN(1, 3600), .fallback = 2,
     .sentence =
         "How long, in seconds, a statement may wait for the local master's answer before it runs on main."},
    {"local.retry_after_ms", NUMBER, AT(config_local, retry_after_ms), BETWEEN(100, 3600000),
     .fallback = 5000,
     .sentence = "How long, in milliseconds, a local master that failed is left alone before one statement "
                 "tries it again."},

    {"main", LIST, MANY(config, mains, main_count, config_server, 64), .check = config_check_server,
     .sentence =
         "The servers whose connections are looked at; without it all of the program's connections are."},
    {"main.socket", PATH, AT(config_server, socket), SOCKET_BYTES,
     .sentence = "The socket, as the application names it."},
    {"main.host", TEXT, AT(config_server, host), HOST_BYTES,
     .sentence = "The host, as the application names it."},
    {"main.port", NUMBER, AT(config_server, port), BETWEEN(1, 65535), .fallback = 3306,
     .sentence = "The port, beside host."},

    {"caches", LIST, MANY(config, groups, group_count, config_group, 64), .lowest = 1, .required = true,
     .check = config_check_cache_group,
     .sentence = "The cache tables, in groups whose tables may stand together in one statement."},
    {"caches.name", TEXT, AT(config_group, name), BETWEEN(1, 63),
     .sentence = "What the group is called in logs and counters; without it, its place, such as caches[0]."},
    {"caches.tables", TABLES, MANY(config_group, tables, table_count, config_table, 256), .lowest = 1,
     .required = true,
     .sentence =
         "The tables, as \"database.table\"; * stands for any characters, ? for one, in either part."},
    {"caches.statements", WORDS, AT(config_group, statements), BETWEEN(1, 5), .words = STATEMENTS,
     .fallback = CONFIG_REPLACE | CONFIG_SELECT,
     .sentence = "The statements that are sent to the local master."},
    {"caches.transactions", WORD, AT(config_group, transactions), .words = TRANSACTIONS,
     .fallback = CONFIG_FOLLOW,
     .sentence = "What such a statement does inside a transaction: follow it at the local master, run there "
                 "at once, or pass to main."},
    {"caches.mode", WORD, AT(config_group, mode), .words = MODES, .fallback = CONFIG_ROUTE,
     .sentence = "Whether such statements are routed, only counted, or not looked at."},

    {"caches.max_stale_ms", NUMBER, AT(config_group, max_stale_ms), BETWEEN(0, 86400000), .fallback = 0,
     .sentence = "How far, in milliseconds, the local master may be behind any other site for SELECT to be sent there, as "
                 "roundaboutd at this host measures it; 0, or while that isn't known: however far."},
    {"caches.expire", TEXT, AT(config_group, expire), BETWEEN(1, 200),
     .sentence = "Which rows are too old and deleted everywhere by the main site's daemon: \"COLUMN < NOW() - INTERVAL 10 "
                 "MINUTE\", or \"COLUMN < UNIX_TIMESTAMP() - 600\"; without it none."},
    {"caches.expire_every_s", NUMBER, AT(config_group, expire_every_s), BETWEEN(1, 86400), .fallback = 60,
     .sentence = "How often, in seconds, such rows are looked for."},
    {"caches.expire_rows", NUMBER, AT(config_group, expire_rows), BETWEEN(1, 10000), .fallback = 500,
     .sentence = "How many rows are deleted at once at most; ten times a second as long as there are more."},

    {"deepbind", SWITCH, AT(config, deepbind),
     .sentence = "Whether modules that a program loads with RTLD_DEEPBIND are loaded without it, so that their statements "
                 "are seen."},

    {"site", TEXT, AT(config, site), BETWEEN(1, 63), .sentence = "Which of ring.sites this host belongs to."},
    {"ring", GROUP, AT(config, ring), .check = config_check_ring,
     .sentence = "The ring of sites; read by roundaboutd and by `roundabout check` and `status`."},
    {"ring.sites", LIST, MANY(config_ring, sites, site_count, config_site, 16), .lowest = 1, .required = true,
     .sentence = "The sites in ring order: each follows the one before it, the first follows the last."},
    {"ring.sites.name", TEXT, AT(config_site, name), BETWEEN(1, 63), .required = true,
     .sentence = "The site's name, the same in every site's file."},
    {"ring.sites.host", TEXT, AT(config_site, server.host), HOST_BYTES, .required = true,
     .sentence = "Its ring member's host name or address, as this site reaches it."},
    {"ring.sites.port", NUMBER, AT(config_site, server.port), BETWEEN(1, 65535), .fallback = 3306,
     .sentence = "Its ring member's port."},
    {"ring.sites.socket", PATH, AT(config_site, server.socket), SOCKET_BYTES,
     .sentence = "Its ring member's socket, used by programs at that site instead of host and port."},
    {"ring.sites.server_id", NUMBER, AT(config_site, server_id), BETWEEN(1, 4294967295U), .required = true,
     .sentence = "Its ring member's server_id, so that a wrong address is noticed."},
    {"ring.sites.main", SWITCH, AT(config_site, main),
     .sentence = "Whether this is the main master's site; exactly one is."},
    {"ring.sites.replicas", LIST, MANY(config_site, replicas, replica_count, config_server, 64),
     .check = config_check_server, .sentence = "The plain replicas behind the site's ring member."},
    {"ring.sites.replicas.socket", PATH, AT(config_server, socket), SOCKET_BYTES, .sentence = "A replica's socket."},
    {"ring.sites.replicas.host", TEXT, AT(config_server, host), HOST_BYTES, .sentence = "A replica's host."},
    {"ring.sites.replicas.port", NUMBER, AT(config_server, port), BETWEEN(1, 65535), .fallback = 3306,
     .sentence = "A replica's port, beside host."},
    {"ring.replication", GROUP, AT(config_ring, replication), .required = true, .check = config_check_login,
     .sentence = "The user of the links, REPLICATION SLAVE at every site; made there if it is missing and allowed."},
    {"ring.replication.user", TEXT, AT(config_login, user), USER_BYTES, .required = true,
     .sentence = "The user's name."},
    {"ring.replication.password_file", PATH, AT(config_login, password_file), FILE_BYTES,
     .sentence = "A file whose first line is the user's password; without it there is none."},
    {"ring.replication.tls", SWITCH, AT(config_login, tls),
     .sentence = "Whether its connections are encrypted."},
    {"ring.replication.tls_ca", PATH, AT(config_login, tls_ca), FILE_BYTES,
     .sentence = "The certificates that the servers' own are checked against; without it they aren't checked."},
    {"ring.monitor", GROUP, AT(config_ring, monitor), .required = true, .check = config_check_login,
     .sentence = "The user that looks at all sites and, at this one, keeps the link."},
    {"ring.monitor.user", TEXT, AT(config_login, user), USER_BYTES, .required = true,
     .sentence = "The user's name."},
    {"ring.monitor.password_file", PATH, AT(config_login, password_file), FILE_BYTES,
     .sentence = "A file whose first line is the user's password; without it there is none."},
    {"ring.monitor.tls", SWITCH, AT(config_login, tls),
     .sentence = "Whether its connections are encrypted."},
    {"ring.monitor.tls_ca", PATH, AT(config_login, tls_ca), FILE_BYTES,
     .sentence = "The certificates that the servers' own are checked against; without it they aren't checked."},
    {"ring.manage", WORD, AT(config_ring, manage), .words = MANAGE, .fallback = CONFIG_MANAGE_LINKS,
     .sentence = "Whether roundaboutd keeps this site's link, or only watches and changes nothing."},
    {"ring.on_purged", WORD, AT(config_ring, on_purged), .words = PURGED, .fallback = CONFIG_PURGED_HELP,
     .sentence = "When the source has purged what this site lacks: call for help, or go on without it."},
    {"ring.returning_writes", WORD, AT(config_ring, returning_writes), .words = RETURNING,
     .fallback = CONFIG_RETURNING_KEEP,
     .sentence = "What becomes of a returning site's writes that nobody has seen: keep them, though they may be "
                 "older than what the others hold, or skip them, which is the default with converge = repair."},
    {"ring.replicas_follow", SWITCH, AT(config_ring, replicas_follow),
     .sentence = "Whether this site's replicas are kept too, and follow another site while their own master is dead."},
    {"ring.probe_interval_ms", NUMBER, AT(config_ring, probe_interval_ms), BETWEEN(50, 60000), .fallback = 1000,
     .sentence = "How often, in milliseconds, each server is looked at."},
    {"ring.dead_after_ms", NUMBER, AT(config_ring, dead_after_ms), BETWEEN(200, 3600000), .fallback = 5000,
     .sentence = "How long, in milliseconds, nothing must have been heard of a site before it counts as dead."},
    {"ring.samples_failed", NUMBER, AT(config_ring, samples_failed), BETWEEN(1, 32), .fallback = 3,
     .sentence = "How many of the last probes must have failed, too."},
    {"ring.samples", NUMBER, AT(config_ring, samples), BETWEEN(1, 32), .fallback = 5,
     .sentence = "How many last probes are counted; a site is returned to when all of these were answered."},
    {"ring.cool_down_ms", NUMBER, AT(config_ring, cool_down_ms), BETWEEN(0, 3600000), .fallback = 10000,
     .sentence = "How long, in milliseconds, after one change of the link's source the next must wait."},
    {"ring.heartbeat_interval_ms", NUMBER, AT(config_ring, heartbeat_interval_ms), BETWEEN(50, 60000), .fallback = 1000,
     .sentence = "How often, in milliseconds, this site's heartbeat is written."},
    {"ring.connect_retry_s", NUMBER, AT(config_ring, connect_retry_s), BETWEEN(1, 3600), .fallback = 5,
     .sentence = "How often, in seconds, the server itself tries to reach a source that is gone."},
    {"ring.net_timeout_s", NUMBER, AT(config_ring, net_timeout_s), BETWEEN(1, 3600), .fallback = 10,
     .sentence = "What slave_net_timeout (replica_net_timeout) should be, in seconds; the source says \"still here\" five "
                 "times as often."},
    {"ring.converge", WORD, AT(config_ring, converge), .words = CONVERGE, .fallback = CONFIG_CONVERGE_REPORT,
     .sentence = "What is done about keys of cache tables that differ between sites for good: nothing, say so, or delete "
                 "them everywhere."},
    {"ring.converge_every_s", NUMBER, AT(config_ring, converge_every_s), BETWEEN(1, 86400), .fallback = 300,
     .sentence = "In how many seconds each cache table is compared as a whole, also when nothing seems to have changed."},
    {"ring.converge_rows_per_s", NUMBER, AT(config_ring, converge_rows_per_s), BETWEEN(100, 10000000), .fallback = 50000,
     .sentence = "How many rows a second are compared at most."},
    {"ring.converge_repairs_per_s", NUMBER, AT(config_ring, converge_repairs_per_s), BETWEEN(1, 10000), .fallback = 100,
     .sentence = "How many keys a second are deleted at most."},

    {"stats", GROUP, AT(config, stats),
     .sentence = "Counters that each preloaded program keeps in shared memory, for `roundabout stats` and the daemon."},
    {"stats.enabled", SWITCH, AT(config_stats, enabled), .fallback = true,
     .sentence = "Whether programs count, and are told by each other and by roundaboutd that the local master is down."},
    {"stats.directory", PATH, AT(config_stats, directory), BETWEEN(1, PATH_MAX - 64),
     .sentence = "Where; without it /run/roundabout, or roundabout in $XDG_RUNTIME_DIR."},
    {"stats.readable", WORD, AT(config_stats, readable), .words = READABLE, .fallback = CONFIG_READABLE_GROUP,
     .sentence = "Who may read the counters of a program: its own user, the directory's group too, or all."},

    {"http", GROUP, AT(config, http), .sentence = "The daemon's page, its status as JSON, and its metrics."},
    {"http.port", NUMBER, AT(config_http, port), BETWEEN(0, 65535), .fallback = 0,
     .sentence = "The TCP port that roundaboutd serves them at; 0: none."},
    {"http.address", TEXT, AT(config_http, address), BETWEEN(1, 45),
     .sentence = "The IP address that it listens at; without it, 127.0.0.1: this host only."},
    {"http.allowed_hosts", TEXTS,
     MANY(config_http, allowed_hosts, allowed_host_count, config_texts_item, 16),
     .sentence = "Names that it may be asked by, beside localhost and its own address; others are refused."},

    {"journal", GROUP, AT(config, journal), .sentence = "What the daemon did and saw, kept over its restarts."},
    {"journal.file", PATH, AT(config_journal, file), FILE_BYTES,
     .sentence = "The file that it is appended to, a line of JSON an entry; without it, the last entries are in memory."},
    {"journal.max_kb", NUMBER, AT(config_journal, max_kb), BETWEEN(16, 1048576), .fallback = 1024,
     .sentence = "How many kilobytes the file may have before it is renamed to FILE.1, in place of the one before."},

    {"on_event", GROUP, AT(config, on_event), .check = config_check_on_event,
     .sentence = "A program that roundaboutd runs when something happens; roundaboutd(8) lists the events."},
    {"on_event.command", TEXTS, MANY(config_on_event, command, command_count, config_texts_item, 32),
     .required = true, .lowest = 1,
     .sentence = "Its absolute path and its arguments; no shell reads them."},
    {"on_event.limit_s", NUMBER, AT(config_on_event, limit_s), BETWEEN(1, 3600), .fallback = 10,
     .sentence = "How many seconds it may take before it is killed."},
    {"on_event.per_minute", NUMBER, AT(config_on_event, per_minute), BETWEEN(1, 600), .fallback = 12,
     .sentence = "How often it is run in a minute at most; events beyond that are only counted."},

    {"log_level", WORD, AT(config, log_level), .words = LOG_LEVELS, .fallback = CONFIG_LOG_INFO,
     .sentence = "The least weighty messages that are written; changes of state are info and warning."},
    {"log_file", PATH, AT(config, log_file), FILE_BYTES,
     .sentence = "The file that messages are appended to; without it, standard error."},
};
const struct setting *const SETTINGS_END = SETTINGS + sizeof(SETTINGS) / sizeof(SETTINGS[0]);

bool setting_is_child_of(const struct setting *row, const char *parent) {
    size_t length = strlen(parent);

    if (length > 0) {
        if (strncmp(row->path, parent, length) != 0 || row->path[length] != '.')
            return false;
        length++;
    }
    return strchr(row->path + length, '.') == NULL;
}

const char *setting_key(const struct setting *row) {
    const char *dot = strrchr(row->path, '.');

    return dot ? dot + 1 : row->path;
}

const struct setting *setting_find(const char *parent, const char *key) {
    for (const struct setting *row = SETTINGS; row < SETTINGS_END; row++)
        if (setting_is_child_of(row, parent) && strcmp(setting_key(row), key) == 0)
            return row;
    return NULL;
}

bool setting_is_stored_as_unsigned(enum kind kind) {
    return kind == NUMBER || kind == WORD || kind == WORDS;
}

static void *member_at(void *values, size_t offset) {
    return (char *)values + offset;
}

void settings_set_defaults(const char *parent, void *values) {
    for (const struct setting *row = SETTINGS; row < SETTINGS_END; row++) {
        if (!setting_is_child_of(row, parent))
            continue;
        if (row->kind == SWITCH)
            *(bool *)member_at(values, row->offset) = row->fallback != 0;
        else if (setting_is_stored_as_unsigned(row->kind))
            memcpy(member_at(values, row->offset), &row->fallback, sizeof(row->fallback));
        else if (row->kind == GROUP)
            settings_set_defaults(row->path, member_at(values, row->offset));
    }
}

static void free_list(const struct setting *row, void *values) {
    char *items;
    size_t count;

    memcpy(&items, member_at(values, row->offset), sizeof(items));
    memcpy(&count, member_at(values, row->count_offset), sizeof(count));
    for (size_t i = 0; i < count; i++) {
        if (row->kind == LIST) {
            settings_free(row->path, items + i * row->item_size);
        } else if (row->kind == TEXTS) {
            free(((char **)(void *)items)[i]);
        } else {
            struct config_table *tables = (struct config_table *)(void *)items;
            free(tables[i].database);
            free(tables[i].table);
        }
    }
    free(items);
}

void settings_free(const char *parent, void *values) {
    for (const struct setting *row = SETTINGS; row < SETTINGS_END; row++) {
        if (!setting_is_child_of(row, parent))
            continue;
        if (row->kind == TEXT || row->kind == PATH) {
            char *text;
            memcpy(&text, member_at(values, row->offset), sizeof(text));
            free(text);
        } else if (row->kind == LIST || row->kind == TABLES || row->kind == TEXTS) {
            free_list(row, values);
        } else if (row->kind == GROUP) {
            settings_free(row->path, member_at(values, row->offset));
        }
    }
}

void text_append(char *text, size_t size, const char *format, ...) {
    size_t length = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + length, size - length, format, arguments);
    va_end(arguments);
}

void text_append_words(char *text, size_t size, const struct word *words, const char *separator) {
    for (const struct word *word = words; word->name; word++)
        text_append(text, size, "%s%s", word == words ? "" : separator, word->name);
}

static void describe_fallback(const struct setting *row, char *text, size_t size) {
    if (row->kind == NUMBER && !row->required)
        text_append(text, size, "%u", row->fallback);
    if (row->kind == SWITCH)
        text_append(text, size, "%s", row->fallback ? "true" : "false");
    for (const struct word *word = row->words; word && word->name; word++) {
        if (row->kind == WORD && word->value == row->fallback)
            text_append(text, size, "\"%s\"", word->name);
        if (row->kind == WORDS && (word->value & row->fallback))
            text_append(text, size, "%s\"%s\"", text[0] ? ", " : "[", word->name);
    }
    if (row->kind == WORDS)
        text_append(text, size, "]");
}

static void describe_bounds(const struct setting *row, char *text, size_t size) {
    switch (row->kind) {
    case NUMBER:
        text_append(text, size, "%u..%u", row->lowest, row->highest);
        break;
    case TEXT:
    case PATH:
        text_append(text, size, "%u..%u bytes", row->lowest, row->highest);
        break;
    case WORD:
    case WORDS:
        text_append_words(text, size, row->words, "|");
        break;
    case LIST:
    case TABLES:
    case TEXTS:
        text_append(text, size, "%u..%u items", row->lowest, row->highest);
        break;
    case GROUP:
    case SWITCH:
        break;
    }
}

bool config_describe(size_t n, struct config_setting_text *text) {
    if (n >= (size_t)(SETTINGS_END - SETTINGS))
        return false;
    const struct setting *row = &SETTINGS[n];

    *text = (struct config_setting_text){.sentence = row->sentence, .required = row->required};
    text_append(text->path, sizeof(text->path), "%s", row->path);
    text_append(text->type, sizeof(text->type), "%s", KINDS[row->kind].name);
    describe_fallback(row, text->fallback, sizeof(text->fallback));
    describe_bounds(row, text->bounds, sizeof(text->bounds));
    return true;
}
