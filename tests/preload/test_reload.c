/* A configuration that changes while the program runs. */
#define _GNU_SOURCE
#include "claims.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEP_MS = 20, STEPS_MAX = 500 };
#define SELECT_FRESH "SELECT v FROM shop.fresh WHERE k = 'k'"
#define FRESH_GROUP  "caches = ( { tables = [ \"shop.fresh\" ]; } );\n"

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    TRUE_THAT(file && fputs(text, file) >= 0);
    if (file) {
        fclose(file);
    }
}

static void rewrite(const char *text) {
    write_file(getenv("ROUNDABOUT_CONFIG"), text);
}

static const char *whole(const char *rest) {
    static char text[4096];
    snprintf(text, sizeof text, "local = { socket = \"/run/local.sock\"; };\nlog_file = \"%s/log\";\n%s",
             getenv("CLAIMS_FOLDER"), rest);
    return text;
}

static const char *answer(MYSQL *mysql, const char *text) {
    SQL(mysql, text);
    return first_cell(mysql);
}

/* Speaks until the answer comes from there. Statements that aren't a cache's are many. */
static bool becomes(MYSQL *mysql, const char *text, const char *wanted) {
    for (int i = 0; i < STEPS_MAX; i++) {
        if (strcmp(answer(mysql, text), wanted) == 0) {
            return true;
        }
        for (int k = 0; k < 100; k++) {
            SQL(mysql, INSERT_MAIN);
        }
        usleep(STEP_MS * 1000);
    }
    return false;
}

static bool log_becomes(MYSQL *mysql, const char *part, size_t count) {
    for (int i = 0; i < STEPS_MAX; i++) {
        answer(mysql, SELECT_CACHE);
        if (count_log_lines(part) == count) {
            return true;
        }
        usleep(STEP_MS * 1000);
    }
    return false;
}

static void tables_that_are_added_are_routed_and_those_taken_out_are_not(void) {
    MYSQL *mysql = connect_main();
    TEXT(answer(mysql, SELECT_CACHE), "local:1");
    TEXT(answer(mysql, SELECT_FRESH), "main:1");
    rewrite(whole(FRESH_GROUP));
    TRUE_THAT(becomes(mysql, SELECT_FRESH, "local:1"));
    TEXT(answer(mysql, SELECT_CACHE), "main:1");
    NUMBER(count_log_lines("has changed and is in force"), 1);
    rewrite(whole("caches = ( { tables = [ \"shop.fresh\" ]; mode = \"off\"; } );"));
    TRUE_THAT(becomes(mysql, SELECT_FRESH, "main:1"));
    NUMBER(fake_session_count(FAKE_LOCAL), 1); /* the shadow is the same all the time */
}

static const char *answer_in_halves(MYSQL *mysql, const char *text) {
    NUMBER(mysql_send_query(mysql, text, strlen(text)), 0);
    NUMBER(mysql_read_query_result(mysql), 0);
    return first_cell(mysql);
}

/* None of this handle's statements is routed until then. */
static void a_program_that_sends_and_reads_takes_a_changed_file_too(void) {
    MYSQL *other = connect_main(), *mysql = connect_main();
    TEXT(answer(other, SELECT_CACHE), "local:1");
    TEXT(answer_in_halves(mysql, SELECT_FRESH), "main:1");
    rewrite(whole(FRESH_GROUP));
    bool routed = false;
    for (int i = 0; i < STEPS_MAX && !routed; i++) {
        for (int k = 0; k < 100; k++) {
            answer_in_halves(mysql, SELECT_MAIN);
        }
        usleep(STEP_MS * 1000);
        routed = strcmp(answer_in_halves(mysql, SELECT_FRESH), "local:1") == 0;
    }
    TRUE_THAT(routed);
}

static void a_file_that_got_worse_changes_nothing(void) {
    static const char *const bad[] = {"caches = (", "",
                                      "local = { socket = \"/run/local.sock\"; colour = 1; };"};
    MYSQL *mysql = connect_main();
    TEXT(answer(mysql, SELECT_CACHE), "local:1");
    for (size_t i = 0; i < 3; i++) {
        rewrite(bad[i]);
        TRUE_THAT(log_becomes(mysql, "stays in force", i + 1));
        NUMBER(count_log_lines(" error: "), i + 1); /* a line each, with what is wrong in it */
    }
    unlink(getenv("ROUNDABOUT_CONFIG"));
    TRUE_THAT(log_becomes(mysql, "stays in force", 4));
    usleep(1200 * 1000);
    for (int i = 0; i < 5; i++) {
        TEXT(answer(mysql, SELECT_CACHE), "local:1");
    }
    NUMBER(count_log_lines("stays in force"), 4); /* once for each change */
    rewrite(whole(FRESH_GROUP));
    TRUE_THAT(becomes(mysql, SELECT_FRESH, "local:1"));
}

/* One whose cache statements all fall back to main, and one that has none, as before its tables are listed. */
static void a_program_of_few_statements_that_routes_nothing_sees_a_change(void) {
    MYSQL *mysql = connect_main();
    fake_fail_connect(FAKE_LOCAL, 2003, "Can't connect", -1);
    for (int i = 0; i < 3; i++) {
        TEXT(answer(mysql, SELECT_CACHE), "main:1");
    }
    rewrite(whole(FRESH_GROUP "log_level = \"info\";\n"));
    usleep(1100 * 1000);
    TEXT(answer(mysql, SELECT_CACHE), "main:1");
    NUMBER(count_log_lines("has changed and is in force"), 1);
    for (int i = 0; i < 3; i++) {
        SQL(mysql, INSERT_MAIN);
    }
    rewrite(whole(FRESH_GROUP));
    usleep(1100 * 1000);
    for (int i = 0; i < 8; i++) {
        SQL(mysql, INSERT_MAIN);
    }
    NUMBER(count_log_lines("has changed and is in force"), 2);
}

static void an_included_file_counts_too(void) {
    char path[700];
    snprintf(path, sizeof path, "%s/groups.conf", getenv("CLAIMS_FOLDER"));
    write_file(path, "caches = ( { tables = [ \"shop.cache\" ]; } );\n");
    rewrite(whole("@include \"groups.conf\"\n"));
    MYSQL *mysql = connect_main();
    TEXT(answer(mysql, SELECT_CACHE), "local:1");
    write_file(path, "caches = (");
    TRUE_THAT(log_becomes(mysql, "stays in force", 1));
    write_file(path, FRESH_GROUP); /* the file that includes it is as it was */
    TRUE_THAT(becomes(mysql, SELECT_FRESH, "local:1"));
    unlink(path);
}

static void another_local_master_is_gone_to_after_the_transaction(void) {
    static const char text[] =
        "local = { socket = \"/run/local.other.sock\"; };\ncaches = ( { tables = [ \"shop.cache\" ]; } );\n";
    MYSQL *mysql = connect_main();
    SQL(mysql, "BEGIN");
    TEXT(answer(mysql, SELECT_CACHE), "local:1");
    rewrite(text);
    usleep(1100 * 1000);
    for (int i = 0; i < 10; i++) {
        TEXT(answer(mysql, SELECT_CACHE), "local:1");
    }
    NUMBER(fake_session_count(FAKE_LOCAL), 1);
    SQL(mysql, "COMMIT");
    answer(mysql, SELECT_CACHE);
    NUMBER(fake_session_count(FAKE_LOCAL), 2);
    NUMBER(fake_journal_count(0, FAKE_LOCAL, "@/run/local.other.sock"), 1);
}

static void a_program_that_began_with_a_bad_file_takes_a_good_one_with_its_next_connection(void) {
    rewrite("caches = (");
    MYSQL *mysql = connect_main();
    TEXT(answer(mysql, SELECT_FRESH), "main:1");
    rewrite(whole(FRESH_GROUP));
    bool routed = false;
    for (int i = 0; i < STEPS_MAX && !routed; i++) {
        MYSQL *next = connect_main();
        routed = strcmp(answer(next, SELECT_FRESH), "local:1") == 0;
        mysql_close(next);
        usleep(STEP_MS * 1000);
    }
    TRUE_THAT(routed);
}

static void a_child_takes_changes_of_its_own(void) {
    MYSQL *mysql = connect_main();
    TEXT(answer(mysql, SELECT_CACHE), "local:1");
    pid_t child = fork();
    if (child == 0) {
        MYSQL *own = connect_main();
        rewrite(whole(FRESH_GROUP));
        TRUE_THAT(becomes(own, SELECT_FRESH, "local:1"));
        _exit(claims_failed() ? 1 : 0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    NUMBER(status, 0);
    TRUE_THAT(becomes(mysql, SELECT_FRESH, "local:1"));
}

static _Atomic bool stop;

static void *speak(void *mysql) {
    while (!stop) {
        SQL(mysql, SELECT_CACHE);
        MYSQL_RES *rows = mysql_store_result(mysql);
        TRUE_THAT(rows);
        mysql_free_result(rows);
    }
    return NULL;
}

static void threads_go_on_while_it_is_read(void) {
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    MYSQL *mysql = connect_main();
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, speak, connect_main());
    }
    for (int i = 0; i < 2; i++) {
        rewrite(whole(i % 2 ? "caches = ( { tables = [ \"shop.cache\" ]; } );" : FRESH_GROUP));
        TRUE_THAT(becomes(mysql, i % 2 ? SELECT_CACHE : SELECT_FRESH, "local:1"));
    }
    stop = true;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* Whatever lies inside under the name of the configuration may have been put there by anybody: an FTP
 * server's root is a folder of its users'. */
static void a_program_that_changes_its_root_keeps_what_it_has(void) {
    char inside[700], command[2200];
    const char *config = getenv("ROUNDABOUT_CONFIG");
    MYSQL *mysql = connect_main();
    TEXT(answer(mysql, SELECT_CACHE), "local:1");
    snprintf(inside, sizeof inside, "%s/root", getenv("CLAIMS_FOLDER"));
    snprintf(command, sizeof command, "mkdir -p '%s'\"$(dirname '%s')\"", inside, config);
    NUMBER(system(command), 0);
    char path[1500];
    snprintf(path, sizeof path, "%s%s", inside, config);
    write_file(path, whole(FRESH_GROUP));
    NUMBER(geteuid() == 0 ? 0 : unshare(CLONE_NEWUSER), 0); /* where anybody may */
    int outside = open("/", O_DIRECTORY | O_CLOEXEC);       /* at its end a leak checker looks into /proc */
    NUMBER(chroot(inside), 0);
    NUMBER(chdir("/"), 0);
    for (int i = 0; i < 1500 / STEP_MS; i++) { /* two looks */
        TEXT(answer(mysql, SELECT_CACHE), "local:1");
        usleep(STEP_MS * 1000);
    }
    TEXT(answer(mysql, SELECT_FRESH), "main:1");
    NUMBER(fchdir(outside), 0);
    NUMBER(chroot("."), 0);
}

int main(int argc, char **argv) {
    const struct claim claims[] = {
        CLAIM(tables_that_are_added_are_routed_and_those_taken_out_are_not, "", SHIM_ONLY),
        CLAIM(a_program_that_sends_and_reads_takes_a_changed_file_too, "", SHIM_ONLY),
        CLAIM(a_file_that_got_worse_changes_nothing, "", SHIM_ONLY),
        CLAIM(a_program_of_few_statements_that_routes_nothing_sees_a_change, "", SHIM_ONLY),
        CLAIM(an_included_file_counts_too, "", SHIM_ONLY),
        CLAIM(another_local_master_is_gone_to_after_the_transaction, "", SHIM_ONLY),
        CLAIM(a_program_that_began_with_a_bad_file_takes_a_good_one_with_its_next_connection, "", SHIM_ONLY),
        CLAIM(a_child_takes_changes_of_its_own, "", SHIM_ONLY),
        CLAIM(threads_go_on_while_it_is_read, "", SHIM_ONLY),
        CLAIM(a_program_that_changes_its_root_keeps_what_it_has, "", SHIM_ONLY),
    };
    return RUN_CLAIMS(claims);
}
