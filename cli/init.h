/* `roundabout init`: what a look at this host's server finds (init_look.c), and the configuration that is
 * written from it (init_write.c). */
#ifndef ROUNDABOUT_INIT_H
#define ROUNDABOUT_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "../daemon/link.h"

enum { INIT_REPLICAS = 32, INIT_TABLES = 64 };

/* Strings that weren't found are empty. */
struct init_replica {
    char host[256];     /* as it says itself, or where it connects from */
    unsigned port;      /* 0: not known */
    unsigned server_id; /* 0: not known */
};

struct init_found {
    char socket[108];
    bool answered;
    char why_not[512];       /* what the server said, if it didn't answer */
    struct link_state state; /* version, numbers, and whom it follows */
    char server_name[32];    /* "MariaDB", "MySQL" */
    char host[256];          /* what others may reach it by: report_host, else this host's name */
    unsigned port;
    struct init_replica replicas[INIT_REPLICAS];
    size_t replica_count;
    char tables[INIT_TABLES][160]; /* "database.table", as the file wants it, whose names sound like a cache */
    bool more_tables;              /* than have room */
    size_t table_count;
    /* Files with the users' passwords, where they are to be; and whether they are there. */
    char monitor_file[4096], link_file[4096];
    bool has_monitor_file, has_link_file;
};

/* Looks at the server that answers at `socket`, or if that is NULL at the one whose socket the option files
 * name or that lies at a usual place. False: no socket was found at all. */
bool init_look(const char *socket, struct init_found *found);

/* Writes the configuration. A server that follows another is taken for the second site of a ring of two. */
void init_write(FILE *file, const struct init_found *found);

#endif
