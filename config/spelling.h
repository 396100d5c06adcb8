/* Whether two words are the same, and how far they are from that. Private to config/ but for
 * config_word_distance(), which config.h declares. */
#ifndef ROUNDABOUT_SPELLING_H
#define ROUNDABOUT_SPELLING_H

#include "config.h"

/* But for capitals of ASCII. */
bool spelling_is_equal(const char *a, const char *b);

#endif
