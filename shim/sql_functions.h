/* The white list of functions. */
#ifndef ROUNDABOUT_SQL_FUNCTIONS_H
#define ROUNDABOUT_SQL_FUNCTIONS_H

#include "lex.h"

enum sql_function {
    SQL_FUNCTION_UNKNOWN,  /* not on the list: a stored function, or one that asks or changes the session or
                              the server */
    SQL_FUNCTION_PURE,     /* its value follows from its arguments and from settings that the shim mirrors */
    SQL_FUNCTION_VOLATILE, /* the clock, chance: another value at another time, but as good at one server as
                              at another */
};

/* `spaced`: white space or a comment stands between the name and its parenthesis. Without the sql_mode
 * IGNORE_SPACE some names then mean a stored function, even where a built-in one has the name: those count as
 * unknown. */
enum sql_function sql_function_find(struct slice name, bool spaced);

/* For the test of the list's order: its n-th name, NULL behind the last. */
const char *sql_function_name(size_t n);

#endif
