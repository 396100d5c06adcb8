#define _GNU_SOURCE
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    NAME_BYTES = 64,
    PAGES_MAX = 1024, /* of one user; processes beyond count nothing, so that a run directory is not filled */
    PAGES_TIDIED = 128, /* whoever makes every so manyth page folds those of ended processes: no daemon need run here */
    FORGOTTEN_S = 24 * 60 * 60, /* a container's page in which nothing was counted so long */
    UNFINISHED_S = 60,          /* a file that was to become a page */
};

static uint64_t now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec;
}

/* Where */

static int open_directory(const char *path) {
    struct stat status;
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (directory < 0)
        return -1;
    if (fstat(directory, &status) != 0 ||
        ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (status.st_mode & S_ISVTX) == 0)) {
        close(directory);
        return -1;
    }
    return directory;
}

int page_open_directory(const char *configured, const char *runtime, char *path, size_t size) {
    char own[256] = "";
    const char *chosen = configured ? configured : PAGE_DIRECTORY;
    int directory = open_directory(chosen);

    if (directory < 0 && !configured && runtime && runtime[0] == '/' &&
        (size_t)snprintf(own, sizeof own, "%s/roundabout", runtime) < sizeof own) {
        chosen = own;
        mkdir(own, 0700);
        directory = open_directory(own);
    }
    if (path && size > 0)
        snprintf(path, size, "%s", directory >= 0 ? chosen : "");
    return directory;
}

/* Who */

static size_t read_small(const char *path, char *text, size_t size) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file >= 0 ? read(file, text, size - 1) : -1;

    if (file >= 0)
        close(file);
    text[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

/* Field 22 of /proc/PID/stat; 0: not to be had. */
static uint64_t start_ticks_of(const char *path) {
    char text[1024];

    read_small(path, text, sizeof text);
    const char *at = strrchr(text, ')'); /* a program's name may hold anything */
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at ? strtoull(at, NULL, 10) : 0;
}

static void read_boot(char boot[40]) {
    memset(boot, 0, 40);
    size_t length = read_small("/proc/sys/kernel/random/boot_id", boot, 40);
    if (length > 0 && boot[length - 1] == '\n')
        boot[length - 1] = '\0';
}

static uint64_t own_namespace(void) {
    struct stat status;
    return stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

enum page_owner page_find_owner(const struct page_header *header) {
    char boot[40], path[64];

    read_boot(boot);
    if (strcmp(boot, header->boot) != 0)
        return PAGE_OWNER_ENDED;
    if (header->pid_namespace != own_namespace() || header->pid_namespace == 0)
        return PAGE_OWNER_UNKNOWN;
    if (header->pid == 0 || header->pid > INT32_MAX || (kill((pid_t)header->pid, 0) != 0 && errno == ESRCH))
        return PAGE_OWNER_ENDED;
    snprintf(path, sizeof path, "/proc/%u/stat", header->pid);
    uint64_t ticks = start_ticks_of(path);
    bool another = ticks != 0 && header->start_ticks != 0 && ticks != header->start_ticks;
    return another ? PAGE_OWNER_ENDED : PAGE_OWNER_LIVES;
}

static void fill_header(struct page_header *header, enum page_kind kind, const char *program) {
    memcpy(header->magic, PAGE_MAGIC, sizeof header->magic);
    header->layout = page_layout(kind);
    header->kind = kind;
    header->bytes = (uint32_t)page_size(kind);
    header->pid = program ? (uint32_t)getpid() : 0;
    header->uid = (uint32_t)geteuid();
    header->start_ticks = program ? start_ticks_of("/proc/self/stat") : 0;
    header->pid_namespace = own_namespace();
    header->started_s = header->touched_s = now_s();
    read_boot(header->boot);
    for (size_t i = 0; program && program[i] && i + 1 < sizeof header->program; i++)
        header->program[i] = (unsigned char)program[i] < ' ' || program[i] == 0x7F ? '?' : program[i];
}

/* Making and mapping */

static void *map(int file, enum page_kind kind) {
    void *page = mmap(NULL, page_size(kind), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return page == MAP_FAILED ? NULL : page;
}

void page_unmap(void *page, enum page_kind kind) {
    munmap(page, page_size(kind));
}

/* Under a name that nobody looks for; NULL: it can't be made. */
static void *make_unnamed(int directory, enum page_kind kind, mode_t mode, const char *program,
                          char *unfinished) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(unfinished, NAME_BYTES, "new-%d-%llx", (int)getpid(),
             (unsigned long long)now.tv_sec * 1000000000u + (unsigned long long)now.tv_nsec);
    int file = openat(directory, unfinished, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return NULL;
    void *page = NULL;
    if (posix_fallocate(file, 0, (off_t)page_size(kind)) == 0 && fchmod(file, mode) == 0)
        page = map(file, kind);
    close(file);
    if (page)
        fill_header(page, kind, program);
    else
        unlinkat(directory, unfinished, 0);
    return page;
}

static const char *kind_word(enum page_kind kind) {
    return kind == PAGE_OBSERVATION ? "observed" : "process";
}

static DIR *open_entries(int directory) {
    int again =
        openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* a place of its own to read from */
    DIR *entries = again >= 0 ? fdopendir(again) : NULL;
    if (!entries && again >= 0)
        close(again);
    return entries;
}

/* Own pages that exist: what the number in the sum has drifted from, when processes were killed. */
static uint64_t count_own_pages(int directory) {
    uint64_t count = 0;
    DIR *entries = open_entries(directory);

    if (!entries)
        return PAGES_MAX;
    for (const struct dirent *entry; (entry = readdir(entries));) {
        struct stat status;
        count +=
            (strncmp(entry->d_name, "process-", 8) == 0 || strncmp(entry->d_name, "observed-", 9) == 0) &&
            fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            status.st_uid == geteuid();
    }
    closedir(entries);
    return count;
}

static size_t fold(int directory, mode_t mode, bool quick);

static bool take_room(int directory, mode_t mode, uint64_t *pages) {
    const uint64_t taken = __atomic_add_fetch(pages, 1, __ATOMIC_RELAXED);
    if (taken <= PAGES_MAX && taken % PAGES_TIDIED != 0)
        return true;
    fold(directory, mode, true);
    uint64_t count = count_own_pages(directory);
    if (count >= PAGES_MAX) {
        __atomic_sub_fetch(pages, 1, __ATOMIC_RELAXED);
        return false;
    }
    __atomic_store_n(pages, count + 1, __ATOMIC_RELAXED);
    return true;
}

static void give_room_back(uint64_t *pages) {
    if (__atomic_sub_fetch(pages, 1, __ATOMIC_RELAXED) > PAGES_MAX * 2)
        __atomic_store_n(pages, 0, __ATOMIC_RELAXED); /* below zero: the sum was made anew meanwhile */
}

void *page_make_own(int directory, enum page_kind kind, mode_t mode, const char *program, char *name) {
    char unfinished[NAME_BYTES], sum[NAME_BYTES];

    page_name_sum(sum, PAGE_COUNTERS);
    struct page_counters *ended = page_open_shared(directory, PAGE_COUNTERS, mode, sum);
    if (!ended)
        return NULL;
    bool has_room = take_room(directory, mode, &ended->pages);
    struct page_header *page = has_room ? make_unnamed(directory, kind, mode, program, unfinished) : NULL;
    if (page) {
        snprintf(name, NAME_BYTES, "%s-%u-%s", kind_word(kind), page->pid, strrchr(unfinished, '-') + 1);
        if (renameat(directory, unfinished, directory, name) != 0) {
            unlinkat(directory, unfinished, 0);
            page_unmap(page, kind);
            page = NULL;
        }
    }
    if (!page && has_room)
        give_room_back(&ended->pages);
    page_unmap(ended, PAGE_COUNTERS);
    return page;
}

/* The user's own, and nobody else may change it. */
static bool is_ours(int file, enum page_kind kind) {
    struct stat status;
    return fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
           status.st_nlink == 1 && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
           status.st_size == (off_t)page_size(kind);
}

static bool is_of_this_boot(const struct page_header *header) {
    char boot[40];
    read_boot(boot);
    return strcmp(boot, header->boot) == 0;
}

static void *open_existing(int directory, enum page_kind kind, const char *name, bool *exists) {
    struct stat status;
    int file = openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    *exists = file >= 0 || errno != ENOENT;
    if (file < 0)
        return NULL;
    void *page = is_ours(file, kind) ? map(file, kind) : NULL;
    bool useful =
        page && page_is_sound(page, page_size(kind), kind) && ((kind != PAGE_BREAKER && kind != PAGE_SITE) || is_of_this_boot(page));
    if (page && !useful)
        page_unmap(page, kind);
    if (!useful && fstat(file, &status) == 0 && status.st_uid == geteuid() && S_ISREG(status.st_mode))
        *exists = unlinkat(directory, name, 0) != 0; /* of another boot or build: those who use it keep it */
    close(file);
    return useful ? page : NULL;
}

void *page_open_shared(int directory, enum page_kind kind, mode_t mode, const char *name) {
    for (int attempt = 0; attempt < 3; attempt++) {
        char unfinished[NAME_BYTES];
        bool exists;
        void *page = open_existing(directory, kind, name, &exists);
        if (page)
            return page;
        if (exists)
            return NULL;
        page = make_unnamed(directory, kind, mode, NULL, unfinished);
        if (!page)
            return NULL;
        if (kind == PAGE_COUNTERS)
            ((struct page_counters *)page)->processes = 0;
        if (renameat2(directory, unfinished, directory, name, RENAME_NOREPLACE) == 0)
            return page;
        unlinkat(directory, unfinished, 0); /* somebody was faster */
        page_unmap(page, kind);
    }
    return NULL;
}

static unsigned long long hash_of(const char *address) {
    uint64_t hash = 14695981039346656037u;
    for (const char *at = address; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    return hash;
}

void page_name_site(char *name, const char *address) {
    snprintf(name, NAME_BYTES, "site-%016llx", hash_of(address));
}

void page_name_silence(char *name, const char *address) {
    snprintf(name, NAME_BYTES, "silent-%016llx", hash_of(address));
}

void page_tell_silence(int directory, const char *name) {
    if (utimensat(directory, name, NULL, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
        return; /* one that can't be touched is somebody's who wants to hear nothing */
    int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file >= 0) {
        fchmod(file, 0666); /* there is nothing in it to spoil */
        close(file);
    }
}

int64_t page_silence_age_ms(int directory, const char *name) {
    struct stat status;
    struct timespec now;
    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return -1;
    clock_gettime(CLOCK_REALTIME, &now);
    const int64_t age_s = (int64_t)now.tv_sec - (int64_t)status.st_mtim.tv_sec;
    const int64_t age_ms = age_s * 1000 + (now.tv_nsec - status.st_mtim.tv_nsec) / 1000000;
    return age_s >= 0 && age_s < FORGOTTEN_S && age_ms >= 0 ? age_ms : -1;
}

void page_name_breaker(char *name, const char *address) {
    snprintf(name, NAME_BYTES, "breaker-%u-%016llx", (unsigned)geteuid(), hash_of(address));
}

void page_name_sum(char *name, enum page_kind kind) {
    snprintf(name, NAME_BYTES, "%s-%u", kind == PAGE_OBSERVATION ? "seen" : "sum", (unsigned)geteuid());
}

/* Reading */

/* What a name says; 0: it is no page. */
static enum page_kind kind_of_name(const char *name, bool *sum) {
    static const struct {
        const char *start;
        enum page_kind kind;
        bool sum;
    } STARTS[] = {
        {"process-", PAGE_COUNTERS, false}, {"observed-", PAGE_OBSERVATION, false},
        {"sum-", PAGE_COUNTERS, true},      {"seen-", PAGE_OBSERVATION, true},
        {"breaker-", PAGE_BREAKER, false},
    };
    for (size_t i = 0; i < sizeof STARTS / sizeof STARTS[0]; i++) {
        if (strncmp(name, STARTS[i].start, strlen(STARTS[i].start)) == 0) {
            *sum = STARTS[i].sum;
            return STARTS[i].kind;
        }
    }
    return 0;
}

/* Room for a copy; a stripe wants to begin at a cache line, which malloc() doesn't promise. */
static union page *make_room(void) {
    return aligned_alloc(_Alignof(union page), sizeof(union page));
}

/* A copy, sound and said to be of the user that the file belongs to. */
static bool read_page(int directory, const char *name, enum page_kind kind, union page *page) {
    struct stat status;
    int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool whole = fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
                 status.st_size == (off_t)page_size(kind) &&
                 pread(file, page, page_size(kind), 0) == (ssize_t)page_size(kind);
    close(file);
    return whole && page_is_sound(page, page_size(kind), kind) && page->header.uid == status.st_uid;
}

bool page_read_site(int directory, const char *name, struct page_site *site) {
    struct stat status, above;
    int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool whole = fstat(file, &status) == 0 && fstat(directory, &above) == 0 && S_ISREG(status.st_mode) &&
                 (status.st_uid == 0 || status.st_uid == above.st_uid || status.st_uid == geteuid()) &&
                 (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 && status.st_size == (off_t)sizeof *site &&
                 pread(file, site, sizeof *site, 0) == (ssize_t)sizeof *site;
    close(file);
    return whole && page_is_sound(site, sizeof *site, PAGE_SITE);
}

size_t page_visit(int directory, void (*visit)(void *context, const struct page_file *file), void *context) {
    size_t unread = 0;
    union page *page = make_room();
    DIR *entries = page ? open_entries(directory) : NULL;

    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        struct page_file file = {.name = entry->d_name, .page = page};
        file.kind = kind_of_name(entry->d_name, &file.sum);
        if (!file.kind)
            continue;
        if (!read_page(directory, entry->d_name, file.kind, page)) {
            unread += faccessat(directory, entry->d_name, F_OK, AT_SYMLINK_NOFOLLOW) ==
                      0; /* else it has just gone */
            continue;
        }
        file.owner =
            file.sum || file.kind == PAGE_BREAKER ? PAGE_OWNER_UNKNOWN : page_find_owner(&page->header);
        visit(context, &file);
    }
    if (entries)
        closedir(entries);
    free(page);
    return unread;
}

/* Folding */

static void add_to_sum(void *sum, const void *page, enum page_kind kind) {
    if (kind == PAGE_COUNTERS)
        page_add(sum, page);
    else
        page_add_observed(sum, page);
}

void page_fold_own(int directory, mode_t mode, const void *page, enum page_kind kind, const char *name) {
    char sum_name[NAME_BYTES];

    page_name_sum(sum_name, kind);
    void *sum = page_open_shared(directory, kind, mode, sum_name);
    if (!sum)
        return; /* left for page_fold() */
    if (unlinkat(directory, name, 0) == 0) {
        add_to_sum(sum, page, kind);
        page_name_sum(sum_name, PAGE_COUNTERS);
        struct page_counters *ended =
            kind == PAGE_COUNTERS ? sum : page_open_shared(directory, PAGE_COUNTERS, mode, sum_name);
        if (ended) {
            give_room_back(&ended->pages);
            if (ended != sum)
                page_unmap(ended, PAGE_COUNTERS);
        }
    }
    page_unmap(sum, kind);
}

/* One program of a user folds at a time; -1: another is at it. */
static int lock_folding(int directory, int wait) {
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "fold-%u", (unsigned)geteuid());
    struct stat status;
    int file = openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    /* Another user's would be held for as long as that one likes. */
    bool is_own = file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid();
    if (file >= 0 && (!is_own || flock(file, LOCK_EX | wait) != 0)) {
        close(file);
        return -1;
    }
    return file;
}

static bool is_over(const struct page_header *header) {
    enum page_owner owner = page_find_owner(header);
    return owner == PAGE_OWNER_ENDED ||
           (owner == PAGE_OWNER_UNKNOWN && header->touched_s + FORGOTTEN_S < now_s());
}

/* It gets another name first: that asks for the same right as to unlink it, and a program that is stopped
 * between leaves behind what it was about to do. */
static bool fold_one(int directory, mode_t mode, const char *name, enum page_kind kind,
                     const union page *page) {
    char folding[NAME_BYTES], sum_name[NAME_BYTES];
    bool begun = strncmp(name, "folding-", 8) == 0;

    snprintf(folding, sizeof folding, "folding-%.50s", name);
    page_name_sum(sum_name, kind);
    struct page_header *sum = page_open_shared(directory, kind, mode, sum_name);
    if (!sum)
        return false;
    bool taken = begun || renameat(directory, name, directory, folding) == 0;
    const struct page_header *header = &page->header;
    if (taken && (!begun || sum->folded_pid != header->pid || sum->folded_ticks != header->start_ticks)) {
        add_to_sum(sum, page, kind);
        sum->folded_pid = header->pid;
        sum->folded_ticks = header->start_ticks;
    }
    page_unmap(sum, kind);
    if (taken)
        unlinkat(directory, begun ? name : folding, 0);
    return taken;
}

/* Files that were to become pages, and whose makers have ended before they did. */
static void drop_unfinished(int directory, const char *name) {
    struct stat status;
    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
        (uint64_t)status.st_mtim.tv_sec + UNFINISHED_S < now_s())
        unlinkat(directory, name, 0);
}

/* Whose page it is, by its name. */
static pid_t pid_of_name(const char *name) {
    const char *digits = strchr(name, '-');
    return digits ? (pid_t)strtol(digits + 1, NULL, 10) : 0;
}

/* quick: in an application's process. The pages of living processes aren't read, and one whose number another has by now
 * waits for the next who looks closer. */
static size_t fold(int directory, mode_t mode, bool quick) {
    size_t folded = 0;
    int lock = lock_folding(directory, LOCK_NB);
    union page *page = lock >= 0 ? make_room() : NULL;
    DIR *entries = page ? open_entries(directory) : NULL;

    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        bool begun = strncmp(entry->d_name, "folding-", 8) == 0;
        bool sum = false;
        enum page_kind kind = kind_of_name(entry->d_name + (begun ? 8 : 0), &sum);
        if (strncmp(entry->d_name, "new-", 4) == 0)
            drop_unfinished(directory, entry->d_name);
        const pid_t pid = quick && kind && !begun ? pid_of_name(entry->d_name) : 0;
        if (pid > 0 && (kill(pid, 0) == 0 || errno == EPERM))
            continue;
        if (kind && !sum && kind != PAGE_BREAKER && read_page(directory, entry->d_name, kind, page) &&
            is_over(&page->header))
            folded += fold_one(directory, mode, entry->d_name, kind, page);
    }
    if (entries)
        closedir(entries);
    free(page);
    if (lock >= 0) {
        flock(lock, LOCK_UN); /* a child that was forked meanwhile has the descriptor, too */
        close(lock);
    }
    return folded;
}

size_t page_fold(int directory, mode_t mode) {
    return fold(directory, mode, false);
}

/* Counts back to zero, names and the owner's data kept. Written, not mapped: the file may be somebody else's.
 */
static bool clear_counts(int directory, const char *name, enum page_kind kind, union page *page) {
    struct stat status;
    if (!read_page(directory, name, kind, page))
        return false;
    if (kind == PAGE_COUNTERS) {
        struct page_counters *counters = &page->counters;
        counters->saved_ns = counters->processes = 0;
        memset(counters->stripes, 0, sizeof counters->stripes);
        for (size_t i = 0; i < PAGE_TABLES; i++)
            memset(counters->tables[i].routed, 0,
                   sizeof counters->tables[i] - offsetof(struct page_table, routed));
    } else {
        struct page_observation *observation = &page->observation;
        observation->statements = observation->processes = 0;
        for (size_t i = 0; i < PAGE_OBSERVED; i++)
            memset(observation->tables[i].uses, 0,
                   sizeof observation->tables[i] - offsetof(struct page_observed, uses));
    }
    int file = openat(directory, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    size_t skip = sizeof(struct page_header);
    bool cleared = file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
                   status.st_nlink == 1 && status.st_uid == page->header.uid &&
                   status.st_size == (off_t)page_size(kind) &&
                   pwrite(file, (const char *)page + skip, page_size(kind) - skip, (off_t)skip) > 0;
    if (file >= 0)
        close(file);
    return cleared;
}

bool page_reset(int directory) {
    bool all = true;
    int lock = lock_folding(directory, 0);
    union page *page = make_room();
    DIR *entries = page && lock >= 0 ? open_entries(directory) : NULL;

    all = entries != NULL;
    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        bool sum;
        enum page_kind kind = kind_of_name(entry->d_name, &sum);
        if (kind == PAGE_COUNTERS || kind == PAGE_OBSERVATION)
            all &= clear_counts(directory, entry->d_name, kind, page);
    }
    if (entries)
        closedir(entries);
    free(page);
    if (lock >= 0)
        close(lock);
    return all;
}
