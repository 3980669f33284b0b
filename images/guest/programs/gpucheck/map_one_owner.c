// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 1: a page of a file is in the page cache, or devices have it, never both.
 * Whoever wants it the other way round takes it back first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "engine.h"
#include "kernelfile.h"
#include "map_file.h"
#include "map_fill.h"
#include "map_look.h"
#include "pagecache.h"
#include "path.h"

#define SIZE	((size_t)KIB(256))

/* More than is read ahead at first. */
#define AHEAD	((size_t)KIB(512))

/* Half of the pages that the CPU gets at have just been written by the GPU. */
#define DIRTY	(8 * PAGE)
#define AT	(16 * PAGE)
#define LEN	(16 * PAGE)

#define DROP_CACHE	"/sys/module/device_map/parameters/drop_cache"

/* The GPU goes to the page cache, as long as that has the pages. */
static bool follow(struct test *test, struct mapped *mapped)
{
	struct ivgpu_stats before;

	return engine_stats(test, &before) &&
	       mapped_read(test, mapped, AT, LEN, "the GPU, afterwards") &&
	       path_fallback(test, &before, "the GPU, afterwards") &&
	       path_refused(test, &before, EBUSY, "the GPU, afterwards") &&
	       mapped_write(test, mapped, AT + 4 * PAGE, 2 * PAGE,
			    "the GPU, afterwards") &&
	       mapped_sum(test, mapped, "the GPU, afterwards") &&
	       mapped_cool(test, mapped, "after all that");
}

static void run_fill(struct test *test)
{
	enum fill fill = test->recipe->argument;
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !engine_stats(test, &before) ||
	    !mapped_sum(test, &mapped, "the GPU, at first") ||
	    !mapped_write(test, &mapped, DIRTY, LEN, "the GPU, at first") ||
	    !path_direct(test, &before, SIZE / PAGE, "the GPU, at first") ||
	    !look_mapped(test, &mapped, 0, SIZE, "at first") ||
	    !engine_stats(test, &before) ||
	    !fill_range(test, &mapped, fill, AT, LEN) ||
	    !look_revoked(test, &mapped, AT, LEN, "after the CPU") ||
	    !path_revoked(test, &before, "after the CPU"))
		goto close;
	if (fill_caches(fill) ? !follow(test, &mapped) :
	    !look_uncached(test, &mapped, "after direct I/O"))
		goto close;
	/* From the disk again, where the GPU had it at first. */
	if (engine_stats(test, &before) &&
	    mapped_read(test, &mapped, AT, LEN, "the GPU, at last") &&
	    path_direct(test, &before, LEN / PAGE, "the GPU, at last") &&
	    mapped_sum(test, &mapped, "the GPU, at last") &&
	    mapped_is_found(test, &mapped, "everyone, at last"))
		mapped_is_kept(test, &mapped, "the disk, at last");
close:
	mapped_close(test, &mapped);
}

/* What the page cache had first, clean or not, it keeps. */
static void run_refused(struct test *test)
{
	bool dirty = test->recipe->argument;
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;

	if (mapped_open(test, &mapped, SIZE, false) &&
	    fill_range(test, &mapped, dirty ? FILL_WRITE : FILL_READ, AT, LEN) &&
	    engine_stats(test, &before) &&
	    mapped_read(test, &mapped, AT, LEN, "what the page cache has") &&
	    path_fallback(test, &before, "what the page cache has") &&
	    path_refused(test, &before, EBUSY, "what the page cache has") &&
	    look_revoked(test, &mapped, AT, LEN, "what the page cache has") &&
	    mapped_sum(test, &mapped, "all of the file"))
		mapped_is_kept(test, &mapped, "the disk");
	mapped_close(test, &mapped);
}

/* Every other page is in the page cache; one command goes through all of them. */
static void run_both(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	unsigned int i;
	bool ok;

	ok = mapped_open(test, &mapped, SIZE, false) &&
	     test_check(test, !posix_fadvise(mapped.file->cached, 0, 0,
					     POSIX_FADV_RANDOM),
			"cannot switch readahead off");
	for (i = 1; ok && i < SIZE / PAGE; i += 2)
		ok = fill_range(test, &mapped, FILL_READ, i * PAGE, PAGE);
	if (ok && engine_stats(test, &before) &&
	    mapped_read(test, &mapped, 0, SIZE, "every other page") &&
	    path_cached(test, &before, "every other page") &&
	    mapped_write(test, &mapped, 2 * PAGE + 512, 5 * PAGE,
			 "write of both kinds") &&
	    mapped_sum(test, &mapped, "sum of both kinds") &&
	    mapped_is_found(test, &mapped, "everyone"))
		mapped_is_kept(test, &mapped, "the disk");
	mapped_close(test, &mapped);
}

/* Nothing that syncs has to look into the page cache, or to fill it. */
static void run_none(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	int fd;

	if (!mapped_open(test, &mapped, SIZE, true))
		goto close;
	fd = mapped.file->cached;
	if (!mapped_sum(test, &mapped, "sum") ||
	    !look_uncached(test, &mapped, "after a sum") ||
	    !mapped_write(test, &mapped, DIRTY, LEN, "write") ||
	    !look_uncached(test, &mapped, "after a write") ||
	    !engine_stats(test, &before) ||
	    !test_check(test, !fsync(fd), "fsync: %s", strerror(errno)) ||
	    !look_uncached(test, &mapped, "after fsync") ||
	    !test_check(test, !fdatasync(fd), "fdatasync: %s",
			strerror(errno)) ||
	    !test_check(test, !msync(mapped.memory, SIZE, MS_SYNC), "msync: %s",
			strerror(errno)) ||
	    !test_check(test, !syncfs(fd), "syncfs: %s", strerror(errno)) ||
	    !look_uncached(test, &mapped, "after every kind of sync"))
		goto close;
	/* Nor did it take anything from the GPU. */
	if (look_mapped(test, &mapped, 0, SIZE, "after every kind of sync") &&
	    mapped_sum(test, &mapped, "sum at last") &&
	    path_kept(test, &before, "sum at last"))
		look_uncached(test, &mapped, "at last");
close:
	mapped_close(test, &mapped);
}

/* The other policy: what nobody has mapped is written back, and makes room. */
static void run_drop(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;
	bool set = false;

	if (!mapped_open(test, &mapped, SIZE, false) ||
	    !fill_range(test, &mapped, FILL_READ, 0, SIZE) ||
	    !fill_range(test, &mapped, FILL_WRITE, AT, LEN))
		goto close;
	set = !test->direct || kernel_write(DROP_CACHE, "Y");
	if (test_check(test, set, "cannot write %s: %s", DROP_CACHE,
		       strerror(errno)) &&
	    engine_stats(test, &before) &&
	    mapped_read(test, &mapped, 0, SIZE, "the GPU") &&
	    path_direct(test, &before, SIZE / PAGE, "the GPU") &&
	    look_uncached(test, &mapped, "after the GPU"))
		mapped_is_kept(test, &mapped, "the disk");
	if (test->direct)
		test_check(test, kernel_write(DROP_CACHE, "N"),
			   "cannot write %s: %s", DROP_CACHE, strerror(errno));
close:
	mapped_close(test, &mapped);
}

/* Reads or writes a page without waiting; EAGAIN, and ext4 knows no such write(2). */
static bool must_wait(struct test *test, int fd, bool write, const char *what)
{
	static uint8_t page[PAGE] __attribute__((aligned(PAGE)));
	struct iovec vector = { .iov_base = page, .iov_len = PAGE };
	ssize_t done = write ? pwritev2(fd, &vector, 1, 2 * PAGE, RWF_NOWAIT) :
			       preadv2(fd, &vector, 1, 2 * PAGE, RWF_NOWAIT);
	bool ext4 = !strcmp(test->volume->option->fstype, "ext4");

	return test_check(test, done == -1 && (errno == EAGAIN ||
			  (write && ext4 && errno == EOPNOTSUPP)),
			  "%s that must not wait: %zd, %s", what, done,
			  strerror(errno));
}

/* Who has no time to wait for devices takes nothing from them. */
static void run_nowait(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;

	if (!path_needed(test))
		return;
	if (mapped_open(test, &mapped, SIZE, true) &&
	    mapped_write(test, &mapped, 0, SIZE, "write") &&
	    look_mapped(test, &mapped, 0, SIZE, "before") &&
	    engine_stats(test, &before) &&
	    must_wait(test, mapped.file->cached, false, "a read") &&
	    must_wait(test, mapped.file->cached, true, "a write") &&
	    must_wait(test, mapped.file->direct, false, "a direct read") &&
	    must_wait(test, mapped.file->direct, true, "a direct write") &&
	    look_mapped(test, &mapped, 0, SIZE, "afterwards") &&
	    mapped_sum(test, &mapped, "afterwards") &&
	    path_kept(test, &before, "afterwards"))
		mapped_is_kept(test, &mapped, "in the end");
	mapped_close(test, &mapped);
}

/* Nor does it when what it finds in the page cache asks for more to be read ahead. */
static void run_nowait_ahead(struct test *test)
{
	static uint8_t page[PAGE];
	struct iovec vector = { .iov_base = page, .iov_len = PAGE };
	struct mapped mapped = { .file = NULL };
	uint64_t first = 0, found = 0;
	struct cached cached;
	size_t at;

	if (!path_needed(test))
		return;
	/* What a first read brings; the rest is the GPU's. */
	if (!mapped_open(test, &mapped, AHEAD, true) ||
	    !test_check(test, pread(mapped.file->cached, page, PAGE, 0) == PAGE &&
			cache_look(mapped.file->cached, 0, 0, &cached),
			"cannot read %s: %s", mapped.file->path,
			strerror(errno)))
		goto close;
	first = cached.pages;
	if (!test_check(test, first > 1 && first < AHEAD / PAGE / 2,
			"a read brings %" PRIu64 " pages", first) ||
	    !mapped_read(test, &mapped, first * PAGE, AHEAD - first * PAGE,
			 "behind them") ||
	    !look_mapped(test, &mapped, first * PAGE, AHEAD - first * PAGE,
			 "behind them"))
		goto close;
	for (at = 0; at < first; at++)
		found += preadv2(mapped.file->cached, &vector, 1,
				 (off_t)(at * PAGE), RWF_NOWAIT) == PAGE;
	if (test_check(test, found == first,
		       "%" PRIu64 " of %" PRIu64 " pages are found", found,
		       first) &&
	    look_mapped(test, &mapped, first * PAGE, AHEAD - first * PAGE,
			"after reading what is there"))
		mapped_is_kept(test, &mapped, "in the end");
close:
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule1-read-revokes", .run = run_fill, .volume = true,
	  .argument = FILL_READ },
	{ .name = "rule1-load-revokes", .run = run_fill, .volume = true,
	  .argument = FILL_LOAD },
	{ .name = "rule1-populate-revokes", .run = run_fill, .volume = true,
	  .argument = FILL_POPULATE },
	{ .name = "rule1-readahead-revokes", .run = run_fill, .volume = true,
	  .argument = FILL_READAHEAD },
	{ .name = "rule1-splice-revokes", .run = run_fill, .volume = true,
	  .argument = FILL_SPLICE },
	{ .name = "rule1-sendfile-revokes", .run = run_fill, .volume = true,
	  .argument = FILL_SENDFILE },
	{ .name = "rule1-write-revokes", .run = run_fill, .volume = true,
	  .argument = FILL_WRITE },
	{ .name = "rule1-store-revokes", .run = run_fill, .volume = true,
	  .argument = FILL_STORE },
	{ .name = "rule1-direct-read-revokes", .run = run_fill,
	  .volume = true, .claim = CLAIM_DIRECT, .argument = FILL_DIO_READ },
	{ .name = "rule1-direct-write-revokes", .run = run_fill,
	  .volume = true, .claim = CLAIM_DIRECT, .argument = FILL_DIO_WRITE },
	{ .name = "rule1-nowait", .run = run_nowait, .volume = true },
	{ .name = "rule1-nowait-ahead", .run = run_nowait_ahead,
	  .volume = true },
	{ .name = "rule1-refused-cached", .run = run_refused, .volume = true },
	{ .name = "rule1-refused-dirty", .run = run_refused, .volume = true,
	  .argument = true },
	{ .name = "rule1-both-kinds", .run = run_both, .volume = true },
	{ .name = "rule1-no-page-cache", .run = run_none, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "rule1-drop-cache", .run = run_drop, .volume = true,
	  .claim = CLAIM_DIRECT },
};

const struct recipes map_one_owner_recipes = { recipe, ARRAY_SIZE(recipe) };
