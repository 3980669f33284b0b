// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading mapped files.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "crossbar_cell.h"
#include "area.h"
#include "cells.h"
#include "disk.h"
#include "engine.h"

#define BIG	MIB(64)
#define SIZE	((size_t)KIB(256))

/* A whole file: by the GPU, from the model, and by read(2). */
static void sum_file(struct test *test, struct file *file, int flags)
{
	uint64_t size = file->content.len;
	uint32_t want = disk_model_crc(&file->content), read;
	struct ivgpu_stats stats;
	uint8_t *memory;

	if (!disk_cold(test))
		return;
	memory = disk_map(test, file, size, PROT_READ, flags);
	if (!memory)
		return;
	if (engine_crc(test, memory, size, want, "sum of a cold file") &&
	    engine_crc(test, memory, size, want, "sum of a warm file") &&
	    disk_read_crc(test, file, size, &read) &&
	    test_check(test, read == want, "read(2) gives the sum %#x instead of %#x",
		       read, want) &&
	    engine_stats(test, &stats))
		test_check(test, stats.pages_fallback + stats.pages_direct >=
			   size / PAGE, "only %llu pages were mapped",
			   (unsigned long long)(stats.pages_fallback +
						stats.pages_direct));
	munmap(memory, size);
}

static void run_golden(struct test *test)
{
	struct file *file = disk_golden(test);

	if (file)
		sum_file(test, file, (int)test->recipe->argument);
}

static void run_big(struct test *test)
{
	struct file *file = disk_file(test, BIG, false);

	if (!file)
		return;
	sum_file(test, file, MAP_SHARED);
	file_remove(file);
}

/* Ranges of the golden file, to memory in which they do not lie as evenly. */
static void run_ranges(struct test *test)
{
	struct file *file = disk_golden(test);
	uint8_t *memory, *to = malloc(SIZE + PAGE);
	size_t size = CROSSBAR_GOLDEN_SIZE;
	unsigned int i;

	if (!file || !to || !disk_cold(test))
		goto free;
	memory = disk_map(test, file, size, PROT_READ,
			  (int)test->recipe->argument);
	if (!memory)
		goto free;
	for (i = 0; i < 16; i++) {
		size_t skew = random_below(&test->random, 512) * 8;
		size_t len = 1 + random_below(&test->random, SIZE);
		size_t off = random_below(&test->random, (size - len) / 16) * 16;
		struct content want = content_slice(&file->content, off, len);

		bytes_fill(to, SIZE + PAGE, CROSSBAR_POISON);
		if (!engine_run(test, gpu_copy(to + skew, memory + off, len),
				NULL, "copy from a file") ||
		    !disk_memory_is(test, &want, to + skew, "copy from a file") ||
		    !test_check(test, bytes_check(to, skew, CROSSBAR_POISON) ==
				skew, "bytes before a copy changed"))
			break;
	}
	munmap(memory, size);
free:
	free(to);
}

/* What write(2) and O_DIRECT put into a file that the GPU has mapped. */
static void run_after_write(struct test *test)
{
	bool direct = test->recipe->argument;
	struct file *file = disk_file(test, SIZE, false);
	uint8_t *memory, *from = NULL;
	uint16_t gen = fresh_generation();
	size_t at = SIZE / 4, len = SIZE / 2;

	if (!file)
		return;
	memory = disk_map(test, file, SIZE, PROT_READ, MAP_SHARED);
	if (!memory || posix_memalign((void **)&from, PAGE, len) ||
	    !engine_crc(test, memory, SIZE, disk_model_crc(&file->content),
			"before the write"))
		goto remove;
	cells_fill(from, len, at, file->id, gen);
	if (!test_check(test, pwrite(direct ? file->direct : file->cached, from,
				     len, (off_t)at) == (ssize_t)len,
			"cannot write %s: %s", file->path, strerror(errno)))
		goto remove;
	content_set(&file->content, segment_cells(at, len, file->id, gen));
	engine_crc(test, memory, SIZE, disk_model_crc(&file->content),
		   "after the write");
remove:
	if (memory)
		munmap(memory, SIZE);
	free(from);
	file_remove(file);
}

/* Holes and unwritten extents are zeros; reading them takes no blocks. */
static void run_gaps(struct test *test)
{
	struct file *file = disk_file(test, SIZE, false);
	size_t size = 3 * SIZE;
	uint8_t *memory = NULL;
	struct stat before, after;

	if (!file)
		return;
	if (!test_check(test, !fallocate(file->cached, 0, (off_t)SIZE,
					 (off_t)SIZE) &&
			!ftruncate(file->cached, (off_t)size) &&
			!fsync(file->cached) && !fstat(file->cached, &before),
			"cannot leave gaps in %s: %s", file->path,
			strerror(errno)))
		goto remove;
	content_set(&file->content, segment_zeros(SIZE, 2 * SIZE));
	memory = disk_map(test, file, size, PROT_READ, MAP_SHARED);
	if (memory && engine_crc(test, memory, size,
				 disk_model_crc(&file->content),
				 "data, unwritten extent and hole") &&
	    test_check(test, !fsync(file->cached) && !fstat(file->cached, &after),
		       "fstat: %s", strerror(errno)))
		test_check(test, before.st_blocks == after.st_blocks,
			   "reading has changed %lld blocks to %lld",
			   (long long)before.st_blocks,
			   (long long)after.st_blocks);
remove:
	if (memory)
		munmap(memory, size);
	file_remove(file);
}

/* The last page goes on with zeros, the one behind it is not there. */
static void run_end(struct test *test)
{
	struct file *file = disk_golden(test);
	size_t size = CROSSBAR_GOLDEN_SIZE, last = size / PAGE * PAGE;
	size_t tail = size - last;
	uint8_t *memory, page[PAGE];
	struct content want;

	if (!file)
		return;
	memory = disk_map(test, file, last + 4 * PAGE, PROT_READ, MAP_SHARED);
	if (!memory)
		return;
	want = content_slice(&file->content, last, tail);
	content_append(&want, segment_zeros(size, PAGE - tail));
	bytes_fill(page, PAGE, CROSSBAR_POISON);
	if (engine_run(test, gpu_copy(page, memory + last, PAGE), NULL,
		       "copy of the last page") &&
	    disk_memory_is(test, &want, page, "copy of the last page") &&
	    engine_refuses(test, gpu_crc32c(memory + last, PAGE + 1), EFAULT,
			   "sum beyond the end of the file") &&
	    engine_refuses(test, gpu_crc32c(memory + last + 2 * PAGE, 8), EFAULT,
			   "sum of the second page behind the file"))
		engine_run(test, gpu_crc32c(memory + last, PAGE), NULL,
			   "sum of the last page after all that");
	munmap(memory, last + 4 * PAGE);
}

static const struct recipe recipe[] = {
	{ .name = "crc32c-golden-shared", .run = run_golden, .volume = true,
	  .claim = CLAIM_MEMORY, .argument = MAP_SHARED },
	{ .name = "crc32c-golden-private", .run = run_golden, .volume = true,
	  .claim = CLAIM_MEMORY, .argument = MAP_PRIVATE },
	{ .name = "crc32c-64m", .run = run_big, .volume = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "read-shared", .run = run_ranges, .volume = true,
	  .claim = CLAIM_MEMORY, .argument = MAP_SHARED },
	{ .name = "read-private", .run = run_ranges, .volume = true,
	  .claim = CLAIM_MEMORY, .argument = MAP_PRIVATE },
	{ .name = "read-after-write", .run = run_after_write, .volume = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "read-after-direct-write", .run = run_after_write,
	  .volume = true, .claim = CLAIM_MEMORY, .argument = true },
	{ .name = "read-gaps", .run = run_gaps, .volume = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "read-beyond-end", .run = run_end, .volume = true,
	  .claim = CLAIM_MEMORY },
};

const struct recipes file_recipes = { recipe, ARRAY_SIZE(recipe) };
