#define _GNU_SOURCE
#include "breaker.h"

#include "../page/files.h"
#include "log.h"
#include "probe.h"
#include "setup.h"
#include "site_page.h"
#include "stats.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CONTRADICTIONS_MAX = 2, WAITS_MAX = 100, WAIT_NS = 100000, HANGING_SHARE = 4, AT_ONCE_MAX = 8 };
/* Longer than any configuration's silence: such a time is nobody's word. */
static const int64_t SILENCE_MAX_MS = 3 * 3600 * 1000;

static struct page_breaker private; /* of this process alone */
static _Atomic(struct page_breaker *) shared;
static _Atomic(const struct config *) chosen_for; /* the configuration that `shared` was looked up for */
static _Atomic bool choosing;

/* Whether this process stands alone with its failures. */
static _Atomic bool opened_here; /* it was up until this process failed, which has not succeeded since */
static _Atomic unsigned contradictions;

/* The probe of this process. */
static _Atomic int64_t
    probe_until_ms; /* silent_until_ms as its winner set it; 0: there is no probe under way */
static _Atomic int64_t probe_begun_ms;
static _Atomic bool looking; /* one thread at a time; the others don't wait */

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* the same for all processes of a host, and of one boot */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec;
}

/* Whoever was at it is not here, and what that one had done by then is not known. */
static void after_fork(void) {
    if (atomic_exchange(&choosing, false)) {
        private.address[0] = '\0';
    }
    atomic_store(&looking, false);
    atomic_store(&probe_until_ms, 0);
    probe_end(); /* the parent's goes on */
}
static void watch_fork(void) {
    pthread_atfork(NULL, NULL, after_fork);
}
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static int open_directory(const struct config *config) {
    return config->stats.enabled ? page_open_directory(config->stats.directory, setup_runtime_directory(), NULL, 0) : -1;
}

/* What other users have said of the local master, or are told; -1: nothing was heard. */
static int64_t speak(const struct config *config, bool tells) {
    int kept_errno = errno, cancel_state;
    int64_t age_ms = -1;
    char address[sizeof private.address], name[64];
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state); /* it opens files */
    int directory = open_directory(config);
    if (directory >= 0) {
        config_write_address(&config->local.server, address, sizeof address);
        page_name_silence(name, address);
        if (tells) {
            page_tell_silence(directory, name);
        } else {
            age_ms = page_silence_age_ms(directory, name);
        }
        close(directory);
    }
    pthread_setcancelstate(cancel_state, NULL);
    errno = kept_errno;
    return age_ms;
}

/* Once for each configuration; the mapping of another address stays, since a thread may be looking at it: as
 * many as there are changes of the local master's address (setup.c bounds them). */
static void choose(const struct config *config) {
    int kept_errno = errno;
    pthread_once(&fork_once, watch_fork);
    for (int i = 0; atomic_exchange(&choosing, true); i++) {
        /* another thread is at it, with a few system calls; two breakers would be one failure told twice */
        if (i == WAITS_MAX) {
            errno = kept_errno;
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = WAIT_NS}, NULL);
    }
    if (atomic_load(&chosen_for) == config) {
        atomic_store(&choosing, false);
        errno = kept_errno;
        return;
    }
    char address[sizeof private.address], name[64];
    config_write_address(&config->local.server, address, sizeof address);
    if (strcmp(address, private.address) != 0) {
        strcpy(private.address, address);
        private.silent_until_ms = 0;
        struct page_breaker *page = NULL;
        int directory = open_directory(config);
        if (directory >= 0) {
            page_name_breaker(name, address);
            page = page_open_shared(directory, PAGE_BREAKER, config_stats_mode(&config->stats), name);
            close(directory);
        }
        if (page && page->address[0] == '\0') {
            memcpy(page->address, address, strlen(address)); /* the last byte is never written */
        }
        atomic_store(&contradictions, 0);
        atomic_store(&shared, page);
    }
    atomic_store(&chosen_for, config);
    atomic_store(&choosing, false);
    errno = kept_errno;
}

static __attribute__((cold, noinline)) void choose_alone(const struct config *config) {
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state); /* others would wait for it in vain */
    choose(config);
    pthread_setcancelstate(cancel_state, NULL);
}

static struct page_breaker *state_for(const struct config *config) {
    if (atomic_load_explicit(&chosen_for, memory_order_acquire) != config) {
        choose_alone(config);
    }
    struct page_breaker *page = atomic_load_explicit(&shared, memory_order_acquire);
    bool alone = atomic_load_explicit(&contradictions, memory_order_relaxed) >= CONTRADICTIONS_MAX;
    return page && !alone ? page : &private;
}

static void count(uint64_t *word) {
    __atomic_fetch_add(word, 1, __ATOMIC_RELAXED);
}

static void drop_probe(void) {
    if (!atomic_exchange(&looking, true)) {
        atomic_store(&probe_until_ms, 0);
        probe_end();
        atomic_store(&looking, false);
    }
}

/* A server that is well has answered by then, on a busy host too, so that a process which ends with this
 * statement finds it as well; and a silent one costs half a per cent of the period. */
static int patience_with_probe_ms(const struct config *config) {
    enum { LEAST_MS = 5, MOST_MS = 20, SHARE = 200 };
    unsigned share = config->local.retry_after_ms / SHARE;
    return share < LEAST_MS ? LEAST_MS : share > MOST_MS ? MOST_MS : (int)share;
}

/* Where it can't be told otherwise, or it fails at once, a statement tries. */
static bool begin_probe(const struct config *config, int64_t until) {
    if (atomic_exchange(&looking, true)) {
        return true;
    }
    bool waits = probe_begin(&config->local.server, patience_with_probe_ms(config)) == PROBE_SILENT;
    atomic_store(&probe_begun_ms, now_ms());
    atomic_store(&probe_until_ms, waits ? until : 0);
    atomic_store(&looking, false);
    return !waits;
}

/* What has come of it? A connection that takes longer than a statement would wait for it starts a new period.
 */
static bool look_at_probe(const struct config *config, struct page_breaker *state, int64_t until) {
    if (atomic_exchange(&looking, true)) {
        return false;
    }
    enum probe seen = atomic_load(&probe_until_ms) == until ? probe_look() : PROBE_SILENT;
    int64_t now = now_ms();
    bool over = now - atomic_load(&probe_begun_ms) >= (int64_t)config->local.connect_timeout_s * 1000;
    if (seen != PROBE_SILENT || over) {
        atomic_store(&probe_until_ms, 0);
        probe_end();
    }
    atomic_store(&looking, false);
    if (seen == PROBE_NONE || (seen == PROBE_SILENT && over)) {
        speak(config, true);
        __atomic_compare_exchange_n(&state->silent_until_ms, &until, now + config->local.retry_after_ms,
                                    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    return seen == PROBE_ANSWERED;
}

static void note_opened(const struct config *config, struct page_breaker *state, const char *why) {
    __atomic_store_n(&state->opened_s, now_s(), __ATOMIC_RELAXED);
    __atomic_store_n(&state->opener, (uint64_t)getpid(), __ATOMIC_RELAXED);
    count(&state->opens);
    stats_count_event(PAGE_EVENT_BREAKER_OPENED);
    log_write(CONFIG_LOG_WARNING, "local master lost: %s; cache statements go to main, next try in %u ms",
              why, config->local.retry_after_ms);
}

bool breaker_allows(const struct config *config) {
    struct page_breaker *state = state_for(config);
    int64_t until = __atomic_load_n(&state->silent_until_ms, __ATOMIC_RELAXED);
    int64_t probed = atomic_load_explicit(&probe_until_ms, memory_order_relaxed);
    if (until == 0) {
        if (__builtin_expect(probed != 0, 0)) {
            drop_probe(); /* another process was faster */
        }
        return true;
    }
    if (until == probed) {
        return look_at_probe(config, state, until);
    }
    int64_t now = now_ms();
    if (until > now && until - now < SILENCE_MAX_MS) {
        return false;
    }
    /* The winner of the exchange probes; the others wait until it says how it went, or must have ended. */
    int64_t patience =
        (int64_t)config->local.retry_after_ms + (int64_t)config->local.connect_timeout_s * 1000;
    if (!__atomic_compare_exchange_n(&state->silent_until_ms, &until, now + patience, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST)) {
        return false;
    }
    count(&state->probes);
    stats_count_event(PAGE_EVENT_BREAKER_PROBED);
    return begin_probe(config, now + patience);
}

/* The daemon has found out for all users of the host. Each silence is believed once and for one period: from
 * then on a probe of this user's processes decides. It is no failure of this process that others could
 * contradict. */
static bool is_said_silent(const struct config *config, struct page_breaker *state) {
    int64_t since = site_page_silent_since_ms(config);
    if (since == 0) {
        return false;
    }
    if (!page_silence_is_news(since, __atomic_load_n(&state->known_ms, __ATOMIC_SEQ_CST))) {
        return __atomic_load_n(&state->silent_until_ms, __ATOMIC_SEQ_CST) != 0; /* another just believed it */
    }
    int64_t now = now_ms(), closed = 0;
    if (__atomic_compare_exchange_n(&state->silent_until_ms, &closed, now + config->local.retry_after_ms,
                                    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&state->known_ms, now, __ATOMIC_SEQ_CST); /* in this order: see above */
        note_opened(config, state, "the daemon says that it doesn't answer");
    }
    return true;
}

/* Programs of another user have found it silent, or say so: a probe tells, before anybody waits for it. */
static bool is_heard_silent(const struct config *config, struct page_breaker *state) {
    const int64_t patience = (int64_t)config->local.retry_after_ms + (int64_t)config->local.connect_timeout_s * 1000;
    const int64_t age_ms = speak(config, false), now = now_ms();
    if (age_ms < 0 || age_ms > 2 * patience ||
        !page_silence_is_news(now - age_ms, __atomic_load_n(&state->known_ms, __ATOMIC_SEQ_CST))) {
        return false;
    }
    int64_t until = now + patience, closed = 0;
    if (!__atomic_compare_exchange_n(&state->silent_until_ms, &closed, until, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST)) {
        return true; /* another is at it */
    }
    if (begin_probe(config, until)) {
        __atomic_store_n(&state->known_ms, now_ms(), __ATOMIC_SEQ_CST);
        __atomic_compare_exchange_n(&state->silent_until_ms, &until, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        return false;
    }
    note_opened(config, state, "it doesn't answer, as another user's programs have found");
    return true;
}

bool breaker_allows_opening(const struct config *config) {
    struct page_breaker *state = state_for(config);
    bool closed = __atomic_load_n(&state->silent_until_ms, __ATOMIC_SEQ_CST) == 0;
    return breaker_allows(config) &&
           !(closed && (is_said_silent(config, state) || is_heard_silent(config, state))); /* not closed: it probes */
}

/* While a server that is well answers the first, the others of a crowd wait for an instant; where none is answered by then,
 * they needn't all find out. True: one was, and it is known to be up. */
static bool is_answered(struct page_breaker *state, int64_t begun, int64_t until) {
    enum { PAUSE_NS = 500000 };
    int kept_errno = errno, cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    while (__atomic_load_n(&state->connecting_since_ms, __ATOMIC_RELAXED) == begun && now_ms() < until) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    pthread_setcancelstate(cancel_state, NULL);
    errno = kept_errno;
    return __atomic_load_n(&state->connecting_since_ms, __ATOMIC_RELAXED) != begun &&
           __atomic_load_n(&state->silent_until_ms, __ATOMIC_RELAXED) == 0;
}

/* A connection that has taken so much of its time, while the local master answered nobody at all, won't come; a
 * process that was ended in between isn't waited for longer than a connect may take. */
bool breaker_begin_connect(const struct config *config, int64_t *token) {
    struct page_breaker *state = state_for(config);
    int64_t *since = &state->connecting_since_ms;
    int64_t begun = __atomic_load_n(since, __ATOMIC_RELAXED);
    int64_t now = now_ms();
    int64_t longest = (int64_t)config->local.connect_timeout_s * 1000;
    *token = 0;
    if (begun != 0 && begun <= now && now - begun < longest) {
        const bool is_crowd = __atomic_add_fetch(&state->connecting, 1, __ATOMIC_RELAXED) > AT_ONCE_MAX;
        const int64_t until = begun + longest / HANGING_SHARE;
        return now < until && (!is_crowd || is_answered(state, begun, until));
    }
    if (__atomic_compare_exchange_n(since, &begun, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        *token = now;
        __atomic_store_n(&state->connecting, 1, __ATOMIC_RELAXED);
    }
    return true;
}

void breaker_end_connect(const struct config *config, int64_t token) {
    __atomic_compare_exchange_n(&state_for(config)->connecting_since_ms, &token, 0, false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
}

void breaker_failed(const struct config *config, const char *why) {
    struct page_breaker *state = state_for(config);
    int64_t until = now_ms() + config->local.retry_after_ms;
    if (__atomic_exchange_n(&state->silent_until_ms, until, __ATOMIC_SEQ_CST) != 0) {
        return;
    }
    if (state != &private && atomic_exchange(&opened_here, true) &&
        atomic_fetch_add(&contradictions, 1) + 1 == CONTRADICTIONS_MAX) {
        /* Twice others have found up what only this process finds down. */
        __atomic_store_n(&private.silent_until_ms, until, __ATOMIC_SEQ_CST);
        __atomic_compare_exchange_n(&state->silent_until_ms, &until, 0, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST);
    }
    note_opened(config, state, why);
    speak(config, true);
}

void breaker_succeeded(const struct config *config) {
    struct page_breaker *state = state_for(config);
    if (atomic_load_explicit(&opened_here, memory_order_relaxed)) {
        atomic_store(&opened_here, false);
        atomic_store(&contradictions, 0);
    }
    if (__atomic_load_n(&state->connecting_since_ms, __ATOMIC_RELAXED) != 0) {
        __atomic_store_n(&state->connecting_since_ms, 0, __ATOMIC_RELAXED); /* whoever waits is only slow */
    }
    if (__atomic_load_n(&state->silent_until_ms, __ATOMIC_RELAXED) == 0) {
        return;
    }
    __atomic_store_n(&state->known_ms, now_ms(), __ATOMIC_SEQ_CST); /* before anyone finds it closed */
    if (__atomic_exchange_n(&state->silent_until_ms, 0, __ATOMIC_SEQ_CST) == 0) {
        return;
    }
    __atomic_store_n(&state->closed_s, now_s(), __ATOMIC_RELAXED);
    stats_count_event(PAGE_EVENT_BREAKER_CLOSED);
    log_write(CONFIG_LOG_INFO, "local master is back; cache statements go to it again");
}

bool breaker_is_open(const struct config *config) {
    return __atomic_load_n(&state_for(config)->silent_until_ms, __ATOMIC_RELAXED) != 0;
}
