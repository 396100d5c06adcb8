#define _GNU_SOURCE
#include "elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if __ELF_NATIVE_CLASS == 64
#define SYMBOL_OF(info) ((size_t)ELF64_R_SYM(info))
#else
#define SYMBOL_OF(info) ((size_t)ELF32_R_SYM(info))
#endif

/* More of anything than this is damage. */
enum { SYMBOLS_MAX = 1 << 22 };

struct table {
    const unsigned char *start; /* NULL: not there */
    size_t size;
};

struct elf {
    const unsigned char *data;
    size_t size;
    const ElfW(Phdr) * parts;
    size_t part_count;
    const ElfW(Dyn) * dynamic;
    size_t dynamic_count;
    uint64_t dynamic_address;
    struct table strings, symbols;
    size_t symbol_count;
};

/* `size` bytes at a place of the file; NULL: they aren't all there, or not aligned. */
static const void *at_offset(const struct elf *elf, uint64_t offset, uint64_t size, size_t alignment) {
    if (offset > elf->size || size > elf->size - offset || offset % alignment)
        return NULL;
    return elf->data + offset;
}

/* What the file has from an address on, to the end of the part that it lies in. */
static struct table at_address(const struct elf *elf, uint64_t address) {
    for (size_t i = 0; i < elf->part_count; i++) {
        const ElfW(Phdr) *part = &elf->parts[i];
        if (part->p_type != PT_LOAD || address < part->p_vaddr || address - part->p_vaddr >= part->p_filesz)
            continue;
        const uint64_t inside = address - part->p_vaddr, size = part->p_filesz - inside;
        const void *start = at_offset(elf, part->p_offset + inside, size, 1);
        return (struct table){start, start ? (size_t)size : 0};
    }
    return (struct table){NULL, 0};
}

static const ElfW(Dyn) * find_dynamic(const struct elf *elf, ElfW(Sxword) tag, size_t n) {
    for (size_t i = 0; i < elf->dynamic_count && elf->dynamic[i].d_tag != DT_NULL; i++)
        if (elf->dynamic[i].d_tag == tag && n-- == 0)
            return &elf->dynamic[i];
    return NULL;
}

static struct table dynamic_table(const struct elf *elf, ElfW(Sxword) tag) {
    const ElfW(Dyn) *entry = find_dynamic(elf, tag, 0);
    return entry ? at_address(elf, entry->d_un.d_ptr) : (struct table){NULL, 0};
}

static uint64_t dynamic_value(const struct elf *elf, ElfW(Sxword) tag) {
    const ElfW(Dyn) *entry = find_dynamic(elf, tag, 0);
    return entry ? entry->d_un.d_val : 0;
}

/* NULL unless the text ends inside its table. */
static const char *string_at(const struct elf *elf, uint64_t offset) {
    if (!elf->strings.start || offset >= elf->strings.size ||
        !memchr(elf->strings.start + offset, 0, elf->strings.size - (size_t)offset))
        return NULL;
    return (const char *)elf->strings.start + offset;
}

static bool word_at(struct table table, uint64_t n, uint32_t *word) {
    if (!table.start || n >= table.size / sizeof *word)
        return false;
    memcpy(word, table.start + n * sizeof *word, sizeof *word);
    return true;
}

/* A symbol table doesn't say how long it is; the hash tables over it do. */
static size_t count_symbols(const struct elf *elf) {
    const struct table old = dynamic_table(elf, DT_HASH), new = dynamic_table(elf, DT_GNU_HASH);
    uint32_t count, buckets, first, filters, last = 0, hash;
    if (word_at(old, 1, &count))
        return count;
    if (!word_at(new, 0, &buckets) || !word_at(new, 1, &first) || !word_at(new, 2, &filters))
        return 0;
    const uint64_t bucket_start = 4 + (uint64_t)filters * (sizeof(ElfW(Addr)) / 4);
    for (uint64_t i = 0; i < buckets; i++) {
        uint32_t index;
        if (!word_at(new, bucket_start + i, &index))
            return 0;
        last = index > last ? index : last;
    }
    if (last < first)
        return first; /* it gives nothing to others */
    do {
        if (!word_at(new, bucket_start + buckets + (last - first), &hash))
            return 0;
        last++;
    } while (!(hash & 1));
    return last;
}

static bool read_headers(struct elf *elf) {
    const ElfW(Ehdr) *header = at_offset(elf, 0, sizeof *header, 1);
    if (!header || header->e_phentsize != sizeof *elf->parts)
        return false;
    elf->parts =
        at_offset(elf, header->e_phoff, (uint64_t)header->e_phnum * sizeof *elf->parts, _Alignof(ElfW(Phdr)));
    elf->part_count = elf->parts ? header->e_phnum : 0;
    for (size_t i = 0; i < elf->part_count; i++) {
        const ElfW(Phdr) *part = &elf->parts[i];
        if (part->p_type != PT_DYNAMIC)
            continue;
        elf->dynamic = at_offset(elf, part->p_offset, part->p_filesz, _Alignof(ElfW(Dyn)));
        elf->dynamic_count = elf->dynamic ? part->p_filesz / sizeof *elf->dynamic : 0;
        elf->dynamic_address = part->p_vaddr;
    }
    elf->strings = dynamic_table(elf, DT_STRTAB);
    elf->symbols = dynamic_table(elf, DT_SYMTAB);
    elf->symbol_count = count_symbols(elf);
    if (elf->symbol_count > SYMBOLS_MAX || elf->symbol_count > elf->symbols.size / sizeof(ElfW(Sym)))
        elf->symbol_count = 0;
    return true;
}

static enum elf_kind kind_of(const struct elf *elf) {

    const ElfW(Ehdr) *header = at_offset(elf, 0, sizeof *header, 1);
    if (elf->size < SELFMAG || memcmp(elf->data, ELFMAG, SELFMAG) != 0)
        return ELF_OTHER;
    if (!header)
        return ELF_DAMAGED;
    /* The processor is this command's own, whose file the kernel has taken. */
    const unsigned char order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
#if defined(__x86_64__)
    const unsigned own = EM_X86_64;
#elif defined(__aarch64__)
    const unsigned own = EM_AARCH64;
#else
    const unsigned own = header ? header->e_machine : EM_NONE;
#endif
    return header && header->e_ident[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) &&
                   header->e_ident[EI_DATA] == order && header->e_machine == own
               ? ELF_OWN
               : ELF_FOREIGN;
}

struct elf *elf_open(const char *path, enum elf_kind *kind) {
    struct stat status;
    struct elf *elf = NULL;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *kind = ELF_UNREADABLE;
    if (file < 0)
        return NULL;
    if (fstat(file, &status) == 0 && !S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    } else if (status.st_size == 0) {
        *kind = ELF_OTHER;
    } else if ((elf = calloc(1, sizeof *elf))) {
        elf->size = (size_t)status.st_size;
        void *data = mmap(NULL, elf->size, PROT_READ, MAP_PRIVATE, file, 0);
        elf->data = data == MAP_FAILED ? NULL : data;
        if (elf->data) {
            *kind = kind_of(elf);
            if (*kind == ELF_OWN && !read_headers(elf))
                *kind = ELF_FOREIGN;
        }
        if (*kind != ELF_OWN) {
            const int why = errno;
            elf_close(elf);
            elf = NULL;
            errno = why;
        }
    }
    const int why = errno;
    close(file);
    errno = why;
    return elf;
}

void elf_close(struct elf *elf) {
    if (elf && elf->data) {
        void *data;
        memcpy(&data, &elf->data, sizeof data);
        munmap(data, elf->size);
    }
    free(elf);
}

bool elf_is_whole(const struct elf *elf) {
    for (size_t i = 0; i < elf->part_count; i++) {
        const ElfW(Phdr) *part = &elf->parts[i];
        bool needed = part->p_type == PT_LOAD || part->p_type == PT_DYNAMIC || part->p_type == PT_INTERP;
        if (needed && !at_offset(elf, part->p_offset, part->p_filesz, 1))
            return false;
    }
    return elf->part_count > 0;
}

const char *elf_interpreter(const struct elf *elf) {
    for (size_t i = 0; i < elf->part_count; i++) {
        const ElfW(Phdr) *part = &elf->parts[i];
        const char *text =
            part->p_type == PT_INTERP ? at_offset(elf, part->p_offset, part->p_filesz, 1) : NULL;
        if (text && part->p_filesz > 0 && text[part->p_filesz - 1] == '\0')
            return text;
    }
    return NULL;
}

bool elf_is_dynamic(const struct elf *elf) {
    return elf->dynamic_count > 0;
}

static const char *dynamic_string(const struct elf *elf, ElfW(Sxword) tag, size_t n) {
    const ElfW(Dyn) *entry = find_dynamic(elf, tag, n);
    return entry ? string_at(elf, entry->d_un.d_val) : NULL;
}

const char *elf_soname(const struct elf *elf) {
    return dynamic_string(elf, DT_SONAME, 0);
}

bool elf_is_static(const struct elf *elf) {
    const char *name = elf_soname(elf);
    return !elf_interpreter(elf) &&
           !(name && (strncmp(name, "ld-", 3) == 0 || strncmp(name, "ld.so", 5) == 0 ||
                      strncmp(name, "ld64.so", 7) == 0));
}

const char *elf_needed(const struct elf *elf, size_t n) {
    return dynamic_string(elf, DT_NEEDED, n);
}

const char *elf_search_path(const struct elf *elf, bool *is_runpath) {
    const char *path = dynamic_string(elf, DT_RUNPATH, 0);
    *is_runpath = path != NULL;
    return path ? path : dynamic_string(elf, DT_RPATH, 0);
}

static ElfW(Sym) symbol_at(const struct elf *elf, size_t n) {
    ElfW(Sym) symbol;
    memcpy(&symbol, elf->symbols.start + n * sizeof symbol, sizeof symbol);
    return symbol;
}

/* The index of the symbol; 0, which is nobody's: not there. */
static size_t find_symbol(const struct elf *elf, const char *name, bool is_defined) {
    for (size_t i = 1; i < elf->symbol_count; i++) {
        const ElfW(Sym) symbol = symbol_at(elf, i);
        const char *text =
            (symbol.st_shndx != SHN_UNDEF) == is_defined ? string_at(elf, symbol.st_name) : NULL;
        if (text && strcmp(text, name) == 0)
            return i;
    }
    return 0;
}

/* The name of a version that the file defines, from the chain of its definitions. */
static const char *version_name(const struct elf *elf, unsigned number) {
    struct table rest = dynamic_table(elf, DT_VERDEF);
    ElfW(Verdef) definition;
    ElfW(Verdaux) name;
    while (rest.start && rest.size >= sizeof definition) {
        memcpy(&definition, rest.start, sizeof definition);
        if (definition.vd_ndx == number && definition.vd_aux <= rest.size - sizeof name &&
            rest.size >= sizeof name) {
            memcpy(&name, rest.start + definition.vd_aux, sizeof name);
            return string_at(elf, name.vda_name);
        }
        if (definition.vd_next == 0 || definition.vd_next > rest.size)
            return NULL;
        rest = (struct table){rest.start + definition.vd_next, rest.size - definition.vd_next};
    }
    return NULL;
}

bool elf_defines(const struct elf *elf, const char *name, const char **version) {
    const size_t index = find_symbol(elf, name, true);
    const struct table versions = dynamic_table(elf, DT_VERSYM);
    *version = "";
    if (index > 0 && versions.start && index < versions.size / sizeof(ElfW(Half))) {
        ElfW(Half) number;
        memcpy(&number, versions.start + index * sizeof number, sizeof number);
        const char *text = (number & 0x7FFF) > 1 ? version_name(elf, number & 0x7FFF) : NULL;
        *version = text ? text : "";
    }
    return index > 0;
}

/* REL and RELA entries begin alike: where, and with which symbol. */
static uint64_t find_slot(struct table table, uint64_t size, size_t entry_size, size_t symbol) {
    struct {
        ElfW(Addr) offset;
        ElfW(Addr) info;
    } entry;
    if (!table.start || entry_size < sizeof entry)
        return 0;
    for (uint64_t at = 0; at + entry_size <= size && at + entry_size <= table.size; at += entry_size) {
        memcpy(&entry, table.start + at, sizeof entry);
        if (SYMBOL_OF(entry.info) == symbol)
            return entry.offset;
    }
    return 0;
}

bool elf_imports(const struct elf *elf, const char *name, uint64_t *slot) {
    const size_t symbol = find_symbol(elf, name, false);
    const size_t rel = sizeof(ElfW(Rel)), rela = sizeof(ElfW(Rela));
    *slot = 0;
    if (symbol == 0)
        return false;
    *slot = find_slot(dynamic_table(elf, DT_JMPREL), dynamic_value(elf, DT_PLTRELSZ),
                      dynamic_value(elf, DT_PLTREL) == DT_REL ? rel : rela, symbol);
    if (*slot == 0)
        *slot = find_slot(dynamic_table(elf, DT_RELA), dynamic_value(elf, DT_RELASZ), rela, symbol);
    if (*slot == 0)
        *slot = find_slot(dynamic_table(elf, DT_REL), dynamic_value(elf, DT_RELSZ), rel, symbol);
    return true;
}

bool elf_contains(const struct elf *elf, const char *text) {
    return memmem(elf->data, elf->size, text, strlen(text)) != NULL;
}

uint64_t elf_lowest_address(const struct elf *elf, uint64_t page) {
    uint64_t lowest = UINT64_MAX;
    for (size_t i = 0; i < elf->part_count; i++)
        if (elf->parts[i].p_type == PT_LOAD && elf->parts[i].p_vaddr < lowest)
            lowest = elf->parts[i].p_vaddr;
    return lowest == UINT64_MAX ? 0 : lowest & ~(page - 1);
}

uint64_t elf_dynamic_address(const struct elf *elf) {
    return elf->dynamic_count > 0 ? elf->dynamic_address : 0;
}
