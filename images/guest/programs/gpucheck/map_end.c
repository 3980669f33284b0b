// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 6: processes that end, or become another program, while their GPU writes to a
 * file. What was written is there, and nothing is written any more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "cells.h"
#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"
#include "process.h"

#define SIZE	((size_t)KIB(128))
#define COPIES	32

/* How long a write that comes too late is waited for. */
#define QUIET_MS	200

enum end {
	END_EXIT,
	END_KILL,
	END_CLOSE,
	END_EXEC,
};

struct dying {
	struct file *file;
	uint16_t gen;
	struct meeting meeting;
};

/* The same cells over and over, for about a second; the first time is over. */
static bool start_copies(struct test *test, struct dying *dying,
			 struct ivgpu *gpu)
{
	struct crossbar_gpu_command commands[2 * COPIES];
	struct mapped mapped = {
		.file = dying->file,
		.size = SIZE,
		.video = ivgpu_alloc(gpu, SIZE, NULL),
	};
	struct crossbar_gpu_result result;
	uint64_t fence;
	unsigned int i;

	if (!test_check(test, mapped.video, "cannot allocate: %s",
			strerror(errno)) ||
	    !mapped_map(test, &mapped, PROT_READ | PROT_WRITE))
		return false;
	for (i = 0; i < COPIES; i++) {
		commands[2 * i] = mapped_writing(&mapped, 0, SIZE, dying->gen);
		commands[2 * i + 1] = gpu_delay(30000);
	}
	return test_check(test, ivgpu_submit(gpu, commands, 2 * COPIES, &fence) &&
			  ivgpu_wait(gpu, fence - 2 * COPIES + 1, WAIT_NS,
				     &result) && !result.status,
			  "the first copy of a process failed");
}

static void die(struct test *test, void *context)
{
	struct dying *dying = context;
	struct ivgpu gpu;

	if (!test_check(test, ivgpu_open(&gpu, test->address, &test->totals),
			"cannot open the GPU: %s", strerror(errno)) ||
	    !start_copies(test, dying, &gpu))
		return;
	meeting_signal(&dying->meeting, true);
	switch ((enum end)test->recipe->argument) {
	case END_EXIT:
		_exit(0);
	case END_KILL:
		for (;;)
			pause();
	case END_CLOSE:
		ivgpu_close(&gpu);
		break;
	case END_EXEC:
		process_exec(test, &gpu);
		break;
	}
}

/* What others write to the file now stays. */
static bool is_quiet(struct test *test, struct mapped *mapped,
		     const struct extents *extents)
{
	if (!test_check(test, file_write(mapped->file, 0, SIZE,
					 fresh_generation()) &&
			!fsync(mapped->file->cached), "cannot write %s: %s",
			mapped->file->path, strerror(errno)))
		return false;
	sleep_ms(QUIET_MS);
	return look_medium(test, mapped, extents, "a while after the end") &&
	       mapped_is_kept(test, mapped, "a while after the end");
}

static void run_end(struct test *test)
{
	static struct extents extents;
	struct mapped mapped = { .file = NULL };
	struct dying dying = { .gen = fresh_generation() };
	struct ivgpu_stats before;
	bool ok;
	pid_t pid;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !look_extents(test, &mapped, &extents) ||
	    !meeting_open(test, &dying.meeting))
		goto close;
	mapped_unmap(&mapped);
	dying.file = mapped.file;
	pid = process_start(test, die, &dying);
	if (pid < 0)
		goto close_meeting;
	ok = test_check(test, meeting_wait(&dying.meeting, false),
			"the process did not get to its end");
	if (test->recipe->argument == END_KILL)
		ok = process_kill(test, pid) && ok;
	else
		ok = process_end(test, pid) && ok;
	mapped_wrote(&mapped, 0, SIZE, dying.gen);
	if (ok && look_revoked(test, &mapped, 0, SIZE, "after the end") &&
	    disk_file_is(test, mapped.file, "after the end") &&
	    is_quiet(test, &mapped, &extents) &&
	    mapped_cool(test, &mapped, "in the end") &&
	    mapped_map(test, &mapped, PROT_READ) &&
	    engine_stats(test, &before) &&
	    mapped_sum(test, &mapped, "by another process") &&
	    path_direct(test, &before, SIZE / PAGE, "by another process"))
		look_uncached(test, &mapped, "by another process");
close_meeting:
	meeting_close(&dying.meeting);
close:
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule6-exit-running", .run = run_end, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = END_EXIT },
	{ .name = "rule6-kill-running", .run = run_end, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = END_KILL },
	{ .name = "rule6-close-running", .run = run_end, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = END_CLOSE },
	{ .name = "rule6-exec-running", .run = run_end, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = END_EXEC },
};

const struct recipes map_end_recipes = { recipe, ARRAY_SIZE(recipe) };
