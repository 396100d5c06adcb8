/* What all parts of the relay share. */
#ifndef WAN_H
#define WAN_H

#include <stdint.h>

#define WAN_NS_PER_MS INT64_C(1000000)

/* Ends the process, with errno's reason. */
__attribute__((noreturn)) void wan_die(const char *what);

#endif
