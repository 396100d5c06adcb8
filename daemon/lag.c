#include "lag.h"

#define FINE_US    3000    /* bounds this near to each other are a result */
#define STEP_US    2000    /* between two reads, at least */
#define REST_US    5000000 /* after a result */
#define SEEKING_US 100000  /* between reads until the first heartbeat has been seen to arrive */

static int64_t larger(int64_t one, int64_t other) {
    return one > other ? one : other;
}
static int64_t smaller(int64_t one, int64_t other) {
    return one < other ? one : other;
}

/* What one heartbeat took: more than from its sending to the read before, at most to this one. A lag changes
 * little from one to the next, so bounds are those that both allow; if they contradict it has changed. */
static void take_arrival(struct lag *lag, int64_t sent_us, int64_t read_us, int64_t fine_us) {
    const int64_t low_us = lag->read_us - sent_us, high_us = read_us - sent_us;
    const bool agrees = lag->is_bounded && low_us < lag->high_us && high_us > lag->low_us;
    lag->low_us = agrees ? larger(low_us, lag->low_us) : low_us;
    lag->high_us = agrees ? smaller(high_us, lag->high_us) : high_us;
    lag->is_bounded = true;
    if (lag->high_us - lag->low_us > fine_us)
        return;
    lag->measured_us = (lag->low_us + lag->high_us) / 2;
    lag->measured_at_us = read_us;
    /* The next one may take a little more or less. */
    lag->low_us -= FINE_US;
    lag->high_us += FINE_US;
}

void lag_take(struct lag *lag, int64_t sent_us, int64_t read_us, int64_t round_trip_us) {
    if (sent_us > lag->sent_us && lag->sent_us && lag->read_us)
        take_arrival(lag, sent_us, read_us, FINE_US + round_trip_us * 5 / 4);
    else if (sent_us < lag->sent_us) /* the origin's clock was set back: begin anew */
        lag->is_bounded = false;
    lag->sent_us = sent_us;
    lag->read_us = read_us;
}

int64_t lag_next_read_us(const struct lag *lag, int64_t interval_us, int64_t now_us) {
    if (!lag->read_us)
        return now_us;
    if (!lag->sent_us)
        return lag->read_us + interval_us;
    /* The first heartbeat that is sent after the rest. */
    int64_t sent_us = lag->sent_us + interval_us;
    const bool rests = lag->measured_us != LAG_NONE && lag->read_us < lag->measured_at_us + REST_US;
    if (!lag->is_bounded || lag->read_us > sent_us + lag->high_us + 2 * interval_us)
        return lag->read_us + (lag->is_bounded ? interval_us : smaller(SEEKING_US, interval_us / 4));
    if (rests) {
        const int64_t rest_us = lag->measured_at_us + REST_US - (sent_us + lag->low_us);
        sent_us += rest_us > 0 ? (rest_us / interval_us + 1) * interval_us : 0;
    }
    const int64_t first_us = sent_us + lag->low_us, last_us = sent_us + lag->high_us;
    if (lag->read_us <= first_us) /* a wide window is halved, a narrow one read from its beginning */
        return last_us - first_us > 2 * FINE_US ? first_us + (last_us - first_us) / 2 : first_us;
    if (lag->read_us < last_us)
        return lag->read_us + larger((last_us - lag->read_us) / 2, STEP_US);
    return lag->read_us + larger((lag->read_us - last_us) / 2, STEP_US); /* it's later than ever before */
}

int64_t lag_result_us(const struct lag *lag, int64_t interval_us, int64_t now_us) {
    const int64_t fresh_us = 3 * REST_US + 4 * interval_us;
    return lag->measured_us != LAG_NONE && now_us - lag->measured_at_us < fresh_us ? lag->measured_us
                                                                                   : LAG_NONE;
}
