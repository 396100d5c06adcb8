/* The options that an application sets on a handle before it connects, kept so that the shadow gets the same
 * ones: by the application's own numbers, to the same library. Which options are kept, and what their
 * arguments are, is one table per library (options.c). */
#ifndef ROUNDABOUT_OPTIONS_H
#define ROUNDABOUT_OPTIONS_H

#include "real.h"

struct option; /* a list, oldest first; NULL is the empty list */

/* Copies the arguments. An option that the shadow must not have, or that isn't in the table, is not kept.
 * False: out of memory. */
bool options_keep(struct option **options, const struct real *real, int number, const void *argument,
                  const void *second);

/* What of them the shadow gets from elsewhere. */
struct options_left_out {
    bool files; /* option files */
    bool trust; /* whose certificates are believed, and whether TLS may be done without; not the client's own certificate */
};

/* Sets all others of them on `mysql`. */
void options_replay(const struct option *options, const struct real *real, MYSQL *mysql,
                    struct options_left_out left_out);

/* Only TLS from here on; with `ca` (a file) only with a server whose certificate it has signed for the host's name. False: this
 * library can't promise that; don't connect. */
bool options_ask_for_tls(const struct real *real, MYSQL *mysql, const char *ca);

/* The application reads its defaults from an option file: user, password and database may come from there. */
bool options_read_a_file(const struct option *options);

/* Sends mysql_ssl_set's five arguments through options_keep. */
bool options_keep_ssl(struct option **options, const struct real *real, const char *key, const char *cert,
                      const char *ca, const char *capath, const char *cipher);

/* The number of MYSQL_OPT_CONNECT_ATTR_ADD: an empty attribute plants error 2034 without a word on the wire.
 */
int options_attribute_add(const struct real *real);

void options_free(struct option *options); /* wiped: a password can be among them */

#endif
