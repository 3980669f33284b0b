// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 5: the end of the file. Bytes behind it read as zeros, whatever their block
 * has there, and whatever the GPU wrote there never reaches a reader.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "cells.h"
#include "crossbar_cell.h"
#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"

#define LAST	((size_t)(12 * PAGE))
#define TAIL	((size_t)1008)
#define SIZE	(LAST + TAIL)

/* Where a write comes to that leaves a gap behind the old end. */
#define AWAY	((size_t)(15 * PAGE + 512))

/* Poison in the last block, behind the end, where no file system puts anything. */
static bool plant(struct test *test, struct mapped *mapped)
{
	static uint8_t block[PAGE] __aligned(4096);
	static struct extents extents;
	const struct extent *e;
	uint64_t at;

	/* The page cache trusts the disk to have zeros there: devices must not. */
	if (!test->direct)
		return true;
	if (!look_extents(test, mapped, &extents) ||
	    !test_check(test, extents.count, "%s has no blocks",
			mapped->file->path))
		return false;
	e = &extents.extent[extents.count - 1];
	at = e->disk_off + (LAST - e->file_off);
	if (!test_check(test, volume_read(test->volume, block, PAGE, at),
			"cannot read the last block: %s", strerror(errno)))
		return false;
	bytes_fill(block + TAIL, PAGE - TAIL, CROSSBAR_POISON);
	return test_check(test, volume_write(test->volume, block, PAGE, at),
			  "cannot write the last block: %s", strerror(errno));
}

/* The last page whole, by the GPU: cells, and then zeros. */
static bool ends_in_zeros(struct test *test, struct mapped *mapped,
			  const char *what)
{
	struct content want = content_slice(&mapped->file->content, LAST, TAIL);

	content_append(&want, segment_zeros(SIZE, PAGE - TAIL));
	bytes_fill(mapped->video, PAGE, CROSSBAR_POISON);
	return engine_run(test, gpu_copy(mapped->video, mapped->memory + LAST,
					 PAGE), NULL, what) &&
	       disk_memory_is(test, &want, mapped->video, what);
}

static void run_read(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;

	if (mapped_open(test, &mapped, SIZE, false) && plant(test, &mapped) &&
	    engine_stats(test, &before) &&
	    ends_in_zeros(test, &mapped, "the last page") &&
	    mapped_sum(test, &mapped, "the whole file") &&
	    path_direct(test, &before, 1, "the whole file"))
		look_uncached(test, &mapped, "the whole file");
	mapped_close(test, &mapped);
}

enum grow {
	GROW_TRUNCATE,
	GROW_WRITE,
	GROW_ALLOCATE,
};

/* Then, what was behind the end and what is behind it now. */
static bool grow(struct test *test, struct mapped *mapped)
{
	struct content *content = &mapped->file->content;
	int fd = mapped->file->cached;
	uint16_t gen = fresh_generation();
	uint8_t cells[512];
	bool ok = false;

	switch ((enum grow)test->recipe->argument) {
	case GROW_TRUNCATE:
		ok = !ftruncate(fd, (off_t)AWAY);
		break;
	case GROW_WRITE:
		cells_fill(cells, sizeof(cells), AWAY, mapped->file->id, gen);
		ok = pwrite(fd, cells, sizeof(cells), (off_t)AWAY) ==
		     (ssize_t)sizeof(cells);
		break;
	case GROW_ALLOCATE:
		ok = !posix_fallocate(fd, (off_t)SIZE, (off_t)(AWAY - SIZE));
		break;
	}
	content_append(content, segment_zeros(SIZE, AWAY - SIZE));
	if (test->recipe->argument == GROW_WRITE)
		content_append(content, segment_cells(AWAY, sizeof(cells),
						      mapped->file->id, gen));
	return test_check(test, ok, "cannot make %s longer: %s",
			  mapped->file->path, strerror(errno));
}

/* The GPU writes to all of the last page; the file grows over what it wrote. */
static void run_written(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	uint16_t gen = fresh_generation();

	if (!mapped_open(test, &mapped, SIZE, true) || !plant(test, &mapped) ||
	    !engine_stats(test, &before))
		goto close;
	cells_fill(mapped.video, PAGE, LAST, mapped.file->id, gen);
	mapped_wrote(&mapped, LAST, TAIL, gen);
	if (!engine_run(test, gpu_copy(mapped.memory + LAST, mapped.video, PAGE),
			NULL, "write to all of the last page") ||
	    !path_direct(test, &before, 1, "write to all of the last page") ||
	    !grow(test, &mapped))
		goto close;
	/* The mapping ends with the page in which the file ended. */
	mapped_unmap(&mapped);
	mapped.size = 16 * PAGE;
	if (mapped_map(test, &mapped, PROT_READ | PROT_WRITE) &&
	    mapped_sum(test, &mapped, "the file that has grown") &&
	    mapped_is_found(test, &mapped, "the file that has grown") &&
	    mapped_is_kept(test, &mapped, "the file that has grown") &&
	    mapped_cool(test, &mapped, "the file that has grown"))
		mapped_sum(test, &mapped, "the grown file, from the disk");
close:
	mapped_close(test, &mapped);
}

/* What the GPU wrote behind the end is not on the medium either. */
static void run_synced(struct test *test)
{
	static struct extents extents;
	struct mapped mapped = { .file = NULL };
	struct content *content;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !look_extents(test, &mapped, &extents))
		goto close;
	content = &mapped.file->content;
	if (!engine_run(test, gpu_fill(mapped.memory + LAST, UINT64_MAX, PAGE),
			NULL, "write to all of the last page") ||
	    !mapped_write(test, &mapped, LAST, TAIL, "write up to the end") ||
	    !test_check(test, !fsync(mapped.file->cached), "fsync: %s",
			strerror(errno)))
		goto close;
	content_append(content, segment_zeros(SIZE, PAGE - TAIL));
	if (look_medium(test, &mapped, &extents, "after fsync")) {
		*content = content_slice(content, 0, SIZE);
		mapped_is_found(test, &mapped, "after fsync");
	}
close:
	mapped_close(test, &mapped);
}

/* No page behind the last one, neither before nor after the file shrinks. */
static void run_beyond(struct test *test)
{
	unsigned int status = path_status(test, ENXIO, EFAULT);
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	size_t shorter = 5 * PAGE + 496;

	if (!mapped_open(test, &mapped, SIZE, true))
		goto close;
	mapped_unmap(&mapped);
	mapped.size = 16 * PAGE;
	if (!mapped_map(test, &mapped, PROT_READ | PROT_WRITE) ||
	    !engine_refuses(test, gpu_crc32c(mapped.memory + LAST + PAGE, PAGE),
			    status, "sum of the page behind the last one") ||
	    !engine_refuses(test, gpu_fill(mapped.memory + LAST + PAGE, 1, 8),
			    status, "write to the page behind the last one") ||
	    !engine_refuses(test, gpu_crc32c(mapped.memory, LAST + PAGE + 1),
			    status, "sum of one byte too many") ||
	    !mapped_write(test, &mapped, 4 * PAGE, 4 * PAGE, "write") ||
	    !mapped_sum(test, &mapped, "all that there is") ||
	    !engine_stats(test, &before) ||
	    !test_check(test, !ftruncate(mapped.file->cached, (off_t)shorter),
			"ftruncate: %s", strerror(errno)))
		goto close;
	mapped.file->content = content_slice(&mapped.file->content, 0, shorter);
	if (look_revoked(test, &mapped, 6 * PAGE, 8 * PAGE, "after a cut") &&
	    path_revoked(test, &before, "after a cut") &&
	    engine_refuses(test, gpu_crc32c(mapped.memory + 6 * PAGE, 8),
			   status, "sum of what was cut off") &&
	    mapped_sum(test, &mapped, "what is left") &&
	    test_check(test, !ftruncate(mapped.file->cached, (off_t)SIZE),
		       "ftruncate: %s", strerror(errno))) {
		content_append(&mapped.file->content,
			       segment_zeros(shorter, SIZE - shorter));
		if (mapped_sum(test, &mapped, "what came to its place"))
			mapped_is_kept(test, &mapped, "what came to its place");
	}
close:
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule5-tail-is-zeros", .run = run_read, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "rule5-tail-truncate", .run = run_written, .volume = true,
	  .argument = GROW_TRUNCATE },
	{ .name = "rule5-tail-write", .run = run_written, .volume = true,
	  .argument = GROW_WRITE },
	{ .name = "rule5-tail-allocate", .run = run_written, .volume = true,
	  .argument = GROW_ALLOCATE },
	{ .name = "rule5-tail-on-disk", .run = run_synced, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "rule5-beyond-end", .run = run_beyond, .volume = true },
};

const struct recipes map_tail_recipes = { recipe, ARRAY_SIZE(recipe) };
