#include "route.h"

#include <stdint.h>
#include <string.h>

static char fold(char letter) {
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static bool same_letter(char one, char other, bool fold_case) {
    return one == other || (fold_case && fold(one) == fold(other));
}

/* Whether a pattern with * and ? matches the whole name. On a mismatch the last * takes one byte more. */
static bool matches(const char *pattern, struct slice name, bool fold_case) {
    const char *star = NULL;
    size_t after_star = 0;
    size_t i = 0;
    for (; i < name.length && *pattern == name.at[i] && *pattern != '*'; i++)
        pattern++;
    while (i < name.length) {
        if (*pattern == '*') {
            star = pattern++;
            after_star = i;
        } else if (*pattern && (*pattern == '?' || same_letter(*pattern, name.at[i], fold_case))) {
            pattern++;
            i++;
        } else if (star) {
            pattern = star + 1;
            i = ++after_star;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

const struct config_table *route_find_table(const struct config_group *group,
                                            const struct route_session *session,
                                            const struct sql_table *table) {
    if (table->quotes_doubled)
        return NULL;
    bool fold_case = session->fold_case || !session->known;
    bool database_known = table->database.length || session->known || session->database_known;
    struct slice database = table->database.length ? table->database : session->database;
    if (database_known && !database.length)
        return NULL;
    for (size_t i = 0; i < group->table_count; i++) {
        const struct config_table *patterns = &group->tables[i];
        if (matches(patterns->table, table->table, fold_case) &&
            (!database_known || matches(patterns->database, database, fold_case)))
            return patterns;
    }
    return NULL;
}

static bool group_has(const struct config_group *group, const struct route_session *session,
                      const struct sql_table *table) {
    return route_find_table(group, session, table) != NULL;
}

/* Where a table belongs; NULL and NULL: nowhere. */
struct place {
    const struct config_group *group;
    const struct config_table *table;
};

static struct place find_place(const struct config *config, const struct route_session *session,
                               const struct sql_table *table) {
    struct place off = {NULL, NULL};
    for (size_t i = 0; i < config->group_count; i++) {
        struct place here = {&config->groups[i], route_find_table(&config->groups[i], session, table)};
        if (here.table && here.group->mode != CONFIG_OFF)
            return here;
        if (here.table && !off.table)
            off = here;
    }
    return off;
}

const struct config_group *route_find_group(const struct config *config, const struct route_session *session,
                                            const struct sql_table *table) {
    return find_place(config, session, table).group;
}

static unsigned statement_bit(enum sql_verb verb) {
    switch (verb) {
    case SQL_REPLACE:
        return CONFIG_REPLACE;
    case SQL_SELECT:
        return CONFIG_SELECT;
    case SQL_INSERT:
        return CONFIG_INSERT;
    case SQL_UPDATE:
        return CONFIG_UPDATE;
    case SQL_DELETE:
        return CONFIG_DELETE;
    default:
        return 0;
    }
}

static unsigned all_statements(const struct config *config) {
    unsigned statements = 0;
    for (size_t i = 0; i < config->group_count; i++)
        statements |= config->groups[i].statements;
    return statements;
}

/* The first reason in the text itself why it can't go, or ROUTE_ROUTED. */
static enum route_reason reason_in_text(const struct sql_summary *summary, bool prepared) {
    static const struct {
        enum sql_tie tie;
        enum route_reason reason;
    } reasons[] = {
        {SQL_MULTI_STATEMENT, ROUTE_MULTI_STATEMENT},
        {SQL_EXECUTABLE_COMMENT, ROUTE_EXECUTABLE_COMMENT},
        {SQL_USER_VARIABLE, ROUTE_USER_VARIABLE},
        {SQL_SYSTEM_VARIABLE, ROUTE_SYSTEM_VARIABLE},
        {SQL_UNSAFE_FUNCTION, ROUTE_UNSAFE_FUNCTION},
        {SQL_LOCKING_READ, ROUTE_LOCKING_READ},
        {SQL_INTO, ROUTE_INTO},
        {SQL_FOUND_ROWS, ROUTE_FOUND_ROWS},
        {SQL_CHARSET, ROUTE_CHARSET},
        {SQL_NOT_UNDERSTOOD, ROUTE_NOT_UNDERSTOOD},
    };
    for (size_t i = 0; summary->ties && i < sizeof reasons / sizeof *reasons; i++)
        if (summary->ties & reasons[i].tie)
            return reasons[i].reason;
    return (summary->parameters && !prepared) || summary->stopped_early ? ROUTE_NOT_UNDERSTOOD : ROUTE_ROUTED;
}

/* Groups beyond the last bit share it. */
static uint64_t written_bit(const struct config *config, const struct config_group *group) {
    size_t place = (size_t)(group - config->groups);
    return (uint64_t)1 << (place < 63 ? place : 63);
}

/* What main has written in the open transaction isn't at the local master before it is committed. */
static bool is_written(const struct route_session *session, const struct config *config,
                       const struct config_group *group) {
    return session->written &&
           (session->written_by != config || session->written & written_bit(config, group));
}

static enum route_reason reason_in_session(const struct sql_summary *summary,
                                           const struct route_session *session, const struct config *config,
                                           const struct config_group *group) {
    if (session->query_attributes)
        return ROUTE_QUERY_ATTRIBUTES;
    for (size_t i = 0; i < summary->table_count; i++)
        if (temporary_look(&session->temporaries, &summary->tables[i], session->database) != TEMPORARY_PLAIN)
            return ROUTE_TEMPORARY_TABLE;
    if (session->locked_tables)
        return ROUTE_LOCKED_TABLES;
    if (session->in_transaction && (group->transactions == CONFIG_PASS || is_written(session, config, group)))
        return ROUTE_IN_TRANSACTION;
    if (session->xa)
        return ROUTE_XA;
    return ROUTE_ROUTED;
}

/* What becomes of a statement whose tables are all of this group. */
static enum route_reason decide_in_group(const struct sql_summary *summary, size_t length,
                                         const struct route_session *session, const struct config *config,
                                         const struct config_group *group) {
    if (group->mode == CONFIG_OFF)
        return ROUTE_DISABLED;
    unsigned wanted = statement_bit(summary->verb) | (summary->selects ? CONFIG_SELECT : 0);
    if ((group->statements & wanted) != wanted)
        return ROUTE_NOT_A_CACHE_VERB;
    enum route_reason reason = reason_in_text(summary, session->prepared);
    if (reason == ROUTE_ROUTED)
        reason = reason_in_session(summary, session, config, group);
    if (reason != ROUTE_ROUTED)
        return reason;
    if (session->unmirrored)
        return ROUTE_SESSION_UNKNOWN;
    if (session->longest && length > session->longest)
        return ROUTE_TOO_LONG;
    if (group->mode == CONFIG_OBSERVE)
        return ROUTE_OBSERVE;
    return session->known ? ROUTE_ROUTED : ROUTE_SESSION_UNKNOWN;
}

/* What the filter of a text has asked for: the first table, and where that belongs. */
struct wanted {
    const struct route_session *session;
    const struct config *config;
    bool asked;
    struct sql_table table;
    struct place place;
};

static bool is_same_slice(struct slice one, struct slice other) {
    return one.at == other.at && one.length == other.length;
}

/* Where the first table belongs. `wanted`, or NULL, may know it already. */
static struct place first_place(const struct sql_summary *summary, const struct route_session *session,
                                const struct config *config, const struct wanted *wanted) {
    const struct sql_table *table = &summary->tables[0];
    bool known = wanted && wanted->asked && is_same_slice(wanted->table.table, table->table) &&
                 is_same_slice(wanted->table.database, table->database) &&
                 wanted->table.quotes_doubled == table->quotes_doubled;
    return known ? wanted->place : find_place(config, session, table);
}

static struct route_decision decide_by_tables(const struct sql_summary *summary, size_t length,
                                              const struct route_session *session,
                                              const struct config *config, const struct wanted *wanted) {
    struct place first = first_place(summary, session, config, wanted);
    bool some = first.group != NULL;
    bool all = some;
    for (size_t i = 1; i < summary->table_count; i++) {
        const struct config_group *group = route_find_group(config, session, &summary->tables[i]);
        some |= group != NULL;
        all &= group == first.group;
    }
    if (!all)
        return (struct route_decision){.reason = some ? ROUTE_OTHER_TABLE : ROUTE_NO_CACHE_TABLE};
    return (struct route_decision){decide_in_group(summary, length, session, config, first.group),
                                   (unsigned)(first.table - first.group->tables), first.group};
}

static bool group_has_all(const struct config_group *group, const struct route_session *session,
                          const struct sql_summary *summary) {
    for (size_t i = 0; i < summary->table_count; i++)
        if (!group_has(group, session, &summary->tables[i]))
            return false;
    return true;
}

/* The session isn't known: is there a group that some answer of main's could send this to? */
static __attribute__((cold)) struct route_decision decide_by_guess(const struct sql_summary *summary,
                                                                   size_t length,
                                                                   const struct route_session *session,
                                                                   const struct config *config) {
    struct route_decision decision = {.reason = ROUTE_ROUTED};
    for (size_t i = 0; i < config->group_count; i++) {
        const struct config_group *group = &config->groups[i];
        if (!group_has_all(group, session, summary))
            continue;
        const struct config_table *first = route_find_table(group, session, &summary->tables[0]);
        struct route_decision here = {decide_in_group(summary, length, session, config, group),
                                      (unsigned)(first - group->tables), group};
        if (here.reason == ROUTE_SESSION_UNKNOWN)
            return here;
        if (!decision.group)
            decision = here;
    }
    if (!decision.group) {
        bool some = false;
        for (size_t i = 0; i < summary->table_count; i++)
            some |= route_find_group(config, session, &summary->tables[i]) != NULL;
        decision.reason = some ? ROUTE_OTHER_TABLE : ROUTE_NO_CACHE_TABLE;
    }
    return decision;
}

static struct route_decision decide(const struct sql_summary *summary, size_t length,
                                    const struct route_session *session, const struct config *config,
                                    const struct wanted *wanted) {
    unsigned bit = statement_bit(summary->verb);
    if (!bit && summary->ties & SQL_EXECUTABLE_COMMENT)
        return (struct route_decision){.reason = ROUTE_EXECUTABLE_COMMENT};
    if (!(all_statements(config) & bit))
        return (struct route_decision){.reason = ROUTE_NOT_A_CACHE_VERB};
    if (summary->table_count == 0) {
        bool alone = summary->stopped_early || (summary->no_tables && !(summary->ties & SQL_MULTI_STATEMENT));
        enum route_reason reason = alone ? ROUTE_NO_CACHE_TABLE : reason_in_text(summary, session->prepared);
        return (struct route_decision){.reason = reason == ROUTE_ROUTED ? ROUTE_NO_CACHE_TABLE : reason};
    }
    return session->known ? decide_by_tables(summary, length, session, config, wanted)
                          : decide_by_guess(summary, length, session, config);
}

struct route_decision route_decide(const struct sql_summary *summary, size_t length,
                                   const struct route_session *session, const struct config *config) {
    return decide(summary, length, session, config, NULL);
}

bool route_is_stale(const struct sql_summary *summary, const struct route_decision *decision,
                    int64_t behind_ms, bool written) {
    return decision->reason == ROUTE_ROUTED && summary->verb == SQL_SELECT && !written &&
           decision->group->max_stale_ms && behind_ms > (int64_t)decision->group->max_stale_ms;
}

static bool is_wanted(void *context, const struct sql_table *table) {
    struct wanted *wanted = context;
    struct place place = find_place(wanted->config, wanted->session, table);
    if (!wanted->asked) {
        wanted->asked = true;
        wanted->table = *table;
        wanted->place = place;
    }
    return place.group != NULL;
}

enum {
    VERB_BYTES_MIN = 6,
    SCAN_BYTES_MAX = 1024,
    SCAN_PATTERNS_MAX = 16
}; /* beyond, reading up to the first table costs less */

/* What a text must hold to be worth reading: the beginnings of the patterns, up to their first * or ?. Looked
 * for without regard to case, and by the first two bytes of sixteen places at once, so that a text without
 * them is passed over quickly. */
typedef unsigned char bytes __attribute__((vector_size(16))); /* gcc and clang, on any machine */
struct needles {
    const char *patterns[SCAN_PATTERNS_MAX + 1];
    size_t count;
    bytes firsts[SCAN_PATTERNS_MAX + 1]; /* sixteen times the first byte, blurred */
    bytes seconds[SCAN_PATTERNS_MAX + 1];
};

enum { BLUR = 0x20 }; /* or'ed to a byte: makes letters small, and some other bytes alike */

static bool ends_start(char byte) {
    return byte == '\0' || byte == '*' || byte == '?';
}

/* False: a pattern that may be anything, or nearly. */
static bool add_needle(struct needles *needles, const char *pattern) {
    if (ends_start(pattern[0]) || ends_start(pattern[1]))
        return false;
    needles->firsts[needles->count] = (bytes){0} + (unsigned char)(pattern[0] | BLUR);
    needles->seconds[needles->count] = (bytes){0} + (unsigned char)(pattern[1] | BLUR);
    needles->patterns[needles->count++] = pattern;
    return true;
}

static bool is_needle(const struct needles *needles, const char *at, const char *end) {
    for (size_t i = 0; i < needles->count; i++) {
        const char *pattern = needles->patterns[i];
        if (((at[0] ^ pattern[0]) | (at[1] ^ pattern[1])) & 31)
            continue; /* the two bytes were another's */
        const char *next = at;
        while (!ends_start(*pattern) && next < end && same_letter(*next, *pattern, true)) {
            pattern++;
            next++;
        }
        if (ends_start(*pattern))
            return true;
    }
    return false;
}

/* A bit for each of eight bytes that are 0 or 255, the first byte's lowest. */
static uint64_t bits_of(const bytes *found, size_t half) {
    uint64_t bits;
    memcpy(&bits, (const char *)found + 8 * half, sizeof bits);
    bits &= UINT64_C(0x8080808080808080);
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(bits) : bits;
}

static __attribute__((noinline)) bool is_needle_found(const bytes *found, const char *at, const char *end,
                                                      const struct needles *needles) {
    for (size_t half = 0; half < 2; half++)
        for (uint64_t bits = bits_of(found, half); bits; bits &= bits - 1)
            if (is_needle(needles, at + 8 * half + __builtin_ctzll(bits) / 8, end))
                return true;
    return false;
}

/* Sixteen places at once, for which seventeen bytes are read; of the last ones some were looked at already.
 */
static bool holds_needle(struct slice text, const struct needles *needles) {
    const char *at = text.at, *end = at + text.length;
    if (text.length <= sizeof(bytes)) {
        for (; end - at >= 2; at++)
            if (is_needle(needles, at, end))
                return true;
        return false;
    }
    const char *last = end - sizeof(bytes) - 1;
    for (;; at += sizeof(bytes)) {
        bytes here, next, found = {0};
        uint64_t any[2];
        at = at < last ? at : last;
        memcpy(&here, at, sizeof here);
        memcpy(&next, at + 1, sizeof next);
        here |= BLUR;
        next |= BLUR;
        for (size_t i = 0; i < needles->count; i++)
            found |= (bytes)(here == needles->firsts[i]) & (bytes)(next == needles->seconds[i]);
        memcpy(any, &found, sizeof any);
        if (__builtin_expect((any[0] | any[1]) != 0, false) && is_needle_found(&found, at, end, needles))
            return true;
        if (at == last)
            return false;
    }
}

/* False: they are too many to look for, or one may be anything. */
static bool add_patterns(struct needles *needles, const struct config *config) {
    for (size_t i = 0; i < config->group_count; i++) {
        const struct config_group *group = &config->groups[i];
        if (needles->count + group->table_count > SCAN_PATTERNS_MAX + 1)
            return false;
        for (size_t j = 0; j < group->table_count; j++)
            if (!add_needle(needles, group->tables[j].table))
                return false;
    }
    return true;
}

/* A name stands in a text as it is spelled, in quotes or without (doubled quotes match no pattern): a short
 * text without the beginning of any pattern needn't be read. While the session isn't known, a SELECT that
 * counts what it found is read in any case: the caller wants to see it. */
static bool is_possible(void *context, struct slice text) {
    const struct wanted *wanted = context;
    struct needles needles;
    if (text.length > SCAN_BYTES_MAX)
        return true;
    needles.count = 0; /* the rest isn't filled in before it is used: it is large */
    if (!wanted->session->known)
        add_needle(&needles, "sql_calc_found_rows");
    if (!add_patterns(&needles, wanted->config))
        return true;
    /* No table stands in front of a verb, and none of the verbs is shorter. */
    size_t skipped = text.length < VERB_BYTES_MIN ? text.length : VERB_BYTES_MIN;
    return holds_needle((struct slice){text.at + skipped, text.length - skipped}, &needles);
}

static unsigned wanted_verbs(const struct config *config) {
    unsigned statements = all_statements(config);
    return (statements & CONFIG_SELECT ? 1u << SQL_SELECT : 0) |
           (statements & CONFIG_REPLACE ? 1u << SQL_REPLACE : 0) |
           (statements & CONFIG_INSERT ? 1u << SQL_INSERT : 0) |
           (statements & CONFIG_UPDATE ? 1u << SQL_UPDATE : 0) |
           (statements & CONFIG_DELETE ? 1u << SQL_DELETE : 0);
}

/* The session's modes aren't known: is there another under which main would have to be asked? */
static __attribute__((cold, noinline)) struct route_decision
decide_in_all_modes(struct route_decision decision, struct slice text, const struct route_session *session,
                    const struct config *config, const struct sql_filter *filter) {
    for (unsigned i = 0; i < 4 && decision.reason != ROUTE_SESSION_UNKNOWN; i++) {
        struct lex_modes modes = session->modes;
        modes.ansi_quotes = i & 1;
        modes.no_backslash_escapes = i & 2;
        struct sql_summary other;
        sql_summarize(text, modes, filter, &other);
        struct route_decision there = route_decide(&other, text.length, session, config);
        if (there.reason == ROUTE_SESSION_UNKNOWN)
            return there;
    }
    return decision;
}

struct route_decision route_text(struct slice text, const struct route_session *session,
                                 const struct config *config, struct sql_summary *summary) {
    struct wanted wanted = {.session = session, .config = config, .asked = false};
    struct sql_filter filter = {wanted_verbs(config), is_possible, is_wanted, &wanted};
    sql_summarize(text, session->modes, &filter, summary);
    struct route_decision decision = decide(summary, text.length, session, config, &wanted);
    return session->known || !summary->mode_dependent
               ? decision
               : decide_in_all_modes(decision, text, session, config, &filter);
}

/* The groups that may have this table. */
static uint64_t groups_of(const struct sql_table *table, const struct route_session *session,
                          const struct config *config) {
    uint64_t groups = 0;
    for (size_t i = 0; i < config->group_count; i++)
        if (group_has(&config->groups[i], session, table))
            groups |= written_bit(config, &config->groups[i]);
    return groups;
}

static bool may_name(struct slice text, const struct config *config) {
    struct needles needles;
    needles.count = 0;
    return !add_patterns(&needles, config) || holds_needle(text, &needles);
}

static bool begins_with(struct slice text, struct lex_modes modes, const char *word) {
    struct lexer lexer;
    lex_start(&lexer, text, modes);
    struct token first = lex_next(&lexer);
    return first.kind == LEX_WORD && slice_equals_word(first.text, word);
}

bool route_text_may_write(struct slice text, struct lex_modes modes, const struct sql_summary *summary) {
    if (summary->verb != SQL_SELECT || !summary->stopped_early || text.length == 0 ||
        (text.at[0] | BLUR) == 's')
        return route_may_write(summary);
    return begins_with(text, modes, "WITH");
}

/* INSERT and REPLACE write the table that they name first, the others may write any. */
static uint64_t groups_written(const struct sql_summary *summary, const struct route_session *session,
                               const struct config *config) {
    bool first_only = summary->verb == SQL_INSERT || summary->verb == SQL_REPLACE;
    bool unclear = summary->ties & SQL_NOT_UNDERSTOOD || (!session->known && summary->mode_dependent);
    if (summary->stopped_early && summary->table_count == 0)
        return 0;
    if (summary->table_count == 0 || (unclear && !first_only))
        return ROUTE_ALL_GROUPS;
    uint64_t groups = 0;
    for (size_t i = 0; i < (first_only ? 1 : summary->table_count); i++)
        groups |= groups_of(&summary->tables[i], session, config);
    return groups;
}

uint64_t route_find_written(struct slice text, const struct route_session *session,
                            const struct config *config) {
    struct wanted wanted = {.session = session, .config = config};
    const struct sql_filter filter = {1u << SQL_REPLACE | 1u << SQL_INSERT, is_possible, is_wanted, &wanted};
    uint64_t groups = 0;
    do {
        struct sql_summary summary;
        sql_summarize(text, session->modes, &filter, &summary);
        struct slice rest = summary.rest;
        bool changes = summary.verb == SQL_UPDATE || summary.verb == SQL_DELETE ||
                       (summary.verb == SQL_SELECT && route_text_may_write(text, session->modes, &summary));
        if (changes && may_name(text, config))
            sql_summarize(text, session->modes, NULL, &summary);
        if (route_may_write(&summary))
            groups |= groups_written(&summary, session, config);
        text = rest;
    } while (text.length > 0 && groups != ROUTE_ALL_GROUPS);
    return groups;
}
