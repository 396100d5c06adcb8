#include "sql_keywords.h"

struct entry {
    unsigned char length;
    unsigned char keyword;
    const char *name;
};
_Static_assert(KEYWORD_COUNT <= 256, "a keyword fits into a byte");

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

#define ENTRY(name, reserved) {sizeof #name - 1, KEYWORD_##name, #name},
#define ENTRIES(letter)       static const struct entry WITH_##letter[] = {KEYWORDS_##letter(ENTRY)};
EACH_LETTER(ENTRIES)

/* `lengths` has a bit for each length that a keyword with the letter has: most other words end there. */
static const struct {
    const struct entry *entries;
    unsigned count;
    unsigned lengths;
} BY_LETTER[26] = {
#define LENGTH(name, reserved) | 1u << (sizeof #name - 1)
#define PLACE(letter) \
    {WITH_##letter, sizeof WITH_##letter / sizeof *WITH_##letter, 0u KEYWORDS_##letter(LENGTH)},
    EACH_LETTER(PLACE)};

static const bool RESERVED[KEYWORD_COUNT] = {false,
#define X(name, reserved) reserved,
                                             KEYWORDS(X)
#undef X
};

enum keyword keyword_of(struct slice word) {
    unsigned letter = ((unsigned char)*word.at | 0x20u) - 'a';
    if (letter >= 26 || word.length >= 32 || !(BY_LETTER[letter].lengths >> word.length & 1))
        return KEYWORD_NONE;
    const struct entry *entry = BY_LETTER[letter].entries;
    const struct entry *end = entry + BY_LETTER[letter].count;
    for (; entry < end; entry++)
        if (entry->length == word.length && ((word.at[1] ^ entry->name[1]) & 0xDF) == 0 &&
            slice_equals_word(word, entry->name))
            return (enum keyword)entry->keyword;
    return KEYWORD_NONE;
}

bool keyword_is_reserved(enum keyword keyword) {
    return RESERVED[keyword];
}
