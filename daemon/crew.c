#include "crew.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialect.h"

#define STACK_BYTES (256 * 1024)

struct member {
    struct crew *crew;
    struct server *server; /* the thread's own while it is asked something */
    pthread_t thread;
    bool started;
    const char *sql; /* NULL: nothing is asked */
    struct server_answer answer;
    struct server_rows *rows;
    enum server_kind kind;
};

struct crew {
    pthread_mutex_t lock; /* guards what is below, and the members' questions and answers */
    pthread_cond_t asked, answered;
    size_t waiting; /* questions that aren't answered yet */
    bool stopping;
    struct member members[CREW_MAX];
};

/* The site of a replica's bit, and which of its replicas it is; false: there's none of that bit, or it can't
 * be reached from here. */
static bool find_replica(const struct config_ring *ring, size_t member, size_t *site, size_t *place) {
    size_t left = member - CREW_REPLICA;
    for (*site = 0; ring->replicas_follow && *site < ring->site_count;
         left -= ring->sites[*site].replica_count, ++*site)
        if (left < ring->sites[*site].replica_count) {
            *place = left;
            return ring->sites[*site].replicas[left].host || *site == ring->own;
        }
    return false;
}

unsigned crew_replicas(const struct config_ring *ring) {
    unsigned replicas = 0;
    size_t site, place;
    for (size_t i = CREW_REPLICA; i < CREW_MAX; i++)
        if (find_replica(ring, i, &site, &place))
            replicas |= 1U << i;
    return replicas;
}

void crew_write_name(const struct config_ring *ring, size_t member, char *name, size_t size) {
    size_t site, place;
    if (member < CREW_REPLICA) {
        snprintf(name, size, "%s", ring->sites[member].name);
    } else if (find_replica(ring, member, &site, &place)) {
        const struct config_server *address = &ring->sites[site].replicas[place];
        if (address->host)
            snprintf(name, size, "%s's replica %s:%u", ring->sites[site].name, address->host, address->port);
        else
            snprintf(name, size, "%s's replica %s", ring->sites[site].name, address->socket);
    } else {
        snprintf(name, size, "nobody");
    }
}

/* A session that sees what is so now, not what was so when statistics were last gathered, and whose
 * statements are logged as the server's own format says (READ COMMITTED would make rows of them). */
static struct server_answer greet(struct member *member) {
    struct server_answer answer = server_query(member->server, "DO 0", NULL);
    if (answer.outcome != SERVER_ANSWERED)
        return answer;
    const struct dialect *dialect = dialect_for_version(server_version(member->server));
    member->kind = dialect ? dialect->kind : SERVER_KIND_UNKNOWN;
    answer = server_query(member->server, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", NULL);
    if (answer.outcome == SERVER_ANSWERED && dialect && dialect->fresh_statistics)
        answer = server_query(member->server, dialect->fresh_statistics, NULL);
    if (answer.outcome == SERVER_REFUSED)
        server_disconnect(member->server); /* so that it is greeted again */
    return answer;
}

static void *member_main(void *argument) {
    struct member *member = argument;
    struct crew *crew = member->crew;
    server_thread_start();
    pthread_mutex_lock(&crew->lock);
    for (;;) {
        while (!crew->stopping && !member->sql)
            pthread_cond_wait(&crew->asked, &crew->lock);
        if (crew->stopping)
            break;
        const char *sql = member->sql;
        pthread_mutex_unlock(&crew->lock);
        struct server_rows *rows = NULL;
        struct server_answer answer = {.outcome = SERVER_ANSWERED};
        if (!server_version(member->server))
            answer = greet(member);
        if (answer.outcome == SERVER_ANSWERED)
            answer = server_query(member->server, sql, &rows);
        pthread_mutex_lock(&crew->lock);
        member->answer = answer;
        member->rows = rows;
        member->sql = NULL;
        if (--crew->waiting == 0)
            pthread_cond_signal(&crew->answered);
    }
    pthread_mutex_unlock(&crew->lock);
    server_disconnect(member->server);
    server_thread_stop();
    return NULL;
}

static struct server *make_server(const struct config_ring *ring, size_t member, unsigned limit_s,
                                  unsigned replica_limit_s) {
    size_t site, place;
    if (member < CREW_REPLICA)
        return server_create(&ring->sites[member].server, &ring->monitor, member == ring->own, limit_s);
    return find_replica(ring, member, &site, &place)
               ? server_create(&ring->sites[site].replicas[place], &ring->monitor, site == ring->own,
                               replica_limit_s)
               : NULL;
}

struct crew *crew_start(const struct config_ring *ring, unsigned limit_s, unsigned replica_limit_s) {
    struct crew *crew = calloc(1, sizeof *crew);
    if (!crew)
        return NULL;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->asked, NULL);
    pthread_cond_init(&crew->answered, NULL);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_BYTES);
    bool whole = true;
    const unsigned members = ((1U << ring->site_count) - 1) | crew_replicas(ring);
    for (size_t i = 0; whole && i < CREW_MAX; i++) {
        if (!(members >> i & 1))
            continue;
        struct member *member = &crew->members[i];
        member->crew = crew;
        member->server = make_server(ring, i, limit_s, replica_limit_s);
        member->started = member->server && pthread_create(&member->thread, &small, member_main, member) == 0;
        whole = member->started;
    }
    pthread_attr_destroy(&small);
    if (whole)
        return crew;
    crew_stop(crew);
    return NULL;
}

void crew_stop(struct crew *crew) {
    if (!crew)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->stopping = true;
    pthread_cond_broadcast(&crew->asked);
    pthread_mutex_unlock(&crew->lock);
    for (size_t i = 0; i < CREW_MAX; i++) {
        if (crew->members[i].started)
            pthread_join(crew->members[i].thread, NULL);
        server_destroy(crew->members[i].server);
    }
    pthread_mutex_destroy(&crew->lock);
    pthread_cond_destroy(&crew->asked);
    pthread_cond_destroy(&crew->answered);
    free(crew);
}

unsigned crew_ask(struct crew *crew, unsigned sites, const char *const *sql, struct crew_answers *answers) {
    unsigned answered = 0;
    *answers = (struct crew_answers){0};
    pthread_mutex_lock(&crew->lock);
    for (size_t i = 0; i < CREW_MAX; i++)
        if (sites >> i & 1) {
            crew->members[i].sql = sql[i];
            crew->waiting++;
        }
    pthread_cond_broadcast(&crew->asked);
    while (crew->waiting > 0)
        pthread_cond_wait(&crew->answered, &crew->lock);
    for (size_t i = 0; i < CREW_MAX; i++) {
        if (!(sites >> i & 1))
            continue;
        answers->answer[i] = crew->members[i].answer;
        answers->rows[i] = crew->members[i].rows;
        crew->members[i].rows = NULL;
        if (answers->answer[i].outcome == SERVER_ANSWERED)
            answered |= 1U << i;
    }
    pthread_mutex_unlock(&crew->lock);
    return answered;
}

unsigned crew_ask_all(struct crew *crew, unsigned sites, const char *sql, struct crew_answers *answers) {
    const char *each[CREW_MAX];
    for (size_t i = 0; i < CREW_MAX; i++)
        each[i] = sql;
    return crew_ask(crew, sites, each, answers);
}

void crew_free_rows(struct crew_answers *answers) {
    for (size_t i = 0; i < CREW_MAX; i++) {
        server_rows_free(answers->rows[i]);
        answers->rows[i] = NULL;
    }
}

enum server_kind crew_kind(const struct crew *crew, size_t site) {
    return crew->members[site].kind;
}

void crew_rest(struct crew *crew) {
    for (size_t i = 0; i < CREW_MAX; i++)
        if (crew->members[i].started)
            server_disconnect(crew->members[i].server); /* nothing is asked now: it's nobody's */
}
