/* Many threads with handles of their own, handles that move between threads, and a fork in the midst of it.
 */
#define _GNU_SOURCE
#include "claims.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 30 };

static void use_handle(MYSQL *mysql) {
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_affected_rows(mysql), 1);
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, INSERT_MAIN);
    TRUE_THAT(mysql_insert_id(mysql) != 0);
    SQL(mysql, "COMMIT");
    SQL(mysql, SELECT_CACHE);
    MYSQL_RES *rows = mysql_store_result(mysql);
    TRUE_THAT(rows);
    if (rows) {
        FROM_LOCAL(mysql_fetch_row(rows)[0], "1");
    }
    mysql_free_result(rows);
    SQL(mysql, SELECT_CACHE);
    rows = mysql_use_result(mysql);
    while (mysql_fetch_row(rows)) {
    }
    mysql_free_result(rows);
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    NUMBER(mysql_stmt_prepare(stmt, INSERT_MAIN, strlen(INSERT_MAIN)), 0);
    NUMBER(mysql_stmt_execute(stmt), 0);
    mysql_stmt_close(stmt);
}

static void *make_and_use_handles(void *unused) {
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        MYSQL *mysql = connect_main();
        use_handle(mysql);
        mysql_close(mysql);
    }
    return NULL;
}

static void threads_with_handles_of_their_own_meet_no_other(void) {
    pthread_t threads[THREADS];
    configure("connect_timeout_s = 20;", NULL); /* a crowd that nobody answers for a quarter of it passes */
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, make_and_use_handles, NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    NUMBER(fake_alive(), 0);
}

static void *use_given_handle(void *mysql) {
    use_handle(mysql);
    return NULL;
}

static void a_handle_may_move_between_threads(void) {
    MYSQL *mysql = connect_main();
    use_handle(mysql);
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, use_given_handle, mysql);
        pthread_join(thread, NULL);
        if (i % 5 == 4) { /* another handle at, most likely, the same address */
            mysql_close(mysql);
            mysql = connect_main();
        }
    }
    mysql_close(mysql);
    NUMBER(fake_alive(), 0);
}

static _Atomic bool over;

static void *keep_working(void *unused) {
    (void)unused;
    while (!over) {
        MYSQL *mysql = connect_main();
        SQL(mysql, SELECT_CACHE);
        FROM_LOCAL(first_cell(mysql), "1");
        mysql_close(mysql);
    }
    return NULL;
}

static void a_fork_amid_threads_leaves_a_child_that_works(void) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        pthread_create(&threads[i], NULL, keep_working, NULL);
    }
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    for (int i = 0; i < 30; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(10);
            bool worked = mysql_query(mysql, REPLACE_CACHE) == 0;
            MYSQL *own = mysql_init(NULL);
            worked &= mysql_real_connect(own, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0) != NULL;
            worked &= mysql_query(own, REPLACE_CACHE) == 0;
            mysql_close(own);
            _exit(worked ? 0 : 1);
        }
        int status = 0;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        TRUE_THAT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    over = true;
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
}

static sigjmp_buf way_out;

static void jump_out(int signal) {
    (void)signal;
    siglongjmp(way_out, 1);
}

/* Perl's signal handlers and C programs with a time limit leave a call by longjmp. No lock may be held then;
 * what becomes of the handle is the library's affair, but it must still be usable, and others as ever. */
static void a_jump_out_of_a_statement_holds_nothing_up(void) {
    MYSQL *mysql = connect_main();
    MYSQL *other = connect_main();
    SQL(mysql, REPLACE_CACHE);
    fake_fail_slowly(FAKE_LOCAL, SELECT_CACHE, 1317, 1, 2000);
    fake_fail_slowly(FAKE_MAIN, SELECT_CACHE, 1317, 1, 2000);
    struct sigaction action = {.sa_handler = jump_out}, old;
    sigaction(SIGALRM, &action, &old);
    if (sigsetjmp(way_out, 1) == 0) {
        ualarm(200 * 1000, 0);
        mysql_query(mysql, SELECT_CACHE);
        SAID("the statement takes long enough to be left");
    }
    sigaction(SIGALRM, &old, NULL);
    alarm(30);
    SQL(other, SELECT_CACHE);
    FROM_LOCAL(first_cell(other), "1");
    SQL(mysql, INSERT_MAIN);
    mysql_close(mysql);
    mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
}

static void *cancel_soon(void *mysql) {
    usleep(200 * 1000);
    mariadb_cancel(mysql);
    return NULL;
}

/* A watchdog's thread cuts off a statement wherever it runs. */
static void a_cancel_reaches_the_statement_that_runs(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    fake_fail_slowly(FAKE_LOCAL, SELECT_CACHE, 2013, 1, 600);
    fake_fail_slowly(FAKE_MAIN, SELECT_CACHE, 2013, 1, 600);
    pthread_t watchdog;
    pthread_create(&watchdog, NULL, cancel_soon, mysql);
    size_t from = fake_journal_length();
    NUMBER(mysql_query(mysql, SELECT_CACHE), 1);
    pthread_join(watchdog, NULL);
    TRUE_THAT(mysql_errno(mysql) == 2013 || mysql_errno(mysql) == 2006);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "/cancel"), 1);
    }
    NUMBER(fake_journal_count(from, FAKE_MAIN, "/cancel"), 1);
}

static void *run_slowly(void *mysql) {
    mysql_query(mysql, SELECT_CACHE);
    return NULL;
}

/* Another connection of the process ends a statement by main's id of its thread, all that it knows. */
static void a_kill_reaches_the_statement_that_runs(void) {
    MYSQL *mysql = connect_main();
    MYSQL *killer = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(killer, REPLACE_CACHE);
    fake_fail_slowly(FAKE_LOCAL, SELECT_CACHE, 1317, 1, 600);
    fake_fail_slowly(FAKE_MAIN, SELECT_CACHE, 1317, 1, 600);
    unsigned long id = mysql_thread_id(mysql);
    pthread_t slow;
    pthread_create(&slow, NULL, run_slowly, mysql);
    usleep(200 * 1000);
    size_t from = fake_journal_length();
    char text[64];
    snprintf(text, sizeof text, "KILL QUERY %lu", id);
    SQL(killer, text);
    pthread_join(slow, NULL);
    NUMBER(mysql_errno(mysql), 1317);
    NUMBER(fake_journal_count(from, FAKE_MAIN, text), 1);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "KILL QUERY"), 1);
        NUMBER(fake_journal_count(from, FAKE_LOCAL, text), 0); /* by the shadow's own id */
    }
}

static void *fail_to_reach_local(void *unused) {
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        MYSQL *mysql = connect_main();
        SQL(mysql, SELECT_CACHE);
        TEXT(first_cell(mysql), "main:1");
        mysql_close(mysql);
    }
    return NULL;
}

static void one_of_many_threads_probes(void) {
    configure("retry_after_ms = 60000;", NULL);
    fake_fail_connect(FAKE_LOCAL, 2003, "Can't connect", -1);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, fail_to_reach_local, NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    if (is_preloaded()) {
        TRUE_THAT(fake_session_count(FAKE_LOCAL) <= THREADS);
        NUMBER(count_log_lines("local master lost"), 1);
    }
}

int main(int argc, char **argv) {
    static const struct claim claims[] = {
        CLAIM(threads_with_handles_of_their_own_meet_no_other, "16", EVERYWHERE),
        CLAIM(a_handle_may_move_between_threads, "9, 17", EVERYWHERE),
        CLAIM(a_fork_amid_threads_leaves_a_child_that_works, "26", UNSANITIZED_ONLY),
        CLAIM(a_jump_out_of_a_statement_holds_nothing_up, "16", UNSANITIZED_ONLY),
        CLAIM(a_cancel_reaches_the_statement_that_runs, "29", MARIADB_ONLY),
        CLAIM(a_kill_reaches_the_statement_that_runs, "29", EVERYWHERE),
        CLAIM(one_of_many_threads_probes, "31", EVERYWHERE),
    };
    return RUN_CLAIMS(claims);
}
