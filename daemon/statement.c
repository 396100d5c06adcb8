#include "statement.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct statement *statement, size_t more) {
    if (statement->used + more < statement->room)
        return true;
    size_t room = statement->room ? 2 * statement->room : 512;
    while (room <= statement->used + more)
        room *= 2;
    char *at = realloc(statement->at, room);
    if (!at) {
        statement->failed = true;
        return false;
    }
    statement->at = at;
    statement->room = room;
    return true;
}

void statement_write(struct statement *statement, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !make_room(statement, (size_t)length + 1))
        return;
    va_start(arguments, format);
    vsnprintf(statement->at + statement->used, statement->room - statement->used, format, arguments);
    va_end(arguments);
    statement->used += (size_t)length;
}

void statement_write_name(struct statement *statement, const char *name) {
    if (!make_room(statement, 2 * strlen(name) + 3))
        return;
    char *to = statement->at + statement->used;
    *to++ = '`';
    for (; *name; name++) {
        if (*name == '`')
            *to++ = '`';
        *to++ = *name;
    }
    *to++ = '`';
    *to = '\0';
    statement->used = (size_t)(to - statement->at);
}

void statement_clear(struct statement *statement) {
    statement->used = 0;
    statement->failed = false;
    if (statement->at)
        statement->at[0] = '\0';
}

void statement_free(struct statement *statement) {
    free(statement->at);
    *statement = (struct statement){0};
}
