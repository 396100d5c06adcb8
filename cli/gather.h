/* What all processes of this host have counted, read together for one answer. */
#ifndef ROUNDABOUT_GATHER_H
#define ROUNDABOUT_GATHER_H

#include "../page/files.h"

struct gathered_process {
    uint32_t pid, uid;
    enum page_owner owner;
    char program[sizeof((struct page_header *)0)->program];
    uint64_t started_s, statements, routed, fallbacks, saved_ns;
    bool saved_known; /* main has answered */
};

struct gathered {
    char directory[512];
    struct page_counters *total; /* everything, in stripes[0] */
    struct page_stripe sum;      /* the same */
    struct page_observation *observed;
    struct gathered_process *processes; /* those with a page of their own, busiest first */
    size_t process_count;
    size_t alive; /* of these */
    struct page_breaker *breakers;
    size_t breaker_count;
    size_t unread;        /* files that are pages but can't be read */
    int64_t monotonic_ms; /* the breakers' clock, now */
};

/* Folds what ended processes have left, as far as this user may, and reads the rest. `directory` NULL: the
 * usual one. False: there is none, or no memory; *why says it. Free with gather_free() in any case. */
bool gather(struct gathered *gathered, const char *directory, const char **why);
void gather_free(struct gathered *gathered);

/* The directory that the file says; NULL: none, or no file is there to say it. A file that is named and can't
 * be used is an error, and told: false. `kept` owns the answer, to be given to config_free(). */
struct config;
bool gather_find_directory(const char *config_option, const char **directory, struct config **kept);

#endif
