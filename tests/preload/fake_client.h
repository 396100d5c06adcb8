/* The client API as the test programs use it: the functions that the shim defines as well, and those that it
 * leaves alone. Weak, since each library lacks some of the other's: with the shim they are all there. */
#ifndef FAKE_CLIENT_H
#define FAKE_CLIENT_H

#include "../../shim/real.h"

#ifndef FAKE_LINKAGE
#define FAKE_LINKAGE __attribute__((weak))
#endif

#define X(type, name, parameters) FAKE_LINKAGE type name parameters;
REAL_FUNCTIONS(X)
#undef X

uint64_t mysql_num_rows(MYSQL_RES *result);
unsigned mysql_num_fields(MYSQL_RES *result);
unsigned long *mysql_fetch_lengths(MYSQL_RES *result);
my_bool mysql_eof(MYSQL_RES *result);
int mysql_stmt_fetch(MYSQL_STMT *stmt);
int mysql_stmt_store_result(MYSQL_STMT *stmt);
uint64_t mysql_stmt_affected_rows(MYSQL_STMT *stmt);
unsigned long mysql_get_client_version(void);
FAKE_LINKAGE int mysql_fetch_row_cont(MYSQL_ROW *row, MYSQL_RES *result, int ready);
FAKE_LINKAGE int mysql_free_result_cont(MYSQL_RES *result, int ready);
FAKE_LINKAGE int mysql_close_cont(MYSQL *mysql, int ready);
FAKE_LINKAGE int mysql_stmt_close_cont(my_bool *result, MYSQL_STMT *stmt, int ready);

/* A handle in the program's own memory: any storage of this size. The first member is net.last_errno, which
 * some drivers write to. */
enum { FAKE_HANDLE_SIZE = 4096 };

FAKE_LINKAGE bool fake_is_oracle(void); /* weak: a program may have no client library */
/* The descriptor of a handle, as programs read it out of the struct. */
int fake_descriptor(const MYSQL *mysql);
/* How often a non-blocking call of this thread stops before it goes on: 0 ends at once. */
extern __thread int fake_stops;
/* Handles and results of this library that are allocated now. */
long fake_alive(void);

#endif
