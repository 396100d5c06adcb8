#define _GNU_SOURCE
#include "options.h"

#include <stdlib.h>
#include <string.h>

enum kind { NOT_KEPT, NOTHING, STRING, TWO_STRINGS, FLAG /* my_bool */, UINT, ULONG };

/* Options 0 to 13 have the same numbers in both libraries. Not kept: the protocol and the time limits (0, 9,
 * 11, 12: the shadow's own), compression (useless within a site), named pipe and shared memory, USE_RESULT.
 */
static const enum kind COMMON[14] = {
    [3] = STRING /* INIT_COMMAND */,       [4] = STRING /* READ_DEFAULT_FILE */,
    [5] = STRING /* READ_DEFAULT_GROUP */, [6] = STRING /* SET_CHARSET_DIR */,
    [7] = STRING /* SET_CHARSET_NAME */,   [8] = UINT /* LOCAL_INFILE */,
};

/* Not kept: RECONNECT (20; the shim reopens by itself), BIND (24), and what follows the tables (callbacks,
 * host, port, socket). */
static const enum kind MARIADB[] = {
    [17] = STRING, [18] = FLAG,    [19] = FLAG,        [21] = FLAG,   [22] = STRING, [23] = STRING,
    [25] = STRING, [26] = STRING,  [27] = STRING,      [28] = STRING, [29] = STRING, [30] = STRING,
    [31] = STRING, [32] = NOTHING, [33] = TWO_STRINGS, [34] = STRING, [35] = STRING, [36] = FLAG,
    [37] = FLAG,   [38] = FLAG,    [39] = ULONG,       [40] = ULONG,  [41] = STRING,
};

/* MARIADB_OPT_...: 7000 and up. 7014 PASSWORD and 7016 USER stand for arguments of the connect. */
static const enum kind MARIADB_7000[] = {
    [0] = STRING,  [1] = STRING,  [2] = STRING, [4] = STRING, [5] = STRING, [6] = STRING, [7] = FLAG,
    [14] = STRING, [16] = STRING, [19] = FLAG,  [20] = FLAG,  [21] = FLAG,  [22] = FLAG,  [26] = STRING,
};

/* Not kept: RECONNECT (15: setting it warns on standard error), BIND (18), LOAD_DATA_LOCAL_DIR (43), factor
 * passwords (44), TLS session data (45). */
static const enum kind ORACLE[] = {
    [14] = FLAG,   [16] = STRING, [17] = STRING, [19] = STRING, [20] = STRING,  [21] = STRING,
    [22] = STRING, [23] = STRING, [24] = STRING, [25] = STRING, [26] = NOTHING, [27] = TWO_STRINGS,
    [28] = STRING, [29] = STRING, [30] = FLAG,   [31] = FLAG,   [32] = ULONG,   [33] = ULONG,
    [34] = STRING, [35] = UINT,   [36] = FLAG,   [37] = UINT,   [38] = FLAG,    [39] = UINT,
    [40] = STRING, [46] = STRING,
};

struct option {
    struct option *next;
    int number;
    enum kind kind;
    bool null;
    union {
        my_bool flag;
        unsigned uint_value;
        unsigned long ulong_value;
    } value;
    size_t size; /* of text, both strings with their ends */
    char text[]; /* the string, and behind its end the second one */
};

#define IN_TABLE(table, number) ((number) >= 0 && (size_t)(number) < sizeof(table) / sizeof *(table))

static enum kind kind_of(const struct real *real, int number) {
    if (IN_TABLE(COMMON, number)) {
        return COMMON[number];
    }
    if (!real->mariadb) {
        return IN_TABLE(ORACLE, number) ? ORACLE[number] : NOT_KEPT;
    }
    if (IN_TABLE(MARIADB_7000, number - 7000)) {
        return MARIADB_7000[number - 7000];
    }
    return IN_TABLE(MARIADB, number) ? MARIADB[number] : NOT_KEPT;
}

bool options_keep(struct option **options, const struct real *real, int number, const void *argument,
                  const void *second) {
    enum kind kind = kind_of(real, number);
    if (kind == NOT_KEPT || (kind == TWO_STRINGS && (!argument || !second))) {
        return true;
    }
    bool is_text = kind == STRING || kind == TWO_STRINGS;
    size_t first_size = is_text && argument ? strlen(argument) + 1 : 0;
    size_t second_size = kind == TWO_STRINGS ? strlen(second) + 1 : 0;
    struct option *option = calloc(1, sizeof *option + first_size + second_size);
    if (!option) {
        return false;
    }
    option->number = number;
    option->kind = kind;
    option->null = !argument;
    option->size = first_size + second_size;
    if (first_size) {
        memcpy(option->text, argument, first_size);
    }
    if (second_size) {
        memcpy(option->text + first_size, second, second_size);
    }
    if (argument && kind == FLAG) {
        option->value.flag = *(const my_bool *)argument;
    } else if (argument && kind == UINT) {
        option->value.uint_value = *(const unsigned *)argument;
    } else if (argument && kind == ULONG) {
        option->value.ulong_value = *(const unsigned long *)argument;
    }
    while (*options) {
        options = &(*options)->next;
    }
    *options = option;
    return true;
}

bool options_keep_ssl(struct option **options, const struct real *real, const char *key, const char *cert,
                      const char *ca, const char *capath, const char *cipher) {
    const char *const values[] = {key, cert, ca, capath, cipher};
    int first = real->mariadb ? 25 : 19; /* SSL_KEY, and the other four behind it in both libraries */
    bool kept = true;
    for (int i = 0; i < 5; i++) {
        if (values[i]) {
            kept &= options_keep(options, real, first + i, values[i], NULL);
        }
    }
    return kept;
}

/* MariaDB: VERIFY_SERVER_CERT, CA, CAPATH, CRL, CRLPATH, ENFORCE, TLS_PEER_FP and its list. Oracle: CA, CAPATH, CRL, CRLPATH, MODE. */
static bool is_of_trust(const struct real *real, int number) {
    static const int mariadb[] = {21, 27, 28, 30, 31, 38, 7002, 7003, 0}, oracle[] = {21, 22, 24, 25, 35, 0};
    for (const int *of = real->mariadb ? mariadb : oracle; *of; of++) {
        if (*of == number) {
            return true;
        }
    }
    return false;
}

bool options_ask_for_tls(const struct real *real, MYSQL *mysql, const char *ca) {
    if (!real->mysql_get_ssl_cipher) {
        return false;
    }
    if (real->mariadb) {
        my_bool on = 1, verify = ca ? 1 : 0;
        return real->mysql_options(mysql, 38 /* SSL_ENFORCE */, &on) == 0 &&
               (!ca || real->mysql_options(mysql, 27 /* SSL_CA */, ca) == 0) &&
               real->mysql_options(mysql, 21 /* SSL_VERIFY_SERVER_CERT */, &verify) == 0;
    }
    unsigned mode = ca ? 5 /* SSL_MODE_VERIFY_IDENTITY */ : 3 /* SSL_MODE_REQUIRED */;
    return (!ca || real->mysql_options(mysql, 21 /* SSL_CA */, ca) == 0) &&
           real->mysql_options(mysql, 35 /* SSL_MODE */, &mode) == 0;
}

void options_replay(const struct option *options, const struct real *real, MYSQL *mysql,
                    struct options_left_out left_out) {
    for (const struct option *option = options; option; option = option->next) {
        if (left_out.trust && is_of_trust(real, option->number)) {
            continue;
        }
        if (left_out.files && (option->number == 4 || option->number == 5)) {
            continue;
        }
        if (option->kind == TWO_STRINGS) {
            if (real->mysql_options4) {
                real->mysql_options4(mysql, option->number, option->text,
                                     option->text + strlen(option->text) + 1);
            }
            continue;
        }
        const void *argument =
            option->kind == STRING ? (const void *)option->text : (const void *)&option->value;
        real->mysql_options(mysql, option->number, option->null ? NULL : argument);
    }
}

bool options_read_a_file(const struct option *options) {
    for (; options; options = options->next) {
        if (options->number == 4 || options->number == 5) {
            return true;
        }
    }
    return false;
}

int options_attribute_add(const struct real *real) {
    return real->mariadb ? 33 : 27;
}

void options_free(struct option *options) {
    while (options) {
        struct option *next = options->next;
        explicit_bzero(options->text, options->size);
        free(options);
        options = next;
    }
}
