/* A local master that is down, refuses, or is lost: the statement runs on main, once, and the program sees
 * only that; one line is logged per change. */
#define _GNU_SOURCE
#include "claims.h"

#include "../../page/files.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define L_REPLACE "local: " REPLACE_CACHE "\n"
#define M_REPLACE "main: " REPLACE_CACHE "\n"

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void from_main(MYSQL *mysql) {
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    NUMBER(mysql_errno(mysql), 0);
}

static void from_local(MYSQL *mysql) {
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    NUMBER(mysql_errno(mysql), 0);
}

static void a_local_master_that_is_down_costs_one_try_a_period(void) {
    configure("retry_after_ms = 300;", NULL);
    fake_fail_connect(FAKE_LOCAL, 2003, "Can't connect to server", -1);
    MYSQL *mysql = connect_main();
    MYSQL *second = connect_main();
    for (int i = 0; i < 20; i++) {
        from_main(i % 2 ? mysql : second);
    }
    if (is_preloaded()) {
        NUMBER(fake_session_count(FAKE_LOCAL), 1);
        NUMBER(count_log_lines("local master lost"), 1);
        NUMBER(count_log_lines("roundabout["), 1);
    }
    usleep(350 * 1000);
    from_main(mysql);
    from_main(second);
    if (is_preloaded()) {
        NUMBER(fake_session_count(FAKE_LOCAL), 2); /* one probes for all */
        NUMBER(count_log_lines("roundabout["), 1);
    }
    fake_fail_connect(FAKE_LOCAL, 0, NULL, 0);
    usleep(350 * 1000);
    from_local(mysql);
    from_local(second);
    if (is_preloaded()) {
        NUMBER(count_log_lines("is back"), 1);
        NUMBER(count_log_lines("roundabout["), 2);
    }
}

static void a_shadow_that_went_while_idle_is_opened_anew(void) {
    MYSQL *mysql = connect_main();
    from_local(mysql);
    fake_kill_sessions(FAKE_LOCAL);
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_affected_rows(mysql), 1);
    if (is_preloaded()) {
        NUMBER(fake_session_count(FAKE_LOCAL), 2);
        NUMBER(fake_journal_count(from, FAKE_MAIN, "REPLACE"), 0);
        NUMBER(count_log_lines("roundabout["), 0);
    }
}

static void a_statement_lost_in_the_middle_is_said_once_more(void) {
    MYSQL *mysql = connect_main();
    from_local(mysql);
    fake_fail(FAKE_LOCAL, REPLACE_CACHE, 2013, "Lost connection", 1);
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, L_REPLACE
            "local2: /connect *\nlocal2: SELECT @@*\nlocal2: SET SESSION *\nlocal2: " REPLACE_CACHE "\n");
}

static void a_statement_lost_twice_runs_on_main(void) {
    configure("retry_after_ms = 200;", NULL);
    MYSQL *mysql = connect_main();
    from_local(mysql);
    fake_fail(FAKE_LOCAL, REPLACE_CACHE, 2013, "Lost connection", 2);
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_affected_rows(mysql), 1);
    NUMBER(mysql_errno(mysql), 0);
    from_main(mysql);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_MAIN, REPLACE_CACHE), 1);
        NUMBER(count_log_lines("local master lost"), 1);
    }
    usleep(250 * 1000);
    from_local(mysql);
}

/* It may have run before the connection was lost: said again there, an UPDATE counts twice and an INSERT
 * meets its own row. Main runs it, once. */
static void what_can_not_be_repeated_is_said_once_at_each(void) {
    static const char *const texts[] = {"INSERT INTO shop.counter VALUES (1)",
                                        "UPDATE shop.counter SET n = n + 1",
                                        "DELETE FROM shop.counter WHERE n = 3"};
    MYSQL *mysql = connect_main();
    from_local(mysql);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fake_fail(FAKE_LOCAL, texts[i], 2013, "Lost connection", 1);
        size_t from = fake_journal_length();
        SQL(mysql, texts[i]);
        NUMBER(mysql_affected_rows(mysql), 1);
        if (is_preloaded() && i < 2) {
            NUMBER(fake_journal_count(from, FAKE_LOCAL, texts[i]), 1);
            NUMBER(fake_journal_count(from, FAKE_MAIN, texts[i]), 1);
        }
    }
}

static void a_slow_local_master_is_waited_for_once(void) {
    configure("read_timeout_s = 1; retry_after_ms = 60000;", NULL);
    MYSQL *mysql = connect_main();
    from_local(mysql);
    fake_fail_slowly(FAKE_LOCAL, SELECT_CACHE, 2013, -1, 1050);
    double started = now_s();
    for (int i = 0; i < 10; i++) {
        from_main(mysql);
    }
    TRUE_THAT(now_s() - started < 2.0);
    if (is_preloaded()) {
        NUMBER(count_log_lines("local master lost"), 1);
    }
}

static void a_hundred_losses_change_no_result(void) {
    configure("retry_after_ms = 100;", NULL);
    MYSQL *mysql = connect_main();
    for (int i = 0; i < 100; i++) {
        char part[64], text[128];
        snprintf(part, sizeof part, "'k%d'", i % 10);
        snprintf(text, sizeof text, "REPLACE INTO shop.cache VALUES ('k%d', 1), ('x', 2)", i % 10);
        fake_fail(FAKE_LOCAL, part, i % 3 ? 2013 : 2006, "Lost", i % 2 ? 1 : 2);
        SQL(mysql, text);
        NUMBER(mysql_affected_rows(mysql), 2);
        TEXT(mysql_info(mysql), "Records: 2  Duplicates: 0  Warnings: 0");
        NUMBER(mysql_errno(mysql), 0);
        NUMBER(mysql_warning_count(mysql), 0);
        fake_fail(FAKE_LOCAL, part, 0, NULL, 0);
        SQL(mysql, SELECT_CACHE);
        MYSQL_RES *rows = mysql_store_result(mysql);
        NUMBER(mysql_num_rows(rows), 2);
        mysql_free_result(rows);
        if (i % 20 == 0) {
            usleep(120 * 1000);
        }
    }
    mysql_close(mysql);
    NUMBER(fake_alive(), 0);
}

static void a_shadow_lost_while_main_is_lost_says_what_main_says(void) {
    MYSQL *mysql = connect_main();
    from_local(mysql);
    fake_kill_sessions(FAKE_LOCAL);
    fake_kill_sessions(FAKE_MAIN);
    fake_fail_connect(FAKE_LOCAL, 2003, NULL, -1);
    NUMBER(mysql_query(mysql, REPLACE_CACHE), 1);
    NUMBER(mysql_errno(mysql), 2006);
}

static void refused_logins_are_left_alone_for_a_while(void) {
    static const unsigned errors[] = {1045, 1130, 1044, 2059, 1040};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        unsigned before = fake_session_count(FAKE_LOCAL);
        fake_fail_connect(FAKE_LOCAL, errors[i], "Access denied for user 'app'@'lyon'", -1);
        MYSQL *mysql = connect_main();
        for (int k = 0; k < 5; k++) {
            from_main(mysql);
        }
        if (is_preloaded()) {
            TRUE_THAT(fake_session_count(FAKE_LOCAL) <= before + 1);
        }
        mysql_close(mysql);
    }
    if (is_preloaded()) {
        TRUE_THAT(count_log_lines("roundabout[") <= sizeof errors / sizeof *errors + 1);
    }
}

static void a_login_refused_once_is_tried_again(void) {
    configure("retry_after_ms = 200;", NULL);
    fake_fail_connect(FAKE_LOCAL, 1045, "Access denied", -1);
    MYSQL *mysql = connect_main();
    from_main(mysql);
    from_main(mysql);
    if (is_preloaded()) {
        NUMBER(count_log_lines("1045"), 1);
    }
    fake_fail_connect(FAKE_LOCAL, 0, NULL, 0);
    usleep(250 * 1000);
    from_local(mysql);
    if (is_preloaded()) {
        NUMBER(count_log_lines("again"), 1);
        NUMBER(count_log_lines("roundabout["), 2);
    }
}

static void what_only_the_local_master_refuses_runs_on_main(void) {
    static const unsigned errors[] = {1146, 1049, 1142, 1143, 1290, 1036, 1054, 1114,
                                      1227, 1836, 1030, 3100, 1048, 1136, 1366, 1406};
    MYSQL *mysql = connect_main();
    from_local(mysql);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        fake_fail(FAKE_LOCAL, REPLACE_CACHE, errors[i], "refused there", 1);
        size_t from = fake_journal_length();
        SQL(mysql, REPLACE_CACHE);
        NUMBER(mysql_affected_rows(mysql), 1);
        NUMBER(mysql_errno(mysql), 0);
        JOURNAL(from, L_REPLACE M_REPLACE);
    }
}

static void a_refused_table_is_one_line(void) {
    MYSQL *mysql = connect_main();
    from_local(mysql);
    fake_fail(FAKE_LOCAL, "shop.page_1", 1146, "Table 'shop.page_1' doesn't exist", -1);
    for (int i = 0; i < 10; i++) {
        SQL(mysql, "SELECT v FROM shop.page_1");
        TEXT(first_cell(mysql), "main:1");
    }
    from_local(mysql);
    if (is_preloaded()) {
        NUMBER(count_log_lines("page_1"), 1);
        NUMBER(count_log_lines("roundabout["), 1);
    }
    fake_fail(FAKE_LOCAL, "shop.page_1", 0, NULL, 0);
    if (is_preloaded()) {
        /* it is asked again at once or after a while, never without end */
        for (int i = 0; i < 100; i++) {
            SQL(mysql, "SELECT v FROM shop.page_1");
            if (strcmp(first_cell(mysql), "local:1") == 0) {
                break;
            }
            usleep(100 * 1000);
        }
        NUMBER(count_log_lines("page_1"), 2);
    }
}

static void what_main_would_have_said_too_is_told(void) {
    static const unsigned errors[] = {1062, 1064, 1205, 1242, 1317, 1690, 1792, 3024};
    MYSQL *mysql = connect_main();
    from_local(mysql);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        fake_fail(FAKE_LOCAL, "'odd'", errors[i], "as main would say", 1);
        fake_fail(FAKE_MAIN, "'odd'", errors[i], "as main would say", 1);
        size_t from = fake_journal_length();
        NUMBER(mysql_query(mysql, "REPLACE INTO shop.cache VALUES ('odd', 1)"), 1);
        NUMBER(mysql_errno(mysql), errors[i]);
        TEXT(mysql_error(mysql), "as main would say");
        JOURNAL(from, "local: REPLACE INTO shop.cache VALUES ('odd', 1)\n");
    }
}

static void an_error_of_both_is_mains(void) {
    MYSQL *mysql = connect_main();
    from_local(mysql);
    fake_fail(FAKE_LOCAL, REPLACE_CACHE, 1142, "command denied to user 'app'@'lyon'", -1);
    fake_fail(FAKE_MAIN, REPLACE_CACHE, 1142, "command denied to user 'app'@'paris'", -1);
    NUMBER(mysql_query(mysql, REPLACE_CACHE), 1);
    NUMBER(mysql_errno(mysql), 1142);
    TEXT(mysql_error(mysql), "command denied to user 'app'@'paris'");
}

static void a_read_only_local_master_is_passed_by(void) {
    MYSQL *mysql = connect_main();
    from_local(mysql);
    fake_fail(FAKE_LOCAL, "REPLACE", 1290, "running with the --read-only option", -1);
    for (int i = 0; i < 5; i++) {
        SQL(mysql, REPLACE_CACHE);
        NUMBER(mysql_errno(mysql), 0);
    }
    if (is_preloaded()) {
        NUMBER(fake_journal_count(0, FAKE_MAIN, REPLACE_CACHE), 5);
        NUMBER(count_log_lines("1290"), 1);
    }
}

static void longer_statements_than_it_takes_stay_on_main(void) {
    fake_set_global(FAKE_LOCAL, "max_allowed_packet", "1024");
    MYSQL *mysql = connect_main();
    from_local(mysql);
    char text[2100];
    memset(text, 'x', sizeof text);
    memcpy(text, "REPLACE INTO shop.cache VALUES ('", 33);
    memcpy(text + sizeof text - 4, "')", 3);
    size_t from = fake_journal_length();
    SQL(mysql, text);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "REPLACE"), 0);
        NUMBER(fake_journal_count(from, FAKE_MAIN, "REPLACE"), 1);
    }
    from_local(mysql);
}

static void a_server_of_another_kind_is_not_used(void) {
    fake_set_global(FAKE_LOCAL, "version", "8.0.40");
    configure("retry_after_ms = 60000;", NULL);
    MYSQL *mysql = connect_main();
    MYSQL *second = connect_main();
    for (int i = 0; i < 5; i++) {
        from_main(mysql);
        from_main(second);
    }
    if (is_preloaded()) {
        TRUE_THAT(fake_session_count(FAKE_LOCAL) <= 2);
        NUMBER(count_log_lines("two kinds"), 1);
        NUMBER(count_log_lines("roundabout["), 1);
    }
}

static void a_server_of_another_age_is_not_used(void) {
    fake_set_global(FAKE_LOCAL, "version", fake_is_oracle() ? "8.4.0" : "11.4.2-MariaDB");
    MYSQL *mysql = connect_main();
    from_main(mysql);
    if (is_preloaded()) {
        NUMBER(count_log_lines("roundabout["), 1);
    }
}

static void a_main_that_tells_nothing_is_left_alone(void) {
    fake_fail(FAKE_MAIN, "SELECT @@version", 1193, "Unknown system variable", -1);
    MYSQL *mysql = connect_main();
    from_main(mysql);
    from_main(mysql);
    SQL(mysql, INSERT_MAIN);
    TRUE_THAT(mysql_insert_id(mysql) != 0);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(0, FAKE_MAIN, "SELECT @@version"), 1);
        NUMBER(fake_session_count(FAKE_LOCAL), 0);
        NUMBER(count_log_lines("roundabout["), 1);
    }
}

static void main_lost_while_it_is_asked_is_the_programs_own_loss(void) {
    fake_fail(FAKE_MAIN, "SELECT @@version", 2013, "Lost connection", 1);
    MYSQL *mysql = connect_main();
    if (is_preloaded()) {
        NUMBER(mysql_query(mysql, REPLACE_CACHE), 1);
        TRUE_THAT(mysql_errno(mysql) == 2006 || mysql_errno(mysql) == 2013);
    }
}

static void a_lost_shadow_leaves_no_descriptors(void) {
    MYSQL *mysql = connect_main();
    for (int i = 0; i < 50; i++) {
        from_local(mysql);
        fake_kill_sessions(FAKE_LOCAL);
    }
    TRUE_THAT(fake_alive() <= 3); /* main, the shadow, and the one before it */
    mysql_close(mysql);
    NUMBER(fake_alive(), 0);
}

/* What a daemon would write about its own site, so long ago; -1: the local master answers. */
static void say_silent(int64_t silent_ms, int64_t age_ms) {
    char name[64];
    int directory = page_open_directory(claims_stats_folder(), NULL, NULL, 0);
    page_name_site(name, "/run/local.sock");
    struct page_site *page = page_open_shared(directory, PAGE_SITE, 0644, name);
    TRUE_THAT(page != NULL);
    if (page) {
        int64_t now_ms = (int64_t)(now_s() * 1000);
        page->silent_since_ms = silent_ms < 0 ? 0 : now_ms - silent_ms;
        page->at_ms = now_ms - age_ms;
        page_unmap(page, PAGE_SITE);
    }
    close(directory);
}

static void what_the_daemon_says_of_a_silence_spares_the_first_try(void) {
    configure("retry_after_ms = 300;", NULL);
    fake_fail_connect(FAKE_LOCAL, 2003, "Can't connect to server", -1);
    say_silent(8000, 0);
    MYSQL *mysql = connect_main();
    MYSQL *second = connect_main();
    for (int i = 0; i < 10; i++) {
        from_main(i % 2 ? mysql : second);
    }
    NUMBER(fake_session_count(FAKE_LOCAL), 0);
    NUMBER(count_log_lines("local master lost: the daemon says"), 1);
    NUMBER(count_log_lines("roundabout["), 1);
    usleep(350 * 1000);
    from_main(mysql); /* after the period it is tried as ever, whatever the page says */
    from_main(second);
    NUMBER(fake_session_count(FAKE_LOCAL), 1);
    NUMBER(count_log_lines("roundabout["), 1);
}

static void a_daemon_that_is_wrong_costs_one_period(void) {
    configure("retry_after_ms = 300;", NULL);
    say_silent(8000, 0);
    MYSQL *mysql = connect_main();
    from_main(mysql);
    usleep(350 * 1000);
    say_silent(8350, 0);
    from_local(mysql);
    for (int i = 0; i < 3; i++) {
        MYSQL *another = connect_main();
        from_local(another); /* it goes on saying so, and isn't believed again */
        mysql_close(another);
        usleep(260 * 1000);
    }
    say_silent(-1, 0);
    usleep(260 * 1000);
    MYSQL *third = connect_main();
    from_local(third);
    say_silent(10, 0); /* another silence */
    usleep(260 * 1000);
    from_local(third); /* a shadow that is open finds out for itself */
    from_main(connect_main());
    NUMBER(count_log_lines("local master lost"), 2);
    NUMBER(count_log_lines("is back"), 1);
}

static void what_was_found_up_since_is_not_believed_silent(void) {
    configure("retry_after_ms = 200;", NULL);
    fake_fail_connect(FAKE_LOCAL, 2003, "Can't connect to server", 1);
    MYSQL *mysql = connect_main();
    from_main(mysql);
    usleep(250 * 1000);
    from_local(mysql); /* found down, and up again, by this process, before the daemon has said anything */
    say_silent(5000, 0);
    usleep(260 * 1000);
    from_local(connect_main());
    NUMBER(count_log_lines("local master lost"), 1);
}

static void a_silence_that_nobody_says_now_is_no_silence(void) {
    say_silent(-1, 0);
    from_local(connect_main());
    usleep(260 * 1000);
    say_silent(60000, PAGE_SITE_LAST_MS + 100); /* the daemon has ended */
    from_local(connect_main());
    usleep(260 * 1000);
    say_silent(60000, -100000); /* of another boot */
    from_local(connect_main());
    usleep(260 * 1000);
    char name[64];
    int directory = page_open_directory(claims_stats_folder(), NULL, NULL, 0);
    page_name_site(name, "/run/local.sock");
    say_silent(60000, 0);
    NUMBER(fchmodat(directory, name, 0666, 0), 0); /* anybody might have written it */
    from_local(connect_main());
    usleep(260 * 1000);
    NUMBER(count_log_lines("roundabout["), 0);
    NUMBER(fchmodat(directory, name, 0644, 0), 0);
    from_main(connect_main());
    close(directory);
}

int main(int argc, char **argv) {
    static const struct claim claims[] = {
        CLAIM(a_local_master_that_is_down_costs_one_try_a_period, "31", EVERYWHERE),
        CLAIM(a_shadow_that_went_while_idle_is_opened_anew, "31", EVERYWHERE),
        CLAIM(a_statement_lost_in_the_middle_is_said_once_more, "31", EVERYWHERE),
        CLAIM(a_statement_lost_twice_runs_on_main, "31", EVERYWHERE),
        CLAIM(what_can_not_be_repeated_is_said_once_at_each, "31", EVERYWHERE),
        CLAIM(a_slow_local_master_is_waited_for_once, "31", EVERYWHERE),
        CLAIM(a_hundred_losses_change_no_result, "31", EVERYWHERE),
        CLAIM(a_shadow_lost_while_main_is_lost_says_what_main_says, "31", EVERYWHERE),
        CLAIM(refused_logins_are_left_alone_for_a_while, "33", EVERYWHERE),
        CLAIM(a_login_refused_once_is_tried_again, "33", EVERYWHERE),
        CLAIM(what_only_the_local_master_refuses_runs_on_main, "33", EVERYWHERE),
        CLAIM(a_refused_table_is_one_line, "", EVERYWHERE),
        CLAIM(what_main_would_have_said_too_is_told, "40", EVERYWHERE),
        CLAIM(an_error_of_both_is_mains, "40", EVERYWHERE),
        CLAIM(a_read_only_local_master_is_passed_by, "", EVERYWHERE),
        CLAIM(longer_statements_than_it_takes_stay_on_main, "36", EVERYWHERE),
        CLAIM(a_server_of_another_kind_is_not_used, "39", EVERYWHERE),
        CLAIM(a_server_of_another_age_is_not_used, "39", EVERYWHERE),
        CLAIM(a_main_that_tells_nothing_is_left_alone, "", EVERYWHERE),
        CLAIM(main_lost_while_it_is_asked_is_the_programs_own_loss, "", EVERYWHERE),
        CLAIM(a_lost_shadow_leaves_no_descriptors, "27", EVERYWHERE),
        CLAIM(what_the_daemon_says_of_a_silence_spares_the_first_try, "31", SHIM_ONLY),
        CLAIM(a_daemon_that_is_wrong_costs_one_period, "", SHIM_ONLY),
        CLAIM(what_was_found_up_since_is_not_believed_silent, "", SHIM_ONLY),
        CLAIM(a_silence_that_nobody_says_now_is_no_silence, "", SHIM_ONLY),
    };
    return RUN_CLAIMS(claims);
}
