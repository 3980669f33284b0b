// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing the blocks of a file, where they are: who finds it, and for how long.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "engine.h"
#include "area.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"
#include "process.h"

#define SIZE	((size_t)KIB(256))

enum how {
	HOW_FILL,
	HOW_COPY,
};

/* Found by everyone, kept by the disk, and then by the GPU where it left it. */
static bool find_everywhere(struct test *test, struct mapped *mapped)
{
	struct ivgpu_stats before;

	return mapped_is_found(test, mapped, "after the GPU's write") &&
	       mapped_is_kept(test, mapped, "after fsync and without caches") &&
	       mapped_cool(test, mapped, "before the last sum") &&
	       engine_stats(test, &before) &&
	       mapped_sum(test, mapped, "sum of what came from the disk") &&
	       path_direct(test, &before, mapped->size / PAGE, "the last sum");
}

static void run_whole(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	size_t size = 2 * SIZE;
	bool ok;

	ok = mapped_open(test, &mapped, size, true) &&
	     engine_stats(test, &before);
	if (ok && test->recipe->argument == HOW_FILL)
		ok = mapped_fill(test, &mapped, 0, size, "fill of a file");
	else if (ok)
		ok = mapped_write(test, &mapped, 0, size, "copy to a file");
	if (ok && path_direct(test, &before, size / PAGE, "a write") &&
	    look_uncached(test, &mapped, "after a write") &&
	    look_mapped(test, &mapped, 0, size, "after a write"))
		find_everywhere(test, &mapped);
	mapped_close(test, &mapped);
}

/* What the GPU wrote it reads by the same way, be it a page or a part of one. */
static void run_read_back(struct test *test)
{
	static const struct {
		size_t off, len;
	} parts[] = {
		{ 0, PAGE }, { 5 * PAGE, 4 * PAGE }, { 11 * PAGE + 512, 48 },
		{ 13 * PAGE - 16, 32 }, { 20 * PAGE + 16, 3 * PAGE },
		{ SIZE - PAGE, PAGE },
	};
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	unsigned int i;
	bool ok;

	ok = mapped_open(test, &mapped, SIZE, true) &&
	     engine_stats(test, &before);
	for (i = 0; ok && i < ARRAY_SIZE(parts); i++)
		ok = mapped_write(test, &mapped, parts[i].off, parts[i].len,
				  "write") &&
		     mapped_read(test, &mapped, parts[i].off, parts[i].len,
				 "read of what was written") &&
		     mapped_sum(test, &mapped, "sum of all");
	if (ok && path_direct(test, &before, SIZE / PAGE, "writes and reads") &&
	    look_uncached(test, &mapped, "after writes and reads"))
		find_everywhere(test, &mapped);
	mapped_close(test, &mapped);
}

/* Copies from anywhere to anywhere, against a model of every byte. */
static void run_odd(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	uint8_t *model = malloc(SIZE), *found = malloc(SIZE);
	struct ivgpu_stats before;
	unsigned int i;
	bool ok;

	ok = model && found && mapped_open(test, &mapped, SIZE, false) &&
	     engine_stats(test, &before);
	if (ok) {
		content_fill(&mapped.file->content, model);
		random_fill(&test->random, mapped.video, SIZE);
	}
	for (i = 0; ok && i < 48; i++) {
		size_t len = 1 + random_below(&test->random, 3 * PAGE);
		size_t to = random_below(&test->random, SIZE - len);
		size_t at = random_below(&test->random, SIZE - len);

		ok = engine_run(test, gpu_copy(mapped.memory + to,
					       mapped.video + at, len), NULL,
				"copy of odd length");
		memcpy(model + to, mapped.video + at, len);
	}
	if (ok && path_direct(test, &before, 1, "copies of odd length") &&
	    engine_run(test, gpu_copy(mapped.video, mapped.memory, SIZE), NULL,
		       "copy of all") &&
	    memory_check(test, mapped.video, model, SIZE, "by the GPU") &&
	    memory_check(test, mapped.memory, model, SIZE, "by loads") &&
	    mapped_cool(test, &mapped, "after the copies") &&
	    test_check(test, pread(mapped.file->cached, found, SIZE, 0) ==
		       (ssize_t)SIZE, "cannot read %s: %s", mapped.file->path,
		       strerror(errno)))
		memory_check(test, found, model, SIZE, "by the disk");
	mapped_close(test, &mapped);
	free(found);
	free(model);
}

/*
 * struct other - a process that works on the parent's file by its own mapping
 * @file:    the parent's
 * @meeting: with the parent
 */
struct other {
	struct file *file;
	struct meeting meeting;
};

/* Sees what the parent wrote, writes next to it. */
static void join_in(struct test *test, void *context)
{
	struct other *other = context;
	struct ivgpu gpu;
	struct mapped mapped = {
		.file = other->file,
		.size = SIZE,
		.gpu = &gpu,
	};

	if (!test_check(test, ivgpu_open(&gpu, test->address, &test->totals),
			"cannot open the GPU: %s", strerror(errno)))
		return;
	mapped.video = ivgpu_alloc(&gpu, SIZE, NULL);
	if (!test_check(test, mapped.video, "cannot allocate: %s",
			strerror(errno)) ||
	    !mapped_map(test, &mapped, PROT_READ | PROT_WRITE) ||
	    !mapped_sum(test, &mapped, "sum by another process") ||
	    !mapped_fill(test, &mapped, KIB(128), KIB(64),
			 "fill by another process"))
		return;
	meeting_signal(&other->meeting, true);
	meeting_wait(&other->meeting, true);
	/* The parent has written once more. */
	content_set(&mapped.file->content, segment_poison(KIB(64), KIB(32)));
	mapped_sum(test, &mapped, "second sum by another process");
	ivgpu_close(&gpu);
}

/* Two processes, each with an address space, have the same pages at once. */
static void run_two_processes(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	struct other other = { .file = NULL };
	pid_t pid;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !meeting_open(test, &other.meeting))
		goto close;
	other.file = mapped.file;
	if (!mapped_write(test, &mapped, KIB(16), KIB(64), "write") ||
	    !engine_stats(test, &before))
		goto close_meeting;
	pid = process_start(test, join_in, &other);
	if (pid < 0)
		goto close_meeting;
	if (meeting_wait(&other.meeting, false)) {
		content_set(&mapped.file->content,
			    segment_poison(KIB(128), KIB(64)));
		mapped_sum(test, &mapped, "sum of the other's write");
		mapped_fill(test, &mapped, KIB(64), KIB(32), "second write");
		meeting_signal(&other.meeting, false);
	}
	if (process_end(test, pid) &&
	    path_direct(test, &before, 1, "with another process") &&
	    look_uncached(test, &mapped, "after two processes"))
		find_everywhere(test, &mapped);
close_meeting:
	meeting_close(&other.meeting);
close:
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "write-whole-fill", .run = run_whole, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = HOW_FILL },
	{ .name = "write-whole-copy", .run = run_whole, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = HOW_COPY },
	{ .name = "write-read-back", .run = run_read_back, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "write-odd", .run = run_odd, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "write-two-processes", .run = run_two_processes,
	  .volume = true, .claim = CLAIM_DIRECT },
};

const struct recipes map_write_recipes = { recipe, ARRAY_SIZE(recipe) };
