/* Commands for main that aren't text. Each goes to main, or to the shadow that the application has not
 * finished reading from, for the library's own 2014. */
#define _GNU_SOURCE
#include "intercept.h"

#include "doubt.h"

#include <string.h>

/* type name(MYSQL *mysql, parameters): `arguments` are their names behind the handle; `none` is the answer
 * without a library; `succeeded` looks at `result`; `...` is the command. */
#define MAIN_COMMAND(type, name, parameters, arguments, none, succeeded, ...) \
    EXPORT                                                                    \
    type name parameters {                                                    \
        struct call call;                                                     \
        bool watched = command_begin(&call, mysql, CALLER);                   \
        if (!call.real || !call.real->name) {                                 \
            if (watched) {                                                    \
                call.handle->busy = false;                                    \
            }                                                                 \
            return (none);                                                    \
        }                                                                     \
        mysql = call.target;                                                  \
        const struct command command = {__VA_ARGS__};                         \
        if (watched && command.kind == COMMAND_AUTOCOMMIT) {                  \
            doubt_before_main(call.handle);                                   \
        }                                                                     \
        type result = call.real->name arguments;                              \
        if (watched) {                                                        \
            command_end(&call, &command, (succeeded));                        \
        }                                                                     \
        return result;                                                        \
    }

MAIN_COMMAND(int, mysql_select_db, (MYSQL * mysql, const char *database), (mysql, database), 1, result == 0,
             .kind = COMMAND_SELECT_DB, .text = database)
MAIN_COMMAND(int, mysql_set_character_set, (MYSQL * mysql, const char *name), (mysql, name), 1, result == 0,
             .kind = COMMAND_CHARSET, .text = name)
MAIN_COMMAND(int, mysql_set_server_option, (MYSQL * mysql, int option), (mysql, option), 1, result == 0,
             .kind = COMMAND_PLAIN, .keeps_id = true)
MAIN_COMMAND(my_bool, mysql_autocommit, (MYSQL * mysql, my_bool on), (mysql, on), 1, result == 0,
             .kind = COMMAND_AUTOCOMMIT, .flag = on != 0)

MAIN_COMMAND(int, mysql_ping, (MYSQL * mysql), (mysql), 1, result == 0, .kind = COMMAND_PLAIN)
MAIN_COMMAND(const char *, mysql_stat, (MYSQL * mysql), (mysql), NULL,
             result != NULL && call.real->mysql_errno(call.target) == 0, .kind = COMMAND_PLAIN,
             .keeps_count = true, .keeps_id = true)
MAIN_COMMAND(int, mysql_refresh, (MYSQL * mysql, unsigned options), (mysql, options), 1, result == 0,
             .kind = COMMAND_TOUCHES)
MAIN_COMMAND(int, mysql_shutdown, (MYSQL * mysql, int level), (mysql, level), 1, result == 0,
             .kind = COMMAND_PLAIN)
MAIN_COMMAND(int, mysql_dump_debug_info, (MYSQL * mysql), (mysql), 1, result == 0, .kind = COMMAND_PLAIN)
MAIN_COMMAND(MYSQL_RES *, mysql_list_dbs, (MYSQL * mysql, const char *wild), (mysql, wild), NULL,
             result != NULL, .kind = COMMAND_TOUCHES)
MAIN_COMMAND(MYSQL_RES *, mysql_list_tables, (MYSQL * mysql, const char *wild), (mysql, wild), NULL,
             result != NULL, .kind = COMMAND_TOUCHES)
MAIN_COMMAND(MYSQL_RES *, mysql_list_processes, (MYSQL * mysql), (mysql), NULL, result != NULL,
             .kind = COMMAND_TOUCHES)
MAIN_COMMAND(MYSQL_RES *, mysql_list_fields, (MYSQL * mysql, const char *table, const char *wild),
             (mysql, table, wild), NULL, result != NULL, .kind = COMMAND_TOUCHES)
MAIN_COMMAND(const char *, mysql_get_server_info_with_version_update, (MYSQL * mysql), (mysql), NULL,
             result != NULL, .kind = COMMAND_TOUCHES)
MAIN_COMMAND(unsigned long, mysql_net_read_packet, (MYSQL * mysql), (mysql), (unsigned long)-1,
             result != (unsigned long)-1, .kind = COMMAND_PLAIN)

EXPORT int mysql_kill(MYSQL *mysql, unsigned long id) {
    struct call call;
    bool watched = command_begin(&call, mysql, CALLER);
    if (!call.real || !call.real->mysql_kill) {
        return 1;
    }
    int failed = call.real->mysql_kill(call.target, id);
    if (watched) {
        const struct command command = {.kind = COMMAND_PLAIN};
        command_end(&call, &command, failed == 0);
        if (failed == 0) {
            query_follow_kill(call.handle, id);
        }
    }
    return failed;
}

static my_bool end_transaction(MYSQL *mysql, const void *caller, bool commit) {
    struct call call;
    struct handle *handle = handle_find(mysql);
    if (handle && !handle->passive && !handle->busy && query_end_alone(handle, commit)) {
        return 0;
    }
    bool watched = command_begin(&call, mysql, caller);
    if (!call.real || !call.real->mysql_commit || !call.real->mysql_rollback) {
        return 1;
    }
    if (watched && call.target == handle->main) {
        doubt_before_main(handle);
    }
    my_bool failed = commit ? call.real->mysql_commit(call.target) : call.real->mysql_rollback(call.target);
    if (watched) {
        const struct command command = {.kind = commit ? COMMAND_COMMIT : COMMAND_ROLLBACK};
        command_end(&call, &command, !failed);
    }
    return failed;
}

EXPORT my_bool mysql_commit(MYSQL *mysql) {
    return end_transaction(mysql, CALLER, true);
}

EXPORT my_bool mysql_rollback(MYSQL *mysql) {
    return end_transaction(mysql, CALLER, false);
}

/* No word to a server, but a failure leaves its error on main. */
static unsigned long end_escape(struct handle *handle, unsigned long length) {
    if (length == (unsigned long)-1 && handle && !handle->passive && !handle->busy) {
        handle_note_error(handle, handle->main);
    }
    return length;
}

EXPORT unsigned long mysql_real_escape_string(MYSQL *mysql, char *to, const char *from,
                                              unsigned long length) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_real_escape_string) {
        return (unsigned long)-1;
    }
    return end_escape(handle, real->mysql_real_escape_string(mysql, to, from, length));
}

EXPORT unsigned long mysql_real_escape_string_quote(MYSQL *mysql, char *to, const char *from,
                                                    unsigned long length, char quote) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    if (!real || !real->mysql_real_escape_string_quote) {
        return (unsigned long)-1;
    }
    return end_escape(handle, real->mysql_real_escape_string_quote(mysql, to, from, length, quote));
}

/* A handle that becomes a replication stream is left alone. */
static void leave_alone(MYSQL *mysql) {
    struct handle *handle = handle_find(mysql);
    if (handle) {
        handle->passive = true;
    }
}

EXPORT int mysql_binlog_open(MYSQL *mysql, void *stream) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    leave_alone(mysql);
    return real && real->mysql_binlog_open ? real->mysql_binlog_open(mysql, stream) : 1;
}

EXPORT void *mariadb_rpl_init_ex(MYSQL *mysql, unsigned version) {
    struct handle *handle = handle_find(mysql);
    const struct real *real = handle ? handle->real : real_of_caller(CALLER);
    leave_alone(mysql);
    return real && real->mariadb_rpl_init_ex ? real->mariadb_rpl_init_ex(mysql, version) : NULL;
}
