// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 6: mappings and processes come and go, and what the GPU may do with them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"
#include "process.h"

#define SIZE	((size_t)KIB(256))
#define HALF	(SIZE / 2)

static void run_munmap(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	uint8_t *memory;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !mapped_write(test, &mapped, 4 * PAGE, SIZE - 8 * PAGE, "write") ||
	    !mapped_sum(test, &mapped, "sum before") ||
	    !engine_stats(test, &before))
		goto close;
	/* Nothing else may come to the place. */
	memory = mapped.memory;
	if (!test_check(test, mmap(memory + HALF, HALF, PROT_NONE, MAP_PRIVATE |
				   MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
			memory + HALF, "mmap: %s", strerror(errno)) ||
	    !path_revoked(test, &before, "after a half is gone") ||
	    !look_revoked(test, &mapped, HALF, HALF, "after a half is gone") ||
	    !look_mapped(test, &mapped, 0, HALF, "after a half is gone") ||
	    !engine_refuses(test, gpu_crc32c(memory, SIZE), EACCES,
			    "sum of both halves") ||
	    !engine_refuses(test, gpu_fill(memory + HALF, 1, PAGE), EACCES,
			    "write to the half that is gone") ||
	    !engine_run(test, gpu_copy(mapped.video, memory, HALF), NULL,
			"copy of the other half"))
		goto close;
	mapped_unmap(&mapped);
	if (engine_refuses(test, gpu_crc32c(memory, PAGE), EFAULT,
			   "sum of what is unmapped") &&
	    look_revoked(test, &mapped, 0, SIZE, "after all is unmapped") &&
	    look_uncached(test, &mapped, "after all is unmapped") &&
	    mapped_map(test, &mapped, PROT_READ) &&
	    mapped_sum(test, &mapped, "sum by a new mapping") &&
	    path_direct(test, &before, SIZE / PAGE, "sum by a new mapping") &&
	    mapped_is_found(test, &mapped, "in the end"))
		mapped_is_kept(test, &mapped, "in the end");
close:
	mapped_close(test, &mapped);
}

/* The old place is empty, the new one has all of it. */
static void run_mremap(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	uint8_t *room, *old, *moved;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !mapped_write(test, &mapped, 4 * PAGE, 8 * PAGE, "write") ||
	    !mapped_sum(test, &mapped, "sum before"))
		goto close;
	old = mapped.memory;
	room = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!test_check(test, room != MAP_FAILED, "mmap: %s", strerror(errno)) ||
	    !engine_stats(test, &before))
		goto close;
	moved = mremap(old, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, room);
	if (!test_check(test, moved == room, "mremap: %s", strerror(errno)))
		goto close;
	mapped.memory = moved;
	if (path_revoked(test, &before, "after mremap") &&
	    engine_refuses(test, gpu_fill(old, 1, PAGE), EFAULT,
			   "write to the place that it left") &&
	    mapped_sum(test, &mapped, "sum of the place that it came to") &&
	    mapped_write(test, &mapped, 6 * PAGE, 8 * PAGE,
			 "write to the place that it came to") &&
	    path_direct(test, &before, SIZE / PAGE, "the new place") &&
	    look_uncached(test, &mapped, "the new place") &&
	    mapped_is_found(test, &mapped, "in the end"))
		mapped_is_kept(test, &mapped, "in the end");
close:
	mapped_close(test, &mapped);
}

struct child {
	struct mapped *mapped;
	struct meeting meeting;
};

/* By the parent's mapping, which is the child's, too, and an engine of its own. */
static void live(struct test *test, void *context)
{
	struct child *child = context;
	struct mapped *mapped = child->mapped;
	struct crossbar_gpu_command command = gpu_fence();
	struct ivgpu gpu;
	uint64_t fence;
	bool ok;

	/* The parent's address space is none of the child's business. */
	ok = !ivgpu_submit(&test->gpu, &command, 1, &fence);
	if (!test_check(test, ok, "a child can use its parent's address space") ||
	    !test_check(test, ivgpu_open(&gpu, test->address, &test->totals),
			"cannot open the GPU: %s", strerror(errno)))
		return;
	mapped->gpu = &gpu;
	mapped_sum(test, mapped, "sum by a child");
	mapped_fill(test, mapped, HALF, 4 * PAGE, "write by a child");
	meeting_signal(&child->meeting, true);
	meeting_wait(&child->meeting, true);
	ivgpu_close(&gpu);
}

static void run_fork(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct child child = { .mapped = &mapped };
	struct ivgpu_stats before;
	pid_t pid;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !meeting_open(test, &child.meeting))
		goto close;
	if (!mapped_write(test, &mapped, 0, HALF, "write before fork()") ||
	    !engine_stats(test, &before))
		goto close_meeting;
	pid = process_start(test, live, &child);
	if (pid < 0)
		goto close_meeting;
	if (meeting_wait(&child.meeting, false)) {
		content_set(&mapped.file->content,
			    segment_poison(HALF, 4 * PAGE));
		mapped_sum(test, &mapped, "sum of the child's write");
		mapped_write(test, &mapped, 2 * PAGE, 4 * PAGE,
			     "write beside a child");
		meeting_signal(&child.meeting, false);
	}
	if (process_end(test, pid) &&
	    mapped_sum(test, &mapped, "sum after the child") &&
	    mapped_write(test, &mapped, 3 * PAGE, PAGE,
			 "write after the child") &&
	    path_direct(test, &before, 1, "with a child") &&
	    look_uncached(test, &mapped, "with a child") &&
	    mapped_is_found(test, &mapped, "in the end"))
		mapped_is_kept(test, &mapped, "in the end");
close_meeting:
	meeting_close(&child.meeting);
close:
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule6-munmap", .run = run_munmap, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "rule6-mremap", .run = run_mremap, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "rule6-fork", .run = run_fork, .volume = true,
	  .claim = CLAIM_DIRECT },
};

const struct recipes map_life_recipes = { recipe, ARRAY_SIZE(recipe) };
