#define _GNU_SOURCE
#include "claims.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINES_SHOWN = 24 };
static _Atomic int failures;
static __thread char cell[256];

bool is_preloaded(void) {
    return getenv("CLAIMS_WITH_SHIM") != NULL;
}

static void complain(const char *file, int line) {
    failures++;
    const char *base = strrchr(file, '/');
    printf("    %s:%d ", base ? base + 1 : file, line);
}

bool claims_failed(void) {
    return failures > 0;
}

void expect_true(const char *file, int line, const char *what, bool held) {
    if (!held) {
        complain(file, line);
        printf("not so: %s\n", what);
    }
}

void expect_number(const char *file, int line, const char *what, long long got, long long want) {
    if (got != want) {
        complain(file, line);
        printf("%s: got %lld, want %lld\n", what, got, want);
    }
}

void expect_text(const char *file, int line, const char *what, const char *got, const char *want) {
    if (!got || !want ? got != want : strcmp(got, want) != 0) {
        complain(file, line);
        printf("%s: got \"%s\", want \"%s\"\n", what, got ? got : "NULL", want ? want : "NULL");
    }
}

void expect_journal(const char *file, int line, size_t from, const char *want) {
    if (!is_preloaded()) {
        return;
    }
    char *got = fake_journal(from);
    char *got_rest = got;
    char *want_copy = strdup(want);
    char *want_rest = want_copy;
    bool equal = true;
    while (equal && (*got_rest || *want_rest)) {
        char *got_line = strsep(&got_rest, "\n");
        char *want_line = strsep(&want_rest, "\n");
        equal = fnmatch(want_line, got_line, FNM_NOESCAPE) == 0 && got_rest && want_rest;
    }
    if (!equal) {
        complain(file, line);
        char *whole = fake_journal(from);
        char *rest = whole;
        printf("the servers saw:\n");
        for (int i = 0; i < LINES_SHOWN && rest && *rest; i++) {
            printf("        %.110s\n", strsep(&rest, "\n"));
        }
        printf("    want:\n%s", want);
        free(whole);
    }
    free(want_copy);
    free(got);
}

void run_sql(const char *file, int line, MYSQL *mysql, const char *text) {
    if (mysql_real_query(mysql, text, strlen(text)) != 0) {
        complain(file, line);
        printf("%s: %u %s\n", text, mysql_errno(mysql), mysql_error(mysql));
    }
}

const char *first_cell(MYSQL *mysql) {
    cell[0] = '\0';
    MYSQL_RES *result = mysql_store_result(mysql);
    if (result) {
        MYSQL_ROW row = mysql_fetch_row(result);
        snprintf(cell, sizeof cell, "%s", row && row[0] ? row[0] : "");
        mysql_free_result(result);
    }
    return cell;
}

static const char *path_of(const char *name) {
    static char path[600];
    const char *folder = getenv("CLAIMS_FOLDER");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "/tmp", name);
    return path;
}

const char *claims_stats_folder(void) {
    static char folder[620];
    const char *parent = getenv("CLAIMS_FOLDER");
    snprintf(folder, sizeof folder, "%s/stats", parent ? parent : "/tmp");
    return folder;
}

/* A claim finds no page of another one's. */
static void empty_stats_folder(void) {
    char path[1024];
    DIR *entries = opendir(claims_stats_folder());
    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        snprintf(path, sizeof path, "%s/%s", claims_stats_folder(), entry->d_name);
        unlink(path);
    }
    if (entries) {
        closedir(entries);
    }
    mkdir(claims_stats_folder(), 0700);
}

void configure(const char *local_lines, const char *other_lines) {
    const char *path = getenv("ROUNDABOUT_CONFIG");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) {
        return;
    }
    bool own_stats = other_lines && strstr(other_lines, "stats =");
    fprintf(file,
            "local = {\n"
            "    %s\n"
            "    %s\n"
            "};\n"
            "caches = (\n"
            "    { name = \"pages\"; tables = [ \"shop.cache\", \"shop.page_*\" ]; },\n"
            "    { name = \"now\"; tables = [ \"shop.now\" ]; transactions = \"immediate\"; },\n"
            "    { name = \"careful\"; tables = [ \"shop.careful\" ]; transactions = \"pass\"; },\n"
            "    { name = \"all\"; tables = [ \"shop.counter\" ];\n"
            "      statements = [ \"REPLACE\", \"SELECT\", \"INSERT\", \"UPDATE\", \"DELETE\" ]; }\n"
            ");\n"
            "%s\n"
            "%s%s%s"
            "log_file = \"%s\";\n",
            local_lines && strstr(local_lines, "socket") ? "" : "socket = \"/run/local.sock\";",
            local_lines ? local_lines : "", other_lines ? other_lines : "",
            own_stats ? "" : "stats = { directory = \"", own_stats ? "" : claims_stats_folder(),
            own_stats ? "" : "\"; };\n", path_of("log"));
    fclose(file);
}

MYSQL *connect_main(void) {
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql || !mysql_real_connect(mysql, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0)) {
        printf("    can't connect to main\n");
        exit(1);
    }
    return mysql;
}

char *read_log(void) {
    char *text = calloc(1, 65536);
    int fd = open(path_of("log"), O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && text) {
        ssize_t used = read(fd, text, 65535);
        text[used > 0 ? used : 0] = '\0';
    }
    if (fd >= 0) {
        close(fd);
    }
    return text;
}

size_t count_log_lines(const char *part) {
    char *text = read_log();
    size_t count = 0;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        count += strstr(line, part) != NULL;
    }
    free(text);
    return count;
}

static bool is_named(const char *name, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return true;
        }
    }
    return argc < 2;
}

/* No password may ever be written. */
static void check_log(void) {
    char *text = read_log();
    if (text && strstr(text, "secret")) {
        failures++;
        printf("    the log holds a password\n");
    }
    free(text);
}

static bool is_oracle(void) {
    return fake_is_oracle && fake_is_oracle();
}

static int run_in_child(const struct claim *claim) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(getenv("CLAIMS_PATIENCE") ? 300 : SANITIZED ? 120 : 30);
        unlink(path_of("log"));
        empty_stats_folder();
        fake_journal_clear();
        if (is_oracle()) {
            fake_set_global(FAKE_MAIN, "version", "9.7.4");
            fake_set_global(FAKE_LOCAL, "version", "9.7.4");
        }
        configure(NULL, NULL);
        claim->run();
        if (getenv("CLAIMS_SHOW_JOURNAL")) {
            char *journal = fake_journal(0);
            printf("%s", journal);
            free(journal);
        }
        check_log();
        fflush(stdout);
        exit(failures ? 1 : 0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) {
        printf("    ended by signal %d\n", WTERMSIG(status));
        return 1;
    }
    return WEXITSTATUS(status);
}

static const char *reason_to_skip(enum claim_place where) {
    switch (where) {
    case SHIM_ONLY:
        return is_preloaded() ? NULL : "needs the shim";
    case MARIADB_ONLY:
        return is_oracle() ? "only MariaDB's library has it" : NULL;
    case ORACLE_ONLY:
        return is_oracle() ? NULL : "only Oracle's library has it";
    case UNSANITIZED_ONLY:
        return SANITIZED ? "a sanitizer can't follow it" : NULL;
    case EVERYWHERE:
        break;
    }
    return NULL;
}

int claims_run(const char *program, const struct claim *claims, size_t count, int argc, char **argv) {
    size_t passed = 0, failed = 0, skipped = 0;
    const char *base = strrchr(program, '/');
    for (size_t i = 0; i < count; i++) {
        const struct claim *claim = &claims[i];
        if (!is_named(claim->name, argc, argv)) {
            continue;
        }
        const char *why = reason_to_skip(claim->where);
        if (why) {
            skipped++;
            printf("skipped %s: %s\n", claim->name, why);
            continue;
        }
        bool held = run_in_child(claim) == 0;
        *(held ? &passed : &failed) += 1;
        printf("%s %s%s%s\n", held ? "passed" : "FAILED", claim->name, *claim->traps ? " - trap " : "",
               claim->traps);
    }
    printf("%s: %zu passed, %zu failed, %zu skipped\n", base ? base + 1 : program, passed, failed, skipped);
    return failed ? 1 : 0;
}
