// SPDX-License-Identifier: GPL-2.0-only
/*
 * Video memory: who has it, for how long, and what is refused.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "cells.h"
#include "crc32c.h"
#include "engine.h"
#include "process.h"

#define SIZE	(64 * PAGE)

static bool heap_free(struct test *test, uint64_t *bytes)
{
	struct ivgpu_info info;

	if (!test_check(test, ivgpu_info(&test->gpu, &info), "IVGPU_INFO: %s",
			strerror(errno)))
		return false;
	*bytes = info.heap_free;
	return true;
}

static bool refused(struct test *test, uint64_t size, int error)
{
	struct ivgpu_alloc alloc = { .size = size };
	bool ok = !ioctl(test->gpu.fd, IVGPU_ALLOC, &alloc);

	return test_check(test, !ok && errno == error,
			  "allocation of %" PRIu64 " bytes: %s instead of %s",
			  size, ok ? "success" : strerror(errno),
			  strerror(error));
}

/* More than there is, at once and in pieces; then it can be had again. */
static void run_oversubscription(struct test *test)
{
	struct ivgpu_alloc alloc = { .size = MIB(4) };
	uint64_t before, now, offsets[1024];
	unsigned int count = 0;
	struct ivgpu_info info;

	if (!test_check(test, ivgpu_info(&test->gpu, &info), "IVGPU_INFO: %s",
			strerror(errno)))
		return;
	before = info.heap_free;
	if (!refused(test, info.heap_size + PAGE, ENOSPC) ||
	    !refused(test, before + PAGE, ENOSPC) ||
	    !refused(test, UINT64_MAX, ENOSPC) ||
	    !refused(test, UINT64_MAX - PAGE, ENOSPC) ||
	    !refused(test, 0, EINVAL))
		return;
	while (count < ARRAY_SIZE(offsets)) {
		if (ioctl(test->gpu.fd, IVGPU_ALLOC, &alloc)) {
			/* The rest in pieces that are as small as can be. */
			if (errno != ENOSPC || alloc.size == PAGE)
				break;
			alloc.size /= 2;
			continue;
		}
		offsets[count++] = alloc.offset;
	}
	test_check(test, errno == ENOSPC && count > 0,
		   "%u allocations, then %s", count, strerror(errno));
	if (heap_free(test, &now))
		test_check(test, now < PAGE || count == ARRAY_SIZE(offsets),
			   "ENOSPC with %" PRIu64 " bytes left", now);
	while (count) {
		alloc.offset = offsets[--count];
		if (!test_check(test, !ioctl(test->gpu.fd, IVGPU_FREE, &alloc),
				"cannot free what was allocated: %s",
				strerror(errno)))
			return;
	}
	if (heap_free(test, &now))
		test_check(test, now == before, "%" PRIu64 " of %" PRIu64
			   " bytes came back", now, before);
}

/* Frees by close(), by the end of the process, and by the last munmap(). */
static void hold_and_die(struct test *test, void *context)
{
	struct ivgpu_alloc alloc = { .size = MIB(1) };
	struct ivgpu gpu;
	unsigned int i;

	(void)context;
	if (!test_check(test, ivgpu_open(&gpu, test->address, NULL),
			"cannot open the GPU: %s", strerror(errno)))
		return;
	for (i = 0; i < 8; i++) {
		uint8_t *memory = ivgpu_alloc(&gpu, MIB(1), NULL);

		if (!test_check(test, memory &&
				!ioctl(gpu.fd, IVGPU_ALLOC, &alloc),
				"cannot allocate: %s", strerror(errno)))
			return;
		memset(memory, 1, PAGE);
	}
}

static void run_freed(struct test *test)
{
	struct ivgpu_alloc alloc = { .size = MIB(2) };
	uint64_t before, now;
	struct ivgpu other;
	uint8_t *memory;
	pid_t pid;

	if (!heap_free(test, &before) ||
	    !test_check(test, ivgpu_open(&other, test->address, &test->totals),
			"cannot open the GPU: %s", strerror(errno)))
		return;
	if (!test_check(test, !ioctl(other.fd, IVGPU_ALLOC, &alloc),
			"cannot allocate: %s", strerror(errno)))
		goto close;
	memory = mmap(NULL, MIB(2), PROT_READ | PROT_WRITE, MAP_SHARED, other.fd,
		      (off_t)alloc.offset);
	if (!test_check(test, memory != MAP_FAILED, "cannot map: %s",
			strerror(errno)))
		goto close;
	ivgpu_close(&other);
	/* The mapping keeps it. */
	memset(memory, 0x42, MIB(2));
	test_check(test, bytes_check(memory, MIB(2), 0x42) == MIB(2),
		   "what is mapped does not last");
	if (heap_free(test, &now))
		test_check(test, before - now >= MIB(2),
			   "memory that is mapped is free at the same time");
	munmap(memory, MIB(2));
	if (heap_free(test, &now))
		test_check(test, now == before, "close() and munmap() leave %"
			   PRIu64 " bytes behind", before - now);
	pid = process_start(test, hold_and_die, NULL);
	if (pid > 0 && process_end(test, pid) && heap_free(test, &now))
		test_check(test, now == before, "a process leaves %" PRIu64
			   " bytes behind", before - now);
close:
	ivgpu_close(&other);
}

/* Nobody finds what another one has left. */
static void run_clean(struct test *test)
{
	uint8_t *memory;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		memory = ivgpu_alloc(&test->gpu, MIB(4), NULL);
		if (!test_check(test, memory, "cannot allocate: %s",
				strerror(errno)))
			return;
		test_check(test, bytes_check(memory, MIB(4), 0) == MIB(4),
			   "video memory is not clean");
		engine_run(test, gpu_fill(memory, 0x6B6B6B6B6B6B6B6BULL, MIB(4)),
			   NULL, "fill of video memory");
		munmap(memory, MIB(4));
	}
}

/* mmap() gives what this file has allocated, and nothing else. */
static void run_mmap_refused(struct test *test)
{
	struct ivgpu_alloc mine = { .size = SIZE }, others = { .size = SIZE };
	struct ivgpu other;
	struct {
		uint64_t offset;
		size_t size;
		int flags;
		const char *what;
	} bad[6];
	unsigned int i;

	if (!test_check(test, ivgpu_open(&other, test->address, &test->totals),
			"cannot open the GPU: %s", strerror(errno)))
		return;
	if (!test_check(test, !ioctl(test->gpu.fd, IVGPU_ALLOC, &mine) &&
			!ioctl(other.fd, IVGPU_ALLOC, &others),
			"cannot allocate: %s", strerror(errno)))
		goto close;
	bad[0] = (typeof(bad[0])){ 0, PAGE, MAP_SHARED, "the control page" };
	bad[1] = (typeof(bad[0])){ others.offset, PAGE, MAP_SHARED,
				   "another file's memory" };
	bad[2] = (typeof(bad[0])){ mine.offset, SIZE + PAGE, MAP_SHARED,
				   "more than was allocated" };
	bad[3] = (typeof(bad[0])){ mine.offset + SIZE - PAGE, 2 * PAGE,
				   MAP_SHARED, "beyond the end" };
	bad[4] = (typeof(bad[0])){ 1ULL << 46, PAGE, MAP_SHARED,
				   "what is nowhere" };
	bad[5] = (typeof(bad[0])){ mine.offset, PAGE, MAP_PRIVATE,
				   "a private copy" };
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		void *memory = mmap(NULL, bad[i].size, PROT_READ | PROT_WRITE,
				    bad[i].flags, test->gpu.fd,
				    (off_t)bad[i].offset);

		if (!test_check(test, memory == MAP_FAILED, "mmap() gives %s",
				bad[i].what))
			munmap(memory, bad[i].size);
	}
	others.size = 0;
	test_check(test, ioctl(test->gpu.fd, IVGPU_FREE, &others) &&
		   (errno == EINVAL || errno == ENOENT),
		   "another file's memory can be freed");
	mine.offset += PAGE;
	test_check(test, ioctl(test->gpu.fd, IVGPU_FREE, &mine) &&
		   (errno == EINVAL || errno == ENOENT),
		   "the middle of an allocation can be freed");
close:
	ivgpu_close(&other);
}

/* munmap(), mprotect() and mremap() hold for video memory too. */
static void run_mappings(struct test *test)
{
	uint8_t *memory = ivgpu_alloc(&test->gpu, SIZE, NULL);
	uint8_t *model = calloc(1, SIZE);

	if (!test_check(test, memory && model, "cannot allocate: %s",
			strerror(errno)))
		goto free;
	random_fill(&test->random, model, SIZE);
	memcpy(memory, model, SIZE);
	if (!engine_crc(test, memory, SIZE, crc32c(0, model, SIZE), "sum") ||
	    !engine_run(test, gpu_fill(memory, 0, 8), NULL, "fill"))
		goto free;
	memset(model, 0, 8);
	if (!test_check(test, !mprotect(memory, SIZE, PROT_READ), "mprotect: %s",
			strerror(errno)) ||
	    !engine_refuses(test, gpu_fill(memory, 1, PAGE), EACCES,
			    "fill of read-only video memory") ||
	    !engine_crc(test, memory, SIZE, crc32c(0, model, SIZE),
			"sum of read-only video memory") ||
	    !memory_check(test, memory, model, SIZE, "loads"))
		goto free;
	munmap(memory + SIZE / 2, SIZE / 2);
	engine_refuses(test, gpu_crc32c(memory, SIZE), EFAULT,
		       "sum of unmapped video memory");
	engine_crc(test, memory, SIZE / 2, crc32c(0, model, SIZE / 2),
		   "sum of what is still mapped");
	munmap(memory, SIZE / 2);
	engine_refuses(test, gpu_fill(memory, 1, 8), EFAULT,
		       "fill of video memory that is gone");
free:
	free(model);
}

static const struct recipe recipe[] = {
	{ .name = "video-oversubscription", .run = run_oversubscription },
	{ .name = "video-freed", .run = run_freed },
	{ .name = "video-clean", .run = run_clean, .claim = CLAIM_VIDEO },
	{ .name = "video-mmap-refused", .run = run_mmap_refused },
	{ .name = "video-mappings", .run = run_mappings,
	  .claim = CLAIM_VIDEO },
};

const struct recipes video_recipes = { recipe, ARRAY_SIZE(recipe) };
