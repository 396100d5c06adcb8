#define _GNU_SOURCE
#include "question.h"

#include "broken_pipe.h"
#include "doubt.h"
#include "intercept.h"
#include "local.h"
#include "process.h"
#include "variables.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A shadow that was asked last and is there still: where a diagnostics statement finds its answer. */
static struct local *find_shadow(struct handle *handle, const MYSQL *mysql) {
    for (int i = CONFIG_FOLLOW; i <= CONFIG_IMMEDIATE; i++) {
        struct local *local = handle_shadow(handle, (enum config_transactions)i);
        if (local && local->mysql == mysql) {
            return local;
        }
    }
    return NULL;
}

static bool says(struct slice text, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i + length <= text.length; i++) {
        if (strncasecmp(text.at + i, name, length) == 0) {
            return true;
        }
    }
    return false;
}

/* FOUND_ROWS() is of the last SELECT, ROW_COUNT() of the last statement, warnings and errors of the last that
 * made a list of them. What a SELECT on main has to warn of is known behind its last row only, so it is asked
 * now. */
static const MYSQL *diagnostics_owner(const struct handle *handle, struct slice text) {
    if (says(text, "FOUND_ROWS")) {
        return handle->found;
    }
    bool main_warns = handle->spoke == handle->main && handle->counted == handle->main &&
                      handle->real->mysql_warning_count &&
                      handle->real->mysql_warning_count(handle->main) > 0;
    if (says(text, "ROW_COUNT")) {
        return handle->main_tallied ? handle->main : handle->spoke;
    }
    return main_warns ? handle->main : handle->warned;
}

bool question_is_one(const struct sql_summary *summary) {
    return (summary->verb == SQL_DIAGNOSTICS || summary->verb == SQL_GET_DIAGNOSTICS) &&
           summary->rest.length == 0;
}

/* The count of found rows that a question of the shim's own has wiped, as a text that answers with it (and
 * warns of the function, as MySQL does). The caller's; NULL: no memory. */
static char *write_found_rows(const struct handle *handle, struct slice text, size_t *length) {
    char *changed = NULL;
    FILE *out = open_memstream(&changed, length);
    if (!out) {
        return NULL;
    }
    struct lexer lexer;
    lex_start(&lexer, text, handle->session.route.modes);
    const char *done = text.at;
    struct token token = lex_next(&lexer);
    while (token.kind != LEX_END && token.kind != LEX_BAD) {
        const char *from = token.from;
        bool found = token.kind == LEX_WORD && slice_equals_word(token.text, "FOUND_ROWS");
        token = lex_next(&lexer);
        if (found && token.byte == '(') {
            lex_next(&lexer); /* ) */
            const char *to = lexer.next;
            token = lex_next(&lexer);
            bool named = token.kind != LEX_END && token.byte != ',' && token.byte != ';';
            fwrite(done, 1, (size_t)(from - done), out); /* a text may be longer than an int can say */
            fprintf(out, "CAST(FOUND_ROWS() * 0 + %" PRIu64 " AS SIGNED)", handle->kept_found_rows);
            if (!named) {
                fputs(" AS `", out);
                fwrite(from, 1, (size_t)(to - from), out);
                fputs("`", out);
            }
            done = to;
        }
    }
    fwrite(done, 1, (size_t)(text.at + text.length - done), out);
    if (fclose(out) != 0) {
        free(changed);
        return NULL;
    }
    return changed;
}

static bool asks_for_kept_rows(const struct handle *handle, struct slice text,
                               const struct sql_summary *summary) {
    return !handle->found && summary->verb == SQL_DIAGNOSTICS && says(text, "FOUND_ROWS");
}

bool question_ask_shadow(struct handle *handle, struct slice text, const struct sql_summary *summary,
                         int *result) {
    bool kept = asks_for_kept_rows(handle, text, summary);
    struct local *local =
        kept ? handle_shadow(handle, CONFIG_FOLLOW) : find_shadow(handle, diagnostics_owner(handle, text));
    if (!local || local->pid != process_id() || !doubt_hear_main(handle)) {
        return false;
    }
    size_t length = text.length;
    char *changed = kept ? write_found_rows(handle, text, &length) : NULL;
    struct broken_pipe hold;
    handle->busy = true;
    broken_pipe_hold(&hold);
    *result = local->real->mysql_real_query(local->mysql, changed ? changed : text.at,
                                            changed ? length : text.length);
    broken_pipe_release(&hold);
    handle->busy = false;
    free(changed);
    MYSQL *found = handle->found, *warned = handle->warned;
    bool main_tallied = handle->main_tallied || handle->spoke == handle->main;
    query_end_routed(handle, local, text, *result);
    bool warns = local->real->mysql_warning_count && local->real->mysql_warning_count(local->mysql) > 0;
    handle->main_tallied = main_tallied && summary->verb == SQL_GET_DIAGNOSTICS &&
                           !warns; /* it leaves ROW_COUNT() as it is, unless it couldn't answer */
    if (summary->verb == SQL_GET_DIAGNOSTICS && *result == 0 && !warns) {
        variables_note(handle, local, summary->name);
    }
    bool shows = command_begins_with(text, handle->session.route.modes, "SHOW");
    if (shows && !command_counts_rows(text)) {
        handle->found = found; /* SHOW WARNINGS leaves FOUND_ROWS() as it is */
    }
    if (handle->server.mariadb || shows || summary->verb == SQL_GET_DIAGNOSTICS) {
        handle->warned = warned; /* to MySQL a SELECT makes a new list, even of such things alone */
    }
    return true;
}
