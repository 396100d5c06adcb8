#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libconfig.h>

#include "expire.h"
#include "settings.h"

#define DEFAULT_PATH "/etc/roundabout/roundabout.conf"

enum {
    FILE_BYTES_MAX = 1 << 20, /* a configuration file longer than this is some other file */
    SECRET_BYTES_MAX = 1024,  /* a password; servers take far less */
    MESSAGE_BYTES_MAX = 4096, /* one finding, on the stack; a longer one is cut */
    INCLUDE_DEPTH_MAX = 10,   /* libconfig's own limit */
    KEY_BYTES_MAX = 32,       /* longer words are not compared with keys */
};

/* What is known while one file is read. */
struct reading {
    config_report *report;
    void *context;
    const char *path;
    char *directory; /* of path; included files are named relative to it */
    size_t findings;
};

static void *member_at(void *values, size_t offset) {
    return (char *)values + offset;
}

/* Findings */

/* libconfig before 1.7 takes every included file from the include directory and remembers its name as
 * written; later ones leave absolute paths alone and remember the whole path. */
static bool includes_are_remembered_whole(void) {
    return LIBCONFIG_VER_MAJOR > 1 || LIBCONFIG_VER_MINOR >= 7;
}

/* `file` NULL: the file that was asked for. `line` 0: the file as a whole. */
static void __attribute__((format(printf, 4, 0)))
say_arguments(struct reading *reading, const char *file, unsigned line, const char *format,
              va_list arguments) {
    char text[MESSAGE_BYTES_MAX] = "";

    if (file && !includes_are_remembered_whole())
        text_append(text, sizeof(text), "%s/", reading->directory);
    text_append(text, sizeof(text), "%s:", file ? file : reading->path);
    if (line > 0)
        text_append(text, sizeof(text), "%u:", line);
    text_append(text, sizeof(text), " ");
    size_t length = strlen(text);
    vsnprintf(text + length, sizeof(text) - length, format, arguments);
    for (char *at = text; *at;
         at++) /* what the file says is repeated in messages, and a message is one line */
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            *at = '?';
    reading->findings++;
    reading->report(reading->context, text);
}

static void __attribute__((format(printf, 4, 5)))
say_at(struct reading *reading, const char *file, unsigned line, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    say_arguments(reading, file, line, format, arguments);
    va_end(arguments);
}

static void __attribute__((format(printf, 3, 4)))
say(struct reading *reading, const config_setting_t *setting, const char *format, ...) {
    unsigned line = (unsigned)config_setting_source_line(setting);
    va_list arguments;

    va_start(arguments, format);
    say_arguments(reading, config_setting_source_file(setting), line > 0 ? line : 1, format, arguments);
    va_end(arguments);
}

static void say_no_memory(struct reading *reading) {
    say_at(reading, NULL, 0, "not enough memory to read it; free some and start again");
}

static char *copy_text(struct reading *reading, const char *text, size_t length) {
    char *copy = strndup(text, length);

    if (!copy)
        say_no_memory(reading);
    return copy;
}

static bool letters_are_equal(const char *a, const char *b) {
    for (;; a++, b++) { /* strcasecmp() asks the program's locale, where I may not be the capital of i */
        char x = (*a >= 'A' && *a <= 'Z') ? (char)(*a | 0x20) : *a;
        char y = (*b >= 'A' && *b <= 'Z') ? (char)(*b | 0x20) : *b;
        if (x != y)
            return false;
        if (x == '\0')
            return true;
    }
}

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours each count one. */
unsigned config_word_distance(const char *word, const char *candidate) {
    size_t rows = strlen(word), columns = strlen(candidate);
    unsigned cost[KEY_BYTES_MAX + 1][KEY_BYTES_MAX + 1];

    if (rows > KEY_BYTES_MAX || columns > KEY_BYTES_MAX)
        return UINT_MAX;
    if (rows >= 3 && strncmp(word, candidate, rows) == 0)
        return rows == columns ? 0 : 1; /* the start of a word stands for it: connect_timeout, password */
    for (unsigned i = 0; i <= rows; i++) {
        for (unsigned j = 0; j <= columns; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            bool same = word[i - 1] == candidate[j - 1];
            unsigned least = cost[i - 1][j - 1] + (same ? 0 : 1);
            if (cost[i - 1][j] + 1 < least)
                least = cost[i - 1][j] + 1;
            if (cost[i][j - 1] + 1 < least)
                least = cost[i][j - 1] + 1;
            bool swapped =
                i > 1 && j > 1 && word[i - 1] == candidate[j - 2] && word[i - 2] == candidate[j - 1];
            if (swapped && cost[i - 2][j - 2] + 1 < least)
                least = cost[i - 2][j - 2] + 1;
            cost[i][j] = least;
        }
    }
    return cost[rows][columns] <= (columns + 2) / 3 ? cost[rows][columns] : UINT_MAX;
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
        say(reading, setting, "misplaced key %s%s%s; it belongs %s", key, space, parent, places);
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
        say(reading, setting, "unknown key %s%s%s; did you mean %s?", key, space, parent, nearest);
    else
        say(reading, setting,
            "unknown key %s%s%s; remove it, or see roundabout.conf(5) for the keys there are", key, space,
            parent);
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

    say(reading, setting, "%s%s is %s; write %s", is_item ? "an item of " : "", row->path,
        type_in_words(setting), is_item ? KINDS[row->kind].item : KINDS[row->kind].form);
}

/* Values */

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
        say(reading, setting, "%s is empty; fill it in, or remove the line", row->path);
    } else if (length > row->highest) {
        say(reading, setting, "%s has %zu bytes; shorten it to at most %u", row->path, length, row->highest);
    } else if (row->kind == PATH && text[0] != '/') {
        say(reading, setting, "%s is a relative path; write the absolute one, which begins with /",
            row->path);
    } else {
        char *copy = copy_text(reading, text, length);
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
        say(reading, setting, "%s is %lld; choose a number from %u to %u", row->path, number, row->lowest,
            row->highest);
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
        if (letters_are_equal(word->name, text))
            return word;
    text_append_words(choices, sizeof(choices), row->words, ", ");
    say(reading, setting, "%s can't be \"%s\"; choose from %s", row->path, text, choices);
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
        say(reading, setting, "%s is empty; write %s", row->path, KINDS[row->kind].form);
    else if (length > row->highest)
        say(reading, setting, "%s has %u items; at most %u are allowed", row->path, length, row->highest);
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
            say_no_memory(reading);
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
            say(reading, item, "%s: \"%s\" %s", row->path, pattern, fault);
        } else {
            const char *dot = strchr(pattern, '.');
            tables[i].database = copy_text(reading, pattern, (size_t)(dot - pattern));
            tables[i].table = copy_text(reading, dot + 1, strlen(dot + 1));
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
            say(reading, item, "an item of %s has %zu bytes; shorten it to at most %d", row->path, strlen(text),
                TEXTS_ITEM_BYTES_MAX);
        else
            texts[i] = copy_text(reading, text, strlen(text));
    }
}

static void read_members(struct reading *reading, const config_setting_t *group, const char *parent,
                         void *values);

static void read_group(struct reading *reading, const struct setting *row, const config_setting_t *setting,
                       void *values) {
    if (!config_setting_is_group(setting)) {
        say_wrong_type(reading, row, setting);
        return;
    }
    read_members(reading, setting, row->path, values);
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

/* `values` is the struct of the group named `parent`, all zero; "" is the file as a whole. */
static void read_members(struct reading *reading, const config_setting_t *group, const char *parent,
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
        if (row->required && setting_is_child_of(row, parent) && !config_setting_get_member(group, setting_key(row)))
            say(reading, group, "%s is missing; add %s: %s", row->path, setting_key(row), KINDS[row->kind].form);
}

/* Files with secrets */

/* A descriptor, or -1 with a finding. The path is repeated only once a file has been found there. */
static int open_private(struct reading *reading, const config_setting_t *setting, const char *path) {
    const char *key = config_setting_name(setting);
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (file < 0 || fstat(file, &status) != 0) {
        say(reading, setting,
            "the file that %s names can't be read: %s; correct the name or the file's rights", key,
            strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        say(reading, setting, "what %s names is no regular file; name one", key);
    } else if (status.st_mode & (S_IROTH | S_IWOTH)) {
        bool keep_group = status.st_uid == 0 && (status.st_mode & S_IRGRP);
        say(reading, setting, "%s: any user can read or write %s (mode %04o); run: chmod %s %s", key, path,
            (unsigned)status.st_mode & 07777, keep_group ? "640" : "600", path);
    } else if (status.st_mode & S_IWGRP) {
        say(reading, setting, "%s: the group of %s can write it (mode %04o); run: chmod %s %s", key, path,
            (unsigned)status.st_mode & 07777, status.st_uid == 0 ? "640" : "600", path);
    } else if ((status.st_mode & S_IRGRP) && status.st_uid != 0) {
        /* root:daemon 0640 is how a daemon is given a secret that it can't change; anybody else's group is a
         * guess */
        say(reading, setting,
            "%s: the group of %s can read it (mode %04o) and root doesn't own it; run: chmod 600 %s", key,
            path, (unsigned)status.st_mode & 07777, path);
    } else if (status.st_uid != 0 && status.st_uid != geteuid() && geteuid() != 0) {
        say(reading, setting, "%s: %s belongs to another user than root and this program's; run: chown root %s", key, path, path);
    } else {
        return file;
    }
    if (file >= 0)
        close(file);
    return -1;
}

/* As many bytes as there are, up to `size`; -1 with errno set. */
static ssize_t read_fully(int file, char *bytes, size_t size) {
    size_t length = 0;

    while (length < size) {
        ssize_t got = read(file, bytes + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

/* The first line without its end, on the heap; NULL with a finding. */
static char *read_secret(struct reading *reading, const config_setting_t *setting, const char *path) {
    const char *key = config_setting_name(setting);
    char bytes[SECRET_BYTES_MAX + 2]; /* a line's end of two bytes may follow the longest */
    char *secret = NULL;
    int file = open_private(reading, setting, path);

    if (file < 0)
        return NULL;
    ssize_t got = read_fully(file, bytes, sizeof(bytes));
    int why = errno;
    close(file);
    if (got < 0) {
        say(reading, setting, "%s: %s can't be read: %s", key, path, strerror(why));
        return NULL;
    }
    const char *end = memchr(bytes, '\n', (size_t)got);
    size_t length = end ? (size_t)(end - bytes) : (size_t)got;
    if (end && length > 0 && bytes[length - 1] == '\r')
        length--;
    if (length == 0)
        say(reading, setting, "%s: the first line of %s is empty; put the password there", key, path);
    else if (length > SECRET_BYTES_MAX)
        say(reading, setting, "%s: the first line of %s is longer than %d bytes; put the password there", key,
            path, SECRET_BYTES_MAX);
    else if (memchr(bytes, '\0', length))
        say(reading, setting, "%s: the first line of %s holds a NUL byte; put the password there", key, path);
    else
        secret = copy_text(reading, bytes, length);
    explicit_bzero(bytes, sizeof(bytes));
    return secret;
}

/* Rules between settings. They ask the file, not the values: a setting that is there but wrong has had its
 * finding. */

static bool is_given(const config_setting_t *group, const char *key) {
    return config_setting_get_member(group, key) != NULL;
}

void config_check_server(struct reading *reading, const config_setting_t *group, void *values) {
    (void)values;
    if (is_given(group, "socket") && is_given(group, "host"))
        say(reading, config_setting_get_member(group, "host"),
            "host stands beside socket; keep one of the two");
    else if (is_given(group, "socket") && is_given(group, "port"))
        say(reading, config_setting_get_member(group, "port"),
            "port stands beside socket; remove it, or name a host");
    else if (!is_given(group, "socket") && !is_given(group, "host"))
        say(reading, group, "this server has neither socket nor host; add one of the two");
}

static void check_tls(struct reading *reading, const config_setting_t *group, bool tls, const char *tls_ca) {
    if (tls_ca && !tls)
        say(reading, config_setting_get_member(group, "tls_ca"), "tls_ca without tls; add tls = true");
}

void config_check_local(struct reading *reading, const config_setting_t *group, void *values) {
    struct config_local *local = values;

    config_check_server(reading, group, values);
    if (is_given(group, "password_file") && !is_given(group, "user"))
        say(reading, config_setting_get_member(group, "password_file"),
            "password_file without user; add user");
    if (local->password_file)
        local->password =
            read_secret(reading, config_setting_get_member(group, "password_file"), local->password_file);
    check_tls(reading, group, local->tls, local->tls_ca);
    if (local->tls && is_given(group, "socket"))
        say(reading, config_setting_get_member(group, "tls"),
            "tls beside socket; remove it, for what goes through a socket doesn't leave this host");
    if (local->defaults_file) {
        int file =
            open_private(reading, config_setting_get_member(group, "defaults_file"), local->defaults_file);
        struct stat status;
        /* It may name a folder of plug-ins, which are code. A password is only data, and root may read anybody's. */
        if (file >= 0 && fstat(file, &status) == 0 && status.st_uid != 0 && status.st_uid != geteuid())
            say(reading, config_setting_get_member(group, "defaults_file"),
                "defaults_file: %s belongs to another user than root and this program's; run: chown root %s", local->defaults_file,
                local->defaults_file);
        if (file >= 0)
            close(file);
    }
}

void config_check_cache_group(struct reading *reading, const config_setting_t *group, void *values) {
    struct config_group *cache_group = values;
    char place[sizeof("caches[]") + 20];
    struct expire_rule rule;
    const char *why;

    if (cache_group->expire && !expire_read(cache_group->expire, &rule, &why))
        say(reading, config_setting_get_member(group, "expire"), "expire isn't understood: %s", why);
    if (cache_group->name || is_given(group, "name"))
        return;
    snprintf(place, sizeof(place), "caches[%d]", config_setting_index(group));
    cache_group->name = copy_text(reading, place, strlen(place));
}

void config_check_login(struct reading *reading, const config_setting_t *group, void *values) {
    struct config_login *login = values;

    if (login->password_file) {
        int file = open(login->password_file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        login->is_closed = file < 0 && errno == EACCES;
        if (file >= 0)
            close(file);
    }
    if (login->password_file && !login->is_closed)
        login->password =
            read_secret(reading, config_setting_get_member(group, "password_file"), login->password_file);
    check_tls(reading, group, login->tls, login->tls_ca);
}

static void check_sites_differ(struct reading *reading, const config_setting_t *list, const struct config_ring *ring) {
    size_t mains = 0;

    for (size_t i = 0; i < ring->site_count; i++) {
        const struct config_site *site = &ring->sites[i];
        mains += site->main;
        for (size_t j = 0; j < i; j++) {
            const struct config_site *other = &ring->sites[j];
            if (site->name && other->name && strcmp(site->name, other->name) == 0)
                say(reading, config_setting_get_elem(list, (unsigned)i),
                    "ring.sites.name \"%s\" is another site's name already; choose another", site->name);
            if (site->server_id && site->server_id == other->server_id)
                say(reading, config_setting_get_elem(list, (unsigned)i),
                    "ring.sites.server_id %u is another site's already; every server of a ring has its own",
                    site->server_id);
            if (site->server.host && other->server.host && strcmp(site->server.host, other->server.host) == 0 &&
                site->server.port == other->server.port)
                say(reading, config_setting_get_elem(list, (unsigned)i),
                    "ring.sites: %s:%u is another site's address already; correct one of the two", site->server.host,
                    site->server.port);
        }
    }
    if (mains != 1)
        say(reading, list, "ring.sites has %zu sites with main = true; mark the main master's, and only it", mains);
}

void config_check_on_event(struct reading *reading, const config_setting_t *group, void *values) {
    const struct config_on_event *on_event = values;
    const char *program = on_event->command_count > 0 ? on_event->command[0] : NULL;

    if (program && program[0] != '/')
        say(reading, group, "on_event.command begins with \"%s\"; write the program's absolute path", program);
}

void config_check_ring(struct reading *reading, const config_setting_t *group, void *values) {
    struct config_ring *ring = values;
    const config_setting_t *list = config_setting_get_member(group, "sites");

    /* What a site wrote that the others never saw is then deleted everywhere, instead of going over newer values. */
    if (ring->converge == CONFIG_CONVERGE_REPAIR && !is_given(group, "returning_writes"))
        ring->returning_writes = CONFIG_RETURNING_SKIP;
    if (list && ring->site_count > 0)
        check_sites_differ(reading, list, ring);
    if (ring->samples_failed > ring->samples)
        say(reading, group, "ring.samples_failed is %u of only %u samples; lower it, or raise samples",
            ring->samples_failed, ring->samples);
}

static void check_own_site(struct reading *reading, const config_setting_t *root, struct config *config) {
    const config_setting_t *site = config_setting_get_member(root, "site");
    const config_setting_t *ring = config_setting_get_member(root, "ring");

    if (ring && !site)
        say(reading, ring, "ring without site; add site = \"...\", the name of this host's site");
    else if (site && !ring)
        say(reading, site, "site without ring; add the ring section, or remove site");
    if (!config->site || config->ring.site_count == 0)
        return;
    for (size_t i = 0; i < config->ring.site_count; i++) {
        if (config->ring.sites[i].name && strcmp(config->ring.sites[i].name, config->site) == 0) {
            config->ring.own = i;
            return;
        }
    }
    say(reading, site, "site \"%s\" is none of ring.sites; write one of their names", config->site);
}

static void check_table_is_new(struct reading *reading, const config_setting_t *setting,
                               const struct config *config, const struct config_group *group,
                               const struct config_table *table) {
    for (const struct config_group *other = config->groups; other <= group; other++) {
        for (size_t i = 0; i < other->table_count; i++) {
            const struct config_table *known = &other->tables[i];
            if (known == table)
                return;
            if (known->database && known->table && strcmp(known->database, table->database) == 0 &&
                strcmp(known->table, table->table) == 0) {
                say(reading, setting,
                    "caches.tables: \"%s.%s\" is listed in group %s already; keep one of the two",
                    table->database, table->table, other->name ? other->name : "above");
                return;
            }
        }
    }
}

static void check_group_name_is_new(struct reading *reading, const config_setting_t *setting,
                                    const struct config *config, const struct config_group *group) {
    for (const struct config_group *other = config->groups; other < group; other++) {
        if (other->name && strcmp(other->name, group->name) == 0) {
            const config_setting_t *name = config_setting_get_member(setting, "name");
            say(reading, name ? name : setting,
                "caches.name \"%s\" is another group's name already; choose another", group->name);
            return;
        }
    }
}

static void check_groups_differ(struct reading *reading, const config_setting_t *root,
                                const struct config *config) {
    const config_setting_t *caches = config_setting_get_member(root, "caches");

    for (size_t i = 0; i < config->group_count; i++) {
        const struct config_group *group = &config->groups[i];
        const config_setting_t *setting = config_setting_get_elem(caches, (unsigned)i);
        if (group->name)
            check_group_name_is_new(reading, setting, config, group);
        for (size_t j = 0; j < group->table_count; j++) {
            const config_setting_t *tables = config_setting_get_member(setting, "tables");
            const struct config_table *table = &group->tables[j];
            if (table->database && table->table)
                check_table_is_new(reading, config_setting_get_elem(tables, (unsigned)j), config, group,
                                   table);
        }
    }
}

/* The file */

/* All of a file on the heap, NUL-terminated; NULL with the reason in words. */
static char *read_file(const char *path, const char **why) {
    struct stat status;
    char *text = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (file < 0 || fstat(file, &status) != 0)
        *why = strerror(errno);
    else if (!S_ISREG(status.st_mode))
        *why = "it is no regular file";
    else if (status.st_mode & S_IWOTH)
        *why = "any user can write it; run: chmod o-w on it";
    else if ((text = malloc(FILE_BYTES_MAX + 1)) == NULL)
        *why = strerror(ENOMEM);
    if (text) {
        ssize_t got = read_fully(file, text, FILE_BYTES_MAX + 1);
        *why = got < 0                                      ? strerror(errno)
               : got > FILE_BYTES_MAX                       ? "it is longer than a megabyte"
               : got > 0 && memchr(text, '\0', (size_t)got) ? "it holds NUL bytes, so it is no text"
                                                            : NULL;
        if (*why) {
            free(text);
            text = NULL;
        } else {
            text[got] = '\0';
        }
    }
    if (file >= 0)
        close(file);
    return text;
}

static char *path_of_include(struct reading *reading, const char *name, size_t length) {
    const char *directory = name[0] == '/' && includes_are_remembered_whole() ? "" : reading->directory;
    size_t size = strlen(directory) + 1 + length + 1;
    char *path = malloc(size);

    if (path)
        snprintf(path, size, "%s%s%.*s", directory, directory[0] ? "/" : "", (int)length, name);
    else
        say_no_memory(reading);
    return path;
}

/* What a line includes, as libconfig's scanner sees it; length 0: nothing. */
static const char *name_of_include(const char *line, size_t *length) {
    static const char directive[] = "@include";
    const char *word = line + strspn(line, " \t");
    const char *name = word + strlen(directive);

    *length = 0;
    if (strncmp(word, directive, strlen(directive)) != 0)
        return line;
    size_t space = strspn(name, " \t");
    if (space == 0 || name[space] != '"')
        return line;
    name += space + 1;
    *length = strcspn(name, "\"\n");
    return name;
}

static bool includes_are_files(struct reading *reading, const char *file, const char *text, unsigned depth);

/* A file that isn't there is left to libconfig, which knows whether the line stands in a comment. */
static bool include_is_file(struct reading *reading, const char *file, unsigned line, char *path,
                            unsigned depth) {
    const char *name = includes_are_remembered_whole() ? path : path + strlen(reading->directory) + 1;
    const char *why = NULL;
    bool is_fine;

    if (access(path, F_OK) != 0)
        return true;
    if (depth == INCLUDE_DEPTH_MAX) {
        say_at(reading, file, line, "files include each other more than %u deep; include less", depth);
        return false;
    }
    char *text = read_file(path, &why);
    if (!text) {
        say_at(reading, file, line, "%s can't be included: %s; name another file", name, why);
        return false;
    }
    is_fine = includes_are_files(reading, name, text, depth + 1);
    free(text);
    return is_fine;
}

/* libconfig's scanner ends the process when it meets a directory behind an @include, and waits for ever at a
 * FIFO. So those are found before it starts. False: a finding, don't parse. */
static bool includes_are_files(struct reading *reading, const char *file, const char *text, unsigned depth) {
    unsigned line = 1;

    for (const char *at = text; *at; line++) {
        size_t length;
        const char *name = name_of_include(at, &length);
        if (length > 0) {
            char *path = path_of_include(reading, name, length);
            bool is_fine = path && include_is_file(reading, file, line, path, depth);
            free(path);
            if (!is_fine)
                return false;
        }
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return true;
}

static void list_files(struct reading *reading, const char *path, unsigned depth,
                       void (*note)(void *context, const char *file), void *context) {
    const char *why;
    char *text = depth <= INCLUDE_DEPTH_MAX ? read_file(path, &why) : NULL;

    note(context, path);
    for (const char *at = text; at && *at; at += *at == '\n') {
        size_t length;
        const char *name = name_of_include(at, &length);
        char *include = length > 0 ? path_of_include(reading, name, length) : NULL;
        if (include)
            list_files(reading, include, depth + 1, note, context);
        free(include);
        at += strcspn(at, "\n");
    }
    free(text);
}

/* What to do about an error in libconfig's own words. */
static const char *parse_advice(const char *text) {
    if (strstr(text, "duplicate"))
        return "a key may stand once in its group; remove one of the two";
    if (strstr(text, "include"))
        return "correct its name, which is relative to this file's directory, or its rights";
    if (strstr(text, "mismatched"))
        return "write items of one type only";
    return "look for a missing quote, semicolon or bracket here and in the line before";
}

/* libconfig gives the calling thread the C locale while it reads and the process's afterwards, even if the
 * thread had one of its own. */
static bool parse(struct reading *reading, config_t *file, const char *text) {
    locale_t before = uselocale((locale_t)0);
    bool is_parsed;

    config_set_include_dir(file, reading->directory);
    is_parsed = config_read_string(file, text) == CONFIG_TRUE;
    uselocale(before);
    if (!is_parsed)
        say_at(reading, config_error_file(file), (unsigned)config_error_line(file), "%s; %s",
               config_error_text(file), parse_advice(config_error_text(file)));
    return is_parsed;
}

static void read_settings(struct reading *reading, struct config *config, const char *text) {
    config_t file;

    if (!includes_are_files(reading, NULL, text, 0))
        return;
    config_init(&file);
    if (parse(reading, &file, text)) {
        const config_setting_t *root = config_root_setting(&file);
        read_members(reading, root, "", config);
        check_groups_differ(reading, root, config);
        check_own_site(reading, root, config);
    }
    config_destroy(&file);
}

static char *directory_of(const char *path) {
    const char *slash = strrchr(path, '/');

    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

const char *config_choose_path(const char *option, const char *environment) {
    if (option)
        return option;
    return environment && environment[0] ? environment : DEFAULT_PATH;
}

static void report_nothing(void *context, const char *message) {
    (void)context;
    (void)message;
}

void config_list_files(const char *path, void (*note)(void *context, const char *file), void *context) {
    struct reading reading = {.report = report_nothing, .path = path, .directory = directory_of(path)};

    if (reading.directory)
        list_files(&reading, path, 0, note, context);
    free(reading.directory);
}

void config_write_address(const struct config_server *server, char *address, size_t size) {
    if (server->socket)
        snprintf(address, size, "%s", server->socket);
    else
        snprintf(address, size, "%s:%u", server->host ? server->host : "localhost", server->port);
}

unsigned config_stats_mode(const struct config_stats *stats) {
    return stats->readable == CONFIG_READABLE_OWNER ? 0600 : stats->readable == CONFIG_READABLE_GROUP ? 0640 : 0644;
}

struct config *config_load(const char *path, config_report *report, void *context) {
    struct reading reading = {.report = report,
                              .context = context,
                              .path = path,
                              .directory = directory_of(path)};
    struct config *config = calloc(1, sizeof(*config));
    const char *why = NULL;
    char *text = NULL;

    if (config)
        config->path = strdup(path);
    if (!config || !config->path || !reading.directory)
        say_no_memory(&reading);
    else if ((text = read_file(path, &why)) == NULL)
        say_at(&reading, NULL, 0,
               "can't be read: %s; correct the name or its rights, or name another with -f or "
               "ROUNDABOUT_CONFIG",
               why);
    else
        read_settings(&reading, config, text);
    free(text);
    free(reading.directory);
    if (reading.findings > 0) {
        config_free(config);
        return NULL;
    }
    return config;
}

static void free_secret(char *secret) {
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void config_free(struct config *config) {
    if (!config)
        return;
    free_secret(config->local.password);
    free_secret(config->ring.replication.password);
    free_secret(config->ring.monitor.password);
    settings_free("", config);
    free(config->path);
    free(config);
}

bool config_ring_is_open(const struct config *config, config_report *report, void *context) {
    const struct {
        const char *name;
        const struct config_login *login;
    } logins[] = {{"ring.replication", &config->ring.replication}, {"ring.monitor", &config->ring.monitor}};
    bool is_open = true;

    for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
        char text[MESSAGE_BYTES_MAX] = "";

        if (!logins[i].login->is_closed)
            continue;
        is_open = false;
        text_append(text, sizeof(text), "%s: %s.password_file, %s, can't be read: %s; run this as root, or as the user that it is for",
                    config->path, logins[i].name, logins[i].login->password_file, strerror(EACCES));
        report(context, text);
    }
    return is_open;
}
