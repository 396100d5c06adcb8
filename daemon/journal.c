#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buffer.h"
#include "log.h"

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct journal {
    struct journal_entry entries[JOURNAL_ENTRIES]; /* number n is at (n - 1) % JOURNAL_ENTRIES */
    uint64_t last;
    uint64_t written; /* the number of the last one that is in the file */
    uint64_t counts[EVENT_COUNT];
    char *path; /* NULL: memory only */
    int file;   /* -1: memory only */
    off_t bytes, bytes_max;
    struct log_subject trouble;
};

static void give_up_file(struct journal *journal, const char *what) {
    log_state(&journal->trouble, CONFIG_LOG_ERROR, "journal.file %s: %s: %s; entries are kept in memory, and written as soon as they can be",
              journal->path, what, strerror(errno));
    if (journal->file >= 0)
        close(journal->file);
    journal->file = -1;
}

/* A link or a fifo that somebody put there isn't followed or waited for. */
static void open_file(struct journal *journal) {
    struct stat status;
    journal->file =
        open(journal->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
    if (journal->file < 0 || fstat(journal->file, &status) != 0) {
        give_up_file(journal, "can't be opened");
    } else if (!S_ISREG(status.st_mode)) {
        errno = EINVAL;
        give_up_file(journal, "is no regular file");
    } else {
        journal->bytes = status.st_size;
    }
}

static void turn_file_over(struct journal *journal) {
    const size_t size = strlen(journal->path) + sizeof ".1";
    char *older = malloc(size);
    if (older)
        snprintf(older, size, "%s.1", journal->path);
    if (!older || rename(journal->path, older) != 0) {
        give_up_file(journal, "can't be renamed");
    } else {
        close(journal->file);
        open_file(journal);
    }
    free(older);
}

static void put_time(struct buffer *line, int64_t at_us) {
    const time_t seconds = (time_t)(at_us / 1000000);
    struct tm parts;
    char when[32];
    gmtime_r(&seconds, &parts);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &parts);
    buffer_put_format(line, "\"%s.%03dZ\"", when, (int)(at_us / 1000 % 1000));
}

static bool write_line(struct journal *journal, const struct journal_entry *entry) {
    struct buffer line = {0};
    bool written = false;
    buffer_put(&line, "{\"at\":");
    put_time(&line, entry->at_us);
    buffer_put_format(&line, ",\"event\":\"%s\",\"site\":", event_name(entry->event));
    buffer_put_json(&line, entry->site);
    buffer_put(&line, ",\"detail\":");
    buffer_put_json(&line, entry->detail);
    buffer_put(&line, "}\n");
    if (journal->bytes > 0 && journal->bytes + (off_t)line.length > journal->bytes_max)
        turn_file_over(journal);
    if (journal->file >= 0 && !line.failed) {
        const ssize_t put = write(journal->file, line.text, line.length);
        if (put != (ssize_t)line.length) {
            const int error = put < 0 ? errno : ENOSPC;
            if (put > 0 && ftruncate(journal->file, journal->bytes) != 0)
                journal->bytes += put; /* half a line stays */
            errno = error;
            give_up_file(journal, "can't be written");
        } else {
            journal->bytes += put;
            journal->written = entry->number;
            written = true;
            log_state(&journal->trouble, CONFIG_LOG_INFO, "%s", "");
        }
    }
    buffer_free(&line);
    return written;
}

/* A disk that was full may have room again, a folder be there by now: with each entry the file is tried anew, and gets those
 * that it missed, as far as they are still in memory. */
static void write_entries(struct journal *journal) {
    if (!journal->path)
        return;
    if (journal->file < 0)
        open_file(journal);
    if (journal->last - journal->written > JOURNAL_ENTRIES)
        journal->written = journal->last - JOURNAL_ENTRIES;
    while (journal->file >= 0 && journal->written < journal->last) {
        const struct journal_entry *entry = journal_find(journal, journal->written + 1);
        if (!entry || !write_line(journal, entry))
            break;
    }
}

struct journal *journal_open(const struct config_journal *config) {
    struct journal *journal = calloc(1, sizeof *journal);
    if (!journal)
        return NULL;
    journal->file = -1;
    if (config)
        journal_use(journal, config);
    return journal;
}

void journal_use(struct journal *journal, const struct config_journal *config) {
    if (journal->file >= 0)
        close(journal->file);
    free(journal->path);
    journal->file = -1;
    journal->path = config->file ? strdup(config->file) : NULL;
    journal->bytes_max = (off_t)config->max_kb * 1024;
    journal->written = journal->last;
    if (journal->path)
        open_file(journal);
}

void journal_close(struct journal *journal) {
    if (!journal)
        return;
    if (journal->file >= 0)
        close(journal->file);
    free(journal->path);
    free(journal);
}

/* Cut where a character ends, so that it stays UTF-8 if it was. */
static void copy_cut(char *to, size_t size, const char *from) {
    static const char dots[] = " ...";
    const size_t length = strlen(from);
    if (length < size) {
        memcpy(to, from, length + 1);
        return;
    }
    size_t end = size - sizeof dots;
    while (end > 0 && ((unsigned char)from[end] & 0xC0) == 0x80)
        end--;
    memcpy(to, from, end);
    memcpy(to + end, dots, sizeof dots);
}

void journal_add(struct journal *journal, enum event event, const char *site, const char *detail) {
    if (!journal)
        return;
    struct journal_entry *entry = &journal->entries[journal->last % JOURNAL_ENTRIES];
    *entry = (struct journal_entry){.number = ++journal->last, .at_us = now_us(), .event = event};
    copy_cut(entry->site, sizeof entry->site, site);
    copy_cut(entry->detail, sizeof entry->detail, detail);
    journal->counts[event]++;
    write_entries(journal);
}

const struct journal_entry *journal_find(const struct journal *journal, uint64_t number) {
    const bool is_kept = number > 0 && number <= journal->last && journal->last - number < JOURNAL_ENTRIES;
    return is_kept ? &journal->entries[(number - 1) % JOURNAL_ENTRIES] : NULL;
}

size_t journal_read(const struct journal *journal, struct journal_entry *entries, size_t most) {
    size_t count = 0;
    for (const struct journal_entry *entry; count < most; count++) {
        if (count >= journal->last || !(entry = journal_find(journal, journal->last - count)))
            break;
        entries[count] = *entry;
    }
    return count;
}

uint64_t journal_last(const struct journal *journal) {
    return journal->last;
}
uint64_t journal_count(const struct journal *journal, enum event event) {
    return journal->counts[event];
}
