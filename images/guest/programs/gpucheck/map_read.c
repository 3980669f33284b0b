// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the blocks of a file, where they are.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "cells.h"
#include "crossbar_cell.h"
#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"

#define SIZE	((size_t)KIB(256))

/* One page in the middle, and not one byte through the page cache. */
static void run_page(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;

	if (mapped_open(test, &mapped, SIZE, false) &&
	    engine_stats(test, &before) &&
	    mapped_read(test, &mapped, 7 * PAGE, PAGE, "one page") &&
	    path_direct(test, &before, 1, "one page") &&
	    look_uncached(test, &mapped, "after one page") &&
	    look_mapped(test, &mapped, 7 * PAGE, PAGE, "after one page"))
		disk_file_is(test, mapped.file, "read(2) after the GPU");
	mapped_close(test, &mapped);
}

/* The GPU's sum, the model's and that of read(2) are one and the same. */
static void run_whole(struct test *test)
{
	size_t size = (size_t)MIB(test->recipe->argument);
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	uint32_t want, read;

	if (!mapped_open(test, &mapped, size, false) ||
	    !engine_stats(test, &before))
		goto close;
	want = disk_model_crc(&mapped.file->content);
	if (mapped_sum(test, &mapped, "sum of the whole file") &&
	    path_direct(test, &before, size / PAGE, "sum of the whole file") &&
	    engine_stats(test, &before) &&
	    engine_run(test, gpu_crc32c(mapped.memory, MIB(1)), NULL,
		       "a part of it again") &&
	    path_kept(test, &before, "a part of it again") &&
	    look_uncached(test, &mapped, "after the sums") &&
	    disk_read_crc(test, mapped.file, size, &read))
		test_check(test, read == want,
			   "read(2) gives the sum %#x instead of %#x", read,
			   want);
close:
	mapped_close(test, &mapped);
}

/* Ranges that begin and end anywhere, copied to where nothing else may change. */
static void run_ranges(struct test *test)
{
	size_t size = (size_t)KIB(768), most = (size_t)KIB(64);
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	unsigned int i;
	bool ok;

	ok = mapped_open(test, &mapped, size, false) &&
	     engine_stats(test, &before);
	for (i = 0; ok && i < 48; i++) {
		size_t skew = random_below(&test->random, 512) * 8;
		size_t len = 1 + random_below(&test->random, most);
		size_t off = random_below(&test->random, (size - len) / 16) * 16;
		struct content want = content_slice(&mapped.file->content, off,
						    len);

		bytes_fill(mapped.video, most + 2 * PAGE, CROSSBAR_POISON);
		ok = engine_run(test, gpu_copy(mapped.video + skew,
					       mapped.memory + off, len), NULL,
				"copy of a range") &&
		     disk_memory_is(test, &want, mapped.video + skew,
				    "copy of a range") &&
		     test_check(test, bytes_check(mapped.video, skew,
						  CROSSBAR_POISON) == skew &&
				mapped.video[skew + len] == CROSSBAR_POISON,
				"bytes beside a copy changed");
	}
	if (ok && path_direct(test, &before, 1, "copies of ranges"))
		look_uncached(test, &mapped, "after copies of ranges");
	mapped_close(test, &mapped);
}

/* COMPARE sees two ways to the same blocks as equal, and finds a difference. */
static void run_compare(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct crossbar_gpu_result result;
	size_t at = 9 * PAGE + 40;
	bool ok;

	ok = mapped_open(test, &mapped, SIZE, false) &&
	     engine_run(test, gpu_copy(mapped.video, mapped.memory, SIZE), NULL,
			"copy to video memory") &&
	     engine_run(test, gpu_compare(mapped.memory, mapped.video, SIZE),
			&result, "comparison") &&
	     test_check(test, result.value == SIZE,
			"a copy differs from its file at %llu",
			(unsigned long long)result.value);
	if (ok) {
		mapped.video[at] ^= 1;
		if (engine_run(test, gpu_compare(mapped.memory, mapped.video,
						 SIZE), &result, "comparison"))
			test_check(test, result.value == at,
				   "the difference at %zu is said to be at %llu",
				   at, (unsigned long long)result.value);
		look_uncached(test, &mapped, "after comparisons");
	}
	mapped_close(test, &mapped);
}

/* The page cache's bytes, by the same program, from address spaces of either path. */
static void run_fallback(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before, after;
	struct ivgpu other = { .fd = -1 };
	bool ok;

	ok = mapped_open(test, &mapped, SIZE, false) &&
	     test_check(test, ivgpu_open(&other, test->address, &test->totals) &&
			ivgpu_set_path(&other, IVGPU_PATH_FALLBACK),
			"cannot have an address space without the direct path: %s",
			strerror(errno)) &&
	     engine_stats(test, &before) &&
	     mapped_sum(test, &mapped, "by the usual path") &&
	     mapped_write(test, &mapped, KIB(16), KIB(64), "by the usual path") &&
	     path_direct(test, &before, SIZE / PAGE, "by the usual path");
	if (!ok)
		goto close;
	mapped.gpu = &other;
	if (mapped_sum(test, &mapped, "by the page cache") &&
	    mapped_write(test, &mapped, KIB(32), KIB(64), "by the page cache") &&
	    test_check(test, ivgpu_stats(&other, &after),
		       "cannot read the counters: %s", strerror(errno)) &&
	    test_check(test, !after.pages_direct && after.pages_fallback &&
		       !after.refusals,
		       "an address space without the direct path mapped %llu pages directly after %llu refusals",
		       (unsigned long long)after.pages_direct,
		       (unsigned long long)after.refusals)) {
		mapped.gpu = &test->gpu;
		if (mapped_sum(test, &mapped, "after both"))
			mapped_is_kept(test, &mapped, "after both");
	}
close:
	ivgpu_close(&other);
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "read-page", .run = run_page, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "read-whole-1m", .run = run_whole, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = 1 },
	{ .name = "read-whole-4m", .run = run_whole, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = 4, .bar = 4096 },
	{ .name = "read-whole-16m", .run = run_whole, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = 16, .bar = 16384 },
	{ .name = "read-random-ranges", .run = run_ranges, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "read-compare", .run = run_compare, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "fallback-same-bytes", .run = run_fallback, .volume = true,
	  .claim = CLAIM_MIXED },
};

const struct recipes map_read_recipes = { recipe, ARRAY_SIZE(recipe) };
