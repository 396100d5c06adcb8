#include "stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

static void print_string(const char *text) {
    putchar('"');
    text_print_json(text, strlen(text));
    putchar('"');
}

static void print_seconds(const char *name, uint64_t ns) {
    if (ns == 0)
        printf("\"%s\":null", name); /* not known is not 0 */
    else
        printf("\"%s\":%.9f", name, (double)ns / 1e9);
}

static void print_times(const char *name, const struct page_times *times) {
    uint64_t below = 0;
    printf("\"%s\":{\"count\":%" PRIu64 ",\"sum_seconds\":%.9f,\"buckets\":[", name, page_times_count(times),
           (double)times->sum_ns / 1e9);
    for (unsigned i = 0; i < PAGE_BUCKETS; i++) {
        below += times->buckets[i];
        if (i + 1 < PAGE_BUCKETS)
            printf("{\"at_most_seconds\":%.9f,\"count\":%" PRIu64 "},", (double)page_bucket_limit_ns(i) / 1e9,
                   below);
        else
            printf("{\"at_most_seconds\":null,\"count\":%" PRIu64 "}", below);
    }
    printf("]}");
}

static void print_reasons(const uint64_t *counts, bool all) {
    const char *comma = "";
    putchar('{');
    for (unsigned i = 0; i < ROUTE_REASON_COUNT; i++) {
        if (all || counts[i] > 0) {
            printf("%s\"%s\":%" PRIu64, comma, route_reason_name((enum route_reason)i), counts[i]);
            comma = ",";
        }
    }
    putchar('}');
}

static void print_statements(const struct page_stripe *sum) {
    uint64_t reasons[ROUTE_REASON_COUNT];
    for (unsigned i = 0; i < ROUTE_REASON_COUNT; i++)
        reasons[i] = page_stripe_reason(sum, (enum route_reason)i);
    printf("\"statements\":%" PRIu64 ",\"routed\":%" PRIu64 ",\"reasons\":", page_stripe_total(sum),
           reasons[ROUTE_ROUTED]);
    print_reasons(reasons, true);
    printf(",\"verbs\":{");
    for (unsigned verb = 0; verb < PAGE_VERB_COUNT; verb++) {
        printf("%s\"%s\":", verb ? "," : "", page_verb_name((enum page_verb)verb));
        print_reasons(sum->statements[verb], false);
    }
    printf("},\"fallbacks\":{");
    for (unsigned i = 0; i < PAGE_CAUSE_COUNT; i++)
        printf("%s\"%s\":%" PRIu64, i ? "," : "", page_cause_name((enum page_cause)i), sum->fallbacks[i]);
    printf("},\"events\":{");
    for (unsigned i = 0; i < PAGE_EVENT_COUNT; i++)
        printf("%s\"%s\":%" PRIu64, i ? "," : "", page_event_name((enum page_event)i), sum->events[i]);
    printf("},");
}

static void print_tables(const struct page_counters *total) {
    const char *comma = "";
    printf("\"tables\":[");
    for (size_t i = 0; i < PAGE_TABLES; i++) {
        const struct page_table *table = &total->tables[i];
        uint64_t all = 0, routed = table->reasons[ROUTE_ROUTED];
        for (unsigned reason = 0; reason < ROUTE_REASON_COUNT; reason++)
            all += table->reasons[reason];
        if (all == 0)
            continue;
        printf("%s{\"group\":", comma);
        print_string(table->group);
        printf(",\"table\":");
        print_string(i == PAGE_TABLES - 1 ? "(others)" : table->table);
        printf(",\"statements\":%" PRIu64 ",\"reasons\":", all);
        print_reasons(table->reasons, false);
        printf(",\"routed\":{");
        for (unsigned verb = 0, first = 1; verb < PAGE_VERB_COUNT; verb++)
            if (table->routed[verb] > 0) {
                printf("%s\"%s\":%" PRIu64, first ? "" : ",", page_verb_name((enum page_verb)verb),
                       table->routed[verb]);
                first = 0;
            }
        printf("},");
        print_seconds("mean_seconds", routed ? table->routed_ns / routed : 0);
        putchar('}');
        comma = ",";
    }
    putchar(']');
}

static void print_breakers(const struct gathered *gathered) {
    static const char *const states[] = {
        [PAGE_BREAKER_CLOSED] = "false", [PAGE_BREAKER_OPEN] = "true", [PAGE_BREAKER_FORGOTTEN] = "null"};
    printf("\"breakers\":[");
    for (size_t i = 0; i < gathered->breaker_count; i++) {
        const struct page_breaker *breaker = &gathered->breakers[i];
        printf("%s{\"address\":", i ? "," : "");
        print_string(breaker->address);
        printf(",\"uid\":%" PRIu32 ",\"open\":%s,\"opens\":%" PRIu64 ",\"probes\":%" PRIu64,
               breaker->header.uid, states[page_breaker_state(breaker, gathered->monotonic_ms)], breaker->opens,
               breaker->probes);
        printf(",\"opened_at\":%" PRIu64 ",\"closed_at\":%" PRIu64 "}", breaker->opened_s, breaker->closed_s);
    }
    putchar(']');
}

static void print_processes(const struct gathered *gathered) {
    printf("\"processes\":{\"ever\":%" PRIu64 ",\"alive\":%zu,\"list\":[", gathered->total->processes,
           gathered->alive);
    for (size_t i = 0; i < gathered->process_count; i++) {
        const struct gathered_process *process = &gathered->processes[i];
        printf("%s{\"pid\":%" PRIu32 ",\"uid\":%" PRIu32 ",\"program\":", i ? "," : "", process->pid,
               process->uid);
        print_string(process->program);
        printf(",\"alive\":%s,\"started_at\":%" PRIu64 ",\"statements\":%" PRIu64 ",\"routed\":%" PRIu64
               ",\"fallbacks\":%" PRIu64,
               process->owner == PAGE_OWNER_ENDED ? "false" : "true", process->started_s, process->statements,
               process->routed, process->fallbacks);
        if (process->saved_known)
            printf(",\"saved_seconds\":%.6f}", (double)process->saved_ns / 1e9);
        else
            printf(",\"saved_seconds\":null}");
    }
    printf("]}");
}

void stats_print_json(const struct gathered *gathered) {
    const struct page_counters *total = gathered->total;

    printf("{\"directory\":");
    print_string(gathered->directory);
    putchar(',');
    print_statements(&gathered->sum);
    if (total->main_least_ns == 0)
        printf("\"saved_seconds\":null,\"main\":{");
    else
        printf("\"saved_seconds\":%.6f,\"main\":{", (double)total->saved_ns / 1e9);
    print_seconds("least_seconds", total->main_least_ns);
    putchar(',');
    print_seconds("recent_seconds", total->main_recent_ns);
    printf("},");
    print_times("routed_times", &gathered->sum.routed);
    putchar(',');
    print_times("main_times_sample", &gathered->sum.passed);
    putchar(',');
    print_tables(total);
    putchar(',');
    print_breakers(gathered);
    putchar(',');
    print_processes(gathered);
    printf(",\"unread_files\":%zu}\n", gathered->unread);
}
