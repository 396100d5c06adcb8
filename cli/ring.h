/* The verbs of `roundabout ring`, one file each. Each gets its own words from argv[0] = its name on, prints
 * its answer to standard output and its errors to standard error, and returns the exit status. */
#ifndef ROUNDABOUT_CLI_RING_H
#define ROUNDABOUT_CLI_RING_H

#include <stdbool.h>

int ring_prepare_table(int argc, char **argv);
int ring_join(int argc, char **argv);
int ring_leave(int argc, char **argv);
int ring_plan_verb(int argc, char **argv);
int ring_pause(int argc, char **argv);
int ring_resume(int argc, char **argv);

/* The order to the daemons of all sites (`site` NULL) or of one; 0 minutes takes it back. False after an
 * error was printed: not every site that answers has it. */
struct config_ring;
bool ring_give_pause(const struct config_ring *ring, const char *site, unsigned minutes, bool dry_run);

#endif
