// SPDX-License-Identifier: GPL-2.0-only
/*
 * Engines that are slow, forgetful or broken, by the host's switches.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "crc32c.h"
#include "engine.h"
#include "process.h"

#define SIZE	(64 * PAGE)

/* The driver's patience, in ms, if it can be set; else it is what it is. */
#define TIMEOUT	"/sys/module/ivgpu/parameters/timeout_ms"

/* Sets the driver's time-out. Returns what it was, 0 if that is unknown. */
static unsigned int set_timeout(unsigned int ms)
{
	unsigned int old = 0;
	char text[16];
	int fd = open(TIMEOUT, O_RDWR | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	if (n > 0) {
		text[n] = '\0';
		old = (unsigned int)strtoul(text, NULL, 10);
		n = snprintf(text, sizeof(text), "%u", ms);
		if (write(fd, text, (size_t)n) != n)
			old = 0;
	}
	close(fd);
	return old;
}

static uint64_t since_ms(uint64_t start)
{
	return (now_ns() - start) / NS_PER_MS;
}

/* All works, and only takes longer. */
static bool works(struct test *test, struct area *area, uint8_t *model,
		  const char *what)
{
	uint64_t word = random_next(&test->random);
	size_t i;

	for (i = 0; i < SIZE; i++)
		model[i] = (uint8_t)(word >> i % 8 * 8);
	return engine_run(test, gpu_fill(area->memory, word, SIZE), NULL, what) &&
	       area_check(test, area, model, what) &&
	       engine_crc(test, area->memory, SIZE, crc32c(0, model, SIZE), what);
}

static void run_delay_doorbell(struct test *test)
{
	struct area area;
	uint8_t *model;
	uint64_t start;

	if (area_open_random(test, &area, PLACE_ANONYMOUS, SIZE, &model) &&
	    works(test, &area, model, "before") &&
	    engine_inject(test, "delay-doorbell=200")) {
		start = now_ns();
		if (engine_run(test, gpu_fence(), NULL, "a late doorbell"))
			test_check(test, since_ms(start) >= 150,
				   "a doorbell that is 200 ms late takes %"
				   PRIu64 " ms", since_ms(start));
		works(test, &area, model, "late doorbells");
	}
	if (engine_inject(test, "none"))
		works(test, &area, model, "after late doorbells");
	area_close(&area);
	free(model);
}

static void run_drop_doorbell(struct test *test)
{
	struct ivgpu_stats before, after;
	struct crossbar_gpu_result result;
	struct area area;
	uint8_t *model;
	unsigned int i;

	if (area_open_random(test, &area, PLACE_ANONYMOUS, SIZE, &model) &&
	    works(test, &area, model, "before") &&
	    engine_stats(test, &before) &&
	    engine_inject(test, "drop-doorbell=1")) {
		/* Late, or with an error after a reset, but it ends. */
		for (i = 0; i < 4; i++)
			if (engine_try(test, gpu_fence(), &result,
				       "a lost doorbell"))
				test_check(test, !result.status ||
					   result.status == EIO,
					   "a lost doorbell: status %u",
					   result.status);
		/* One for each, and the lost one once more. */
		if (engine_stats(test, &after))
			test_check(test,
				   after.doorbells > before.doorbells + 4,
				   "no doorbell was rung again");
	}
	if (engine_inject(test, "none"))
		works(test, &area, model, "after a lost doorbell");
	area_close(&area);
	free(model);
}

/* Whoever takes memory from the engine waits until it knows. */
static void run_delay_acknowledgment(struct test *test)
{
	struct area area;
	uint8_t *model, *memory;
	uint64_t start;

	memory = memory_map(test, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	if (area_open_random(test, &area, PLACE_ANONYMOUS, SIZE, &model) &&
	    memory && works(test, &area, model, "before") &&
	    engine_run(test, gpu_fill(memory, 1, SIZE), NULL, "fill") &&
	    engine_inject(test, "delay-acknowledgment=300")) {
		start = now_ns();
		munmap(memory, SIZE);
		test_check(test, since_ms(start) >= 250,
			   "munmap() came back %" PRIu64
			   " ms after it began, the engine needs 300 ms",
			   since_ms(start));
		memory = NULL;
		works(test, &area, model, "late acknowledgments");
	}
	if (engine_inject(test, "none"))
		works(test, &area, model, "after late acknowledgments");
	if (memory)
		munmap(memory, SIZE);
	area_close(&area);
	free(model);
}

static void run_tear(struct test *test)
{
	struct area area, other = { .fd = -1 };
	uint8_t *model = NULL, *other_model = NULL;
	unsigned int i;

	if (area_open_random(test, &area, PLACE_ANONYMOUS, SIZE, &model) &&
	    area_open_random(test, &other, PLACE_VIDEO, SIZE, &other_model) &&
	    engine_inject(test, "tear-dma")) {
		for (i = 0; i < 8; i++)
			if (!works(test, &area, model, "DMA in pieces") ||
			    !works(test, &other, other_model, "DMA in pieces"))
				break;
		random_fill(&test->random, model, SIZE);
		memcpy(area.memory, model, SIZE);
		if (engine_run(test, gpu_copy(other.memory + 5, area.memory + 3,
					      SIZE - 9), NULL, "copy in pieces")) {
			memcpy(other_model + 5, model + 3, SIZE - 9);
			area_check(test, &other, other_model, "copy in pieces");
		}
	}
	engine_inject(test, "none");
	area_close(&other);
	area_close(&area);
	free(other_model);
	free(model);
}

/* The command ends with EIO, and what it did is what it says. */
static void run_fail(struct test *test)
{
	struct crossbar_gpu_result result;
	struct area area;
	uint8_t *model;

	if (area_open_random(test, &area, PLACE_ANONYMOUS, SIZE, &model) &&
	    works(test, &area, model, "before") &&
	    engine_inject(test, "fail-dma=1") &&
	    engine_try(test, gpu_fill(area.memory, 0, SIZE), &result,
		       "a failing DMA") &&
	    test_check(test, result.status == EIO && result.bytes < SIZE,
		       "a failing DMA: status %u after %" PRIu64 " bytes",
		       result.status, result.bytes)) {
		memset(model, 0, result.bytes);
		memory_check(test, area.memory, model, result.bytes,
			     "what was done before the DMA failed");
	}
	if (engine_inject(test, "none"))
		works(test, &area, model, "after a failing DMA");
	area_close(&area);
	free(model);
}

/* Nothing moves any more: the driver has to notice, and to reset. */
static void run_stall(struct test *test)
{
	unsigned int old = set_timeout(1000);
	struct ivgpu_stats before, after;
	struct crossbar_gpu_result result;
	struct area area;
	uint8_t *model;
	uint64_t start;

	if (area_open_random(test, &area, PLACE_ANONYMOUS, SIZE, &model) &&
	    works(test, &area, model, "before") &&
	    engine_stats(test, &before) && engine_inject(test, "stall=1")) {
		start = now_ns();
		if (engine_try(test, gpu_fill(area.memory, 1, SIZE), &result,
			       "command of an engine that stalls"))
			test_check(test, result.status == EIO,
				   "status %u after %" PRIu64 " ms",
				   result.status, since_ms(start));
		if (engine_stats(test, &after))
			test_check(test, after.resets > before.resets,
				   "there was no reset");
	}
	if (engine_inject(test, "none"))
		works(test, &area, model, "after the reset");
	if (old)
		set_timeout(old);
	area_close(&area);
	free(model);
}

/*
 * Takes memory away from an engine that does not answer any more, for which it
 * has to be reset.
 */
static void munmap_stalled(struct test *test, uint8_t *memory, uint64_t fence)
{
	struct crossbar_gpu_result result;
	struct ivgpu_stats before, after;
	uint64_t start = now_ns();

	if (!engine_stats(test, &before))
		return;
	munmap(memory, SIZE);
	if (test_check(test, since_ms(start) < 30000,
		       "munmap() took %" PRIu64 " ms", since_ms(start)) &&
	    test_check(test, ivgpu_wait(&test->gpu, fence, WAIT_NS, &result),
		       "cannot wait for fence %" PRIu64 ": %s", fence,
		       strerror(errno)) &&
	    test_check(test, result.status == EIO,
		       "the command of an engine that stalls ended with %s",
		       error_name(result.status)) &&
	    engine_stats(test, &after))
		test_check(test, after.resets > before.resets,
			   "there was no reset");
}

/* munmap() of what a stalled engine has mapped: late, but it comes back. */
static void run_stall_munmap(struct test *test)
{
	unsigned int old = set_timeout(1000);
	struct crossbar_gpu_command fill;
	uint8_t *memory, *model = NULL;
	struct area area = { .fd = -1 };
	uint64_t fence;

	memory = memory_map(test, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	fill = gpu_fill(memory, 1, SIZE);
	if (memory &&
	    area_open_random(test, &area, PLACE_ANONYMOUS, SIZE, &model) &&
	    engine_run(test, fill, NULL, "fill") &&
	    engine_inject(test, "stall=1") &&
	    engine_submit(test, &fill, 1, &fence, "fill")) {
		/* By then it stands still. If not, it will soon. */
		sleep_ms(20);
		munmap_stalled(test, memory, fence);
		memory = NULL;
	}
	if (engine_inject(test, "none") && model)
		works(test, &area, model, "after the reset");
	if (old)
		set_timeout(old);
	if (memory)
		munmap(memory, SIZE);
	area_close(&area);
	free(model);
}

static const struct recipe recipe[] = {
	{ .name = "inject-delay-doorbell", .run = run_delay_doorbell,
	  .host = true },
	{ .name = "inject-drop-doorbell", .run = run_drop_doorbell,
	  .host = true },
	{ .name = "inject-delay-acknowledgment",
	  .run = run_delay_acknowledgment, .host = true },
	{ .name = "inject-tear-dma", .run = run_tear, .host = true },
	{ .name = "inject-fail-dma", .run = run_fail, .host = true },
	{ .name = "inject-stall", .run = run_stall, .host = true },
	{ .name = "inject-stall-munmap", .run = run_stall_munmap,
	  .host = true },
};

const struct recipes inject_recipes = { recipe, ARRAY_SIZE(recipe) };
