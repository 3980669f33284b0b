// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 6: the GPU may do what the mapping lets the program do, and no more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"

#define SIZE	((size_t)KIB(256))

/* linux/mman.h, which the build machine's C library need not know yet */
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#define MADV_GUARD_REMOVE	103
#endif

/* Every kind of write ends with EACCES, and changes nothing. */
static bool refuses_writes(struct test *test, struct mapped *mapped, size_t at)
{
	uint8_t *target = mapped->memory + at;

	return engine_refuses(test, gpu_fill(target, 1, 100), EACCES, "fill") &&
	       engine_refuses(test, gpu_copy(target, mapped->video, 100), EACCES,
			      "copy") &&
	       engine_refuses(test, gpu_add(target, 8, 1), EACCES, "atomic");
}

/* @argument: MAP_SHARED or MAP_PRIVATE; the mapping can only be read. */
static void run_read_only(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	char path[192];
	int fd = -1;

	if (!mapped_open(test, &mapped, SIZE, true))
		goto close;
	mapped_unmap(&mapped);
	snprintf(path, sizeof(path), "%s%s", test->volume->mount,
		 mapped.file->path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	mapped.memory = mmap(NULL, SIZE, PROT_READ, (int)test->recipe->argument,
			     fd, 0);
	if (!test_check(test, mapped.memory != MAP_FAILED,
			"cannot map %s for reading: %s", path,
			strerror(errno))) {
		mapped.memory = NULL;
		goto close;
	}
	/* A page that the GPU has read, and one that it hasn't. */
	if (engine_stats(test, &before) &&
	    mapped_read(test, &mapped, 0, 4 * PAGE, "read") &&
	    path_direct(test, &before, 4, "read") &&
	    refuses_writes(test, &mapped, PAGE) &&
	    refuses_writes(test, &mapped, 8 * PAGE) &&
	    mapped_sum(test, &mapped, "after the refusals") &&
	    path_direct(test, &before, SIZE / PAGE, "after the refusals") &&
	    look_uncached(test, &mapped, "after the refusals"))
		mapped_is_kept(test, &mapped, "the disk");
close:
	if (fd >= 0)
		close(fd);
	mapped_close(test, &mapped);
}

/* Its pages may become the program's own at any moment: never the blocks. */
static void run_private(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	struct content mine;

	if (!mapped_open(test, &mapped, SIZE, true))
		goto close;
	mapped_unmap(&mapped);
	mapped.memory = disk_map(test, mapped.file, SIZE,
				 PROT_READ | PROT_WRITE, MAP_PRIVATE);
	mine = mapped.file->content;
	content_set(&mine, segment_poison(8 * PAGE, 4 * PAGE));
	if (!mapped.memory || !engine_stats(test, &before) ||
	    !mapped_read(test, &mapped, 0, 4 * PAGE, "read") ||
	    !path_fallback(test, &before, "read") ||
	    !path_refused(test, &before, EOPNOTSUPP, "read") ||
	    !engine_stats(test, &before) ||
	    !engine_run(test, gpu_fill(mapped.memory + 8 * PAGE,
				       0xA5A5A5A5A5A5A5A5ULL, 4 * PAGE), NULL,
			"write to a private mapping") ||
	    !path_fallback(test, &before, "write") ||
	    !path_refused(test, &before, EOPNOTSUPP, "write"))
		goto close;
	if (disk_memory_is(test, &mine, mapped.memory, "the private mapping") &&
	    disk_file_is(test, mapped.file, "read(2)") &&
	    disk_process_finds(test, mapped.file, "another process")) {
		mapped_unmap(&mapped);
		disk_has(test, mapped.file, "the disk");
	}
close:
	mapped_close(test, &mapped);
}

/* Access is taken, in part and altogether, and given again. */
static void run_mprotect(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	uint8_t *memory;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !mapped_write(test, &mapped, 0, SIZE, "write") ||
	    !engine_stats(test, &before))
		goto close;
	memory = mapped.memory;
	if (!test_check(test, !mprotect(memory, SIZE / 2, PROT_READ),
			"mprotect: %s", strerror(errno)) ||
	    !path_revoked(test, &before, "PROT_READ") ||
	    !refuses_writes(test, &mapped, PAGE) ||
	    !mapped_write(test, &mapped, SIZE / 2, 2 * PAGE, "the other half") ||
	    !mapped_sum(test, &mapped, "sum of both halves") ||
	    !test_check(test, !mprotect(memory, SIZE / 2, PROT_NONE),
			"mprotect: %s", strerror(errno)) ||
	    !engine_refuses(test, gpu_crc32c(memory, SIZE), EACCES,
			    "sum without access") ||
	    !test_check(test, !mprotect(memory, SIZE / 2,
					PROT_READ | PROT_WRITE), "mprotect: %s",
			strerror(errno)) ||
	    !mapped_write(test, &mapped, PAGE, 2 * PAGE, "write again") ||
	    !mapped_sum(test, &mapped, "sum with access") ||
	    !path_direct(test, &before, 1, "all that was allowed") ||
	    !look_uncached(test, &mapped, "all that was allowed"))
		goto close;
	if (mapped_is_found(test, &mapped, "in the end"))
		mapped_is_kept(test, &mapped, "in the end");
close:
	mapped_close(test, &mapped);
}

/* Guard regions change nothing in page tables that the CPU does not have. */
static void run_guard(struct test *test)
{
	unsigned int status = path_status(test, EOPNOTSUPP, EFAULT);
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	uint8_t *guard;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !mapped_write(test, &mapped, 0, SIZE, "write") ||
	    !engine_stats(test, &before))
		goto close;
	guard = mapped.memory + SIZE / 2;
	if (!test_check(test, !madvise(guard, 4 * PAGE, MADV_GUARD_INSTALL),
			"MADV_GUARD_INSTALL: %s", strerror(errno)) ||
	    !path_revoked(test, &before, "a guard region") ||
	    !engine_refuses(test, gpu_crc32c(guard, PAGE), status,
			    "sum of a guard page") ||
	    !engine_refuses(test, gpu_fill(guard + 3 * PAGE, 1, PAGE), status,
			    "write to a guard page") ||
	    !mapped_read(test, &mapped, 0, SIZE / 2, "beside it") ||
	    !mapped_write(test, &mapped, SIZE / 2 + 4 * PAGE, 2 * PAGE,
			  "behind it") ||
	    !test_check(test, !madvise(guard, 4 * PAGE, MADV_GUARD_REMOVE),
			"MADV_GUARD_REMOVE: %s", strerror(errno)) ||
	    !mapped_write(test, &mapped, SIZE / 2, PAGE, "without it") ||
	    !mapped_sum(test, &mapped, "without it"))
		goto close;
	if (mapped_is_found(test, &mapped, "in the end"))
		mapped_is_kept(test, &mapped, "in the end");
close:
	mapped_close(test, &mapped);
}

static int by_fsync(struct mapped *mapped)
{
	return fsync(mapped->file->cached);
}

static int by_msync(struct mapped *mapped)
{
	return msync(mapped->memory, SIZE, MS_SYNC);
}

static int by_syncfs(struct mapped *mapped)
{
	return syncfs(mapped->file->cached);
}

/* What a write changes. */
static bool times_differ(const struct stat *before, const struct stat *after)
{
	return memcmp(&before->st_mtim, &after->st_mtim,
		      sizeof(after->st_mtim)) &&
	       memcmp(&before->st_ctim, &after->st_ctim,
		      sizeof(after->st_ctim));
}

/* No fault tells of a write to what is mapped already: who makes it durable does. */
static bool times_follow(struct test *test, struct mapped *mapped,
			 int (*sync)(struct mapped *mapped), const char *name)
{
	struct ivgpu_stats stats;
	struct stat before, after;

	usleep(20000);
	if (!test_check(test, !sync(mapped) &&
			!fstat(mapped->file->cached, &before), "%s: %s", name,
			strerror(errno)) ||
	    !engine_stats(test, &stats))
		return false;
	usleep(20000);
	return mapped_write(test, mapped, PAGE, PAGE, "write without a fault") &&
	       (!test->direct ||
		path_kept(test, &stats, "write without a fault")) &&
	       test_check(test, !sync(mapped) &&
			  !fstat(mapped->file->cached, &after), "%s: %s", name,
			  strerror(errno)) &&
	       test_check(test, !test->direct || times_differ(&before, &after),
			  "%s after a write without a fault has not changed the file's times",
			  name);
}

/*
 * A write changes the file's times, as one by a page fault would, and so does what makes
 * later ones durable.
 */
static void run_times(struct test *test)
{
	static const struct {
		int (*sync)(struct mapped *mapped);
		const char *name;
	} syncs[] = {
		{ by_fsync, "fsync" }, { by_msync, "msync" },
		{ by_syncfs, "syncfs" },
	};
	struct mapped mapped = { .file = NULL };
	struct stat before, read, written;
	unsigned int i;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !test_check(test, !fstat(mapped.file->cached, &before), "fstat: %s",
			strerror(errno)))
		goto close;
	/* The clock of files has a coarse grain. */
	usleep(20000);
	if (!mapped_sum(test, &mapped, "read") ||
	    !test_check(test, !fstat(mapped.file->cached, &read), "fstat: %s",
			strerror(errno)) ||
	    !test_check(test, !memcmp(&before.st_mtim, &read.st_mtim,
				      sizeof(read.st_mtim)),
			"a read has changed the time of the last write") ||
	    !mapped_write(test, &mapped, PAGE, PAGE, "write") ||
	    !test_check(test, !fstat(mapped.file->cached, &written),
			"fstat: %s", strerror(errno)))
		goto close;
	if (!test_check(test, times_differ(&before, &written),
			"a write has not changed the file's times"))
		goto close;
	for (i = 0; i < ARRAY_SIZE(syncs); i++)
		if (!times_follow(test, &mapped, syncs[i].sync, syncs[i].name))
			break;
close:
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule6-read-only-shared", .run = run_read_only,
	  .volume = true, .claim = CLAIM_DIRECT, .argument = MAP_SHARED },
	{ .name = "rule6-read-only-private", .run = run_read_only,
	  .volume = true, .claim = CLAIM_DIRECT, .argument = MAP_PRIVATE },
	{ .name = "rule6-private-refused", .run = run_private, .volume = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "rule6-mprotect", .run = run_mprotect, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "rule6-guard", .run = run_guard, .volume = true },
	{ .name = "rule6-times", .run = run_times, .volume = true,
	  .claim = CLAIM_DIRECT },
};

const struct recipes map_rights_recipes = { recipe, ARRAY_SIZE(recipe) };
