/* `roundabout doctor`: what is found out about a program or a process, and what follows from it. Looking
 * (doctor_program.c, doctor_process.c) and judging (doctor_judge.c, pure) are apart. */
#ifndef ROUNDABOUT_DOCTOR_H
#define ROUNDABOUT_DOCTOR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum doctor_verdict { DOCTOR_ROUTED, DOCTOR_BYPASSES, DOCTOR_UNKNOWN };

/* What the judgement is made from. */
struct doctor_facts {
    bool is_process;
    bool is_foreign;           /* built for another machine than this command */
    bool is_damaged;           /* its file is not all there */
    bool is_static;            /* loads no libraries */
    bool has_other_libc;       /* not glibc, which libroundabout.so is built for */
    const char *raised_rights; /* "it is setuid"; NULL: none */
    bool is_php_native;        /* PHP with mysqlnd */
    bool has_own_client;       /* the client's code is in the program itself */
    bool
        asks_by_name; /* a program that has a client library's name in it as a text, and isn't linked to it */
    unsigned clients; /* client libraries that it is linked to, or that are loaded */
    unsigned drivers; /* modules of a script's language that are linked to one */
    bool is_interpreted;
    /* of a process */
    bool is_preloaded;
    bool is_disabled; /* ROUNDABOUT_DISABLE */
    bool has_bad_config;
    unsigned callers;      /* modules that take the client's functions from others */
    unsigned callers_past; /* of these, such as don't get libroundabout.so's */
};

struct doctor_judgement {
    enum doctor_verdict verdict;
    const char *why;
    const char *cure; /* NULL: none is needed */
};

struct doctor_judgement doctor_judge(const struct doctor_facts *facts);

/* One thing found, for people: what it is about, and a sentence. */
struct doctor_finding {
    const char *about;
    char text[PATH_MAX + 512];
};
enum { FINDINGS_MAX = 64 };
struct doctor_report {
    struct doctor_facts facts;
    struct doctor_finding findings[FINDINGS_MAX]; /* more are left out, and counted */
    size_t count, left_out;
};

__attribute__((format(printf, 3, 4))) void doctor_note(struct doctor_report *report, const char *about,
                                                       const char *format, ...);

/* Fills the report of a program at `path` (with a slash), or of a process; `config` is a file's path or NULL.
 * False with errno set: it can't be looked at. */
bool doctor_look_at_program(const char *path, const char *config, struct doctor_report *report);
bool doctor_look_at_process(int pid, struct doctor_report *report);

#endif
