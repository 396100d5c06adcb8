/* What the files of the fake client library share: its structs, and the way of a command. */
#ifndef FAKE_PARTS_H
#define FAKE_PARTS_H

#define FAKE_LINKAGE
#pragma GCC visibility push(default)
#include "fake_client.h"
#pragma GCC visibility pop
#include "fake_server.h"

#ifdef FAKE_MARIADB
enum { MARIADB = true, OPTION_RECONNECT = 20, OPTION_ATTRIBUTE_ADD = 33 };
#else
enum { MARIADB = false, OPTION_RECONNECT = 15, OPTION_ATTRIBUTE_ADD = 27 };
#endif
enum { OPTION_CHARSET = 7, OPTION_INIT_COMMAND = 3, OPTION_PROTOCOL = 9 };
enum { OUT_OF_SYNC = 2014, GONE = 2006, LOST = 2013 };
enum { MULTI_STATEMENTS_MORE = 8 };
#define NOT_COUNTED (~(uint64_t)0)

enum state { READY, RESULT_WAITS, RESULT_STREAMS, STATEMENT_WAITS };

struct setting {
    struct setting *next;
    int number;
    char *text; /* as the journal shows it */
};

struct st_mysql {
    unsigned last_errno; /* first: drivers write to it */
    char last_error[256];
    char sqlstate[6];
    uint64_t affected_rows;
    uint64_t insert_id;
    unsigned field_count;
    unsigned columns; /* what the library remembers of the result itself */
    unsigned warning_count;
    unsigned server_status;
    const char *info;
    char info_text[96];
    enum state state;
    bool owned; /* made by mysql_init(NULL) */
    bool reconnect;
    bool broken;                 /* MariaDB: a result was thrown away unread */
    struct fake_answer *sent[8]; /* the answers to texts sent by halves, oldest first: neither library minds
                                    another command in between, which then finds the first one's answer */
    int sent_count;
    struct fake_answer *answer; /* read, and not yet taken by the program; then those behind it */
    size_t next_row;
    size_t track_count; /* of the last OK packet that was read */
    struct fake_track tracks[FAKE_TRACKS_MAX];
    int track_type;
    size_t track_next;
    struct fake_session *session;
    int descriptor, server_end;
    unsigned long thread_id;
    struct setting *settings;
    char *address, *user, *password, *database;
    unsigned port;
    unsigned long flags;
    char charset[32];
    unsigned attributes;
    int stops_left; /* Oracle's non-blocking calls */
    struct coroutine *coroutine;
    MYSQL_STMT *statements; /* they outlive the handle, and know it no more then */
};
_Static_assert(sizeof(struct st_mysql) <= FAKE_HANDLE_SIZE, "programs embed a handle");

struct st_mysql_res {
    MYSQL *mysql; /* of an unbuffered result: rows are read from there */
    struct fake_answer *answer;
    size_t next_row;
    unsigned columns;
    char **row;
    unsigned long lengths[64];
    bool ended;
};

void set_error(MYSQL *mysql, unsigned error, const char *message);
void clear_error(MYSQL *mysql);
bool is_idle(const MYSQL *mysql);
bool out_of_sync(MYSQL *mysql); /* sets 2014; false */
void speak(const MYSQL *mysql); /* something is written to the socket */
/* A command begins. False: it can't be sent. */
bool begin_command(MYSQL *mysql);
bool read_answer(MYSQL *mysql); /* takes in mysql->answer */
void end_rows(MYSQL *mysql, struct fake_answer *answer);
MYSQL_RES *bare_result(unsigned columns); /* without rows */
MYSQL *handle_of_statement(const MYSQL_STMT *stmt);
/* The session of the handle's statements is over, or (reconnect) they are forgotten by the server. */
void end_statements(MYSQL *mysql, bool closed);
extern _Atomic long fake_objects;

#endif
