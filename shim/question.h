/* Statements about the statement before them: SHOW WARNINGS, FOUND_ROWS(), GET DIAGNOSTICS and their like
 * answer where that ran. */
#ifndef ROUNDABOUT_QUESTION_H
#define ROUNDABOUT_QUESTION_H

#include "handle.h"

/* A statement that is nothing but that. */
bool question_is_one(const struct sql_summary *summary);

/* Asks the shadow that ran the statement which it is about. False: main ran it. */
bool question_ask_shadow(struct handle *handle, struct slice text, const struct sql_summary *summary,
                         int *result);

#endif
