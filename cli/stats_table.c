#include "stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text.h"

enum { PROCESSES_SHOWN = 15 };

static void print_duration(uint64_t ns) {
    double seconds = (double)ns / 1e9;
    if (seconds < 1e-3)
        printf("%.0f us", seconds * 1e6);
    else if (seconds < 1)
        printf("%.3g ms", seconds * 1e3);
    else if (seconds < 120)
        printf("%.1f s", seconds);
    else if (seconds < 7200)
        printf("%.0f min", seconds / 60);
    else
        printf("%.1f h", seconds / 3600);
}

static double percent(uint64_t part, uint64_t whole) {
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_when(uint64_t seconds) {
    time_t time = (time_t)seconds;
    struct tm local;
    char text[32];
    if (localtime_r(&time, &local) && strftime(text, sizeof text, "%F %T", &local) > 0)
        fputs(text, stdout);
    else
        fputs("at an unknown time", stdout);
}

static void print_head(const struct gathered *now, const struct gathered *before, double seconds) {
    uint64_t all = page_stripe_total(&now->sum), routed = page_stripe_reason(&now->sum, ROUTE_ROUTED);
    const struct page_counters *total = now->total;

    printf("%" PRIu64 " of %" PRIu64 " statements were routed (%.1f %%), in %" PRIu64
           " process%s, %zu of them alive",
           routed, all, percent(routed, all), total->processes, total->processes == 1 ? "" : "es",
           now->alive);
    if (before && seconds > 0) {
        const uint64_t routed_before = page_stripe_reason(&before->sum, ROUTE_ROUTED);
        const uint64_t others = all - routed, others_before = page_stripe_total(&before->sum) - routed_before;
        if (routed < routed_before || others < others_before)
            printf("\nthe last %g s: the counters were set back", seconds);
        else
            printf("\nthe last %g s: %.1f routed and %.1f others a second", seconds, (double)(routed - routed_before) / seconds,
                   (double)(others - others_before) / seconds);
    }
    printf("\n\nsaved          ");
    if (total->main_least_ns == 0)
        printf("not known before main has answered");
    else
        print_duration(total->saved_ns);
    printf("\nmain           ");
    if (total->main_least_ns == 0) {
        printf("not seen yet");
    } else {
        print_duration(total->main_least_ns);
        printf(" at least, ");
        print_duration(total->main_recent_ns);
        printf(" of late");
    }
    printf("\nlocal master   ");
    uint64_t timed = page_times_count(&now->sum.routed);
    if (timed == 0) {
        printf("not asked yet");
    } else {
        print_duration(now->sum.routed.sum_ns / timed);
        printf(" on average, half within ");
        print_duration(page_times_quantile_ns(&now->sum.routed, 0.5));
        printf(", 99 of 100 within ");
        print_duration(page_times_quantile_ns(&now->sum.routed, 0.99));
    }
    printf("\n");
}

struct row {
    const char *name, *sentence;
    uint64_t count;
};

static int most_first(const void *one, const void *other) {
    const struct row *a = one, *b = other;
    return a->count < b->count ? 1 : a->count > b->count ? -1 : 0;
}

/* Rows with a count, the highest first. */
static void print_rows(const char *title, struct row *rows, size_t count, uint64_t all) {
    qsort(rows, count, sizeof *rows, most_first);
    if (count == 0 || rows[0].count == 0)
        return;
    printf("\n%-20s %12s %7s\n", title, "statements", "share");
    for (size_t i = 0; i < count && rows[i].count > 0; i++)
        printf("%-20s %12" PRIu64 " %5.1f %%  %s\n", rows[i].name, rows[i].count, percent(rows[i].count, all),
               rows[i].sentence);
}

static void print_reasons(const struct gathered *now) {
    struct row reasons[ROUTE_REASON_COUNT], causes[PAGE_CAUSE_COUNT];
    uint64_t fallbacks = 0;

    for (unsigned i = 0; i < ROUTE_REASON_COUNT; i++)
        reasons[i] =
            (struct row){route_reason_name((enum route_reason)i), route_reason_sentence((enum route_reason)i),
                         page_stripe_reason(&now->sum, (enum route_reason)i)};
    for (unsigned i = 0; i < PAGE_CAUSE_COUNT; i++) {
        causes[i] = (struct row){page_cause_name((enum page_cause)i), page_cause_sentence((enum page_cause)i),
                                 now->sum.fallbacks[i]};
        fallbacks += now->sum.fallbacks[i];
    }
    print_rows("where, or why not", reasons, ROUTE_REASON_COUNT, page_stripe_total(&now->sum));
    print_rows("fell back to main", causes, PAGE_CAUSE_COUNT, fallbacks);
}

static void print_tables(const struct gathered *now) {
    bool begun = false;

    for (size_t i = 0; i < PAGE_TABLES; i++) {
        const struct page_table *table = &now->total->tables[i];
        uint64_t all = 0, routed = table->reasons[ROUTE_ROUTED];
        for (unsigned reason = 0; reason < ROUTE_REASON_COUNT; reason++)
            all += table->reasons[reason];
        if (all == 0)
            continue;
        if (!begun)
            printf("\n%-30s %-14s %12s %12s %12s %9s\n", "table", "group", "read", "written", "passed",
                   "time");
        begun = true;
        const char *name = i == PAGE_TABLES - 1 ? "(others)" : table->table;
        uint64_t reads = table->routed[PAGE_SELECT];
        text_print_plain(name, strlen(name));
        printf("%*s ", strlen(name) < 30 ? 30 - (int)strlen(name) : 0, "");
        text_print_plain(table->group, strlen(table->group));
        printf("%*s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " ",
               strlen(table->group) < 14 ? 14 - (int)strlen(table->group) : 0, "", reads, routed - reads,
               all - routed);
        if (routed)
            print_duration(table->routed_ns / routed);
        printf("\n");
    }
}

static void print_breakers(const struct gathered *now) {
    static const char *const states[] = {
        [PAGE_BREAKER_CLOSED] = "up",
        [PAGE_BREAKER_OPEN] = "DOWN, statements go to main",
        [PAGE_BREAKER_FORGOTTEN] = "was down when it was last needed; nobody has asked for it since"};
    for (size_t i = 0; i < now->breaker_count; i++) {
        const struct page_breaker *breaker = &now->breakers[i];
        printf(i ? "" : "\n");
        text_print_plain(breaker->address, strlen(breaker->address));
        printf(" (uid %" PRIu32 "): %s", breaker->header.uid, states[page_breaker_state(breaker, now->monotonic_ms)]);
        if (breaker->opens > 0) {
            printf("; lost %" PRIu64 " time%s, last ", breaker->opens, breaker->opens == 1 ? "" : "s");
            print_when(breaker->opened_s);
            printf(", %" PRIu64 " probe%s", breaker->probes, breaker->probes == 1 ? "" : "s");
        }
        printf("\n");
    }
}

static void print_processes(const struct gathered *now) {
    size_t shown = now->process_count < PROCESSES_SHOWN ? now->process_count : PROCESSES_SHOWN;

    if (shown > 0)
        printf("\n%8s %-20s %12s %12s %10s  %s\n", "pid", "program", "statements", "routed", "fell back",
               "saved");
    for (size_t i = 0; i < shown; i++) {
        const struct gathered_process *process = &now->processes[i];
        printf("%8" PRIu32 " ", process->pid);
        text_print_plain(process->program, strlen(process->program));
        printf("%*s %12" PRIu64 " %12" PRIu64 " %10" PRIu64 "  ",
               strlen(process->program) < 20 ? 20 - (int)strlen(process->program) : 0, "",
               process->statements, process->routed, process->fallbacks);
        if (process->saved_known)
            print_duration(process->saved_ns);
        else
            putchar('-');
        printf("%s\n", process->owner == PAGE_OWNER_ENDED ? "  (ended)" : "");
    }
    if (shown < now->process_count)
        printf("%8s and %zu more; --json has all\n", "", now->process_count - shown);
}

/* Nothing is known then, which is not the same as no statement. */
static void print_nothing(const struct gathered *now) {
    printf("nothing has been counted in %s: no program that has the library has sent a statement since the host started (or\n"
           "--reset), or none could write there; `roundabout doctor PID` looks at a program\n",
           now->directory);
}

void stats_print_table(const struct gathered *now, const struct gathered *before, double seconds) {
    if (now->total->processes > 0) {
        print_head(now, before, seconds);
        print_reasons(now);
        print_tables(now);
    } else {
        print_nothing(now);
    }
    print_breakers(now);
    print_processes(now);
    if (now->unread > 0)
        printf("\n%zu file%s in %s couldn't be read: of another version, or not for this user\n", now->unread,
               now->unread == 1 ? "" : "s", now->directory);
}
