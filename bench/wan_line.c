#include "wan_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "wan.h"

#define NS_PER_S        INT64_C(1000000000)
#define NOT_ARMED       INT64_C(-1)
#define ARMED_WRONGLY   INT64_C(-2)
#define HANDSHAKE_TRIPS 3
#define NOTABLY_LATE_NS (WAN_NS_PER_MS / 5)

static struct {
    int64_t delay_ns;
    struct chunk_list chunks;
    int timer;
    int64_t armed_ns; /* what the timer is set to, on the line's clock; or NOT_ARMED, ARMED_WRONGLY */

    bool partitioned;
    int64_t stopped_ns; /* the line's clock while partitioned */
    int64_t behind_ns;  /* how far the line's clock is behind the machine's: the sum of all partitions */

    uint64_t bytes_carried, chunks_carried, chunks_late;
    int64_t late_sum_ns, late_most_ns;
} line = {.armed_ns = NOT_ARMED, .chunks = TAILQ_HEAD_INITIALIZER(line.chunks)};

static int64_t machine_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t line_now(void) {
    return line.partitioned ? line.stopped_ns : machine_now() - line.behind_ns;
}

int line_open(int64_t delay_ns) {
    line.delay_ns = delay_ns;
    line.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return line.timer;
}

void line_arm_timer(void) {
    bool moves = !TAILQ_EMPTY(&line.chunks) && !line.partitioned;
    int64_t due_ns = moves ? TAILQ_FIRST(&line.chunks)->due_ns : NOT_ARMED;
    if (due_ns == line.armed_ns)
        return;
    struct itimerspec at = {0};
    if (due_ns >= 0) {
        int64_t machine_ns = due_ns + line.behind_ns;
        at.it_value.tv_sec = (time_t)(machine_ns / NS_PER_S);
        at.it_value.tv_nsec = (long)(machine_ns % NS_PER_S);
    }
    if (timerfd_settime(line.timer, TFD_TIMER_ABSTIME, &at, NULL) < 0)
        wan_die("timerfd_settime");
    line.armed_ns = due_ns;
}

void line_take_timer(void) {
    uint64_t ticks;
    if (read(line.timer, &ticks, sizeof ticks) == sizeof ticks)
        line.armed_ns = NOT_ARMED;
}

struct chunk *line_make_chunk(struct end *to, enum chunk_kind kind, const void *bytes, size_t size) {
    struct chunk *chunk = malloc(sizeof *chunk + size);
    if (!chunk)
        wan_die("memory");
    *chunk = (struct chunk){.to = to, .kind = kind, .size = size, .trips_left = HANDSHAKE_TRIPS};
    if (size)
        memcpy(chunk->bytes, bytes, size);
    line.bytes_carried += size;
    return chunk;
}

void line_put(struct chunk *chunk) {
    chunk->due_ns = line_now() + line.delay_ns;
    TAILQ_INSERT_TAIL(&line.chunks, chunk, links);
}

const struct chunk *line_last(void) {
    return TAILQ_LAST(&line.chunks, chunk_list);
}

struct chunk *line_take_due(void) {
    struct chunk *chunk = TAILQ_FIRST(&line.chunks);
    if (!chunk || line.partitioned)
        return NULL;
    const int64_t late_ns = line_now() - chunk->due_ns;
    if (late_ns < 0)
        return NULL;
    line.chunks_carried++;
    line.late_sum_ns += late_ns;
    line.chunks_late += late_ns > NOTABLY_LATE_NS;
    if (late_ns > line.late_most_ns)
        line.late_most_ns = late_ns;
    TAILQ_REMOVE(&line.chunks, chunk, links);
    return chunk;
}

bool line_is_partitioned(void) {
    return line.partitioned;
}

void line_set_partitioned(bool partitioned) {
    if (partitioned && !line.partitioned)
        line.stopped_ns = line_now();
    if (!partitioned && line.partitioned)
        line.behind_ns = machine_now() - line.stopped_ns;
    line.partitioned = partitioned;
    line.armed_ns = ARMED_WRONGLY;
}

void line_print_lateness(void) {
    if (!line.chunks_carried)
        return;
    printf("carried %llu bytes in %llu chunks; late by %.3f ms on average, %.3f ms at most, %.2f %% by "
           "more than 0.2 ms\n",
           (unsigned long long)line.bytes_carried, (unsigned long long)line.chunks_carried,
           (double)line.late_sum_ns / (double)line.chunks_carried / (double)WAN_NS_PER_MS,
           (double)line.late_most_ns / (double)WAN_NS_PER_MS,
           100.0 * (double)line.chunks_late / (double)line.chunks_carried);
}
