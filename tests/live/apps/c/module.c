/* A module as a server loads it: linked to the client library, which nothing else in the process is. See
 * test_shim_run.py. */
#include <mysql.h>
#include <stdlib.h>
#include <string.h>

int module_run(const char *text, char *answer, unsigned size);

/* Runs one statement on a connection of its own; the first value, or the error's text, is the answer. */
int module_run(const char *text, char *answer, unsigned size) {
    MYSQL *mysql = mysql_init(NULL);
    int failed = !mysql_real_connect(mysql, NULL, "app", "apppw", "shop", 0, getenv("MAIN_SOCKET"), 0) ||
                 mysql_query(mysql, text);
    MYSQL_RES *result = failed ? NULL : mysql_store_result(mysql);
    MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
    strncpy(answer, failed ? mysql_error(mysql) : row ? row[0] : "done", size - 1);
    answer[size - 1] = '\0';
    mysql_free_result(result);
    mysql_close(mysql);
    return failed;
}
