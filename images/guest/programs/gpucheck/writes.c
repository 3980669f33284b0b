// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing mapped files: what has to be found, and where.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "crossbar_cell.h"
#include "area.h"
#include "cells.h"
#include "disk.h"
#include "engine.h"

#define SIZE	((size_t)KIB(256))

#define POISON_WORD	(0x0101010101010101ULL * CROSSBAR_POISON)

/* The GPU copies new cells to [@off, @off + @len) of a mapping of the file. */
static bool gpu_write(struct test *test, struct file *file, uint8_t *memory,
		      size_t off, size_t len, const char *what)
{
	uint16_t gen = fresh_generation();
	uint8_t *from = malloc(len);
	bool ok = test_check(test, from, "no memory for %zu bytes", len);

	if (ok) {
		cells_fill(from, len, off, file->id, gen);
		ok = engine_run(test, gpu_copy(memory + off, from, len), NULL,
				what);
	}
	if (ok)
		content_set(&file->content,
			    segment_cells(off, len, file->id, gen));
	else
		file->unsure = true;
	free(from);
	return ok;
}

/* By mmap loads, read(2), another process; then, unmapped, on the disk. */
static void find_everywhere(struct test *test, struct file *file,
			    uint8_t **memory, size_t size)
{
	bool ok = disk_memory_is(test, &file->content, *memory, "loads") &&
		  disk_file_is(test, file, "read(2)") &&
		  disk_process_finds(test, file, "another process");

	/* Pages that are mapped stay in the cache, whatever is asked. */
	munmap(*memory, size);
	*memory = NULL;
	if (!ok || !disk_has(test, file, "read(2) after all caches were dropped"))
		return;
	*memory = disk_map(test, file, size, PROT_READ, MAP_SHARED);
	if (*memory)
		engine_crc(test, *memory, size, disk_model_crc(&file->content),
			   "sum of what came back from the disk");
}

static void run_shared(struct test *test)
{
	struct file *file = disk_file(test, SIZE, true);
	uint8_t *memory;

	if (!file)
		return;
	memory = disk_map(test, file, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (!memory)
		return;
	/* Pages that are cold, a piece of pages, and a fill. */
	file->unsure = true;
	if (gpu_write(test, file, memory, KIB(64), KIB(128), "whole pages") &&
	    gpu_write(test, file, memory, KIB(16) + 512, KIB(5) + 48,
		      "parts of pages") &&
	    engine_run(test, gpu_fill(memory + KIB(208), POISON_WORD, KIB(8)),
		       NULL, "fill")) {
		content_set(&file->content,
			    segment_poison(KIB(208), KIB(8)));
		file->unsure = false;
		find_everywhere(test, file, &memory, SIZE);
	}
	if (memory)
		munmap(memory, SIZE);
}

/* Into a hole, an unwritten extent, and the page in which the file ends. */
static void run_gaps(struct test *test)
{
	struct file *file = disk_file(test, SIZE, true);
	size_t hole = 2 * SIZE, size = 3 * SIZE;
	uint8_t *memory;

	if (!file)
		return;
	memory = disk_map(test, file, size, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (!memory)
		return;
	file->unsure = true;
	if (!test_check(test, !fallocate(file->cached, 0, (off_t)SIZE,
					 (off_t)SIZE) &&
			!ftruncate(file->cached, (off_t)size) &&
			!fsync(file->cached), "cannot leave gaps in %s: %s",
			file->path, strerror(errno)))
		goto unmap;
	content_set(&file->content, segment_zeros(SIZE, 2 * SIZE));
	if (gpu_write(test, file, memory, SIZE + KIB(64), KIB(64),
		      "unwritten extent") &&
	    gpu_write(test, file, memory, hole + KIB(32), KIB(64), "hole") &&
	    gpu_write(test, file, memory, hole - PAGE, 2 * PAGE,
		      "from one to the other")) {
		file->unsure = false;
		find_everywhere(test, file, &memory, size);
	}
unmap:
	if (memory)
		munmap(memory, size);
}

/* fsync() takes the pages' dirt away: a second write has to bring it back. */
static void run_after_sync(struct test *test)
{
	struct file *file = disk_file(test, SIZE, true);
	uint8_t *memory;
	unsigned int i;
	bool ok = true;

	if (!file)
		return;
	memory = disk_map(test, file, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (!memory)
		return;
	for (i = 0; ok && i < 3; i++)
		ok = gpu_write(test, file, memory, KIB(32), KIB(96),
			       "write after fsync") &&
		     test_check(test, !fsync(file->cached), "fsync: %s",
				strerror(errno));
	/* The last one has no sync of its own but that of the checks. */
	if (ok && gpu_write(test, file, memory, KIB(64), KIB(32), "last write"))
		find_everywhere(test, file, &memory, SIZE);
	if (memory)
		munmap(memory, SIZE);
}

/* msync() and writeback of one mapping, the GPU by another one. */
static void run_two_mappings(struct test *test)
{
	struct file *file = disk_file(test, SIZE, true);
	uint8_t *first, *second = NULL;
	uint16_t gen = fresh_generation();

	if (!file)
		return;
	first = disk_map(test, file, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (first)
		second = disk_map(test, file, SIZE, PROT_READ | PROT_WRITE,
				  MAP_SHARED);
	file->unsure = true;
	if (!second || !gpu_write(test, file, first, 0, KIB(128), "first") ||
	    !disk_memory_is(test, &file->content, second, "the other mapping") ||
	    !gpu_write(test, file, second, KIB(64), KIB(128), "second"))
		goto unmap;
	/* Now the CPU by one, and the GPU reads by the other. */
	cells_fill(second + KIB(16), KIB(16), KIB(16), file->id, gen);
	content_set(&file->content,
		    segment_cells(KIB(16), KIB(16), file->id, gen));
	if (!engine_crc(test, first, SIZE, disk_model_crc(&file->content),
			"sum by one mapping of what the CPU wrote by another") ||
	    !test_check(test, !msync(first, SIZE, MS_SYNC), "msync: %s",
			strerror(errno)))
		goto unmap;
	file->unsure = false;
	munmap(first, SIZE);
	first = NULL;
	find_everywhere(test, file, &second, SIZE);
unmap:
	if (first)
		munmap(first, SIZE);
	if (second)
		munmap(second, SIZE);
}

/* Odd offsets and lengths, against a model of every byte. */
static void run_odd(struct test *test)
{
	struct file *file = disk_file(test, SIZE, false);
	uint8_t *model = malloc(SIZE), *from = malloc(SIZE), *memory = NULL;
	unsigned int i;

	if (!file || !model || !from)
		goto free;
	content_fill(&file->content, model);
	random_fill(&test->random, from, SIZE);
	memory = disk_map(test, file, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (i = 0; memory && i < 32; i++) {
		size_t len = 1 + random_below(&test->random, 3 * PAGE);
		size_t to = random_below(&test->random, SIZE - len);
		size_t at = random_below(&test->random, SIZE - len);

		if (!engine_run(test, gpu_copy(memory + to, from + at, len), NULL,
				"copy of odd length"))
			goto free;
		memcpy(model + to, from + at, len);
	}
	if (!memory || !memory_check(test, memory, model, SIZE, "loads"))
		goto free;
	munmap(memory, SIZE);
	memory = NULL;
	if (test_check(test, !fsync(file->cached), "fsync: %s", strerror(errno)) &&
	    disk_cold(test) &&
	    test_check(test, pread(file->cached, from, SIZE, 0) == (ssize_t)SIZE,
		       "cannot read %s: %s", file->path, strerror(errno)))
		memory_check(test, from, model, SIZE, "read(2) from the disk");
free:
	if (memory)
		munmap(memory, SIZE);
	free(from);
	free(model);
	if (file)
		file_remove(file);
}

static const struct recipe recipe[] = {
	{ .name = "write-shared", .run = run_shared, .volume = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "write-gaps", .run = run_gaps, .volume = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "write-after-sync", .run = run_after_sync, .volume = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "write-two-mappings", .run = run_two_mappings,
	  .volume = true, .claim = CLAIM_MEMORY },
	{ .name = "write-odd", .run = run_odd, .volume = true,
	  .claim = CLAIM_MEMORY },
};

const struct recipes write_recipes = { recipe, ARRAY_SIZE(recipe) };
