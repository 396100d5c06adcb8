/* ELF files of this machine, as the dynamic linker sees them: by program headers alone, every offset checked,
 * so that a damaged or hostile file gives wrong answers at worst. */
#ifndef ROUNDABOUT_ELF_FILE_H
#define ROUNDABOUT_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum elf_kind {
    ELF_UNREADABLE, /* errno says why */
    ELF_OTHER,      /* no ELF file: a script, say */
    ELF_DAMAGED,    /* one that ends inside its header */
    ELF_FOREIGN,    /* of another word size, byte order or processor */
    ELF_OWN,
};

struct elf;

/* NULL unless *kind is ELF_OWN. The result is the caller's, to be given to elf_close(); all texts below live
 * as long as it. */
struct elf *elf_open(const char *path, enum elf_kind *kind);
void elf_close(struct elf *elf); /* NULL: nothing happens */

/* A program's dynamic linker. NULL: none, as in a static program or a library. */
const char *elf_interpreter(const struct elf *elf);
/* A program that loads no libraries. The dynamic linker, started with a program as its argument, isn't one.
 */
bool elf_is_static(const struct elf *elf);
bool elf_is_dynamic(const struct elf *elf);
/* All that its headers tell of is in the file. */
bool elf_is_whole(const struct elf *elf);
const char *elf_soname(const struct elf *elf);           /* NULL: none */
const char *elf_needed(const struct elf *elf, size_t n); /* the n-th library it names; NULL: no more */
const char *elf_search_path(const struct elf *elf, bool *is_runpath); /* RUNPATH, else RPATH; NULL: none */

/* Whether it gives others the function `name`. *version: the symbol's version, "" for none. */
bool elf_defines(const struct elf *elf, const char *name, const char **version);

/* Whether it takes the function `name` from others. *slot: the address in the file's own numbering at which
 * the dynamic linker puts the function's; 0: none. */
bool elf_imports(const struct elf *elf, const char *name, uint64_t *slot);

/* Whether the file has this text anywhere. */
bool elf_contains(const struct elf *elf, const char *text);

/* The lowest address at which it is loaded, in its own numbering, rounded down to `page`; and the address of
 * its dynamic section, 0: none. */
uint64_t elf_lowest_address(const struct elf *elf, uint64_t page);
uint64_t elf_dynamic_address(const struct elf *elf);

#endif
