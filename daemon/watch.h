/* One server watched by a thread of its own, over one connection: a look an interval, heartbeats if asked
 * for, and the statements that the main loop orders. So a server that hangs holds up nobody. The thread logs
 * nothing and decides nothing. */
#ifndef ROUNDABOUT_WATCH_H
#define ROUNDABOUT_WATCH_H

#include "heartbeat.h"
#include "lag.h"
#include "observe.h"
#include "script.h"

struct watch;

struct watch_report {
    unsigned looks;              /* how many looks have ended; 0: all below is empty */
    unsigned connection;         /* the one over which the last was made; WATCH_NO_CONNECTION: it was lost */
    struct server_answer answer; /* how the last one ended */
    struct link_state state;     /* what it showed, if SERVER_ANSWERED */
    int64_t ended_ms;            /* when; monotonic */
    int64_t began_ms;            /* when the look that is under way began; -1: none is */
    unsigned orders_done;
    struct server_answer order_answer; /* how the last order ended; a look has been made since */
    char order_position[2200];         /* the statement with which it set the position; "": it set none */
    char order_failed[80];             /* the beginning of its statement that failed, without secrets */
    struct server_answer heartbeat;    /* how the last heartbeat ended */
    unsigned heartbeats;               /* how many were written */
    int64_t lag_us[RING_SITES_MAX];    /* how long each origin's heartbeats take to get here, with the difference
                                          between its clock and this host's in it; LAG_NONE: not known */
};

/* Numbers of a watch's connections begin with 1. What was seen over one doesn't hold for the next, behind which
 * may be another server: one that lost all it had, for instance. */
#define WATCH_NO_CONNECTION 0

enum watch_order_kind {
    WATCH_SCRIPT,  /* run the script */
    WATCH_ACCOUNT, /* run the script unless `user` is there already, and then forget the session */
};

struct watch_order {
    enum watch_order_kind kind;
    unsigned connection; /* it is meant for the server behind this one, and fails over any other */
    struct script script;
    char user[128];
    /* MariaDB: the position that the script sets is joined with where the server is at that moment: what is
     * here stays here. Its own events may be written meanwhile, and the server refuses a position behind them
     * (1947): then it's read and set again. */
    bool joins_position;
    char past[2048]; /* with joins_position: the position to go past */
    /* MySQL: before the script, make an empty transaction of each GTID in this set - of the uuid only, unless it is empty - that the server
     * lacks. Empty: none. */
    char without[2048];
    char without_uuid[40];
};

struct watch_setup {
    const struct config_server *address;
    const struct config_login *login;
    bool by_socket;
    const struct config_ring *ring;
    unsigned limit_s;
    const char *heartbeat_site; /* NULL: write no heartbeats here */
    bool all_lags;              /* measure every origin's lag; otherwise that of the site it follows */
    int wake_fd;                /* an eventfd that is written after each look; -1: none */
};

/* Starts the thread. What `setup` points at must outlive the watch. NULL: no memory or no thread. */
struct watch *watch_start(const struct watch_setup *setup);

/* Ends the thread, which takes up to the time limit if the server hangs. */
void watch_stop(struct watch *watch);

void watch_read(struct watch *watch, struct watch_report *report);

/* Waits until a look has ended, at most till then. */
bool watch_wait(struct watch *watch, unsigned looks, int64_t until_ms);

/* Hands over one order; false while the one before isn't done. Returns with nothing done yet: orders_done
 * tells. */
bool watch_give(struct watch *watch, const struct watch_order *order);

/* Heartbeats are written over this connection from now on, for as long as it lasts; WATCH_NO_CONNECTION, as at
 * first: over none. */
void watch_let_beat(struct watch *watch, unsigned connection);

/* From the next look on, also read what the server's binary logs begin with, or no longer. */
void watch_read_oldest(struct watch *watch, bool oldest);

#endif
