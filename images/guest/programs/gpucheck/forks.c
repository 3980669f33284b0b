// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork(): parent and child have the same pages until one of them writes, and
 * the GPU belongs to the parent alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "crc32c.h"
#include "engine.h"
#include "process.h"

#define SIZE	(32 * PAGE)
#define CHILD	true
#define PARENT	false

#define PARENT_WORD	0xA1A1A1A1A1A1A1A1ULL
#define CHILD_WORD	0xC2C2C2C2C2C2C2C2ULL

/*
 * struct family - what the child is told
 * @model: what the child ought to find
 */
struct family {
	struct meeting meeting;
	uint8_t *memory;
	uint8_t *model;
};

/* Looks, writes, and looks again when the parent has written. */
static void child_of_cow(struct test *test, void *context)
{
	struct family *family = context;
	struct ivgpu own;

	if (!memory_check(test, family->memory, family->model, SIZE,
			  "the child, at first"))
		return;
	memset(family->memory + 4 * PAGE, 0xC2, 2 * PAGE);
	memset(family->model + 4 * PAGE, 0xC2, 2 * PAGE);
	meeting_signal(&family->meeting, CHILD);
	if (!meeting_wait(&family->meeting, CHILD) ||
	    !memory_check(test, family->memory, family->model, SIZE,
			  "the child, after the parent's GPU wrote"))
		return;
	/* The same with an address space of its own. */
	if (!test_check(test, ivgpu_open(&own, test->address, &test->totals),
			"the child cannot open the GPU: %s", strerror(errno)))
		return;
	memset(family->model + 20 * PAGE, 0xC2, 2 * PAGE);
	if (engine_run_on(test, &own, gpu_fill(family->memory + 20 * PAGE,
					       CHILD_WORD, 2 * PAGE), NULL,
			  "fill by the child's GPU"))
		memory_check(test, family->memory, family->model, SIZE,
			     "the child, after its own GPU wrote");
	ivgpu_close(&own);
	meeting_signal(&family->meeting, CHILD);
}

static bool parent_of_cow(struct test *test, struct family *family)
{
	uint8_t *memory = family->memory, *model = family->model;

	/* What the child wrote is not here, for the GPU neither. */
	if (!meeting_wait(&family->meeting, PARENT) ||
	    !engine_crc(test, memory, SIZE, crc32c(0, model, SIZE),
			"sum by the parent, after the child wrote"))
		return false;
	memset(model + 8 * PAGE, 0xA1, 2 * PAGE);
	memset(model + 4 * PAGE, 0xA1, 64);
	if (!engine_run(test, gpu_fill(memory + 8 * PAGE, PARENT_WORD, 2 * PAGE),
			NULL, "fill by the parent") ||
	    !engine_run(test, gpu_fill(memory + 4 * PAGE, PARENT_WORD, 64),
			NULL, "fill of what the child wrote too"))
		return false;
	meeting_signal(&family->meeting, PARENT);
	return meeting_wait(&family->meeting, PARENT) &&
	       memory_check(test, memory, model, SIZE, "the parent, at last") &&
	       engine_crc(test, memory, SIZE, crc32c(0, model, SIZE),
			  "sum by the parent, at last");
}

static void run_cow(struct test *test)
{
	struct family family = { .model = malloc(SIZE) };
	uint8_t *memory;
	pid_t pid;

	memory = memory_map(test, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	if (!memory || !family.model || !meeting_open(test, &family.meeting))
		goto unmap;
	family.memory = memory;
	random_fill(&test->random, family.model, SIZE);
	/* All pages are the GPU's to write when the child comes. */
	memcpy(memory, family.model, SIZE);
	memset(family.model, 0xA1, SIZE / 2);
	if (!engine_run(test, gpu_fill(memory, PARENT_WORD, SIZE / 2), NULL,
			"fill before the fork") ||
	    !engine_crc(test, memory, SIZE, crc32c(0, family.model, SIZE),
			"sum before the fork"))
		goto close;
	pid = process_start(test, child_of_cow, &family);
	if (pid < 0)
		goto close;
	if (!parent_of_cow(test, &family)) {
		test_fail(test, "the child gave up");
		process_kill(test, pid);
	} else {
		process_end(test, pid);
	}
close:
	meeting_close(&family.meeting);
unmap:
	if (memory)
		munmap(memory, SIZE);
	free(family.model);
}

/* Shared memory stays the same memory. */
static void child_of_shared(struct test *test, void *context)
{
	struct family *family = context;
	struct ivgpu own;

	if (!test_check(test, ivgpu_open(&own, test->address, &test->totals),
			"the child cannot open the GPU: %s", strerror(errno)))
		return;
	engine_run_on(test, &own, gpu_fill(family->memory + PAGE, CHILD_WORD,
					   PAGE), NULL, "fill by the child");
	memset(family->memory + 2 * PAGE, 0xC2, PAGE);
	ivgpu_close(&own);
}

static void run_shared(struct test *test)
{
	struct family family = { .model = calloc(1, SIZE) };
	pid_t pid;

	family.memory = memory_map(test, SIZE, PROT_READ | PROT_WRITE,
				   MAP_SHARED);
	if (!family.memory || !family.model)
		goto unmap;
	memset(family.model, 0xA1, SIZE);
	if (!engine_run(test, gpu_fill(family.memory, PARENT_WORD, SIZE), NULL,
			"fill before the fork"))
		goto unmap;
	pid = process_start(test, child_of_shared, &family);
	if (pid < 0 || !process_end(test, pid))
		goto unmap;
	memset(family.model + PAGE, 0xC2, 2 * PAGE);
	if (engine_crc(test, family.memory, SIZE, crc32c(0, family.model, SIZE),
		       "sum of what the child wrote"))
		memory_check(test, family.memory, family.model, SIZE, "loads");
unmap:
	if (family.memory)
		munmap(family.memory, SIZE);
	free(family.model);
}

/* The parent's descriptor is of no use to a child, which has another mm. */
static void child_of_owner(struct test *test, void *context)
{
	struct crossbar_gpu_command fill = gpu_fill(context, CHILD_WORD, PAGE);
	struct ivgpu_alloc alloc = { .size = PAGE };
	struct crossbar_gpu_result result;
	uint64_t fence;
	bool ok = ivgpu_submit(&test->gpu, &fill, 1, &fence);

	test_check(test, !ok && (errno == EPERM || errno == EOWNERDEAD),
		   "the child could submit: %s", ok ? "success" : strerror(errno));
	ok = ivgpu_wait(&test->gpu, 1, 0, &result);
	test_check(test, !ok && (errno == EPERM || errno == EOWNERDEAD),
		   "the child could wait: %s", ok ? "success" : strerror(errno));
	ok = !ioctl(test->gpu.fd, IVGPU_ALLOC, &alloc);
	test_check(test, !ok && (errno == EPERM || errno == EOWNERDEAD),
		   "the child could allocate: %s",
		   ok ? "success" : strerror(errno));
	/* Its copy of the descriptor goes; the parent's stays. */
	close(test->gpu.fd);
}

static void run_owner(struct test *test)
{
	uint8_t *memory = memory_map(test, PAGE, PROT_READ | PROT_WRITE,
				     MAP_SHARED);
	uint8_t zeros[PAGE] = { 0 };
	pid_t pid;

	if (!memory)
		return;
	if (engine_run(test, gpu_crc32c(memory, PAGE), NULL, "sum before")) {
		pid = process_start(test, child_of_owner, memory);
		if (pid > 0 && process_end(test, pid) &&
		    memory_check(test, memory, zeros, PAGE, "after the child") &&
		    engine_run(test, gpu_fill(memory, PARENT_WORD, PAGE), NULL,
			       "fill after the child"))
			test_check(test, memory[PAGE - 1] == 0xA1,
				   "the parent's fill did nothing");
	}
	munmap(memory, PAGE);
}

static const struct recipe recipe[] = {
	{ .name = "fork-copy-on-write", .run = run_cow,
	  .claim = CLAIM_MEMORY },
	{ .name = "fork-shared", .run = run_shared, .claim = CLAIM_MEMORY },
	{ .name = "fork-owner", .run = run_owner, .claim = CLAIM_MEMORY },
};

const struct recipes fork_recipes = { recipe, ARRAY_SIZE(recipe) };
