#include "names.h"

#define WORDS(list) static const char *const words[] = {list(WORD)}

const char *route_reason_name(enum route_reason reason) {
#define WORD(value, name, sentence) #name,
    WORDS(ROUTE_REASONS);
#undef WORD
    return words[reason];
}

const char *route_reason_sentence(enum route_reason reason) {
#define WORD(value, name, sentence) sentence,
    WORDS(ROUTE_REASONS);
#undef WORD
    return words[reason];
}

const char *page_cause_name(enum page_cause cause) {
#define WORD(value, name, sentence) #name,
    WORDS(PAGE_CAUSES);
#undef WORD
    return words[cause];
}

const char *page_cause_sentence(enum page_cause cause) {
#define WORD(value, name, sentence) sentence,
    WORDS(PAGE_CAUSES);
#undef WORD
    return words[cause];
}

const char *page_use_name(enum page_use use) {
#define WORD(value, name, sentence) #name,
    WORDS(PAGE_USES);
#undef WORD
    return words[use];
}

const char *page_verb_name(enum page_verb verb) {
#define WORD(value, name) #name,
    WORDS(PAGE_VERBS);
#undef WORD
    return words[verb];
}

const char *page_event_name(enum page_event event) {
#define WORD(value, name) #name,
    WORDS(PAGE_EVENTS);
#undef WORD
    return words[event];
}
