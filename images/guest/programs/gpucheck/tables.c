// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of the GPU: a program that maps and unmaps memory all over its
 * address space can't fill video memory with them.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "engine.h"

/* What a table of the GPU's second level spans: each page there needs three. */
#define SPAN	(512ULL << 30)
#define TABLES	3

/* Pages to touch, of the 256 for which a program has addresses. */
#define TOUCHED	150

/* Paths of tables without a page that the driver may keep, and what is alive. */
#define KEPT	(64 + 4)

static uint64_t *map_at(uint64_t address)
{
	void *memory = mmap((void *)(uintptr_t)address, PAGE,
			    PROT_READ | PROT_WRITE, MAP_PRIVATE |
			    MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static bool touch(struct test *test, uint64_t *page, uint64_t value,
		  const char *what)
{
	return engine_run(test, gpu_fill(page, value, sizeof(*page)), NULL, what) &&
	       test_check(test, READ_ONCE(*page) == value,
			  "%s: %#" PRIx64 " instead of %#" PRIx64 " at %p", what,
			  READ_ONCE(*page), value, (void *)page);
}

/* Return: how many pages were touched, one in each span that is free. */
static unsigned int wander(struct test *test, uint64_t *stays)
{
	unsigned int count = 0, i;

	for (i = 1; i < 255 && count < TOUCHED; i++) {
		uint64_t *page = map_at(i * SPAN + (uint64_t)i * PAGE);
		bool ok;

		if (!page)
			continue;
		ok = touch(test, page, i, "a page far away") &&
		     touch(test, stays, ~(uint64_t)i, "the page that stays");
		munmap(page, PAGE);
		if (!ok)
			return 0;
		count++;
	}
	return count;
}

static void run_tables(struct test *test)
{
	uint64_t *stays = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ivgpu_info before, after;
	uint64_t left;
	unsigned int i;

	if (!test_check(test, stays != MAP_FAILED, "cannot map a page: %s",
			strerror(errno)))
		return;
	if (!test_check(test, ivgpu_info(&test->gpu, &before),
			"IVGPU_INFO: %s", strerror(errno)))
		goto unmap;
	/* The second time, there are tables again where there were some. */
	for (i = 0; i < 2; i++) {
		unsigned int count = wander(test, stays);

		if (!test_check(test, test->verdict.failed || count == TOUCHED,
				"only %u places are free", count) ||
		    test->verdict.failed)
			goto unmap;
	}
	if (test_check(test, ivgpu_info(&test->gpu, &after), "IVGPU_INFO: %s",
		       strerror(errno))) {
		left = before.heap_free > after.heap_free ?
		       (before.heap_free - after.heap_free) / PAGE : 0;
		test_check(test, left <= KEPT * TABLES,
			   "%" PRIu64 " page tables are left of %u",
			   left, 2 * TOUCHED * TABLES);
	}
unmap:
	munmap(stays, PAGE);
}

static const struct recipe recipe[] = {
	{ .name = "page-tables", .run = run_tables, .claim = CLAIM_MEMORY },
};

const struct recipes table_recipes = { recipe, ARRAY_SIZE(recipe) };
