/* The pages in which processes count, with anybody's bytes in them: read, added up, folded, set back and
 * shown, nothing of it reaches outside a page or puts a control character on a terminal.
 *
 * The first byte of an input says which file it is, the second how much of it there is: pages are sound until
 * the rest of the input is written over them, in pieces of two bytes for where, one for how many, and these.
 * So half of all inputs get through page_is_sound(), and half stop there. */
#define _GNU_SOURCE
#include "../../cli/gather.h"
#include "../../cli/stats.h"
#include "../../config/config.h"
#include "../../daemon/routing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];
static int opened = -1;

static void fail(const char *claim) {
    fprintf(stderr, "%s\n", claim);
    abort();
}

static void remove_folder(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0)
        fail("the folder can't be removed");
}

static void make_folder(void) {
    if (opened >= 0)
        return;
    strcpy(folder, "/dev/shm/fuzz_page.XXXXXX");
    if (!mkdtemp(folder) || (opened = open(folder, O_RDONLY | O_DIRECTORY)) < 0)
        fail("no folder");
    atexit(remove_folder);
    if (!freopen("/dev/null", "w", stdout))
        fail("no standard output");
}

/* Whether it is a text that ends within its field and holds nothing that a terminal obeys. */
static void want_plain(const char *text, size_t size) {
    size_t length = strnlen(text, size);
    if (length == size)
        fail("a text without end");
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7F)
            fail("a control character");
}

static void check_total(const struct gathered *gathered) {
    for (size_t i = 0; i < PAGE_TABLES; i++) {
        want_plain(gathered->total->tables[i].group, sizeof gathered->total->tables[i].group);
        want_plain(gathered->total->tables[i].table, sizeof gathered->total->tables[i].table);
    }
    for (size_t i = 0; i < PAGE_OBSERVED; i++) {
        want_plain(gathered->observed->tables[i].table, sizeof gathered->observed->tables[i].table);
        want_plain(gathered->observed->tables[i].columns, sizeof gathered->observed->tables[i].columns);
    }
    for (size_t i = 0; i < gathered->process_count; i++)
        want_plain(gathered->processes[i].program, sizeof gathered->processes[i].program);
    for (size_t i = 0; i < gathered->breaker_count; i++)
        want_plain(gathered->breakers[i].address, sizeof gathered->breakers[i].address);
}

/* A sound page of this kind, as page_make_own() or page_open_shared() makes one. */
static const union page *sound_page(enum page_kind kind, bool own) {
    static _Alignas(64) union page pages[3][2];
    static bool made[3][2];
    union page *page = &pages[kind - 1][own];
    if (!made[kind - 1][own]) {
        char name[64] = "template";
        void *mapped = own ? page_make_own(opened, kind, 0600, "a program", name)
                           : page_open_shared(opened, kind, 0600, name);
        if (!mapped)
            fail("no page");
        memcpy(page, mapped, page_size(kind));
        page_unmap(mapped, kind);
        unlinkat(opened, name, 0);
        if (kind == PAGE_COUNTERS)
            page_find_table(&page->counters, "pages", "shop.cache")->routed[PAGE_SELECT] = 7;
        if (kind == PAGE_OBSERVATION)
            page_find_observed(&page->observation, "shop.cache")->uses[0] = 7;
        made[kind - 1][own] = true;
    }
    return page;
}

static void write_over(union page *page, size_t bytes, const uint8_t *data, size_t size) {
    while (size > 3) {
        size_t at = (data[0] | (size_t)data[1] << 8) % bytes, count = data[2] % 64u + 1;
        data += 3;
        size -= 3;
        for (; count > 0 && size > 0 && at < bytes; count--, size--)
            ((uint8_t *)page)[at++] = *data++;
    }
}

static void put_file(const char *name, const void *bytes, size_t size) {
    int file = openat(opened, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size)
        fail("no file");
    close(file);
}

static void remove_files(void) {
    char sum[64], breaker[64];
    page_name_sum(sum, PAGE_COUNTERS);
    unlinkat(opened, sum, 0);
    page_name_sum(sum, PAGE_OBSERVATION);
    unlinkat(opened, sum, 0);
    page_name_breaker(breaker, "/run/x.sock");
    const char *const names[] = {breaker, "process-1-a", "observed-1-a", "folding-process-1-a",
                                 "process-2-a"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlinkat(opened, names[i], 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static _Alignas(64) union page page;
    struct config_stats stats = {.enabled = true, .directory = folder};
    static struct routing routing;
    char name[64];
    if (size < 2)
        return 0;
    make_folder();
    enum page_kind kind = data[0] % 3 == 0   ? PAGE_COUNTERS
                          : data[0] % 3 == 1 ? PAGE_OBSERVATION
                                             : PAGE_BREAKER;
    const bool own = kind != PAGE_BREAKER && (data[0] & 4);
    const bool folds = data[0] & 8;
    page = *sound_page(kind, own);
    if (folds && own)
        memset(page.header.boot, '0', 8); /* its process has ended with another boot */
    write_over(&page, page_size(kind), data + 2, size - 2);
    if (!own && kind != PAGE_BREAKER)
        page_name_sum(name, kind);
    else if (kind == PAGE_BREAKER)
        page_name_breaker(name, "/run/x.sock");
    else
        strcpy(name,
               kind == PAGE_COUNTERS ? data[0] & 16 ? "folding-process-1-a" : "process-1-a" : "observed-1-a");
    const size_t bytes = data[1] == 0 ? page_size(kind) : page_size(kind) * data[1] / 256;
    put_file(name, &page, bytes);
    if (data[0] & 32) { /* beside a sound one, to which it is added */
        const union page *other = sound_page(PAGE_COUNTERS, true);
        put_file("process-2-a", other, page_size(PAGE_COUNTERS));
    }

    routing_read(&stats, NULL, false, &routing);
    if (!own) { /* as a program of this user takes it up */
        void *mapped = page_open_shared(opened, kind, 0600, name);
        if (mapped && kind == PAGE_BREAKER)
            want_plain(((struct page_breaker *)mapped)->address, sizeof page.breaker.address);
        if (mapped && kind == PAGE_COUNTERS)
            page_find_table(mapped, "pages", "shop.cache")->routed[0]++;
        if (mapped && kind == PAGE_OBSERVATION)
            page_find_observed(mapped, "shop.cache")->uses[0]++;
        if (mapped)
            page_unmap(mapped, kind);
    }
    struct gathered gathered;
    const char *why;
    if (!gather(&gathered, folder, &why))
        fail(why);
    check_total(&gathered);
    stats_print_json(&gathered);
    stats_print_table(&gathered, NULL, 0);
    gather_free(&gathered);
    page_reset(opened);
    routing_read(&stats, NULL, true, &routing);
    remove_files();
    return 0;
}
