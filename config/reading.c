#include "reading.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libconfig.h>

#include "settings.h"

bool reading_remembers_includes_whole(void) {
    return LIBCONFIG_VER_MAJOR > 1 || LIBCONFIG_VER_MINOR >= 7;
}

static void __attribute__((format(printf, 4, 0)))
say_arguments(struct reading *reading, const char *file, unsigned line, const char *format,
              va_list arguments) {
    char text[READING_MESSAGE_BYTES_MAX] = "";

    if (file && !reading_remembers_includes_whole())
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

void reading_say_at(struct reading *reading, const char *file, unsigned line, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    say_arguments(reading, file, line, format, arguments);
    va_end(arguments);
}

void reading_say(struct reading *reading, const config_setting_t *setting, const char *format, ...) {
    unsigned line = (unsigned)config_setting_source_line(setting);
    va_list arguments;

    va_start(arguments, format);
    say_arguments(reading, config_setting_source_file(setting), line > 0 ? line : 1, format, arguments);
    va_end(arguments);
}

void reading_say_no_memory(struct reading *reading) {
    reading_say_at(reading, NULL, 0, "not enough memory to read it; free some and start again");
}

char *reading_copy_text(struct reading *reading, const char *text, size_t length) {
    char *copy = strndup(text, length);

    if (!copy)
        reading_say_no_memory(reading);
    return copy;
}
