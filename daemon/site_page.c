#include "site_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../page/files.h"
#include "log.h"

#define TRY_EVERY_MS 10000

struct site_page {
    const struct config *config;
    struct page_site *page; /* NULL: it couldn't be had yet */
    int64_t try_at_ms;
    struct log_subject trouble;
};

/* The least lag that keeps a program from reading; 0: none does. */
static unsigned least_lag_asked_for_ms(const struct config *config) {
    unsigned least_ms = 0;
    for (size_t i = 0; i < config->group_count; i++) {
        const unsigned asked_ms = config->groups[i].max_stale_ms;
        if (asked_ms && (!least_ms || asked_ms < least_ms))
            least_ms = asked_ms;
    }
    return least_ms;
}

struct site_page *site_page_open(const struct config *config) {
    if (!config->local.server.socket && !config->local.server.host)
        return NULL;
    struct site_page *shared = calloc(1, sizeof *shared);
    if (shared)
        shared->config = config;
    return shared;
}

/* With the name of the page in it; -1: programs share nothing. */
static int open_directory(const struct config *config, char name[64]) {
    char address[256];
    config_write_address(&config->local.server, address, sizeof address);
    page_name_site(name, address);
    return config->stats.enabled
               ? page_open_directory(config->stats.directory, getenv("XDG_RUNTIME_DIR"), NULL, 0)
               : -1;
}

/* For all to read: how a site is doing is no secret, and programs of any user are to know. Mapped anew each
 * time: whoever cleans the directory, or another daemon that ends, may have taken the file away, and what is
 * written into one without a name reaches nobody. */
static void find_page(struct site_page *shared) {
    const struct config *config = shared->config;
    char name[64];
    const int directory = open_directory(config, name);
    if (shared->page)
        page_unmap(shared->page, PAGE_SITE);
    shared->page = directory >= 0 ? page_open_shared(directory, PAGE_SITE, 0644, name) : NULL;
    if (directory >= 0)
        close(directory);
    if (shared->page)
        log_state(&shared->trouble, CONFIG_LOG_INFO, "%s", "");
    else if (least_lag_asked_for_ms(config))
        log_state(&shared->trouble, CONFIG_LOG_WARNING,
                  "max_stale_ms has no effect: the lags can't be written into %s; it must be there, be this "
                  "user's own, and stats.enabled",
                  config->stats.directory ? config->stats.directory : PAGE_DIRECTORY);
}

/* Whether programs that find the page do other than those that find none. */
static bool says_anything(const struct site_page *shared) {
    const int64_t at_ms = shared->page->at_ms, asked_ms = least_lag_asked_for_ms(shared->config);
    return page_silent_since_ms(shared->page, at_ms) > 0 ||
           (asked_ms && page_longest_lag_ms(shared->page, at_ms) > asked_ms);
}

void site_page_close(struct site_page *shared) {
    char name[64];
    if (shared && shared->page) {
        const int directory = says_anything(shared) ? -1 : open_directory(shared->config, name);
        if (directory >= 0) {
            unlinkat(directory, name, 0);
            close(directory);
        }
        page_unmap(shared->page, PAGE_SITE);
    }
    free(shared);
}

int64_t site_page_silent_since_ms(const struct site_record *own) {
    return own->life == SITE_DEAD ? own->samples.good_ms : 0;
}

int64_t site_page_lag_ms(double lag_ms) {
    if (lag_ms <= PICTURE_LAG_UNKNOWN)
        return -1;
    const double long_ms = lag_ms < 0 ? -lag_ms : lag_ms;
    return long_ms < 1e12 ? (int64_t)long_ms : INT64_C(1000000000000);
}

static void put_name(char *to, size_t size, const char *name) {
    memset(to, 0, size);
    for (size_t i = 0; name[i] && i + 1 < size; i++) {
        const unsigned char byte = (unsigned char)name[i];
        to[i] = (char)(byte < ' ' || byte >= 0x7F ? '?' : byte);
    }
}

void site_page_write(struct site_page *shared, const struct picture *picture, const struct site_record *own,
                     int64_t now_ms) {
    if (!shared)
        return;
    if (now_ms >= shared->try_at_ms) {
        shared->try_at_ms = now_ms + TRY_EVERY_MS;
        find_page(shared);
    }
    if (!shared->page)
        return;
    for (size_t i = 0; i < PAGE_ORIGINS; i++) {
        struct page_origin *origin = &shared->page->origins[i];
        const bool is_other = i < picture->site_count && i != picture->own;
        const int64_t lag_ms = is_other ? site_page_lag_ms(picture->servers[picture->own].lag_ms[i]) : -1;
        __atomic_store_n(&origin->lag_ms, lag_ms, __ATOMIC_RELAXED);
        char name[sizeof origin->site];
        put_name(name, sizeof name, is_other ? picture->sites[i] : "");
        if (memcmp(origin->site, name, sizeof name) != 0)
            memcpy(origin->site, name, sizeof name);
    }
    __atomic_store_n(&shared->page->silent_since_ms, site_page_silent_since_ms(own), __ATOMIC_RELAXED);
    __atomic_store_n(&shared->page->at_ms, now_ms, __ATOMIC_RELEASE);
}
