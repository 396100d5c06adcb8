/* Times in buckets whose width grows with the time: below 2048 ns each nanosecond has its own, above it a
 * bucket is at most 1/1024 of its times wide, so that a ratio of two medians is right to a thousandth. A
 * fixed size, whatever is added; longer times than an hour count as HISTOGRAM_LONGEST.
 *
 * Written here, since HdrHistogram_c, which does the same, isn't packaged in Debian 12. */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_EXACT_BITS = 11, HISTOGRAM_LONGEST_BITS = 42 };
enum {
    HISTOGRAM_HALF = 1 << (HISTOGRAM_EXACT_BITS - 1),
    HISTOGRAM_BUCKETS = (HISTOGRAM_LONGEST_BITS - HISTOGRAM_EXACT_BITS + 2) * HISTOGRAM_HALF,
};
#define HISTOGRAM_LONGEST ((INT64_C(1) << HISTOGRAM_LONGEST_BITS) - 1)

/* All zero: empty. Not for two threads at once. */
struct histogram {
    uint64_t count;
    double sum;
    int64_t least, most; /* exact */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, int64_t ns); /* below 0 counts as 0 */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The time that this share of all (0 to 1) took at most; the middle of its bucket, but never beyond the least
 * or most that were seen. 0 if there are none. */
int64_t histogram_at(const struct histogram *histogram, double share);
double histogram_mean(const struct histogram *histogram);

/* For the tests: which bucket a time falls into, and the least time of a bucket. */
size_t histogram_bucket(int64_t ns);
int64_t histogram_start(size_t bucket);

#endif
