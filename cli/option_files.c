#define _GNU_SOURCE
#include "option_files.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 10, LINE_BYTES = 4096 };

static void read_file(const char *path, unsigned depth, struct option_files *options);

static char *trim(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    for (char *end = text + strlen(text); end > text && isspace((unsigned char)end[-1]);)
        *--end = '\0';
    return text;
}

static int is_option_file(const struct dirent *entry) {
    const size_t length = strlen(entry->d_name);
    return length > 4 && strcmp(entry->d_name + length - 4, ".cnf") == 0;
}

/* In the order of their names, as the programs that these files are for do on most systems. */
static void read_folder(const char *folder, unsigned depth, struct option_files *options) {
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_option_file, alphasort);
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        const int written = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (written > 0 && (size_t)written < sizeof path)
            read_file(path, depth, options);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static bool is_wanted_section(const char *name) {
    static const char *const NAMES[] = {"client", "client-server", "client-mariadb",
                                        "mysql",  "mariadb",       "mysqld"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    return false;
}

/* `of_client`: user in a server's section is the system's user that it runs as. */
static void take_option(char *line, bool of_client, struct option_files *options) {
    char *value = strchr(line, '=');
    if (!value)
        return;
    *value++ = '\0';
    const char *name = trim(line);
    value = trim(value);
    const size_t length = strlen(value);
    if (length >= 2 && (value[0] == '"' || value[0] == '\'') && value[length - 1] == value[0]) {
        value[length - 1] = '\0';
        value++;
    }
    char *place = NULL;
    size_t size = 0;
    if (strcmp(name, "socket") == 0)
        place = options->socket, size = sizeof options->socket;
    else if (of_client && strcmp(name, "user") == 0)
        place = options->user, size = sizeof options->user;
    else if (of_client && strcmp(name, "password") == 0)
        place = options->password, size = sizeof options->password;
    if (place && strlen(value) < size)
        strcpy(place, value);
}

static void read_file(const char *path, unsigned depth, struct option_files *options) {
    char line[LINE_BYTES];
    bool is_wanted = false, of_client = false;
    FILE *file = depth < DEPTH_MAX ? fopen(path, "re") : NULL;
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        char *text = trim(line);
        if (strncmp(text, "!includedir", 11) == 0 && isspace((unsigned char)text[11])) {
            read_folder(trim(text + 11), depth + 1, options);
        } else if (strncmp(text, "!include", 8) == 0 && isspace((unsigned char)text[8])) {
            read_file(trim(text + 8), depth + 1, options);
        } else if (*text == '[') {
            text[strcspn(text, "]")] = '\0';
            is_wanted = is_wanted_section(text + 1);
            of_client = strncmp(text + 1, "client", 6) == 0 || strcmp(text + 1, "mysql") == 0;
        } else if (is_wanted && *text != '#' && *text != ';') {
            take_option(text, of_client, options);
        }
    }
    fclose(file);
}

void option_files_read(const char *home, struct option_files *options) {
    char own[PATH_MAX];
    memset(options, 0, sizeof *options);
    read_file("/etc/my.cnf", 0, options);
    read_file("/etc/mysql/my.cnf", 0, options);
    if (home && snprintf(own, sizeof own, "%s/.my.cnf", home) < (int)sizeof own)
        read_file(own, 0, options);
}
