/* The verbs of the command `roundabout`, one file each. Each gets its own words from argv[0] = its name on, prints its answer to
 * standard output and its errors to standard error, and returns the exit status. */
#ifndef ROUNDABOUT_VERBS_H
#define ROUNDABOUT_VERBS_H

int verb_run(int argc, char **argv);
int verb_explain(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_ring(int argc, char **argv);
int verb_stats(int argc, char **argv);
int verb_observe(int argc, char **argv);
int verb_doctor(int argc, char **argv);
int verb_init(int argc, char **argv);

#endif
