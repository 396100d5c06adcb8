/* Runs the statements that its arguments are on one connection to main, and prints each answer. It knows
 * nothing of the shim. "@N" in front of a statement: N times; ">": sent and its answer read by two calls. */
#include <mysql.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_answer(MYSQL *mysql, const char *text) {
    bool in_two = *text == '>';
    text += in_two;
    unsigned long length = (unsigned long)strlen(text);
    int failed = in_two ? mysql_send_query(mysql, text, length) || mysql_read_query_result(mysql)
                        : mysql_real_query(mysql, text, length);
    MYSQL_RES *result = failed ? NULL : mysql_store_result(mysql);
    printf("%d %u %s", failed != 0, mysql_errno(mysql), mysql_error(mysql));
    if (!result) {
        printf(" %llu\n", (unsigned long long)mysql_affected_rows(mysql));
        return;
    }
    unsigned columns = mysql_num_fields(result);
    for (MYSQL_ROW row; (row = mysql_fetch_row(result));) {
        for (unsigned i = 0; i < columns; i++) {
            printf(" %s", row[i] ? row[i] : "NULL");
        }
        putchar(';');
    }
    putchar('\n');
    mysql_free_result(result);
}

int main(int argc, char **argv) {
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql_real_connect(mysql, NULL, "app", "apppw", "shop", 0, getenv("MAIN_SOCKET"), 0)) {
        printf("no connection: %u %s\n", mysql_errno(mysql), mysql_error(mysql));
        return 1;
    }
    for (int i = 1; i < argc; i++) {
        char *text = argv[i];
        long times = *text == '@' ? strtol(text + 1, &text, 10) : 1;
        while (times-- > 0) {
            print_answer(mysql, text);
        }
    }
    mysql_close(mysql);
    return 0;
}
