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

/* A text that main is about to run: where it asks, among other things, for numbers of a statement that a
 * shadow has run, these are put in. The handle's until the next such text; or the text as it is. */
struct slice question_restate(struct handle *handle, struct slice text, const struct sql_summary *summary);

/* The same text, given once more while the call goes on. */
struct slice question_again(const struct handle *handle, struct slice text);

#endif
