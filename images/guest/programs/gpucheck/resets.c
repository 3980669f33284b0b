// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets: what was under way ends with EIO, what comes later works.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "area.h"
#include "crc32c.h"
#include "engine.h"
#include "process.h"
#include "waiter.h"

#define WAITERS	4
#define SIZE	(16 * PAGE)

/* One more address space, and a thread that waits for a command that takes long. */
static bool start_waiter(struct test *test, struct ivgpu *gpu,
			 struct waiter *waiter)
{
	struct crossbar_gpu_command commands[] = {
		gpu_delay(9000000), gpu_fence(), gpu_fence(),
	};

	if (!test_check(test, ivgpu_open(gpu, test->address, &test->totals),
			"cannot open one more address space: %s",
			strerror(errno)))
		return false;
	if (waiter_start(test, waiter, gpu, commands, 3))
		return true;
	ivgpu_close(gpu);
	return false;
}

static void end_waiter(struct test *test, struct waiter *waiter)
{
	struct crossbar_gpu_result first;

	waiter_join(waiter);
	test_check(test, waiter->ended && waiter->error == EIO,
		   "a waiter %s, %s, instead of status %d",
		   waiter->ended ? "got a result" : "failed",
		   strerror(waiter->error), EIO);
	/* So did those in front of it; the fences go on from there. */
	test_check(test, ivgpu_wait(waiter->gpu, waiter->fence - 2, 0, &first) &&
		   first.status == EIO, "the delay ended with status %u",
		   first.status);
	engine_run_on(test, waiter->gpu, gpu_fence(), NULL,
		      "fence of a waiter after the reset");
	ivgpu_close(waiter->gpu);
}

/* The mapped pages of before: the engine must ask for them again. */
static void run_reset(struct test *test)
{
	struct waiter waiters[WAITERS];
	struct ivgpu gpus[WAITERS];
	struct ivgpu_stats before, after;
	unsigned int count = 0, i;
	uint64_t start, took;
	struct area area;
	uint8_t *model;
	bool ok;

	ok = area_open_random(test, &area, PLACE_ANONYMOUS, SIZE, &model) &&
	     engine_crc(test, area.memory, SIZE, crc32c(0, model, SIZE),
			"sum before") &&
	     engine_stats(test, &before);
	while (ok && count < WAITERS) {
		ok = start_waiter(test, &gpus[count], &waiters[count]);
		count += ok;
	}
	if (!ok) {
		while (count) {
			waiter_join(&waiters[--count]);
			ivgpu_close(&gpus[count]);
		}
		goto close;
	}
	sleep_ms(50);
	start = now_ns();
	test_check(test, ivgpu_reset(&test->gpu), "IVGPU_RESET: %s",
		   strerror(errno));
	for (i = 0; i < count; i++)
		end_waiter(test, &waiters[i]);
	took = (now_ns() - start) / NS_PER_MS;
	test_check(test, took < 5000, "waiters were told after %" PRIu64 " ms",
		   took);
	if (engine_crc(test, area.memory, SIZE, crc32c(0, model, SIZE),
		       "sum after") &&
	    engine_stats(test, &after))
		test_check(test, after.resets == before.resets + 1,
			   "%" PRIu64 " resets became %" PRIu64, before.resets,
			   after.resets);
close:
	area_close(&area);
	free(model);
}

/* Many resets, with commands that fault and copy between them. */
static void run_again(struct test *test)
{
	struct crossbar_gpu_command commands[8];
	struct crossbar_gpu_result result;
	struct area area;
	uint8_t *model;
	uint64_t fence;
	unsigned int i, j;
	bool ok = area_open_random(test, &area, PLACE_ANONYMOUS, SIZE, &model);

	for (i = 0; ok && test_has_round(test, i / 10); i++) {
		uint8_t *fresh = memory_map(test, SIZE, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE);

		if (!fresh)
			break;
		for (j = 0; j < ARRAY_SIZE(commands); j++)
			commands[j] = gpu_copy(fresh, area.memory, SIZE);
		ok = engine_submit(test, commands, ARRAY_SIZE(commands), &fence,
				   "copies") &&
		     test_check(test, ivgpu_reset(&test->gpu), "IVGPU_RESET: %s",
				strerror(errno));
		for (j = 0; ok && j < ARRAY_SIZE(commands); j++)
			ok = test_check(test, ivgpu_wait(&test->gpu, fence - j, 0,
							 &result),
					"a copy is not over after a reset: %s",
					strerror(errno)) &&
			     test_check(test, !result.status ||
					result.status == EIO,
					"a copy ended with status %u",
					result.status);
		ok = ok && engine_run(test, gpu_copy(fresh, area.memory, SIZE),
				      NULL, "copy after a reset") &&
		     memory_check(test, fresh, model, SIZE,
				  "copy after a reset");
		munmap(fresh, SIZE);
	}
	area_close(&area);
	free(model);
}

static const struct recipe recipe[] = {
	{ .name = "reset-waiters", .run = run_reset },
	{ .name = "reset-again", .run = run_again },
};

const struct recipes reset_recipes = { recipe, ARRAY_SIZE(recipe) };
