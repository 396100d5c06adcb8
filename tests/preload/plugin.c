/* A driver as scripting languages load one: a shared object of its own scope, linked to one of the client
 * libraries. */
#include "claims.h"

__attribute__((visibility("default"))) MYSQL *plugin_connect(void);
__attribute__((visibility("default"))) const char *plugin_ask(MYSQL *mysql, const char *text);
__attribute__((visibility("default"))) MYSQL_RES *plugin_stream(MYSQL *mysql);
__attribute__((visibility("default"))) const char *plugin_next(MYSQL_RES *rows);
__attribute__((visibility("default"))) void plugin_free(MYSQL_RES *rows);
__attribute__((visibility("default"))) void plugin_close(MYSQL *mysql);
__attribute__((visibility("default"))) long plugin_alive(void);

MYSQL *plugin_connect(void) {
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql) {
        return NULL;
    }
    unsigned char on = 1;
    mysql_options(mysql, fake_is_oracle() ? 14 : 19,
                  &on); /* report truncation, by each library's own number */
    return mysql_real_connect(mysql, NULL, "app", "secret", "shop", 0, "/run/main.sock", 0);
}

/* The first cell, the error's text, or "ok". */
const char *plugin_ask(MYSQL *mysql, const char *text) {
    static char cell[256];
    if (mysql_query(mysql, text) != 0) {
        return mysql_error(mysql);
    }
    MYSQL_RES *rows = mysql_store_result(mysql);
    if (!rows) {
        return "ok";
    }
    MYSQL_ROW row = mysql_fetch_row(rows);
    snprintf(cell, sizeof cell, "%s", row && row[0] ? row[0] : "");
    mysql_free_result(rows);
    return cell;
}

MYSQL_RES *plugin_stream(MYSQL *mysql) {
    return mysql_query(mysql, SELECT_CACHE) == 0 ? mysql_use_result(mysql) : NULL;
}

const char *plugin_next(MYSQL_RES *rows) {
    MYSQL_ROW row = mysql_fetch_row(rows);
    return row ? row[0] : NULL;
}

void plugin_free(MYSQL_RES *rows) {
    mysql_free_result(rows);
}

void plugin_close(MYSQL *mysql) {
    mysql_close(mysql);
}

long plugin_alive(void) {
    return fake_alive();
}

/* A program that is preloaded with this says, in the file of that name, who answers before the shim's own
 * constructors have run. */
__attribute__((constructor)) static void ask_early(void) {
    const char *path = getenv("CLAIMS_EARLY");
    FILE *out = path ? fopen(path, "w") : NULL;
    MYSQL *mysql = out ? plugin_connect() : NULL;
    if (mysql) {
        fputs(plugin_ask(mysql, SELECT_CACHE), out);
        mysql_close(mysql);
    }
    if (out) {
        fclose(out);
    }
}
