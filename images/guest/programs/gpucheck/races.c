// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races: memory goes away at a moment that is different in each round.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "crc32c.h"
#include "engine.h"
#include "process.h"

#define SIZE		(256 * PAGE)
#define PAIRS		4

/* Each of these pages is copied for each child, one fault a page. */
#define COUNTED		(32 * PAGE)

static const uint8_t zeros[PAGE];

static void sleep_random(struct test *test, unsigned int most_us)
{
	struct timespec t = {
		.tv_nsec = (long)random_below(&test->random, most_us) * 1000,
	};

	nanosleep(&t, NULL);
}

/* Waits for all of them; each ends well, or with one of two errors. */
static bool wait_for_all(struct test *test, uint64_t fence, unsigned int count,
			 unsigned int one, unsigned int other)
{
	struct crossbar_gpu_result result;
	unsigned int i;

	for (i = count; i--;) {
		if (!test_check(test, ivgpu_wait(&test->gpu, fence - i, WAIT_NS,
						 &result),
				"a command of a race: %s", strerror(errno)) ||
		    !test_check(test, !result.status || result.status == one ||
				result.status == other,
				"a command of a race ended with status %u",
				result.status))
			return false;
	}
	return true;
}

/* Each page is the model's, or zeros. */
static bool check_pages(struct test *test, const uint8_t *memory,
			const uint8_t *model, const char *what)
{
	size_t at;

	for (at = 0; at < SIZE; at += PAGE)
		if (memcmp(memory + at, zeros, PAGE) &&
		    !memory_check(test, memory + at, model + at, PAGE, what))
			return false;
	return true;
}

/*
 * Memory is unmapped under copies to it and from it. What comes to its place
 * can't be written, so whatever changes there was changed by an old mapping.
 */
static bool munmap_round(struct test *test, struct area *source,
			 const uint8_t *model, uint8_t *sink,
			 struct encounters *encounters)
{
	struct crossbar_gpu_command commands[2 * PAIRS];
	uint8_t *memory = memory_map(test, SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE);
	uint64_t fence;
	unsigned int i;
	bool ok = memory;

	for (i = 0; ok && i < PAIRS; i++) {
		commands[2 * i] = gpu_copy(memory, source->memory, SIZE);
		commands[2 * i + 1] = gpu_copy(sink, memory, SIZE);
	}
	ok = ok && engine_submit(test, commands, 2 * PAIRS, &fence, "copies");
	if (!ok)
		goto unmap;
	engine_meet(test, encounters);
	munmap(memory, SIZE);
	ok = test_check(test, mmap(memory, SIZE, PROT_READ, MAP_PRIVATE |
				   MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
				   0) == memory,
			"cannot map the same place again: %s",
			strerror(errno)) &&
	     wait_for_all(test, fence, 2 * PAIRS, EFAULT, EACCES) &&
	     area_check(test, source, model, "the source of a race") &&
	     check_pages(test, sink, model, "what came from the race");
	for (i = 0; ok && i < SIZE; i += PAGE)
		ok = memory_check(test, memory + i, zeros, PAGE,
				  "memory that came to the place");
unmap:
	if (memory)
		munmap(memory, SIZE);
	return ok;
}

static void run_munmap(struct test *test)
{
	uint8_t *model, *sink = memory_map(test, SIZE, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE);
	struct encounters encounters = { .all = 0 };
	struct area source;
	unsigned int i;

	/* In some rounds the copies have ended before the memory goes. */
	if (area_open_random(test, &source, PLACE_ANONYMOUS, SIZE, &model) &&
	    sink && engine_run(test, gpu_copy(sink, source.memory, SIZE), NULL,
			       "copy before a race"))
		for (i = 0; test_has_round(test, i); i++)
			if (!munmap_round(test, &source, model, sink,
					  &encounters))
				break;
	engine_has_met(test, &encounters);
	area_close(&source);
	free(model);
	if (sink)
		munmap(sink, SIZE);
}

/* Access comes and goes under fills, each of which says how far it got. */
static void run_mprotect(struct test *test)
{
	struct crossbar_gpu_command commands[PAIRS];
	struct crossbar_gpu_result result;
	struct area area;
	uint8_t *model;
	uint64_t fence;
	struct encounters encounters = { .all = 0 };
	unsigned int round, i, j;
	bool ok = area_open_random(test, &area, PLACE_ANONYMOUS, SIZE, &model) &&
		  engine_crc(test, area.memory, SIZE, crc32c(0, model, SIZE),
			     "sum before a race");

	for (round = 0; ok && test_has_round(test, round); round++) {
		uint8_t first = (uint8_t)(round * PAIRS + 1);

		for (i = 0; i < PAIRS; i++)
			commands[i] = gpu_fill(area.memory,
					       0x0101010101010101ULL *
					       (uint8_t)(first + i), SIZE);
		ok = engine_submit(test, commands, PAIRS, &fence, "fills");
		for (i = 0; ok && i < 8; i++) {
			/* After the first time, fills have failed. */
			if (i)
				sleep_random(test, 1000);
			else
				engine_meet(test, &encounters);
			ok = test_check(test, !mprotect(area.memory, SIZE,
							i % 2 ? PROT_READ |
							PROT_WRITE : PROT_READ),
					"mprotect: %s", strerror(errno));
		}
		for (j = 0; ok && j < PAIRS; j++) {
			ok = test_check(test, ivgpu_wait(&test->gpu,
							 fence - PAIRS + 1 + j,
							 WAIT_NS, &result),
					"a fill: %s", strerror(errno)) &&
			     test_check(test, !result.status ||
					result.status == EACCES,
					"a fill ended with status %u",
					result.status);
			if (ok && result.bytes <= SIZE)
				memset(model, (uint8_t)(first + j),
				       result.bytes);
		}
		ok = ok && area_check(test, &area, model,
				      "what fills say they did");
	}
	engine_has_met(test, &encounters);
	area_close(&area);
	free(model);
}

/*
 * struct victim - a process that is killed with commands under way
 * @target: shared with the parent
 */
struct victim {
	uint8_t *target;
	struct meeting meeting;
};

/* What a process that is killed has the GPU write. */
#define VICTIMS_BYTE	0x99

static void suffer(struct test *test, void *context)
{
	struct crossbar_gpu_command commands[16];
	struct crossbar_gpu_result result;
	struct victim *victim = context;
	struct ivgpu gpu;
	uint8_t *source;
	uint64_t fence;
	unsigned int i;

	source = memory_map(test, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	if (!source ||
	    !test_check(test, ivgpu_open(&gpu, test->address, NULL),
			"cannot open the GPU: %s", strerror(errno)))
		return;
	memset(source, VICTIMS_BYTE, SIZE);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		commands[i] = gpu_copy(victim->target, source, SIZE);
	if (!test_check(test, ivgpu_submit(&gpu, commands, ARRAY_SIZE(commands),
					   &fence) &&
			ivgpu_wait(&gpu, fence - ARRAY_SIZE(commands) + 1,
				   WAIT_NS, &result),
			"a process that is to be killed: %s", strerror(errno)))
		return;
	meeting_signal(&victim->meeting, true);
	/* Until it is killed. */
	while (ivgpu_submit(&gpu, commands, ARRAY_SIZE(commands), &fence))
		;
	test_fail(test, "a process that is to be killed cannot submit: %s",
		  strerror(errno));
}

static void run_kill(struct test *test)
{
	struct encounters encounters = { .all = 0 };
	struct victim victim;
	unsigned int i;
	size_t at;
	bool ok;
	pid_t pid;

	victim.target = memory_map(test, SIZE, PROT_READ | PROT_WRITE,
				   MAP_SHARED);
	ok = victim.target && engine_run(test, gpu_fill(victim.target, 1, SIZE),
					 NULL, "fill before a race");
	for (i = 0; ok && test_has_round(test, i); i++) {
		if (!meeting_open(test, &victim.meeting))
			break;
		pid = process_start(test, suffer, &victim);
		if (pid > 0) {
			ok = meeting_wait(&victim.meeting, false);
			memset(victim.target, 0, SIZE);
			sleep_random(test, 5000);
			ok = process_kill(test, pid) && ok;
			/* What comes after the zeros tells that it was at work. */
			encounters.all++;
			encounters.met += !!memchr(victim.target, VICTIMS_BYTE,
						   SIZE);
		}
		meeting_close(&victim.meeting);
		/* From now on, nobody writes there. */
		memset(victim.target, 0, SIZE);
		sleep_ms(5);
		for (at = 0; ok && at < SIZE; at += PAGE)
			ok = memory_check(test, victim.target + at, zeros, PAGE,
					  "memory that a killed process wrote to");
		ok = ok && engine_run(test, gpu_fence(), NULL,
				      "fence after a kill");
	}
	if (ok)
		engine_has_met(test, &encounters);
	if (victim.target)
		munmap(victim.target, SIZE);
}

/* A child's memory stands still, whatever the parent's GPU does. */
static void watch(struct test *test, void *context)
{
	uint32_t before = crc32c(0, context, COUNTED);

	sleep_ms(3);
	test_check(test, crc32c(0, context, COUNTED) == before,
		   "the parent's GPU writes to the memory of a child");
}

/* The GPU counts in every page, while children come that share the pages. */
static void run_fork(struct test *test)
{
	struct crossbar_gpu_command commands[COUNTED / PAGE];
	struct encounters encounters = { .all = 0 };
	unsigned int round, i, adds = 0;
	uint64_t fence = 0;
	uint8_t *memory = memory_map(test, COUNTED, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE);
	pid_t pids[3];
	bool ok = memory;

	for (i = 0; i < COUNTED / PAGE; i++)
		commands[i] = gpu_add(memory + i * PAGE + 8 * (i % 512), 8, 1);
	for (round = 0; ok && test_has_round(test, round); round++) {
		unsigned int started = 0;

		for (i = 0; ok && i < 3; i++) {
			ok = engine_submit(test, commands, COUNTED / PAGE, &fence,
					   "adds");
			adds += ok;
			engine_meet(test, &encounters);
			pids[started] = process_start(test, watch, memory);
			started += pids[started] > 0;
		}
		for (i = 0; i < started; i++)
			ok = process_end(test, pids[i]) && ok;
		ok = ok && engine_wait(test, fence, "adds");
	}
	engine_has_met(test, &encounters);
	for (i = 0; ok && i < COUNTED / PAGE; i++) {
		uint64_t *word = (uint64_t *)(memory + i * PAGE + 8 * (i % 512));

		ok = test_check(test, *word == adds,
				"page %u has counted %" PRIu64 " of %u adds", i,
				*word, adds);
	}
	if (memory)
		munmap(memory, COUNTED);
}

static const struct recipe recipe[] = {
	{ .name = "races-munmap", .run = run_munmap, .claim = CLAIM_MEMORY },
	{ .name = "races-mprotect", .run = run_mprotect,
	  .claim = CLAIM_MEMORY },
	{ .name = "races-kill", .run = run_kill, .claim = CLAIM_MEMORY },
	{ .name = "races-fork", .run = run_fork, .claim = CLAIM_MEMORY },
};

const struct recipes race_recipes = { recipe, ARRAY_SIZE(recipe) };
