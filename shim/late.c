/* libconfig's functions under their own names, but inside this object. A preloaded library brings what it is
 * linked to into every process of the host, under names as common as config_init, in front of the programs'
 * own libraries; so the shim isn't linked to libconfig. It opens the library when the first MYSQL handle is
 * made, for itself alone, and these stand in between. Called after late_open() only. */
#include "late.h"

#include "real.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Threads that come at once each write the same. */
static _Atomic(void *) functions[12];
static atomic_bool opened;

enum {
    INIT,
    DESTROY,
    READ_STRING,
    SET_INCLUDE_DIR,
    GET_BOOL,
    GET_ELEM,
    GET_INT,
    GET_INT64,
    GET_MEMBER,
    GET_STRING,
    INDEX,
    LENGTH
};
static const char *const NAMES[] = {
    [INIT] = "config_init",
    [DESTROY] = "config_destroy",
    [READ_STRING] = "config_read_string",
    [SET_INCLUDE_DIR] = "config_set_include_dir",
    [GET_BOOL] = "config_setting_get_bool",
    [GET_ELEM] = "config_setting_get_elem",
    [GET_INT] = "config_setting_get_int",
    [GET_INT64] = "config_setting_get_int64",
    [GET_MEMBER] = "config_setting_get_member",
    [GET_STRING] = "config_setting_get_string",
    [INDEX] = "config_setting_index",
    [LENGTH] = "config_setting_length",
};

const char *late_open(void) {
    void *found[sizeof NAMES / sizeof *NAMES];
    if (atomic_load_explicit(&opened, memory_order_acquire)) {
        return NULL;
    }
    const char *unopened = real_open_private(LIBCONFIG_SONAME, NAMES, sizeof NAMES / sizeof *NAMES, found);
    if (unopened) {
        return unopened;
    }
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        atomic_store_explicit(&functions[i], found[i], memory_order_relaxed);
    }
    atomic_store_explicit(&opened, true, memory_order_release);
    return NULL;
}

/* The prototypes are libconfig.h's, with its structs as void. */
#define FORWARD(type, give, name, number, parameters, arguments) \
    type name parameters;                                        \
    type name parameters {                                       \
        type(*function) parameters;                              \
        *(void **)&function = atomic_load_explicit(&functions[number], memory_order_relaxed); \
        give function arguments;                                 \
    }

FORWARD(void, , config_init, INIT, (void *config), (config))
FORWARD(void, , config_destroy, DESTROY, (void *config), (config))
FORWARD(int, return, config_read_string, READ_STRING, (void *config, const char *text), (config, text))
FORWARD(void, , config_set_include_dir, SET_INCLUDE_DIR, (void *config, const char *folder), (config, folder))
FORWARD(int, return, config_setting_get_bool, GET_BOOL, (const void *setting), (setting))
FORWARD(void *, return, config_setting_get_elem, GET_ELEM, (const void *setting, unsigned place),
        (setting, place))
FORWARD(int, return, config_setting_get_int, GET_INT, (const void *setting), (setting))
FORWARD(long long, return, config_setting_get_int64, GET_INT64, (const void *setting), (setting))
FORWARD(void *, return, config_setting_get_member, GET_MEMBER, (const void *setting, const char *name),
        (setting, name))
FORWARD(const char *, return, config_setting_get_string, GET_STRING, (const void *setting), (setting))
FORWARD(int, return, config_setting_index, INDEX, (const void *setting), (setting))
FORWARD(int, return, config_setting_length, LENGTH, (const void *setting), (setting))
