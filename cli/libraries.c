#define _GNU_SOURCE
#include "libraries.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_file.h"

enum { LIBRARIES_MAX = 1000 };

/* --- ldconfig's cache: one table from name to path */

struct cache {
    const char *data; /* from the new format's magic words on; NULL: there is none */
    size_t size;
    void *mapped;
    size_t mapped_size;
};

/* glibc's cache, as written since 2.2: twenty bytes of magic words and version, the counts, and the entries.
 */
struct cache_entry {
    int32_t flags;
    uint32_t name, path; /* from the magic words on */
    uint32_t osversion;
    uint64_t hwcap;
};
enum { CACHE_COUNT = 20, CACHE_ENTRIES = 48 };

static void cache_open(struct cache *cache) {
    static const char MAGIC[] = "glibc-ld.so.cache1.1";
    struct stat status;
    *cache = (struct cache){.data = NULL};
    const int file = open("/etc/ld.so.cache", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    if (fstat(file, &status) == 0 && status.st_size > CACHE_ENTRIES) {
        cache->mapped_size = (size_t)status.st_size;
        cache->mapped = mmap(NULL, cache->mapped_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (cache->mapped == MAP_FAILED)
            cache->mapped = NULL;
        else
            cache->data = memmem(cache->mapped, cache->mapped_size, MAGIC, sizeof MAGIC - 1);
        if (cache->data)
            cache->size = cache->mapped_size - (size_t)(cache->data - (const char *)cache->mapped);
    }
    close(file);
}

static void cache_close(struct cache *cache) {
    if (cache->mapped)
        munmap(cache->mapped, cache->mapped_size);
}

static const char *cache_text(const struct cache *cache, uint32_t offset) {
    return offset < cache->size && memchr(cache->data + offset, 0, cache->size - offset)
               ? cache->data + offset
               : NULL;
}

/* --- where a name is looked for, in the dynamic linker's order */

/* It is there, and of this machine; a foreign one is passed over. */
static bool is_loadable(const char *path) {
    enum elf_kind kind;
    struct elf *elf = elf_open(path, &kind);
    elf_close(elf);
    return elf != NULL;
}

static bool try_folder(const char *folder, size_t length, const char *name, struct library *library) {
    const int written = snprintf(library->path, sizeof library->path, "%.*s/%s", (int)length, folder, name);
    return written > 0 && (size_t)written < sizeof library->path && is_loadable(library->path);
}

/* A list of folders parted by colons; $ORIGIN is the folder of `origin`. */
static bool try_folders(const char *folders, const char *origin, const char *name, struct library *library) {
    const char *slash = strrchr(origin, '/');
    for (const char *at = folders; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
        const size_t length = strcspn(at, ":");
        char folder[PATH_MAX];
        const size_t skipped = strncmp(at, "$ORIGIN", 7) == 0 ? 7 : strncmp(at, "${ORIGIN}", 9) == 0 ? 9 : 0;
        if (length == 0)
            continue;
        const int written = skipped && slash
                                ? snprintf(folder, sizeof folder, "%.*s%.*s", (int)(slash - origin), origin,
                                           (int)(length - skipped), at + skipped)
                                : snprintf(folder, sizeof folder, "%.*s", (int)length, at);
        if (written > 0 && (size_t)written < sizeof folder &&
            try_folder(folder, (size_t)written, name, library))
            return true;
    }
    return false;
}

static bool try_cache(const struct cache *cache, const char *name, struct library *library) {
    uint32_t count;
    if (!cache->data)
        return false;
    memcpy(&count, cache->data + CACHE_COUNT, sizeof count);
    for (uint64_t i = 0; i < count && CACHE_ENTRIES + (i + 1) * sizeof(struct cache_entry) <= cache->size;
         i++) {
        struct cache_entry entry;
        memcpy(&entry, cache->data + CACHE_ENTRIES + i * sizeof entry, sizeof entry);
        const char *known = cache_text(cache, entry.name), *path = cache_text(cache, entry.path);
        if (known && path && strcmp(known, name) == 0 && strlen(path) < sizeof library->path &&
            is_loadable(path)) {
            strcpy(library->path, path);
            return true;
        }
    }
    return false;
}

static void find_library(const struct cache *cache, const struct elf *asker, const char *asker_path,
                         const char *name, struct library *library) {
    static const char *const FOLDERS[] = {"/lib", "/usr/lib", "/lib64", "/usr/lib64"};
    bool is_runpath;
    const char *path = elf_search_path(asker, &is_runpath), *variable = getenv("LD_LIBRARY_PATH");
    snprintf(library->name, sizeof library->name, "%s", name);
    if (strchr(name, '/')) {
        snprintf(library->path, sizeof library->path, "%s", name);
        if (is_loadable(name))
            return;
    } else {
        if ((path && !is_runpath && try_folders(path, asker_path, name, library)) ||
            (variable && try_folders(variable, asker_path, name, library)) ||
            (path && is_runpath && try_folders(path, asker_path, name, library)) ||
            try_cache(cache, name, library))
            return;
        for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++)
            if (try_folder(FOLDERS[i], strlen(FOLDERS[i]), name, library))
                return;
    }
    library->path[0] = '\0';
}

static bool is_listed(const struct libraries *libraries, const char *name) {
    for (size_t i = 0; i < libraries->count; i++)
        if (strcmp(libraries->items[i].name, name) == 0)
            return true;
    return false;
}

/* Adds what the file at `path` names and isn't there yet. */
static void add_needed(struct libraries *libraries, const struct cache *cache, const char *path) {
    enum elf_kind kind;
    struct elf *elf = elf_open(path, &kind);
    const char *name;
    for (size_t n = 0; elf && (name = elf_needed(elf, n)); n++) {
        if (is_listed(libraries, name) || libraries->count == LIBRARIES_MAX || strlen(name) > NAME_MAX)
            continue;
        struct library *items = realloc(libraries->items, (libraries->count + 1) * sizeof *items);
        if (!items)
            break;
        libraries->items = items;
        find_library(cache, elf, path, name, &items[libraries->count++]);
    }
    elf_close(elf);
}

struct libraries libraries_of(const char *path) {
    struct libraries libraries = {NULL, 0};
    struct cache cache;
    char whole[PATH_MAX];
    cache_open(&cache);
    add_needed(&libraries, &cache, realpath(path, whole) ? whole : path);
    for (size_t i = 0; i < libraries.count; i++) {
        if (libraries.items[i].path[0]) {
            char next[PATH_MAX]; /* the array moves while it grows */
            strcpy(next, libraries.items[i].path);
            add_needed(&libraries, &cache, next);
        }
    }
    cache_close(&cache);
    return libraries;
}

void libraries_free(struct libraries *libraries) {
    free(libraries->items);
    *libraries = (struct libraries){NULL, 0};
}

bool library_is_client(const char *path) {
    static const char *const NAMES[] = {"libmariadb.so", "libmysqlclient", "libperconaserverclient"};
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strncmp(name, NAMES[i], strlen(NAMES[i])) == 0)
            return true;
    return false;
}
