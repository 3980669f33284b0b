/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that the kernel needs back. */
#ifndef GPUCHECK_PRESSURE_H
#define GPUCHECK_PRESSURE_H

#include "process.h"

/*
 * Starts a process that takes memory until the kernel looks for some to reclaim, waits
 * for that, and has the process go on to make it look for more until it is killed.
 * -1 after test_fail().
 */
pid_t pressure_start(struct test *test);

/* How many pages the kernel has looked at for memory to reclaim so far. */
uint64_t pressure_seen(void);

/*
 * Whether to go on under pressure: for @least rounds, and until the kernel has looked for
 * memory since it had done so @seen times, or after many rounds has not.
 */
bool pressure_lasts(unsigned int round, unsigned int least, uint64_t seen);

/* Makes swap space of a file that has all of its blocks, as mkswap(8) does. */
bool swap_mark(int fd, uint64_t size);

#endif /* GPUCHECK_PRESSURE_H */
