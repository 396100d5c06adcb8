#include "histogram.h"

/* A time of n bits, n > EXACT_BITS, has its leading EXACT_BITS kept: their first is always 1, so that there
 * are HALF buckets for each n. */
size_t histogram_bucket(int64_t ns) {
    uint64_t time = ns < 0 ? 0 : ns > HISTOGRAM_LONGEST ? (uint64_t)HISTOGRAM_LONGEST : (uint64_t)ns;
    if (time < 2 * HISTOGRAM_HALF) {
        return (size_t)time;
    }
    unsigned bits = 64 - (unsigned)__builtin_clzll(time);
    unsigned dropped = bits - HISTOGRAM_EXACT_BITS;
    return (size_t)((uint64_t)dropped * HISTOGRAM_HALF + (time >> dropped));
}

int64_t histogram_start(size_t bucket) {
    if (bucket < 2 * HISTOGRAM_HALF) {
        return (int64_t)bucket;
    }
    size_t dropped = bucket / HISTOGRAM_HALF - 1;
    return (int64_t)((bucket - dropped * HISTOGRAM_HALF) << dropped);
}

void histogram_add(struct histogram *histogram, int64_t ns) {
    ns = ns < 0 ? 0 : ns;
    if (histogram->count == 0 || ns < histogram->least) {
        histogram->least = ns;
    }
    if (ns > histogram->most) {
        histogram->most = ns;
    }
    histogram->count++;
    histogram->sum += (double)ns;
    histogram->buckets[histogram_bucket(ns)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from) {
    if (from->count == 0) {
        return;
    }
    if (into->count == 0 || from->least < into->least) {
        into->least = from->least;
    }
    if (from->most > into->most) {
        into->most = from->most;
    }
    into->count += from->count;
    into->sum += from->sum;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        into->buckets[i] += from->buckets[i];
    }
}

int64_t histogram_at(const struct histogram *histogram, double share) {
    if (histogram->count == 0) {
        return 0;
    }
    double exact = share * (double)histogram->count;
    uint64_t wanted = exact < 1 ? 1 : (uint64_t)exact + ((double)(uint64_t)exact < exact);
    if (wanted >= histogram->count) {
        return histogram->most;
    }
    uint64_t seen = 0;
    size_t bucket = 0;
    while ((seen += histogram->buckets[bucket]) < wanted) {
        bucket++;
    }
    int64_t middle = histogram_start(bucket) + (histogram_start(bucket + 1) - histogram_start(bucket)) / 2;
    return middle < histogram->least ? histogram->least : middle > histogram->most ? histogram->most : middle;
}

double histogram_mean(const struct histogram *histogram) {
    return histogram->count ? histogram->sum / (double)histogram->count : 0;
}
