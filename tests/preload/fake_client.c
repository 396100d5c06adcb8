/* A client library over the servers of fake_server.c: MariaDB's Connector/C with -DFAKE_MARIADB, else
 * Oracle's libmysqlclient. What each call leaves behind, and which of its own public functions it calls,
 * follows the measurements of the two. Two shapes of it are linked: one whose own calls go through the public
 * names, so that a preloaded object is re-entered, and one bound to itself. */
#define _GNU_SOURCE
#include "fake_parts.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

__thread int fake_stops;
_Atomic long fake_objects;

/* With fake_is_fast: every command has succeeded before it began, and one row that is always the same answers
 * what begins like a SELECT, if fake_gives_rows. */
static bool at_once(void) {
    return __builtin_expect(fake_is_fast, false);
}

static void answer_at_once(MYSQL *mysql, const char *text) {
    bool rows = fake_gives_rows && text[0] == 'S' && text[1] == 'E' && text[2] == 'L';
    mysql->affected_rows = rows ? NOT_COUNTED : 1;
    mysql->field_count = mysql->columns = rows;
    mysql->state = rows ? RESULT_WAITS : READY;
}

static MYSQL_RES *result_at_once(MYSQL *mysql) {
    static char value[] = "value", *row[] = {value};
    static struct fake_answer answer = {.columns = 1, .rows = 1, .cells = row};
    static __thread struct st_mysql_res result = {.answer = &answer, .columns = 1, .ended = true};
    mysql->state = READY;
    result.next_row = 0;
    return &result;
}

long fake_alive(void) {
    return fake_objects;
}

bool fake_is_oracle(void) {
    return !MARIADB;
}

int fake_descriptor(const MYSQL *mysql) {
    return mysql->descriptor;
}

void set_error(MYSQL *mysql, unsigned error, const char *message) {
    mysql->last_errno = error;
    snprintf(mysql->last_error, sizeof mysql->last_error, "%s", message);
    strcpy(mysql->sqlstate, error == 1064 ? "42000" : "HY000");
}

void clear_error(MYSQL *mysql) {
    mysql->last_errno = 0;
    mysql->last_error[0] = '\0';
    strcpy(mysql->sqlstate, "00000");
}

bool out_of_sync(MYSQL *mysql) {
    set_error(mysql, OUT_OF_SYNC, "Commands out of sync; you can't run this command now");
    return false;
}

bool is_idle(const MYSQL *mysql) {
    return mysql->state == READY && !mysql->broken && !(mysql->server_status & MULTI_STATEMENTS_MORE);
}

static void drop_answers(MYSQL *mysql) {
    while (mysql->answer) {
        struct fake_answer *next = mysql->answer->next;
        fake_free_answer(mysql->answer);
        mysql->answer = next;
    }
}

/* The coroutines of MariaDB's non-blocking calls, on the small stack that they have there. */
struct coroutine {
    ucontext_t own, caller;
    void (*run)(void *arguments);
    void *arguments;
    MYSQL *mysql;
    int stops;
    bool done;
    char stack[61440];
};
static __thread struct coroutine *current;

/* Where a real library would wait for its socket. */
static void wait_for_server(MYSQL *mysql) {
    struct coroutine *coroutine = current;
    if (coroutine && coroutine->mysql != mysql && mysql->session) {
        fake_note(mysql->session, "on_small_stack", NULL);
        return;
    }
    while (coroutine && coroutine->stops > 0) {
        coroutine->stops--;
        swapcontext(&coroutine->own, &coroutine->caller);
    }
}

/* Something is written to the socket: what stands under its number now must be one. */
void speak(const MYSQL *mysql) {
    struct stat there;
    int kept_errno = errno;
    if (mysql->descriptor >= 0 && (fstat(mysql->descriptor, &there) != 0 || !S_ISSOCK(there.st_mode))) {
        fake_note(mysql->session, "wrong_descriptor", NULL);
    }
    errno = kept_errno;
}

static const char *option_of(const MYSQL *mysql, int number) {
    const char *found = NULL;
    for (const struct setting *setting = mysql->settings; setting; setting = setting->next) {
        if (setting->number == number) {
            found = setting->text;
        }
    }
    return found;
}

/* A command begins. False: it can't be sent. */
#ifdef FAKE_MARIADB
static bool reconnect(MYSQL *mysql) {
    return mariadb_reconnect(mysql) == 0;
}
#else
static bool reconnect(MYSQL *mysql);
#endif

bool begin_command(MYSQL *mysql) {
    if (!is_idle(mysql)) {
        return out_of_sync(mysql);
    }
    clear_error(mysql);
    mysql->info = NULL;
    mysql->affected_rows = NOT_COUNTED;
    if (!mysql->session || fake_is_dead(mysql->session)) {
        if (!mysql->session || !mysql->reconnect || !reconnect(mysql)) {
            set_error(mysql, GONE, "Server has gone away");
            return false;
        }
        clear_error(mysql);
    }
    speak(mysql);
    wait_for_server(mysql);
    return true;
}

static void lose(MYSQL *mysql) {
    fake_forget(mysql->session);
    if (mysql->descriptor >= 0) {
        close(mysql->descriptor);
        close(mysql->server_end);
        mysql->descriptor = mysql->server_end = -1;
    }
}

/* Reads the OK packet's track list: the one before is gone. */
static void take_tracks(MYSQL *mysql, const struct fake_answer *answer) {
    memcpy(mysql->tracks, answer->tracks, sizeof mysql->tracks);
    mysql->track_count = answer->track_count;
    for (size_t i = 0; i + 1 < answer->track_count; i++) {
        if (strcmp(answer->tracks[i].data, "character_set_client") == 0) {
            snprintf(mysql->charset, sizeof mysql->charset, "%.31s", answer->tracks[i + 1].data);
        }
    }
}

/* Takes in mysql->answer, the first packet of an answer. */
bool read_answer(MYSQL *mysql) {
    struct fake_answer *answer = mysql->answer;
    mysql->next_row = 0;
    if (answer->error) {
        set_error(mysql, answer->error, answer->message);
        if (MARIADB) {
            mysql->field_count = 0;
        }
        mysql->columns = 0;
        mysql->affected_rows = NOT_COUNTED;
        mysql->server_status &= ~(unsigned)MULTI_STATEMENTS_MORE;
        if (answer->error >= 2000 && answer->error < 3000) {
            lose(mysql);
        }
        drop_answers(mysql);
        return false;
    }
    unsigned more = answer->next ? MULTI_STATEMENTS_MORE : 0u;
    mysql->field_count = mysql->columns = answer->columns;
    if (answer->columns == 0) {
        mysql->affected_rows = answer->affected_rows;
        mysql->insert_id = answer->insert_id;
        mysql->warning_count = answer->warnings;
        mysql->server_status = answer->status | more;
        snprintf(mysql->info_text, sizeof mysql->info_text, "%s", answer->info);
        mysql->info = *answer->info ? mysql->info_text : NULL;
        take_tracks(mysql, answer);
        mysql->answer = answer->next;
        fake_free_answer(answer);
        return true;
    }
    mysql->info = NULL;
    mysql->state = RESULT_WAITS;
    if (MARIADB) {
        mysql->server_status = answer->status | more;
    } else {
        mysql->server_status &= ~(unsigned)MULTI_STATEMENTS_MORE; /* known behind the rows only */
    }
    return true;
}

/* Behind the last row. */
void end_rows(MYSQL *mysql, struct fake_answer *answer) {
    mysql->warning_count = answer->warnings;
    mysql->server_status = answer->status | (answer->next ? MULTI_STATEMENTS_MORE : 0u);
    mysql->answer = answer->next;
    mysql->state = READY;
}

static bool run_command(MYSQL *mysql, const char *name, const char *text) {
    if (at_once()) {
        return true;
    }
    if (!begin_command(mysql)) {
        return false;
    }
    struct fake_answer *answer = fake_command(mysql->session, name, text);
    bool succeeded = answer->error == 0;
    if (!succeeded) {
        set_error(mysql, answer->error, answer->message);
        if (answer->error >= 2000 && answer->error < 3000) {
            lose(mysql);
        }
    } else if (!MARIADB) {
        mysql->affected_rows = 0;
        mysql->insert_id = 0;
        mysql->server_status = answer->status;
        take_tracks(mysql, answer);
    }
    fake_free_answer(answer);
    return succeeded;
}

/* Once, as both libraries do it when they begin. */
static void ignore_sigpipe(void) {
    signal(SIGPIPE, SIG_IGN);
}
static pthread_once_t begin_once = PTHREAD_ONCE_INIT;

MYSQL *mysql_init(MYSQL *mysql) {
    bool owned = !mysql;
    pthread_once(&begin_once, ignore_sigpipe);
    if (owned) {
        mysql = malloc(sizeof *mysql);
        if (!mysql) {
            return NULL;
        }
        fake_objects++;
    }
    memset(mysql, 0, sizeof *mysql);
    mysql->owned = owned;
    mysql->descriptor = mysql->server_end = -1;
    strcpy(mysql->charset, "utf8mb4");
    clear_error(mysql);
    return mysql;
}

enum kind { NUMBER, FLAG, LONG, STRING, NOTHING };

/* What an option's argument points to: read as the real library reads it. */
static enum kind kind_of_option(int number) {
    static const int mariadb_flags[] = {18, 19, 20, 21, 36, 37, 38, 7007, 7019, 7020, 7021, 7022};
    static const int oracle_flags[] = {14, 15, 30, 31, 36, 38};
    const int *flags = MARIADB ? mariadb_flags : oracle_flags;
    size_t count = MARIADB ? sizeof mariadb_flags / sizeof *flags : sizeof oracle_flags / sizeof *flags;
    for (size_t i = 0; i < count; i++) {
        if (flags[i] == number) {
            return FLAG;
        }
    }
    switch (number) {
    case 1:
    case 2:
        return NOTHING;
    case 0:
    case 8:
    case 9:
    case 11:
    case 12:
        return NUMBER;
    case 32:
        return MARIADB ? NOTHING : LONG;
    case 26:
        return MARIADB ? STRING : NOTHING;
    case 39:
    case 40:
        return MARIADB ? LONG : number == 39 ? NUMBER : STRING;
    case 33:
        return MARIADB ? STRING : LONG;
    case 35:
    case 37:
        return MARIADB ? STRING : NUMBER;
    default:
        return STRING;
    }
}

static void keep_option(MYSQL *mysql, int number, char *text) {
    struct setting *setting = calloc(1, sizeof *setting);
    if (!setting || !text) {
        free(setting);
        free(text);
        return;
    }
    setting->number = number;
    setting->text = text;
    struct setting **place = &mysql->settings;
    while (*place) {
        place = &(*place)->next;
    }
    *place = setting;
}

static int set_option(MYSQL *mysql, int number, const void *first, const void *second) {
    char *text = NULL;
    int length = 0;
    if (number == OPTION_ATTRIBUTE_ADD) {
        if (!first || !*(const char *)first) {
            set_error(mysql, 2034, "Invalid parameter number");
            return 1;
        }
        length = asprintf(&text, "%s=%s", (const char *)first, second ? (const char *)second : "");
    } else if (MARIADB && number == 15) {
        set_error(mysql, 2054, "This feature is not implemented");
        return 1;
    } else if (!first) {
        length = asprintf(&text, "NULL");
    } else {
        switch (kind_of_option(number)) {
        case NUMBER:
            length = asprintf(&text, "%u", *(const unsigned *)first);
            break;
        case LONG:
            length = asprintf(&text, "%lu", *(const unsigned long *)first);
            break;
        case FLAG:
            length = asprintf(&text, "%d", *(const my_bool *)first);
            break;
        case STRING:
            length = asprintf(&text, "%s", (const char *)first);
            break;
        case NOTHING:
            length = asprintf(&text, "%s", "");
            break;
        }
    }
    if (length < 0) {
        return 1;
    }
    if (number == OPTION_RECONNECT) {
        mysql->reconnect = first && *(const my_bool *)first;
        if (!MARIADB) {
            fputs("WARNING: MYSQL_OPT_RECONNECT is deprecated\n", stderr);
        }
    } else if (number == OPTION_CHARSET) {
        snprintf(mysql->charset, sizeof mysql->charset, "%s", text ? text : "");
    }
    keep_option(mysql, number, text);
    return 0;
}

#ifdef FAKE_MARIADB
int mysql_optionsv(MYSQL *mysql, int number, ...) {
    va_list arguments;
    va_start(arguments, number);
    const void *first = va_arg(arguments, const void *);
    const void *second = va_arg(arguments, const void *);
    va_end(arguments);
    return set_option(mysql, number, first, second);
}

int mysql_options(MYSQL *mysql, int number, const void *argument) {
    return mysql_optionsv(mysql, number, argument, (const void *)NULL);
}

int mysql_options4(MYSQL *mysql, int number, const void *first, const void *second) {
    return mysql_optionsv(mysql, number, first, second);
}

my_bool mysql_ssl_set(MYSQL *mysql, const char *key, const char *cert, const char *ca, const char *capath,
                      const char *cipher) {
    const char *const values[] = {key, cert, ca, capath, cipher};
    for (int i = 0; i < 5; i++) {
        mysql_optionsv(mysql, 25 + i, values[i], (const void *)NULL);
    }
    return 0;
}
#else
int mysql_options(MYSQL *mysql, int number, const void *argument) {
    return set_option(mysql, number, argument, NULL);
}

int mysql_options4(MYSQL *mysql, int number, const void *first, const void *second) {
    if (number != OPTION_ATTRIBUTE_ADD) {
        return mysql_options(mysql, number, first);
    }
    return set_option(mysql, number, first, second);
}

my_bool mysql_ssl_set(MYSQL *mysql, const char *key, const char *cert, const char *ca, const char *capath,
                      const char *cipher) {
    const char *const values[] = {key, cert, ca, capath, cipher};
    for (int i = 0; i < 5; i++) {
        if (values[i]) {
            mysql_options(mysql, 19 + i, values[i]);
        }
    }
    return 0;
}

my_bool mysql_bind_param(MYSQL *mysql, unsigned count, MYSQL_BIND *binds, const char **names) {
    (void)binds;
    (void)names;
    mysql->attributes = count;
    return 0;
}
#endif

static char *list_options(const MYSQL *mysql) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) {
        return NULL;
    }
    for (const struct setting *setting = mysql->settings; setting; setting = setting->next) {
        fprintf(stream, " %d=%s", setting->number, setting->text);
    }
    fclose(stream);
    return text;
}

static char *copy(const char *text) {
    return text ? strdup(text) : NULL;
}

/* A socket that connect(2) has connected, as a real library's is. */
static void connect_socket(MYSQL *mysql) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = sizeof address.sun_family; /* the kernel finds a name */
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int own = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0) {
        length = sizeof address;
        getsockname(listener, (struct sockaddr *)&address, &length);
        if (connect(own, (struct sockaddr *)&address, length) == 0) {
            mysql->descriptor = own;
            mysql->server_end = accept(listener, NULL, NULL);
        }
    }
    close(listener);
}

MYSQL *mysql_real_connect(MYSQL *mysql, const char *host, const char *user, const char *password,
                          const char *database, unsigned port, const char *socket, unsigned long flags) {
    char *options = list_options(mysql);
    const struct fake_login login = {.address = socket ? socket : host,
                                     .user = user,
                                     .password = password,
                                     .database = database,
                                     .charset = mysql->charset,
                                     .options = options,
                                     .flags = flags};
    unsigned error = 0;
    char message[256] = "";
    clear_error(mysql);
    struct fake_session *session = fake_connect(&login, &error, message);
    free(options);
    if (!session) {
        set_error(mysql, error, message);
        return NULL;
    }
    mysql->session = session;
    wait_for_server(mysql);
    char *old[] = {mysql->address, mysql->user, mysql->password, mysql->database};
    mysql->address = copy(socket ? socket : host);
    mysql->user = copy(user);
    mysql->password = copy(password);
    mysql->database = copy(database);
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        free(old[i]);
    }
    mysql->port = port;
    mysql->flags = flags;
    mysql->thread_id = fake_thread_id(session);
    mysql->server_status = 2;
    mysql->state = READY;
    mysql->broken = false;
    mysql->field_count = 0;
    if (!fake_without_sockets) {
        connect_socket(mysql);
    }
    const char *init_command = option_of(mysql, OPTION_INIT_COMMAND);
    if (init_command && mysql_real_query(mysql, init_command, strlen(init_command)) == 0) {
        do {
            MYSQL_RES *result = mysql_use_result(mysql);
            if (result) {
                mysql_free_result(result);
            }
        } while (mysql_next_result(mysql) == 0);
    }
    return mysql;
}

/* The automatic reconnect of both: a second handle on the stack, whose contents take the first one's place.
 * Database and character set are kept, all else is the new session's. */
static my_bool connect_anew(MYSQL *mysql) {
    MYSQL fresh;
    mysql_init(&fresh);
    for (const struct setting *setting = mysql->settings; setting; setting = setting->next) {
        keep_option(&fresh, setting->number, copy(setting->text));
    }
    fresh.reconnect = mysql->reconnect;
    const char *database = mysql->session ? fake_database(mysql->session) : mysql->database;
    if (!mysql_real_connect(&fresh, NULL, mysql->user, mysql->password, database, mysql->port, mysql->address,
                            mysql->flags)) {
        set_error(mysql, fresh.last_errno, fresh.last_error);
        while (fresh.settings) {
            struct setting *next = fresh.settings->next;
            free(fresh.settings->text);
            free(fresh.settings);
            fresh.settings = next;
        }
        return 1;
    }
    mysql_set_character_set(&fresh, mysql->charset);
    end_statements(mysql, false);
    MYSQL_STMT *statements = mysql->statements;
    mysql->statements = NULL;
    bool owned = mysql->owned;
    int stops = mysql->stops_left;
    struct coroutine *coroutine = mysql->coroutine;
    mysql->owned = false;
    mysql_close(mysql);
    *mysql = fresh;
    mysql->owned = owned;
    mysql->stops_left = stops;
    mysql->coroutine = coroutine;
    mysql->statements = statements;
    mysql->affected_rows = NOT_COUNTED;
    return 0;
}

#ifdef FAKE_MARIADB
my_bool mariadb_reconnect(MYSQL *mysql) {
    return connect_anew(mysql);
}

int mariadb_cancel(MYSQL *mysql) {
    if (mysql->session) {
        fake_note(mysql->session, "cancel", NULL);
        fake_forget(mysql->session);
    }
    return 0;
}
#else
static bool reconnect(MYSQL *mysql) {
    return connect_anew(mysql) == 0;
}

MYSQL *mysql_real_connect_dns_srv(MYSQL *mysql, const char *name, const char *user, const char *password,
                                  const char *database, unsigned long flags) {
    return mysql_real_connect(mysql, name, user, password, database, 3306, NULL, flags);
}
#endif

void mysql_close(MYSQL *mysql) {
    if (!mysql) {
        return;
    }
    if (mysql->session && !fake_is_dead(mysql->session)) {
        speak(mysql);
        fake_quit(mysql->session);
    }
    mysql->session = NULL;
    /* a handle of zeros has descriptor 0, which isn't its own */
    if (mysql->descriptor > 0) {
        close(mysql->descriptor);
        close(mysql->server_end);
    }
    mysql->descriptor = mysql->server_end = -1;
    drop_answers(mysql);
    while (mysql->sent_count > 0) {
        mysql->answer = mysql->sent[--mysql->sent_count];
        drop_answers(mysql);
    }
    end_statements(mysql, true);
    while (mysql->settings) {
        struct setting *next = mysql->settings->next;
        free(mysql->settings->text);
        free(mysql->settings);
        mysql->settings = next;
    }
    char **texts[] = {&mysql->address, &mysql->user, &mysql->password, &mysql->database};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        free(*texts[i]);
        *texts[i] = NULL;
    }
    mysql->state = READY;
    if (mysql->owned) {
        fake_objects--;
        free(mysql);
    }
}

void mysql_server_end(void) {}

/* The first half: the text goes out. MariaDB's throws away a result that was not asked for yet. */
static bool send_text(MYSQL *mysql, const char *text, unsigned long length) {
    if (MARIADB && mysql->state == RESULT_WAITS) {
        drop_answers(mysql);
        mysql->columns = 0;
        mysql->state = READY;
        mysql->broken = true;
    }
    if (!is_idle(mysql) || mysql->sent_count == 8) {
        mysql->field_count = 0;
        return out_of_sync(mysql);
    }
    if (!begin_command(mysql)) {
        return false;
    }
    if (MARIADB && length == 0) {
        length = strlen(text);
    }
    if (mysql->attributes) {
        fake_note(mysql->session, "attributes", NULL);
        mysql->attributes = 0;
    }
    struct fake_answer *answer = fake_query(mysql->session, text, length); /* may be left by longjmp */
    mysql->sent[mysql->sent_count++] = answer;
    return true;
}

static bool read_text_answer(MYSQL *mysql) {
    if (mysql->sent_count == 0) { /* a real library would wait for ever */
        return out_of_sync(mysql);
    }
    wait_for_server(mysql);
    mysql->answer = mysql->sent[0];
    memmove(&mysql->sent[0], &mysql->sent[1], sizeof mysql->sent - sizeof *mysql->sent);
    mysql->sent_count--;
    return read_answer(mysql);
}

int mysql_send_query(MYSQL *mysql, const char *text, unsigned long length) {
    if (at_once()) {
        answer_at_once(mysql, text);
        return 0;
    }
    if (!send_text(mysql, text, length)) {
        return 1;
    }
    if (mysql->server_end >= 0 && write(mysql->server_end, "!", 1) < 0) { /* there is something to read */
        return 1;
    }
    return 0;
}

my_bool mysql_read_query_result(MYSQL *mysql) {
    char sign;
    if (at_once()) {
        return 0;
    }
    if (mysql->descriptor >= 0 && mysql->sent_count > 0 &&
        recv(mysql->descriptor, &sign, 1, MSG_DONTWAIT) < 0) {
        /* nothing was sent by halves */
    }
    return !read_text_answer(mysql);
}

int mysql_real_query(MYSQL *mysql, const char *text, unsigned long length) {
    if (at_once() && MARIADB) { /* Oracle's goes its two steps, which a preloaded object sees */
        answer_at_once(mysql, text);
        return 0;
    }
    if (MARIADB && length == (unsigned long)-1) {
        length = strlen(text);
    }
#ifdef FAKE_MARIADB
    return !send_text(mysql, text, length) || !read_text_answer(mysql);
#else
    return mysql_send_query(mysql, text, length) != 0 || mysql_read_query_result(mysql) != 0;
#endif
}

int mysql_query(MYSQL *mysql, const char *text) {
    return mysql_real_query(mysql, text, strlen(text));
}

my_bool mysql_more_results(MYSQL *mysql) {
    return (mysql->server_status & MULTI_STATEMENTS_MORE) != 0;
}

int mysql_next_result(MYSQL *mysql) {
    if (at_once() && mysql->state == READY) {
        return -1;
    }
    if (mysql->state != READY || mysql->broken) {
        out_of_sync(mysql);
        return 1;
    }
    clear_error(mysql);
    mysql->affected_rows = NOT_COUNTED;
    if (!mysql_more_results(mysql)) {
        return -1;
    }
    mysql->server_status &= ~(unsigned)MULTI_STATEMENTS_MORE;
    return read_answer(mysql) ? 0 : 1;
}

MYSQL_RES *mysql_store_result(MYSQL *mysql) {
    if (mysql->broken) {
        out_of_sync(mysql);
        return NULL;
    }
    if (mysql->columns == 0) {
        return NULL;
    }
    if (mysql->state != RESULT_WAITS) {
        out_of_sync(mysql);
        return NULL;
    }
    if (at_once()) {
        return result_at_once(mysql);
    }
    MYSQL_RES *result = calloc(1, sizeof *result);
    if (!result) {
        set_error(mysql, 2008, "Client run out of memory");
        return NULL;
    }
    fake_objects++;
    result->answer = mysql->answer;
    result->columns = mysql->columns;
    end_rows(mysql, result->answer);
    mysql->affected_rows = result->answer->rows;
    result->ended = true;
    return result;
}

MYSQL_RES *mysql_use_result(MYSQL *mysql) {
    if (mysql->columns == 0) {
        return NULL;
    }
    if (mysql->state != RESULT_WAITS) {
        out_of_sync(mysql);
        return NULL;
    }
    MYSQL_RES *result = calloc(1, sizeof *result);
    if (!result) {
        set_error(mysql, 2008, "Client run out of memory");
        return NULL;
    }
    fake_objects++;
    result->mysql = mysql;
    result->columns = mysql->columns;
    mysql->state = RESULT_STREAMS;
    return result;
}

MYSQL_ROW mysql_fetch_row(MYSQL_RES *result) {
    MYSQL *mysql = result->mysql;
    if (!mysql) {
        if (result->next_row == result->answer->rows) {
            return NULL;
        }
        return result->row = &result->answer->cells[result->next_row++ * result->columns];
    }
    if (result->ended || !mysql->answer) {
        return NULL;
    }
    if (mysql->session && fake_is_dead(mysql->session)) {
        set_error(mysql, LOST, "Lost connection to server during query");
        lose(mysql);
        mysql->state = READY;
        result->ended = true;
        return NULL;
    }
    if (mysql->next_row == mysql->answer->rows) {
        result->answer = mysql->answer; /* freed with the result, which still shows its rows */
        end_rows(mysql, mysql->answer);
        result->ended = true;
        return NULL;
    }
    return result->row = &mysql->answer->cells[mysql->next_row++ * result->columns];
}

void mysql_free_result(MYSQL_RES *result) {
    if (!result || at_once()) {
        return;
    }
    MYSQL *mysql = result->mysql;
    if (mysql && mysql->state == RESULT_STREAMS && !result->ended) {
        if (mysql->answer) {
            result->answer = mysql->answer;
            end_rows(mysql, mysql->answer);
        } else {
            mysql->state = READY;
        }
    }
    fake_free_answer(result->answer);
    fake_objects--;
    free(result);
}

uint64_t mysql_num_rows(MYSQL_RES *result) {
    return result->mysql ? result->next_row : result->answer->rows;
}

unsigned mysql_num_fields(MYSQL_RES *result) {
    return result->columns;
}

my_bool mysql_eof(MYSQL_RES *result) {
    return result->ended;
}

unsigned long *mysql_fetch_lengths(MYSQL_RES *result) {
    for (unsigned i = 0; i < result->columns && i < 64; i++) {
        result->lengths[i] = result->row && result->row[i] ? strlen(result->row[i]) : 0;
    }
    return result->lengths;
}

unsigned mysql_errno(MYSQL *mysql) {
    return mysql ? mysql->last_errno : 0;
}

const char *mysql_error(MYSQL *mysql) {
    return mysql ? mysql->last_error : "";
}

const char *mysql_sqlstate(MYSQL *mysql) {
    return mysql ? mysql->sqlstate : "00000";
}

uint64_t mysql_affected_rows(MYSQL *mysql) {
    return mysql->affected_rows;
}

uint64_t mysql_insert_id(MYSQL *mysql) {
    return mysql->insert_id;
}

unsigned mysql_warning_count(MYSQL *mysql) {
    return mysql->warning_count;
}

unsigned mysql_field_count(MYSQL *mysql) {
    return mysql->field_count;
}

const char *mysql_info(MYSQL *mysql) {
    return mysql->info;
}

int mysql_session_track_get_next(MYSQL *mysql, int type, const char **data, size_t *length) {
    while (mysql->track_next < mysql->track_count) {
        const struct fake_track *track = &mysql->tracks[mysql->track_next++];
        if (track->type == type) {
            *data = track->data;
            *length = strlen(track->data);
            return 0;
        }
    }
    *data = NULL;
    *length = 0;
    return 1;
}

int mysql_session_track_get_first(MYSQL *mysql, int type, const char **data, size_t *length) {
    mysql->track_next = 0;
    return mysql_session_track_get_next(mysql, type, data, length);
}

#ifdef FAKE_MARIADB
my_bool mariadb_get_infov(MYSQL *mysql, int value, void *argument, ...) {
    switch (value) {
    case 8:
        *(const char **)argument = mysql->last_error;
        return 0;
    case 9:
        *(unsigned *)argument = mysql->last_errno;
        return 0;
    case 11:
        *(const char **)argument = mysql->info;
        return 0;
    case 20:
        *(const char **)argument = mysql->sqlstate;
        return 0;
    case 30:
        *(unsigned *)argument = mysql->server_status;
        return 0;
    case 16: /* MARIADB_CONNECTION_SOCKET and the like: facts of the connection */
        *(const char **)argument = mysql->address;
        return 0;
    default:
        return 1;
    }
}

my_bool mariadb_get_info(MYSQL *mysql, int value, void *argument) {
    return mariadb_get_infov(mysql, value, argument);
}

int mysql_get_socket(const MYSQL *mysql) {
    return mysql->descriptor;
}
#endif

unsigned long mysql_thread_id(MYSQL *mysql) {
    return mysql->thread_id;
}

const char *mysql_get_server_info(MYSQL *mysql) {
    return mysql->session ? fake_version(mysql->session) : NULL;
}

const char *mysql_character_set_name(MYSQL *mysql) {
    return mysql->charset;
}

unsigned long mysql_get_client_version(void) {
    return MARIADB ? 30320 : 90704;
}

int mysql_select_db(MYSQL *mysql, const char *database) {
    if (MARIADB && !database) {
        return 1;
    }
    return !run_command(mysql, "init_db", database);
}

int mysql_set_character_set(MYSQL *mysql, const char *name) {
    char text[64];
    if (strcmp(name, "nonsense") == 0) {
        set_error(mysql, 2019, "Can't initialize character set nonsense");
        return 1;
    }
    snprintf(text, sizeof text, "SET NAMES %s", name);
    if (mysql_real_query(mysql, text, strlen(text)) != 0) {
        return 1;
    }
    snprintf(mysql->charset, sizeof mysql->charset, "%s", name);
    return 0;
}

int mysql_set_server_option(MYSQL *mysql, int option) {
    return !run_command(mysql, "set_option", option ? "1" : "0");
}

static my_bool run_text(MYSQL *mysql, const char *text) {
    return mysql_real_query(mysql, text, strlen(text)) != 0;
}

my_bool mysql_autocommit(MYSQL *mysql, my_bool on) {
    return run_text(mysql, on ? "SET autocommit=1" : "SET autocommit=0");
}

my_bool mysql_commit(MYSQL *mysql) {
    return run_text(mysql, "COMMIT");
}

my_bool mysql_rollback(MYSQL *mysql) {
    return run_text(mysql, "ROLLBACK");
}

my_bool mysql_change_user(MYSQL *mysql, const char *user, const char *password, const char *database) {
    char text[200];
    snprintf(text, sizeof text, "%s:%s/%s", user, password, database ? database : "");
    end_statements(mysql, true);
    if (!run_command(mysql, "change_user", text)) {
        return 1;
    }
    mysql->insert_id = 0;
    mysql->server_status = 2;
    strcpy(mysql->charset, "utf8mb4");
    mysql->track_count = 0;
    return 0;
}

int mysql_reset_connection(MYSQL *mysql) {
    if (MARIADB && !is_idle(mysql)) { /* what is unread is skipped */
        if (mysql->state == RESULT_WAITS) {
            MYSQL_RES *result = mysql_use_result(mysql);
            mysql_free_result(result);
        }
        mysql->broken = false;
        while (mysql_next_result(mysql) == 0) {
            MYSQL_RES *result = mysql_use_result(mysql);
            mysql_free_result(result);
        }
        mysql->state = READY;
    }
    if (!run_command(mysql, "reset", NULL)) {
        return 1;
    }
    end_statements(mysql, true);
    mysql->insert_id = 0;
    mysql->field_count = mysql->columns = mysql->warning_count = 0;
    mysql->server_status = 2;
    return 0;
}

int mysql_ping(MYSQL *mysql) {
    return !run_command(mysql, "ping", NULL);
}

const char *mysql_stat(MYSQL *mysql) {
    if (!begin_command(mysql)) {
        return mysql->last_error;
    }
    fake_free_answer(fake_command(mysql->session, "stat", NULL));
    return "Uptime: 1";
}

int mysql_kill(MYSQL *mysql, unsigned long id) {
    char text[40];
    snprintf(text, sizeof text, "KILL %lu", id);
    return mysql_real_query(mysql, text, strlen(text));
}

int mysql_refresh(MYSQL *mysql, unsigned options) {
#ifdef FAKE_MARIADB
    (void)options;
    return !run_command(mysql, "refresh", NULL);
#else
    (void)options;
    return mysql_real_query(mysql, "FLUSH TABLES", 12);
#endif
}

int mysql_shutdown(MYSQL *mysql, int level) {
    (void)level;
    return !run_command(mysql, "shutdown", NULL);
}

int mysql_dump_debug_info(MYSQL *mysql) {
    return !run_command(mysql, "debug", NULL);
}

MYSQL_RES *mysql_list_dbs(MYSQL *mysql, const char *wild) {
    (void)wild;
    return mysql_query(mysql, "SHOW DATABASES") ? NULL : mysql_store_result(mysql);
}

MYSQL_RES *mysql_list_tables(MYSQL *mysql, const char *wild) {
    (void)wild;
    return mysql_query(mysql, "SHOW TABLES") ? NULL : mysql_store_result(mysql);
}

MYSQL_RES *mysql_list_processes(MYSQL *mysql) {
    return mysql_real_query(mysql, "SHOW PROCESSLIST", 16) ? NULL : mysql_store_result(mysql);
}

MYSQL_RES *bare_result(unsigned columns) {
    MYSQL_RES *result = calloc(1, sizeof *result);
    if (!result || !(result->answer = calloc(1, sizeof *result->answer))) {
        free(result);
        return NULL;
    }
    fake_objects++;
    result->columns = columns;
    result->ended = true;
    return result;
}

MYSQL_RES *mysql_list_fields(MYSQL *mysql, const char *table, const char *wild) {
    (void)wild;
    if (!run_command(mysql, "list_fields", table)) {
        return NULL;
    }
    return bare_result(1);
}

#ifndef FAKE_MARIADB
const char *mysql_get_server_info_with_version_update(MYSQL *mysql) {
    if (mysql_real_query(mysql, "SELECT VERSION()", 16) == 0) {
        MYSQL_RES *result = mysql_store_result(mysql);
        if (result) {
            mysql_fetch_row(result);
            mysql_free_result(result);
        }
    }
    return mysql_get_server_info(mysql);
}

int mysql_binlog_open(MYSQL *mysql, void *stream) {
    (void)stream;
    return !run_command(mysql, "binlog", NULL);
}

unsigned long mysql_real_escape_string_quote(MYSQL *mysql, char *to, const char *from, unsigned long length,
                                             char quote) {
    if (mysql->server_status & 512) {
        set_error(mysql, 2062, "Function mysql_real_escape_string() failed");
        return (unsigned long)-1;
    }
    unsigned long used = 0;
    for (unsigned long i = 0; i < length; i++) {
        if (from[i] == quote || from[i] == '\\') {
            to[used++] = '\\';
        }
        to[used++] = from[i];
    }
    to[used] = '\0';
    return used;
}

unsigned long mysql_real_escape_string(MYSQL *mysql, char *to, const char *from, unsigned long length) {
    return mysql_real_escape_string_quote(mysql, to, from, length, '\'');
}
#else
unsigned long mysql_real_escape_string(MYSQL *mysql, char *to, const char *from, unsigned long length) {
    (void)mysql;
    unsigned long used = 0;
    for (unsigned long i = 0; i < length; i++) {
        if (from[i] == '\'' || from[i] == '\\') {
            to[used++] = '\\';
        }
        to[used++] = from[i];
    }
    to[used] = '\0';
    return used;
}

unsigned long mysql_net_read_packet(MYSQL *mysql) {
    (void)mysql;
    return (unsigned long)-1;
}

void *mariadb_rpl_init_ex(MYSQL *mysql, unsigned version) {
    (void)version;
    mysql_query(mysql, "SET @rpl_semi_sync_slave = 1");
    return mysql;
}
#endif

#ifdef FAKE_MARIADB
static void run_coroutine(void) {
    struct coroutine *coroutine = current;
    coroutine->run(coroutine->arguments);
    coroutine->done = true;
}

/* 0: it has ended. Else what it waits for (1: readable). */
static int enter(struct coroutine *coroutine) {
    struct coroutine *outer = current;
    current = coroutine;
    swapcontext(&coroutine->caller, &coroutine->own);
    current = outer;
    return coroutine->done ? 0 : 1;
}

/* A call's value stands first in its arguments: the program's *result is written when the call has ended. */
static int go_on(struct coroutine *coroutine, void *result, size_t size) {
    int status = enter(coroutine);
    if (status == 0) {
        memcpy(result, coroutine->arguments, size);
        coroutine->mysql->coroutine = NULL;
        free(coroutine->arguments);
        free(coroutine);
    }
    return status;
}

static struct coroutine *make_coroutine(MYSQL *mysql, void (*run)(void *), const void *arguments,
                                        size_t size) {
    struct coroutine *coroutine = calloc(1, sizeof *coroutine);
    if (!coroutine || !(coroutine->arguments = malloc(size))) {
        abort();
    }
    memcpy(coroutine->arguments, arguments, size);
    coroutine->run = run;
    coroutine->mysql = mysql;
    coroutine->stops = fake_stops;
    getcontext(&coroutine->own);
    coroutine->own.uc_stack.ss_sp = coroutine->stack;
    coroutine->own.uc_stack.ss_size = sizeof coroutine->stack;
    coroutine->own.uc_link = &coroutine->caller;
    makecontext(&coroutine->own, run_coroutine, 0);
    return mysql->coroutine = coroutine;
}

static struct coroutine *waiting(const MYSQL *mysql) {
    if (!mysql->coroutine) {
        abort(); /* no call was started on this handle */
    }
    return mysql->coroutine;
}

/* type X_start(type *result, MYSQL *, more) and X_cont(type *result, MYSQL *, int). Lists stand in
 * parentheses. */
#define UNPACK(...) __VA_ARGS__
#define NON_BLOCKING(type, name, parameters, members, values, call, own, first, handle)        \
    struct name##_arguments {                                                                  \
        type value;                                                                            \
        UNPACK members                                                                         \
    };                                                                                         \
    static void run_##name(void *memory) {                                                     \
        struct name##_arguments *a = memory;                                                   \
        a->value = name call;                                                                  \
    }                                                                                          \
    int name##_start parameters {                                                              \
        const struct name##_arguments arguments = {0, UNPACK values};                          \
        return go_on(make_coroutine(handle, run_##name, &arguments, sizeof arguments), result, \
                     sizeof *result);                                                          \
    }                                                                                          \
    int name##_cont(type *result, own first, int ready) {                                      \
        (void)ready;                                                                           \
        return go_on(waiting(handle), result, sizeof *result);                                 \
    }
#define ON_HANDLE(type, name, parameters, members, values, call) \
    NON_BLOCKING(type, name, parameters, members, values, call, MYSQL *, mysql, mysql)
#define ON_STATEMENT(type, name, parameters, members, values, call) \
    NON_BLOCKING(type, name, parameters, members, values, call, MYSQL_STMT *, stmt, handle_of_statement(stmt))

ON_HANDLE(MYSQL *, mysql_real_connect,
          (MYSQL * *result, MYSQL *mysql, const char *host, const char *user, const char *password,
           const char *database, unsigned port, const char *socket, unsigned long flags),
          (MYSQL * mysql; const char *host; const char *user; const char *password; const char *database;
           unsigned port; const char *socket; unsigned long flags;),
          (mysql, host, user, password, database, port, socket, flags),
          (a->mysql, a->host, a->user, a->password, a->database, a->port, a->socket, a->flags))
ON_HANDLE(int, mysql_query, (int *result, MYSQL *mysql, const char *text), (MYSQL * mysql; const char *text;),
          (mysql, text), (a->mysql, a->text))
ON_HANDLE(int, mysql_real_query, (int *result, MYSQL *mysql, const char *text, unsigned long length),
          (MYSQL * mysql; const char *text; unsigned long length;), (mysql, text, length),
          (a->mysql, a->text, a->length))
ON_HANDLE(int, mysql_send_query, (int *result, MYSQL *mysql, const char *text, unsigned long length),
          (MYSQL * mysql; const char *text; unsigned long length;), (mysql, text, length),
          (a->mysql, a->text, a->length))
ON_HANDLE(my_bool, mysql_read_query_result, (my_bool * result, MYSQL *mysql), (MYSQL * mysql;), (mysql),
          (a->mysql))
ON_HANDLE(MYSQL_RES *, mysql_store_result, (MYSQL_RES * *result, MYSQL *mysql), (MYSQL * mysql;), (mysql),
          (a->mysql))
ON_HANDLE(int, mysql_next_result, (int *result, MYSQL *mysql), (MYSQL * mysql;), (mysql), (a->mysql))
ON_HANDLE(int, mysql_select_db, (int *result, MYSQL *mysql, const char *database),
          (MYSQL * mysql; const char *database;), (mysql, database), (a->mysql, a->database))
ON_HANDLE(int, mysql_set_character_set, (int *result, MYSQL *mysql, const char *name),
          (MYSQL * mysql; const char *name;), (mysql, name), (a->mysql, a->name))
ON_HANDLE(int, mysql_set_server_option, (int *result, MYSQL *mysql, int option), (MYSQL * mysql; int option;),
          (mysql, option), (a->mysql, a->option))
ON_HANDLE(my_bool, mysql_change_user,
          (my_bool * result, MYSQL *mysql, const char *user, const char *password, const char *database),
          (MYSQL * mysql; const char *user; const char *password; const char *database;),
          (mysql, user, password, database), (a->mysql, a->user, a->password, a->database))
ON_HANDLE(int, mysql_reset_connection, (int *result, MYSQL *mysql), (MYSQL * mysql;), (mysql), (a->mysql))
ON_HANDLE(my_bool, mysql_autocommit, (my_bool * result, MYSQL *mysql, my_bool on),
          (MYSQL * mysql; my_bool on;), (mysql, on), (a->mysql, a->on))
ON_HANDLE(my_bool, mysql_commit, (my_bool * result, MYSQL *mysql), (MYSQL * mysql;), (mysql), (a->mysql))
ON_HANDLE(my_bool, mysql_rollback, (my_bool * result, MYSQL *mysql), (MYSQL * mysql;), (mysql), (a->mysql))
ON_HANDLE(int, mysql_ping, (int *result, MYSQL *mysql), (MYSQL * mysql;), (mysql), (a->mysql))
ON_HANDLE(const char *, mysql_stat, (const char **result, MYSQL *mysql), (MYSQL * mysql;), (mysql),
          (a->mysql))
ON_HANDLE(int, mysql_kill, (int *result, MYSQL *mysql, unsigned long id), (MYSQL * mysql; unsigned long id;),
          (mysql, id), (a->mysql, a->id))
ON_HANDLE(int, mysql_refresh, (int *result, MYSQL *mysql, unsigned options),
          (MYSQL * mysql; unsigned options;), (mysql, options), (a->mysql, a->options))
ON_HANDLE(int, mysql_shutdown, (int *result, MYSQL *mysql, int level), (MYSQL * mysql; int level;),
          (mysql, level), (a->mysql, a->level))
ON_HANDLE(int, mysql_dump_debug_info, (int *result, MYSQL *mysql), (MYSQL * mysql;), (mysql), (a->mysql))
ON_HANDLE(MYSQL_RES *, mysql_list_fields,
          (MYSQL_RES * *result, MYSQL *mysql, const char *table, const char *wild),
          (MYSQL * mysql; const char *table; const char *wild;), (mysql, table, wild),
          (a->mysql, a->table, a->wild))
ON_STATEMENT(int, mysql_stmt_prepare, (int *result, MYSQL_STMT *stmt, const char *text, unsigned long length),
             (MYSQL_STMT * stmt; const char *text; unsigned long length;), (stmt, text, length),
             (a->stmt, a->text, a->length))
ON_STATEMENT(int, mysql_stmt_execute, (int *result, MYSQL_STMT *stmt), (MYSQL_STMT * stmt;), (stmt),
             (a->stmt))

ON_STATEMENT(int, mysql_stmt_fetch, (int *result, MYSQL_STMT *stmt), (MYSQL_STMT * stmt;), (stmt), (a->stmt))
ON_STATEMENT(int, mysql_stmt_store_result, (int *result, MYSQL_STMT *stmt), (MYSQL_STMT * stmt;), (stmt),
             (a->stmt))
ON_STATEMENT(int, mysql_stmt_next_result, (int *result, MYSQL_STMT *stmt), (MYSQL_STMT * stmt;), (stmt),
             (a->stmt))
ON_STATEMENT(my_bool, mysql_stmt_reset, (my_bool * result, MYSQL_STMT *stmt), (MYSQL_STMT * stmt;), (stmt),
             (a->stmt))
ON_STATEMENT(my_bool, mysql_stmt_free_result, (my_bool * result, MYSQL_STMT *stmt), (MYSQL_STMT * stmt;),
             (stmt), (a->stmt))
ON_STATEMENT(my_bool, mysql_stmt_send_long_data,
             (my_bool * result, MYSQL_STMT *stmt, unsigned number, const char *data, unsigned long length),
             (MYSQL_STMT * stmt; unsigned number; const char *data; unsigned long length;),
             (stmt, number, data, length), (a->stmt, a->number, a->data, a->length))

/* These end at once: a handle that is closed has nowhere to keep a coroutine. */
int mysql_close_start(MYSQL *mysql) {
    mysql_close(mysql);
    return 0;
}

int mysql_close_cont(MYSQL *mysql, int ready) {
    (void)mysql;
    (void)ready;
    return 0;
}

int mysql_stmt_close_start(my_bool *result, MYSQL_STMT *stmt) {
    *result = mysql_stmt_close(stmt);
    return 0;
}

int mysql_stmt_close_cont(my_bool *result, MYSQL_STMT *stmt, int ready) {
    (void)result;
    (void)stmt;
    (void)ready;
    return 0;
}

int mysql_fetch_row_start(MYSQL_ROW *row, MYSQL_RES *result) {
    *row = mysql_fetch_row(result);
    return 0;
}

int mysql_fetch_row_cont(MYSQL_ROW *row, MYSQL_RES *result, int ready) {
    (void)row;
    (void)result;
    (void)ready;
    return 0;
}

int mysql_free_result_start(MYSQL_RES *result) {
    mysql_free_result(result);
    return 0;
}

int mysql_free_result_cont(MYSQL_RES *result, int ready) {
    (void)result;
    (void)ready;
    return 0;
}
#else
/* Called with the same arguments until it is done. */
static bool not_ready(MYSQL *mysql) {
    if (mysql->stops_left == 0) {
        mysql->stops_left = fake_stops + 1;
    }
    return --mysql->stops_left > 0;
}

enum net_async_status mysql_real_connect_nonblocking(MYSQL *mysql, const char *host, const char *user,
                                                     const char *password, const char *database,
                                                     unsigned port, const char *socket, unsigned long flags) {
    if (not_ready(mysql)) {
        return NET_ASYNC_NOT_READY;
    }
    return mysql_real_connect(mysql, host, user, password, database, port, socket, flags) ? NET_ASYNC_COMPLETE
                                                                                          : NET_ASYNC_ERROR;
}

enum net_async_status mysql_real_query_nonblocking(MYSQL *mysql, const char *text, unsigned long length) {
    if (not_ready(mysql)) {
        return NET_ASYNC_NOT_READY;
    }
    return send_text(mysql, text, length) && read_text_answer(mysql) ? NET_ASYNC_COMPLETE : NET_ASYNC_ERROR;
}

enum net_async_status mysql_send_query_nonblocking(MYSQL *mysql, const char *text, unsigned long length) {
    if (not_ready(mysql)) {
        return NET_ASYNC_NOT_READY;
    }
    return send_text(mysql, text, length) ? NET_ASYNC_COMPLETE : NET_ASYNC_ERROR;
}

enum net_async_status mysql_store_result_nonblocking(MYSQL *mysql, MYSQL_RES **result) {
    if (not_ready(mysql)) {
        return NET_ASYNC_NOT_READY;
    }
    *result = mysql_store_result(mysql);
    return *result || !mysql->last_errno ? NET_ASYNC_COMPLETE : NET_ASYNC_ERROR;
}

enum net_async_status mysql_next_result_nonblocking(MYSQL *mysql) {
    if (not_ready(mysql)) {
        return NET_ASYNC_NOT_READY;
    }
    int next = mysql_next_result(mysql);
    return next == 0 ? NET_ASYNC_COMPLETE : next < 0 ? NET_ASYNC_COMPLETE_NO_MORE_RESULTS : NET_ASYNC_ERROR;
}

enum net_async_status mysql_free_result_nonblocking(MYSQL_RES *result) {
    mysql_free_result(result);
    return NET_ASYNC_COMPLETE;
}

enum net_async_status mysql_reset_connection_nonblocking(MYSQL *mysql) {
    return mysql_reset_connection(mysql) == 0 ? NET_ASYNC_COMPLETE : NET_ASYNC_ERROR;
}
#endif
