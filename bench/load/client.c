#define _GNU_SOURCE
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { REPLACE, SELECT, GONE = 2006, LOST = 2013, RECONNECT_PAUSE_MS = 100 };

int64_t client_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void sleep_until(int64_t at_ns) {
    const struct timespec at = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

MYSQL *client_connect(const struct options *options, bool loud, unsigned *error) {
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql) {
        *error = 2008; /* CR_OUT_OF_MEMORY */
        return NULL;
    }
    unsigned timeout_s = (unsigned)options->connect_timeout_s;
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout_s);
    if (options->defaults_file) {
        mysql_options(mysql, MYSQL_READ_DEFAULT_FILE, options->defaults_file);
    }
    if (mysql_real_connect(mysql, options->host, options->user, options->password, options->database,
                           (unsigned)options->port, options->socket, 0)) {
        return mysql;
    }
    *error = mysql_errno(mysql);
    if (loud) {
        fprintf(stderr, "roundabout-bench: can't connect: %u %s\n", *error, mysql_error(mysql));
    }
    mysql_close(mysql);
    return NULL;
}

/* --- prepared statements: REPLACE with 2 * batch parameters, SELECT with one */

static void bind(MYSQL_BIND *parameter, char *memory, unsigned long *length) {
    *parameter = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .buffer = memory, .length = length};
}

static bool make_parameters(struct client *client) {
    const struct options *options = client->load->options;
    size_t count = (size_t)options->batch * 2 + 1;
    size_t row = sizeof(unsigned long) * 2 + KEY_SIZE + (((size_t)options->value_size + 7) & ~(size_t)7);
    client->parameters = calloc(count, sizeof *client->parameters);
    client->parameter_memory = calloc((size_t)options->batch + 1, row);
    if (!client->parameters || !client->parameter_memory) {
        return false;
    }
    char *at = client->parameter_memory;
    for (size_t i = 0; i < count; i += 2, at += row) {
        unsigned long *lengths = (unsigned long *)(void *)at;
        char *key = at + sizeof(unsigned long) * 2;
        bind(&client->parameters[i], key, &lengths[0]);
        if (i + 1 < count) {
            bind(&client->parameters[i + 1], key + KEY_SIZE, &lengths[1]);
            lengths[1] = (unsigned long)options->value_size;
        }
    }
    return true;
}

static bool prepare(struct client *client, int which) {
    const struct options *options = client->load->options;
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (!stream) {
        return false;
    }
    if (which == SELECT) {
        fprintf(stream, "SELECT %s FROM %s WHERE %s = ?", options->value_column, options->table,
                options->key_column);
    } else {
        fprintf(stream, "REPLACE INTO %s (%s, %s) VALUES (?, ?)", options->table, options->key_column,
                options->value_column);
        for (long row = 1; row < options->batch; row++) {
            fputs(", (?, ?)", stream);
        }
    }
    fclose(stream);
    MYSQL_STMT *stmt = client->stmts[which] = mysql_stmt_init(client->mysql);
    MYSQL_BIND *parameters = client->parameters + (which == SELECT ? options->batch * 2 : 0);
    bool prepared =
        stmt && mysql_stmt_prepare(stmt, text, length) == 0 && mysql_stmt_bind_param(stmt, parameters) == 0;
    if (!prepared) {
        tally_fail(&client->tally, which == SELECT ? TALLY_select : TALLY_replace,
                   stmt ? mysql_stmt_errno(stmt) : mysql_errno(client->mysql));
    }
    free(text);
    return prepared;
}

static void close_statements(struct client *client) {
    for (int i = 0; i < 2; i++) {
        if (client->stmts[i]) {
            mysql_stmt_close(client->stmts[i]);
        }
        client->stmts[i] = NULL;
    }
}

/* --- connections */

static void disconnect(struct client *client) {
    close_statements(client);
    if (client->mysql) {
        mysql_close(client->mysql);
    }
    client->mysql = NULL;
}

static void note(struct client *client, enum tally_kind kind, int64_t ns) {
    if (!client->warming || kind == TALLY_connect || kind == TALLY_first) {
        tally_add(&client->tally, kind, ns);
    }
}

static void note_failure(struct client *client, enum tally_kind kind, unsigned error) {
    tally_fail(&client->tally, kind, error);
    if (error) {
        atomic_fetch_add_explicit(&client->load->failed, 1, memory_order_relaxed);
    }
    if (error == GONE || error == LOST) {
        disconnect(client);
    }
}

static bool connect_client(struct client *client) {
    const struct options *options = client->load->options;
    unsigned error = 0;
    int64_t began = client_now_ns();
    client->mysql = client_connect(options, false, &error);
    if (!client->mysql) {
        note_failure(client, TALLY_connect, error);
        sleep_until(client_now_ns() + RECONNECT_PAUSE_MS * INT64_C(1000000));
        return false;
    }
    note(client, TALLY_connect, client_now_ns() - began);
    client->fresh = true;
    if (options->transaction == TRANSACTION_COMMIT && mysql_autocommit(client->mysql, 0)) {
        note_failure(client, TALLY_commit, mysql_errno(client->mysql));
        return false;
    }
    return !options->prepared || ((options->replaces == 0 || prepare(client, REPLACE)) &&
                                  (options->selects == 0 || prepare(client, SELECT)));
}

/* --- statements */

/* All results of what was sent, to their ends. */
static bool drain(struct client *client) {
    int next;
    do {
        MYSQL_RES *result = mysql_store_result(client->mysql);
        if (result) {
            client->tally.rows += mysql_num_rows(result);
            while (mysql_fetch_row(result)) {
            }
            mysql_free_result(result);
        } else if (mysql_field_count(client->mysql) > 0) {
            return false;
        } else {
            client->tally.affected_rows += mysql_affected_rows(client->mysql);
        }
        next = mysql_next_result(client->mysql);
    } while (next == 0);
    return next < 0;
}

static bool send_text(struct client *client, const char *text, size_t length) {
    if (client->load->options->send_read) {
        return mysql_send_query(client->mysql, text, length) == 0 && mysql_read_query_result(client->mysql) == 0;
    }
    return mysql_real_query(client->mysql, text, length) == 0;
}

static bool run_text(struct client *client, enum tally_kind kind, const char *text, size_t length) {
    if (!client->mysql) { /* it was lost in this request */
        return false;
    }
    int64_t began = client_now_ns();
    bool ran = send_text(client, text, length) && drain(client);
    int64_t took = client_now_ns() - began;
    if (!ran) {
        note_failure(client, kind, mysql_errno(client->mysql));
        return false;
    }
    bool is_first = client->fresh && (kind == TALLY_replace || kind == TALLY_select);
    if (is_first) {
        client->fresh = false;
    }
    note(client, is_first ? TALLY_first : kind, took);
    return true;
}

static bool drain_statement(struct client *client, MYSQL_STMT *stmt) {
    if (mysql_stmt_field_count(stmt) == 0) {
        client->tally.affected_rows += mysql_stmt_affected_rows(stmt);
        return true;
    }
    if (mysql_stmt_store_result(stmt) != 0) {
        return false;
    }
    client->tally.rows += mysql_stmt_num_rows(stmt);
    int got;
    while ((got = mysql_stmt_fetch(stmt)) == 0 || got == MYSQL_DATA_TRUNCATED) {
    }
    return got == MYSQL_NO_DATA && mysql_stmt_free_result(stmt) == 0;
}

static bool run_prepared(struct client *client, int which) {
    const struct options *options = client->load->options;
    enum tally_kind kind = which == SELECT ? TALLY_select : TALLY_replace;
    if (!client->mysql) {
        return false;
    }
    long rows = which == SELECT ? 1 : options->batch;
    MYSQL_BIND *parameters = client->parameters + (which == SELECT ? options->batch * 2 : 0);
    for (long row = 0; row < rows; row++) {
        *parameters[row * 2].length = text_key(parameters[row * 2].buffer, keys_next(&client->keys));
        if (which == REPLACE) {
            text_value(&client->text, parameters[row * 2 + 1].buffer,
                       ++client->text.written ^ client->keys.state << 24);
        }
    }
    MYSQL_STMT *stmt = client->stmts[which];
    int64_t began = client_now_ns();
    bool ran = mysql_stmt_execute(stmt) == 0 && drain_statement(client, stmt);
    int64_t took = client_now_ns() - began;
    if (!ran) {
        note_failure(client, kind, mysql_stmt_errno(stmt));
        return false;
    }
    bool is_first = client->fresh;
    client->fresh = false;
    note(client, is_first ? TALLY_first : kind, took);
    return true;
}

static bool run_replace(struct client *client) {
    if (client->load->options->prepared) {
        return run_prepared(client, REPLACE);
    }
    text_replace(&client->text, &client->keys, client->load->options->batch, KEY_ANY);
    return run_text(client, TALLY_replace, client->text.at, client->text.length);
}

static bool run_select(struct client *client) {
    if (client->load->options->prepared) {
        return run_prepared(client, SELECT);
    }
    text_select(&client->text, &client->keys);
    return run_text(client, TALLY_select, client->text.at, client->text.length);
}

static enum tally_kind kind_of(const char *text, size_t length) {
    static const struct {
        const char *word;
        enum tally_kind kind;
    } words[] = {{"REPLACE", TALLY_replace}, {"SELECT", TALLY_select}, {"INSERT", TALLY_insert},
                 {"UPDATE", TALLY_update},   {"DELETE", TALLY_delete}, {"COMMIT", TALLY_commit},
                 {"BEGIN", TALLY_begin}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t word = strlen(words[i].word);
        if (length >= word && strncasecmp(text, words[i].word, word) == 0) {
            return words[i].kind;
        }
    }
    return TALLY_other;
}

/* --- requests */

static bool run_statements(struct client *client, long number) {
    const struct options *options = client->load->options;
    const struct replay *replay = client->load->replay;
    bool all = true;
    if (replay) {
        const struct replay_request *request = &replay->requests[(size_t)number % replay->request_count];
        for (size_t i = request->first; i < request->first + request->count; i++) {
            const struct replay_statement *statement = &replay->statements[i];
            all &=
                run_text(client, kind_of(statement->at, statement->length), statement->at, statement->length);
        }
        return all;
    }
    long before = options->others - options->others / 2;
    for (long i = 0; i < before; i++) {
        all &= run_text(client, TALLY_other, options->other, strlen(options->other));
    }
    for (long i = 0; i < options->replaces; i++) {
        all &= run_replace(client);
    }
    for (long i = 0; i < options->selects; i++) {
        all &= run_select(client);
    }
    for (long i = before; i < options->others; i++) {
        all &= run_text(client, TALLY_other, options->other, strlen(options->other));
    }
    return all;
}

static bool run_in_transaction(struct client *client, long number) {
    enum transaction transaction = client->load->options->transaction;
    if (transaction == TRANSACTION_BEGIN && !run_text(client, TALLY_begin, "BEGIN", 5)) {
        return false;
    }
    bool ran = run_statements(client, number);
    if (transaction == TRANSACTION_NONE || !client->mysql) {
        return ran;
    }
    int64_t began = client_now_ns();
    bool ended = ran ? mysql_commit(client->mysql) == 0 : mysql_rollback(client->mysql) == 0;
    if (ended) {
        note(client, TALLY_commit, client_now_ns() - began);
    } else {
        note_failure(client, TALLY_commit, mysql_errno(client->mysql));
    }
    return ran && ended;
}

/* due_ns: when it should begin; 0: now. */
static void run_request(struct client *client, long number, int64_t due_ns) {
    int64_t began = client_now_ns();
    bool ran = (client->mysql || connect_client(client)) && run_in_transaction(client, number);
    int64_t ended = client_now_ns();
    if (!ran) {
        note_failure(client, TALLY_request, 0);
    } else {
        note(client, TALLY_request, ended - (due_ns ? due_ns : began));
        if (due_ns) {
            note(client, TALLY_service, ended - began);
        }
    }
    if (client->load->options->reconnect) {
        disconnect(client);
    }
    if (!client->warming) {
        atomic_fetch_add_explicit(&client->load->finished, 1, memory_order_relaxed);
    }
}

/* The next request's number; -1: there is none. */
static long take_request(struct load *load) {
    if (atomic_load_explicit(&load->stopped, memory_order_relaxed)) {
        return -1;
    }
    long number = atomic_fetch_add_explicit(&load->taken, 1, memory_order_relaxed);
    return load->options->requests && number >= load->options->requests ? -1 : number;
}

static void run_load(struct client *client) {
    struct load *load = client->load;
    double rate = load->options->rate;
    for (long number; (number = take_request(load)) >= 0;) {
        int64_t due_ns = 0;
        if (rate >
            0) { /* the schedule is fixed: a late request makes no other one late but by its thread's time */
            due_ns = load->began_ns + (int64_t)((double)number / rate * 1e9);
            if (due_ns >= load->end_ns) {
                return;
            }
            if (due_ns > client_now_ns()) {
                sleep_until(due_ns);
            }
        } else if (client_now_ns() >= load->end_ns) {
            return;
        }
        run_request(client, number, due_ns);
    }
}

void *client_work(void *argument) {
    struct client *client = argument;
    const struct options *options = client->load->options;
    mysql_thread_init();
    keys_start(&client->keys, options, (uint64_t)client->number);
    if (!text_start(&client->text, options) || (options->prepared && !make_parameters(client))) {
        fprintf(stderr, "roundabout-bench: out of memory\n");
        exit(2);
    }
    client->warming = true;
    for (long i = 0; i < options->warmup; i++) {
        run_request(client, client->number + i, 0);
    }
    if (!client->mysql && !options->reconnect) {
        connect_client(client);
    }
    client->tally.rows = client->tally.affected_rows = 0;
    client->warming = false;
    pthread_barrier_wait(&client->load->start); /* ready */
    pthread_barrier_wait(&client->load->start); /* the clocks are set */
    run_load(client);
    disconnect(client);
    text_end(&client->text);
    free(client->parameters);
    free(client->parameter_memory);
    mysql_thread_end();
    return NULL;
}
