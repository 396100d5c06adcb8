#include "observe.h"

#include "own_page.h"
#include "setup.h"
#include "usage.h"

#include <string.h>

static struct own_page own = {.kind = PAGE_OBSERVATION};

static uint64_t add(uint64_t *word, uint64_t more) {
    return __atomic_fetch_add(word, more, __ATOMIC_RELAXED);
}

bool observe_wants(const struct config *config, const struct route_decision *decision) {
    if (setup_observes())
        return true;
    if (decision->reason != ROUTE_OTHER_TABLE)
        return decision->group && decision->group->mode == CONFIG_OBSERVE;
    for (size_t i = 0; i < config->group_count; i++)
        if (config->groups[i].mode == CONFIG_OBSERVE)
            return true;
    return false;
}

static void append(char *text, size_t size, struct slice part) {
    size_t length = strlen(text);
    for (size_t i = 0; i < part.length && length + 1 < size; i++)
        text[length++] = part.at[i] == '\0' ? '?' : part.at[i];
    text[length] = '\0';
}

/* "database.table"; * for a database that isn't known. */
static void name_table(const struct sql_table *table, const struct route_session *session, char *name,
                       size_t size) {
    struct slice database = table->database.length ? table->database : session->database;
    name[0] = '\0';
    append(name, size, database.length ? database : (struct slice){"*", 1});
    append(name, size, (struct slice){".", 1});
    append(name, size, table->table);
}

/* What a table is read by first is what its later uses are compared with. */
static void note_columns(struct page_observed *slot, const char *columns) {
    if (columns[0] == '\0')
        return;
    if (slot->columns[0] == '\0')
        memcpy(slot->columns, columns,
               strnlen(columns, sizeof slot->columns - 1)); /* the last byte stays NUL */
    else if (strcmp(slot->columns, columns) != 0)
        add(&slot->other_columns, 1);
}

struct page_observed *observe_statement(struct slice text, const struct route_session *session) {
    struct page_observation *page = own_page_find(&own);
    struct sql_summary summary;
    struct usage usage;
    if (!page)
        return NULL;
    if (add(&page->statements, 1) % PAGE_SAMPLE == 0)
        own_page_touch(&page->header);
    sql_summarize(text, session->modes, NULL, &summary);
    if (summary.table_count == 0 || !usage_find(text, session->modes, &summary, &usage))
        return NULL;
    struct page_observed *first = NULL;
    for (size_t i = 0; i < summary.table_count; i++) {
        char name[sizeof first->table];
        name_table(&summary.tables[i], session, name, sizeof name);
        struct page_observed *slot = page_find_observed(page, name);
        if (i > 0 && slot == first)
            continue; /* a table named twice is used once */
        add(&slot->uses[usage.use], 1);
        add(&slot->in_transaction, session->in_transaction);
        note_columns(slot, usage.columns);
        if (i == 0)
            first = slot;
    }
    return usage.use == PAGE_USE_READ_BY_KEY || usage.use == PAGE_USE_REPLACED ||
                   usage.use == PAGE_USE_UPSERTED
               ? first
               : NULL;
}

void observe_note_time(struct page_observed *slot, uint64_t ns) {
    struct page_observation *page = own_page_find(&own);
    if (!page || ns == 0)
        return;
    add(&slot->timed, 1);
    add(&slot->timed_ns, ns);
    uint64_t least = __atomic_load_n(&page->main_least_ns, __ATOMIC_RELAXED);
    if (least == 0 || ns < least)
        __atomic_store_n(&page->main_least_ns, ns, __ATOMIC_RELAXED);
}
