#include "routing.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../page/files.h"

#define FALLEN_READINGS 3

struct visit {
    struct page_counters *total;
    struct routing *routing;
    size_t pages;
    int64_t now_ms;
};

static int64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void visit_page(void *context, const struct page_file *file) {
    struct visit *visit = context;
    if (file->kind == PAGE_COUNTERS) {
        page_add(visit->total, &file->page->counters);
        visit->pages++;
    } else if (file->kind == PAGE_BREAKER) {
        const enum page_breaker_state state = page_breaker_state(&file->page->breaker, visit->now_ms);
        visit->routing->breakers += state != PAGE_BREAKER_FORGOTTEN;
        visit->routing->breakers_open += state == PAGE_BREAKER_OPEN;
    }
}

static void take_tables(const struct page_counters *total, struct routing *routing) {
    for (size_t i = 0; i < PAGE_TABLES; i++) {
        const struct page_table *from = &total->tables[i];
        struct routing_table to = {0};
        for (size_t verb = 0; verb < PAGE_VERB_COUNT; verb++)
            to.routed += from->routed[verb];
        for (size_t reason = 0; reason < ROUTE_REASON_COUNT; reason++)
            to.seen += from->reasons[reason];
        if (!to.seen || (!from->key && i + 1 < PAGE_TABLES))
            continue;
        memcpy(to.group, from->group, sizeof to.group);
        memcpy(to.table, from->table, sizeof to.table);
        routing->tables[routing->table_count++] = to;
    }
}

void routing_read(const struct config_stats *config, const char *runtime, bool folds,
                  struct routing *routing) {
    *routing = (struct routing){0};
    const int directory = page_open_directory(config->directory, runtime, NULL, 0);
    if (directory < 0)
        return;
    struct page_counters *total = aligned_alloc(64, (sizeof *total + 63) / 64 * 64);
    if (total) {
        memset(total, 0, sizeof *total);
        struct visit visit = {.total = total, .routing = routing, .now_ms = monotonic_ms()};
        if (folds)
            page_fold(directory, (mode_t)config_stats_mode(config));
        page_visit(directory, visit_page, &visit);
        struct page_stripe sum;
        page_sum_stripes(total, &sum);
        routing->known = visit.pages > 0;
        for (size_t reason = 0; reason < ROUTE_REASON_COUNT; reason++)
            routing->statements[reason] = page_stripe_reason(&sum, (enum route_reason)reason);
        memcpy(routing->fallbacks, sum.fallbacks, sizeof routing->fallbacks);
        memcpy(routing->events, sum.events, sizeof routing->events);
        routing->routed = sum.routed;
        routing->main_recent_ns = total->main_recent_ns;
        routing->saved_ns = total->saved_ns;
        routing->processes = total->processes;
        take_tables(total, routing);
        free(total);
    }
    close(directory);
}

uint64_t routing_total(const struct routing *routing) {
    uint64_t total = 0;
    for (size_t reason = 0; reason < ROUTE_REASON_COUNT; reason++)
        total += routing->statements[reason];
    return total;
}

void routing_take(struct routing *held, const struct routing *fresh, unsigned *fallen) {
    const bool fell = held->known && (!fresh->known || routing_total(fresh) < routing_total(held));
    if (fell && ++*fallen < FALLEN_READINGS) {
        held->breakers = fresh->breakers;
        held->breakers_open = fresh->breakers_open;
        return;
    }
    *fallen = 0;
    *held = *fresh;
}
