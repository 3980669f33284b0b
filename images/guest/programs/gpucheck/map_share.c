// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 3: blocks that come to belong to two files. A device that could go on writing
 * to them would write to both.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"

#define SIZE	((size_t)KIB(256))

#define DIRTY	(18 * PAGE)
#define WRITTEN	(20 * PAGE)

/* The page that is shared alone, and how many are faulted in with it at most. */
#define MIDDLE	20
#define AROUND	16

enum share {
	SHARE_CLONE,
	SHARE_CLONE_RANGE,
	SHARE_COPY_RANGE,
};

/* The other file, empty. It stays, with what it comes to hold. */
static struct file *make_other(struct test *test)
{
	struct file *file;
	char name[96];

	snprintf(name, sizeof(name), "%s.other", test->name);
	file = file_create(test->volume, name);
	test_check(test, file, "cannot make %s: %s", name, strerror(errno));
	if (file)
		file->unsure = true;
	return file;
}

static bool share_blocks(struct test *test, struct file *from,
			 struct file *to)
{
	struct file_clone_range range = {
		.src_fd = from->cached,
		.src_length = SIZE,
	};
	bool ok = false;

	switch ((enum share)test->recipe->argument) {
	case SHARE_CLONE:
		ok = !ioctl(to->cached, FICLONE, from->cached);
		break;
	case SHARE_CLONE_RANGE:
		ok = !ioctl(to->cached, FICLONERANGE, &range);
		break;
	case SHARE_COPY_RANGE:
		ok = copy_file_range(from->cached, NULL, to->cached, NULL, SIZE,
				     0) == (ssize_t)SIZE;
		break;
	}
	/* Its cells name the file that they came from. */
	to->content = from->content;
	return test_check(test, ok, "cannot share the blocks of %s: %s",
			  from->path, strerror(errno));
}

/* Each has its own bytes, here and on the disk. */
static bool differ(struct test *test, struct mapped *mapped, struct file *other,
		   const char *what)
{
	return disk_file_is(test, other, what) &&
	       mapped_is_found(test, mapped, what) &&
	       mapped_is_kept(test, mapped, what) &&
	       disk_has(test, other, what);
}

static void run_share(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	struct file *other = NULL;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !mapped_sum(test, &mapped, "before") ||
	    !mapped_write(test, &mapped, DIRTY, WRITTEN, "before") ||
	    !look_mapped(test, &mapped, 0, SIZE, "before") ||
	    !engine_stats(test, &before))
		goto close;
	other = make_other(test);
	if (!other || !share_blocks(test, mapped.file, other) ||
	    !look_revoked(test, &mapped, 0, SIZE, "after sharing") ||
	    !path_revoked(test, &before, "after sharing") ||
	    !engine_stats(test, &before))
		goto close;
	/* Shared blocks may be read, but not written. */
	if (!mapped_write(test, &mapped, DIRTY + 4 * PAGE, 4 * PAGE,
			  "write to shared blocks") ||
	    !path_fallback(test, &before, "write to shared blocks") ||
	    !path_refused(test, &before, EBUSY, "write to shared blocks") ||
	    !differ(test, &mapped, other, "after a write to shared blocks") ||
	    !mapped_cool(test, &mapped, "before the next write") ||
	    !engine_stats(test, &before))
		goto close;
	/* Those that were written are the file's own now. */
	if (mapped_write(test, &mapped, DIRTY + 5 * PAGE, 2 * PAGE,
			 "write to blocks of its own") &&
	    path_direct(test, &before, 2, "write to blocks of its own") &&
	    mapped_sum(test, &mapped, "sum of both kinds") &&
	    differ(test, &mapped, other, "after all writes"))
		other->unsure = false;
close:
	mapped_close(test, &mapped);
}

/* Both are mapped; whoever is written to takes nothing from the other. */
static void run_both(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct file *other = NULL, *first;
	uint8_t *memory;

	if (!mapped_open(test, &mapped, SIZE, true))
		goto close;
	first = mapped.file;
	other = make_other(test);
	if (!other || !share_blocks(test, first, other) ||
	    !mapped_sum(test, &mapped, "the first file"))
		goto close;
	memory = mapped.memory;
	mapped.file = other;
	if (!mapped_map(test, &mapped, PROT_READ | PROT_WRITE) ||
	    !mapped_sum(test, &mapped, "the second file") ||
	    !mapped_fill(test, &mapped, DIRTY, PAGE, "write to the second file"))
		goto swap;
	if (mapped_sum(test, &mapped, "the second file, written"))
		mapped_is_kept(test, &mapped, "the second file, written");
	mapped_unmap(&mapped);
swap:
	mapped_unmap(&mapped);
	mapped.file = first;
	mapped.memory = memory;
	if (!test->verdict.failed &&
	    mapped_sum(test, &mapped, "the first file, not written") &&
	    mapped_fill(test, &mapped, 0, PAGE + 512, "write to the first file"))
		other->unsure = !differ(test, &mapped, other, "both, written");
close:
	mapped_close(test, &mapped);
}

/*
 * A place in the BAR was reserved for a file that has been written since, and so has
 * other blocks: the old ones are the other file's alone.
 */
static void run_leave(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct file *other = NULL, *first;
	struct ivgpu_stats before;
	uint8_t *memory;

	if (!mapped_open(test, &mapped, SIZE, true))
		goto close;
	first = mapped.file;
	other = make_other(test);
	if (!other || !share_blocks(test, first, other) ||
	    !mapped_sum(test, &mapped, "the first file") ||
	    !look_mapped(test, &mapped, 0, SIZE, "the first file") ||
	    !test_check(test, file_write(first, 0, SIZE, fresh_generation()),
			"cannot write %s: %s", first->path, strerror(errno)) ||
	    !mapped_cool(test, &mapped, "the first file, written"))
		goto close;
	memory = mapped.memory;
	mapped.file = other;
	if (mapped_map(test, &mapped, PROT_READ) &&
	    engine_stats(test, &before) &&
	    mapped_sum(test, &mapped, "the second file"))
		path_direct(test, &before, SIZE / PAGE, "the second file");
	mapped_unmap(&mapped);
	mapped.file = first;
	mapped.memory = memory;
	if (!test->verdict.failed &&
	    mapped_sum(test, &mapped, "the first file, written"))
		other->unsure = !differ(test, &mapped, other, "in the end");
close:
	mapped_close(test, &mapped);
}

/* The other file's only page is as it was. */
static bool keeps_page(struct test *test, const struct file *other,
		       const uint8_t *want, const char *what)
{
	static uint8_t found[PAGE] __attribute__((aligned(PAGE)));

	return test_check(test, pread(other->direct, found, PAGE, 0) == PAGE,
			  "cannot read %s: %s", other->path, strerror(errno)) &&
	       test_check(test, !memcmp(found, want, PAGE),
			  "%s: %s has changed", what, other->path);
}

/*
 * One block in the middle is shared. It goes through the page cache, with a few
 * neighbours that are faulted in with it; the others stay direct.
 */
static void run_middle(struct test *test)
{
	static uint8_t page[PAGE] __attribute__((aligned(PAGE)));
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before, after;
	struct file *other = NULL;
	struct file_clone_range range = {
		.src_offset = MIDDLE * PAGE,
		.src_length = PAGE,
	};

	if (!mapped_open(test, &mapped, SIZE, true))
		goto close;
	other = make_other(test);
	range.src_fd = mapped.file->cached;
	/* Readahead would bring the page cache all that follows. */
	madvise(mapped.memory, SIZE, MADV_RANDOM);
	if (!other || !test_check(test, !ioctl(other->cached, FICLONERANGE,
					       &range) &&
				  pread(other->direct, page, PAGE, 0) == PAGE,
				  "cannot share a block of %s: %s",
				  mapped.file->path, strerror(errno)) ||
	    !engine_stats(test, &before) ||
	    !mapped_write(test, &mapped, 0, SIZE, "all of it") ||
	    !engine_stats(test, &after))
		goto close;
	after.pages_direct -= before.pages_direct;
	after.pages_fallback -= before.pages_fallback;
	if (test_check(test, after.pages_fallback >= 1 &&
		       after.pages_direct + after.pages_fallback == SIZE / PAGE &&
		       (test->direct ? after.pages_fallback <= AROUND :
			!after.pages_direct),
			"%llu pages direct, %llu from the page cache",
			(unsigned long long)after.pages_direct,
			(unsigned long long)after.pages_fallback) &&
	    mapped_sum(test, &mapped, "all of it") &&
	    mapped_is_found(test, &mapped, "all of it") &&
	    mapped_is_kept(test, &mapped, "all of it"))
		keeps_page(test, other, page, "all of it");
close:
	if (other)
		file_remove(other);
	mapped_close(test, &mapped);
}

/* Two files of the same bytes, which the GPU wrote, become one set of blocks. */
static void run_dedupe(struct test *test)
{
	struct {
		struct file_dedupe_range range;
		struct file_dedupe_range_info info;
	} request = {
		.range = { .src_length = SIZE, .dest_count = 1 },
	};
	struct mapped mapped = { .file = NULL };
	struct file *other = NULL;
	uint8_t *copy = NULL;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !mapped_write(test, &mapped, DIRTY, WRITTEN, "before"))
		goto close;
	other = make_other(test);
	copy = malloc(SIZE);
	if (!other || !test_check(test, copy, "no memory for a copy"))
		goto close;
	content_fill(&mapped.file->content, copy);
	other->content = mapped.file->content;
	if (!test_check(test, pwrite(other->cached, copy, SIZE, 0) ==
			(ssize_t)SIZE && file_cool(other), "cannot write %s: %s",
			other->path, strerror(errno)) ||
	    !mapped_sum(test, &mapped, "before"))
		goto close;
	request.info.dest_fd = other->cached;
	if (!test_check(test, !ioctl(mapped.file->cached, FIDEDUPERANGE,
				     &request) &&
			request.info.status == FILE_DEDUPE_RANGE_SAME &&
			request.info.bytes_deduped == SIZE,
			"FIDEDUPERANGE: status %d after %llu bytes: %s",
			request.info.status,
			(unsigned long long)request.info.bytes_deduped,
			strerror(errno)) ||
	    !look_revoked(test, &mapped, 0, SIZE, "after FIDEDUPERANGE") ||
	    !mapped_cool(test, &mapped, "after FIDEDUPERANGE"))
		goto close;
	if (mapped_write(test, &mapped, DIRTY + PAGE, PAGE,
			 "write to shared blocks") &&
	    mapped_sum(test, &mapped, "sum of both kinds"))
		other->unsure = !differ(test, &mapped, other,
					"after a write to shared blocks");
close:
	free(copy);
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule3-reflink", .run = run_share, .volume = true,
	  .fstype = "xfs", .argument = SHARE_CLONE },
	{ .name = "rule3-reflink-range", .run = run_share, .volume = true,
	  .fstype = "xfs", .argument = SHARE_CLONE_RANGE },
	{ .name = "rule3-copy-range", .run = run_share, .volume = true,
	  .fstype = "xfs", .argument = SHARE_COPY_RANGE },
	{ .name = "rule3-reflink-both-mapped", .run = run_both, .volume = true,
	  .fstype = "xfs", .argument = SHARE_CLONE },
	{ .name = "rule7-reflink-leaves-place", .run = run_leave, .volume = true,
	  .fstype = "xfs", .argument = SHARE_CLONE },
	{ .name = "rule3-reflink-one-block", .run = run_middle, .volume = true,
	  .fstype = "xfs" },
	{ .name = "rule3-dedupe", .run = run_dedupe, .volume = true,
	  .fstype = "xfs" },
};

const struct recipes map_share_recipes = { recipe, ARRAY_SIZE(recipe) };
