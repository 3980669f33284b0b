/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that the kernel needs back. */
#ifndef GPUCHECK_PRESSURE_H
#define GPUCHECK_PRESSURE_H

#include "process.h"

/*
 * Starts a process that takes memory until little is left, signals that, and keeps
 * it until it is killed, by the kernel perhaps. -1 after test_fail().
 */
pid_t pressure_start(struct test *test, struct meeting *meeting);

/* Makes swap space of a file that has all of its blocks, as mkswap(8) does. */
bool swap_mark(int fd, uint64_t size);

#endif /* GPUCHECK_PRESSURE_H */
