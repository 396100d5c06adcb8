/* The statements of each step in the words of each server, and what of them may be seen. */
#include "../../daemon/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char user[] = "li'nk", password[] = "pa55\\'word", host[] = "db.lyon", ca[] = "/ca.pem";
static struct config_ring ring;
static struct config_server source;
static struct script script;

static const struct script_order *order(bool tls, const char *position) {
    static struct script_order made;
    ring = (struct config_ring){
        .replication = {.user = user, .password = password, .tls = tls, .tls_ca = tls ? ca : NULL},
        .connect_retry_s = 5,
        .net_timeout_s = 10};
    source = (struct config_server){.host = host, .port = 3307};
    made = (struct script_order){.source = &source, .ring = &ring, .position = position};
    return &made;
}

static void mariadb_is_pointed_in_its_words(void **unused) {
    (void)unused;
    assert_true(script_for_step(LINK_POINT, dialect_for_kind(SERVER_MARIADB), order(false, NULL), &script));
    assert_int_equal(script.count, 3);
    assert_string_equal(script.sql[0], "STOP SLAVE");
    assert_string_equal(
        script.sql[1],
        "CHANGE MASTER TO MASTER_HOST='db.lyon', MASTER_PORT=3307, MASTER_USER='li''nk', "
        "MASTER_PASSWORD='pa55\\\\''word', "
        "MASTER_CONNECT_RETRY=5, MASTER_HEARTBEAT_PERIOD=2, MASTER_SSL=0, MASTER_USE_GTID=slave_pos");
    assert_string_equal(script.sql[2], "START SLAVE");
    assert_int_equal(script.position_at, SCRIPT_MAX);
}

static void mysql_is_pointed_in_its_words(void **unused) {
    (void)unused;
    assert_true(script_for_step(LINK_POINT, dialect_for_kind(SERVER_MYSQL), order(true, NULL), &script));
    assert_string_equal(script.sql[0], "STOP REPLICA");
    assert_string_equal(
        script.shown[1],
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST='db.lyon', SOURCE_PORT=3307, SOURCE_USER='li''nk', "
        "SOURCE_PASSWORD='***', "
        "SOURCE_CONNECT_RETRY=5, SOURCE_HEARTBEAT_PERIOD=2, SOURCE_SSL=1, SOURCE_SSL_VERIFY_SERVER_CERT=1, "
        "SOURCE_SSL_CA='/ca.pem', SOURCE_AUTO_POSITION=1, SOURCE_RETRY_COUNT=4294967295");
    assert_string_equal(script.sql[2], "START REPLICA");
}

static void no_shown_statement_has_the_password(void **unused) {
    (void)unused;
    for (enum link_step step = LINK_LEAVE; step <= LINK_HELP; step++) {
        assert_true(script_for_step(step, dialect_for_kind(SERVER_MARIADB), order(false, "1-1-1"), &script));
        for (size_t i = 0; i < script.count; i++)
            assert_null(strstr(script.shown[i], "pa55"));
    }
    assert_true(script_for_account(&ring.replication, &script));
    for (size_t i = 0; i < script.count; i++)
        assert_null(strstr(script.shown[i], "pa55"));
    assert_string_equal(script.sql[0], "SET SESSION sql_log_bin = 0");
    assert_string_equal(script.sql[1],
                        "CREATE USER IF NOT EXISTS 'li''nk'@'%' IDENTIFIED BY 'pa55\\\\''word'");
}

static void a_position_is_set_between_stop_and_start(void **unused) {
    (void)unused;
    assert_true(script_for_step(LINK_SKIP, dialect_for_kind(SERVER_MARIADB), order(false, "1-1-5"), &script));
    assert_int_equal(script.count, 3);
    assert_string_equal(script.sql[1], "SET GLOBAL gtid_slave_pos='1-1-5'");
    assert_true(script_set_position(&script, dialect_for_kind(SERVER_MARIADB), "1-1-5,2-2-9"));
    assert_int_equal(script.count, 3);
    assert_string_equal(script.sql[1], "SET GLOBAL gtid_slave_pos='1-1-5,2-2-9'");
    assert_string_equal(script.sql[2], "START SLAVE");
    assert_true(script_for_step(LINK_SKIP, dialect_for_kind(SERVER_MYSQL), order(false, "u:1-5"), &script));
    assert_string_equal(script.sql[1],
                        "SET GLOBAL gtid_purged=CONCAT('+', GTID_SUBTRACT('u:1-5', @@GLOBAL.gtid_executed))");
}

static void steps_that_wait_have_no_statements(void **unused) {
    (void)unused;
    static const enum link_step steps[] = {LINK_LEAVE, LINK_WAIT, LINK_HELP};
    for (size_t i = 0; i < 3; i++) {
        assert_true(script_for_step(steps[i], dialect_for_kind(SERVER_MARIADB), order(false, NULL), &script));
        assert_int_equal(script.count, 0);
    }
}

static void servers_are_known_by_their_versions(void **unused) {
    (void)unused;
    static const struct {
        const char *version;
        enum server_kind kind;
    } rows[] = {
        {"10.11.19-MariaDB-0+deb12u1-log", SERVER_MARIADB},
        {"5.5.5-10.6.12-MariaDB", SERVER_MARIADB},
        {"11.4.2-MariaDB", SERVER_MARIADB},
        {"10.4.30-MariaDB", SERVER_KIND_UNKNOWN},
        {"9.7.4", SERVER_MYSQL},
        {"8.4.0", SERVER_MYSQL},
        {"8.0.36-0ubuntu0.22.04.1", SERVER_MYSQL},
        {"8.0.25", SERVER_KIND_UNKNOWN},
        {"5.7.44-log", SERVER_KIND_UNKNOWN},
        {"nonsense", SERVER_KIND_UNKNOWN},
        {"", SERVER_KIND_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct dialect *dialect = dialect_for_version(rows[i].version);
        if ((dialect ? dialect->kind : SERVER_KIND_UNKNOWN) != rows[i].kind)
            fail_msg("%s", rows[i].version);
    }
}

static void mysql_sets_are_walked_one_by_one(void **unused) {
    (void)unused;
    char seen[200] = "", gtid[80];
    size_t next = 0;
    unsigned long long number;
    while (script_next_gtid("aa-1:1-3:7,\nbb-2:5", &next, &number, gtid, sizeof gtid)) {
        strcat(seen, gtid);
        strcat(seen, " ");
    }
    assert_string_equal(seen, "aa-1:1 aa-1:2 aa-1:3 aa-1:7 bb-2:5 ");
    next = 0;
    assert_false(script_next_gtid("", &next, &number, gtid, sizeof gtid));
    assert_false(script_next_gtid("broken", &next, &number, gtid, sizeof gtid));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mariadb_is_pointed_in_its_words),
        cmocka_unit_test(mysql_is_pointed_in_its_words),
        cmocka_unit_test(no_shown_statement_has_the_password),
        cmocka_unit_test(a_position_is_set_between_stop_and_start),
        cmocka_unit_test(steps_that_wait_have_no_statements),
        cmocka_unit_test(servers_are_known_by_their_versions),
        cmocka_unit_test(mysql_sets_are_walked_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
