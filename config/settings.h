/* The one table of settings, as the reader (values.c) follows it. Private to config/: programs see config.h. */
#ifndef ROUNDABOUT_SETTINGS_H
#define ROUNDABOUT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

struct config_setting_t; /* libconfig's */
struct reading;          /* reading.h */

enum kind { GROUP, LIST, TEXT, PATH, NUMBER, SWITCH, WORD, WORDS, TABLES, TEXTS };

struct word {
    const char *name;
    unsigned value;
};

/* One setting. A group's or a list's own settings are the rows whose path continues its path by one word.
 * Values are stored at `offset` of the struct that holds the group, or one item of the list: numbers, words
 * and sets of words as unsigned, switches as bool, strings as char * on the heap, lists as a pointer at `offset` and a size_t
 * at `count_offset`. Reading, defaults, freeing and config_describe() follow from the row; only rules between
 * settings are written out, as `check`. */
struct setting {
    const char *path;
    enum kind kind;
    size_t offset;
    size_t count_offset;      /* LIST, TABLES, TEXTS */
    size_t item_size;         /* LIST, TABLES, TEXTS */
    unsigned lowest, highest; /* NUMBER: of the value; TEXT, PATH: of the length in bytes; LIST, TABLES,
                                 TEXTS, WORDS: of the number of items */
    unsigned fallback;        /* NUMBER, WORD, WORDS; strings and lists have none */
    const struct word *words; /* WORD, WORDS: the values, ended by a NULL name */
    bool required;
    void (*check)(struct reading *reading, const struct config_setting_t *group,
                  void *values); /* GROUP; LIST: each item */
    const char *sentence;
};

extern const struct setting SETTINGS[];
extern const struct setting *const SETTINGS_END;

/* How a kind of value is called. Static texts. */
struct kind_words {
    const char *name; /* in config_describe() */
    const char *form; /* in messages */
    const char *item; /* in messages about one of its items; NULL: it has none */
};
extern const struct kind_words KINDS[];

/* Whether the row is a setting of the group or list at the path `parent`; "" is the top of the file. */
bool setting_is_child_of(const struct setting *row, const char *parent);
/* The last word of a row's path. */
const char *setting_key(const struct setting *row);
/* The row of `key` below `parent`; NULL: there is none. */
const struct setting *setting_find(const char *parent, const char *key);
bool setting_is_stored_as_unsigned(enum kind kind);

/* `parent`'s own values, below it included: all of them get their defaults (the rest of the memory must be zero), or
 * what they own is freed. */
void settings_set_defaults(const char *parent, void *values);
void settings_free(const char *parent, void *values);

/* Appends to a text of `size` bytes that is NUL-terminated and stays so. */
void __attribute__((format(printf, 3, 4))) text_append(char *text, size_t size, const char *format, ...);
/* The names of the words, with `separator` between them. */
void text_append_words(char *text, size_t size, const struct word *words, const char *separator);

/* Rules between the settings of one group, called when the group has been read: rules.c's. They ask the
 * file, not the values: a setting that is there but wrong has had its finding. */
void config_check_local(struct reading *reading, const struct config_setting_t *group, void *values);
void config_check_server(struct reading *reading, const struct config_setting_t *group, void *values);
void config_check_cache_group(struct reading *reading, const struct config_setting_t *group, void *values);
void config_check_login(struct reading *reading, const struct config_setting_t *group, void *values);
void config_check_on_event(struct reading *reading, const struct config_setting_t *group, void *values);
void config_check_ring(struct reading *reading, const struct config_setting_t *group, void *values);

#endif
