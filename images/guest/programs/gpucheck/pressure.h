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

/* Rounds under pressure, or more. */
#define PRESSURE_ROUNDS	12

/*
 * Whether to go on under pressure: for these rounds, and until the kernel has looked at
 * more pages than the @seen ones of the beginning, or has not by @end.
 */
bool pressure_lasts(unsigned int round, uint64_t seen, uint64_t end);

/* When to give up what begins now. */
uint64_t pressure_end(void);

/* Makes swap space of a file that has all of its blocks, as mkswap(8) does. */
bool swap_mark(int fd, uint64_t size);

#endif /* GPUCHECK_PRESSURE_H */
