/* A local master that is behind: reads go to main, and only reads, and only while somebody says so. */
#define _GNU_SOURCE
#include "claims.h"

#include "../../page/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MS = 20, STEPS_MAX = 500 };

/* The claims' usual groups, of which the first may be at most a second behind, and "now" and "careful" any
 * time. */
static void configure_stale(void) {
    configure(NULL, NULL);
    char *path = getenv("ROUNDABOUT_CONFIG"), text[8192];
    static const char group[] = "{ name = \"pages\";";
    FILE *file = fopen(path, "r");
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    char *pages = strstr(text, group);
    file = fopen(path, "w");
    fprintf(file, "%.*s%s max_stale_ms = 1000;%s", (int)(pages - text), text, group, pages + strlen(group));
    fclose(file);
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int open_folder(char *name) {
    page_name_site(name, "/run/local.sock");
    return page_open_directory(claims_stats_folder(), NULL, NULL, 0);
}

/* What a daemon would write: two other sites, the second so far away. -1: that isn't known. */
static void say_lag(int64_t lag_ms, int64_t age_ms) {
    char name[64];
    int directory = open_folder(name);
    struct page_site *page = page_open_shared(directory, PAGE_SITE, 0644, name);
    TRUE_THAT(page != NULL);
    if (page) {
        strcpy(page->origins[0].site, "paris");
        page->origins[0].lag_ms = 40;
        strcpy(page->origins[2].site, "lyon");
        page->origins[2].lag_ms = lag_ms;
        page->at_ms = now_ms() - age_ms;
        page_unmap(page, PAGE_SITE);
    }
    close(directory);
}

static const char *answer(MYSQL *mysql, const char *text) {
    SQL(mysql, text);
    return first_cell(mysql);
}

/* Where it is read, as soon as that is seen. */
static bool becomes(MYSQL *mysql, const char *wanted) {
    for (int i = 0; i < STEPS_MAX; i++) {
        if (strcmp(answer(mysql, SELECT_CACHE), wanted) == 0) {
            return true;
        }
        usleep(STEP_MS * 1000);
    }
    return false;
}

static void reads_of_a_local_master_that_is_behind_go_to_main(void) {
    configure_stale();
    say_lag(999, 0);
    MYSQL *mysql = connect_main();
    TEXT(answer(mysql, SELECT_CACHE), "local:1");
    say_lag(1001, 0);
    TRUE_THAT(becomes(mysql, "main:1"));
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE); /* writes go on */
    JOURNAL(from, "local: " REPLACE_CACHE "\n");
    TEXT(answer(mysql, "SELECT v FROM shop.now"), "local:1"); /* a group that didn't ask for it */
    say_lag(30, 0);
    TRUE_THAT(becomes(mysql, "local:1"));
}

static void what_is_not_known_or_old_is_no_reason(void) {
    configure_stale();
    MYSQL *mysql = connect_main();
    TEXT(answer(mysql, SELECT_CACHE), "local:1"); /* no page at all */
    usleep(300 * 1000);
    say_lag(-1, 0);
    TEXT(answer(mysql, SELECT_CACHE), "local:1");
    usleep(300 * 1000);
    say_lag(60000, PAGE_SITE_LAST_MS + 100);
    TEXT(answer(mysql, SELECT_CACHE), "local:1");
    usleep(300 * 1000);
    say_lag(60000, -100000); /* of another boot */
    TEXT(answer(mysql, SELECT_CACHE), "local:1");
    say_lag(60000, 0);
    TRUE_THAT(becomes(mysql, "main:1")); /* the daemon ends, and what it said grows old */
    TRUE_THAT(becomes(mysql, "local:1"));
}

static void without_the_setting_nobody_looks(void) {
    configure(NULL, NULL);
    say_lag(60000, 0);
    MYSQL *mysql = connect_main();
    TEXT(answer(mysql, SELECT_CACHE), "local:1");
}

static void a_transaction_reads_what_it_has_written(void) {
    configure_stale();
    say_lag(60000, 0);
    MYSQL *mysql = connect_main();
    TRUE_THAT(becomes(mysql, "main:1"));
    SQL(mysql, "BEGIN");
    TEXT(answer(mysql, SELECT_CACHE), "main:1");
    SQL(mysql, REPLACE_CACHE);
    TEXT(answer(mysql, SELECT_CACHE), "local:1");
    SQL(mysql, "COMMIT");
    say_lag(60000, 0);
    TEXT(answer(mysql, SELECT_CACHE), "main:1");
    SQL(mysql, "BEGIN");
    TEXT(answer(mysql, SELECT_CACHE), "main:1"); /* the next one has written nothing */
    SQL(mysql, "ROLLBACK");
}

static void a_prepared_read_goes_where_each_execution_belongs(void) {
    configure_stale();
    say_lag(60000, 0);
    MYSQL *mysql = connect_main();
    TRUE_THAT(becomes(mysql, "main:1"));
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    NUMBER(mysql_stmt_prepare(stmt, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
    size_t from = fake_journal_length();
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_free_result(stmt), 0);
    NUMBER(fake_journal_count(from, FAKE_LOCAL, "SELECT"), 0);
    say_lag(1, 0);
    TRUE_THAT(becomes(mysql, "local:1"));
    from = fake_journal_length();
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_free_result(stmt), 0);
    TRUE_THAT(fake_journal_count(from, FAKE_LOCAL, "SELECT") >= 1);
    NUMBER(fake_journal_count(from, FAKE_MAIN, "SELECT"), 0);
    say_lag(60000, 0);
    TRUE_THAT(becomes(mysql, "main:1"));
    from = fake_journal_length();
    NUMBER(mysql_stmt_execute(stmt), 0);
    NUMBER(mysql_stmt_free_result(stmt), 0);
    NUMBER(fake_journal_count(from, FAKE_LOCAL, "SELECT"), 0);
    mysql_stmt_close(stmt);
}

/* Whatever lies there in the page's place. */
static void no_strangers_page_is_believed(void) {
    configure_stale();
    say_lag(60000, 0);
    char name[64];
    int directory = open_folder(name);
    MYSQL *mysql = connect_main();
    TRUE_THAT(becomes(mysql, "main:1"));
    NUMBER(fchmodat(directory, name, 0666, 0), 0); /* anybody might have written it */
    TRUE_THAT(becomes(mysql, "local:1"));
    NUMBER(fchmodat(directory, name, 0644, 0), 0);
    say_lag(60000, 0);
    TRUE_THAT(becomes(mysql, "main:1"));
    NUMBER(unlinkat(directory, name, 0), 0);
    NUMBER(symlinkat("/dev/zero", directory, name), 0);
    TRUE_THAT(becomes(mysql, "local:1"));
    NUMBER(unlinkat(directory, name, 0), 0);
    NUMBER(mkfifoat(directory, name, 0644), 0);
    usleep(300 * 1000);
    TEXT(answer(mysql, SELECT_CACHE), "local:1");
    NUMBER(unlinkat(directory, name, 0), 0);
    say_lag(60000, 0);
    TRUE_THAT(becomes(mysql, "main:1"));
    int file = openat(directory, name, O_WRONLY | O_CLOEXEC);
    NUMBER(ftruncate(file, 100), 0); /* no mapping of it that could fault */
    close(file);
    TRUE_THAT(becomes(mysql, "local:1"));
    close(directory);
}

int main(int argc, char **argv) {
    const struct claim claims[] = {
        CLAIM(reads_of_a_local_master_that_is_behind_go_to_main, "", SHIM_ONLY),
        CLAIM(what_is_not_known_or_old_is_no_reason, "", SHIM_ONLY),
        CLAIM(without_the_setting_nobody_looks, "", SHIM_ONLY),
        CLAIM(a_transaction_reads_what_it_has_written, "", SHIM_ONLY),
        CLAIM(a_prepared_read_goes_where_each_execution_belongs, "", SHIM_ONLY),
        CLAIM(no_strangers_page_is_believed, "", SHIM_ONLY),
    };
    return RUN_CLAIMS(claims);
}
