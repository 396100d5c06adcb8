#include "doctor_client.h"

#include <stdio.h>
#include <string.h>

const char *const DOCTOR_FUNCTIONS[] = {"mysql_real_query",   "mysql_query", "mysql_send_query",
                                        "mysql_stmt_prepare", "mysql_init",  "mysql_real_connect",
                                        "mysql_close"};
const size_t DOCTOR_FUNCTION_COUNT = sizeof DOCTOR_FUNCTIONS / sizeof *DOCTOR_FUNCTIONS;

void doctor_note_client(struct doctor_report *report, const char *path, const char *name) {
    enum elf_kind kind;
    struct elf *elf = path ? elf_open(path, &kind) : NULL;
    const char *version, *soname, *shown = path && !strchr(name, '/') ? path : name;
    if (!path) {
        doctor_note(report, "client library", "%s, which isn't found", name);
    } else if (!elf) {
        doctor_note(report, "client library", "%s, which can't be read", shown);
    } else if (!elf_defines(elf, DOCTOR_FUNCTIONS[0], &version)) {
        doctor_note(report, "client library", "%s, which doesn't define %s", shown, DOCTOR_FUNCTIONS[0]);
    } else {
        soname = elf_soname(elf);
        doctor_note(report, "client library", "%s, soname %s, %s@%s", shown, soname ? soname : "none",
                    DOCTOR_FUNCTIONS[0], version[0] ? version : "no version");
    }
    elf_close(elf);
}

/* A stripped program keeps no names of its functions, but it names the methods of authentication to the
 * server, as clients of its own kind (Go's, Rust's) do as well. */
bool doctor_has_own_client(const struct elf *elf) {
    const char *version;
    for (size_t i = 0; i < DOCTOR_FUNCTION_COUNT; i++)
        if (elf_defines(elf, DOCTOR_FUNCTIONS[i], &version))
            return true;
    return elf_contains(elf, "mysql_native_password") || elf_contains(elf, "caching_sha2_password");
}
