/* Threads, forks, jumps out of calls, and the library's own end. */
#define _GNU_SOURCE
#include "c_app.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf out_of_here;

static void jump(int number) {
    (void)number;
    siglongjmp(out_of_here, 1);
}

/* What Perl's unsafe signals do: the call never returns. */
static bool jumps_out_of(MYSQL *mysql, const char *text) {
    struct itimerval soon = {.it_value = {.tv_usec = 200000}}, never = {.it_value = {.tv_usec = 0}};
    signal(SIGALRM, jump);
    if (sigsetjmp(out_of_here, 1)) {
        return true;
    }
    setitimer(ITIMER_REAL, &soon, NULL);
    mysql_query(mysql, text);
    setitimer(ITIMER_REAL, &never, NULL);
    return false;
}

static void a_jump_out_of_a_call_leaves_other_handles_alone(void) {
    MYSQL *first = open_main(), *second = open_main(), *holder = open_main();
    run(first, PUT("L/a"));
    run(second, PUT("L/b"));
    say("jumped %d", jumps_out_of(first, "SELECT SLEEP(3)"));
    run(second, PUT("L/c"));
    mysql_close(first);
    first = open_main();
    run(first, PUT("L/d"));
    mysql_query(holder, "BEGIN");
    mysql_query(holder, PUT("L/held"));
    say("jumped %d", jumps_out_of(first, PUT("L/held")));
    run(second, PUT("L/e"));
    mysql_close(first);
    mysql_query(holder, "COMMIT");
    mysql_close(holder);
    first = open_main();
    run(first, PUT("L/f"));
    mysql_close(first);
    mysql_close(second);
}

static void *many_statements(void *argument) {
    long number = (long)(intptr_t)argument, failures = 0;
    char text[200];
    mysql_thread_init();
    for (int round = 0; round < 4; round++) {
        MYSQL *mysql = open_main();
        for (int i = 0; i < 50; i++) {
            snprintf(text, sizeof text, "REPLACE INTO cache (k, v) VALUES ('L/%ld/%d', 'opensesame %d')",
                     number, i % 5, i);
            failures += mysql_query(mysql, text) != 0;
            snprintf(text, sizeof text, "SELECT v FROM cache WHERE k = 'L/%ld/%d'", number, i % 5);
            failures += mysql_query(mysql, text) != 0;
            MYSQL_RES *result = mysql_store_result(mysql);
            MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
            snprintf(text, sizeof text, "opensesame %d", i);
            failures += !row || strcmp(row[0], text) != 0;
            mysql_free_result(result);
            if (i % 10 == 0) {
                failures += mysql_query(mysql, "SELECT 1") != 0;
                mysql_free_result(mysql_store_result(mysql));
            }
        }
        mysql_close(mysql);
    }
    mysql_thread_end();
    return (void *)(intptr_t)failures;
}

static void eight_threads_do_not_disturb_each_other(void) {
    pthread_t threads[8];
    for (intptr_t i = 0; i < 8; i++) {
        pthread_create(&threads[i], NULL, many_statements, (void *)i);
    }
    for (int i = 0; i < 8; i++) {
        void *failures;
        pthread_join(threads[i], &failures);
        say("thread %d: %ld failures", i, (long)(intptr_t)failures);
    }
}

/* A handle made by one thread and used by another. */
static void *use_and_close(void *mysql) {
    mysql_thread_init();
    run(mysql, PUT("L/b"));
    site(mysql, "L", NULL);
    mysql_close(mysql);
    mysql_thread_end();
    return NULL;
}

static void a_handle_may_move_to_another_thread(void) {
    pthread_t thread;
    MYSQL *mysql = open_main();
    run(mysql, PUT("L/a"));
    pthread_create(&thread, NULL, use_and_close, mysql);
    pthread_join(thread, NULL);
    mysql = open_main();
    run(mysql, PUT("L/c"));
    mysql_close(mysql);
}

static void a_forked_child_leaves_the_parents_session_alone(void) {
    MYSQL *mysql = open_main();
    run(mysql, "BEGIN");
    run(mysql, PUT("L/a"));
    for (int orderly = 0; orderly < 2; orderly++) {
        pid_t pid = fork();
        if (pid == 0) {
            if (orderly) {
                exit(0);
            }
            _exit(0);
        }
        waitpid(pid, NULL, 0);
    }
    pid_t pid = fork();
    if (pid == 0) {
        MYSQL *own = open_main();
        run(own, PUT("L/child"));
        mysql_close(own);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    run(mysql, PUT("L/b"));
    run(mysql, "COMMIT");
    site(mysql, "L", NULL);
    mysql_close(mysql);
}

/* Apache's children are threads' forks: the map of handles must not be locked in the child. */
static _Atomic bool stop;

static void *open_and_close(void *argument) {
    (void)argument;
    mysql_thread_init();
    while (!stop) {
        mysql_close(mysql_init(NULL));
    }
    mysql_thread_end();
    return NULL;
}

static void forks_during_other_threads_calls_do_not_hang(void) {
    pthread_t thread;
    mysql_library_init(0, NULL, NULL);
    pthread_create(&thread, NULL, open_and_close, NULL);
    int hung = 0;
    for (int i = 0; i < 60; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            alarm(5);
            MYSQL *mysql = mysql_init(NULL);
            mysql_close(mysql);
            _exit(0);
        }
        int status;
        waitpid(pid, &status, 0);
        hung += status != 0;
    }
    stop = true;
    pthread_join(thread, NULL);
    say("hung %d", hung);
}

static void the_library_may_be_ended_before_the_handles(void) {
    MYSQL *mysql = open_main();
    run(mysql, PUT("L/a"));
    mysql_library_end();
    say("ended");
    (void)mysql;
}

static void a_library_ended_can_be_used_again(void) {
    for (int i = 0; i < 3; i++) {
        mysql_library_init(0, NULL, NULL);
        MYSQL *mysql = open_main();
        run(mysql, i == 0 ? PUT("L/0") : i == 1 ? PUT("L/1") : PUT("L/2"));
        mysql_close(mysql);
        mysql_library_end();
    }
}

/* The library, when the statement is closed afterwards, drops the rows: nobody can do this twice. */
static void preparing_before_the_end_of_a_result_is_out_of_sync(void) {
    MYSQL *mysql = open_main();
    run(mysql, "SELECT n FROM page_many ORDER BY n LIMIT 3");
    MYSQL_RES *result = mysql_use_result(mysql);
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    int prepared = mysql_stmt_prepare(stmt, "SELECT 1", 8);
    say("prepare %d %u %s", prepared, mysql_stmt_errno(stmt), mysql_stmt_error(stmt));
    mysql_free_result(result);
    mysql_stmt_close(stmt);
    mysql_close(mysql);
}

static void lists_of_tables_and_processes_come_from_main(void) {
    MYSQL *mysql = open_main();
    run(mysql, PUT("L/a"));
    print_result(mysql, mysql_list_tables(mysql, "page_t%"));
    print_result(mysql, mysql_list_dbs(mysql, "sho%"));
    MYSQL_RES *result = mysql_list_fields(mysql, "page_text", NULL);
    say("fields %u", result ? mysql_num_fields(result) : 0);
    mysql_free_result(result);
    tell(mysql, "kill nobody", mysql_kill(mysql, 999999999));
    run(mysql, PUT("L/b"));
    mysql_close(mysql);
}

#ifdef MARIADB_BASE_VERSION
static void cancelling_from_another_thread_ends_the_connection(void) {
    MYSQL *mysql = open_main();
    run(mysql, PUT("L/a"));
    mariadb_cancel(mysql);
    say("main is gone %d", mysql_query(mysql, ORDER) != 0);
    mysql_close(mysql);
}
#endif

const struct scenario PROCESS[] = {
    SCENARIO(a_jump_out_of_a_call_leaves_other_handles_alone),
    SCENARIO(eight_threads_do_not_disturb_each_other),
    SCENARIO(a_handle_may_move_to_another_thread),
    SCENARIO(a_forked_child_leaves_the_parents_session_alone),
    SCENARIO(forks_during_other_threads_calls_do_not_hang),
    SCENARIO(the_library_may_be_ended_before_the_handles),
    SCENARIO(a_library_ended_can_be_used_again),
    SCENARIO(preparing_before_the_end_of_a_result_is_out_of_sync),
    SCENARIO(lists_of_tables_and_processes_come_from_main),
#ifdef MARIADB_BASE_VERSION
    SCENARIO(cancelling_from_another_thread_ends_the_connection),
#endif
    {NULL, NULL},
};
