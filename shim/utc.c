#include "utc.h"

#include <inttypes.h>
#include <stdio.h>

enum { DAY_S = 86400, ERA_DAYS = 146097, ERA_YEARS = 400, DAYS_TO_1970 = 719468 };

/* Years begin in March here, so that the day that not every year has is its last, and are counted in eras of
 * 400, which are of one length: the algorithm of https://howardhinnant.github.io/date_algorithms.html,
 * civil_from_days. */
void utc_write(int64_t seconds, char text[UTC_BYTES]) {
    int64_t second = seconds % DAY_S + (seconds % DAY_S < 0 ? DAY_S : 0);
    int64_t days = (seconds - second) / DAY_S + DAYS_TO_1970;
    int64_t day = days % ERA_DAYS + (days % ERA_DAYS < 0 ? ERA_DAYS : 0); /* of its era */
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* from March on */
    year += (days - day) / ERA_DAYS * ERA_YEARS + (month >= 10);
    snprintf(text, UTC_BYTES, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02dZ", year,
             (int)(month < 10 ? month + 3 : month - 9), (int)(of_year - (153 * month + 2) / 5 + 1),
             (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
}
