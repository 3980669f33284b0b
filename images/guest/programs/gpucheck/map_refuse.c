// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is refused, and for what reason; and that a program can't tell.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "crc32c.h"
#include "engine.h"
#include "map_file.h"
#include "map_fill.h"
#include "map_look.h"
#include "path.h"

/*
 * As many pages as are faulted in at once after a refusal: further ones might come
 * to the page cache by readahead, and would be refused for that.
 */
#define SIZE	((size_t)KIB(64))

/* Three parts of the same size: written, then one without data, then written. */
static bool open_with_gap(struct test *test, struct mapped *mapped,
			  bool unwritten)
{
	struct file *file;
	int fd;

	if (!mapped_open(test, mapped, 3 * SIZE, true))
		return false;
	file = mapped->file;
	fd = file->cached;
	content_set(&file->content, segment_zeros(SIZE, SIZE));
	return test_check(test, !fallocate(fd, FALLOC_FL_PUNCH_HOLE |
					   FALLOC_FL_KEEP_SIZE, (off_t)SIZE,
					   (off_t)SIZE) &&
			  (!unwritten || !fallocate(fd, 0, (off_t)SIZE,
						    (off_t)SIZE)),
			  "cannot leave a gap in %s: %s", file->path,
			  strerror(errno)) &&
	       mapped_cool(test, mapped, "with a gap");
}

/* @argument: the gap has blocks, which were never written. */
static void run_gap(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before;

	if (!open_with_gap(test, &mapped, test->recipe->argument) ||
	    !engine_stats(test, &before) ||
	    !mapped_read(test, &mapped, SIZE, SIZE, "read of the gap") ||
	    !path_fallback(test, &before, "read of the gap") ||
	    !path_refused(test, &before, ENXIO, "read of the gap") ||
	    !mapped_sum(test, &mapped, "sum with the gap") ||
	    !mapped_cool(test, &mapped, "before the write") ||
	    !engine_stats(test, &before) ||
	    !mapped_write(test, &mapped, SIZE + 4 * PAGE, 4 * PAGE,
			  "write to the gap") ||
	    !path_fallback(test, &before, "write to the gap") ||
	    !path_refused(test, &before, ENXIO, "write to the gap") ||
	    !mapped_is_found(test, &mapped, "the gap, written") ||
	    !mapped_is_kept(test, &mapped, "the gap, written") ||
	    !mapped_cool(test, &mapped, "before the last write") ||
	    !engine_stats(test, &before))
		goto close;
	/* There are blocks now. */
	if (mapped_write(test, &mapped, SIZE + 5 * PAGE, 2 * PAGE,
			 "write to what was the gap") &&
	    path_direct(test, &before, 2, "write to what was the gap") &&
	    mapped_sum(test, &mapped, "all of it"))
		mapped_is_kept(test, &mapped, "all of it");
close:
	mapped_close(test, &mapped);
}

/* One command from one part to the next, over each edge of the gap. */
static void run_edges(struct test *test)
{
	struct mapped mapped = { .file = NULL };

	if (open_with_gap(test, &mapped, false) &&
	    mapped_write(test, &mapped, SIZE - 2 * PAGE - 512, 4 * PAGE,
			 "write into the gap") &&
	    mapped_write(test, &mapped, 2 * SIZE - PAGE - 16, 3 * PAGE,
			 "write out of the gap") &&
	    mapped_sum(test, &mapped, "the edges") &&
	    mapped_is_found(test, &mapped, "the edges"))
		mapped_is_kept(test, &mapped, "the edges");
	mapped_close(test, &mapped);
}

/* A BAR takes no atomics; the page cache does. */
static void run_atomic(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct crossbar_gpu_result result;
	struct ivgpu_stats before;
	uint64_t word, now;
	unsigned int i;
	bool ok;

	ok = mapped_open(test, &mapped, SIZE, false) &&
	     mapped_sum(test, &mapped, "before") &&
	     mapped_write(test, &mapped, 4 * PAGE, PAGE, "before") &&
	     engine_stats(test, &before);
	if (!ok)
		goto close;
	memcpy(&word, mapped.video + 4 * PAGE + 64, sizeof(word));
	for (i = 0; ok && i < 8; i++)
		ok = engine_run(test, gpu_add(mapped.memory + 4 * PAGE + 64, 8,
					      3), &result, "add") &&
		     test_check(test, result.value == word + 3 * i,
				"add %u found %#" PRIx64 " instead of %#" PRIx64,
				i, (uint64_t)result.value, word + 3 * i);
	if (!ok || !path_fallback(test, &before, "adds") ||
	    !path_refused(test, &before, EACCES, "adds"))
		goto close;
	memcpy(&now, mapped.memory + 4 * PAGE + 64, sizeof(now));
	if (test_check(test, now == word + 24, "the sum is %#" PRIx64
		       " instead of %#" PRIx64, now, word + 24) &&
	    mapped_cool(test, &mapped, "after the adds") &&
	    engine_stats(test, &before) &&
	    engine_run(test, gpu_copy(mapped.video, mapped.memory + 4 * PAGE,
				      PAGE), NULL, "read") &&
	    path_direct(test, &before, 1, "read after the adds")) {
		memcpy(&now, mapped.video + 64, sizeof(now));
		test_check(test, now == word + 24, "on the disk, the sum is %#"
			   PRIx64 " instead of %#" PRIx64, now, word + 24);
	}
close:
	mapped_close(test, &mapped);
}

/* What a volume is refused for that no GPU can reach, or 0 if one can. */
static unsigned int unreachable(struct test *test)
{
	if (test->direct)
		return 0;
	/* There is a BAR, but no route to it; or there is none. */
	return path_bar_kib(test->volume) ? EREMOTEIO : EOPNOTSUPP;
}

/* Nothing is in the way of a plain file, but a BAR that can't be reached. */
static void run_route(struct test *test)
{
	unsigned int error = unreachable(test);
	struct mapped mapped = { .file = NULL };
	struct ivgpu_stats before, after;

	if (test->path == IVGPU_PATH_FALLBACK || !look_kernel()) {
		test_skip(test, "nobody asks for the direct path");
		return;
	}
	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !engine_stats(test, &before) ||
	    !mapped_sum(test, &mapped, "sum of a file") ||
	    !mapped_write(test, &mapped, 0, SIZE, "write of a file") ||
	    !engine_stats(test, &after))
		goto close;
	if (!test_check(test, error ? after.last_refusal == error :
			after.refusals == before.refusals,
			"%" PRIu64 " refusals, the last one for %s, instead of %s",
			(uint64_t)(after.refusals - before.refusals),
			error_name(after.last_refusal), error_name(error)))
		goto close;
	if (error &&
	    test_check(test, ivgpu_set_path(&test->gpu, IVGPU_PATH_DIRECT),
		       "IVGPU_SET_PATH: %s", strerror(errno)) &&
	    mapped_cool(test, &mapped, "before a direct sum"))
		engine_refuses(test, gpu_crc32c(mapped.memory, PAGE), error,
			       "direct sum of a file that can't be reached");
	mapped_is_kept(test, &mapped, "the disk");
close:
	mapped_close(test, &mapped);
}

/* With the direct path only, a refusal is what the command ends with. */
static void run_statuses(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	uint8_t *private = NULL;

	if (!path_needed(test))
		return;
	if (!open_with_gap(test, &mapped, false))
		goto close;
	private = disk_map(test, mapped.file, SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE);
	if (!private ||
	    !test_check(test, ivgpu_set_path(&test->gpu, IVGPU_PATH_DIRECT),
			"IVGPU_SET_PATH: %s", strerror(errno)) ||
	    !engine_refuses(test, gpu_crc32c(private, PAGE), EOPNOTSUPP,
			    "a private mapping") ||
	    !engine_refuses(test, gpu_crc32c(mapped.memory + SIZE, PAGE), ENXIO,
			    "a hole") ||
	    !engine_refuses(test, gpu_add(mapped.memory, 8, 1), EACCES,
			    "an atomic operation") ||
	    !mapped_read(test, &mapped, 0, SIZE, "what can be had") ||
	    !fill_range(test, &mapped, FILL_READ, 0, SIZE) ||
	    !engine_refuses(test, gpu_crc32c(mapped.memory, PAGE), EBUSY,
			    "what the page cache has") ||
	    !test_check(test, ivgpu_set_path(&test->gpu, IVGPU_PATH_FALLBACK),
			"IVGPU_SET_PATH: %s", strerror(errno)))
		goto close;
	mapped_sum(test, &mapped, "by the page cache");
close:
	if (private)
		munmap(private, SIZE);
	mapped_close(test, &mapped);
}

/* Memory that belongs to no file on a disk is mapped whatever the path. */
static void run_no_file(struct test *test)
{
	static const enum place places[] = {
		PLACE_ANONYMOUS, PLACE_SHARED, PLACE_TMPFS_SHARED, PLACE_VIDEO,
	};
	unsigned int i, path;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		struct area area = { .fd = -1 };
		uint8_t *model = NULL;
		bool ok = area_open_random(test, &area, places[i], SIZE, &model);

		for (path = 0; ok && path <= IVGPU_PATH_FALLBACK; path++) {
			if (path == IVGPU_PATH_DIRECT && !look_kernel())
				continue;
			ok = test_check(test, ivgpu_set_path(&test->gpu, path),
					"path %u: %s", path, strerror(errno)) &&
			     engine_crc(test, area.memory, SIZE,
					crc32c(0, model, SIZE),
					place_name(places[i]));
		}
		area_close(&area);
		free(model);
		if (!ok)
			return;
	}
}

/* What is no path, and what this kernel has no path for. */
static void run_bad_path(struct test *test)
{
	struct ivgpu_path_request bad[] = {
		{ .path = IVGPU_PATH_FALLBACK + 1 },
		{ .path = UINT32_MAX },
		{ .path = IVGPU_PATH_AUTO, .reserved = 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		bool ok = !ioctl(test->gpu.fd, IVGPU_SET_PATH, &bad[i]);

		test_check(test, !ok && errno == EINVAL,
			   "path %u, reserved %u: %s", bad[i].path,
			   bad[i].reserved, ok ? "success" : strerror(errno));
	}
	engine_run(test, gpu_fence(), NULL, "fence after bad paths");
}

/* What is no range of pages, or reaches beyond what a process can have. */
static void run_bad_range(struct test *test)
{
	const struct ivgpu_range bad[] = {
		{ .address = PAGE },
		{ .address = 1, .length = PAGE },
		{ .address = PAGE, .length = PAGE + 1 },
		{ .address = -(uint64_t)PAGE, .length = PAGE },
		{ .address = PAGE, .length = -(uint64_t)PAGE },
		{ .address = 1ULL << 47, .length = PAGE },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		bool ok = !ioctl(test->gpu.fd, IVGPU_UNMAP, &bad[i]);

		test_check(test, !ok && errno == EINVAL,
			   "address %#llx, length %#llx: %s",
			   (unsigned long long)bad[i].address,
			   (unsigned long long)bad[i].length,
			   ok ? "success" : strerror(errno));
	}
	test_check(test, ivgpu_unmap(&test->gpu, (void *)PAGE, KIB(1024)),
		   "a range where nothing is mapped: %s", strerror(errno));
	engine_run(test, gpu_fence(), NULL, "fence after bad ranges");
}

static const struct recipe recipe[] = {
	{ .name = "refused-hole", .run = run_gap, .volume = true },
	{ .name = "refused-unwritten", .run = run_gap, .volume = true,
	  .argument = true },
	{ .name = "refused-edges", .run = run_edges, .volume = true },
	{ .name = "refused-atomic", .run = run_atomic, .volume = true },
	{ .name = "refused-no-route", .run = run_route, .volume = true },
	{ .name = "refused-statuses", .run = run_statuses, .volume = true },
	{ .name = "path-without-file", .run = run_no_file },
	{ .name = "path-bad", .run = run_bad_path },
	{ .name = "unmap-bad", .run = run_bad_range },
};

const struct recipes map_refuse_recipes = { recipe, ARRAY_SIZE(recipe) };
