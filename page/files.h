/* The files that hold pages: where they lie, how they are made and mapped by those who count, and how they
 * are read, and folded once their process has ended.
 *
 * A mapped file that somebody makes shorter is a SIGBUS in whoever touches it. So a process maps only files
 * that belong to its own user, are regular, have one name, and that no group or other may write: whoever
 * could make them shorter could also end the process. Their blocks are reserved before they are mapped (a
 * full file system would be a SIGBUS as well), and they are never made shorter here, only unlinked. That is
 * why each user of a host has a breaker of his own. Readers don't map: they read a copy, and judge it; of the
 * daemon's page about the site, which tells processes of all users where to read and whether to try, only one
 * that belongs to the directory's owner, the superuser or this very user. Through it the daemon tells the
 * breakers of all users; without a daemon users have an empty file for that (page_tell_silence). */
#ifndef ROUNDABOUT_FILES_H
#define ROUNDABOUT_FILES_H

#include <sys/types.h>

#include "page.h"

#define PAGE_DIRECTORY "/run/roundabout"

/* Opens the directory: `configured` if not NULL, else PAGE_DIRECTORY, else "roundabout" in `runtime` (the
 * value of XDG_RUNTIME_DIR, or NULL), which is made if it is missing. One in which strangers could rename
 * files (writable by group or others without the sticky bit) is not used. -1: there is none. `path`, if not
 * NULL, gets the chosen one's name. The descriptor is closed over exec. */
int page_open_directory(const char *configured, const char *runtime, char *path, size_t size);

/* A new page of this process, mapped and with its header filled; NULL: it can't be had. `name` (64 bytes)
 * gets the file's name. `program` is cut to fit. */
void *page_make_own(int directory, enum page_kind kind, mode_t mode, const char *program, char *name);

/* The page of that name which all processes of this user share, mapped; made if it isn't there, and made anew
 * if it is of another boot or another build. NULL: it can't be had. */
void *page_open_shared(int directory, enum page_kind kind, mode_t mode, const char *name);
void page_unmap(void *page, enum page_kind kind);

/* "site-HASH" of one local master; "breaker-UID-HASH", "sum-UID" and "seen-UID" of this process's user. `name`
 * has 64 bytes. */
void page_name_site(char *name, const char *address);
void page_name_breaker(char *name, const char *address);
void page_name_sum(char *name, enum page_kind kind);

/* This process's page goes: what it counted is added to its user's sum, and its file is unlinked. */
void page_fold_own(int directory, mode_t mode, const void *page, enum page_kind kind, const char *name);

/* What users tell each other of a local master: an empty file, "silent-HASH", that anybody may touch, and whose time is when
 * a program of any of them found it silent. It is neither mapped nor opened. Since it may be anybody's word, who hears it only
 * looks for himself before he waits for that server. */
void page_name_silence(char *name, const char *address);
void page_tell_silence(int directory, const char *name);
int64_t page_silence_age_ms(int directory, const char *name); /* -1: nobody has said so */

enum page_owner { PAGE_OWNER_LIVES, PAGE_OWNER_ENDED, PAGE_OWNER_UNKNOWN /* of another container */ };
enum page_owner page_find_owner(const struct page_header *header);

/* One file, copied and found sound. */
struct page_file {
    const char *name;
    enum page_kind kind;
    bool sum;               /* of processes that have ended */
    enum page_owner owner;  /* of a page that isn't a sum */
    const union page *page; /* lives as long as the call */
};
union page {
    struct page_header header;
    struct page_counters counters;
    struct page_observation observation;
    struct page_breaker breaker;
};

/* Calls `visit` for each sound page in the directory. Returns how many files are pages but could not be read:
 * of another build, half-written, damaged, or not for this user to read. */
size_t page_visit(int directory, void (*visit)(void *context, const struct page_file *file), void *context);

/* A copy of the site's page of that name. False: there is none, or none to be believed. */
bool page_read_site(int directory, const char *name, struct page_site *site);

/* Folds the pages of ended processes into this user's sums and unlinks them, as far as this user may; one
 * such program at a time, others leave it be. Pages of another container are taken for ended once nothing was
 * counted there for a day. Returns how many were folded. */
size_t page_fold(int directory, mode_t mode);

/* Sets all counts to zero, of sums and of living processes, as far as this user may: the superuser
 * everybody's. False: some could not be. */
bool page_reset(int directory);

#endif
