#define _GNU_SOURCE
#include "fake_server.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { JOURNAL_MAX = 40000, TEXT_MAX = 760, VARIABLES_MAX = 64, FAULTS_MAX = 16, SESSIONS_MAX = 4096 };
enum { IN_TRANS = 1, AUTOCOMMIT = 2, NO_BACKSLASH = 512 };
enum { TRACK_VARIABLES = 0, TRACK_SCHEMA = 1, TRACK_TRANSACTION = 5 };

bool fake_is_fast, fake_gives_rows, fake_without_sockets;

struct entry {
    _Atomic bool whole;
    enum fake_server server;
    unsigned session;
    pid_t pid;
    char text[TEXT_MAX];
};
static struct journal {
    _Atomic size_t length;
    struct entry entries[JOURNAL_MAX];
} * journal;
static pid_t first_pid;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void before_fork(void) {
    pthread_mutex_lock(&lock);
}
static void after_fork(void) {
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void make_journal(void) {
    pthread_atfork(before_fork, after_fork, after_fork);
    void *memory = mmap(NULL, sizeof *journal, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        abort();
    }
    journal = memory;
    first_pid = getpid();
}

struct variable {
    char name[64];
    char *value; /* NULL: NULL */
};

struct fake_session {
    enum fake_server server;
    unsigned number; /* from 1, per server */
    unsigned long thread_id;
    _Atomic bool dead;
    bool autocommit;
    bool in_transaction;
    bool shims_savepoint;
    bool tracked, tracked_before; /* MySQL's transaction state: it is reported when it has changed */
    unsigned table_count; /* of statements that make, drop or rename tables */
    bool hides_cache;     /* a temporary table of that name is there */
    uint64_t last_rows;
    int64_t row_count;
    unsigned last_warnings;
    size_t variable_count;
    struct variable variables[VARIABLES_MAX];
};

static struct fake_session *sessions[FAKE_SERVERS][SESSIONS_MAX];
static unsigned session_counts[FAKE_SERVERS];
static _Atomic unsigned long last_thread_id = 40;
static _Atomic uint64_t last_insert_id = 100;

static void write_down(enum fake_server server, unsigned session, const char *text, size_t length) {
    size_t place = atomic_fetch_add(&journal->length, 1);
    if (place >= JOURNAL_MAX) {
        return;
    }
    struct entry *entry = &journal->entries[place];
    entry->server = server;
    entry->session = session;
    entry->pid = getpid();
    if (length >= sizeof entry->text) {
        length = sizeof entry->text - 1;
    }
    memcpy(entry->text, text, length);
    entry->text[length] = '\0';
    atomic_store(&entry->whole, true);
}

void fake_note(const struct fake_session *session, const char *name, const char *text) {
    char line[TEXT_MAX];
    int length = snprintf(line, sizeof line, "/%s%s%s", name, text && *text ? " " : "", text ? text : "");
    write_down(session->server, session->number, line,
               (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

size_t fake_journal_length(void) {
    size_t length = atomic_load(&journal->length);
    return length < JOURNAL_MAX ? length : JOURNAL_MAX;
}

void fake_journal_clear(void) {
    for (size_t i = 0; i < fake_journal_length(); i++) {
        atomic_store(&journal->entries[i].whole, false);
    }
    atomic_store(&journal->length, 0);
    first_pid = getpid();
}

char *fake_journal(size_t from) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) {
        return NULL;
    }
    for (size_t i = from; i < fake_journal_length(); i++) {
        const struct entry *entry = &journal->entries[i];
        if (!atomic_load(&entry->whole)) {
            continue;
        }
        fprintf(stream, "%s%s", entry->pid == first_pid ? "" : "child ",
                entry->server == FAKE_MAIN ? "main" : "local");
        if (entry->session > 1) {
            fprintf(stream, "%u", entry->session);
        }
        fprintf(stream, ": %s\n", entry->text);
    }
    fclose(stream);
    return text;
}

size_t fake_journal_count(size_t from, enum fake_server server, const char *part) {
    size_t count = 0;
    for (size_t i = from; i < fake_journal_length(); i++) {
        const struct entry *entry = &journal->entries[i];
        count += atomic_load(&entry->whole) && entry->server == server && strstr(entry->text, part);
    }
    return count;
}

static struct fault {
    enum fake_server server;
    char part[128];
    unsigned error;
    char message[200];
    int times;
    unsigned after_ms;
} faults[FAULTS_MAX];
static _Atomic int fault_count;
static struct {
    unsigned error;
    char message[200];
    int times;
} refusals[FAKE_SERVERS];

static void add_fault(enum fake_server server, const char *part, unsigned error, const char *message,
                      int times, unsigned after_ms) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < fault_count; i++) {
        if (faults[i].server == server && strcmp(faults[i].part, part) == 0) {
            faults[i].times = 0;
        }
    }
    int place = 0;
    while (place < fault_count && faults[place].times != 0) {
        place++;
    }
    if (error && place < FAULTS_MAX) {
        struct fault *fault = &faults[place];
        *fault = (struct fault){.server = server, .error = error, .times = times, .after_ms = after_ms};
        snprintf(fault->part, sizeof fault->part, "%s", part);
        snprintf(fault->message, sizeof fault->message, "%s", message ? message : "scripted error");
        fault_count += place == fault_count;
    }
    pthread_mutex_unlock(&lock);
}

void fake_fail(enum fake_server server, const char *part, unsigned error, const char *message, int times) {
    add_fault(server, part, error, message, times, 0);
}

void fake_fail_slowly(enum fake_server server, const char *part, unsigned error, int times,
                      unsigned after_ms) {
    add_fault(server, part, error, NULL, times, after_ms);
}

void fake_fail_connect(enum fake_server server, unsigned error, const char *message, int times) {
    pthread_mutex_lock(&lock);
    refusals[server].error = error;
    refusals[server].times = times;
    snprintf(refusals[server].message, sizeof refusals[server].message, "%s",
             message ? message : "scripted refusal");
    pthread_mutex_unlock(&lock);
}

static bool take_fault(enum fake_server server, const char *text, size_t length, struct fault *found) {
    bool hit = false;
    if (fault_count == 0) {
        return false;
    }
    pthread_mutex_lock(&lock);
    for (int i = 0; i < fault_count && !hit; i++) {
        struct fault *fault = &faults[i];
        if (fault->times != 0 && fault->server == server &&
            memmem(text, length, fault->part, strlen(fault->part))) {
            *found = *fault;
            fault->times -= fault->times > 0;
            hit = true;
        }
    }
    pthread_mutex_unlock(&lock);
    if (hit && found->after_ms) {
        const struct timespec pause = {found->after_ms / 1000, (long)(found->after_ms % 1000) * 1000000};
        nanosleep(&pause, NULL);
    }
    return hit;
}

static struct variable *find_variable(struct variable *variables, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(variables[i].name, name) == 0) {
            return &variables[i];
        }
    }
    return NULL;
}

static void set_variable(struct fake_session *session, const char *name, const char *value) {
    struct variable *variable = find_variable(session->variables, session->variable_count, name);
    if (!variable && session->variable_count < VARIABLES_MAX) {
        variable = &session->variables[session->variable_count++];
        snprintf(variable->name, sizeof variable->name, "%s", name);
        variable->value = NULL;
    }
    if (variable) {
        char *old = variable->value;
        variable->value = value ? strdup(value) : NULL;
        free(old);
    }
}

static const char *get_variable(struct fake_session *session, const char *name) {
    const struct variable *variable = find_variable(session->variables, session->variable_count, name);
    return variable ? variable->value : NULL;
}

static const struct {
    const char *name, *main, *local;
} GLOBALS[] = {
    {"version", "10.11.19-MariaDB", "10.11.19-MariaDB"},
    {"server_id", "1", "2"},
    {"hostname", "paris", "lyon"},
    {"port", "3306", "3306"},
    {"datadir", "/var/lib/main/", "/var/lib/local/"},
    {"max_allowed_packet", "16777216", "16777216"},
    {"lower_case_table_names", "0", "0"},
    {"innodb_rollback_on_timeout", "0", "0"},
    {"character_set_client", "utf8mb4", "utf8mb4"},
    {"character_set_results", "utf8mb4", "utf8mb4"},
    {"collation_connection", "utf8mb4_general_ci", "utf8mb4_general_ci"},
    {"sql_mode", "STRICT_TRANS_TABLES", "STRICT_TRANS_TABLES"},
    {"time_zone", "SYSTEM", "SYSTEM"},
    {"lc_time_names", "en_US", "en_US"},
    {"group_concat_max_len", "1048576", "1048576"},
    {"div_precision_increment", "4", "4"},
    {"default_week_format", "0", "0"},
    {"foreign_key_checks", "1", "1"},
    {"unique_checks", "1", "1"},
    {"sql_auto_is_null", "0", "0"},
    {"sql_safe_updates", "0", "0"},
    {"sql_select_limit", "18446744073709551615", "18446744073709551615"},
    {"max_sort_length", "1024", "1024"},
    {"completion_type", "NO_CHAIN", "NO_CHAIN"},
    {"tx_isolation", "REPEATABLE-READ", "REPEATABLE-READ"},
    {"tx_read_only", "0", "0"},
    {"transaction_isolation", "REPEATABLE-READ", "REPEATABLE-READ"},
    {"transaction_read_only", "0", "0"},
    {"max_statement_time", "0.000000", "0.000000"},
    {"max_execution_time", "0", "0"},
    {"autocommit", "1", "1"},
};
enum { GLOBAL_COUNT = sizeof GLOBALS / sizeof *GLOBALS };
static struct variable globals[FAKE_SERVERS][VARIABLES_MAX];
static size_t global_counts[FAKE_SERVERS];

static void make_globals(void) {
    for (int server = 0; server < FAKE_SERVERS && !global_counts[server]; server++) {
        for (size_t i = 0; i < GLOBAL_COUNT; i++) {
            struct variable *variable = &globals[server][global_counts[server]++];
            snprintf(variable->name, sizeof variable->name, "%s", GLOBALS[i].name);
            variable->value = strdup(server == FAKE_MAIN ? GLOBALS[i].main : GLOBALS[i].local);
        }
    }
}

void fake_set_global(enum fake_server server, const char *name, const char *value) {
    pthread_mutex_lock(&lock);
    make_globals();
    struct variable *variable = find_variable(globals[server], global_counts[server], name);
    if (variable) {
        free(variable->value);
        variable->value = strdup(value);
    }
    pthread_mutex_unlock(&lock);
}

const char *fake_variable(enum fake_server server, unsigned session, const char *name) {
    if (session == 0 || session > session_counts[server]) {
        return NULL;
    }
    return get_variable(sessions[server][session], name);
}

unsigned fake_session_count(enum fake_server server) {
    pthread_mutex_lock(&lock);
    unsigned count = session_counts[server];
    pthread_mutex_unlock(&lock);
    return count;
}

static void start_session(struct fake_session *session, const char *database) {
    for (size_t i = 0; i < session->variable_count; i++) {
        free(session->variables[i].value);
    }
    session->variable_count = 0;
    pthread_mutex_lock(&lock);
    make_globals();
    for (size_t i = 0; i < global_counts[session->server]; i++) {
        set_variable(session, globals[session->server][i].name, globals[session->server][i].value);
    }
    pthread_mutex_unlock(&lock);
    set_variable(session, "database", database && *database ? database : NULL);
    session->autocommit = strcmp(get_variable(session, "autocommit"), "0") != 0;
    session->in_transaction = session->tracked = session->tracked_before = false;
    session->hides_cache = false;
    session->table_count = 0;
}

static struct fake_answer *new_answer(void) {
    struct fake_answer *answer = calloc(1, sizeof *answer);
    if (!answer) {
        abort();
    }
    return answer;
}

void fake_free_answer(struct fake_answer *answer) {
    if (!answer) {
        return;
    }
    for (size_t i = 0; i < answer->rows * answer->columns; i++) {
        free(answer->cells[i]);
    }
    free(answer->cells);
    free(answer);
}

static struct fake_answer *answer_error(unsigned error, const char *message) {
    struct fake_answer *answer = new_answer();
    answer->error = error;
    snprintf(answer->message, sizeof answer->message, "%s", message);
    return answer;
}

static void set_rows(struct fake_answer *answer, size_t rows, unsigned columns) {
    answer->rows = rows;
    answer->columns = columns;
    answer->cells = calloc(rows * columns + 1, sizeof *answer->cells);
}

static void add_track(struct fake_answer *answer, int type, const char *data) {
    if (answer->track_count < FAKE_TRACKS_MAX) {
        struct fake_track *track = &answer->tracks[answer->track_count++];
        track->type = type;
        snprintf(track->data, sizeof track->data, "%s", data);
    }
}

static bool is_mariadb(struct fake_session *session) {
    return strstr(get_variable(session, "version"), "MariaDB") != NULL;
}

static void end_transaction(struct fake_session *session) {
    session->in_transaction = session->shims_savepoint = session->tracked = false;
}

/* To MySQL's tracker that is an end, though the transaction goes on. */
static void touch_temporary(struct fake_session *session) {
    session->tracked = false;
    session->table_count++;
}

static void begin_transaction(struct fake_session *session) {
    session->shims_savepoint = false;
    session->in_transaction = session->tracked = true;
}

static void report_transaction(struct fake_session *session, struct fake_answer *answer) {
    if (!is_mariadb(session) && answer->columns == 0 && !answer->error &&
        session->tracked != session->tracked_before) {
        add_track(answer, TRACK_TRANSACTION, session->tracked ? "T_______" : "________");
        session->tracked_before = session->tracked;
    }
}

static char *trimmed(char *text) {
    while (*text == ' ') {
        text++;
    }
    char *end = text + strlen(text);
    while (end > text && (end[-1] == ' ' || end[-1] == ';')) {
        *--end = '\0';
    }
    return text;
}

static char *without_quotes(char *text) {
    size_t length = strlen(text);
    if (length >= 2 && (*text == '\'' || *text == '"') && text[length - 1] == *text) {
        text[length - 1] = '\0';
        return text + 1;
    }
    return text;
}

static bool skip(char **text, const char *word) {
    size_t length = strlen(word);
    if (strncasecmp(*text, word, length) != 0) {
        return false;
    }
    *text += length;
    return true;
}

static void set_names(struct fake_session *session, char *value, struct fake_answer *answer) {
    char *collate = strcasestr(value, " COLLATE ");
    if (collate) {
        *collate = '\0';
        collate = without_quotes(trimmed(collate + 9));
    }
    value = without_quotes(trimmed(value));
    char collation[96];
    snprintf(collation, sizeof collation, "%s_general_ci", value);
    set_variable(session, "character_set_client", value);
    set_variable(session, "character_set_results", value);
    set_variable(session, "collation_connection", collate ? collate : collation);
    add_track(answer, TRACK_VARIABLES, "character_set_client");
    add_track(answer, TRACK_VARIABLES, value);
}

static void assign(struct fake_session *session, char *text, struct fake_answer *answer) {
    text = trimmed(text);
    if (skip(&text, "GLOBAL ") || skip(&text, "@@global.") || skip(&text, "TRANSACTION") ||
        skip(&text, "PASSWORD") || skip(&text, "SESSION TRANSACTION")) {
        return;
    }
    if (skip(&text, "ROLE ")) {
        set_variable(session, "role", trimmed(text));
        return;
    }
    if (skip(&text, "NAMES ") || skip(&text, "CHARACTER SET ")) {
        set_names(session, text, answer);
        return;
    }
    if (!skip(&text, "SESSION ") && !skip(&text, "@@session.") && !skip(&text, "LOCAL ")) {
        skip(&text, "@@");
    }
    char *equals = strchr(text, '=');
    if (!equals) {
        return;
    }
    char *value = trimmed(equals + 1);
    equals[equals > text && equals[-1] == ':' ? -1 : 0] = '\0';
    char *name = trimmed(text);
    if (strncmp(value, "@@", 2) == 0) {
        char *source = value + 2;
        skip(&source, "session.");
        const char *known = get_variable(session, source);
        set_variable(session, name, known ? known : "");
        return;
    }
    value = without_quotes(value);
    if (strcasecmp(value, "ON") == 0 || strcasecmp(value, "TRUE") == 0) {
        strcpy(value, "1");
    }
    set_variable(session, name, strcasecmp(value, "NULL") == 0 ? NULL : value);
    if (strcasecmp(name, "autocommit") == 0) {
        session->autocommit = strcmp(value, "1") == 0;
        set_variable(session, name, session->autocommit ? "1" : "0");
        if (session->autocommit) {
            end_transaction(session);
        }
        add_track(answer, TRACK_VARIABLES, "autocommit");
        add_track(answer, TRACK_VARIABLES, session->autocommit ? "ON" : "OFF");
    } else if (strcasecmp(name, "time_zone") == 0) {
        add_track(answer, TRACK_VARIABLES, "time_zone");
        add_track(answer, TRACK_VARIABLES, value);
    }
}

static void run_set(struct fake_session *session, const char *text, struct fake_answer *answer) {
    char *copy = strdup(text);
    char *start = copy;
    char quote = 0;
    int depth = 0;
    for (char *c = copy;; c++) {
        if (quote) {
            quote = *c == quote ? 0 : quote;
        } else if (*c == '\'' || *c == '"') {
            quote = *c;
        } else if (*c == '(' || *c == ')') {
            depth += *c == '(' ? 1 : -1;
        }
        bool end = *c == '\0';
        if (end || (*c == ',' && !quote && depth == 0)) {
            *c = '\0';
            assign(session, start, answer);
            start = c + 1;
        }
        if (end) {
            break;
        }
    }
    free(copy);
}

static struct fake_answer *select_variables(struct fake_session *session, const char *text) {
    struct fake_answer *answer = new_answer();
    char *copy = strdup(text);
    unsigned columns = 1;
    for (const char *c = copy; *c; c++) {
        columns += *c == ',';
    }
    set_rows(answer, 1, columns);
    char *rest = copy;
    for (unsigned i = 0; i < columns; i++) {
        char *name = trimmed(strsep(&rest, ","));
        const char *value;
        char number[24];
        if (strcasecmp(name, "FOUND_ROWS()") == 0) {
            value = "1";
        } else if (strcasecmp(name, "ROW_COUNT()") == 0) {
            snprintf(number, sizeof number, "%lld", (long long)session->row_count);
            value = number;
        } else if (strncmp(name, "(SELECT SUM(VARIABLE_VALUE)", 27) == 0 && is_mariadb(session)) {
            snprintf(number, sizeof number, "%u", session->table_count);
            value = number;
        } else if (strcasecmp(name, "DATABASE()") == 0) {
            value = get_variable(session, "database");
        } else if (strcasecmp(name, "@@in_transaction") == 0 && is_mariadb(session)) {
            value = session->in_transaction ? "1" : "0";
        } else if (strcasecmp(name, "@@global.autocommit") == 0) {
            value = "1";
        } else {
            skip(&name, "@@");
            skip(&name, "session.");
            const struct variable *variable =
                find_variable(session->variables, session->variable_count, name);
            if (!variable) {
                fake_free_answer(answer);
                char message[200];
                snprintf(message, sizeof message, "Unknown system variable '%s'", name);
                free(copy);
                return answer_error(1193, message);
            }
            value = variable->value;
        }
        answer->cells[i] = value ? strdup(value) : NULL;
    }
    free(copy);
    return answer;
}

static bool starts(const char *text, const char *word) {
    return strncasecmp(text, word, strlen(word)) == 0;
}

/* Two rows that tell who gave them: "main:1" and "main:2". "LIMIT 0" gives none. */
static struct fake_answer *select_rows(struct fake_session *session, const char *text) {
    struct fake_answer *answer = new_answer();
    size_t rows = strstr(text, "LIMIT 0") ? 0 : strstr(text, "LIMIT 1000") ? 1000 : 2;
    set_rows(answer, rows, 1);
    for (size_t i = 0; i < rows; i++) {
        if (asprintf(&answer->cells[i], "%s:%zu", session->server == FAKE_MAIN ? "main" : "local", i + 1) <
            0) {
            abort();
        }
    }
    session->last_rows = rows;
    session->row_count = -1;
    return answer;
}

static struct fake_answer *one_number(int64_t number) {
    struct fake_answer *answer = new_answer();
    set_rows(answer, 1, 1);
    if (asprintf(&answer->cells[0], "%lld", (long long)number) < 0) {
        abort();
    }
    return answer;
}

/* What the shim asks before main is asked for the same: found rows, changed rows, warnings and errors. */
static struct fake_answer *four_numbers(const struct fake_session *session) {
    const int64_t numbers[] = {(int64_t)session->last_rows, session->row_count, session->last_warnings, 0};
    struct fake_answer *answer = new_answer();
    set_rows(answer, 1, 4);
    for (int i = 0; i < 4; i++) {
        if (asprintf(&answer->cells[i], "%lld", (long long)numbers[i]) < 0) {
            abort();
        }
    }
    return answer;
}

static struct fake_answer *show_two(const char *name, const char *format, ...) {
    struct fake_answer *answer = new_answer();
    va_list arguments;
    set_rows(answer, 1, 2);
    answer->cells[0] = strdup(name);
    va_start(arguments, format);
    if (vasprintf(&answer->cells[1], format, arguments) < 0) {
        abort();
    }
    va_end(arguments);
    return answer;
}

static struct fake_answer *show_warnings(struct fake_session *session) {
    struct fake_answer *answer = new_answer();
    set_rows(answer, session->last_warnings, 3);
    for (size_t i = 0; i < session->last_warnings; i++) {
        answer->cells[3 * i] = strdup("Warning");
        answer->cells[3 * i + 1] = strdup("1265");
        answer->cells[3 * i + 2] = strdup(session->server == FAKE_MAIN ? "of main" : "of local");
    }
    return answer;
}

static struct fake_answer *change_rows(struct fake_session *session, const char *text) {
    struct fake_answer *answer = new_answer();
    unsigned rows = 1;
    for (const char *c = strstr(text, "("); c && (c = strstr(c + 1, "),")); rows++) {
    }
    answer->affected_rows = rows;
    if (starts(text, "INSERT")) {
        answer->insert_id = strstr(text, "auto_inc") ? atomic_fetch_add(&last_insert_id, 1) + 1 : 0;
    }
    if (rows > 1) {
        snprintf(answer->info, sizeof answer->info, "Records: %u  Duplicates: 0  Warnings: 0", rows);
    }
    if (strcasestr(text, "RETURNING")) {
        set_rows(answer, 1, 1);
        answer->cells[0] = strdup(session->server == FAKE_MAIN ? "main:1" : "local:1");
        answer->affected_rows = 0;
    }
    session->row_count = rows;
    return answer;
}

static struct fake_answer *use_database(struct fake_session *session, const char *text) {
    char name[64];
    snprintf(name, sizeof name, "%s", text);
    char *clean = trimmed(name);
    if (*clean == '`') {
        clean++;
        clean[strcspn(clean, "`")] = '\0';
    }
    if (strncmp(clean, "missing", 7) == 0 ||
        (session->server == FAKE_LOCAL && strcmp(clean, "only_main") == 0)) {
        return answer_error(1049, "Unknown database");
    }
    struct fake_answer *answer = new_answer();
    set_variable(session, "database", clean);
    add_track(answer, TRACK_SCHEMA, clean);
    return answer;
}

static struct fake_answer *run_one(struct fake_session *session, const char *text) {
    unsigned warnings = strstr(text, "warn") ? 1 : 0;
    struct fake_answer *answer = NULL;
    bool touches = false;
    if (starts(text, "SELECT @@")) {
        answer = select_variables(session, text + 7);
    } else if (starts(text, "SELECT FOUND_ROWS(), ROW_COUNT(), ") ||
               starts(text, "SELECT 0, ROW_COUNT(), @@warning_count")) {
        answer = four_numbers(session);
        warnings = session->last_warnings;
    } else if (starts(text, "SELECT FOUND_ROWS()")) {
        answer = one_number((int64_t)session->last_rows);
    } else if (starts(text, "SELECT ROW_COUNT()")) {
        answer = one_number(session->row_count);
    } else if (starts(text, "SHOW WARNINGS")) {
        answer = show_warnings(session);
        warnings = session->last_warnings;
    } else if (starts(text, "SHOW SESSION STATUS WHERE")) {
        answer = show_two("Com_create_table", "%u", session->table_count);
    } else if (starts(text, "SHOW CREATE TABLE")) {
        bool hidden = session->hides_cache && strstr(text, "`cache`");
        answer = show_two("cache", "CREATE %sTABLE `cache` (...)", hidden ? "TEMPORARY " : "");
    } else if (starts(text, "SELECT") || starts(text, "SHOW") || starts(text, "(SELECT") ||
               (starts(text, "WITH") && !strstr(text, "DELETE"))) {
        answer = select_rows(session, text);
        touches = starts(text, "SELECT");
    } else if (starts(text, "REPLACE") || starts(text, "INSERT") || starts(text, "UPDATE") ||
               starts(text, "DELETE") || starts(text, "WITH")) {
        answer = change_rows(session, text);
        touches = true;
    } else if (starts(text, "USE ")) {
        answer = use_database(session, text + 4);
    }
    if (!answer) {
        answer = new_answer();
        if (starts(text, "SET ")) {
            run_set(session, text + 4, answer);
        } else if (starts(text, "BEGIN") || starts(text, "START TRANSACTION") || starts(text, "XA START")) {
            begin_transaction(session);
        } else if (starts(text, "ROLLBACK TO")) {
            /* the transaction goes on */
        } else if (starts(text, "COMMIT") || starts(text, "ROLLBACK") || starts(text, "XA COMMIT")) {
            if (strcasestr(text, "AND CHAIN")) {
                begin_transaction(session);
            } else {
                end_transaction(session);
            }
        } else if (starts(text, "CREATE") || starts(text, "ALTER") || starts(text, "DROP") ||
                   starts(text, "TRUNCATE") || starts(text, "LOCK TABLES")) {
            if (strcasestr(text, "TEMPORARY")) {
                touch_temporary(session);
                session->hides_cache &= !starts(text, "DROP");
            } else {
                end_transaction(session);
                session->table_count++;
            }
        } else if (starts(text, "CALL begins()")) { /* a procedure that begins a transaction */
            begin_transaction(session);
        } else if (starts(text, "CALL ends")) {
            end_transaction(session);
        } else if (starts(text, "CALL makes_table")) {
            touch_temporary(session);
        } else if (starts(text, "CALL hides_cache")) {
            touch_temporary(session);
            session->hides_cache = true;
        } else if (starts(text, "CALL begins_with_table")) {
            begin_transaction(session);
            touch_temporary(session);
        } else if (starts(text, "CALL shows_cache")) {
            touch_temporary(session);
            session->hides_cache = false;
        } else if (starts(text, "CALL chains")) { /* ... that rolls back and begins another */
            begin_transaction(session);
            if (strstr(text, "with_table")) {
                touch_temporary(session);
            }
        } else if (starts(text, "SAVEPOINT roundabout")) {
            session->shims_savepoint = session->in_transaction || !session->autocommit;
        } else if (starts(text, "RELEASE SAVEPOINT roundabout") && !session->shims_savepoint) {
            fake_free_answer(answer);
            answer = answer_error(1305, "SAVEPOINT roundabout does not exist");
        } else if (starts(text, "RELEASE SAVEPOINT roundabout")) {
            session->shims_savepoint = false;
        } else if (starts(text, "CALL changes_mode")) {
            set_variable(session, "sql_mode", "ANSI_QUOTES");
        } else if (starts(text, "CALL gives_rows")) {
            struct fake_answer *rows = select_rows(session, text);
            rows->next = answer;
            answer = rows;
        }
        report_transaction(session, answer);
    }
    session->in_transaction |= touches && !session->autocommit;
    if (!answer->columns || warnings) {
        answer->warnings = warnings;
    }
    if (!starts(text, "SHOW WARNINGS")) {
        session->last_warnings = warnings;
    }
    return answer;
}

static unsigned status_of(struct fake_session *session) {
    const char *mode = get_variable(session, "sql_mode");
    return (session->in_transaction ? IN_TRANS : 0u) | (session->autocommit ? AUTOCOMMIT : 0u) |
           (mode && strstr(mode, "NO_BACKSLASH") ? NO_BACKSLASH : 0u);
}

static bool uses_tables(const char *text) {
    return starts(text, "REPLACE") || starts(text, "INSERT") || starts(text, "UPDATE") || starts(text, "DELETE");
}

/* A statement that fails amid its tables has begun a transaction all the same; no answer says so yet. */
static struct fake_answer *fail(struct fake_session *session, const char *text, const struct fault *fault) {
    session->in_transaction |= fault->error < 2000 && !session->autocommit && uses_tables(text);
    if (fault->error >= 2000 && fault->error < 3000) {
        atomic_store(&session->dead, true);
    }
    if (fault->error == 1213) {
        session->in_transaction = session->tracked = false;
    }
    return answer_error(fault->error, fault->message);
}

/* MariaDB's block that releases the shim's savepoint: rows come if it is gone. */
static struct fake_answer *release_if(struct fake_session *session, const char *text) {
    bool holds =
        session->shims_savepoint && (session->in_transaction || !strstr(text, "IF @@in_transaction"));
    struct fake_answer *answer = new_answer();
    if (!holds) {
        set_rows(answer, 1, 2);
        answer->cells[0] = strdup("1");
        answer->cells[1] = strdup(session->in_transaction ? "1" : "0");
        answer->next = new_answer();
    }
    session->shims_savepoint = false;
    answer->status = status_of(session);
    return answer;
}

struct fake_answer *fake_query(struct fake_session *session, const char *text, size_t length) {
    write_down(session->server, session->number, text, length);
    if (atomic_load(&session->dead)) {
        return answer_error(2006, "Server has gone away");
    }
    struct fault fault;
    if (take_fault(session->server, text, length, &fault)) {
        return fail(session, text, &fault);
    }
    if (length == 0) {
        return answer_error(1065, "Query was empty");
    }
    if (starts(text, "BEGIN NOT ATOMIC DECLARE")) {
        return release_if(session, text);
    }
    char *copy = strndup(text, length);
    char *rest = copy;
    struct fake_answer *first = NULL;
    struct fake_answer **place = &first;
    while (rest) {
        char *one = trimmed(strsep(&rest, ";"));
        if (!*one && first) {
            break;
        }
        *place = run_one(session, one);
        bool failed = (*place)->error != 0;
        while (*place) {
            (*place)->status = status_of(session);
            place = &(*place)->next;
        }
        if (failed) {
            break;
        }
    }
    free(copy);
    return first;
}

struct fake_answer *fake_command(struct fake_session *session, const char *name, const char *text) {
    fake_note(session, name, text);
    if (atomic_load(&session->dead)) {
        return answer_error(2006, "Server has gone away");
    }
    char line[TEXT_MAX];
    snprintf(line, sizeof line, "/%s %s", name, text ? text : "");
    struct fault fault;
    struct fake_answer *answer;
    if (take_fault(session->server, line, strlen(line), &fault)) {
        return fail(session, line, &fault);
    }
    if (strcmp(name, "init_db") == 0) {
        answer = use_database(session, text);
    } else {
        answer = new_answer();
        if (strcmp(name, "change_user") == 0 || strcmp(name, "reset") == 0) {
            const char *database = get_variable(session, "database");
            char *kept = strcmp(name, "reset") == 0 && database ? strdup(database) : NULL;
            const char *slash = strcmp(name, "change_user") == 0 ? strrchr(text, '/') : NULL;
            start_session(session, slash ? slash + 1 : kept);
            free(kept);
        }
    }
    answer->status = status_of(session);
    return answer;
}

struct fake_session *fake_connect(const struct fake_login *login, unsigned *error, char message[256]) {
    enum fake_server server = login->address && strstr(login->address, "local.") ? FAKE_LOCAL : FAKE_MAIN;
    pthread_mutex_lock(&lock);
    unsigned refused = refusals[server].times != 0 ? refusals[server].error : 0;
    if (refused) {
        refusals[server].times -= refusals[server].times > 0;
        snprintf(message, 256, "%s", refusals[server].message);
    }
    unsigned number = ++session_counts[server];
    pthread_mutex_unlock(&lock);
    char line[TEXT_MAX];
    int length = snprintf(line, sizeof line, "/connect %s:%s@%s/%s flags=%lu charset=%s%s",
                          login->user ? login->user : "NULL", login->password ? login->password : "NULL",
                          login->address ? login->address : "NULL", login->database ? login->database : "",
                          login->flags, login->charset, login->options ? login->options : "");
    write_down(server, number, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
    struct fake_session *session = calloc(1, sizeof *session);
    if (!session) {
        abort();
    }
    session->server = server;
    session->number = number;
    session->thread_id = ++last_thread_id;
    start_session(session, login->database);
    set_variable(session, "character_set_client", login->charset);
    set_variable(session, "character_set_results", login->charset);
    char collation[96];
    snprintf(collation, sizeof collation, "%s_general_ci", login->charset);
    set_variable(session, "collation_connection", collation);
    pthread_mutex_lock(&lock);
    if (number < SESSIONS_MAX) {
        sessions[server][number] = session; /* kept for the questions of the tests */
    }
    pthread_mutex_unlock(&lock);
    if (refused) {
        *error = refused;
        return NULL;
    }
    if (login->database && (strncmp(login->database, "missing", 7) == 0 ||
                            (server == FAKE_LOCAL && strcmp(login->database, "only_main") == 0))) {
        *error = 1049;
        snprintf(message, 256, "Unknown database '%s'", login->database);
        return NULL;
    }
    return session;
}

void fake_quit(struct fake_session *session) {
    fake_note(session, "quit", NULL);
    atomic_store(&session->dead, true);
}

void fake_forget(struct fake_session *session) {
    atomic_store(&session->dead, true);
}

bool fake_is_dead(const struct fake_session *session) {
    return atomic_load(&session->dead);
}

unsigned long fake_thread_id(const struct fake_session *session) {
    return session->thread_id;
}

const char *fake_version(const struct fake_session *session) {
    const struct variable *version =
        find_variable((struct variable *)(uintptr_t)session->variables, session->variable_count, "version");
    return version->value;
}

const char *fake_database(struct fake_session *session) {
    return get_variable(session, "database");
}

void fake_kill_sessions(enum fake_server server) {
    pthread_mutex_lock(&lock);
    for (unsigned i = 1; i <= session_counts[server] && i < SESSIONS_MAX; i++) {
        atomic_store(&sessions[server][i]->dead, true);
    }
    pthread_mutex_unlock(&lock);
}
