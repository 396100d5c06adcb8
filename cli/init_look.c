#include "init.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../daemon/plain.h"
#include "../daemon/dialect.h"
#include "../daemon/observe.h"
#include "../daemon/server.h"
#include "option_files.h"

enum { LIMIT_S = 3 };

static const char *const SOCKETS[] = {"/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock",
                                      "/run/mariadb/mariadb.sock", "/var/lib/mysql/mysql.sock",
                                      "/tmp/mysql.sock"};

static const char ABOUT[] = "SELECT @@GLOBAL.report_host AS report_host, @@GLOBAL.port AS port";

/* Names that sound like it, in tables that replication can carry by key. The order is fixed, so that two runs
 * write the same. */
static const char CANDIDATES[] =
    "SELECT CONCAT(REPLACE(t.TABLE_SCHEMA, '.', '?'), '.', REPLACE(t.TABLE_NAME, '.', '?')) AS name FROM information_schema.TABLES t"
    " JOIN information_schema.TABLE_CONSTRAINTS c USING (TABLE_SCHEMA, TABLE_NAME)"
    " WHERE c.CONSTRAINT_TYPE = 'PRIMARY KEY' AND t.TABLE_TYPE = 'BASE TABLE'"
    " AND t.TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema', 'roundabout')"
    " AND (t.TABLE_NAME LIKE '%cache%' OR t.TABLE_NAME LIKE '%session%') ORDER BY 1 LIMIT 100";

static bool is_socket(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

static bool choose_socket(const char *asked, const struct option_files *options, char *socket, size_t size) {
    const char *chosen = asked                                              ? asked
                         : options->socket[0] && is_socket(options->socket) ? options->socket
                                                                            : NULL;
    for (size_t i = 0; !chosen && i < sizeof SOCKETS / sizeof *SOCKETS; i++)
        if (is_socket(SOCKETS[i]))
            chosen = SOCKETS[i];
    return chosen && snprintf(socket, size, "%s", chosen) < (int)size && is_socket(chosen);
}

static unsigned number_in(const struct server_rows *rows, size_t row, const char *column) {
    const char *value = server_rows_value(rows, row, column);
    return value ? (unsigned)strtoul(value, NULL, 10) : 0;
}

static void look_for_replicas(struct server *server, const struct dialect *dialect,
                              struct init_found *found) {
    struct server_rows *rows;
    server_query(server, dialect->kind == SERVER_MARIADB ? "SHOW SLAVE HOSTS" : "SHOW REPLICAS", &rows);
    for (size_t row = 0; row < server_rows_count(rows) && found->replica_count < INIT_REPLICAS; row++) {
        struct init_replica *replica = &found->replicas[found->replica_count++];
        const char *host = server_rows_value(rows, row, "Host");
        plain_copy(replica->host, sizeof replica->host, host ? host : "");
        replica->server_id = number_in(rows, row, "Server_id");
        replica->port = number_in(rows, row, "Port");
    }
    server_rows_free(rows);
    /* Most replicas don't say their names; where they connect from is the next best. It can't be told whose
     * connection is whose, so only as many as have no name. */
    server_query(server,
                 "SELECT SUBSTRING_INDEX(HOST, ':', 1) AS host FROM information_schema.PROCESSLIST"
                 " WHERE COMMAND LIKE 'Binlog Dump%' ORDER BY 1",
                 &rows);
    size_t next = 0;
    for (size_t i = 0; i < found->replica_count; i++) {
        const char *host = found->replicas[i].host[0] ? NULL : server_rows_value(rows, next++, "host");
        if (host)
            plain_copy(found->replicas[i].host, sizeof found->replicas[i].host, host);
    }
    server_rows_free(rows);
}

/* What the file's patterns have no way to write stands there as ?, for any one character. A name with a
 * backquote in it is none that the shim knows. */
static void take_table(struct init_found *found, const char *name) {
    if (!name || strchr(name, '`') || strlen(name) >= sizeof *found->tables)
        return;
    if (found->table_count == INIT_TABLES) {
        found->more_tables = true;
        return;
    }
    char *pattern = found->tables[found->table_count++];
    plain_copy(pattern, sizeof *found->tables, name);
    for (char *at = pattern; (at = strpbrk(at, "\"\\*'% \t\r\n")); at++)
        *at = '?';
}

static void look_inside(struct server *server, struct init_found *found) {
    const struct config_ring ring = {.site_count = 0};
    struct server_rows *rows;
    const struct server_answer answer = link_observe(server, &ring, false, &found->state);
    found->answered = answer.outcome == SERVER_ANSWERED && found->state.kind;
    snprintf(found->why_not, sizeof found->why_not, "%s",
             answer.outcome == SERVER_ANSWERED ? "this version of the server isn't supported" : answer.text);
    if (!found->answered)
        return;
    const struct dialect *dialect = dialect_for_kind(found->state.kind);
    snprintf(found->server_name, sizeof found->server_name, "%s", dialect->name);
    server_query(server, ABOUT, &rows);
    const char *host = server_rows_value(rows, 0, "report_host");
    if (host && *host)
        plain_copy(found->host, sizeof found->host, host);
    found->port = number_in(rows, 0, "port");
    server_rows_free(rows);
    look_for_replicas(server, dialect, found);
    server_query(server, CANDIDATES, &rows);
    for (size_t row = 0; row < server_rows_count(rows); row++)
        take_table(found, server_rows_value(rows, row, "name"));
    server_rows_free(rows);
}

bool init_look(const char *socket, struct init_found *found) {
    static struct option_files options;
    static struct config_server address;
    static struct config_login login;
    option_files_read(getenv("HOME"), &options);
    memset(found, 0, sizeof *found);
    if (!choose_socket(socket, &options, found->socket, sizeof found->socket))
        return false;
    if (gethostname(found->host, sizeof found->host - 1) != 0)
        snprintf(found->host, sizeof found->host, "127.0.0.1");
    address.socket = found->socket;
    login.user = options.user[0] ? options.user : NULL;
    login.password = options.password[0] ? options.password : NULL;
    server_library_start();
    struct server *server = server_create(&address, &login, true, LIMIT_S);
    if (server)
        look_inside(server, found);
    server_destroy(server);
    server_library_stop();
    return true;
}
