// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that lose their blocks while the GPU has them mapped, or reads them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "crossbar_cell.h"
#include "area.h"
#include "cells.h"
#include "disk.h"
#include "engine.h"
#include "process.h"

#define SIZE	((size_t)KIB(512))
#define HALF	(SIZE / 2)
#define TAIL	(SIZE - HALF)

/* How a file loses its second half, and what it then holds. */
enum way {
	WAY_TRUNCATE,
	WAY_PUNCH,
	WAY_ZERO,
	WAY_COLLAPSE,
};

static bool lose(struct test *test, struct file *file, enum way way)
{
	static const int modes[] = {
		[WAY_PUNCH] = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		[WAY_ZERO] = FALLOC_FL_ZERO_RANGE,
		[WAY_COLLAPSE] = FALLOC_FL_COLLAPSE_RANGE,
	};
	/* Half of the file's first half goes, so that the rest moves down. */
	size_t at = way == WAY_COLLAPSE ? HALF / 2 : HALF;
	size_t len = way == WAY_COLLAPSE ? HALF / 2 : TAIL;
	int error = way == WAY_TRUNCATE ?
		    ftruncate(file->cached, (off_t)HALF) :
		    fallocate(file->cached, modes[way], (off_t)at, (off_t)len);

	return test_check(test, !error, "cannot take blocks out of %s: %s",
			  file->path, strerror(errno));
}

/* Grows it again, and says what it then has to hold. */
static bool restore(struct test *test, struct file *file, enum way way)
{
	struct content content = content_slice(&file->content, 0, HALF);
	struct segment moved = file->content.segments[0];

	if (way == WAY_COLLAPSE) {
		/* The first quarter, then what came after the second one. */
		content = content_slice(&file->content, 0, HALF / 2);
		moved.off = HALF / 2;
		moved.cell_off = HALF;
		moved.len = TAIL;
		content_append(&content, moved);
		content_append(&content, segment_zeros(SIZE - HALF / 2, HALF / 2));
	} else {
		content_append(&content, segment_zeros(HALF, TAIL));
	}
	file->content = content;
	return test_check(test, !ftruncate(file->cached, (off_t)SIZE),
			  "cannot grow %s: %s", file->path, strerror(errno));
}

/* The GPU has every page mapped, none of which may be seen again. */
static void run_mapped(struct test *test)
{
	enum way way = test->recipe->argument;
	struct file *file = disk_file(test, SIZE, false);
	uint8_t *memory;

	if (!file)
		return;
	memory = disk_map(test, file, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (!memory || !engine_crc(test, memory, SIZE,
				   disk_model_crc(&file->content), "before") ||
	    !lose(test, file, way))
		goto remove;
	if (way == WAY_TRUNCATE &&
	    !engine_refuses(test, gpu_crc32c(memory, SIZE), EFAULT,
			    "sum of a file that is half as long now"))
		goto remove;
	if (restore(test, file, way) &&
	    engine_crc(test, memory, SIZE, disk_model_crc(&file->content),
		       "sum after the file got its size back"))
		disk_memory_is(test, &file->content, memory, "loads");
remove:
	if (memory)
		munmap(memory, SIZE);
	file_remove(file);
}

/*
 * While commands run: the delay lasts as long as the CPU needs between a copy that
 * reads every page and one that comes when half of them are gone.
 */
static void run_running(struct test *test)
{
	enum way way = test->recipe->argument;
	struct file *file = disk_file(test, SIZE, false);
	struct content before = { .off = 0 }, after;
	uint8_t *memory = NULL, *to;
	struct crossbar_gpu_result result;
	uint64_t fence;

	to = memory_map(test, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	if (!file || !to)
		goto remove;
	before = file->content;
	memory = disk_map(test, file, SIZE, PROT_READ, MAP_SHARED);
	if (!memory)
		goto remove;

	struct crossbar_gpu_command commands[] = {
		gpu_copy(to, memory, SIZE),
		engine_held(),
		gpu_copy(to + SIZE, memory, SIZE),
	};

	if (!engine_hold(test) ||
	    !engine_submit(test, commands, 3, &fence, "copy, delay, copy"))
		goto remove;
	if (engine_wait(test, fence - 2, "copy") && lose(test, file, way))
		engine_is_held(test, fence - 1);
	engine_release(test);
	if (!test_check(test, ivgpu_wait(&test->gpu, fence, WAIT_NS, &result),
			"the last copy: %s", strerror(errno)) ||
	    test->verdict.failed ||
	    !disk_memory_is(test, &before, to, "copy before"))
		goto remove;
	after = content_slice(&before, 0, HALF);
	if (way == WAY_TRUNCATE) {
		test_check(test, result.status == EFAULT && result.bytes <= HALF,
			   "a read of what was cut off ended with status %u after %"
			   PRIu64 " bytes", result.status, result.bytes);
		after = content_slice(&before, 0, result.bytes / 16 * 16);
	} else {
		test_check(test, !result.status, "a read of a hole ended with %s",
			   strerror((int)result.status));
		content_append(&after, segment_zeros(HALF, TAIL));
	}
	disk_memory_is(test, &after, to + SIZE, "copy after");
remove:
	if (memory)
		munmap(memory, SIZE);
	if (to)
		munmap(to, 2 * SIZE);
	if (file)
		file_remove(file);
}

static const struct recipe recipe[] = {
	{ .name = "truncate-mapped", .run = run_mapped, .volume = true,
	  .claim = CLAIM_MEMORY, .argument = WAY_TRUNCATE },
	{ .name = "punch-mapped", .run = run_mapped, .volume = true,
	  .claim = CLAIM_MEMORY, .argument = WAY_PUNCH },
	{ .name = "zero-mapped", .run = run_mapped, .volume = true,
	  .claim = CLAIM_MEMORY, .argument = WAY_ZERO },
	{ .name = "collapse-mapped", .run = run_mapped, .volume = true,
	  .claim = CLAIM_MEMORY, .argument = WAY_COLLAPSE },
	{ .name = "truncate-running", .run = run_running, .volume = true,
	  .claim = CLAIM_MEMORY, .host = true, .argument = WAY_TRUNCATE },
	{ .name = "punch-running", .run = run_running, .volume = true,
	  .claim = CLAIM_MEMORY, .host = true, .argument = WAY_PUNCH },
	{ .name = "zero-running", .run = run_running, .volume = true,
	  .claim = CLAIM_MEMORY, .host = true, .argument = WAY_ZERO },
};

const struct recipes shrink_recipes = { recipe, ARRAY_SIZE(recipe) };
