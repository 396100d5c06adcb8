#include "sql_keywords.h"

#include <stdint.h>
#include <string.h>

enum { SHORTEST = sizeof "AS" - 1, LONGEST = sizeof "SQL_CALC_FOUND_ROWS" - 1 };
_Static_assert(KEYWORD_COUNT <= UINT8_MAX, "the number behind the last keyword fits into a byte");

/* Without pointers, which the loader would have to fill in for every process. */
static const char NAMES[KEYWORD_COUNT][LONGEST + 1] = {"",
#define X(name, reserved) #name,
                                                       KEYWORDS(X)
#undef X
};

static const bool RESERVED[KEYWORD_COUNT] = {false,
#define X(name, reserved) reserved,
                                             KEYWORDS(X)
#undef X
};

#define EACH_LETTER(DO) \
    DO(A)               \
    DO(B)               \
    DO(C)               \
    DO(D)               \
    DO(E)               \
    DO(F)               \
    DO(G)               \
    DO(H)               \
    DO(I)               \
    DO(J) DO(K) DO(L) DO(M) DO(N) DO(O) DO(P) DO(Q) DO(R) DO(S) DO(T) DO(U) DO(V) DO(W) DO(X) DO(Y) DO(Z)

/* FIRST_A ... FIRST_Z: the first keyword of each letter. The names in between only count. */
enum {
    BEFORE_ALL,
#define COUNTED(name, reserved) COUNTED_##name,
#define COUNT(letter)           FIRST_##letter, BEFORE_##letter = FIRST_##letter - 1, KEYWORDS_##letter(COUNTED)
    EACH_LETTER(COUNT)
};

/* Of each letter: its first keyword of at least 2, 3, ... bytes. Those of one length, which are few, stand
 * from there to the next. */
/* clang-format off */
#define SHORTER_2(name, reserved)
#define SHORTER_3(name, reserved) +(sizeof #name - 1 < 3)
#define SHORTER_4(name, reserved) +(sizeof #name - 1 < 4)
#define SHORTER_5(name, reserved) +(sizeof #name - 1 < 5)
#define SHORTER_6(name, reserved) +(sizeof #name - 1 < 6)
#define SHORTER_7(name, reserved) +(sizeof #name - 1 < 7)
#define SHORTER_8(name, reserved) +(sizeof #name - 1 < 8)
#define SHORTER_9(name, reserved) +(sizeof #name - 1 < 9)
#define SHORTER_10(name, reserved) +(sizeof #name - 1 < 10)
#define SHORTER_11(name, reserved) +(sizeof #name - 1 < 11)
#define SHORTER_12(name, reserved) +(sizeof #name - 1 < 12)
#define SHORTER_13(name, reserved) +(sizeof #name - 1 < 13)
#define SHORTER_14(name, reserved) +(sizeof #name - 1 < 14)
#define SHORTER_15(name, reserved) +(sizeof #name - 1 < 15)
#define SHORTER_16(name, reserved) +(sizeof #name - 1 < 16)
#define SHORTER_17(name, reserved) +(sizeof #name - 1 < 17)
#define SHORTER_18(name, reserved) +(sizeof #name - 1 < 18)
#define SHORTER_19(name, reserved) +(sizeof #name - 1 < 19)
#define SHORTER_20(name, reserved) +(sizeof #name - 1 < 20)
#define PLACE(letter, length) FIRST_##letter KEYWORDS_##letter(SHORTER_##length)
#define PLACES(L)                                                                                            \
    {PLACE(L, 2),  PLACE(L, 3),  PLACE(L, 4),  PLACE(L, 5),  PLACE(L, 6),  PLACE(L, 7),  PLACE(L, 8),        \
     PLACE(L, 9),  PLACE(L, 10), PLACE(L, 11), PLACE(L, 12), PLACE(L, 13), PLACE(L, 14), PLACE(L, 15),       \
     PLACE(L, 16), PLACE(L, 17), PLACE(L, 18), PLACE(L, 19), PLACE(L, 20)},
/* clang-format on */
static const uint8_t BY_LENGTH[26][LONGEST - SHORTEST + 2] = {EACH_LETTER(PLACES)};

/* The same but for case: letters differ by it in one bit, and no two of the other bytes that words and
 * keywords are made of differ in that bit alone. The pieces looked at overlap where the length is no power of
 * two. */
static inline bool alike(const char *one, const char *other, size_t bytes) {
    static const uint64_t case_bits = UINT64_C(0x2020202020202020);
    uint64_t a = 0, b = 0;
    memcpy(&a, one, bytes);
    memcpy(&b, other, bytes);
    return ((a ^ b) & ~case_bits) == 0;
}

static bool is_spelled(const char *word, const char *name, size_t length) {
    if (length < 4)
        return alike(word, name, 2) && alike(word + length - 2, name + length - 2, 2);
    if (length < 8)
        return alike(word, name, 4) && alike(word + length - 4, name + length - 4, 4);
    return alike(word, name, 8) && alike(word + length - 8, name + length - 8, 8) &&
           (length <= 16 || alike(word + 8, name + 8, 8));
}

enum keyword keyword_of(struct slice word) {
    unsigned letter = ((unsigned char)*word.at | 0x20u) - 'a';
    if (letter >= 26 || word.length < SHORTEST || word.length > LONGEST)
        return KEYWORD_NONE;
    const uint8_t *places = &BY_LENGTH[letter][word.length - SHORTEST];
    for (unsigned keyword = places[0]; keyword < places[1]; keyword++)
        if (is_spelled(word.at, NAMES[keyword], word.length))
            return (enum keyword)keyword;
    return KEYWORD_NONE;
}

bool keyword_is_reserved(enum keyword keyword) {
    return RESERVED[keyword];
}
