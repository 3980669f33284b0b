// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 9: controllers that take their blocks back, and are reset.
 */
#define _GNU_SOURCE
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

/* Waits until a controller that is being reset works again, and shows blocks. */
static bool controller_returns(struct test *test)
{
	uint64_t end = now_ns() + RESET_MS * NS_PER_MS;
	char path[96], state[32] = "";
	uint64_t closed = test->direct;

	snprintf(path, sizeof(path), "/sys/class/nvme/%s/state",
		 test->volume->name);
	while (kernel_read(path, state, sizeof(state)) &&
	       strcmp(state, "live") && now_ns() < end)
		sleep_ms(10);
	if (!test_check(test, !strcmp(state, "live"),
			"a controller that was reset is `%s`", state))
		return false;
	while (closed && look_windows(test, "closed", &closed) && closed &&
	       now_ns() < end)
		sleep_ms(10);
	return test_check(test, !closed,
			  "nothing can be mapped after a reset");
}

bool controller_reset(struct test *test)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/class/nvme/%s/reset_controller",
		 test->volume->name);
	return test_check(test, kernel_write(path, "1"), "cannot write %s: %s",
			  path, strerror(errno)) &&
	       controller_returns(test);
}

/*
 * It is reset as its driver resets it when a command does not end: nobody has seen it
 * coming, and what its memory had is lost.
 */
static bool controller_breaks_down(struct test *test)
{
	char path[96];

	snprintf(path, sizeof(path), DEBUG_MAP "/%s/reset", test->volume->name);
	return test_check(test, kernel_write(path, "1"), "cannot write %s: %s",
			  path, strerror(errno)) &&
	       controller_returns(test);
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

static bool synced(struct test *test, struct mapped *mapped, const char *what)
{
	return test_check(test, !fsync(mapped->file->cached), "%s: fsync: %s",
			  what, strerror(errno));
}

/*
 * What was not synced has gone with the memory's content, and fsync() says so, once.
 * @before is what there was before.
 */
static bool settle_loss(struct test *test, struct mapped *mapped,
			const struct content *before)
{
	static uint8_t found[SIZE];
	struct mismatch mismatch = { .bad = false };

	if (!test->direct)
		return synced(test, mapped, "with nothing to lose");
	if (!test_check(test, fsync(mapped->file->cached) && errno == EIO,
			"fsync of what was lost: %s", strerror(errno)) ||
	    !synced(test, mapped, "once it was told") ||
	    !test_check(test, syncfs(test->volume->directory) && errno == EIO,
			"syncfs of what was lost: %s", strerror(errno)) ||
	    !test_check(test, !syncfs(test->volume->directory),
			"the second syncfs: %s", strerror(errno)) ||
	    !test_check(test, pread(mapped->file->cached, found, SIZE, 0) ==
			(ssize_t)SIZE, "cannot read: %s", strerror(errno)))
		return false;
	mapped->file->content = *before;
	return test_check(test, content_check(before, found, &mismatch),
			  "what was lost is not as it was before") &&
	       mapped_cool(test, mapped, "when it was read");
}

/* @argument: its driver does it, and does not ask. */
static void run_reset(struct test *test)
{
	bool broken = test->recipe->argument;
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	struct content saved;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !mapped_write(test, &mapped, 0, SIZE, "what is synced") ||
	    !synced(test, &mapped, "what is synced"))
		goto close;
	saved = mapped.file->content;
	if (mapped_write(test, &mapped, 6 * PAGE, 20 * PAGE,
			 "what is not synced") &&
	    look_mapped(test, &mapped, 0, SIZE, "before a reset") &&
	    (broken && test->direct ? controller_breaks_down(test) :
	     controller_reset(test)) &&
	    look_revoked(test, &mapped, 0, SIZE, "after a reset") &&
	    (broken ? settle_loss(test, &mapped, &saved) :
	     synced(test, &mapped, "after a reset")) &&
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
			   "writes and sums") ||
	    !engine_wait(test, fence - ARRAY_SIZE(commands) + 1,
			 "the first write") ||
	    !look_mapped(test, &mapped, 0, SIZE, "before the first reset"))
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
	if (synced(test, &mapped, "after resets") &&
	    mapped_write(test, &mapped, 0, SIZE, "after resets") &&
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
	{ .name = "rule9-breakdown", .run = run_reset, .argument = 1,
	  .volume = true },
	{ .name = "rule9-reset-running", .run = run_reset_running,
	  .volume = true },
};

const struct recipes map_leave_recipes = { recipe, ARRAY_SIZE(recipe) };
