// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 7: what could be mapped can be mapped again, as long as the mapping is there
 * and the blocks are where they were, whoever else wants the BAR meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "defrag.h"
#include "engine.h"
#include "map_file.h"
#include "map_fill.h"
#include "map_leave.h"
#include "map_look.h"
#include "path.h"

#define SIZE	((size_t)KIB(256))
#define ROUNDS	12

/* By all ways of the CPU in turn, one after the other. */
static void run_again(struct test *test)
{
	static const enum fill fills[] = {
		FILL_READ, FILL_DIO_READ, FILL_LOAD, FILL_WRITE, FILL_SPLICE,
		FILL_STORE,
	};
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	unsigned int i;
	bool ok = mapped_open(test, &mapped, SIZE, true);

	for (i = 0; ok && i < ROUNDS; i++)
		ok = engine_stats(test, &before) &&
		     mapped_sum(test, &mapped, "sum") &&
		     mapped_write(test, &mapped, 20 * PAGE, 8 * PAGE, "write") &&
		     path_direct(test, &before, SIZE / PAGE, "once more") &&
		     fill_range(test, &mapped, fills[i % ARRAY_SIZE(fills)],
				16 * PAGE, 16 * PAGE) &&
		     fill_range(test, &mapped, FILL_READ, 0, SIZE) &&
		     look_revoked(test, &mapped, 0, SIZE, "after the CPU") &&
		     mapped_cool(test, &mapped, "after the CPU");
	if (ok && mapped_is_found(test, &mapped, "in the end"))
		mapped_is_kept(test, &mapped, "in the end");
	mapped_close(test, &mapped);
}

/* How a file comes to be out of the BAR. */
enum out {
	OUT_READ,
	OUT_REVOKE,
	OUT_RESET,
	OUT_PUNCH,
	OUT_UNMAP,
	OUT_REFLINK,
	OUT_DEDUPE,
	OUT_MOVE,
};

/* Pages at the end of the file whose blocks go, or are not its own any more. */
#define TAKEN	4

static bool takes_blocks(enum out out)
{
	return out == OUT_PUNCH || out == OUT_REFLINK || out == OUT_MOVE;
}

/* The end of another file gets the blocks, or gives its own for them. */
static bool give_blocks(struct test *test, struct mapped *mapped, enum out out)
{
	const size_t off = SIZE - TAKEN * PAGE, len = TAKEN * PAGE;
	struct {
		struct file_dedupe_range range;
		struct file_dedupe_range_info info;
	} dedupe = {
		.range = {
			.src_offset = off, .src_length = len, .dest_count = 1,
		},
		.info = { .dest_offset = off },
	};
	struct file_clone_range clone = {
		.src_fd = mapped->file->cached,
		.src_offset = off, .src_length = len, .dest_offset = off,
	};
	struct file *other;
	char name[96];
	bool ok;

	snprintf(name, sizeof(name), "%s.other", test->name);
	other = file_create(test->volume, name);
	ok = test_check(test, other && file_write(other, 0, SIZE,
						  fresh_generation()) &&
			file_cool(other), "cannot make %s: %s", name,
			strerror(errno));
	if (!ok)
		goto remove;
	switch (out) {
	case OUT_REFLINK:
		ok = !ioctl(other->cached, FICLONERANGE, &clone);
		break;
	case OUT_DEDUPE:
		dedupe.info.dest_fd = other->cached;
		ok = !ioctl(mapped->file->cached, FIDEDUPERANGE, &dedupe) &&
		     dedupe.info.status == FILE_DEDUPE_RANGE_DIFFERS;
		break;
	default:
		/* ext4 moves no dirty pages, which there are where the GPU has those. */
		ok = (test->direct || !fsync(mapped->file->cached)) &&
		     defrag_ext4(mapped->file->cached, other->cached, off,
				 len);
		break;
	}
	test_check(test, ok, "cannot have %s deal with the blocks: %s", name,
		   strerror(errno));
remove:
	if (other)
		file_remove(other);
	return ok;
}

/* The GPU gives it back by itself, which is counted, and twice is no error. */
static bool give_back(struct test *test, struct mapped *mapped)
{
	uint64_t before = 0, after = 0;

	return (!test->direct || look_counter(test, "unmaps", &before)) &&
	       test_check(test, ivgpu_unmap(mapped->gpu, mapped->memory, SIZE) &&
			  ivgpu_unmap(mapped->gpu, mapped->memory, SIZE),
			  "IVGPU_UNMAP: %s", strerror(errno)) &&
	       (!test->direct || look_counter(test, "unmaps", &after)) &&
	       test_check(test, !test->direct || after == before + 2,
			  "%" PRIu64 " of 2 requests reached the file system",
			  after - before);
}

static bool take_out(struct test *test, struct mapped *mapped)
{
	bool ok = false;

	switch ((enum out)test->recipe->argument) {
	case OUT_READ:
		ok = fill_range(test, mapped, FILL_READ, 0, SIZE);
		break;
	case OUT_REVOKE:
		ok = controller_revokes(test);
		break;
	case OUT_RESET:
		ok = controller_reset(test);
		break;
	case OUT_UNMAP:
		ok = give_back(test, mapped);
		break;
	case OUT_PUNCH:
		ok = test_check(test, !fallocate(mapped->file->cached,
						 FALLOC_FL_PUNCH_HOLE |
						 FALLOC_FL_KEEP_SIZE,
						 SIZE - TAKEN * PAGE,
						 TAKEN * PAGE),
				"cannot punch a hole: %s", strerror(errno));
		content_set(&mapped->file->content,
			    segment_zeros(SIZE - TAKEN * PAGE,
					  TAKEN * PAGE));
		break;
	case OUT_REFLINK:
	case OUT_DEDUPE:
	case OUT_MOVE:
		ok = give_blocks(test, mapped, test->recipe->argument);
		break;
	}
	return ok && look_revoked(test, mapped, 0, SIZE, "the first file");
}

/* Nobody else gets a place that is reserved, which it is for as long as its block stays. */
static void run_reserved(struct test *test)
{
	const size_t left = SIZE / PAGE -
			    (takes_blocks(test->recipe->argument) ? TAKEN : 0);
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	uint64_t first = 0, then = 0;

	if (mapped_open(test, &mapped, SIZE, true) &&
	    (!test->direct || look_windows(test, "reserved", &first)) &&
	    mapped_write(test, &mapped, 0, SIZE, "the first file") &&
	    look_mapped(test, &mapped, 0, SIZE, "the first file") &&
	    take_out(test, &mapped) &&
	    (!test->direct || look_windows(test, "reserved", &then)) &&
	    test_check(test, !test->direct || then - first == left,
		       "%" PRIu64 " windows are reserved for %zu pages",
		       then - first, left) &&
	    mapped_cool(test, &mapped, "the first file") &&
	    engine_stats(test, &before) &&
	    mapped_read(test, &mapped, 0, left * PAGE, "the first file, again") &&
	    path_direct(test, &before, left, "the first file, again"))
		mapped_is_kept(test, &mapped, "in the end");
	mapped_close(test, &mapped);
}

/* More takes too long to be read by an emulated BAR. */
#define LARGE_KIB	8192

/* A file that is larger than the BAR, whose pages go on being asked for. */
static struct file *make_large(struct test *test, size_t size)
{
	struct file *file;
	char name[96];

	if (size > KIB(LARGE_KIB)) {
		test_skip(test, "%zu KiB fill the BAR, which is too many; see small-cmb",
			  size >> 10);
		return NULL;
	}
	if (volume_room(test->volume) < size + MIB(8)) {
		test_skip(test, "volume %s has no room for a file of %zu KiB",
			  test->volume->id, size >> 10);
		return NULL;
	}
	snprintf(name, sizeof(name), "%s.large", test->name);
	file = file_create(test->volume, name);
	if (file && file_write(file, 0, size, fresh_generation()) &&
	    file_cool(file))
		return file;
	test_fail(test, "cannot make %s: %s", name, strerror(errno));
	if (file)
		file_remove(file);
	return NULL;
}

/* Counters of the kernel, all 0 where there is nothing to count. */
struct counts {
	uint64_t refused;
	uint64_t reclaimed;
	uint64_t free;
};

static bool count(struct test *test, struct counts *counts)
{
	*counts = (struct counts){ .refused = 0 };
	return !test->direct ||
	       (look_counter(test, "refused_ENOSPC", &counts->refused) &&
		look_counter(test, "reclaimed", &counts->reclaimed) &&
		look_windows(test, "free", &counts->free));
}

/* A part of the file is direct, and the rest is not, for want of room. */
static bool exhaust(struct test *test, struct mapped *large)
{
	struct ivgpu_stats before, after;
	struct counts first, then;

	return count(test, &first) && engine_stats(test, &before) &&
	       mapped_sum(test, large, "a large file") &&
	       path_cached(test, &before, "a large file") &&
	       engine_stats(test, &after) && count(test, &then) &&
	       test_check(test, !test->direct ||
			  (after.pages_direct > before.pages_direct &&
			   then.refused > first.refused),
			  "%" PRIu64 " pages of a large file were mapped in the BAR, and %"
			  PRIu64 " requests refused for want of room",
			  (uint64_t)(after.pages_direct - before.pages_direct),
			  then.refused - first.refused);
}

/* Another file takes all that is left of the BAR while the first one is out of it. */
static void run_full(struct test *test)
{
	size_t size = (path_bar_kib(test->volume) << 10) + MIB(1);
	struct mapped mapped = { .file = NULL }, other = { .file = NULL };
	struct ivgpu_stats before;

	if (!mapped_open(test, &mapped, SIZE, true))
		goto close;
	other = (struct mapped){
		.file = make_large(test, size),
		.size = size,
		.gpu = &test->gpu,
	};
	if (!other.file || !mapped_map(test, &other, PROT_READ) ||
	    !mapped_write(test, &mapped, 0, SIZE, "the first file") ||
	    !look_mapped(test, &mapped, 0, SIZE, "the first file") ||
	    !take_out(test, &mapped) ||
	    !exhaust(test, &other) ||
	    !mapped_cool(test, &mapped, "the first file") ||
	    !engine_stats(test, &before))
		goto close;
	/* Its places were kept for it. */
	if (mapped_sum(test, &mapped, "the first file, again") &&
	    mapped_write(test, &mapped, 4 * PAGE, 8 * PAGE,
			 "the first file, again") &&
	    path_direct(test, &before, SIZE / PAGE, "the first file, again") &&
	    mapped_is_found(test, &mapped, "in the end"))
		mapped_is_kept(test, &mapped, "in the end");
close:
	mapped_close(test, &other);
	mapped_close(test, &mapped);
}

/* When it is unmapped, others get what was used longest ago. */
static void reclaim(struct test *test, struct mapped *mapped)
{
	struct ivgpu_stats before;
	struct counts first, then;

	if (count(test, &first) && engine_stats(test, &before) &&
	    mapped_sum(test, mapped, "a file after it") &&
	    path_direct(test, &before, SIZE / PAGE, "a file after it") &&
	    count(test, &then) &&
	    test_check(test, !test->direct || first.free >= SIZE / PAGE ||
		       then.reclaimed > first.reclaimed,
		       "%" PRIu64 " windows were free, and none was reclaimed",
		       first.free))
		mapped_is_kept(test, mapped, "a file after it");
}

static void run_exhausted(struct test *test)
{
	size_t size = (path_bar_kib(test->volume) << 10) + MIB(1);
	struct mapped mapped = { .file = NULL }, large = { .file = NULL };
	unsigned int i;
	bool ok;

	large = (struct mapped){
		.file = make_large(test, size),
		.size = size,
		.gpu = &test->gpu,
	};
	ok = large.file && mapped_open(test, &mapped, SIZE, true) &&
	     mapped_map(test, &large, PROT_READ | PROT_WRITE) &&
	     exhaust(test, &large);
	/* Writes to both kinds. */
	for (i = 0; ok && i < 4; i++)
		ok = mapped_fill(test, &large, i * (size / 4) + 512, 8 * PAGE,
				 "write to a large file");
	ok = ok && mapped_sum(test, &large, "a large file, written") &&
	     disk_file_is(test, large.file, "a large file, written");
	mapped_unmap(&large);
	if (ok && disk_has(test, large.file, "a large file, written"))
		reclaim(test, &mapped);
	mapped_close(test, &mapped);
	mapped_close(test, &large);
}

static const struct recipe recipe[] = {
	{ .name = "rule7-again", .run = run_again, .volume = true },
	{ .name = "rule7-reserved-read", .run = run_reserved, .volume = true,
	  .argument = OUT_READ },
	{ .name = "rule7-reserved-revoke", .run = run_reserved, .volume = true,
	  .argument = OUT_REVOKE },
	{ .name = "rule7-reserved-reset", .run = run_reserved, .volume = true,
	  .argument = OUT_RESET },
	{ .name = "rule7-reserved-punch", .run = run_reserved, .volume = true,
	  .argument = OUT_PUNCH },
	{ .name = "rule7-reserved-unmap", .run = run_reserved, .volume = true,
	  .argument = OUT_UNMAP },
	{ .name = "rule7-reserved-reflink", .run = run_reserved, .volume = true,
	  .fstype = "xfs", .argument = OUT_REFLINK },
	{ .name = "rule7-reserved-dedupe", .run = run_reserved, .volume = true,
	  .fstype = "xfs", .argument = OUT_DEDUPE },
	{ .name = "rule7-reserved-defragment", .run = run_reserved,
	  .volume = true, .fstype = "ext4", .argument = OUT_MOVE },
	{ .name = "rule7-again-full", .run = run_full, .volume = true,
	  .argument = OUT_READ },
	{ .name = "rule7-again-full-reset", .run = run_full, .volume = true,
	  .argument = OUT_RESET },
	{ .name = "bar-exhausted", .run = run_exhausted, .volume = true },
};

const struct recipes map_again_recipes = { recipe, ARRAY_SIZE(recipe) };
