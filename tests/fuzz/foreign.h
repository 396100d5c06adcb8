/* What the targets share that are asked by nobody but strangers: servers' answers made of the input, and what
 * must be true of each statement that is sent to a server.
 *
 * An answer is lines, ended by a line ---: its first line names columns, each further one is a row; tabs
 * stand between values, and \N is a NULL. A first column of the name !CODE makes it a refusal with that error
 * number, of ! alone no answer at all. */
#ifndef ROUNDABOUT_FUZZ_FOREIGN_H
#define ROUNDABOUT_FUZZ_FOREIGN_H

#include "../../daemon/server.h"

#include <stdint.h>

enum { FOREIGN_ANSWERS_MAX = 48, FOREIGN_COLUMNS_MAX = 32, FOREIGN_ROWS_MAX = 24 };

struct server_rows {
    size_t column_count, row_count;
    const char *columns[FOREIGN_COLUMNS_MAX];
    const char *values[FOREIGN_ROWS_MAX][FOREIGN_COLUMNS_MAX];
};

/* The clock, which goes on by 10 ms with each look at it. */
extern int64_t foreign_now_ms;

/* Takes the answers out of the text, which is changed, and must live as long as they are used. */
void foreign_read(char *text);

/* The next answer, in a circle, that has this column, whose name is static; NULL: the next one of any columns.
 * Each column has a circle of its own. The result is NULL where there is none. */
struct server_rows *foreign_take(const char *column);

/* How an answer ends. */
struct server_answer foreign_ends(const struct server_rows *rows);

/* Outside of quotes there is nothing that ends a statement, or hides the rest of it; else abort(). */
void foreign_want_one_statement(const char *sql);

#endif
