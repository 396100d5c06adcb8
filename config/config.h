/* The whole configuration of one host as plain values, read from one libconfig file by the shim, the daemon
 * and the command. This header knows nothing of the three; libconfig stays inside config/. */
#ifndef ROUNDABOUT_CONFIG_H
#define ROUNDABOUT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

/* What a cache statement does while the application has a transaction open (roundabout.conf(5),
 * `transactions`). */
enum config_transactions {
    CONFIG_FOLLOW,    /* runs at the local master in a transaction that ends as the application's does */
    CONFIG_IMMEDIATE, /* runs at the local master in autocommit */
    CONFIG_PASS,      /* runs on main */
};

enum config_mode {
    CONFIG_ROUTE,   /* statements of this group are sent to the local master */
    CONFIG_OBSERVE, /* decided and counted, but left to main */
    CONFIG_OFF,     /* the group is as if it weren't there */
};

/* Bits of config_group.statements: the verbs that may be routed for a group's tables. */
enum config_statement {
    CONFIG_REPLACE = 1 << 0,
    CONFIG_SELECT = 1 << 1,
    CONFIG_INSERT = 1 << 2,
    CONFIG_UPDATE = 1 << 3,
    CONFIG_DELETE = 1 << 4,
};

enum config_readable { CONFIG_READABLE_OWNER, CONFIG_READABLE_GROUP, CONFIG_READABLE_ALL };

/* Where programs count what they do. */
struct config_stats {
    bool enabled;
    char *directory; /* absolute; NULL: the usual one (page/files.h) */
    enum config_readable readable;
};

enum config_log_level { CONFIG_LOG_ERROR, CONFIG_LOG_WARNING, CONFIG_LOG_INFO, CONFIG_LOG_DEBUG };

/* A server's address: a socket's path, or else host and port. Unset strings are NULL. */
struct config_server {
    char *socket;
    char *host;
    unsigned port; /* 1 to 65535; 3306 where the file gives only a host */
};

/* The site's local master, as the shim reaches it. user == NULL: the application's own user and password. */
struct config_local {
    struct config_server server;
    char *user;
    char *password;      /* read from password_file; NULL: none given */
    char *password_file; /* absolute, as given, for messages */
    char *defaults_file; /* absolute; an option file for the client library ([client] user, ssl-ca, ...) */
    bool tls;            /* by TCP only: nothing is sent but over TLS */
    char *tls_ca;        /* a file; NULL: the connection is encrypted but the server isn't verified */
    unsigned connect_timeout_s;
    unsigned read_timeout_s;
    unsigned retry_after_ms; /* how long one that failed is left alone before a statement tries it again */
};

/* `database.table`, each part a pattern with `*` and `?`. */
struct config_table {
    char *database;
    char *table;
};

struct config_group {
    char *name; /* the group's `name`, or its place as "caches[0]" */
    struct config_table *tables;
    size_t table_count;  /* at least 1 */
    unsigned statements; /* CONFIG_REPLACE | ... */
    enum config_transactions transactions;
    enum config_mode mode;
    unsigned max_stale_ms; /* a local master that is further behind isn't read; 0: it is, however far */
    char *expire; /* in the form of expire.h; NULL: rows don't end */
    unsigned expire_every_s;
    unsigned expire_rows; /* deleted at once at most */
};

/* A user of a server. The password is read from password_file, which others must not be able to read. */
struct config_login {
    char *user;     /* NULL: none given */
    char *password; /* NULL: none given, or it is closed to this process */
    char *password_file;
    bool is_closed; /* password_file may not be read by this process' user */
    bool tls;
    char *tls_ca; /* a file; NULL: the connection is encrypted but the server isn't verified */
};

enum config_manage { CONFIG_MANAGE_LINKS, CONFIG_MANAGE_WATCH };
enum config_purged { CONFIG_PURGED_HELP, CONFIG_PURGED_SKIP };
enum config_converge { CONFIG_CONVERGE_OFF, CONFIG_CONVERGE_REPORT, CONFIG_CONVERGE_REPAIR };
enum config_returning { CONFIG_RETURNING_KEEP, CONFIG_RETURNING_SKIP };

/* One site: a ring member, as this host and its local master reach it, and the plain replicas behind it. A link
 * always follows host and port; the socket, if any, is for programs at that site. */
struct config_site {
    char *name;
    struct config_server server;
    unsigned server_id;
    bool main;
    struct config_server *replicas;
    size_t replica_count;
};

/* The ring, sites in ring order: each follows the one before it, the first follows the last. Settings as the keys of
 * that name in roundabout.conf(5). */
struct config_ring {
    struct config_site *sites;
    size_t site_count; /* 1 to 16; 0: the file has no ring */
    size_t own;        /* which of them is `site` */
    struct config_login replication;
    struct config_login monitor;
    enum config_manage manage;
    enum config_purged on_purged;
    enum config_returning returning_writes;
    bool replicas_follow;
    unsigned probe_interval_ms;
    unsigned dead_after_ms;
    unsigned samples_failed; /* N of ... */
    unsigned samples;        /* ... M */
    unsigned cool_down_ms;
    unsigned heartbeat_interval_ms;
    unsigned connect_retry_s;
    unsigned net_timeout_s;
    enum config_converge converge;
    unsigned converge_every_s;
    unsigned converge_rows_per_s;
    unsigned converge_repairs_per_s;
};

/* The daemon's page and metrics. */
struct config_http {
    unsigned port; /* 0: off */
    char *address; /* NULL: 127.0.0.1 */
    char **allowed_hosts; /* names that a browser may know this host by, beside `localhost` and addresses */
    size_t allowed_host_count;
};

/* Where the daemon's journal is kept beside its memory. */
struct config_journal {
    char *file; /* absolute; NULL: in memory only */
    unsigned max_kb;
};

/* The program that is run at an event. */
struct config_on_event {
    char **command; /* its path and arguments; none: nothing is run */
    size_t command_count;
    unsigned limit_s;
    unsigned per_minute;
};

struct config {
    char *path; /* the file this was read from */
    struct config_local local;
    struct config_server *mains; /* servers whose connections are looked at; none listed: all are */
    size_t main_count;
    struct config_group *groups;
    size_t group_count;
    char *site; /* the name of this host\'s site; NULL: the file has no ring */
    struct config_ring ring;
    bool deepbind; /* modules are loaded without RTLD_DEEPBIND */
    struct config_stats stats;
    struct config_http http;
    struct config_journal journal;
    struct config_on_event on_event;
    enum config_log_level log_level;
    char *log_file; /* absolute; NULL: standard error */
};

/* Called once per finding with one line without newline: "FILE:LINE: what is wrong; what to do"
 * (without LINE where the file as a whole is meant). The message lives as long as the call. */
typedef void config_report(void *context, const char *message);

/* Which file to read: `option` (a -f argument) if not NULL, else `environment` (the value of
 * ROUNDABOUT_CONFIG; the caller passes NULL where the process runs with raised rights) if not NULL and not
 * empty, else /etc/roundabout/roundabout.conf. Returns one of its arguments or a constant. */
const char *config_choose_path(const char *option, const char *environment);

/* Reads and checks the file. All that is wrong with it is reported, not only the first thing (text that isn't
 * libconfig's syntax ends the reading); any report means NULL. The result is the caller's, to be given to
 * config_free(); it is not changed afterwards and may be read by all threads. No password is ever reported.
 * Needs no server: what the file names but files with passwords isn't looked at. Prints nothing, leaves
 * locale and signals alone, and changes errno. libconfig itself ends the process when memory is short: call
 * it once, at start. */
struct config *config_load(const char *path, config_report *report, void *context);
/* Calls `note` for the file and for each that it includes, whether or not they can be read; in a stable order, and
 * a file named twice may come twice. What it finds wrong it leaves to config_load(). */
void config_list_files(const char *path, void (*note)(void *context, const char *file), void *context);

/* The server in words, as files in stats.directory are named by it: "/run/mysqld/mysqld.sock", "db:3306". */
void config_write_address(const struct config_server *server, char *address, size_t size);

/* Access rights of the files in stats.directory, for open(2). */
unsigned config_stats_mode(const struct config_stats *stats);

void config_free(struct config *config); /* NULL: nothing happens */

/* The ring's passwords are for the daemon and the command alone, while applications of any user read the same file for its other
 * parts. So a password file of the ring that this process may not read is no fault of the file; a program that needs it
 * asks here. True: none is closed; else each that is has been reported. */
bool config_ring_is_open(const struct config *config, config_report *report, void *context);

/* One setting in words, from the table that the reader itself follows: for the manual, the sample and the
 * check that they agree with it. */
struct config_setting_text {
    char path[64];     /* "caches.mode": the keys from the top of the file down; list items add nothing */
    char type[16];     /* group, list (of groups), string, strings, path, number, switch, word, words, tables */
    char fallback[64]; /* the default as the file would say it; empty: none, the setting stays unset */
    char bounds[64];   /* "1..60", "1..107 bytes", "1..1000 items", "route|observe|off"; empty: none */
    bool required;
    const char *sentence; /* static */
};
/* The n-th setting, in the table's order: a group or list comes before its own settings. False: there is no
 * n-th. */
bool config_describe(size_t n, struct config_setting_text *text);

/* How many slips of the pen lie between a word and the one that may be meant (the start of a word counts as
 * one slip); UINT_MAX: too many for that. For "did you mean". */
unsigned config_word_distance(const char *word, const char *candidate);

#endif
