/* The verbs of `roundabout ring`, one file each. Each gets its own words from argv[0] = its name on, prints
 * its answer to standard output and its errors to standard error, and returns the exit status. */
#ifndef ROUNDABOUT_CLI_RING_H
#define ROUNDABOUT_CLI_RING_H

int ring_prepare_table(int argc, char **argv);

#endif
