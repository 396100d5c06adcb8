/* The classifier under arbitrary text: it stays inside the text, and says the same of one statement however
 * it is spelled, however it is asked. The first bytes of an input choose the session, the rest is the text.
 *
 *   - every slice of a summary lies inside the text; SET is read to its end
 *   - asked with a filter or without, a statement is routed or it isn't
 *   - while the session isn't known, what is said to be routed under no answer of main's is routed under none
 *   - other white space, comments in its place, and other letters' case, change nothing */
#include "../../shim/route.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config_table pages[] = {{"shop", "cache"},
                                      {"shop", "cache_*"},
                                      {"shop", "page_?"},
                                      {"other", "cache"}};
static struct config_table apps[] = {{"app", "*"}};
static struct config_group groups[] = {
    {.name = "pages",
     .tables = pages,
     .table_count = 4,
     .statements = CONFIG_REPLACE | CONFIG_SELECT,
     .transactions = CONFIG_FOLLOW,
     .mode = CONFIG_ROUTE},
    {.name = "apps",
     .tables = apps,
     .table_count = 1,
     .statements = CONFIG_REPLACE | CONFIG_SELECT | CONFIG_INSERT | CONFIG_UPDATE | CONFIG_DELETE,
     .transactions = CONFIG_IMMEDIATE,
     .mode = CONFIG_ROUTE},
};
static const struct config narrow = {.groups = groups, .group_count = 1};
static const struct config wide = {.groups = groups, .group_count = 2};

static void fail(const char *claim, struct slice text) {
    fprintf(stderr, "%s:\n", claim);
    fwrite(text.at, 1, text.length, stderr);
    fputc('\n', stderr);
    abort();
}

static void want_inside(struct slice part, struct slice text, const char *what) {
    if (part.length && (part.at < text.at || part.length > text.length ||
                        (size_t)(part.at - text.at) > text.length - part.length))
        fail(what, text);
}

static void check_slices(const struct sql_summary *summary, struct slice text, struct lex_modes modes) {
    if (summary->table_count > SQL_TABLES_MAX)
        fail("too many tables", text);
    for (size_t i = 0; i < summary->table_count; i++) {
        want_inside(summary->tables[i].table, text, "a table outside the text");
        want_inside(summary->tables[i].database, text, "a database outside the text");
    }
    want_inside(summary->rest, text, "a rest outside the text");
    if (summary->verb == SQL_USE || summary->verb == SQL_SAVEPOINT)
        want_inside(summary->name, text, "a name outside the text");
    if (summary->verb != SQL_SET)
        return;
    struct slice left = summary->name;
    struct sql_assignment assignment;
    bool understood = true;
    for (size_t i = 0; sql_next_assignment(&left, modes, &assignment, &understood); i++) {
        want_inside(assignment.text, text, "an assignment outside the text");
        want_inside(assignment.value, text, "a value outside the text");
        if (i > text.length)
            fail("assignments without end", text);
    }
}

static bool is_routed(struct slice text, const struct route_session *session, const struct config *config) {
    struct sql_summary summary;
    return route_text(text, session, config, &summary).reason == ROUTE_ROUTED;
}

static bool is_space(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f' || byte == '\v';
}

/* The same statement with other white space where there is some between two words, and with all words in one
 * case (the names of a WITH may differ by case alone). NULL: it can't be cut into words. */
static char *respell(struct slice text, struct lex_modes modes, bool upper, unsigned turn) {
    static const char spaces[] = {'\n', '\t', ' ', '\r'};
    char *copy = malloc(text.length + 1);
    struct lexer lexer;
    const char *before = text.at;
    memcpy(copy, text.at, text.length);
    lex_start(&lexer, text, modes);
    for (;;) {
        struct token token = lex_next(&lexer);
        if (token.kind == LEX_BAD) {
            free(copy);
            return NULL;
        }
        bool blank = true;
        for (const char *at = before; at < token.from; at++)
            blank &= is_space(*at);
        for (const char *at = before; blank && at < token.from; at++)
            copy[at - text.at] = spaces[turn++ % sizeof spaces];
        if (token.kind == LEX_END)
            return copy;
        const bool number_like = token.text.length && *token.text.at == '0'; /* 0X4 is a name, 0x4 a number */
        const bool named = (token.kind == LEX_WORD && !number_like) || token.kind == LEX_NAME;
        for (const char *at = token.text.at; named && at < token.text.at + token.text.length; at++)
            if ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z'))
                copy[at - text.at] = (char)(upper ? *at & ~0x20 : *at | 0x20);
        before = lexer.next;
    }
}

/* The same statement with a comment wherever there is white space between two words. NULL: as above. */
static char *comment(struct slice text, struct lex_modes modes, unsigned turn, size_t *length) {
    static const char *const blanks[] = {"/**/", " /* a ' ` \" ; */ ", " -- '\n", "#`\n", "\t/* /* -- */\n"};
    char *copy = malloc(20 * text.length + 20);
    struct lexer lexer;
    const char *before = text.at;
    *length = 0;
    lex_start(&lexer, text, modes);
    for (;;) {
        struct token token = lex_next(&lexer);
        if (token.kind == LEX_BAD) {
            free(copy);
            return NULL;
        }
        bool blank = before < token.from;
        for (const char *at = before; at < token.from; at++)
            blank &= is_space(*at);
        struct slice gap = {before, (size_t)(token.from - before)};
        if (blank)
            gap.length = strlen(gap.at = blanks[turn++ % (sizeof blanks / sizeof blanks[0])]);
        memcpy(copy + *length, gap.at, gap.length);
        *length += gap.length;
        if (token.kind == LEX_END)
            return copy;
        memcpy(copy + *length, token.from, (size_t)(lexer.next - token.from));
        *length += (size_t)(lexer.next - token.from);
        before = lexer.next;
    }
}

static void check_comments(struct slice text, const struct route_session *session, const struct config *config,
                           bool routed, unsigned turn) {
    size_t length;
    char *commented = comment(text, session->modes, turn, &length);
    if (commented && is_routed((struct slice){commented, length}, session, config) != routed) {
        fprintf(stderr, "with comments: %.*s\n", (int)length, commented);
        fail(routed ? "comments stop it" : "comments let it through", text);
    }
    free(commented);
}

static void check_spellings(struct slice text, const struct route_session *session,
                            const struct config *config, bool routed, unsigned turn) {
    char *lower = respell(text, session->modes, false, turn);
    char *upper = respell(text, session->modes, true, turn / 4);
    if (lower && upper) {
        const bool lower_routed = is_routed((struct slice){lower, text.length}, session, config);
        const bool upper_routed = is_routed((struct slice){upper, text.length}, session, config);
        if (lower_routed != upper_routed || (routed && !lower_routed)) {
            fprintf(stderr, "the other spelling: %.*s\n", (int)text.length, lower_routed ? lower : upper);
            fail("two spellings, two decisions", text);
        }
    }
    free(lower);
    free(upper);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    const unsigned flags = data[0];
    struct slice text = {(const char *)data + 2, size - 2};
    const struct config *config = flags & 1 ? &wide : &narrow;
    struct route_session session = {.known = true,
                                    .database = {"shop", 4},
                                    .database_known = true,
                                    .fold_case = true,
                                    .modes = {.ansi_quotes = flags & 2,
                                              .no_backslash_escapes = flags & 4,
                                              .multibyte_unsafe = flags & 8,
                                              .foreign_grammar = flags & 16},
                                    .in_transaction = flags & 32};
    if (flags & 64)
        session.database = (struct slice){"", 0};

    struct sql_summary whole;
    sql_summarize(text, session.modes, NULL, &whole);
    check_slices(&whole, text, session.modes);

    const bool routed = is_routed(text, &session, config);
    if (routed != (route_decide(&whole, text.length, &session, config).reason == ROUTE_ROUTED))
        fail("a filter decides otherwise", text);

    if (routed) {
        struct route_session unknown = {.database = session.database,
                                        .database_known = true,
                                        .modes = session.modes};
        struct sql_summary summary;
        if (route_text(text, &unknown, config, &summary).reason != ROUTE_SESSION_UNKNOWN)
            fail("main would not have been asked", text);
    }

    check_spellings(text, &session, config, routed, data[1]);
    check_comments(text, &session, config, routed, data[1]);
    return 0;
}
