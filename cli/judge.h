/* Whether a table that was observed looks like a key=>value cache. Pure: a guess from how statements name it,
 * which knows nothing of its keys, triggers and of what its rows are worth. */
#ifndef ROUNDABOUT_JUDGE_H
#define ROUNDABOUT_JUDGE_H

#include "../page/page.h"

enum judgement { JUDGED_CACHE, JUDGED_MAYBE, JUDGED_NOT, JUDGED_UNKNOWN };

struct judged {
    enum judgement judgement;
    const char *why;     /* static, for people: "looked up by key and written whole" */
    uint64_t uses;       /* all statements that name it */
    uint64_t by_key;     /* of these, look-ups, whole writes and deletes by key */
    uint64_t routable;   /* of these, those that the statements below would send to the local master */
    unsigned statements; /* the verbs to list, 1 << enum page_verb: REPLACE and SELECT, and what else it is
                            written by */
    uint64_t main_ns;    /* what one takes on main, on average; 0: not timed */
    uint64_t saves_ns;   /* what routing would have saved, if the local master takes JUDGE_LOCAL_NS each */
};
enum { JUDGE_LOCAL_NS = 300000, JUDGE_USES_LEAST = 20 };

const char *judgement_name(enum judgement judgement); /* "cache", "maybe", "no", "too few" */
struct judged judge_table(const struct page_observed *table);

/* The table as a pattern that a configuration takes: what can't stand in one is a ?. False: the name was cut
 * when it was counted, or doesn't fit. */
bool judge_write_pattern(const struct page_observed *table, char *pattern, size_t size);

#endif
