/* The shadow's transactions beside main's: what is begun, ended and undone, where and in which order. Without
 * the shim the same statements run on one connection; here the order at the servers is what is claimed. */
#define _GNU_SOURCE
#include "claims.h"

#define L_REPLACE "local: " REPLACE_CACHE "\n"
#define M_INSERT  "main: " INSERT_MAIN "\n"

/* A handle whose shadow is open already. */
static MYSQL *connect_both(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    return mysql;
}

static void a_commit_reaches_main_first(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, INSERT_MAIN);
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "COMMIT");
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "main: BEGIN\nlocal: START TRANSACTION\n" L_REPLACE M_INSERT L_REPLACE
                  "main: COMMIT\nlocal: COMMIT\n" L_REPLACE);
}

static void a_rollback_undoes_both(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "START TRANSACTION");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "ROLLBACK");
    JOURNAL(from, "main: START TRANSACTION\nlocal: START TRANSACTION\n" L_REPLACE
                  "main: ROLLBACK\nlocal: ROLLBACK\n");
}

static void the_calls_do_as_the_texts(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_commit(mysql), 0);
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_rollback(mysql), 0);
    JOURNAL(from, "main: BEGIN\nlocal: START TRANSACTION\n" L_REPLACE "main: COMMIT\nlocal: COMMIT\n"
                  "main: BEGIN\nlocal: START TRANSACTION\n" L_REPLACE "main: ROLLBACK\nlocal: ROLLBACK\n");
}

static void a_transaction_without_cache_statements_is_mains_alone(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "BEGIN");
    SQL(mysql, INSERT_MAIN);
    SQL(mysql, "COMMIT");
    JOURNAL(from, "main: BEGIN\n" M_INSERT "main: COMMIT\n");
}

static void a_first_cache_statement_inside_a_transaction_joins_it(void) {
    MYSQL *mysql = connect_main();
    size_t from = fake_journal_length();
    SQL(mysql, "BEGIN");
    SQL(mysql, INSERT_MAIN);
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "COMMIT");
    JOURNAL(from, "main: BEGIN\n" M_INSERT OPENED "local: START TRANSACTION\n" L_REPLACE
                  "main: COMMIT\nlocal: COMMIT\n");
}

static void a_commit_that_main_refuses_is_undone_at_the_shadow(void) {
    MYSQL *mysql = connect_both();
    fake_fail(FAKE_MAIN, "COMMIT", 1180, "Got error during COMMIT", 1);
    size_t from = fake_journal_length();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_query(mysql, "COMMIT"), 1);
    NUMBER(mysql_errno(mysql), 1180);
    JOURNAL(from, "main: BEGIN\nlocal: START TRANSACTION\n" L_REPLACE "main: COMMIT\nlocal: ROLLBACK\n");
}

static void a_shadow_lost_at_its_commit_is_a_miss(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    fake_fail(FAKE_LOCAL, "COMMIT", 2013, NULL, 1);
    SQL(mysql, "COMMIT");
    NUMBER(mysql_errno(mysql), 0);
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        NUMBER(count_log_lines("commit"), 1);
    }
}

static void main_lost_is_a_rollback(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    fake_kill_sessions(FAKE_MAIN);
    NUMBER(mysql_query(mysql, INSERT_MAIN), 1);
    NUMBER(mysql_errno(mysql), 2006);
    JOURNAL(from, "local: ROLLBACK\n");
}

static void main_lost_in_mid_statement_is_a_rollback(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    fake_fail(FAKE_MAIN, INSERT_MAIN, 2013, "Lost connection", 1);
    NUMBER(mysql_query(mysql, INSERT_MAIN), 1);
    NUMBER(mysql_errno(mysql), 2013);
    JOURNAL(from, M_INSERT "local: ROLLBACK\n");
}

static void a_deadlock_on_main_undoes_both(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    fake_fail(FAKE_MAIN, INSERT_MAIN, 1213, "Deadlock found", 1);
    NUMBER(mysql_query(mysql, INSERT_MAIN), 1);
    NUMBER(mysql_errno(mysql), 1213);
    SQL(mysql, REPLACE_CACHE); /* no transaction is open any more */
    JOURNAL(from, M_INSERT "local: ROLLBACK\n" L_REPLACE);
}

static void a_deadlock_at_the_shadow_undoes_both(void) {
    MYSQL *mysql = connect_both();
    fake_fail(FAKE_MAIN, "'dead'", 1213, "Deadlock found", -1);
    fake_fail(FAKE_LOCAL, "'dead'", 1213, "Deadlock found", -1);
    SQL(mysql, "BEGIN");
    SQL(mysql, INSERT_MAIN);
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, "REPLACE INTO shop.cache VALUES ('dead', 1)"), 1);
    NUMBER(mysql_errno(mysql), 1213);
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "local: START TRANSACTION\nlocal: REPLACE INTO shop.cache VALUES ('dead', 1)\n"
                  "main: ROLLBACK\n" L_REPLACE);
}

static void a_deadlock_outside_of_a_transaction_undoes_nothing_else(void) {
    MYSQL *mysql = connect_both();
    fake_fail(FAKE_MAIN, "'dead'", 1213, "Deadlock found", -1);
    fake_fail(FAKE_LOCAL, "'dead'", 1213, "Deadlock found", -1);
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, "REPLACE INTO shop.cache VALUES ('dead', 1)"), 1);
    NUMBER(mysql_errno(mysql), 1213);
    JOURNAL(from, "local: REPLACE INTO shop.cache VALUES ('dead', 1)\n");
}

/* The default of Python's drivers: autocommit off, and a commit where main has done nothing. */
static void a_commit_that_main_has_no_part_in_ends_at_the_shadow(void) {
    MYSQL *mysql = connect_main();
    NUMBER(mysql_autocommit(mysql, 0), 0);
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    NUMBER(mysql_commit(mysql), 0);
    NUMBER(mysql_affected_rows(mysql), 0);
    NUMBER(mysql_insert_id(mysql), 0);
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "ROLLBACK");
    NUMBER(mysql_errno(mysql), 0);
    JOURNAL(from, "local: COMMIT\n" L_REPLACE "local: ROLLBACK\n");
    if (is_preloaded()) {
        TEXT(fake_variable(FAKE_LOCAL, 1, "autocommit"), "0");
    }
}

static void a_commit_that_main_has_part_in_goes_to_both(void) {
    MYSQL *mysql = connect_main();
    NUMBER(mysql_autocommit(mysql, 0), 0);
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, INSERT_MAIN);
    size_t from = fake_journal_length();
    NUMBER(mysql_commit(mysql), 0);
    JOURNAL(from, "main: COMMIT\nlocal: COMMIT\n");
    from = fake_journal_length();
    SQL(mysql, SELECT_MAIN);
    TEXT(first_cell(mysql), "main:1");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "COMMIT");
    JOURNAL(from, "main: " SELECT_MAIN "\n" L_REPLACE "main: COMMIT\nlocal: COMMIT\n");
}

static void a_savepoint_is_main_having_part(void) {
    MYSQL *mysql = connect_main();
    NUMBER(mysql_autocommit(mysql, 0), 0);
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "SAVEPOINT a");
    size_t from = fake_journal_length();
    NUMBER(mysql_commit(mysql), 0);
    JOURNAL(from, "main: COMMIT\nlocal: COMMIT\n");
}

static void a_commit_without_any_statement_goes_to_main(void) {
    MYSQL *mysql = connect_main();
    NUMBER(mysql_autocommit(mysql, 0), 0);
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "COMMIT");
    size_t from = fake_journal_length();
    SQL(mysql, "COMMIT");
    JOURNAL(from, "main: COMMIT\n");
}

static void autocommit_on_again_is_a_commit(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "SET autocommit = 0");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "SET autocommit = 1");
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "main: SET autocommit = 0\nlocal: SET SESSION autocommit = 0\n" L_REPLACE
                  "main: SET autocommit = 1\nlocal: COMMIT\nlocal: SET SESSION autocommit = 1\n" L_REPLACE);
}

static void autocommit_may_be_off_from_the_start(void) {
    fake_set_global(FAKE_MAIN, "autocommit", "0");
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        TEXT(fake_variable(FAKE_LOCAL, 1, "autocommit"), "0");
    }
    size_t from = fake_journal_length();
    SQL(mysql, "ROLLBACK");
    JOURNAL(from, "local: ROLLBACK\n");
}

static void savepoints_are_said_to_both(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "SAVEPOINT a");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "ROLLBACK TO SAVEPOINT a");
    SQL(mysql, "RELEASE SAVEPOINT a");
    SQL(mysql, "COMMIT");
    JOURNAL(from, "main: BEGIN\nlocal: START TRANSACTION\n" L_REPLACE
                  "main: SAVEPOINT a\nlocal: SAVEPOINT a\n" L_REPLACE
                  "main: ROLLBACK TO SAVEPOINT a\nlocal: ROLLBACK TO SAVEPOINT a\n"
                  "main: RELEASE SAVEPOINT a\nlocal: RELEASE SAVEPOINT a\nmain: COMMIT\nlocal: COMMIT\n");
}

static void savepoints_made_before_are_made_at_the_shadow_too(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "BEGIN");
    SQL(mysql, "SAVEPOINT a");
    SQL(mysql, "SAVEPOINT b");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "ROLLBACK TO a");
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "main: BEGIN\nmain: SAVEPOINT a\nmain: SAVEPOINT b\nlocal: START TRANSACTION\n"
                  "local: SAVEPOINT `a`\nlocal: SAVEPOINT `b`\n" L_REPLACE
                  "main: ROLLBACK TO a\nlocal: ROLLBACK TO a\n" L_REPLACE);
}

static void a_savepoint_that_the_shadow_refuses_undoes_the_shadow(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    fake_fail(FAKE_LOCAL, "SAVEPOINT", 1114, "The table is full", 1);
    size_t from = fake_journal_length();
    SQL(mysql, "SAVEPOINT a");
    NUMBER(mysql_errno(mysql), 0);
    SQL(mysql, REPLACE_CACHE); /* the rest of the transaction is main's */
    SQL(mysql, "COMMIT");
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "main: SAVEPOINT a\nlocal: SAVEPOINT a\nlocal: ROLLBACK\nmain: " REPLACE_CACHE
                  "\nmain: COMMIT\n" L_REPLACE);
}

static void statements_that_commit_by_themselves_commit_both(void) {
    static const char *const texts[] = {"CREATE TABLE shop.t (a INT)", "ALTER TABLE shop.t ADD b INT",
                                        "TRUNCATE TABLE shop.t",       "DROP TABLE shop.t",
                                        "LOCK TABLES shop.t WRITE",    "CREATE USER u"};
    MYSQL *mysql = connect_both();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t from = fake_journal_length();
        char want[600];
        SQL(mysql, "BEGIN");
        SQL(mysql, REPLACE_CACHE);
        SQL(mysql, texts[i]);
        snprintf(want, sizeof want, "main: BEGIN\nlocal: START TRANSACTION\n%smain: %s\nlocal: COMMIT\n",
                 L_REPLACE, texts[i]);
        JOURNAL(from, want);
        SQL(mysql, "UNLOCK TABLES");
    }
}

static void a_second_begin_commits_the_first(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "ROLLBACK");
    JOURNAL(from, "main: BEGIN\nlocal: START TRANSACTION\n" L_REPLACE "main: BEGIN\nlocal: COMMIT\n"
                  "local: START TRANSACTION\n" L_REPLACE "main: ROLLBACK\nlocal: ROLLBACK\n");
}

static void a_chained_commit_begins_the_next(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "COMMIT AND CHAIN");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "ROLLBACK");
    JOURNAL(from,
            "main: BEGIN\nlocal: START TRANSACTION\n" L_REPLACE "main: COMMIT AND CHAIN\nlocal: COMMIT\n"
            "local: START TRANSACTION\n" L_REPLACE "main: ROLLBACK\nlocal: ROLLBACK\n");
}

static void a_read_only_transaction_is_read_only_at_the_shadow(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "START TRANSACTION READ ONLY");
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    SQL(mysql, "COMMIT");
    SQL(mysql, "START TRANSACTION WITH CONSISTENT SNAPSHOT");
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    SQL(mysql, "COMMIT");
    JOURNAL(from,
            "main: START TRANSACTION READ ONLY\nlocal: START TRANSACTION READ ONLY\nlocal: " SELECT_CACHE
            "\nmain: COMMIT\nlocal: COMMIT\nmain: START TRANSACTION WITH CONSISTENT SNAPSHOT\n"
            "local: START TRANSACTION WITH CONSISTENT SNAPSHOT\nlocal: " SELECT_CACHE
            "\nmain: COMMIT\nlocal: COMMIT\n");
}

static void a_close_commits_nothing(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    mysql_close(mysql);
    JOURNAL(from, "local: /quit\nmain: /quit\n");
}

static void another_user_is_a_rollback(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    NUMBER(mysql_change_user(mysql, "other", "secret2", "shop"), 0);
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "main: /change_user *\nlocal: /quit\nmain: SELECT @@*\nlocal2: /connect other:*\n"
                  "local2: SELECT @@*\nlocal2: SET SESSION *\nlocal2: " REPLACE_CACHE "\n");
}

static void a_procedure_may_end_the_transaction(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    SQL(mysql, "CALL ends()");
    SQL(mysql, REPLACE_CACHE); /* runs by itself */
    NUMBER(fake_journal_count(from, FAKE_LOCAL, "START"), 0);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "ROLLBACK"), 1);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, REPLACE_CACHE), 1);
        /* Status bits tell that it is over. What MySQL's server reports by itself may be wrong, so it is
         * asked after: that the savepoint is gone, and that no other holds. */
        NUMBER(fake_journal_count(from, FAKE_MAIN, "SAVEPOINT"), fake_is_oracle() ? 4 : 1);
    }
}

/* Main is in a transaction before and after: but it is another one. */
static void a_procedure_may_roll_back_and_begin_anew(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    SQL(mysql, "CALL chains()");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "COMMIT");
#define CALLED   "main: SAVEPOINT roundabout\nmain: CALL chains()\n"
#define ASKED    "main: RELEASE SAVEPOINT roundabout\n"
#define IN_BLOCK "main: BEGIN NOT ATOMIC *\n" /* to MariaDB the error would be a warning */
#define UNDONE   "local: ROLLBACK\n"
#define LEARNT   "main: SELECT @@*\n"
#define COUNTED  "main: SHOW SESSION STATUS *\n" /* MariaDB's are in the SELECT */
#define NEXT                                                 \
    "local: SET SESSION *\nlocal: START TRANSACTION\nlocal: " \
    REPLACE_CACHE "\nmain: COMMIT\nlocal: COMMIT\n"
    JOURNAL(from, fake_is_oracle() ? CALLED ASKED UNDONE LEARNT COUNTED NEXT
                                   : CALLED IN_BLOCK UNDONE LEARNT NEXT);
}

static void a_procedure_may_leave_the_transaction_alone(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    SQL(mysql, "CALL changes_mode()");
    SQL(mysql, "COMMIT");
#define CHANGED "main: SAVEPOINT roundabout\nmain: CALL changes_mode()\n"
#define ENDED   "main: COMMIT\nlocal: COMMIT\n"
    JOURNAL(from, fake_is_oracle() ? CHANGED ASKED ENDED : CHANGED IN_BLOCK ENDED);
}

static void several_statements_may_call_one_that_begins_anew(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    SQL(mysql, INSERT_MAIN "; CALL chains()");
    while (mysql_next_result(mysql) == 0) {
    }
    SQL(mysql, "COMMIT");
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "ROLLBACK"), 1);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "COMMIT"), 0);
    }
}

static void a_procedure_may_begin_a_transaction(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "CALL begins()");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "ROLLBACK");
    if (is_preloaded()) { /* undone with main's, or left to main altogether; never committed by itself */
        size_t there = fake_journal_count(from, FAKE_LOCAL, REPLACE_CACHE);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "START TRANSACTION"), there);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "ROLLBACK"), there);
    }
}

/* Oracle's library shows no status bits, and MariaDB's server reports no transactions: there is nobody to
 * tell but the server itself. */
static void a_transaction_that_nobody_reports_is_not_guessed(void) {
    fake_set_global(FAKE_MAIN, "version", "10.11.19-MariaDB");
    fake_set_global(FAKE_LOCAL, "version", "10.11.19-MariaDB");
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "CALL begins()");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "ROLLBACK");
    if (is_preloaded()) {
        size_t there = fake_journal_count(from, FAKE_LOCAL, REPLACE_CACHE);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "START TRANSACTION"), there);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "ROLLBACK"), there);
    }
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "CALL ends()");
    from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE); /* by itself: not in what is left of the old transaction */
    if (is_preloaded() && fake_journal_count(from, FAKE_LOCAL, REPLACE_CACHE)) {
        NUMBER(fake_journal_count(0, FAKE_LOCAL, "START TRANSACTION"),
               fake_journal_count(0, FAKE_LOCAL, "ROLLBACK"));
    }
}

static void several_statements_that_nobody_reports_of_end_nothing(void) {
    fake_set_global(FAKE_MAIN, "version", "10.11.19-MariaDB");
    fake_set_global(FAKE_LOCAL, "version", "10.11.19-MariaDB");
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, INSERT_MAIN "; " INSERT_MAIN);
    while (mysql_next_result(mysql) == 0) {
    }
    SQL(mysql, "BEGIN");
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "COMMIT"), 1);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "ROLLBACK"), 0);
    }
}

static void an_xa_transaction_keeps_all_on_main(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "XA START 'x'");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "XA END 'x'");
    SQL(mysql, "XA PREPARE 'x'");
    SQL(mysql, "XA COMMIT 'x'");
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "main: XA START 'x'\nmain: " REPLACE_CACHE
                  "\nmain: XA END 'x'\nmain: XA PREPARE 'x'\nmain: XA COMMIT 'x'\n" L_REPLACE);
}

static void settings_of_one_transaction_keep_it_on_main(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE");
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "COMMIT");
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "main: SET TRANSACTION *\nmain: BEGIN\nmain: " REPLACE_CACHE "\nmain: COMMIT\n" L_REPLACE);
}

static void locked_tables_keep_all_on_main(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "LOCK TABLES shop.users WRITE");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "UNLOCK TABLES");
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "main: LOCK TABLES *\nmain: " REPLACE_CACHE "\nmain: UNLOCK TABLES\n" L_REPLACE);
}

static void a_temporary_table_hides_the_cache(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "CREATE TEMPORARY TABLE cache (k INT)");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "REPLACE INTO shop.page_1 VALUES (1)");
    SQL(mysql, "DROP TEMPORARY TABLE cache");
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "main: CREATE TEMPORARY *\nmain: " REPLACE_CACHE "\nlocal: REPLACE INTO shop.page_1 *\n"
                  "main: DROP TEMPORARY *\n" L_REPLACE);
}

/* Main is asked once for each table. */
static void a_temporary_table_made_out_of_sight_hides_the_cache(void) {
    static const char *const page = "REPLACE INTO shop.page_1 VALUES (1)";
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    for (int i = 0; i < 2; i++) {
        SQL(mysql, i == 0 ? "CALL hides_cache()" : "CALL shows_cache()");
        SQL(mysql, REPLACE_CACHE);
        SQL(mysql, page);
        SQL(mysql, "CALL nothing()");
        SQL(mysql, REPLACE_CACHE);
        SQL(mysql, page);
    }
    SQL(mysql, "CALL hides_cache()");
    SQL(mysql, "DROP TEMPORARY TABLE cache");
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_MAIN, REPLACE_CACHE), 2);
        NUMBER(fake_journal_count(from, FAKE_MAIN, page), 0);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, REPLACE_CACHE), 2 + 1);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, page), 4);
        NUMBER(fake_journal_count(from, FAKE_MAIN, "SHOW CREATE TABLE `shop`.`cache`"), 2 + 1);
        NUMBER(fake_journal_count(from, FAKE_MAIN, "SHOW CREATE TABLE `shop`.`page_1`"), 2);
    }
}

/* MySQL reports the end of the transaction that the procedure leaves open. */
static void a_transaction_left_open_with_a_table_in_it_is_noticed(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "CALL begins_with_table()");
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "ROLLBACK");
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "START TRANSACTION"), 1);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, REPLACE_CACHE), 1);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "ROLLBACK"), 1);
    }
}

static void a_temporary_table_ends_no_transaction(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "CREATE TEMPORARY TABLE sums (n INT)");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "ROLLBACK");
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "DROP TEMPORARY TABLE sums");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "COMMIT");
    JOURNAL(from, "main: BEGIN\nlocal: START TRANSACTION\n" L_REPLACE "main: CREATE TEMPORARY *\n" L_REPLACE
                  "main: ROLLBACK\nlocal: ROLLBACK\n"
                  "main: BEGIN\nlocal: START TRANSACTION\n" L_REPLACE "main: DROP TEMPORARY *\n" L_REPLACE
                  "main: COMMIT\nlocal: COMMIT\n");
}

static void a_temporary_table_made_out_of_sight_ends_no_transaction(void) {
    static const char *const texts[] = {"CALL makes_table()", INSERT_MAIN "; CALL makes_table()",
                                        "CREATE TEMPORARY TABLE sums (n INT); " INSERT_MAIN,
                                        INSERT_MAIN "; DROP TEMPORARY TABLE sums"};
    MYSQL *mysql = connect_both();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (int before = 0; before < 2; before++) { /* something was routed in the transaction before it */
            size_t from = fake_journal_length();
            SQL(mysql, "BEGIN");
            if (before) {
                SQL(mysql, REPLACE_CACHE);
            }
            SQL(mysql, texts[i]);
            while (mysql_next_result(mysql) == 0) {
            }
            SQL(mysql, REPLACE_CACHE);
            SQL(mysql, "COMMIT");
            if (is_preloaded()) {
                NUMBER(fake_journal_count(from, FAKE_LOCAL, REPLACE_CACHE), 1 + before);
                NUMBER(fake_journal_count(from, FAKE_LOCAL, "START TRANSACTION"), 1);
                NUMBER(fake_journal_count(from, FAKE_LOCAL, "COMMIT"), 1);
                NUMBER(fake_journal_count(from, FAKE_LOCAL, "ROLLBACK"), 0);
            }
        }
    }
}

/* The tracker has been told of an end by the table, and reports none again. */
static void an_end_behind_a_temporary_table_is_found(void) {
    static const char *const texts[] = {"CREATE TEMPORARY TABLE sums (n INT)", "CALL makes_table()"};
    MYSQL *mysql = connect_both();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        SQL(mysql, "BEGIN");
        SQL(mysql, texts[i]);
        SQL(mysql, "CALL ends()");
        size_t from = fake_journal_length();
        SQL(mysql, REPLACE_CACHE); /* by itself */
        if (is_preloaded()) {
            NUMBER(fake_journal_count(from, FAKE_LOCAL, REPLACE_CACHE), 1);
            NUMBER(fake_journal_count(from, FAKE_LOCAL, "START TRANSACTION"), 0);
        }
    }
}

static void a_procedure_may_begin_anew_and_make_a_table(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    SQL(mysql, "CALL chains_with_table()");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "ROLLBACK");
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "ROLLBACK"), 2);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "START TRANSACTION"), 1);
    }
}

static void immediate_tables_stay_outside_of_transactions(void) {
    MYSQL *mysql = connect_main();
    static const char now[] = "REPLACE INTO shop.now VALUES (1, 2)";
    SQL(mysql, "BEGIN");
    SQL(mysql, now);
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    SQL(mysql, now);
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "ROLLBACK");
    JOURNAL(from,
            "local: REPLACE INTO shop.now *\nlocal2: " REPLACE_CACHE "\nmain: ROLLBACK\nlocal2: ROLLBACK\n");
    NUMBER(mysql_autocommit(mysql, 0), 0);
    from = fake_journal_length();
    SQL(mysql, now);
    JOURNAL(from, "local: REPLACE INTO shop.now *\n");
}

static void careful_tables_are_mains_in_a_transaction(void) {
    MYSQL *mysql = connect_main();
    static const char careful[] = "REPLACE INTO shop.careful VALUES (1, 2)";
    SQL(mysql, careful);
    SQL(mysql, "BEGIN");
    size_t from = fake_journal_length();
    SQL(mysql, careful);
    SQL(mysql, "COMMIT");
    SQL(mysql, careful);
    JOURNAL(from, "main: REPLACE INTO shop.careful *\nmain: COMMIT\nlocal: REPLACE INTO shop.careful *\n");
}

static void a_shadow_lost_in_a_transaction_leaves_the_rest_to_main(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    fake_kill_sessions(FAKE_LOCAL);
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    SQL(mysql, "COMMIT");
    JOURNAL(from, "main: " REPLACE_CACHE "\nmain: " SELECT_CACHE "\nmain: COMMIT\n");
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
}

static void a_shadow_lost_before_its_first_statement_is_opened_anew(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    fake_kill_sessions(FAKE_LOCAL);
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "COMMIT");
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_MAIN, REPLACE_CACHE), 0);
        NUMBER(fake_session_count(FAKE_LOCAL), 2);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "COMMIT"), 1);
    }
}

static void a_statement_that_fails_leaves_the_transaction_open(void) {
    MYSQL *mysql = connect_both();
    fake_fail(FAKE_MAIN, "'twice'", 1062, "Duplicate entry", -1);
    fake_fail(FAKE_LOCAL, "'twice'", 1062, "Duplicate entry", -1);
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, "REPLACE INTO shop.cache VALUES ('twice', 1)"), 1);
    NUMBER(mysql_query(mysql, "INSERT INTO shop.orders VALUES ('twice')"), 1);
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "COMMIT");
    JOURNAL(from, "local: REPLACE INTO shop.cache VALUES ('twice', 1)\nmain: INSERT *\n" L_REPLACE
                  "main: COMMIT\nlocal: COMMIT\n");
}

static void several_statements_in_one_text_are_followed(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    SQL(mysql, INSERT_MAIN "; COMMIT");
    while (mysql_next_result(mysql) == 0) {
    }
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "COMMIT") +
                   fake_journal_count(from, FAKE_LOCAL, "ROLLBACK"),
               1);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "START"), 0);
    }
}

#define INSERT_CACHE "INSERT INTO shop.cache VALUES ('n', 'v')"
#define COUNT_OTHER  "UPDATE shop.counter SET n = n + 1"
#define M_INSERTED   "main: " INSERT_CACHE "\n"
#define M_SELECT     "main: " SELECT_CACHE "\n"

static void what_main_has_written_is_read_there(void) {
    MYSQL *mysql = connect_both();
    NUMBER(mysql_autocommit(mysql, 0), 0);
    size_t from = fake_journal_length();
    SQL(mysql, INSERT_CACHE);
    SQL(mysql, SELECT_CACHE);
    first_cell(mysql);
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, COUNT_OTHER); /* of another group */
    SQL(mysql, "COMMIT");
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, M_INSERTED M_SELECT "main: " REPLACE_CACHE "\nlocal: SET SESSION autocommit = 0\nlocal: " COUNT_OTHER
                                      "\nmain: COMMIT\nlocal: COMMIT\n" L_REPLACE);
}

static void whatever_way_main_has_written_it(void) {
    static const char *const texts[] = {
        "UPDATE shop.cache SET v = 'n'",
        "DELETE FROM shop.page_1 WHERE k = 'k'",
        "REPLACE INTO shop.cache VALUES ('k', GeomFromText('POINT(0 0)'))",
        "INSERT INTO shop.page_1 SELECT * FROM shop.users",
        "UPDATE shop.users, shop.cache SET shop.cache.v = 'n'",
        "WITH old AS (SELECT k FROM shop.users) DELETE FROM shop.cache WHERE k IN (SELECT k FROM old)",
    };
    MYSQL *mysql = connect_both();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t from = fake_journal_length();
        SQL(mysql, "BEGIN");
        SQL(mysql, texts[i]);
        SQL(mysql, SELECT_CACHE);
        first_cell(mysql);
        SQL(mysql, "ROLLBACK");
        NUMBER(fake_journal_count(from, FAKE_LOCAL, ""), 0);
        SQL(mysql, SELECT_CACHE);
        FROM_LOCAL(first_cell(mysql), "1");
    }
}

static void what_main_has_written_in_halves_is_read_there(void) {
    MYSQL *mysql = connect_both();
    size_t from = fake_journal_length();
    SQL(mysql, "BEGIN");
    NUMBER(mysql_send_query(mysql, INSERT_CACHE, strlen(INSERT_CACHE)), 0);
    NUMBER(mysql_read_query_result(mysql), 0);
    SQL(mysql, SELECT_CACHE);
    first_cell(mysql);
    JOURNAL(from, "main: BEGIN\n" M_INSERTED M_SELECT);
    SQL(mysql, "ROLLBACK AND CHAIN");
    fake_fail(FAKE_MAIN, INSERT_CACHE, 1062, "Duplicate entry", 1);
    NUMBER(mysql_send_query(mysql, INSERT_CACHE, strlen(INSERT_CACHE)), 0);
    NUMBER(mysql_read_query_result(mysql), 1);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
}

static void what_a_prepared_statement_has_written_is_read_there(void) {
    MYSQL *mysql = connect_both();
    MYSQL_STMT *insert = mysql_stmt_init(mysql), *get = mysql_stmt_init(mysql);
    NUMBER(mysql_stmt_prepare(insert, INSERT_CACHE, strlen(INSERT_CACHE)), 0);
    NUMBER(mysql_stmt_prepare(get, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
    NUMBER(mysql_stmt_execute(insert), 0); /* in autocommit: there is nothing to remember */
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "BEGIN");
    NUMBER(mysql_stmt_execute(insert), 0);
    NUMBER(mysql_stmt_execute(get), 0);
    NUMBER(mysql_stmt_free_result(get), 0);
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "COMMIT");
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_MAIN, SELECT_CACHE), 2); /* prepared, too */
        NUMBER(fake_journal_count(from, FAKE_MAIN, REPLACE_CACHE), 1);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, ""), 2);
    }
    mysql_stmt_close(insert);
    mysql_stmt_close(get);
}

static void what_the_local_master_has_refused_is_read_on_main(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, "BEGIN");
    fake_fail(FAKE_LOCAL, REPLACE_CACHE, 1114, "The table 'cache' is full", 1);
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    SQL(mysql, SELECT_CACHE);
    first_cell(mysql);
    JOURNAL(from, M_SELECT);
}

static void what_main_has_written_by_itself_changes_nothing(void) {
    MYSQL *mysql = connect_both();
    SQL(mysql, INSERT_CACHE);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    SQL(mysql, "BEGIN");
    fake_fail(FAKE_MAIN, INSERT_CACHE, 1062, "Duplicate entry", 1);
    NUMBER(mysql_query(mysql, INSERT_CACHE), 1);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
}

/* Nobody has told yet that autocommit is off. */
static void what_main_has_written_before_it_was_asked_is_read_there(void) {
    fake_set_global(FAKE_MAIN, "autocommit", "0");
    MYSQL *mysql = connect_main();
    SQL(mysql, INSERT_CACHE);
    size_t from = fake_journal_length();
    SQL(mysql, SELECT_CACHE);
    first_cell(mysql);
    JOURNAL(from, "main: SELECT @@*\n" M_SELECT);
    SQL(mysql, "COMMIT");
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
}

int main(int argc, char **argv) {
    static const struct claim claims[] = {
        CLAIM(what_main_has_written_is_read_there, "10", EVERYWHERE),
        CLAIM(whatever_way_main_has_written_it, "10", EVERYWHERE),
        CLAIM(what_main_has_written_in_halves_is_read_there, "10", EVERYWHERE),
        CLAIM(what_a_prepared_statement_has_written_is_read_there, "10", EVERYWHERE),
        CLAIM(what_the_local_master_has_refused_is_read_on_main, "10", EVERYWHERE),
        CLAIM(what_main_has_written_by_itself_changes_nothing, "10", EVERYWHERE),
        CLAIM(what_main_has_written_before_it_was_asked_is_read_there, "10", EVERYWHERE),
        CLAIM(a_commit_reaches_main_first, "10, 49", EVERYWHERE),
        CLAIM(a_rollback_undoes_both, "10, 49", EVERYWHERE),
        CLAIM(the_calls_do_as_the_texts, "10", EVERYWHERE),
        CLAIM(a_transaction_without_cache_statements_is_mains_alone, "", EVERYWHERE),
        CLAIM(a_first_cache_statement_inside_a_transaction_joins_it, "49", EVERYWHERE),
        CLAIM(a_commit_that_main_refuses_is_undone_at_the_shadow, "10", EVERYWHERE),
        CLAIM(a_shadow_lost_at_its_commit_is_a_miss, "10, 31", EVERYWHERE),
        CLAIM(main_lost_is_a_rollback, "10", EVERYWHERE),
        CLAIM(main_lost_in_mid_statement_is_a_rollback, "10", EVERYWHERE),
        CLAIM(a_deadlock_on_main_undoes_both, "10", EVERYWHERE),
        CLAIM(a_deadlock_at_the_shadow_undoes_both, "10", EVERYWHERE),
        CLAIM(a_deadlock_outside_of_a_transaction_undoes_nothing_else, "", EVERYWHERE),
        CLAIM(a_commit_that_main_has_no_part_in_ends_at_the_shadow, "10", EVERYWHERE),
        CLAIM(a_commit_that_main_has_part_in_goes_to_both, "10", EVERYWHERE),
        CLAIM(a_savepoint_is_main_having_part, "10", EVERYWHERE),
        CLAIM(a_commit_without_any_statement_goes_to_main, "", EVERYWHERE),
        CLAIM(autocommit_on_again_is_a_commit, "10", EVERYWHERE),
        CLAIM(autocommit_may_be_off_from_the_start, "10", EVERYWHERE),
        CLAIM(savepoints_are_said_to_both, "10", EVERYWHERE),
        CLAIM(savepoints_made_before_are_made_at_the_shadow_too, "10", EVERYWHERE),
        CLAIM(a_savepoint_that_the_shadow_refuses_undoes_the_shadow, "10", EVERYWHERE),
        CLAIM(statements_that_commit_by_themselves_commit_both, "10", EVERYWHERE),
        CLAIM(a_second_begin_commits_the_first, "10", EVERYWHERE),
        CLAIM(a_chained_commit_begins_the_next, "10", EVERYWHERE),
        CLAIM(a_read_only_transaction_is_read_only_at_the_shadow, "49", EVERYWHERE),
        CLAIM(a_close_commits_nothing, "10", EVERYWHERE),
        CLAIM(another_user_is_a_rollback, "10, 34", EVERYWHERE),
        CLAIM(a_procedure_may_end_the_transaction, "45", EVERYWHERE),
        CLAIM(a_procedure_may_roll_back_and_begin_anew, "45", EVERYWHERE),
        CLAIM(a_procedure_may_leave_the_transaction_alone, "45", EVERYWHERE),
        CLAIM(several_statements_may_call_one_that_begins_anew, "45", EVERYWHERE),
        CLAIM(a_procedure_may_begin_a_transaction, "45", EVERYWHERE),
        CLAIM(a_transaction_that_nobody_reports_is_not_guessed, "45", EVERYWHERE),
        CLAIM(several_statements_that_nobody_reports_of_end_nothing, "63", EVERYWHERE),
        CLAIM(an_xa_transaction_keeps_all_on_main, "75", EVERYWHERE),
        CLAIM(settings_of_one_transaction_keep_it_on_main, "44", EVERYWHERE),
        CLAIM(locked_tables_keep_all_on_main, "50", EVERYWHERE),
        CLAIM(a_temporary_table_hides_the_cache, "51", EVERYWHERE),
        CLAIM(a_temporary_table_made_out_of_sight_hides_the_cache, "51", EVERYWHERE),
        CLAIM(a_transaction_left_open_with_a_table_in_it_is_noticed, "10", EVERYWHERE),
        CLAIM(a_temporary_table_ends_no_transaction, "10", EVERYWHERE),
        CLAIM(a_temporary_table_made_out_of_sight_ends_no_transaction, "10", EVERYWHERE),
        CLAIM(an_end_behind_a_temporary_table_is_found, "10", EVERYWHERE),
        CLAIM(a_procedure_may_begin_anew_and_make_a_table, "10", EVERYWHERE),
        CLAIM(immediate_tables_stay_outside_of_transactions, "10", EVERYWHERE),
        CLAIM(careful_tables_are_mains_in_a_transaction, "10", EVERYWHERE),
        CLAIM(a_shadow_lost_in_a_transaction_leaves_the_rest_to_main, "31", EVERYWHERE),
        CLAIM(a_shadow_lost_before_its_first_statement_is_opened_anew, "31", EVERYWHERE),
        CLAIM(a_statement_that_fails_leaves_the_transaction_open, "10", EVERYWHERE),
        CLAIM(several_statements_in_one_text_are_followed, "63", EVERYWHERE),
    };
    return RUN_CLAIMS(claims);
}
