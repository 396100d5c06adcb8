/* What the shim knows, found by the address under which the application knows it: handles, prepared
 * statements, results. Objects that live at the same time have different addresses; one that was freed behind
 * our back is replaced when its address comes up again. A look-up takes no lock, waits for nobody and writes
 * nothing, however many threads and objects there are; a change takes one lock, which is held over a few
 * memory accesses only, and which a fork leaves open. Any thread; what is found must not be removed by
 * another thread meanwhile, as the client API demands of its handles. */
#ifndef ROUNDABOUT_MAP_H
#define ROUNDABOUT_MAP_H

#include <stdbool.h>
#include <stddef.h>

enum map_kind { MAP_HANDLE, MAP_STATEMENT, MAP_RESULT, MAP_KINDS };

/* NULL: there is none, or one of another kind. */
void *map_find(const void *address, enum map_kind kind);

/* False: out of memory, and the address is unknown from then on. `value` isn't NULL; it is the caller's, and
 * aligned as malloc() does. *replaced: what of the same kind stood at the address, or NULL; the caller's. */
bool map_put(const void *address, enum map_kind kind, void *value, void **replaced);

/* What stood there; NULL: nothing of that kind. */
void *map_take(const void *address, enum map_kind kind);

/* How many of a kind there are. A hint while other threads change it. */
size_t map_count(enum map_kind kind);

/* Calls `visit` for each of a kind until it says false, under the lock: it may change nothing here, and make
 * no call that waits. */
void map_walk(enum map_kind kind, bool (*visit)(void *context, void *value), void *context);

#endif
