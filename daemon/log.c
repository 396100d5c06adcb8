#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plain.h"

static FILE *output;
static enum config_log_level highest = CONFIG_LOG_INFO;

void log_close(void) {
    if (output)
        fclose(output);
    output = NULL;
}

bool log_open(const char *file, enum config_log_level level) {
    log_close();
    highest = level;
    if (!file)
        return true;
    output = fopen(file, "ae");
    return output != NULL;
}

static void write_line(enum config_log_level level, const char *text) {
    static const char *const words[] = {"error", "warning", "info", "debug"};
    char when[32];
    const time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts);
    FILE *to = output ? output : stderr;
    char plain[6000];
    plain_copy(plain, sizeof plain, text);
    fprintf(to, "%s %s %s\n", when, words[level], plain);
    fflush(to);
}

void log_line(enum config_log_level level, const char *format, ...) {
    if (level > highest)
        return;
    char text[6000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    write_line(level, text);
}

void log_state(struct log_subject *subject, enum config_log_level level, const char *format, ...) {
    char text[sizeof subject->last];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (strcmp(text, subject->last) == 0)
        return;
    memcpy(subject->last, text, sizeof text);
    if (text[0] && level <= highest)
        write_line(level, text);
}
