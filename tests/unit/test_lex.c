/* The words of statements. A case is a text and its tokens: one letter for the kind, then the token's text.
 */
#include "table.h"

static struct slice slice_of(const char *text) {
    return (struct slice){text, strlen(text)};
}

static void write_tokens(struct slice text, struct lex_modes modes, char *written, size_t size) {
    static const char kinds[] = {[LEX_END] = '.',       [LEX_WORD] = 'w',     [LEX_NAME] = 'n',
                                 [LEX_STRING] = 's',    [LEX_NUMBER] = 'd',   [LEX_VARIABLE] = 'v',
                                 [LEX_PARAMETER] = 'p', [LEX_OPERATOR] = 'o', [LEX_BAD] = '!'};
    struct lexer lexer;
    lex_start(&lexer, text, modes);
    size_t used = 0;
    *written = '\0';
    for (;;) {
        struct token token = lex_next(&lexer);
        assert_true(token.from >= text.at && lexer.next <= text.at + text.length);
        if (token.kind == LEX_BAD) {
            snprintf(written + used, size - used, " !");
            return;
        }
        if (token.kind == LEX_END)
            return;
        used += (size_t)snprintf(written + used, size - used, " %c%.*s", kinds[token.kind],
                                 (int)token.text.length, token.text.at);
    }
}

static void check_tokens(const char *text, struct lex_modes modes, const char *want) {
    char got[1024];
    write_tokens(slice_of(text), modes, got, sizeof got);
    if (strcmp(got, want) != 0)
        fail_msg("%s\n    want%s\n    got %s", text, want, got);
}

static void words_numbers_and_operators_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"", ""},
        {"SELECT a_1$ FROM t", " wSELECT wa_1$ wFROM wt"},
        {"a.b . c.`d`", " wa o. wb o. wc o. nd"},
        {"1 1.5 .5 1. 1e5 1.5E-3 0x4D 0b01 1e+2", " d1 d1.5 d.5 d1. d1e5 d1.5E-3 d0x4D d0b01 d1e+2"},
        {"1a 0x 0xg 0b2 1e 1ex 0X4D", " w1a w0x w0xg w0b2 w1e w1ex w0X4D"},
        {"1e5FROM", " !"},
        {"1.5FROM", " !"},
        {"0x4DFROM", " w0x4DFROM"},
        {"t.1e5 t.5 t.5.6a t .5", " wt o. w1e5 wt o. w5 wt o. w5 o. w6a wt d.5"},
        {"`t`.5", " nt d.5"},
        {"t.x'4D' t.n'a'", " wt o. wx s4D wt o. wn sa"},
        {"a<=>b->>c->d:=e<=f>=g<>h!=i<<j>>k&&l||m",
         " wa o<=> wb o->> wc o-> wd o:= we o<= wf o>= wg o<> wh o!= wi o<< wj o>> wk o&& wl o|| wm"},
        {"a=-1", " wa o= o- d1"},
        {"a--1", " wa o- o- d1"},
        {"(*),;?", " o( o* o) o, o; p?"},
        {"{}[]^~|&!:%\\", " o{ o} o[ o] o^ o~ o| o& o! o: o% o\\"},
        {"$a $$", " o$ wa o$ o$"},
        {"@a @`b c` @'d' @\"e\" @@f @@g.h @ @@", " v@a v@`b c` v@'d' v@\"e\" v@@f v@@g.h v@ v@@"},
        {"u@h u@'h'", " wu v@h wu v@'h'"},
        {"@`no end", " !"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_tokens(cases[i].text, (struct lex_modes){0}, cases[i].want);
}

static void strings_and_names_end_where_the_servers_end_them(void **state) {
    (void)state;
    const struct lex_modes plain = {0};
    const struct lex_modes ansi = {.ansi_quotes = true};
    const struct lex_modes backslashes = {.no_backslash_escapes = true};
    check_tokens("'a''b' \"c\"\"d\" `e``f`", plain, " sa''b sc\"\"d ne``f");
    check_tokens("'a\\'b' \"c\\\"d\" `e\\` x", plain, " sa\\'b sc\\\"d ne\\ wx");
    check_tokens("'a\\\\' b", plain, " sa\\\\ wb");
    check_tokens("'a\\' b", plain, " !");
    check_tokens("'a\\' b", backslashes, " sa\\ wb");
    check_tokens("'a\\''b' c", backslashes, " sa\\''b wc");
    check_tokens("\"a\" 'b'", ansi, " na sb");
    check_tokens("\"a\\\" b", ansi, " na\\ wb");
    check_tokens("N'a' n'b' x'4D' X'' b'01' B'1'", plain, " sa sb s4D s s01 s1");
    check_tokens("N 'a' N\"a\" x\"4D\" _utf8'a'", plain, " wN sa wN sa wx s4D w_utf8 sa");
    check_tokens("x'4'", plain, " !");
    check_tokens("x'4G'", plain, " !");
    check_tokens("b'2'", plain, " !");
    check_tokens("'", plain, " !");
    check_tokens("'a''", plain, " !");
    check_tokens("'a\\", plain, " !");
    check_tokens("``", plain, " !");
    check_tokens("\"\"", ansi, " !");
    check_tokens("\"\"", plain, " s");
    check_tokens("''", plain, " s");
    check_tokens("'0123456789abcdef0123' x", plain, " s0123456789abcdef0123 wx");
    check_tokens("'0123456789abcdef\\'0123' x", plain, " s0123456789abcdef\\'0123 wx");
    check_tokens("'0123456789abcdef0123456789abcdef\\'''\\\\' x", plain,
                 " s0123456789abcdef0123456789abcdef\\'''\\\\ wx");
}

static void comments_are_white_space(void **state) {
    (void)state;
    const struct lex_modes plain = {0};
    check_tokens("a/* b */c -- d\ne # f\ng", plain, " wa wc we wg");
    check_tokens("a --", plain, " wa");
    check_tokens("a -- ", plain, " wa");
    check_tokens("a --\x01 b\nc", plain, " wa wc");
    check_tokens("a --b", plain, " wa o- o- wb");
    check_tokens("a /**/ b /***/ c /*/*/ d", plain, " wa wb wc wd");
    check_tokens("a /* /* */ b", plain, " wa wb");
    check_tokens("a /* b", plain, " wa !");
    check_tokens("a /*/", plain, " wa !");
    check_tokens("a /* ' */ b", plain, " wa wb");
    check_tokens("'/*' a '*/'", plain, " s/* wa s*/");
    check_tokens("a # b", plain, " wa");
    check_tokens("a / * b", plain, " wa o/ o* wb");
}

static struct lexer read_all(struct slice text, struct lex_modes modes) {
    struct lexer lexer;
    lex_start(&lexer, text, modes);
    for (;;) {
        enum lex_kind kind = lex_next(&lexer).kind;
        if (kind == LEX_END || kind == LEX_BAD)
            return lexer;
    }
}

static void code_in_comments_is_told(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool executable;
        bool separator;
    } cases[] = {
        {"a /* b */", false, false},
        {"a /*! b */", true, false},
        {"/*!50000 b; c */", true, true},
        {"/*M! b */", true, false},
        {"/*m!100100 ; */", true, true},
        {"a /* ! */", false, false},
        {"/*+ MAX(1) */", false, false},
        {"/*+ SET_VAR(a=1) */", true, false},
        {"/*+ set_var(a=1) */", true, false},
        {"/*+ Resource_Group(x) */", true, false},
        {"/*+ QB_NAME(`a`) */", true, false},
        {"'/*! */'", false, false},
        {"-- /*! */", false, false},
        {"/*!*/", true, false},
        {"/*Mx*/", false, false},
        {"/**/", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lexer lexer = read_all(slice_of(cases[i].text), (struct lex_modes){0});
        if (lexer.executable_comment != cases[i].executable || lexer.hidden_separator != cases[i].separator)
            fail_msg("%s", cases[i].text);
    }
}

static void what_depends_on_modes_and_charsets_is_told(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool unsafe;
        bool mode_dependent;
        bool charset_dependent;
    } cases[] = {
        {"a 'b' `c`", false, false, false},   {"\"a\"", false, true, false},
        {"'a\\n'", false, true, false},       {"'\"'", false, false, false},
        {"/* \" \\ */", false, false, false}, {"`\"\\`", false, false, false},
        {"'\xe4'", false, false, false},      {"'\xe4'", true, false, true},
        {"/* \xe4 */", false, false, false},  {"/* \xe4 */", true, false, true},
        {"a\xe4", false, false, true},        {"`a\xe4`", false, false, true},
        {"@\xe4", false, false, true},        {"@\"a\"", false, true, false},
        {"'a'", true, false, false},          {"\xa0", false, false, true},
        {"1\xe4", false, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lexer lexer =
            read_all(slice_of(cases[i].text), (struct lex_modes){.multibyte_unsafe = cases[i].unsafe});
        if (lexer.mode_dependent != cases[i].mode_dependent ||
            lexer.charset_dependent != cases[i].charset_dependent)
            fail_msg("case %zu", i);
    }
    struct lexer lexer = read_all(slice_of("'a\\'"), (struct lex_modes){.no_backslash_escapes = true});
    assert_true(lexer.mode_dependent);
}

static void a_nul_byte_is_data_in_literals_only(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t length;
        bool whole;
    } cases[] = {
        {"'a\0b'", 5, true},  {"\"\0\"", 3, true}, {"'\\\0'", 4, true},    {"a\0", 2, false},
        {"\0", 1, false},     {"`a\0`", 4, false}, {"/* \0 */", 7, false}, {"-- \0\n", 5, false},
        {"# \0\n", 4, false}, {"1\0", 2, false},   {"@a\0", 3, false},     {"a -- b\n\0", 8, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lexer lexer = read_all((struct slice){cases[i].text, cases[i].length}, (struct lex_modes){0});
        if (lexer.bad == cases[i].whole)
            fail_msg("case %zu", i);
    }
}

static void behind_bad_text_everything_is_bad(void **state) {
    (void)state;
    struct lexer lexer;
    lex_start(&lexer, slice_of("a 'b; c"), (struct lex_modes){0});
    assert_int_equal(lex_next(&lexer).kind, LEX_WORD);
    for (int i = 0; i < 3; i++)
        assert_int_equal(lex_next(&lexer).kind, LEX_BAD);
    lex_start(&lexer, (struct slice){NULL, 0}, (struct lex_modes){.multibyte_unsafe = true});
    assert_int_equal(lex_next(&lexer).kind, LEX_END);
    assert_int_equal(lex_next(&lexer).kind, LEX_END);
}

static void words_compare_without_regard_to_case(void **state) {
    (void)state;
    assert_true(slice_equals_word(slice_of("Select"), "SELECT"));
    assert_false(slice_equals_word(slice_of("Selec"), "SELECT"));
    assert_false(slice_equals_word(slice_of("Selects"), "SELECT"));
    assert_true(slice_equals_word(slice_of(""), ""));
    assert_false(slice_equals_word((struct slice){"A\0B", 3}, "A"));
    assert_false(slice_equals_word((struct slice){"A\0", 2}, "A"));
}

static void charsets_with_ascii_bytes_inside_are_unsafe(void **state) {
    (void)state;
    static const char *const unsafe[] = {"gbk",   "GBK",     "big5",  "sjis", "cp932",    "gb18030",  "ucs2",
                                         "utf16", "utf16le", "utf32", "swe7", "filename", "nonsense", ""};
    static const char *const safe[] = {"utf8mb4", "UTF8MB4", "utf8",   "utf8mb3", "latin1",
                                       "ascii",   "binary",  "latin2", "cp1251",  "koi8r",
                                       "euckr",   "gb2312",  "ujis",   "eucjpms", "tis620"};
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
        if (!lex_charset_is_unsafe(slice_of(unsafe[i])))
            fail_msg("%s", unsafe[i]);
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        if (lex_charset_is_unsafe(slice_of(safe[i])))
            fail_msg("%s", safe[i]);
}

static void sql_mode_says_how_to_read(void **state) {
    (void)state;
    static const struct {
        const char *mode;
        struct lex_modes want;
    } cases[] = {
        {"", {0}},
        {"STRICT_TRANS_TABLES,NO_ZERO_DATE", {0}},
        {"ANSI_QUOTES", {.ansi_quotes = true}},
        {"REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ANSI", {.ansi_quotes = true}},
        {"ansi", {.ansi_quotes = true}},
        {"NO_BACKSLASH_ESCAPES", {.no_backslash_escapes = true}},
        {" no_backslash_escapes , ansi_quotes ", {.ansi_quotes = true, .no_backslash_escapes = true}},
        {"ORACLE", {.ansi_quotes = true, .foreign_grammar = true}},
        {"MSSQL", {.ansi_quotes = true, .foreign_grammar = true}},
        {"POSTGRESQL", {.ansi_quotes = true}},
        {"DB2,", {.ansi_quotes = true}},
        {"MAXDB", {.ansi_quotes = true}},
        {"ANSI_QUOTE", {0}},
        {",,", {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lex_modes got = lex_modes_of_sql_mode(slice_of(cases[i].mode));
        if (memcmp(&got, &cases[i].want, sizeof got) != 0)
            fail_msg("%s", cases[i].mode);
    }
    assert_false(lex_modes_of_sql_mode((struct slice){NULL, 0}).ansi_quotes);
}

/* Lists of plain literals: passed over at once, or not at all. */

static bool skip_behind_parenthesis(struct lexer *lexer, const char *text, bool rows) {
    lex_start(lexer, slice_of(text), (struct lex_modes){0});
    struct token token = lex_next(lexer);
    assert_int_equal(token.byte, '(');
    return rows ? lex_skip_rows(lexer) : lex_skip_literals(lexer);
}

static void plain_lists_are_passed_over(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool rows;
        const char *rest; /* NULL: it isn't plain */
    } cases[] = {
        {"(1)", false, ""},
        {"( 'a' , -2.50,null\t,'it''s \\' so' ) x", false, " x"},
        {"('12345678','1234567','123456789 123456789 123456789 123456789')+1", false, "+1"},
        {"('1234567\\'','1234567''','\\\\')", false, ""},
        {"('a(b),)')", false, ""},
        {"(1.,'a'),(2)", false, ",(2)"},
        {"('k','v'),\n('k2', NULL) , (-3,'') ON", true, " ON"},
        {"('k','v'),('k2', f(1)),('k3',1)", true, ",('k2', f(1)),('k3',1)"},
        {"('k','v'),", true, ","},
        {"('k','v'), ('k2'", true, ", ('k2'"},
        {"()", true, NULL},
        {"(,)", true, NULL},
        {"(1", true, NULL},
        {"('a", true, NULL},
        {"('a'')", true, NULL},
        {"('a\\')", true, NULL},
        {"('a' 'b')", true, NULL},
        {"('a'b)", true, NULL},
        {"(N'a')", true, NULL},
        {"(NULLS)", true, NULL},
        {"(nul)", true, NULL},
        {"(\"a\")", true, NULL},
        {"(1e5)", true, NULL},
        {"(0x41)", true, NULL},
        {"(1.5.2)", true, NULL},
        {"(1a)", true, NULL},
        {"(--1)", true, NULL},
        {"(-)", true, NULL},
        {"(+1)", true, NULL},
        {"(- 1)", true, NULL},
        {"(1/**/)", true, NULL},
        {"(?)", true, NULL},
        {"((1))", true, NULL},
        {"(1;)", true, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lexer lexer;
        bool skipped = skip_behind_parenthesis(&lexer, cases[i].text, cases[i].rows);
        const char *rest = skipped ? lexer.next : NULL;
        if (!rest != !cases[i].rest || (rest && strcmp(rest, cases[i].rest) != 0))
            fail_msg("%s\n    want %s\n    got  %s", cases[i].text,
                     cases[i].rest ? cases[i].rest : "(not plain)", rest ? rest : "(not plain)");
        assert_int_equal(lexer.mode_dependent, skipped && strchr(cases[i].text, '\\'));
    }
}

static bool is_plain(const struct token *token) {
    return token->kind == LEX_STRING || token->kind == LEX_NUMBER ||
           (token->byte && strchr(",-()", token->byte)) ||
           (token->kind == LEX_WORD && slice_equals_word(token->text, "NULL"));
}

/* Over texts of odd pieces: what is passed over would have been read as plain tokens, with the same notes
 * taken; else nothing has happened. */
static void what_is_passed_over_reads_the_same_word_by_word(void **state) {
    (void)state;
    static const char *const pieces[] = {"'",         "''",
                                         "\\",        "\\'",
                                         "'a'",       "'1234567",
                                         "'12345678", ",",
                                         ",",         ",",
                                         "),(",       ")",
                                         " ",         "1",
                                         "-",         "-2",
                                         ".",         "12",
                                         "NULL",      "n",
                                         "\"",        "x",
                                         "?",         "/*",
                                         "*/",        "#",
                                         "\n",        "'k'",
                                         "'v'",       "(",
                                         "@",         "\x80",
                                         "e5",        "0x",
                                         "'\\n",      "'\\",
                                         "_a",        ";",
                                         "`",         "'',",
                                         "1,",        ")",
                                         "'v'",       "','",
                                         "1),",       " 'longer than sixteen bytes, and than thirty-two'"};
    enum { TEXTS = 200000, PIECES = sizeof pieces / sizeof *pieces };
    unsigned random = 1;
    size_t skips = 0;
    for (int i = 0; i < TEXTS; i++) {
        char text[1024] = "(";
        for (unsigned count = 1 + (random >> 16) % 12; count > 0; count--) {
            random = random * 1103515245 + 12345;
            strcat(text, pieces[(random >> 16) % PIECES]);
        }
        strcat(text, i % 2 ? ")" : "");
        struct lex_modes modes = {.no_backslash_escapes = i % 3 == 0, .multibyte_unsafe = i % 5 == 0};
        struct lexer start, skipping, reading;
        lex_start(&start, slice_of(text), modes);
        lex_next(&start);
        skipping = reading = start;
        bool skipped = i % 7 < 3 ? lex_skip_literals(&skipping) : lex_skip_rows(&skipping);
        if (!skipped) {
            assert_memory_equal(&skipping, &start, sizeof start);
            continue;
        }
        skips++;
        while (reading.next < skipping.next) {
            struct token token = lex_next(&reading);
            if (!is_plain(&token))
                fail_msg("%s: passed over %.*s", text, (int)token.text.length, token.text.at);
        }
        bool same = reading.next == skipping.next && reading.mode_dependent == skipping.mode_dependent &&
                    reading.charset_dependent == skipping.charset_dependent && !reading.bad &&
                    !reading.executable_comment && !reading.hidden_separator;
        if (!same)
            fail_msg("%s: passed over to %s, read to %s", text, skipping.next, reading.next);
    }
    assert_true(skips > TEXTS / 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_lists_are_passed_over),
        cmocka_unit_test(what_is_passed_over_reads_the_same_word_by_word),
        cmocka_unit_test(words_numbers_and_operators_are_told_apart),
        cmocka_unit_test(strings_and_names_end_where_the_servers_end_them),
        cmocka_unit_test(comments_are_white_space),
        cmocka_unit_test(code_in_comments_is_told),
        cmocka_unit_test(what_depends_on_modes_and_charsets_is_told),
        cmocka_unit_test(a_nul_byte_is_data_in_literals_only),
        cmocka_unit_test(behind_bad_text_everything_is_bad),
        cmocka_unit_test(words_compare_without_regard_to_case),
        cmocka_unit_test(charsets_with_ascii_bytes_inside_are_unsafe),
        cmocka_unit_test(sql_mode_says_how_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
