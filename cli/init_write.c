#include "init.h"

#include <ctype.h>
#include <string.h>

/* A text in libconfig's double quotes. */
static void put_quoted(FILE *file, const char *text) {
    putc('"', file);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', file);
        if (!iscntrl((unsigned char)*text))
            putc(*text, file);
    }
    putc('"', file);
}

static bool follows_another(const struct init_found *found) {
    return found->answered && found->state.link_exists && found->state.source_host[0];
}

/* The first part of this host's name; a site is better named by its town, which the person knows. */
static void name_site(const struct init_found *found, char *name, size_t size) {
    size_t length = 0;
    for (const char *at = found->host; *at && *at != '.' && length + 1 < size && length < 32; at++)
        if (isalnum((unsigned char)*at) || *at == '-' || *at == '_')
            name[length++] = (char)tolower((unsigned char)*at);
    name[length] = '\0';
    if (length == 0 || isdigit((unsigned char)name[0]) || strcmp(name, "main") == 0 ||
        strcmp(name, "localhost") == 0)
        snprintf(name, size, "here");
}

static void put_local(FILE *file, const struct init_found *found) {
    fprintf(file,
            "# The master at this host's own site. The application's own user and password are used there.\n"
            "local = {\n    socket = ");
    put_quoted(file, found->socket);
    fprintf(file, ";\n};\n\n");
}

static void put_caches(FILE *file, const struct init_found *found) {
    fprintf(file,
            "# The cache tables. Nothing is routed while mode is \"observe\": it is decided and counted "
            "only. Set it to \"route\" when the\n"
            "# tables are right. They need a primary key, and must have no trigger and no foreign key.\n"
            "caches = (\n    {\n        name = \"cache\";\n");
    if (found->table_count == 0) {
        fprintf(file, "        # No table here has a name that sounds like a cache; put yours in. * stands "
                      "for any characters, ? for one.\n"
                      "        tables = [ \"shop.cache\" ];\n");
    } else {
        fprintf(file, "        # Found by their names only. Leave those in that may lose an entry.\n        "
                      "tables = [\n");
        for (size_t i = 0; i < found->table_count; i++) {
            fprintf(file, "            ");
            put_quoted(file, found->tables[i]);
            fprintf(file, "%s\n", i + 1 < found->table_count ? "," : "");
        }
        fprintf(file, "        ];\n%s",
                found->more_tables ? "        # There are more that sound like one; * stands for any characters.\n" : "");
    }
    fprintf(file,
            "        statements = [ \"REPLACE\", \"SELECT\" ];\n        mode = \"observe\";\n    }\n);\n\n");
}

static void put_replica(FILE *file, const struct init_replica *replica, const char *before) {
    fprintf(file, "%s{ host = ", before);
    put_quoted(file, replica->host[0] ? replica->host : "?");
    fprintf(file, "; port = %u; }", replica->port ? replica->port : 3306);
    if (replica->server_id)
        fprintf(file, " # server_id %u", replica->server_id);
    putc('\n', file);
}

static void put_replicas(FILE *file, const struct init_found *found) {
    if (found->replica_count == 0)
        return;
    fprintf(file, "            # These follow it now. A plain replica of this site belongs into `replicas`; "
                  "one at another site can become a\n"
                  "            # site of its own in the list.\n"
                  "            #replicas = (\n");
    for (size_t i = 0; i < found->replica_count; i++)
        put_replica(file, &found->replicas[i], "            #    ");
    fprintf(file, "            #);\n");
}

static void put_login(FILE *file, const char *name, const char *user, const char *password_file,
                      bool is_there, const char *about) {
    fprintf(file, "    # %s\n    %s = {\n        user = \"%s\";\n", about, name, user);
    if (!is_there)
        fprintf(file, "        # Put its password on the first line of this file, for its owner alone (chmod "
                      "600), and take the # away.\n");
    fprintf(file, "        %spassword_file = ", is_there ? "" : "#");
    put_quoted(file, password_file);
    fprintf(file, ";\n    };\n");
}

static void put_sites(FILE *file, const struct init_found *found, const char *own) {
    const bool is_second = follows_another(found);
    fprintf(file, "    # In ring order: each site follows the one before it, the first follows the last.\n   "
                  " sites = (\n");
    if (is_second) {
        fprintf(file, "        {\n            # The master that this server follows.\n            name = "
                      "\"main\";\n            host = ");
        put_quoted(file, found->state.source_host);
        fprintf(
            file,
            ";\n            port = %u;\n            server_id = %u;\n            main = true;\n        },\n",
            found->state.source_port ? found->state.source_port : 3306,
            found->state.source_server_id ? found->state.source_server_id : 1);
    }
    fprintf(file, "        {\n            # This host's server%s.\n            name = ",
            is_second          ? ", as the other sites reach it"
            : !found->answered ? ""
                               : "; it follows no other, so it is taken for the main master");
    put_quoted(file, own);
    fprintf(file, ";\n            host = ");
    put_quoted(file, found->host);
    fprintf(file, ";\n            port = %u;\n            socket = ", found->port ? found->port : 3306);
    put_quoted(file, found->socket);
    fprintf(file, ";\n            server_id = %u;\n            main = %s;\n",
            found->state.server_id ? found->state.server_id : 1, is_second ? "false" : "true");
    put_replicas(file, found);
    fprintf(file, "        }\n    );\n\n");
}

static void put_ring(FILE *file, const struct init_found *found) {
    char own[64];
    name_site(found, own, sizeof own);
    fprintf(file, "# The ring, for roundaboutd and for `roundabout check` and `status`. All sites have the "
                  "same section; `site` says which of them\n"
                  "# this host belongs to. Name the sites as you speak of them.\nsite = ");
    put_quoted(file, own);
    fprintf(file, ";\nring = {\n");
    put_sites(file, found, own);
    put_login(file, "replication", "roundabout_link", found->link_file, found->has_link_file,
              "The user of the links, the same at all sites.");
    put_login(file, "monitor", "roundabout", found->monitor_file, found->has_monitor_file,
              "The user that looks at all sites and keeps this one's link. `roundabout check` names the "
              "grants that it lacks.");
    fprintf(file, "};\n\n# The ring as a page, as JSON and as metrics, for this host alone; and what the daemon did, "
                  "kept over its restarts.\n"
                  "#http = { port = 8640; };\n#journal = { file = \"/var/lib/roundabout/journal\"; };\n");
}

void init_write(FILE *file, const struct init_found *found) {
    const struct link_state *state = &found->state;
    fprintf(file, "# Written by `roundabout init` from what it found on this host; yours to edit. "
                  "roundabout.conf(5) has all settings.\n");
    if (!found->answered) {
        fprintf(file, "# The server didn't let it look inside, so numbers and sites are guessed: %s\n\n",
                found->why_not);
    } else {
        fprintf(file, "# The server: %s %s, server_id %u", found->server_name, state->version,
                state->server_id);
        if (state->kind == SERVER_MARIADB)
            fprintf(file, ", gtid_domain_id %u", state->domain_id);
        fprintf(file,
                ", binary log %s%s%s.\n# `roundabout check -f` this file says what else a ring needs of the "
                "servers.\n\n",
                state->log_bin ? state->binlog_format : "off",
                state->log_updates ? ", with what it replicates" : "",
                state->read_only ? "; it is read_only, which a local master must not be" : "");
    }
    put_local(file, found);
    put_caches(file, found);
    put_ring(file, found);
}
