/* A page of this process (page/page.h): made when it is first needed, left to the parent by a forked child,
 * folded into its user's sum when the process ends. One that is killed leaves it to `roundabout stats` and
 * the daemon. Any thread; no lock. */
#ifndef ROUNDABOUT_OWN_PAGE_H
#define ROUNDABOUT_OWN_PAGE_H

#include "../page/page.h"

#include <stdatomic.h>
#include <time.h>

struct own_page {
    enum page_kind kind;
    _Atomic(void *) memory; /* NULL: not made yet, or not to be had */
    _Atomic bool tried;
    char name[64], directory[512]; /* where it lies, and by which rights: also after a reload */
    unsigned mode;
    struct own_page *next; /* of all that were tried */
};

/* The slow half of own_page_find(). Keeps errno. */
void *own_page_make(struct own_page *page);

/* NULL: there is none. */
static inline void *own_page_find(struct own_page *page) {
    void *memory = atomic_load_explicit(&page->memory, memory_order_acquire);
    if (__builtin_expect(memory != NULL, 1))
        return memory;
    return atomic_load_explicit(&page->tried, memory_order_relaxed) ? NULL : own_page_make(page);
}

/* The page is in use: said now and then, for those who must tell by it whether its process still lives. */
static inline void own_page_touch(struct page_header *header) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    __atomic_store_n(&header->touched_s, (uint64_t)now.tv_sec, __ATOMIC_RELAXED);
}

/* Another number after a fork: what was found in a page is the parent's. */
extern _Atomic unsigned own_page_generation;

#endif
