#include "config.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "file.h"
#include "reading.h"
#include "rules.h"
#include "settings.h"
#include "values.h"

#define DEFAULT_PATH "/etc/roundabout/roundabout.conf"

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
        reading_say_at(reading, config_error_file(file), (unsigned)config_error_line(file), "%s; %s",
               config_error_text(file), parse_advice(config_error_text(file)));
    return is_parsed;
}

static void read_settings(struct reading *reading, struct config *config, const char *text) {
    config_t file;

    if (!file_includes_files(reading, text))
        return;
    config_init(&file);
    if (parse(reading, &file, text)) {
        const config_setting_t *root = config_root_setting(&file);
        values_read(reading, root, "", config);
        rules_check_caches(reading, root, config);
        rules_check_own_site(reading, root, config);
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
        file_list(&reading, path, note, context);
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
        reading_say_no_memory(&reading);
    else if ((text = file_read(path, &why)) == NULL)
        reading_say_at(&reading, NULL, 0,
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
        char text[READING_MESSAGE_BYTES_MAX] = "";

        if (!logins[i].login->is_closed)
            continue;
        is_open = false;
        text_append(text, sizeof(text), "%s: %s.password_file, %s, can't be read: %s; run this as root, or as the user that it is for",
                    config->path, logins[i].name, logins[i].login->password_file, strerror(EACCES));
        report(context, text);
    }
    return is_open;
}
