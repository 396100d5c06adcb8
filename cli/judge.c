#include "judge.h"

#include <string.h>

const char *judgement_name(enum judgement judgement) {
    static const char *const names[] = {[JUDGED_CACHE] = "cache",
                                        [JUDGED_MAYBE] = "maybe",
                                        [JUDGED_NOT] = "no",
                                        [JUDGED_UNKNOWN] = "too few"};
    return names[judgement];
}

static uint64_t nine_tenths(uint64_t count) {
    return count - count / 10;
}

static void judge(struct judged *judged, enum judgement judgement, const char *why) {
    judged->judgement = judgement;
    judged->why = why;
}

/* Why a table that isn't used by key nearly always isn't. */
static const char *strongest_objection(const uint64_t *uses) {
    static const struct {
        enum page_use use;
        const char *why;
    } objections[] = {
        {PAGE_USE_WITH_OTHERS, "it stands in statements with other tables"},
        {PAGE_USE_TIED, "its statements use what only main's session has"},
        {PAGE_USE_READ_OTHERWISE, "it is searched, not looked up by key"},
        {PAGE_USE_WRITTEN_OTHERWISE, "its rows are changed by other conditions than a key"},
        {PAGE_USE_INSERTED, "its rows are inserted, not replaced"},
    };
    const char *why = "it isn't used by key";
    uint64_t most = 0;
    for (size_t i = 0; i < sizeof objections / sizeof objections[0]; i++) {
        if (uses[objections[i].use] > most) {
            most = uses[objections[i].use];
            why = objections[i].why;
        }
    }
    return why;
}

static void decide(struct judged *judged, const struct page_observed *table) {
    const uint64_t *uses = table->uses;
    uint64_t whole = uses[PAGE_USE_REPLACED] + uses[PAGE_USE_UPSERTED];
    uint64_t in_part = uses[PAGE_USE_INSERTED] + uses[PAGE_USE_UPDATED_BY_KEY];

    if (judged->uses < JUDGE_USES_LEAST)
        judge(judged, JUDGED_UNKNOWN, "fewer than 20 statements name it");
    else if (uses[PAGE_USE_DROPPED] > 0)
        judge(judged, JUDGED_NOT, "it comes and goes");
    else if (judged->by_key + uses[PAGE_USE_INSERTED] < nine_tenths(judged->uses) ||
             uses[PAGE_USE_INSERTED] > judged->by_key)
        judge(judged, JUDGED_NOT, strongest_objection(uses));
    else if (uses[PAGE_USE_READ_BY_KEY] == 0)
        judge(judged, JUDGED_NOT, "it is written and never looked up");
    else if (whole == 0 && in_part == 0)
        judge(judged, JUDGED_MAYBE, "only read here: somebody else writes it, and would be seen late");
    else if (in_part > whole / 10)
        judge(judged, JUDGED_MAYBE, "looked up by key, but changed row by row: only if its rows may be lost");
    else if (table->other_columns > uses[PAGE_USE_READ_BY_KEY] / 10)
        judge(judged, JUDGED_MAYBE, "looked up by more than one set of columns");
    else if (strchr(table->table, '?'))
        judge(judged, JUDGED_MAYBE, "many tables, ? for each digit of their names: give a pattern that no other table matches");
    else
        judge(judged, JUDGED_CACHE, "looked up by key and written whole");
}

struct judged judge_table(const struct page_observed *table) {
    static const struct {
        enum page_use use;
        enum page_verb verb;
    } verbs[] = {
        {PAGE_USE_UPSERTED, PAGE_INSERT},       {PAGE_USE_INSERTED, PAGE_INSERT},
        {PAGE_USE_UPDATED_BY_KEY, PAGE_UPDATE}, {PAGE_USE_DELETED_BY_KEY, PAGE_DELETE},
        {PAGE_USE_READ_BY_KEY, PAGE_SELECT},    {PAGE_USE_READ_OTHERWISE, PAGE_SELECT},
        {PAGE_USE_REPLACED, PAGE_REPLACE},
    };
    const uint64_t *uses = table->uses;
    struct judged judged = {.statements = 1u << PAGE_REPLACE | 1u << PAGE_SELECT};

    for (size_t i = 0; i < PAGE_USE_COUNT; i++)
        judged.uses += uses[i];
    judged.by_key = uses[PAGE_USE_READ_BY_KEY] + uses[PAGE_USE_REPLACED] + uses[PAGE_USE_UPSERTED] +
                    uses[PAGE_USE_UPDATED_BY_KEY] + uses[PAGE_USE_DELETED_BY_KEY];
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        judged.routable += uses[verbs[i].use];
        judged.statements |= uses[verbs[i].use] > 0 ? 1u << verbs[i].verb : 0;
    }
    judged.main_ns = table->timed > 0 ? table->timed_ns / table->timed : 0;
    uint64_t saved;
    if (judged.main_ns > JUDGE_LOCAL_NS &&
        !__builtin_mul_overflow(judged.routable, judged.main_ns - JUDGE_LOCAL_NS, &saved))
        judged.saves_ns = saved;
    decide(&judged, table);
    return judged;
}

bool judge_write_pattern(const struct page_observed *table, char *pattern, size_t size) {
    size_t length = strlen(table->table);
    const char *dot = strchr(table->table, '.');

    if (!dot || dot == table->table || dot[1] == '\0' || length + 1 >= sizeof table->table || length >= size)
        return false;
    for (size_t i = 0; i <= length; i++) {
        char byte = table->table[i];
        bool odd = byte != '\0' && (strchr("`'\"%*\\ \t", byte) || (byte == '.' && table->table + i != dot));
        pattern[i] = odd ? '?' : byte;
    }
    if (dot - table->table == 1 && table->table[0] == '*')
        pattern[0] = '*'; /* the database wasn't known */
    return true;
}
