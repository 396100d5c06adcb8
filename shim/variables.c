#define _GNU_SOURCE
#include "variables.h"

#include "handle.h"
#include "local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than these are left behind: a GET DIAGNOSTICS has some ten items. */
enum { VARIABLES_MAX = 32 };

struct variables {
    struct local *local; /* who has them */
    size_t count;
    struct {
        char *name; /* as written, from the @ on */
        bool number;
    } one[VARIABLES_MAX];
};

void variables_forget(struct handle *handle, const struct local *local) {
    struct variables *variables = handle->variables;
    if (!variables || (local && variables->local != local)) {
        return;
    }
    for (size_t i = 0; i < variables->count; i++) {
        free(variables->one[i].name);
    }
    free(variables);
    handle->variables = NULL;
}

static bool is_number(struct slice item) {
    return slice_equals_word(item, "NUMBER") || slice_equals_word(item, "ROW_COUNT") ||
           slice_equals_word(item, "MYSQL_ERRNO");
}

/* Its place; variables->count: it isn't there. */
static size_t find(const struct variables *variables, struct slice name) {
    size_t i = 0;
    while (i < variables->count &&
           !slice_same((struct slice){variables->one[i].name, strlen(variables->one[i].name)}, name)) {
        i++;
    }
    return i;
}

static void note_one(struct variables *variables, struct slice name, bool number) {
    size_t i = find(variables, name);
    if (i == variables->count) {
        char *copy = i < VARIABLES_MAX ? strndup(name.at, name.length) : NULL;
        if (!copy) {
            return;
        }
        variables->one[i].name = copy;
        variables->count++;
    }
    variables->one[i].number = number;
}

/* Takes the next variable from assignments, with what it is given. */
static bool next_assignment(struct lexer *lexer, struct slice *name, struct slice *item) {
    struct token first = lex_next(lexer);
    *name = first.text;
    lex_next(lexer); /* = */
    *item = lex_next(lexer).text;
    lex_next(lexer); /* , */
    return first.kind == LEX_VARIABLE;
}

void variables_drop(struct handle *handle, struct slice assignments) {
    struct variables *variables = handle->variables;
    struct lexer lexer;
    struct slice name, item;
    if (!variables) {
        return;
    }
    lex_start(&lexer, assignments, handle->session.route.modes);
    while (next_assignment(&lexer, &name, &item)) {
        size_t i = find(variables, name);
        if (i < variables->count) {
            free(variables->one[i].name);
            variables->one[i] = variables->one[--variables->count];
        }
    }
    if (variables->count == 0) {
        variables_forget(handle, NULL);
    }
}

void variables_note(struct handle *handle, struct local *local, struct slice assignments) {
    if (handle->variables && handle->variables->local != local) {
        variables_return(handle);
    }
    if (!handle->variables) {
        handle->variables = calloc(1, sizeof *handle->variables);
    }
    if (!handle->variables) {
        return;
    }
    handle->variables->local = local;
    struct lexer lexer;
    struct slice name, item;
    lex_start(&lexer, assignments, handle->session.route.modes);
    while (next_assignment(&lexer, &name, &item)) {
        note_one(handle->variables, name, is_number(item));
    }
}

static void write_value(FILE *out, const char *value, bool number) {
    if (!value) {
        fputs("NULL", out);
    } else if (number && value[strspn(value, "-0123456789")] == '\0') {
        fputs(value, out);
    } else { /* as the servers' own words are: byte for byte, whatever the connection's character set */
        fputs("_utf8mb3 x'", out);
        for (; *value; value++) {
            fprintf(out, "%02x", (unsigned char)*value);
        }
        fputs("' COLLATE utf8mb3_general_ci", out);
    }
}

/* "SELECT FOUND_ROWS(), @a, @b" to the shadow, or "SET @a = ..., @b = ..." of its answer. NULL: no memory. */
static char *write_text(const struct variables *variables, MYSQL_ROW row, size_t *length) {
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    if (!out) {
        return NULL;
    }
    for (size_t i = 0; i < variables->count; i++) {
        bool as_bytes = !row && !variables->one[i].number;
        fputs(i > 0 ? ", " : row ? "SET " : "SELECT FOUND_ROWS(), ", out);
        fprintf(out, as_bytes ? "CAST(CONVERT(%s USING utf8mb3) AS BINARY)" : "%s", variables->one[i].name);
        if (row) {
            fputs(" = ", out);
            write_value(out, row[i], variables->one[i].number);
        }
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

void variables_return(struct handle *handle) {
    struct variables *variables = handle->variables;
    const struct real *real = handle->real;
    bool busy = handle->busy;
    int kept_errno = errno;
    size_t length = 0;
    char *text = write_text(variables, NULL, &length);
    bool keeps_found_rows = handle->found == variables->local->mysql;
    handle->busy = true;
    if (text && local_is_usable(variables->local) && local_say(variables->local, text, length)) {
        MYSQL_RES *result = real->mysql_store_result(variables->local->mysql);
        MYSQL_ROW row = result ? real->mysql_fetch_row(result) : NULL;
        free(text);
        text = row ? write_text(variables, row + 1, &length) : NULL;
        if (row && row[0] && keeps_found_rows) { /* this SELECT's own comes in its place */
            handle->kept_found_rows = strtoull(row[0], NULL, 10);
            handle->found = NULL;
        }
        if (text) {
            real->mysql_real_query(handle->main, text, length);
        }
        if (result) {
            real->mysql_free_result(result);
        }
    }
    free(text);
    variables_forget(handle, NULL);
    handle->busy = busy;
    errno = kept_errno;
}
