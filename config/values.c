#include "values.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "settings.h"
#include "spelling.h"

static void *member_at(void *values, size_t offset) {
    return (char *)values + offset;
}

static void append_places(char *text, size_t size, const char *key) {
    for (const struct setting *row = SETTINGS; row < SETTINGS_END; row++) {
        if (strcmp(setting_key(row), key) != 0)
            continue;
        const char *joint = text[0] ? " or " : "";
        int parent_length = (int)(setting_key(row) - row->path) - 1;
        if (parent_length > 0)
            text_append(text, size, "%sinside %.*s", joint, parent_length, row->path);
        else
            text_append(text, size, "%sat the top of the file, outside all groups", joint);
    }
}

/* The value isn't repeated: it may be a password. */
static void say_unknown(struct reading *reading, const config_setting_t *setting, const char *parent) {
    const char *key = config_setting_name(setting);
    const char *space = parent[0] ? " in " : "";
    char places[256] = "";
    const char *nearest = NULL;
    unsigned least = UINT_MAX;

    append_places(places, sizeof(places), key);
    if (places[0]) {
        reading_say(reading, setting, "misplaced key %s%s%s; it belongs %s", key, space, parent, places);
        return;
    }
    for (const struct setting *row = SETTINGS; row < SETTINGS_END; row++) {
        if (!setting_is_child_of(row, parent))
            continue;
        unsigned distance = config_word_distance(key, setting_key(row));
        if (distance < least) {
            least = distance;
            nearest = setting_key(row);
        }
    }
    if (nearest)
        reading_say(reading, setting, "unknown key %s%s%s; did you mean %s?", key, space, parent, nearest);
    else
        reading_say(reading, setting,
                    "unknown key %s%s%s; remove it, or see roundabout.conf(5) for the keys there are", key,
                    space, parent);
}

static const char *type_in_words(const config_setting_t *setting) {
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "a number";
    case CONFIG_TYPE_FLOAT:
        return "a number with a point";
    case CONFIG_TYPE_STRING:
        return "a string";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    case CONFIG_TYPE_ARRAY:
        return "an array, [ ... ]";
    case CONFIG_TYPE_LIST:
        return "a list, ( ... )";
    case CONFIG_TYPE_GROUP:
        return "a group, { ... }";
    default:
        return "nothing";
    }
}

static void say_wrong_type(struct reading *reading, const struct setting *row,
                           const config_setting_t *setting) {
    bool is_item = config_setting_name(setting) == NULL;

    reading_say(reading, setting, "%s%s is %s; write %s", is_item ? "an item of " : "", row->path,
                type_in_words(setting), is_item ? KINDS[row->kind].item : KINDS[row->kind].form);
}

/* The value isn't repeated: someone may have put the password itself where the name of its file belongs. */
static void read_text(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                      void *values) {
    const char *text = config_setting_get_string(setting);

    if (!text) {
        say_wrong_type(reading, row, setting);
        return;
    }
    size_t length = strlen(text);
    if (length < row->lowest) {
        reading_say(reading, setting, "%s is empty; fill it in, or remove the line", row->path);
    } else if (length > row->highest) {
        reading_say(reading, setting, "%s has %zu bytes; shorten it to at most %u", row->path, length,
                    row->highest);
    } else if (row->kind == PATH && text[0] != '/') {
        reading_say(reading, setting, "%s is a relative path; write the absolute one, which begins with /",
                    row->path);
    } else {
        char *copy = reading_copy_text(reading, text, length);
        memcpy(member_at(values, row->offset), &copy, sizeof(copy));
    }
}

static void read_number(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                        void *values) {
    long long number;

    if (config_setting_type(setting) == CONFIG_TYPE_INT)
        number = config_setting_get_int(setting);
    else if (config_setting_type(setting) == CONFIG_TYPE_INT64)
        number = config_setting_get_int64(setting);
    else {
        say_wrong_type(reading, row, setting);
        return;
    }
    if (number < row->lowest || number > row->highest) {
        reading_say(reading, setting, "%s is %lld; choose a number from %u to %u", row->path, number,
                    row->lowest, row->highest);
        return;
    }
    unsigned value = (unsigned)number;
    memcpy(member_at(values, row->offset), &value, sizeof(value));
}

static void read_switch(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                        void *values) {
    if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
        say_wrong_type(reading, row, setting);
    else
        *(bool *)member_at(values, row->offset) = config_setting_get_bool(setting) != 0;
}

static const struct word *find_word(struct reading *reading, const struct setting *row,
                                    const config_setting_t *setting) {
    const char *text = config_setting_get_string(setting);
    char choices[256] = "";

    if (!text) {
        say_wrong_type(reading, row, setting);
        return NULL;
    }
    for (const struct word *word = row->words; word->name; word++)
        if (spelling_is_equal(word->name, text))
            return word;
    text_append_words(choices, sizeof(choices), row->words, ", ");
    reading_say(reading, setting, "%s can't be \"%s\"; choose from %s", row->path, text, choices);
    return NULL;
}

static void read_word(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                      void *values) {
    const struct word *word = find_word(reading, row, setting);

    if (word)
        memcpy(member_at(values, row->offset), &word->value, sizeof(word->value));
}

/* Whether the setting is a list, in either of libconfig's spellings, of as many items as it may have. */
static bool is_list_in_bounds(struct reading *reading, const struct setting *row,
                              const config_setting_t *setting) {
    int type = config_setting_type(setting);
    unsigned length = (unsigned)config_setting_length(setting);

    if (type != CONFIG_TYPE_LIST && type != CONFIG_TYPE_ARRAY)
        say_wrong_type(reading, row, setting);
    else if (length < row->lowest)
        reading_say(reading, setting, "%s is empty; write %s", row->path, KINDS[row->kind].form);
    else if (length > row->highest)
        reading_say(reading, setting, "%s has %u items; at most %u are allowed", row->path, length,
                    row->highest);
    else
        return true;
    return false;
}

static void read_words(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                       void *values) {
    unsigned set = 0;

    if (!is_list_in_bounds(reading, row, setting))
        return;
    for (int i = 0; i < config_setting_length(setting); i++) {
        const struct word *word = find_word(reading, row, config_setting_get_elem(setting, (unsigned)i));
        set |= word ? word->value : 0;
    }
    memcpy(member_at(values, row->offset), &set, sizeof(set));
}

/* Room for all items, zeroed and counted, in place: what is read into them later is freed with the rest.
 * NULL: none, or no memory. */
static char *make_items(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                        void *values) {
    size_t count = (size_t)config_setting_length(setting);
    char *items = NULL;

    if (count > 0) {
        items = calloc(count, row->item_size);
        if (!items) {
            reading_say_no_memory(reading);
            return NULL;
        }
    }
    memcpy(member_at(values, row->offset), &items, sizeof(items));
    memcpy(member_at(values, row->count_offset), &count, sizeof(count));
    return items;
}

/* What is wrong with a pattern, and what to do; NULL: nothing. */
static const char *table_fault(const char *pattern) {
    const char *dot = strchr(pattern, '.');

    if (!dot)
        return "has no dot; write \"database.table\"";
    if (strchr(dot + 1, '.'))
        return "has two dots; write \"database.table\", and ? for a dot that is part of a name";
    if (dot == pattern)
        return "has no database before its dot; write \"database.table\"";
    if (dot[1] == '\0')
        return "has no table behind its dot; write \"database.table\", or * for all tables of the database";
    if (strpbrk(pattern, "`'\""))
        return "has a quote; write names without quotes";
    if (strchr(pattern, '%'))
        return "has a %, which means nothing here; write * for any characters, ? for one";
    if (strpbrk(pattern, " \t\r\n"))
        return "has white space; write \"database.table\" without, and ? for a blank that is part of a name";
    return NULL;
}

static void read_tables(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                        void *values) {
    if (!is_list_in_bounds(reading, row, setting))
        return;
    struct config_table *tables = (struct config_table *)(void *)make_items(reading, row, setting, values);
    if (!tables)
        return;
    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *item = config_setting_get_elem(setting, (unsigned)i);
        const char *pattern = config_setting_get_string(item);
        const char *fault = pattern ? table_fault(pattern) : NULL;
        if (!pattern) {
            say_wrong_type(reading, row, item);
        } else if (fault) {
            reading_say(reading, item, "%s: \"%s\" %s", row->path, pattern, fault);
        } else {
            const char *dot = strchr(pattern, '.');
            tables[i].database = reading_copy_text(reading, pattern, (size_t)(dot - pattern));
            tables[i].table = reading_copy_text(reading, dot + 1, strlen(dot + 1));
        }
    }
}

/* The bytes of one item: a program's argument, a host's name. */
enum { TEXTS_ITEM_BYTES_MAX = 1024 };

static void read_texts(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                       void *values) {
    if (!is_list_in_bounds(reading, row, setting))
        return;
    char **texts = (char **)(void *)make_items(reading, row, setting, values);
    if (!texts)
        return;
    for (int i = 0; i < config_setting_length(setting); i++) {
        const config_setting_t *item = config_setting_get_elem(setting, (unsigned)i);
        const char *text = config_setting_get_string(item);
        if (!text)
            say_wrong_type(reading, row, item);
        else if (strlen(text) > TEXTS_ITEM_BYTES_MAX)
            reading_say(reading, item, "an item of %s has %zu bytes; shorten it to at most %d", row->path,
                        strlen(text), TEXTS_ITEM_BYTES_MAX);
        else
            texts[i] = reading_copy_text(reading, text, strlen(text));
    }
}

static void read_group(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                       void *values) {
    if (!config_setting_is_group(setting)) {
        say_wrong_type(reading, row, setting);
        return;
    }
    values_read(reading, setting, row->path, values);
    if (row->check)
        row->check(reading, setting, values);
}

static void read_list(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                      void *values) {
    if (!is_list_in_bounds(reading, row, setting))
        return;
    char *items = make_items(reading, row, setting, values);
    if (!items)
        return;
    for (int i = 0; i < config_setting_length(setting); i++)
        read_group(reading, row, config_setting_get_elem(setting, (unsigned)i),
                   items + (size_t)i * row->item_size);
}

static void read_value(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                       void *values) {
    switch (row->kind) {
    case GROUP:
        read_group(reading, row, setting, member_at(values, row->offset));
        break;
    case LIST:
        read_list(reading, row, setting, values);
        break;
    case TEXT:
    case PATH:
        read_text(reading, row, setting, values);
        break;
    case NUMBER:
        read_number(reading, row, setting, values);
        break;
    case SWITCH:
        read_switch(reading, row, setting, values);
        break;
    case WORD:
        read_word(reading, row, setting, values);
        break;
    case WORDS:
        read_words(reading, row, setting, values);
        break;
    case TABLES:
        read_tables(reading, row, setting, values);
        break;
    case TEXTS:
        read_texts(reading, row, setting, values);
        break;
    }
}

void values_read(struct reading *reading, const struct config_setting_t *group, const char *parent,
                 void *values) {
    settings_set_defaults(parent, values);
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
        const struct setting *row = setting_find(parent, config_setting_name(member));
        if (row)
            read_value(reading, row, member, values);
        else
            say_unknown(reading, member, parent);
    }
    for (const struct setting *row = SETTINGS; row < SETTINGS_END; row++)
        if (row->required && setting_is_child_of(row, parent) &&
            !config_setting_get_member(group, setting_key(row)))
            reading_say(reading, group, "%s is missing; add %s: %s", row->path, setting_key(row),
                        KINDS[row->kind].form);
}
