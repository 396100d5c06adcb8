#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_BYTES_MAX = 1 << 20, /* a configuration file longer than this is some other file */
    INCLUDE_DEPTH_MAX = 10,   /* libconfig's own limit */
};

ssize_t file_read_fully(int file, char *bytes, size_t size) {
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

char *file_read(const char *path, const char **why) {
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
        ssize_t got = file_read_fully(file, text, FILE_BYTES_MAX + 1);
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
    const char *directory = name[0] == '/' && reading_remembers_includes_whole() ? "" : reading->directory;
    size_t size = strlen(directory) + 1 + length + 1;
    char *path = malloc(size);

    if (path)
        snprintf(path, size, "%s%s%.*s", directory, directory[0] ? "/" : "", (int)length, name);
    else
        reading_say_no_memory(reading);
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
    const char *name = reading_remembers_includes_whole() ? path : path + strlen(reading->directory) + 1;
    const char *why = NULL;
    bool is_fine;

    if (access(path, F_OK) != 0)
        return true;
    if (depth == INCLUDE_DEPTH_MAX) {
        reading_say_at(reading, file, line, "files include each other more than %u deep; include less",
                       depth);
        return false;
    }
    char *text = file_read(path, &why);
    if (!text) {
        reading_say_at(reading, file, line, "%s can't be included: %s; name another file", name, why);
        return false;
    }
    is_fine = includes_are_files(reading, name, text, depth + 1);
    free(text);
    return is_fine;
}

/* `file` NULL: the one that was asked for. */
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
    char *text = depth <= INCLUDE_DEPTH_MAX ? file_read(path, &why) : NULL;

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

bool file_includes_files(struct reading *reading, const char *text) {
    return includes_are_files(reading, NULL, text, 0);
}

void file_list(struct reading *reading, const char *path, void (*note)(void *context, const char *file),
               void *context) {
    list_files(reading, path, 0, note, context);
}
