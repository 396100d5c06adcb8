#include "diverge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_in(unsigned members, size_t member) {
    return members >> member & 1;
}

static size_t first_of(unsigned members) {
    size_t first = 0;
    while (first < CREW_MAX && !is_in(members, first))
        first++;
    return first;
}

uint32_t diverge_buckets(const struct diverge_sums *sums, unsigned members) {
    uint32_t differ = 0;
    const size_t first = first_of(members);
    for (size_t member = first; member < CREW_MAX; member++)
        for (unsigned i = 0; is_in(members, member) && i < CHUNK_BUCKETS; i++)
            if (sums[member].rows[i] != sums[first].rows[i] || sums[member].sum[i] != sums[first].sum[i])
                differ |= UINT32_C(1) << i;
    return differ;
}

bool diverge_agrees(const struct diverge_reading *reading, unsigned members) {
    const size_t first = first_of(members);
    for (size_t member = first; member < CREW_MAX; member++)
        if (is_in(members, member) && strcmp(reading->hash[member], reading->hash[first]) != 0)
            return false;
    return true;
}

struct diverge_marks diverge_marks_of(const struct diverge_beats *beats, unsigned members,
                                      size_t site_count) {
    struct diverge_marks marks = {{0}};
    for (size_t origin = 0; origin < site_count; origin++) {
        int64_t newest = -1;
        for (size_t site = 0; site < site_count; site++)
            if (is_in(members, site) && beats->sent_us[site][origin] > newest)
                newest = beats->sent_us[site][origin];
        const bool is_silent = is_in(members, origin) && beats->sent_us[origin][origin] < 0;
        marks.sent_us[origin] = is_silent ? INT64_MAX : newest;
    }
    return marks;
}

bool diverge_marks_void(const struct diverge_marks *marks, const struct diverge_beats *beats,
                        unsigned members, size_t site_count) {
    for (size_t origin = 0; origin < site_count; origin++)
        if (is_in(members, origin) && beats->sent_us[origin][origin] < marks->sent_us[origin])
            return true;
    return false;
}

bool diverge_marks_passed(const struct diverge_marks *marks, const struct diverge_beats *beats,
                          unsigned members, size_t site_count) {
    for (size_t member = 0; member < CREW_MAX; member++)
        for (size_t origin = 0; is_in(members, member) && origin < site_count; origin++) {
            const int64_t seen = beats->sent_us[member][origin], mark = marks->sent_us[origin];
            /* A copy ahead of its origin is from before that clock was set back. */
            const bool is_stale = seen > beats->sent_us[origin][origin];
            /* A dead site sends no more heartbeats: its last one must do. */
            if (is_in(members, origin) ? seen <= mark || is_stale : seen < mark)
                return false;
        }
    return true;
}

int64_t diverge_lag_us(const struct diverge_beats *beats, unsigned living, unsigned there,
                       size_t site_count) {
    int64_t longest = 0;
    for (size_t member = 0; member < CREW_MAX; member++)
        for (size_t origin = 0; is_in(there, member) && origin < site_count; origin++) {
            const int64_t at_home = beats->sent_us[origin][origin], here = beats->sent_us[member][origin];
            if (!is_in(living, origin))
                continue;
            if (at_home < 0 || here < 0)
                return INT64_MAX;
            if (at_home - here > longest)
                longest = at_home - here;
        }
    return longest;
}

static int by_key(const void *one, const void *other) {
    return strcmp(((const struct diverge_row *)one)->key, ((const struct diverge_row *)other)->key);
}

size_t diverge_find(struct diverge_row *rows, size_t count, unsigned members, struct suspect *found,
                    size_t room) {
    size_t used = 0;
    if (count)
        qsort(rows, count, sizeof *rows, by_key);
    for (size_t i = 0; i < count && used < room;) {
        struct suspect suspect = {.members = members};
        size_t next = i;
        for (; next < count && strcmp(rows[next].key, rows[i].key) == 0; next++)
            memcpy(suspect.first.hash[rows[next].member], rows[next].hash, sizeof rows[next].hash);
        if (!diverge_agrees(&suspect.first, members)) {
            memcpy(suspect.name, rows[i].name, sizeof suspect.name);
            suspect.key = strdup(rows[i].key);
            if (!suspect.key) {
                while (used > 0)
                    free(found[--used].key);
                return (size_t)-1;
            }
            found[used++] = suspect;
        }
        i = next;
    }
    return used;
}

unsigned diverge_strays(const struct suspect *suspect) {
    const size_t first = first_of(suspect->members);
    unsigned strays = 0;
    if (!diverge_agrees(&suspect->first, suspect->members & CREW_SITES))
        return 0;
    for (size_t member = CREW_REPLICA; member < CREW_MAX; member++)
        if (is_in(suspect->members, member) &&
            strcmp(suspect->first.hash[member], suspect->first.hash[first]) != 0)
            strays |= 1U << member;
    return strays;
}

enum diverge_verdict diverge_judge(struct suspect *suspect, const struct diverge_reading *reading,
                                   unsigned members, bool passed, int64_t now_ms, int64_t margin_ms) {
    if ((members & CREW_SITES) != (suspect->members & CREW_SITES))
        return DIVERGE_REGROUPED;
    suspect->members &= members;
    if (diverge_agrees(reading, suspect->members))
        return DIVERGE_AGREED;
    for (size_t member = 0; member < CREW_MAX; member++)
        if (is_in(suspect->members, member) &&
            strcmp(reading->hash[member], suspect->first.hash[member]) != 0)
            return DIVERGE_CHANGED;
    if (suspect->state == SUSPECT_SEEN && passed) {
        suspect->state = SUSPECT_PASSED;
        suspect->passed_ms = now_ms;
    }
    if (suspect->state == SUSPECT_PASSED && now_ms - suspect->passed_ms >= margin_ms)
        suspect->state = SUSPECT_CONFIRMED;
    return suspect->state == SUSPECT_CONFIRMED ? DIVERGE_CONFIRMED : DIVERGE_WAIT;
}
