/* Main's descriptor lent: between the two halves of a statement
 * (mysql_send_query, mysql_read_query_result) a program waits until main's socket, whose number it has read
 * out of the library's struct, becomes readable. When the statement was routed its answer is there already,
 * so until the second half that number stands for something that is always readable, in the epoll sets that
 * watch it as well. */
#ifndef ROUNDABOUT_DESCRIPTOR_H
#define ROUNDABOUT_DESCRIPTOR_H

#include "socket.h"

#include <stdbool.h>
#include <stdint.h>

struct descriptor_loan {
    int number; /* main's, while lent; else -1 */
    int saved;  /* main's socket under another number */
    int ready;  /* the always readable one, which stands in for main's; the process's, not the loan's */
    int kept;   /* while suspended: what stood in */
    int flags;  /* main's FD_CLOEXEC */
    int64_t checked_tick; /* when main's number was last looked at, its inode then, and by which process */
    ino_t checked_inode;
    pid_t checked_by;
};

/* Prepares a loan, so that nothing can fail once the statement has run. False: it can't be made - main's
 * number stands for something else by now, no descriptors are left, or epoll sets watch the number that
 * aren't known. Keeps errno. */
bool descriptor_prepare(struct descriptor_loan *loan, const struct socket *main_socket);
void descriptor_lend(struct descriptor_loan *loan);
void descriptor_drop(struct descriptor_loan *loan); /* prepared and not needed */

/* Ends the loan; main's socket is back under its number and in the sets that watch it, unless the program has
 * put something else there meanwhile: then the socket is closed. */
void descriptor_take_back(struct descriptor_loan *loan);

/* While lent: gives the number back to main's socket for a call of the library's, and lends it again. False:
 * it can't be; nothing has changed. */
bool descriptor_suspend(struct descriptor_loan *loan);
void descriptor_resume(struct descriptor_loan *loan);

/* Numbers 0 to 2 that a program has closed, held while a connection is opened so that it doesn't get one of
 * them: what the program prints, or reads as its input, would be part of a conversation. */
struct descriptor_standard {
    bool taken[3];
};
void descriptor_occupy_standard(struct descriptor_standard *standard);
void descriptor_vacate_standard(const struct descriptor_standard *standard); /* keeps errno */

/* close(2), in which no thread is cancelled: what surrounds it would be half done. Keeps errno. */
void descriptor_close(int number);

/* False: this process, or the host, has as many open as it may. Keeps errno. */
bool descriptor_can_be_had(void);

#endif
