// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults: one by one, many at once, and those that nothing can answer.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "area.h"
#include "crc32c.h"
#include "engine.h"

#define PAGES	64
#define MANY	2048

static uint64_t page_word(unsigned int page)
{
	return 0x0101010101010101ULL * (page & 255) ^ page;
}

/* One command for each page, in an order that no read-ahead expects. */
static bool touch(struct test *test, uint8_t *memory, unsigned int add,
		  uint64_t *faults)
{
	struct crossbar_gpu_result result;
	unsigned int i;

	*faults = 0;
	for (i = 0; i < PAGES; i++) {
		unsigned int page = i * 29 % PAGES;

		if (!engine_run(test, gpu_fill(memory + page * 2 * PAGE + 8,
					       page_word(page) + add, 8),
				&result, "fill of one word in a page"))
			return false;
		*faults += result.faults;
	}
	return true;
}

/* Every second page, so that a neighbour's fault cannot serve it. */
static void run_stride(struct test *test)
{
	size_t size = 2 * PAGES * PAGE, page;
	uint8_t *memory = memory_map(test, size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE);
	uint8_t *want = calloc(1, size);
	uint64_t first, second;

	if (!memory || !want || !touch(test, memory, 0, &first) ||
	    !touch(test, memory, 1, &second))
		goto free;
	test_check(test, first >= PAGES / 2,
		   "%d pages that nobody had touched took %" PRIu64 " faults",
		   PAGES, first);
	test_check(test, second < first,
		   "the second access took %" PRIu64 " faults, the first %" PRIu64,
		   second, first);
	for (page = 0; page < PAGES; page++) {
		uint64_t word = page_word((unsigned int)page) + 1;

		memcpy(want + page * 2 * PAGE + 8, &word, sizeof(word));
	}
	memory_check(test, memory, want, size, "one word in every second page");
free:
	if (memory)
		munmap(memory, size);
	free(want);
}

/* One command over memory that nobody has touched. */
static void run_batch(struct test *test)
{
	size_t size = (size_t)MANY * PAGE;
	uint8_t *memory = memory_map(test, size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE);
	struct crossbar_gpu_result result;
	struct ivgpu_stats stats;
	uint64_t word = random_next(&test->random);
	size_t i;

	if (!memory)
		return;
	if (!engine_run(test, gpu_fill(memory, word, size), &result,
			"fill of fresh memory"))
		goto unmap;
	test_check(test, result.faults > 0 && result.faults <= MANY / 4,
		   "%d pages took %u faults: that is not in batches", MANY,
		   result.faults);
	for (i = 0; i < size; i += 8)
		if (!test_check(test, READ_ONCE(*(uint64_t *)(memory + i)) == word,
				"byte %zu on is not filled", i))
			goto unmap;
	if (engine_stats(test, &stats))
		test_check(test, stats.pages_fallback >= MANY,
			   "%" PRIu64 " pages of system memory were mapped, not %d",
			   stats.pages_fallback, MANY);
unmap:
	munmap(memory, size);
}

/* Reading memory that nobody has written gives zeros, and no page is lost. */
static void run_zero_page(struct test *test)
{
	size_t size = 16 * PAGE;
	uint8_t *memory = memory_map(test, size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE);
	uint8_t *want = calloc(1, size);

	if (!memory || !want)
		goto free;
	if (!engine_crc(test, memory, size, crc32c(0, want, size),
			"memory that was never written"))
		goto free;
	/* What the engine has mapped by now must not be what it writes to. */
	memset(want + 3 * PAGE, 0x5A, PAGE);
	if (engine_run(test, gpu_fill(memory + 3 * PAGE, 0x5A5A5A5A5A5A5A5AULL,
				      PAGE), NULL, "write after the read") &&
	    memory_check(test, memory, want, size, "write after the read")) {
		memory[5 * PAGE] = 0x77;
		want[5 * PAGE] = 0x77;
		engine_crc(test, memory, size, crc32c(0, want, size),
			   "after the CPU wrote as well");
	}
free:
	if (memory)
		munmap(memory, size);
	free(want);
}

/*
 * A command that comes to a page at @hole which it cannot have, behind @before
 * bytes that it can: those may be done or not, but nothing else changes.
 */
static bool stumble(struct test *test, const struct area *source,
		    const uint8_t *model, uint8_t *hole, size_t before,
		    unsigned int status, const char *what)
{
	struct crossbar_gpu_result result;
	uint8_t was[2 * PAGE], *start = hole - before;
	size_t done;

	memcpy(was, start, before);
	if (!engine_try(test, gpu_copy(start, source->memory, before + PAGE),
			&result, what) ||
	    !test_check(test, result.status == status,
			"%s: status %u instead of %u (%s)", what, result.status,
			status, strerror((int)status)) ||
	    !test_check(test, result.bytes <= before,
			"%s: %" PRIu64 " bytes done, where only %zu can be",
			what, result.bytes, before))
		return false;
	done = result.bytes;
	return test_check(test, !memcmp(start, model, done),
			  "%s: the %zu bytes that it did are wrong", what, done) &&
	       test_check(test, !memcmp(start + done, was + done, before - done),
			  "%s: it wrote more than the %zu bytes that it did",
			  what, done) &&
	       area_check(test, source, model, what);
}

/* A hole in a mapping: @protection of the page behind, or none at all. */
static void run_hole(struct test *test)
{
	bool unmapped = !test->recipe->argument;
	int protection = test->recipe->argument == 2 ? PROT_READ : PROT_NONE;
	unsigned int status = unmapped ? EFAULT : EACCES;
	uint8_t *memory = memory_map(test, 4 * PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE);
	struct area source;
	uint8_t *model, *hole = memory + 2 * PAGE;
	bool ok = area_open_random(test, &source, PLACE_ANONYMOUS, 4 * PAGE,
				   &model) && memory;

	if (!ok)
		goto close;
	random_fill(&test->random, memory, 4 * PAGE);
	ok = test_check(test, unmapped ? !munmap(hole, PAGE) :
				!mprotect(hole, PAGE, protection),
			"cannot take a page away: %s", strerror(errno));
	ok = ok && stumble(test, &source, model, hole, 2 * PAGE, status,
			   "copy of two pages and one that it cannot have") &&
	     stumble(test, &source, model, hole, 100, status,
		     "copy of 100 bytes and a page") &&
	     stumble(test, &source, model, hole, 0, status,
		     "copy to the page alone");
	if (ok && protection == PROT_NONE)
		ok = engine_refuses(test, gpu_crc32c(hole - 8, 16), status,
				    "sum into the page") &&
		     engine_refuses(test, gpu_copy(memory, hole, 64), status,
				    "copy from the page") &&
		     engine_refuses(test, gpu_add(hole, 8, 1), status,
				    "atomic on the page");
	if (ok)
		engine_run(test, gpu_copy(memory, source.memory, PAGE), NULL,
			   "copy after all that");
close:
	if (memory)
		munmap(memory, 4 * PAGE);
	area_close(&source);
	free(model);
}

/* Addresses that no program can have. */
static void run_wild(struct test *test)
{
	static const uint64_t wild[] = {
		0, PAGE, 0x7ffffffff000ULL, 0x800000000000ULL,
		0xfffffffff000ULL, 0xffff888000000000ULL, UINT64_MAX - 4095,
		UINT64_MAX - 7,
	};
	struct crossbar_gpu_result result;
	struct area area;
	uint8_t *model;
	bool ok = area_open_random(test, &area, PLACE_ANONYMOUS, PAGE, &model);
	size_t i;

	for (i = 0; ok && i < ARRAY_SIZE(wild); i++) {
		struct crossbar_gpu_command commands[] = {
			gpu_copy((void *)(uintptr_t)wild[i], area.memory, 64),
			gpu_copy(area.memory, (void *)(uintptr_t)wild[i], 64),
		};
		char what[64];
		unsigned int j;

		snprintf(what, sizeof(what), "address %#" PRIx64, wild[i]);
		for (j = 0; ok && j < 2; j++) {
			/* Beyond 48 bits, the driver may refuse it at once. */
			if (!ivgpu_run(&test->gpu, commands[j], WAIT_NS, &result))
				ok = test_check(test, errno == EINVAL ||
						errno == EFAULT, "%s: %s", what,
						strerror(errno));
			else
				ok = test_check(test, result.status == EFAULT ||
						(result.status == EINVAL &&
						 wild[i] >> 47),
						"%s: status %u", what,
						result.status);
		}
		ok = ok && area_check(test, &area, model, what);
	}
	area_close(&area);
	free(model);
}

static const struct recipe recipe[] = {
	{ .name = "faults-one-by-one", .run = run_stride,
	  .claim = CLAIM_MEMORY },
	{ .name = "faults-in-batches", .run = run_batch,
	  .claim = CLAIM_MEMORY },
	{ .name = "fault-on-zero-page", .run = run_zero_page,
	  .claim = CLAIM_MEMORY },
	{ .name = "fault-unmapped", .run = run_hole, .claim = CLAIM_MEMORY },
	{ .name = "fault-no-access", .run = run_hole, .claim = CLAIM_MEMORY,
	  .argument = 1 },
	{ .name = "fault-read-only", .run = run_hole, .claim = CLAIM_MEMORY,
	  .argument = 2 },
	{ .name = "fault-wild-address", .run = run_wild,
	  .claim = CLAIM_MIXED },
};

const struct recipes fault_recipes = { recipe, ARRAY_SIZE(recipe) };
