#include "results.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    double share;
} SHARES[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};
enum { SHARE_COUNT = sizeof SHARES / sizeof *SHARES };

static double us(int64_t ns) {
    return (double)ns / 1000;
}

static uint64_t count_of(const struct tally *tally, enum tally_kind kind) {
    return tally->times[kind] ? tally->times[kind]->count : 0;
}

/* In the unit that a person would choose. */
static void print_time(double time_us) {
    if (time_us >= 1e6) {
        printf(" %7.2f s ", time_us / 1e6);
    } else if (time_us >= 1000) {
        printf(" %7.2f ms", time_us / 1000);
    } else {
        printf(" %7.2f us", time_us);
    }
}

static void print_kind(const struct tally *tally, enum tally_kind kind) {
    const struct histogram *times = tally->times[kind];
    if (!times && tally->failed[kind] == 0) {
        return;
    }
    printf("%-8s %10" PRIu64 " %8" PRIu64, tally_name(kind), count_of(tally, kind), tally->failed[kind]);
    for (int i = 0; times && i < SHARE_COUNT; i++) {
        print_time(us(histogram_at(times, SHARES[i].share)));
    }
    if (times) {
        print_time(histogram_mean(times) / 1000);
    }
    putchar('\n');
}

static uint64_t statements_of(const struct tally *tally) {
    uint64_t sum = 0;
    for (int kind = TALLY_connect + 1; kind < TALLY_COUNT; kind++) {
        sum += count_of(tally, (enum tally_kind)kind);
    }
    return sum;
}

void results_print(const struct results *results) {
    const struct tally *tally = results->tally;
    uint64_t requests = count_of(tally, TALLY_request);
    printf("%-8s %10s %8s", "", "count", "failed");
    for (int i = 0; i < SHARE_COUNT; i++) {
        printf(" %8s  ", SHARES[i].name);
    }
    printf(" %8s\n", "mean");
    for (int kind = 0; kind < TALLY_COUNT; kind++) {
        print_kind(tally, (enum tally_kind)kind);
    }
    double cpu_s = results->user_s + results->system_s;
    printf("%.2f s: %.1f requests/s, %.0f statements/s; this process's processor time %.2f s (%.2f user, "
           "%.2f system)",
           results->wall_s, (double)requests / results->wall_s,
           (double)statements_of(tally) / results->wall_s, cpu_s, results->user_s, results->system_s);
    printf(requests ? ", %.1f us a request\n" : "\n", cpu_s * 1e6 / (double)(requests ? requests : 1));
    printf("%" PRIu64 " rows read, %" PRIu64 " affected\n", tally->rows, tally->affected_rows);
    for (int i = 0; i < TALLY_ERRORS_MAX && tally->errors[i].number; i++) {
        printf("error %u: %" PRIu64 " times\n", tally->errors[i].number, tally->errors[i].times);
    }
    if (tally->other_errors) {
        printf("other errors: %" PRIu64 " times\n", tally->other_errors);
    }
}

static FILE *open_file(const char *path) {
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (!file) {
        fprintf(stderr, "roundabout-bench: %s: %s\n", path, strerror(errno));
    }
    return file;
}

static bool close_file(FILE *file, const char *path) {
    bool failed = ferror(file) != 0;
    failed |= (file == stdout ? fflush(file) : fclose(file)) != 0;
    if (failed) {
        fprintf(stderr, "roundabout-bench: %s: %s\n", path, strerror(errno));
    }
    return !failed;
}

static void put_text(FILE *file, const char *name, const char *text, const char *behind) {
    fprintf(file, "\"%s\": ", name);
    if (!text) {
        fprintf(file, "null%s", behind);
        return;
    }
    fputc('"', file);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\') {
            fprintf(file, "\\%c", *at);
        } else if (*at < 0x20) {
            fprintf(file, "\\u%04x", *at);
        } else {
            fputc(*at, file);
        }
    }
    fprintf(file, "\"%s", behind);
}

/* The curve of a histogram: [time, share] at each 200th, and finer towards the end. */
static void put_curve(FILE *file, const struct histogram *times) {
    const char *comma = "";
    fprintf(file, ", \"curve\": [");
    for (int i = 0; i < 198; i++, comma = ", ") {
        fprintf(file, "%s[%.3f, %.3f]", comma, us(histogram_at(times, i / 200.0)), i / 200.0);
    }
    for (double rest = 0.01; rest * (double)times->count >= 1 && rest > 1e-7; rest /= 2) {
        fprintf(file, "%s[%.3f, %.7f]", comma, us(histogram_at(times, 1 - rest)), 1 - rest);
    }
    fprintf(file, ", [%.3f, 1]]", us(times->most));
}

static void put_kind(FILE *file, const struct tally *tally, enum tally_kind kind, const char *comma) {
    const struct histogram *times = tally->times[kind];
    fprintf(file, "%s\n    \"%s\": {\"count\": %" PRIu64 ", \"failed\": %" PRIu64, comma, tally_name(kind),
            count_of(tally, kind), tally->failed[kind]);
    if (times) {
        fprintf(file, ", \"mean_us\": %.3f, \"min_us\": %.3f", histogram_mean(times) / 1000,
                us(times->least));
        for (int i = 0; i < SHARE_COUNT; i++) {
            fprintf(file, ", \"%s_us\": %.3f", SHARES[i].name, us(histogram_at(times, SHARES[i].share)));
        }
        put_curve(file, times);
    }
    fputc('}', file);
}

bool results_write_json(const struct results *results, const char *path) {
    const struct options *options = results->options;
    const struct tally *tally = results->tally;
    FILE *file = open_file(path);
    if (!file) {
        return false;
    }
    fputs("{\n  ", file);
    put_text(file, "label", options->label, ",\n  ");
    put_text(file, "server", results->server, ",\n  ");
    put_text(file, "client", results->client, ",\n  ");
    put_text(file, "library", results->library, ",\n  ");
    fprintf(file, "\"wall_s\": %.6f, \"user_s\": %.6f, \"system_s\": %.6f,\n", results->wall_s,
            results->user_s, results->system_s);
    fprintf(file, "  \"build_ns\": %.1f, \"clock_ns\": %.1f,\n", results->build_ns, results->clock_ns);
    fprintf(file, "  \"requests_per_s\": %.3f, \"statements_per_s\": %.3f,\n",
            (double)count_of(tally, TALLY_request) / results->wall_s,
            (double)statements_of(tally) / results->wall_s);
    fprintf(file, "  \"rows\": %" PRIu64 ", \"affected_rows\": %" PRIu64 ",\n", tally->rows,
            tally->affected_rows);
    fprintf(file,
            "  \"settings\": {\"replaces\": %ld, \"selects\": %ld, \"others\": %ld, \"batch\": %ld, "
            "\"value_size\": %ld, \"keys\": %ld, "
            "\"threads\": %ld, \"rate\": %g, \"prepared\": %s, \"send_read\": %s, \"reconnect\": %s, ",
            options->replaces, options->selects, options->others, options->batch, options->value_size,
            options->keys, options->threads, options->rate, options->prepared ? "true" : "false",
            options->send_read ? "true" : "false", options->reconnect ? "true" : "false");
    put_text(file, "distribution", options->distribution, ", ");
    put_text(file, "transaction", options->transaction_word, ", ");
    put_text(file, "statements", options->statements, "},\n");
    fputs("  \"errors\": {", file);
    for (int i = 0; i < TALLY_ERRORS_MAX && tally->errors[i].number; i++) {
        fprintf(file, "%s\"%u\": %" PRIu64, i ? ", " : "", tally->errors[i].number, tally->errors[i].times);
    }
    fprintf(file, "}, \"other_errors\": %" PRIu64 ",\n  \"kinds\": {", tally->other_errors);
    const char *comma = "";
    for (int kind = 0; kind < TALLY_COUNT; kind++) {
        if (tally->times[kind] || tally->failed[kind]) {
            put_kind(file, tally, (enum tally_kind)kind, comma);
            comma = ",";
        }
    }
    fputs("\n  }\n}\n", file);
    return close_file(file, path);
}

bool results_write_csv(const struct results *results, const char *path) {
    const struct tally *tally = results->tally;
    FILE *file = open_file(path);
    if (!file) {
        return false;
    }
    fputs("label,kind,count,failed,mean_us", file);
    for (int i = 0; i < SHARE_COUNT; i++) {
        fprintf(file, ",%s_us", SHARES[i].name);
    }
    fputs(",per_s\n", file);
    for (int kind = 0; kind < TALLY_COUNT; kind++) {
        const struct histogram *times = tally->times[kind];
        if (!times && tally->failed[kind] == 0) {
            continue;
        }
        fputc('"', file);
        for (const char *at = results->options->label; at && *at; at++) {
            fprintf(file, *at == '"' ? "\"\"" : "%c", *at);
        }
        fprintf(file, "\",%s,%" PRIu64 ",%" PRIu64, tally_name((enum tally_kind)kind),
                count_of(tally, (enum tally_kind)kind), tally->failed[kind]);
        fprintf(file, times ? ",%.3f" : ",", times ? histogram_mean(times) / 1000 : 0);
        for (int i = 0; i < SHARE_COUNT; i++) {
            fprintf(file, times ? ",%.3f" : ",", times ? us(histogram_at(times, SHARES[i].share)) : 0);
        }
        fprintf(file, ",%.3f\n", (double)count_of(tally, (enum tally_kind)kind) / results->wall_s);
    }
    return close_file(file, path);
}
