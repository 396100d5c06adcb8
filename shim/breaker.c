#define _GNU_SOURCE
#include "breaker.h"

#include "log.h"

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

static _Atomic int64_t silent_until_ms; /* 0: the local master is up; else nobody tries before this moment */

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool breaker_allows(unsigned retry_after_ms) {
    int64_t until = atomic_load_explicit(&silent_until_ms, memory_order_relaxed);
    if (until == 0) {
        return true;
    }
    int64_t now = now_ms();
    /* The winner of the exchange probes; the others wait a period more, or until it has succeeded. */
    return now >= until && atomic_compare_exchange_strong(&silent_until_ms, &until, now + retry_after_ms);
}

void breaker_failed(unsigned retry_after_ms, const char *why) {
    if (atomic_exchange(&silent_until_ms, now_ms() + retry_after_ms) == 0) {
        log_write(CONFIG_LOG_WARNING, "local master lost: %s; cache statements go to main, next try in %u ms",
                  why, retry_after_ms);
    }
}

void breaker_succeeded(void) {
    if (atomic_load_explicit(&silent_until_ms, memory_order_relaxed) != 0 &&
        atomic_exchange(&silent_until_ms, 0) != 0) {
        log_write(CONFIG_LOG_INFO, "local master is back; cache statements go to it again");
    }
}

bool breaker_is_open(void) {
    return atomic_load_explicit(&silent_until_ms, memory_order_relaxed) != 0;
}
