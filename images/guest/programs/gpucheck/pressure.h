/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that the kernel needs back. */
#ifndef GPUCHECK_PRESSURE_H
#define GPUCHECK_PRESSURE_H

#include "process.h"

/*
 * Starts a process that takes memory until the kernel looks for some to reclaim, signals
 * that, and keeps it until it is killed, by the kernel perhaps. -1 after test_fail().
 */
pid_t pressure_start(struct test *test, struct meeting *meeting);

/* How often the kernel has looked for memory to reclaim, or killed for it, so far. */
uint64_t pressure_seen(void);

/* Makes swap space of a file that has all of its blocks, as mkswap(8) does. */
bool swap_mark(int fd, uint64_t size);

#endif /* GPUCHECK_PRESSURE_H */
