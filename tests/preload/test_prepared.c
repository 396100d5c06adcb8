/* Prepared statements: a twin on the shadow for those that may be routed. */
#define _GNU_SOURCE
#include "claims.h"

static void nothing(void) {}

static const struct claim CLAIMS[] = {
    CLAIM(nothing, "", EVERYWHERE),
};

int main(int argc, char **argv) {
    return RUN_CLAIMS(CLAIMS);
}
