/* The doctor's judgement as a table, and the reader of ELF files over damaged ones. */
#include "../../cli/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../cli/elf_file.h"

struct row {
    const char *claim;
    struct doctor_facts facts;
    enum doctor_verdict verdict;
    const char *word; /* in the reason */
};

#define PRELOADED .is_process = true, .is_preloaded = true

static const struct row ROWS[] = {
    {"a program that is linked to a client library is routed",
     {.clients = 1},
     DOCTOR_ROUTED,
     "client library"},
    {"a script whose driver is linked to one is routed",
     {.is_interpreted = true, .drivers = 1},
     DOCTOR_ROUTED,
     "driver"},
    {"a program with the client inside bypasses", {.has_own_client = true}, DOCTOR_BYPASSES, "static client"},
    {"a static program bypasses, whatever it holds",
     {.is_static = true, .clients = 1},
     DOCTOR_BYPASSES,
     "statically"},
    {"another machine's program bypasses", {.is_foreign = true}, DOCTOR_BYPASSES, "machine"},
    {"a setuid program bypasses",
     {.raised_rights = "it is setuid", .clients = 1},
     DOCTOR_BYPASSES,
     "raised rights"},
    {"a program on musl bypasses", {.has_other_libc = true, .clients = 1}, DOCTOR_BYPASSES, "glibc"},
    {"a program that finds the functions by name bypasses",
     {.asks_by_name = true},
     DOCTOR_BYPASSES,
     "by name"},
    {"PHP with mysqlnd bypasses",
     {.is_php_native = true, .is_interpreted = true},
     DOCTOR_BYPASSES,
     "mysqlnd"},
    {"PHP with a driver on the client library is routed",
     {.is_php_native = true, .is_interpreted = true, .drivers = 1},
     DOCTOR_ROUTED,
     "driver"},
    {"a program that shows nothing can't be judged", {.clients = 0}, DOCTOR_UNKNOWN, "while it runs"},
    {"a script without a driver can't be judged", {.is_interpreted = true}, DOCTOR_UNKNOWN, "drivers"},

    {"a process whose modules call the library is routed",
     {PRELOADED, .clients = 1, .callers = 2},
     DOCTOR_ROUTED,
     "libroundabout.so"},
    {"a process without the library bypasses",
     {.is_process = true, .clients = 1, .callers = 1},
     DOCTOR_BYPASSES,
     "not loaded"},
    {"a process with nothing at all bypasses for want of the library",
     {.is_process = true},
     DOCTOR_BYPASSES,
     "not loaded"},
    {"a static client is told even where the library isn't loaded",
     {.is_process = true, .has_own_client = true},
     DOCTOR_BYPASSES,
     "static client"},
    {"one module that goes past the library is enough",
     {PRELOADED, .clients = 1, .callers = 2, .callers_past = 1},
     DOCTOR_BYPASSES,
     "DEEPBIND"},
    {"a client library that nobody is linked to is used by name",
     {PRELOADED, .clients = 1},
     DOCTOR_BYPASSES,
     "by name"},
    {"a process that has no client library yet can't be judged", {PRELOADED}, DOCTOR_UNKNOWN, "now"},
    {"a switched off process bypasses",
     {PRELOADED, .is_disabled = true, .clients = 1, .callers = 1},
     DOCTOR_BYPASSES,
     "ROUNDABOUT_DISABLE"},
    {"a process that can't use its configuration bypasses",
     {PRELOADED, .has_bad_config = true, .clients = 1, .callers = 1},
     DOCTOR_BYPASSES,
     "configuration"},
    {"raised rights don't matter once the library is there",
     {PRELOADED, .raised_rights = "it was", .clients = 1, .callers = 1},
     DOCTOR_ROUTED,
     "libroundabout.so"},
};

static void each_row_is_judged_as_it_claims(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        const struct doctor_judgement got = doctor_judge(&ROWS[i].facts);
        if (got.verdict != ROWS[i].verdict || !strstr(got.why, ROWS[i].word))
            fail_msg("%s: want %d and \"%s\", got %d and \"%s\"", ROWS[i].claim, (int)ROWS[i].verdict,
                     ROWS[i].word, (int)got.verdict, got.why);
        if ((got.verdict == DOCTOR_BYPASSES) && !got.cure)
            fail_msg("%s: a cure is missing", ROWS[i].claim);
    }
}

/* --- ELF files */

static char *read_own_file(size_t *size) {
    FILE *file = fopen("/proc/self/exe", "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void write_file(const char *path, const char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* All questions at once; the answers don't matter. */
static void ask_everything(const char *path) {
    enum elf_kind kind;
    const char *version;
    uint64_t slot;
    bool is_runpath;
    struct elf *elf = elf_open(path, &kind);
    if (!elf)
        return;
    (void)elf_interpreter(elf);
    (void)elf_soname(elf);
    (void)elf_search_path(elf, &is_runpath);
    for (size_t n = 0; n < 100 && elf_needed(elf, n); n++)
        assert_true(strlen(elf_needed(elf, n)) < 1 << 20);
    (void)elf_defines(elf, "main", &version);
    (void)elf_imports(elf, "malloc", &slot);
    (void)elf_lowest_address(elf, 4096);
    (void)elf_dynamic_address(elf);
    elf_close(elf);
}

static void this_program_is_read(void **state) {
    (void)state;
    enum elf_kind kind;
    uint64_t slot;
    const char *version;
    struct elf *elf = elf_open("/proc/self/exe", &kind);
    assert_non_null(elf);
    assert_non_null(elf_interpreter(elf));
    bool needs_libc = false;
    for (size_t n = 0; elf_needed(elf, n); n++)
        needs_libc |= strncmp(elf_needed(elf, n), "libc.so", 7) == 0;
    assert_true(needs_libc);
    assert_true(elf_imports(elf, "fopen", &slot) || elf_imports(elf, "fopen64", &slot));
    assert_int_not_equal(slot, 0);
    assert_false(elf_defines(elf, "fopen", &version));
    assert_true(elf_contains(elf, "a text that only this test has"));
    elf_close(elf);
}

static void damaged_files_are_read_without_harm(void **state) {
    (void)state;
    size_t size;
    char *good = read_own_file(&size), path[] = "/tmp/roundabout-elf-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    unsigned random = 1;
    for (unsigned turn = 0; turn < 300; turn++) {
        char *bytes = malloc(size);
        assert_non_null(bytes);
        memcpy(bytes, good, size);
        /* In the headers and tables, which are in front. */
        for (unsigned change = 0; change < 8; change++) {
            random = random * 1103515245u + 12345u;
            const size_t reach = turn % 3 == 0 ? 1024 : turn % 3 == 1 ? 16384 : size;
            bytes[(random >> 4) % (reach < size ? reach : size)] = (char)(random >> 24);
        }
        write_file(path, bytes, turn % 5 == 0 ? size / (1 + turn % 97) : size);
        ask_everything(path);
        free(bytes);
    }
    for (size_t length = 0; length < 200; length++) {
        write_file(path, good, length);
        ask_everything(path);
    }
    unlink(path);
    free(good);
}

static void what_is_no_program_is_told(void **state) {
    (void)state;
    enum elf_kind kind;
    assert_null(elf_open("/nowhere/at/all", &kind));
    assert_int_equal(kind, ELF_UNREADABLE);
    assert_null(elf_open("/tmp", &kind));
    assert_int_equal(kind, ELF_UNREADABLE);
    assert_null(elf_open("/etc/passwd", &kind));
    assert_int_equal(kind, ELF_OTHER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_judged_as_it_claims),
        cmocka_unit_test(this_program_is_read),
        cmocka_unit_test(damaged_files_are_read_without_harm),
        cmocka_unit_test(what_is_no_program_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
