/* The client libraries' own functions. One table per library that is loaded in this process (an application
 * can have two), found when the library is first met and never thrown away: the library is pinned. Any
 * thread. */
#ifndef ROUNDABOUT_REAL_H
#define ROUNDABOUT_REAL_H

#include "client_api.h"

#include <stdbool.h>

/* Functions that this object defines as well, in the groups of the interception. The first argument says how
 * a call of a function that the library lacks answers: X(type, name, parameters). A missing function is NULL
 * in the table. */
#define REAL_FUNCTIONS(X)                                                                                  \
    /* handles */                                                                                          \
    X(MYSQL *, mysql_init, (MYSQL *))                                                                      \
    X(MYSQL *, mysql_real_connect,                                                                         \
      (MYSQL *, const char *, const char *, const char *, const char *, unsigned, const char *,            \
       unsigned long))                                                                                     \
    X(MYSQL *, mysql_real_connect_dns_srv,                                                                 \
      (MYSQL *, const char *, const char *, const char *, const char *, unsigned long))                    \
    X(void, mysql_close, (MYSQL *))                                                                        \
    X(int, mysql_options, (MYSQL *, int, const void *))                                                    \
    X(int, mysql_options4, (MYSQL *, int, const void *, const void *))                                     \
    X(int, mysql_optionsv, (MYSQL *, int, ...))                                                            \
    X(my_bool, mysql_ssl_set,                                                                              \
      (MYSQL *, const char *, const char *, const char *, const char *, const char *))                     \
    X(void, mysql_server_end, (void))                                                                      \
    X(my_bool, mysql_change_user, (MYSQL *, const char *, const char *, const char *))                     \
    X(int, mysql_reset_connection, (MYSQL *))                                                              \
    X(my_bool, mariadb_reconnect, (MYSQL *))                                                               \
    X(int, mariadb_cancel, (MYSQL *))                                                                      \
    /* session */                                                                                          \
    X(int, mysql_select_db, (MYSQL *, const char *))                                                       \
    X(int, mysql_set_character_set, (MYSQL *, const char *))                                               \
    X(int, mysql_set_server_option, (MYSQL *, int))                                                        \
    X(my_bool, mysql_autocommit, (MYSQL *, my_bool))                                                       \
    X(my_bool, mysql_commit, (MYSQL *))                                                                    \
    X(my_bool, mysql_rollback, (MYSQL *))                                                                  \
    /* text */                                                                                             \
    X(int, mysql_query, (MYSQL *, const char *))                                                           \
    X(int, mysql_real_query, (MYSQL *, const char *, unsigned long))                                       \
    X(int, mysql_send_query, (MYSQL *, const char *, unsigned long))                                       \
    X(my_bool, mysql_read_query_result, (MYSQL *))                                                         \
    X(my_bool, mysql_bind_param, (MYSQL *, unsigned, MYSQL_BIND *, const char **))                         \
    /* results */                                                                                          \
    X(MYSQL_RES *, mysql_store_result, (MYSQL *))                                                          \
    X(MYSQL_RES *, mysql_use_result, (MYSQL *))                                                            \
    X(int, mysql_next_result, (MYSQL *))                                                                   \
    X(my_bool, mysql_more_results, (MYSQL *))                                                              \
    X(void, mysql_free_result, (MYSQL_RES *))                                                              \
    X(MYSQL_ROW, mysql_fetch_row, (MYSQL_RES *))                                                           \
    /* answers */                                                                                          \
    X(unsigned, mysql_errno, (MYSQL *))                                                                    \
    X(const char *, mysql_error, (MYSQL *))                                                                \
    X(const char *, mysql_sqlstate, (MYSQL *))                                                             \
    X(uint64_t, mysql_affected_rows, (MYSQL *))                                                            \
    X(uint64_t, mysql_insert_id, (MYSQL *))                                                                \
    X(unsigned, mysql_warning_count, (MYSQL *))                                                            \
    X(unsigned, mysql_field_count, (MYSQL *))                                                              \
    X(const char *, mysql_info, (MYSQL *))                                                                 \
    X(int, mysql_session_track_get_first, (MYSQL *, int, const char **, size_t *))                         \
    X(int, mysql_session_track_get_next, (MYSQL *, int, const char **, size_t *))                          \
    X(my_bool, mariadb_get_info, (MYSQL *, int, void *))                                                   \
    X(my_bool, mariadb_get_infov, (MYSQL *, int, void *, ...))                                             \
    /* other commands on main */                                                                           \
    X(int, mysql_ping, (MYSQL *))                                                                          \
    X(const char *, mysql_stat, (MYSQL *))                                                                 \
    X(int, mysql_kill, (MYSQL *, unsigned long))                                                           \
    X(int, mysql_refresh, (MYSQL *, unsigned))                                                             \
    X(int, mysql_shutdown, (MYSQL *, int))                                                                 \
    X(int, mysql_dump_debug_info, (MYSQL *))                                                               \
    X(MYSQL_RES *, mysql_list_dbs, (MYSQL *, const char *))                                                \
    X(MYSQL_RES *, mysql_list_tables, (MYSQL *, const char *))                                             \
    X(MYSQL_RES *, mysql_list_processes, (MYSQL *))                                                        \
    X(MYSQL_RES *, mysql_list_fields, (MYSQL *, const char *, const char *))                               \
    X(const char *, mysql_get_server_info_with_version_update, (MYSQL *))                                  \
    X(unsigned long, mysql_net_read_packet, (MYSQL *))                                                     \
    X(unsigned long, mysql_real_escape_string, (MYSQL *, char *, const char *, unsigned long))             \
    X(unsigned long, mysql_real_escape_string_quote, (MYSQL *, char *, const char *, unsigned long, char)) \
    X(int, mysql_binlog_open, (MYSQL *, void *))                                                           \
    X(void *, mariadb_rpl_init_ex, (MYSQL *, unsigned))                                                    \
    /* prepared statements */                                                                              \
    X(MYSQL_STMT *, mysql_stmt_init, (MYSQL *))                                                            \
    X(int, mysql_stmt_prepare, (MYSQL_STMT *, const char *, unsigned long))                                \
    X(int, mariadb_stmt_execute_direct, (MYSQL_STMT *, const char *, size_t))                              \
    X(int, mysql_stmt_execute, (MYSQL_STMT *))                                                             \
    X(int, mysql_stmt_next_result, (MYSQL_STMT *))                                                         \
    X(int, mysql_stmt_fetch, (MYSQL_STMT *))                                                               \
    X(int, mysql_stmt_fetch_column, (MYSQL_STMT *, MYSQL_BIND *, unsigned, unsigned long))                 \
    X(int, mysql_stmt_store_result, (MYSQL_STMT *))                                                        \
    X(uint64_t, mysql_stmt_num_rows, (MYSQL_STMT *))                                                       \
    X(uint64_t, mysql_stmt_affected_rows, (MYSQL_STMT *))                                                  \
    X(uint64_t, mysql_stmt_insert_id, (MYSQL_STMT *))                                                      \
    X(unsigned, mysql_stmt_field_count, (MYSQL_STMT *))                                                    \
    X(unsigned long, mysql_stmt_param_count, (MYSQL_STMT *))                                               \
    X(int, mysql_stmt_warning_count, (MYSQL_STMT *))                                                       \
    X(my_bool, mysql_stmt_more_results, (MYSQL_STMT *))                                                    \
    X(void, mysql_stmt_data_seek, (MYSQL_STMT *, uint64_t))                                                \
    X(void *, mysql_stmt_row_seek, (MYSQL_STMT *, void *))                                                 \
    X(void *, mysql_stmt_row_tell, (MYSQL_STMT *))                                                         \
    X(MYSQL_RES *, mysql_stmt_result_metadata, (MYSQL_STMT *))                                             \
    X(MYSQL_RES *, mysql_stmt_param_metadata, (MYSQL_STMT *))                                              \
    X(void *, mariadb_stmt_fetch_fields, (MYSQL_STMT *))                                                   \
    X(my_bool, mysql_stmt_attr_get, (MYSQL_STMT *, int, void *))                                           \
    X(my_bool, mysql_stmt_attr_set, (MYSQL_STMT *, int, const void *))                                     \
    X(my_bool, mysql_stmt_bind_param, (MYSQL_STMT *, MYSQL_BIND *))                                        \
    X(my_bool, mysql_stmt_bind_named_param, (MYSQL_STMT *, MYSQL_BIND *, unsigned, const char **))         \
    X(my_bool, mysql_stmt_bind_result, (MYSQL_STMT *, MYSQL_BIND *))                                       \
    X(my_bool, mysql_stmt_close, (MYSQL_STMT *))                                                           \
    X(my_bool, mysql_stmt_reset, (MYSQL_STMT *))                                                           \
    X(my_bool, mysql_stmt_free_result, (MYSQL_STMT *))                                                     \
    X(my_bool, mysql_stmt_send_long_data, (MYSQL_STMT *, unsigned, const char *, unsigned long))           \
    X(unsigned, mysql_stmt_errno, (MYSQL_STMT *))                                                          \
    X(const char *, mysql_stmt_error, (MYSQL_STMT *))                                                      \
    X(const char *, mysql_stmt_sqlstate, (MYSQL_STMT *))                                                   \
    /* MariaDB's non-blocking calls: each starts one of the above on a coroutine */                        \
    X(int, mysql_real_connect_start,                                                                       \
      (MYSQL **, MYSQL *, const char *, const char *, const char *, const char *, unsigned, const char *,  \
       unsigned long))                                                                                     \
    X(int, mysql_real_connect_cont, (MYSQL **, MYSQL *, int))                                              \
    X(int, mysql_close_start, (MYSQL *))                                                                   \
    X(int, mysql_query_start, (int *, MYSQL *, const char *))                                              \
    X(int, mysql_query_cont, (int *, MYSQL *, int))                                                        \
    X(int, mysql_real_query_start, (int *, MYSQL *, const char *, unsigned long))                          \
    X(int, mysql_real_query_cont, (int *, MYSQL *, int))                                                   \
    X(int, mysql_send_query_start, (int *, MYSQL *, const char *, unsigned long))                          \
    X(int, mysql_send_query_cont, (int *, MYSQL *, int))                                                   \
    X(int, mysql_read_query_result_start, (my_bool *, MYSQL *))                                            \
    X(int, mysql_read_query_result_cont, (my_bool *, MYSQL *, int))                                        \
    X(int, mysql_store_result_start, (MYSQL_RES **, MYSQL *))                                              \
    X(int, mysql_store_result_cont, (MYSQL_RES **, MYSQL *, int))                                          \
    X(int, mysql_next_result_start, (int *, MYSQL *))                                                      \
    X(int, mysql_next_result_cont, (int *, MYSQL *, int))                                                  \
    X(int, mysql_fetch_row_start, (MYSQL_ROW *, MYSQL_RES *))                                              \
    X(int, mysql_free_result_start, (MYSQL_RES *))                                                         \
    X(int, mysql_select_db_start, (int *, MYSQL *, const char *))                                          \
    X(int, mysql_select_db_cont, (int *, MYSQL *, int))                                                    \
    X(int, mysql_set_character_set_start, (int *, MYSQL *, const char *))                                  \
    X(int, mysql_set_character_set_cont, (int *, MYSQL *, int))                                            \
    X(int, mysql_set_server_option_start, (int *, MYSQL *, int))                                           \
    X(int, mysql_set_server_option_cont, (int *, MYSQL *, int))                                            \
    X(int, mysql_change_user_start, (my_bool *, MYSQL *, const char *, const char *, const char *))        \
    X(int, mysql_change_user_cont, (my_bool *, MYSQL *, int))                                              \
    X(int, mysql_reset_connection_start, (int *, MYSQL *))                                                 \
    X(int, mysql_reset_connection_cont, (int *, MYSQL *, int))                                             \
    X(int, mysql_autocommit_start, (my_bool *, MYSQL *, my_bool))                                          \
    X(int, mysql_autocommit_cont, (my_bool *, MYSQL *, int))                                               \
    X(int, mysql_commit_start, (my_bool *, MYSQL *))                                                       \
    X(int, mysql_commit_cont, (my_bool *, MYSQL *, int))                                                   \
    X(int, mysql_rollback_start, (my_bool *, MYSQL *))                                                     \
    X(int, mysql_rollback_cont, (my_bool *, MYSQL *, int))                                                 \
    X(int, mysql_ping_start, (int *, MYSQL *))                                                             \
    X(int, mysql_ping_cont, (int *, MYSQL *, int))                                                         \
    X(int, mysql_stat_start, (const char **, MYSQL *))                                                     \
    X(int, mysql_stat_cont, (const char **, MYSQL *, int))                                                 \
    X(int, mysql_kill_start, (int *, MYSQL *, unsigned long))                                              \
    X(int, mysql_kill_cont, (int *, MYSQL *, int))                                                         \
    X(int, mysql_refresh_start, (int *, MYSQL *, unsigned))                                                \
    X(int, mysql_refresh_cont, (int *, MYSQL *, int))                                                      \
    X(int, mysql_shutdown_start, (int *, MYSQL *, int))                                                    \
    X(int, mysql_shutdown_cont, (int *, MYSQL *, int))                                                     \
    X(int, mysql_dump_debug_info_start, (int *, MYSQL *))                                                  \
    X(int, mysql_dump_debug_info_cont, (int *, MYSQL *, int))                                              \
    X(int, mysql_list_fields_start, (MYSQL_RES **, MYSQL *, const char *, const char *))                   \
    X(int, mysql_list_fields_cont, (MYSQL_RES **, MYSQL *, int))                                           \
    X(int, mysql_stmt_prepare_start, (int *, MYSQL_STMT *, const char *, unsigned long))                   \
    X(int, mysql_stmt_prepare_cont, (int *, MYSQL_STMT *, int))                                            \
    X(int, mysql_stmt_execute_start, (int *, MYSQL_STMT *))                                                \
    X(int, mysql_stmt_execute_cont, (int *, MYSQL_STMT *, int))                                            \
    X(int, mysql_stmt_close_start, (my_bool *, MYSQL_STMT *))                                              \
    X(int, mysql_stmt_fetch_start, (int *, MYSQL_STMT *))                                                  \
    X(int, mysql_stmt_store_result_start, (int *, MYSQL_STMT *))                                           \
    X(int, mysql_stmt_next_result_start, (int *, MYSQL_STMT *))                                            \
    X(int, mysql_stmt_reset_start, (my_bool *, MYSQL_STMT *))                                              \
    X(int, mysql_stmt_free_result_start, (my_bool *, MYSQL_STMT *))                                        \
    X(int, mysql_stmt_send_long_data_start,                                                                \
      (my_bool *, MYSQL_STMT *, unsigned, const char *, unsigned long))                                    \
    /* Oracle's non-blocking calls: called again with the same arguments until they no longer say          \
     * NET_ASYNC_NOT_READY */                                                                              \
    X(enum net_async_status, mysql_real_connect_nonblocking,                                               \
      (MYSQL *, const char *, const char *, const char *, const char *, unsigned, const char *,            \
       unsigned long))                                                                                     \
    X(enum net_async_status, mysql_real_query_nonblocking, (MYSQL *, const char *, unsigned long))         \
    X(enum net_async_status, mysql_send_query_nonblocking, (MYSQL *, const char *, unsigned long))         \
    X(enum net_async_status, mysql_store_result_nonblocking, (MYSQL *, MYSQL_RES **))                      \
    X(enum net_async_status, mysql_next_result_nonblocking, (MYSQL *))                                     \
    X(enum net_async_status, mysql_free_result_nonblocking, (MYSQL_RES *))                                 \
    X(enum net_async_status, mysql_reset_connection_nonblocking, (MYSQL *))                                \
    /* read only; not defined here */                                                                      \
    X(unsigned long, mysql_thread_id, (MYSQL *))                                                           \
    X(const char *, mysql_get_server_info, (MYSQL *))                                                      \
    X(const char *, mysql_character_set_name, (MYSQL *))                                                   \
    X(int, mysql_get_socket, (const MYSQL *))

struct real {
    const char *path; /* the library's file, for messages */
    bool mariadb;     /* Connector/C; else Oracle's: their option numbers differ from 14 on */
#define X(type, name, parameters) type(*name) parameters;
    REAL_FUNCTIONS(X)
#undef X
};

/* The library that serves the code at `caller` (a return address): the one its object is linked to, else the
 * only one loaded. NULL: none. The first call per caller is slow (the dynamic linker is asked), later ones
 * are a look-up. */
const struct real *real_of_caller(const void *caller);

/* libc's own, which this object defines as well. */
struct epoll_event;
int real_epoll_ctl(int set, int operation, int number, struct epoll_event *event);
int real_connect(int number, const void *address, unsigned length);

/* The dlopen that comes behind this object's. Never NULL. Allocates nothing; takes for a moment the dynamic linker's own lock, as
 * dlopen itself does. */
void *real_find_dlopen(void);

/* Opens another library for this object alone: its names are seen by nobody else, and it sees its own before
 * others'. Fills `functions` by `names`. NULL: done; else why not, in the dynamic linker's words. The library
 * stays open. */
const char *real_open_private(const char *soname, const char *const *names, size_t count, void **functions);

/* More than one client library has been met: an object that isn't a MYSQL* doesn't tell which one it belongs
 * to. */
bool real_is_ambiguous(void);

#endif
