/* Which keys a load uses: a random number generator, and numbers of keys drawn evenly or by Zipf's law. */
#ifndef LOAD_KEYS_H
#define LOAD_KEYS_H

#include "options.h"

#include <stdint.h>

/* Of one thread. */
struct keys {
    uint64_t state;
    uint64_t count;
    enum key_choice choice;
    double exponent, area_of_first, area, shortcut; /* Zipf's */
};

/* Different streams for different numbers; the same for the same seed. */
void keys_start(struct keys *keys, const struct options *options, uint64_t stream);
uint64_t keys_random(struct keys *keys);
/* 0 to count - 1; by Zipf's law 0 is the one used most. */
uint64_t keys_next(struct keys *keys);

#endif
