/* What a process counts, and what processes tell each other of the local master. */
#define _GNU_SOURCE
#include "claims.h"

#include "../../page/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 500, PROCESSES = 20 };

struct found {
    struct page_counters total __attribute__((aligned(64)));
    struct page_stripe sum;
    unsigned pages, own, sums;
    uint64_t opens, probes, observed;
    bool open;
};

static void note(void *context, const struct page_file *file) {
    struct found *found = context;
    if (file->kind == PAGE_BREAKER) {
        found->opens += file->page->breaker.opens;
        found->probes += file->page->breaker.probes;
        found->open |= file->page->breaker.silent_until_ms != 0;
    } else if (file->kind == PAGE_OBSERVATION) {
        found->observed += file->page->observation.statements;
    } else if (file->kind == PAGE_COUNTERS) {
        page_add(&found->total, &file->page->counters);
        found->sums += file->sum;
        found->pages += !file->sum;
        found->own += !file->sum && file->page->header.pid == (uint32_t)getpid();
    }
}

/* All that was counted in this claim; lives until the next call. */
static const struct found *look(void) {
    static struct found found;
    memset(&found, 0, sizeof found);
    int directory = page_open_directory(claims_stats_folder(), NULL, NULL, 0);
    NUMBER(directory >= 0 ? page_visit(directory, note, &found) : 1, 0);
    if (directory >= 0) {
        close(directory);
    }
    page_sum_stripes(&found.total, &found.sum);
    return &found;
}

static long long counted(enum page_verb verb, enum route_reason reason) {
    return (long long)look()->sum.statements[verb][reason];
}

static const struct page_table *table_of(const struct found *found, const char *name) {
    for (int i = 0; i < PAGE_TABLES; i++) {
        if (strcmp(found->total.tables[i].table, name) == 0) {
            return &found->total.tables[i];
        }
    }
    static const struct page_table none;
    return &none;
}

static void read_cache(MYSQL *mysql) {
    SQL(mysql, SELECT_CACHE);
    first_cell(mysql);
}

static void statements_are_counted_by_verb_and_reason(void) {
    MYSQL *mysql = connect_main();
    for (int i = 0; i < 3; i++) {
        SQL(mysql, REPLACE_CACHE);
    }
    read_cache(mysql);
    read_cache(mysql);
    SQL(mysql, INSERT_MAIN);
    SQL(mysql, SELECT_MAIN);
    first_cell(mysql);
    SQL(mysql, "SET time_zone = '+01:00'");
    SQL(mysql, "SELECT v FROM shop.cache WHERE k = @x");
    first_cell(mysql);
    NUMBER(counted(PAGE_REPLACE, ROUTE_ROUTED), 3);
    NUMBER(counted(PAGE_SELECT, ROUTE_ROUTED), 2);
    NUMBER(counted(PAGE_INSERT, ROUTE_NO_CACHE_TABLE), 1); /* a group lists INSERT */
    NUMBER(counted(PAGE_SELECT, ROUTE_NO_CACHE_TABLE), 1);
    NUMBER(counted(PAGE_OTHER, ROUTE_NOT_A_CACHE_VERB), 1);
    NUMBER(counted(PAGE_SELECT, ROUTE_USER_VARIABLE), 1);
    const struct found *found = look();
    NUMBER(page_stripe_total(&found->sum), 9);
    NUMBER(found->own, 1);
    NUMBER(page_times_count(&found->sum.routed), 5);
    NUMBER(found->sum.events[PAGE_EVENT_SHADOW_OPENED], 1);
    TRUE_THAT(found->total.main_least_ns > 0);
}

static void tables_are_counted_by_their_patterns(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    read_cache(mysql);
    SQL(mysql, "REPLACE INTO page_one VALUES ('k', 'v')");
    SQL(mysql, "REPLACE INTO shop.page_two VALUES ('k', 'v')");
    SQL(mysql, "SELECT v FROM shop.cache WHERE k = @x");
    first_cell(mysql);
    const struct found *found = look();
    const struct page_table *cache = table_of(found, "shop.cache");
    const struct page_table *pages = table_of(found, "shop.page_*");
    TEXT(cache->group, "pages");
    NUMBER(cache->routed[PAGE_REPLACE], 1);
    NUMBER(cache->routed[PAGE_SELECT], 1);
    NUMBER(cache->reasons[ROUTE_ROUTED], 2);
    NUMBER(cache->reasons[ROUTE_USER_VARIABLE], 1);
    NUMBER(pages->routed[PAGE_REPLACE], 2);
    TRUE_THAT(cache->routed_ns > 0);
    NUMBER(table_of(found, "shop.page_one")->key, 0);
}

/* As the daemon would, of a local master that lags. */
static void say_behind(void) {
    char name[64];
    struct timespec now;
    int directory = page_open_directory(claims_stats_folder(), NULL, NULL, 0);
    page_name_site(name, "/run/local.sock");
    struct page_site *page = page_open_shared(directory, PAGE_SITE, 0644, name);
    clock_gettime(CLOCK_MONOTONIC, &now);
    strcpy(page->origins[0].site, "paris");
    page->origins[0].lag_ms = 60000;
    page->at_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    page_unmap(page, PAGE_SITE);
    close(directory);
}

/* Every reason of the closed list comes from something. */
static void each_reason_is_counted_by_something(void) {
    configure(NULL, "main = ( { socket = \"/run/main.sock\"; } );");
    char *path = getenv("ROUNDABOUT_CONFIG"), text[8192];
    FILE *file = fopen(path, "r");
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    char *caches = strstr(text, "caches = (");
    file = fopen(path, "w");
    fprintf(file,
            "%.*scaches = ( { tables = [ \"shop.off\" ]; mode = \"off\"; }, { tables = [ \"shop.watched\" ]; "
            "mode = \"observe\"; }, { tables = [ \"shop.old\" ]; max_stale_ms = 1; },%s",
            (int)(caches - text), text, caches + strlen("caches = ("));
    fclose(file);

    MYSQL *other = mysql_init(NULL);
    mysql_real_connect(other, NULL, "app", "secret", "shop", 0, "/run/another.sock", 0);
    SQL(other, REPLACE_CACHE); /* other_server */
    MYSQL *local = mysql_init(NULL);
    mysql_real_connect(local, NULL, "app", "secret", "shop", 0, "/run/local.sock", 0);
    SQL(local, REPLACE_CACHE); /* same_server */

    say_behind();
    fake_set_global(FAKE_LOCAL, "max_allowed_packet", "400");
    MYSQL *mysql = connect_main();
    static const char *const texts[] = {
        REPLACE_CACHE,
        "CREATE INDEX i ON shop.cache (v)",
        SELECT_MAIN,
        "SELECT v FROM shop.cache, shop.users",
        "DO 1",
        "SELECT v FROM shop.cache; SELECT 1",
        "SELECT /*!40000 v */ v FROM shop.cache",
        "SELECT v FROM shop.cache WHERE k = @x",
        "SELECT v FROM shop.cache WHERE k = @@hostname",
        "SELECT my_function(v) FROM shop.cache",
        "SELECT v FROM shop.cache FOR UPDATE",
        "SELECT v FROM shop.cache INTO OUTFILE '/tmp/x'",
        "SELECT SQL_CALC_FOUND_ROWS v FROM shop.cache",
        "SELECT v FROM shop.cache WHERE k GLARB 3",
        "REPLACE INTO shop.off VALUES (1)",
        "REPLACE INTO shop.watched VALUES (1)",
        "SELECT v FROM shop.old",
        "CREATE TEMPORARY TABLE shop.page_t (k INT)",
        "SELECT v FROM shop.page_t",
        "BEGIN",
        "REPLACE INTO shop.careful VALUES (1)",
        "COMMIT",
        "LOCK TABLES shop.users WRITE",
        SELECT_CACHE,
        "UNLOCK TABLES",
        "XA START 'x'",
        SELECT_CACHE,
        "XA END 'x'",
        "XA PREPARE 'x'",
        "XA COMMIT 'x'",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        mysql_real_query(mysql, texts[i], strlen(texts[i])); /* some are errors */
        do {
            first_cell(mysql);
        } while (mysql_next_result(mysql) == 0);
    }
    char longer[600] = "SELECT v FROM shop.cache WHERE k = '";
    memset(longer + strlen(longer), 'x', 500);
    strcat(longer, "'");
    mysql_real_query(mysql, longer, strlen(longer));
    first_cell(mysql);

    for (int i = 0; i < 5; i++) { /* other_call: more epoll sets than are remembered; they close with the program */
        struct epoll_event event = {.events = EPOLLIN};
        epoll_ctl(epoll_create1(EPOLL_CLOEXEC), EPOLL_CTL_ADD, fake_descriptor(mysql), &event);
    }
    mysql_send_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE));
    mysql_read_query_result(mysql);
    first_cell(mysql);
    if (fake_is_oracle && fake_is_oracle()) {
        const char *name = "trace";
        mysql_bind_param(mysql, 1, NULL, &name);
        mysql_query(mysql, SELECT_CACHE);
        first_cell(mysql);
    }
    MYSQL *busy = connect_main();
    SQL(busy, SELECT_MAIN); /* not read: main_busy */
    mysql_query(busy, REPLACE_CACHE);
    mysql_set_character_set(mysql, "gbk");
    mysql_query(mysql, "SELECT v FROM shop.cache WHERE k = '\xbf\x27'");
    first_cell(mysql);
    mysql_set_character_set(mysql, "utf8mb4");
    fake_fail(FAKE_LOCAL, REPLACE_CACHE, 1290, "read only", 1);
    SQL(mysql, REPLACE_CACHE); /* local_down */
    MYSQL *silent = connect_main();
    fake_fail(FAKE_MAIN, "SELECT @@version", 1227, "Access denied", 1);
    SQL(silent, REPLACE_CACHE); /* session_unknown */

    const struct found *found = look();
    for (unsigned reason = 0; reason < ROUTE_REASON_COUNT; reason++) {
        bool oracle_only = reason == ROUTE_QUERY_ATTRIBUTES && !(fake_is_oracle && fake_is_oracle());
        if (!oracle_only && page_stripe_reason(&found->sum, (enum route_reason)reason) == 0) {
            printf("    nothing was counted as %s\n", route_reason_name((enum route_reason)reason));
            SAID("each reason is counted");
        }
    }
}

static void what_was_sent_in_halves_is_counted_once(void) {
    MYSQL *mysql = connect_main();
    static const char *const texts[] = {REPLACE_CACHE, INSERT_MAIN, REPLACE_CACHE, "SET NAMES utf8mb4"};
    for (int i = 0; i < 4; i++) {
        NUMBER(mysql_send_query(mysql, texts[i], strlen(texts[i])), 0);
        NUMBER(mysql_read_query_result(mysql), 0);
    }
    NUMBER(page_stripe_total(&look()->sum), 4);
}

static void send_and_read(MYSQL *mysql, const char *text) {
    NUMBER(mysql_send_query(mysql, text, strlen(text)), 0);
    NUMBER(mysql_read_query_result(mysql), 0);
    first_cell(mysql);
}

/* As the same in one call is. */
static void what_is_passed_in_halves_is_counted_for_its_table_and_observed(void) {
    FILE *file = fopen(getenv("ROUNDABOUT_CONFIG"), "w");
    fprintf(file,
            "local = { socket = \"/run/local.sock\"; };\nstats = { directory = \"%s\"; };\n"
            "caches = ( { tables = [ \"shop.cache\" ]; mode = \"observe\"; } );\n",
            claims_stats_folder());
    fclose(file);
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    uint64_t at_once = look()->observed;
    TRUE_THAT(at_once > 0);
    send_and_read(mysql, REPLACE_CACHE);
    const struct found *found = look();
    NUMBER(found->observed, 2 * at_once);
    const struct page_table *table = table_of(found, "shop.cache");
    NUMBER(table ? table->reasons[ROUTE_OBSERVE] : 0, 2);
}

static void fallbacks_are_counted_by_their_cause(void) {
    configure("retry_after_ms = 60000;", NULL);
    MYSQL *mysql = connect_main();
    read_cache(mysql);
    fake_fail(FAKE_LOCAL, REPLACE_CACHE, 1290, "read only", 1);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(look()->sum.fallbacks[PAGE_CAUSE_REFUSED], 1);
    fake_fail_connect(FAKE_LOCAL, 2003, "Can't connect", -1);
    fake_kill_sessions(FAKE_LOCAL);
    read_cache(mysql);
    NUMBER(look()->sum.fallbacks[PAGE_CAUSE_CONNECT_FAILED], 1);
    read_cache(mysql);
    read_cache(mysql);
    const struct found *found = look();
    NUMBER(found->sum.fallbacks[PAGE_CAUSE_BREAKER_OPEN], 2);
    NUMBER(page_stripe_reason(&found->sum, ROUTE_LOCAL_DOWN), 4);
    NUMBER(found->sum.events[PAGE_EVENT_BREAKER_OPENED], 1);
    NUMBER(found->opens, 1);
    TRUE_THAT(found->open);
}

static void *use_a_handle(void *mysql) {
    for (int i = 0; i < ROUNDS; i++) {
        SQL(mysql, i % 2 ? REPLACE_CACHE : INSERT_MAIN);
    }
    return NULL;
}

static void threads_lose_no_count(void) {
    pthread_t threads[THREADS];
    MYSQL *handles[THREADS];
    for (int i = 0; i < THREADS; i++) {
        handles[i] = connect_main();
        pthread_create(&threads[i], NULL, use_a_handle, handles[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    NUMBER(counted(PAGE_REPLACE, ROUTE_ROUTED), THREADS * ROUNDS / 2);
    NUMBER(counted(PAGE_INSERT, ROUTE_NO_CACHE_TABLE), THREADS * ROUNDS / 2);
    NUMBER(look()->pages, 1);
}

static int wait_for(pid_t child) {
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

static void a_forked_child_counts_for_itself(void) {
    MYSQL *mysql = connect_main();
    read_cache(mysql);
    pid_t child = fork();
    if (child == 0) {
        NUMBER(look()->pages, 1); /* nothing is made before there is something to count */
        MYSQL *own = connect_main();
        SQL(own, REPLACE_CACHE);
        SQL(own, REPLACE_CACHE);
        const struct found *found = look();
        NUMBER(found->pages, 2);
        NUMBER(found->own, 1);
        _exit(claims_failed() ? 1 : 0);
    }
    NUMBER(wait_for(child), 0);
    const struct found *found = look();
    NUMBER(found->pages, 2); /* ended without its destructors: the page is there until somebody folds it */
    NUMBER(found->own, 1);
    NUMBER(counted(PAGE_REPLACE, ROUTE_ROUTED), 2);
    int directory = page_open_directory(claims_stats_folder(), NULL, NULL, 0);
    NUMBER(page_fold(directory, 0640), 1);
    close(directory);
    NUMBER(look()->pages, 1);
    NUMBER(counted(PAGE_REPLACE, ROUTE_ROUTED), 2);
    NUMBER(counted(PAGE_SELECT, ROUTE_ROUTED), 1);
}

static void a_process_that_ends_leaves_its_counts_in_the_sum(void) {
    pid_t child = fork();
    if (child == 0) {
        MYSQL *own = connect_main();
        SQL(own, REPLACE_CACHE);
        exit(claims_failed() ? 1 : 0);
    }
    NUMBER(wait_for(child), 0);
    const struct found *found = look();
    NUMBER(found->pages, 0);
    NUMBER(found->sums, 1);
    NUMBER(found->total.processes, 1);
    NUMBER(counted(PAGE_REPLACE, ROUTE_ROUTED), 1);
    NUMBER(table_of(look(), "shop.cache")->routed[PAGE_REPLACE], 1);
}

static void two_hundred_short_processes_leave_one_page(void) {
    for (int i = 0; i < 200; i++) {
        pid_t child = fork();
        if (child == 0) {
            MYSQL *own = connect_main();
            SQL(own, INSERT_MAIN);
            exit(claims_failed() ? 1 : 0);
        }
        NUMBER(wait_for(child), 0);
    }
    const struct found *found = look();
    NUMBER(found->pages, 0);
    NUMBER(found->total.processes, 200);
    NUMBER(counted(PAGE_INSERT, ROUTE_NO_CACHE_TABLE), 200);
    NUMBER(found->total.pages, 0); /* of the total, which has no such number; of the sum it is back to none */
}

static void no_directory_is_no_harm(void) {
    static const char *const places[] = {"/nowhere/at/all", "/proc/self", "/dev/null"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        pid_t child = fork();
        if (child == 0) {
            char lines[128];
            snprintf(lines, sizeof lines, "stats = { directory = \"%s\"; };", places[i]);
            configure(NULL, lines);
            MYSQL *mysql = connect_main();
            SQL(mysql, REPLACE_CACHE);
            SQL(mysql, SELECT_CACHE);
            FROM_LOCAL(first_cell(mysql), "1");
            NUMBER(count_log_lines("roundabout["), 0);
            _exit(claims_failed() ? 1 : 0);
        }
        NUMBER(wait_for(child), 0);
    }
    NUMBER(look()->pages, 0);
}

static void counters_that_are_switched_off_leave_no_file(void) {
    char lines[800];
    snprintf(lines, sizeof lines, "stats = { enabled = false; directory = \"%s\"; };", claims_stats_folder());
    configure(NULL, lines);
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    DIR *entries = opendir(claims_stats_folder());
    for (const struct dirent *entry; (entry = readdir(entries));) {
        TRUE_THAT(entry->d_name[0] == '.');
    }
    closedir(entries);
}

static void no_value_and_no_password_stands_in_a_page(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "REPLACE INTO shop.cache VALUES ('telltale', 'telltale')");
    SQL(mysql, "SELECT v FROM shop.cache WHERE k = 'telltale'");
    first_cell(mysql);
    SQL(mysql, "INSERT INTO shop.auto_inc VALUES ('telltale')");
    char command[800];
    snprintf(command, sizeof command, "! grep -qaE 'telltale|secret|SELECT|REPLACE' %s/*",
             claims_stats_folder());
    unsetenv("LD_PRELOAD");
    NUMBER(system(command), 0);
}

/* The local master tells apart who connects by nothing: the journal, which all processes share, is what
 * counts. */
static void one_process_of_twenty_finds_the_local_master_dead(void) {
    configure("retry_after_ms = 60000;", NULL);
    fake_fail_connect(FAKE_LOCAL, 2003, "Can't connect to server", -1);
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            MYSQL *own = connect_main();
            for (int round = 0; round < 10; round++) {
                SQL(own, REPLACE_CACHE);
            }
            exit(claims_failed() ? 1 : 0);
        }
        if (i == 0) {
            NUMBER(wait_for(children[0]), 0); /* it has found out; the others come at once */
        }
    }
    for (int i = 1; i < PROCESSES; i++) {
        NUMBER(wait_for(children[i]), 0);
    }
    NUMBER(fake_journal_count(0, FAKE_LOCAL, "/connect"), 1);
    NUMBER(fake_journal_count(0, FAKE_MAIN, REPLACE_CACHE), PROCESSES * 10);
    NUMBER(count_log_lines("local master lost"), 1);
    const struct found *found = look();
    NUMBER(found->opens, 1);
    NUMBER(found->sum.fallbacks[PAGE_CAUSE_CONNECT_FAILED], 1);
    NUMBER(found->sum.fallbacks[PAGE_CAUSE_BREAKER_OPEN], PROCESSES * 10 - 1);
}

static void one_process_probes_and_its_success_tells_all(void) {
    configure("retry_after_ms = 1500;", NULL); /* more than a child takes to end, under valgrind, too */
    MYSQL *mysql = connect_main();
    pid_t child = fork();
    if (child == 0) { /* finds it down */
        fake_fail_connect(FAKE_LOCAL, 2003, "Can't connect to server", -1);
        MYSQL *own = connect_main();
        SQL(own, REPLACE_CACHE);
        exit(claims_failed() ? 1 : 0);
    }
    NUMBER(wait_for(child), 0);
    SQL(mysql, REPLACE_CACHE); /* it would be up for this one, but isn't tried */
    NUMBER(fake_journal_count(0, FAKE_LOCAL, "/connect"), 1);
    usleep(1550 * 1000);
    SQL(mysql, REPLACE_CACHE); /* the probe */
    NUMBER(fake_journal_count(0, FAKE_LOCAL, "/connect"), 2);
    TRUE_THAT(!look()->open);
    child = fork();
    if (child == 0) {
        MYSQL *own = connect_main();
        SQL(own, SELECT_CACHE);
        FROM_LOCAL(first_cell(own), "1");
        exit(claims_failed() ? 1 : 0);
    }
    NUMBER(wait_for(child), 0);
    NUMBER(count_log_lines("is back"), 1);
    NUMBER(look()->probes, 1);
}

static void a_prober_that_dies_holds_nobody_up_for_good(void) {
    configure("retry_after_ms = 100; connect_timeout_s = 1;", NULL);
    MYSQL *mysql = connect_main();
    fake_fail_connect(FAKE_LOCAL, 2003, "Can't connect to server", 1);
    SQL(mysql, REPLACE_CACHE);
    usleep(150 * 1000);
    pid_t child = fork();
    if (child == 0) {
        MYSQL *own = connect_main();
        fake_fail_slowly(FAKE_LOCAL, "SELECT @@version", 2013, -1, 60000);
        SQL(own, REPLACE_CACHE); /* hangs in its probe */
        _exit(0);
    }
    while (look()->probes == 0) {
        usleep(1000);
    }
    kill(child, SIGKILL);
    wait_for(child);
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1"); /* the slot is taken */
    bool back = false;
    for (int i = 0; i < 300 && !back; i++) {
        usleep(10 * 1000);
        SQL(mysql, SELECT_CACHE);
        back = strcmp(first_cell(mysql), "local:1") == 0;
    }
    TRUE_THAT(back);
}

/* Nobody answers, but the first who asked doesn't know yet: the others needn't all wait for the same. */
static void a_connect_that_hangs_is_not_joined_by_others(void) {
    configure("connect_timeout_s = 2;", NULL);
    MYSQL *mysql = connect_main();
    pid_t child = fork();
    if (child == 0) {
        MYSQL *own = connect_main();
        fake_fail_slowly(FAKE_LOCAL, "SELECT @@version", 2013, -1, 60000);
        SQL(own, REPLACE_CACHE);
        _exit(0);
    }
    while (fake_journal_count(0, FAKE_LOCAL, "/connect") == 0) {
        usleep(1000);
    }
    usleep(1100 * 1000);
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    NUMBER(fake_journal_count(0, FAKE_LOCAL, "/connect"), 1);
    kill(child, SIGKILL);
    wait_for(child);
    bool back = false; /* once its time is over */
    for (int i = 0; i < 300 && !back; i++) {
        usleep(10 * 1000);
        SQL(mysql, SELECT_CACHE);
        back = strcmp(first_cell(mysql), "local:1") == 0;
    }
    TRUE_THAT(back);
}

/* A machine may be slow: as long as the local master answers somebody, nobody passes it by. */
static void a_slow_connect_is_joined_while_others_are_answered(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    pid_t child = fork();
    if (child == 0) {
        MYSQL *own = connect_main();
        fake_fail_slowly(FAKE_LOCAL, "SELECT @@version", 2013, -1, 60000);
        SQL(own, REPLACE_CACHE);
        _exit(0);
    }
    while (fake_journal_count(0, FAKE_LOCAL, "/connect") < 2) {
        usleep(1000);
    }
    usleep(600 * 1000);
    SQL(mysql, REPLACE_CACHE);
    MYSQL *another = connect_main();
    SQL(another, SELECT_CACHE);
    TEXT(first_cell(another), "local:1");
    kill(child, SIGKILL);
    wait_for(child);
}

/* A process in a jail without the socket must not close the way for all. */
static void a_process_that_is_contradicted_keeps_its_trouble_to_itself(void) {
    configure("retry_after_ms = 100;", NULL);
    MYSQL *good = connect_main();
    read_cache(good);
    int go[2], done[2];
    NUMBER(pipe2(go, O_CLOEXEC) + pipe2(done, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        fake_fail_connect(FAKE_LOCAL, 2002, "Can't connect through socket (2)", -1);
        MYSQL *own = connect_main();
        while (read(go[0], &byte, 1) == 1 && byte == 'g') {
            SQL(own, REPLACE_CACHE);
            NUMBER(write(done[1], "d", 1), 1);
        }
        _exit(claims_failed() ? 1 : 0);
    }
    for (int i = 0; i < 10; i++) {
        char byte;
        NUMBER(write(go[1], "g", 1), 1);
        NUMBER(read(done[0], &byte, 1), 1);
        usleep(120 * 1000);
        read_cache(good); /* probes, where the other has opened it */
    }
    NUMBER(write(go[1], "e", 1), 1);
    NUMBER(wait_for(child), 0);
    TRUE_THAT(!look()->open);
    TRUE_THAT(look()->opens <= 3);
}

static void a_hostile_breaker_holds_nobody_up(void) {
    static const long long times[] = {INT64_MAX, INT64_MIN, -1, INT64_MAX / 2};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char name[64];
        int directory = page_open_directory(claims_stats_folder(), NULL, NULL, 0);
        page_name_breaker(name, "/run/local.sock");
        struct page_breaker *page = page_open_shared(directory, PAGE_BREAKER, 0640, name);
        __atomic_store_n(&page->silent_until_ms, times[i], __ATOMIC_SEQ_CST);
        close(directory);
        pid_t child = fork();
        if (child == 0) {
            MYSQL *mysql = connect_main();
            SQL(mysql, SELECT_CACHE);
            FROM_LOCAL(first_cell(mysql), "1");
            _exit(claims_failed() ? 1 : 0);
        }
        NUMBER(wait_for(child), 0);
        page_unmap(page, PAGE_BREAKER);
    }
}

int main(int argc, char **argv) {
    const struct claim claims[] = {
        CLAIM(statements_are_counted_by_verb_and_reason, "", SHIM_ONLY),
        CLAIM(tables_are_counted_by_their_patterns, "", SHIM_ONLY),
        CLAIM(each_reason_is_counted_by_something, "", SHIM_ONLY),
        CLAIM(what_was_sent_in_halves_is_counted_once, "", SHIM_ONLY),
        CLAIM(what_is_passed_in_halves_is_counted_for_its_table_and_observed, "", SHIM_ONLY),
        CLAIM(fallbacks_are_counted_by_their_cause, "", SHIM_ONLY),
        CLAIM(threads_lose_no_count, "", SHIM_ONLY),
        CLAIM(a_forked_child_counts_for_itself, "", SHIM_ONLY),
        CLAIM(a_process_that_ends_leaves_its_counts_in_the_sum, "", SHIM_ONLY),
        CLAIM(two_hundred_short_processes_leave_one_page, "", SHIM_ONLY),
        CLAIM(no_directory_is_no_harm, "", EVERYWHERE),
        CLAIM(counters_that_are_switched_off_leave_no_file, "", EVERYWHERE),
        CLAIM(no_value_and_no_password_stands_in_a_page, "", SHIM_ONLY),
        CLAIM(one_process_of_twenty_finds_the_local_master_dead, "", SHIM_ONLY),
        CLAIM(one_process_probes_and_its_success_tells_all, "", SHIM_ONLY),
        CLAIM(a_prober_that_dies_holds_nobody_up_for_good, "", SHIM_ONLY),
        CLAIM(a_connect_that_hangs_is_not_joined_by_others, "", SHIM_ONLY),
        CLAIM(a_slow_connect_is_joined_while_others_are_answered, "", SHIM_ONLY),
        CLAIM(a_process_that_is_contradicted_keeps_its_trouble_to_itself, "", SHIM_ONLY),
        CLAIM(a_hostile_breaker_holds_nobody_up, "", SHIM_ONLY),
    };
    return RUN_CLAIMS(claims);
}
