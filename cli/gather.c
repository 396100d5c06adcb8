#include "gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../config/config.h"

enum { FILE_MODE = 0640 }; /* of sums that are made here */

static bool grow(void *array, size_t count, size_t item_size) {
    void **items = array;
    if (count & (count - 1))
        return true; /* room is doubled at powers of two */
    void *larger = realloc(*items, (count ? count * 2 : 1) * item_size);
    if (larger)
        *items = larger;
    return larger != NULL;
}

/* One that has executed another program has a page of each. */
static bool has_page(const struct gathered *gathered, const struct gathered_process *process) {
    for (const struct gathered_process *other = gathered->processes; other < process; other++)
        if (other->pid == process->pid && other->uid == process->uid && other->owner == process->owner)
            return true;
    return false;
}

static void add_process(struct gathered *gathered, const struct page_file *file) {
    const struct page_counters *page = &file->page->counters;
    struct page_stripe sum;

    if (!grow(&gathered->processes, gathered->process_count, sizeof gathered->processes[0]))
        return;
    page_sum_stripes(page, &sum);
    struct gathered_process *process = &gathered->processes[gathered->process_count++];
    *process = (struct gathered_process){
        .pid = page->header.pid,
        .uid = page->header.uid,
        .owner = file->owner,
        .started_s = page->header.started_s,
        .statements = page_stripe_total(&sum),
        .routed = page_stripe_reason(&sum, ROUTE_ROUTED),
        .saved_ns = page_saved_ns(page),
        .saved_known = page->main_least_ns > 0,
    };
    memcpy(process->program, page->header.program, sizeof process->program);
    for (size_t i = 0; i < PAGE_CAUSE_COUNT; i++)
        process->fallbacks += sum.fallbacks[i];
    gathered->alive += file->owner != PAGE_OWNER_ENDED && !has_page(gathered, process);
}

static void add_file(void *context, const struct page_file *file) {
    struct gathered *gathered = context;

    switch (file->kind) {
    case PAGE_COUNTERS:
        page_add(gathered->total, &file->page->counters);
        if (!file->sum)
            add_process(gathered, file);
        break;
    case PAGE_OBSERVATION:
        page_add_observed(gathered->observed, &file->page->observation);
        break;
    case PAGE_BREAKER:
        if (grow(&gathered->breakers, gathered->breaker_count, sizeof gathered->breakers[0]))
            gathered->breakers[gathered->breaker_count++] = file->page->breaker;
        break;
    case PAGE_SITE: /* never visited */
        break;
    }
}

static int busiest_first(const void *one, const void *other) {
    const struct gathered_process *a = one, *b = other;
    if (a->statements != b->statements)
        return a->statements < b->statements ? 1 : -1;
    return a->pid < b->pid ? -1 : a->pid > b->pid;
}

bool gather(struct gathered *gathered, const char *directory, const char **why) {
    struct timespec now;

    *gathered = (struct gathered){.total = aligned_alloc(64, sizeof(struct page_counters)),
                                  .observed = calloc(1, sizeof(struct page_observation))};
    if (!gathered->total || !gathered->observed) {
        *why = "not enough memory";
        return false;
    }
    memset(gathered->total, 0, sizeof *gathered->total);
    int opened = page_open_directory(directory, getenv("XDG_RUNTIME_DIR"), gathered->directory,
                                     sizeof gathered->directory);
    if (opened < 0) {
        *why = "it isn't there, or others may rename files in it";
        return false;
    }
    page_fold(opened, FILE_MODE);
    gathered->unread = page_visit(opened, add_file, gathered);
    close(opened);
    if (gathered->process_count > 0)
        qsort(gathered->processes, gathered->process_count, sizeof gathered->processes[0], busiest_first);
    page_sum_stripes(gathered->total, &gathered->sum);
    clock_gettime(CLOCK_MONOTONIC, &now);
    gathered->monotonic_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    return true;
}

void gather_free(struct gathered *gathered) {
    free(gathered->total);
    free(gathered->observed);
    free(gathered->processes);
    free(gathered->breakers);
}

static void print_finding(void *context, const char *message) {
    (void)context;
    fprintf(stderr, "ERROR %s\n", message);
}

bool gather_find_directory(const char *config_option, const char **directory, struct config **kept) {
    const char *variable = getenv("ROUNDABOUT_CONFIG");
    const char *path = config_choose_path(config_option, variable);
    bool named = config_option || (variable && variable[0]);

    *directory = NULL;
    *kept = NULL;
    if (!named && access(path, R_OK) != 0)
        return true;
    *kept = config_load(path, print_finding, NULL);
    if (*kept)
        *directory = (*kept)->stats.directory;
    return *kept != NULL;
}
