/* The daemon's turns over a fake server: server.h implemented here. Under the sanitizers this shows that ten
 * thousand turns leave nothing behind and that the watches' threads share nothing unguarded. */
#include "../../daemon/turn.h"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../daemon/heartbeat.h"
#include "../../daemon/log.h"

#define TURNS 10000

struct server {
    const struct config_server *address;
    bool connected, looked_at; /* over this connection */
    unsigned connections;
};

struct server_rows {
    char **cells; /* name, value, name, value, ... of one row; NULL: end */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_down[4], is_stopped[4], points_elsewhere[4], refuses[4];
static unsigned statements, starts, changes; /* at all servers */
static unsigned blind; /* statements that write, over a connection over which nothing was seen before */
static int64_t beat_us[4];

void server_library_start(void) {}
void server_library_stop(void) {}
void server_thread_start(void) {}
void server_thread_stop(void) {}

struct server *server_create(const struct config_server *address, const struct config_login *login,
                             bool by_socket, unsigned limit_s) {
    (void)login, (void)by_socket, (void)limit_s;
    struct server *server = calloc(1, sizeof *server);
    server->address = address;
    return server;
}
void server_disconnect(struct server *server) {
    server->connected = server->looked_at = false;
}
void server_destroy(struct server *server) {
    free(server);
}
unsigned server_connection(const struct server *server) {
    return server->connected ? server->connections : 0;
}
const char *server_version(const struct server *server) {
    return server->connected ? "10.11.99-MariaDB" : NULL;
}

static struct server_rows *rows_of(const char *first, ...) {
    struct server_rows *rows = calloc(1, sizeof *rows);
    rows->cells = calloc(64, sizeof *rows->cells);
    va_list arguments;
    va_start(arguments, first);
    size_t i = 0;
    for (const char *cell = first; cell && i < 63; cell = va_arg(arguments, const char *))
        rows->cells[i++] = strdup(cell);
    va_end(arguments);
    return rows;
}

struct server_answer server_query(struct server *server, const char *sql, struct server_rows **rows) {
    const unsigned me = server->address->port;
    const unsigned source = me == 1 ? 3 : me - 1;
    struct server_rows *found = NULL;
    struct server_answer answer = {.outcome = SERVER_ANSWERED};
    char id[12], position[64], host[16], port[12], beat[32];
    pthread_mutex_lock(&lock);
    statements++;
    snprintf(id, sizeof id, "%u", me);
    snprintf(position, sizeof position, "1-1-%u", statements);
    snprintf(host, sizeof host, "s%u", points_elsewhere[me] ? 9 : source);
    snprintf(port, sizeof port, "%u", source);
    snprintf(beat, sizeof beat, "%lld", (long long)beat_us[1]);
    const bool is_no = is_stopped[me],
               writes = strncmp(sql, "SELECT", 6) && strncmp(sql, "SHOW", 4) && strncmp(sql, "DO", 2);
    if (is_down[me]) {
        answer = (struct server_answer){SERVER_UNREACHABLE, 2003, "refused"};
        server->connected = server->looked_at = false;
    } else if (writes && !server->looked_at) {
        blind++;
    } else if (strstr(sql, "AS server_id")) {
        server->looked_at = true;
        found = rows_of("server_id", id, "domain_id", id, "log_bin", "1", "log_updates", "1", "gtid_ready",
                        "1", "gtid_strict", "1", "applied", position, "logged", position, NULL);
    } else if (strncmp(sql, "SHOW", 4) == 0) {
        found = rows_of("Master_Host", host, "Master_Port", port, "Master_User", "repl", "Master_Server_Id",
                        port, "Using_Gtid", "Slave_Pos", "Slave_IO_Running", is_no ? "No" : "Yes",
                        "Slave_SQL_Running", is_no ? "No" : "Yes", "Last_IO_Errno", "0", "Last_SQL_Errno",
                        "0", "Gtid_IO_Pos", position, NULL);
    } else if (strcmp(sql, HEARTBEAT_READ) == 0) {
        found = rows_of("site", "one", "sent_us", beat, NULL);
    } else if (refuses[me] && (strncmp(sql, "START", 5) == 0 || strncmp(sql, "CHANGE", 6) == 0)) {
        answer = (struct server_answer){SERVER_REFUSED, 1227,
                                        "Access denied; you need (at least one of) the ... privilege(s)"};
        starts++;
    } else if (strncmp(sql, "START", 5) == 0) {
        starts++;
        is_stopped[me] = false;
    } else if (strncmp(sql, "CHANGE", 6) == 0) {
        changes++;
        points_elsewhere[me] = false;
    } else if (strncmp(sql, "REPLACE INTO roundabout", 23) == 0) {
        beat_us[me]++;
    }
    if (answer.outcome == SERVER_ANSWERED) {
        server->connections += !server->connected;
        server->connected = true;
    }
    pthread_mutex_unlock(&lock);
    if (rows)
        *rows = found;
    else
        server_rows_free(found);
    return answer;
}

size_t server_rows_count(const struct server_rows *rows) {
    return rows ? 1 : 0;
}

const char *server_rows_value(const struct server_rows *rows, size_t row, const char *column) {
    for (size_t i = 0; rows && row == 0 && rows->cells[i]; i += 2)
        if (strcmp(rows->cells[i], column) == 0)
            return rows->cells[i + 1];
    return NULL;
}

void server_rows_free(struct server_rows *rows) {
    for (size_t i = 0; rows && rows->cells[i]; i++)
        free(rows->cells[i]);
    if (rows)
        free(rows->cells);
    free(rows);
}

static struct config_site sites[3];
static struct config_ring ring;
static struct turn *turn;
static int wake;
static char log_file[] = "/tmp/roundabout-test-turn-XXXXXX";

static int start(void **unused) {
    (void)unused;
    static char names[3][6] = {"one", "two", "three"}, hosts[3][4] = {"s1", "s2", "s3"}, user[] = "repl",
                password[] = "pa55word";
    memset(is_down, 0, sizeof is_down);
    memset(is_stopped, 0, sizeof is_stopped);
    memset(points_elsewhere, 0, sizeof points_elsewhere);
    memset(refuses, 0, sizeof refuses);
    statements = starts = changes = blind = 0;
    for (unsigned i = 0; i < 3; i++)
        sites[i] = (struct config_site){.name = names[i],
                                        .server = {.host = hosts[i], .port = i + 1},
                                        .server_id = i + 1};
    ring = (struct config_ring){.sites = sites,
                                .site_count = 3,
                                .replication = {.user = user, .password = password},
                                .probe_interval_ms = 1,
                                .dead_after_ms = 60,
                                .samples_failed = 3,
                                .samples = 5,
                                .cool_down_ms = 20,
                                .heartbeat_interval_ms = 1,
                                .connect_retry_s = 1,
                                .net_timeout_s = 10};
    wake = eventfd(0, EFD_NONBLOCK);
    turn = turn_start(&(struct turn_setup){.ring = &ring, .wake_fd = wake});
    return turn && log_open(log_file, CONFIG_LOG_DEBUG) ? 0 : -1;
}

static int stop(void **unused) {
    (void)unused;
    turn_stop(turn);
    close(wake);
    log_close();
    return 0;
}

static bool read_flag(const bool *flag) {
    pthread_mutex_lock(&lock);
    const bool value = *flag;
    pthread_mutex_unlock(&lock);
    return value;
}
static void set_flag(bool *flag, bool value) {
    pthread_mutex_lock(&lock);
    *flag = value;
    pthread_mutex_unlock(&lock);
}
static unsigned read_count(const unsigned *count) {
    pthread_mutex_lock(&lock);
    const unsigned value = *count;
    pthread_mutex_unlock(&lock);
    return value;
}

static void take_turn(void) {
    eventfd_t count;
    poll(&(struct pollfd){wake, POLLIN, 0}, 1, 100);
    eventfd_read(wake, &count);
    turn_run(turn, clock_monotonic_ms());
}

/* Takes turns until the plan is this, at most five seconds. */
static void wait_for_plan(enum link_step step, enum ring_reason reason) {
    const int64_t until_ms = clock_monotonic_ms() + 5000;
    do {
        take_turn();
        if (turn_plan(turn)->step == step && turn_plan(turn)->reason == reason)
            return;
    } while (clock_monotonic_ms() < until_ms);
    fail_msg("wanted step %d %s, got %d %s", step, ring_reason_name(reason), turn_plan(turn)->step,
             ring_reason_name(turn_plan(turn)->reason));
}

static void ten_thousand_turns_leave_nothing_behind(void **unused) {
    (void)unused;
    size_t early = 0;
    for (unsigned i = 0; i < TURNS; i++) {
        take_turn();
        if (i % 1000 == 500)
            set_flag(&is_stopped[1], true);
        if (i == TURNS / 10)
            early = mallinfo2().uordblks;
    }
    const size_t late = mallinfo2().uordblks;
    print_message("%u turns, %zu bytes in use after a tenth of them, %zu at the end\n", TURNS, early, late);
    assert_true(late < early + 16384); /* rows under way in three threads */
    assert_true(read_count(&starts) >= 9);
}

static void a_stopped_link_is_started(void **unused) {
    (void)unused;
    wait_for_plan(LINK_LEAVE, RING_WHOLE);
    set_flag(&is_stopped[1], true);
    const int64_t until_ms = clock_monotonic_ms() + 5000;
    while (read_flag(&is_stopped[1]) && clock_monotonic_ms() < until_ms)
        take_turn();
    assert_false(read_flag(&is_stopped[1]));
}

static void a_link_that_points_elsewhere_is_made_anew(void **unused) {
    (void)unused;
    wait_for_plan(LINK_LEAVE, RING_WHOLE);
    set_flag(&points_elsewhere[1], true);
    const int64_t until_ms = clock_monotonic_ms() + 5000;
    while (read_flag(&points_elsewhere[1]) && clock_monotonic_ms() < until_ms)
        take_turn();
    assert_int_equal(read_count(&changes), 1);
}

static void all_others_down_is_cut_off_and_nothing_is_run(void **unused) {
    (void)unused;
    wait_for_plan(LINK_LEAVE, RING_WHOLE);
    set_flag(&is_down[2], true);
    set_flag(&is_down[3], true);
    wait_for_plan(LINK_WAIT, RING_CUT_OFF);
    for (unsigned i = 0; i < 500; i++)
        take_turn();
    assert_int_equal(read_count(&changes), 0);
}

/* Behind a new connection may be a server that lost all it had. */
static void nothing_is_written_to_a_server_that_was_not_looked_at_again(void **unused) {
    (void)unused;
    wait_for_plan(LINK_LEAVE, RING_WHOLE);
    for (unsigned i = 0; i < 300; i++) {
        const unsigned beats = turn_heartbeats(turn);
        const int64_t until_ms = clock_monotonic_ms() + 5000;
        while (turn_heartbeats(turn) == beats && clock_monotonic_ms() < until_ms)
            take_turn();
        assert_true(turn_heartbeats(turn) > beats);
        set_flag(&is_stopped[1], i % 7 == 0);
        set_flag(&is_down[1], true);
        if (i % 2)
            take_turn();
        set_flag(&is_down[1], false);
    }
    assert_int_equal(read_count(&blind), 0);
}

static void what_is_refused_is_not_tried_every_turn(void **unused) {
    (void)unused;
    wait_for_plan(LINK_LEAVE, RING_WHOLE);
    set_flag(&refuses[1], true);
    set_flag(&is_stopped[1], true);
    for (unsigned i = 0; i < 500; i++)
        take_turn();
    assert_int_equal(read_count(&starts), 1);
}

static void the_log_names_the_right_and_no_password(void **unused) {
    (void)unused;
    FILE *file = fopen(log_file, "r"); /* however much a slow machine's turns have put there */
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    fclose(file);
    assert_non_null(strstr(text, "GRANT REPLICATION SLAVE ADMIN"));
    assert_non_null(strstr(text, "MASTER_PASSWORD='***'"));
    assert_null(strstr(text, "pa55word"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ten_thousand_turns_leave_nothing_behind, start, stop),
        cmocka_unit_test_setup_teardown(a_stopped_link_is_started, start, stop),
        cmocka_unit_test_setup_teardown(a_link_that_points_elsewhere_is_made_anew, start, stop),
        cmocka_unit_test_setup_teardown(all_others_down_is_cut_off_and_nothing_is_run, start, stop),
        cmocka_unit_test_setup_teardown(nothing_is_written_to_a_server_that_was_not_looked_at_again, start,
                                        stop),
        cmocka_unit_test_setup_teardown(what_is_refused_is_not_tried_every_turn, start, stop),
        cmocka_unit_test(the_log_names_the_right_and_no_password),
    };
    close(mkstemp(log_file));
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(log_file);
    return failed;
}
