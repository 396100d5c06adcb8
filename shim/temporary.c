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
    if (!temporaries->made.count && !temporaries->many && !temporaries->unsure) {
        return TEMPORARY_PLAIN;
    }
    const struct sql_table whole = in_database(table, database);
    if (temporaries->many || some_may_hide(&temporaries->made, &whole)) {
        return TEMPORARY_HIDES;
    }
    bool plain = !temporaries->unsure || find(&temporaries->plain, &whole) < temporaries->plain.count;
    return plain ? TEMPORARY_PLAIN : TEMPORARY_UNSURE;
}

void temporary_note_made(struct temporaries *temporaries, const struct sql_table *table,
                         struct slice database) {
    if (table) {
        const struct sql_table whole = in_database(table, database);
        temporaries->many |= !add(&temporaries->made, &whole);
    } else {
        temporaries->many = true;
    }
}

void temporary_note_dropped(struct temporaries *temporaries, const struct sql_table *table,
                            struct slice database) {
    const struct sql_table whole = in_database(table, database);
    for (size_t i = 0; i < temporaries->made.count; i++) {
        const struct sql_table *made = &temporaries->made.tables[i];
        if (slice_same(made->table, whole.table) && slice_same(made->database, whole.database)) {
            take_out(&temporaries->made, i);
            return;
        }
    }
}

void temporary_note_renamed(struct temporaries *temporaries) {
    temporaries->many |= temporaries->made.count > 0;
    clear(&temporaries->plain);
}

bool temporary_note_count(struct temporaries *temporaries, uint64_t count) {
    bool moved = count != temporaries->count;
    temporaries->doubt = false;
    temporaries->count = count;
    if (moved) {
        clear(&temporaries->made);
        clear(&temporaries->plain);
        temporaries->many = false;
        temporaries->unsure = true;
    }
    return moved;
}

void temporary_note_answer(struct temporaries *temporaries, const struct sql_table *table,
                           struct slice database, bool hidden) {
    const struct sql_table whole = in_database(table, database);
    if (temporaries->plain.count == TABLES_MAX) {
        clear(&temporaries->plain); /* they are asked after again */
    }
    if (hidden || !add(&temporaries->plain, &whole)) {
        temporary_note_made(temporaries, table, database);
    }
}

void temporary_free(struct temporaries *temporaries) {
    clear(&temporaries->made);
    clear(&temporaries->plain);
    free(temporaries->made.tables);
    free(temporaries->plain.tables);
    memset(temporaries, 0, sizeof *temporaries);
}
