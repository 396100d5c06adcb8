#include "site_page.h"

#include "../page/files.h"
#include "setup.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

/* The page belongs to the daemon's user, who could make a file that is mapped here shorter, and so end the
 * process: a copy is read, some times a second. */
enum { LOOK_EVERY_MS = 250 };

static _Atomic int64_t next_look_ms;
static _Atomic int64_t behind_ms, silent_since_ms;   /* what was read last */
static _Atomic int64_t read_ms = -PAGE_SITE_LAST_MS; /* when; believed for so long if nobody looks again */

static int64_t now_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool read_page(const struct config *config, struct page_site *site) {
    char address[256], name[64];
    int directory = config->stats.enabled
                        ? page_open_directory(config->stats.directory, setup_runtime_directory(), NULL, 0)
                        : -1;
    if (directory < 0) {
        return false;
    }
    config_write_address(&config->local.server, address, sizeof address);
    page_name_site(name, address);
    bool known = page_read_site(directory, name, site);
    close(directory);
    return known;
}

static void look(const struct config *config, int64_t now) {
    int kept_errno = errno, cancel_state;
    struct page_site site;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state); /* it opens files */
    bool known = read_page(config, &site);
    pthread_setcancelstate(cancel_state, NULL);
    int64_t exact = now_ms(CLOCK_MONOTONIC);
    atomic_store_explicit(&behind_ms, known ? page_longest_lag_ms(&site, exact) : 0, memory_order_relaxed);
    atomic_store_explicit(&silent_since_ms, known ? page_silent_since_ms(&site, exact) : 0,
                          memory_order_relaxed);
    atomic_store_explicit(&read_ms, now, memory_order_release);
    errno = kept_errno;
}

int64_t site_page_behind_ms(const struct config *config) {
    int64_t now = now_ms(CLOCK_MONOTONIC_COARSE);
    int64_t next = atomic_load_explicit(&next_look_ms, memory_order_relaxed);
    if (now >= next && atomic_compare_exchange_strong(&next_look_ms, &next, now + LOOK_EVERY_MS)) {
        look(config, now);
    }
    bool fresh = now - atomic_load_explicit(&read_ms, memory_order_acquire) < PAGE_SITE_LAST_MS;
    return fresh ? atomic_load_explicit(&behind_ms, memory_order_relaxed) : 0;
}

/* A look of another thread that isn't over isn't waited for: that may have been stopped in the middle, and a
 * connection costs more than a look. */
int64_t site_page_silent_since_ms(const struct config *config) {
    int64_t now = now_ms(CLOCK_MONOTONIC_COARSE);
    if (now - atomic_load_explicit(&read_ms, memory_order_acquire) >= LOOK_EVERY_MS) {
        atomic_store_explicit(&next_look_ms, now + LOOK_EVERY_MS, memory_order_relaxed);
        look(config, now);
    }
    return atomic_load_explicit(&silent_since_ms, memory_order_relaxed);
}
