// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 9: controllers that take their blocks back, and are reset.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "engine.h"
#include "kernelfile.h"
#include "map_file.h"
#include "map_leave.h"
#include "map_look.h"
#include "path.h"
#include "process.h"

#define SIZE	((size_t)KIB(256))

/* A reset is over long before that, or never. */
#define RESET_MS	60000

bool controller_revokes(struct test *test)
{
	char path[128];

	if (!test->direct)
		return true;
	snprintf(path, sizeof(path), DEBUG_MAP "/%s/revoke", test->volume->name);
	return test_check(test, kernel_write(path, "1"), "cannot write %s: %s",
			  path, strerror(errno));
}

bool controller_reset(struct test *test)
{
	uint64_t end = now_ns() + RESET_MS * NS_PER_MS;
	char path[96], state[32] = "";

	snprintf(path, sizeof(path), "/sys/class/nvme/%s/reset_controller",
		 test->volume->name);
	if (!test_check(test, kernel_write(path, "1"), "cannot write %s: %s",
			path, strerror(errno)))
		return false;
	snprintf(path, sizeof(path), "/sys/class/nvme/%s/state",
		 test->volume->name);
	while (kernel_read(path, state, sizeof(state)) &&
	       strcmp(state, "live") && now_ns() < end)
		sleep_ms(10);
	return test_check(test, !strcmp(state, "live"),
			  "a controller that was reset is `%s`", state);
}

/* Nobody asked for it; the next access finds all as it was. */
static void run_revoke(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	unsigned int i;
	bool ok;

	ok = mapped_open(test, &mapped, SIZE, true) &&
	     engine_stats(test, &before);
	for (i = 0; ok && i < 3; i++)
		ok = mapped_sum(test, &mapped, "before") &&
		     mapped_write(test, &mapped, 6 * PAGE, 20 * PAGE, "before") &&
		     look_mapped(test, &mapped, 0, SIZE, "before") &&
		     engine_stats(test, &before) &&
		     controller_revokes(test) &&
		     look_revoked(test, &mapped, 0, SIZE, "taken back") &&
		     path_revoked(test, &before, "taken back") &&
		     mapped_sum(test, &mapped, "afterwards") &&
		     path_direct(test, &before, SIZE / PAGE, "afterwards") &&
		     look_uncached(test, &mapped, "afterwards");
	if (ok && mapped_is_found(test, &mapped, "in the end"))
		mapped_is_kept(test, &mapped, "in the end");
	mapped_close(test, &mapped);
}

/*
 * What was not synced may have gone with the BAR's content, page by page; then
 * fsync() says so, once. @before is what there was before.
 */
static bool settle(struct test *test, struct mapped *mapped,
		   const struct content *before)
{
	static uint8_t found[SIZE];
	struct mismatch mismatch;
	struct content piece, old;
	size_t at;

	if (!fsync(mapped->file->cached))
		return true;
	if (!test_check(test, errno == EIO, "fsync after a reset: %s",
			strerror(errno)) ||
	    !test_check(test, !fsync(mapped->file->cached),
			"the second fsync after a reset: %s", strerror(errno)) ||
	    !test_check(test, pread(mapped->file->cached, found, SIZE, 0) ==
			(ssize_t)SIZE, "cannot read: %s", strerror(errno)))
		return false;
	for (at = 0; at < SIZE; at += PAGE) {
		piece = content_slice(&mapped->file->content, at, PAGE);
		old = content_slice(before, at, PAGE);
		mismatch.bad = false;
		if (content_check(&piece, found + at, &mismatch))
			continue;
		mismatch.bad = false;
		if (!test_check(test, content_check(&old, found + at, &mismatch),
				"page %zu is neither as it was nor as it was written",
				at / (size_t)PAGE))
			return false;
	}
	/* From now on, everyone knows again. */
	return test_check(test, file_write(mapped->file, 0, SIZE,
					   fresh_generation()) &&
			  !fsync(mapped->file->cached), "cannot write: %s",
			  strerror(errno));
}

static void run_reset(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct content synced;
	struct ivgpu_stats before;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !mapped_write(test, &mapped, 0, SIZE, "what is synced") ||
	    !test_check(test, !fsync(mapped.file->cached), "fsync: %s",
			strerror(errno)))
		goto close;
	synced = mapped.file->content;
	if (mapped_write(test, &mapped, 6 * PAGE, 20 * PAGE,
			 "what is not synced") &&
	    controller_reset(test) &&
	    look_revoked(test, &mapped, 0, SIZE, "after a reset") &&
	    settle(test, &mapped, &synced) &&
	    mapped_is_kept(test, &mapped, "after a reset") &&
	    mapped_cool(test, &mapped, "after a reset") &&
	    engine_stats(test, &before) &&
	    mapped_sum(test, &mapped, "after a reset") &&
	    mapped_write(test, &mapped, 0, SIZE / 2, "after a reset") &&
	    path_direct(test, &before, SIZE / PAGE, "after a reset"))
		mapped_is_kept(test, &mapped, "in the end");
close:
	mapped_close(test, &mapped);
}

#define COPIES	16

/* Writes and reads go on through resets; none hangs, and the last ones count. */
static void run_reset_running(struct test *test)
{
	struct crossbar_gpu_command commands[3 * COPIES];
	struct mapped mapped = { .file = NULL };
	uint16_t gen = fresh_generation();
	uint64_t fence, end;
	unsigned int i;

	if (!mapped_open(test, &mapped, SIZE, true))
		goto close;
	for (i = 0; i < COPIES; i++) {
		commands[3 * i] = mapped_writing(&mapped, 0, SIZE, gen);
		commands[3 * i + 1] = gpu_delay(20000);
		commands[3 * i + 2] = gpu_crc32c(mapped.memory, SIZE);
	}
	mapped_wrote(&mapped, 0, SIZE, gen);
	if (!engine_submit(test, commands, ARRAY_SIZE(commands), &fence,
			   "writes and sums"))
		goto close;
	controller_reset(test);
	sleep_ms(30);
	controller_reset(test);
	end = fence;
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!engine_wait(test, end - ARRAY_SIZE(commands) + 1 + i,
				 "a command with a reset"))
			goto close;
	if (test->verdict.failed)
		goto close;
	/* An error may be waiting; it is of what has been written again. */
	if (fsync(mapped.file->cached))
		test_check(test, errno == EIO, "fsync after resets: %s",
			   strerror(errno));
	if (mapped_write(test, &mapped, 0, SIZE, "after resets") &&
	    mapped_sum(test, &mapped, "after resets") &&
	    mapped_is_found(test, &mapped, "after resets"))
		mapped_is_kept(test, &mapped, "after resets");
close:
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule9-device-revokes", .run = run_revoke, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "rule9-reset", .run = run_reset, .volume = true },
	{ .name = "rule9-reset-running", .run = run_reset_running,
	  .volume = true },
};

const struct recipes map_leave_recipes = { recipe, ARRAY_SIZE(recipe) };
