#define _GNU_SOURCE
#include "snapshot.h"

#include "handle.h"
#include "local.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDENTITY \
    "@@version, @@server_id, @@hostname, @@port, @@datadir, @@max_allowed_packet, @@session.autocommit"
enum { IDENTITY_COLUMNS = 7 };
#define STATE ", DATABASE(), @@lower_case_table_names, @@innodb_rollback_on_timeout, @@global.autocommit"
enum { STATE_COLUMNS = 4 };

/* Session variables that the outcome of a REPLACE or SELECT can depend on. In this order: a collation implies
 * its character set. */
enum { EVERYWHERE, MARIADB_ONLY, MYSQL_ONLY };
static const struct {
    const char *name;
    int where;
} VARIABLES[] = {
    {"character_set_client", EVERYWHERE},
    {"character_set_results", EVERYWHERE},
    {"collation_connection", EVERYWHERE},
    {"sql_mode", EVERYWHERE},
    {"time_zone", EVERYWHERE},
    {"lc_time_names", EVERYWHERE},
    {"group_concat_max_len", EVERYWHERE},
    {"div_precision_increment", EVERYWHERE},
    {"default_week_format", EVERYWHERE},
    {"foreign_key_checks", EVERYWHERE},
    {"unique_checks", EVERYWHERE},
    {"sql_auto_is_null", EVERYWHERE},
    {"sql_safe_updates", EVERYWHERE},
    {"sql_select_limit", EVERYWHERE},
    {"max_sort_length", EVERYWHERE},
    {"completion_type", EVERYWHERE},
    {"tx_isolation", MARIADB_ONLY},
    {"tx_read_only", MARIADB_ONLY},
    {"max_statement_time", MARIADB_ONLY},
    {"transaction_isolation", MYSQL_ONLY},
    {"transaction_read_only", MYSQL_ONLY},
    {"max_execution_time", MYSQL_ONLY},
};
enum { VARIABLE_COUNT = sizeof VARIABLES / sizeof *VARIABLES };

/* Statements that have made tables, renamed or dropped them in the session, wherever they stood: a temporary
 * table among them is told of by nothing else. The names have no commas, for whoever takes the columns apart.
 */
#define COUNTS_TABLES(name) name " LIKE 'com_%_table' AND " name " NOT LIKE 'com_show%'"
#define TABLES_COUNTED                                                                           \
    ", (SELECT SUM(VARIABLE_VALUE) FROM information_schema.SESSION_STATUS WHERE " COUNTS_TABLES( \
        "VARIABLE_NAME") ")"

/* Runs a statement that gives one row; its columns stay valid until the result is freed. NULL: no row. */
static MYSQL_RES *ask(const struct real *real, MYSQL *mysql, const char *text, size_t length,
                      MYSQL_ROW *row) {
    if (real->mysql_real_query(mysql, text, length) != 0) {
        return NULL;
    }
    MYSQL_RES *result = real->mysql_store_result(mysql);
    if (result && !(*row = real->mysql_fetch_row(result))) {
        real->mysql_free_result(result);
        result = NULL;
    }
    return result;
}

static void read_identity(MYSQL_ROW row, struct server *server) {
    uint64_t identity = 0;
    for (int i = 1; i <= 4; i++) {
        const char *value = row[i] ? row[i] : "";
        identity = log_key(identity, value, strlen(value) + 1);
    }
    *server = (struct server){
        .identity = identity,
        .major = row[0] ? (unsigned)strtoul(row[0], NULL, 10) : 0,
        .mariadb = row[0] && strstr(row[0], "MariaDB"),
        .longest = row[5] ? strtoul(row[5], NULL, 10) : 0,
        .autocommit = !row[6] || strcmp(row[6], "0") != 0,
    };
}

bool snapshot_identify(const struct real *real, MYSQL *mysql, struct server *server) {
    static const char text[] = "SELECT " IDENTITY;
    MYSQL_ROW row;
    MYSQL_RES *result = ask(real, mysql, text, sizeof text - 1, &row);
    if (!result) {
        return false;
    }
    read_identity(row, server);
    real->mysql_free_result(result);
    return true;
}

static bool is_number(const char *value) {
    size_t digits = strspn(value, "0123456789");
    if (value[digits] == '.') {
        digits += 1 + strspn(value + digits + 1, "0123456789");
    }
    return digits > 0 && value[digits] == '\0';
}

/* Notes "SESSION name = value". A server's own value never holds a quote or a backslash; one that does is not
 * taken over. */
static void note_value(struct session *session, const char *name, const char *value) {
    char text[1024];
    struct slice own_name = {name, strlen(name)};
    if (strcmp(name, "completion_type") == 0) { /* the shadow's transactions end when and as it is told */
        session_note_completion(session, (struct slice){value, value ? strlen(value) : 0});
        value = "NO_CHAIN";
    }
    if (value && (strchr(value, '\'') || strchr(value, '\\'))) {
        session->route.unmirrored = true;
        return;
    }
    const char *quote = value && !is_number(value) ? "'" : "";
    int length =
        snprintf(text, sizeof text, "SESSION %s = %s%s%s", name, quote, value ? value : "NULL", quote);
    if (length < 0 || (size_t)length >= sizeof text) {
        session->route.unmirrored = true;
        return;
    }
    session_note_setting(session, own_name, (struct slice){text, (size_t)length}, false);
    if (strcmp(name, "sql_mode") == 0 && value) {
        bool unsafe = session->route.modes.multibyte_unsafe;
        session->route.modes = lex_modes_of_sql_mode((struct slice){value, strlen(value)});
        session->route.modes.multibyte_unsafe = unsafe;
    } else if (strcmp(name, "character_set_client") == 0 && value) {
        session->route.modes.multibyte_unsafe = lex_charset_is_unsafe((struct slice){value, strlen(value)});
    }
}

static void read_state(struct handle *handle, MYSQL_ROW row) {
    struct session *session = &handle->session;
    const char *database = row[IDENTITY_COLUMNS];
    session_note_database(session, (struct slice){database ? database : "", database ? strlen(database) : 0});
    session->route.fold_case = row[IDENTITY_COLUMNS + 1] && strcmp(row[IDENTITY_COLUMNS + 1], "0") != 0;
    session_note_autocommit(session, handle->server.autocommit);
    session->autocommit_default_known = row[IDENTITY_COLUMNS + 3] != NULL;
    session->autocommit_default = row[IDENTITY_COLUMNS + 3] && strcmp(row[IDENTITY_COLUMNS + 3], "0") != 0;
    session->modes_outlast_begin = !handle->server.mariadb;
    session->rollback_on_timeout = row[IDENTITY_COLUMNS + 2] && strcmp(row[IDENTITY_COLUMNS + 2], "0") != 0;
}

/* The names to ask for: the fixed ones of this brand, then what the application has set to something that
 * only the server knows. The names are copies: noting a value renews the setting that holds one. */
static size_t choose_variables(const struct session *session, bool mariadb, char names[][64], size_t limit) {
    size_t count = 0;
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        if (VARIABLES[i].where == EVERYWHERE || (VARIABLES[i].where == MARIADB_ONLY) == mariadb) {
            strcpy(names[count++], VARIABLES[i].name);
        }
    }
    size_t fixed = count;
    for (size_t i = 0; i < session->setting_count && count < limit; i++) {
        const struct session_setting *setting = &session->settings[i];
        bool known = setting->text || strlen(setting->name) >= 64 ||
                     strspn(setting->name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(setting->name);
        for (size_t k = 0; k < fixed && !known; k++) {
            known = strcmp(names[k], setting->name) == 0;
        }
        if (!known) {
            strcpy(names[count++], setting->name);
        }
    }
    return count;
}

/* Main's own are this SELECT's from now on. */
static void keep_counts(struct handle *handle, unsigned fields, const char *changed) {
    if (!handle->fields_kept) {
        handle->routing->kept_field_count = fields;
        handle->fields_kept = true;
    }
    handle->routing->kept_row_count = changed ? strtoll(changed, NULL, 10) : -1;
    handle->spoke = NULL;
    handle->main_tallied = false;
}

/* MySQL shows these counts by SHOW alone. */
static bool count_by_show(struct handle *handle, unsigned *count) {
    static const char text[] = "SHOW SESSION STATUS WHERE " COUNTS_TABLES("Variable_name");
    const struct real *real = handle->real;
    MYSQL_RES *result = NULL;
    if (real->mysql_real_query(handle->main, text, sizeof text - 1) == 0) {
        result = real->mysql_store_result(handle->main);
    }
    bool counted = false;
    *count = 0;
    for (MYSQL_ROW row; result && (row = real->mysql_fetch_row(result));) {
        *count += row[1] ? (unsigned)strtoul(row[1], NULL, 10) : 0;
        counted = true;
    }
    if (result) {
        real->mysql_free_result(result);
    }
    return counted;
}

/* `told`: main's count, if it has told it, or NULL. */
static void note_count(struct handle *handle, const unsigned *told) {
    struct temporaries *temporaries = &handle->session.route.temporaries;
    unsigned count = told ? *told : 0;
    bool known = told || (!handle->server.mariadb && count_by_show(handle, &count));
    temporary_note_count(temporaries, known ? count : temporaries->count + 1);
}

static void put_quoted(FILE *out, struct slice name) {
    fputc('`', out);
    for (size_t i = 0; i < name.length; i++) {
        if (name.at[i] == '`') {
            fputc('`', out);
        }
        fputc(name.at[i], out);
    }
    fputc('`', out);
}

bool snapshot_ask_table(struct handle *handle, const struct sql_table *table, struct slice database) {
    static const char temporary[] = "CREATE TEMPORARY ";
    enum { ER_NO_SUCH_TABLE = 1146 };
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (!stream) {
        return false;
    }
    fputs("SHOW CREATE TABLE ", stream);
    put_quoted(stream, table->database.length ? table->database : database);
    fputc('.', stream);
    put_quoted(stream, table->table);
    if (fclose(stream) != 0) {
        free(text);
        return false;
    }
    MYSQL_ROW row;
    MYSQL_RES *result = ask(handle->real, handle->main, text, length, &row);
    free(text);
    unsigned error = result ? 0 : handle->real->mysql_errno(handle->main);
    bool plain =
        result ? row[1] && strncmp(row[1], temporary, sizeof temporary - 1) != 0 : error == ER_NO_SUCH_TABLE;
    if (result) {
        handle->real->mysql_free_result(result);
    } else if (error >= CLIENT_ERROR_FIRST) {
        return false;
    }
    temporary_note_answer(&handle->session.route.temporaries, table, database, !plain);
    return true;
}

static bool read_session(struct handle *handle, bool keeps_counts, bool counts_tables) {
    struct session *session = &handle->session;
    keeps_counts = keeps_counts && handle->spoke == handle->main && handle_make_routing(handle);
    unsigned fields =
        keeps_counts && handle->real->mysql_field_count ? handle->real->mysql_field_count(handle->main) : 0;
    const char *version =
        handle->real->mysql_get_server_info ? handle->real->mysql_get_server_info(handle->main) : NULL;
    bool mariadb = version && strstr(version, "MariaDB");
    char names[VARIABLE_COUNT + 16][64];
    size_t count = choose_variables(session, mariadb, names, VARIABLE_COUNT + 16);
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (!stream) {
        return false;
    }
    fputs("SELECT " IDENTITY STATE, stream);
    for (size_t i = 0; i < count; i++) {
        fprintf(stream, ", @@session.%s", names[i]);
    }
    if (mariadb) {
        fputs(", @@in_transaction", stream); /* for a library that doesn't show the status bits */
    }
    bool keeps_found_rows = handle->found == handle->main; /* this SELECT's own comes in its place */
    if (keeps_found_rows) {
        fputs(", FOUND_ROWS()", stream);
    }
    if (keeps_counts) {
        fputs(", ROW_COUNT()", stream);
    }
    if (counts_tables && mariadb) {
        fputs(TABLES_COUNTED, stream);
    }
    if (fclose(stream) != 0) {
        free(text);
        return false;
    }
    MYSQL_ROW row;
    MYSQL_RES *result = ask(handle->real, handle->main, text, length, &row);
    free(text);
    if (!result) {
        return false;
    }
    size_t more = IDENTITY_COLUMNS + STATE_COLUMNS + count + mariadb;
    const char *tables = counts_tables && mariadb ? row[more + keeps_found_rows + keeps_counts] : NULL;
    if (keeps_counts) {
        keep_counts(handle, fields, row[more + keeps_found_rows]);
    }
    if (keeps_found_rows) {
        const char *found = row[more];
        handle->kept_found_rows = found ? strtoull(found, NULL, 10) : 0;
        handle->found = NULL;
    }
    read_identity(row, &handle->server);
    read_state(handle, row);
    session_drop_setting(session, "names"); /* what they did is among the values now */
    session_drop_setting(session, "character set");
    for (size_t i = 0; i < count; i++) {
        note_value(session, names[i], row[IDENTITY_COLUMNS + STATE_COLUMNS + i]);
    }
    const char *in_transaction = mariadb ? row[IDENTITY_COLUMNS + STATE_COLUMNS + count] : NULL;
    if (session->doubt && in_transaction) {
        local_echo(handle, session_note_status(session, *in_transaction != '0', session->autocommit),
                   (struct slice){NULL, 0});
    }
    unsigned counted = tables ? (unsigned)strtoul(tables, NULL, 10) : 0;
    handle->real->mysql_free_result(result);
    session_note_known(session);
    if (session->route.temporaries.doubt) {
        note_count(handle, tables ? &counted : NULL);
    }
    return true;
}

bool snapshot_read(struct handle *handle, bool keeps_counts) {
    bool doubt = handle->session.route.temporaries.doubt;
    return read_session(handle, keeps_counts, doubt) ||
           (doubt && handle->real->mysql_errno(handle->main) < CLIENT_ERROR_FIRST &&
            read_session(handle, keeps_counts, false)); /* it may not like to count: sql_big_selects */
}
