/* What stands under the number of main's descriptor between the two halves of a routed statement: what else a
 * program may do with that number, and with all others, meanwhile and in between two statements. */
#define _GNU_SOURCE
#include "claims.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBERS = 200 };

static bool is_readable(MYSQL *mysql) {
    struct pollfd readable = {.fd = fake_descriptor(mysql), .events = POLLIN};
    return poll(&readable, 1, 1000) == 1;
}

static void send_cache(MYSQL *mysql) {
    NUMBER(mysql_send_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE)), 0);
}

static void read_cache(MYSQL *mysql) {
    NUMBER(mysql_read_query_result(mysql), 0);
    FROM_LOCAL(first_cell(mysql), "1");
}

static void select_in_halves(MYSQL *mysql) {
    send_cache(mysql);
    TRUE_THAT(is_readable(mysql));
    read_cache(mysql);
}

static void select_main_in_halves(MYSQL *mysql) {
    NUMBER(mysql_send_query(mysql, SELECT_MAIN, strlen(SELECT_MAIN)), 0);
    TRUE_THAT(is_readable(mysql));
    NUMBER(mysql_read_query_result(mysql), 0);
    TEXT(first_cell(mysql), "main:1");
    NUMBER(fake_journal_count(0, FAKE_MAIN, "/wrong_descriptor"), 0);
}

static void note_open(bool open[NUMBERS]) {
    for (int number = 0; number < NUMBERS; number++) {
        open[number] = fcntl(number, F_GETFD) >= 0;
    }
}

/* -1: there is none. */
static int find_newly_open(const bool before[NUMBERS]) {
    bool now[NUMBERS];
    note_open(now);
    for (int number = 3; number < NUMBERS; number++) {
        if (now[number] && !before[number]) {
            return number;
        }
    }
    return -1;
}

/* Of a program's own, and nothing to be read from it. */
static int make_silent(bool anonymous) {
    int ends[2];
    if (anonymous) {
        return eventfd(0, EFD_CLOEXEC);
    }
    NUMBER(pipe2(ends, O_CLOEXEC), 0);
    return ends[0];
}

static bool is_same_file(int one, int other) {
    fcntl(one, F_SETFL, fcntl(one, F_GETFL) | O_NONBLOCK);
    bool shared = fcntl(other, F_GETFL) & O_NONBLOCK;
    fcntl(one, F_SETFL, fcntl(one, F_GETFL) & ~O_NONBLOCK);
    return shared && !(fcntl(other, F_GETFL) & O_NONBLOCK);
}

static void many_pairs_and_handles_take_one_descriptor(void) {
    MYSQL *mysql = connect_main(), *other = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(other, REPLACE_CACHE);
    bool before[NUMBERS];
    note_open(before);
    for (int i = 0; i < 3; i++) {
        select_in_halves(mysql);
        select_in_halves(other);
    }
    int more = find_newly_open(before);
    TRUE_THAT((more >= 0) == is_preloaded());
    if (more >= 0) {
        before[more] = true;
    }
    NUMBER(find_newly_open(before), -1);
}

static void the_flag_of_mains_descriptor_stays_as_the_program_sets_it(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    int number = fake_descriptor(mysql);
    for (int i = 0; i < 6; i++) {
        int flag = i % 2 ? FD_CLOEXEC : 0;
        NUMBER(fcntl(number, F_SETFD, flag), 0);
        select_in_halves(mysql);
        NUMBER(fcntl(number, F_GETFD), flag);
    }
}

/* A daemon that closes "all" descriptors closes the shim's as well. What it then opens is neither lent nor
 * closed. */
static void a_descriptor_that_has_become_the_programs_is_not_lent(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    for (int i = 0; i < 4; i++) {
        bool before[NUMBERS];
        int silent = make_silent(i % 2);
        note_open(before);
        select_in_halves(mysql);
        int kept = find_newly_open(before);
        TRUE_THAT(kept >= 0 || !is_preloaded());
        if (kept >= 0) {
            dup2(silent, kept);
            select_in_halves(mysql);
            select_in_halves(mysql);
            TRUE_THAT(is_same_file(silent, kept));
            before[kept] = true;
            close(find_newly_open(before)); /* so that the next round begins without one */
        }
    }
    select_main_in_halves(mysql);
}

/* Whatever it is: a pipe, or an anonymous file as the lent one is. */
static void what_a_program_puts_under_mains_number_between_two_halves_stays(void) {
    for (int i = 0; i < 4; i++) {
        MYSQL *mysql = connect_main();
        SQL(mysql, REPLACE_CACHE);
        int number = fake_descriptor(mysql), own = make_silent(i % 2);
        send_cache(mysql);
        dup2(own, number);
        if (i < 2) {
            read_cache(mysql);
        } else {
            mysql_more_results(mysql);
            mysql_next_result(mysql); /* gives the answer up */
        }
        TRUE_THAT(is_same_file(own, number));
    }
}

static void who_reads_the_lent_descriptor_leaves_it_readable(void) {
    MYSQL *mysql = connect_main(), *other = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(other, REPLACE_CACHE);
    for (int i = 0; i < 3; i++) {
        char bytes[64];
        send_cache(mysql);
        for (int k = 0; k < 10; k++) {
            TRUE_THAT(read(fake_descriptor(mysql), bytes, sizeof bytes) > 0);
        }
        TRUE_THAT(is_readable(mysql));
        read_cache(mysql);
        select_in_halves(other);
    }
    select_main_in_halves(mysql);
}

/* As programs do that are told of an answer by a signal. */
static void main_is_there_again_whatever_is_set_between_two_halves(void) {
    static const int signals[] = {SIGIO, 0, SIGURG};
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    int number = fake_descriptor(mysql);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        send_cache(mysql);
        NUMBER(fcntl(number, F_SETSIG, signals[i]), 0);
        NUMBER(fcntl(number, F_SETFL, O_RDWR), 0);
        NUMBER(fcntl(number, F_SETFD, 0), 0);
        TRUE_THAT(is_readable(mysql));
        read_cache(mysql);
        select_main_in_halves(mysql);
        select_in_halves(mysql);
    }
}

/* Event loops that have a set for each of many threads. */
static void a_set_told_between_two_halves_hears_of_main_alone_afterwards(void) {
    enum { SETS = 12 };
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    int sets[SETS];
    struct epoll_event event = {.events = EPOLLIN};
    send_cache(mysql);
    for (int i = 0; i < SETS; i++) {
        sets[i] = epoll_create1(EPOLL_CLOEXEC);
        NUMBER(epoll_ctl(sets[i], EPOLL_CTL_ADD, fake_descriptor(mysql), &event), 0);
        NUMBER(epoll_wait(sets[i], &event, 1, 1000), 1);
    }
    read_cache(mysql);
    for (int i = 0; i < SETS; i++) {
        NUMBER(epoll_wait(sets[i], &event, 1, 0), 0);
    }
    NUMBER(mysql_send_query(mysql, SELECT_MAIN, strlen(SELECT_MAIN)), 0);
    for (int i = 0; i < SETS; i++) {
        NUMBER(epoll_wait(sets[i], &event, 1, 1000), 1);
    }
    NUMBER(mysql_read_query_result(mysql), 0);
    TEXT(first_cell(mysql), "main:1");
}

static void a_program_that_has_closed_mains_socket_is_answered_by_main(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    select_in_halves(mysql);
    size_t from = fake_journal_length();
    close(fake_descriptor(mysql));
    mysql_send_query(mysql, REPLACE_CACHE, strlen(REPLACE_CACHE));
    NUMBER(fake_journal_count(from, FAKE_LOCAL, REPLACE_CACHE), 0);
    mysql_read_query_result(mysql);
}

static void a_childs_halves_leave_its_parents_alone(void) {
    MYSQL *mysql = connect_main(), *other = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(other, REPLACE_CACHE);
    select_in_halves(mysql);
    send_cache(mysql);
    pid_t child = fork();
    if (child == 0) {
        read_cache(mysql);
        select_in_halves(other);
        _exit(claims_failed());
    }
    int status = 1;
    waitpid(child, &status, 0);
    NUMBER(status, 0);
    TRUE_THAT(is_readable(mysql));
    read_cache(mysql);
    select_in_halves(other);
    select_main_in_halves(mysql);
}

/* They go with the next statement alone. */
static void attributes_of_a_statement_keep_no_later_one_on_main(void) {
    const char *name = "trace";
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    select_in_halves(mysql);
    mysql_bind_param(mysql, 1, NULL, &name);
    size_t from = fake_journal_length();
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    select_in_halves(mysql);
    select_in_halves(mysql);
    JOURNAL(from,
            "main: /attributes\nmain: " SELECT_CACHE "\nlocal: " SELECT_CACHE "\nlocal: " SELECT_CACHE "\n");
}

int main(int argc, char **argv) {
    static const struct claim claims[] = {
        CLAIM(many_pairs_and_handles_take_one_descriptor, "3, 27", EVERYWHERE),
        CLAIM(the_flag_of_mains_descriptor_stays_as_the_program_sets_it, "3, 27", EVERYWHERE),
        CLAIM(a_descriptor_that_has_become_the_programs_is_not_lent, "3, 27", EVERYWHERE),
        CLAIM(what_a_program_puts_under_mains_number_between_two_halves_stays, "3", SHIM_ONLY),
        CLAIM(who_reads_the_lent_descriptor_leaves_it_readable, "3", SHIM_ONLY),
        CLAIM(main_is_there_again_whatever_is_set_between_two_halves, "3", EVERYWHERE),
        CLAIM(a_set_told_between_two_halves_hears_of_main_alone_afterwards, "3", EVERYWHERE),
        CLAIM(a_program_that_has_closed_mains_socket_is_answered_by_main, "3", SHIM_ONLY),
        CLAIM(a_childs_halves_leave_its_parents_alone, "3, 26", SHIM_ONLY),
        CLAIM(attributes_of_a_statement_keep_no_later_one_on_main, "11", ORACLE_ONLY),
    };
    return RUN_CLAIMS(claims);
}
