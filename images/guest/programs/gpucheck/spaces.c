// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several address spaces at once: of one process's threads, and of processes.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "crc32c.h"
#include "engine.h"
#include "process.h"

#define SPACES	8
#define SIZE	(64 * PAGE)
#define STEPS	24

/*
 * struct worker - one address space, with work of its own
 * @memory: where all of them have theirs, if they are processes
 */
struct worker {
	struct test *test;
	struct ivgpu gpu;
	struct random random;
	uint8_t *memory;
	uint8_t *model;
	pthread_t thread;
};

static bool work_step(struct worker *worker, unsigned int step)
{
	struct test *test = worker->test;
	struct random *random = &worker->random;
	size_t half = SIZE / 2;
	size_t len = 1 + random_below(random, half);
	size_t from = random_below(random, half - len + 1);
	size_t to = half + random_below(random, half - len + 1);
	struct crossbar_gpu_result result;
	char what[64];

	snprintf(what, sizeof(what), "step %u of an address space", step);
	/* The CPU writes the lower half anew, the GPU copies to the upper. */
	random_fill(random, worker->model, half);
	memcpy(worker->memory, worker->model, half);
	memcpy(worker->model + to, worker->model + from, len);
	return engine_run_on(test, &worker->gpu,
			     gpu_copy(worker->memory + to, worker->memory + from,
				      len), NULL, what) &&
	       engine_run_on(test, &worker->gpu, gpu_crc32c(worker->memory, SIZE),
			     &result, what) &&
	       test_check(test, result.value == crc32c(0, worker->model, SIZE),
			  "%s: wrong sum %#" PRIx64, what, result.value) &&
	       memory_check(test, worker->memory, worker->model, SIZE, what);
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct test *test = worker->test;
	unsigned int step;

	if (!test_check(test, ivgpu_open(&worker->gpu, test->address,
					 &test->totals),
			"cannot open one more address space: %s",
			strerror(errno)))
		return NULL;
	memset(worker->model, 0, SIZE);
	for (step = 0; step < STEPS; step++)
		if (!work_step(worker, step))
			break;
	ivgpu_close(&worker->gpu);
	return NULL;
}

static bool prepare(struct test *test, struct worker *worker, bool shared)
{
	*worker = (struct worker){
		.test = test,
		.gpu = { .fd = -1 },
		.random = { random_next(&test->random) },
		.model = malloc(SIZE),
		.memory = shared ? NULL :
			  memory_map(test, SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE),
	};
	return test_check(test, worker->model, "no memory for a model") &&
	       (shared || worker->memory);
}

static void release(struct worker *worker, bool shared)
{
	if (worker->memory && !shared)
		munmap(worker->memory, SIZE);
	free(worker->model);
}

static void run_threads(struct test *test)
{
	unsigned int count = test->recipe->argument, made, started = 0, i;
	struct worker workers[SPACES];

	for (made = 0; made < count; made++)
		if (!prepare(test, &workers[made], false)) {
			made++;
			goto release;
		}
	for (; started < count; started++)
		if (!test_check(test, !pthread_create(&workers[started].thread,
						      NULL, work,
						      &workers[started]),
				"cannot start a thread"))
			break;
	for (i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
release:
	while (made)
		release(&workers[--made], false);
}

static void work_process(struct test *test, void *context)
{
	(void)test;
	work(context);
}

/*
 * Processes that have different bytes at one and the same address, so that an
 * engine which mixes up their address spaces finds another's.
 */
static void run_processes(struct test *test)
{
	unsigned int count = test->recipe->argument, made, started = 0, i;
	uint8_t *memory = memory_map(test, SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE);
	struct worker workers[SPACES];
	pid_t pids[SPACES];

	if (!memory)
		return;
	memset(memory, 0xEE, SIZE);
	for (made = 0; made < count; made++) {
		if (!prepare(test, &workers[made], true)) {
			made++;
			goto release;
		}
		workers[made].memory = memory;
	}
	for (; started < count; started++) {
		/* The upper half has to start from the model's zeros. */
		memset(memory + SIZE / 2, 0, SIZE / 2);
		pids[started] = process_start(test, work_process,
					      &workers[started]);
		if (pids[started] < 0)
			break;
	}
	for (i = 0; i < started; i++)
		process_end(test, pids[i]);
release:
	while (made)
		release(&workers[--made], true);
	munmap(memory, SIZE);
}

/* One address space's long command holds up no other one. */
static void run_progress(struct test *test)
{
	struct crossbar_gpu_command delay = engine_held();
	struct ivgpu other;
	uint64_t fence;
	unsigned int i;

	if (!test_check(test, ivgpu_open(&other, test->address, &test->totals),
			"cannot open one more address space: %s",
			strerror(errno)))
		return;
	if (!engine_hold(test) ||
	    !engine_submit(test, &delay, 1, &fence, "held delay"))
		goto close;
	for (i = 0; i < 16; i++)
		if (!engine_run_on(test, &other, gpu_fence(), NULL,
				   "fence beside a delay"))
			goto close;
	engine_is_held(test, fence);
	engine_release(test);
	engine_wait(test, fence, "held delay");
close:
	ivgpu_close(&other);
}

/* As many as the device has; one more is refused, and then taken again. */
static void run_all(struct test *test)
{
	struct ivgpu spaces[CROSSBAR_GPU_ADDRESS_SPACES + 1];
	unsigned int count = 0;
	int error;

	while (count < ARRAY_SIZE(spaces) &&
	       ivgpu_open(&spaces[count], test->address, &test->totals)) {
		count++;
		if (!engine_run_on(test, &spaces[count - 1], gpu_fence(), NULL,
				   "fence of one more address space"))
			goto close;
	}
	error = errno;
	/* The case itself has one. */
	if (!test_check(test, count + 1 == CROSSBAR_GPU_ADDRESS_SPACES,
			"%u address spaces could be open, not %u", count + 1,
			CROSSBAR_GPU_ADDRESS_SPACES) ||
	    !test_check(test, error == EBUSY || error == ENOSPC ||
			error == EMFILE || error == ENFILE,
			"one address space too many: %s", strerror(error)))
		goto close;
	ivgpu_close(&spaces[0]);
	if (test_check(test, ivgpu_open(&spaces[0], test->address,
					&test->totals),
		       "an address space that was closed cannot be had again: %s",
		       strerror(errno)))
		engine_run_on(test, &spaces[0], gpu_fence(), NULL,
			      "fence of an address space that is used again");
close:
	while (count)
		ivgpu_close(&spaces[--count]);
}

static const struct recipe recipe[] = {
	{ .name = "spaces-1-thread", .run = run_threads, .argument = 1,
	  .claim = CLAIM_MEMORY },
	{ .name = "spaces-2-threads", .run = run_threads, .argument = 2,
	  .claim = CLAIM_MEMORY },
	{ .name = "spaces-4-threads", .run = run_threads, .argument = 4,
	  .claim = CLAIM_MEMORY },
	{ .name = "spaces-8-threads", .run = run_threads, .argument = SPACES,
	  .claim = CLAIM_MEMORY },
	{ .name = "spaces-1-process", .run = run_processes, .argument = 1,
	  .claim = CLAIM_MEMORY },
	{ .name = "spaces-2-processes", .run = run_processes, .argument = 2,
	  .claim = CLAIM_MEMORY },
	{ .name = "spaces-4-processes", .run = run_processes, .argument = 4,
	  .claim = CLAIM_MEMORY },
	{ .name = "spaces-8-processes", .run = run_processes,
	  .argument = SPACES, .claim = CLAIM_MEMORY },
	{ .name = "spaces-progress", .run = run_progress, .host = true },
	{ .name = "spaces-all", .run = run_all },
};

const struct recipes space_recipes = { recipe, ARRAY_SIZE(recipe) };
