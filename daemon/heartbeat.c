#include "heartbeat.h"

#include <inttypes.h>
#include <stdio.h>

#include "quote.h"

struct server_answer heartbeat_make_table(struct server *server) {
    const struct server_answer made = server_query(server, "CREATE DATABASE IF NOT EXISTS roundabout", NULL);
    if (made.outcome != SERVER_ANSWERED)
        return made;
    return server_query(
        server,
        "CREATE TABLE IF NOT EXISTS roundabout.heartbeat (site VARBINARY(64) NOT NULL PRIMARY KEY,"
        " sent_us BIGINT UNSIGNED NOT NULL, ring_u TINYINT NULL DEFAULT NULL INVISIBLE, UNIQUE KEY ring_u "
        "(ring_u))"
        " ENGINE=InnoDB",
        NULL);
}

struct server_answer heartbeat_send(struct server *server, const char *site, int64_t now_us) {
    char sql[256], quoted[160];
    if (!quote_text(site, quoted, sizeof quoted))
        return (struct server_answer){SERVER_REFUSED, 0, "the site's name is too long"};
    snprintf(sql, sizeof sql, "REPLACE INTO roundabout.heartbeat (site, sent_us) VALUES (%s, %" PRId64 ")",
             quoted, now_us);
    return server_query(server, sql, NULL);
}
