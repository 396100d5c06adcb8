/* What the doctor asks about client libraries, in programs and in processes. */
#ifndef ROUNDABOUT_DOCTOR_CLIENT_H
#define ROUNDABOUT_DOCTOR_CLIENT_H

#include "doctor.h"
#include "elf_file.h"

/* Functions that one of, at least, every module calls that sends statements; the first is the one that most
 * do. */
extern const char *const DOCTOR_FUNCTIONS[];
extern const size_t DOCTOR_FUNCTION_COUNT;

/* Notes a client library's file, soname and version symbol. `path`: where it is read; NULL: it wasn't found.
 * `name`: what it is called in the note, unless that has no slash and `path` says more. */
void doctor_note_client(struct doctor_report *report, const char *path, const char *name);

/* Whether a file that is linked to no client library has the client's code inside. */
bool doctor_has_own_client(const struct elf *elf);

#endif
