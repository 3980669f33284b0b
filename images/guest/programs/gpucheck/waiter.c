// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that wait for fences.
 */
#include <errno.h>
#include <string.h>

#include "waiter.h"

static void *wait_for_end(void *context)
{
	struct waiter *waiter = context;
	struct crossbar_gpu_result result = { .status = 0 };

	waiter->ended = ivgpu_wait(waiter->gpu, waiter->fence, WAIT_NS, &result);
	waiter->error = waiter->ended ? (int)result.status : errno;
	return NULL;
}

bool waiter_start(struct test *test, struct waiter *waiter, struct ivgpu *gpu,
		  const struct crossbar_gpu_command *commands,
		  unsigned int count)
{
	*waiter = (struct waiter){ .gpu = gpu };
	return test_check(test, ivgpu_submit(gpu, commands, count,
					     &waiter->fence),
			  "cannot submit: %s", strerror(errno)) &&
	       test_check(test, !pthread_create(&waiter->thread, NULL,
						wait_for_end, waiter),
			  "cannot start a thread");
}

void waiter_join(struct waiter *waiter)
{
	pthread_join(waiter->thread, NULL);
}
