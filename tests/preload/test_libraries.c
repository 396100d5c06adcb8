/* Programs that aren't linked to a client library themselves: drivers in scopes of their own, two client
 * libraries in one process, and none at all. */
#define _GNU_SOURCE
#include "claims.h"

#include <dlfcn.h>
#include <libgen.h>
#include <sys/wait.h>
#include <unistd.h>

struct plugin {
    void *object;
    MYSQL *(*connect)(void);
    const char *(*ask)(MYSQL *, const char *);
    MYSQL_RES *(*stream)(MYSQL *);
    const char *(*next)(MYSQL_RES *);
    void (*free_rows)(MYSQL_RES *);
    void (*close)(MYSQL *);
    long (*alive)(void);
};

static const char *path_of_plugin(const char *name) {
    static char path[512];
    char own[400] = "";
    if (readlink("/proc/self/exe", own, sizeof own - 1) > 0) {
        snprintf(path, sizeof path, "%s/plugin_%s.so", dirname(own), name);
    }
    return path;
}

static struct plugin load(const char *name) {
    const char *path = path_of_plugin(name);
    struct plugin plugin = {0};
    plugin.object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!plugin.object) {
        printf("    %s\n", dlerror());
        exit(1);
    }
    *(void **)&plugin.connect = dlsym(plugin.object, "plugin_connect");
    *(void **)&plugin.ask = dlsym(plugin.object, "plugin_ask");
    *(void **)&plugin.stream = dlsym(plugin.object, "plugin_stream");
    *(void **)&plugin.next = dlsym(plugin.object, "plugin_next");
    *(void **)&plugin.free_rows = dlsym(plugin.object, "plugin_free");
    *(void **)&plugin.close = dlsym(plugin.object, "plugin_close");
    *(void **)&plugin.alive = dlsym(plugin.object, "plugin_alive");
    return plugin;
}

static void be_a_mysql_server(bool mysql) {
    fake_set_global(FAKE_MAIN, "version", mysql ? "9.7.4" : "10.11.19-MariaDB");
    fake_set_global(FAKE_LOCAL, "version", mysql ? "9.7.4" : "10.11.19-MariaDB");
}

static void use_plugin(const char *name) {
    be_a_mysql_server(strcmp(name, "oracle") == 0);
    struct plugin plugin = load(name);
    MYSQL *mysql = plugin.connect();
    TRUE_THAT(mysql);
    TEXT(plugin.ask(mysql, REPLACE_CACHE), "ok");
    FROM_LOCAL(plugin.ask(mysql, SELECT_CACHE), "1");
    TEXT(plugin.ask(mysql, SELECT_MAIN), "main:1");
    MYSQL_RES *rows = plugin.stream(mysql);
    FROM_LOCAL(plugin.next(rows), "1");
    plugin.free_rows(rows);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(0, FAKE_LOCAL, strcmp(name, "oracle") == 0 ? " 14=1 " : " 19=1 "), 1);
    }
    plugin.close(mysql);
    NUMBER(plugin.alive(), 0);
}

static void a_driver_in_a_scope_of_its_own_is_served(void) {
    use_plugin("mariadb");
}

static void a_driver_of_the_other_library_is_served(void) {
    use_plugin("oracle");
}

static void two_libraries_in_one_process_are_told_apart(void) {
    struct plugin first = load("mariadb");
    struct plugin second = load("oracle");
    be_a_mysql_server(false);
    MYSQL *one = first.connect();
    MYSQL *two = second.connect();
    for (int i = 0; i < 3; i++) {
        FROM_LOCAL(first.ask(one, SELECT_CACHE), "1");
        FROM_LOCAL(second.ask(two, SELECT_CACHE), "1");
        TEXT(first.ask(one, SELECT_MAIN), "main:1");
        TEXT(second.ask(two, SELECT_MAIN), "main:1");
    }
    if (is_preloaded()) { /* each shadow with its own library's numbers */
        NUMBER(fake_journal_count(0, FAKE_LOCAL, " 19=1 "), 1);
        NUMBER(fake_journal_count(0, FAKE_LOCAL, " 14=1 "), 1);
    }
    MYSQL_RES *rows_of_one = first.stream(one);
    MYSQL_RES *rows_of_two = second.stream(two);
    FROM_LOCAL(first.next(rows_of_one), "1");
    FROM_LOCAL(second.next(rows_of_two), "1");
    first.free_rows(rows_of_one);
    second.free_rows(rows_of_two);
    first.close(one);
    second.close(two);
    NUMBER(first.alive(), 0);
    NUMBER(second.alive(), 0);
}

/* Apache and PHP unload their modules at a reload. */
static void come_and_go(const char *name) {
    be_a_mysql_server(strcmp(name, "oracle") == 0);
    for (int i = 0; i < 3; i++) {
        struct plugin plugin = load(name);
        MYSQL *mysql = plugin.connect();
        FROM_LOCAL(plugin.ask(mysql, SELECT_CACHE), "1");
        if (i != 1) {
            plugin.close(mysql); /* in the second round it is forgotten */
        }
        dlclose(plugin.object);
    }
}

static void an_unloaded_driver_may_come_back(void) {
    come_and_go("mariadb");
}

static void an_unloaded_driver_of_the_other_library_may_come_back(void) {
    come_and_go("oracle");
}

static void without_a_library_the_calls_fail_like_a_librarys(void) {
    TRUE_THAT(mysql_init != NULL);
    TRUE_THAT(!mysql_init(NULL));
    char storage[FAKE_HANDLE_SIZE] = {0};
    MYSQL *mysql = (MYSQL *)(void *)storage;
    TRUE_THAT(!mysql_real_connect(mysql, NULL, "app", "secret", "shop", 0, NULL, 0));
    TRUE_THAT(mysql_query(mysql, SELECT_CACHE) != 0);
    TRUE_THAT(mysql_real_query(mysql, SELECT_CACHE, strlen(SELECT_CACHE)) != 0);
    TRUE_THAT(mysql_ping(mysql) != 0);
    TRUE_THAT(mysql_commit(mysql) != 0);
    TRUE_THAT(mysql_select_db(mysql, "shop") != 0);
    TRUE_THAT(mysql_change_user(mysql, "a", "b", "c") != 0);
    TRUE_THAT(mysql_options(mysql, 0, NULL) != 0);
    TRUE_THAT(!mysql_store_result(mysql));
    TRUE_THAT(!mysql_use_result(mysql));
    TRUE_THAT(!mysql_stmt_init(mysql));
    TRUE_THAT(mysql_next_result(mysql) != 0);
    NUMBER(mysql_more_results(mysql), 0);
    NUMBER(mysql_errno(mysql), 0);
    TEXT(mysql_error(mysql), "");
    NUMBER(mysql_affected_rows(mysql), 0);
    NUMBER(mysql_insert_id(mysql), 0);
    int result = 0;
    NUMBER(mysql_real_query_start(&result, mysql, SELECT_CACHE, 5), 0);
    TRUE_THAT(result != 0);
    NUMBER(mysql_real_query_nonblocking(mysql, SELECT_CACHE, 5), NET_ASYNC_ERROR);
    mysql_free_result(NULL);
    mysql_close(mysql);
    mysql_close(NULL);
    mysql_server_end();
}

/* The dynamic linker calls the constructors of what is preloaded last first. */
static void another_librarys_constructor_finds_the_shim_as_the_environment_has_it(void) {
    char preload[1024], path[600], said[64] = "";
    const char *shim = getenv("LD_PRELOAD");
    snprintf(preload, sizeof preload, "%s %s", shim ? shim : "", path_of_plugin("mariadb"));
    snprintf(path, sizeof path, "%s/early", getenv("CLAIMS_FOLDER"));
    pid_t child = fork();
    if (child == 0) {
        setenv("LD_PRELOAD", preload, 1);
        setenv("CLAIMS_EARLY", path, 1);
        execl("/bin/true", "true", (char *)NULL);
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    NUMBER(status, 0);
    FILE *file = fopen(path, "r");
    if (file) {
        TRUE_THAT(fgets(said, sizeof said, file));
        fclose(file);
    }
    FROM_LOCAL(said, "1");
}

int main(int argc, char **argv) {
    static const struct claim claims[] = {
        CLAIM(a_driver_in_a_scope_of_its_own_is_served, "24", EVERYWHERE),
        CLAIM(a_driver_of_the_other_library_is_served, "24", EVERYWHERE),
        CLAIM(two_libraries_in_one_process_are_told_apart, "24", EVERYWHERE),
        CLAIM(an_unloaded_driver_may_come_back, "25", EVERYWHERE),
        CLAIM(an_unloaded_driver_of_the_other_library_may_come_back, "25", EVERYWHERE),
        CLAIM(another_librarys_constructor_finds_the_shim_as_the_environment_has_it, "", EVERYWHERE),
        CLAIM(without_a_library_the_calls_fail_like_a_librarys, "", SHIM_ONLY),
    };
    return RUN_CLAIMS(claims);
}
