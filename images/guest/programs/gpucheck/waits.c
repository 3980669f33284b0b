// SPDX-License-Identifier: GPL-2.0-only
/*
 * Submitting, waiting, and the order in which commands run.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "area.h"
#include "engine.h"
#include "process.h"

#define DEPTH	CROSSBAR_GPU_DEPTH

/* Commands of one address space run in order, however many are submitted. */
static void run_order(struct test *test)
{
	struct crossbar_gpu_command commands[DEPTH];
	size_t size = (DEPTH + 1) * 64, i;
	uint8_t *memory = memory_map(test, size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE);
	uint64_t fence, first;
	unsigned int round;

	if (!memory)
		return;
	/* Each one copies what the one before it has left. */
	for (i = 0; i < DEPTH; i++)
		commands[i] = gpu_copy(memory + (i + 1) * 64, memory + i * 64,
				       64);
	for (round = 0; round < 8; round++) {
		random_fill(&test->random, memory, 64);
		if (!engine_submit(test, commands, DEPTH, &fence, "chain") ||
		    !engine_wait(test, fence, "chain"))
			break;
		if (!round)
			first = fence;
		if (!test_check(test, fence == first + round * DEPTH,
				"fence %" PRIu64 " after %u rounds, the first was %"
				PRIu64, fence, round, first) ||
		    !memory_check(test, memory + DEPTH * 64, memory, 64,
				  "the end of the chain"))
			break;
	}
	munmap(memory, size);
}

/* More than there is room for: submitting waits, and nothing is lost. */
static void run_depth(struct test *test)
{
	struct crossbar_gpu_command commands[DEPTH];
	uint64_t *word, fence = 0, rounds = 12;
	struct ivgpu_stats before, after;
	unsigned int i;

	word = (uint64_t *)memory_map(test, PAGE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE);
	if (!word)
		return;
	for (i = 0; i < DEPTH; i++)
		commands[i] = gpu_add(word, 8, i);
	commands[0] = gpu_delay(20000);
	if (!engine_stats(test, &before))
		goto unmap;
	for (i = 0; i < rounds; i++)
		if (!engine_submit(test, commands, i % 2 ? DEPTH : DEPTH / 3,
				   &fence, "more commands than there is room"))
			goto unmap;
	if (!engine_wait(test, fence, "the last of many") ||
	    !engine_stats(test, &after))
		goto unmap;
	test_check(test, *word == rounds / 2 * (DEPTH * (DEPTH - 1) / 2 +
			 (DEPTH / 3) * (DEPTH / 3 - 1) / 2),
		   "the sum is %" PRIu64, *word);
	test_check(test, after.submitted - before.submitted ==
		   rounds / 2 * (DEPTH + DEPTH / 3) &&
		   after.completed == after.submitted,
		   "%" PRIu64 " commands submitted and %" PRIu64 " completed",
		   after.submitted, after.completed);
unmap:
	munmap(word, PAGE);
}

static void run_empty(struct test *test)
{
	struct crossbar_gpu_result result;
	uint64_t start, took;
	struct area area;
	uint8_t *model;

	if (area_open_random(test, &area, PLACE_ANONYMOUS, PAGE, &model) &&
	    engine_run(test, gpu_copy(area.memory, area.memory + 64, 0), NULL,
		       "copy of nothing") &&
	    engine_run(test, gpu_fill(area.memory, 1, 0), NULL,
		       "fill of nothing") &&
	    engine_crc(test, area.memory, 0, 0, "sum of nothing") &&
	    engine_run(test, gpu_compare(area.memory, area.memory + 64, 0),
		       &result, "comparison of nothing") &&
	    test_check(test, !result.value, "a difference in nothing") &&
	    area_check(test, &area, model, "after nothing")) {
		start = now_ns();
		if (engine_run(test, gpu_delay(150000), NULL, "delay")) {
			took = (now_ns() - start) / NS_PER_MS;
			test_check(test, took >= 150 && took < 10000,
				   "a delay of 150 ms took %" PRIu64 " ms", took);
		}
	}
	area_close(&area);
	free(model);
}

/* 0 only looks; a little waits a little; enough waits long enough. */
static void run_timeout(struct test *test)
{
	struct crossbar_gpu_command delay = engine_held();
	struct crossbar_gpu_result result;
	uint64_t fence, start, took;
	bool ended;

	if (!engine_hold(test) ||
	    !engine_submit(test, &delay, 1, &fence, "delay"))
		return;
	start = now_ns();
	ended = ivgpu_wait(&test->gpu, fence, 0, &result);
	took = (now_ns() - start) / NS_PER_MS;
	test_check(test, !ended && errno == ETIMEDOUT && took < 5000,
		   "a look took %" PRIu64 " ms: %s", took,
		   ended ? "it has ended" : strerror(errno));
	start = now_ns();
	ended = ivgpu_wait(&test->gpu, fence, 100 * NS_PER_MS, &result);
	took = (now_ns() - start) / NS_PER_MS;
	test_check(test, !ended && errno == ETIMEDOUT && took >= 100 &&
		   took < 5000, "a wait of 100 ms took %" PRIu64 " ms: %s", took,
		   ended ? "it has ended" : strerror(errno));
	engine_release(test);
	engine_wait(test, fence, "delay");
	/* An old fence, and one that is still to come. */
	engine_wait(test, fence, "delay, once more");
	ended = ivgpu_wait(&test->gpu, fence + 1, NS_PER_S, &result);
	test_check(test, !ended && errno == EINVAL,
		   "a fence that nobody has submitted: %s",
		   ended ? "it has ended" : strerror(errno));
	ended = ivgpu_wait(&test->gpu, UINT64_MAX, NS_PER_S, &result);
	test_check(test, !ended && errno == EINVAL, "fence -1: %s",
		   ended ? "it has ended" : strerror(errno));
}

static void run_poll(struct test *test)
{
	struct pollfd entry = { .fd = test->gpu.fd, .events = POLLIN };
	struct crossbar_gpu_command delay = gpu_delay(400000);
	struct crossbar_gpu_command held = engine_held();
	uint64_t fence, start, took;
	int n;

	n = poll(&entry, 1, 0);
	if (!test_check(test, n == 1 && entry.revents == POLLIN,
			"poll() of an idle address space: %d, events %#x", n,
			entry.revents) ||
	    !engine_hold(test) ||
	    !engine_submit(test, &held, 1, &fence, "held delay"))
		return;
	n = poll(&entry, 1, 0);
	test_check(test, !n, "poll() of a busy address space: %d, events %#x", n,
		   entry.revents);
	if (!engine_release(test) ||
	    !engine_wait(test, fence, "held delay") ||
	    !engine_submit(test, &delay, 1, &fence, "delay"))
		return;
	start = now_ns();
	n = poll(&entry, 1, 30000);
	took = (now_ns() - start) / NS_PER_MS;
	test_check(test, n == 1 && entry.revents == POLLIN && took < 10000,
		   "poll() for a delay of 400 ms: %d after %" PRIu64 " ms", n,
		   took);
	engine_wait(test, fence, "delay");
}

static atomic_int alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

/* A thread that interrupts another one until it is told to stop. */
struct alarm {
	pthread_t target;
	bool stop;
};

static void *send_alarms(void *context)
{
	struct alarm *alarm = context;

	while (!__atomic_load_n(&alarm->stop, __ATOMIC_ACQUIRE)) {
		pthread_kill(alarm->target, SIGUSR1);
		sleep_ms(20);
	}
	return NULL;
}

/* Waits end with EINTR and can be repeated, or go on by themselves. */
static void run_interrupted(struct test *test)
{
	struct sigaction handler = { .sa_handler = on_alarm }, old;
	struct crossbar_gpu_command delay = gpu_delay(500000);
	struct alarm alarm = { .target = pthread_self() };
	bool restart = test->recipe->argument;
	struct crossbar_gpu_result result;
	unsigned int interrupted = 0;
	pthread_t thread;
	uint64_t fence;
	bool ended;

	handler.sa_flags = restart ? SA_RESTART : 0;
	sigaction(SIGUSR1, &handler, &old);
	alarms = 0;
	if (!engine_submit(test, &delay, 1, &fence, "delay") ||
	    !test_check(test, !pthread_create(&thread, NULL, send_alarms, &alarm),
			"cannot start a thread"))
		goto restore;
	for (;;) {
		ended = ivgpu_wait(&test->gpu, fence, WAIT_NS, &result);
		if (ended || errno != EINTR || interrupted > 10000)
			break;
		interrupted++;
	}
	__atomic_store_n(&alarm.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	test_check(test, ended && !result.status, "the wait ended with %s",
		   ended ? strerror((int)result.status) : strerror(errno));
	test_check(test, alarms > 0 && (restart ? !interrupted : interrupted > 0),
		   "%u of %d signals interrupted the wait", interrupted,
		   atomic_load(&alarms));
restore:
	sigaction(SIGUSR1, &old, NULL);
}

/* With O_NONBLOCK, no room is an error, and nothing was submitted. */
static void run_nonblock(struct test *test)
{
	struct crossbar_gpu_command commands[DEPTH];
	struct ivgpu_stats before, after;
	uint64_t fence, refused;
	unsigned int i;
	bool ok;

	for (i = 0; i < DEPTH; i++)
		commands[i] = gpu_fence();
	commands[0] = engine_held();
	fcntl(test->gpu.fd, F_SETFL, O_NONBLOCK);
	if (!engine_hold(test) ||
	    !engine_submit(test, commands, DEPTH, &fence, "all there is room for") ||
	    !engine_stats(test, &before))
		return;
	ok = ivgpu_submit(&test->gpu, commands, 1, &refused);
	test_check(test, !ok && errno == EAGAIN, "one more: %s",
		   ok ? "success" : strerror(errno));
	if (engine_stats(test, &after))
		test_check(test, after.submitted == before.submitted,
			   "what was refused has been submitted");
	engine_release(test);
	engine_wait(test, fence, "all of them");
	fcntl(test->gpu.fd, F_SETFL, 0);
	engine_run(test, gpu_fence(), NULL, "fence after all of them");
}

static const struct recipe recipe[] = {
	{ .name = "order", .run = run_order, .claim = CLAIM_MEMORY },
	{ .name = "depth", .run = run_depth, .claim = CLAIM_MEMORY },
	{ .name = "empty-and-delay", .run = run_empty,
	  .claim = CLAIM_MIXED },
	{ .name = "wait-timeout", .run = run_timeout, .host = true },
	{ .name = "wait-poll", .run = run_poll, .host = true },
	{ .name = "wait-interrupted", .run = run_interrupted },
	{ .name = "wait-restarted", .run = run_interrupted, .argument = true },
	{ .name = "submit-nonblock", .run = run_nonblock, .host = true },
};

const struct recipes wait_recipes = { recipe, ARRAY_SIZE(recipe) };
