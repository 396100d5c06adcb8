/* What a link's errors mean, and the arithmetic of MariaDB's GTID lists. */
#include "../../daemon/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void errors_are_classified_by_what_they_ask_for(void **unused) {
    (void)unused;
    static const struct {
        unsigned code;
        const char *text;
        enum link_consequence wanted;
    } rows[] = {
        {0, "", LINK_NO_ERROR},
        {2003, "error connecting to master", LINK_TRANSIENT},
        {2013, "Lost connection", LINK_TRANSIENT},
        {2099, "an error of the client library", LINK_TRANSIENT},
        {1045, "Access denied for user 'repl'", LINK_CONFIGURATION},
        {1130, "Host 'x' is not allowed to connect", LINK_CONFIGURATION},
        {1597, "Master command COM_REGISTER_SLAVE failed", LINK_CONFIGURATION},
        {13120, "Source command COM_REGISTER_REPLICA failed", LINK_CONFIGURATION},
        {2059, "Authentication plugin 'caching_sha2_password' cannot be loaded", LINK_CONFIGURATION},
        {2061, "Authentication requires secure connection", LINK_CONFIGURATION},
        {2026, "CA certificate is required", LINK_CONFIGURATION},
        {1593, "equal MySQL server ids", LINK_FATAL},
        {13117, "equal server ids", LINK_FATAL},
        {1236,
         "Got fatal error 1236 from master: 'Could not find GTID state requested by slave in any binlog "
         "files. Probably the "
         "slave state is too old and required binlog files have been purged.'",
         LINK_PURGED},
        {13114, "Cannot replicate because the source purged required binary logs.", LINK_PURGED},
        {1236, "connecting slave requested to start from GTID 1-1-200, which is not in the master's binlog",
         LINK_CONFIGURATION},
        {1236, "The binlog on the master is missing the GTID 3-3-14 requested by the slave", LINK_HOLE},
        {1236, "Client requested master to start replication from impossible position", LINK_FATAL},
        {13114, "Client requested source to start replication from position > file size", LINK_FATAL},
        {1062, "Duplicate entry '1'", LINK_FATAL},
        {1032, "Can't find record in 't'", LINK_FATAL},
        {1146, "Table 'c.t' doesn't exist", LINK_CONFIGURATION},
        {1950, "would create an out-of-order sequence number", LINK_CONFIGURATION},
        {13121, "Relay log read failure", LINK_DAMAGED},
        {1594, "Relay log read failure", LINK_DAMAGED},
        {22, "Character set '#255' is not a compiled character set", LINK_FATAL},
        {1782, "cannot be set to ANONYMOUS", LINK_FATAL},
        {1205, "Lock wait timeout exceeded", LINK_TRANSIENT},
        {1213, "Deadlock found", LINK_TRANSIENT},
        {4711, "never heard of", LINK_FATAL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct link_error *got = link_classify(rows[i].code, rows[i].text);
        if (got->consequence != rows[i].wanted)
            fail_msg("%u %s: wanted %d, got %d", rows[i].code, rows[i].text, rows[i].wanted,
                     got->consequence);
        assert_non_null(got->meaning);
        assert_non_null(got->cure);
    }
}

static void the_appliers_trouble_comes_first(void **unused) {
    (void)unused;
    struct link_state state = {.io = LINK_THREAD_STOPPED,
                               .io_errno = 2003,
                               .sql = LINK_THREAD_STOPPED,
                               .sql_errno = 1062};
    assert_int_equal(link_trouble(&state)->code, 1062);
    state.sql = LINK_THREAD_RUNNING; /* an old number, kept by the server */
    assert_int_equal(link_trouble(&state)->code, 2003);
    state.io = LINK_THREAD_RUNNING;
    assert_int_equal(link_trouble(&state)->consequence, LINK_NO_ERROR);
}

static void a_link_is_whole_when_both_threads_run_and_no_disk_is_awaited(void **unused) {
    (void)unused;
    struct link_state state = {.link_known = true,
                               .link_exists = true,
                               .io = LINK_THREAD_RUNNING,
                               .sql = LINK_THREAD_RUNNING};
    assert_true(link_is_whole(&state));
    state.io = LINK_THREAD_CONNECTING;
    assert_false(link_is_whole(&state));
    state.io = LINK_THREAD_RUNNING;
    snprintf(state.io_state, sizeof state.io_state, "Waiting for disk space");
    assert_false(link_is_whole(&state));
}

static void tables_behind_their_own_binary_log_were_set_back(void **unused) {
    (void)unused;
    struct link_state state = {
        .kind = SERVER_MARIADB, .domain_id = 3, .link_known = true, .link_exists = true, .sql_errno = 1950};
    strcpy(state.logged, "1-1-20,2-2-7,3-3-9");
    strcpy(state.applied, "1-1-18,2-2-7,3-3-2");
    assert_true(link_is_set_back(&state));
    assert_int_equal(link_trouble(&state)->consequence, LINK_PURGED);
    strcpy(state.applied,
           "1-1-20,2-2-7,3-3-2"); /* the own domain is always behind by what hasn't come round */
    assert_false(link_is_set_back(&state));
    assert_int_equal(link_trouble(&state)->consequence, LINK_CONFIGURATION);
    strcpy(state.applied, "1-1-20");
    assert_true(link_is_set_back(&state));
    state.kind = SERVER_MYSQL;
    assert_false(link_is_set_back(&state));
}

static void only_transient_failures_are_retried_for_ever(void **unused) {
    (void)unused;
    assert_int_equal(link_retry_delay_ms(LINK_TRANSIENT, 0), 0);
    assert_true(link_retry_delay_ms(LINK_TRANSIENT, 1000) > 0);
    assert_int_equal(link_retry_delay_ms(LINK_CONFIGURATION, 1000), -1);
    assert_int_equal(link_retry_delay_ms(LINK_PURGED, 1000), -1);
    assert_int_equal(link_retry_delay_ms(LINK_FATAL, 1), -1);
    assert_int_equal(link_retry_delay_ms(LINK_DAMAGED, 1), -1);
}

static void gtid_lists_are_read_by_domain(void **unused) {
    (void)unused;
    char gtid[64];
    assert_true(link_gtid_of_domain("1-1-5,2-2-7, 31-3-900", 2, gtid, sizeof gtid));
    assert_string_equal(gtid, "2-2-7");
    assert_true(link_gtid_of_domain("1-1-5,2-2-7,\n31-3-900", 31, gtid, sizeof gtid));
    assert_string_equal(gtid, "31-3-900");
    assert_false(link_gtid_of_domain("1-1-5", 3, gtid, sizeof gtid));
    assert_false(link_gtid_of_domain("", 1, gtid, sizeof gtid));
    static const char *const broken[] = {
        "1--1-5", "1-1--5", "1- 1-5", "+1-1-5", "4294967297-1-5", "1-4294967296-5", "1-1-18446744073709551616"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        if (link_gtid_of_domain(broken[i], 1, gtid, sizeof gtid))
            fail_msg("%s: got %s", broken[i], gtid);
}

static void the_last_number_of_a_server_is_of_its_own_uuid_and_intervals(void **unused) {
    (void)unused;
    static const struct {
        const char *set, *uuid;
        unsigned long long last;
    } rows[] = {
        {"a0-1:1-5:7,\nb0-1:1-9", "a0-1", 7},
        {"a0-1:1-5:7,\nb0-1:1-9", "b0-1", 9},
        {"a0-1:3", "a0-1", 3},
        {"a0-1:1-5:7", "c0-1", 0},
        {"a0-1:1-5:7", "0-1", 0},
        {"a0-1:1-5:7", "a0", 0},
        {"a0-1:1-5:7", "", 0},
        {"a0-1:1-5:v20260101:1-3", "a0-1", 5}, /* a tag of MySQL 8.3 and later */
        {"a0-1:v20260101:1-3,b0-1:4", "a0-1", 0},
        {"a0-1:1-5:99999999999999999999", "a0-1", 5},
        {"a0-1", "a0-1", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct link_state holder = {.kind = SERVER_MYSQL};
        struct link_origin origin = {.kind = SERVER_MYSQL};
        snprintf(holder.logged, sizeof holder.logged, "%s", rows[i].set);
        snprintf(origin.uuid, sizeof origin.uuid, "%s", rows[i].uuid);
        const unsigned long long got = link_last_number(&holder, &origin);
        if (got != rows[i].last)
            fail_msg("%s of %s: want %llu, got %llu", rows[i].uuid, rows[i].set, rows[i].last, got);
    }
}

static void gtid_lists_are_joined_by_the_larger_number(void **unused) {
    (void)unused;
    char merged[128];
    assert_true(link_gtid_union("1-1-5,2-2-7", "2-3-9,3-3-1", merged, sizeof merged));
    assert_string_equal(merged, "1-1-5,2-3-9,3-3-1");
    assert_true(link_gtid_union("", "2-3-9", merged, sizeof merged));
    assert_string_equal(merged, "2-3-9");
    assert_true(link_gtid_union("1-1-18446744073709551615", "1-1-9", merged, sizeof merged));
    assert_string_equal(merged, "1-1-18446744073709551615");
    assert_false(link_gtid_union("1-1-5,2-2-7", "3-3-1", merged, 10));
}

static void a_hole_is_known_by_its_domain(void **unused) {
    (void)unused;
    unsigned domain = 0;
    assert_true(link_domain_of_hole("Got fatal error 1236 from master when reading data from binary log: 'The binlog on the master is "
                                    "missing the GTID 31-3-14 requested by the slave (even though a subsequent sequence number does "
                                    "exist), and GTID strict mode is enabled'",
                                    &domain));
    assert_int_equal(domain, 31);
    assert_false(link_domain_of_hole("missing the GTID ", &domain));
    assert_false(link_domain_of_hole("missing the GTID x-1-2", &domain));
    assert_false(link_domain_of_hole("", &domain));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hole_is_known_by_its_domain),
        cmocka_unit_test(errors_are_classified_by_what_they_ask_for),
        cmocka_unit_test(the_appliers_trouble_comes_first),
        cmocka_unit_test(a_link_is_whole_when_both_threads_run_and_no_disk_is_awaited),
        cmocka_unit_test(tables_behind_their_own_binary_log_were_set_back),
        cmocka_unit_test(only_transient_failures_are_retried_for_ever),
        cmocka_unit_test(gtid_lists_are_read_by_domain),
        cmocka_unit_test(the_last_number_of_a_server_is_of_its_own_uuid_and_intervals),
        cmocka_unit_test(gtid_lists_are_joined_by_the_larger_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
