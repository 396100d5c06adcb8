/* Handles: made, reused, reconnected, inherited by a child, closed; and what a shadow is opened with. */
#define _GNU_SOURCE
#include "claims.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

_Alignas(16) static char storage[FAKE_HANDLE_SIZE];
#define EMBEDDED ((MYSQL *)(void *)storage)

static void connect_as(MYSQL *mysql, const char *user, const char *database) {
    TRUE_THAT(mysql_real_connect(mysql, NULL, user, "secret", database, 0, "/run/main.sock", 0));
}

static void nothing_is_said_before_the_program_speaks(void) {
    NUMBER(fake_journal_length(), 0);
    MYSQL *mysql = connect_main();
    signal(SIGPIPE, SIG_DFL); /* the library has it ignored; what the program says of it stays */
    SQL(mysql, INSERT_MAIN);
    SQL(mysql, "SET NAMES latin1");
    JOURNAL(0, "main: /connect *\nmain: " INSERT_MAIN "\nmain: SET NAMES latin1\n");
    struct sigaction pipe_action;
    sigaction(SIGPIPE, NULL, &pipe_action);
    TRUE_THAT(pipe_action.sa_handler == SIG_DFL);
}

static void a_shadow_is_opened_by_the_first_cache_statement(void) {
    MYSQL *mysql = connect_main();
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    JOURNAL(from, OPENED "local: " REPLACE_CACHE "\nlocal: " REPLACE_CACHE "\nlocal: " SELECT_CACHE "\n");
    from = fake_journal_length();
    mysql_close(mysql);
    JOURNAL(from, "local: /quit\nmain: /quit\n");
    NUMBER(fake_alive(), 0);
}

static void an_address_may_be_another_handles_next(void) {
    MYSQL *mysql = mysql_init(EMBEDDED);
    connect_as(mysql, "one", "shop");
    SQL(mysql, REPLACE_CACHE);
    mysql_close(mysql);
    NUMBER(fake_alive(), 0);
    mysql = mysql_init(EMBEDDED);
    connect_as(mysql, "two", "other");
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(0, "main: /connect one:*/shop *\n" OPENED "local: " REPLACE_CACHE "\nlocal: /quit\nmain: /quit\n"
               "main2: /connect two:*/other *\nmain2: SELECT @@*\nlocal2: /connect two:*/other *\n"
               "local2: SELECT @@*\nlocal2: SET SESSION *\nlocal2: " REPLACE_CACHE "\n");
    mysql_close(mysql);
    NUMBER(fake_alive(), 0);
}

/* Initialised again without a close: the first connection is the program's to lose, the shadow goes. */
static void an_address_may_be_initialised_again(void) {
    MYSQL *mysql = mysql_init(EMBEDDED);
    connect_as(mysql, "one", "shop");
    SQL(mysql, "SET sql_mode = 'ANSI_QUOTES'");
    SQL(mysql, REPLACE_CACHE);
    static char saved[FAKE_HANDLE_SIZE];
    memcpy(saved, storage, sizeof saved);
    mysql = mysql_init(EMBEDDED);
    connect_as(mysql, "two", "shop");
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        TEXT(fake_variable(FAKE_LOCAL, 2, "sql_mode"), "STRICT_TRANS_TABLES");
        NUMBER(fake_alive(), 1);
    }
    mysql_close(mysql);
    NUMBER(fake_alive(), 0);
    memcpy(storage, saved, sizeof saved);
    mysql_close(mysql); /* what was lost */
}

/* DBD::mysql's own reconnect: it saves the struct, writes zeros over it, closes that, and connects at the
 * same address. */
static void a_zeroed_handle_may_be_closed(void) {
    MYSQL *mysql = mysql_init(EMBEDDED);
    connect_as(mysql, "app", "shop");
    SQL(mysql, REPLACE_CACHE);
    static char saved[FAKE_HANDLE_SIZE];
    memcpy(saved, storage, sizeof saved);
    memset(storage, 0, sizeof storage);
    mysql_close(mysql);
    TEXT(mysql_error(mysql), "");
    TRUE_THAT(mysql_init(mysql) == EMBEDDED);
    connect_as(mysql, "app", "shop");
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    mysql_close(mysql);
    memcpy(storage, saved, sizeof saved);
    mysql_close(mysql); /* what was lost */
}

/* ... and where that fails it puts the old struct back. */
static void a_handle_may_be_copied_back(void) {
    MYSQL *mysql = mysql_init(EMBEDDED);
    connect_as(mysql, "app", "shop");
    SQL(mysql, REPLACE_CACHE);
    static char saved[FAKE_HANDLE_SIZE];
    memcpy(saved, storage, sizeof saved);
    memset(storage, 0, sizeof storage);
    mysql_close(mysql);
    mysql_init(mysql);
    fake_fail_connect(FAKE_MAIN, 2003, NULL, 1);
    TRUE_THAT(!mysql_real_connect(mysql, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0));
    memcpy(storage, saved, sizeof saved);
    SQL(mysql, INSERT_MAIN);
    SQL(mysql, SELECT_CACHE);
    TRUE_THAT(*first_cell(mysql) != '\0');
    mysql_close(mysql);
}

static void unknown_handles_pass(void) {
    mysql_close(NULL);
    mysql_free_result(NULL);
    NUMBER(mysql_errno(NULL), 0);
    TEXT(mysql_error(NULL), "");
    TEXT(mysql_sqlstate(NULL), "00000");
    MYSQL *mysql = mysql_init(EMBEDDED);
    connect_as(mysql, "app", "shop");
    SQL(mysql, REPLACE_CACHE);
    mysql_close(mysql);
    NUMBER(mysql_errno(mysql), 0); /* MySQLdb asks a closed handle */
    TEXT(mysql_error(mysql), "");
    NUMBER(mysql_query(mysql, REPLACE_CACHE), 1);
    NUMBER(mysql_errno(mysql), 2006);
    mysql_close(mysql);
}

static void no_database_is_no_crash(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mysql_select_db(mysql, NULL), 1);
    SQL(mysql, REPLACE_CACHE);
}

static void init_commands_run_on_their_own_handle(void) {
    MYSQL *mysql = mysql_init(NULL);
    NUMBER(mysql_options(mysql, 3, "SET sql_mode = ''"), 0);
    connect_as(mysql, "app", "shop");
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        TEXT(fake_variable(FAKE_MAIN, 1, "sql_mode"), "");
        TEXT(fake_variable(FAKE_LOCAL, 1, "sql_mode"), "");
    }
}

static void an_init_command_that_reads_the_cache_is_mains(void) {
    MYSQL *mysql = mysql_init(NULL);
    NUMBER(mysql_options(mysql, 3, SELECT_CACHE), 0);
    connect_as(mysql, "app", "shop");
    JOURNAL(0, "main: /connect *\nmain: " SELECT_CACHE "\n");
}

static void a_failed_connect_may_be_tried_again(void) {
    MYSQL *mysql = mysql_init(NULL);
    fake_fail_connect(FAKE_MAIN, 1045, "Access denied", 1);
    TRUE_THAT(!mysql_real_connect(mysql, NULL, "app", "wrong", "shop", 0, "/run/main.sock", 0));
    NUMBER(mysql_errno(mysql), 1045);
    connect_as(mysql, "app", "shop");
    NUMBER(mysql_errno(mysql), 0);
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(0, FAKE_LOCAL, "app:secret@"), 1);
    }
}

/* The library calls mysql_init (on its stack), mysql_real_connect, mysql_set_character_set and mysql_close
 * (of the program's handle) by itself, in the middle of a statement. */
static void a_reconnect_inside_a_statement_starts_afresh(void) {
    MYSQL *mysql = mysql_init(NULL);
    connect_as(mysql, "app", "shop");
    my_bool on = 1;
    NUMBER(mysql_options(mysql, fake_is_oracle() ? 15 : 20, &on), 0);
    SQL(mysql, "SET sql_mode = 'ANSI_QUOTES'");
    SQL(mysql, "SET NAMES latin1");
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    unsigned long id = mysql_thread_id(mysql);
    fake_kill_sessions(FAKE_MAIN);
    size_t from = fake_journal_length();
    SQL(mysql, INSERT_MAIN);
    TRUE_THAT(mysql_thread_id(mysql) != id);
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        JOURNAL(from, "main2: /connect *\nmain2: SET NAMES latin1\nmain2: " INSERT_MAIN "\nlocal: /quit\n"
                      "main2: SELECT @@*\nlocal2: /connect *\nlocal2: SELECT @@*\nlocal2: SET SESSION *\n"
                      "local2: " REPLACE_CACHE "\n");
        TEXT(fake_variable(FAKE_LOCAL, 2, "sql_mode"), "STRICT_TRANS_TABLES");
        TEXT(fake_variable(FAKE_LOCAL, 2, "character_set_client"), "latin1");
    }
    mysql_close(mysql);
    NUMBER(fake_alive(), 0);
}

static void a_reconnect_inside_a_ping_starts_afresh(void) {
    MYSQL *mysql = mysql_init(NULL);
    connect_as(mysql, "app", "shop");
    my_bool on = 1;
    NUMBER(mysql_options(mysql, fake_is_oracle() ? 15 : 20, &on), 0);
    SQL(mysql, "USE other");
    SQL(mysql, "CREATE TEMPORARY TABLE shop.cache (k INT)");
    SQL(mysql, REPLACE_CACHE);
    fake_kill_sessions(FAKE_MAIN);
    NUMBER(mysql_ping(mysql), 0);
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE); /* the temporary table has gone with its session */
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, REPLACE_CACHE), 1);
        TEXT(fake_variable(FAKE_LOCAL, 1, "database"), "other");
    }
}

static void the_programs_own_reconnect_starts_afresh(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "SET time_zone = '+01:00'");
    SQL(mysql, REPLACE_CACHE);
    NUMBER(mariadb_reconnect(mysql), 0);
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        TEXT(fake_variable(FAKE_LOCAL, 1, "time_zone"), "+01:00");
        TEXT(fake_variable(FAKE_LOCAL, 2, "time_zone"), "SYSTEM");
    }
    mysql_close(mysql);
    NUMBER(fake_alive(), 0);
}

static void wait_for(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    TRUE_THAT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_child_says_nothing_on_its_parents_shadow(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        mysql_close(mysql); /* Python's sys.exit does */
        fflush(stdout);
        _exit(0);
    }
    wait_for(child);
    JOURNAL(from, "child main: /quit\n");
    from = fake_journal_length();
    SQL(mysql, SELECT_CACHE);
    FROM_LOCAL(first_cell(mysql), "1");
    JOURNAL(from, "local: " SELECT_CACHE "\n");
}

/* Connect, become a daemon, go on in the child. */
static void a_child_opens_a_shadow_of_its_own(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "SET time_zone = '+02:00'");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        SQL(mysql, REPLACE_CACHE);
        SQL(mysql, SELECT_CACHE);
        FROM_LOCAL(first_cell(mysql), "1");
        mysql_close(mysql);
        fflush(stdout);
        _exit(0);
    }
    wait_for(child);
    JOURNAL(from, "child local2: /connect *\nchild local2: SELECT @@*\nchild local2: SET SESSION *\n"
                  "child local2: " REPLACE_CACHE "\nchild local2: " SELECT_CACHE "\nchild local2: /quit\n"
                  "child main: /quit\n");
}

static void a_child_leaves_its_parents_transaction_alone(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, "BEGIN");
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        SQL(mysql, "COMMIT");
        SQL(mysql, REPLACE_CACHE);
        fflush(stdout);
        _exit(0);
    }
    wait_for(child);
    NUMBER(fake_journal_count(from, FAKE_LOCAL, "COMMIT"), 0);
}

static void a_child_leaves_its_parents_unread_rows_alone(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, SELECT_CACHE);
    MYSQL_RES *rows = mysql_use_result(mysql);
    TRUE_THAT(mysql_fetch_row(rows));
    size_t from = fake_journal_length();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        mysql_free_result(rows);
        mysql_close(mysql);
        fflush(stdout);
        _exit(0);
    }
    wait_for(child);
    TRUE_THAT(mysql_fetch_row(rows));
    TRUE_THAT(!mysql_fetch_row(rows));
    mysql_free_result(rows);
    NUMBER(fake_journal_count(from, FAKE_LOCAL, "/quit"), 0);
}

static void a_shadow_gets_the_programs_options(void) {
    MYSQL *mysql = mysql_init(NULL);
    bool oracle = fake_is_oracle();
    my_bool flag = 1;
    unsigned seconds = 30, infile = 0, protocol = 2;
    NUMBER(mysql_options(mysql, 0, &seconds), 0); /* not kept: the shadow's own */
    NUMBER(mysql_options(mysql, 5, "group"), 0);
    NUMBER(mysql_options(mysql, 7, "latin1"), 0);
    NUMBER(mysql_options(mysql, 8, &infile), 0);
    NUMBER(mysql_options(mysql, 9, &protocol), 0);                 /* not kept */
    NUMBER(mysql_options(mysql, 11, &seconds), 0);                 /* not kept */
    NUMBER(mysql_options(mysql, 1, NULL), 0);                      /* not kept: compression */
    NUMBER(mysql_options(mysql, oracle ? 14 : 19, &flag), 0);      /* report truncation */
    NUMBER(mysql_options(mysql, oracle ? 16 : 22, "/plugins"), 0); /* plugin dir */
    NUMBER(mysql_options4(mysql, oracle ? 27 : 33, "program", "test"), 0);
    NUMBER(mysql_options(mysql, oracle ? 15 : 20, &flag), 0); /* not kept: reconnect */
    mysql_ssl_set(mysql, "key.pem", "cert.pem", NULL, NULL, NULL);
    TRUE_THAT(mysql_real_connect(mysql, NULL, "app", "secret", "shop", 0, "/run/main.sock", 2));
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, oracle ? "main: SELECT @@*\n"
                           "local: /connect app:secret@/run/local.sock/shop flags=2 charset=latin1 5=group "
                           "7=latin1 8=0 14=1 16=/plugins 27=program=test 19=key.pem 20=cert.pem 8=0 9=2 0=1 "
                           "11=2 12=2 7=latin1\nlocal: SELECT @@*\nlocal: SET SESSION *\n"
                           "local: " REPLACE_CACHE "\n"
                         : "main: SELECT @@*\n"
                           "local: /connect app:secret@/run/local.sock/shop flags=2 charset=latin1 5=group "
                           "7=latin1 8=0 19=1 22=/plugins 33=program=test 25=key.pem 26=cert.pem 8=0 9=2 0=1 "
                           "11=2 12=2 7=latin1\nlocal: SELECT @@*\nlocal: SET SESSION *\n"
                           "local: " REPLACE_CACHE "\n");
    from = fake_journal_length();
    mysql_close(mysql);
    NUMBER(fake_journal_count(from, FAKE_LOCAL, "/quit"), is_preloaded());
}

static void an_option_that_failed_is_not_repeated(void) {
    MYSQL *mysql = mysql_init(NULL);
    NUMBER(mysql_options4(mysql, fake_is_oracle() ? 27 : 33, "", "x"), 1);
    NUMBER(mysql_errno(mysql), 2034);
    if (!fake_is_oracle()) {
        NUMBER(mysql_optionsv(mysql, 15, NULL, NULL), 1);
        NUMBER(mysql_optionsv(mysql, 33, "a", "b"), 0);
    }
    connect_as(mysql, "app", "shop");
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(0, FAKE_LOCAL, "15="), 0);
        NUMBER(fake_journal_count(0, FAKE_LOCAL, "33=a=b"), !fake_is_oracle());
    }
}

static void names_that_were_not_given_are_not_made_up(void) {
    MYSQL *mysql = mysql_init(NULL);
    TRUE_THAT(mysql_real_connect(mysql, NULL, NULL, NULL, NULL, 0, "/run/main.sock", 0));
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(0, FAKE_LOCAL, "/connect NULL:NULL@/run/local.sock/ "), 1);
    }
}

static void a_configured_user_is_used(void) {
    char path[600], line[700];
    snprintf(path, sizeof path, "%s/password", getenv("CLAIMS_FOLDER"));
    FILE *file = fopen(path, "w");
    TRUE_THAT(file);
    if (file) {
        fputs("secret3\n", file);
        fchmod(fileno(file), 0600);
        fclose(file);
    }
    snprintf(line, sizeof line, "user = \"cache\"; password_file = \"%s\";", path);
    configure(line, NULL);
    MYSQL *mysql = mysql_init(NULL);
    mysql_options(mysql, 5, "group"); /* the program's own option file says nothing of this user */
    connect_as(mysql, "app", "shop");
    SQL(mysql, REPLACE_CACHE);
    unlink(path);
    if (is_preloaded()) {
        NUMBER(fake_journal_count(0, FAKE_LOCAL, "/connect cache:secret3@/run/local.sock/shop "), 1);
        NUMBER(fake_journal_count(0, FAKE_LOCAL, " 5=group"), 0);
    }
}

static void a_local_master_may_be_a_host_and_port(void) {
    configure("host = \"127.0.0.9\"; port = 3307; # socket", NULL);
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    if (is_preloaded()) { /* the fake takes it for main: what matters here is the address and protocol TCP */
        NUMBER(fake_journal_count(0, FAKE_MAIN, "@127.0.0.9/shop flags=0 charset=utf8mb4 8=0 9=1 "), 1);
    }
}

static void credentials_in_a_connection_string_are_not_guessed(void) {
    MYSQL *mysql = mysql_init(NULL);
    TRUE_THAT(
        mysql_real_connect(mysql, "host=main.example;user=x;password=secret", NULL, NULL, NULL, 0, NULL, 0));
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(fake_session_count(FAKE_LOCAL), 0);
    if (is_preloaded()) {
        NUMBER(count_log_lines("connection string"), 1);
    }
}

static void a_program_that_talks_to_the_local_master_is_left_alone(void) {
    MYSQL *mysql = mysql_init(NULL);
    TRUE_THAT(mysql_real_connect(mysql, NULL, "app", "secret", "shop", 0, "/run/local.sock", 0));
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "local:1");
    JOURNAL(0, "local: /connect *\nlocal: " REPLACE_CACHE "\nlocal: " SELECT_CACHE "\n");
}

static void the_same_server_by_another_name_is_found_out(void) {
    configure("socket = \"/run/another_name_of_main.sock\";", NULL);
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    JOURNAL(from, "main: " REPLACE_CACHE "\nmain: " SELECT_CACHE "\n");
}

static void servers_that_are_not_listed_are_left_alone(void) {
    configure(NULL,
              "main = ( { socket = \"/run/another.sock\"; }, { host = \"main.example\"; port = 3306; } );");
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(0, "main: /connect *\nmain: " REPLACE_CACHE "\n");
    MYSQL *listed = mysql_init(NULL);
    TRUE_THAT(mysql_real_connect(listed, "MAIN.example", "app", "secret", "shop", 0, NULL, 0));
    SQL(listed, SELECT_CACHE);
    FROM_LOCAL(first_cell(listed), "1");
}

static size_t count_sockets(bool closed_on_exec) {
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        struct stat kind;
        int fd = atoi(entry->d_name);
        if (fd > 2 && fstat(fd, &kind) == 0 && S_ISSOCK(kind.st_mode)) {
            count += (fcntl(fd, F_GETFD) & FD_CLOEXEC) == (closed_on_exec ? FD_CLOEXEC : 0);
        }
    }
    if (folder) {
        closedir(folder);
    }
    return count;
}

static void a_shadows_descriptor_is_closed_on_exec(void) {
    MYSQL *mysql = connect_main();
    NUMBER(count_sockets(true), 0);
    SQL(mysql, REPLACE_CACHE);
    NUMBER(count_sockets(true), is_preloaded());
    mysql_close(mysql);
    NUMBER(count_sockets(true) + count_sockets(false), 0);
}

/* Daemons close "all" descriptors: the numbers are other files' then. */
static void a_descriptor_closed_behind_our_back_is_not_written_to(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    for (int fd = 3; fd < 64; fd++) {
        close(fd);
    }
    for (int i = 0; i < 8; i++) {
        NUMBER(open("/dev/null", O_RDWR | O_CLOEXEC) >= 0, 1);
    }
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from,
            "local2: /connect *\nlocal2: SELECT @@*\nlocal2: SET SESSION *\nlocal2: " REPLACE_CACHE "\n");
    mysql_close(mysql);
}

static void the_library_may_end_before_its_handles(void) {
    MYSQL *mysql = connect_main();
    MYSQL *second = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(second, REPLACE_CACHE);
    size_t from = fake_journal_length();
    mysql_server_end();
    if (is_preloaded()) {
        NUMBER(fake_journal_count(from, FAKE_LOCAL, "/quit"), 2);
        NUMBER(fake_alive(), 2);
    }
    mysql_close(mysql);
    mysql_close(second);
    NUMBER(fake_alive(), 0);
}

static void a_replication_stream_is_left_alone(void) {
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    if (fake_is_oracle()) {
        mysql_binlog_open(mysql, NULL);
    } else {
        TRUE_THAT(mariadb_rpl_init_ex(mysql, 1));
    }
    size_t from = fake_journal_length();
    SQL(mysql, REPLACE_CACHE);
    JOURNAL(from, "main: " REPLACE_CACHE "\n");
    mysql_close(mysql);
    NUMBER(fake_alive(), 0);
}

static void many_handles_keep_to_themselves(void) {
    enum { COUNT = 200 };
    MYSQL *handles[COUNT];
    for (int i = 0; i < COUNT; i++) {
        handles[i] = connect_main();
        if (i % 2) {
            SQL(handles[i], "SET time_zone = '+03:00'");
        }
    }
    for (int i = 0; i < COUNT; i++) {
        SQL(handles[i], REPLACE_CACHE);
    }
    for (unsigned i = 0; i < COUNT && is_preloaded(); i++) {
        TEXT(fake_variable(FAKE_LOCAL, i + 1, "time_zone"), i % 2 ? "+03:00" : "SYSTEM");
    }
    for (int i = 0; i < COUNT; i++) {
        mysql_close(handles[i]);
    }
    NUMBER(fake_alive(), 0);
}

static void a_broken_configuration_changes_nothing(void) {
    const char *path = getenv("ROUNDABOUT_CONFIG");
    FILE *file = path ? fopen(path, "w") : NULL;
    TRUE_THAT(file);
    if (file) {
        fputs("local = { socket = \"/run/local.sock\"; colour = 1; };\n", file);
        fclose(file);
    }
    fflush(stderr);
    int kept = dup(2);
    int null =
        open("/dev/null", O_WRONLY | O_CLOEXEC); /* without a configuration that is where the log goes */
    dup2(null, 2);
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    SQL(mysql, SELECT_CACHE);
    TEXT(first_cell(mysql), "main:1");
    dup2(kept, 2);
    JOURNAL(0, "main: /connect *\nmain: " REPLACE_CACHE "\nmain: " SELECT_CACHE "\n");
    mysql_close(mysql);
}

static void a_missing_configuration_changes_nothing(void) {
    unlink(getenv("ROUNDABOUT_CONFIG"));
    int kept = dup(2);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, 2);
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    dup2(kept, 2);
    JOURNAL(0, "main: /connect *\nmain: " REPLACE_CACHE "\n");
    mysql_close(mysql);
}

static void an_observed_group_stays_on_main(void) {
    const char *path = getenv("ROUNDABOUT_CONFIG");
    FILE *file = fopen(path, "w");
    fputs("local = { socket = \"/run/local.sock\"; };\n"
          "caches = ( { tables = [ \"shop.cache\" ]; mode = \"observe\"; } );\n",
          file);
    fclose(file);
    MYSQL *mysql = connect_main();
    SQL(mysql, REPLACE_CACHE);
    NUMBER(fake_session_count(FAKE_LOCAL), 0);
    NUMBER(fake_journal_count(0, FAKE_MAIN, REPLACE_CACHE), 1);
}

int main(int argc, char **argv) {
    static const struct claim claims[] = {
        CLAIM(nothing_is_said_before_the_program_speaks, "22", EVERYWHERE),
        CLAIM(a_shadow_is_opened_by_the_first_cache_statement, "27, 38", EVERYWHERE),
        CLAIM(an_address_may_be_another_handles_next, "9", EVERYWHERE),
        CLAIM(an_address_may_be_initialised_again, "9", EVERYWHERE),
        CLAIM(a_zeroed_handle_may_be_closed, "9", EVERYWHERE),
        CLAIM(a_handle_may_be_copied_back, "9", EVERYWHERE),
        CLAIM(unknown_handles_pass, "9", EVERYWHERE),
        CLAIM(no_database_is_no_crash, "9", MARIADB_ONLY),
        CLAIM(init_commands_run_on_their_own_handle, "7, 43", EVERYWHERE),
        CLAIM(an_init_command_that_reads_the_cache_is_mains, "7", EVERYWHERE),
        CLAIM(a_failed_connect_may_be_tried_again, "33", EVERYWHERE),
        CLAIM(a_reconnect_inside_a_statement_starts_afresh, "7", EVERYWHERE),
        CLAIM(a_reconnect_inside_a_ping_starts_afresh, "7, 51", EVERYWHERE),
        CLAIM(the_programs_own_reconnect_starts_afresh, "7", MARIADB_ONLY),
        CLAIM(a_child_says_nothing_on_its_parents_shadow, "26", EVERYWHERE),
        CLAIM(a_child_opens_a_shadow_of_its_own, "26", EVERYWHERE),
        CLAIM(a_child_leaves_its_parents_transaction_alone, "26", EVERYWHERE),
        CLAIM(a_child_leaves_its_parents_unread_rows_alone, "26", EVERYWHERE),
        CLAIM(a_shadow_gets_the_programs_options, "13, 21, 38", EVERYWHERE),
        CLAIM(an_option_that_failed_is_not_repeated, "20", EVERYWHERE),
        CLAIM(names_that_were_not_given_are_not_made_up, "33", EVERYWHERE),
        CLAIM(a_configured_user_is_used, "33", EVERYWHERE),
        CLAIM(a_local_master_may_be_a_host_and_port, "", EVERYWHERE),
        CLAIM(credentials_in_a_connection_string_are_not_guessed, "33", MARIADB_ONLY),
        CLAIM(a_program_that_talks_to_the_local_master_is_left_alone, "", EVERYWHERE),
        CLAIM(the_same_server_by_another_name_is_found_out, "", EVERYWHERE),
        CLAIM(servers_that_are_not_listed_are_left_alone, "", EVERYWHERE),
        CLAIM(a_shadows_descriptor_is_closed_on_exec, "27", EVERYWHERE),
        CLAIM(a_descriptor_closed_behind_our_back_is_not_written_to, "27", EVERYWHERE),
        CLAIM(the_library_may_end_before_its_handles, "23", EVERYWHERE),
        CLAIM(a_replication_stream_is_left_alone, "", EVERYWHERE),
        CLAIM(many_handles_keep_to_themselves, "9", EVERYWHERE),
        CLAIM(a_broken_configuration_changes_nothing, "", EVERYWHERE),
        CLAIM(a_missing_configuration_changes_nothing, "", EVERYWHERE),
        CLAIM(an_observed_group_stays_on_main, "", EVERYWHERE),
    };
    return RUN_CLAIMS(claims);
}
