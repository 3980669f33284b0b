// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that end, or become another program, while their commands run.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "engine.h"
#include "process.h"

#define SIZE	MIB(1)
#define COPIES	32

enum end {
	END_EXIT,
	END_KILL,
	END_CLOSE,
};

/*
 * struct dying - what the process that is going to end does
 * @target: shared with the parent, which looks whether anything writes there
 *          when the process is gone
 * @source: private, so that it goes with the process
 */
struct dying {
	enum end end;
	struct meeting meeting;
	uint8_t *target;
	uint8_t *source;
};

/* Copies between delays, for about a second. */
static bool start_copies(struct test *test, struct dying *dying,
			 struct ivgpu *gpu)
{
	struct crossbar_gpu_command commands[2 * COPIES];
	uint64_t fence;
	unsigned int i;

	for (i = 0; i < COPIES; i++) {
		commands[2 * i] = gpu_copy(dying->target, dying->source, SIZE);
		commands[2 * i + 1] = gpu_delay(30000);
	}
	return test_check(test, ivgpu_submit(gpu, commands, 2 * COPIES, &fence),
			  "cannot submit: %s", strerror(errno));
}

static void die(struct test *test, void *context)
{
	struct dying *dying = context;
	struct ivgpu gpu;

	if (!test_check(test, ivgpu_open(&gpu, test->address, NULL),
			"cannot open the GPU: %s", strerror(errno)))
		return;
	dying->source = memory_map(test, SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE);
	if (!dying->source)
		return;
	memset(dying->source, 0x77, SIZE);
	if (!start_copies(test, dying, &gpu))
		return;
	meeting_signal(&dying->meeting, true);
	switch (dying->end) {
	case END_EXIT:
		_exit(0);
	case END_KILL:
		for (;;)
			pause();
	case END_CLOSE:
		ivgpu_close(&gpu);
		memset(dying->target, 0, SIZE);
		sleep_ms(100);
		break;
	}
}

/* Nothing writes to what a process has left behind. */
static void check_quiet(struct test *test, uint8_t *target)
{
	uint8_t zeros[PAGE] = { 0 };
	size_t at;

	memset(target, 0, SIZE);
	sleep_ms(200);
	for (at = 0; at < SIZE; at += PAGE)
		if (!memory_check(test, target + at, zeros, PAGE,
				  "memory that an ended process wrote to"))
			return;
}

static void run_end(struct test *test)
{
	struct dying dying = { .end = test->recipe->argument };
	struct ivgpu_info before, after;
	pid_t pid;

	dying.target = memory_map(test, SIZE, PROT_READ | PROT_WRITE,
				  MAP_SHARED);
	if (!dying.target || !meeting_open(test, &dying.meeting))
		return;
	if (!test_check(test, ivgpu_info(&test->gpu, &before), "IVGPU_INFO: %s",
			strerror(errno)))
		goto close;
	pid = process_start(test, die, &dying);
	if (pid < 0)
		goto close;
	if (!meeting_wait(&dying.meeting, false)) {
		test_fail(test, "the process did not get to its end");
		process_kill(test, pid);
		goto close;
	}
	if (dying.end != END_KILL)
		process_end(test, pid);
	else
		process_kill(test, pid);
	check_quiet(test, dying.target);
	/* Its page tables and everything else are free again. */
	if (engine_run(test, gpu_fence(), NULL, "fence after the end") &&
	    test_check(test, ivgpu_info(&test->gpu, &after), "IVGPU_INFO: %s",
		       strerror(errno)))
		test_check(test, after.heap_free == before.heap_free,
			   "%llu bytes of the heap are lost",
			   (unsigned long long)(before.heap_free -
						after.heap_free));
close:
	meeting_close(&dying.meeting);
	munmap(dying.target, SIZE);
}

/* exec() with commands under way, and with the descriptor passed on. */
static void become(struct test *test, void *context)
{
	struct dying *dying = context;
	struct ivgpu gpu;

	if (!test_check(test, ivgpu_open(&gpu, test->address, NULL),
			"cannot open the GPU: %s", strerror(errno)))
		return;
	dying->source = memory_map(test, SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE);
	if (dying->source && start_copies(test, dying, &gpu))
		process_exec(test, &gpu);
}

static void run_exec(struct test *test)
{
	struct dying dying = { .end = END_EXIT };
	pid_t pid;

	dying.target = memory_map(test, SIZE, PROT_READ | PROT_WRITE,
				  MAP_SHARED);
	if (!dying.target)
		return;
	pid = process_start(test, become, &dying);
	if (pid > 0 && process_end(test, pid)) {
		check_quiet(test, dying.target);
		engine_run(test, gpu_fence(), NULL, "fence after exec()");
	}
	munmap(dying.target, SIZE);
}

static const struct recipe recipe[] = {
	{ .name = "exit-running", .run = run_end, .argument = END_EXIT },
	{ .name = "kill-running", .run = run_end, .argument = END_KILL },
	{ .name = "close-running", .run = run_end, .argument = END_CLOSE },
	{ .name = "exec-running", .run = run_exec },
};

const struct recipes process_recipes = { recipe, ARRAY_SIZE(recipe) };
