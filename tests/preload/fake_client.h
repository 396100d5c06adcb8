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
/* A bind as the programs of the tests use it: the members at the places that both libraries give them, and
 * the rest of its size. */
struct st_mysql_bind {
    unsigned long *length;
    my_bool *is_null;
    void *buffer;
    my_bool *error;
    char between[32];
    unsigned long buffer_length;
    unsigned long offset;
    unsigned long length_value;
    char flags[8];
    int buffer_type;
    char rest[12];
};
_Static_assert(sizeof(struct st_mysql_bind) == BIND_SIZE, "as in both libraries");
_Static_assert(offsetof(struct st_mysql_bind, buffer) == BIND_BUFFER, "as in both libraries");
_Static_assert(offsetof(struct st_mysql_bind, buffer_length) == BIND_BUFFER_LENGTH, "as in both libraries");
enum { TYPE_LONG = 3, TYPE_NULL = 6, TYPE_BLOB = 252, TYPE_STRING = 254 };
enum { FAKE_FIELD_SIZE = 128 };

unsigned long mysql_get_client_version(void);
FAKE_LINKAGE int mysql_fetch_row_cont(MYSQL_ROW *row, MYSQL_RES *result, int ready);
FAKE_LINKAGE int mysql_free_result_cont(MYSQL_RES *result, int ready);
FAKE_LINKAGE int mysql_close_cont(MYSQL *mysql, int ready);
FAKE_LINKAGE int mysql_stmt_close_cont(my_bool *result, MYSQL_STMT *stmt, int ready);
FAKE_LINKAGE int mysql_stmt_fetch_cont(int *result, MYSQL_STMT *stmt, int ready);
FAKE_LINKAGE int mysql_stmt_store_result_cont(int *result, MYSQL_STMT *stmt, int ready);
FAKE_LINKAGE int mysql_stmt_next_result_cont(int *result, MYSQL_STMT *stmt, int ready);
FAKE_LINKAGE int mysql_stmt_reset_cont(my_bool *result, MYSQL_STMT *stmt, int ready);
FAKE_LINKAGE int mysql_stmt_free_result_cont(my_bool *result, MYSQL_STMT *stmt, int ready);
FAKE_LINKAGE int mysql_stmt_send_long_data_cont(my_bool *result, MYSQL_STMT *stmt, int ready);

/* A handle in the program's own memory: any storage of this size. The first member is net.last_errno, which
 * some drivers write to. */
enum { FAKE_HANDLE_SIZE = 4096 };

FAKE_LINKAGE bool fake_is_oracle(void); /* weak: a program may have no client library */
/* The descriptor of a handle, as programs read it out of the struct. */
int fake_descriptor(const MYSQL *mysql);
/* What a program sees of a statement that it holds, as the public headers show it: the arrays of binds that
 * the library has, and the fields. */
struct fake_shown {
    MYSQL_BIND *params;
    MYSQL_BIND *binds;
    char *fields;
};
struct fake_shown fake_show(const MYSQL_STMT *stmt);
/* How often a non-blocking call of this thread stops before it goes on: 0 ends at once. */
extern __thread int fake_stops;
/* Handles and results of this library that are allocated now. */
long fake_alive(void);

#endif
