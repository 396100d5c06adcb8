/* The reader of the configuration under arbitrary files: it accepts or it reports, and what it accepts keeps
 * the promises of config.h. */
#define _GNU_SOURCE
#include "../../config/config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *context, const char *message) {
    if (strchr(message, '\n') || !strchr(message, ':')) {
        fprintf(stderr, "not one line that names the file: %s\n", message);
        abort();
    }
    ++*(unsigned *)context;
}

static void check(const struct config *config) {
    if (config->group_count == 0 || (!config->local.server.socket && !config->local.server.host))
        abort();
    for (size_t i = 0; i < config->group_count; i++)
        for (size_t j = 0; j < config->groups[i].table_count; j++)
            if (!config->groups[i].tables[j].database[0] || !config->groups[i].tables[j].table[0])
                abort();
    if (config->ring.site_count > 16 ||
        (config->ring.site_count && config->ring.own >= config->ring.site_count))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[64];
    unsigned findings = 0;
    int file = memfd_create("roundabout.conf", MFD_CLOEXEC);
    if (file < 0 || write(file, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    struct config *config = config_load(path, count, &findings);
    if ((config == NULL) != (findings > 0)) {
        fprintf(stderr, "%s with %u findings\n", config ? "accepted" : "refused", findings);
        abort();
    }
    if (config)
        check(config);
    config_free(config);
    close(file);
    return 0;
}
