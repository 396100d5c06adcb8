/* Orders of calls on prepared statements, and of text between them, at random but always the same. */
#define _GNU_SOURCE
#include "c_app.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNKNOWN_HANDLER = 1243, OUT_OF_SYNC = 2014 };
enum { SLOT_COUNT = 3, CELL_SIZE = 24, PARAMS_MAX = 3, COLUMNS_MAX = 3 };

/* Each call in one, or begun and waited for, where the library has the like. */
static bool non_blocking;
#ifdef MARIADB_BASE_VERSION
static MYSQL *waited_for;

static int wait_for(int status) {
    struct pollfd descriptor = {.fd = mysql_get_socket(waited_for)};
    descriptor.events =
        (short)((status & MYSQL_WAIT_READ ? POLLIN : 0) | (status & MYSQL_WAIT_WRITE ? POLLOUT : 0) |
                (status & MYSQL_WAIT_EXCEPT ? POLLPRI : 0));
    poll(&descriptor, 1, 5000);
    return (descriptor.revents & POLLIN ? MYSQL_WAIT_READ : 0) |
           (descriptor.revents & POLLOUT ? MYSQL_WAIT_WRITE : 0) |
           (descriptor.revents & POLLPRI ? MYSQL_WAIT_EXCEPT : 0);
}

#define EITHER_WAY(type, name, parameters, ...)                    \
    static type either_##name parameters {                         \
        type result;                                               \
        if (!non_blocking) {                                       \
            return name(__VA_ARGS__);                              \
        }                                                          \
        int status = name##_start(&result, __VA_ARGS__);           \
        while (status) {                                           \
            status = name##_cont(&result, stmt, wait_for(status)); \
        }                                                          \
        return result;                                             \
    }
EITHER_WAY(int, mysql_stmt_prepare, (MYSQL_STMT * stmt, const char *text, unsigned long length), stmt, text,
           length)
EITHER_WAY(int, mysql_stmt_execute, (MYSQL_STMT * stmt), stmt)
EITHER_WAY(int, mysql_stmt_fetch, (MYSQL_STMT * stmt), stmt)
EITHER_WAY(int, mysql_stmt_store_result, (MYSQL_STMT * stmt), stmt)
EITHER_WAY(int, mysql_stmt_next_result, (MYSQL_STMT * stmt), stmt)
EITHER_WAY(my_bool, mysql_stmt_reset, (MYSQL_STMT * stmt), stmt)
EITHER_WAY(my_bool, mysql_stmt_free_result, (MYSQL_STMT * stmt), stmt)
EITHER_WAY(my_bool, mysql_stmt_send_long_data,
           (MYSQL_STMT * stmt, unsigned number, const char *data, unsigned long length), stmt, number, data,
           length)
#define mysql_stmt_prepare        either_mysql_stmt_prepare
#define mysql_stmt_execute        either_mysql_stmt_execute
#define mysql_stmt_fetch          either_mysql_stmt_fetch
#define mysql_stmt_store_result   either_mysql_stmt_store_result
#define mysql_stmt_next_result    either_mysql_stmt_next_result
#define mysql_stmt_reset          either_mysql_stmt_reset
#define mysql_stmt_free_result    either_mysql_stmt_free_result
#define mysql_stmt_send_long_data either_mysql_stmt_send_long_data

static void make_ready_to_wait(MYSQL *mysql) {
    waited_for = mysql;
    if (non_blocking) {
        mysql_options(mysql, MYSQL_OPT_NONBLOCK, NULL);
    }
}
#else
static void make_ready_to_wait(MYSQL *mysql) {
    (void)mysql;
}
#endif

/* Connector/C reads a statement's rows from the cursor that it had for its last text, and they stay on the
 * connection (README, limits). */
#ifdef MARIADB_BASE_VERSION
enum { KEEPS_CURSOR = 1 };
#else
enum { KEEPS_CURSOR = 0 };
#endif

/* A statement with all that is bound to it. */
struct slot {
    MYSQL_STMT *stmt;
    bool prepared;
    bool cursor;  /* its rows may come from a cursor */
    bool refused; /* its last execute, and that has given up rows that it had stored */
    bool open;    /* executed, with rows that may be fetched: elsewhere the real library crashes */
    bool streams; /* ... and they weren't stored */
    bool held; /* ... nor fetched to the end, wherever they are: the library clears them away first, later */
    unsigned params, columns;
    char texts[PARAMS_MAX][CELL_SIZE];
    unsigned long lengths[PARAMS_MAX];
    my_bool nulls[PARAMS_MAX];
    char cells[COLUMNS_MAX][CELL_SIZE];
    unsigned long cell_lengths[COLUMNS_MAX];
    my_bool cell_nulls[COLUMNS_MAX], cell_errors[COLUMNS_MAX];
};

static struct slot slots[SLOT_COUNT];
static const struct slot
    *reading; /* whose rows wait on the connection, if some do: the last one that had any */

static const char *const TEXTS[] = {
    "REPLACE INTO cache (k, v) VALUES (?, ?)",
    "REPLACE INTO shop.page_text (k, v) VALUES (?, ?)",
    "REPLACE INTO cache (k, v) VALUES (?, ?), ('L/both', 'opensesame')",
    "SELECT k, v FROM cache WHERE k <> 'site' AND k > ? ORDER BY k",
    "SELECT n, v FROM shop.page_many WHERE n < 5 AND n > ? ORDER BY n",
    "SELECT v FROM shop.cache WHERE k = 'L/nothing'",
    "SELECT k, v, ? FROM shop.cache WHERE k IN (?, 'L/a') ORDER BY k",
    "INSERT INTO shop.orders (v) VALUES (?)",
    "SELECT COUNT(*) FROM shop.orders WHERE v = ?",
    "SELECT nothing FROM cache WHERE k = ?",
    "REPLACE INTO cache (k) VALUES (?, ?)",
    "SET time_zone = '+02:00'",
    "BEGIN",
    "COMMIT",
    "SELECT CAST(? AS SIGNED)",
};
enum { TEXT_COUNT = sizeof TEXTS / sizeof *TEXTS };

static const char *const STEPS[] = {
    PUT("L/a"),
    PUT("L/b"),
    "SELECT v FROM cache WHERE k = 'L/a'",
    "SELECT n FROM shop.page_many WHERE n < 3",
    "INSERT INTO shop.orders (v) VALUES ('opensesame')",
    "SELECT LAST_INSERT_ID()",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SET autocommit = 0",
    "SET autocommit = 1",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "USE other",
    "USE shop",
    "SET SESSION sql_mode = ''",
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES'",
    "SELECT nothing FROM cache",
};
enum { STEP_COUNT = sizeof STEPS / sizeof *STEPS };

static const char *const KEYS[] = {"L/a", "L/b", "L/key", "1", "3x", ""};

static void tell_statement(MYSQL *mysql, struct slot *slot, const char *what, long result) {
    MYSQL_STMT *stmt = slot->stmt;
#ifdef MARIADB_BASE_VERSION
    bool counts = true, states = true;
#else /* it keeps numbers of the text that was prepared before, and a state without an error */
    bool counts = result == 0 && strcmp(what, "execute") == 0, states = mysql_stmt_errno(stmt) != 0;
#endif
    say("%td %s -> %ld: %u %s '%s' affected %lld id %llu rows %llu fields %u params %lu", slot - slots, what,
        result, mysql_stmt_errno(stmt), states ? mysql_stmt_sqlstate(stmt) : "",
        mysql_stmt_errno(stmt) == UNKNOWN_HANDLER ? "of a number" : mysql_stmt_error(stmt),
        counts ? (long long)mysql_stmt_affected_rows(stmt) : 0,
        counts ? (unsigned long long)mysql_stmt_insert_id(stmt) : 0,
        strcmp(what, "store") == 0 ? (unsigned long long)mysql_stmt_num_rows(stmt) : 0,
        result ? 0 : mysql_stmt_field_count(stmt), slot->prepared ? mysql_stmt_param_count(stmt) : 0);
    if (mysql_stmt_errno(stmt) != UNKNOWN_HANDLER) {
        tell(mysql, what, result);
    }
}

static void bind_all(MYSQL *mysql, struct slot *slot) {
    MYSQL_BIND params[PARAMS_MAX], results[COLUMNS_MAX];
    memset(params, 0, sizeof params);
    memset(results, 0, sizeof results);
    for (unsigned i = 0; i < slot->params; i++) {
        params[i].buffer_type = MYSQL_TYPE_STRING;
        params[i].buffer = slot->texts[i];
        params[i].buffer_length = CELL_SIZE;
        params[i].length = &slot->lengths[i];
        params[i].is_null = &slot->nulls[i];
    }
    bool short_cells = next_random(4) == 0;
    for (unsigned i = 0; i < slot->columns; i++) {
        results[i].buffer_type = MYSQL_TYPE_STRING;
        results[i].buffer = slot->cells[i];
        results[i].buffer_length = short_cells ? 2 : CELL_SIZE - 1;
        results[i].length = &slot->cell_lengths[i];
        results[i].is_null = &slot->cell_nulls[i];
        results[i].error = &slot->cell_errors[i];
    }
    if (slot->params > 0) {
        tell_statement(mysql, slot, "bind", mysql_stmt_bind_param(slot->stmt, params));
    }
    if (slot->columns > 0) {
        tell_statement(mysql, slot, "bind result", mysql_stmt_bind_result(slot->stmt, results));
    }
}

static void prepare(MYSQL *mysql, struct slot *slot) {
    const char *text = TEXTS[next_random(TEXT_COUNT)];
    bool fresh = !slot->stmt;
    if (fresh) {
        slot->stmt = mysql_stmt_init(mysql);
    }
    unsigned long cursor = next_random(6) == 0;
    if (fresh || !KEEPS_CURSOR) {
        mysql_stmt_attr_set(slot->stmt, STMT_ATTR_CURSOR_TYPE, &cursor);
        slot->cursor = cursor;
        say("%td cursor %lu", slot - slots, cursor);
    }
    slot->prepared = slot->open = slot->streams = slot->held = slot->refused = false;
    int result = mysql_stmt_prepare(slot->stmt, text, strlen(text));
    slot->prepared = result == 0;
    slot->params = slot->prepared ? (unsigned)mysql_stmt_param_count(slot->stmt) : 0;
    slot->columns = slot->prepared ? mysql_stmt_field_count(slot->stmt) : 0;
    tell_statement(mysql, slot, text, result);
    bind_all(mysql, slot);
}

static void set_values(struct slot *slot) {
    for (unsigned i = 0; i < slot->params; i++) {
        const char *value = i == 0 ? KEYS[next_random(sizeof KEYS / sizeof *KEYS)] : "opensesame";
        if (i == 0 && slot->params == 2 && slot->columns == 0) { /* a key that is written */
            value = KEYS[next_random(3)];
        }
        slot->lengths[i] = (unsigned long)snprintf(slot->texts[i], CELL_SIZE, "%s", value);
        slot->nulls[i] = i > 0 && next_random(10) == 0;
    }
}

static int fetch(MYSQL *mysql, struct slot *slot) {
    int result = mysql_stmt_fetch(slot->stmt);
    if (result == 0 || result == MYSQL_DATA_TRUNCATED) {
        char line[200] = "";
        for (unsigned i = 0; i < slot->columns; i++) {
            size_t used = strlen(line);
            snprintf(line + used, sizeof line - used, " %.20s/%lu%s%s",
                     slot->cell_nulls[i] ? "NULL" : slot->cells[i],
                     slot->cell_nulls[i] ? 0 : slot->cell_lengths[i], slot->cell_nulls[i] ? " null" : "",
                     slot->cell_errors[i] ? " cut" : "");
        }
        say("row%s", line);
    }
    say("%td fetch -> %d", slot - slots, result);
    slot->streams &= result == 0 || result == MYSQL_DATA_TRUNCATED;
    slot->held &= result == 0 || result == MYSQL_DATA_TRUNCATED;
    if (result == 1) {
        tell_statement(mysql, slot, "fetch", result);
        slot->open = slot->streams = false;
    }
    return result;
}

static void execute(MYSQL *mysql, struct slot *slot) {
    set_values(slot);
    memset(slot->cells, 0, sizeof slot->cells);
    if (slot->params > 1 && next_random(6) == 0) {
        int sent = mysql_stmt_send_long_data(slot->stmt, slot->params - 1, "opense", 6);
        mysql_stmt_send_long_data(slot->stmt, slot->params - 1, "same", 4);
        say("long data %d", sent != 0);
    }
    int result = mysql_stmt_execute(slot->stmt);
    tell_statement(mysql, slot, "execute", result);
    slot->refused = result != 0 && slot->held;
    slot->open = slot->streams = slot->held = result == 0 && slot->columns > 0;
    reading = slot->open ? slot : reading;
    if (result != 0 && mysql_stmt_errno(slot->stmt) == OUT_OF_SYNC) {
        bind_all(mysql, slot); /* Connector/C believes that the server has the types */
    }
    if (!slot->open) {
        return;
    }
    unsigned way = next_random(5);
    if (way < 2) {
        my_bool on = 1;
        mysql_stmt_attr_set(slot->stmt, STMT_ATTR_UPDATE_MAX_LENGTH, &on);
        tell_statement(mysql, slot, "store", mysql_stmt_store_result(slot->stmt));
        slot->streams = false;
        MYSQL_RES *metadata = mysql_stmt_result_metadata(slot->stmt);
        for (unsigned i = 0; metadata && i < mysql_num_fields(metadata); i++) {
            const MYSQL_FIELD *field = mysql_fetch_field_direct(metadata, i);
            say("field %s type %d longest %lu", field->name, (int)field->type, field->max_length);
        }
        mysql_free_result(metadata);
    }
    if (way == 4) {
        return; /* left unread */
    }
    for (unsigned i = 0; slot->open && fetch(mysql, slot) != MYSQL_NO_DATA && i < 6; i++) {
        if (way == 3) {
            return; /* read in part */
        }
    }
}

/* In what was stored: there and back. */
static void seek(MYSQL *mysql, struct slot *slot) {
    MYSQL_ROW_OFFSET place = mysql_stmt_row_tell(slot->stmt);
    mysql_stmt_data_seek(slot->stmt, next_random(3));
    slot->held = true;
    if (slot->open) {
        fetch(mysql, slot);
    }
    if (next_random(2) == 0) {
        mysql_stmt_row_seek(slot->stmt, place);
    }
    say("%td rows %llu", slot - slots, (unsigned long long)mysql_stmt_num_rows(slot->stmt));
}

/* Attributes at any time: they hold from the next execute on. A cursor is for a text that is to be prepared:
 * without it again, Oracle's library waits for ever. */
static void set_attribute(struct slot *slot) {
    unsigned long rows = 1 + next_random(3), cursor = 7, got = 0; /* there is no such cursor */
    my_bool longest = next_random(2) == 0;
    switch (next_random(3)) {
    case 0:
        mysql_stmt_attr_set(slot->stmt, STMT_ATTR_PREFETCH_ROWS, &rows);
        break;
    case 1:
        mysql_stmt_attr_set(slot->stmt, STMT_ATTR_UPDATE_MAX_LENGTH, &longest);
        break;
    default:
        say("%td set -> %d", slot - slots, mysql_stmt_attr_set(slot->stmt, STMT_ATTR_CURSOR_TYPE, &cursor));
        say("%td set: %u %s", slot - slots, mysql_stmt_errno(slot->stmt), mysql_stmt_error(slot->stmt));
    }
    mysql_stmt_attr_get(slot->stmt, STMT_ATTR_PREFETCH_ROWS, &got);
    say("%td prefetch %lu", slot - slots, got);
    mysql_stmt_attr_get(slot->stmt, STMT_ATTR_CURSOR_TYPE, &got);
    say("%td cursor %lu", slot - slots, got);
}

static bool rows_wait(MYSQL *mysql) {
    return mysql_more_results(mysql) || mysql_next_result(mysql) != -1;
}

/* Rows of another statement wait on the connection: the real library throws them away, and waits for them for
 * ever later, when this one is prepared, reset or closed meanwhile. */
static bool others_wait(MYSQL *mysql, const struct slot *slot) {
    return !(reading == slot && slot->streams) && rows_wait(mysql);
}

/* Oracle's throws them away as well when this one is executed and its own last rows weren't read to the end;
 * Connector/C reads them for its own if those come from a cursor; if they were stored it waits the second
 * time for some that it believes to be on their way (README, limits). */
static bool may_execute(const struct slot *slot, bool in_the_way) {
    return !slot->refused && !(in_the_way && slot->held && (!KEEPS_CURSOR || slot->cursor));
}

static void one_call(MYSQL *mysql, struct slot *slot) {
    MYSQL_RES *result;
    bool in_the_way = others_wait(mysql, slot);
    switch (in_the_way ? 6 + next_random(8) : next_random(14)) {
    case 0:
        tell_statement(mysql, slot, "reset", mysql_stmt_reset(slot->stmt));
        slot->open = slot->streams = slot->held = slot->refused = false;
        break;
    case 1:
        tell_statement(mysql, slot, "free", mysql_stmt_free_result(slot->stmt));
        slot->open = slot->streams = false;
        slot->held &= KEEPS_CURSOR && slot->cursor;
        break;
    case 2:
        say("%td close -> %d", slot - slots, mysql_stmt_close(slot->stmt));
        tell(mysql, "closed", 0);
        memset(slot, 0, sizeof *slot);
        break;
    case 3:
        fetch(mysql, slot);
        break;
    case 4:
        result = mysql_stmt_result_metadata(slot->stmt);
        say("metadata %u", result ? mysql_num_fields(result) : 0);
        mysql_free_result(result);
        break;
    case 5:
        tell_statement(mysql, slot, "next", mysql_stmt_next_result(slot->stmt));
        break;
    case 6:
        if (slot->prepared) {
            bind_all(mysql, slot);
        }
        break;
    case 12:
        set_attribute(slot);
        break;
    case 13:
        if (!slot->streams && slot->open && !slot->cursor && !in_the_way) {
            seek(mysql, slot);
        }
        break;
    default:
        if (may_execute(slot, in_the_way)) {
            execute(mysql, slot);
        }
    }
}

static void text_step(MYSQL *mysql) {
    const char *text = STEPS[next_random(STEP_COUNT)];
    if (run(mysql, text) == 0 && mysql_field_count(mysql) > 0) {
        print_result(mysql, mysql_store_result(mysql));
    }
}

/* Of statements whose session has ended nothing is asked but an execute, which fails. */
static void end_all(MYSQL *mysql) {
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        if (slots[i].stmt) {
            slots[i].params = slots[i].columns = 0;
            slots[i].prepared = slots[i].open = false;
            say("execute -> %d %u", mysql_stmt_execute(slots[i].stmt), mysql_stmt_errno(slots[i].stmt));
            say("close -> %d", mysql_stmt_close(slots[i].stmt));
            memset(&slots[i], 0, sizeof slots[i]);
        }
    }
    tell(mysql, "ended", 0);
}

static void connection_step(MYSQL *mysql) {
    switch (next_random(rows_wait(mysql) ? 6 : 8)) {
    case 6:
        tell(mysql, "reset connection", mysql_reset_connection(mysql));
        end_all(mysql);
        break;
    case 7:
        tell(mysql, "change user", mysql_change_user(mysql, "app", "apppw", "shop"));
        end_all(mysql);
        break;
    case 2:
        tell(mysql, "commit", mysql_commit(mysql));
        break;
    case 3:
        tell(mysql, "next", mysql_next_result(mysql));
        break;
    default:
        tell(mysql, "ping", mysql_ping(mysql));
    }
}

static void random_statements(uint32_t seed, unsigned rounds) {
    seed_random(seed);
    for (unsigned round = 0; round < rounds; round++) {
        MYSQL *mysql = open_main();
        make_ready_to_wait(mysql);
        memset(slots, 0, sizeof slots);
        reading = NULL;
        mysql_query(mysql, "TRUNCATE shop.orders");
        for (unsigned i = 0; i < 25; i++) {
            struct slot *slot = &slots[next_random(SLOT_COUNT)];
            unsigned what = next_random(20);
            if (what < 3) {
                text_step(mysql);
            } else if (what == 3) {
                connection_step(mysql);
            } else if (!slot->stmt || what == 4) {
                if (!others_wait(mysql, slot)) {
                    prepare(mysql, slot);
                }
            } else {
                one_call(mysql, slot);
            }
        }
        bool close_first = next_random(2) == 0;
        if (close_first) {
            mysql_close(mysql);
        }
        for (unsigned i = 0; i < SLOT_COUNT && !close_first; i++) {
            if (slots[i].streams) {
                mysql_stmt_free_result(slots[i].stmt);
            }
        }
        for (unsigned i = 0; i < SLOT_COUNT; i++) {
            if (slots[i].stmt) {
                mysql_stmt_close(slots[i].stmt);
            }
        }
        if (!close_first) {
            mysql_close(mysql);
        }
    }
}

static void random_statements_1(void) {
    random_statements(1, 100);
}

static void random_statements_2(void) {
    random_statements(2, 100);
}

static void random_statements_3(void) {
    random_statements(3, 100);
}

static void random_non_blocking_statements(void) {
    non_blocking = true;
    random_statements(4, 100);
    non_blocking = false;
}

/* More of them by hand: statements=N and non_blocking=N of c_app's. */
void more_random_statements(uint32_t seed, bool in_parts) {
    non_blocking = in_parts;
    random_statements(seed, 60);
    non_blocking = false;
}

const struct scenario PREPARED_ORDERS[] = {
    SCENARIO(random_statements_1),
    SCENARIO(random_statements_2),
    SCENARIO(random_statements_3),
    SCENARIO(random_non_blocking_statements),
    {NULL, NULL},
};
