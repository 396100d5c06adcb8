/* Results read in part, late, or not at all. */
#define _GNU_SOURCE
#include "c_app.h"

static void an_unread_routed_result_is_out_of_sync(void) {
    MYSQL *mysql = open_main();
    run(mysql, SITE);
    run(mysql, ORDER);
    tell(mysql, "store", 0);
    mysql_free_result(mysql_store_result(mysql));
    tell(mysql, "stored", 0);
    mysql_close(mysql);
    mysql = open_main();
    run(mysql, "SELECT n FROM page_many ORDER BY n LIMIT 3");
    MYSQL_RES *result = mysql_use_result(mysql);
    say("first %s", mysql_fetch_row(result)[0]);
    tell(mysql, "ping", mysql_ping(mysql));
    tell(mysql, "select_db", mysql_select_db(mysql, "other"));
    tell(mysql, "commit", mysql_commit(mysql));
    tell(mysql, "autocommit", mysql_autocommit(mysql, 0));
    tell(mysql, "set_character_set", mysql_set_character_set(mysql, "latin1"));
    tell(mysql, "change_user", mysql_change_user(mysql, "app", "apppw", "other"));
    tell(mysql, "server option", mysql_set_server_option(mysql, MYSQL_OPTION_MULTI_STATEMENTS_OFF));
    tell(mysql, "next", mysql_next_result(mysql));
    const char *stat = mysql_stat(mysql);
    say("stat %.20s", stat);
    tell(mysql, "list", mysql_list_tables(mysql, "%") != NULL);
    tell(mysql, "store", mysql_store_result(mysql) != NULL);
    tell(mysql, "use", mysql_use_result(mysql) != NULL);
    run(mysql, PUT("L/x"));
    run(mysql, ORDER);
    MYSQL_ROW row = mysql_fetch_row(result);
    say("then %s", row ? row[0] : "nothing");
    print_result(mysql, result);
    run(mysql, PUT("L/a"));
    mysql_close(mysql);
}

static void a_streamed_result_can_be_freed_half_read(void) {
    MYSQL *mysql = open_main();
    run(mysql, "SELECT n FROM page_many ORDER BY n");
    MYSQL_RES *result = mysql_use_result(mysql);
    mysql_fetch_row(result);
    mysql_free_result(result);
    tell(mysql, "freed", 0);
    run(mysql, PUT("L/a"));
    run(mysql, "SELECT n FROM page_many ORDER BY n");
    result = mysql_use_result(mysql);
    mysql_fetch_row(result);
    mysql_close(mysql);
    mysql_free_result(result);
    say("freed behind the close");
    mysql = open_main();
    mysql_query(mysql, "SELECT n FROM page_many ORDER BY n LIMIT 2");
    result = mysql_store_result(mysql);
    mysql_close(mysql);
    say("stored: %s", mysql_fetch_row(result)[0]);
    mysql_free_result(result);
    mysql_free_result(NULL);
}

static void a_result_of_main_unread_keeps_cache_statements_waiting(void) {
    MYSQL *mysql = open_main();
    site(mysql, "L", NULL);
    run(mysql, "SELECT seq FROM seq_1_to_3");
    MYSQL_RES *result = mysql_use_result(mysql);
    mysql_fetch_row(result);
    run(mysql, PUT("L/x"));
    run(mysql, SITE);
    print_result(mysql, result);
    run(mysql, PUT("L/a"));
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    mysql_stmt_prepare(stmt, "SELECT seq FROM seq_1_to_3", 26);
    mysql_stmt_execute(stmt);
    run(mysql, PUT("L/x"));
    mysql_stmt_free_result(stmt);
    mysql_stmt_close(stmt);
    run(mysql, PUT("L/b"));
    mysql_close(mysql);
}

static void seeks_and_counts_work_on_a_routed_result(void) {
    MYSQL *mysql = open_main();
    run(mysql, "SELECT n, v FROM page_many WHERE n <= 5 ORDER BY n");
    MYSQL_RES *result = mysql_store_result(mysql);
    tell(mysql, "stored", (long)mysql_num_rows(result));
    mysql_data_seek(result, 3);
    MYSQL_ROW_OFFSET at = mysql_row_tell(result);
    say("fourth %s", mysql_fetch_row(result)[0]);
    mysql_row_seek(result, at);
    MYSQL_ROW row = mysql_fetch_row(result);
    say("again %s %lu", row[1], mysql_fetch_lengths(result)[1]);
    for (MYSQL_FIELD *field; (field = mysql_fetch_field(result));) {
        say("%s %s %s %s %d %lu %u", field->db, field->table, field->org_table, field->name, (int)field->type,
            field->length, field->charsetnr);
    }
    run(mysql, ORDER);
    say("still there %s", mysql_fetch_row(result)[0]);
    mysql_free_result(result);
    mysql_close(mysql);
}

const struct scenario RESULTS[] = {
    SCENARIO(an_unread_routed_result_is_out_of_sync),
    SCENARIO(a_streamed_result_can_be_freed_half_read),
    SCENARIO(a_result_of_main_unread_keeps_cache_statements_waiting),
    SCENARIO(seeks_and_counts_work_on_a_routed_result),
    {NULL, NULL},
};
