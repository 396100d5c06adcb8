/* Statements from a file, to be sent again. Two forms are read, and told apart by the file itself:
 *
 * - the general log of MariaDB or MySQL: its Query and Execute entries, and Init DB as USE; what one logged
 * connection said makes one request, in its order;
 * - one statement a line; empty lines and those that begin with # or -- are left out, a ; at the end too. */
#ifndef LOAD_REPLAY_H
#define LOAD_REPLAY_H

#include <stdbool.h>
#include <stddef.h>

struct replay_statement {
    const char *at;
    size_t length;
};

/* Statements first to first + count - 1. */
struct replay_request {
    size_t first, count;
};

struct replay {
    char *file; /* the statements point into it */
    struct replay_statement *statements;
    size_t statement_count;
    struct replay_request *requests;
    size_t request_count;
    bool general_log;
};

/* False: *why says why, in `why_size` bytes; nothing is to be freed then. per_request: lines that make a
 * request. */
bool replay_load(struct replay *replay, const char *path, long per_request, char *why, size_t why_size);
/* The same of a text in memory, which is taken over (by malloc; zero-terminated). */
bool replay_read(struct replay *replay, char *text, long per_request, char *why, size_t why_size);
void replay_free(struct replay *replay);

#endif
