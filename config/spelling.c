#include "spelling.h"

#include <limits.h>
#include <string.h>

enum { KEY_BYTES_MAX = 32 }; /* longer words are not compared with keys */

bool spelling_is_equal(const char *a, const char *b) {
    for (;; a++, b++) { /* strcasecmp() asks the program's locale, where I may not be the capital of i */
        char x = (*a >= 'A' && *a <= 'Z') ? (char)(*a | 0x20) : *a;
        char y = (*b >= 'A' && *b <= 'Z') ? (char)(*b | 0x20) : *b;
        if (x != y)
            return false;
        if (x == '\0')
            return true;
    }
}

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours each count one. */
unsigned config_word_distance(const char *word, const char *candidate) {
    size_t rows = strlen(word), columns = strlen(candidate);
    unsigned cost[KEY_BYTES_MAX + 1][KEY_BYTES_MAX + 1];

    if (rows > KEY_BYTES_MAX || columns > KEY_BYTES_MAX)
        return UINT_MAX;
    if (rows >= 3 && strncmp(word, candidate, rows) == 0)
        return rows == columns ? 0 : 1; /* the start of a word stands for it: connect_timeout, password */
    for (unsigned i = 0; i <= rows; i++) {
        for (unsigned j = 0; j <= columns; j++) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            bool same = word[i - 1] == candidate[j - 1];
            unsigned least = cost[i - 1][j - 1] + (same ? 0 : 1);
            if (cost[i - 1][j] + 1 < least)
                least = cost[i - 1][j] + 1;
            if (cost[i][j - 1] + 1 < least)
                least = cost[i][j - 1] + 1;
            bool swapped =
                i > 1 && j > 1 && word[i - 1] == candidate[j - 2] && word[i - 2] == candidate[j - 1];
            if (swapped && cost[i - 2][j - 2] + 1 < least)
                least = cost[i - 2][j - 2] + 1;
            cost[i][j] = least;
        }
    }
    return cost[rows][columns] <= (columns + 2) / 3 ? cost[rows][columns] : UINT_MAX;
}
