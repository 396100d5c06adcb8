#include "crew.h"

#include <pthread.h>
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
    size_t count;
    pthread_mutex_t lock; /* guards what is below, and the members' questions and answers */
    pthread_cond_t asked, answered;
    size_t waiting; /* questions that aren't answered yet */
    bool stopping;
    struct member members[RING_SITES_MAX];
};

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

struct crew *crew_start(const struct config_ring *ring, unsigned limit_s) {
    struct crew *crew = calloc(1, sizeof *crew);
    if (!crew)
        return NULL;
    crew->count = ring->site_count;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->asked, NULL);
    pthread_cond_init(&crew->answered, NULL);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_BYTES);
    bool whole = true;
    for (size_t i = 0; whole && i < ring->site_count; i++) {
        struct member *member = &crew->members[i];
        member->crew = crew;
        member->server = server_create(&ring->sites[i].server, &ring->monitor, i == ring->own, limit_s);
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
    for (size_t i = 0; i < crew->count; i++) {
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
    for (size_t i = 0; i < crew->count; i++)
        if (sites >> i & 1) {
            crew->members[i].sql = sql[i];
            crew->waiting++;
        }
    pthread_cond_broadcast(&crew->asked);
    while (crew->waiting > 0)
        pthread_cond_wait(&crew->answered, &crew->lock);
    for (size_t i = 0; i < crew->count; i++) {
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
    const char *each[RING_SITES_MAX];
    for (size_t i = 0; i < RING_SITES_MAX; i++)
        each[i] = sql;
    return crew_ask(crew, sites, each, answers);
}

void crew_free_rows(struct crew_answers *answers) {
    for (size_t i = 0; i < RING_SITES_MAX; i++) {
        server_rows_free(answers->rows[i]);
        answers->rows[i] = NULL;
    }
}

enum server_kind crew_kind(const struct crew *crew, size_t site) {
    return crew->members[site].kind;
}

void crew_rest(struct crew *crew) {
    for (size_t i = 0; i < crew->count; i++)
        server_disconnect(crew->members[i].server); /* nothing is asked now: it's nobody's */
}
