/* The prepared statements of the fake client library: see fake_client.c. A statement's text reaches the
 * server with its parameters filled in, so that the journal shows what was bound. */
#define _GNU_SOURCE
#include "fake_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NO_DATA = 100, TRUNCATED = 101, PARAMS_MAX = 16 };
enum { NOT_PREPARED = 2030, NOT_BOUND = 2031, BAD_PARAMETER = 2034, CLOSED = 2056, UNKNOWN_HANDLER = 1243 };

/* What programs look at stands where the public headers have it. */
struct st_mysql_stmt {
#ifdef FAKE_MARIADB
    char before[56];
    MYSQL *mysql; /* NULL: closed */
    char between[24];
    char *fields;
    char more[16];
    MYSQL_BIND *params;
    MYSQL_BIND *binds;
#else
    char before[32];
    MYSQL *mysql;
    MYSQL_BIND *params;
    MYSQL_BIND *binds;
    char *fields;
#endif
    MYSQL_STMT *next;
    unsigned last_errno;
    char last_error[256];
    char *text; /* NULL: not prepared */
    unsigned param_count, field_count;
    bool params_bound, results_bound;
    char *long_data[PARAMS_MAX];
    unsigned long cursor;
    unsigned array_size;
    unsigned prebound;
    struct fake_answer *answer;
    size_t next_row;
    uint64_t affected_rows, insert_id;
    unsigned warnings;
    bool stored;
};

MYSQL *handle_of_statement(const MYSQL_STMT *stmt) {
    return stmt->mysql;
}

struct fake_shown fake_show(const MYSQL_STMT *stmt) {
    return (struct fake_shown){.params = stmt->params, .binds = stmt->binds, .fields = stmt->fields};
}

static int fail(MYSQL_STMT *stmt, unsigned error, const char *message) {
    stmt->last_errno = error;
    snprintf(stmt->last_error, sizeof stmt->last_error, "%s", message);
    return 1;
}

static int statement_error(MYSQL_STMT *stmt) {
    return fail(stmt, stmt->mysql->last_errno, stmt->mysql->last_error);
}

static void drop_result(MYSQL_STMT *stmt) {
    MYSQL *mysql = stmt->mysql;
    if (mysql && stmt->answer && !stmt->stored && mysql->state == STATEMENT_WAITS) {
        mysql->state = READY;
    }
    fake_free_answer(stmt->answer);
    stmt->answer = NULL;
}

static void drop_long_data(MYSQL_STMT *stmt) {
    for (size_t i = 0; i < PARAMS_MAX; i++) {
        free(stmt->long_data[i]);
        stmt->long_data[i] = NULL;
    }
}

static void drop_text(MYSQL_STMT *stmt) {
    drop_result(stmt);
    drop_long_data(stmt);
    free(stmt->text);
    free(stmt->params);
    free(stmt->binds);
    free(stmt->fields);
    stmt->text = stmt->fields = NULL;
    stmt->params = stmt->binds = NULL;
    stmt->params_bound = stmt->results_bound = false;
    stmt->param_count = stmt->field_count = 0;
}

void end_statements(MYSQL *mysql, bool closed) {
    for (MYSQL_STMT **place = &mysql->statements; *place;) {
        MYSQL_STMT *stmt = *place;
        bool gone = closed || (!MARIADB && stmt->text);
        if (gone) {
            fail(stmt, closed ? CLOSED : LOST,
                 closed ? "Statement closed indirectly because of a preceding call" : "Lost connection");
            *place = stmt->next;
            stmt->mysql = NULL;
            stmt->next = NULL;
            continue;
        }
        if (stmt->text) { /* MariaDB: as before the prepare */
            drop_text(stmt);
            fail(stmt, LOST, "Lost connection");
        }
        place = &stmt->next;
    }
}

MYSQL_STMT *mysql_stmt_init(MYSQL *mysql) {
    MYSQL_STMT *stmt = calloc(1, sizeof *stmt);
    if (stmt) {
        stmt->mysql = mysql;
        stmt->next = mysql->statements;
        mysql->statements = stmt;
        fake_objects++;
    }
    return stmt;
}

static unsigned count_parameters(const char *text) {
    unsigned count = 0;
    for (char quote = 0; *text; text++) {
        if (quote) {
            quote = *text == quote ? 0 : quote;
        } else if (*text == '\'' || *text == '"') {
            quote = *text;
        } else {
            count += *text == '?';
        }
    }
    return count;
}

static bool gives_rows(const char *text) {
    return strncasecmp(text, "SELECT", 6) == 0 || strncasecmp(text, "SHOW", 4) == 0 ||
           strcasestr(text, "RETURNING");
}

int mysql_stmt_prepare(MYSQL_STMT *stmt, const char *text, unsigned long length) {
    MYSQL *mysql = stmt->mysql;
    stmt->last_errno = 0;
    if (!mysql) {
        return fail(stmt, LOST, "Lost connection");
    }
    drop_result(stmt);
    if (!begin_command(mysql)) {
        return statement_error(stmt);
    }
    if (stmt->text) {
        fake_note(mysql->session, "stmt_close", NULL);
    }
    MYSQL_BIND *prebound = stmt->prebound ? stmt->params : NULL;
    stmt->params = prebound ? NULL : stmt->params;
    drop_text(stmt);
    stmt->text = strndup(text, length == (unsigned long)-1 ? strlen(text) : length);
    struct fake_answer *answer = fake_command(mysql->session, "prepare", stmt->text);
    bool failed = answer->error != 0;
    mysql->warning_count = 0;
    if (failed) {
        set_error(mysql, answer->error, answer->message);
        if (answer->error >= 2000 && answer->error < 3000) {
            fake_forget(mysql->session);
        }
        free(stmt->text);
        stmt->text = NULL;
        free(prebound);
    } else {
        stmt->param_count = count_parameters(stmt->text);
        stmt->field_count = gives_rows(stmt->text);
        stmt->params = prebound            ? prebound
                       : stmt->param_count ? calloc(stmt->param_count, sizeof *stmt->params)
                                           : NULL;
        stmt->params_bound = prebound != NULL;
        stmt->binds = stmt->field_count ? calloc(stmt->field_count, sizeof *stmt->binds) : NULL;
        stmt->fields = stmt->field_count ? calloc(stmt->field_count, FAKE_FIELD_SIZE) : NULL;
        if (stmt->fields) {
            strcpy(stmt->fields, "v");
        }
    }
    fake_free_answer(answer);
    return failed ? statement_error(stmt) : 0;
}

/* What a parameter is filled with: NULL, a number, or a string in quotes. */
static void write_value(FILE *stream, const MYSQL_STMT *stmt, unsigned number, unsigned row) {
    const MYSQL_BIND *param = &stmt->params[number];
    if (stmt->long_data[number]) {
        fprintf(stream, "'%s'", stmt->long_data[number]);
    } else if (param->buffer_type == TYPE_NULL || (param->is_null && param->is_null[row])) {
        fputs("NULL", stream);
    } else if (param->buffer_type == TYPE_LONG) {
        fprintf(stream, "%d", ((const int *)param->buffer)[row]);
    } else if (stmt->array_size > 1) { /* column-wise arrays of pointers */
        const char *text = ((const char *const *)param->buffer)[row];
        fprintf(stream, "'%.*s'", (int)param->length[row], text);
    } else {
        int length = (int)(param->length ? *param->length : param->buffer_length);
        fprintf(stream, "'%.*s'", length, (const char *)param->buffer);
    }
}

static char *filled(const MYSQL_STMT *stmt, unsigned row) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) {
        abort();
    }
    unsigned number = 0;
    char quote = 0;
    for (const char *at = stmt->text; *at; at++) {
        if (quote) {
            quote = *at == quote ? 0 : quote;
        } else if (*at == '\'' || *at == '"') {
            quote = *at;
        }
        if (*at == '?' && !quote) {
            write_value(stream, stmt, number++, row);
        } else {
            fputc(*at, stream);
        }
    }
    fclose(stream);
    return text;
}

static int execute_row(MYSQL_STMT *stmt, unsigned row) {
    MYSQL *mysql = stmt->mysql;
    char *text = filled(stmt, row);
    mysql->answer = fake_query(mysql->session, text, strlen(text));
    free(text);
    return read_answer(mysql) ? 0 : statement_error(stmt);
}

int mysql_stmt_execute(MYSQL_STMT *stmt) {
    MYSQL *mysql = stmt->mysql;
    if (!mysql) {
        return stmt->last_errno ? 1 : fail(stmt, LOST, "Lost connection");
    }
    stmt->last_errno = 0;
    if (__builtin_expect(fake_is_fast, false)) { /* it has succeeded before it began */
        stmt->affected_rows = mysql->affected_rows = 1;
        mysql->field_count = 0;
        return 0;
    }
    if (!stmt->text && MARIADB) {
        out_of_sync(mysql);
        return statement_error(stmt);
    }
    if (stmt->param_count && !stmt->params_bound) {
        return fail(stmt, NOT_BOUND, "No data supplied for parameters in prepared statement");
    }
    drop_result(stmt);
    if (!MARIADB && stmt->param_count && !is_idle(mysql)) {
        return fail(stmt, OUT_OF_SYNC, "Commands out of sync; you can't run this command now");
    }
    if (!begin_command(mysql)) {
        return statement_error(stmt);
    }
    if (!stmt->text) {
        set_error(mysql, UNKNOWN_HANDLER,
                  "Unknown prepared statement handler (0) given to mysqld_stmt_execute");
        return statement_error(stmt);
    }
    fake_note(mysql->session, "execute", stmt->cursor ? "cursor" : stmt->array_size > 1 ? "bulk" : NULL);
    uint64_t affected_rows = 0;
    for (unsigned row = 0; row == 0 || row < stmt->array_size; row++) {
        if (execute_row(stmt, row) != 0) {
            drop_long_data(stmt);
            return 1;
        }
        affected_rows += mysql->affected_rows;
    }
    drop_long_data(stmt);
    if (mysql->state == RESULT_WAITS) { /* the statement's from here on */
        stmt->answer = mysql->answer;
        mysql->answer = NULL;
        mysql->state = stmt->cursor ? READY : STATEMENT_WAITS;
        stmt->next_row = 0;
        stmt->stored = stmt->cursor != 0;
        affected_rows = NOT_COUNTED;
    }
    stmt->affected_rows = mysql->affected_rows = affected_rows;
    stmt->insert_id = mysql->insert_id;
    stmt->warnings = mysql->warning_count;
    return 0;
}

int mysql_stmt_store_result(MYSQL_STMT *stmt) {
    MYSQL *mysql = stmt->mysql;
    if (!mysql) {
        return fail(stmt, LOST, "Lost connection");
    }
    if (!stmt->answer || mysql->state != STATEMENT_WAITS) {
        out_of_sync(mysql);
        return statement_error(stmt);
    }
    if (mysql->session && fake_is_dead(mysql->session)) {
        drop_result(stmt);
        return fail(stmt, LOST, "Lost connection");
    }
    mysql->state = READY;
    stmt->stored = true;
    stmt->affected_rows = stmt->answer->rows;
    return 0;
}

static void fill_bind(MYSQL_BIND *bind, const char *value, unsigned long offset) {
    unsigned long length = value ? strlen(value) : 0;
    if (bind->is_null) {
        *bind->is_null = !value;
    }
    if (bind->length) {
        *bind->length = length;
    }
    if (bind->buffer && value && offset <= length) {
        unsigned long room = length - offset < bind->buffer_length ? length - offset : bind->buffer_length;
        memcpy(bind->buffer, value + offset, room);
        if (room < bind->buffer_length) {
            ((char *)bind->buffer)[room] = '\0';
        }
    }
    if (bind->error) {
        *bind->error = length > bind->buffer_length;
    }
}

int mysql_stmt_fetch(MYSQL_STMT *stmt) {
    if (!stmt->answer) {
        return stmt->last_errno ? 1 : NO_DATA;
    }
    MYSQL *mysql = stmt->mysql;
    if (!stmt->stored && mysql && mysql->session && fake_is_dead(mysql->session)) {
        drop_result(stmt);
        set_error(mysql, LOST, "Lost connection");
        return statement_error(stmt);
    }
    if (stmt->next_row == stmt->answer->rows) {
        if (!stmt->stored && mysql && mysql->state == STATEMENT_WAITS) {
            mysql->state = READY;
        }
        return NO_DATA;
    }
    bool truncated = false;
    for (unsigned i = 0; i < stmt->field_count && stmt->results_bound; i++) {
        const char *value = stmt->answer->cells[stmt->next_row * stmt->answer->columns + i];
        fill_bind(&stmt->binds[i], value, 0);
        truncated |= value && strlen(value) > stmt->binds[i].buffer_length;
    }
    stmt->next_row++;
    return truncated ? TRUNCATED : 0;
}

int mysql_stmt_fetch_column(MYSQL_STMT *stmt, MYSQL_BIND *bind, unsigned column, unsigned long offset) {
    if (!stmt->answer || stmt->next_row == 0 || column >= stmt->answer->columns) {
        return fail(stmt, BAD_PARAMETER, "Invalid parameter number");
    }
    fill_bind(bind, stmt->answer->cells[(stmt->next_row - 1) * stmt->answer->columns + column], offset);
    return 0;
}

uint64_t mysql_stmt_num_rows(MYSQL_STMT *stmt) {
    return stmt->answer && stmt->stored ? stmt->answer->rows : 0;
}

void mysql_stmt_data_seek(MYSQL_STMT *stmt, uint64_t row) {
    stmt->next_row = row;
}

void *mysql_stmt_row_tell(MYSQL_STMT *stmt) {
    return (void *)(stmt->next_row + 1);
}

void *mysql_stmt_row_seek(MYSQL_STMT *stmt, void *offset) {
    void *before = mysql_stmt_row_tell(stmt);
    stmt->next_row = (uintptr_t)offset - 1;
    return before;
}

uint64_t mysql_stmt_affected_rows(MYSQL_STMT *stmt) {
    return stmt->affected_rows;
}

uint64_t mysql_stmt_insert_id(MYSQL_STMT *stmt) {
    return stmt->insert_id;
}

unsigned mysql_stmt_field_count(MYSQL_STMT *stmt) {
    return stmt->field_count;
}

unsigned long mysql_stmt_param_count(MYSQL_STMT *stmt) {
    return stmt->param_count;
}

MYSQL_RES *mysql_stmt_result_metadata(MYSQL_STMT *stmt) {
    return stmt->field_count ? bare_result(stmt->field_count) : NULL;
}

MYSQL_RES *mysql_stmt_param_metadata(MYSQL_STMT *stmt) {
    (void)stmt;
    return NULL; /* as in both libraries */
}

my_bool mysql_stmt_attr_set(MYSQL_STMT *stmt, int number, const void *value) {
    switch (number) {
    case STMT_ATTR_UPDATE_MAX_LENGTH:
    case STMT_ATTR_PREFETCH_ROWS:
        return 0;
    case STMT_ATTR_CURSOR_TYPE:
        stmt->cursor = value ? *(const unsigned long *)value : 0;
        return 0;
    case STMT_ATTR_ARRAY_SIZE:
        stmt->array_size = *(const unsigned *)value;
        return !MARIADB;
    case STMT_ATTR_PREBIND_PARAMS:
        drop_text(stmt);
        stmt->prebound = *(const unsigned *)value;
        stmt->param_count = stmt->prebound;
        stmt->params = calloc(stmt->prebound, sizeof *stmt->params);
        return !MARIADB;
    case 205: /* STMT_ATTR_CB_PARAM */
        return !MARIADB;
    default:
        fail(stmt, 2054, "This feature is not implemented");
        return 1;
    }
}

my_bool mysql_stmt_attr_get(MYSQL_STMT *stmt, int number, void *value) {
    if (number == STMT_ATTR_CURSOR_TYPE) {
        *(unsigned long *)value = stmt->cursor;
        return 0;
    }
    return 1;
}

static my_bool take_params(MYSQL_STMT *stmt, const MYSQL_BIND *array, unsigned count) {
    if (!stmt->text && !stmt->prebound) {
        return (my_bool)fail(stmt, NOT_PREPARED, "Statement not prepared");
    }
    if (count) {
        memcpy(stmt->params, array, count * sizeof *array);
    }
    stmt->params_bound = true;
    return 0;
}

#ifdef FAKE_MARIADB
my_bool mysql_stmt_bind_param(MYSQL_STMT *stmt, MYSQL_BIND *array) {
    return take_params(stmt, array, stmt->param_count);
}

int mysql_stmt_warning_count(MYSQL_STMT *stmt) {
    return (int)stmt->warnings;
}

my_bool mysql_stmt_more_results(MYSQL_STMT *stmt) {
    return stmt->mysql && mysql_more_results(stmt->mysql);
}

void *mariadb_stmt_fetch_fields(MYSQL_STMT *stmt) {
    return stmt->fields;
}

int mariadb_stmt_execute_direct(MYSQL_STMT *stmt, const char *text, size_t length) {
    return mysql_stmt_prepare(stmt, text, length) || mysql_stmt_execute(stmt);
}
#else
my_bool mysql_stmt_bind_named_param(MYSQL_STMT *stmt, MYSQL_BIND *array, unsigned count, const char **names) {
    (void)names;
    return take_params(stmt, array, count < stmt->param_count ? count : stmt->param_count);
}

my_bool mysql_stmt_bind_param(MYSQL_STMT *stmt, MYSQL_BIND *array) {
    return mysql_stmt_bind_named_param(stmt, array, stmt->param_count, NULL);
}
#endif

my_bool mysql_stmt_bind_result(MYSQL_STMT *stmt, MYSQL_BIND *array) {
    if (!stmt->field_count) {
        return (my_bool)fail(stmt, 2052, "Prepared statement contains no metadata");
    }
    memcpy(stmt->binds, array, stmt->field_count * sizeof *array);
    stmt->results_bound = true;
    return 0;
}

int mysql_stmt_next_result(MYSQL_STMT *stmt) {
    if (!stmt->mysql) {
        return 1;
    }
    if (!MARIADB && stmt->last_errno) {
        return (int)stmt->last_errno;
    }
    return mysql_next_result(stmt->mysql);
}

static my_bool statement_command(MYSQL_STMT *stmt, const char *name, const char *text) {
    MYSQL *mysql = stmt->mysql;
    drop_result(stmt);
    stmt->last_errno = 0;
    if (mysql && mysql->session && stmt->text) {
        clear_error(mysql);
        mysql->affected_rows = NOT_COUNTED;
        if (fake_is_dead(mysql->session)) {
            set_error(mysql, GONE, "Server has gone away");
            return (my_bool)statement_error(stmt);
        }
        speak(mysql);
        fake_note(mysql->session, name, text);
    }
    return 0;
}

my_bool mysql_stmt_reset(MYSQL_STMT *stmt) {
    drop_long_data(stmt);
    int result = statement_command(stmt, "stmt_reset", NULL);
#ifndef FAKE_MARIADB /* Oracle's library takes insert_id from every OK packet */
    if (result == 0 && stmt->mysql) {
        stmt->mysql->insert_id = 0;
    }
#endif
    return (my_bool)result;
}

my_bool mysql_stmt_free_result(MYSQL_STMT *stmt) {
    drop_result(stmt);
    return 0;
}

my_bool mysql_stmt_send_long_data(MYSQL_STMT *stmt, unsigned number, const char *data, unsigned long length) {
    if (number >= stmt->param_count) {
        return (my_bool)fail(stmt, BAD_PARAMETER, "Invalid parameter number");
    }
    char text[64];
    snprintf(text, sizeof text, "%u:%.*s", number, length > 20 ? 20 : (int)length, data);
    if (statement_command(stmt, "long_data", text)) {
        return 1;
    }
    char *old = stmt->long_data[number];
    if (asprintf(&stmt->long_data[number], "%s%.*s", old ? old : "", (int)length, data) < 0) {
        abort();
    }
    free(old);
    return 0;
}

my_bool mysql_stmt_close(MYSQL_STMT *stmt) {
    statement_command(stmt, "stmt_close", NULL);
    for (MYSQL_STMT **place = stmt->mysql ? &stmt->mysql->statements : NULL; place && *place;) {
        if (*place == stmt) {
            *place = stmt->next;
            break;
        }
        place = &(*place)->next;
    }
    drop_text(stmt);
    free(stmt);
    fake_objects--;
    return 0;
}

unsigned mysql_stmt_errno(MYSQL_STMT *stmt) {
    return stmt->last_errno;
}

const char *mysql_stmt_error(MYSQL_STMT *stmt) {
    return stmt->last_error;
}

const char *mysql_stmt_sqlstate(MYSQL_STMT *stmt) {
    return stmt->last_errno ? "HY000" : "00000";
}
