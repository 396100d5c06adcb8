#include "event.h"

static const struct {
    const char *name, *sentence;
    bool is_told;
} rows[EVENT_COUNT] = {
#define X(value, name, is_told, sentence) [EVENT_##value] = {#name, sentence, is_told},
    EVENTS(X)
#undef X
};

const char *event_name(enum event event) {
    return rows[event].name;
}
const char *event_sentence(enum event event) {
    return rows[event].sentence;
}
bool event_is_told(enum event event) {
    return rows[event].is_told;
}
