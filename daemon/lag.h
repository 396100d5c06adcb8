/* How long one origin's heartbeats take to get to one server, from few reads of the heartbeat table: each
 * read says "here" or "not yet", and the next is placed where it halves what is still possible. Pure: times
 * in, the time of the next read out. All times are in microseconds since 1970; sent ones are of the origin's
 * clock, the others of this host's, so that a result still has the difference of the two clocks in it. */
#ifndef ROUNDABOUT_LAG_H
#define ROUNDABOUT_LAG_H

#include <stdbool.h>
#include <stdint.h>

#define LAG_NONE INT64_MIN

struct lag {
    int64_t sent_us;         /* of the newest heartbeat seen; 0: none yet */
    int64_t read_us;         /* when the last read was; 0: never */
    int64_t low_us, high_us; /* bounds of what it takes, if is_bounded */
    bool is_bounded;
    int64_t measured_us; /* the result; LAG_NONE: none yet */
    int64_t measured_at_us;
};

#define LAG_START ((struct lag){.measured_us = LAG_NONE})

/* A read of the table at read_us, in the middle of its round trip, showed `sent_us` as the origin's newest
 * heartbeat. Two reads of one heartbeat can't be nearer to each other than a round trip; so the first result is
 * as coarse, and gets finer from one heartbeat to the next. */
void lag_take(struct lag *lag, int64_t sent_us, int64_t read_us, int64_t round_trip_us);

/* When to read next. */
int64_t lag_next_read_us(const struct lag *lag, int64_t interval_us, int64_t now_us);

/* The result, or LAG_NONE if there is none that is fresh enough. */
int64_t lag_result_us(const struct lag *lag, int64_t interval_us, int64_t now_us);

#endif
