/* What the scenarios share: connections, and all that is told of them. */
#define _GNU_SOURCE
#include "c_app.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *current;

void say(const char *format, ...) {
    va_list arguments;
    printf("%s: ", current);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

MYSQL *connect_with(MYSQL *mysql, const char *user, const char *password, const char *database,
                    unsigned long flags) {
    return mysql_real_connect(mysql, NULL, user, password, database, 0, getenv("MAIN_SOCKET"), flags);
}

MYSQL *open_main(void) {
    MYSQL *mysql = mysql_init(NULL);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (!connect_with(mysql, "app", "apppw", "shop", CLIENT_MULTI_STATEMENTS)) {
        say("connect: %s", mysql_error(mysql));
        exit(1);
    }
    return mysql;
}

/* What the accessors tell, in one line. The number of fields and of warnings is an old one unless a statement
 * has just succeeded: some scenarios look at that as well. */
void tell_more(MYSQL *mysql, const char *what, long result, bool counts) {
    const char *info = mysql_info(mysql);
    char numbers[80] = "";
    if (counts) {
        snprintf(numbers, sizeof numbers, "fields %u warnings %u ", mysql_field_count(mysql),
                 mysql_warning_count(mysql));
    }
    say("%.60s -> %ld errno %u %s '%s' affected %lld id %llu %smore %d info %s", what, result,
        mysql_errno(mysql), mysql_sqlstate(mysql), mysql_error(mysql), (long long)mysql_affected_rows(mysql),
        (unsigned long long)mysql_insert_id(mysql), numbers, mysql_more_results(mysql), info ? info : "none");
}

void tell(MYSQL *mysql, const char *what, long result) {
    tell_more(mysql, what, result, false);
}

void print_result(MYSQL *mysql, MYSQL_RES *result) {
    char line[2000];
    size_t used = 0;
    MYSQL_ROW row;
    if (!result) {
        tell(mysql, "no result", 0);
        return;
    }
    unsigned fields = mysql_num_fields(result);
    unsigned rows = 0;
    while ((row = mysql_fetch_row(result))) {
        unsigned long *lengths = mysql_fetch_lengths(result);
        for (unsigned i = 0; i < fields && used + 100 < sizeof line; i++) {
            int more =
                snprintf(line + used, 90, " %.*s", row[i] ? (int)lengths[i] : 4, row[i] ? row[i] : "NULL");
            used += more > 89 ? 89 : (size_t)more;
        }
        rows++;
    }
    line[used] = '\0';
    say("rows %u, errno %u:%s", rows, mysql_errno(mysql), line);
    mysql_free_result(result);
}

int run(MYSQL *mysql, const char *text) {
    int result = mysql_real_query(mysql, text, strlen(text));
    tell_more(mysql, text, result, result == 0);
    return result;
}

void run_and_store(MYSQL *mysql, const char *text) {
    if (run(mysql, text) == 0) {
        print_result(mysql, mysql_store_result(mysql));
        tell(mysql, "stored", 0);
    }
}

/* Where it was read: what the row says, wanted as the scenario has it. */
void site(MYSQL *mysql, const char *wanted, const char *text) {
    if (mysql_query(mysql, text ? text : "SELECT v FROM cache WHERE k = 'site'")) {
        say("site %s %s", wanted, mysql_error(mysql));
        return;
    }
    MYSQL_RES *result = mysql_store_result(mysql);
    MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
    say("site %s %s", wanted, row ? row[0] : "no row");
    mysql_free_result(result);
}
