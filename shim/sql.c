#include "sql.h"

#include <stdint.h>
#include <string.h>

#include "sql_read.h"

static struct slice to_last(const struct reader *reader, const char *from) {
    return (struct slice){from, from < reader->last_end ? (size_t)(reader->last_end - from) : 0};
}

static bool at_end(const struct reader *reader) {
    return reader->token.kind == LEX_END || reader_at_operator(reader, ';');
}

/* Statements that are no cache statements: each reader gets the token behind the first word, and gives the
 * verb. */

static enum sql_verb read_begin(struct reader *reader) {
    reader_take_word(reader, "WORK");
    return at_end(reader) ? SQL_BEGIN : SQL_OPAQUE; /* BEGIN NOT ATOMIC ... */
}

static enum sql_verb read_start(struct reader *reader) {
    if (!reader_take_word(reader, "TRANSACTION"))
        return SQL_IMPLICIT_COMMIT; /* START SLAVE, START GROUP_REPLICATION */
    while (!at_end(reader)) {
        if (reader_take(reader, KEYWORD_WITH)) {
            if (!reader_take_word(reader, "CONSISTENT") || !reader_take_word(reader, "SNAPSHOT"))
                return SQL_OPAQUE;
            reader->summary->consistent_snapshot = true;
        } else if (reader_take(reader, KEYWORD_READ)) {
            reader->summary->read_only = reader_take_word(reader, "ONLY");
            reader->summary->read_write = !reader->summary->read_only && reader_take(reader, KEYWORD_WRITE);
            if (!reader->summary->read_only && !reader->summary->read_write)
                return SQL_OPAQUE;
        } else {
            return SQL_OPAQUE;
        }
        if (!reader_take_operator(reader, ',') && !at_end(reader))
            return SQL_OPAQUE;
    }
    return SQL_BEGIN;
}

/* A name to its end, as the whole rest of the statement. */
static enum sql_verb read_last_name(struct reader *reader, enum sql_verb verb) {
    reader->summary->name = reader->token.text;
    return reader_take_any_name(reader) && at_end(reader) ? verb : SQL_OPAQUE;
}

/* [WORK] [AND [NO] CHAIN] [[NO] RELEASE] */
static enum sql_verb read_end(struct reader *reader, enum sql_verb verb) {
    reader_take_word(reader, "WORK");
    if (verb == SQL_ROLLBACK && reader_take(reader, KEYWORD_TO)) {
        const struct token *next = reader_peek(reader);
        if (next->kind == LEX_WORD || next->kind == LEX_NAME)
            reader_take_word(reader, "SAVEPOINT");
        return read_last_name(reader, SQL_ROLLBACK_TO);
    }
    if (reader_take(reader, KEYWORD_AND)) {
        reader->summary->no_chain = reader_take_word(reader, "NO");
        reader->summary->chain = !reader->summary->no_chain;
        if (!reader_take_word(reader, "CHAIN"))
            return SQL_OPAQUE;
    }
    bool no = reader_take_word(reader, "NO");
    if (reader_take(reader, KEYWORD_RELEASE)) {
        reader->summary->release = !no;
        reader->summary->no_release = no;
    }
    return at_end(reader) ? verb : SQL_OPAQUE;
}

static enum sql_verb read_commit(struct reader *reader) {
    return read_end(reader, SQL_COMMIT);
}

static enum sql_verb read_rollback(struct reader *reader) {
    return read_end(reader, SQL_ROLLBACK);
}

static enum sql_verb read_savepoint(struct reader *reader) {
    return read_last_name(reader, SQL_SAVEPOINT);
}

static enum sql_verb read_release(struct reader *reader) {
    return reader_take_word(reader, "SAVEPOINT") ? read_last_name(reader, SQL_RELEASE_SAVEPOINT)
                                                 : SQL_UNKNOWN;
}

static enum sql_verb read_use(struct reader *reader) {
    return read_last_name(reader, SQL_USE);
}

static enum sql_verb read_set(struct reader *reader) {
    enum sql_verb verb = SQL_SET;
    const char *from = reader->token.from;
    if (reader_at_word(reader, "STATEMENT")) {
        verb = SQL_OPAQUE; /* SET STATEMENT x = 1 FOR any statement */
    } else if (reader_at_word(reader, "ROLE")) {
        verb = SQL_SET_ROLE;
    } else if (reader_at_word(reader, "TRANSACTION")) {
        verb = SQL_SET_TRANSACTION;
    } else if (reader_at_word(reader, "RESOURCE")) {
        const struct token *next = reader_peek(reader);
        if (next->kind == LEX_WORD && slice_equals_word(next->text, "GROUP"))
            verb = SQL_OTHER;
    }
    while (!at_end(reader) && reader->token.kind != LEX_BAD) {
        if (verb == SQL_SET_ROLE && reader_at_operator(reader, '='))
            verb = SQL_SET; /* MariaDB: SET ROLE x, y = 1 */
        reader_advance(reader);
    }
    if (reader->token.kind == LEX_BAD)
        reader->last_end = reader->lexer.end;
    if (verb == SQL_SET || verb == SQL_SET_ROLE)
        reader->summary->name = to_last(reader, from);
    return verb;
}

static bool take_table_word(struct reader *reader) {
    return reader_take(reader, KEYWORD_TABLE) || reader_take_word(reader, "TABLES");
}

static enum sql_verb read_lock(struct reader *reader) {
    if (take_table_word(reader))
        return SQL_LOCK_TABLES;
    return reader_at_word(reader, "INSTANCE") ? SQL_OTHER : SQL_UNKNOWN;
}

static enum sql_verb read_unlock(struct reader *reader) {
    if (take_table_word(reader))
        return SQL_UNLOCK_TABLES;
    return reader_at_word(reader, "INSTANCE") ? SQL_OTHER : SQL_UNKNOWN;
}

/* FLUSH TABLES ... WITH READ LOCK and FLUSH TABLES a, b FOR EXPORT hold locks. */
static enum sql_verb read_flush(struct reader *reader) {
    if (!reader_take(reader, KEYWORD_NO_WRITE_TO_BINLOG))
        reader_take_word(reader, "LOCAL");
    if (!take_table_word(reader))
        return SQL_IMPLICIT_COMMIT;
    while (!at_end(reader) && reader->token.kind != LEX_BAD) {
        if (reader_take(reader, KEYWORD_WITH) || reader_take(reader, KEYWORD_FOR))
            return SQL_LOCK_TABLES;
        reader_advance(reader);
    }
    return SQL_IMPLICIT_COMMIT;
}

static enum sql_verb read_xa(struct reader *reader) {
    reader->summary->name = reader->token.text;
    return reader->token.kind == LEX_WORD ? SQL_XA : SQL_OPAQUE;
}

static bool take_table_or_sequence(struct reader *reader) {
    return take_table_word(reader) || reader_take_word(reader, "SEQUENCE");
}

/* Temporary tables and, in MariaDB, sequences hide permanent tables of their name. */
static enum sql_verb read_create(struct reader *reader) {
    if (reader_take(reader, KEYWORD_OR))
        reader_take(reader, KEYWORD_REPLACE);
    if (!reader_take_word(reader, "TEMPORARY"))
        return SQL_IMPLICIT_COMMIT;
    if (!take_table_or_sequence(reader))
        return SQL_CREATE_TEMPORARY;
    if (reader_take(reader, KEYWORD_IF)) {
        reader_take(reader, KEYWORD_NOT);
        reader_take(reader, KEYWORD_EXISTS);
    }
    struct sql_table table;
    if (reader_table_name(reader, &table))
        reader_note_table(reader, &table);
    return SQL_CREATE_TEMPORARY;
}

static enum sql_verb read_drop(struct reader *reader) {
    if (reader_at_word(reader, "PREPARE"))
        return SQL_OTHER;
    reader->summary->temporary = reader_take_word(reader, "TEMPORARY");
    if (!take_table_or_sequence(reader))
        return SQL_IMPLICIT_COMMIT;
    if (reader_take(reader, KEYWORD_IF))
        reader_take(reader, KEYWORD_EXISTS);
    struct sql_table table;
    while (reader_table_name(reader, &table) && reader_note_table(reader, &table) &&
           reader_take_operator(reader, ','))
        continue;
    return SQL_DROP_TABLE;
}

/* ANALYZE TABLE, and MariaDB's ANALYZE [FORMAT = JSON] of a statement. */
static enum sql_verb read_analyze(struct reader *reader) {
    bool maintains = reader->keyword == KEYWORD_NO_WRITE_TO_BINLOG || reader_at_word(reader, "LOCAL") ||
                     take_table_word(reader);
    return maintains ? SQL_IMPLICIT_COMMIT : SQL_OTHER;
}

static enum sql_verb read_reset(struct reader *reader) {
    return reader_at_word(reader, "PERSIST") ? SQL_OTHER : SQL_IMPLICIT_COMMIT;
}

/* ALTER and RENAME can give a temporary table another name. */
static enum sql_verb read_renaming(struct reader *reader) {
    reader->summary->renames = true;
    return SQL_IMPLICIT_COMMIT;
}

static enum sql_verb read_load(struct reader *reader) {
    return reader->keyword == KEYWORD_INDEX ? SQL_IMPLICIT_COMMIT : SQL_OTHER;
}

static enum sql_verb read_show(struct reader *reader) {
    if (reader_take_word(reader, "COUNT")) {
        bool star = reader_take_operator(reader, '(') && reader_take_operator(reader, '*') &&
                    reader_take_operator(reader, ')');
        if (!star)
            return SQL_OTHER;
    }
    bool diagnostics = reader_take_word(reader, "WARNINGS") || reader_take_word(reader, "ERRORS");
    return diagnostics && reader_limit(reader) && at_end(reader) ? SQL_DIAGNOSTICS : SQL_OTHER;
}

static enum sql_verb read_get(struct reader *reader) {
    reader_take_word(reader, "CURRENT");
    if (!reader_take_word(reader, "DIAGNOSTICS"))
        return SQL_OTHER;
    if (reader_take_word(reader, "CONDITION")) {
        if (reader->token.kind != LEX_NUMBER)
            return SQL_OTHER;
        reader_advance(reader);
    }
    const char *from = reader->token.from;
    do {
        struct slice name = reader->token.text;
        if (reader->token.kind != LEX_VARIABLE || name.length < 2 || name.at[1] == '@')
            return SQL_OTHER;
        reader_advance(reader);
        if (!reader_take_operator(reader, '=') || reader->token.kind != LEX_WORD)
            return SQL_OTHER;
        reader_advance(reader);
    } while (reader_take_operator(reader, ','));
    if (!at_end(reader))
        return SQL_OTHER;
    reader->summary->name = (struct slice){from, (size_t)(reader->last_end - from)};
    return SQL_GET_DIAGNOSTICS;
}

static const struct {
    const char *word;
    enum sql_verb verb;
    enum sql_verb (*read)(struct reader *reader); /* NULL: the word alone settles it */
} STATEMENTS[] = {
    {"SET", SQL_SET, read_set},
    {"COMMIT", SQL_COMMIT, read_commit},
    {"ROLLBACK", SQL_ROLLBACK, read_rollback},
    {"BEGIN", SQL_BEGIN, read_begin},
    {"START", SQL_BEGIN, read_start},
    {"SHOW", SQL_OTHER, read_show},
    {"USE", SQL_USE, read_use},
    {"SAVEPOINT", SQL_SAVEPOINT, read_savepoint},
    {"RELEASE", SQL_RELEASE_SAVEPOINT, read_release},
    {"LOCK", SQL_LOCK_TABLES, read_lock},
    {"UNLOCK", SQL_UNLOCK_TABLES, read_unlock},
    {"FLUSH", SQL_IMPLICIT_COMMIT, read_flush},
    {"XA", SQL_XA, read_xa},
    {"CREATE", SQL_IMPLICIT_COMMIT, read_create},
    {"DROP", SQL_IMPLICIT_COMMIT, read_drop},
    {"ANALYZE", SQL_IMPLICIT_COMMIT, read_analyze},
    {"RESET", SQL_IMPLICIT_COMMIT, read_reset},
    {"LOAD", SQL_OTHER, read_load},
    {"CALL", SQL_OPAQUE, NULL},
    {"EXECUTE", SQL_OPAQUE, NULL},
    {"DO", SQL_OPAQUE, NULL},
    {"HANDLER", SQL_OPAQUE, NULL},
    {"BINLOG", SQL_OPAQUE, NULL},
    {"PREPARE", SQL_OTHER, NULL},
    {"DEALLOCATE", SQL_OTHER, NULL},
    {"EXPLAIN", SQL_OTHER, NULL},
    {"DESCRIBE", SQL_OTHER, NULL},
    {"DESC", SQL_OTHER, NULL},
    {"KILL", SQL_OTHER, NULL},
    {"HELP", SQL_OTHER, NULL},
    {"PURGE", SQL_OTHER, NULL},
    {"CHECKSUM", SQL_OTHER, NULL},
    {"TABLE", SQL_OTHER, NULL},
    {"VALUES", SQL_OTHER, NULL},
    {"GET", SQL_OTHER, read_get},
    {"SIGNAL", SQL_OTHER, NULL},
    {"RESIGNAL", SQL_OTHER, NULL},
    {"ALTER", SQL_IMPLICIT_COMMIT, read_renaming},
    {"BACKUP", SQL_IMPLICIT_COMMIT, NULL},
    {"CACHE", SQL_IMPLICIT_COMMIT, NULL},
    {"CHANGE", SQL_IMPLICIT_COMMIT, NULL},
    {"CHECK", SQL_IMPLICIT_COMMIT, NULL},
    {"GRANT", SQL_IMPLICIT_COMMIT, NULL},
    {"IMPORT", SQL_IMPLICIT_COMMIT, NULL},
    {"INSTALL", SQL_IMPLICIT_COMMIT, NULL},
    {"OPTIMIZE", SQL_IMPLICIT_COMMIT, NULL},
    {"RENAME", SQL_IMPLICIT_COMMIT, read_renaming},
    {"REPAIR", SQL_IMPLICIT_COMMIT, NULL},
    {"RESTART", SQL_IMPLICIT_COMMIT, NULL},
    {"REVOKE", SQL_IMPLICIT_COMMIT, NULL},
    {"SHUTDOWN", SQL_IMPLICIT_COMMIT, NULL},
    {"STOP", SQL_IMPLICIT_COMMIT, NULL},
    {"TRUNCATE", SQL_IMPLICIT_COMMIT, NULL},
    {"UNINSTALL", SQL_IMPLICIT_COMMIT, NULL},
};

static __attribute__((noinline)) enum sql_verb read_other_statement(struct reader *reader) {
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; i++) {
        if (!reader_take_word(reader, STATEMENTS[i].word))
            continue;
        return STATEMENTS[i].read ? STATEMENTS[i].read(reader) : STATEMENTS[i].verb;
    }
    return SQL_UNKNOWN;
}

/* FOUND_ROWS(), ROW_COUNT(), @@warning_count or @@error_count. */
static bool take_diagnostic(struct reader *reader) {
    static const char *const variables[] = {"@@WARNING_COUNT",         "@@ERROR_COUNT",
                                            "@@SESSION.WARNING_COUNT", "@@SESSION.ERROR_COUNT",
                                            "@@LOCAL.WARNING_COUNT",   "@@LOCAL.ERROR_COUNT"};
    if (reader->token.kind == LEX_VARIABLE) {
        for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
            if (slice_equals_word(reader->token.text, variables[i])) {
                reader_advance(reader);
                return true;
            }
        return false;
    }
    return (reader_take_word(reader, "FOUND_ROWS") || reader_take_word(reader, "ROW_COUNT")) &&
           reader_take_operator(reader, '(') && reader_take_operator(reader, ')');
}

/* The byte behind SELECT says of nearly every statement that it is none of these. */
static bool may_be_diagnostics(const struct reader *reader) {
    const char *at = reader->end;
    while (at < reader->lexer.end && *at == ' ')
        at++;
    return at < reader->lexer.end && memchr("FfRr@/-#\n\t\r", *at, 11);
}

/* The reader stands at SELECT, and stays there if it is another SELECT. */
static __attribute__((noinline)) bool read_diagnostics(struct reader *reader) {
    const struct token *first = reader_peek(reader);
    if (first->kind != LEX_VARIABLE &&
        !(first->kind == LEX_WORD &&
          (slice_equals_word(first->text, "FOUND_ROWS") || slice_equals_word(first->text, "ROW_COUNT"))))
        return false;
    struct reader ahead = *reader;
    reader_advance(&ahead);
    do {
        if (!take_diagnostic(&ahead) || !reader_alias(&ahead, true))
            return false;
    } while (reader_take_operator(&ahead, ','));
    if (!at_end(&ahead))
        return false;
    *reader = ahead;
    return true;
}

static bool read_cache_statement(struct reader *reader) {
    switch (reader->summary->verb) {
    case SQL_REPLACE:
    case SQL_INSERT:
        return reader_insert(reader);
    case SQL_UPDATE:
        return reader_update(reader);
    case SQL_DELETE:
        return reader_delete(reader);
    default:
        if (reader_query(reader))
            return true;
        if (reader->keyword == KEYWORD_UPDATE || reader->keyword == KEYWORD_DELETE) /* WITH ... UPDATE */
            reader->summary->verb = reader->keyword == KEYWORD_UPDATE ? SQL_UPDATE : SQL_DELETE;
        return false;
    }
}

static enum sql_verb cache_verb(const struct reader *reader) {
    switch (reader->keyword) {
    case KEYWORD_SELECT:
    case KEYWORD_WITH:
        return SQL_SELECT;
    case KEYWORD_REPLACE:
        return SQL_REPLACE;
    case KEYWORD_INSERT:
        return SQL_INSERT;
    case KEYWORD_UPDATE:
        return SQL_UPDATE;
    case KEYWORD_DELETE:
        return SQL_DELETE;
    default:
        return reader_at_operator(reader, '(') ? SQL_SELECT : SQL_UNKNOWN;
    }
}

static bool is_cache_verb(enum sql_verb verb) {
    return verb >= SQL_SELECT && verb <= SQL_DELETE;
}

static bool may_name_table(const struct sql_filter *filter, struct slice text) {
    return !filter || !filter->possible || filter->possible(filter->context, text);
}

static bool is_settled(const struct sql_filter *filter, enum sql_verb verb, struct slice text) {
    if (!filter)
        return false;
    return !(filter->verbs & 1u << verb) || (verb != SQL_REPLACE && !may_name_table(filter, text));
}

/* What can't be read matters only if it may name a table of interest. */
static __attribute__((cold)) void note_not_understood(struct reader *reader, struct slice text) {
    bool unasked = reader->summary->verb == SQL_REPLACE && reader->summary->table_count == 0;
    if (unasked && !may_name_table(reader->filter, text))
        reader->stopped = true;
    else
        reader_tie(reader, SQL_NOT_UNDERSTOOD);
}

/* Sets the verb. */
static void read_statement(struct reader *reader, const struct sql_filter *filter, struct slice text) {
    struct sql_summary *summary = reader->summary;
    summary->verb = cache_verb(reader);
    if (summary->verb == SQL_SELECT && reader->keyword == KEYWORD_SELECT && may_be_diagnostics(reader) &&
        read_diagnostics(reader)) {
        summary->verb = SQL_DIAGNOSTICS;
    } else if (is_cache_verb(summary->verb)) {
        reader->filter = filter;
        if (is_settled(filter, summary->verb, text))
            reader->stopped = true;
        else if (!read_cache_statement(reader) && !reader->stopped)
            note_not_understood(reader, text);
        summary->stopped_early = reader->stopped;
    } else if (at_end(reader)) {
        summary->verb = SQL_NOTHING;
    } else {
        summary->verb = read_other_statement(reader);
    }
}

/* Whether a ; stands in what is left with anything but white space behind it. */
static bool may_have_another(const char *from, const char *end) {
    const char *at = memchr(from, ';', (size_t)(end - from));
    if (!at)
        return false;
    for (at++; at < end; at++)
        if (*at != ' ' && *at != '\n' && *at != '\r' && *at != '\t')
            return true;
    return false;
}

/* Up to the end or a ;, and what stands behind that. */
static __attribute__((noinline)) void read_rest(struct reader *reader, const char *from) {
    struct sql_summary *summary = reader->summary;
    const struct lexer *lexer = &reader->lexer;
    while (!at_end(reader) && reader->token.kind != LEX_BAD)
        reader_advance(reader);
    if (reader->token.kind == LEX_OPERATOR) {
        summary->rest = (struct slice){reader->end, (size_t)(lexer->end - reader->end)};
        struct lexer ahead = *lexer; /* comments behind the ; are the next statement's */
        ahead.next = reader->end;
        ahead.executable_comment = false;
        struct token next = lex_next(&ahead);
        if (next.kind == LEX_END && !ahead.executable_comment)
            summary->rest = (struct slice){NULL, 0};
        else
            reader_tie(reader, SQL_MULTI_STATEMENT);
    } else if (reader->token.kind == LEX_BAD) {
        reader_tie(reader, SQL_NOT_UNDERSTOOD);
        from = reader->token.from;
        if (memchr(from, ';', (size_t)(lexer->end - from)))
            summary->verb = SQL_OPAQUE; /* what can't be cut into words may be several statements */
    }
}

/* The rest of the text, once what was to be read is read: is there another statement? */
static void read_what_follows(struct reader *reader) {
    struct sql_summary *summary = reader->summary;
    const struct lexer *lexer = &reader->lexer;
    if (!at_end(reader) && !summary->stopped_early && is_cache_verb(summary->verb))
        reader_tie(reader, SQL_NOT_UNDERSTOOD);
    const char *from = reader->token.from;
    bool done = summary->stopped_early ? !may_have_another(from, lexer->end) : reader->token.kind == LEX_END;
    if (!done)
        read_rest(reader, from);
}

/* The verb of a text that begins with it, letter by letter, and a blank; SQL_UNKNOWN: it begins otherwise, or
 * may be a question about diagnostics. */
static enum sql_verb plain_verb(struct slice text) {
    static const struct {
        char word[7];
        enum sql_verb verb;
    } verbs[] = {{"select", SQL_SELECT},
                 {"insert", SQL_INSERT},
                 {"update", SQL_UPDATE},
                 {"delete", SQL_DELETE}};
    uint64_t start = 0, word;
    if (text.length < 8 || text.at[6] != ' ')
        return SQL_UNKNOWN;
    memcpy(&start, text.at, 6);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        word = 0;
        memcpy(&word, verbs[i].word, 6);
        uint64_t letters = 0;
        memset(&letters, 0x20,
               6); /* or'ed to a letter it makes it small; to any other byte, no letter of a verb */
        if ((start | letters) == word)
            return verbs[i].verb == SQL_SELECT && memchr("FfRr@/-#\n\t\r ", text.at[7], 12) ? SQL_UNKNOWN
                                                                                            : verbs[i].verb;
    }
    return SQL_UNKNOWN;
}

/* Most statements are settled by how they begin: these needn't be cut into words. What is left in the summary
 * is what the reader would leave. *possible: what the filter has said of the text. */
static bool is_settled_at_once(struct slice text, struct lex_modes modes, const struct sql_filter *filter,
                               struct sql_summary *summary, bool *possible) {
    enum sql_verb verb = modes.multibyte_unsafe || modes.foreign_grammar ? SQL_UNKNOWN : plain_verb(text);
    if (verb == SQL_UNKNOWN)
        return false;
    *possible = !is_settled(filter, verb, text);
    if (*possible || may_have_another(text.at, text.at + text.length))
        return false;
    summary->verb = verb;
    summary->stopped_early = true;
    summary->has_result = verb == SQL_SELECT;
    return true;
}

void sql_summarize(struct slice text, struct lex_modes modes, const struct sql_filter *filter,
                   struct sql_summary *summary) {
    struct reader reader;
    struct sql_filter asked;
    bool possible = false;
    memset(summary, 0, offsetof(struct sql_summary, tables));
    if (filter && is_settled_at_once(text, modes, filter, summary, &possible))
        return;
    if (possible) { /* once is enough */
        asked = *filter;
        asked.possible = NULL;
        filter = &asked;
    }
    reader_start(&reader, text, modes, summary);
    bool code_first = reader.lexer.executable_comment;
    bool select_first = reader.keyword == KEYWORD_SELECT;
    read_statement(&reader, filter, text);
    read_what_follows(&reader);

    const struct lexer *lexer = &reader.lexer;
    if (lexer->executable_comment) {
        summary->ties |= SQL_EXECUTABLE_COMMENT;
        if (code_first || lexer->hidden_separator || !is_cache_verb(summary->verb))
            summary->verb = SQL_OPAQUE; /* to some servers it is another statement than it seems */
    }
    if (lexer->charset_dependent)
        summary->ties |= SQL_CHARSET;
    if (modes.foreign_grammar)
        summary->ties |= SQL_NOT_UNDERSTOOD;
    if (summary->verb == SQL_GET_DIAGNOSTICS && summary->ties & (SQL_CHARSET | SQL_NOT_UNDERSTOOD))
        summary->verb = SQL_OTHER;
    if (summary->verb == SQL_DIAGNOSTICS && summary->ties)
        summary->verb = select_first ? SQL_SELECT : SQL_OTHER;
    summary->mode_dependent = lexer->mode_dependent;
    bool whole = !summary->stopped_early && !(summary->ties & (SQL_NOT_UNDERSTOOD | SQL_EXECUTABLE_COMMENT));
    summary->no_tables = whole && summary->table_count == 0;
    summary->has_result |=
        (summary->verb == SQL_SELECT && !(summary->ties & SQL_INTO)) || summary->verb == SQL_DIAGNOSTICS;
}

const char *sql_verb_name(enum sql_verb verb) {
    static const char *const names[] = {
        [SQL_NOTHING] = "NOTHING",
        [SQL_SELECT] = "SELECT",
        [SQL_REPLACE] = "REPLACE",
        [SQL_INSERT] = "INSERT",
        [SQL_UPDATE] = "UPDATE",
        [SQL_DELETE] = "DELETE",
        [SQL_BEGIN] = "START TRANSACTION",
        [SQL_COMMIT] = "COMMIT",
        [SQL_ROLLBACK] = "ROLLBACK",
        [SQL_SAVEPOINT] = "SAVEPOINT",
        [SQL_ROLLBACK_TO] = "ROLLBACK TO SAVEPOINT",
        [SQL_RELEASE_SAVEPOINT] = "RELEASE SAVEPOINT",
        [SQL_SET] = "SET",
        [SQL_SET_TRANSACTION] = "SET TRANSACTION",
        [SQL_SET_ROLE] = "SET ROLE",
        [SQL_USE] = "USE",
        [SQL_LOCK_TABLES] = "LOCK TABLES",
        [SQL_UNLOCK_TABLES] = "UNLOCK TABLES",
        [SQL_XA] = "XA",
        [SQL_CREATE_TEMPORARY] = "CREATE TEMPORARY TABLE",
        [SQL_DROP_TABLE] = "DROP TABLE",
        [SQL_IMPLICIT_COMMIT] = "IMPLICIT COMMIT",
        [SQL_OPAQUE] = "OPAQUE",
        [SQL_DIAGNOSTICS] = "DIAGNOSTICS",
        [SQL_GET_DIAGNOSTICS] = "GET DIAGNOSTICS",
        [SQL_OTHER] = "OTHER",
        [SQL_UNKNOWN] = "UNKNOWN",
    };
    return names[verb];
}
