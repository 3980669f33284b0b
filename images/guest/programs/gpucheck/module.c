// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's module leaves the kernel, which it can't while anyone has the
 * device open, and comes back.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "engine.h"
#include "kernelfile.h"
#include "leave.h"
#include "process.h"

#define MODULE		"ivgpu"
#define MODULE_FILE	"/lib/modules/" MODULE ".ko"
#define PARAMETERS	"/sys/module/" MODULE "/parameters/"
#define TRACING		"/sys/kernel/tracing/"
#define SIZE		(16 * PAGE)
#define DRAIN_MS	10000

/*
 * struct loaded - the module as it was
 * @parameters: as finit_module() takes them
 * @traced:     its events are wanted
 */
struct loaded {
	char parameters[64];
	bool traced;
};

static bool module_delete(void)
{
	return !syscall(SYS_delete_module, MODULE, O_NONBLOCK);
}

static bool module_insert(const char *parameters)
{
	int fd = open(MODULE_FILE, O_RDONLY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return false;
	error = syscall(SYS_finit_module, fd, parameters, 0) ? errno : 0;
	close(fd);
	errno = error;
	return !error;
}

/* Events that wait in the trace's buffers for whoever reads them. */
static uint64_t trace_entries(void)
{
	uint64_t sum = 0, value;
	glob_t found;
	size_t i;

	if (!glob(TRACING "per_cpu/cpu*/stats", 0, NULL, &found))
		for (i = 0; i < found.gl_pathc; i++)
			if (kernel_counter(found.gl_pathv[i], "entries:", &value))
				sum += value;
	globfree(&found);
	return sum;
}

/* A module that leaves takes with it what the buffers have of its events. */
static bool trace_is_read(struct test *test)
{
	uint64_t end = now_ns() + DRAIN_MS * NS_PER_MS;

	while (trace_entries() && now_ns() < end)
		sleep_ms(10);
	return test_check(test, !trace_entries(),
			  "the kernel's trace was not read within %d s",
			  DRAIN_MS / 1000);
}

static bool is_traced(void)
{
	char enabled[8];

	return kernel_read(TRACING "events/" MODULE "/enable", enabled,
			   sizeof(enabled)) && strcmp(enabled, "0");
}

static bool look(struct test *test, struct loaded *loaded)
{
	char timeout[16], path[16];

	loaded->traced = is_traced();
	if (!test_check(test, kernel_read(PARAMETERS "timeout_ms", timeout,
					  sizeof(timeout)) &&
			kernel_read(PARAMETERS "path", path, sizeof(path)),
			"cannot read the module's parameters: %s",
			strerror(errno)))
		return false;
	snprintf(loaded->parameters, sizeof(loaded->parameters),
		 "timeout_ms=%s path=%s", timeout, path);
	return true;
}

static bool is_refused(struct test *test, const char *when)
{
	bool gone = module_delete();

	return test_check(test, !gone && errno == EWOULDBLOCK,
			  "the module's removal %s: %s", when,
			  gone ? "success" : strerror(errno));
}

static bool works(struct test *test, uint8_t *video, uint8_t pattern)
{
	return engine_run(test, gpu_fill(video, pattern, SIZE), NULL, "fill") &&
	       test_check(test, video[0] == pattern && !video[1],
			  "a fill has written %#x %#x", video[0], video[1]);
}

/* Whoever has the file, or maps memory of it, holds the module. */
static bool stays_while_open(struct test *test)
{
	uint8_t *video = ivgpu_alloc(&test->gpu, SIZE, NULL);
	bool ok;

	if (!test_check(test, video, "cannot allocate: %s", strerror(errno)))
		return false;
	ok = is_refused(test, "with an open file") &&
	     works(test, video, 0x51);
	ivgpu_close(&test->gpu);
	ok = ok && is_refused(test, "with video memory mapped") &&
	     test_check(test, video[0] == 0x51, "video memory holds %#x",
			video[0]);
	munmap(video, SIZE);
	return ok;
}

/* Whether it has gone; the case fails if it has not gone as it should. */
static bool leaves(struct test *test)
{
	char node[64];
	bool again;

	if (!test_check(test, module_delete(), "cannot remove the module: %s",
			strerror(errno)))
		return false;
	again = module_delete();
	test_check(test, !again && errno == ENOENT, "a second removal: %s",
		   again ? "success" : strerror(errno));
	test_check(test, access("/sys/module/" MODULE, F_OK) &&
		   !ivgpu_node(test->address, node, sizeof(node)),
		   "the module has left things behind");
	return true;
}

static bool comes_back(struct test *test, const struct loaded *loaded)
{
	/* The kernel has forgotten that the events are wanted. */
	test_check(test, !loaded->traced ||
		   kernel_write(TRACING "set_event", ":mod:" MODULE),
		   "cannot ask for the module's events: %s", strerror(errno));
	return test_check(test, module_insert(loaded->parameters),
			  "cannot load %s: %s", MODULE_FILE, strerror(errno)) &&
	       test_check(test, is_traced() == loaded->traced,
			  "the module came back with its events %s",
			  loaded->traced ? "off" : "on");
}

static void run_rmmod(struct test *test)
{
	uint64_t place = gpu_place(test->address);
	struct loaded loaded;
	unsigned int i;

	if (access(MODULE_FILE, F_OK)) {
		test_skip(test, "the driver is built into this kernel");
		return;
	}
	for (i = 0; test_has_round(test, i); i++) {
		if (!look(test, &loaded) || !stays_while_open(test) ||
		    !trace_is_read(test) || !leaves(test))
			return;
		/* Later cases need it, whatever this one has found. */
		if (!comes_back(test, &loaded) || test->verdict.failed ||
		    !gpu_works_again(test, &test->gpu, place))
			return;
	}
}

static const struct recipe recipe[] = {
	{ .name = "rmmod", .run = run_rmmod, .last = true },
};

const struct recipes module_recipes = { recipe, ARRAY_SIZE(recipe) };
