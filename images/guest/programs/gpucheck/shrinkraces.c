// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races: a file loses its blocks at a moment that is different in each round.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "crc32c.h"
#include "disk.h"
#include "engine.h"

#define SIZE	((size_t)KIB(512))

/* So many that the engine is still at it; they share these. */
#define COPIES	64
#define BUFFERS	3

static const uint8_t zeros[PAGE];

/* Up to the end of a page that a copy has done: the model's, or zeros. */
static bool check_copy(struct test *test, const uint8_t *memory,
		       const uint8_t *model, size_t done)
{
	size_t at;

	for (at = 0; at + PAGE <= done; at += PAGE)
		if (memcmp(memory + at, zeros, PAGE) &&
		    !memory_check(test, memory + at, model + at, PAGE,
				  "copy from a file that loses its blocks"))
			return false;
	return true;
}

static bool take_away(struct test *test, struct file *file, bool punch,
		      size_t keep)
{
	int error = punch ?
		    fallocate(file->cached, FALLOC_FL_PUNCH_HOLE |
			      FALLOC_FL_KEEP_SIZE, (off_t)keep,
			      (off_t)(SIZE - keep)) :
		    ftruncate(file->cached, (off_t)keep);

	/* So that the next round finds it as long as before. */
	return test_check(test, !error && !ftruncate(file->cached, (off_t)SIZE),
			  "cannot take blocks out of %s: %s", file->path,
			  strerror(errno));
}

static bool shrink_round(struct test *test, struct file *file, uint8_t *memory,
			 uint8_t *to, uint8_t *model,
			 struct encounters *encounters)
{
	bool punch = test->recipe->argument;
	size_t keep = random_below(&test->random, SIZE / PAGE) * PAGE;
	struct crossbar_gpu_command commands[COPIES];
	struct crossbar_gpu_result result;
	size_t done[BUFFERS] = { 0 };
	uint64_t fence;
	unsigned int i;

	if (!test_check(test, file_write(file, 0, SIZE, fresh_generation()),
			"cannot write %s: %s", file->path, strerror(errno)))
		return false;
	content_fill(&file->content, model);
	for (i = 0; i < COPIES; i++)
		commands[i] = gpu_copy(to + i % BUFFERS * SIZE, memory, SIZE);
	if (!engine_submit(test, commands, COPIES, &fence, "copies of a file"))
		return false;
	engine_meet(test, encounters);
	if (!take_away(test, file, punch, keep))
		return false;
	for (i = 0; i < COPIES; i++) {
		if (!test_check(test, ivgpu_wait(&test->gpu, fence - COPIES + 1 + i,
						 WAIT_NS, &result),
				"a copy: %s", strerror(errno)) ||
		    !test_check(test, !result.status ||
				(result.status == EFAULT && !punch),
				"a copy ended with status %u", result.status))
			return false;
		if (result.bytes > done[i % BUFFERS])
			done[i % BUFFERS] = result.bytes;
	}
	for (i = 0; i < BUFFERS; i++)
		if (!check_copy(test, to + i * SIZE, model, done[i]))
			return false;
	/* Now that all is quiet, old bytes may be nowhere any more. */
	memset(model + keep, 0, SIZE - keep);
	return engine_crc(test, memory, SIZE, crc32c(0, model, SIZE),
			  "sum after the race");
}

static void run_shrink(struct test *test)
{
	struct file *file = disk_file(test, SIZE, false);
	uint8_t *memory = NULL, *to, *model = malloc(SIZE);
	struct encounters encounters = { .all = 0 };
	unsigned int i;

	if (!file || !model) {
		free(model);
		return;
	}
	to = memory_map(test, BUFFERS * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	memory = disk_map(test, file, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (i = 0; to && memory && test_has_round(test, i); i++)
		if (!shrink_round(test, file, memory, to, model, &encounters))
			break;
	engine_has_met(test, &encounters);
	if (memory)
		munmap(memory, SIZE);
	if (to)
		munmap(to, BUFFERS * SIZE);
	free(model);
	file_remove(file);
}

static const struct recipe recipe[] = {
	{ .name = "races-truncate", .run = run_shrink, .volume = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "races-punch", .run = run_shrink, .volume = true,
	  .claim = CLAIM_MEMORY, .argument = true },
};

const struct recipes disk_race_recipes = { recipe, ARRAY_SIZE(recipe) };
