// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 6: what is done to the file system as a whole: frozen, mounted read-only,
 * unmounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"
#include "process.h"

#define SIZE	((size_t)KIB(128))

/* How long a write that has to wait is looked at. */
#define WAIT_MS	300

/* A write waits for the thaw; reads go on, and the medium keeps what it has. */
static void run_freeze(struct test *test)
{
	static struct extents extents;
	struct mapped mapped = { .file = NULL };
	int directory = test->volume->directory;
	struct crossbar_gpu_result result;
	struct crossbar_gpu_command write;
	uint16_t gen = fresh_generation();
	bool frozen = false, waits;
	uint64_t fence;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !look_extents(test, &mapped, &extents) ||
	    !mapped_write(test, &mapped, 0, SIZE / 2, "before the freeze"))
		goto close;
	frozen = !ioctl(directory, FIFREEZE, 0);
	if (!test_check(test, frozen, "FIFREEZE: %s", strerror(errno)) ||
	    !look_medium(test, &mapped, &extents, "the frozen file system") ||
	    !mapped_sum(test, &mapped, "sum of a frozen file"))
		goto thaw;
	write = mapped_writing(&mapped, 4 * PAGE, 8 * PAGE, gen);
	if (!engine_submit(test, &write, 1, &fence, "write to a frozen file"))
		goto thaw;
	waits = !ivgpu_wait(&test->gpu, fence, WAIT_MS * NS_PER_MS, &result);
	test_check(test, waits, "a write to a frozen file ended with %s",
		   error_name(result.status));
	look_medium(test, &mapped, &extents, "a while after the freeze");
	frozen = ioctl(directory, FITHAW, 0);
	if (!test_check(test, !frozen, "FITHAW: %s", strerror(errno)) ||
	    !engine_wait(test, fence, "the write, after the thaw"))
		goto close;
	mapped_wrote(&mapped, 4 * PAGE, 8 * PAGE, gen);
	if (mapped_sum(test, &mapped, "after the thaw") &&
	    mapped_is_found(test, &mapped, "after the thaw") &&
	    mapped_is_kept(test, &mapped, "after the thaw") &&
	    mapped_cool(test, &mapped, "after the thaw"))
		mapped_sum(test, &mapped, "after the thaw, from the disk");
thaw:
	if (frozen && ioctl(directory, FITHAW, 0))
		test_fail(test, "FITHAW: %s", strerror(errno));
close:
	mapped_close(test, &mapped);
}

/* Somebody writes: it can't be. Nobody does: the GPU goes on reading. */
static void run_remount(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	const char *mount_point = test->volume->mount;
	struct ivgpu_stats before;
	char path[192];
	bool done;
	int fd = -1;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !mapped_write(test, &mapped, 0, SIZE / 2, "write"))
		goto close;
	done = !mount(NULL, mount_point, NULL, MS_REMOUNT | MS_RDONLY |
		      MS_NOATIME, NULL);
	if (!test_check(test, !done && errno == EBUSY,
			"remounting for reading while a file is written: %s",
			done ? "success" : strerror(errno)) ||
	    !mapped_write(test, &mapped, 4 * PAGE, 8 * PAGE, "write again"))
		goto writable;
	mapped_unmap(&mapped);
	snprintf(path, sizeof(path), "%s%s", mount_point, mapped.file->path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	mapped.memory = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (mapped.memory == MAP_FAILED)
		mapped.memory = NULL;
	if (!test_check(test, mapped.memory, "cannot map %s: %s", path,
			strerror(errno)) ||
	    !engine_stats(test, &before) ||
	    !mapped_sum(test, &mapped, "before the remount") ||
	    !path_direct(test, &before, SIZE / PAGE, "before the remount"))
		goto writable;
	files_suspend(test->volume);
	done = !mount(NULL, mount_point, NULL, MS_REMOUNT | MS_RDONLY |
		      MS_NOATIME, NULL);
	if (test_check(test, done, "cannot remount %s for reading: %s",
		       mount_point, strerror(errno)) &&
	    mapped_sum(test, &mapped, "mounted for reading"))
		engine_refuses(test, gpu_fill(mapped.memory, 1, PAGE), EACCES,
			       "write to a file mounted for reading");
writable:
	/* Whatever went wrong, others need it as it was. */
	test_check(test, !mount(NULL, mount_point, NULL, MS_REMOUNT |
				MS_NOATIME, NULL) &&
		   files_resume(test->volume), "cannot have %s back: %s",
		   mount_point, strerror(errno));
	if (!test->verdict.failed && look_uncached(test, &mapped, "in the end"))
		mapped_is_kept(test, &mapped, "in the end");
close:
	if (fd >= 0)
		close(fd);
	mapped_close(test, &mapped);
}

/* A mapping keeps the file system, and the attempt takes nothing away. */
static void run_umount(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	bool done;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !mapped_write(test, &mapped, 0, SIZE / 2, "write"))
		goto close;
	if (!test->volume->mounted) {
		test_skip(test, "volume %s was mounted by somebody else",
			  test->volume->id);
		goto close;
	}
	/* Only the mapping is left. */
	files_suspend(test->volume);
	done = volume_unmount(test->volume);
	test_check(test, !done && errno == EBUSY,
		   "umount(2) of what the GPU has mapped: %s",
		   done ? "success" : strerror(errno));
	if (!test_check(test, (!done || volume_return(test->volume)) &&
			files_resume(test->volume),
			"cannot open the files again: %s", strerror(errno)))
		goto close;
	if (mapped_sum(test, &mapped, "after the attempt") &&
	    mapped_write(test, &mapped, 4 * PAGE, 8 * PAGE,
			 "after the attempt") &&
	    look_uncached(test, &mapped, "after the attempt") &&
	    mapped_is_found(test, &mapped, "after the attempt"))
		mapped_is_kept(test, &mapped, "after the attempt");
close:
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule6-freeze", .run = run_freeze, .volume = true },
	{ .name = "rule6-remount", .run = run_remount, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "rule6-umount-busy", .run = run_umount, .volume = true,
	  .claim = CLAIM_DIRECT },
};

const struct recipes map_mounts_recipes = { recipe, ARRAY_SIZE(recipe) };
