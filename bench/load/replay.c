#define _GNU_SOURCE
#include "replay.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An entry of a general log: when, by which connection, what it was, and its text, which may go on over
 * lines. */
struct entry {
    unsigned long connection;
    size_t order; /* in the file */
    bool is_use;
    char *at;
    size_t length;
};

struct entries {
    struct entry *at;
    size_t count, size;
};

static struct entry *add_entry(struct entries *entries) {
    if (entries->count == entries->size) {
        size_t larger = entries->size ? entries->size * 2 : 256;
        struct entry *moved = realloc(entries->at, larger * sizeof *moved);
        if (!moved) {
            return NULL;
        }
        entries->at = moved;
        entries->size = larger;
    }
    entries->at[entries->count] = (struct entry){.order = entries->count};
    return &entries->at[entries->count++];
}

static char *skip_blanks(char *at) {
    return at + strspn(at, " ");
}

/* "ID COMMAND\tTEXT", behind the time. NULL: the line begins no entry. */
static char *read_entry_head(char *line, unsigned long *connection, char **command) {
    char *at = line;
    if (*at == '\t') { /* the same second as the entry before: two tabs in its place */
        at += strspn(at, "\t");
    } else if (isdigit((unsigned char)*at)) { /* "261123 12:00:00\t" or "2026-11-23T12:00:00.000000Z\t" */
        size_t digits = strspn(at, "0123456789-:.TZ+ ");
        if (digits < 15 || at[digits] != '\t') {
            return NULL;
        }
        at += digits + 1;
    } else {
        return NULL;
    }
    char *end;
    at = skip_blanks(at);
    *connection = strtoul(at, &end, 10);
    if (end == at || *end != ' ') {
        return NULL;
    }
    *command = end + 1;
    return strpbrk(*command, "\t\n");
}

/* The whole file as a general log. False: out of memory. */
static bool read_log(char *text, struct entries *entries) {
    struct entry *open = NULL; /* of the last line; NULL: of a kind that isn't replayed */
    for (char *line = text, *next; *line; line = next) {
        char *line_end = line + strcspn(line, "\n");
        next = *line_end ? line_end + 1 : line_end;
        unsigned long connection;
        char *command;
        char *head_end = read_entry_head(line, &connection, &command);
        if (!head_end) {
            if (open) { /* the statement goes on */
                open->length = (size_t)(line_end - open->at);
            }
            continue;
        }
        bool is_use = strncmp(command, "Init DB\t", 8) == 0;
        open = NULL;
        if (is_use || strncmp(command, "Query\t", 6) == 0 || strncmp(command, "Execute\t", 8) == 0) {
            open = add_entry(entries);
            if (!open) {
                return false;
            }
            open->connection = connection;
            open->is_use = is_use;
            open->at = head_end + 1;
            open->length = (size_t)(line_end - open->at);
        }
    }
    return true;
}

/* An entry without a text would be sent as whatever stands behind it: Connector/C measures a text of length 0
 * itself. */
static void drop_empty(struct entries *entries) {
    size_t kept = 0;
    for (size_t i = 0; i < entries->count; i++) {
        if (entries->at[i].length > 0) {
            entries->at[kept++] = entries->at[i];
        }
    }
    entries->count = kept;
}

static bool is_left_out(const char *line, size_t length) {
    return length == 0 || line[0] == '#' || (length >= 2 && line[0] == '-' && line[1] == '-');
}

static bool read_lines(char *text, struct entries *entries) {
    for (char *line = text, *next; *line; line = next) {
        size_t length = strcspn(line, "\n");
        next = line[length] ? line + length + 1 : line + length;
        while (length > 0 && isspace((unsigned char)*line)) {
            line++;
            length--;
        }
        while (length > 0 && (isspace((unsigned char)line[length - 1]) || line[length - 1] == ';')) {
            length--;
        }
        if (is_left_out(line, length)) {
            continue;
        }
        struct entry *entry = add_entry(entries);
        if (!entry) {
            return false;
        }
        entry->at = line;
        entry->length = length;
    }
    return true;
}

static int by_connection(const void *one, const void *other) {
    const struct entry *a = one, *b = other;
    return a->connection != b->connection ? (a->connection > b->connection) - (a->connection < b->connection)
                                          : (a->order > b->order) - (a->order < b->order);
}

/* "Init DB\tNAME" becomes "USE NAME" where it stands: the word before the name is longer. */
static void make_use(struct entry *entry) {
    entry->at -= 4;
    entry->length += 4;
    memcpy(entry->at, "USE ", 4);
}

static bool take_over(struct replay *replay, struct entries *entries, long per_request) {
    replay->statements = calloc(entries->count, sizeof *replay->statements);
    replay->requests = calloc(entries->count, sizeof *replay->requests);
    if (!replay->statements || !replay->requests) {
        return false;
    }
    for (size_t i = 0; i < entries->count; i++) {
        struct entry *entry = &entries->at[i];
        if (entry->is_use) {
            make_use(entry);
        }
        replay->statements[i] = (struct replay_statement){entry->at, entry->length};
        bool begins = replay->general_log ? i == 0 || entry->connection != entries->at[i - 1].connection
                                          : i % (size_t)per_request == 0;
        if (begins) {
            replay->requests[replay->request_count++].first = i;
        }
        replay->requests[replay->request_count - 1].count++;
    }
    replay->statement_count = entries->count;
    return true;
}

/* A line that a server writes at the head of its log, or one that can only be an entry. */
static bool looks_like_log(char *text) {
    for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        unsigned long connection;
        char *command;
        if (read_entry_head(line, &connection, &command)) {
            return true;
        }
    }
    return false;
}

bool replay_read(struct replay *replay, char *text, long per_request, char *why, size_t why_size) {
    struct entries entries = {NULL, 0, 0};
    *replay = (struct replay){.file = text, .general_log = looks_like_log(text)};
    bool read = replay->general_log ? read_log(text, &entries) : read_lines(text, &entries);
    drop_empty(&entries);
    if (read && replay->general_log && entries.count) {
        qsort(entries.at, entries.count, sizeof *entries.at, by_connection);
    }
    if (!read || (entries.count && !take_over(replay, &entries, per_request))) {
        snprintf(why, why_size, "out of memory");
    } else if (entries.count == 0) {
        snprintf(why, why_size, "no statement in it");
    } else {
        free(entries.at);
        return true;
    }
    free(entries.at);
    replay_free(replay);
    return false;
}

bool replay_load(struct replay *replay, const char *path, long per_request, char *why, size_t why_size) {
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t length = 0, size = 0;
    if (!file) {
        snprintf(why, why_size, "%s", strerror(errno));
        return false;
    }
    do {
        if (size - length < 2) {
            size = size ? size * 2 : 65536;
            char *larger = realloc(text, size);
            if (!larger) {
                snprintf(why, why_size, "out of memory");
                free(text);
                fclose(file);
                return false;
            }
            text = larger;
        }
        length += fread(text + length, 1, size - length - 1, file);
    } while (!feof(file) && !ferror(file));
    bool failed = ferror(file);
    if (failed) {
        snprintf(why, why_size, "%s", strerror(errno));
    }
    fclose(file);
    text[length] = '\0';
    if (failed || strlen(text) != length) {
        if (!failed) {
            snprintf(why, why_size, "a zero byte in it");
        }
        free(text);
        return false;
    }
    return replay_read(replay, text, per_request, why, why_size);
}

void replay_free(struct replay *replay) {
    free(replay->file);
    free(replay->statements);
    free(replay->requests);
    *replay = (struct replay){.file = NULL};
}
