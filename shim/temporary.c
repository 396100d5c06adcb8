#include "temporary.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TABLES_MAX = 32 };

static struct sql_table in_database(const struct sql_table *table, struct slice database) {
    struct sql_table whole = *table;
    whole.database = table->database.length ? table->database : database;
    return whole;
}

static bool is_same(struct slice one, struct slice other) {
    return one.length == other.length && (one.length == 0 || memcmp(one.at, other.at, one.length) == 0);
}

/* The place of the table itself; list->count: it isn't there. */
static size_t find(const struct temporary_list *list, const struct sql_table *table) {
    size_t i = 0;
    while (i < list->count && !(is_same(list->tables[i].table, table->table) &&
                                is_same(list->tables[i].database, table->database))) {
        i++;
    }
    return i;
}

static bool may_hide(const struct sql_table *temporary, const struct sql_table *table) {
    return slice_same(temporary->table, table->table) &&
           (!table->database.length || !temporary->database.length ||
            slice_same(temporary->database, table->database));
}

static bool some_may_hide(const struct temporary_list *list, const struct sql_table *table) {
    size_t i = 0;
    while (i < list->count && !may_hide(&list->tables[i], table)) {
        i++;
    }
    return i < list->count;
}

static void take_out(struct temporary_list *list, size_t place) {
    free((void *)(uintptr_t)list->tables[place].database.at);
    list->count--;
    memmove(&list->tables[place], &list->tables[place + 1], (list->count - place) * sizeof *list->tables);
}

static void clear(struct temporary_list *list) {
    while (list->count > 0) {
        take_out(list, list->count - 1);
    }
}

static struct temporary_lists *make_lists(struct temporaries *temporaries) {
    if (!temporaries->lists) {
        temporaries->lists = calloc(1, sizeof *temporaries->lists);
    }
    return temporaries->lists;
}

/* False: there is no room, or the name can't be compared. */
static bool add(struct temporary_list *list, const struct sql_table *table) {
    struct slice database = table->database, name = table->table;
    if (!list->tables) {
        list->tables = calloc(TABLES_MAX, sizeof *list->tables);
    }
    char *names = malloc(database.length + name.length + 1);
    if (!list->tables || !names || list->count == TABLES_MAX || table->quotes_doubled) {
        free(names);
        return false;
    }
    if (database.length) {
        memcpy(names, database.at, database.length);
    }
    memcpy(names + database.length, name.at, name.length);
    list->tables[list->count++] = (struct sql_table){.database = {names, database.length},
                                                     .table = {names + database.length, name.length}};
    return true;
}

enum temporary_verdict temporary_look(const struct temporaries *temporaries, const struct sql_table *table,
                                      struct slice database) {
    const struct temporary_lists *lists = temporaries->lists;
    if (!lists && !temporaries->many && !temporaries->unsure) {
        return TEMPORARY_PLAIN;
    }
    const struct sql_table whole = in_database(table, database);
    if (temporaries->many || (lists && some_may_hide(&lists->made, &whole))) {
        return TEMPORARY_HIDES;
    }
    bool plain = !temporaries->unsure || (lists && find(&lists->plain, &whole) < lists->plain.count);
    return plain ? TEMPORARY_PLAIN : TEMPORARY_UNSURE;
}

void temporary_note_made(struct temporaries *temporaries, const struct sql_table *table,
                         struct slice database) {
    struct temporary_lists *lists = table ? make_lists(temporaries) : NULL;
    if (lists) {
        const struct sql_table whole = in_database(table, database);
        temporaries->many |= !add(&lists->made, &whole);
    } else {
        temporaries->many = true;
    }
}

void temporary_note_dropped(struct temporaries *temporaries, const struct sql_table *table,
                            struct slice database) {
    struct temporary_lists *lists = temporaries->lists;
    const struct sql_table whole = in_database(table, database);
    for (size_t i = 0; lists && i < lists->made.count; i++) {
        const struct sql_table *made = &lists->made.tables[i];
        if (slice_same(made->table, whole.table) && slice_same(made->database, whole.database)) {
            take_out(&lists->made, i);
            return;
        }
    }
}

void temporary_note_renamed(struct temporaries *temporaries) {
    if (temporaries->lists) {
        temporaries->many |= temporaries->lists->made.count > 0;
        clear(&temporaries->lists->plain);
    }
}

static void free_lists(struct temporaries *temporaries) {
    struct temporary_lists *lists = temporaries->lists;
    if (lists) {
        clear(&lists->made);
        clear(&lists->plain);
        free(lists->made.tables);
        free(lists->plain.tables);
        free(lists);
    }
    temporaries->lists = NULL;
}

bool temporary_note_count(struct temporaries *temporaries, unsigned count) {
    bool moved = count != temporaries->count;
    temporaries->doubt = false;
    temporaries->count = count;
    if (moved) {
        free_lists(temporaries);
        temporaries->many = false;
        temporaries->unsure = true;
    }
    return moved;
}

void temporary_note_answer(struct temporaries *temporaries, const struct sql_table *table,
                           struct slice database, bool hidden) {
    const struct sql_table whole = in_database(table, database);
    struct temporary_lists *lists = hidden ? NULL : make_lists(temporaries);
    if (lists && lists->plain.count == TABLES_MAX) {
        clear(&lists->plain); /* they are asked after again */
    }
    if (!lists || !add(&lists->plain, &whole)) {
        temporary_note_made(temporaries, table, database);
    }
}

void temporary_free(struct temporaries *temporaries) {
    free_lists(temporaries);
    memset(temporaries, 0, sizeof *temporaries);
}
