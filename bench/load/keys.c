#include "keys.h"

#include <math.h>

/* Zipf's law by rejection from the area under x^-exponent, which lies over the steps of the law and can be
 * inverted: no table, whatever the number of keys, and hardly a second try (Hoermann and Derflinger, 1996).
 */
static double area_to(const struct keys *keys, double x) {
    double power = 1 - keys->exponent;
    return fabs(power) < 1e-9 ? log(x) : (pow(x, power) - 1) / power;
}

static double place_of_area(const struct keys *keys, double area) {
    double power = 1 - keys->exponent;
    return fabs(power) < 1e-9 ? exp(area) : pow(1 + power * area, 1 / power);
}

static double height(const struct keys *keys, double x) {
    return pow(x, -keys->exponent);
}

void keys_start(struct keys *keys, const struct options *options, uint64_t stream) {
    *keys = (struct keys){.state = (uint64_t)options->seed * UINT64_C(0x9E3779B97F4A7C15) +
                                   stream * UINT64_C(0xD1B54A32D192ED03),
                          .count = (uint64_t)options->keys,
                          .choice = options->choice,
                          .exponent = options->zipf_exponent};
    keys->area_of_first = area_to(keys, 1.5) - 1;
    keys->area = area_to(keys, (double)keys->count + 0.5);
    keys->shortcut = 2 - place_of_area(keys, area_to(keys, 2.5) - height(keys, 2));
}

/* splitmix64 */
uint64_t keys_random(struct keys *keys) {
    uint64_t mixed = keys->state += UINT64_C(0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}

static double random_share(struct keys *keys) {
    return (double)(keys_random(keys) >> 11) * 0x1p-53;
}

uint64_t keys_next(struct keys *keys) {
    if (keys->choice == KEYS_UNIFORM) {
        return keys_random(keys) % keys->count;
    }
    for (;;) {
        double area = keys->area + random_share(keys) * (keys->area_of_first - keys->area);
        double place = place_of_area(keys, area);
        double nearest = floor(place + 0.5);
        nearest = nearest < 1 ? 1 : nearest > (double)keys->count ? (double)keys->count : nearest;
        if (nearest - place <= keys->shortcut ||
            area >= area_to(keys, nearest + 0.5) - height(keys, nearest)) {
            return (uint64_t)nearest - 1;
        }
    }
}
