// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings that move, go away or change while the GPU has their pages.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "area.h"
#include "crc32c.h"
#include "engine.h"

#define SIZE	(32 * PAGE)

/* Memory that the GPU has read all of, and written. NULL after test_fail(). */
static uint8_t *known_memory(struct test *test, int flags, uint8_t *model)
{
	uint8_t *memory = memory_map(test, SIZE, PROT_READ | PROT_WRITE, flags);

	if (!memory)
		return NULL;
	random_fill(&test->random, model, SIZE);
	memcpy(memory, model, SIZE);
	memset(model + PAGE, 0x11, PAGE);
	if (engine_run(test, gpu_fill(memory + PAGE, 0x1111111111111111ULL, PAGE),
		       NULL, "fill before") &&
	    engine_crc(test, memory, SIZE, crc32c(0, model, SIZE), "sum before"))
		return memory;
	munmap(memory, SIZE);
	return NULL;
}

static uint8_t model[SIZE];

/* Gone is gone, and what comes to its place is new. */
static void run_munmap(struct test *test)
{
	uint8_t *memory = known_memory(test, MAP_PRIVATE, model), *again;

	if (!memory || !test_check(test, !munmap(memory, SIZE), "munmap: %s",
				   strerror(errno)))
		return;
	if (!engine_refuses(test, gpu_crc32c(memory, SIZE), EFAULT,
			    "sum of what is unmapped") ||
	    !engine_refuses(test, gpu_fill(memory, 1, PAGE), EFAULT,
			    "fill of what is unmapped"))
		return;
	again = mmap(memory, SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (!test_check(test, again == memory, "cannot map the same place again: %s",
			strerror(errno)))
		return;
	memset(model, 0, SIZE);
	if (engine_crc(test, memory, SIZE, crc32c(0, model, SIZE),
		       "sum of what came to its place")) {
		memset(model + 4 * PAGE, 0x22, PAGE);
		memset(memory + 4 * PAGE, 0x22, PAGE);
		engine_crc(test, memory, SIZE, crc32c(0, model, SIZE),
			   "sum of what the CPU wrote there");
	}
	munmap(memory, SIZE);
}

/* MAP_FIXED takes the place without munmap(). */
static void run_remap(struct test *test)
{
	uint8_t *memory = known_memory(test, MAP_PRIVATE, model);
	size_t half = SIZE / 2;

	if (!memory)
		return;
	if (test_check(test, mmap(memory + half, half, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
				  0) == memory + half,
		       "cannot map over memory: %s", strerror(errno))) {
		memset(model + half, 0, half);
		engine_crc(test, memory, SIZE, crc32c(0, model, SIZE),
			   "sum of an old half and a new one");
	}
	munmap(memory, SIZE);
}

/* The old place is empty, the new one has it all. */
static void run_mremap(struct test *test)
{
	uint8_t *memory = known_memory(test, (int)test->recipe->argument, model);
	uint8_t *room, *moved;

	if (!memory)
		return;
	room = memory_map(test, 2 * SIZE, PROT_NONE, MAP_PRIVATE);
	if (!room) {
		munmap(memory, SIZE);
		return;
	}
	moved = mremap(memory, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       room + SIZE);
	if (!test_check(test, moved == room + SIZE, "mremap: %s",
			strerror(errno)))
		goto unmap;
	if (engine_refuses(test, gpu_fill(memory, 1, PAGE), EFAULT,
			   "fill of the place that it left") &&
	    engine_crc(test, moved, SIZE, crc32c(0, model, SIZE),
		       "sum of the place that it came to")) {
		memset(model + 3 * PAGE, 0x33, 2 * PAGE);
		if (engine_run(test, gpu_fill(moved + 3 * PAGE,
					      0x3333333333333333ULL, 2 * PAGE),
			       NULL, "fill of the new place"))
			memory_check(test, moved, model, SIZE, "the new place");
	}
unmap:
	munmap(room, 2 * SIZE);
}

/* Grows and shrinks in place or not: nothing is lost, the rest is refused. */
static void run_resize(struct test *test)
{
	uint8_t *memory = known_memory(test, MAP_PRIVATE, model), *zeros, *now;
	uint32_t crc;

	if (!memory)
		return;
	now = mremap(memory, SIZE, SIZE / 2, 0);
	if (!test_check(test, now == memory, "mremap: %s", strerror(errno)))
		return;
	if (!engine_crc(test, now, SIZE / 2, crc32c(0, model, SIZE / 2),
			"sum of what is left") ||
	    !engine_refuses(test, gpu_crc32c(now, SIZE), EFAULT,
			    "sum of more than is left"))
		goto unmap;
	now = mremap(memory, SIZE / 2, SIZE, MREMAP_MAYMOVE);
	if (!test_check(test, now != MAP_FAILED, "mremap: %s", strerror(errno)))
		goto unmap;
	memory = now;
	zeros = calloc(1, SIZE / 2);
	crc = crc32c(crc32c(0, model, SIZE / 2), zeros, SIZE / 2);
	free(zeros);
	engine_crc(test, memory, SIZE, crc, "sum after it has grown");
unmap:
	munmap(memory, SIZE);
}

static void run_mprotect(struct test *test)
{
	uint8_t *memory = known_memory(test, (int)test->recipe->argument, model);

	if (!memory)
		return;
	/* The GPU may write these pages, until now. */
	if (!test_check(test, !mprotect(memory, SIZE, PROT_READ), "mprotect: %s",
			strerror(errno)) ||
	    !engine_refuses(test, gpu_fill(memory + PAGE, 1, PAGE), EACCES,
			    "fill of read-only memory") ||
	    !engine_crc(test, memory, SIZE, crc32c(0, model, SIZE),
			"sum of read-only memory") ||
	    !test_check(test, !mprotect(memory, SIZE, PROT_NONE), "mprotect: %s",
			strerror(errno)) ||
	    !engine_refuses(test, gpu_crc32c(memory, SIZE), EACCES,
			    "sum of memory without access") ||
	    !test_check(test, !mprotect(memory, SIZE, PROT_READ | PROT_WRITE),
			"mprotect: %s", strerror(errno)))
		goto unmap;
	memset(model + 2 * PAGE, 0x44, PAGE);
	if (engine_run(test, gpu_fill(memory + 2 * PAGE, 0x4444444444444444ULL,
				      PAGE), NULL, "fill of writable memory"))
		memory_check(test, memory, model, SIZE, "after all changes");
unmap:
	munmap(memory, SIZE);
}

/* Pages that are thrown away come back as zeros, private ones at least. */
static void run_dontneed(struct test *test)
{
	int flags = (int)test->recipe->argument;
	uint8_t *memory = known_memory(test, flags, model);
	unsigned int i;

	for (i = 0; memory && i < 3; i++) {
		if (!test_check(test, !madvise(memory + i * PAGE, 4 * PAGE,
					       MADV_DONTNEED), "madvise: %s",
				strerror(errno)))
			break;
		if (flags == MAP_PRIVATE)
			memset(model + i * PAGE, 0, 4 * PAGE);
		if (!engine_crc(test, memory, SIZE, crc32c(0, model, SIZE),
				"sum after MADV_DONTNEED"))
			break;
		memset(model + (i + 2) * PAGE, 0x55, PAGE);
		if (!engine_run(test, gpu_fill(memory + (i + 2) * PAGE,
					       0x5555555555555555ULL, PAGE),
				NULL, "fill after MADV_DONTNEED") ||
		    !memory_check(test, memory, model, SIZE, "after the fill"))
			break;
	}
	if (memory)
		munmap(memory, SIZE);
}

/* Two addresses of one page: what goes by one is seen by the other. */
static void run_alias(struct test *test)
{
	uint8_t *memory = known_memory(test, MAP_SHARED, model), *alias;

	if (!memory)
		return;
	alias = mremap(memory, 0, SIZE, MREMAP_MAYMOVE);
	if (!test_check(test, alias != MAP_FAILED, "mremap: %s",
			strerror(errno))) {
		munmap(memory, SIZE);
		return;
	}
	memset(model + 6 * PAGE, 0x66, PAGE);
	if (engine_run(test, gpu_fill(alias + 6 * PAGE, 0x6666666666666666ULL,
				      PAGE), NULL, "fill by the other address") &&
	    engine_crc(test, memory, SIZE, crc32c(0, model, SIZE),
		       "sum by the first address"))
		memory_check(test, memory, model, SIZE, "the first address");
	munmap(alias, SIZE);
	/* One address goes, the other one stays. */
	engine_crc(test, memory, SIZE, crc32c(0, model, SIZE),
		   "sum when the other address is gone");
	munmap(memory, SIZE);
}

static const struct recipe recipe[] = {
	{ .name = "munmap", .run = run_munmap, .claim = CLAIM_MEMORY },
	{ .name = "map-over", .run = run_remap, .claim = CLAIM_MEMORY },
	{ .name = "mremap-private", .run = run_mremap, .claim = CLAIM_MEMORY,
	  .argument = MAP_PRIVATE },
	{ .name = "mremap-shared", .run = run_mremap, .claim = CLAIM_MEMORY,
	  .argument = MAP_SHARED },
	{ .name = "mremap-resize", .run = run_resize, .claim = CLAIM_MEMORY },
	{ .name = "mprotect-private", .run = run_mprotect,
	  .claim = CLAIM_MEMORY, .argument = MAP_PRIVATE },
	{ .name = "mprotect-shared", .run = run_mprotect,
	  .claim = CLAIM_MEMORY, .argument = MAP_SHARED },
	{ .name = "dontneed-private", .run = run_dontneed,
	  .claim = CLAIM_MEMORY, .argument = MAP_PRIVATE },
	{ .name = "dontneed-shared", .run = run_dontneed,
	  .claim = CLAIM_MEMORY, .argument = MAP_SHARED },
	{ .name = "alias", .run = run_alias, .claim = CLAIM_MEMORY },
};

const struct recipes mapping_recipes = { recipe, ARRAY_SIZE(recipe) };
