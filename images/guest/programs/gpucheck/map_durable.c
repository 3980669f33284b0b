// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 4: nothing is lost. What the GPU wrote is on the medium after a sync, and is
 * what all find when the GPU, or its process, is gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "engine.h"
#include "kernelfile.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"
#include "process.h"

#define SIZE	((size_t)KIB(256))

enum sync {
	SYNC_FSYNC,
	SYNC_FDATASYNC,
	SYNC_MSYNC,
	SYNC_SYNCFS,
	SYNC_ALL,
};

static bool sync_file(struct test *test, struct mapped *mapped, const char *what)
{
	int fd = mapped->file->cached, error = 0;

	switch ((enum sync)test->recipe->argument) {
	case SYNC_FSYNC:
		error = fsync(fd);
		break;
	case SYNC_FDATASYNC:
		error = fdatasync(fd);
		break;
	case SYNC_MSYNC:
		error = msync(mapped->memory, mapped->size, MS_SYNC);
		break;
	case SYNC_SYNCFS:
		error = syncfs(fd);
		break;
	case SYNC_ALL:
		sync();
		break;
	}
	return test_check(test, !error, "%s: cannot sync: %s", what,
			  strerror(errno));
}

/* Again and again, and the GPU keeps what it has. */
static void run_sync(struct test *test)
{
	static struct extents extents;
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	unsigned int i;
	bool ok;

	ok = mapped_open(test, &mapped, SIZE, true) &&
	     look_extents(test, &mapped, &extents) &&
	     mapped_write(test, &mapped, 0, SIZE, "the first write") &&
	     sync_file(test, &mapped, "the first write") &&
	     look_medium(test, &mapped, &extents, "the first write") &&
	     engine_stats(test, &before);
	for (i = 0; ok && i < 3; i++)
		ok = mapped_write(test, &mapped, (5 + i) * PAGE,
				  6 * PAGE + 512, "a further write") &&
		     sync_file(test, &mapped, "a further write") &&
		     look_medium(test, &mapped, &extents, "a further write");
	/* The blocks are still the GPU's, and it needs no page cache for that. */
	if (ok && path_kept(test, &before, "further writes") &&
	    look_mapped(test, &mapped, 0, SIZE, "after all syncs") &&
	    look_uncached(test, &mapped, "after all syncs") &&
	    /* The last one is left to the end of the program. */
	    mapped_write(test, &mapped, 40 * PAGE, PAGE, "the last write"))
		mapped_is_found(test, &mapped, "the last write");
	mapped_close(test, &mapped);
}

enum end {
	END_MUNMAP,
	END_CLOSE,
	END_EXIT,
	END_KILL,
};

struct writer {
	struct mapped *mapped;
	struct meeting meeting;
};

/* The end is what the parent waits for, or brings about. */
static void write_and_end(struct test *test, void *context)
{
	struct writer *writer = context;
	struct mapped *mapped = writer->mapped;
	struct ivgpu gpu;

	if (!test_check(test, ivgpu_open(&gpu, test->address, &test->totals),
			"cannot open the GPU: %s", strerror(errno)))
		return;
	mapped->gpu = &gpu;
	if (!mapped_map(test, mapped, PROT_READ | PROT_WRITE) ||
	    !mapped_fill(test, mapped, 8 * PAGE, 24 * PAGE + 512,
			 "write of a process"))
		return;
	switch ((enum end)test->recipe->argument) {
	case END_MUNMAP:
		mapped_unmap(mapped);
		break;
	case END_CLOSE:
		ivgpu_close(&gpu);
		break;
	case END_EXIT:
		_exit(0);
	case END_KILL:
		meeting_signal(&writer->meeting, true);
		for (;;)
			pause();
	}
	ivgpu_close(&gpu);
}

/* A process writes, and is gone; what it wrote isn't. */
static void run_end(struct test *test)
{
	static struct extents extents;
	struct mapped mapped = { .file = NULL };
	struct writer writer = { .mapped = &mapped };
	bool ok;
	pid_t pid;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !look_extents(test, &mapped, &extents) ||
	    !meeting_open(test, &writer.meeting))
		goto close;
	/* Only the process has the file mapped. */
	mapped_unmap(&mapped);
	pid = process_start(test, write_and_end, &writer);
	if (pid < 0)
		goto close_meeting;
	if (test->recipe->argument == END_KILL)
		ok = test_check(test, meeting_wait(&writer.meeting, false),
				"the process did not get to its end") &
		     process_kill(test, pid);
	else
		ok = process_end(test, pid);
	if (!ok || test->verdict.failed)
		goto close_meeting;
	content_set(&mapped.file->content,
		    segment_poison(8 * PAGE, 24 * PAGE + 512));
	if (look_revoked(test, &mapped, 0, SIZE, "after the end") &&
	    look_uncached(test, &mapped, "after the end") &&
	    test_check(test, !fsync(mapped.file->cached), "fsync: %s",
		       strerror(errno)) &&
	    look_medium(test, &mapped, &extents, "after the end") &&
	    mapped_map(test, &mapped, PROT_READ) &&
	    mapped_sum(test, &mapped, "by another address space") &&
	    mapped_is_found(test, &mapped, "after the end"))
		mapped_is_kept(test, &mapped, "after the end");
close_meeting:
	meeting_close(&writer.meeting);
close:
	mapped_close(test, &mapped);
}

/* Nobody syncs but umount(2). */
static void run_umount(struct test *test)
{
	static struct extents extents;
	struct mapped mapped = { .file = NULL };
	bool gone;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !look_extents(test, &mapped, &extents) ||
	    !mapped_write(test, &mapped, 0, SIZE, "the first write") ||
	    !test_check(test, !fsync(mapped.file->cached), "fsync: %s",
			strerror(errno)) ||
	    !mapped_write(test, &mapped, 5 * PAGE, 20 * PAGE + 512,
			  "the last write"))
		goto close;
	if (!test->volume->mounted) {
		test_skip(test, "volume %s was mounted by somebody else",
			  test->volume->id);
		goto close;
	}
	mapped_unmap(&mapped);
	files_suspend(test->volume);
	gone = volume_unmount(test->volume);
	if (test_check(test, gone, "cannot unmount volume %s: %s",
		       test->volume->id, strerror(errno)))
		look_medium(test, &mapped, &extents, "after umount(2)");
	if (!test_check(test, (!gone || volume_return(test->volume)) &&
			files_resume(test->volume),
			"cannot have volume %s back: %s", test->volume->id,
			strerror(errno)))
		goto close;
	if (mapped_map(test, &mapped, PROT_READ | PROT_WRITE) &&
	    mapped_sum(test, &mapped, "after umount(2) and mount(2)") &&
	    mapped_is_found(test, &mapped, "after umount(2) and mount(2)"))
		mapped_is_kept(test, &mapped, "after umount(2) and mount(2)");
close:
	mapped_close(test, &mapped);
}

/* Numbers that nobody asks for. */
#define FIVE	"%*u %*u %*u %*u %*u "

/*
 * How often the disk was told to flush its cache: the sixteenth number of what
 * Documentation/block/stat.rst describes. False after test_fail().
 */
static bool count_flushes(struct test *test, uint64_t *count)
{
	const char *name = test->volume->device + strlen("/dev/");
	char path[96], text[256];
	bool ok;

	snprintf(path, sizeof(path), "/sys/block/%s/stat", name);
	ok = kernel_read(path, text, sizeof(text)) &&
	     sscanf(text, FIVE FIVE FIVE "%" SCNu64, count) == 1;
	return test_check(test, ok, "cannot read %s: %s", path, strerror(errno));
}

/*
 * What the GPU writes without a fault changes nothing that a file system would have to
 * write, and is written when the mapping goes: the disk is flushed all the same.
 */
static void run_flush(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	uint64_t before = 0, after = 0;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !mapped_write(test, &mapped, 0, SIZE, "the first write") ||
	    !test_check(test, !syncfs(test->volume->directory), "syncfs: %s",
			strerror(errno)) ||
	    !mapped_write(test, &mapped, PAGE, 4 * PAGE, "the second write"))
		goto close;
	mapped_unmap(&mapped);
	if (!look_revoked(test, &mapped, 0, SIZE, "without a mapping") ||
	    !count_flushes(test, &before) ||
	    !test_check(test, !syncfs(test->volume->directory), "syncfs: %s",
			strerror(errno)) ||
	    !count_flushes(test, &after))
		goto close;
	if (test_check(test, after > before, "syncfs flushes nothing"))
		disk_has(test, mapped.file, "in the end");
close:
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule4-fsync", .run = run_sync, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = SYNC_FSYNC },
	{ .name = "rule4-fdatasync", .run = run_sync, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = SYNC_FDATASYNC },
	{ .name = "rule4-msync", .run = run_sync, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = SYNC_MSYNC },
	{ .name = "rule4-syncfs", .run = run_sync, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = SYNC_SYNCFS },
	{ .name = "rule4-sync", .run = run_sync, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = SYNC_ALL },
	{ .name = "rule4-munmap", .run = run_end, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = END_MUNMAP },
	{ .name = "rule4-close", .run = run_end, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = END_CLOSE },
	{ .name = "rule4-exit", .run = run_end, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = END_EXIT },
	{ .name = "rule4-kill", .run = run_end, .volume = true,
	  .claim = CLAIM_DIRECT, .argument = END_KILL },
	{ .name = "rule4-flush", .run = run_flush, .volume = true },
	{ .name = "rule4-umount", .run = run_umount, .volume = true,
	  .claim = CLAIM_DIRECT },
};

const struct recipes map_durable_recipes = { recipe, ARRAY_SIZE(recipe) };
