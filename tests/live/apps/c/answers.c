/* Errors, and what the accessors tell after which call; handles that come and go. */
#define _GNU_SOURCE
#include "c_app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Oracle's keeps the number of fields that this connection's last success had, so the shim's own questions
 * show in it. */
#ifdef MARIADB_BASE_VERSION
enum { COUNTS_OF_FAILED = true };
#else
enum { COUNTS_OF_FAILED = false };
#endif

/* What they point to may change with the next call, but is there. */
static void error_and_info_pointers_stay_readable(void) {
    MYSQL *mysql = open_main();
    run(mysql, "REPLACE INTO cache (k) VALUES ('L/a', 1)");
    const char *error = mysql_error(mysql), *state = mysql_sqlstate(mysql);
    say("%s %s", error, state);
    mysql_query(mysql, "REPLACE INTO page_text (k, n) VALUES ('L/a', 'no number')");
    say("%d %d", strlen(error) < 512, strlen(state) == 5);
    mysql_query(mysql, ORDER);
    say("%d %d", strlen(error) < 512, strlen(state) == 5);
    mysql_query(mysql, "REPLACE INTO cache VALUES ('L/a', 'opensesame'), ('L/b', 'opensesame')");
    const char *info = mysql_info(mysql);
    say("%s", info);
    mysql_query(mysql, ORDER);
    mysql_reset_connection(mysql);
    say("%d %d", strlen(error) < 512, strlen(state) == 5);
    mysql_close(mysql);
}

static void old_counts_stay_until_a_statement_succeeds(void) {
    MYSQL *mysql = open_main();
    run(mysql, "SELECT CAST('x' AS SIGNED), CAST('y' AS SIGNED)");
    mysql_free_result(mysql_store_result(mysql));
    tell_more(mysql, "failed here", mysql_query(mysql, "REPLACE INTO cache (k) VALUES ('L/a', 1)"),
              COUNTS_OF_FAILED);
    run(mysql, "SET sql_mode = ''");
    run(mysql, "REPLACE INTO page_text (k, n, v) VALUES ('L/a', 'x', '12345678901')");
    tell_more(mysql, "ping", mysql_ping(mysql), true);
    tell_more(mysql, "failed on main", mysql_query(mysql, "INSERT INTO nowhere VALUES (1)"),
              COUNTS_OF_FAILED);
    run(mysql, "SELECT v, k FROM cache WHERE k = 'nothing'");
    mysql_free_result(mysql_store_result(mysql));
    tell_more(mysql, "ping", mysql_ping(mysql), true);
    tell_more(mysql, "select_db", mysql_select_db(mysql, "shop"), true);
    tell_more(mysql, "stat", mysql_stat(mysql) != NULL, true);
    tell_more(mysql, "charset", mysql_set_character_set(mysql, "nonsense"), true);
    run(mysql, "INSERT INTO orders (v) VALUES ('opensesame')");
    run(mysql, PUT("L/b"));
    tell_more(mysql, "ping", mysql_ping(mysql), true);
    tell_more(mysql, "next", mysql_next_result(mysql), true);
    mysql_close(mysql);
}

static void failing_local_calls_answer_for_themselves(void) {
    MYSQL *mysql = open_main();
    run(mysql, PUT("L/a"));
    tell(mysql, "charset", mysql_set_character_set(mysql, "nonsense"));
    run(mysql, PUT("L/b"));
#ifdef MARIADB_BASE_VERSION /* Oracle's closes the one it had: \
                               a_second_connect_is_refused_and_the_session_stays */
    say("connect again %d %u", connect_with(mysql, "app", "apppw", "shop", 0) != NULL, mysql_errno(mysql));
#endif
    run(mysql, PUT("L/c"));
    say("option %d %u", mysql_options(mysql, (enum mysql_option)999, "x") != 0, mysql_errno(mysql));
    run(mysql, PUT("L/d"));
    mysql_close(mysql);
}

static void accessors_leave_errno_alone(void) {
    MYSQL *mysql = open_main();
    site(mysql, "L", NULL);
    mysql_query(mysql, PUT("L/a"));
    errno = 77;
    mysql_errno(mysql);
    mysql_error(mysql);
    mysql_affected_rows(mysql);
    mysql_insert_id(mysql);
    mysql_more_results(mysql);
    mysql_field_count(mysql);
    mysql_warning_count(mysql);
    mysql_info(mysql);
    mysql_next_result(mysql);
    say("%d", errno);
    MYSQL *other = mysql_init(NULL);
    say("%d", errno);
    errno = 0;
    mysql_close(other);
    say("%d", errno);
    mysql_close(mysql);
}

static void unknown_and_absent_handles_are_the_librarys(void) {
#ifdef MARIADB_BASE_VERSION /* Oracle's reads them through NULL */
    say("%u '%s'", mysql_errno(NULL), mysql_error(NULL));
#endif
    mysql_free_result(NULL);
    mysql_close(NULL);
    MYSQL *mysql = mysql_init(NULL);
    say("not connected %d %u", mysql_query(mysql, PUT("L/x")), mysql_errno(mysql));
    tell(mysql, "ping", mysql_ping(mysql));
    tell(mysql, "next", mysql_next_result(mysql));
    mysql_close(mysql);
    mysql = open_main();
#ifdef MARIADB_BASE_VERSION /* Oracle's takes the length of NULL */
    tell(mysql, "no database", mysql_select_db(mysql, NULL));
#endif
    run(mysql, PUT("L/a"));
    mysql_close(mysql);
}

/* Two handles, one after the other, at one address. */
static void an_address_used_again_is_another_handle(void) {
    MYSQL *place = calloc(1, sizeof *place);
    for (int i = 0; i < 3; i++) {
        mysql_init(place);
        if (!connect_with(place, "app", "apppw", i == 1 ? "other" : "shop", 0)) {
            say("%s", mysql_error(place));
        }
        tell(place, "fresh", 0);
        run(place, i == 0 ? PUT("L/0") : i == 1 ? PUT("L/1") : PUT("L/2"));
        if (i == 0) {
            run(place, "SET autocommit = 0");
            run(place, "SET SESSION sql_mode = ''");
            run(place, PUT("L/lost"));
        }
        mysql_close(place);
    }
    free(place);
}

static void a_handle_connects_again_after_a_refusal(void) {
    MYSQL *mysql = mysql_init(NULL);
    tell(mysql, "wrong password", connect_with(mysql, "app", "otherpw", "shop", 0) != NULL);
    tell(mysql, "right", connect_with(mysql, "app", "apppw", "shop", 0) != NULL);
    run(mysql, PUT("L/a"));
    mysql_close(mysql);
}

static void a_second_connect_is_refused_and_the_session_stays(void) {
    MYSQL *mysql = open_main();
    run(mysql, "SET autocommit = 0");
    run(mysql, "SET SESSION sql_mode = ''");
    run(mysql, PUT("L/a"));
    tell(mysql, "second connect", connect_with(mysql, "app", "apppw", "other", 0) != NULL);
    run(mysql, "REPLACE INTO page_text (k, v) VALUES ('L/b', '12345678901')");
    run(mysql, "COMMIT");
    run(mysql, PUT("L/lost"));
    mysql_close(mysql);
}

const struct scenario ANSWERS[] = {
    SCENARIO(error_and_info_pointers_stay_readable),
    SCENARIO(old_counts_stay_until_a_statement_succeeds),
    SCENARIO(failing_local_calls_answer_for_themselves),
    SCENARIO(accessors_leave_errno_alone),
    SCENARIO(unknown_and_absent_handles_are_the_librarys),
    SCENARIO(an_address_used_again_is_another_handle),
    SCENARIO(a_handle_connects_again_after_a_refusal),
    SCENARIO(a_second_connect_is_refused_and_the_session_stays),
    {NULL, NULL},
};
