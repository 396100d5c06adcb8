/* Where statements go: the table tests/data/statements.tsv, and what must hold for any statement. */
#include "table.h"

#include "../../shim/route.h"
#include "../../shim/sql_keywords.h"

enum {
    ALL = CONFIG_REPLACE | CONFIG_SELECT | CONFIG_INSERT | CONFIG_UPDATE | CONFIG_DELETE,
    CACHE = CONFIG_REPLACE | CONFIG_SELECT
};

static char shop[] = "shop";
static struct config_table pages[] = {{shop, (char[]){"cache"}},
                                      {shop, (char[]){"cache_*"}},
                                      {shop, (char[]){"page_?"}},
                                      {(char[]){"other"}, (char[]){"cache"}}};
static struct config_table apps[] = {{(char[]){"app"}, (char[]){"*"}}};
static struct config_table strict[] = {{shop, (char[]){"strict"}}};
static struct config_table observed[] = {{shop, (char[]){"observed"}}};
static struct config_table off[] = {{shop, (char[]){"off"}}};
static struct config_table writes[] = {{shop, (char[]){"writeonly"}}};

static struct config_group groups[] = {
    {(char[]){"pages"}, pages, 4, CACHE, CONFIG_FOLLOW, .mode = CONFIG_ROUTE},
    {(char[]){"apps"}, apps, 1, ALL, CONFIG_IMMEDIATE, .mode = CONFIG_ROUTE},
    {(char[]){"strict"}, strict, 1, CACHE, CONFIG_PASS, .mode = CONFIG_ROUTE},
    {(char[]){"observed"}, observed, 1, ALL, CONFIG_FOLLOW, .mode = CONFIG_OBSERVE},
    {(char[]){"off"}, off, 1, ALL, CONFIG_FOLLOW, .mode = CONFIG_OFF},
    {(char[]){"writes"}, writes, 1, CONFIG_REPLACE, CONFIG_FOLLOW, .mode = CONFIG_ROUTE},
};
static const struct config config = {.groups = groups, .group_count = sizeof groups / sizeof *groups};

/* The same without the group whose tables may have any name: the library doesn't read a short text then in
 * which no pattern's beginning stands. */
static const struct config_group plain_groups[] = {
    {(char[]){"pages"}, pages, 4, CACHE, CONFIG_FOLLOW, .mode = CONFIG_ROUTE},
    {(char[]){"strict"}, strict, 1, CACHE, CONFIG_PASS, .mode = CONFIG_ROUTE},
};
static const struct config plain = {.groups = (struct config_group *)(uintptr_t)plain_groups,
                                    .group_count = 2};

static struct slice slice_of(const char *text) {
    return (struct slice){text, strlen(text)};
}

static struct temporary_lists lists;

/* The session that the options of a row describe. `temporary` has room for one table. */
static bool read_options(char *options, struct route_session *session, struct sql_table *temporary) {
    *session = (struct route_session){.known = true,
                                      .database_known = true,
                                      .database = slice_of("shop"),
                                      .written_by = &config};
    bool unsafe = false;
    for (char *option = strtok(options, ","); option; option = strtok(NULL, ",")) {
        if (strcmp(option, "-") == 0)
            continue;
        char *value = strchr(option, '=');
        if (value)
            *value++ = '\0';
        if (strcmp(option, "db") == 0 && value) {
            session->database = slice_of(value);
        } else if (strcmp(option, "nodb") == 0) {
            session->database = (struct slice){NULL, 0};
        } else if (strcmp(option, "modes") == 0 && value) {
            for (char *plus = strchr(value, '+'); plus; plus = strchr(plus, '+'))
                *plus = ',';
            session->modes = lex_modes_of_sql_mode(slice_of(value));
        } else if (strcmp(option, "unsafe_charset") == 0) {
            unsafe = true;
        } else if (strcmp(option, "fold_case") == 0) {
            session->fold_case = true;
        } else if (strcmp(option, "unknown") == 0) {
            session->known = false;
        } else if (strcmp(option, "unknown_db") == 0) {
            session->known = session->database_known = false;
            session->database = (struct slice){NULL, 0};
        } else if (strcmp(option, "in_transaction") == 0) {
            session->in_transaction = true;
        } else if (strcmp(option, "xa") == 0) {
            session->xa = true;
        } else if (strcmp(option, "locked") == 0) {
            session->locked_tables = true;
        } else if (strcmp(option, "attributes") == 0) {
            session->query_attributes = true;
        } else if (strcmp(option, "prepared") == 0) {
            session->prepared = true;
        } else if (strcmp(option, "unmirrored") == 0) {
            session->unmirrored = true;
        } else if (strcmp(option, "many_temporary") == 0) {
            session->temporaries.many = true;
        } else if (strcmp(option, "longest") == 0 && value) {
            session->longest = strtoul(value, NULL, 10);
        } else if (strcmp(option, "written") == 0 && value) {
            session->written = strtoul(value, NULL, 10);
        } else if (strcmp(option, "recounted") == 0) {
            session->written_by = &plain;
        } else if (strcmp(option, "temporary") == 0 && value) {
            char *dot = strchr(value, '.');
            *temporary =
                (struct sql_table){.database = {value, (size_t)(dot - value)}, .table = slice_of(dot + 1)};
            lists.made = (struct temporary_list){temporary, 1};
            session->temporaries.lists = &lists;
        } else {
            return false;
        }
    }
    session->modes.multibyte_unsafe = unsafe;
    return true;
}

static void join_tables(const struct sql_summary *summary, struct slice current, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "%s", summary->table_count ? "" : "-");
    for (size_t i = 0; i < summary->table_count && used < size; i++) {
        struct slice database = summary->tables[i].database.length ? summary->tables[i].database : current;
        struct slice table = summary->tables[i].table;
        used += (size_t)snprintf(text + used, size - used, "%s%.*s%s%.*s", i ? "," : "", (int)database.length,
                                 database.at ? database.at : "", database.length ? "." : "",
                                 (int)table.length, table.at);
    }
}

/* The library stops at the first table that settles the matter, and can't tell these two apart then. */
static bool same_reason(enum route_reason full, enum route_reason quick) {
    return full == quick || (full == ROUTE_OTHER_TABLE && quick == ROUTE_NO_CACHE_TABLE) ||
           (full != ROUTE_ROUTED && full != ROUTE_SESSION_UNKNOWN && full != ROUTE_OBSERVE &&
            (quick == ROUTE_NO_CACHE_TABLE || quick == ROUTE_OTHER_TABLE));
}

static bool check_statement(const struct table_row *row) {
    struct route_session session;
    struct sql_table temporary;
    if (!read_options(row->columns[1], &session, &temporary)) {
        print_error("%s: options\n", row->place);
        return false;
    }
    struct slice text = copy_column(row, 3);
    struct sql_summary summary;
    sql_summarize(text, session.modes, NULL, &summary);
    enum route_reason full = route_decide(&summary, text.length, &session, &config).reason;
    char tables[4096];
    join_tables(&summary, session.database, tables, sizeof tables);
    struct sql_summary quick_summary;
    struct route_decision decision = route_text(text, &session, &config, &quick_summary);
    enum route_reason quick = decision.reason;
    enum route_reason got = session.known ? full : quick;

    bool holds = true;
    if (strcmp(route_reason_name(got), row->columns[0]) != 0) {
        print_error("%s: want %s, got %s\n    %s\n", row->place, row->columns[0], route_reason_name(got),
                    row->columns[3]);
        holds = false;
    }
    if (strcmp(row->columns[2], "?") != 0 && strcmp(row->columns[2], tables) != 0) {
        print_error("%s: want tables %s, got %s\n    %s\n", row->place, row->columns[2], tables,
                    row->columns[3]);
        holds = false;
    }
    if (session.known && !same_reason(full, quick)) {
        print_error("%s: %s read whole, %s read as far as needed\n", row->place, route_reason_name(full),
                    route_reason_name(quick));
        holds = false;
    }
    bool placed = decision.group && session.known; /* else it may be of a reading under other modes */
    if (placed && &decision.group->tables[decision.table] !=
                      route_find_table(decision.group, &session, &quick_summary.tables[0])) {
        print_error("%s: another pattern than that of its first table\n", row->place);
        holds = false;
    }
    free_slice(text);
    return holds;
}

static void every_statement_of_the_table_goes_where_it_must(void **state) {
    (void)state;
    check_table("statements.tsv", 4, 700, check_statement);
}

/* A small generator of its own, so that a failure comes again. */
static uint32_t random_state;

static uint32_t next_random(uint32_t below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % below;
}

/* The statement in another spelling: other case of letters in words that aren't names of tables, other white
 * space and comments between tokens. Adjacent tokens stay adjacent in front of ( and around . and @, where it
 * makes a difference. */
static struct slice respell(struct slice text, struct lex_modes modes) {
    static const char *const spaces[] = {" ",        "\n",       "\t",
                                         "  \r\n",   "/**/",     " /* FROM users; */ ",
                                         " -- 'x\n", " # \"y\n", "/*/*/"};
    char *spelled = malloc(text.length * 24 + 64);
    assert_non_null(spelled);
    size_t used = 0;
    struct lexer lexer;
    lex_start(&lexer, text, modes);
    const char *last = text.at;
    for (;;) {
        struct token token = lex_next(&lexer);
        if (token.from > last && token.kind != LEX_END) {
            const char *space = spaces[next_random(sizeof spaces / sizeof *spaces)];
            memcpy(spelled + used, space, strlen(space));
            used += strlen(space);
        }
        if (token.kind == LEX_END)
            break;
        bool word = token.kind == LEX_WORD && keyword_of(token.text) != KEYWORD_NONE;
        for (const char *at = token.from; at < lexer.next; at++) {
            char byte = *at;
            if (word && next_random(2) && ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z'))
                byte ^= 0x20;
            spelled[used++] = byte;
        }
        last = lexer.next;
    }
    return (struct slice){spelled, used};
}

/* Whether the spelling is all that comments and white space say in it. */
static bool can_be_respelled(struct slice text, struct lex_modes modes) {
    struct lexer lexer;
    lex_start(&lexer, text, modes);
    for (;;) {
        struct token token = lex_next(&lexer);
        if (token.kind == LEX_BAD)
            return false;
        if (token.kind == LEX_END)
            break;
    }
    for (size_t i = 0; i + 2 < text.length; i++)
        if (memcmp(text.at + i, "/*", 2) == 0 && strchr("!+M", text.at[i + 2]))
            return false;
    return true;
}

static bool check_spellings(const struct table_row *row) {
    struct route_session session;
    struct sql_table temporary;
    assert_true(read_options(row->columns[1], &session, &temporary));
    struct slice text = {row->columns[3], row->lengths[3]};
    if (!session.known || session.longest || session.modes.multibyte_unsafe ||
        !can_be_respelled(text, session.modes))
        return true;
    bool holds = true;
    for (int i = 0; i < 20 && holds; i++) {
        struct slice spelled = respell(text, session.modes);
        struct sql_summary summary;
        sql_summarize(spelled, session.modes, NULL, &summary);
        const char *got = route_reason_name(route_decide(&summary, spelled.length, &session, &config).reason);
        if (strcmp(got, row->columns[0]) != 0) {
            print_error("%s: want %s, got %s when spelled\n    %.*s\n", row->place, row->columns[0], got,
                        (int)spelled.length, spelled.at);
            holds = false;
        }
        free_slice(spelled);
    }
    return holds;
}

static void spelling_comments_and_white_space_decide_nothing(void **state) {
    (void)state;
    random_state = 1;
    check_table("statements.tsv", 4, 700, check_spellings);
}

/* Read whole or as far as needed, under all modes: the answer to "is it routed" is one. */
static bool decides_alike(struct slice text, const struct route_session *like) {
    struct route_session session = *like;
    for (unsigned i = 0; i < 8; i++) {
        session.modes.ansi_quotes = i & 1;
        session.modes.no_backslash_escapes = i & 2;
        session.modes.multibyte_unsafe = i & 4;
        struct sql_summary full;
        struct sql_summary quick;
        sql_summarize(text, session.modes, NULL, &full);
        bool routed = route_decide(&full, text.length, &session, &config).reason == ROUTE_ROUTED;
        if (routed != (route_text(text, &session, &config, &quick).reason == ROUTE_ROUTED))
            return false;
        if (((full.ties ^ quick.ties) & SQL_MULTI_STATEMENT) && full.verb != SQL_OPAQUE)
            return false;
        routed = route_decide(&full, text.length, &session, &plain).reason == ROUTE_ROUTED;
        if (routed != (route_text(text, &session, &plain, &quick).reason == ROUTE_ROUTED))
            return false;
        if (((full.ties ^ quick.ties) & SQL_MULTI_STATEMENT) && full.verb != SQL_OPAQUE)
            return false;
        if (full.rest.length != quick.rest.length && full.verb != SQL_OPAQUE)
            return false;
    }
    return true;
}

static bool check_prefixes(const struct table_row *row) {
    struct route_session session;
    struct sql_table temporary;
    assert_true(read_options(row->columns[1], &session, &temporary));
    session.known = true;
    struct slice whole = {row->columns[3], row->lengths[3]};
    for (size_t length = 0; length <= whole.length; length++) {
        char *copy = malloc(length ? length : 1);
        assert_non_null(copy);
        memcpy(copy, whole.at, length);
        bool alike = decides_alike((struct slice){copy, length}, &session);
        free(copy);
        if (!alike) {
            print_error("%s: read whole and as far as needed differ\n    %.*s\n", row->place, (int)length,
                        whole.at);
            return false;
        }
    }
    return true;
}

static void every_beginning_of_a_statement_is_read_safely(void **state) {
    (void)state;
    check_table("statements.tsv", 4, 700, check_prefixes);
}

/* Bytes put in, taken out and exchanged. */
static bool check_garbled(const struct table_row *row) {
    static const char bytes[] = "'\"`\\/*-#;@(),.?!+ \n\0aN0x5eM$\xa0\xff";
    struct route_session session;
    struct sql_table temporary;
    assert_true(read_options(row->columns[1], &session, &temporary));
    session.known = true;
    for (int i = 0; i < 50; i++) {
        struct slice text = copy_column(row, 3);
        char *at = (char *)(uintptr_t)text.at;
        for (uint32_t changes = 1 + next_random(3); changes && text.length; changes--)
            at[next_random((uint32_t)text.length)] = bytes[next_random(sizeof bytes - 1)];
        bool alike = decides_alike(text, &session);
        if (!alike)
            print_error("%s: read whole and as far as needed differ\n    %.*s\n", row->place,
                        (int)text.length, text.at);
        free_slice(text);
        if (!alike)
            return false;
    }
    return true;
}

static void garbled_statements_are_read_safely(void **state) {
    (void)state;
    random_state = 2;
    check_table("statements.tsv", 4, 700, check_garbled);
}

static enum route_reason reason_of(struct slice text) {
    struct route_session session = {.known = true, .database_known = true, .database = slice_of("shop")};
    struct sql_summary summary;
    return route_text(text, &session, &config, &summary).reason;
}

/* `start`, `count` times `middle`, `end`. */
static struct slice repeat(const char *start, const char *middle, size_t count, const char *end) {
    size_t each = strlen(middle);
    char *text = malloc(strlen(start) + each * count + strlen(end) + 1);
    assert_non_null(text);
    size_t used = (size_t)sprintf(text, "%s", start);
    for (size_t i = 0; i < count; i++, used += each)
        memcpy(text + used, middle, each);
    memcpy(text + used, end, strlen(end));
    return (struct slice){text, used + strlen(end)};
}

static void statements_of_16_mb_are_routed_like_short_ones(void **state) {
    (void)state;
    enum { MB16 = 16 << 20 };
    struct slice text = repeat("REPLACE INTO cache VALUES (1,'", "x", MB16, "')");
    assert_int_equal(reason_of(text), ROUTE_ROUTED);
    free_slice(text);
    text = repeat("REPLACE INTO cache VALUES (1,'", "\\'", MB16 / 2, "')");
    assert_int_equal(reason_of(text), ROUTE_ROUTED);
    free_slice(text);
    text = repeat("REPLACE INTO cache VALUES (1,'", "''", MB16 / 2, "'); DROP TABLE users");
    assert_int_equal(reason_of(text), ROUTE_MULTI_STATEMENT);
    free_slice(text);
    text = repeat("REPLACE INTO cache VALUES (0,0)", ",(1,'y')", MB16 / 8, "");
    assert_int_equal(reason_of(text), ROUTE_ROUTED);
    free_slice(text);
    text = repeat("SELECT v FROM cache WHERE k IN (0", ",1", MB16 / 2, ") AND 1 = (SELECT 1 FROM users)");
    assert_int_equal(reason_of(text), ROUTE_OTHER_TABLE);
    free_slice(text);
}

static void nesting_has_a_bound(void **state) {
    (void)state;
    static const char *const starts[] = {"(",          "(SELECT ",        "((",    "NOT (",
                                         "CASE WHEN ", "CONCAT(",         "- (",   "INTERVAL ",
                                         "IF(1,",      "EXISTS (SELECT ", "CAST(", "(WITH x AS (SELECT "};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        struct slice text = repeat("SELECT v FROM cache WHERE k = ", starts[i], 1 << 20, "");
        assert_int_equal(reason_of(text), ROUTE_NOT_UNDERSTOOD);
        free_slice(text);
        text = repeat("SELECT v FROM cache JOIN ", starts[i], 1 << 20, "");
        assert_int_not_equal(reason_of(text), ROUTE_ROUTED);
        free_slice(text);
        text = repeat("", starts[i], 1 << 20, "");
        assert_int_not_equal(reason_of(text), ROUTE_ROUTED);
        free_slice(text);
    }
    struct slice text = repeat("SELECT v FROM cache WHERE ", "(((", 10, "k");
    free_slice(text);
    assert_int_equal(reason_of(slice_of(
                         "SELECT v FROM cache WHERE ((((((((((((((((((((k = 1)))))))))))))))))))) AND 1")),
                     ROUTE_ROUTED);
    text = repeat("SELECT v FROM cache WHERE k = 0", " OR k = 1", 100000, "");
    assert_int_equal(reason_of(text), ROUTE_ROUTED);
    free_slice(text);
}

static void reasons_have_names_and_sentences(void **state) {
    (void)state;
    for (int reason = 0; reason < ROUTE_REASON_COUNT; reason++) {
        assert_non_null(route_reason_name((enum route_reason)reason));
        assert_true(strlen(route_reason_sentence((enum route_reason)reason)) > 10);
    }
    assert_string_equal(route_reason_name(ROUTE_ROUTED), "routed");
    assert_string_equal(route_reason_name(ROUTE_DISABLED), "disabled");
}

static void patterns_match_whole_names(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        const char *name;
        bool fold_case;
        bool matches;
    } cases[] = {
        {"cache", "cache", false, true},
        {"cache", "Cache", false, false},
        {"cache", "Cache", true, true},
        {"CACHE", "cache", true, true},
        {"*", "", false, true},
        {"*", "x", false, true},
        {"c*e", "cache", false, true},
        {"c*e", "caches", false, false},
        {"*a*a*", "banana", false, true},
        {"*na", "banana", false, true},
        {"*nan", "banana", false, false},
        {"b?nana", "banana", false, true},
        {"b?nana", "bnana", false, false},
        {"??", "ab", false, true},
        {"??", "abc", false, false},
        {"", "x", false, false},
        {"a*b*c", "aXbYbZc", false, true},
        {"a**c", "ac", false, true},
        {"\xc3\xa4", "\xc3\x84", true, false},
        {"cache*", "cache", false, true},
        {"*?", "", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char pattern[32];
        snprintf(pattern, sizeof pattern, "%s", cases[i].pattern);
        struct config_table tables = {shop, pattern};
        struct config_group group = {.name = shop, .tables = &tables, .table_count = 1, .statements = ALL};
        struct config one = {.groups = &group, .group_count = 1};
        struct route_session session = {.known = true,
                                        .database = slice_of("shop"),
                                        .fold_case = cases[i].fold_case};
        struct sql_table table = {.table = slice_of(cases[i].name)};
        if ((route_find_group(&one, &session, &table) != NULL) != cases[i].matches)
            fail_msg("%s on %s", cases[i].pattern, cases[i].name);
    }
}

static void a_group_that_is_off_leaves_its_tables_to_another(void **state) {
    (void)state;
    struct config_group two[] = {{shop, pages, 4, ALL, CONFIG_FOLLOW, .mode = CONFIG_OFF},
                                 {shop, pages, 4, CACHE, CONFIG_FOLLOW, .mode = CONFIG_ROUTE}};
    struct config both = {.groups = two, .group_count = 2};
    struct route_session session = {.known = true, .database = slice_of("shop")};
    struct sql_table table = {.table = slice_of("cache")};
    assert_ptr_equal(route_find_group(&both, &session, &table), &two[1]);
    two[1].mode = CONFIG_OFF;
    assert_ptr_equal(route_find_group(&both, &session, &table), &two[0]);
}

static void only_reads_that_may_be_missed_leave_a_local_master_that_is_behind(void **state) {
    (void)state;
    struct config_group allowed = {
        shop, pages, 4, ALL, CONFIG_FOLLOW, .mode = CONFIG_ROUTE, .max_stale_ms = 1000};
    struct config_group any = allowed;
    any.max_stale_ms = 0;
    static const struct {
        enum sql_verb verb;
        enum route_reason reason;
        bool limited, written;
        int64_t behind_ms;
        bool stale;
    } cases[] = {
        {SQL_SELECT, ROUTE_ROUTED, true, false, 1001, true},
        {SQL_SELECT, ROUTE_ROUTED, true, false, 1000, false},
        {SQL_SELECT, ROUTE_ROUTED, true, false, 0, false}, /* not known */
        {SQL_SELECT, ROUTE_ROUTED, true, true, 99999, false},
        {SQL_SELECT, ROUTE_ROUTED, false, false, INT64_MAX, false},
        {SQL_SELECT, ROUTE_IN_TRANSACTION, true, false, 99999, false},
        {SQL_REPLACE, ROUTE_ROUTED, true, false, 99999, false}, /* REPLACE ... SELECT as well */
        {SQL_INSERT, ROUTE_ROUTED, true, false, 99999, false},
        {SQL_DELETE, ROUTE_ROUTED, true, false, 99999, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct sql_summary summary = {.verb = cases[i].verb};
        const struct route_decision decision = {.reason = cases[i].reason,
                                                .group = cases[i].limited ? &allowed : &any};
        if (route_is_stale(&summary, &decision, cases[i].behind_ms, cases[i].written) != cases[i].stale)
            fail_msg("case %zu: want %d", i, cases[i].stale);
    }
}

static void the_groups_that_a_text_writes_are_found(void **state) {
    (void)state;
    static const uint64_t all = ROUTE_ALL_GROUPS;
    static const struct {
        const char *text;
        uint64_t groups, in_plain; /* of `config`, of `plain` */
        uint64_t unknown;          /* of `plain`, while the session isn't known */
    } cases[] = {
        {"INSERT INTO cache VALUES (1, 'x')", 1, 1, 1},
        {"insert ignore `shop`.`cache` (k) values (1)", 1, 1, 1},
        {"REPLACE INTO cache VALUES (1, no_such_function(2))", 1, 1, 1},
        {"REPLACE INTO cache VALUES (1, @a, ?)", 1, 1, 1},
        {"INSERT INTO cache SELECT * FROM users", 1, 1, 1},
        {"INSERT INTO users SELECT * FROM cache", 0, 0, 0},
        {"INSERT INTO users VALUES ('cache')", 0, 0, 0},
        {"INSERT INTO users VALUES (\"it's a cache\")", 0, 0, 0},
        {"INSERT INTO cache (k) VALUES (\"it's\")", 1, 1, 1},
        {"INSERT INTO app.users VALUES (1)", 2, 0, 0},
        {"INSERT INTO strict VALUES (1)", 4, 2, 2},
        {"UPDATE cache SET v = v + 1 WHERE k = 1", 1, 1, 1},
        {"UPDATE users, cache SET cache.v = 1", 1, 1, 1},
        {"UPDATE users SET v = 'cache'", 0, 0, 0},
        {"UPDATE users SET v = \"cache\"", 0, 0, all}, /* a name, or not */
        {"UPDATE users SET v = 'nothing'", 0, 0, 0},
        {"UPDATE strict, cache SET strict.v = 1, cache.v = 2", 5, 3, 3},
        {"DELETE FROM cache", 1, 1, 1},
        {"DELETE FROM users USING users JOIN other.cache c", 1, 1, 1},
        {"DELETE FROM users WHERE k IN (SELECT k FROM other.orders)", 0, 0, 0},
        {"DELETE FROM elsewhere.cache", 0, 0, 0},
        {"DELETE FROM cache WHERE MATCH k", all, all, all}, /* not understood */
        {"SELECT v FROM cache", 0, 0, 0},
        {"WITH old AS (SELECT k FROM users) DELETE FROM cache WHERE k IN (SELECT k FROM old)", all, all, all},
        {"/* x */ with old (k) as (select 1) update cache set v = 1", all, all, all},
        {"WITH old AS (SELECT k FROM users) SELECT * FROM cache", 0, 0, 0},
        {"WITH old AS (SELECT k FROM users) DELETE FROM users", all, 0, 0}, /* app has any name */
        {"CALL cache()", 0, 0, 0},
        {"SELECT 1; INSERT INTO cache VALUES (1); SELECT 2", 1, 1, 1},
        {"INSERT INTO users VALUES (1); UPDATE cache SET v = 1; DELETE FROM strict", 5, 3, 3},
        {"", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct route_session session = {.known = true, .database_known = true, .database = slice_of("shop")};
        struct slice text = slice_of(cases[i].text);
        uint64_t in_config = route_find_written(text, &session, &config);
        uint64_t in_plain = route_find_written(text, &session, &plain);
        session.known = false;
        uint64_t unknown = route_find_written(text, &session, &plain);
        if (in_config != cases[i].groups || in_plain != cases[i].in_plain || unknown != cases[i].unknown)
            fail_msg("%s: got %#jx, %#jx, %#jx", cases[i].text, (uintmax_t)in_config, (uintmax_t)in_plain,
                     (uintmax_t)unknown);
    }
}

static void groups_beyond_the_last_bit_share_it(void **state) {
    (void)state;
    enum { MANY = 70 };
    struct config_table tables[MANY];
    struct config_group many[MANY];
    char names[MANY][24];
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "cache_%d", i);
        tables[i] = (struct config_table){shop, names[i]};
        many[i] = (struct config_group){names[i], &tables[i], 1, CACHE, CONFIG_FOLLOW, .mode = CONFIG_ROUTE};
    }
    const struct config large = {.groups = many, .group_count = MANY};
    struct route_session session = {.known = true,
                                    .in_transaction = true,
                                    .database = slice_of("shop"),
                                    .written_by = &large};
    session.written = route_find_written(slice_of("INSERT INTO cache_66 VALUES (1)"), &session, &large);
    assert_true(session.written == (uint64_t)1 << 63);
    struct sql_summary summary;
    struct slice text = slice_of("SELECT v FROM cache_69");
    assert_int_equal(route_text(text, &session, &large, &summary).reason, ROUTE_IN_TRANSACTION);
    text = slice_of("SELECT v FROM cache_62");
    assert_int_equal(route_text(text, &session, &large, &summary).reason, ROUTE_ROUTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_groups_that_a_text_writes_are_found),
        cmocka_unit_test(groups_beyond_the_last_bit_share_it),
        cmocka_unit_test(only_reads_that_may_be_missed_leave_a_local_master_that_is_behind),
        cmocka_unit_test(every_statement_of_the_table_goes_where_it_must),
        cmocka_unit_test(spelling_comments_and_white_space_decide_nothing),
        cmocka_unit_test(every_beginning_of_a_statement_is_read_safely),
        cmocka_unit_test(garbled_statements_are_read_safely),
        cmocka_unit_test(statements_of_16_mb_are_routed_like_short_ones),
        cmocka_unit_test(nesting_has_a_bound),
        cmocka_unit_test(reasons_have_names_and_sentences),
        cmocka_unit_test(patterns_match_whole_names),
        cmocka_unit_test(a_group_that_is_off_leaves_its_tables_to_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
