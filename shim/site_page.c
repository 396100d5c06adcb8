#include "site_page.h"

#include "../page/files.h"
#include "setup.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

/* The page belongs to the daemon's user, who could make a file that is mapped here shorter, and so end the
 * process: a copy is read, some times a second. */
enum { LOOK_EVERY_MS = 250 };

static _Atomic int64_t next_look_ms;
static _Atomic int64_t known_ms;       /* what was read then */
static _Atomic int64_t known_until_ms; /* ... and how long it is believed when nobody looks again */

static int64_t now_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t read_page(const struct config *config) {
    char address[256], name[64];
    struct page_site lags;
    int directory = config->stats.enabled
                        ? page_open_directory(config->stats.directory, setup_runtime_directory(), NULL, 0)
                        : -1;
    if (directory < 0) {
        return 0;
    }
    config_write_address(&config->local.server, address, sizeof address);
    page_name_site(name, address);
    bool known = page_read_site(directory, name, &lags);
    close(directory);
    return known ? page_longest_lag_ms(&lags, now_ms(CLOCK_MONOTONIC)) : 0;
}

int64_t site_page_behind_ms(const struct config *config) {
    int64_t now = now_ms(CLOCK_MONOTONIC_COARSE);
    int64_t next = atomic_load_explicit(&next_look_ms, memory_order_relaxed);
    if (now >= next && atomic_compare_exchange_strong(&next_look_ms, &next, now + LOOK_EVERY_MS)) {
        int kept_errno = errno;
        atomic_store_explicit(&known_ms, read_page(config), memory_order_relaxed);
        atomic_store_explicit(&known_until_ms, now + PAGE_SITE_LAST_MS, memory_order_relaxed);
        errno = kept_errno;
    }
    return now < atomic_load_explicit(&known_until_ms, memory_order_relaxed)
               ? atomic_load_explicit(&known_ms, memory_order_relaxed)
               : 0;
}
