#include "expire.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char FORM[] = "it must be COLUMN < NOW() - INTERVAL N SECOND|MINUTE|HOUR|DAY, COLUMN < NOW(), "
                           "COLUMN < UNIX_TIMESTAMP() - N, or COLUMN < UNIX_TIMESTAMP()";

static void skip_space(const char **at) {
    while (isspace((unsigned char)**at))
        ++*at;
}

static bool take(const char **at, const char *word) {
    skip_space(at);
    const size_t length = strlen(word);
    if (strncasecmp(*at, word, length) != 0)
        return false;
    const char next = (*at)[length];
    if (isalpha((unsigned char)word[length - 1]) && (isalnum((unsigned char)next) || next == '_'))
        return false;
    *at += length;
    return true;
}

static bool take_number(const char **at, unsigned *number) {
    skip_space(at);
    char *end;
    if (!isdigit((unsigned char)**at))
        return false;
    const unsigned long value = strtoul(*at, &end, 10);
    *at = end;
    *number = (unsigned)value;
    return value >= 1 && value <= 1000000000;
}

/* Plain, or between backticks and then without any in it. */
static bool take_column(const char **at, char *column, size_t size) {
    skip_space(at);
    const bool quoted = **at == '`';
    *at += quoted;
    size_t length = quoted ? strcspn(*at, "`") : 0;
    while (!quoted && (isalnum((unsigned char)(*at)[length]) || (*at)[length] == '_' || (*at)[length] == '$'))
        length++;
    if (length == 0 || length >= size || (quoted && (*at)[length] != '`'))
        return false;
    memcpy(column, *at, length);
    column[length] = '\0';
    *at += length + quoted;
    return true;
}

bool expire_read(const char *text, struct expire_rule *rule, const char **why) {
    static const char *const units[] = {"SECOND", "MINUTE", "HOUR", "DAY"};
    const char *at = text;
    *rule = (struct expire_rule){.unit = NULL};
    *why = FORM;
    if (!take_column(&at, rule->column, sizeof rule->column) || !take(&at, "<"))
        return false;
    rule->is_seconds = take(&at, "UNIX_TIMESTAMP");
    if ((!rule->is_seconds && !take(&at, "NOW")) || !take(&at, "(") || !take(&at, ")"))
        return false;
    if (take(&at, "-")) {
        if (!rule->is_seconds && !take(&at, "INTERVAL"))
            return false;
        if (!take_number(&at, &rule->amount))
            return false;
        for (size_t i = 0; !rule->is_seconds && !rule->unit && i < sizeof units / sizeof *units; i++)
            if (take(&at, units[i]))
                rule->unit = units[i];
        if (!rule->is_seconds && !rule->unit)
            return false;
    }
    skip_space(&at);
    return !*at;
}
