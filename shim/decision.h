/* Where a statement goes: what its text and the session say, and what must be asked of main before that is
 * known. */
#ifndef ROUNDABOUT_DECISION_H
#define ROUNDABOUT_DECISION_H

#include "handle.h"

/* A statement that is decided over, again whenever more is known of the session. */
struct candidate {
    struct slice text;
    struct sql_summary *summary;
    bool prepared;                     /* the text is to be prepared */
    const struct statement *statement; /* ... or was: its summary is made, and its names have their meaning */
    const struct route_decision *judged; /* NULL, or what decision_judge, just now, came to */
    bool *lost; /* set if main was lost when it was asked for its session: that is the statement's outcome */
};

/* By what is known, without a word to main; fills the candidate's summary. */
struct route_decision decision_judge(struct handle *handle, const struct candidate *candidate);

/* For good: main is asked for what matters to it, once, if it isn't busy. With ROUNDABOUT_OBSERVE main is
 * asked nothing and nothing is routed. */
struct route_decision decision_make(struct handle *handle, const struct candidate *candidate);

#endif
