// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each command on memory of each kind, at odd offsets and lengths, and how
 * commands follow each other.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "area.h"
#include "crc32c.h"
#include "engine.h"

#define SIZE	(10 * PAGE)

/* Ranges of two areas: whole, odd, across pages, single bytes, aligned. */
static const struct range {
	size_t target, source, len;
} ranges[] = {
	{ 0, 0, SIZE },
	{ 1, 3, PAGE + 5 },
	{ PAGE - 1, PAGE + 1, 1 },
	{ PAGE - 1, 2 * PAGE - 1, 2 },
	{ 7, PAGE - 3, 3 * PAGE + 11 },
	{ 2 * PAGE, 5 * PAGE, PAGE },
	{ SIZE - 1, 0, 1 },
	{ 16, 4 * PAGE + 8, 64 },
	{ 3 * PAGE + 2047, 13, 2 * PAGE + 4095 },
};

/* Copies every range of one area to the other, and looks at all of both. */
static bool copy_ranges(struct test *test, struct area *to, uint8_t *to_model,
			struct area *from, const uint8_t *from_model)
{
	char what[96];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct range *r = &ranges[i];

		snprintf(what, sizeof(what), "%zu bytes at %zu of %s to %zu of %s",
			 r->len, r->source, place_name(from->place), r->target,
			 place_name(to->place));
		memcpy(to_model + r->target, from_model + r->source, r->len);
		if (!engine_run(test, gpu_copy(to->memory + r->target,
					       from->memory + r->source, r->len),
				NULL, what) ||
		    !area_check(test, to, to_model, what) ||
		    !area_check(test, from, from_model, what))
			return false;
		/* So that the next copy has something to do. */
		random_fill(&test->random, to_model, to->size);
		memcpy(to->memory, to_model, to->size);
	}
	return true;
}

/* Between the recipe's place and any other, both ways. */
static void run_copy(struct test *test)
{
	enum place other, places = test->volume ? PLACES : PLACES_ANYWHERE;
	struct area here, there;
	uint8_t *here_model, *there_model = NULL;
	bool ok = area_open_random(test, &here, test->place, SIZE,
				   &here_model);

	for (other = 0; ok && other < places; other++) {
		ok = area_open_random(test, &there, other, SIZE, &there_model) &&
		     copy_ranges(test, &here, here_model, &there, there_model) &&
		     copy_ranges(test, &there, there_model, &here, here_model);
		area_close(&there);
		free(there_model);
	}
	area_close(&here);
	free(here_model);
}

static void fill_model(uint8_t *model, uint64_t pattern, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		model[i] = (uint8_t)(pattern >> i % 8 * 8);
}

static void run_fill(struct test *test)
{
	struct area area;
	uint8_t *model;
	bool ok = area_open_random(test, &area, test->place, SIZE,
				   &model);
	size_t i;

	for (i = 0; ok && i < ARRAY_SIZE(ranges); i++) {
		const struct range *r = &ranges[ARRAY_SIZE(ranges) - 1 - i];
		uint64_t pattern = random_next(&test->random);
		char what[64];

		snprintf(what, sizeof(what), "fill of %zu bytes at %zu", r->len,
			 r->target);
		fill_model(model + r->target, pattern, r->len);
		ok = engine_run(test, gpu_fill(area.memory + r->target, pattern,
					       r->len), NULL, what) &&
		     area_check(test, &area, model, what);
	}
	area_close(&area);
	free(model);
}

static void run_crc(struct test *test)
{
	struct area area;
	uint8_t *model;
	bool ok = area_open_random(test, &area, test->place, SIZE,
				   &model);
	size_t i;

	for (i = 0; ok && i < ARRAY_SIZE(ranges); i++) {
		const struct range *r = &ranges[i];
		char what[64];

		snprintf(what, sizeof(what), "sum from byte %zu on", r->source);
		ok = engine_crc(test, area.memory + r->source, r->len,
				crc32c(0, model + r->source, r->len), what);
	}
	if (ok)
		area_check(test, &area, model, "after sums only");
	area_close(&area);
	free(model);
}

/* Compares a range that is equal up to @same, which is its length or less. */
static bool compare(struct test *test, const struct range *r,
		    struct area *first, struct area *second, size_t same)
{
	struct crossbar_gpu_result result;
	uint8_t *byte = second->memory + r->target + same;
	char what[64];
	bool ok;

	snprintf(what, sizeof(what), "comparison of %zu bytes", r->len);
	if (same < r->len)
		*byte ^= 0x10;
	ok = engine_run(test, gpu_compare(first->memory + r->source,
					  second->memory + r->target, r->len),
			&result, what) &&
	     test_check(test, result.value == same,
			"%s: the first difference is at %" PRIu64 " instead of %zu",
			what, result.value, same);
	if (same < r->len)
		*byte ^= 0x10;
	return ok;
}

static void run_compare(struct test *test)
{
	enum place other = test->claim == CLAIM_VIDEO ?
			   PLACE_VIDEO : PLACE_ANONYMOUS;
	struct area first, second = { .fd = -1 };
	uint8_t *model = NULL, *second_model = NULL;
	size_t i, at;
	bool ok = area_open_random(test, &first, test->place, SIZE,
				   &model) &&
		  area_open_random(test, &second, other, SIZE, &second_model);

	for (i = 0; ok && i < ARRAY_SIZE(ranges); i++) {
		const struct range *r = &ranges[i];

		memcpy(second.memory + r->target, model + r->source, r->len);
		ok = compare(test, r, &first, &second, r->len) &&
		     compare(test, r, &first, &second, 0) &&
		     compare(test, r, &first, &second, r->len - 1);
		at = random_below(&test->random, r->len);
		ok = ok && compare(test, r, &first, &second, at) &&
		     compare(test, r, &first, &second, r->len / 2);
	}
	if (ok)
		area_check(test, &first, model, "after comparisons only");
	area_close(&second);
	area_close(&first);
	free(second_model);
	free(model);
}

static const struct recipe recipe[] = {
	{ .name = "copy", .run = run_copy, .places = true },
	{ .name = "fill", .run = run_fill, .places = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "crc32c", .run = run_crc, .places = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "compare", .run = run_compare, .places = true,
	  .claim = CLAIM_MEMORY },
};

const struct recipes command_recipes = { recipe, ARRAY_SIZE(recipe) };
