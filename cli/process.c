#define _GNU_SOURCE
#include "process.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_file.h"

enum { MODULES_MAX = 4096, GROUPS_MAX = 65536, BYTES_MAX = 4 << 20, WORDS_MAX = 512 };

/* The whole of a file of /proc, which says nothing of its size, with a NUL behind. The caller frees it. */
static char *read_whole(int pid, const char *name, size_t *size) {
    char path[64];
    char *text = NULL;
    *size = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return NULL;
    for (size_t room = 0; *size < BYTES_MAX;) {
        if (*size + 1 >= room) {
            room = room ? room * 2 : 4096;
            char *more = realloc(text, room);
            if (!more)
                break;
            text = more;
        }
        const ssize_t got = read(file, text + *size, room - *size - 1);
        if (got <= 0) {
            const int why = errno;
            text[*size] = '\0';
            close(file);
            if (got == 0)
                return text;
            free(text);
            errno = why;
            return NULL;
        }
        *size += (size_t)got;
    }
    free(text);
    close(file);
    errno = ENOMEM;
    return NULL;
}

static bool read_link(int pid, const char *name, char *target, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    const ssize_t length = readlink(path, target, size - 1);
    target[length > 0 ? length : 0] = '\0';
    return length > 0;
}

static struct process_module *add_module(struct process *process, const char *path) {
    for (size_t i = 0; i < process->count; i++)
        if (strcmp(process->modules[i].path, path) == 0)
            return &process->modules[i];
    struct process_module *modules = process->count < MODULES_MAX
                                         ? realloc(process->modules, (process->count + 1) * sizeof *modules)
                                         : NULL;
    if (!modules)
        return NULL;
    process->modules = modules;
    struct process_module *module = &modules[process->count++];
    memset(module, 0, sizeof *module);
    snprintf(module->path, sizeof module->path, "%s", path);
    return module;
}

/* Where the file that is mapped can be opened from here. Which of its names the kernel shows depends on whose
 * roots and mounts they are, so each is tried, and told by the file's number. */
static void find_file(const struct process *process, const char *path, unsigned long inode,
                      const char *mapping, char *opened, size_t size) {
    char root[64], inside[PATH_MAX] = "", mapped[128];
    struct stat status;
    snprintf(root, sizeof root, "/proc/%d/root", process->pid);
    snprintf(mapped, sizeof mapped, "/proc/%d/map_files/%s", process->pid, mapping);
    const size_t above = process->has_other_root && read_link(process->pid, "root", inside, sizeof inside)
                             ? strlen(inside)
                             : 0;
    const bool is_below = above > 1 && strncmp(path, inside, above) == 0 && path[above] == '/';
    const char *const places[][2] = {{"", path},
                                     {root, is_below ? path + above : path},
                                     {root, path},
                                     {"", mapped}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (snprintf(opened, size, "%s%s", places[i][0], places[i][1]) < (int)size &&
            stat(opened, &status) == 0 && status.st_ino == inode)
            return;
    snprintf(opened, size, "%s", path);
}

/* "start-end rights offset device inode   path (deleted)" */
static void read_mapping(struct process *process, char *line) {
    static const char DELETED[] = " (deleted)";
    unsigned long start, end, inode;
    char mapping[64];
    int path_at = 0;
    if (sscanf(line, "%lx-%lx %*s %*s %*s %lu %n", &start, &end, &inode, &path_at) != 3 || path_at == 0 ||
        line[path_at] != '/')
        return;
    char *path = line + path_at;
    const size_t length = strlen(path);
    const bool is_deleted =
        length > sizeof DELETED - 1 && strcmp(path + length - (sizeof DELETED - 1), DELETED) == 0;
    if (is_deleted)
        path[length - (sizeof DELETED - 1)] = '\0';
    struct process_module *module = strlen(path) < PATH_MAX ? add_module(process, path) : NULL;
    if (!module)
        return;
    if (module->end == 0) {
        module->start = start;
        module->is_deleted = is_deleted;
        snprintf(mapping, sizeof mapping, "%lx-%lx", start, end);
        if (strcmp(path, process->exe) == 0)
            snprintf(module->opened, sizeof module->opened, "/proc/%d/exe", process->pid);
        else
            find_file(process, path, inode, mapping, module->opened, sizeof module->opened);
    }
    module->end = end;
}

static bool read_maps(struct process *process) {
    size_t size;
    char *text = read_whole(process->pid, "maps", &size), *rest = text;
    if (!text)
        return false;
    add_module(process, process->exe);
    for (char *line; (line = strsep(&rest, "\n"));)
        read_mapping(process, line);
    free(text);
    return process->count > 0;
}

static void read_identity(struct process *process) {
    size_t size;
    char *text = read_whole(process->pid, "status", &size), *rest = text;
    for (char *line; text && (line = strsep(&rest, "\n"));) {
        unsigned id;
        if (sscanf(line, "Uid: %*u %u", &id) == 1)
            process->user = id;
        else if (sscanf(line, "Gid: %*u %u", &id) == 1)
            process->group = id;
        else if (strncmp(line, "Groups:", 7) == 0) {
            char *at = line + 7, *end;
            for (unsigned long group;
                 process->group_count < GROUPS_MAX && (group = strtoul(at, &end, 10), end != at); at = end) {
                gid_t *groups = realloc(process->groups, (process->group_count + 1) * sizeof *groups);
                if (!groups)
                    break;
                process->groups = groups;
                groups[process->group_count++] = (gid_t)group;
            }
        }
    }
    free(text);
}

static void read_auxiliary(struct process *process) {
    size_t size;
    char *text = read_whole(process->pid, "auxv", &size);
    ElfW(auxv_t) entry;
    for (size_t at = 0; text && at + sizeof entry <= size; at += sizeof entry) {
        memcpy(&entry, text + at, sizeof entry);
        if (entry.a_type == AT_SECURE) {
            process->secure_known = true;
            process->is_secure = entry.a_un.a_val != 0;
        }
    }
    free(text);
}

static void compare_roots(struct process *process) {
    char own[PATH_MAX], theirs[PATH_MAX];
    char path[64];
    struct stat own_root, their_root;
    snprintf(path, sizeof path, "/proc/%d/root", process->pid);
    process->has_other_root =
        (read_link(process->pid, "ns/mnt", theirs, sizeof theirs) &&
         read_link(getpid(), "ns/mnt", own, sizeof own) && strcmp(own, theirs) != 0) ||
        (stat("/", &own_root) == 0 && stat(path, &their_root) == 0 &&
         (own_root.st_ino != their_root.st_ino || own_root.st_dev != their_root.st_dev));
}

bool process_read(const struct process *process, uint64_t address, void *buffer, size_t size) {
    return process->memory >= 0 && pread(process->memory, buffer, size, (off_t)address) == (ssize_t)size;
}

const struct process_module *process_module_at(const struct process *process, uint64_t address) {
    for (size_t i = 0; i < process->count; i++)
        if (address >= process->modules[i].start && address < process->modules[i].end)
            return &process->modules[i];
    return NULL;
}

/* Where the dynamic linker keeps its list: it leaves the address in the program's dynamic section. */
static bool find_link_map(const struct process *process, struct r_debug *debug) {
    enum elf_kind kind;
    struct elf *elf = elf_open(process->modules[0].opened, &kind);
    uint64_t at = elf ? elf_dynamic_address(elf) : 0;
    if (at)
        at += process->modules[0].start - elf_lowest_address(elf, (uint64_t)sysconf(_SC_PAGESIZE));
    elf_close(elf);
    ElfW(Dyn) entry;
    for (size_t i = 0; at && i < WORDS_MAX && process_read(process, at, &entry, sizeof entry);
         i++, at += sizeof entry) {
        if (entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag == DT_DEBUG)
            return entry.d_un.d_ptr && process_read(process, entry.d_un.d_ptr, debug, sizeof *debug);
    }
    return false;
}

static int compare_places(const void *a, const void *b) {
    const struct process_module *one = a, *other = b;
    return (one->place > other->place) - (one->place < other->place);
}

/* The list begins with the program and goes on with what it was preloaded with; that is the order of look-up
 * for all but modules that were loaded later, which see their own libraries behind it. */
static void order_modules(struct process *process) {
    struct r_debug debug;
    struct link_map link;
    unsigned place = 0;
    if (!find_link_map(process, &debug))
        return;
    for (size_t i = 1; i < process->count; i++)
        process->modules[i].place = UINT_MAX; /* mapped, but no library */
    uint64_t at = (uint64_t)(uintptr_t)debug.r_map;
    while (at && place < MODULES_MAX && process_read(process, at, &link, sizeof link)) {
        const struct process_module *module = process_module_at(process, (uint64_t)(uintptr_t)link.l_ld);
        if (module)
            process->modules[module - process->modules].place = place;
        place++;
        at = (uint64_t)(uintptr_t)link.l_next;
    }
    if (place < 2)
        return;
    process->is_ordered = true;
    qsort(process->modules + 1, process->count - 1, sizeof *process->modules, compare_places);
    while (process->count > 1 && process->modules[process->count - 1].place == UINT_MAX)
        process->count--;
}

struct process *process_open(int pid) {
    struct process *process = calloc(1, sizeof *process);
    char path[64];
    if (!process)
        return NULL;
    process->pid = pid;
    process->memory = -1;
    compare_roots(process);
    if (!read_link(pid, "exe", process->exe, sizeof process->exe)) {
        const int why = errno;
        process_close(process);
        errno = why;
        return NULL;
    }
    char *deleted = strstr(process->exe, " (deleted)");
    if (deleted && strcmp(deleted, " (deleted)") == 0)
        *deleted = '\0';
    if (!read_maps(process)) {
        const int why = errno;
        process_close(process);
        errno = why ? why : ESRCH;
        return NULL;
    }
    read_identity(process);
    read_auxiliary(process);
    process->variables = read_whole(pid, "environ", &process->variables_size);
    process->environ_known = process->variables != NULL;
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    process->memory = open(path, O_RDONLY | O_CLOEXEC);
    order_modules(process);
    return process;
}

void process_close(struct process *process) {
    if (process->memory >= 0)
        close(process->memory);
    free(process->modules);
    free(process->groups);
    free(process->variables);
    free(process);
}

const char *process_variable(const struct process *process, const char *name) {
    const size_t length = strlen(name);
    for (size_t at = 0; process->variables && at < process->variables_size;
         at += strlen(process->variables + at) + 1)
        if (strncmp(process->variables + at, name, length) == 0 && process->variables[at + length] == '=')
            return process->variables + at + length + 1;
    return NULL;
}
