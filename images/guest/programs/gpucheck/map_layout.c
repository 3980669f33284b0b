// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 3: blocks that are mapped stay put. Whatever frees, moves or converts them
 * takes them back first, and what the GPU has written goes where the file goes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"

#define SIZE	((size_t)KIB(256))

/* Falls to each side of where the changes begin, and into them. */
#define DIRTY	(18 * PAGE)
#define WRITTEN	(20 * PAGE)

#ifndef FALLOC_FL_WRITE_ZEROES
#define FALLOC_FL_WRITE_ZEROES	0x80
#endif

enum change {
	CHANGE_TRUNCATE,
	CHANGE_PUNCH,
	CHANGE_PUNCH_PART,
	CHANGE_ZERO,
	CHANGE_ZERO_PART,
	CHANGE_ZERO_KEEP,
	CHANGE_WRITE_ZEROES,
	CHANGE_COLLAPSE,
	CHANGE_INSERT,
	CHANGE_ALLOCATE,
	CHANGE_RESERVE,
	CHANGE_UNSHARE,
};

/*
 * What fallocate(2) is asked for.
 * @moves: all that follows, too
 * @keeps: nothing in the file has to change, and nothing need be taken back
 */
static const struct {
	int mode;
	size_t off, len;
	bool moves;
	bool keeps;
} changes[] = {
	[CHANGE_PUNCH] = { FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			   24 * PAGE, 16 * PAGE, false, false },
	[CHANGE_PUNCH_PART] = { FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				20 * PAGE + 512, 3 * PAGE, false, false },
	[CHANGE_ZERO] = { FALLOC_FL_ZERO_RANGE, 24 * PAGE, 16 * PAGE, false,
			  false },
	[CHANGE_ZERO_PART] = { FALLOC_FL_ZERO_RANGE, 20 * PAGE + 1024,
			       2 * PAGE, false, false },
	[CHANGE_ZERO_KEEP] = { FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
			       SIZE - 8 * PAGE, 16 * PAGE, false, false },
	[CHANGE_WRITE_ZEROES] = { FALLOC_FL_WRITE_ZEROES, 24 * PAGE, 16 * PAGE,
				  false, false },
	[CHANGE_COLLAPSE] = { FALLOC_FL_COLLAPSE_RANGE, 24 * PAGE, 8 * PAGE,
			      true, false },
	[CHANGE_INSERT] = { FALLOC_FL_INSERT_RANGE, 24 * PAGE, 8 * PAGE, true,
			    false },
	[CHANGE_ALLOCATE] = { 0, SIZE - 8 * PAGE, 16 * PAGE, false, true },
	[CHANGE_RESERVE] = { FALLOC_FL_KEEP_SIZE, SIZE - 8 * PAGE, 16 * PAGE,
			     false, true },
	[CHANGE_UNSHARE] = { FALLOC_FL_UNSHARE_RANGE, 24 * PAGE, 16 * PAGE,
			     false, true },
};

/* What the file has to be after a change. */
static void apply(struct content *content, enum change change, size_t off,
		  size_t len)
{
	size_t room = content->len - off;

	switch (change) {
	case CHANGE_COLLAPSE:
		content_collapse(content, off, len);
		break;
	case CHANGE_INSERT:
		content_insert(content, off, len);
		break;
	case CHANGE_ALLOCATE:
		content_append(content, segment_zeros(off + room, len - room));
		break;
	case CHANGE_RESERVE:
	case CHANGE_UNSHARE:
		break;
	default:
		content_set(content,
			    segment_zeros(off, len < room ? len : room));
		break;
	}
}

/* The GPU has all of it mapped, and has just written a part. */
static bool prepare(struct test *test, struct mapped *mapped,
		    struct ivgpu_stats *before)
{
	return mapped_open(test, mapped, SIZE, true) &&
	       engine_stats(test, before) &&
	       mapped_sum(test, mapped, "before") &&
	       mapped_write(test, mapped, DIRTY, WRITTEN, "before") &&
	       path_direct(test, before, SIZE / PAGE, "before") &&
	       look_mapped(test, mapped, 0, SIZE, "before") &&
	       engine_stats(test, before);
}

/* By the GPU first, since others would bring it to the page cache. */
static void find(struct test *test, struct mapped *mapped)
{
	/* What has grown is not mapped yet. */
	mapped_unmap(mapped);
	mapped->size = (mapped->file->content.len + PAGE - 1) / PAGE * PAGE;
	if (mapped_map(test, mapped, PROT_READ | PROT_WRITE) &&
	    mapped_sum(test, mapped, "afterwards") &&
	    mapped_is_found(test, mapped, "afterwards") &&
	    mapped_is_kept(test, mapped, "afterwards") &&
	    mapped_cool(test, mapped, "afterwards"))
		mapped_sum(test, mapped, "from the disk");
}

static void run_fallocate(struct test *test)
{
	enum change change = test->recipe->argument;
	size_t off = changes[change].off, len = changes[change].len;
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	size_t gone = changes[change].moves || off + len > SIZE ? SIZE - off :
								  len;

	if (!prepare(test, &mapped, &before))
		goto close;
	if (fallocate(mapped.file->cached, changes[change].mode, (off_t)off,
		      (off_t)len)) {
		/* Of all modes, this one is the controller's to allow. */
		if (errno == EOPNOTSUPP && change == CHANGE_WRITE_ZEROES)
			test_skip(test, "the controller keeps what it writes zeroes to (DLFEAT)");
		else
			test_fail(test, "fallocate(2) of mode %#x: %s",
				  (unsigned int)changes[change].mode,
				  strerror(errno));
		mapped.stays = false;
		goto close;
	}
	apply(&mapped.file->content, change, off, len);
	if (changes[change].keeps ||
	    (look_revoked(test, &mapped, off, gone, "after fallocate(2)") &&
	     path_revoked(test, &before, "after fallocate(2)")))
		find(test, &mapped);
close:
	mapped_close(test, &mapped);
}

/* Cut off, and grown again: what was there is gone, for everyone. */
static void run_truncate(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	size_t size = test->recipe->argument;
	unsigned int status = path_status(test, ENXIO, EFAULT);
	struct content *content;

	if (!prepare(test, &mapped, &before))
		goto close;
	content = &mapped.file->content;
	if (!test_check(test, !ftruncate(mapped.file->cached, (off_t)size),
			"ftruncate: %s", strerror(errno)))
		goto close;
	*content = content_slice(content, 0, size);
	if (!look_revoked(test, &mapped, size, SIZE - size,
			  "after ftruncate(2)") ||
	    !path_revoked(test, &before, "after ftruncate(2)") ||
	    !engine_refuses(test, gpu_crc32c(mapped.memory, SIZE), status,
			    "sum of what is no longer there") ||
	    !engine_refuses(test, gpu_fill(mapped.memory + size, 1, PAGE),
			    status, "fill of what is no longer there") ||
	    !mapped_sum(test, &mapped, "sum of what is left") ||
	    !test_check(test, !ftruncate(mapped.file->cached, (off_t)SIZE),
			"ftruncate: %s", strerror(errno)))
		goto close;
	content_append(content, segment_zeros(size, SIZE - size));
	find(test, &mapped);
close:
	mapped_close(test, &mapped);
}

#define FALLOCATES(name_, change_) \
	{ .name = "rule3-" name_, .run = run_fallocate, .volume = true, \
	  .argument = change_ }

static const struct recipe recipe[] = {
	{ .name = "rule3-truncate", .run = run_truncate, .volume = true,
	  .argument = 24 * PAGE },
	{ .name = "rule3-truncate-all", .run = run_truncate, .volume = true,
	  .argument = 0 },
	FALLOCATES("punch", CHANGE_PUNCH),
	FALLOCATES("punch-part", CHANGE_PUNCH_PART),
	FALLOCATES("zero", CHANGE_ZERO),
	FALLOCATES("zero-part", CHANGE_ZERO_PART),
	FALLOCATES("zero-keep-size", CHANGE_ZERO_KEEP),
	FALLOCATES("write-zeroes", CHANGE_WRITE_ZEROES),
	FALLOCATES("collapse", CHANGE_COLLAPSE),
	FALLOCATES("insert", CHANGE_INSERT),
	FALLOCATES("allocate", CHANGE_ALLOCATE),
	FALLOCATES("reserve", CHANGE_RESERVE),
	{ .name = "rule3-unshare", .run = run_fallocate, .volume = true,
	  .fstype = "xfs", .argument = CHANGE_UNSHARE },
};

const struct recipes map_layout_recipes = { recipe, ARRAY_SIZE(recipe) };
