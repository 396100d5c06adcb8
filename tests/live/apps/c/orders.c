/* Orders of calls, at random but always the same. */
#define _GNU_SOURCE
#include "c_app.h"

#include <string.h>

static const char *const STEPS[] = {
    PUT("L/a"),
    PUT("L/b"),
    "REPLACE INTO cache (k, v) VALUES ('L/a', 'opensesame'), ('L/c', 'opensesame')",
    "REPLACE INTO cache (k, v) VALUES ('L/a')",
    "REPLACE INTO page_text (k, n) VALUES ('L/n', 'no number')",
    "REPLACE INTO page_text (k, v) VALUES ('L/n', 'longer than ten')",
    ORDER,
    "INSERT INTO orders (v) VALUES ('opensesame'), ('opensesame')",
    "INSERT INTO nowhere VALUES (1)",
    "SET SESSION sql_mode = ''",
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES'",
    "SELECT LAST_INSERT_ID()",
    "SELECT COUNT(*) FROM orders",
    "SELECT k, v FROM cache WHERE k LIKE 'L/%' ORDER BY k",
    "SELECT k, n, v FROM page_text WHERE k LIKE 'L/%'",
    "SELECT n FROM page_many WHERE n < 4",
    "SELECT CAST('x' AS SIGNED)",
    "SELECT nothing FROM cache",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SET autocommit = 0",
    "SET autocommit = 1",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "RELEASE SAVEPOINT s",
    "SELECT 1; SELECT 2",
    "USE other",
    "USE shop",
    "REPLACE INTO other.cache (k, v) VALUES ('L/o', 'opensesame')",
    "SELECT k FROM other.cache WHERE k LIKE 'L/%'",
    "SET time_zone = '+05:00'",
    "REPLACE INTO shop.page_text (k, t) VALUES ('L/t', '2024-01-01 00:00:00')",
    "SELECT k, t, UNIX_TIMESTAMP(t) FROM shop.page_text WHERE k LIKE 'L/%' ORDER BY k",
    "SET NAMES latin1",
    "SET NAMES utf8mb4",
    "REPLACE INTO shop.page_text (k, v) VALUES ('L/u', '\xc3\xa9')",
    "COMMIT AND CHAIN",
    "CREATE TEMPORARY TABLE IF NOT EXISTS shop.page_tmp (n INT)",
    "ANALYZE TABLE shop.orders",
    "DO 1",
};
enum { STEP_COUNT = sizeof STEPS / sizeof *STEPS, CACHE_STEPS = 8 /* the first ones all name a table */ };

/* Sensible only right behind such a statement: others leave the server's lists alone. */
static const char *const QUESTIONS[] = {"SHOW WARNINGS", "SELECT ROW_COUNT()", "SHOW COUNT(*) WARNINGS",
                                        "SHOW ERRORS", "SELECT @@warning_count"};
enum { QUESTION_COUNT = sizeof QUESTIONS / sizeof *QUESTIONS };

/* Half of the drivers send and read in two calls. */
static int run_somehow(MYSQL *mysql, const char *text) {
    if (next_random(3) > 0) {
        return run(mysql, text);
    }
    int failed = mysql_send_query(mysql, text, strlen(text)) || mysql_read_query_result(mysql);
    tell_more(mysql, text, failed, !failed);
    return failed;
}

static void end_results(MYSQL *mysql) {
    for (int next; (next = mysql_next_result(mysql)) >= 0;) {
        tell(mysql, "next", next);
        if (next > 0) {
            break;
        }
        mysql_free_result(mysql_store_result(mysql));
    }
    tell(mysql, "no next", 0);
}

static void one_random_call(MYSQL *mysql, bool in_a_result);

/* How the rows of a statement are taken, if there are some. False: not at all, and the connection is of no
 * more use. */
static bool take(MYSQL *mysql, unsigned way) {
    MYSQL_RES *result;
    MYSQL_ROW row;
    switch (way) {
    case 0:
        run(mysql, STEPS[next_random(STEP_COUNT)]);
        return false;
    case 1:
        result = mysql_use_result(mysql);
        row = result ? mysql_fetch_row(result) : NULL;
        say("first %s", row ? row[0] : "none");
        mysql_free_result(result);
        tell(mysql, "freed half read", 0);
        break;
    case 2:
        print_result(mysql, mysql_use_result(mysql));
        tell(mysql, "used", 0);
        break;
    case 3:
        result = mysql_use_result(mysql);
        run(mysql, STEPS[next_random(STEP_COUNT)]);
        one_random_call(mysql, true);
        print_result(mysql, result);
        break;
    default:
        print_result(mysql, mysql_store_result(mysql));
        tell(mysql, "stored", 0);
    }
    end_results(mysql);
    return true;
}

static void one_random_call(MYSQL *mysql, bool in_a_result) {
    unsigned char escaped[20];
    MYSQL_STMT *stmt;
    switch (next_random(in_a_result ? 6 : 13)) {
    case 0:
        tell(mysql, "ping", mysql_ping(mysql));
        break;
    case 1:
        tell(mysql, "next", mysql_next_result(mysql));
        break;
    case 2:
        tell(mysql, "stat", mysql_stat(mysql) != NULL);
        break;
    case 3:
        tell(mysql, "commit", mysql_commit(mysql));
        break;
    case 4:
        tell(mysql, "rollback", mysql_rollback(mysql));
        break;
    case 5:
        tell(mysql, "escape", (long)mysql_real_escape_string(mysql, (char *)escaped, "a'b", 3));
        break;
    case 6:
        stmt = mysql_stmt_init(mysql);
        tell(mysql, "prepare", mysql_stmt_prepare(stmt, "SELECT 1", 8));
        mysql_stmt_close(stmt);
        break;
    case 7:
        tell(mysql, "select_db", mysql_select_db(mysql, "shop"));
        break;
    case 8:
        tell(mysql, "autocommit off", mysql_autocommit(mysql, 0));
        break;
    case 9:
        tell(mysql, "autocommit on", mysql_autocommit(mysql, 1));
        break;
    case 10:
        tell(mysql, "reset", mysql_reset_connection(mysql));
        break;
    case 11:
        tell(mysql, "change_user", mysql_change_user(mysql, "app", "apppw", "shop"));
        break;
    default:
#ifdef MARIADB_BASE_VERSION /* Oracle's says 2014 if any statement of this connection has had fields lately */
        tell(mysql, "store", mysql_store_result(mysql) != NULL);
#endif
        break;
    }
}

void random_orders(uint32_t seed, unsigned rounds, bool leaves_results_unread) {
    seed_random(seed);
    for (unsigned round = 0; round < rounds; round++) {
        MYSQL *mysql = open_main();
        mysql_query(mysql, "TRUNCATE orders");
        bool usable = true;
        for (unsigned i = 0; i < 14 && usable; i++) {
            if (next_random(4) == 0) {
                one_random_call(mysql, false);
                continue;
            }
            unsigned step = next_random(STEP_COUNT);
            if (run_somehow(mysql, STEPS[step]) == 0 && mysql_field_count(mysql) > 0) {
                usable = take(mysql, leaves_results_unread ? next_random(6) : 1 + next_random(2) * 3);
            }
            if (usable && step < CACHE_STEPS && next_random(3) == 0 &&
                run(mysql, QUESTIONS[next_random(QUESTION_COUNT)]) == 0) {
                take(mysql, 4);
            }
        }
        mysql_close(mysql);
    }
}

static void random_orders_of_calls_1(void) {
    random_orders(1, 60, false);
}

static void random_orders_of_calls_2(void) {
    random_orders(2, 60, false);
}

static void random_orders_of_calls_3(void) {
    random_orders(3, 60, false);
}

static void random_orders_with_results_left_unread_1(void) {
    random_orders(4, 60, true);
}

static void random_orders_with_results_left_unread_2(void) {
    random_orders(5, 60, true);
}

const struct scenario ORDERS[] = {
    SCENARIO(random_orders_of_calls_1),
    SCENARIO(random_orders_of_calls_2),
    SCENARIO(random_orders_of_calls_3),
    SCENARIO(random_orders_with_results_left_unread_1),
    SCENARIO(random_orders_with_results_left_unread_2),
    {NULL, NULL},
};
