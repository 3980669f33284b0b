// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 3: flags of a file that are set while the GPU has it, chattr(1)'s +i and +j.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/fs.h>

#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"

#define SIZE	((size_t)KIB(128))

/* False after test_fail(). */
static bool set_flag(struct test *test, struct mapped *mapped, int flag,
		     bool on)
{
	int fd = mapped->file->cached, flags = 0;
	bool ok = !ioctl(fd, FS_IOC_GETFLAGS, &flags);

	flags = on ? flags | flag : flags & ~flag;
	return test_check(test, ok && !ioctl(fd, FS_IOC_SETFLAGS, &flags),
			  "cannot %s flag %#x of %s: %s", on ? "set" : "clear",
			  flag, mapped->file->path, strerror(errno));
}

/* Written to before and after; direct both times. */
static bool use(struct test *test, struct mapped *mapped, const char *what)
{
	struct ivgpu_stats before;

	return engine_stats(test, &before) &&
	       mapped_write(test, mapped, 0, 8 * PAGE, what) &&
	       mapped_sum(test, mapped, what) &&
	       path_direct(test, &before, SIZE / PAGE, what);
}

static bool set_path(struct test *test, unsigned int path)
{
	return test_check(test, ivgpu_set_path(&test->gpu, path),
			  "IVGPU_SET_PATH: %s", strerror(errno));
}

/*
 * What ext4 refuses a page fault for, XFS lets pass: only the direct path is the same
 * for both.
 */
static bool is_immutable(struct test *test, struct mapped *mapped)
{
	bool ext4 = test->recipe->argument;
	struct ivgpu_stats before;

	if (!engine_stats(test, &before) ||
	    !set_flag(test, mapped, FS_IMMUTABLE_FL, true))
		return false;
	if (ext4 && (!look_revoked(test, mapped, 0, SIZE, "once immutable") ||
		     !path_revoked(test, &before, "once immutable")))
		return false;
	return (ext4 || mapped_cool(test, mapped, "once immutable")) &&
	       engine_stats(test, &before) &&
	       mapped_sum(test, mapped, "sum of an immutable file") &&
	       path_direct(test, &before, SIZE / PAGE, "sum of it") &&
	       set_path(test, IVGPU_PATH_DIRECT) &&
	       engine_refuses(test, gpu_fill(mapped->memory, 1, PAGE), EACCES,
			      "write of an immutable file") &&
	       set_path(test, test->path) &&
	       (!ext4 || engine_refuses(test, gpu_fill(mapped->memory, 1, PAGE),
					path_status(test, EACCES, EFAULT),
					"write by the page cache"));
}

/* @argument: the file system is one that refuses page faults. */
static void run_immutable(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	bool ok;

	if (!path_needed(test))
		return;
	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !use(test, &mapped, "before the flag"))
		goto close;
	/* Nobody can remove the file until it is cleared. */
	ok = is_immutable(test, &mapped);
	if (set_flag(test, &mapped, FS_IMMUTABLE_FL, false) && ok &&
	    mapped_cool(test, &mapped, "after the flag") &&
	    use(test, &mapped, "after the flag"))
		mapped_is_kept(test, &mapped, "after the flag");
close:
	mapped_close(test, &mapped);
}

/* Data that goes to the journal first is not in the file's blocks. */
static void journal(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;

	if (mapped_open(test, &mapped, SIZE, true) &&
	    use(test, &mapped, "before the flag") &&
	    engine_stats(test, &before) &&
	    set_flag(test, &mapped, FS_JOURNAL_DATA_FL, true) &&
	    look_revoked(test, &mapped, 0, SIZE, "once journaled") &&
	    path_revoked(test, &before, "once journaled") &&
	    engine_stats(test, &before) &&
	    mapped_sum(test, &mapped, "sum of journaled data") &&
	    mapped_write(test, &mapped, 4 * PAGE, 8 * PAGE,
			 "write of journaled data") &&
	    path_fallback(test, &before, "journaled data") &&
	    path_refused(test, &before, EOPNOTSUPP, "journaled data") &&
	    mapped_is_found(test, &mapped, "journaled data") &&
	    set_flag(test, &mapped, FS_JOURNAL_DATA_FL, false) &&
	    mapped_cool(test, &mapped, "after the flag") &&
	    use(test, &mapped, "after the flag"))
		mapped_is_kept(test, &mapped, "after the flag");
	mapped_close(test, &mapped);
}

/* The flag is without effect where allocation may be delayed. */
static void run_journal(struct test *test)
{
	if (!test->volume->mounted) {
		test_skip(test, "volume %s was mounted by somebody else",
			  test->volume->id);
		return;
	}
	if (disk_mount_again(test, "nodelalloc", NULL)) {
		journal(test);
		disk_mount_again(test, NULL, NULL);
	}
}

static const struct recipe recipe[] = {
	{ .name = "rule3-immutable", .run = run_immutable, .volume = true,
	  .fstype = "ext4", .argument = true },
	{ .name = "rule3-immutable", .run = run_immutable, .volume = true,
	  .fstype = "xfs" },
	{ .name = "rule3-journal-data", .run = run_journal, .volume = true,
	  .fstype = "ext4" },
};

const struct recipes map_flags_recipes = { recipe, ARRAY_SIZE(recipe) };
