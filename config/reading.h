/* One reading of a file, and what is found wrong with it. Private to config/. */
#ifndef ROUNDABOUT_READING_H
#define ROUNDABOUT_READING_H

#include "config.h"

struct config_setting_t; /* libconfig's */

/* What is known while one file is read. */
struct reading {
    config_report *report;
    void *context;
    const char *path;
    char *directory; /* of path; included files are named relative to it */
    size_t findings;
};

enum { READING_MESSAGE_BYTES_MAX = 4096 }; /* one finding, on the stack; a longer one is cut */

/* Reports a finding about the setting, by its place in the file. */
void __attribute__((format(printf, 3, 4)))
reading_say(struct reading *reading, const struct config_setting_t *setting, const char *format, ...);

/* `file` NULL: the file that was asked for; else as libconfig remembers its name. `line` 0: the file as a
 * whole. */
void __attribute__((format(printf, 4, 5)))
reading_say_at(struct reading *reading, const char *file, unsigned line, const char *format, ...);
void reading_say_no_memory(struct reading *reading);

/* On the heap; NULL with a finding. */
char *reading_copy_text(struct reading *reading, const char *text, size_t length);

/* libconfig before 1.7 takes every included file from the include directory and remembers its name as
 * written; later ones leave absolute paths alone and remember the whole path. */
bool reading_remembers_includes_whole(void);

#endif
