/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that the kernel needs back. */
#ifndef GPUCHECK_PRESSURE_H
#define GPUCHECK_PRESSURE_H

#include "process.h"

/*
 * struct pressure - memory that is short while a case works
 * @pid:    the process that takes it
 * @seen:   pages that the kernel had looked at for memory to reclaim when it began
 * @end:    when to give up waiting for more of that
 * @rounds: of the case so far
 */
struct pressure {
	pid_t pid;
	uint64_t seen;
	uint64_t end;
	unsigned int rounds;
};

/*
 * Starts a process that takes memory until the kernel looks for some to reclaim, waits
 * for that, and has the process go on to make it look for more. False after test_fail().
 */
bool pressure_start(struct test *test, struct pressure *pressure);

/* Whether to do one more round: some, and until the kernel has looked for memory again. */
bool pressure_lasts(struct test *test, struct pressure *pressure);

/* Ends it. It has to have been there in the rounds of a case that has not failed. */
void pressure_stop(struct test *test, struct pressure *pressure);

/* Makes swap space of a file that has all of its blocks, as mkswap(8) does. */
bool swap_mark(int fd, uint64_t size);

#endif /* GPUCHECK_PRESSURE_H */
