/* The servers behind the fake client libraries: a main and a local master in the memory of the process, and a
 * journal, shared with forked children, of all that reached them. One object for all fake libraries of a
 * process. Sessions are used by one thread at a time; the journal and the script of faults by any. */
#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

enum fake_server { FAKE_MAIN, FAKE_LOCAL, FAKE_SERVERS };

/* A statement or command whose text contains `part` fails on that server, `times` times; error 0 takes the
 * fault back. A client error (2006, 2013) loses the connection. after_ms: it takes that long to fail. */
void fake_fail(enum fake_server server, const char *part, unsigned error, const char *message, int times);
void fake_fail_slowly(enum fake_server server, const char *part, unsigned error, int times,
                      unsigned after_ms);
/* Logins fail, until error 0 is given or `times` are over (-1: for good). */
void fake_fail_connect(enum fake_server server, unsigned error, const char *message, int times);
/* All sessions of a server end, as when it restarts or kills them. */
void fake_kill_sessions(enum fake_server server);
/* A global variable of the server; sessions made later start with it. */
void fake_set_global(enum fake_server server, const char *name, const char *value);
/* A variable of the n-th session (from 1) of a server. NULL: none such. "database" is its default database.
 */
const char *fake_variable(enum fake_server server, unsigned session, const char *name);
unsigned fake_session_count(enum fake_server server); /* made so far */

/* Lines "main: TEXT", "local2: TEXT" (the second session there), "child local: TEXT" (from another process)
 * from entry `from` on. The caller's, to be freed. */
char *fake_journal(size_t from);
size_t fake_journal_length(void);
void fake_journal_clear(void); /* and what this process does from here on is not a child's */
/* How many entries from `from` on belong to that server and contain `part`. */
size_t fake_journal_count(size_t from, enum fake_server server, const char *part);

/* For benches. The clients answer every command at once and by themselves, and nothing is written down: what
 * is left of a call's cost is the shim's. With fake_gives_rows a SELECT has one row then, without it all
 * texts have an OK packet. */
extern bool fake_is_fast, fake_gives_rows;
/* Connections have no descriptor, so that there may be more of them than a process may have files. */
extern bool fake_without_sockets;

/* What follows is for the fake client libraries. */

struct fake_track {
    int type; /* enum enum_session_state_type */
    char data[64];
};
enum { FAKE_TRACKS_MAX = 8 };

/* One answer to a command: an error, an OK packet, or rows. */
struct fake_answer {
    struct fake_answer *next; /* of a text with several statements, or a procedure */
    unsigned error;
    char message[256];
    uint64_t affected_rows;
    uint64_t insert_id;
    unsigned warnings;
    unsigned status; /* SERVER_STATUS_..., SERVER_MORE_RESULTS_EXISTS not among them */
    char info[96];
    unsigned columns; /* 0: no rows but an OK packet */
    size_t rows;
    char **cells; /* rows * columns, NULL is NULL */
    size_t track_count;
    struct fake_track tracks[FAKE_TRACKS_MAX];
};

struct fake_login {
    const char *address; /* socket or host */
    const char *user;
    const char *password;
    const char *database;
    const char *charset;
    const char *options; /* for the journal */
    unsigned long flags;
};

struct fake_session;
/* NULL: refused, with *error and its text. */
struct fake_session *fake_connect(const struct fake_login *login, unsigned *error, char message[256]);
void fake_quit(struct fake_session *session);   /* COM_QUIT */
void fake_forget(struct fake_session *session); /* the socket is closed without it */
bool fake_is_dead(const struct fake_session *session);
unsigned long fake_thread_id(const struct fake_session *session);
const char *fake_version(const struct fake_session *session);
struct fake_answer *fake_query(struct fake_session *session, const char *text, size_t length);
/* Any other command, written down as "/name text". Statement-like effects: init_db, change_user, reset. */
struct fake_answer *fake_command(struct fake_session *session, const char *name, const char *text);
void fake_free_answer(struct fake_answer *answer); /* this one only, not those behind it */
void fake_note(const struct fake_session *session, const char *name, const char *text); /* journal only */
const char *fake_database(struct fake_session *session);                                /* NULL: none */

#pragma GCC visibility pop

#endif
