/* Temporary tables of the application's session, which hide what has their name: those that it has made by
 * text, and what main has answered about the others. Code that can't be seen into makes some, drops or
 * renames them; then main is asked about a table before it is routed, once. Pure; one thread at a time. */
#ifndef ROUNDABOUT_TEMPORARY_H
#define ROUNDABOUT_TEMPORARY_H

#include "sql.h"

struct temporary_list {
    struct sql_table *tables; /* with their databases; each one's names lie in a block of its own */
    size_t count;
};

struct temporary_lists {
    struct temporary_list made;  /* each hides a table */
    struct temporary_list plain; /* hidden by none, as main has answered */
};

struct temporaries {
    struct temporary_lists *lists; /* NULL: both are empty */
    unsigned count;                /* of statements that make, rename or drop tables, as main told last */
    bool many;                     /* too many to remember: each cache table may be hidden */
    bool unsure; /* some were made unseen: a table in neither list is to be asked after */
    bool doubt;  /* code that wasn't seen has run: main's count is to be compared with the one of before */
};

enum temporary_verdict { TEMPORARY_PLAIN, TEMPORARY_HIDES, TEMPORARY_UNSURE };

/* A table's names are compared without regard to case; an unknown database (length 0) is equal to any.
 * `database`: where it is if it doesn't name one. */
enum temporary_verdict temporary_look(const struct temporaries *temporaries, const struct sql_table *table,
                                      struct slice database);

/* By text: made (NULL: its name isn't known), dropped; one of them may have got another name. */
void temporary_note_made(struct temporaries *temporaries, const struct sql_table *table,
                         struct slice database);
void temporary_note_dropped(struct temporaries *temporaries, const struct sql_table *table,
                            struct slice database);
void temporary_note_renamed(struct temporaries *temporaries);

/* Main's count. Another one than before: true, and all that was known is to be asked after again. */
bool temporary_note_count(struct temporaries *temporaries, unsigned count);
void temporary_note_answer(struct temporaries *temporaries, const struct sql_table *table,
                           struct slice database, bool hidden);

void temporary_free(struct temporaries *temporaries); /* as in a new session */

#endif
