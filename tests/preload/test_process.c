/* What a process does around its calls: descriptors that it closes, standard error that is no such thing any
 * more, limits, signals, jumps, threads that are cancelled, children that go on with a parent's handle. */
#define _GNU_SOURCE
#include "claims.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Standard error */

/* Lines go to standard error: the folder of the log file isn't there. */
static void log_to_standard_error(void) {
    char folder[512];
    snprintf(folder, sizeof folder, "%s", getenv("CLAIMS_FOLDER"));
    setenv("CLAIMS_FOLDER", "/nonexistent", 1);
    configure("retry_after_ms = 100;", "stats = { enabled = false; };");
    setenv("CLAIMS_FOLDER", folder, 1);
}

/* The shim has something to say now. */
static void lose_the_local_master(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    fake_kill_sessions(FAKE_LOCAL);
    fake_fail_connect(FAKE_LOCAL, 2003, "Can't connect to server", -1);
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    mysql_close(mysql);
}

static void a_line_never_gets_into_a_connection_under_the_number_of_standard_error(void) {
    int ends[2];
    char bytes[64];
    log_to_standard_error();
    close(STDERR_FILENO);
    NUMBER(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    NUMBER(ends[0], STDERR_FILENO);
    lose_the_local_master();
    NUMBER(recv(ends[1], bytes, sizeof bytes, MSG_DONTWAIT), -1);
}

static void a_line_never_gets_into_a_file_under_the_number_of_standard_error(void) {
    char path[512];
    struct stat there;
    log_to_standard_error();
    snprintf(path, sizeof path, "%s/data", getenv("CLAIMS_FOLDER"));
    close(STDERR_FILENO);
    NUMBER(open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    lose_the_local_master();
    NUMBER(fstat(STDERR_FILENO, &there), 0);
    NUMBER(there.st_size, 0);
}

static void a_line_gets_into_the_file_that_a_program_appends_its_errors_to(void) {
    char path[512];
    struct stat there;
    log_to_standard_error();
    snprintf(path, sizeof path, "%s/errors", getenv("CLAIMS_FOLDER"));
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    dup2(file, STDERR_FILENO);
    close(file);
    lose_the_local_master();
    NUMBER(fstat(STDERR_FILENO, &there), 0);
    TRUE_THAT(there.st_size > 0);
}

static void standard_error_that_nobody_reads_any_more_ends_nobody(void) {
    int ends[2];
    log_to_standard_error();
    NUMBER(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    close(ends[0]);
    MYSQL *mysql = connect_main();
    signal(SIGPIPE, SIG_DFL); /* the library has seen to it, some programs undo that */
    lose_the_local_master();
    mysql_close(mysql);
}

static void standard_error_that_is_full_holds_nobody_up(void) {
    int ends[2];
    char page[4096] = "";
    log_to_standard_error();
    NUMBER(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], page, sizeof page) > 0) {
    }
    fcntl(ends[1], F_SETFL, 0);
    lose_the_local_master(); /* the claim's own time limit ends what waits */
}

static void a_log_file_that_is_a_pipe_without_reader_holds_nobody_up(void) {
    char path[512];
    snprintf(path, sizeof path, "%s/log", getenv("CLAIMS_FOLDER"));
    NUMBER(mkfifo(path, 0600), 0);
    lose_the_local_master();
    unlink(path);
}

/* Descriptors */

static bool is_open(int number) {
    return fcntl(number, F_GETFD) >= 0;
}

/* What reads standard input, or prints, gets an error there, and is not put into somebody's conversation. */
static void closed_standard_descriptors_are_not_taken_by_a_shadow(void) {
    MYSQL *mysql = connect_main();
    close(STDIN_FILENO);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    TRUE_THAT(!is_open(STDIN_FILENO));
    NUMBER(mysql_send_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
    TRUE_THAT(!is_open(STDIN_FILENO));
    NUMBER(mysql_read_query_result(mysql), 0);
    FROM_LOCAL(first_cell(mysql), "1");
    TRUE_THAT(!is_open(STDIN_FILENO));
    mysql_close(mysql);
}

/* It listens and says nothing: the breaker's own connection stays open while it is waited for. */
static void closed_standard_descriptors_are_not_taken_by_a_probe(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char line[256];
    const struct timespec a_period = {.tv_nsec = 150000000};
    snprintf(name.sun_path, sizeof name.sun_path, "%s/local.sock", getenv("CLAIMS_FOLDER"));
    int silent = socket(AF_UNIX, SOCK_STREAM, 0);
    NUMBER(bind(silent, (struct sockaddr *)&name, sizeof name), 0);
    NUMBER(listen(silent, 10), 0);
    snprintf(line, sizeof line, "socket = \"%s\"; retry_after_ms = 100;", name.sun_path);
    configure(line, NULL);
    MYSQL *mysql = connect_main();
    fake_fail_connect(FAKE_LOCAL, 2003, "Can't connect to server", -1);
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    nanosleep(&a_period, NULL);
    close(STDIN_FILENO);
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    TRUE_THAT(!is_open(STDIN_FILENO));
    struct pollfd probed = {.fd = silent, .events = POLLIN};
    NUMBER(poll(&probed, 1, 0), 1);
    mysql_close(mysql);
}

static void all_descriptors_may_be_closed_and_a_new_connection_made(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    for (int number = 3; number < 256; number++) {
        close(number);
    }
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    clearenv();
    MYSQL *other = mysql_init(NULL);
    TRUE_THAT(mysql_real_connect(other, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0));
    for (int i = 0; i < 3; i++) {
        SQL(other, REPLACE_CACHE);
        SQL(other, SELECT_MAIN);
        TEXT(first_cell(other), "main:1");
    }
    mysql_close(other);
}

/* The server's word for it is that nobody listens; but it is this process that can't even ask. */
static void a_process_without_descriptors_does_not_call_the_local_master_down(void) {
    MYSQL *mysql = connect_main();
    MYSQL *other = connect_main();
    struct rlimit limit, none;
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 3;
    fake_fail_connect(FAKE_LOCAL, 2001, "Can't create UNIX socket (24)", 1);
    SQL(mysql, "SELECT 1");
    mysql_free_result(mysql_store_result(mysql));
    setrlimit(RLIMIT_NOFILE, &none);
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    setrlimit(RLIMIT_NOFILE, &limit);
    SQL(other, SELECT_CACHE);
    FROM_LOCAL(first_cell(other), "1");
    NUMBER(count_log_lines("local master lost"), 0);
    mysql_close(mysql);
    mysql_close(other);
}

/* Children */

/* The client's end of the connection made last, whose number is at least `from`; -1: there is none. */
static int find_client_end(int from) {
    for (int number = 255; number >= from; number--) {
        struct sockaddr_un name;
        socklen_t length = sizeof name;
        if (getsockname(number, (struct sockaddr *)&name, &length) == 0 && length == sizeof name.sun_family) {
            return number;
        }
    }
    return -1;
}

/* What both hold open ends for the server only when both have let it go: a daemon's first process, gone with
 * a transaction open, would keep its rows locked as long as the second one lives. */
static void a_child_that_goes_on_holds_no_end_of_its_parents_shadow(void) {
    MYSQL *mysql = connect_main();
    int main_end = find_client_end(3);
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    int shadow_end = find_client_end(main_end + 1);
    if (!is_preloaded()) {
        NUMBER(shadow_end, -1);
        return;
    }
    TRUE_THAT(shadow_end > main_end);
    struct stat before, now;
    fstat(shadow_end, &before);
    pid_t child = fork();
    if (child == 0) {
        bool worked = mysql_query(mysql, REPLACE_CACHE) == 0;
        bool gone = fstat(shadow_end, &now) != 0 || now.st_ino != before.st_ino;
        _exit(worked && gone ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    NUMBER(status, 0);
    child = fork();
    if (child == 0) {
        mysql_close(mysql);
        _exit(fstat(shadow_end, &now) != 0 ? 0 : 1);
    }
    waitpid(child, &status, 0);
    NUMBER(status, 0);
    TRUE_THAT(fstat(shadow_end, &now) == 0 && now.st_ino == before.st_ino);
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, "COMMIT");
    mysql_close(mysql);
}

/* Jumps and cancelled threads */

static sigjmp_buf way_out;

static void jump_out(int number) {
    (void)number;
    siglongjmp(way_out, 1);
}

static void a_statement_that_was_left_is_not_running_for_ever(void) {
    MYSQL *mysql = connect_main(), *other = connect_main();
    SQL(mysql, SELECT_CACHE);
    mysql_free_result(mysql_store_result(mysql));
    fake_fail_slowly(FAKE_LOCAL, SELECT_CACHE, 1317, 1, 2000);
    fake_fail_slowly(FAKE_MAIN, SELECT_CACHE, 1317, 1, 2000);
    signal(SIGALRM, jump_out);
    if (sigsetjmp(way_out, 1) == 0) {
        ualarm(200 * 1000, 0);
        mysql_query(mysql, SELECT_CACHE);
        SAID("the statement takes long enough to be left");
    }
    signal(SIGALRM, SIG_DFL);
    alarm(30);
    TRUE_THAT(mysql_real_connect(mysql, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0));
    size_t from = fake_journal_length();
    NUMBER(mysql_kill(other, mysql_thread_id(mysql)), 0);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "KILL"), 0);
    }
    mysql_close(other);
}

enum { FORKS = 150 };
static _Atomic bool forking, calling, done_forking;

static void *call_while_forking(void *nothing) {
    (void)nothing;
    while (!forking) {
    }
    while (!done_forking) {
        mysql_close(mysql_init(NULL));
        calling = true;
    }
    return NULL;
}

static void let_it_call(void) {
    forking = true;
    while (!calling) {
    }
}

static void fork_while_first_called(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, call_while_forking, NULL);
    pthread_atfork(let_it_call, NULL, NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(3);
        mysql_close(mysql_init(NULL));
        _exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    done_forking = true;
    pthread_join(thread, NULL);
    _exit(status != 0);
}

/* What makes the copy whole must be known before the fork begins: registered by the first call it may come too
 * late, and the child inherits a lock that nobody gives back. */
static void a_fork_while_a_thread_makes_the_first_calls_leaves_no_lock_behind(void) {
    int hung = 0;
    for (int i = 0; i < FORKS && !hung; i++) {
        pid_t child = fork();
        if (child == 0) {
            fork_while_first_called();
        }
        int status = 1;
        waitpid(child, &status, 0);
        hung += status != 0;
    }
    NUMBER(hung, 0);
}

static bool came_back;

static void *work_while_to_be_cancelled(void *mysql) {
    pthread_cancel(pthread_self());
    bool worked = mysql_query(mysql, REPLACE_CACHE) == 0;
    came_back = worked;
    pthread_testcancel();
    return NULL;
}

/* The library has no point in this call at which a thread ends; the shim must not bring one in, and least of
 * all while it has something half done. */
static void a_thread_is_not_cancelled_inside_the_shim(void) {
    fake_without_sockets = true; /* to one of them the fake library writes */
    MYSQL *mysql = connect_main();
    pthread_t thread;
    void *result = NULL;
    fake_fail_connect(FAKE_LOCAL, 2003, "Can't connect to server", 1); /* there is something to log */
    pthread_create(&thread, NULL, work_while_to_be_cancelled, mysql);
    pthread_join(thread, &result);
    TRUE_THAT(came_back);
    TRUE_THAT(result == PTHREAD_CANCELED);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    SQL(mysql, REPLACE_CACHE);
    clock_gettime(CLOCK_MONOTONIC, &end);
    TRUE_THAT(end.tv_sec - begin.tv_sec < 2);
}

int main(int argc, char **argv) {
    static const struct claim claims[] = {
        CLAIM(a_line_never_gets_into_a_connection_under_the_number_of_standard_error, "", EVERYWHERE),
        CLAIM(a_line_never_gets_into_a_file_under_the_number_of_standard_error, "", EVERYWHERE),
        CLAIM(a_line_gets_into_the_file_that_a_program_appends_its_errors_to, "", SHIM_ONLY),
        CLAIM(standard_error_that_nobody_reads_any_more_ends_nobody, "", EVERYWHERE),
        CLAIM(standard_error_that_is_full_holds_nobody_up, "", EVERYWHERE),
        CLAIM(a_log_file_that_is_a_pipe_without_reader_holds_nobody_up, "", EVERYWHERE),
        CLAIM(closed_standard_descriptors_are_not_taken_by_a_shadow, "", EVERYWHERE),
        CLAIM(closed_standard_descriptors_are_not_taken_by_a_probe, "", SHIM_ONLY),
        CLAIM(all_descriptors_may_be_closed_and_a_new_connection_made, "", EVERYWHERE),
        CLAIM(a_process_without_descriptors_does_not_call_the_local_master_down, "", EVERYWHERE),
        CLAIM(a_child_that_goes_on_holds_no_end_of_its_parents_shadow, "", EVERYWHERE),
        CLAIM(a_statement_that_was_left_is_not_running_for_ever, "", EVERYWHERE),
        CLAIM(a_fork_while_a_thread_makes_the_first_calls_leaves_no_lock_behind, "", UNSANITIZED_ONLY),
        CLAIM(a_thread_is_not_cancelled_inside_the_shim, "", UNSANITIZED_ONLY),
    };
    return RUN_CLAIMS(claims);
}
