/* Results that the application has not finished reading: on one connection every other command says 2014
 * then, and what is read belongs to the statement that it came from. */
#define _GNU_SOURCE
#include "claims.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { OUT_OF_SYNC = 2014 };

static void an_unread_routed_result_stops_a_statement_for_main(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, INSERT_MAIN), 1);
    NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
    JOURNAL(from, "");
    if (fake_is_oracle()) { /* MariaDB's library has thrown the rows away */
        FROM_LOCAL(first_cell(mysql), "1");
        SQL(mysql, INSERT_MAIN);
    } else {
        TRUE_THAT(!mysql_store_result(mysql));
        NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
    }
}

static void an_unread_routed_result_stops_the_next_cache_statement(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    MYSQL_RES *rows = mysql_use_result(mysql);
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, REPLACE_CACHE), 1);
    NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
    JOURNAL(from, "");
    mysql_free_result(rows);
    SQL(mysql, REPLACE_CACHE);
}

static int say_select_db(MYSQL *mysql) {
    return mysql_select_db(mysql, "shop");
}
static int say_charset(MYSQL *mysql) {
    return mysql_set_character_set(mysql, "latin1");
}
static int say_option(MYSQL *mysql) {
    return mysql_set_server_option(mysql, 0);
}
static int say_autocommit(MYSQL *mysql) {
    return mysql_autocommit(mysql, 0);
}
static int say_commit(MYSQL *mysql) {
    return mysql_commit(mysql);
}
static int say_rollback(MYSQL *mysql) {
    return mysql_rollback(mysql);
}
static int say_kill(MYSQL *mysql) {
    return mysql_kill(mysql, 1);
}
static int say_refresh(MYSQL *mysql) {
    return mysql_refresh(mysql, 1);
}
static int say_change_user(MYSQL *mysql) {
    return mysql_change_user(mysql, "other", "secret2", "shop");
}
static int say_stat(MYSQL *mysql) {
    return strstr(mysql_stat(mysql), "out of sync") != NULL;
}
static int say_list(MYSQL *mysql) {
    return !mysql_list_tables(mysql, NULL);
}
static int say_fields(MYSQL *mysql) {
    return !mysql_list_fields(mysql, "t", NULL);
}
static int say_processes(MYSQL *mysql) {
    return !mysql_list_processes(mysql);
}
static int say_send(MYSQL *mysql) {
    return mysql_send_query(mysql, INSERT_MAIN, strlen(INSERT_MAIN));
}
static int say_next(MYSQL *mysql) {
    return mysql_next_result(mysql);
}
static int say_reset(MYSQL *mysql) {
    return fake_is_oracle() ? mysql_reset_connection(mysql) : mysql_ping(mysql);
}

static void an_unread_routed_result_stops_every_command(void) {
    static int (*const commands[])(MYSQL *) = {mysql_ping,
                                               say_select_db,
                                               say_charset,
                                               say_option,
                                               say_autocommit,
                                               say_commit,
                                               say_rollback,
                                               say_kill,
                                               say_refresh,
                                               say_stat,
                                               say_list,
                                               say_fields,
                                               say_send,
                                               say_processes,
                                               say_next,
                                               say_reset,
                                               mysql_dump_debug_info,
                                               say_change_user};
    MYSQL *mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    MYSQL_RES *rows = mysql_use_result(mysql);
    size_t from = fake_journal_length();
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        int result = commands[i](mysql);
        unsigned error = mysql_errno(mysql);
        if (result == 0 || error != OUT_OF_SYNC) {
            printf("    command %zu: result %d, error %u\n", i, result, error);
            SAID("every command says 2014");
        }
    }
    JOURNAL(from, "");
    NUMBER(mysql_fetch_row(rows) != NULL, 1);
    NUMBER(mysql_fetch_row(rows) != NULL, 1);
    NUMBER(mysql_fetch_row(rows) != NULL, 0);
    NUMBER(mysql_ping(mysql), 0);
    mysql_free_result(rows);
}

/* Connector/C skips what is unread here. */
static void a_reset_skips_an_unread_routed_result(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    NUMBER(mysql_reset_connection(mysql), 0);
    NUMBER(mysql_errno(mysql), 0);
    SQL(mysql, INSERT_MAIN);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
}

static void a_stream_from_main_stops_a_cache_statement(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, SELECT_MAIN);
    MYSQL_RES *rows = mysql_use_result(mysql);
    TRUE_THAT(mysql_fetch_row(rows));
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, REPLACE_CACHE), 1);
    NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
    JOURNAL(from, "");
    TRUE_THAT(mysql_fetch_row(rows));
    TRUE_THAT(!mysql_fetch_row(rows));
    mysql_free_result(rows);
    SQL(mysql, REPLACE_CACHE);
}

static void a_routed_stream_goes_on_to_its_end(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "SELECT v FROM shop.cache LIMIT 1000");
    MYSQL_RES *rows = mysql_use_result(mysql);
    size_t count = 0;
    while (mysql_fetch_row(rows)) {
        count++;
        if (count == 500) {
            NUMBER(mysql_query(mysql, INSERT_MAIN), 1);
            NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
        }
    }
    NUMBER(count, 1000);
    mysql_free_result(rows);
    SQL(mysql, INSERT_MAIN);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
}

static void a_stream_that_breaks_says_so(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    MYSQL_RES *rows = mysql_use_result(mysql);
    TRUE_THAT(mysql_fetch_row(rows));
    fake_kill_sessions(is_preloaded() ? FAKE_LOCAL : FAKE_MAIN);
    TRUE_THAT(!mysql_fetch_row(rows));
    NUMBER(mysql_errno(mysql), 2013);
    mysql_free_result(rows);
    if (is_preloaded()) {
        SQL(mysql, INSERT_MAIN);
        SQL(mysql, SELECT_CACHE);
        FROM_LOCAL(first_cell(mysql), "1");
    }
}

static void an_unread_statement_on_main_stops_a_cache_statement(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    NUMBER(mysql_stmt_prepare(stmt, SELECT_MAIN, strlen(SELECT_MAIN)), 0);
    NUMBER(mysql_stmt_execute(stmt), 0);
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, REPLACE_CACHE), 1);
    NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
    JOURNAL(from, "");
    while (mysql_stmt_fetch(stmt) == 0) {
    }
    SQL(mysql, REPLACE_CACHE);
    mysql_stmt_close(stmt);
}

static void prepared_statements_run_on_main(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    size_t from = fake_journal_length();
    NUMBER(mysql_stmt_prepare(stmt, INSERT_MAIN, strlen(INSERT_MAIN)), 0);
    NUMBER(mysql_stmt_execute(stmt), 0);
    JOURNAL(from, "main: /prepare " INSERT_MAIN "\nmain: /execute\nmain: " INSERT_MAIN "\n");
    uint64_t id = mysql_insert_id(mysql);
    TRUE_THAT(id != 0);
    NUMBER(mysql_affected_rows(mysql), 1);
    NUMBER(mysql_stmt_affected_rows(stmt), 1);
    SQL(mysql, SELECT_CACHE);
    NUMBER(mysql_insert_id(mysql), id);
    FROM_LOCAL(first_cell(mysql), "1");
    NUMBER(mysql_stmt_prepare(stmt, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_store_result(stmt), 0);
    NUMBER(mysql_stmt_fetch(stmt), 0);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_stmt_close(stmt), 0);
    NUMBER(mysql_affected_rows(mysql), -1);
}

static void an_unread_routed_result_stops_prepared_statements(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    NUMBER(mysql_stmt_prepare(stmt, INSERT_MAIN, strlen(INSERT_MAIN)), 0);
    SQL(mysql, SELECT_CACHE);
    MYSQL_RES *rows = mysql_use_result(mysql);
    size_t from = fake_journal_length();
    TRUE_THAT(mysql_stmt_execute(stmt) != 0);
    NUMBER(mysql_stmt_errno(stmt), OUT_OF_SYNC);
    TEXT(mysql_stmt_error(stmt), "Commands out of sync; you can't run this command now");
    TRUE_THAT(strcmp(mysql_stmt_sqlstate(stmt), "HY000") == 0);
    MYSQL_STMT *second = mysql_stmt_init(mysql);
    TRUE_THAT(mysql_stmt_prepare(second, INSERT_MAIN, strlen(INSERT_MAIN)) != 0);
    NUMBER(mysql_stmt_errno(second), OUT_OF_SYNC);
    JOURNAL(from, "");
    TRUE_THAT(mysql_fetch_row(rows));
    mysql_free_result(rows);
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_errno(stmt), 0);
    NUMBER(mysql_stmt_prepare(second, INSERT_MAIN, strlen(INSERT_MAIN)), 0);
    mysql_stmt_close(second);
    mysql_stmt_close(stmt);
}

/* A garbage collector closes an old one at any moment. */
static void a_statement_closed_before_the_result_is_taken_does_no_harm(void) {
    MYSQL *mysql = connect_main();
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    NUMBER(mysql_stmt_prepare(stmt, INSERT_MAIN, strlen(INSERT_MAIN)), 0);
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) { /* one connection would lose the rows here */
        SQL(mysql, SELECT_CACHE);
        mysql_stmt_close(stmt);
        FROM_LOCAL(first_cell(mysql), "1");
    } else {
        mysql_stmt_close(stmt);
    }
}

static void a_statement_outlives_its_handle(void) {
    MYSQL *mysql = connect_main();
    _Alignas(16) static char storage[FAKE_HANDLE_SIZE];
    MYSQL *own = mysql_init((MYSQL *)(void *)storage);
    TRUE_THAT(mysql_real_connect(own, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0));
    MYSQL_STMT *stmt = mysql_stmt_init(own);
    NUMBER(mysql_stmt_prepare(stmt, INSERT_MAIN, strlen(INSERT_MAIN)), 0);
    SQL(own, REPLACE_CACHE);
    mysql_close(own);
    mysql_stmt_close(stmt);
    mysql_close(mysql);
}

static bool is_readable(MYSQL *mysql) {
    struct pollfd readable = {.fd = fake_descriptor(mysql), .events = POLLIN};
    return poll(&readable, 1, 1000) == 1;
}

static size_t count_descriptors(void) {
    size_t count = 0;
    for (int fd = 3; fd < 200; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

/* The first pair leaves one to the process. */
static void select_in_first_halves(MYSQL *mysql) {
    NUMBER(mysql_send_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
    NUMBER(mysql_read_query_result(mysql), 0);
    FROM_LOCAL(first_cell(mysql), "1");
}

/* ruby-mysql2 does nothing else: it sends, waits on the descriptor that it has read out of the struct, and
 * reads. Oracle's library doesn't tell its descriptor: it is learnt at the connect. */
static void halves_of_a_cache_statement_are_routed_together(void) {
    MYSQL *mysql = connect_main();
    select_in_first_halves(mysql);
    size_t descriptors = count_descriptors();
    for (int i = 0; i < 3; i++) {
        NUMBER(mysql_send_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
        TRUE_THAT(is_readable(mysql));
        NUMBER(mysql_read_query_result(mysql), 0);
        NUMBER(mysql_field_count(mysql), 1);
        FROM_LOCAL(first_cell(mysql), "1");
        NUMBER(mysql_send_query(mysql, REPLACE_CACHE, strlen(REPLACE_CACHE)), 0);
        TRUE_THAT(is_readable(mysql));
        NUMBER(mysql_read_query_result(mysql), 0);
        NUMBER(mysql_affected_rows(mysql), 1);
    }
    NUMBER(count_descriptors(), descriptors);
}

static void halves_of_other_statements_are_mains(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    NUMBER(mysql_send_query(mysql, INSERT_MAIN, strlen(INSERT_MAIN)), 0);
    TRUE_THAT(is_readable(mysql));
    NUMBER(mysql_read_query_result(mysql), 0);
    TRUE_THAT(mysql_insert_id(mysql) != 0);
    NUMBER(mysql_send_query(mysql, SELECT_MAIN, strlen(SELECT_MAIN)), 0);
    TRUE_THAT(is_readable(mysql));
    NUMBER(mysql_read_query_result(mysql), 0);
    TEXT(first_cell(mysql), "main:1");
    JOURNAL(from, "main: " INSERT_MAIN "\nmain: " SELECT_MAIN "\n");
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
}

static int next_event(int set, int patience_ms) {
    struct epoll_event event = {0};
    int count = epoll_wait(set, &event, 1, patience_ms);
    return count == 1 ? (int)event.data.u32 : -1;
}

static int watch(int set, int operation, int number, unsigned events, unsigned data) {
    struct epoll_event event = {.events = events, .data.u32 = data};
    return epoll_ctl(set, operation, number, &event);
}

static void select_in_halves(MYSQL *mysql, int set, int data) {
    NUMBER(mysql_send_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
    NUMBER(next_event(set, 1000), data);
    NUMBER(mysql_read_query_result(mysql), 0);
    FROM_LOCAL(first_cell(mysql), "1");
    NUMBER(next_event(set, 0), -1);
}

/* A set that watches main's socket goes on watching that, whatever its number stands for meanwhile. */
static void a_set_that_watches_sees_routed_halves_and_mains(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    static const unsigned ways[] = {EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLRDHUP | EPOLLPRI};
    int number = fake_descriptor(mysql);
    select_in_first_halves(mysql);
    size_t descriptors = count_descriptors();
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        int set = epoll_create1(EPOLL_CLOEXEC), other = epoll_create1(EPOLL_CLOEXEC);
        NUMBER(watch(set, EPOLL_CTL_ADD, number, ways[i], 7 + i), 0);
        NUMBER(watch(other, EPOLL_CTL_ADD, number, ways[i], 1), 0);
        select_in_halves(mysql, set, (int)(7 + i));
        select_in_halves(mysql, other, 1);
        NUMBER(mysql_send_query(mysql, SELECT_MAIN, strlen(SELECT_MAIN)), 0);
        NUMBER(next_event(set, 1000), (int)(7 + i));
        NUMBER(mysql_read_query_result(mysql), 0);
        TEXT(first_cell(mysql), "main:1");
        close(other);
        select_in_halves(mysql, set, (int)(7 + i));
        NUMBER(epoll_ctl(set, EPOLL_CTL_DEL, number, NULL), 0);
        close(set);
    }
    NUMBER(count_descriptors(), descriptors);
}

/* As event loops do that watch a connection while something is to come. */
static void a_set_may_be_told_between_two_halves(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    int set = epoll_create1(EPOLL_CLOEXEC);
    int number = fake_descriptor(mysql);
    for (int i = 0; i < 2; i++) {
        NUMBER(mysql_send_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
        NUMBER(watch(set, EPOLL_CTL_ADD, number, EPOLLIN | EPOLLONESHOT, 3), 0);
        NUMBER(next_event(set, 1000), 3);
        NUMBER(next_event(set, 0), -1);
        NUMBER(watch(set, EPOLL_CTL_MOD, number, EPOLLIN | EPOLLONESHOT, 4), 0);
        NUMBER(next_event(set, 1000), 4);
        if (i == 0) { /* removed before the second half, and behind it */
            NUMBER(epoll_ctl(set, EPOLL_CTL_DEL, number, NULL), 0);
        }
        NUMBER(mysql_read_query_result(mysql), 0);
        FROM_LOCAL(first_cell(mysql), "1");
        NUMBER(epoll_ctl(set, EPOLL_CTL_DEL, number, NULL), i == 0 ? -1 : 0);
    }
    NUMBER(watch(set, EPOLL_CTL_ADD, number, EPOLLIN, 5), 0);
    NUMBER(mysql_send_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
    NUMBER(watch(set, EPOLL_CTL_MOD, number, EPOLLIN, 6), 0);
    NUMBER(mysql_read_query_result(mysql), 0);
    FROM_LOCAL(first_cell(mysql), "1");
    NUMBER(mysql_send_query(mysql, SELECT_MAIN, strlen(SELECT_MAIN)), 0);
    NUMBER(next_event(set, 1000), 6);
    NUMBER(mysql_read_query_result(mysql), 0);
    TEXT(first_cell(mysql), "main:1");
    close(set);
}

/* More sets than are remembered: the statement is main's, and says why. */
static void a_descriptor_in_many_sets_keeps_both_halves_on_main(void) {
    configure(NULL, "log_level = \"debug\";");
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    int sets[5];
    for (int i = 0; i < 5; i++) {
        sets[i] = epoll_create1(EPOLL_CLOEXEC);
        NUMBER(watch(sets[i], EPOLL_CTL_ADD, fake_descriptor(mysql), EPOLLIN, 1), 0);
    }
    size_t from = fake_journal_length();
    NUMBER(mysql_send_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
    NUMBER(next_event(sets[4], 1000), 1);
    NUMBER(mysql_read_query_result(mysql), 0);
    TEXT(first_cell(mysql), "main:1");
    JOURNAL(from, "main: " SELECT_CACHE "\n");
    if (is_preloaded()) {
        NUMBER(count_log_lines("other_call"), 1);
    }
    for (int i = 0; i < 5; i++) {
        close(sets[i]);
    }
}

/* Neither library refuses a command between the halves; it must not be written where main's answer is waited
 * for. */
static void what_comes_between_two_routed_halves_reaches_main_whole(void) {
    static int (*const commands[])(MYSQL *) = {mysql_ping, say_commit,  say_select_db,  say_charset,
                                               say_kill,   say_refresh, say_change_user};
    MYSQL *mysql = connect_main();
    select_in_first_halves(mysql);
    size_t descriptors = count_descriptors();
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        NUMBER(mysql_send_query(mysql, REPLACE_CACHE, strlen(REPLACE_CACHE)), 0);
        NUMBER(commands[i](mysql), 0);
        if (!is_preloaded()) {
            mysql_read_query_result(mysql);
        }
    }
    NUMBER(mysql_send_query(mysql, REPLACE_CACHE, strlen(REPLACE_CACHE)), 0);
    SQL(mysql, INSERT_MAIN);
    NUMBER(fake_journal_count(0, FAKE_MAIN, "/wrong_descriptor"), 0);
    NUMBER(fake_journal_count(0, FAKE_MAIN, INSERT_MAIN), 1);
    NUMBER(count_descriptors(), descriptors); /* nothing is left lent */
}

static void a_handle_may_be_closed_between_two_halves(void) {
    MYSQL *first = connect_main();
    select_in_first_halves(first);
    mysql_close(first);
    size_t descriptors = count_descriptors();
    for (int i = 0; i < 3; i++) {
        MYSQL *mysql = connect_main();
        SQL(mysql, REPLACE_CACHE);
        NUMBER(mysql_send_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
        mysql_close(mysql);
    }
    NUMBER(count_descriptors(), descriptors);
    NUMBER(fake_alive(), 0);
}

/* Main's own descriptor number stands for something else between two routed halves: nothing may be written
 * there. */
static void nothing_is_said_to_main_between_two_routed_halves(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    MYSQL_STMT *first = mysql_stmt_init(mysql);
    MYSQL_STMT *second = mysql_stmt_init(mysql);
    NUMBER(mysql_stmt_prepare(first, INSERT_MAIN, strlen(INSERT_MAIN)), 0);
    NUMBER(mysql_stmt_prepare(second, INSERT_MAIN, strlen(INSERT_MAIN)), 0);
    NUMBER(mysql_send_query(mysql, REPLACE_CACHE, strlen(REPLACE_CACHE)), 0);
    mysql_stmt_reset(first);
    mysql_stmt_close(first); /* a garbage collector's */
    NUMBER(mysql_read_query_result(mysql), 0);
    NUMBER(mysql_affected_rows(mysql), 1);
    NUMBER(mysql_stmt_execute(second), 0);
    NUMBER(mysql_send_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
    mysql_close(mysql);
    mysql_stmt_close(second);
    NUMBER(fake_journal_count(0, FAKE_MAIN, "/wrong_descriptor"), 0);
}

static void an_error_of_a_cache_statement_comes_with_the_second_half(void) {
    MYSQL *mysql = connect_main();
    fake_fail(FAKE_MAIN, "'bad'", 1062, "Duplicate entry", -1);
    fake_fail(FAKE_LOCAL, "'bad'", 1062, "Duplicate entry", -1);
    static const char text[] = "REPLACE INTO shop.cache VALUES ('bad', 1)";
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_send_query(mysql, text, sizeof text - 1), 0);
    NUMBER(mysql_errno(mysql), 0);
    TRUE_THAT(is_readable(mysql));
    TRUE_THAT(mysql_read_query_result(mysql) != 0);
    NUMBER(mysql_errno(mysql), 1062);
}

static void an_error_comes_with_the_second_half(void) {
    MYSQL *mysql = connect_main();
    fake_fail(FAKE_MAIN, "'bad'", 1062, "Duplicate entry", -1);
    static const char text[] = "INSERT INTO shop.users VALUES ('bad')";
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_send_query(mysql, text, sizeof text - 1), 0);
    TRUE_THAT(mysql_read_query_result(mysql) != 0);
    NUMBER(mysql_errno(mysql), 1062);
}

static void nothing_is_routed_between_two_halves_on_main(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_send_query(mysql, INSERT_MAIN, strlen(INSERT_MAIN)), 0);
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, REPLACE_CACHE), 0);
    TRUE_THAT(mysql_insert_id(mysql) != 0); /* the first one's answer */
    JOURNAL(from, "main: " REPLACE_CACHE "\n");
}

static void what_was_sent_by_halves_changes_the_session(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "REPLACE INTO cache VALUES (1, 2)");
    NUMBER(mysql_send_query(mysql, "USE other", 9), 0);
    NUMBER(mysql_read_query_result(mysql), 0);
    size_t from = fake_journal_length();
    SQL(mysql, "REPLACE INTO cache VALUES (1, 2)"); /* of other */
    JOURNAL(from, "main: REPLACE INTO cache VALUES (1, 2)\n");
}

static void several_results_of_main_are_read_in_turn(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "CALL gives_rows()");
    TEXT(first_cell(mysql), "main:1");
    NUMBER(mysql_more_results(mysql), 1);
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, REPLACE_CACHE), 1);
    NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
    JOURNAL(from, "");
    NUMBER(mysql_next_result(mysql), 0);
    NUMBER(mysql_field_count(mysql), 0);
    NUMBER(mysql_next_result(mysql), -1);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    NUMBER(mysql_more_results(mysql), 0);
    NUMBER(mysql_next_result(mysql), -1);
    NUMBER(mysql_errno(mysql), 0);
}

/* The order of calls of MySQLdb and DBD::mysql: they look for a next result before and behind everything. */
static void looking_for_more_results_does_no_harm(void) {
    MYSQL *mysql = connect_main();
    for (int i = 0; i < 3; i++) {
        NUMBER(mysql_next_result(mysql), -1);
        SQL(mysql, REPLACE_CACHE);
        TRUE_THAT(!mysql_store_result(mysql));
        NUMBER(mysql_more_results(mysql), 0);
        NUMBER(mysql_errno(mysql), 0);
        NUMBER(mysql_affected_rows(mysql), 1);
        NUMBER(mysql_insert_id(mysql), 0);
        NUMBER(mysql_next_result(mysql), -1);
        SQL(mysql, SELECT_CACHE);
        FROM_LOCAL(first_cell(mysql), "1");
        NUMBER(mysql_next_result(mysql), -1);
        SQL(mysql, INSERT_MAIN);
        TRUE_THAT(!mysql_store_result(mysql));
    }
}

static void a_replace_that_returns_rows_is_read_like_a_select(void) {
    MYSQL *mysql = connect_main();
    static const char text[] = "REPLACE INTO shop.cache VALUES (1, 2) RETURNING v";
    SQL(mysql, text);
    NUMBER(mysql_query(mysql, INSERT_MAIN), 1);
    NUMBER(mysql_errno(mysql), OUT_OF_SYNC);
}

static void an_unbuffered_result_outlives_its_handle(void) {
    _Alignas(16) static char storage[FAKE_HANDLE_SIZE];
    MYSQL *mysql = mysql_init((MYSQL *)(void *)storage);
    TRUE_THAT(mysql_real_connect(mysql, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0));
    SQL(mysql, SELECT_CACHE);
    MYSQL_RES *rows = mysql_use_result(mysql);
    TRUE_THAT(mysql_fetch_row(rows));
    mysql_close(mysql); /* MySQLdb: SSCursor, conn.close(), and the cursor is collected later */
    mysql_free_result(rows);
    NUMBER(fake_alive(), 0);
}

static void an_unbuffered_result_outlives_the_next_connect(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    MYSQL_RES *rows = mysql_use_result(mysql);
    while (mysql_fetch_row(rows)) {
    }
    NUMBER(mysql_change_user(mysql, "other", "secret2", "shop"), 0);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    mysql_free_result(rows);
    mysql_close(mysql);
    NUMBER(fake_alive(), 0);
}

static void a_stored_result_outlives_its_handle(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    MYSQL_RES *rows = mysql_store_result(mysql);
    mysql_close(mysql);
    MYSQL_ROW row = mysql_fetch_row(rows);
    FROM_LOCAL(row[0], "1");
    NUMBER(mysql_num_rows(rows), 2);
    mysql_free_result(rows);
    NUMBER(fake_alive(), 0);
}

static void texts_of_the_shadow_outlive_its_loss(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "REPLACE INTO shop.cache VALUES (1, 2), (3, 4)");
    const char *info = mysql_info(mysql);
    fake_kill_sessions(FAKE_LOCAL);
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) { /* on one connection the next statement has written over it */
        TEXT(info, "Records: 2  Duplicates: 0  Warnings: 0");
    }
}

int main(int argc, char **argv) {
    static const struct claim claims[] = {
        CLAIM(an_unread_routed_result_stops_a_statement_for_main, "1", EVERYWHERE),
        CLAIM(an_unread_routed_result_stops_the_next_cache_statement, "1", EVERYWHERE),
        CLAIM(an_unread_routed_result_stops_every_command, "1", EVERYWHERE),
        CLAIM(a_reset_skips_an_unread_routed_result, "1", MARIADB_ONLY),
        CLAIM(a_stream_from_main_stops_a_cache_statement, "2", EVERYWHERE),
        CLAIM(a_routed_stream_goes_on_to_its_end, "1, 37", EVERYWHERE),
        CLAIM(a_stream_that_breaks_says_so, "32", EVERYWHERE),
        CLAIM(an_unread_statement_on_main_stops_a_cache_statement, "2", EVERYWHERE),
        CLAIM(prepared_statements_run_on_main, "18", EVERYWHERE),
        CLAIM(an_unread_routed_result_stops_prepared_statements, "1, 18", EVERYWHERE),
        CLAIM(a_statement_closed_before_the_result_is_taken_does_no_harm, "19", EVERYWHERE),
        CLAIM(a_statement_outlives_its_handle, "8", EVERYWHERE),
        CLAIM(halves_of_a_cache_statement_are_routed_together, "3", EVERYWHERE),
        CLAIM(halves_of_other_statements_are_mains, "3", EVERYWHERE),
        CLAIM(a_set_that_watches_sees_routed_halves_and_mains, "3", EVERYWHERE),
        CLAIM(a_set_may_be_told_between_two_halves, "3", EVERYWHERE),
        CLAIM(a_descriptor_in_many_sets_keeps_both_halves_on_main, "3", EVERYWHERE),
        CLAIM(what_comes_between_two_routed_halves_reaches_main_whole, "3", EVERYWHERE),
        CLAIM(a_handle_may_be_closed_between_two_halves, "3", EVERYWHERE),
        CLAIM(nothing_is_said_to_main_between_two_routed_halves, "3, 19", EVERYWHERE),
        CLAIM(an_error_of_a_cache_statement_comes_with_the_second_half, "3", EVERYWHERE),
        CLAIM(an_error_comes_with_the_second_half, "3", EVERYWHERE),
        CLAIM(nothing_is_routed_between_two_halves_on_main, "3", EVERYWHERE),
        CLAIM(what_was_sent_by_halves_changes_the_session, "3, 42", EVERYWHERE),
        CLAIM(several_results_of_main_are_read_in_turn, "2", EVERYWHERE),
        CLAIM(looking_for_more_results_does_no_harm, "2", EVERYWHERE),
        CLAIM(a_replace_that_returns_rows_is_read_like_a_select, "72", EVERYWHERE),
        CLAIM(an_unbuffered_result_outlives_its_handle, "8", EVERYWHERE),
        CLAIM(an_unbuffered_result_outlives_the_next_connect, "8", EVERYWHERE),
        CLAIM(a_stored_result_outlives_its_handle, "8", EVERYWHERE),
        CLAIM(texts_of_the_shadow_outlive_its_loss, "14", EVERYWHERE),
    };
    return RUN_CLAIMS(claims);
}
