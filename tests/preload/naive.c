/* The shim that one writes first: it looks at the text, keeps one connection for all, and sends on. Not built
 * into anything: the claims are run over it to see that they notice. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC visibility push(default)
#include "../../shim/real.h"
#define X(type, name, parameters) type name parameters;
REAL_FUNCTIONS(X)
#undef X
#pragma GCC visibility pop

static MYSQL *app, *local, *last;
static bool inside;

#define NEXT(name)                                 \
    static __typeof__(&name) next;                 \
    if (!next) {                                   \
        *(void **)&next = dlsym(RTLD_NEXT, #name); \
    }

static bool is_cache(const char *text) {
    return strstr(text, "shop.cache") || strstr(text, "INTO cache") || strstr(text, "shop.page") ||
           strstr(text, "shop.now") || strstr(text, "shop.careful") || strstr(text, "shop.counter");
}

MYSQL *mysql_real_connect(MYSQL *mysql, const char *host, const char *user, const char *password,
                          const char *database, unsigned port, const char *socket, unsigned long flags) {
    NEXT(mysql_real_connect)
    MYSQL *connected = next(mysql, host, user, password, database, port, socket, flags);
    if (!inside && connected) {
        inside = true;
        app = last = mysql;
        local = mysql_init(NULL);
        next(local, NULL, user, password, database, 0, "/run/local.sock", flags);
        inside = false;
    }
    return connected;
}

int mysql_real_query(MYSQL *mysql, const char *text, unsigned long length) {
    NEXT(mysql_real_query)
    if (mysql == app) {
        last = is_cache(text) ? local : app;
        return next(last, text, length);
    }
    return next(mysql, text, length);
}

#define REDIRECT(type, name)                      \
    type name(MYSQL *mysql) {                     \
        NEXT(name)                                \
        return next(mysql == app ? last : mysql); \
    }
REDIRECT(unsigned, mysql_errno)
REDIRECT(const char *, mysql_error)
REDIRECT(const char *, mysql_sqlstate)
REDIRECT(uint64_t, mysql_affected_rows)
REDIRECT(uint64_t, mysql_insert_id)
REDIRECT(unsigned, mysql_warning_count)
REDIRECT(unsigned, mysql_field_count)
REDIRECT(const char *, mysql_info)
REDIRECT(MYSQL_RES *, mysql_store_result)
REDIRECT(MYSQL_RES *, mysql_use_result)
REDIRECT(my_bool, mysql_more_results)
REDIRECT(int, mysql_next_result)

void mysql_close(MYSQL *mysql) {
    NEXT(mysql_close)
    if (mysql == app && local) {
        next(local);
        local = NULL;
        app = last = NULL;
    }
    next(mysql);
}
