/* SPDX-License-Identifier: GPL-2.0-only */
/* A thread that waits for a fence while something happens to its address space. */
#ifndef GPUCHECK_WAITER_H
#define GPUCHECK_WAITER_H

#include <pthread.h>

#include "suite.h"

/*
 * struct waiter - who waits
 * @gpu:   the address space
 * @fence: of the last command
 * @ended: the wait brought a result, whose status is @error
 * @error: else what the wait failed with; a positive errno
 */
struct waiter {
	struct ivgpu *gpu;
	uint64_t fence;
	bool ended;
	int error;
	pthread_t thread;
};

/* Submits commands and has a thread wait for the last one. False after test_fail(). */
bool waiter_start(struct test *test, struct waiter *waiter, struct ivgpu *gpu,
		  const struct crossbar_gpu_command *commands,
		  unsigned int count);

/* Returns when the wait has: then @ended and @error say how. */
void waiter_join(struct waiter *waiter);

#endif /* GPUCHECK_WAITER_H */
