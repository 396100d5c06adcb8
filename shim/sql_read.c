#include "sql_read.h"

void reader_start(struct reader *reader, struct slice text, struct lex_modes modes,
                  struct sql_summary *summary) {
    lex_start(&reader->lexer, text, modes);
    reader->filter = NULL;
    reader->summary = summary;
    reader->depth = 0;
    reader->has_ahead = false;
    reader->end = text.at;
    reader->stopped = false;
    reader->volatile_function = false;
    reader->cte_count = 0;
    reader_advance(reader);
}

void reader_advance(struct reader *reader) {
    reader->last_end = reader->end;
    if (reader->has_ahead) {
        reader->token = reader->ahead;
        reader->has_ahead = false;
    } else {
        lex_read(&reader->lexer, &reader->token);
    }
    reader->end = reader->lexer.next;
    reader->keyword = reader->token.kind == LEX_WORD ? keyword_of(reader->token.text) : KEYWORD_NONE;
}

const struct token *reader_peek(struct reader *reader) {
    if (!reader->has_ahead)
        lex_read(&reader->lexer, &reader->ahead);
    reader->has_ahead = true;
    return &reader->ahead;
}

bool reader_at_word(const struct reader *reader, const char *upper_case_word) {
    return reader->token.kind == LEX_WORD && slice_equals_word(reader->token.text, upper_case_word);
}

bool reader_take_word(struct reader *reader, const char *upper_case_word) {
    if (!reader_at_word(reader, upper_case_word))
        return false;
    reader_advance(reader);
    return true;
}

bool reader_at_name(const struct reader *reader) {
    return reader->token.kind == LEX_NAME ||
           (reader->token.kind == LEX_WORD && !keyword_is_reserved(reader->keyword));
}

bool reader_take_any_name(struct reader *reader) {
    if (reader->token.kind != LEX_NAME && reader->token.kind != LEX_WORD)
        return false;
    reader_advance(reader);
    return true;
}

bool reader_names(struct reader *reader) {
    if (!reader_take_operator(reader, '('))
        return false;
    if (reader_take_operator(reader, ')'))
        return true;
    do {
        if (!reader_take_any_name(reader))
            return false;
    } while (reader_take_operator(reader, ','));
    return reader_take_operator(reader, ')');
}

/* Not from so deep that an expression would be too deep there. */
static bool may_skip(const struct reader *reader) {
    return reader_at_operator(reader, '(') && !reader->has_ahead && reader->depth < DEPTH_MAX;
}

static void advance_behind(struct reader *reader) {
    reader->end = reader->lexer.next;
    reader_advance(reader);
}

bool reader_literals(struct reader *reader) {
    bool skipped = may_skip(reader) && lex_skip_literals(&reader->lexer);
    if (skipped)
        advance_behind(reader);
    return skipped;
}

bool reader_literal_rows(struct reader *reader) {
    bool skipped = may_skip(reader) && lex_skip_rows(&reader->lexer);
    if (skipped)
        advance_behind(reader);
    return skipped;
}

void reader_tie(struct reader *reader, enum sql_tie tie) {
    reader->summary->ties |= tie;
}
