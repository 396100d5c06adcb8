/* One server's replication link: what was seen of it as plain values, what its errors mean, and the SQL of
 * one step. */
#ifndef ROUNDABOUT_LINK_H
#define ROUNDABOUT_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../config/config.h"

#define RING_SITES_MAX 16 /* auto_increment_increment is 16, so there are 16 offsets */

enum server_kind { SERVER_KIND_UNKNOWN, SERVER_MARIADB, SERVER_MYSQL };

enum link_thread { LINK_THREAD_STOPPED, LINK_THREAD_CONNECTING, LINK_THREAD_RUNNING };

/* An order to leave things as they are (pause.h), as one server shows it; zeros: none. */
struct link_pause {
    int64_t set_us, until_us; /* by the clock of who gave it */
    /* The site is being made a member: not even a heartbeat may be written there. */
    enum { LINK_NOT_JOINING, LINK_JOINING, LINK_JOINED_BUT_FOR_THE_LINK } joining;
};

/* What one look at a server showed. Strings that the server didn't give are empty, numbers -1 where that is
 * said. */
struct link_state {
    enum server_kind kind;
    char version[64];
    unsigned server_id;
    char uuid[40];      /* MySQL */
    unsigned domain_id; /* MariaDB */
    bool log_bin;
    bool log_updates; /* log_slave_updates, log_replica_updates */
    bool gtid_ready;  /* MySQL: gtid_mode and enforce_gtid_consistency; MariaDB: gtid_ignore_duplicates */
    bool gtid_strict; /* MariaDB; true on MySQL */
    bool idempotent;
    bool read_only;
    char binlog_format[16];
    unsigned increment, offset;
    unsigned net_timeout_s;
    unsigned sync_binlog;
    int64_t binlog_kept_s;
    int64_t clock_us;      /* the server's clock; -1 unknown */
    int64_t clock_seen_us; /* this host's clock at that moment, as near as half a round trip */
    char applied[2048];    /* MariaDB: gtid_slave_pos; MySQL: gtid_executed */
    char logged[2048];     /* MariaDB: gtid_binlog_pos; MySQL: gtid_executed */
    char oldest[2048];     /* what its binary logs begin with, if asked for; MySQL: gtid_purged */

    bool link_known; /* the link's own row could be read */
    bool link_exists;
    unsigned link_problem; /* why it couldn't: an error number */
    char source_host[256];
    unsigned source_port;
    unsigned source_server_id;
    char source_user[128];
    bool uses_gtid; /* in the way that this product needs: slave_pos, auto-position */
    enum link_thread io, sql;
    unsigned io_errno, sql_errno;
    char io_error[512], sql_error[512];
    char io_state[128];
    bool drained; /* all that was fetched has been applied */
    char received[2048];
    long seconds_behind; /* -1 unknown; shown, never trusted */

    bool heartbeats_known;
    unsigned heartbeat_problem;           /* an error number */
    int64_t heartbeat_us[RING_SITES_MAX]; /* sites in ring order: when the newest heartbeat seen here was
                                             sent; -1: none */
    struct link_pause ring_pause, site_pauses[RING_SITES_MAX];
};

/* What one turn may do about a link. */
enum link_step {
    LINK_LEAVE,
    LINK_WAIT,
    LINK_START,      /* start the stopped threads */
    LINK_POINT,      /* make or re-make the link to `target` */
    LINK_RESTART_IO, /* stop and start the fetching thread only */
    LINK_HOLD,       /* stop the fetching thread, so that a returning source isn't followed by itself */
    LINK_SKIP,       /* set the position past what the source has purged, then start */
    LINK_HELP,       /* a person must act */
};

/* What an error of a link asks for. */
enum link_consequence {
    LINK_NO_ERROR,
    LINK_TRANSIENT,     /* passes by itself; a stopped thread is started again */
    LINK_CONFIGURATION, /* a person changes a setting, a grant or a table; tried again a few times */
    LINK_PURGED,        /* the source no longer has what this site lacks: on_purged decides */
    LINK_HOLE, /* the source has events before and behind the place that this site has got to: returning_writes decides */
    LINK_DAMAGED,       /* the relay log: a link made anew fetches it again */
    LINK_FATAL,         /* the same event would fail again: a person decides */
};

struct link_error {
    unsigned code;
    enum link_consequence consequence;
    const char *meaning;
    const char *cure;
};

/* What `code` with `text` means; never NULL. Some codes mean different things by their text (1236). From the
 * errors that real servers gave; an error that isn't listed is transient when it is the client library's
 * (2000-2099), fatal otherwise. */
const struct link_error *link_classify(unsigned code, const char *text);

/* The error that stopped or stops the link, the applier's first; LINK_NO_ERROR's row if none. */
const struct link_error *link_trouble(const struct link_state *state);

/* How long after an attempt the next may follow, in ms; -1 when `attempts` were enough and a person is
 * needed. */
int64_t link_retry_delay_ms(enum link_consequence consequence, unsigned attempts);

bool link_is_whole(const struct link_state *state);

/* The server says it waits for a disk: no error number, both threads "running". */
bool link_waits_for_disk(const struct link_state *state);

/* The domain in which a source of MariaDB's has a hole, by the text of the error. False: it doesn't say. */
bool link_domain_of_hole(const char *text, unsigned *domain);

/* The last sequence number of one domain in a MariaDB GTID list ("1-1-5,2-2-7"); `gtid` (of at least 64) gets
 * the element. False: the domain isn't there. */
bool link_gtid_of_domain(const char *list, unsigned domain, char *gtid, size_t size);

/* MariaDB: the binary log holds events of other sites that the tables don't remember having applied: a crash
 * took back the tables' last moments (innodb_flush_log_at_trx_commit other than 1) and not the log's. They
 * would come again and be refused as out of order. */
bool link_is_set_back(const struct link_state *state);

/* The last number that `holder` shows of the GTIDs which `origin` gives out: in what it has logged or applied,
 * whichever is later. 0: none. */
unsigned long long link_last_number(const struct link_state *holder, const struct link_state *origin);

/* Nothing of another server has ever been applied there. `others` of any may be NULL. */
bool link_is_blank(const struct link_state *state, const struct link_state *const *others, size_t count);

/* A MariaDB GTID list in which each domain has the element with the larger sequence number of the two lists.
 * False: no room. */
bool link_gtid_union(const char *one, const char *other, char *merged, size_t size);

#endif
