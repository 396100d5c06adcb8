/* The rules of shim/session.c, by tables: what statements, errors and reports make of a session. */
#include "../../shim/session.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

enum { STEPS_MAX = 8 };

/* Letters of a session's state: A autocommit, B begun, T in_transaction for routing, X XA, L locked tables,
 * S special transaction, D doubt, K known, U unmirrored, m main touched, r begun read only, c begun with a
 * consistent snapshot, M too many temporary tables, W groups that main has written. */
static const char *state_of(const struct session *session, char letters[16]) {
    const struct {
        bool on;
        char letter;
    } flags[] = {
        {session->autocommit, 'A'},
        {session->begun, 'B'},
        {session->route.in_transaction, 'T'},
        {session->route.xa, 'X'},
        {session->route.locked_tables, 'L'},
        {session->special_transaction, 'S'},
        {session->doubt, 'D'},
        {session->route.known, 'K'},
        {session->route.unmirrored, 'U'},
        {session->main_touched, 'm'},
        {session->begun_read_only, 'r'},
        {session->begun_snapshot, 'c'},
        {session->route.temporaries.many, 'M'},
        {session->route.written != 0, 'W'},
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (flags[i].on) {
            letters[used++] = flags[i].letter;
        }
    }
    letters[used] = '\0';
    return letters;
}

static struct slice slice_of(const char *text) {
    return (struct slice){text, strlen(text)};
}

static enum session_echo note(struct session *session, const char *text) {
    struct sql_summary summary;
    sql_summarize(slice_of(text), session->route.modes, NULL, &summary);
    return session_note_statement(session, &summary);
}

static char echo_letter(enum session_echo echo) {
    return "-CR="[echo];
}

struct row {
    const char *statements[STEPS_MAX]; /* "!1213" is an error of main's; "status" and two digits a report of
                                          its bits: in a transaction, autocommit; "wrote"
                                          what main wrote to a group, and that "unasked"; "asked" main's
                                          answer, and "autocommit off" a part of it */
    const char *echoes;                /* one letter each: - none, C commit, R rollback, = repeat */
    const char *state;
    const char *database; /* NULL: shop, as at the connect */
};

/* As after the connect: autocommit, known. */
static void start(struct session *session) {
    memset(session, 0, sizeof *session);
    session_reset(session, "shop");
    session->route.known = true;
}

static char run_step(struct session *session, const char *step) {
    if (*step == '!') {
        return echo_letter(session_note_error(session, (unsigned)strtoul(step + 1, NULL, 10)));
    }
    if (strncmp(step, "status ", 7) == 0) {
        return echo_letter(session_note_status(session, step[7] == '1', step[8] == '1'));
    }
    if (strcmp(step, "wrote") == 0) {
        static const struct config config;
        session_note_written(session, 1, &config);
        return '-';
    }
    if (strcmp(step, "wrote unasked") == 0) {
        session->wrote_unasked = true;
        return '-';
    }
    if (strcmp(step, "autocommit off") == 0) {
        return echo_letter(session_note_autocommit(session, false));
    }
    if (strcmp(step, "asked") == 0) {
        session_note_known(session);
        return '-';
    }
    return echo_letter(note(session, step));
}

static void check_rows(const struct row *rows, size_t count) {
    int wrong = 0;
    for (size_t i = 0; i < count; i++) {
        struct session session;
        char echoes[STEPS_MAX + 1] = "", letters[16];
        start(&session);
        for (size_t k = 0; k < STEPS_MAX && rows[i].statements[k]; k++) {
            echoes[k] = run_step(&session, rows[i].statements[k]);
            echoes[k + 1] = '\0';
        }
        state_of(&session, letters);
        const char *database = session.database ? session.database : "";
        const char *want_database = rows[i].database ? rows[i].database : "shop";
        if (strcmp(echoes, rows[i].echoes) != 0 || strcmp(letters, rows[i].state) != 0 ||
            strcmp(database, want_database) != 0) {
            print_message(
                "row %zu (%s ...): echoes got %s want %s, state got %s want %s, database got %s want %s\n", i,
                rows[i].statements[0], echoes, rows[i].echoes, letters, rows[i].state, database,
                want_database);
            wrong++;
        }
        session_free(&session);
    }
    assert_int_equal(wrong, 0);
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

static void statements_open_and_end_transactions(void **unused) {
    (void)unused;
    static const struct row rows[] = {
        {{"SELECT 1"}, "-", "AKm", NULL},
        {{"BEGIN"}, "C", "ABTKm", NULL},
        {{"begin work;"}, "C", "ABTKm", NULL},
        {{"START TRANSACTION"}, "C", "ABTKm", NULL},
        {{"START TRANSACTION READ ONLY"}, "C", "ABTKmr", NULL},
        {{"START TRANSACTION WITH CONSISTENT SNAPSHOT"}, "C", "ABTKmc", NULL},
        {{"START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"}, "C", "ABTKmrc", NULL},
        {{"/* app */ begin -- work"}, "C", "ABTKm", NULL},
        {{"BEGIN", "COMMIT"}, "CC", "AK", NULL},
        {{"BEGIN", "ROLLBACK"}, "CR", "AK", NULL},
        {{"BEGIN", "COMMIT WORK"}, "CC", "AK", NULL},
        {{"BEGIN", "BEGIN"}, "CC", "ABTKm", NULL},
        {{"BEGIN", "COMMIT AND CHAIN"}, "CC", "ABTKm", NULL},
        {{"START TRANSACTION READ ONLY", "ROLLBACK AND CHAIN"}, "CR", "ABTKmr", NULL},
        {{"BEGIN", "COMMIT AND NO CHAIN"}, "CC", "AK", NULL},
        {{"BEGIN", "CREATE TABLE t (a INT)"}, "CC", "AK", NULL},
        {{"BEGIN", "ALTER TABLE t ADD b INT"}, "CC", "AK", NULL},
        {{"BEGIN", "TRUNCATE t"}, "CC", "AK", NULL},
        {{"BEGIN", "DROP TABLE t"}, "CC", "AK", NULL},
        {{"BEGIN", "GRANT SELECT ON a.* TO b"}, "CC", "AK", NULL},
        {{"BEGIN", "CREATE TEMPORARY TABLE t (a INT)"}, "C-", "ABTKm", NULL},
        {{"BEGIN", "DROP TEMPORARY TABLE t"}, "C-", "ABTKm", NULL},
        {{"BEGIN", "INSERT INTO t VALUES (1)"}, "C-", "ABTKm", NULL},
        {{"BEGIN", "SHOW TABLES"}, "C-", "ABTKm", NULL},
        {{"COMMIT"}, "C", "AK", NULL},
        {{"ROLLBACK"}, "R", "AK", NULL},
    };
    CHECK_ROWS(rows);
}

static void autocommit_opens_and_ends_transactions(void **unused) {
    (void)unused;
    static const struct row rows[] = {
        {{"SET autocommit = 0"}, "-", "TK", NULL},
        {{"set @@session.autocommit=OFF"}, "-", "TK", NULL},
        {{"SET SESSION autocommit = FALSE"}, "-", "TK", NULL},
        {{"SET autocommit = 0", "INSERT INTO t VALUES (1)"}, "--", "TKm", NULL},
        {{"SET autocommit = 0", "INSERT INTO t VALUES (1)", "COMMIT"}, "--C", "TK", NULL},
        {{"SET autocommit = 0", "SET autocommit = 1"}, "-C", "AK", NULL},
        {{"SET autocommit = 0", "SET autocommit = ON"}, "-C", "AK", NULL},
        {{"SET autocommit = 1"}, "-", "AK", NULL},
        {{"BEGIN", "SET autocommit = 0", "COMMIT"}, "C-C", "TK", NULL},
        {{"SET autocommit = 0, time_zone = '+01:00'"}, "-", "TK", NULL},
        {{"SET autocommit = 0", "BEGIN", "COMMIT"}, "-CC", "TK", NULL},
        {{"SET autocommit = @x"}, "-", "AD", NULL},
        {{"SET GLOBAL autocommit = 0"}, "-", "AK", NULL},
    };
    CHECK_ROWS(rows);
}

static void savepoints_are_repeated_inside_a_transaction(void **unused) {
    (void)unused;
    static const struct row rows[] = {
        {{"SAVEPOINT a"}, "-", "AK", NULL},
        {{"BEGIN", "SAVEPOINT a"}, "C=", "ABTKm", NULL},
        {{"BEGIN", "SAVEPOINT a", "ROLLBACK TO a"}, "C==", "ABTKm", NULL},
        {{"BEGIN", "SAVEPOINT a", "ROLLBACK WORK TO SAVEPOINT a"}, "C==", "ABTKm", NULL},
        {{"BEGIN", "SAVEPOINT a", "RELEASE SAVEPOINT a"}, "C==", "ABTKm", NULL},
        {{"BEGIN", "SAVEPOINT a", "COMMIT"}, "C=C", "AK", NULL},
        {{"SET autocommit = 0", "SAVEPOINT a"}, "-=", "TKm", NULL},
        {{"SET autocommit = 0", "SAVEPOINT a", "COMMIT"}, "-=C", "TK", NULL},
    };
    CHECK_ROWS(rows);
}

static void savepoints_keep_their_order(void **unused) {
    (void)unused;
    struct session session;
    start(&session);
    static const char *const texts[] = {"BEGIN", "SAVEPOINT a", "SAVEPOINT b", "SAVEPOINT c", "SAVEPOINT A"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        note(&session, texts[i]);
    }
    assert_int_equal(session.savepoint_count,
                     3); /* the second a has taken the first one's place, and comes last */
    assert_string_equal(session.savepoints[0], "b");
    assert_string_equal(session.savepoints[1], "c");
    note(&session, "ROLLBACK TO b"); /* b itself stays */
    assert_int_equal(session.savepoint_count, 1);
    note(&session, "RELEASE SAVEPOINT b");
    assert_int_equal(session.savepoint_count, 0);
    note(&session, "SAVEPOINT d");
    note(&session, "ROLLBACK");
    assert_int_equal(session.savepoint_count, 0);
    session_free(&session);
}

static void too_many_savepoints_end_the_following(void **unused) {
    (void)unused;
    struct session session;
    start(&session);
    note(&session, "BEGIN");
    enum session_echo echo = SESSION_ECHO_NONE;
    for (int i = 0; i < 100 && echo != SESSION_ECHO_ROLLBACK; i++) {
        char text[32];
        snprintf(text, sizeof text, "SAVEPOINT s%d", i);
        echo = note(&session, text);
    }
    assert_int_equal(echo, SESSION_ECHO_ROLLBACK);
    assert_true(session.special_transaction);
    note(&session, "COMMIT");
    assert_false(session.special_transaction);
    session_free(&session);
}

static void completion_type_says_how_a_transaction_ends(void **unused) {
    (void)unused;
    static const struct row rows[] = {
        {{"SET completion_type = 1", "BEGIN", "COMMIT"}, "-CC", "ABTKm", NULL},
        {{"SET completion_type = 'chain'", "COMMIT", "ROLLBACK"}, "-CR", "ABTKm", NULL},
        {{"SET @@session.completion_type = CHAIN", "BEGIN", "COMMIT AND NO CHAIN"}, "-CC", "AK", NULL},
        {{"SET completion_type = 2", "BEGIN", "COMMIT"}, "-CC", "AK", NULL},
        {{"SET completion_type = 1, completion_type = 0", "BEGIN", "COMMIT"}, "-CC", "AK", NULL},
        {{"SET GLOBAL completion_type = 1", "BEGIN", "COMMIT"}, "-CC", "AK", NULL},
        {{"SET completion_type = DEFAULT", "BEGIN", "COMMIT"}, "-CC", "AD", NULL},
        {{"SET completion_type = @x", "BEGIN", "COMMIT AND CHAIN"}, "-CC", "ABTm", NULL},
        {{"SET TRANSACTION READ ONLY", "BEGIN", "COMMIT AND CHAIN"}, "-CC", "ABTSKm", NULL},
        {{"START TRANSACTION READ ONLY", "SET autocommit = 0", "SET autocommit = 1"}, "C-C", "ASK", NULL},
        {{"START TRANSACTION READ ONLY", "SET autocommit = 0", "SET autocommit = 1", "REPLACE t VALUES (1)"},
         "C-C-", "AKm", NULL},
    };
    CHECK_ROWS(rows);
}

static void locks_and_xa_are_noted(void **unused) {
    (void)unused;
    static const struct row rows[] = {
        {{"LOCK TABLES t WRITE"}, "C", "ALK", NULL},
        {{"FLUSH TABLES WITH READ LOCK"}, "C", "ALK", NULL},
        {{"LOCK TABLES t WRITE", "UNLOCK TABLES"}, "CC", "AK", NULL},
        {{"UNLOCK TABLES"}, "-", "AK", NULL},
        {{"BEGIN", "UNLOCK TABLES"}, "C-", "ABTKm", NULL},
        {{"LOCK TABLES t WRITE", "START TRANSACTION"}, "CC", "ABTKm", NULL},
        {{"XA START 'x'"}, "-", "AXK", NULL},
        {{"XA BEGIN 'x'"}, "-", "AXK", NULL},
        {{"XA START 'x'", "XA END 'x'", "XA PREPARE 'x'"}, "---", "AXK", NULL},
        {{"XA START 'x'", "XA END 'x'", "XA COMMIT 'x' ONE PHASE"}, "---", "AK", NULL},
        {{"XA START 'x'", "XA END 'x'", "XA ROLLBACK 'x'"}, "---", "AK", NULL},
    };
    CHECK_ROWS(rows);
}

static void settings_of_one_transaction_hold_until_its_end(void **unused) {
    (void)unused;
    static const struct row rows[] = {
        {{"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"}, "-", "ASK", NULL},
        {{"SET TRANSACTION READ ONLY", "BEGIN"}, "-C", "ABTSKm", NULL},
        {{"SET TRANSACTION READ ONLY", "BEGIN", "COMMIT"}, "-CC", "AK", NULL},
        {{"SET TRANSACTION READ ONLY", "SELECT 1"}, "--", "AKm", NULL},
        {{"SET autocommit = 0", "SET TRANSACTION READ ONLY", "SELECT 1"}, "---", "TSKm", NULL},
        {{"SET @@tx_isolation = 'SERIALIZABLE'"}, "-", "ASK", NULL},
        {{"SET @@transaction_isolation = 'SERIALIZABLE'"}, "-", "ASK", NULL},
        {{"SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"}, "-", "AK", NULL},
        {{"SET SESSION tx_isolation = 'SERIALIZABLE'"}, "-", "AK", NULL},
        {{"SET GLOBAL TRANSACTION ISOLATION LEVEL SERIALIZABLE"}, "-", "AK", NULL},
    };
    CHECK_ROWS(rows);
}

static void code_that_is_not_seen_leaves_a_doubt(void **unused) {
    (void)unused;
    static const struct row rows[] = {
        {{"CALL p()"}, "-", "ADm", NULL},
        {{"EXECUTE s"}, "-", "ADm", NULL},
        {{"EXECUTE IMMEDIATE 'COMMIT'"}, "-", "ADm", NULL},
        {{"BEGIN NOT ATOMIC COMMIT; END"}, "-", "ADm", NULL},
        {{"FROBNICATE ALL"}, "-", "ADm", NULL},
        {{"CALL p()", "status 01"}, "--", "Am", NULL},
        {{"CALL p()", "status 11"}, "--", "ABTm", NULL},
        {{"CALL p()", "status 00"}, "--", "Tm", NULL},
        {{"BEGIN", "CALL p()", "status 01"}, "C-R", "A", NULL},
        {{"BEGIN", "CALL p()", "status 11"}, "C--", "ABTm", NULL},
        {{"CALL p()", "BEGIN"}, "-C", "ABTm", NULL},
        {{"CALL p()", "COMMIT"}, "-C", "A", NULL},
        {{"SELECT 1; SELECT 2"}, "-", "ADm", NULL},
        {{"BEGIN; INSERT INTO t VALUES (1); COMMIT"}, "R", "AD", NULL},
        {{"BEGIN", "INSERT INTO t VALUES (1); COMMIT"}, "CR", "AD", NULL},
        {{"SELECT 1;"}, "-", "AKm", NULL},
        {{"SELECT 1; -- done"}, "-", "AKm", NULL},
    };
    CHECK_ROWS(rows);
}

static void errors_that_undo_a_transaction_are_known(void **unused) {
    (void)unused;
    static const struct row rows[] = {
        {{"BEGIN", "!1213"}, "CR", "AK", NULL},
        {{"BEGIN", "!1205"}, "C-", "ABTKm", NULL},
        {{"BEGIN", "!1062"}, "C-", "ABTKm", NULL},
        {{"BEGIN", "!1064"}, "C-", "ABTKm", NULL},
        {{"BEGIN", "!1180"}, "CR", "AK", NULL},
        {{"BEGIN", "!1206"}, "CR", "AK", NULL},
        {{"SET autocommit = 0", "!1213"}, "-R", "TK", NULL},
    };
    CHECK_ROWS(rows);
    struct session session;
    start(&session);
    session.rollback_on_timeout = true;
    note(&session, "BEGIN");
    assert_int_equal(session_note_error(&session, 1205), SESSION_ECHO_ROLLBACK);
    session_free(&session);
}

static void what_main_has_written_is_kept_until_its_transaction_ends(void **unused) {
    (void)unused;
    static const struct row rows[] = {
        {{"wrote"}, "-", "AK", NULL},
        {{"wrote", "BEGIN"}, "-C", "ABTKm", NULL},
        {{"BEGIN", "wrote"}, "C-", "ABTKmW", NULL},
        {{"BEGIN", "wrote", "SAVEPOINT a", "ROLLBACK TO a"}, "C-==", "ABTKmW", NULL},
        {{"BEGIN", "wrote", "COMMIT"}, "C-C", "AK", NULL},
        {{"BEGIN", "wrote", "ROLLBACK"}, "C-R", "AK", NULL},
        {{"BEGIN", "wrote", "COMMIT AND CHAIN"}, "C-C", "ABTKm", NULL},
        {{"BEGIN", "wrote", "BEGIN"}, "C-C", "ABTKm", NULL},
        {{"BEGIN", "wrote", "TRUNCATE t"}, "C-C", "AK", NULL},
        {{"BEGIN", "wrote", "!1213"}, "C-R", "AK", NULL},
        {{"BEGIN", "wrote", "!1062"}, "C--", "ABTKmW", NULL},
        {{"SET autocommit = 0", "wrote"}, "--", "TKW", NULL},
        {{"SET autocommit = 0", "wrote", "COMMIT"}, "--C", "TK", NULL},
        {{"SET autocommit = 0", "wrote", "SET autocommit = 1"}, "--C", "AK", NULL},
        /* main may have been in a transaction: it says so, or not */
        {{"CALL p()", "wrote"}, "--", "ADmW", NULL},
        {{"CALL p()", "wrote", "status 01", "asked"}, "----", "AKm", NULL},
        {{"CALL p()", "wrote", "status 11", "asked"}, "----", "ABTKmW", NULL},
        {{"CALL p()", "wrote", "BEGIN"}, "--C", "ABTm", NULL},
        {{"CALL p()", "wrote", "SET autocommit = 0"}, "---", "TDmW", NULL},
        {{"wrote unasked", "asked"}, "--", "AK", NULL},
        {{"wrote unasked", "autocommit off", "asked"}, "---", "TKW", NULL},
        {{"wrote unasked", "SET autocommit = 0", "autocommit off", "asked"}, "----", "TK", NULL},
        {{"wrote unasked", "CALL p()", "status 11", "asked"}, "----", "ABTKm", NULL},
        {{"wrote unasked", "COMMIT", "autocommit off", "asked"}, "-C--", "TK", NULL},
    };
    CHECK_ROWS(rows);
}

static void groups_are_told_apart_while_the_configuration_stays(void **unused) {
    (void)unused;
    static const struct config one, other;
    struct session session;
    start(&session);
    note(&session, "BEGIN");
    session_note_written(&session, 1, &one);
    session_note_written(&session, 4, &one);
    session_note_written(&session, 0, &other);
    assert_int_equal(session.route.written, 5);
    assert_ptr_equal(session.route.written_by, &one);
    session_note_written(&session, 2, &other);
    assert_true(session.route.written == ROUTE_ALL_GROUPS);
    session_free(&session);
}

static void databases_are_followed(void **unused) {
    (void)unused;
    static const struct row rows[] = {
        {{"USE other"}, "-", "AK", "other"},
        {{"USE `other`;"}, "-", "AK", "other"},
        {{"USE other", "USE shop"}, "--", "AK", NULL},
        {{"use shop"}, "-", "AK", NULL},
        {{"SELECT 1; USE other"}, "-", "ADm", "other"},
    };
    CHECK_ROWS(rows);
    struct session session;
    start(&session);
    unsigned version = session.version;
    session_note_database(&session, slice_of("shop"));
    assert_int_equal(session.version, version); /* nothing to do at the shadow */
    session_note_database(&session, slice_of("other"));
    assert_true(session.database_version > version);
    assert_int_equal(session.route.database.length, 5);
    session_reset(&session, NULL);
    assert_false(session.route.database_known);
    assert_false(session.route.known);
    session_free(&session);
}

static void check_settings(const struct session *session, const char *want) {
    char got[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < session->setting_count; i++) {
        const struct session_setting *setting = &session->settings[i];
        used += (size_t)snprintf(got + used, sizeof got - used, "%s%s: %s%s", i ? " | " : "", setting->name,
                                 setting->text ? setting->text : "?", setting->alone ? " (alone)" : "");
        assert_true(setting->version > 1 && setting->version <= session->version);
    }
    assert_string_equal(got, want);
}

static void settings_are_kept_by_name_in_the_order_of_their_making(void **unused) {
    (void)unused;
    static const struct {
        const char *statements[STEPS_MAX];
        const char *settings;
        bool known;
    } rows[] = {
        {{"SET time_zone = '+01:00'"}, "time_zone: time_zone = '+01:00'", true},
        {{"SET SESSION Time_Zone = '+01:00'"}, "time_zone: SESSION Time_Zone = '+01:00'", true},
        {{"SET time_zone = '+01:00'", "SET sql_mode = ''", "SET time_zone = '+02:00'"},
         "sql_mode: sql_mode = '' | time_zone: time_zone = '+02:00'",
         true},
        {{"SET foreign_key_checks = 0, unique_checks = 0"},
         "foreign_key_checks: foreign_key_checks = 0 | unique_checks: unique_checks = 0",
         true},
        {{"SET NAMES latin1"}, "names: NAMES latin1", true},
        {{"SET NAMES 'utf8mb4' COLLATE 'utf8mb4_bin'"}, "names: NAMES 'utf8mb4' COLLATE 'utf8mb4_bin'", true},
        {{"SET time_zone = @tz"}, "time_zone: ?", false},
        {{"SET sql_mode = CONCAT(@@sql_mode, ',ANSI')"}, "sql_mode: ?", false},
        {{"SET @a = 1"}, "", true},
        {{"SET GLOBAL time_zone = '+01:00'"}, "", true},
        {{"SET @@global.time_zone = '+01:00'"}, "", true},
        {{"SET PASSWORD = 'x'"}, "", true},
        {{"SET insert_id = 7"}, "", true},
        {{"SET autocommit = 0"}, "", true},
        {{"SET ROLE admin"}, "role: ROLE admin (alone)", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct session session;
        start(&session);
        for (size_t k = 0; k < STEPS_MAX && rows[i].statements[k]; k++) {
            note(&session, rows[i].statements[k]);
        }
        check_settings(&session, rows[i].settings);
        if (session.route.known != rows[i].known) {
            fail_msg("%s: known is %d", rows[i].statements[0], session.route.known);
        }
        session_free(&session);
    }
}

static void modes_follow_what_is_set(void **unused) {
    (void)unused;
    static const struct {
        const char *text;
        bool ansi_quotes, no_backslash_escapes, multibyte_unsafe;
    } rows[] = {
        {"SET sql_mode = 'ANSI_QUOTES'", true, false, false},
        {"SET sql_mode = 'ANSI'", true, false, false},
        {"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES'", false, true, false},
        {"SET sql_mode = ''", false, false, false},
        {"SET NAMES gbk", false, false, true},
        {"SET NAMES 'sjis'", false, false, true},
        {"SET NAMES utf8mb4", false, false, false},
        {"SET character_set_client = big5", false, false, true},
        {"SET CHARACTER SET latin1", false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct session session;
        start(&session);
        note(&session, rows[i].text);
        const struct lex_modes *modes = &session.route.modes;
        if (modes->ansi_quotes != rows[i].ansi_quotes ||
            modes->no_backslash_escapes != rows[i].no_backslash_escapes ||
            modes->multibyte_unsafe != rows[i].multibyte_unsafe) {
            fail_msg("%s: got %d %d %d", rows[i].text, modes->ansi_quotes, modes->no_backslash_escapes,
                     modes->multibyte_unsafe);
        }
        session_free(&session);
    }
}

static void temporary_tables_are_remembered(void **unused) {
    (void)unused;
    struct session session;
    start(&session);
    note(&session, "CREATE TEMPORARY TABLE cache (a INT)");
    note(&session, "CREATE TEMPORARY TABLE IF NOT EXISTS other.cache2 (a INT)");
    assert_int_equal(session.route.temporaries.lists->made.count, 2);
    assert_memory_equal(session.route.temporaries.lists->made.tables[0].database.at, "shop", 4);
    assert_memory_equal(session.route.temporaries.lists->made.tables[1].database.at, "other", 5);
    note(&session, "DROP TABLE cache");
    assert_int_equal(session.route.temporaries.lists->made.count, 1);
    assert_memory_equal(session.route.temporaries.lists->made.tables[0].table.at, "cache2", 6);
    for (int i = 0; i < 100 && !session.route.temporaries.many; i++) {
        char text[64];
        snprintf(text, sizeof text, "CREATE TEMPORARY TABLE t%d (a INT)", i);
        note(&session, text);
    }
    assert_true(session.route.temporaries.many);
    session_reset(&session, "shop");
    assert_null(session.route.temporaries.lists);
    assert_false(session.route.temporaries.many);
    session_free(&session);
}

static enum temporary_verdict look(const struct session *session, const char *database, const char *name) {
    const struct sql_table table = {.database = slice_of(database), .table = slice_of(name)};
    return temporary_look(&session->route.temporaries, &table, session->route.database);
}

static void answer(struct session *session, const char *name, bool hidden) {
    const struct sql_table table = {.table = slice_of(name)};
    temporary_note_answer(&session->route.temporaries, &table, session->route.database, hidden);
}

static void tables_made_unseen_are_to_be_asked_after(void **unused) {
    (void)unused;
    struct session session;
    start(&session);
    struct temporaries *temporaries = &session.route.temporaries;
    note(&session, "CREATE TEMPORARY TABLE mine (a INT)");
    note(&session, "CALL report()");
    assert_true(temporaries->doubt);
    assert_int_equal(look(&session, "", "cache"), TEMPORARY_PLAIN); /* main has not told its count yet */
    assert_true(temporary_note_count(temporaries, 2));
    assert_false(temporaries->doubt);
    assert_int_equal(look(&session, "", "cache"), TEMPORARY_UNSURE);
    answer(&session, "cache", false);
    answer(&session, "mine", true);
    assert_int_equal(look(&session, "", "cache"), TEMPORARY_PLAIN);
    assert_int_equal(look(&session, "shop", "cache"), TEMPORARY_PLAIN);
    assert_int_equal(look(&session, "", "CACHE"), TEMPORARY_UNSURE); /* it may be another table */
    assert_int_equal(look(&session, "other", "cache"), TEMPORARY_UNSURE);
    assert_int_equal(look(&session, "", "mine"), TEMPORARY_HIDES);
    note(&session, "DO side()");
    assert_false(temporary_note_count(temporaries, 2)); /* what was answered still holds */
    assert_int_equal(look(&session, "", "cache"), TEMPORARY_PLAIN);
    assert_int_equal(look(&session, "", "mine"), TEMPORARY_HIDES);
    note(&session, "CREATE TEMPORARY TABLE cache (a INT)");
    assert_int_equal(look(&session, "", "cache"), TEMPORARY_HIDES);
    note(&session, "DROP TEMPORARY TABLE cache, mine");
    assert_int_equal(look(&session, "", "cache"), TEMPORARY_PLAIN);
    assert_int_equal(look(&session, "", "mine"), TEMPORARY_UNSURE);
    note(&session, "ALTER TABLE unseen RENAME TO cache");
    assert_int_equal(look(&session, "", "cache"), TEMPORARY_UNSURE);
    for (int i = 0; i < 100; i++) {
        char name[24];
        snprintf(name, sizeof name, "cache_%d", i);
        answer(&session, name, false);
        assert_int_equal(look(&session, "", name), TEMPORARY_PLAIN);
    }
    assert_true(temporary_note_count(temporaries, 7));
    assert_int_equal(look(&session, "", "cache_99"), TEMPORARY_UNSURE);
    session_reset(&session, "shop");
    assert_int_equal(look(&session, "", "cache"), TEMPORARY_PLAIN);
    session_free(&session);
}

static void a_drop_of_another_databases_table_hides_nothing_else(void **unused) {
    (void)unused;
    struct session session;
    start(&session);
    note(&session, "CREATE TEMPORARY TABLE shop.cache (a INT)");
    note(&session, "DROP TABLE other.cache");
    assert_int_equal(session.route.temporaries.lists->made.count, 1);
    note(&session, "DROP TABLE shop.cache");
    assert_int_equal(session.route.temporaries.lists->made.count, 0);
    session_free(&session);
}

static void calls_do_as_texts(void **unused) {
    (void)unused;
    struct session session;
    char letters[16];
    start(&session);
    assert_int_equal(session_note_autocommit(&session, false), SESSION_ECHO_NONE);
    assert_string_equal(state_of(&session, letters), "TK");
    assert_int_equal(session_note_end(&session, true), SESSION_ECHO_COMMIT);
    assert_int_equal(session_note_end(&session, false), SESSION_ECHO_ROLLBACK);
    assert_int_equal(session_note_autocommit(&session, true), SESSION_ECHO_COMMIT);
    assert_int_equal(session_note_autocommit(&session, true), SESSION_ECHO_NONE);
    session_note_charset(&session, "gbk");
    assert_true(session.route.modes.multibyte_unsafe);
    check_settings(&session, "names: NAMES gbk");
    session_drop_setting(&session, "names");
    check_settings(&session, "");
    session_free(&session);
}

static void more_settings_than_fit_make_the_session_pass(void **unused) {
    (void)unused;
    struct session session;
    start(&session);
    for (int i = 0; i < 100; i++) {
        char text[64];
        snprintf(text, sizeof text, "SET made_up_%d = 1", i);
        note(&session, text);
    }
    assert_true(session.route.unmirrored);
    session_reset(&session, "shop");
    assert_false(session.route.unmirrored);
    session_free(&session);
}

/* There I isn't the capital of i to the C library. */
static void a_turkish_locale_makes_no_other_word_of_one(void **unused) {
    (void)unused;
    char folder[] = "/tmp/roundabout-locale.XXXXXX", command[200];
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command,
             "localedef -i tr_TR -f UTF-8 %s/tr_TR.UTF-8 >%s/said 2>&1", folder, folder);
    bool made = system(command) == 0;
    setenv("LOCPATH", folder, 1);
    made = made && setlocale(LC_ALL, "tr_TR.UTF-8") && strcasecmp("I", "i") != 0;
    struct session session;
    start(&session);
    if (made) {
        note(&session, "SET CHARACTER_SET_CLIENT = gbk");
        note(&session, "SET AUTOCOMMIT = OFF");
        note(&session, "SAVEPOINT one");
        note(&session, "RELEASE SAVEPOINT ONE");
        note(&session, "SAVEPOINT wie");
        note(&session, "RELEASE SAVEPOINT WIE");
    }
    const bool unsafe = session.route.modes.multibyte_unsafe, in_transaction = session.route.in_transaction;
    const size_t savepoints = session.savepoint_count;
    session_free(&session);
    setlocale(LC_ALL, "C");
    unsetenv("LOCPATH");
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    if (!made) {
        skip(); /* no localedef, or not the sources of that locale */
    }
    assert_true(unsafe);
    assert_true(in_transaction);
    assert_int_equal(savepoints, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_open_and_end_transactions),
        cmocka_unit_test(autocommit_opens_and_ends_transactions),
        cmocka_unit_test(savepoints_are_repeated_inside_a_transaction),
        cmocka_unit_test(savepoints_keep_their_order),
        cmocka_unit_test(too_many_savepoints_end_the_following),
        cmocka_unit_test(completion_type_says_how_a_transaction_ends),
        cmocka_unit_test(locks_and_xa_are_noted),
        cmocka_unit_test(settings_of_one_transaction_hold_until_its_end),
        cmocka_unit_test(code_that_is_not_seen_leaves_a_doubt),
        cmocka_unit_test(errors_that_undo_a_transaction_are_known),
        cmocka_unit_test(what_main_has_written_is_kept_until_its_transaction_ends),
        cmocka_unit_test(groups_are_told_apart_while_the_configuration_stays),
        cmocka_unit_test(databases_are_followed),
        cmocka_unit_test(settings_are_kept_by_name_in_the_order_of_their_making),
        cmocka_unit_test(modes_follow_what_is_set),
        cmocka_unit_test(temporary_tables_are_remembered),
        cmocka_unit_test(tables_made_unseen_are_to_be_asked_after),
        cmocka_unit_test(a_drop_of_another_databases_table_hides_nothing_else),
        cmocka_unit_test(calls_do_as_texts),
        cmocka_unit_test(more_settings_than_fit_make_the_session_pass),
        cmocka_unit_test(a_turkish_locale_makes_no_other_word_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
