/* The shadow's session in step with main's: database, character set, modes and the other settings, by text,
 * by call and by what servers report. */
#define _GNU_SOURCE
#include "claims.h"

#define UNQUALIFIED "REPLACE INTO cache VALUES (1, 2)"

/* Both sessions hold the same value; the shadow's is the n-th of the local master. */
#define SAME(session, name)                                                                    \
    do {                                                                                       \
        if (is_preloaded()) {                                                                  \
            TEXT(fake_variable(FAKE_LOCAL, session, name), fake_variable(FAKE_MAIN, 1, name)); \
        }                                                                                      \
    } while (0)

static const char *const NAMES[] = {"character_set_client",
                                    "character_set_results",
                                    "collation_connection",
                                    "sql_mode",
                                    "time_zone",
                                    "lc_time_names",
                                    "group_concat_max_len",
                                    "div_precision_increment",
                                    "foreign_key_checks",
                                    "unique_checks",
                                    "sql_select_limit",
                                    "database"};

static void all_same(unsigned session) {
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        SAME(session, NAMES[i]);
    }
}

static const char *const SETTINGS[] = {
    "SET NAMES latin1",
    "SET NAMES 'latin1' COLLATE 'latin1_swedish_ci'",
    "SET CHARACTER SET latin1",
    "SET sql_mode = ''",
    "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
    "SET @@session.time_zone = '+01:00'",
    "SET time_zone = '+01:00', lc_time_names = 'de_DE', group_concat_max_len = 7",
    "set session div_precision_increment = 9",
    "SET LOCAL foreign_key_checks = 0",
    "SET unique_checks=0, foreign_key_checks=0, sql_mode='NO_AUTO_VALUE_ON_ZERO'",
    "SET collation_connection = 'utf8mb4_bin'",
    "SET lc_time_names = @@session.time_zone",
    "SET sql_select_limit = 10",
    "USE shop",
};
enum { SETTING_COUNT = sizeof SETTINGS / sizeof *SETTINGS };

static void a_setting_made_before_the_shadow_is_there_too(void) {
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        MYSQL *mysql = connect_main();
        SQL(mysql, SETTINGS[i]);
        SQL(mysql, REPLACE_CACHE);
        for (size_t k = 0; k < sizeof NAMES / sizeof *NAMES && is_preloaded(); k++) {
            TEXT(fake_variable(FAKE_LOCAL, (unsigned)i + 1, NAMES[k]),
                 fake_variable(FAKE_MAIN, (unsigned)i + 1, NAMES[k]));
        }
        mysql_close(mysql);
    }
}

static void a_setting_made_later_is_made_before_the_next_cache_statement(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        SQL(mysql, SETTINGS[i]);
        SQL(mysql, REPLACE_CACHE);
        all_same(1);
    }
}

static void settings_keep_their_order(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "SET collation_connection = 'utf8mb4_bin'");
    SQL(mysql, "SET NAMES utf8mb4"); /* takes the collation back */
    SQL(mysql, REPLACE_CACHE);
    all_same(1);
    SQL(mysql, "SET NAMES latin1");
    SQL(mysql, "SET collation_connection = 'latin1_bin'");
    SQL(mysql, REPLACE_CACHE);
    all_same(1);
    SQL(mysql, "SET time_zone = '+01:00'");
    SQL(mysql, "SET time_zone = '+02:00'");
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "local: SET time_zone = '+02:00'\nlocal: " REPLACE_CACHE "\nlocal: " REPLACE_CACHE "\n");
}

static void what_is_not_the_sessions_is_not_repeated(void) {
    static const char *const texts[] = {
        "SET GLOBAL max_connections = 10",   "SET @a = 1",        "SET PASSWORD = 'x'",
        "SET @@global.sort_buffer_size = 1", "SET insert_id = 5", "SET PASSWORD FOR 'u'@'h' = 'x'"};
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        SQL(mysql, texts[i]);
        size_t from = fake_journal_length();
        SQL(mysql, REPLACE_CACHE);
        if (is_preloaded()) {
            NUMBER(fake_journal_count(from, FAKE_LOCAL, "max_connections"), 0);
            NUMBER(fake_journal_count(from, FAKE_LOCAL, "@a"), 0);
            NUMBER(fake_journal_count(from, FAKE_LOCAL, "PASSWORD"), 0);
            NUMBER(fake_journal_count(from, FAKE_LOCAL, "sort_buffer"), 0);
            NUMBER(fake_journal_count(from, FAKE_LOCAL, "insert_id"), 0);
        }
    }
}

static void user_variables_keep_their_statements_on_main(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "SET @k = 'a'");
    size_t from = fake_journal_length();
    SQL(mysql, "SELECT v FROM shop.cache WHERE k = @k");
    TEXT(first_cell(mysql), "main:1");
    JOURNAL(from, "main: SELECT v FROM shop.cache WHERE k = @k\n");
}

static void a_setting_that_main_refused_is_not_repeated(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    fake_fail(FAKE_MAIN, "SET time_zone", 1298, "Unknown or incorrect time zone", 1);
    NUMBER(mysql_query(mysql, "SET time_zone = 'Mars'"), 1);
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "local: " REPLACE_CACHE "\n");
}

static void a_setting_that_the_shadow_refuses_keeps_statements_on_main(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    fake_fail(FAKE_LOCAL, "Europe/Paris", 1298, "Unknown or incorrect time zone", -1);
    SQL(mysql, "SET time_zone = 'Europe/Paris'");
    size_t from = fake_journal_length();
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    NUMBER(mysql_errno(mysql), 0);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "SET "), 1); /* not for each statement again */
        NUMBER(count_log_lines("warning"), 1);
    }
    SQL(mysql, "SET time_zone = '+01:00'");
    fake_fail(FAKE_LOCAL, "Europe/Paris", 0, NULL, 0);
}

static void the_initial_modes_are_asked_for(void) {
    fake_set_global(FAKE_MAIN, "sql_mode", "ANSI_QUOTES,STRICT_ALL_TABLES");
    fake_set_global(FAKE_MAIN, "time_zone", "+05:00");
    fake_set_global(FAKE_LOCAL, "sql_mode", "");
    fake_set_global(FAKE_LOCAL, "foreign_key_checks", "0");
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    all_same(1);
}

static void a_database_named_in_text_is_followed(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, UNQUALIFIED);
    SQL(mysql, "USE other");
    size_t from = fake_journal_length();
    SQL(mysql, UNQUALIFIED); /* no cache table there */
    JOURNAL(from, "main: " UNQUALIFIED "\n");
    SQL(mysql, REPLACE_CACHE);
    all_same(1);
    SQL(mysql, "USE `shop`");
    from = fake_journal_length();
    SQL(mysql, UNQUALIFIED);
    JOURNAL(from, "local: /init_db shop\nlocal: " UNQUALIFIED "\n");
}

static void a_database_chosen_by_call_is_followed(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, UNQUALIFIED);
    NUMBER(mysql_select_db(mysql, "other"), 0);
    size_t from = fake_journal_length();
    SQL(mysql, UNQUALIFIED);
    JOURNAL(from, "main: " UNQUALIFIED "\n");
    NUMBER(mysql_select_db(mysql, "shop"), 0);
    SQL(mysql, UNQUALIFIED);
    all_same(1);
    TRUE_THAT(mysql_select_db(mysql, "missing") != 0);
    NUMBER(mysql_errno(mysql), 1049);
    from = fake_journal_length();
    SQL(mysql, UNQUALIFIED);
    JOURNAL(from, "local: " UNQUALIFIED "\n");
}

/* Connector/C reads no track list from mysql_select_db's answer, and a SELECT brings none: the old one
 * stands. */
static void an_old_report_of_the_database_is_not_believed(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, UNQUALIFIED);
    SQL(mysql, "USE other");
    NUMBER(mysql_select_db(mysql, "shop"), 0);
    SQL(mysql, SELECT_MAIN);
    TEXT(first_cell(mysql), "main:1");
    size_t from = fake_journal_length();
    SQL(mysql, UNQUALIFIED);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, UNQUALIFIED), 1);
        NUMBER(fake_journal_count(from, FAKE_MAIN, ""), 0);
        all_same(1);
    }
    SQL(mysql, "USE shop");
    NUMBER(mysql_select_db(mysql, "other"), 0);
    SQL(mysql, SELECT_MAIN);
    TEXT(first_cell(mysql), "main:1");
    from = fake_journal_length();
    SQL(mysql, UNQUALIFIED);
    JOURNAL(from, "main: " UNQUALIFIED "\n");
}

static void a_database_that_only_main_has_is_no_error(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "USE only_main");
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    NUMBER(mysql_errno(mysql), 0);
    SQL(mysql, "USE shop");
    if (is_preloaded()) {
        NUMBER(count_log_lines("warning"), 1);
    }
}

static void a_first_database_that_only_main_has_is_no_error(void) {
    MYSQL *mysql = mysql_init(NULL);
    TRUE_THAT(mysql_real_connect(mysql, NULL, "app", "secret", "only_main", 0, "/run/main.sock", 0));
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    NUMBER(mysql_errno(mysql), 0);
}

static void a_charset_set_by_call_is_followed(void) {
    MYSQL *mysql = connect_main();
    NUMBER(mysql_set_character_set(mysql, "latin1"), 0);
    SQL(mysql, REPLACE_CACHE);
    all_same(1);
    NUMBER(mysql_set_character_set(mysql, "utf8mb4"), 0);
    SQL(mysql, REPLACE_CACHE);
    all_same(1);
    TRUE_THAT(mysql_set_character_set(mysql, "nonsense") != 0);
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "local: " REPLACE_CACHE "\n");
}

static void bytes_that_may_hide_a_quote_stay_on_main(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "SET NAMES gbk");
    size_t from = fake_journal_length();
    SQL(mysql, "REPLACE INTO shop.cache VALUES (1, '\x95\x5c')");
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "REPLACE"), 0);
    }
    SQL(mysql, REPLACE_CACHE);
    all_same(1);
}

static void another_user_gets_a_shadow_of_his_own(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "SET time_zone = '+01:00'");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    NUMBER(mysql_change_user(mysql, "other", "secret2", "shop"), 0);
    SQL(mysql, UNQUALIFIED);
    JOURNAL(from, "main: /change_user other:secret2/shop\nlocal: /quit\nmain: SELECT @@*\n"
                  "local2: /connect other:secret2@/run/local.sock/shop *\nlocal2: SELECT @@*\n"
                  "local2: SET SESSION *\nlocal2: " UNQUALIFIED "\n");
    all_same(2);
}

static void a_refused_change_of_user_changes_nothing(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    fake_fail(FAKE_MAIN, "/change_user", 1045, "Access denied", 1);
    TRUE_THAT(mysql_change_user(mysql, "other", "wrong", "shop") != 0);
    NUMBER(mysql_errno(mysql), 1045);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    if (is_preloaded()) {
        NUMBER(fake_journal_count(0, FAKE_LOCAL, "other:"), 0);
    }
}

/* MariaDB's server undoes the transaction before it looks at the user. */
static void a_refused_change_of_user_ends_the_transaction(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    fake_fail(FAKE_MAIN, "/change_user", 1045, "Access denied", 1);
    size_t from = fake_journal_length();
    TRUE_THAT(mysql_change_user(mysql, "other", "wrong", "shop") != 0);
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "main: /change_user *\nlocal: /quit\nmain: SELECT @@*\nlocal2: /connect app:*\n"
                  "local2: SELECT @@*\nlocal2: SET SESSION *\nlocal2: " REPLACE_CACHE "\n");
}

/* As MySQL's server does. The application learns it by its next statement, wherever that would have run. */
static void a_refused_change_of_user_may_end_the_connection(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    fake_fail(FAKE_MAIN, "/change_user", 1045, "Access denied", 1);
    TRUE_THAT(mysql_change_user(mysql, "other", "wrong", "shop") != 0);
    fake_fail(FAKE_MAIN, "SELECT", 2013, "Lost connection", 1);
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, SELECT_CACHE), 1);
    NUMBER(mysql_errno(mysql), 2013);
    NUMBER(mysql_query(mysql, SELECT_CACHE), 1);
    NUMBER(mysql_errno(mysql), 2006);
    JOURNAL(from, "main: SELECT @@*\n");
}

/* ... in each way to say it. The library itself may find out with the second half. */
static void a_connection_lost_at_the_shims_question_is_lost_in_each_call(void) {
    for (int way = 0; way < 3; way++) {
        MYSQL *mysql = connect_main();
        MYSQL_STMT *stmt = mysql_stmt_init(mysql);
        if (way == 2) {
            SQL(mysql, SELECT_CACHE);
            mysql_free_result(mysql_store_result(mysql));
            NUMBER(mysql_stmt_prepare(stmt, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
            SQL(mysql, "SET SESSION sql_mode = @@sql_mode"); /* asked for again */
        }
        fake_fail(FAKE_MAIN, "SELECT", 2013, "Lost connection", 1);
        if (way == 0) {
            TRUE_THAT(mysql_send_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE)) ||
                      mysql_read_query_result(mysql));
        } else if (way == 1) {
            TRUE_THAT(mysql_stmt_prepare(stmt, SELECT_CACHE, strlen(SELECT_CACHE)) != 0);
        } else {
            TRUE_THAT(mysql_stmt_execute(stmt) != 0);
        }
        if (way > 0) {
            NUMBER(mysql_stmt_errno(stmt), 2013);
            TEXT(mysql_stmt_sqlstate(stmt), "HY000");
        }
        NUMBER(mysql_errno(mysql), 2013);
        NUMBER(mysql_query(mysql, SELECT_CACHE), 1);
        NUMBER(mysql_errno(mysql), 2006);
        fake_fail(FAKE_MAIN, "SELECT", 0, NULL, 0);
        mysql_stmt_close(stmt);
        mysql_close(mysql);
    }
}

static void a_reset_session_starts_afresh(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "SET time_zone = '+01:00'");
    SQL(mysql, "CREATE TEMPORARY TABLE shop.cache (k INT)");
    SQL(mysql, "REPLACE INTO shop.page_1 VALUES (1)");
    NUMBER(mysql_reset_connection(mysql), 0);
    size_t from = fake_journal_length();
    SQL(mysql, UNQUALIFIED);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, UNQUALIFIED), 1);
        all_same(fake_session_count(FAKE_LOCAL));
    }
}

static void roles_are_set_at_the_shadow_too(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "SET ROLE editor");
    SQL(mysql, REPLACE_CACHE);
    SAME(1, "role");
    if (is_preloaded()) {
        TEXT(fake_variable(FAKE_LOCAL, 1, "role"), "editor");
    }
}

static void code_that_is_not_seen_makes_main_be_asked_again(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "CALL changes_mode()");
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        TEXT(fake_variable(FAKE_LOCAL, 1, "sql_mode"), "ANSI_QUOTES");
    }
    size_t from = fake_journal_length();
    SQL(mysql, "SELECT \"v\" FROM shop.cache"); /* a name now */
    FROM_LOCAL(first_cell(mysql), "1");
    JOURNAL(from, "local: SELECT \"v\" FROM shop.cache\n");
}

static void settings_behind_a_first_statement_are_seen(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "SELECT v FROM shop.users; SET time_zone = '+04:00'");
    do {
        mysql_free_result(mysql_store_result(mysql));
    } while (mysql_next_result(mysql) == 0);
    SQL(mysql, REPLACE_CACHE);
    all_same(1);
    SQL(mysql, "USE other; SELECT v FROM shop.users");
    do {
        mysql_free_result(mysql_store_result(mysql));
    } while (mysql_next_result(mysql) == 0);
    size_t from = fake_journal_length();
    SQL(mysql, UNQUALIFIED);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, UNQUALIFIED), 0);
    }
}

static void settings_of_prepared_statements_are_seen(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    static const char text[] = "SET time_zone = '+06:00'"; /* Qt does when it opens */
    NUMBER(mysql_stmt_prepare(stmt, text, sizeof text - 1), 0);
    NUMBER(mysql_stmt_execute(stmt), 0);
    SQL(mysql, REPLACE_CACHE);
    all_same(1);
    NUMBER(mysql_stmt_close(stmt), 0);
}

static void settings_sent_by_halves_are_seen(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    static const char text[] = "SET sql_mode = 'NO_BACKSLASH_ESCAPES'";
    NUMBER(mysql_send_query(mysql, text, sizeof text - 1), 0);
    NUMBER(mysql_read_query_result(mysql), 0);
    SQL(mysql, REPLACE_CACHE);
    all_same(1);
}

static void a_shadow_opened_anew_gets_all_settings_again(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "SET time_zone = '+01:00'");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "SET sql_mode = 'ANSI_QUOTES'");
    SQL(mysql, "SET NAMES latin1");
    SQL(mysql, "USE other");
    SQL(mysql, REPLACE_CACHE);
    fake_kill_sessions(FAKE_LOCAL);
    SQL(mysql, REPLACE_CACHE);
    all_same(2);
}

static void a_handle_without_a_word_costs_main_nothing(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    for (int i = 0; i < 30; i++) {
        SQL(mysql, REPLACE_CACHE);
        SQL(mysql, SELECT_CACHE);
        FROM_LOCAL(first_cell(mysql), "1");
    }
    if (is_preloaded()) {
        NUMBER(fake_journal_length() - from, 60);
        NUMBER(fake_journal_count(from, FAKE_MAIN, ""), 0);
    }
}

int main(int argc, char **argv) {
    static const struct claim claims[] = {
        CLAIM(a_setting_made_before_the_shadow_is_there_too, "41, 43, 44", EVERYWHERE),
        CLAIM(a_setting_made_later_is_made_before_the_next_cache_statement, "41, 43, 44", EVERYWHERE),
        CLAIM(settings_keep_their_order, "41, 44", EVERYWHERE),
        CLAIM(what_is_not_the_sessions_is_not_repeated, "35, 44", EVERYWHERE),
        CLAIM(user_variables_keep_their_statements_on_main, "52", EVERYWHERE),
        CLAIM(a_setting_that_main_refused_is_not_repeated, "44", EVERYWHERE),
        CLAIM(a_setting_that_the_shadow_refuses_keeps_statements_on_main, "44", EVERYWHERE),
        CLAIM(the_initial_modes_are_asked_for, "43", EVERYWHERE),
        CLAIM(a_database_named_in_text_is_followed, "42", EVERYWHERE),
        CLAIM(a_database_chosen_by_call_is_followed, "6, 42", EVERYWHERE),
        CLAIM(an_old_report_of_the_database_is_not_believed, "6", EVERYWHERE),
        CLAIM(a_database_that_only_main_has_is_no_error, "42", EVERYWHERE),
        CLAIM(a_first_database_that_only_main_has_is_no_error, "42", EVERYWHERE),
        CLAIM(a_charset_set_by_call_is_followed, "41", EVERYWHERE),
        CLAIM(bytes_that_may_hide_a_quote_stay_on_main, "70", EVERYWHERE),
        CLAIM(another_user_gets_a_shadow_of_his_own, "34", EVERYWHERE),
        CLAIM(a_refused_change_of_user_ends_the_transaction, "", EVERYWHERE),
        CLAIM(a_refused_change_of_user_may_end_the_connection, "", EVERYWHERE),
        CLAIM(a_refused_change_of_user_changes_nothing, "34", EVERYWHERE),
        CLAIM(a_connection_lost_at_the_shims_question_is_lost_in_each_call, "31", EVERYWHERE),
        CLAIM(a_reset_session_starts_afresh, "7, 51", EVERYWHERE),
        CLAIM(roles_are_set_at_the_shadow_too, "35", EVERYWHERE),
        CLAIM(code_that_is_not_seen_makes_main_be_asked_again, "45, 68", EVERYWHERE),
        CLAIM(settings_behind_a_first_statement_are_seen, "42, 63", EVERYWHERE),
        CLAIM(settings_of_prepared_statements_are_seen, "45", EVERYWHERE),
        CLAIM(settings_sent_by_halves_are_seen, "3, 43", EVERYWHERE),
        CLAIM(a_shadow_opened_anew_gets_all_settings_again, "31, 43", EVERYWHERE),
        CLAIM(a_handle_without_a_word_costs_main_nothing, "", EVERYWHERE),
    };
    return RUN_CLAIMS(claims);
}
