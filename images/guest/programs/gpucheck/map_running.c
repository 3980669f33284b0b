// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 2: blocks are taken back at any time, and when that is done the device makes
 * no further access. Here it has commands under way: one before the CPU acts, and
 * behind a delay, which lasts until the CPU has acted, one that comes after.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "engine.h"
#include "map_file.h"
#include "map_fill.h"
#include "map_leave.h"
#include "map_look.h"
#include "path.h"
#include "pressure.h"
#include "process.h"
#include "report.h"

#define SIZE	((size_t)KIB(256))
#define HALF	(SIZE / 2)

/* What happens to the second half of the file; the fills have their own names. */
enum {
	ACT_TRUNCATE = FILL_DIO_WRITE + 1,
	ACT_PUNCH,
	ACT_MUNMAP,
	ACT_REVOKE,
};

static bool act(struct test *test, struct mapped *mapped, unsigned int what)
{
	struct file *file = mapped->file;
	int error = 0;

	switch (what) {
	case ACT_TRUNCATE:
		error = ftruncate(file->cached, (off_t)HALF);
		file->content = content_slice(&file->content, 0, HALF);
		break;
	case ACT_PUNCH:
		error = fallocate(file->cached, FALLOC_FL_PUNCH_HOLE |
				  FALLOC_FL_KEEP_SIZE, (off_t)HALF, (off_t)HALF);
		content_set(&file->content, segment_zeros(HALF, HALF));
		break;
	case ACT_MUNMAP:
		error = munmap(mapped->memory + HALF, HALF);
		break;
	case ACT_REVOKE:
		return controller_revokes(test);
	default:
		return fill_range(test, mapped, what, HALF, HALF);
	}
	return test_check(test, !error, "cannot change %s: %s", file->path,
			  strerror(errno));
}

/* Whether the GPU cannot have what it asks for any more. */
static bool ends(unsigned int what)
{
	return what == ACT_TRUNCATE || what == ACT_MUNMAP;
}

/* What the copy behind the delay has brought: the file as the CPU has left it. */
static void check_after(struct test *test, struct mapped *mapped,
			const struct content *before, const uint8_t *to,
			const struct crossbar_gpu_result *result)
{
	unsigned int what = test->recipe->argument;
	struct content want = mapped->file->content;

	if (ends(what)) {
		test_check(test, result->status ==
			   (what == ACT_MUNMAP ? EFAULT :
			    path_status(test, ENXIO, EFAULT)) &&
			   result->bytes <= HALF,
			   "a copy of what is gone ended with %s after %" PRIu64
			   " bytes", error_name(result->status),
			   (uint64_t)result->bytes);
		want = content_slice(before, 0, result->bytes / 16 * 16);
	} else {
		test_check(test, !result->status, "the copy ended with %s",
			   error_name(result->status));
	}
	disk_memory_is(test, &want, to, "the copy behind the delay");
}

static void run_reads(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct crossbar_gpu_result result;
	unsigned int what = test->recipe->argument;
	struct content before;
	uint8_t *to = NULL;
	uint64_t fence;

	if (!mapped_open(test, &mapped, SIZE, false))
		goto close;
	to = ivgpu_alloc(&test->gpu, SIZE, NULL);
	if (!test_check(test, to, "cannot allocate: %s", strerror(errno)))
		goto close;

	struct crossbar_gpu_command commands[] = {
		gpu_copy(mapped.video, mapped.memory, SIZE),
		engine_held(),
		gpu_copy(to, mapped.memory, SIZE),
	};

	before = mapped.file->content;
	if (!engine_hold(test) ||
	    !engine_submit(test, commands, 3, &fence, "copy, delay, copy"))
		goto close;
	if (!engine_wait(test, fence - 2, "the copy before the delay") ||
	    !look_mapped(test, &mapped, 0, SIZE, "before") ||
	    !act(test, &mapped, what))
		goto release;
	if (!fill_caches(what) || what > FILL_DIO_WRITE)
		look_uncached(test, &mapped, "after the CPU");
	if (what != ACT_MUNMAP)
		look_revoked(test, &mapped, HALF, HALF, "after the CPU");
	engine_is_held(test, fence - 1);
release:
	engine_release(test);
	if (!test_check(test, ivgpu_wait(&test->gpu, fence, WAIT_NS, &result),
			"the last copy: %s", strerror(errno)) ||
	    test->verdict.failed ||
	    !disk_memory_is(test, &before, mapped.video,
			    "the copy before the delay"))
		goto close;
	check_after(test, &mapped, &before, to, &result);
	/* However it went, this is what has to be there now. */
	disk_file_is(test, mapped.file, "the file in the end");
close:
	if (to)
		munmap(to, SIZE);
	if (what == ACT_MUNMAP && mapped.memory) {
		/* Somebody else may have the place of the other half by now. */
		munmap(mapped.memory, HALF);
		mapped.memory = NULL;
	}
	mapped_close(test, &mapped);
}

/* What the CPU finds in the first half, to be compared when there is time. */
static bool find_half(struct test *test, struct mapped *mapped, enum fill fill,
		      uint8_t *found)
{
	int fd = fill == FILL_DIO_READ ? mapped->file->direct :
					 mapped->file->cached;

	if (fill == FILL_LOAD) {
		memcpy(found, mapped->memory, HALF);
		return true;
	}
	return test_check(test, pread(fd, found, HALF, 0) == (ssize_t)HALF,
			  "cannot read %s: %s", mapped->file->path,
			  strerror(errno));
}

/* Two writes of the GPU, and a CPU that looks at the file between them. */
static void run_writes(struct test *test)
{
	static uint8_t found[HALF] __aligned(4096);
	uint16_t first = fresh_generation(), second = fresh_generation();
	enum fill fill = test->recipe->argument;
	struct mapped mapped = { .file = NULL };
	struct crossbar_gpu_command commands[3];
	struct content half;
	uint64_t fence;

	if (!mapped_open(test, &mapped, SIZE, true))
		goto close;
	commands[0] = mapped_writing(&mapped, 0, HALF, first);
	commands[1] = engine_held();
	/* From a place of its own in video memory, to the middle of the file. */
	commands[2] = mapped_writing(&mapped, HALF, HALF, second);
	commands[2].target -= HALF / 2;
	/* The cells say where they were to go to. */
	mapped_wrote(&mapped, 0, HALF, first);
	if (!engine_hold(test) ||
	    !engine_submit(test, commands, 3, &fence, "write, delay, write"))
		goto close;
	if (engine_wait(test, fence - 2, "the first write") &&
	    find_half(test, &mapped, fill, found))
		engine_is_held(test, fence - 1);
	half = content_slice(&mapped.file->content, 0, HALF);
	if (!engine_release(test) ||
	    !engine_wait(test, fence, "the second write") ||
	    !disk_memory_is(test, &half, found, "the first write"))
		goto close;
	content_set(&mapped.file->content, (struct segment){
		.off = HALF / 2,
		.len = HALF,
		.kind = SEGMENT_CELLS,
		.file = mapped.file->id,
		.gen = second,
		.cell_off = HALF,
	});
	if (mapped_is_found(test, &mapped, "both writes"))
		mapped_is_kept(test, &mapped, "both writes");
close:
	mapped_close(test, &mapped);
}

/* Memory is short, and the GPU goes on. */
static void run_pressure(struct test *test)
{
	const size_t places = 5;
	struct mapped mapped = { .file = NULL };
	struct pressure pressure;
	unsigned int i;
	bool ok = true;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !mapped_sum(test, &mapped, "before") ||
	    !pressure_start(test, &pressure))
		goto close;
	for (i = 0; ok && pressure_lasts(test, &pressure); i++)
		ok = mapped_fill(test, &mapped, i % places * 8 * PAGE, PAGE + 512,
				 "fill under pressure") &&
		     mapped_sum(test, &mapped, "sum under pressure") &&
		     test_check(test, i % 4 || !fsync(mapped.file->cached),
				"fsync under pressure: %s", strerror(errno));
	pressure_stop(test, &pressure);
	if (ok && look_uncached(test, &mapped, "after the pressure"))
		mapped_is_kept(test, &mapped, "after the pressure");
close:
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule2-read-running", .run = run_reads, .volume = true,
	  .host = true, .argument = FILL_READ },
	{ .name = "rule2-write-running", .run = run_reads, .volume = true,
	  .host = true, .argument = FILL_WRITE },
	{ .name = "rule2-store-running", .run = run_reads, .volume = true,
	  .host = true, .argument = FILL_STORE },
	{ .name = "rule2-direct-write-running", .run = run_reads, .volume = true,
	  .claim = CLAIM_DIRECT, .host = true, .argument = FILL_DIO_WRITE },
	{ .name = "rule2-truncate-running", .run = run_reads, .volume = true,
	  .claim = CLAIM_DIRECT, .host = true, .argument = ACT_TRUNCATE },
	{ .name = "rule2-punch-running", .run = run_reads, .volume = true,
	  .host = true, .argument = ACT_PUNCH },
	{ .name = "rule2-munmap-running", .run = run_reads, .volume = true,
	  .claim = CLAIM_DIRECT, .host = true, .argument = ACT_MUNMAP },
	{ .name = "rule2-device-revokes-running", .run = run_reads, .volume = true,
	  .claim = CLAIM_DIRECT, .host = true, .argument = ACT_REVOKE },
	{ .name = "rule2-writes-read", .run = run_writes, .volume = true,
	  .host = true, .argument = FILL_READ },
	{ .name = "rule2-writes-loaded", .run = run_writes, .volume = true,
	  .host = true, .argument = FILL_LOAD },
	{ .name = "rule2-writes-direct-read", .run = run_writes, .volume = true,
	  .claim = CLAIM_DIRECT, .host = true, .argument = FILL_DIO_READ },
	{ .name = "rule2-pressure", .run = run_pressure, .volume = true,
	  .claim = CLAIM_DIRECT },
};

const struct recipes map_running_recipes = { recipe, ARRAY_SIZE(recipe) };
