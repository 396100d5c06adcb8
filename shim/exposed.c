#include "exposed.h"

#include <string.h>

struct places {
    size_t mysql, fields, params, binds;
};

/* Connector/C 3 (mariadb_stmt.h) and MySQL 8 and 9 (mysql.h). */
static const struct places *places_in(const struct real *real) {
    static const struct places mariadb = {56, 88, 112, 120};
    static const struct places oracle = {32, 56, 40, 48};
    return real->mariadb ? &mariadb : &oracle;
}

static void *word_at(const MYSQL_STMT *stmt, size_t place) {
    void *word;
    memcpy(&word, (const char *)stmt + place, sizeof word);
    return word;
}

bool exposed_is_known(const struct real *real, const MYSQL_STMT *fresh, const MYSQL *mysql) {
    const struct places *places = places_in(real);
    return word_at(fresh, places->mysql) == mysql && !word_at(fresh, places->fields) &&
           !word_at(fresh, places->params) && !word_at(fresh, places->binds);
}

static void set_connection(const struct real *real, MYSQL_STMT *stmt, const void *mysql) {
    memcpy((char *)stmt + places_in(real)->mysql, &mysql, sizeof mysql);
}

bool exposed_lend_connection(const struct real *real, MYSQL_STMT *stmt, MYSQL *mysql) {
    if (real->mariadb || word_at(stmt, places_in(real)->mysql)) {
        return false;
    }
    set_connection(real, stmt, mysql);
    return true;
}

void exposed_take_connection(const struct real *real, MYSQL_STMT *stmt) {
    set_connection(real, stmt, NULL);
}

struct exposed exposed_read(const struct real *real, const MYSQL_STMT *stmt) {
    const struct places *places = places_in(real);
    return (struct exposed){.fields = word_at(stmt, places->fields),
                            .params = word_at(stmt, places->params),
                            .binds = word_at(stmt, places->binds)};
}

void exposed_write(const struct real *real, MYSQL_STMT *stmt, const struct exposed *exposed) {
    const struct places *places = places_in(real);
    memcpy((char *)stmt + places->fields, &exposed->fields, sizeof exposed->fields);
    memcpy((char *)stmt + places->params, &exposed->params, sizeof exposed->params);
    memcpy((char *)stmt + places->binds, &exposed->binds, sizeof exposed->binds);
}
