#define _GNU_SOURCE
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_ROOM = KEY_SIZE + 16, SALT_DIGITS = 16 };

size_t text_key(char key[KEY_SIZE], uint64_t number) {
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    memcpy(key, "key:", 4);
    for (size_t i = 0; i < count; i++) {
        key[4 + i] = digits[count - 1 - i];
    }
    return 4 + count;
}

void text_value(struct text *text, char *value, uint64_t salt) {
    char digits[SALT_DIGITS];
    for (int i = 0; i < SALT_DIGITS; i++) {
        digits[i] = "0123456789abcdef"[salt >> (4 * i) & 15];
    }
    memcpy(value, text->filler, text->value_size);
    memcpy(value, digits, text->value_size < SALT_DIGITS ? text->value_size : SALT_DIGITS);
}

bool text_start(struct text *text, const struct options *options) {
    *text = (struct text){.value_size = (size_t)options->value_size};
    int replace = asprintf(&text->replace_head, "REPLACE INTO %s (%s, %s) VALUES ", options->table,
                           options->key_column, options->value_column);
    int select = asprintf(&text->select_head, "SELECT %s FROM %s WHERE %s = '", options->value_column,
                          options->table, options->key_column);
    if (replace < 0 || select < 0) {
        return false;
    }
    text->replace_head_length = (size_t)replace;
    text->select_head_length = (size_t)select;
    text->size =
        (size_t)(replace + select) + KEY_SIZE + (size_t)options->batch * (text->value_size + ROW_ROOM);
    text->at = malloc(text->size);
    text->filler = malloc(text->value_size);
    if (!text->at || !text->filler) {
        return false;
    }
    for (size_t i = 0; i < text->value_size; i++) {
        text->filler[i] = (char)('a' + i % 26);
    }
    return true;
}

void text_end(struct text *text) {
    free(text->at);
    free(text->filler);
    free(text->replace_head);
    free(text->select_head);
}

void text_replace(struct text *text, struct keys *keys, long rows, uint64_t first) {
    char *at = mempcpy(text->at, text->replace_head, text->replace_head_length);
    for (long row = 0; row < rows; row++) {
        char key[KEY_SIZE];
        size_t length = text_key(key, first == KEY_ANY ? keys_next(keys) : first + (uint64_t)row);
        at = mempcpy(at, row ? ", ('" : "('", row ? 4 : 2);
        at = mempcpy(at, key, length);
        at = mempcpy(at, "', '", 4);
        text_value(text, at, ++text->written ^ keys->state << 24);
        at += text->value_size;
        at = mempcpy(at, "')", 2);
    }
    text->length = (size_t)(at - text->at);
}

void text_select(struct text *text, struct keys *keys) {
    char key[KEY_SIZE];
    char *at = mempcpy(text->at, text->select_head, text->select_head_length);
    at = mempcpy(at, key, text_key(key, keys_next(keys)));
    *at++ = '\'';
    text->length = (size_t)(at - text->at);
}
