#include "observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "dialect.h"
#include "heartbeat.h"
#include "pause.h"
#include "plain.h"
#include "quote.h"

static int64_t clock_now(clockid_t clock, int64_t per_second) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * per_second + now.tv_nsec / (1000000000 / per_second);
}

int64_t clock_real_us(void) {
    return clock_now(CLOCK_REALTIME, 1000000);
}
int64_t clock_monotonic_ms(void) {
    return clock_now(CLOCK_MONOTONIC, 1000);
}

static void copy_text(char *to, size_t size, const struct server_rows *rows, const char *column) {
    const char *value = server_rows_value(rows, 0, column);
    plain_copy(to, size, value ? value : "");
}

static int64_t read_number(const struct server_rows *rows, size_t row, const char *column, int64_t missing) {
    const char *value = server_rows_value(rows, row, column);
    return value ? strtoll(value, NULL, 10) : missing;
}

static unsigned read_unsigned(const struct server_rows *rows, const char *column) {
    return (unsigned)read_number(rows, 0, column, 0);
}

static bool read_bool(const struct server_rows *rows, const char *column) {
    return read_number(rows, 0, column, 0) != 0;
}

static void read_settings(const struct server_rows *rows, struct link_state *state) {
    state->server_id = read_unsigned(rows, "server_id");
    copy_text(state->uuid, sizeof state->uuid, rows, "uuid");
    state->domain_id = read_unsigned(rows, "domain_id");
    state->log_bin = read_bool(rows, "log_bin");
    state->log_updates = read_bool(rows, "log_updates");
    state->gtid_ready = read_bool(rows, "gtid_ready");
    state->gtid_strict = read_bool(rows, "gtid_strict");
    state->idempotent = read_bool(rows, "idempotent");
    state->read_only = read_bool(rows, "read_only");
    copy_text(state->binlog_format, sizeof state->binlog_format, rows, "binlog_format");
    state->increment = read_unsigned(rows, "id_step");
    state->offset = read_unsigned(rows, "id_offset");
    state->net_timeout_s = read_unsigned(rows, "net_timeout");
    state->sync_binlog = read_unsigned(rows, "sync_binlog");
    state->binlog_kept_s = read_number(rows, 0, "binlog_kept", -1);
    state->clock_us = read_number(rows, 0, "clock_us", -1);
    copy_text(state->applied, sizeof state->applied, rows, "applied");
    copy_text(state->logged, sizeof state->logged, rows, "logged");
    copy_text(state->oldest, sizeof state->oldest, rows, "oldest");
}

static enum link_thread read_thread(const struct server_rows *rows, const char *column) {
    const char *value = server_rows_value(rows, 0, column);
    if (value && strcasecmp(value, "Yes") == 0)
        return LINK_THREAD_RUNNING;
    /* MariaDB says "Preparing" before it says "Connecting". */
    return !value || strcasecmp(value, "No") == 0 ? LINK_THREAD_STOPPED : LINK_THREAD_CONNECTING;
}

static void read_link(const struct dialect *dialect, const struct server_rows *rows,
                      struct link_state *state) {
    state->seconds_behind = -1;
    copy_text(state->source_host, sizeof state->source_host, rows, dialect->source_host);
    state->link_exists = server_rows_count(rows) > 0 && state->source_host[0];
    if (!state->link_exists)
        return;
    state->source_port = read_unsigned(rows, dialect->source_port);
    state->source_server_id = read_unsigned(rows, dialect->source_server_id);
    copy_text(state->source_user, sizeof state->source_user, rows, dialect->source_user);
    const char *gtid = server_rows_value(rows, 0, dialect->gtid_column);
    state->uses_gtid = gtid && strcasecmp(gtid, dialect->gtid_value) == 0;
    state->io = read_thread(rows, dialect->io_running);
    state->sql = read_thread(rows, dialect->sql_running);
    state->io_errno = read_unsigned(rows, "Last_IO_Errno");
    state->sql_errno = read_unsigned(rows, "Last_SQL_Errno");
    copy_text(state->io_error, sizeof state->io_error, rows, "Last_IO_Error");
    copy_text(state->sql_error, sizeof state->sql_error, rows, "Last_SQL_Error");
    copy_text(state->io_state, sizeof state->io_state, rows, dialect->io_state);
    const char *sql_state = server_rows_value(rows, 0, dialect->sql_state);
    state->drained = sql_state && strstr(sql_state, "has read all relay log");
    copy_text(state->received, sizeof state->received, rows, dialect->received);
    state->seconds_behind = (long)read_number(rows, 0, dialect->seconds_behind, -1);
}

/* What stopped the first worker. The others, and with them the status itself, may say no more than that one
 * before them has failed (3030, ER_REPLICA_WORKER_STOPPED_PREVIOUS_THD_ERROR in MySQL's error messages),
 * which calls for no cure of its own. */
static void read_worker_error(struct server *server, struct link_state *state) {
    struct server_rows *rows;
    server_query(
        server,
        "SELECT LAST_ERROR_NUMBER AS code, LAST_ERROR_MESSAGE AS text FROM "
        "performance_schema.replication_applier_status_by_worker"
        " WHERE LAST_ERROR_NUMBER <> 0 ORDER BY LAST_ERROR_NUMBER = 3030, LAST_ERROR_TIMESTAMP LIMIT 1",
        &rows);
    if (server_rows_count(rows)) {
        state->sql_errno = read_unsigned(rows, "code");
        copy_text(state->sql_error, sizeof state->sql_error, rows, "text");
    }
    server_rows_free(rows);
}

static void read_heartbeats(const struct config_ring *ring, const struct server_rows *rows,
                            struct link_state *state) {
    for (size_t i = 0; i < RING_SITES_MAX; i++)
        state->heartbeat_us[i] = -1;
    for (size_t row = 0; row < server_rows_count(rows); row++) {
        const char *name = server_rows_value(rows, row, "site");
        for (size_t i = 0; name && i < ring->site_count; i++)
            if (strcmp(name, ring->sites[i].name) == 0)
                state->heartbeat_us[i] = read_number(rows, row, "sent_us", -1);
    }
}

static void read_pauses(const struct config_ring *ring, const struct server_rows *rows,
                        struct link_state *state) {
    for (size_t row = 0; row < server_rows_count(rows); row++) {
        const char *name = server_rows_value(rows, row, "site");
        const struct link_pause pause = {.set_us = read_number(rows, row, "set_us", 0),
                                         .until_us = read_number(rows, row, "until_us", 0),
                                         .joining = read_number(rows, row, "joining", 0) == 2
                                                        ? LINK_JOINED_BUT_FOR_THE_LINK
                                                    : read_number(rows, row, "joining", 0)
                                                        ? LINK_JOINING
                                                        : LINK_NOT_JOINING};
        if (name && !name[0])
            state->ring_pause = pause;
        for (size_t i = 0; name && i < ring->site_count; i++)
            if (strcmp(name, ring->sites[i].name) == 0)
                state->site_pauses[i] = pause;
    }
}

static void read_oldest(struct server *server, struct link_state *state) {
    struct server_rows *rows;
    char sql[400], quoted[300];
    server_query(server, "SHOW BINARY LOGS", &rows);
    const char *first = server_rows_value(rows, 0, "Log_name");
    const bool found = first && quote_text(first, quoted, sizeof quoted);
    server_rows_free(rows);
    if (!found)
        return;
    snprintf(sql, sizeof sql, "SELECT BINLOG_GTID_POS(%s, 4) AS oldest", quoted);
    server_query(server, sql, &rows);
    copy_text(state->oldest, sizeof state->oldest, rows, "oldest");
    server_rows_free(rows);
}

struct server_answer link_observe(struct server *server, const struct config_ring *ring, bool oldest,
                                  struct link_state *state) {
    memset(state, 0, sizeof *state);
    struct server_rows *rows;
    const char *version = server_version(server);
    if (!version) { /* connects, to know which words to use */
        const struct server_answer hello = server_query(server, "DO 0", NULL);
        if (hello.outcome != SERVER_ANSWERED)
            return hello;
        version = server_version(server);
    }
    plain_copy(state->version, sizeof state->version, version);
    const struct dialect *dialect = dialect_for_version(version);
    if (!dialect)
        return (struct server_answer){.outcome = SERVER_ANSWERED};
    state->kind = dialect->kind;

    const int64_t asked_us = clock_real_us(), asked_ms = clock_monotonic_ms();
    struct server_answer answer = server_query(server, dialect->look, &rows);
    if (answer.outcome != SERVER_ANSWERED) {
        if (answer.outcome == SERVER_UNREACHABLE)
            memset(state, 0, sizeof *state);
        return answer;
    }
    read_settings(rows, state);
    state->clock_seen_us = (asked_us + clock_real_us()) / 2;
    state->asked_ms = asked_ms;
    state->answered_ms = clock_monotonic_ms();
    server_rows_free(rows);

    answer = server_query(server, dialect->show_link, &rows);
    if (answer.outcome == SERVER_UNREACHABLE)
        return memset(state, 0, sizeof *state), answer;
    state->link_known = answer.outcome == SERVER_ANSWERED;
    state->link_problem = answer.code;
    if (state->link_known)
        read_link(dialect, rows, state);
    server_rows_free(rows);
    if (dialect->error_text_is_in_workers && state->sql_errno)
        read_worker_error(server, state);

    answer = server_query(server, HEARTBEAT_READ, &rows);
    if (answer.outcome == SERVER_UNREACHABLE)
        return memset(state, 0, sizeof *state), answer;
    state->heartbeats_known = answer.outcome == SERVER_ANSWERED;
    state->heartbeat_problem = answer.code;
    read_heartbeats(ring, rows, state);
    server_rows_free(rows);

    answer = server_query(server, PAUSE_READ, &rows); /* no such table: nobody ever paused anything */
    if (answer.outcome == SERVER_UNREACHABLE)
        return memset(state, 0, sizeof *state), answer;
    read_pauses(ring, rows, state);
    server_rows_free(rows);

    if (oldest && dialect->oldest_needs_binlogs)
        read_oldest(server, state);
    return (struct server_answer){.outcome = SERVER_ANSWERED};
}
