/* Memory that runs out inside the shim, at each of its allocations in turn: the program goes on, and what it
 * sees is what main or the local master would have answered. */
#define _GNU_SOURCE
#include "claims.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

static uintptr_t shim_from, shim_to; /* the shim's code; 0: not loaded */
static long allocations, failing;    /* counted while failing is not 0; the failing-th fails */

__attribute__((unused)) static bool fails(const void *caller) {
    uintptr_t at = (uintptr_t)caller;
    if (failing == 0 || at < shim_from || at >= shim_to) {
        return false;
    }
    return ++allocations == failing;
}
#define CALLER __builtin_extract_return_addr(__builtin_return_address(0))

#if !SANITIZED
/* Visible, so that they stand in for the C library's. */
#pragma GCC visibility push(default)
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size) {
    if (fails(CALLER)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    if (fails(CALLER)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    if (fails(CALLER)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(old, size);
}

#undef strdup
char *strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *made = fails(CALLER) ? NULL : __libc_malloc(size);
    return made ? memcpy(made, text, size) : NULL;
}

#undef strndup
char *strndup(const char *text, size_t most) {
    size_t length = strnlen(text, most);
    char *made = fails(CALLER) ? NULL : __libc_malloc(length + 1);
    if (made) {
        memcpy(made, text, length);
        made[length] = '\0';
    }
    return made;
}

FILE *open_memstream(char **text, size_t *size) {
    static FILE *(*next)(char **, size_t *);
    if (!next) {
        *(void **)&next = dlsym(RTLD_NEXT, "open_memstream");
    }
    return fails(CALLER) ? NULL : next(text, size);
}

#pragma GCC visibility pop
#endif

static int note_shim(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size;
    (void)unused;
    for (int i = 0; i < info->dlpi_phnum && strstr(info->dlpi_name, "libroundabout"); i++) {
        if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
            shim_from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            shim_to = shim_from + info->dlpi_phdr[i].p_memsz;
        }
    }
    return 0;
}

static void two_rows(MYSQL *mysql, const char *text) {
    SQL(mysql, text);
    MYSQL_RES *rows = mysql_store_result(mysql);
    TRUE_THAT(rows);
    if (rows) {
        MYSQL_ROW row = mysql_fetch_row(rows);
        TRUE_THAT(row && (strcmp(row[0], "main:1") == 0 || strcmp(row[0], "local:1") == 0));
        NUMBER(mysql_num_rows(rows), 2);
    }
    mysql_free_result(rows);
}

/* Where a text with a mark went, its session there had main's value. */
static void same_where_it_ran(const char *mark, const char *name, const char *want) {
    if (fake_journal_count(0, FAKE_LOCAL, mark) > 0) {
        TEXT(fake_variable(FAKE_LOCAL, fake_session_count(FAKE_LOCAL), name), want);
    }
}

static void work(void) {
    MYSQL *mysql = mysql_init(NULL);
    TRUE_THAT(mysql);
    mysql_options(mysql, 7, "utf8mb4");
    TRUE_THAT(mysql_real_connect(mysql, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0));
    SQL(mysql, "SET time_zone = '+01:00'");
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('first', 1)");
    same_where_it_ran("'first'", "time_zone", "+01:00");
    NUMBER(mysql_affected_rows(mysql), 1);
    two_rows(mysql, SELECT_CACHE);
    SQL(mysql, "SET sql_mode = 'ANSI_QUOTES'");
    SQL(mysql, "USE other");
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('second', 1)");
    same_where_it_ran("'second'", "sql_mode", "ANSI_QUOTES");
    same_where_it_ran("'second'", "database", "other");
    SQL(mysql, "REPLACE INTO cache VALUES ('of other', 1)");
    NUMBER(fake_journal_count(0, FAKE_LOCAL, "'of other'"), 0);
    SQL(mysql, "USE shop");
    SQL(mysql, "BEGIN");
    SQL(mysql, "SAVEPOINT a");
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('third', 1)");
    SQL(mysql, "ROLLBACK TO SAVEPOINT a");
    SQL(mysql, "ROLLBACK");
    if (fake_journal_count(0, FAKE_LOCAL, "'third'") > 0) {
        NUMBER(fake_journal_count(0, FAKE_LOCAL, "COMMIT"), 0);
        TRUE_THAT(fake_journal_count(0, FAKE_LOCAL, "START TRANSACTION") > 0);
    }
    SQL(mysql, "CREATE TEMPORARY TABLE cache (k INT)");
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('hidden', 1)");
    NUMBER(fake_journal_count(0, FAKE_LOCAL, "'hidden'"), 0);
    SQL(mysql, "DROP TEMPORARY TABLE cache");
    NUMBER(mysql_send_query(mysql, "SET time_zone = '+02:00'", 24), 0);
    NUMBER(mysql_read_query_result(mysql), 0);
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('fourth', 1)");
    same_where_it_ran("'fourth'", "time_zone", "+02:00");
    MYSQL_STMT *stmt = mysql_stmt_init(mysql);
    TRUE_THAT(stmt);
    NUMBER(mysql_stmt_prepare(stmt, "SET time_zone = '+03:00'", 24), 0);
    NUMBER(mysql_stmt_execute(stmt), 0);
    mysql_stmt_close(stmt);
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('fifth', 1)");
    same_where_it_ran("'fifth'", "time_zone", "+03:00");
    SQL(mysql, SELECT_CACHE);
    MYSQL_RES *rows = mysql_use_result(mysql);
    TRUE_THAT(rows);
    while (rows && mysql_fetch_row(rows)) {
    }
    mysql_free_result(rows);
    NUMBER(mysql_change_user(mysql, "other", "secret2", "shop"), 0);
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('sixth', 1)");
    if (fake_journal_count(0, FAKE_LOCAL, "'sixth'") > 0) {
        TRUE_THAT(fake_journal_count(0, FAKE_LOCAL, "other:secret2@") > 0);
    }
    two_rows(mysql, SELECT_CACHE);
    SQL(mysql, INSERT_MAIN);
    TRUE_THAT(mysql_insert_id(mysql) != 0);
    mysql_close(mysql);
}

static void a_lack_of_memory_anywhere_changes_no_answer(void) {
    dl_iterate_phdr(note_shim, NULL);
    MYSQL *first =
        connect_main(); /* reads the configuration: libconfig itself ends a program that lacks memory */
    mysql_close(first);
    long wrong = 0, nth = 1;
    for (bool over = false; !over && nth < 2000; nth++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            fake_journal_clear();
            allocations = 0;
            failing = nth;
            work();
            fflush(stdout);
            _exit(claims_failed() ? 1 : allocations < nth ? 2 : 0);
        }
        int status = 0;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        over = WIFEXITED(status) && WEXITSTATUS(status) == 2;
        if (!over && status != 0) { /* valgrind's own status, too */
            printf("    with allocation %ld failing: status %d\n", nth, status);
            wrong++;
        }
    }
    NUMBER(wrong, 0);
    TRUE_THAT(nth < 2000 && (!is_preloaded() || nth > 20));
}

int main(int argc, char **argv) {
    static const struct claim claims[] = {
        CLAIM(a_lack_of_memory_anywhere_changes_no_answer, "", UNSANITIZED_ONLY),
    };
    return RUN_CLAIMS(claims);
}
