/* The delay line: one queue for the whole process. What is put on it comes off after the one-way delay; as
 * that is the same for all, the queue is in order of time by itself. Bandwidth is not modelled. A partition
 * stops the line's clock, and so all that is on it. */
#ifndef WAN_LINE_H
#define WAN_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct end;

enum chunk_kind { CHUNK_BYTES, CHUNK_END, CHUNK_RESET, CHUNK_HANDSHAKE };

/* One thing under way to an end. In one list at a time: the line's, or one of whoever took it off. */
struct chunk {
    TAILQ_ENTRY(chunk) links;
    struct end *to;
    int64_t due_ns; /* on the line's clock */
    enum chunk_kind kind;
    unsigned trips_left; /* of a handshake */
    size_t size, written;
    unsigned char bytes[];
};

TAILQ_HEAD(chunk_list, chunk);

/* The timer, to be waited for beside all else: line_take_timer() when it has come. */
int line_open(int64_t delay_ns);
void line_arm_timer(void);
void line_take_timer(void);

/* A chunk of a copy of the bytes, on no list yet; free() ends it. */
struct chunk *line_make_chunk(struct end *to, enum chunk_kind kind, const void *bytes, size_t size);
void line_put(struct chunk *chunk);

/* The first that is due, off the line; NULL: none is. */
struct chunk *line_take_due(void);

/* The one that was put on it last; NULL: it's empty. */
const struct chunk *line_last(void);

void line_set_partitioned(bool partitioned);
bool line_is_partitioned(void);

/* How much was carried and how late it came, if there was anything, to standard output. */
void line_print_lateness(void);

#endif
