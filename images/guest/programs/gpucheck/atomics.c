// SPDX-License-Identifier: GPL-2.0-only
/*
 * Atomic commands on memory of each kind, and against the CPU's own.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "area.h"
#include "engine.h"

#define SIZE	(2 * PAGE)

/* Runs an atomic command at @at, which leaves @after there. */
static bool step(struct test *test, struct area *area, uint8_t *model,
		 size_t at, struct crossbar_gpu_command command, uint64_t after,
		 const char *what)
{
	struct crossbar_gpu_result result;
	uint64_t before = 0;

	memcpy(&before, model + at, command.length);
	memcpy(model + at, &after, command.length);
	return engine_run(test, command, &result, what) &&
	       test_check(test, result.value == before,
			  "%s of %" PRIu64 " bytes: %#" PRIx64 " was there, not %#" PRIx64,
			  what, command.length, before, result.value) &&
	       area_check(test, area, model, what);
}

static bool steps(struct test *test, struct area *area, uint8_t *model,
		  size_t at, size_t width)
{
	uint64_t mask = width == 8 ? UINT64_MAX : UINT32_MAX;
	uint64_t add = random_next(&test->random) & mask;
	uint64_t swap = random_next(&test->random) & mask;
	uint64_t now = 0;
	void *target = area->memory + at;

	memcpy(&now, model + at, width);
	return step(test, area, model, at, gpu_add(target, width, add),
		    now + add, "add") &&
	       step(test, area, model, at, gpu_add(target, width, mask),
		    now + add - 1, "add of -1") &&
	       step(test, area, model, at, gpu_swap(target, width, swap), swap,
		    "swap") &&
	       step(test, area, model, at, gpu_cas(target, width, swap, add),
		    add, "compare and swap") &&
	       step(test, area, model, at,
		    gpu_cas(target, width, add ^ 1, swap), add,
		    "compare and swap of another value");
}

static void run_atomic(struct test *test)
{
	static const size_t places[] = { 0, 8, PAGE - 8, PAGE, SIZE - 8 };
	struct area area;
	uint8_t *model;
	bool ok = area_open_random(test, &area, test->place, SIZE,
				   &model);
	size_t i;

	for (i = 0; ok && i < ARRAY_SIZE(places); i++)
		ok = steps(test, &area, model, places[i], 8) &&
		     steps(test, &area, model, places[i], 4) &&
		     steps(test, &area, model, places[i] + 4, 4);
	area_close(&area);
	free(model);
}

/* What is not aligned, or has no width, changes nothing. */
static void run_refused(struct test *test)
{
	static const struct {
		size_t at, width;
	} bad[] = {
		{ 4, 8 }, { 2, 4 }, { 1, 8 }, { PAGE - 4, 8 }, { 8, 2 },
		{ 8, 1 }, { 8, 16 }, { 8, 0 },
	};
	struct crossbar_gpu_result result;
	struct area area;
	uint8_t *model;
	bool ok = area_open_random(test, &area, PLACE_ANONYMOUS, SIZE, &model);
	size_t i;

	for (i = 0; ok && i < ARRAY_SIZE(bad); i++) {
		char what[64];

		snprintf(what, sizeof(what), "atomic of %zu bytes at %zu",
			 bad[i].width, bad[i].at);
		/* Either the driver won't take it, or it ends with an error. */
		if (ivgpu_run(&test->gpu, gpu_add(area.memory + bad[i].at,
						  bad[i].width, 1),
			      WAIT_NS, &result))
			ok = test_check(test, result.status == EINVAL,
					"%s: status %u", what, result.status);
		else
			ok = test_check(test, errno == EINVAL, "%s: %s", what,
					strerror(errno));
		ok = ok && area_check(test, &area, model, what);
	}
	if (ok)
		steps(test, &area, model, 16, 8);
	area_close(&area);
	free(model);
}

/* How often the CPU and the GPU each add. */
#define ADDS	20000
#define BATCH	128

static void *add_by_cpu(void *context)
{
	uint64_t *word = context;
	unsigned int i;

	for (i = 0; i < ADDS; i++)
		__atomic_fetch_add(word, 1ULL << 32, __ATOMIC_SEQ_CST);
	return NULL;
}

/* The CPU counts in the upper half of a word, the GPU in the lower one. */
static void run_contended(struct test *test)
{
	struct crossbar_gpu_command batch[BATCH];
	struct area area;
	pthread_t thread;
	uint64_t fence = 0, *word, commands = 0;
	unsigned int i;
	bool ok = area_open(test, &area, test->place, PAGE);

	if (!ok)
		goto close;
	word = (uint64_t *)(area.memory + 64);
	*word = 0;
	for (i = 0; i < BATCH; i++)
		batch[i] = gpu_add(word, 8, 1);
	if (!test_check(test, !pthread_create(&thread, NULL, add_by_cpu, word),
			"cannot start a thread"))
		goto close;
	/* At least while the CPU is still at it, so that they do meet. */
	do {
		ok = engine_submit(test, batch, BATCH, &fence, "batch of adds");
		commands += BATCH;
	} while (ok && commands < 64 * BATCH &&
		 READ_ONCE(*word) >> 32 < ADDS);
	ok = ok && engine_wait(test, fence, "batch of adds");
	pthread_join(thread, NULL);
	if (ok)
		test_check(test, *word == ((uint64_t)ADDS << 32 | commands),
			   "%u adds by the CPU and %" PRIu64 " by the GPU make %#" PRIx64,
			   ADDS, commands, *word);
close:
	area_close(&area);
}

static const struct recipe recipe[] = {
	{ .name = "atomic", .run = run_atomic, .places = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "atomic-contended", .run = run_contended, .places = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "atomic-refused", .run = run_refused, .claim = CLAIM_MEMORY },
};

const struct recipes atomic_recipes = { recipe, ARRAY_SIZE(recipe) };
