/* What the command line asks for. */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include <stdbool.h>

enum key_choice { KEYS_UNIFORM, KEYS_ZIPF };
enum transaction { TRANSACTION_NONE, TRANSACTION_BEGIN, TRANSACTION_COMMIT };

struct options {
    /* where to; NULL: the client library's own default */
    const char *host, *socket, *user, *password, *database, *defaults_file;
    long port;
    double connect_timeout_s;

    /* a request */
    long replaces, selects, others, batch;
    const char *other; /* the text of `others` */
    const char *table, *key_column, *value_column;
    long value_size, keys;
    const char *distribution; /* as given; its enum is in `choice` */
    enum key_choice choice;
    double zipf_exponent;
    const char *transaction_word;
    enum transaction transaction;
    bool prepared, send_read, reconnect;

    /* or the user's own */
    const char *statements; /* a file */
    long per_request;       /* statements of a request, of a file of lines */

    /* how many and how fast */
    long threads, requests, warmup;
    double duration_s, rate; /* 0: none given, as fast as they are answered */
    long seed;
    bool create, fill;

    /* what is said */
    const char *json, *csv, *label;
    bool quiet, progress;
};

/* Reads the command line into *options. -1: go on; else the exit status to end with, all having been said. */
int options_read(int count, char **words, struct options *options);

#endif
