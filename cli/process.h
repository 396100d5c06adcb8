/* A running process as /proc shows it: its modules in the order of symbol look-up, its environment, its
 * memory. Only looked at. */
#ifndef ROUNDABOUT_PROCESS_H
#define ROUNDABOUT_PROCESS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_module {
    char path[PATH_MAX];   /* as that process names it */
    char opened[PATH_MAX]; /* where its file can be opened from here; of a deleted one only root can */
    uint64_t start, end;   /* from its first mapping to the end of its last */
    unsigned place;        /* in the order of look-up, where that is known */
    bool is_deleted;
};

struct process {
    int pid;
    char exe[PATH_MAX];
    struct process_module *modules; /* the program itself comes first */
    size_t count;
    bool is_ordered;   /* the others are in the order in which they are searched for symbols; else as they lie
                          in memory */
    bool is_secure;    /* was started with raised rights, and the dynamic linker dropped LD_PRELOAD */
    bool secure_known; /* else is_secure says nothing */
    bool environ_known;
    bool has_other_root; /* sees other files than this process does: a container, chroot */
    uid_t user;          /* the effective ones */
    gid_t group;
    gid_t *groups;
    size_t group_count;
    char *variables; /* NAME=value, each with its NUL; as the process was started */
    size_t variables_size;
    int memory; /* -1: may not be read */
};

/* NULL with errno set: no such process, or its maps may not be read. The caller gives it to process_close().
 */
struct process *process_open(int pid);
void process_close(struct process *process);

const char *process_variable(const struct process *process, const char *name); /* NULL: not set */
bool process_read(const struct process *process, uint64_t address, void *buffer, size_t size);
const struct process_module *process_module_at(const struct process *process,
                                               uint64_t address); /* NULL: none */

#endif
