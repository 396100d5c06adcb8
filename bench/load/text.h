/* The texts of a load's own statements, made fast enough to be lost in a statement's time: into one buffer,
 * without printf. */
#ifndef LOAD_TEXT_H
#define LOAD_TEXT_H

#include "keys.h"

#include <stddef.h>

struct text {
    char *at; /* the last one made; not ended by a zero byte */
    size_t length, size;
    char *replace_head, *select_head; /* up to the first key */
    size_t replace_head_length, select_head_length;
    char *filler; /* letters for any value */
    size_t value_size;
    uint64_t written; /* values made so far: no two of a thread are the same */
};

/* A key's name in the table, and room for it. */
enum { KEY_SIZE = 24 };
size_t text_key(char key[KEY_SIZE], uint64_t number);
/* A value of value_size bytes, none of which needs an escape. */
void text_value(struct text *text, char *value, uint64_t salt);

/* False: out of memory. */
bool text_start(struct text *text, const struct options *options);
void text_end(struct text *text);

/* REPLACE INTO table (k, v) VALUES (...), (...): `rows` rows; from `first` on if it isn't KEY_ANY, else
 * drawn. */
#define KEY_ANY UINT64_MAX
void text_replace(struct text *text, struct keys *keys, long rows, uint64_t first);
/* SELECT v FROM table WHERE k = ... */
void text_select(struct text *text, struct keys *keys);

#endif
