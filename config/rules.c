#include "rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libconfig.h>

#include "expire.h"
#include "secret.h"
#include "settings.h"

static bool is_given(const config_setting_t *group, const char *key) {
    return config_setting_get_member(group, key) != NULL;
}

void config_check_server(struct reading *reading, const config_setting_t *group, void *values) {
    (void)values;
    if (is_given(group, "socket") && is_given(group, "host"))
        reading_say(reading, config_setting_get_member(group, "host"),
                    "host stands beside socket; keep one of the two");
    else if (is_given(group, "socket") && is_given(group, "port"))
        reading_say(reading, config_setting_get_member(group, "port"),
                    "port stands beside socket; remove it, or name a host");
    else if (!is_given(group, "socket") && !is_given(group, "host"))
        reading_say(reading, group, "this server has neither socket nor host; add one of the two");
}

static void check_tls(struct reading *reading, const config_setting_t *group, bool tls, const char *tls_ca) {
    if (tls_ca && !tls)
        reading_say(reading, config_setting_get_member(group, "tls_ca"),
                    "tls_ca without tls; add tls = true");
}

void config_check_local(struct reading *reading, const config_setting_t *group, void *values) {
    struct config_local *local = values;

    config_check_server(reading, group, values);
    if (is_given(group, "password_file") && !is_given(group, "user"))
        reading_say(reading, config_setting_get_member(group, "password_file"),
                    "password_file without user; add user");
    if (local->password_file)
        local->password =
            secret_read(reading, config_setting_get_member(group, "password_file"), local->password_file);
    check_tls(reading, group, local->tls, local->tls_ca);
    if (local->tls && is_given(group, "socket"))
        reading_say(reading, config_setting_get_member(group, "tls"),
                    "tls beside socket; remove it, for what goes through a socket doesn't leave this host");
    if (local->defaults_file) {
        int file =
            secret_open(reading, config_setting_get_member(group, "defaults_file"), local->defaults_file);
        struct stat status;
        /* It may name a folder of plug-ins, which are code. A password is only data, and root may read
         * anybody's. */
        if (file >= 0 && fstat(file, &status) == 0 && status.st_uid != 0 && status.st_uid != geteuid())
            reading_say(
                reading, config_setting_get_member(group, "defaults_file"),
                "defaults_file: %s belongs to another user than root and this program's; run: chown root %s",
                local->defaults_file, local->defaults_file);
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
        reading_say(reading, config_setting_get_member(group, "expire"), "expire isn't understood: %s", why);
    if (cache_group->name || is_given(group, "name"))
        return;
    snprintf(place, sizeof(place), "caches[%d]", config_setting_index(group));
    cache_group->name = reading_copy_text(reading, place, strlen(place));
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
            secret_read(reading, config_setting_get_member(group, "password_file"), login->password_file);
    check_tls(reading, group, login->tls, login->tls_ca);
}

static void check_sites_differ(struct reading *reading, const config_setting_t *list,
                               const struct config_ring *ring) {
    size_t mains = 0;

    for (size_t i = 0; i < ring->site_count; i++) {
        const struct config_site *site = &ring->sites[i];
        mains += site->main;
        for (size_t j = 0; j < i; j++) {
            const struct config_site *other = &ring->sites[j];
            if (site->name && other->name && strcmp(site->name, other->name) == 0)
                reading_say(reading, config_setting_get_elem(list, (unsigned)i),
                            "ring.sites.name \"%s\" is another site's name already; choose another",
                            site->name);
            if (site->server_id && site->server_id == other->server_id)
                reading_say(
                    reading, config_setting_get_elem(list, (unsigned)i),
                    "ring.sites.server_id %u is another site's already; every server of a ring has its own",
                    site->server_id);
            if (site->server.host && other->server.host &&
                strcmp(site->server.host, other->server.host) == 0 && site->server.port == other->server.port)
                reading_say(reading, config_setting_get_elem(list, (unsigned)i),
                            "ring.sites: %s:%u is another site's address already; correct one of the two",
                            site->server.host, site->server.port);
        }
    }
    if (mains != 1)
        reading_say(reading, list,
                    "ring.sites has %zu sites with main = true; mark the main master's, and only it", mains);
}

void config_check_on_event(struct reading *reading, const config_setting_t *group, void *values) {
    const struct config_on_event *on_event = values;
    const char *program = on_event->command_count > 0 ? on_event->command[0] : NULL;

    if (program && program[0] != '/')
        reading_say(reading, group, "on_event.command begins with \"%s\"; write the program's absolute path",
                    program);
}

void config_check_ring(struct reading *reading, const config_setting_t *group, void *values) {
    struct config_ring *ring = values;
    const config_setting_t *list = config_setting_get_member(group, "sites");

    /* What a site wrote that the others never saw is then deleted everywhere, instead of going over newer
     * values. */
    if (ring->converge == CONFIG_CONVERGE_REPAIR && !is_given(group, "returning_writes"))
        ring->returning_writes = CONFIG_RETURNING_SKIP;
    if (list && ring->site_count > 0)
        check_sites_differ(reading, list, ring);
    if (ring->samples_failed > ring->samples)
        reading_say(reading, group,
                    "ring.samples_failed is %u of only %u samples; lower it, or raise samples",
                    ring->samples_failed, ring->samples);
}

void rules_check_own_site(struct reading *reading, const struct config_setting_t *root,
                          struct config *config) {
    const config_setting_t *site = config_setting_get_member(root, "site");
    const config_setting_t *ring = config_setting_get_member(root, "ring");

    if (ring && !site)
        reading_say(reading, ring, "ring without site; add site = \"...\", the name of this host's site");
    else if (site && !ring)
        reading_say(reading, site, "site without ring; add the ring section, or remove site");
    if (!config->site || config->ring.site_count == 0)
        return;
    for (size_t i = 0; i < config->ring.site_count; i++) {
        if (config->ring.sites[i].name && strcmp(config->ring.sites[i].name, config->site) == 0) {
            config->ring.own = i;
            return;
        }
    }
    reading_say(reading, site, "site \"%s\" is none of ring.sites; write one of their names", config->site);
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
                reading_say(reading, setting,
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
            reading_say(reading, name ? name : setting,
                        "caches.name \"%s\" is another group's name already; choose another", group->name);
            return;
        }
    }
}

void rules_check_caches(struct reading *reading, const struct config_setting_t *root,
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
