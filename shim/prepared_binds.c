/* What the application has bound to a statement: kept, so that the other side can be given the same. */
#include "prepared.h"

#include <stdlib.h>
#include <string.h>

struct piece {
    struct piece *next;
    unsigned number;
    unsigned long length;
    char data[];
};

/* --- binds */

static unsigned *version_at(struct statement *statement, struct side *side, const struct binds *binds) {
    return binds == &statement->params ? &side->params : &side->results;
}

static struct side *answering_side(struct statement *statement) {
    return statement->at_twin ? &statement->at_local : &statement->at_main;
}

void prepared_note_binds(struct statement *statement, struct binds *binds, const MYSQL_BIND *array,
                         size_t count) {
    char *copy = array && count ? realloc(binds->copy, count * BIND_SIZE) : NULL;
    if (!copy) { /* nothing is bound, or what is can't be given to the other side */
        binds->version = 0;
        if (count) {
            statement->known = false;
            prepared_settle_on_main(statement);
        }
        return;
    }
    memcpy(copy, array, count * BIND_SIZE);
    binds->copy = copy;
    binds->count = count;
    *version_at(statement, answering_side(statement), binds) = ++binds->version;
}

/* The members that a program sets by its own hand, of an array that the library holds. */
static void read_array(struct statement *statement, struct binds *binds, const char *array) {
    bool changed = false;
    for (size_t i = 0; array && binds->version && i < binds->count; i++) {
        char *kept = binds->copy + i * BIND_SIZE;
        const char *shown = array + i * BIND_SIZE;
        if (memcmp(kept + BIND_BUFFER, shown + BIND_BUFFER, sizeof(void *)) != 0) {
            memcpy(kept + BIND_BUFFER, shown + BIND_BUFFER, sizeof(void *));
            changed = true;
        }
        if (memcmp(kept + BIND_BUFFER_LENGTH, shown + BIND_BUFFER_LENGTH, sizeof(unsigned long)) != 0) {
            memcpy(kept + BIND_BUFFER_LENGTH, shown + BIND_BUFFER_LENGTH, sizeof(unsigned long));
            changed = true;
        }
    }
    if (changed) {
        *version_at(statement, answering_side(statement), binds) = ++binds->version;
    }
}

void prepared_read_binds(struct statement *statement) {
    const struct real *real = statement->real;
    MYSQL_STMT *there = prepared_answering(statement, statement->stmt);
    if (!statement->summary || !there || !answering_side(statement)->prepared) {
        return;
    }
    struct exposed shown = exposed_read(real, statement->stmt);
    if (answering_side(statement)->params == statement->params.version &&
        real->mysql_stmt_param_count(there) == statement->params.count) {
        read_array(statement, &statement->params, shown.params);
    }
    if (answering_side(statement)->results == statement->results.version &&
        real->mysql_stmt_field_count(there) == statement->results.count) {
        read_array(statement, &statement->results, shown.binds);
    }
}

/* --- long data */

void prepared_drop_long_data(struct statement *statement) {
    while (statement->pieces) {
        struct piece *first = statement->pieces;
        statement->pieces = first->next;
        free(first);
    }
    statement->piece_count = statement->piece_bytes = 0;
}

bool prepared_has_room(const struct statement *statement, unsigned long length) {
    return length <= LONG_DATA_MAX && statement->piece_bytes + length <= LONG_DATA_MAX;
}

bool prepared_note_long_data(struct statement *statement, unsigned number, const char *data,
                             unsigned long length) {
    struct piece *piece = malloc(sizeof *piece + length);
    if (!piece) {
        return false;
    }
    *piece = (struct piece){.number = number, .length = length};
    if (length) {
        memcpy(piece->data, data, length);
    }
    struct piece **place = &statement->pieces;
    while (*place) {
        place = &(*place)->next;
    }
    *place = piece;
    statement->piece_count++;
    statement->piece_bytes += length;
    return true;
}

/* --- giving a side what it lacks */

static bool send_pieces(const struct statement *statement, MYSQL_STMT *stmt, struct side *side) {
    size_t place = 0;
    for (const struct piece *piece = statement->pieces; piece; piece = piece->next, place++) {
        if (place < side->pieces) {
            continue;
        }
        if (statement->real->mysql_stmt_send_long_data(stmt, piece->number, piece->data, piece->length)) {
            return false;
        }
        side->pieces++;
    }
    return true;
}

bool prepared_bind(struct statement *statement, MYSQL_STMT *stmt, struct side *side) {
    const struct real *real = statement->real;
    if (side->stale) {
        if (real->mysql_stmt_reset(stmt)) {
            return false;
        }
        side->stale = false;
    }
    if (side->params != statement->params.version) {
        if (real->mysql_stmt_param_count(stmt) != statement->params.count ||
            real->mysql_stmt_bind_param(stmt, (MYSQL_BIND *)(void *)statement->params.copy)) {
            return false;
        }
        side->params = statement->params.version;
    }
    if (side->results != statement->results.version) {
        if (real->mysql_stmt_field_count(stmt) != statement->results.count ||
            real->mysql_stmt_bind_result(stmt, (MYSQL_BIND *)(void *)statement->results.copy)) {
            return false;
        }
        side->results = statement->results.version;
    }
    return send_pieces(statement, stmt, side);
}

/* --- attributes */

static size_t size_of_attribute(int number) {
    switch (number) {
    case STMT_ATTR_UPDATE_MAX_LENGTH:
        return sizeof(my_bool);
    case STMT_ATTR_CURSOR_TYPE:
    case STMT_ATTR_PREFETCH_ROWS:
        return sizeof(unsigned long);
    case STMT_ATTR_PREBIND_PARAMS:
    case STMT_ATTR_ARRAY_SIZE:
        return sizeof(unsigned);
    case STMT_ATTR_ROW_SIZE:
        return sizeof(size_t);
    default: /* call-backs, and what isn't known here */
        return 0;
    }
}

bool prepared_note_attribute(struct statement *statement, int number, const void *value) {
    size_t size = size_of_attribute(number);
    size_t i = 0;
    while (i < statement->attribute_count && statement->attributes[i].number != number) {
        i++;
    }
    if (size == 0 || i == ATTRIBUTES_MAX) {
        return false;
    }
    struct attribute *attribute = &statement->attributes[i];
    *attribute = (struct attribute){.number = number, .given = value != NULL};
    if (value) {
        memcpy(attribute->value, value, size);
    }
    statement->attribute_count += i == statement->attribute_count;
    return true;
}

/* The number of parameters is the twin's own: it is always prepared in a call of its own. */
void prepared_set_attributes(const struct statement *statement, MYSQL_STMT *twin) {
    for (size_t i = 0; i < statement->attribute_count; i++) {
        const struct attribute *attribute = &statement->attributes[i];
        if (attribute->number != STMT_ATTR_PREBIND_PARAMS) {
            statement->real->mysql_stmt_attr_set(twin, attribute->number,
                                                 attribute->given ? attribute->value : NULL);
        }
    }
}

static const struct attribute *find_attribute(const struct statement *statement, int number) {
    for (size_t i = 0; i < statement->attribute_count; i++) {
        const struct attribute *attribute = &statement->attributes[i];
        if (attribute->number == number && attribute->given) {
            return attribute;
        }
    }
    return NULL;
}

size_t prepared_prebound(const struct statement *statement) {
    const struct attribute *attribute = find_attribute(statement, STMT_ATTR_PREBIND_PARAMS);
    unsigned count = 0;
    if (attribute) {
        memcpy(&count, attribute->value, sizeof count);
    }
    return count;
}

bool prepared_has_cursor(const struct statement *statement) {
    const struct attribute *attribute = find_attribute(statement, STMT_ATTR_CURSOR_TYPE);
    unsigned long type = 0;
    if (attribute) {
        memcpy(&type, attribute->value, sizeof type);
    }
    return type != 0;
}
