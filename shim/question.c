#define _GNU_SOURCE
#include "question.h"

#include "broken_pipe.h"
#include "doubt.h"
#include "intercept.h"
#include "local.h"
#include "process.h"
#include "restate.h"
#include "variables.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

static bool says(struct slice text, const char *upper_case_word) {
    for (; text.length > 0; text.at++, text.length--) {
        if (slice_begins_with(text, upper_case_word)) {
            return true;
        }
    }
    return false;
}

/* FOUND_ROWS() is of the last SELECT, ROW_COUNT() of the last statement, warnings and errors of the last that
 * made a list of them. What a SELECT on main has to warn of is known behind its last row only, so it is asked
 * now. NULL: the number is kept. */
static MYSQL *owner_of(const struct handle *handle, unsigned question) {
    if (question == RESTATE_FOUND) {
        return handle->found;
    }
    if (question == RESTATE_CHANGED) {
        return handle->main_tallied ? handle->main : handle->spoke;
    }
    bool main_warns = handle->spoke == handle->main && handle->counted == handle->main &&
                      handle->real->mysql_warning_count &&
                      handle->real->mysql_warning_count(handle->main) > 0;
    return main_warns ? handle->main : handle->warned;
}

static const unsigned QUESTIONS[] = {RESTATE_FOUND, RESTATE_CHANGED, RESTATE_LISTS};
enum { QUESTION_COUNT = sizeof QUESTIONS / sizeof *QUESTIONS };

/* Who can answer all that a text asks; main, if no one can. */
static MYSQL *diagnostics_owner(const struct handle *handle, struct slice text) {
    unsigned asked = restate_find(text, handle->session.route.modes);
    MYSQL *owner = NULL;
    if (asked == 0) { /* SHOW, GET DIAGNOSTICS */
        return owner_of(handle, says(text, "ROW_COUNT") ? RESTATE_CHANGED : RESTATE_LISTS);
    }
    for (int i = 0; i < QUESTION_COUNT; i++) {
        if (asked & QUESTIONS[i]) {
            MYSQL *one = owner_of(handle, QUESTIONS[i]);
            if (!one || (owner && one != owner)) {
                return handle->main;
            }
            owner = one;
        }
    }
    return owner;
}

bool question_is_one(const struct sql_summary *summary) {
    return (summary->verb == SQL_DIAGNOSTICS || summary->verb == SQL_GET_DIAGNOSTICS) &&
           summary->rest.length == 0;
}

/* The count of found rows was wiped by a question of the shim's own, and is all that is asked. */
static bool asks_for_kept_rows(const struct handle *handle, struct slice text,
                               const struct sql_summary *summary) {
    return !handle->found && summary->verb == SQL_DIAGNOSTICS &&
           restate_find(text, handle->session.route.modes) == RESTATE_FOUND;
}

static char *write_kept_rows(const struct handle *handle, struct slice text, size_t *length) {
    const struct restate_numbers kept = {.known = RESTATE_FOUND, .found = handle->kept_found_rows};
    return restate_write(text, handle->session.route.modes, &kept, length);
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
    char *changed = kept ? write_kept_rows(handle, text, &length) : NULL;
    struct broken_pipe hold;
    handle->busy = true;
    broken_pipe_hold(&hold);
    *result = local->real->mysql_real_query(local->mysql, changed ? changed : text.at,
                                            changed ? length : text.length);
    broken_pipe_release(&hold);
    handle->busy = false;
    free(changed);
    MYSQL *found = handle->found, *warned = handle->warned;
    bool main_tallied = handle->main_tallied || handle->spoke == handle->main, kept_count = !handle->spoke;
    query_end_routed(handle, local, text, *result);
    bool warns = local->real->mysql_warning_count && local->real->mysql_warning_count(local->mysql) > 0;
    handle->main_tallied = main_tallied && summary->verb == SQL_GET_DIAGNOSTICS &&
                           !warns; /* it leaves ROW_COUNT() as it is, unless it couldn't answer */
    if (kept_count && summary->verb == SQL_GET_DIAGNOSTICS && !warns) {
        handle->routing->kept_field_count = 0;
        handle->fields_kept = true;
        handle->spoke = NULL;
    }
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

/* A number of the row; 0: it has none there. */
static uint64_t number_in(MYSQL_ROW row, int column) {
    return row[column] ? strtoull(row[column], NULL, 10) : 0;
}

/* Asks main, or a shadow, for its numbers: `wanted` are put into *numbers. They are gone there then, so that
 * of found rows is kept. On MySQL FOUND_ROWS() makes a list of warnings itself, so it isn't asked together
 * with the lists. */
static void ask_numbers(struct handle *handle, struct local *local, unsigned wanted,
                        struct restate_numbers *numbers) {
    static const char all[] = "SELECT FOUND_ROWS(), ROW_COUNT(), @@warning_count, @@error_count";
    static const char counts[] = "SELECT FOUND_ROWS(), ROW_COUNT(), 0, 0";
    static const char lists[] = "SELECT 0, ROW_COUNT(), @@warning_count, @@error_count";
    const struct real *real = handle->real;
    MYSQL *mysql = local ? local->mysql : handle->main;
    const char *text = !(wanted & RESTATE_LISTS) ? counts : handle->server.mariadb ? all : lists;
    bool busy = handle->busy;
    handle->busy = true;
    if (!local) {
        command_keep_answers(handle);
    } else if (handle->counted == mysql && real->mysql_warning_count) {
        handle->kept_warning_count = real->mysql_warning_count(mysql);
        handle->counted = NULL;
    }
    bool said =
        local ? local_say(local, text, strlen(text)) : real->mysql_real_query(mysql, text, strlen(text)) == 0;
    MYSQL_RES *result = said ? real->mysql_store_result(mysql) : NULL;
    MYSQL_ROW row = result ? real->mysql_fetch_row(result) : NULL;
    if (row) {
        if (handle->found == mysql && text != lists) {
            handle->kept_found_rows = number_in(row, 0);
            handle->found = NULL;
        }
        numbers->found = wanted & RESTATE_FOUND ? number_in(row, 0) : numbers->found;
        numbers->changed = wanted & RESTATE_CHANGED ? (int64_t)number_in(row, 1) : numbers->changed;
        numbers->warnings = wanted & RESTATE_LISTS ? number_in(row, 2) : numbers->warnings;
        numbers->errors = wanted & RESTATE_LISTS ? number_in(row, 3) : numbers->errors;
        numbers->known |= wanted;
    }
    if (result) {
        real->mysql_free_result(result);
    }
    handle->busy = busy;
}

/* Before the text main may be told something else (doubt_before_text): its own numbers would be gone. */
static bool loses_numbers(const struct handle *handle, const struct sql_summary *summary) {
    return summary->verb != SQL_DIAGNOSTICS && (handle->session.doubt || handle->variables) &&
           !command_main_is_busy(handle);
}

/* The numbers that main doesn't have, of those that are asked for. */
static void find_numbers(struct handle *handle, const struct sql_summary *summary, unsigned asked,
                         struct restate_numbers *numbers) {
    if (asked & RESTATE_FOUND) {
        if (!handle->server.mariadb) {
            asked &= ~(unsigned)RESTATE_LISTS; /* they tell of FOUND_ROWS() itself, wherever it is asked */
        }
        if (!handle->found) {
            numbers->found = handle->kept_found_rows;
            numbers->known = RESTATE_FOUND;
            asked &= ~(unsigned)RESTATE_FOUND;
        }
    }
    if (asked & RESTATE_CHANGED && !handle->spoke && !handle->main_tallied) {
        numbers->changed = handle->routing->kept_row_count;
        numbers->known |= RESTATE_CHANGED;
        asked &= ~(unsigned)RESTATE_CHANGED;
    }
    MYSQL *owners[QUESTION_COUNT];
    for (int i = 0; i < QUESTION_COUNT; i++) {
        owners[i] = asked & QUESTIONS[i] ? owner_of(handle, QUESTIONS[i]) : NULL;
    }
    bool loses = loses_numbers(handle, summary);
    for (int i = 0; i < QUESTION_COUNT; i++) {
        struct local *local = owners[i] ? find_shadow(handle, owners[i]) : NULL;
        unsigned wanted = 0;
        for (int j = i; owners[i] && j < QUESTION_COUNT; j++) {
            wanted |= owners[j] == owners[i] ? QUESTIONS[j] : 0;
        }
        bool can_ask = local ? local_is_usable(local) : loses && owners[i] == handle->main;
        if (can_ask && !(numbers->known & wanted)) {
            ask_numbers(handle, local, wanted, numbers);
        }
    }
}

struct slice question_restate(struct handle *handle, struct slice text, const struct sql_summary *summary) {
    bool keeps_some = !handle->found || !handle->spoke;
    struct routing *routing = keeps_some ? handle_make_routing(handle) : handle->routing;
    if (!routing) {
        return text;
    }
    routing->restated_from = (struct slice){NULL, 0};
    bool is_mains = handle->found == handle->main && handle->warned == handle->main &&
                    (handle->main_tallied || handle->spoke == handle->main);
    if (is_mains && !handle->session.doubt && !handle->variables) {
        return text;
    }
    struct lex_modes modes = handle->session.route.modes;
    unsigned asked = restate_find(text, modes);
    if (asked == 0) {
        return text;
    }
    int kept_errno = errno;
    struct restate_numbers numbers = {.known = 0};
    find_numbers(handle, summary, asked, &numbers);
    size_t length;
    char *restated = numbers.known ? restate_write(text, modes, &numbers, &length) : NULL;
    if (restated) {
        free(routing->restated);
        routing->restated = restated;
        routing->restated_length = length;
        routing->restated_from = text;
    }
    errno = kept_errno;
    return question_again(handle, text);
}

struct slice question_again(const struct handle *handle, struct slice text) {
    const struct routing *routing = handle->routing;
    bool restated = routing && routing->restated_from.length > 0 && routing->restated_from.at == text.at &&
                    routing->restated_from.length == text.length;
    return restated ? (struct slice){routing->restated, routing->restated_length} : text;
}
