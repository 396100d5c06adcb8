/* What a program can see of a statement without asking the library: the public headers of both show the
 * struct behind MYSQL_STMT, and DBD::mysql reads the types of the fields there and writes new buffers
 * straight into the two arrays of binds. The application holds main's statement, so while the twin answers
 * for it, its pointers to these three are the twin's. It's the one place where a struct of the libraries is
 * looked into: nothing else reaches them. Where the struct isn't as expected no statement of that library is
 * routed. */
#ifndef ROUNDABOUT_EXPOSED_H
#define ROUNDABOUT_EXPOSED_H

#include "real.h"

struct exposed {
    void *fields; /* MYSQL_FIELD[] */
    char *params; /* MYSQL_BIND[], BIND_SIZE bytes each, as the two below */
    char *binds;
};

/* Whether the struct is the one that is known here: `fresh` has just been initialised on `mysql`. */
bool exposed_is_known(const struct real *real, const MYSQL_STMT *fresh, const MYSQL *mysql);

/* Oracle's library looks at a statement's connection for what needs none, and forgets it when it is lost:
 * then another one is lent. False: it has its own. */
bool exposed_lend_connection(const struct real *real, MYSQL_STMT *stmt, MYSQL *mysql);
void exposed_take_connection(const struct real *real, MYSQL_STMT *stmt);

struct exposed exposed_read(const struct real *real, const MYSQL_STMT *stmt);
void exposed_write(const struct real *real, MYSQL_STMT *stmt, const struct exposed *exposed);

#endif
