#define _GNU_SOURCE
#include "local.h"

#include "breaker.h"
#include "log.h"
#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Option numbers that are the same in both libraries. */
enum {
    OPTION_CONNECT_TIMEOUT = 0,
    OPTION_DEFAULT_FILE = 4,
    OPTION_CHARSET = 7,
    OPTION_PROTOCOL = 9,
    OPTION_READ_TIMEOUT = 11,
    OPTION_WRITE_TIMEOUT = 12
};
enum { PROTOCOL_TCP = 1, PROTOCOL_SOCKET = 2 };

/* What a failure at the local master means. */
enum verdict {
    VERDICT_APPLICATION, /* main would have said it as well: it is the application's */
    VERDICT_REFUSED,     /* the local master's own trouble with this statement: main runs it */
    VERDICT_LOST,        /* the connection is gone */
    VERDICT_DEADLOCK,    /* VERDICT_APPLICATION, and the shadow's transaction is undone */
};

/* Only errors that come of the statement's text, of the rows or of another session's locks are shown as the
 * shadow said them. All else goes to main, which then says for itself whether it was an error: always right,
 * and at worst as slow as without the shim. */
static enum verdict judge(unsigned error) {
    if ((error >= CLIENT_ERROR_FIRST && error <= CLIENT_ERROR_LAST) ||
        (error >= CLIENT_MARIADB_ERROR_FIRST && error <= CLIENT_MARIADB_ERROR_LAST)) {
        return error == 2020 /* packet too large: refused before it was sent */ ? VERDICT_REFUSED
                                                                                : VERDICT_LOST;
    }
    switch (error) {
    case 1053: /* ER_SERVER_SHUTDOWN */
    case 1927: /* ER_CONNECTION_KILLED */
    case 4031: /* ER_CLIENT_INTERACTION_TIMEOUT */
        return VERDICT_LOST;
    case 1213: /* ER_LOCK_DEADLOCK */
    case 1020: /* ER_CHECKREAD */
        return VERDICT_DEADLOCK;
    case 1048: /* ER_BAD_NULL_ERROR */
    case 1062: /* ER_DUP_ENTRY */
    case 1064: /* ER_PARSE_ERROR */
    case 1136: /* ER_WRONG_VALUE_COUNT_ON_ROW */
    case 1205: /* ER_LOCK_WAIT_TIMEOUT */
    case 1242: /* ER_SUBQUERY_NO_1_ROW */
    case 1264: /* ER_WARN_DATA_OUT_OF_RANGE */
    case 1265: /* WARN_DATA_TRUNCATED */
    case 1292: /* ER_TRUNCATED_WRONG_VALUE */
    case 1300: /* ER_INVALID_CHARACTER_STRING */
    case 1317: /* ER_QUERY_INTERRUPTED */
    case 1364: /* ER_NO_DEFAULT_FOR_FIELD */
    case 1365: /* ER_DIVISION_BY_ZERO */
    case 1366: /* ER_TRUNCATED_WRONG_VALUE_FOR_FIELD */
    case 1406: /* ER_DATA_TOO_LONG */
    case 1451: /* ER_ROW_IS_REFERENCED_2 */
    case 1452: /* ER_NO_REFERENCED_ROW_2 */
    case 1586: /* ER_DUP_ENTRY_WITH_KEY_NAME */
    case 1690: /* ER_DATA_OUT_OF_RANGE */
    case 1792: /* ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION */
    case 1969: /* ER_STATEMENT_TIMEOUT (MariaDB) */
    case 3024: /* ER_QUERY_TIMEOUT (MySQL) */
    case 4025: /* ER_CONSTRAINT_FAILED (MariaDB) */
    case 3819: /* ER_CHECK_CONSTRAINT_VIOLATED (MySQL) */
        return VERDICT_APPLICATION;
    default:
        return VERDICT_REFUSED;
    }
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The same socket as at the connect, in the process that made it. A program that closes "all" descriptors, or
 * a forked child, must not make the library write our protocol into somebody else's file. */
static bool is_ours(const struct local *local) {
    struct stat now;
    if (local->pid != getpid()) {
        return false;
    }
    return local->fd < 0 ||
           (fstat(local->fd, &now) == 0 && now.st_dev == local->device && now.st_ino == local->inode);
}

/* A connection that the library has already given up holds no descriptor. */
static bool may_close(const struct local *local) {
    bool given_up = local->real->mysql_get_socket && local->real->mysql_get_socket(local->mysql) < 0;
    return given_up ? local->pid == getpid() : is_ours(local);
}

static void free_local(struct local *local) {
    struct handle *own = handle_find(local->mysql);
    if (own) {
        handle_remove(own);
    }
    if (may_close(local)) {
        local->real->mysql_close(local->mysql);
    } /* else its memory is left: to close it would speak on the parent's connection, or into somebody else's
         file */
    if (own) {
        handle_free(own);
    }
    free(local);
}

/* Nothing of the handle may point to a connection that goes. */
static void forget_local(struct handle *handle, const struct local *local) {
    if (handle->ok == local->mysql) {
        handle->kept_insert_id =
            local->real->mysql_insert_id ? local->real->mysql_insert_id(local->mysql) : 0;
        handle->ok = NULL;
    }
    if (handle->last == local->mysql) {
        handle->last = handle->main;
    }
    if (handle->spoke == local->mysql) {
        handle->spoke = handle->main;
    }
    if (handle->pending == local->mysql) {
        handle->pending = NULL;
    }
    if (handle->streaming == local) {
        handle->streaming = NULL;
    }
}

static void dispose(struct handle *handle, struct local *local) {
    forget_local(handle, local);
    if (local->results > 0) {
        local->orphaned = true;
    } else {
        free_local(local);
    }
}

/* The connection is lost, but the application may hold pointers that accessors gave it: it is kept until the
 * next loss. */
static void retire(struct handle *handle, struct local_slot *slot) {
    if (slot->retired) {
        dispose(handle, slot->retired);
    }
    slot->transaction_lost |= slot->local->transaction;
    slot->retired = slot->local;
    slot->local = NULL;
    if (handle->streaming == slot->retired) {
        handle->streaming = NULL;
    }
}

void local_close_all(struct handle *handle) {
    for (size_t i = 0; i < sizeof handle->slots / sizeof *handle->slots; i++) {
        struct local_slot *slot = &handle->slots[i];
        if (slot->local) {
            dispose(handle, slot->local);
        }
        if (slot->retired) {
            dispose(handle, slot->retired);
        }
        memset(slot, 0, sizeof *slot);
    }
}

void local_result_freed(struct local *local) {
    if (--local->results == 0 && local->orphaned) {
        free_local(local);
    }
}

/* Neither closed nor used: what its descriptor number means now is not ours. Its memory stays. */
static void abandon(struct handle *handle, struct local_slot *slot) {
    struct local *local = slot->local;
    forget_local(handle, local);
    slot->transaction_lost |= local->transaction && local->pid == getpid();
    slot->local = NULL;
    struct handle *own = handle_find(local->mysql);
    if (own) {
        handle_remove(own);
        handle_free(own);
    }
    if (local->results == 0) {
        free(local);
    } else {
        local->orphaned = false; /* a result still points to it: left alone altogether */
    }
}

static enum route_reason refuse_for_a_while(struct local_slot *slot, const struct config *config,
                                            enum route_reason reason) {
    slot->retry_at_ms = now_ms() + config->local.retry_after_ms;
    slot->refusal = reason;
    return reason;
}

#define SETTINGS "database or variables"

static void note_refusal(const char *what, const char *who, unsigned error, const char *text) {
    uint64_t key = log_key(1, who, strlen(who));
    if (log_state_changed(key, error)) {
        log_write(CONFIG_LOG_WARNING, "local master refuses %s %s: %u %s; main runs it", what, who, error,
                  text);
    }
}

static const char *describe_address(const struct config_server *server, char *text, size_t size) {
    if (server->socket) {
        snprintf(text, size, "%s", server->socket);
    } else {
        snprintf(text, size, "%s:%u", server->host ? server->host : "localhost", server->port);
    }
    return text;
}

static bool is_outage(unsigned error) {
    switch (error) {
    case 2058: /* CR_AUTH_PLUGIN_... and what follows: this account, not the server */
    case 2059:
    case 2061:
        return false;
    default:
        return judge(error) == VERDICT_LOST;
    }
}

static enum route_reason connect_failed(struct handle *handle, struct local_slot *slot,
                                        const struct config *config, MYSQL *mysql) {
    const struct real *real = handle->real;
    unsigned error = real->mysql_errno(mysql);
    char address[256], why[512];
    describe_address(&config->local.server, address, sizeof address);
    if (is_outage(error)) {
        snprintf(why, sizeof why, "%s: %u %s", address, error, real->mysql_error(mysql));
        breaker_failed(config->local.retry_after_ms, why);
        return ROUTE_LOCAL_DOWN;
    }
    note_refusal("connections at", address, error, real->mysql_error(mysql));
    return refuse_for_a_while(slot, config, ROUTE_LOCAL_DOWN);
}

static void set_options(const struct handle *handle, const struct config *config, MYSQL *mysql) {
    const struct real *real = handle->real;
    const struct config_local *local = &config->local;
    options_replay(handle->options, real, mysql, local->user || local->defaults_file);
    unsigned protocol = local->server.socket ? PROTOCOL_SOCKET : PROTOCOL_TCP;
    real->mysql_options(mysql, OPTION_PROTOCOL, &protocol);
    real->mysql_options(mysql, OPTION_CONNECT_TIMEOUT, &local->connect_timeout_s);
    real->mysql_options(mysql, OPTION_READ_TIMEOUT, &local->read_timeout_s);
    real->mysql_options(mysql, OPTION_WRITE_TIMEOUT, &local->read_timeout_s);
    const char *charset =
        real->mysql_character_set_name ? real->mysql_character_set_name(handle->main) : NULL;
    if (charset) {
        real->mysql_options(mysql, OPTION_CHARSET, charset);
    }
    if (local->defaults_file) {
        real->mysql_options(mysql, OPTION_DEFAULT_FILE, local->defaults_file);
    }
}

static void note_descriptor(struct local *local) {
    struct stat now;
    local->fd = local->real->mysql_get_socket ? local->real->mysql_get_socket(local->mysql) : -1;
    if (local->fd >= 0 && fstat(local->fd, &now) == 0) {
        local->device = now.st_dev;
        local->inode = now.st_ino;
        fcntl(local->fd, F_SETFD, FD_CLOEXEC); /* the libraries leave it open over exec */
    } else {
        local->fd = -1;
    }
}

/* The local master must be another server than main, and of its kind. */
static enum route_reason check_server(struct handle *handle, struct local_slot *slot,
                                      const struct config *config, struct local *local) {
    if (!snapshot_identify(local->real, local->mysql, &local->server)) {
        return connect_failed(handle, slot, config, local->mysql);
    }
    if (local->server.identity == handle->server.identity) {
        handle->passive = true; /* until it connects again */
        return ROUTE_SAME_SERVER;
    }
    if (local->server.mariadb != handle->server.mariadb || local->server.major != handle->server.major) {
        if (log_state_changed(log_key(2, "kind", 4), local->server.major + 1)) {
            log_write(CONFIG_LOG_WARNING,
                      "local master is %s %u and main is %s %u: servers of two kinds differ in their "
                      "answers; nothing is routed",
                      local->server.mariadb ? "MariaDB" : "MySQL", local->server.major,
                      handle->server.mariadb ? "MariaDB" : "MySQL", handle->server.major);
        }
        return refuse_for_a_while(slot, config, ROUTE_LOCAL_DOWN);
    }
    return ROUTE_ROUTED;
}

static struct local *new_local(const struct handle *handle) {
    struct local *local = calloc(1, sizeof *local);
    MYSQL *mysql = local ? handle->real->mysql_init(NULL) : NULL;
    struct handle *own = mysql ? handle_add(mysql, handle->real) : NULL;
    if (!own) {
        if (mysql) {
            handle->real->mysql_close(mysql);
        }
        free(local);
        return NULL;
    }
    own->passive = own->shadow = true;
    *local =
        (struct local){.mysql = mysql, .real = handle->real, .autocommit = true, .pid = getpid(), .fd = -1};
    return local;
}

static enum route_reason open_local(struct handle *handle, struct local_slot *slot,
                                    const struct config *config) {
    const struct config_local *to = &config->local;
    if (!to->user && !to->defaults_file && handle->credentials_unknown) {
        if (log_state_changed(log_key(2, "credentials", 11), 1)) {
            log_write(CONFIG_LOG_WARNING, "the application's user is hidden in a connection string: set "
                                          "local.user and local.password_file");
        }
        return refuse_for_a_while(slot, config, ROUTE_LOCAL_DOWN);
    }
    struct local *local = new_local(handle);
    if (!local) {
        return ROUTE_LOCAL_DOWN;
    }
    set_options(handle, config, local->mysql);
    const char *user = to->user || to->defaults_file ? to->user : handle->credentials.user;
    const char *password = to->user || to->defaults_file ? to->password : handle->credentials.password;
    const char *database =
        handle->session.database && *handle->session.database ? handle->session.database : NULL;
    MYSQL *connected =
        handle->real->mysql_real_connect(local->mysql, to->server.socket ? NULL : to->server.host, user,
                                         password, database, to->server.port, to->server.socket,
                                         handle->credentials.flags);
    enum route_reason reason = connected ? check_server(handle, slot, config, local)
                                         : connect_failed(handle, slot, config, local->mysql);
    if (reason != ROUTE_ROUTED) {
        free_local(local);
        return reason;
    }
    note_descriptor(local);
    slot->local = local;
    slot->retry_at_ms = 0;
    breaker_succeeded();
    char address[256];
    describe_address(&to->server, address, sizeof address);
    if (log_state_changed(log_key(1, address, strlen(address)), 0)) {
        log_write(CONFIG_LOG_INFO, "local master accepts connections at %s again", address);
    }
    return ROUTE_ROUTED;
}

static bool say(struct local *local, const char *text, size_t length) {
    return local->real->mysql_real_query(local->mysql, text, length) == 0;
}

/* All settings that the connection lacks, in the order in which they were made; those that can share a
 * statement do. */
static bool set_settings(struct handle *handle, struct local *local, bool autocommit) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (!stream) {
        return false;
    }
    const char *before = "SET ";
    bool done = true;
    if (local->autocommit != autocommit) {
        fprintf(stream, "%sSESSION autocommit = %d", before, autocommit);
        before = ", ";
    }
    for (size_t i = 0; i < handle->session.setting_count; i++) {
        const struct session_setting *setting = &handle->session.settings[i];
        if (setting->version <= local->version || !setting->text) {
            continue;
        }
        if (!setting->alone) {
            fprintf(stream, "%s%s", before, setting->text);
            before = ", ";
            continue;
        }
        char *alone = NULL;
        if (asprintf(&alone, "SET %s", setting->text) < 0) {
            done = false;
            break;
        }
        done &= say(local, alone, strlen(alone));
        free(alone);
    }
    if (fclose(stream) != 0) {
        done = false;
    } else if (done && length > 0) {
        done = say(local, text, length);
    }
    free(text);
    if (done) {
        local->autocommit = autocommit;
    }
    return done;
}

static bool begin(struct handle *handle, struct local *local) {
    const struct session *session = &handle->session;
    if (session->begun) {
        char text[96] = "START TRANSACTION";
        if (session->begun_snapshot) {
            strcat(text, " WITH CONSISTENT SNAPSHOT");
        }
        if (session->begun_read_only) {
            strcat(text, session->begun_snapshot ? ", READ ONLY" : " READ ONLY");
        }
        if (!say(local, text, strlen(text))) {
            return false;
        }
    }
    local->transaction = true;
    for (size_t i = 0; i < session->savepoint_count; i++) {
        char text[512];
        int length = snprintf(text, sizeof text, "SAVEPOINT %s", session->savepoints[i]);
        if (length < 0 || (size_t)length >= sizeof text || !say(local, text, (size_t)length)) {
            return false;
        }
    }
    return true;
}

/* The shadow could not be brought in step. Lost: the slot is empty now. */
static enum route_reason out_of_step(struct handle *handle, struct local_slot *slot,
                                     const struct config *config) {
    struct local *local = slot->local;
    unsigned error = local->real->mysql_errno(local->mysql);
    if (judge(error) == VERDICT_LOST) {
        retire(handle, slot);
        return ROUTE_LOCAL_DOWN;
    }
    note_refusal("the session's", SETTINGS, error, local->real->mysql_error(local->mysql));
    return refuse_for_a_while(slot, config, ROUTE_SESSION_UNKNOWN);
}

static bool in_step(struct handle *handle, struct local *local, bool follow) {
    struct session *session = &handle->session;
    bool autocommit = !follow || session->autocommit;
    if (local->version != session->version || local->autocommit != autocommit) {
        if (session->database_version > local->version && session->route.database.length > 0 &&
            local->real->mysql_select_db(local->mysql, session->database) != 0) {
            return false;
        }
        if (!set_settings(handle, local, autocommit)) {
            return false;
        }
        local->version = session->version;
        log_state_changed(log_key(1, SETTINGS, sizeof SETTINGS - 1), 0);
    }
    if (follow && session->route.in_transaction && !local->transaction) {
        return begin(handle, local);
    }
    return true;
}

static enum route_reason make_ready(struct handle *handle, struct local_slot *slot,
                                    const struct config *config, bool follow, size_t length) {
    if (slot->transaction_lost) {
        if (handle->session.route.in_transaction) {
            return ROUTE_LOCAL_DOWN;
        }
        slot->transaction_lost = false;
    }
    if (slot->retry_at_ms && now_ms() < slot->retry_at_ms) {
        return slot->refusal;
    }
    if (slot->local && !is_ours(slot->local)) {
        abandon(handle, slot);
        if (slot->transaction_lost) {
            return ROUTE_LOCAL_DOWN;
        }
    }
    bool keeps_transaction = slot->local && slot->local->transaction;
    if (!keeps_transaction && !breaker_allows(config->local.retry_after_ms)) {
        return ROUTE_LOCAL_DOWN;
    }
    if (!slot->local) {
        enum route_reason reason = open_local(handle, slot, config);
        if (reason != ROUTE_ROUTED) {
            return reason;
        }
    }
    /* one byte of the packet is the command */
    if (length + 1 > slot->local->server.longest || length + 1 > handle->server.longest) {
        return ROUTE_TOO_LONG;
    }
    return in_step(handle, slot->local, follow) ? ROUTE_ROUTED : out_of_step(handle, slot, config);
}

static uint64_t table_key(const struct handle *handle, const struct sql_summary *summary) {
    const struct sql_table *table = &summary->tables[0];
    struct slice database = table->database.length ? table->database : handle->session.route.database;
    return log_key(log_key(3, database.at ? database.at : "", database.length), table->table.at,
                   table->table.length);
}

static enum route_reason note_statement_refused(struct handle *handle, struct local *local,
                                                const struct sql_summary *summary) {
    unsigned error = local->real->mysql_errno(local->mysql);
    if (log_state_changed(table_key(handle, summary), error)) {
        const struct sql_table *table = &summary->tables[0];
        log_write(CONFIG_LOG_WARNING, "local master refuses statements on %.*s: %u %s; main runs them",
                  (int)table->table.length, table->table.at, error, local->real->mysql_error(local->mysql));
    }
    return ROUTE_LOCAL_DOWN;
}

/* The rows of the shadow's transaction are undone, and the application is told of a deadlock: without the
 * shim all of its transaction would be undone now. Main's part must go as well, or the application's next
 * attempt would run on top of it. */
static void undo_both(struct handle *handle, struct local *local) {
    static const char text[] = "ROLLBACK";
    if (!local->transaction) {
        return; /* it ran by itself: nothing but the statement is undone */
    }
    local->transaction = false;
    if (handle->session.main_touched) {
        handle->real->mysql_real_query(handle->main, text, sizeof text - 1);
    }
    session_note_end(&handle->session, false);
}

enum route_reason local_run(struct handle *handle, const struct config_group *group,
                            const struct sql_summary *summary, struct slice text, int *result,
                            struct local **answered) {
    const struct config *config = setup_config();
    struct local_slot *slot = &handle->slots[group->transactions == CONFIG_IMMEDIATE];
    bool follow = group->transactions == CONFIG_FOLLOW;
    int64_t started_ms = now_ms();
    for (int attempt = 0;; attempt++) {
        enum route_reason reason = make_ready(handle, slot, config, follow, text.length);
        if (reason == ROUTE_LOCAL_DOWN && !slot->local && !slot->transaction_lost && attempt == 0 &&
            !slot->retry_at_ms && slot->retired && !breaker_is_open()) {
            continue; /* it was lost while it lay idle and found out just now: once more on a new connection
                       */
        }
        if (reason != ROUTE_ROUTED) {
            return reason;
        }
        struct local *local = slot->local;
        *answered = local;
        handle->running = local->mysql;
        *result = local->real->mysql_real_query(local->mysql, text.at, text.length);
        handle->running = NULL;
        if (*result == 0) {
            breaker_succeeded();
            if (summary->table_count > 0 && log_state_changed(table_key(handle, summary), 0)) {
                log_write(CONFIG_LOG_INFO, "local master takes statements on %.*s again",
                          (int)summary->tables[0].table.length, summary->tables[0].table.at);
            }
            return ROUTE_ROUTED;
        }
        switch (judge(local->real->mysql_errno(local->mysql))) {
        case VERDICT_APPLICATION:
            return ROUTE_ROUTED;
        case VERDICT_DEADLOCK:
            undo_both(handle, local);
            return ROUTE_ROUTED;
        case VERDICT_REFUSED:
            return note_statement_refused(handle, local, summary);
        case VERDICT_LOST:
            break;
        }
        char why[512];
        snprintf(why, sizeof why, "%u %s", local->real->mysql_errno(local->mysql),
                 local->real->mysql_error(local->mysql));
        retire(handle, slot);
        bool timed_out = now_ms() - started_ms >= (int64_t)config->local.read_timeout_s * 1000;
        if (timed_out || attempt > 0) {
            breaker_failed(config->local.retry_after_ms, why);
        }
        if (timed_out || attempt > 0 || slot->transaction_lost) {
            return ROUTE_LOCAL_DOWN;
        }
    }
}

bool local_is_streaming(struct handle *handle) {
    struct local *local = handle->streaming;
    if (!local || local->pid != getpid()) {
        return false;
    }
    if (local->real->mysql_more_results(local->mysql) || local->real->mysql_next_result(local->mysql) != -1) {
        return true;
    }
    handle->streaming = NULL;
    handle->pending = NULL;
    return false;
}

static bool end_on(struct handle *handle, struct local_slot *slot, bool commit) {
    struct local *local = slot->local;
    const char *text = commit ? "COMMIT" : "ROLLBACK";
    if (!is_ours(local)) {
        abandon(handle, slot);
        return false;
    }
    if (say(local, text, strlen(text))) {
        local->transaction = false;
        return true;
    }
    if (commit) {
        log_write(CONFIG_LOG_WARNING,
                  "local master lost a transaction's cache entries at its commit: %u %s; they will be missed "
                  "and made again",
                  local->real->mysql_errno(local->mysql), local->real->mysql_error(local->mysql));
    }
    retire(handle, slot);
    return false;
}

void local_echo(struct handle *handle, enum session_echo echo, struct slice text) {
    struct local_slot *slot = &handle->slots[0];
    if (echo == SESSION_ECHO_NONE) {
        return;
    }
    if (slot->local && slot->local->transaction) {
        if (echo != SESSION_ECHO_REPEAT) {
            end_on(handle, slot, echo == SESSION_ECHO_COMMIT);
        } else if (!is_ours(slot->local)) {
            abandon(handle, slot);
        } else if (!say(slot->local, text.at, text.length)) {
            /* without its savepoint the shadow can't undo what main will undo: it gives up the whole */
            end_on(handle, slot, false);
            slot->transaction_lost = true;
        }
    }
    if (echo != SESSION_ECHO_REPEAT) {
        slot->transaction_lost = false;
    }
}

bool local_end_alone(struct handle *handle, bool commit) {
    struct local_slot *slot = &handle->slots[0];
    bool ended = end_on(handle, slot, commit);
    slot->transaction_lost = false;
    return ended;
}
