/* A load's results: as a table for people, as JSON, as CSV. */
#ifndef LOAD_RESULTS_H
#define LOAD_RESULTS_H

#include "options.h"
#include "tally.h"

struct results {
    const struct options *options;
    const struct tally *tally; /* of all threads */
    double wall_s, user_s, system_s;
    double build_ns; /* of one statement's text, which is made outside its time; 0: none was made */
    double clock_ns; /* of reading the clock twice, which is inside it */
    const char *server, *client; /* versions */
    const char *library; /* the object that mysql_real_query is found in: the shim, if it is preloaded */
};

void results_print(const struct results *results);
/* False: it can't be written, which has been said. */
bool results_write_json(const struct results *results, const char *path);
bool results_write_csv(const struct results *results, const char *path);

#endif
