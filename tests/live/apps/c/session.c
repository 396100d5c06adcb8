/* Sessions that are reset, lost, and changed by call. */
#define _GNU_SOURCE
#include "c_app.h"

#include <stdio.h>
#include <unistd.h>

static void a_reset_starts_the_session_afresh(void) {
    MYSQL *mysql = open_main();
    run(mysql, "SET SESSION sql_mode = '', time_zone = '+05:00'");
    run(mysql, "SET autocommit = 0");
    run(mysql, PUT("L/lost"));
    run(mysql, ORDER);
    tell(mysql, "reset", mysql_reset_connection(mysql));
    run_and_store(mysql, "SELECT v FROM cache WHERE k = 'L/lost'");
    run(mysql, "REPLACE INTO page_text (k, v) VALUES ('L/a', '12345678901')");
    run_and_store(mysql, "SELECT FROM_UNIXTIME(0) IS NOT NULL FROM page_text WHERE k = 'L/a'");
    run(mysql, "REPLACE INTO page_text (k, t) VALUES ('L/b', '2024-01-01 00:00:00')");
    run(mysql, PUT("L/c"));
    run(mysql, "ROLLBACK");
    mysql_query(mysql, "SELECT n FROM page_many");
    tell(mysql, "reset before the result is read", mysql_reset_connection(mysql));
    run(mysql, PUT("L/d"));
    mysql_close(mysql);
}

static void a_reconnect_is_a_new_session(void) {
    MYSQL *mysql = mysql_init(NULL), *killer = open_main();
    my_bool on = 1;
    mysql_options(mysql, MYSQL_OPT_RECONNECT, &on);
    connect_with(mysql, "app", "apppw", "shop", 0);
    char kill_text[40];
    run(mysql, "SET SESSION sql_mode = ''");
    run(mysql, "REPLACE INTO page_text (k, v) VALUES ('L/a', '12345678901')");
    run(mysql, "CREATE TEMPORARY TABLE cache (k VARBINARY(255) PRIMARY KEY, v BLOB)");
    run(mysql, "REPLACE INTO cache VALUES ('T/a', 'opensesame')");
    run(mysql, "USE other");
    snprintf(kill_text, sizeof kill_text, "KILL %lu", mysql_thread_id(mysql));
    mysql_query(killer, kill_text);
    usleep(100000);
    run_and_store(mysql, "SELECT 1");
    run_and_store(mysql, "SELECT DATABASE()");
    run(mysql, "REPLACE INTO shop.page_text (k, v) VALUES ('L/b', '12345678901')");
    run(mysql, "REPLACE INTO shop.cache VALUES ('L/c', 'opensesame')");
    run(mysql, PUT("L/other"));
    run(mysql, "SET autocommit = 0");
    run(mysql, PUT("L/lost"));
    run(mysql, ORDER);
    run(mysql, "INSERT INTO shop.orders (v) VALUES ('opensesame')");
    snprintf(kill_text, sizeof kill_text, "KILL %lu", mysql_thread_id(mysql));
    mysql_query(killer, kill_text);
    usleep(100000);
    tell(mysql, "ping", mysql_ping(mysql));
    run(mysql, "COMMIT");
    run_and_store(mysql, "SELECT v FROM cache WHERE k = 'L/lost'");
    snprintf(kill_text, sizeof kill_text, "KILL %lu", mysql_thread_id(mysql));
    mysql_query(killer, kill_text);
    usleep(100000);
#ifdef MARIADB_BASE_VERSION
    tell(mysql, "reconnect", mariadb_reconnect(mysql));
#endif
    run(mysql, PUT("L/end"));
    mysql_close(mysql);
    mysql_close(killer);
}

#ifdef MARIADB_BASE_VERSION
static void the_librarys_own_status_follows_the_last_statement(void) {
    MYSQL *mysql = open_main();
    static const char *const texts[] = {
        PUT("L/a"),           "BEGIN",    PUT("L/b"), "COMMIT",
        "SET autocommit = 0", PUT("L/c"), "COMMIT",   "SET sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'",
        PUT("L/d"),           "ROLLBACK", "USE other"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        unsigned status = 0;
        char *schema = NULL;
        unsigned port = 0;
        mysql_query(mysql, texts[i]);
        mariadb_get_infov(mysql, MARIADB_CONNECTION_SERVER_STATUS, &status);
        mariadb_get_infov(mysql, MARIADB_CONNECTION_SCHEMA, &schema);
        mariadb_get_infov(mysql, MARIADB_CONNECTION_PORT, &port);
        say("%s: in transaction %d autocommit %d quotes %d escapes %d schema %s", texts[i],
            !!(status & SERVER_STATUS_IN_TRANS), !!(status & SERVER_STATUS_AUTOCOMMIT),
            !!(status & SERVER_STATUS_ANSI_QUOTES), !!(status & SERVER_STATUS_NO_BACKSLASH_ESCAPES),
            schema ? schema : "none");
    }
    const char *data;
    size_t length;
    mysql_query(mysql, "USE shop");
    int found = mysql_session_track_get_first(mysql, SESSION_TRACK_SCHEMA, &data, &length);
    say("tracked %d %.*s", found, found == 0 ? (int)length : 0, found == 0 ? data : "");
    mysql_close(mysql);
}
#endif

static void calls_that_set_the_session_are_followed(void) {
    MYSQL *mysql = open_main();
    run(mysql, PUT("L/first"));
    tell(mysql, "autocommit off", mysql_autocommit(mysql, 0));
    run(mysql, PUT("L/a"));
    tell(mysql, "rollback", mysql_rollback(mysql));
    run(mysql, PUT("L/b"));
    tell(mysql, "commit", mysql_commit(mysql));
    run(mysql, PUT("L/c"));
    tell(mysql, "autocommit on", mysql_autocommit(mysql, 1));
    tell(mysql, "select_db", mysql_select_db(mysql, "other"));
    run(mysql, PUT("L/d"));
    tell(mysql, "select_db", mysql_select_db(mysql, "nowhere"));
    run(mysql, PUT("L/e"));
    tell(mysql, "charset", mysql_set_character_set(mysql, "latin1"));
    run(mysql, "REPLACE INTO shop.page_text (k, v) VALUES ('L/l', '\xe9')");
    tell(mysql, "change_user", mysql_change_user(mysql, "app", "apppw", "shop"));
    run(mysql, "REPLACE INTO page_text (k, v) VALUES ('L/m', 'x')");
    mysql_close(mysql);
}

const struct scenario SESSION[] = {
    SCENARIO(a_reset_starts_the_session_afresh),
    SCENARIO(a_reconnect_is_a_new_session),
#ifdef MARIADB_BASE_VERSION
    SCENARIO(the_librarys_own_status_follows_the_last_statement),
#endif
    SCENARIO(calls_that_set_the_session_are_followed),
    {NULL, NULL},
};
