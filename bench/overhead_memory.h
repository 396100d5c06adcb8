/* How much memory the shim holds: this program's malloc family stands in for the C library's, and counts what
 * is called from the shim's code. */
#ifndef BENCH_OVERHEAD_MEMORY_H
#define BENCH_OVERHEAD_MEMORY_H

/* Finds the shim in this process; without one nothing is counted. Before any of its functions is called. */
void memory_find_shim(void);
/* Bytes that the shim has taken and not given back, with what the allocator adds to each piece. */
long memory_of_shim(void);

#endif
