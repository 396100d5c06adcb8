#define _GNU_SOURCE
#include "doctor.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../config/config.h"
#include "doctor_client.h"
#include "elf_file.h"
#include "libraries.h"
#include "process.h"

#define LIBRARY "libroundabout.so"

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_ours(const struct process_module *module) {
    return module && strcmp(file_name(module->path), LIBRARY) == 0;
}

/* --- whom a module calls */

/* The module whose function the dynamic linker has put in place; NULL with *reason set: it can't be told. */
static const struct process_module *find_callee(const struct process *process,
                                                const struct process_module *module, const struct elf *elf,
                                                uint64_t slot, const char **reason) {
    void *function;
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    *reason = "its memory can't be read from here (as root it can)";
    if (slot == 0 || !process_read(process, module->start - elf_lowest_address(elf, page) + slot, &function,
                                   sizeof function))
        return NULL;
    const struct process_module *callee = process_module_at(process, (uint64_t)(uintptr_t)function);
    *reason = "it hasn't been called yet";
    return callee == module ? NULL : callee; /* its own linkage table: to be resolved at the first call */
}

static void look_at_caller(struct doctor_report *report, const struct process *process,
                           const struct process_module *module, const struct elf *elf) {
    const char *shown = NULL, *reason = NULL;
    const struct process_module *callee = NULL;
    bool is_past = false;
    for (size_t i = 0; i < DOCTOR_FUNCTION_COUNT && !is_past; i++) {
        uint64_t slot;
        const char *why;
        if (!elf_imports(elf, DOCTOR_FUNCTIONS[i], &slot))
            continue;
        const struct process_module *found = find_callee(process, module, elf, slot, &why);
        is_past = found && !is_ours(found);
        if (!shown || is_past || (found && !callee))
            shown = DOCTOR_FUNCTIONS[i], callee = found, reason = why;
    }
    if (!shown)
        return;
    report->facts.callers++;
    report->facts.callers_past += is_past;
    if (callee)
        doctor_note(report, "caller", "%s: %s is that of %s", module->path, shown, callee->path);
    else
        doctor_note(report, "caller", "%s: %s, %s", module->path, shown, reason);
}

/* --- the modules */

static void note_shim(struct doctor_report *report, const struct process *process,
                      const struct process_module *module) {
    size_t place = 0;
    for (size_t i = 1; i < process->count && &process->modules[i] != module; i++)
        place += strncmp(file_name(process->modules[i].path), "linux-", 6) != 0;
    report->facts.is_preloaded = true;
    doctor_note(report, "preloaded", "%s%s%s", module->path,
                module->is_deleted
                    ? ", a file that has been replaced since; start the process again to use the new one"
                    : "",
                !process->is_ordered ? ""
                : place == 0         ? ", the first after the program"
                                     : ", behind other libraries");
}

static void look_at_module(struct doctor_report *report, const struct process *process,
                           const struct process_module *module) {
    enum elf_kind kind;
    if (is_ours(module)) {
        note_shim(report, process, module);
        return;
    }
    report->facts.has_other_libc |= strncmp(file_name(module->path), "ld-musl", 7) == 0;
    const bool is_client = library_is_client(module->path);
    if (is_client) {
        report->facts.clients++;
        doctor_note_client(report, module->opened, module->path);
        if (module->is_deleted)
            doctor_note(report, "client library", "%s has been replaced since the process was started",
                        module->path);
    }
    report->facts.is_php_native |= strcmp(file_name(module->path), "mysqlnd.so") == 0;
    struct elf *elf = elf_open(module->opened, &kind);
    if (elf && !is_client)
        look_at_caller(report, process, module, elf);
    elf_close(elf);
}

static void look_at_executable(struct doctor_report *report, const struct process *process) {
    enum elf_kind kind;
    struct elf *elf = elf_open(process->modules[0].opened, &kind);
    struct doctor_facts *facts = &report->facts;
    facts->is_foreign = kind == ELF_FOREIGN;
    facts->is_static = elf && elf_is_static(elf);
    facts->is_php_native = elf && elf_contains(elf, "mysqlnd_");
    facts->has_own_client = elf && !facts->is_php_native && doctor_has_own_client(elf);
    doctor_note(report, "program", "%s%s%s", process->exe,
                process->modules[0].is_deleted ? ", replaced since" : "",
                facts->is_foreign       ? ", built for another machine or word size"
                : facts->is_static      ? ", linked statically"
                : facts->is_php_native  ? ", with mysqlnd in it"
                : facts->has_own_client ? ", with the client's code in it"
                                        : "");
    elf_close(elf);
}

/* --- the configuration, as its user sees it */

/* In the child: becomes that user, in that process' tree of files. */
static bool become(const struct process *process) {
    char root[64];
    if (geteuid() != 0)
        return process->user == geteuid() && !process->has_other_root;
    snprintf(root, sizeof root, "/proc/%d/root", process->pid);
    return (!process->has_other_root || (chroot(root) == 0 && chdir("/") == 0)) &&
           setgroups(process->group_count, process->groups) == 0 &&
           setresgid(process->group, process->group, process->group) == 0 &&
           setresuid(process->user, process->user, process->user) == 0;
}

static void write_first(void *context, const char *message) {
    int *pipe_end = context;
    if (*pipe_end >= 0) {
        const ssize_t written = write(*pipe_end, message, strlen(message));
        (void)written;
        close(*pipe_end);
        *pipe_end = -1;
    }
}

enum { CONFIG_IS_GOOD = 0, CONFIG_IS_BAD = 1, CONFIG_IS_UNKNOWN = 2 };

/* `finding`: the first thing that is wrong with it. */
static int try_config(const struct process *process, const char *path, char *finding, size_t size) {
    int ends[2], status = 0;
    size_t used = 0;
    finding[0] = '\0';
    if (pipe(ends) != 0)
        return CONFIG_IS_UNKNOWN;
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        if (!become(process))
            _exit(CONFIG_IS_UNKNOWN);
        _exit(config_load(path, write_first, &ends[1]) ? CONFIG_IS_GOOD : CONFIG_IS_BAD);
    }
    close(ends[1]);
    for (ssize_t got;
         child > 0 && used + 1 < size && (got = read(ends[0], finding + used, size - used - 1)) > 0;)
        used += (size_t)got;
    finding[used] = '\0';
    close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return CONFIG_IS_UNKNOWN;
    return WEXITSTATUS(status);
}

static void look_at_config(struct doctor_report *report, const struct process *process) {
    char finding[1024];
    const char *variable = process->is_secure ? NULL : process_variable(process, "ROUNDABOUT_CONFIG");
    const char *path = config_choose_path(NULL, variable);
    const struct passwd *user = getpwuid(process->user);
    const char *name = user ? user->pw_name : "its user";
    if (path[0] != '/') {
        doctor_note(report, "configuration", "%s, in the working directory that the process was started in",
                    path);
        return;
    }
    const int status = try_config(process, path, finding, sizeof finding);
    report->facts.has_bad_config = status == CONFIG_IS_BAD;
    if (status == CONFIG_IS_GOOD)
        doctor_note(report, "configuration", "%s, readable and right for %s", path, name);
    else if (status == CONFIG_IS_BAD)
        doctor_note(report, "configuration", "as %s: %s", name, finding);
    else
        doctor_note(report, "configuration", "%s; whether %s can read it only root can tell", path, name);
}

static void look_at_environment(struct doctor_report *report, const struct process *process) {
    static const char *const NAMES[] = {"LD_PRELOAD", "ROUNDABOUT_CONFIG", "ROUNDABOUT_DISABLE",
                                        "ROUNDABOUT_DEEPBIND"};
    if (!process->environ_known)
        doctor_note(report, "environment", "it can't be read from here");
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        const char *value = process_variable(process, NAMES[i]);
        if (value)
            doctor_note(report, "environment", "%s=%s%s", NAMES[i], value,
                        process->is_secure ? ", not heeded" : "");
    }
    const char *off = process_variable(process, "ROUNDABOUT_DISABLE");
    report->facts.is_disabled = !process->is_secure && off && *off && strcmp(off, "0") != 0;
    if (process->is_secure) {
        report->facts.raised_rights = "it was started with raised rights";
        doctor_note(report, "rights", "raised when it was started (setuid, setgid or file capabilities)");
    }
}

bool doctor_look_at_process(int pid, struct doctor_report *report) {
    struct process *process = process_open(pid);
    if (!process)
        return false;
    memset(report, 0, sizeof *report);
    report->facts.is_process = true;
    look_at_executable(report, process);
    if (process->has_other_root)
        doctor_note(report, "program", "it has files of its own: a container, or chroot");
    look_at_environment(report, process);
    for (size_t i = 0; i < process->count; i++)
        look_at_module(report, process, &process->modules[i]);
    if (!report->facts.is_preloaded)
        doctor_note(report, "preloaded", LIBRARY " is not loaded");
    else
        look_at_config(report, process);
    if (report->facts.clients == 0)
        doctor_note(report, "client library", "none is loaded");
    process_close(process);
    return true;
}
