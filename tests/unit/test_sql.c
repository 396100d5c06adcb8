/* What statements say of their session: the tables tests/data/effects.tsv and tests/data/set.tsv, and the
 * white list of functions. */
#include "table.h"

#include "../../shim/sql.h"
#include "../../shim/sql_functions.h"
#include "../../shim/sql_keywords.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char bytes[8192];
    size_t used;
};

static void add(struct text *text, const char *separator, const char *format, ...) {
    if (text->used)
        text->used +=
            (size_t)snprintf(text->bytes + text->used, sizeof text->bytes - text->used, "%s", separator);
    va_list arguments;
    va_start(arguments, format);
    text->used +=
        (size_t)vsnprintf(text->bytes + text->used, sizeof text->bytes - text->used, format, arguments);
    va_end(arguments);
}

static bool equals(const struct table_row *row, const char *what, const char *want, const char *got) {
    if (strcmp(want, "?") == 0 || strcmp(want, got) == 0)
        return true;
    print_error("%s: want %s %s, got %s\n    %s\n", row->place, what, want, got, row->columns[0]);
    return false;
}

static void write_flags(const struct sql_summary *summary, struct text *flags) {
    static const struct {
        size_t offset;
        const char *name;
    } bools[] = {
        {offsetof(struct sql_summary, read_only), "read_only"},
        {offsetof(struct sql_summary, read_write), "read_write"},
        {offsetof(struct sql_summary, consistent_snapshot), "consistent_snapshot"},
        {offsetof(struct sql_summary, chain), "chain"},
        {offsetof(struct sql_summary, no_chain), "no_chain"},
        {offsetof(struct sql_summary, release), "release"},
        {offsetof(struct sql_summary, no_release), "no_release"},
        {offsetof(struct sql_summary, temporary), "temporary"},
        {offsetof(struct sql_summary, has_result), "result"},
    };
    for (size_t i = 0; i < sizeof bools / sizeof *bools; i++)
        if (*((const bool *)((const char *)summary + bools[i].offset)))
            add(flags, ",", "%s", bools[i].name);
    if (summary->ties & SQL_EXECUTABLE_COMMENT)
        add(flags, ",", "executable");
    if (summary->ties & SQL_MULTI_STATEMENT)
        add(flags, ",", "multi");
    bool named = summary->verb == SQL_CREATE_TEMPORARY || summary->verb == SQL_DROP_TABLE;
    for (size_t i = 0; named && i < summary->table_count; i++) {
        const struct sql_table *table = &summary->tables[i];
        add(flags, ",", "%s=%.*s%s%.*s", summary->verb == SQL_DROP_TABLE ? "table" : "temporary",
            (int)table->database.length, table->database.length ? table->database.at : "",
            table->database.length ? "." : "", (int)table->table.length, table->table.at);
    }
    if (!flags->used)
        add(flags, "", "-");
}

static bool want_all(void *context, const struct sql_table *table) {
    (void)context;
    (void)table;
    return true;
}

static bool check_effect(const struct table_row *row) {
    struct slice text = copy_column(row, 0);
    struct sql_summary summary;
    sql_summarize(text, (struct lex_modes){0}, NULL, &summary);
    struct text flags = {.used = 0};
    write_flags(&summary, &flags);
    char name[4096];
    snprintf(name, sizeof name, "%.*s", (int)summary.name.length, summary.name.length ? summary.name.at : "");
    bool holds = equals(row, "verb", row->columns[1], sql_verb_name(summary.verb));
    holds &= equals(row, "name", row->columns[2], *name ? name : "-");
    holds &= equals(row, "flags", row->columns[3], flags.bytes);

    /* A filter that is interested in nothing leaves the verb, the name and what follows as they are. */
    const struct sql_filter filters[] = {{0, NULL, want_all, NULL}, {~0u, NULL, want_all, NULL}};
    for (size_t i = 0; i < 2; i++) {
        struct sql_summary quick;
        sql_summarize(text, (struct lex_modes){0}, &filters[i], &quick);
        bool same_verb =
            quick.verb == summary.verb || (i == 0 && quick.verb == SQL_SELECT && summary.verb >= SQL_UPDATE);
        bool cut = summary.verb == SQL_OPAQUE &&
                   quick.stopped_early; /* a version comment or broken text was not reached */
        if (!cut && (!same_verb || quick.name.length != summary.name.length ||
                     quick.rest.length != summary.rest.length)) {
            print_error("%s: filter %zu gives %s\n    %s\n", row->place, i, sql_verb_name(quick.verb),
                        row->columns[0]);
            holds = false;
        }
    }
    free_slice(text);
    return holds;
}

static void statements_change_their_session_as_the_table_says(void **state) {
    (void)state;
    check_table("effects.tsv", 4, 150, check_effect);
}

static void write_slice(struct text *text, const char *separator, struct slice slice) {
    add(text, separator, "%.*s", (int)slice.length, slice.length ? slice.at : "");
}

/* What stands behind SET again says the same. What stuck from an assignment before it is lost, and only
 * GLOBAL does that. */
static bool stands_alone(const struct sql_assignment *assignment) {
    struct slice rest = assignment->text;
    struct sql_assignment again;
    bool understood = true;
    if (!sql_next_assignment(&rest, (struct lex_modes){0}, &again, &understood) || rest.length)
        return false;
    return (again.scope == assignment->scope || assignment->scope == SQL_GLOBAL) &&
           again.name.length == assignment->name.length && again.value.length == assignment->value.length &&
           again.constant == assignment->constant;
}

static bool check_set(const struct table_row *row) {
    static const char scopes[] = {
        [SQL_SESSION] = 's', [SQL_GLOBAL] = 'g', [SQL_USER_VARIABLE_SCOPE] = 'u', [SQL_NOT_A_VARIABLE] = 'n'};
    struct slice text = copy_column(row, 0);
    struct slice rest = text;
    struct sql_assignment assignment;
    bool understood = true;
    bool holds = true;
    struct text got = {.used = 0};
    while (sql_next_assignment(&rest, (struct lex_modes){0}, &assignment, &understood)) {
        add(&got, "|", "%c", scopes[assignment.scope]);
        write_slice(&got, ":", assignment.name);
        write_slice(&got, ":", assignment.value);
        add(&got, ":", "%s", assignment.constant ? "yes" : "no");
        if (!stands_alone(&assignment)) {
            print_error("%s: %.*s\n", row->place, (int)assignment.text.length, assignment.text.at);
            holds = false;
        }
    }
    if (!understood)
        add(&got, "|", "?");
    if (strcmp(row->columns[1], got.bytes) != 0) {
        print_error("%s: want %s, got %s\n    %s\n", row->place, row->columns[1], got.bytes, row->columns[0]);
        holds = false;
    }
    free_slice(text);
    return holds;
}

static void set_falls_apart_as_the_table_says(void **state) {
    (void)state;
    check_table("set.tsv", 2, 70, check_set);
}

static void each_assignment_keeps_its_text(void **state) {
    (void)state;
    const char *text = "SESSION sql_mode = '' , @@session.a=1,NAMES utf8 COLLATE utf8_bin , b = 2 -- c";
    static const char *const want[] = {"SESSION sql_mode = ''", "@@session.a=1",
                                       "NAMES utf8 COLLATE utf8_bin", "b = 2"};
    struct slice rest = {text, strlen(text)};
    struct sql_assignment assignment;
    bool understood = true;
    for (size_t i = 0; i < 4; i++) {
        assert_true(sql_next_assignment(&rest, (struct lex_modes){0}, &assignment, &understood));
        assert_int_equal(assignment.text.length, strlen(want[i]));
        assert_memory_equal(assignment.text.at, want[i], strlen(want[i]));
    }
    assert_false(sql_next_assignment(&rest, (struct lex_modes){0}, &assignment, &understood));
    assert_true(understood);
}

static void the_rest_begins_behind_the_first_separator(void **state) {
    (void)state;
    const char *text = "COMMIT; BEGIN; SELECT ';'; ;SET a = 1";
    static const enum sql_verb verbs[] = {SQL_COMMIT, SQL_BEGIN, SQL_SELECT, SQL_NOTHING, SQL_SET};
    struct slice rest = {text, strlen(text)};
    for (size_t i = 0; i < 5; i++) {
        struct sql_summary summary;
        sql_summarize(rest, (struct lex_modes){0}, NULL, &summary);
        assert_int_equal(summary.verb, verbs[i]);
        rest = summary.rest;
        assert_true((i == 4) == (rest.length == 0));
    }
}

static void functions_are_in_order_and_found_in_any_case(void **state) {
    (void)state;
    const char *last = "";
    for (size_t n = 0; sql_function_name(n); n++) {
        const char *name = sql_function_name(n);
        if (strcmp(last, name) >= 0)
            fail_msg("%s stands behind %s", name, last);
        last = name;
        char lower[64];
        snprintf(lower, sizeof lower, "%s", name);
        for (char *at = lower; *at; at++)
            *at = *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20) : *at;
        size_t length = strlen(name);
        assert_int_not_equal(sql_function_find((struct slice){lower, length}, false), SQL_FUNCTION_UNKNOWN);
        assert_int_equal(sql_function_find((struct slice){lower, length - 1}, false),
                         sql_function_find((struct slice){name, length - 1}, false));
    }
}

static void functions_that_depend_on_the_session_are_not_listed(void **state) {
    (void)state;
    static const char *const names[] = {
        "LAST_INSERT_ID",
        "FOUND_ROWS",
        "ROW_COUNT",
        "CONNECTION_ID",
        "USER",
        "CURRENT_USER",
        "SESSION_USER",
        "SYSTEM_USER",
        "CURRENT_ROLE",
        "DATABASE",
        "SCHEMA",
        "VERSION",
        "GET_LOCK",
        "RELEASE_LOCK",
        "RELEASE_ALL_LOCKS",
        "IS_FREE_LOCK",
        "IS_USED_LOCK",
        "SLEEP",
        "BENCHMARK",
        "LOAD_FILE",
        "UUID_SHORT",
        "NEXTVAL",
        "LASTVAL",
        "SETVAL",
        "MASTER_POS_WAIT",
        "MASTER_GTID_WAIT",
        "SOURCE_POS_WAIT",
        "AES_ENCRYPT",
        "AES_DECRYPT",
        "DES_ENCRYPT",
        "ENCODE",
        "DECODE",
        "PASSWORD",
        "OLD_PASSWORD",
        "ENCRYPT",
        "NAME_CONST",
        "EXTRACTVALUE",
        "UPDATEXML",
        "CONVERT_TZ",
        "SYS_GUID",
        "VALUE",
        "JSON_TABLE",
        "PS_THREAD_ID",
        "WAIT_FOR_EXECUTED_GTID_SET",
        "ROLES_GRAPHML",
        "ICU_VERSION",
        "A",
        "",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (sql_function_find((struct slice){names[i], strlen(names[i])}, false) != SQL_FUNCTION_UNKNOWN)
            fail_msg("%s", names[i]);
}

static void the_clock_and_chance_are_not_constant(void **state) {
    (void)state;
    static const char *const names[] = {"NOW",           "SYSDATE", "CURDATE", "UNIX_TIMESTAMP",
                                        "UTC_TIMESTAMP", "RAND",    "UUID",    "RANDOM_BYTES"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(sql_function_find((struct slice){names[i], strlen(names[i])}, false),
                         SQL_FUNCTION_VOLATILE);
}

/* In memory of its own, so that a tool sees a byte too many that is read: all letters in one case, each one
 * alone in the other. And what is nearly the keyword isn't: a byte less, a byte more, another byte. */
static void check_keyword(const char *name, enum keyword wanted) {
    size_t length = strlen(name);
    char *word = malloc(length + 1);
    assert_non_null(word);
    for (unsigned pattern = 0; pattern < 2 * length + 2; pattern++) {
        for (size_t i = 0; i < length; i++) {
            bool small = (pattern & 1) ^ (i == pattern / 2);
            word[i] = (char)(small ? tolower(name[i]) : name[i]);
        }
        char *exact = malloc(length);
        memcpy(exact, word, length);
        if (keyword_of((struct slice){exact, length}) != wanted)
            fail_msg("%.*s isn't found", (int)length, word);
        free(exact);
    }
    word[length] = 'X';
    if (keyword_of((struct slice){word, length + 1}) == wanted ||
        (length > 1 && keyword_of((struct slice){word, length - 1}) == wanted))
        fail_msg("found in place of another: %s", name);
    for (size_t i = 0; i < length; i++)
        for (int byte = 1; byte < 256; byte++) {
            bool same = toupper(byte) == name[i];
            bool in_words = isalnum(byte) || byte == '_' || byte == '$' || byte >= 0x80;
            if (same || !in_words)
                continue;
            memcpy(word, name, length);
            word[i] = (char)byte;
            if (keyword_of((struct slice){word, length}) == wanted)
                fail_msg("%.*s is taken for %s", (int)length, word, name);
        }
    free(word);
}

static void every_keyword_is_found(void **state) {
    (void)state;
#define X(name, reserved)                 \
    check_keyword(#name, KEYWORD_##name); \
    assert_int_equal(keyword_is_reserved(KEYWORD_##name), reserved);
    KEYWORDS(X)
#undef X
    static const char *const others[] = {"cache",    "k", "_",  "1e5",      "SELECTED",
                                         "SELEC",    "a", "zz", "\xc3\xa4", "SQL_CALC_FOUND_ROWS_2",
                                         "zerofills"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(keyword_of((struct slice){others[i], strlen(others[i])}), KEYWORD_NONE);
    assert_int_equal(keyword_of((struct slice){"select", 6}), KEYWORD_SELECT);
}

static void more_tables_than_there_is_room_for_are_not_understood(void **state) {
    (void)state;
    char text[4096] = "SELECT * FROM t0";
    for (int i = 1; i < SQL_TABLES_MAX; i++)
        sprintf(text + strlen(text), ", t%d", i);
    struct sql_summary summary;
    sql_summarize((struct slice){text, strlen(text)}, (struct lex_modes){0}, NULL, &summary);
    assert_int_equal(summary.table_count, SQL_TABLES_MAX);
    assert_int_equal(summary.ties, 0);
    strcat(text, " JOIN one_more");
    sql_summarize((struct slice){text, strlen(text)}, (struct lex_modes){0}, NULL, &summary);
    assert_true(summary.too_many_tables);
    assert_true(summary.ties & SQL_NOT_UNDERSTOOD);
}

static void parameters_are_seen(void **state) {
    (void)state;
    const char *text = "SELECT v FROM cache WHERE k IN (?, ?) LIMIT ?";
    struct sql_summary summary;
    sql_summarize((struct slice){text, strlen(text)}, (struct lex_modes){0}, NULL, &summary);
    assert_true(summary.parameters);
    assert_int_equal(summary.ties, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_change_their_session_as_the_table_says),
        cmocka_unit_test(set_falls_apart_as_the_table_says),
        cmocka_unit_test(each_assignment_keeps_its_text),
        cmocka_unit_test(the_rest_begins_behind_the_first_separator),
        cmocka_unit_test(functions_are_in_order_and_found_in_any_case),
        cmocka_unit_test(functions_that_depend_on_the_session_are_not_listed),
        cmocka_unit_test(the_clock_and_chance_are_not_constant),
        cmocka_unit_test(every_keyword_is_found),
        cmocka_unit_test(more_tables_than_there_is_room_for_are_not_understood),
        cmocka_unit_test(parameters_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
