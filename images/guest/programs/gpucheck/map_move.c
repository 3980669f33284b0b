// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 3: blocks that change hands, or go somewhere else below a file that stays as
 * it is. A device that still had the old ones would write where others are now.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "defrag.h"
#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"

#define SIZE	((size_t)KIB(256))

#define DIRTY	(18 * PAGE)
#define WRITTEN	(20 * PAGE)

/* Where the file begins on the disk. False after test_fail(). */
static bool first_block(struct test *test, struct mapped *mapped, uint64_t *at)
{
	static struct extents extents;

	if (!look_extents(test, mapped, &extents))
		return false;
	*at = extents.count ? extents.extent[0].disk_off : 0;
	return test_check(test, extents.count, "%s has no blocks",
			  mapped->file->path);
}

static struct file *make_donor(struct test *test)
{
	struct file *file;
	char name[96];

	snprintf(name, sizeof(name), "%s.donor", test->name);
	file = file_create(test->volume, name);
	test_check(test, file, "cannot make %s: %s", name, strerror(errno));
	return file;
}

/* The GPU writes where the file is now, and all find it there. */
static void use(struct test *test, struct mapped *mapped)
{
	struct ivgpu_stats before;

	if (engine_stats(test, &before) &&
	    mapped_sum(test, mapped, "afterwards") &&
	    mapped_write(test, mapped, 4 * PAGE, 8 * PAGE, "afterwards") &&
	    path_direct(test, &before, SIZE / PAGE, "afterwards") &&
	    mapped_is_found(test, mapped, "afterwards"))
		mapped_is_kept(test, mapped, "afterwards");
}

static bool moved(struct test *test, struct mapped *mapped, uint64_t from,
		  const struct ivgpu_stats *before)
{
	uint64_t to;

	return look_revoked(test, mapped, 0, SIZE, "after the move") &&
	       path_revoked(test, before, "after the move") &&
	       first_block(test, mapped, &to) &&
	       test_check(test, to != from,
			  "the file is still at %llu on the disk",
			  (unsigned long long)to) &&
	       mapped_cool(test, mapped, "after the move");
}

/* As e4defrag(8) does: the kernel moves the data to a donor's blocks. */
static void run_ext4(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	struct file *donor = NULL;
	uint64_t from;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !first_block(test, &mapped, &from))
		goto close;
	donor = make_donor(test);
	if (!donor || !test_check(test, !fallocate(donor->cached, 0, 0,
						   (off_t)SIZE),
				  "cannot allocate %s: %s", donor->path,
				  strerror(errno)) ||
	    !mapped_sum(test, &mapped, "before") ||
	    !mapped_write(test, &mapped, DIRTY, WRITTEN, "before") ||
	    !look_mapped(test, &mapped, 0, SIZE, "before") ||
	    !engine_stats(test, &before))
		goto close;
	/* ext4 moves no dirty pages, which there are where the GPU has those. */
	if (!test->direct &&
	    !test_check(test, !fsync(mapped.file->cached), "fsync: %s",
			strerror(errno)))
		goto close;
	if (test_check(test, defrag_ext4(mapped.file->cached, donor->cached,
					 0, SIZE),
		       "EXT4_IOC_MOVE_EXT: %s", strerror(errno)) &&
	    moved(test, &mapped, from, &before))
		use(test, &mapped);
close:
	if (donor)
		file_remove(donor);
	mapped_close(test, &mapped);
}

/* What xfs_fsr(8) does first: it looks at the file, and copies it past the cache. */
static bool copy_out(struct test *test, struct mapped *mapped,
		     struct file *donor, struct defrag_xfs *state)
{
	uint8_t *copy;
	bool ok;

	if (!test_check(test, !posix_memalign((void **)&copy, PAGE, SIZE),
			"no memory for a copy"))
		return false;
	ok = test_check(test, defrag_xfs_look(mapped->file->cached, state) &&
			pread(mapped->file->direct, copy, SIZE, 0) ==
			(ssize_t)SIZE &&
			pwrite(donor->direct, copy, SIZE, 0) == (ssize_t)SIZE &&
			!fsync(donor->cached), "cannot copy %s: %s",
			mapped->file->path, strerror(errno));
	free(copy);
	return ok;
}

/* As xfs_fsr(8) does. @argument: the GPU writes once more before the swap. */
static void run_xfs(struct test *test)
{
	bool late = test->recipe->argument, swapped;
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	struct defrag_xfs state;
	struct file *donor = NULL;
	uint64_t from;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !first_block(test, &mapped, &from))
		goto close;
	donor = make_donor(test);
	if (!donor || !mapped_write(test, &mapped, DIRTY, WRITTEN, "before") ||
	    !copy_out(test, &mapped, donor, &state) ||
	    !mapped_sum(test, &mapped, "after the copy") ||
	    (late && !mapped_write(test, &mapped, PAGE, PAGE, "a late write")) ||
	    !look_mapped(test, &mapped, 0, SIZE, "before the swap") ||
	    !engine_stats(test, &before))
		goto close;
	swapped = defrag_xfs_swap(mapped.file->cached, donor->cached, SIZE,
				  &state);
	if (late) {
		/* Or else the late write would be lost with the old blocks. */
		if (test_check(test, !swapped && errno == EBUSY,
			       "XFS_IOC_SWAPEXT of a file that has changed: %s",
			       swapped ? "success" : strerror(errno)) &&
		    mapped_cool(test, &mapped, "after the refusal"))
			use(test, &mapped);
	} else if (test_check(test, swapped, "XFS_IOC_SWAPEXT: %s",
			      strerror(errno)) &&
		   moved(test, &mapped, from, &before)) {
		use(test, &mapped);
	}
close:
	if (donor)
		file_remove(donor);
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule3-defragment", .run = run_ext4, .volume = true,
	  .claim = CLAIM_DIRECT, .fstype = "ext4" },
	{ .name = "rule3-defragment", .run = run_xfs, .volume = true,
	  .claim = CLAIM_DIRECT, .fstype = "xfs" },
	{ .name = "rule3-defragment-changed", .run = run_xfs, .volume = true,
	  .claim = CLAIM_DIRECT, .fstype = "xfs", .argument = true },
};

const struct recipes map_move_recipes = { recipe, ARRAY_SIZE(recipe) };
