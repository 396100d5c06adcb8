/* What a process does around its calls: descriptors that it closes, standard error that is no such thing any
 * more, limits, signals, jumps, threads that are cancelled, children that go on with a parent's handle. */
#define _GNU_SOURCE
#include "claims.h"

#include <errno.h>
#include <fcntl.h>
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

int main(int argc, char **argv) {
    static const struct claim claims[] = {
        CLAIM(a_line_never_gets_into_a_connection_under_the_number_of_standard_error, "", EVERYWHERE),
        CLAIM(a_line_never_gets_into_a_file_under_the_number_of_standard_error, "", EVERYWHERE),
        CLAIM(a_line_gets_into_the_file_that_a_program_appends_its_errors_to, "", SHIM_ONLY),
        CLAIM(standard_error_that_nobody_reads_any_more_ends_nobody, "", EVERYWHERE),
        CLAIM(standard_error_that_is_full_holds_nobody_up, "", EVERYWHERE),
        CLAIM(a_log_file_that_is_a_pipe_without_reader_holds_nobody_up, "", EVERYWHERE),
    };
    return RUN_CLAIMS(claims);
}
