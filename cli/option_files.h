/* What the server's and the client's option files (my.cnf) say about the server on this host. */
#ifndef ROUNDABOUT_OPTION_FILES_H
#define ROUNDABOUT_OPTION_FILES_H

struct option_files {
    char socket[108]; /* empty: not said; here and below */
    char user[128];
    char password[256]; /* for connecting with; never written or printed */
};

/* Reads /etc/my.cnf, /etc/mysql/my.cnf and `home`/.my.cnf (home may be NULL) with what they include, later
 * ones winning: the sections [client], [client-server], [client-mariadb], [mysql], [mariadb] and [mysqld].
 * Files that can't be read are left out. */
void option_files_read(const char *home, struct option_files *options);

#endif
