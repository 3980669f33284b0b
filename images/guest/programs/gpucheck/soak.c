// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random commands on memory of several kinds, for a time, against a model of
 * every byte. What they are depends on the seed alone, which a digest shows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/mman.h>

#include "area.h"
#include "crc32c.h"
#include "engine.h"
#include "report.h"
#include "signals.h"

#define SIZE	(16 * PAGE)
#define BATCH	8

/*
 * Least time of a batch, in ns. The logs of all that the engine and its driver do
 * grow with the number of commands, and a fast host must not fill its disk.
 */
#define PACE	(2 * NS_PER_MS)

static const enum place places[] = {
	PLACE_ANONYMOUS, PLACE_HEAP, PLACE_STACK, PLACE_SHARED, PLACE_VIDEO,
	PLACE_TMPFS_SHARED, PLACE_TMPFS_PRIVATE,
};

#define AREAS	ARRAY_SIZE(places)

/*
 * struct soak - all that a soak knows
 * @random: of the commands; the test's own fills memory
 * @count:  of commands so far
 * @digest: CRC32C of them
 * @want:   value that each command of the batch must give
 * @valued: whether it gives one
 */
struct soak {
	struct test *test;
	struct area areas[AREAS];
	uint8_t *models[AREAS];
	struct random random;
	uint64_t count;
	uint32_t digest;
	struct crossbar_gpu_command batch[BATCH];
	uint64_t want[BATCH];
	bool valued[BATCH];
};

static uint64_t below(struct soak *soak, uint64_t bound)
{
	return random_below(&soak->random, bound);
}

/* What a command is, apart from where this run has its memory. */
static void note(struct soak *soak, uint32_t opcode, uint64_t target,
		 uint64_t source, uint64_t length, uint64_t operand)
{
	const uint64_t words[] = { opcode, target, source, length, operand };

	soak->digest = crc32c(soak->digest, words, sizeof(words));
	soak->count++;
	/* Runs of different lengths have these in common. */
	if (soak->count & (soak->count - 1) || soak->count < 256)
		return;
	report_add("# digest of the first %" PRIu64 " commands of seed %" PRIu64
		   ": %08x", soak->count, soak->test->options->seed,
		   soak->digest);
	report_end();
}

static uint64_t difference(const uint8_t *one, const uint8_t *other, size_t len)
{
	size_t i;

	for (i = 0; i < len && one[i] == other[i]; i++)
		;
	return i;
}

static struct crossbar_gpu_command
make_atomic(struct soak *soak, unsigned int to, unsigned int i)
{
	size_t width = below(soak, 2) ? 8 : 4;
	size_t at = below(soak, SIZE / width) * width;
	uint64_t value = random_next(&soak->random), before = 0, after;
	uint8_t *target = soak->areas[to].memory + at;
	uint8_t *model = soak->models[to] + at;
	unsigned int kind = below(soak, 4);
	struct crossbar_gpu_command command;

	if (width == 4)
		value &= UINT32_MAX;
	memcpy(&before, model, width);
	if (kind == 0) {
		command = gpu_add(target, width, value);
		after = before + value;
	} else if (kind == 1) {
		command = gpu_swap(target, width, value);
		after = value;
	} else {
		/* One that finds what it looks for, and one that doesn't. */
		command = gpu_cas(target, width, before ^ (kind == 3), value);
		after = kind == 3 ? before : value;
	}
	memcpy(model, &after, width);
	soak->want[i] = before;
	soak->valued[i] = true;
	note(soak, CROSSBAR_GPU_ATOMIC + kind * 256, to * SIZE + at, 0, width,
	     value);
	return command;
}

/* A command, after which the models are what the areas ought to be. */
static struct crossbar_gpu_command make_command(struct soak *soak,
						unsigned int i)
{
	unsigned int kind = below(soak, 5), to = below(soak, AREAS);
	unsigned int from = (to + 1 + below(soak, AREAS - 1)) % AREAS;
	size_t len = 1 + below(soak, below(soak, 4) ? 2 * PAGE : SIZE);
	size_t at = below(soak, SIZE - len + 1), off = below(soak, SIZE - len + 1);
	uint8_t *target = soak->areas[to].memory + at;
	uint8_t *source = soak->areas[from].memory + off;
	uint8_t *to_model = soak->models[to] + at;
	uint8_t *from_model = soak->models[from] + off;
	uint64_t operand = 0;
	struct crossbar_gpu_command command;
	size_t j;

	soak->valued[i] = false;
	switch (kind) {
	case 0:
		command = gpu_copy(target, source, len);
		memcpy(to_model, from_model, len);
		break;
	case 1:
		operand = random_next(&soak->random);
		command = gpu_fill(target, operand, len);
		for (j = 0; j < len; j++)
			to_model[j] = (uint8_t)(operand >> j % 8 * 8);
		break;
	case 2:
		command = gpu_crc32c(source, len);
		soak->want[i] = crc32c(0, from_model, len);
		soak->valued[i] = true;
		break;
	case 3:
		command = gpu_compare(source, target, len);
		soak->want[i] = difference(from_model, to_model, len);
		soak->valued[i] = true;
		break;
	default:
		return make_atomic(soak, to, i);
	}
	note(soak, command.opcode, to * SIZE + at, from * SIZE + off, len,
	     operand);
	return command;
}

/* What happens to the memory itself between two batches. */
static void disturb(struct soak *soak)
{
	unsigned int to = below(soak, AREAS), page = below(soak, SIZE / PAGE);
	unsigned int kind = below(soak, 8);
	enum place place = places[to];
	uint8_t *memory = soak->areas[to].memory + page * PAGE;
	uint8_t *model = soak->models[to] + page * PAGE;

	switch (kind) {
	case 0:
		/* Private memory without a file comes back as zeros. */
		if (place == PLACE_VIDEO || place == PLACE_TMPFS_PRIVATE ||
		    madvise(memory, PAGE, MADV_DONTNEED))
			break;
		if (place == PLACE_ANONYMOUS || place == PLACE_HEAP ||
		    place == PLACE_STACK)
			memset(model, 0, PAGE);
		break;
	case 1:
		if (!mprotect(memory, PAGE, PROT_READ))
			mprotect(memory, PAGE, PROT_READ | PROT_WRITE);
		break;
	case 2:
		random_fill(&soak->random, model, PAGE);
		memcpy(memory, model, PAGE);
		break;
	case 3:
		if (place != PLACE_VIDEO)
			madvise(memory, PAGE, MADV_PAGEOUT);
		break;
	default:
		break;
	}
}

static bool run_batch(struct soak *soak)
{
	unsigned int count = 1 + below(soak, BATCH), i;
	struct test *test = soak->test;
	struct crossbar_gpu_result result;
	uint64_t fence;
	char what[48];

	for (i = 0; i < count; i++)
		soak->batch[i] = make_command(soak, i);
	snprintf(what, sizeof(what), "batch up to command %" PRIu64, soak->count);
	if (!engine_submit(test, soak->batch, count, &fence, what))
		return false;
	for (i = 0; i < count; i++) {
		uint64_t wait_for = fence - count + 1 + i;

		if (!engine_wait(test, wait_for, what))
			return false;
		if (!soak->valued[i])
			continue;
		if (!ivgpu_wait(&test->gpu, wait_for, 0, &result) ||
		    !test_check(test, result.value == soak->want[i],
				"%s, opcode %u: %#" PRIx64 " instead of %#" PRIx64,
				what, soak->batch[i].opcode, result.value,
				soak->want[i]))
			return false;
	}
	for (i = 0; i < AREAS; i++)
		if (!area_check(test, &soak->areas[i], soak->models[i], what))
			return false;
	return true;
}

static void sleep_until(uint64_t moment)
{
	const struct timespec t = {
		.tv_sec = (time_t)(moment / NS_PER_S),
		.tv_nsec = (long)(moment % NS_PER_S),
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void run_soak(struct test *test)
{
	uint64_t start = now_ns(), now = start;
	uint64_t end = start + test->options->seconds * NS_PER_S;
	struct soak soak = {
		.test = test,
		.random = { test->options->seed },
	};
	unsigned int opened = 0;
	bool ok = true;

	while (ok && opened < AREAS) {
		ok = area_open_random(test, &soak.areas[opened], places[opened],
				      SIZE, &soak.models[opened]);
		opened++;
	}
	for (; ok && !stop_signal && now < end; now = now_ns()) {
		report_progress(test->name, (now - start) / NS_PER_S,
				test->options->seconds, "s");
		ok = run_batch(&soak);
		disturb(&soak);
		sleep_until(now + PACE);
	}
	report_add("# soak: %" PRIu64 " commands of seed %" PRIu64
		   " in %u s, digest %08x", soak.count, test->options->seed,
		   test->options->seconds, soak.digest);
	report_end();
	test_check(test, soak.count >= 256 || test->verdict.failed,
		   "only %" PRIu64 " commands in %u s", soak.count,
		   test->options->seconds);
	while (opened--) {
		area_close(&soak.areas[opened]);
		free(soak.models[opened]);
	}
}

static const struct recipe recipe[] = {
	{ .name = "soak", .run = run_soak },
};

const struct recipes soak_recipes = { recipe, ARRAY_SIZE(recipe) };
