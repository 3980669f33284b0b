// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 3: a reflink that is under way comes to one extent after the other. What it
 * will share must not be mapped for writing meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "disk.h"
#include "engine.h"

/* Each page is an extent of its own. */
#define PAGES	1024
#define SIZE	((size_t)PAGES * PAGE)

/* The GPU writes to pages that the reflink comes to last. */
#define LATE	(PAGES / 4)
#define ROUNDS	3

/* Writes while it runs. */
#define MOST	4096

/*
 * struct clone - a reflink and what disturbs it
 * @running: it has begun and has not ended
 * @refused: how often the GPU, which would have written to blocks, was refused them
 */
struct clone {
	struct file *from, *to;
	bool running;
	int error;
	uint64_t refused;
};

static void *make_clone(void *context)
{
	struct clone *clone = context;

	clone->error = ioctl(clone->to->cached, FICLONE, clone->from->cached) ?
		       errno : 0;
	__atomic_store_n(&clone->running, false, __ATOMIC_RELEASE);
	return NULL;
}

/* Written from its end to its beginning, a file has no two pages in a row. */
static bool scatter(struct test *test, struct file *file, uint8_t *buffer)
{
	bool ok = !ftruncate(file->cached, (off_t)SIZE);
	unsigned int i;

	for (i = PAGES; ok && i--;) {
		memset(buffer, (uint8_t)i | 1, PAGE);
		ok = pwrite(file->direct, buffer, PAGE, (off_t)i * PAGE) == PAGE;
	}
	return test_check(test, ok && !fsync(file->cached), "cannot write %s: %s",
			  file->path, strerror(errno));
}

static bool read_clone(struct test *test, struct clone *clone, uint8_t *buffer)
{
	return test_check(test, pread(clone->to->direct, buffer, SIZE, 0) ==
			  (ssize_t)SIZE, "cannot read %s: %s", clone->to->path,
			  strerror(errno));
}

/* The GPU writes to late pages for as long as the reflink runs, to @writes of them. */
static bool write_meanwhile(struct test *test, struct clone *clone,
			    uint8_t *memory, uint16_t *pages,
			    unsigned int *writes)
{
	struct ivgpu_stats before, after;
	pthread_t thread;
	bool ok = true;

	if (!engine_stats(test, &before))
		return false;
	clone->running = true;
	if (!test_check(test, !pthread_create(&thread, NULL, make_clone, clone),
			"cannot start a thread"))
		return false;
	while (ok && *writes < MOST &&
	       __atomic_load_n(&clone->running, __ATOMIC_ACQUIRE)) {
		uint16_t page = (uint16_t)(PAGES - LATE +
					   random_below(&test->random, LATE));

		pages[(*writes)++] = page;
		ok = engine_run(test, gpu_fill(memory + (size_t)page * PAGE,
					       *writes, PAGE), NULL,
				"write while blocks are shared");
	}
	pthread_join(thread, NULL);
	if (!ok || !engine_stats(test, &after))
		return false;
	clone->refused += after.refusals - before.refusals;
	return test_check(test, !clone->error, "FICLONE: %s",
			  strerror(clone->error));
}

/* What the GPU writes from now on is the file's alone. */
static bool clone_round(struct test *test, struct clone *clone, uint8_t *memory,
			uint8_t *before, uint8_t *after)
{
	static uint16_t pages[MOST];
	unsigned int writes = 0, i;
	size_t at;

	if (!write_meanwhile(test, clone, memory, pages, &writes) ||
	    !test_check(test, writes, "nothing was written meanwhile") ||
	    !test_check(test, !fsync(clone->from->cached), "fsync: %s",
			strerror(errno)) ||
	    !read_clone(test, clone, before))
		return false;
	/* The last first: those that fault bring their neighbours into the cache. */
	for (i = writes; i--;)
		if (!engine_run(test, gpu_fill(memory + (size_t)pages[i] * PAGE,
					       UINT64_MAX, PAGE), NULL,
				"write once blocks are shared"))
			return false;
	if (!test_check(test, !fsync(clone->from->cached), "fsync: %s",
			strerror(errno)) ||
	    !read_clone(test, clone, after))
		return false;
	for (at = 0; at < SIZE; at += PAGE)
		if (!test_check(test, !memcmp(before + at, after + at, PAGE),
				"page %zu of the other file has changed",
				at / PAGE))
			return false;
	/* And it has them. */
	if (!test_check(test, pread(clone->from->cached, after, SIZE, 0) ==
			(ssize_t)SIZE, "cannot read %s: %s", clone->from->path,
			strerror(errno)))
		return false;
	memset(before, 0xff, PAGE);
	for (i = 0; i < writes; i++)
		if (!test_check(test, !memcmp(after + (size_t)pages[i] * PAGE,
					      before, PAGE),
				"page %u of the file is not what the GPU wrote",
				pages[i]))
			return false;
	return true;
}

static void run_clone(struct test *test)
{
	struct clone clone = {
		.from = disk_file(test, 0, false),
	};
	uint8_t *memory = NULL, *buffers;
	unsigned int i;
	bool ok;

	buffers = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		       MAP_ANONYMOUS, -1, 0);
	if (!clone.from || !test_check(test, buffers != MAP_FAILED,
				       "no memory for copies"))
		return;
	clone.from->unsure = true;
	for (ok = true, i = 0; ok && i < ROUNDS; i++) {
		clone.to = file_create(test->volume, "shared-while-written");
		ok = test_check(test, clone.to, "cannot make a file: %s",
				strerror(errno)) &&
		     scatter(test, clone.from, buffers);
		if (ok && !memory)
			memory = disk_map(test, clone.from, SIZE, PROT_READ |
					  PROT_WRITE, MAP_SHARED);
		ok = ok && memory && clone_round(test, &clone, memory, buffers,
						 buffers + SIZE);
		if (clone.to)
			file_remove(clone.to);
	}
	if (ok && test->direct)
		/* For whatever reason: that none was mapped too early, the bytes show. */
		test_check(test, clone.refused,
			   "the GPU was refused nothing while blocks were shared");
	if (memory)
		munmap(memory, SIZE);
	munmap(buffers, 2 * SIZE);
	file_remove(clone.from);
}

static const struct recipe recipe[] = {
	{ .name = "rule3-reflink-running", .run = run_clone, .volume = true,
	  .fstype = "xfs" },
};

const struct recipes map_clone_recipes = { recipe, ARRAY_SIZE(recipe) };
