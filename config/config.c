#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libconfig.h>

#define DEFAULT_PATH "/etc/roundabout/roundabout.conf"

enum {
    FILE_BYTES_MAX = 1 << 20, /* a configuration file longer than this is some other file */
    SECRET_BYTES_MAX = 1024,  /* a password; servers take far less */
    MESSAGE_BYTES_MAX = 4096, /* one finding, on the stack; a longer one is cut */
    INCLUDE_DEPTH_MAX = 10,   /* libconfig's own limit */
    KEY_BYTES_MAX = 32,       /* longer words are not compared with keys */
};

/* What is known while one file is read. */
struct reading {
    config_report *report;
    void *context;
    const char *path;
    char *directory; /* of path; included files are named relative to it */
    size_t findings;
};

enum kind { GROUP, LIST, TEXT, PATH, NUMBER, SWITCH, WORD, WORDS, TABLES };

static const struct {
    const char *name; /* in config_describe() */
    const char *form; /* in messages */
    const char *item; /* in messages about one of its items */
} KINDS[] = {
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
};

struct word {
    const char *name;
    unsigned value;
};

/* One setting. A group's or a list's own settings are the rows whose path continues its path by one word.
 * Values are stored at `offset` of the struct that holds the group, or one item of the list: numbers, words
 * and sets of words as unsigned, switches as bool, strings as char * on the heap, lists as a pointer at `offset` and a size_t
 * at `count_offset`. Reading, defaults, freeing and config_describe() follow from the row; only rules between
 * settings are written out, as `check`. */
struct setting {
    const char *path;
    enum kind kind;
    size_t offset;
    size_t count_offset;      /* LIST, TABLES */
    size_t item_size;         /* LIST, TABLES */
    unsigned lowest, highest; /* NUMBER: of the value; TEXT, PATH: of the length in bytes; LIST, TABLES,
                                 WORDS: of the number of items */
    unsigned fallback;        /* NUMBER, WORD, WORDS; strings and lists have none */
    const struct word *words; /* WORD, WORDS: the values, ended by a NULL name */
    bool required;
    void (*check)(struct reading *reading, const config_setting_t *group,
                  void *values); /* GROUP; LIST: each item */
    const char *sentence;
};

static void check_local(struct reading *reading, const config_setting_t *group, void *values);
static void check_server(struct reading *reading, const config_setting_t *group, void *values);
static void check_cache_group(struct reading *reading, const config_setting_t *group, void *values);
static void check_login(struct reading *reading, const config_setting_t *group, void *values);
static void check_ring(struct reading *reading, const config_setting_t *group, void *values);

_Static_assert(sizeof(enum config_mode) == sizeof(unsigned) &&
                   sizeof(enum config_transactions) == sizeof(unsigned) &&
                   sizeof(enum config_log_level) == sizeof(unsigned) &&
                   sizeof(enum config_manage) == sizeof(unsigned) &&
                   sizeof(enum config_purged) == sizeof(unsigned) &&
                   sizeof(enum config_returning) == sizeof(unsigned),
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
static const struct word LOG_LEVELS[] = {{"error", CONFIG_LOG_ERROR},
                                         {"warning", CONFIG_LOG_WARNING},
                                         {"info", CONFIG_LOG_INFO},
                                         {"debug", CONFIG_LOG_DEBUG},
                                         {NULL, 0}};

static const struct word MANAGE[] = {{"links", CONFIG_MANAGE_LINKS}, {"watch", CONFIG_MANAGE_WATCH}, {NULL, 0}};
static const struct word PURGED[] = {{"help", CONFIG_PURGED_HELP}, {"skip", CONFIG_PURGED_SKIP}, {NULL, 0}};
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

static const struct setting SETTINGS[] = {
    {"local", GROUP, AT(config, local), .required = true, .check = check_local,
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

    {"main", LIST, MANY(config, mains, main_count, config_server, 64), .check = check_server,
     .sentence =
         "The servers whose connections are looked at; without it all of the program's connections are."},
    {"main.socket", PATH, AT(config_server, socket), SOCKET_BYTES,
     .sentence = "The socket, as the application names it."},
    {"main.host", TEXT, AT(config_server, host), HOST_BYTES,
     .sentence = "The host, as the application names it."},
    {"main.port", NUMBER, AT(config_server, port), BETWEEN(1, 65535), .fallback = 3306,
     .sentence = "The port, beside host."},

    {"caches", LIST, MANY(config, groups, group_count, config_group, 64), .lowest = 1, .required = true,
     .check = check_cache_group,
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

    {"site", TEXT, AT(config, site), BETWEEN(1, 63), .sentence = "Which of ring.sites this host belongs to."},
    {"ring", GROUP, AT(config, ring), .check = check_ring,
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
     .check = check_server, .sentence = "The plain replicas behind the site's ring member."},
    {"ring.sites.replicas.socket", PATH, AT(config_server, socket), SOCKET_BYTES, .sentence = "A replica's socket."},
    {"ring.sites.replicas.host", TEXT, AT(config_server, host), HOST_BYTES, .sentence = "A replica's host."},
    {"ring.sites.replicas.port", NUMBER, AT(config_server, port), BETWEEN(1, 65535), .fallback = 3306,
     .sentence = "A replica's port, beside host."},
    {"ring.replication", GROUP, AT(config_ring, replication), .required = true, .check = check_login,
     .sentence = "The user of the links, REPLICATION SLAVE at every site; made there if it is missing and allowed."},
    {"ring.replication.user", TEXT, AT(config_login, user), USER_BYTES, .required = true,
     .sentence = "The user's name."},
    {"ring.replication.password_file", PATH, AT(config_login, password_file), FILE_BYTES,
     .sentence = "A file whose first line is the user's password; without it there is none."},
    {"ring.replication.tls", SWITCH, AT(config_login, tls),
     .sentence = "Whether its connections are encrypted."},
    {"ring.replication.tls_ca", PATH, AT(config_login, tls_ca), FILE_BYTES,
     .sentence = "The certificates that the servers' own are checked against; without it they aren't checked."},
    {"ring.monitor", GROUP, AT(config_ring, monitor), .required = true, .check = check_login,
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
                 "older than what the others hold, or skip them."},
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

    {"log_level", WORD, AT(config, log_level), .words = LOG_LEVELS, .fallback = CONFIG_LOG_INFO,
     .sentence = "The least weighty messages that are written; changes of state are info and warning."},
    {"log_file", PATH, AT(config, log_file), FILE_BYTES,
     .sentence = "The file that messages are appended to; without it, standard error."},
};
#define SETTINGS_END (SETTINGS + sizeof(SETTINGS) / sizeof(SETTINGS[0]))

/* The table */

static bool is_child_of(const struct setting *row, const char *parent) {
    size_t length = strlen(parent);

    if (length > 0) {
        if (strncmp(row->path, parent, length) != 0 || row->path[length] != '.')
            return false;
        length++;
    }
    return strchr(row->path + length, '.') == NULL;
}

static const char *key_of(const struct setting *row) {
    const char *dot = strrchr(row->path, '.');

    return dot ? dot + 1 : row->path;
}

static const struct setting *find_row(const char *parent, const char *key) {
    for (const struct setting *row = SETTINGS; row < SETTINGS_END; row++)
        if (is_child_of(row, parent) && strcmp(key_of(row), key) == 0)
            return row;
    return NULL;
}

static bool is_stored_as_unsigned(enum kind kind) {
    return kind == NUMBER || kind == WORD || kind == WORDS;
}

static void *member_at(void *values, size_t offset) {
    return (char *)values + offset;
}

/* The rest of the values must be zero. */
static void set_defaults(const char *parent, void *values) {
    for (const struct setting *row = SETTINGS; row < SETTINGS_END; row++) {
        if (!is_child_of(row, parent))
            continue;
        if (row->kind == SWITCH)
            *(bool *)member_at(values, row->offset) = row->fallback != 0;
        else if (is_stored_as_unsigned(row->kind))
            memcpy(member_at(values, row->offset), &row->fallback, sizeof(row->fallback));
        else if (row->kind == GROUP)
            set_defaults(row->path, member_at(values, row->offset));
    }
}

static void free_values(const char *parent, void *values);

static void free_list(const struct setting *row, void *values) {
    char *items;
    size_t count;

    memcpy(&items, member_at(values, row->offset), sizeof(items));
    memcpy(&count, member_at(values, row->count_offset), sizeof(count));
    for (size_t i = 0; i < count; i++) {
        if (row->kind == LIST) {
            free_values(row->path, items + i * row->item_size);
        } else {
            struct config_table *tables = (struct config_table *)(void *)items;
            free(tables[i].database);
            free(tables[i].table);
        }
    }
    free(items);
}

static void free_values(const char *parent, void *values) {
    for (const struct setting *row = SETTINGS; row < SETTINGS_END; row++) {
        if (!is_child_of(row, parent))
            continue;
        if (row->kind == TEXT || row->kind == PATH) {
            char *text;
            memcpy(&text, member_at(values, row->offset), sizeof(text));
            free(text);
        } else if (row->kind == LIST || row->kind == TABLES) {
            free_list(row, values);
        } else if (row->kind == GROUP) {
            free_values(row->path, member_at(values, row->offset));
        }
    }
}

/* Appends to a text of `size` bytes that is NUL-terminated and stays so. */
static void __attribute__((format(printf, 3, 4))) append(char *text, size_t size, const char *format, ...) {
    size_t length = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + length, size - length, format, arguments);
    va_end(arguments);
}

static void append_words(char *text, size_t size, const struct word *words, const char *separator) {
    for (const struct word *word = words; word->name; word++)
        append(text, size, "%s%s", word == words ? "" : separator, word->name);
}

static void describe_fallback(const struct setting *row, char *text, size_t size) {
    if (row->kind == NUMBER && !row->required)
        append(text, size, "%u", row->fallback);
    if (row->kind == SWITCH)
        append(text, size, "%s", row->fallback ? "true" : "false");
    for (const struct word *word = row->words; word && word->name; word++) {
        if (row->kind == WORD && word->value == row->fallback)
            append(text, size, "\"%s\"", word->name);
        if (row->kind == WORDS && (word->value & row->fallback))
            append(text, size, "%s\"%s\"", text[0] ? ", " : "[", word->name);
    }
    if (row->kind == WORDS)
        append(text, size, "]");
}

static void describe_bounds(const struct setting *row, char *text, size_t size) {
    switch (row->kind) {
    case NUMBER:
        append(text, size, "%u..%u", row->lowest, row->highest);
        break;
    case TEXT:
    case PATH:
        append(text, size, "%u..%u bytes", row->lowest, row->highest);
        break;
    case WORD:
    case WORDS:
        append_words(text, size, row->words, "|");
        break;
    case LIST:
    case TABLES:
        append(text, size, "%u..%u items", row->lowest, row->highest);
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
    append(text->path, sizeof(text->path), "%s", row->path);
    append(text->type, sizeof(text->type), "%s", KINDS[row->kind].name);
    describe_fallback(row, text->fallback, sizeof(text->fallback));
    describe_bounds(row, text->bounds, sizeof(text->bounds));
    return true;
}

/* Findings */

/* libconfig before 1.7 takes every included file from the include directory and remembers its name as
 * written; later ones leave absolute paths alone and remember the whole path. */
static bool includes_are_remembered_whole(void) {
    return LIBCONFIG_VER_MAJOR > 1 || LIBCONFIG_VER_MINOR >= 7;
}

/* `file` NULL: the file that was asked for. `line` 0: the file as a whole. */
static void __attribute__((format(printf, 4, 0)))
say_arguments(struct reading *reading, const char *file, unsigned line, const char *format,
              va_list arguments) {
    char text[MESSAGE_BYTES_MAX] = "";

    if (file && !includes_are_remembered_whole())
        append(text, sizeof(text), "%s/", reading->directory);
    append(text, sizeof(text), "%s:", file ? file : reading->path);
    if (line > 0)
        append(text, sizeof(text), "%u:", line);
    append(text, sizeof(text), " ");
    size_t length = strlen(text);
    vsnprintf(text + length, sizeof(text) - length, format, arguments);
    for (char *at = text; *at;
         at++) /* what the file says is repeated in messages, and a message is one line */
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            *at = '?';
    reading->findings++;
    reading->report(reading->context, text);
}

static void __attribute__((format(printf, 4, 5)))
say_at(struct reading *reading, const char *file, unsigned line, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    say_arguments(reading, file, line, format, arguments);
    va_end(arguments);
}

static void __attribute__((format(printf, 3, 4)))
say(struct reading *reading, const config_setting_t *setting, const char *format, ...) {
    unsigned line = (unsigned)config_setting_source_line(setting);
    va_list arguments;

    va_start(arguments, format);
    say_arguments(reading, config_setting_source_file(setting), line > 0 ? line : 1, format, arguments);
    va_end(arguments);
}

static void say_no_memory(struct reading *reading) {
    say_at(reading, NULL, 0, "not enough memory to read it; free some and start again");
}

static char *copy_text(struct reading *reading, const char *text, size_t length) {
    char *copy = strndup(text, length);

    if (!copy)
        say_no_memory(reading);
    return copy;
}

static bool letters_are_equal(const char *a, const char *b) {
    for (;; a++, b++) { /* strcasecmp() asks the program's locale, where I may not be the capital of i */
        char x = (*a >= 'A' && *a <= 'Z') ? (char)(*a | 0x20) : *a;
        char y = (*b >= 'A' && *b <= 'Z') ? (char)(*b | 0x20) : *b;
        if (x != y)
            return false;
        if (x == '\0')
            return true;
    }
}

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours each count one. */
unsigned config_word_distance(const char *word, const char *candidate) {
    size_t rows = strlen(word), columns = strlen(candidate);
    unsigned cost[KEY_BYTES_MAX + 1][KEY_BYTES_MAX + 1];

    if (rows > KEY_BYTES_MAX || columns > KEY_BYTES_MAX)
        return UINT_MAX;
    if (rows >= 3 && strncmp(word, candidate, rows) == 0)
        return rows == columns ? 0 : 1; /* the start of a word stands for it: connect_timeout, password */
    for (unsigned i = 0; i <= rows; i++) {
        for (unsigned j = 0; j <= columns; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            bool same = word[i - 1] == candidate[j - 1];
            unsigned least = cost[i - 1][j - 1] + (same ? 0 : 1);
            if (cost[i - 1][j] + 1 < least)
                least = cost[i - 1][j] + 1;
            if (cost[i][j - 1] + 1 < least)
                least = cost[i][j - 1] + 1;
            bool swapped =
                i > 1 && j > 1 && word[i - 1] == candidate[j - 2] && word[i - 2] == candidate[j - 1];
            if (swapped && cost[i - 2][j - 2] + 1 < least)
                least = cost[i - 2][j - 2] + 1;
            cost[i][j] = least;
        }
    }
    return cost[rows][columns] <= (columns + 2) / 3 ? cost[rows][columns] : UINT_MAX;
}

static void append_places(char *text, size_t size, const char *key) {
    for (const struct setting *row = SETTINGS; row < SETTINGS_END; row++) {
        if (strcmp(key_of(row), key) != 0)
            continue;
        const char *joint = text[0] ? " or " : "";
        int parent_length = (int)(key_of(row) - row->path) - 1;
        if (parent_length > 0)
            append(text, size, "%sinside %.*s", joint, parent_length, row->path);
        else
            append(text, size, "%sat the top of the file, outside all groups", joint);
    }
}

/* The value isn't repeated: it may be a password. */
static void say_unknown(struct reading *reading, const config_setting_t *setting, const char *parent) {
    const char *key = config_setting_name(setting);
    const char *space = parent[0] ? " in " : "";
    char places[256] = "";
    const char *nearest = NULL;
    unsigned least = UINT_MAX;

    append_places(places, sizeof(places), key);
    if (places[0]) {
        say(reading, setting, "misplaced key %s%s%s; it belongs %s", key, space, parent, places);
        return;
    }
    for (const struct setting *row = SETTINGS; row < SETTINGS_END; row++) {
        if (!is_child_of(row, parent))
            continue;
        unsigned distance = config_word_distance(key, key_of(row));
        if (distance < least) {
            least = distance;
            nearest = key_of(row);
        }
    }
    if (nearest)
        say(reading, setting, "unknown key %s%s%s; did you mean %s?", key, space, parent, nearest);
    else
        say(reading, setting,
            "unknown key %s%s%s; remove it, or see roundabout.conf(5) for the keys there are", key, space,
            parent);
}

static const char *type_in_words(const config_setting_t *setting) {
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "a number";
    case CONFIG_TYPE_FLOAT:
        return "a number with a point";
    case CONFIG_TYPE_STRING:
        return "a string";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    case CONFIG_TYPE_ARRAY:
        return "an array, [ ... ]";
    case CONFIG_TYPE_LIST:
        return "a list, ( ... )";
    case CONFIG_TYPE_GROUP:
        return "a group, { ... }";
    default:
        return "nothing";
    }
}

static void say_wrong_type(struct reading *reading, const struct setting *row,
                           const config_setting_t *setting) {
    bool is_item = config_setting_name(setting) == NULL;

    say(reading, setting, "%s%s is %s; write %s", is_item ? "an item of " : "", row->path,
        type_in_words(setting), is_item ? KINDS[row->kind].item : KINDS[row->kind].form);
}

/* Values */

/* The value isn't repeated: someone may have put the password itself where the name of its file belongs. */
static void read_text(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                      void *values) {
    const char *text = config_setting_get_string(setting);

    if (!text) {
        say_wrong_type(reading, row, setting);
        return;
    }
    size_t length = strlen(text);
    if (length < row->lowest) {
        say(reading, setting, "%s is empty; fill it in, or remove the line", row->path);
    } else if (length > row->highest) {
        say(reading, setting, "%s has %zu bytes; shorten it to at most %u", row->path, length, row->highest);
    } else if (row->kind == PATH && text[0] != '/') {
        say(reading, setting, "%s is a relative path; write the absolute one, which begins with /",
            row->path);
    } else {
        char *copy = copy_text(reading, text, length);
        memcpy(member_at(values, row->offset), &copy, sizeof(copy));
    }
}

static void read_number(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                        void *values) {
    long long number;

    if (config_setting_type(setting) == CONFIG_TYPE_INT)
        number = config_setting_get_int(setting);
    else if (config_setting_type(setting) == CONFIG_TYPE_INT64)
        number = config_setting_get_int64(setting);
    else {
        say_wrong_type(reading, row, setting);
        return;
    }
    if (number < row->lowest || number > row->highest) {
        say(reading, setting, "%s is %lld; choose a number from %u to %u", row->path, number, row->lowest,
            row->highest);
        return;
    }
    unsigned value = (unsigned)number;
    memcpy(member_at(values, row->offset), &value, sizeof(value));
}

static void read_switch(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                        void *values) {
    if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
        say_wrong_type(reading, row, setting);
    else
        *(bool *)member_at(values, row->offset) = config_setting_get_bool(setting) != 0;
}

static const struct word *find_word(struct reading *reading, const struct setting *row,
                                    const config_setting_t *setting) {
    const char *text = config_setting_get_string(setting);
    char choices[256] = "";

    if (!text) {
        say_wrong_type(reading, row, setting);
        return NULL;
    }
    for (const struct word *word = row->words; word->name; word++)
        if (letters_are_equal(word->name, text))
            return word;
    append_words(choices, sizeof(choices), row->words, ", ");
    say(reading, setting, "%s can't be \"%s\"; choose from %s", row->path, text, choices);
    return NULL;
}

static void read_word(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                      void *values) {
    const struct word *word = find_word(reading, row, setting);

    if (word)
        memcpy(member_at(values, row->offset), &word->value, sizeof(word->value));
}

/* Whether the setting is a list, in either of libconfig's spellings, of as many items as it may have. */
static bool is_list_in_bounds(struct reading *reading, const struct setting *row,
                              const config_setting_t *setting) {
    int type = config_setting_type(setting);
    unsigned length = (unsigned)config_setting_length(setting);

    if (type != CONFIG_TYPE_LIST && type != CONFIG_TYPE_ARRAY)
        say_wrong_type(reading, row, setting);
    else if (length < row->lowest)
        say(reading, setting, "%s is empty; write %s", row->path, KINDS[row->kind].form);
    else if (length > row->highest)
        say(reading, setting, "%s has %u items; at most %u are allowed", row->path, length, row->highest);
    else
        return true;
    return false;
}

static void read_words(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                       void *values) {
    unsigned set = 0;

    if (!is_list_in_bounds(reading, row, setting))
        return;
    for (int i = 0; i < config_setting_length(setting); i++) {
        const struct word *word = find_word(reading, row, config_setting_get_elem(setting, (unsigned)i));
        set |= word ? word->value : 0;
    }
    memcpy(member_at(values, row->offset), &set, sizeof(set));
}

/* Room for all items, zeroed and counted, in place: what is read into them later is freed with the rest.
 * NULL: none, or no memory. */
static char *make_items(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                        void *values) {
    size_t count = (size_t)config_setting_length(setting);
    char *items = NULL;

    if (count > 0) {
        items = calloc(count, row->item_size);
        if (!items) {
            say_no_memory(reading);
            return NULL;
        }
    }
    memcpy(member_at(values, row->offset), &items, sizeof(items));
    memcpy(member_at(values, row->count_offset), &count, sizeof(count));
    return items;
}

/* What is wrong with a pattern, and what to do; NULL: nothing. */
static const char *table_fault(const char *pattern) {
    const char *dot = strchr(pattern, '.');

    if (!dot)
        return "has no dot; write \"database.table\"";
    if (strchr(dot + 1, '.'))
        return "has two dots; write \"database.table\", and ? for a dot that is part of a name";
    if (dot == pattern)
        return "has no database before its dot; write \"database.table\"";
    if (dot[1] == '\0')
        return "has no table behind its dot; write \"database.table\", or * for all tables of the database";
    if (strpbrk(pattern, "`'\""))
        return "has a quote; write names without quotes";
    if (strchr(pattern, '%'))
        return "has a %, which means nothing here; write * for any characters, ? for one";
    if (strpbrk(pattern, " \t\r\n"))
        return "has white space; write \"database.table\" without, and ? for a blank that is part of a name";
    return NULL;
}

static void read_tables(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                        void *values) {
    if (!is_list_in_bounds(reading, row, setting))
        return;
    struct config_table *tables = (struct config_table *)(void *)make_items(reading, row, setting, values);
    if (!tables)
        return;
    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *item = config_setting_get_elem(setting, (unsigned)i);
        const char *pattern = config_setting_get_string(item);
        const char *fault = pattern ? table_fault(pattern) : NULL;
        if (!pattern) {
            say_wrong_type(reading, row, item);
        } else if (fault) {
            say(reading, item, "%s: \"%s\" %s", row->path, pattern, fault);
        } else {
            const char *dot = strchr(pattern, '.');
            tables[i].database = copy_text(reading, pattern, (size_t)(dot - pattern));
            tables[i].table = copy_text(reading, dot + 1, strlen(dot + 1));
        }
    }
}

static void read_members(struct reading *reading, const config_setting_t *group, const char *parent,
                         void *values);

static void read_group(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                       void *values) {
    if (!config_setting_is_group(setting)) {
        say_wrong_type(reading, row, setting);
        return;
    }
    read_members(reading, setting, row->path, values);
    if (row->check)
        row->check(reading, setting, values);
}

static void read_list(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                      void *values) {
    if (!is_list_in_bounds(reading, row, setting))
        return;
    char *items = make_items(reading, row, setting, values);
    if (!items)
        return;
    for (int i = 0; i < config_setting_length(setting); i++)
        read_group(reading, row, config_setting_get_elem(setting, (unsigned)i),
                   items + (size_t)i * row->item_size);
}

static void read_value(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                       void *values) {
    switch (row->kind) {
    case GROUP:
        read_group(reading, row, setting, member_at(values, row->offset));
        break;
    case LIST:
        read_list(reading, row, setting, values);
        break;
    case TEXT:
    case PATH:
        read_text(reading, row, setting, values);
        break;
    case NUMBER:
        read_number(reading, row, setting, values);
        break;
    case SWITCH:
        read_switch(reading, row, setting, values);
        break;
    case WORD:
        read_word(reading, row, setting, values);
        break;
    case WORDS:
        read_words(reading, row, setting, values);
        break;
    case TABLES:
        read_tables(reading, row, setting, values);
        break;
    }
}

/* `values` is the struct of the group named `parent`, all zero; "" is the file as a whole. */
static void read_members(struct reading *reading, const config_setting_t *group, const char *parent,
                         void *values) {
    set_defaults(parent, values);
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
        const struct setting *row = find_row(parent, config_setting_name(member));
        if (row)
            read_value(reading, row, member, values);
        else
            say_unknown(reading, member, parent);
    }
    for (const struct setting *row = SETTINGS; row < SETTINGS_END; row++)
        if (row->required && is_child_of(row, parent) && !config_setting_get_member(group, key_of(row)))
            say(reading, group, "%s is missing; add %s: %s", row->path, key_of(row), KINDS[row->kind].form);
}

/* Files with secrets */

/* A descriptor, or -1 with a finding. The path is repeated only once a file has been found there. */
static int open_private(struct reading *reading, const config_setting_t *setting, const char *path) {
    const char *key = config_setting_name(setting);
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (file < 0 || fstat(file, &status) != 0) {
        say(reading, setting,
            "the file that %s names can't be read: %s; correct the name or the file's rights", key,
            strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        say(reading, setting, "what %s names is no regular file; name one", key);
    } else if (status.st_mode & (S_IROTH | S_IWOTH)) {
        bool keep_group = status.st_uid == 0 && (status.st_mode & S_IRGRP);
        say(reading, setting, "%s: any user can read or write %s (mode %04o); run: chmod %s %s", key, path,
            (unsigned)status.st_mode & 07777, keep_group ? "640" : "600", path);
    } else if (status.st_mode & S_IWGRP) {
        say(reading, setting, "%s: the group of %s can write it (mode %04o); run: chmod %s %s", key, path,
            (unsigned)status.st_mode & 07777, status.st_uid == 0 ? "640" : "600", path);
    } else if ((status.st_mode & S_IRGRP) && status.st_uid != 0) {
        /* root:daemon 0640 is how a daemon is given a secret that it can't change; anybody else's group is a
         * guess */
        say(reading, setting,
            "%s: the group of %s can read it (mode %04o) and root doesn't own it; run: chmod 600 %s", key,
            path, (unsigned)status.st_mode & 07777, path);
    } else {
        return file;
    }
    if (file >= 0)
        close(file);
    return -1;
}

/* As many bytes as there are, up to `size`; -1 with errno set. */
static ssize_t read_fully(int file, char *bytes, size_t size) {
    size_t length = 0;

    while (length < size) {
        ssize_t got = read(file, bytes + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

/* The first line without its end, on the heap; NULL with a finding. */
static char *read_secret(struct reading *reading, const config_setting_t *setting, const char *path) {
    const char *key = config_setting_name(setting);
    char bytes[SECRET_BYTES_MAX + 2]; /* a line's end of two bytes may follow the longest */
    char *secret = NULL;
    int file = open_private(reading, setting, path);

    if (file < 0)
        return NULL;
    ssize_t got = read_fully(file, bytes, sizeof(bytes));
    int why = errno;
    close(file);
    if (got < 0) {
        say(reading, setting, "%s: %s can't be read: %s", key, path, strerror(why));
        return NULL;
    }
    const char *end = memchr(bytes, '\n', (size_t)got);
    size_t length = end ? (size_t)(end - bytes) : (size_t)got;
    if (end && length > 0 && bytes[length - 1] == '\r')
        length--;
    if (length == 0)
        say(reading, setting, "%s: the first line of %s is empty; put the password there", key, path);
    else if (length > SECRET_BYTES_MAX)
        say(reading, setting, "%s: the first line of %s is longer than %d bytes; put the password there", key,
            path, SECRET_BYTES_MAX);
    else if (memchr(bytes, '\0', length))
        say(reading, setting, "%s: the first line of %s holds a NUL byte; put the password there", key, path);
    else
        secret = copy_text(reading, bytes, length);
    explicit_bzero(bytes, sizeof(bytes));
    return secret;
}

/* Rules between settings. They ask the file, not the values: a setting that is there but wrong has had its
 * finding. */

static bool is_given(const config_setting_t *group, const char *key) {
    return config_setting_get_member(group, key) != NULL;
}

static void check_server(struct reading *reading, const config_setting_t *group, void *values) {
    (void)values;
    if (is_given(group, "socket") && is_given(group, "host"))
        say(reading, config_setting_get_member(group, "host"),
            "host stands beside socket; keep one of the two");
    else if (is_given(group, "socket") && is_given(group, "port"))
        say(reading, config_setting_get_member(group, "port"),
            "port stands beside socket; remove it, or name a host");
    else if (!is_given(group, "socket") && !is_given(group, "host"))
        say(reading, group, "this server has neither socket nor host; add one of the two");
}

static void check_local(struct reading *reading, const config_setting_t *group, void *values) {
    struct config_local *local = values;

    check_server(reading, group, values);
    if (is_given(group, "password_file") && !is_given(group, "user"))
        say(reading, config_setting_get_member(group, "password_file"),
            "password_file without user; add user");
    if (local->password_file)
        local->password =
            read_secret(reading, config_setting_get_member(group, "password_file"), local->password_file);
    if (local->defaults_file) {
        int file =
            open_private(reading, config_setting_get_member(group, "defaults_file"), local->defaults_file);
        if (file >= 0)
            close(file);
    }
}

static void check_cache_group(struct reading *reading, const config_setting_t *group, void *values) {
    struct config_group *cache_group = values;
    char place[sizeof("caches[]") + 20];

    if (cache_group->name || is_given(group, "name"))
        return;
    snprintf(place, sizeof(place), "caches[%d]", config_setting_index(group));
    cache_group->name = copy_text(reading, place, strlen(place));
}

static void check_login(struct reading *reading, const config_setting_t *group, void *values) {
    struct config_login *login = values;

    if (login->password_file)
        login->password =
            read_secret(reading, config_setting_get_member(group, "password_file"), login->password_file);
    if (login->tls_ca && !login->tls)
        say(reading, config_setting_get_member(group, "tls_ca"), "tls_ca without tls; add tls = true");
}

static void check_sites_differ(struct reading *reading, const config_setting_t *list, const struct config_ring *ring) {
    size_t mains = 0;

    for (size_t i = 0; i < ring->site_count; i++) {
        const struct config_site *site = &ring->sites[i];
        mains += site->main;
        for (size_t j = 0; j < i; j++) {
            const struct config_site *other = &ring->sites[j];
            if (site->name && other->name && strcmp(site->name, other->name) == 0)
                say(reading, config_setting_get_elem(list, (unsigned)i),
                    "ring.sites.name \"%s\" is another site's name already; choose another", site->name);
            if (site->server_id && site->server_id == other->server_id)
                say(reading, config_setting_get_elem(list, (unsigned)i),
                    "ring.sites.server_id %u is another site's already; every server of a ring has its own",
                    site->server_id);
            if (site->server.host && other->server.host && strcmp(site->server.host, other->server.host) == 0 &&
                site->server.port == other->server.port)
                say(reading, config_setting_get_elem(list, (unsigned)i),
                    "ring.sites: %s:%u is another site's address already; correct one of the two", site->server.host,
                    site->server.port);
        }
    }
    if (mains != 1)
        say(reading, list, "ring.sites has %zu sites with main = true; mark the main master's, and only it", mains);
}

static void check_ring(struct reading *reading, const config_setting_t *group, void *values) {
    struct config_ring *ring = values;
    const config_setting_t *list = config_setting_get_member(group, "sites");

    if (list && ring->site_count > 0)
        check_sites_differ(reading, list, ring);
    if (ring->samples_failed > ring->samples)
        say(reading, group, "ring.samples_failed is %u of only %u samples; lower it, or raise samples",
            ring->samples_failed, ring->samples);
}

static void check_own_site(struct reading *reading, const config_setting_t *root, struct config *config) {
    const config_setting_t *site = config_setting_get_member(root, "site");
    const config_setting_t *ring = config_setting_get_member(root, "ring");

    if (ring && !site)
        say(reading, ring, "ring without site; add site = \"...\", the name of this host's site");
    else if (site && !ring)
        say(reading, site, "site without ring; add the ring section, or remove site");
    if (!config->site || config->ring.site_count == 0)
        return;
    for (size_t i = 0; i < config->ring.site_count; i++) {
        if (config->ring.sites[i].name && strcmp(config->ring.sites[i].name, config->site) == 0) {
            config->ring.own = i;
            return;
        }
    }
    say(reading, site, "site \"%s\" is none of ring.sites; write one of their names", config->site);
}

static void check_table_is_new(struct reading *reading, const config_setting_t *setting,
                               const struct config *config, const struct config_group *group,
                               const struct config_table *table) {
    for (const struct config_group *other = config->groups; other <= group; other++) {
        for (size_t i = 0; i < other->table_count; i++) {
            const struct config_table *known = &other->tables[i];
            if (known == table)
                return;
            if (known->database && known->table && strcmp(known->database, table->database) == 0 &&
                strcmp(known->table, table->table) == 0) {
                say(reading, setting,
                    "caches.tables: \"%s.%s\" is listed in group %s already; keep one of the two",
                    table->database, table->table, other->name ? other->name : "above");
                return;
            }
        }
    }
}

static void check_group_name_is_new(struct reading *reading, const config_setting_t *setting,
                                    const struct config *config, const struct config_group *group) {
    for (const struct config_group *other = config->groups; other < group; other++) {
        if (other->name && strcmp(other->name, group->name) == 0) {
            const config_setting_t *name = config_setting_get_member(setting, "name");
            say(reading, name ? name : setting,
                "caches.name \"%s\" is another group's name already; choose another", group->name);
            return;
        }
    }
}

static void check_groups_differ(struct reading *reading, const config_setting_t *root,
                                const struct config *config) {
    const config_setting_t *caches = config_setting_get_member(root, "caches");

    for (size_t i = 0; i < config->group_count; i++) {
        const struct config_group *group = &config->groups[i];
        const config_setting_t *setting = config_setting_get_elem(caches, (unsigned)i);
        if (group->name)
            check_group_name_is_new(reading, setting, config, group);
        for (size_t j = 0; j < group->table_count; j++) {
            const config_setting_t *tables = config_setting_get_member(setting, "tables");
            const struct config_table *table = &group->tables[j];
            if (table->database && table->table)
                check_table_is_new(reading, config_setting_get_elem(tables, (unsigned)j), config, group,
                                   table);
        }
    }
}

/* The file */

/* All of a file on the heap, NUL-terminated; NULL with the reason in words. */
static char *read_file(const char *path, const char **why) {
    struct stat status;
    char *text = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (file < 0 || fstat(file, &status) != 0)
        *why = strerror(errno);
    else if (!S_ISREG(status.st_mode))
        *why = "it is no regular file";
    else if ((text = malloc(FILE_BYTES_MAX + 1)) == NULL)
        *why = strerror(ENOMEM);
    if (text) {
        ssize_t got = read_fully(file, text, FILE_BYTES_MAX + 1);
        *why = got < 0                                      ? strerror(errno)
               : got > FILE_BYTES_MAX                       ? "it is longer than a megabyte"
               : got > 0 && memchr(text, '\0', (size_t)got) ? "it holds NUL bytes, so it is no text"
                                                            : NULL;
        if (*why) {
            free(text);
            text = NULL;
        } else {
            text[got] = '\0';
        }
    }
    if (file >= 0)
        close(file);
    return text;
}

static char *path_of_include(struct reading *reading, const char *name, size_t length) {
    const char *directory = name[0] == '/' && includes_are_remembered_whole() ? "" : reading->directory;
    size_t size = strlen(directory) + 1 + length + 1;
    char *path = malloc(size);

    if (path)
        snprintf(path, size, "%s%s%.*s", directory, directory[0] ? "/" : "", (int)length, name);
    else
        say_no_memory(reading);
    return path;
}

/* What a line includes, as libconfig's scanner sees it; length 0: nothing. */
static const char *name_of_include(const char *line, size_t *length) {
    static const char directive[] = "@include";
    const char *word = line + strspn(line, " \t");
    const char *name = word + strlen(directive);

    *length = 0;
    if (strncmp(word, directive, strlen(directive)) != 0)
        return line;
    size_t space = strspn(name, " \t");
    if (space == 0 || name[space] != '"')
        return line;
    name += space + 1;
    *length = strcspn(name, "\"\n");
    return name;
}

static bool includes_are_files(struct reading *reading, const char *file, const char *text, unsigned depth);

/* A file that isn't there is left to libconfig, which knows whether the line stands in a comment. */
static bool include_is_file(struct reading *reading, const char *file, unsigned line, char *path,
                            unsigned depth) {
    const char *name = includes_are_remembered_whole() ? path : path + strlen(reading->directory) + 1;
    const char *why = NULL;
    bool is_fine;

    if (access(path, F_OK) != 0)
        return true;
    if (depth == INCLUDE_DEPTH_MAX) {
        say_at(reading, file, line, "files include each other more than %u deep; include less", depth);
        return false;
    }
    char *text = read_file(path, &why);
    if (!text) {
        say_at(reading, file, line, "%s can't be included: %s; name another file", name, why);
        return false;
    }
    is_fine = includes_are_files(reading, name, text, depth + 1);
    free(text);
    return is_fine;
}

/* libconfig's scanner ends the process when it meets a directory behind an @include, and waits for ever at a
 * FIFO. So those are found before it starts. False: a finding, don't parse. */
static bool includes_are_files(struct reading *reading, const char *file, const char *text, unsigned depth) {
    unsigned line = 1;

    for (const char *at = text; *at; line++) {
        size_t length;
        const char *name = name_of_include(at, &length);
        if (length > 0) {
            char *path = path_of_include(reading, name, length);
            bool is_fine = path && include_is_file(reading, file, line, path, depth);
            free(path);
            if (!is_fine)
                return false;
        }
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return true;
}

/* What to do about an error in libconfig's own words. */
static const char *parse_advice(const char *text) {
    if (strstr(text, "duplicate"))
        return "a key may stand once in its group; remove one of the two";
    if (strstr(text, "include"))
        return "correct its name, which is relative to this file's directory, or its rights";
    if (strstr(text, "mismatched"))
        return "write items of one type only";
    return "look for a missing quote, semicolon or bracket here and in the line before";
}

/* libconfig gives the calling thread the C locale while it reads and the process's afterwards, even if the
 * thread had one of its own. */
static bool parse(struct reading *reading, config_t *file, const char *text) {
    locale_t before = uselocale((locale_t)0);
    bool is_parsed;

    config_set_include_dir(file, reading->directory);
    is_parsed = config_read_string(file, text) == CONFIG_TRUE;
    uselocale(before);
    if (!is_parsed)
        say_at(reading, config_error_file(file), (unsigned)config_error_line(file), "%s; %s",
               config_error_text(file), parse_advice(config_error_text(file)));
    return is_parsed;
}

static void read_settings(struct reading *reading, struct config *config, const char *text) {
    config_t file;

    if (!includes_are_files(reading, NULL, text, 0))
        return;
    config_init(&file);
    if (parse(reading, &file, text)) {
        const config_setting_t *root = config_root_setting(&file);
        read_members(reading, root, "", config);
        check_groups_differ(reading, root, config);
        check_own_site(reading, root, config);
    }
    config_destroy(&file);
}

static char *directory_of(const char *path) {
    const char *slash = strrchr(path, '/');

    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

const char *config_choose_path(const char *option, const char *environment) {
    if (option)
        return option;
    return environment && environment[0] ? environment : DEFAULT_PATH;
}

struct config *config_load(const char *path, config_report *report, void *context) {
    struct reading reading = {.report = report,
                              .context = context,
                              .path = path,
                              .directory = directory_of(path)};
    struct config *config = calloc(1, sizeof(*config));
    const char *why = NULL;
    char *text = NULL;

    if (config)
        config->path = strdup(path);
    if (!config || !config->path || !reading.directory)
        say_no_memory(&reading);
    else if ((text = read_file(path, &why)) == NULL)
        say_at(&reading, NULL, 0,
               "can't be read: %s; correct the name or its rights, or name another with -f or "
               "ROUNDABOUT_CONFIG",
               why);
    else
        read_settings(&reading, config, text);
    free(text);
    free(reading.directory);
    if (reading.findings > 0) {
        config_free(config);
        return NULL;
    }
    return config;
}

static void free_secret(char *secret) {
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void config_free(struct config *config) {
    if (!config)
        return;
    free_secret(config->local.password);
    free_secret(config->ring.replication.password);
    free_secret(config->ring.monitor.password);
    free_values("", config);
    free(config->path);
    free(config);
}
