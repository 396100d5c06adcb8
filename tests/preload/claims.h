/* Claims about a preloaded program: each runs in a process of its own, with a configuration and a log of its
 * own. The same program runs without the shim as well; what the program sees must be the same then, and what
 * is expected of the servers' journal is looked at only with it. */
/* What can't be shown over a fake library and is for the tests over real ones: struct readers (28), KILL from
 * another process (29), the true size of a coroutine's stack under getaddrinfo and TLS (17), TLS options
 * reaching the shadow (33, 38), plug-ins that the local account asks for (33), streaming without buffering in
 * memory (37), rows written at one site and read at another (46), AUTO_INCREMENT, triggers and foreign keys
 * of a cache table (47, 48), RTLD_DEEPBIND and dlsym users, static clients and programs with raised rights.
 * The statement texts (49-76) have their tables in tests/data; here only those that concern the session. */
#ifndef CLAIMS_H
#define CLAIMS_H

#include "fake_client.h"
#include "fake_server.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum claim_place { EVERYWHERE, SHIM_ONLY, MARIADB_ONLY, ORACLE_ONLY, UNSANITIZED_ONLY };

struct claim {
    const char *name; /* a sentence with underscores */
    void (*run)(void);
    const char *traps; /* the numbers of the known traps that it is about; "" none */
    enum claim_place where;
};
#define CLAIM(function, traps, where) \
    { #function, function, traps, where }

/* What a sanitizer can't follow: its own allocator replaced, a stack switched, a fork amid threads. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* Runs all, or those whose names are given as arguments. The exit status says whether all held. */
int claims_run(const char *program, const struct claim *claims, size_t count, int argc, char **argv);
#define RUN_CLAIMS(claims) claims_run(argv[0], claims, sizeof(claims) / sizeof *(claims), argc, argv)

bool is_preloaded(void);
bool claims_failed(void); /* something that was expected did not hold until now */

/* Writes the claim's configuration: the usual one, with `more` lines in the group "local" and a choice of
 * groups. Before the first call of a client library. */
void configure(const char *local_lines, const char *other_lines);

/* Where programs count during a claim, unless its configuration says otherwise; empty when it begins. */
const char *claims_stats_folder(void);

/* A handle connected to main as the application "app", with database shop. */
MYSQL *connect_main(void);

/* The configured log's text since the claim began; the caller's. */
char *read_log(void);
size_t count_log_lines(const char *part);

void expect_true(const char *file, int line, const char *what, bool held);
void expect_number(const char *file, int line, const char *what, long long got, long long want);
void expect_text(const char *file, int line, const char *what, const char *got, const char *want);
/* The journal from its entry `from` on, line for line; a line of `want` is a pattern with *. Only with the
 * shim. */
void expect_journal(const char *file, int line, size_t from, const char *want);
/* The first cell of the first row of the waiting result, stored and freed; "" without one. */
const char *first_cell(MYSQL *mysql);
/* Sends a text; the claim fails when it fails. */
void run_sql(const char *file, int line, MYSQL *mysql, const char *text);

#define TRUE_THAT(condition) expect_true(__FILE__, __LINE__, #condition, condition)
#define SAID(what)           expect_true(__FILE__, __LINE__, what, false) /* failed, and a line has said how */
#define NUMBER(got, want)    expect_number(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
#define TEXT(got, want)      expect_text(__FILE__, __LINE__, #got, got, want)
#define JOURNAL(from, want)  expect_journal(__FILE__, __LINE__, from, want)
#define SQL(mysql, text)     run_sql(__FILE__, __LINE__, mysql, text)
/* Who answered: the local master with the shim, main without it. */
#define FROM_LOCAL(got, number) \
    expect_text(__FILE__, __LINE__, #got, got, is_preloaded() ? "local:" number : "main:" number)

#define REPLACE_CACHE "REPLACE INTO shop.cache VALUES ('k', 'v')"
#define SELECT_CACHE  "SELECT v FROM shop.cache WHERE k = 'k'"
#define INSERT_MAIN   "INSERT INTO shop.auto_inc VALUES (NULL)"
#define SELECT_MAIN   "SELECT v FROM shop.users"

/* What opening a shadow says: main is asked for its session, the shadow connects, is asked who it is, and is
 * brought in step. */
#define OPENED                     \
    "main: SELECT @@version, *\n"  \
    "local: /connect *\n"          \
    "local: SELECT @@version, *\n" \
    "local: SET SESSION character_set_client*\n"

#endif
