#define _GNU_SOURCE
#include "own_page.h"

#include "../page/files.h"
#include "setup.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

_Atomic unsigned own_page_generation;
static _Atomic(struct own_page *) pages;

/* The mapping is the parent's and is left where it is: one a child at most. */
static void forget_in_child(void) {
    for (struct own_page *page = atomic_load(&pages); page; page = page->next) {
        atomic_store(&page->memory, NULL);
        atomic_store(&page->tried, false);
    }
    atomic_store(&pages, NULL);
    atomic_fetch_add(&own_page_generation, 1);
}

static void watch_fork(void) {
    pthread_atfork(NULL, NULL, forget_in_child);
}
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

void *own_page_make(struct own_page *page) {
    const struct config *config = setup_config();
    if (!config || atomic_exchange(&page->tried, true)) {
        return atomic_load(&page->memory); /* another thread is at it: what comes meanwhile isn't counted */
    }
    int kept_errno = errno, cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_once(&fork_once, watch_fork);
    page->next = atomic_load(&pages);
    while (!atomic_compare_exchange_weak(&pages, &page->next, page)) {
    }
    int directory = -1;
    if (config->stats.enabled) {
        directory = page_open_directory(config->stats.directory, setup_runtime_directory(), page->directory,
                                        sizeof page->directory);
    }
    void *memory = NULL;
    if (directory >= 0) {
        page->mode = config_stats_mode(&config->stats);
        memory = page_make_own(directory, page->kind, page->mode, program_invocation_short_name, page->name);
        close(directory);
    }
    atomic_store(&page->memory, memory);
    pthread_setcancelstate(cancel_state, NULL);
    errno = kept_errno;
    return memory;
}

/* Not in a child made without pthread_atfork's handlers: the page is its parent's. The mapping stays, since
 * other threads may still run. */
__attribute__((destructor)) static void fold(void) {
    for (struct own_page *page = atomic_load(&pages); page; page = page->next) {
        const struct page_header *header = atomic_exchange(&page->memory, NULL);
        int directory = header && header->pid == (uint32_t)getpid()
                            ? page_open_directory(page->directory, NULL, NULL, 0)
                            : -1;
        if (directory >= 0) {
            page_fold_own(directory, page->mode, header, page->kind, page->name);
            close(directory);
        }
    }
}
