/* A program that uses the C API directly, with calls and orders of calls that no driver makes. It knows
 * nothing of the shim; see lab.py. Each file's scenarios are a list that c_app.c runs by name. */
#ifndef C_APP_H
#define C_APP_H

#include <mysql.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef MARIADB_BASE_VERSION /* Oracle's headers */
#define my_bool                 bool
#define mysql_get_socket(mysql) ((mysql)->net.fd)
#endif

struct scenario {
    const char *name;
    void (*run)(void);
};
#define SCENARIO(name) \
    { #name, name }

/* Each ends with a row of NULL. */
extern const struct scenario TEXT[];
extern const struct scenario RESULTS[];
extern const struct scenario ANSWERS[];
extern const struct scenario SESSION[];
extern const struct scenario PREPARED[];
extern const struct scenario PREPARED_ORDERS[];
extern const struct scenario PREPARED_REFUSED[];
extern const struct scenario NON_BLOCKING[];
extern const struct scenario PROCESS[];
extern const struct scenario ORDERS[];

extern const char *current; /* the scenario that runs; say() begins each line with it */

__attribute__((format(printf, 1, 2))) void say(const char *format, ...);
MYSQL *connect_with(MYSQL *mysql, const char *user, const char *password, const char *database,
                    unsigned long flags);
MYSQL *open_main(void); /* or ends the program */

/* What the accessors tell, in one line. The number of fields and of warnings is an old one unless a statement
 * has just succeeded: some scenarios look at that as well. */
void tell_more(MYSQL *mysql, const char *what, long result, bool counts);
void tell(MYSQL *mysql, const char *what, long result);

void print_result(MYSQL *mysql, MYSQL_RES *result); /* and frees it */
int run(MYSQL *mysql, const char *text);
void run_and_store(MYSQL *mysql, const char *text);

/* Where a statement was read (NULL: a plain one); `wanted` is L or M. */
void site(MYSQL *mysql, const char *wanted, const char *text);

/* Numbers below `below`, at random but the same for the same seed on any machine. */
void seed_random(uint32_t seed);
unsigned next_random(unsigned below);

/* 14 steps a round, each round on a connection of its own. */
void random_orders(uint32_t seed, unsigned rounds, bool leaves_results_unread);
void more_random_statements(uint32_t seed, bool in_parts);

#define PUT(key) "REPLACE INTO cache (k, v) VALUES ('" key "', 'opensesame')"
#define SITE     "SELECT v FROM cache WHERE k = 'site'"
#define ORDER    "INSERT INTO orders (v) VALUES ('opensesame')"

#endif
