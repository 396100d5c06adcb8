#include "c_app.h"

static uint32_t state;

void seed_random(uint32_t seed) {
    state = seed;
}

unsigned next_random(unsigned below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}
