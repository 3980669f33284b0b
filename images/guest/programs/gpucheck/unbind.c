// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver leaves its device while files are open, or the device leaves the
 * bus, and comes back.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "engine.h"
#include "leave.h"
#include "process.h"
#include "waiter.h"

#define SIZE	(16 * PAGE)

static sigjmp_buf on_bus_error;

static void jump(int number)
{
	(void)number;
	siglongjmp(on_bus_error, 1);
}

/* Video memory is gone with the driver: SIGBUS for the CPU. */
static bool is_gone(uint8_t *memory)
{
	struct sigaction handler = { .sa_handler = jump }, old;
	bool gone;

	sigaction(SIGBUS, &handler, &old);
	gone = sigsetjmp(on_bus_error, 1);
	if (!gone)
		WRITE_ONCE(*memory, 1);
	sigaction(SIGBUS, &old, NULL);
	return gone;
}

/* What every call on the file says now. */
static void check_gone(struct test *test, struct ivgpu *gpu)
{
	struct pollfd entry = { .fd = gpu->fd, .events = POLLIN };
	struct crossbar_gpu_command command = gpu_fence();
	struct crossbar_gpu_result result;
	struct ivgpu_info info;
	uint64_t fence;
	bool ok;

	ok = ivgpu_info(gpu, &info);
	test_check(test, !ok && errno == ENODEV, "IVGPU_INFO: %s",
		   ok ? "success" : strerror(errno));
	ok = ivgpu_submit(gpu, &command, 1, &fence);
	test_check(test, !ok && errno == ENODEV, "IVGPU_SUBMIT: %s",
		   ok ? "success" : strerror(errno));
	ok = ivgpu_wait(gpu, 1, NS_PER_S, &result);
	test_check(test, !ok && errno == ENODEV, "IVGPU_WAIT: %s",
		   ok ? "success" : strerror(errno));
	ok = ivgpu_reset(gpu);
	test_check(test, !ok && errno == ENODEV, "IVGPU_RESET: %s",
		   ok ? "success" : strerror(errno));
	ok = ivgpu_alloc(gpu, PAGE, NULL);
	test_check(test, !ok && errno == ENODEV, "IVGPU_ALLOC: %s",
		   ok ? "success" : strerror(errno));
	test_check(test, poll(&entry, 1, 0) == 1 && entry.revents & POLLERR,
		   "poll(): events %#x", entry.revents);
}

/* With a command under way, memory mapped, and a thread that waits. */
static bool unbind_busy(struct test *test, struct ivgpu *gpu)
{
	struct crossbar_gpu_command delay = gpu_delay(9000000);
	struct waiter waiter;
	uint8_t *video = ivgpu_alloc(gpu, SIZE, NULL);
	uint8_t *memory = memory_map(test, SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE);
	uint64_t start, took;
	bool ok;

	if (!test_check(test, video, "cannot allocate: %s", strerror(errno)) ||
	    !memory)
		return false;
	ok = engine_run_on(test, gpu, gpu_fill(video, 0x31, SIZE), NULL, "fill") &&
	     engine_run_on(test, gpu, gpu_copy(memory, video, SIZE), NULL,
			   "copy") &&
	     waiter_start(test, &waiter, gpu, &delay, 1);
	if (!ok)
		return false;
	sleep_ms(20);
	start = now_ns();
	ok = gpu_leaves(test, test->recipe->argument);
	waiter_join(&waiter);
	took = (now_ns() - start) / NS_PER_MS;
	if (!ok)
		return false;
	test_check(test, took < 5000 && (waiter.ended ? waiter.error == EIO :
					 waiter.error == ENODEV),
		   "who waited got %s after %" PRIu64 " ms",
		   strerror(waiter.error), took);
	check_gone(test, gpu);
	test_check(test, is_gone(video), "video memory is still there");
	/* The program's own memory is what it was. */
	test_check(test, memory[0] == 0x31 && !memory[1],
		   "memory has changed with the driver");
	munmap(memory, SIZE);
	munmap(video, SIZE);
	return true;
}

static void run_unbind(struct test *test)
{
	uint64_t place = gpu_place(test->address);
	struct ivgpu gpu;
	unsigned int i;
	bool ok;

	for (i = 0; test_has_round(test, i); i++) {
		if (!test_check(test, ivgpu_open(&gpu, test->address,
						 &test->totals),
				"cannot open the GPU: %s", strerror(errno)))
			return;
		/* The second time, the old file is closed before the return. */
		if (!unbind_busy(test, &gpu)) {
			ivgpu_close(&gpu);
			return;
		}
		if (i % 2)
			ivgpu_close(&gpu);
		if (!gpu_returns(test, test->recipe->argument))
			return;
		ivgpu_close(&gpu);
		ok = gpu_works_again(test, &gpu, place);
		ivgpu_close(&gpu);
		if (!ok)
			return;
	}
}

static const struct recipe recipe[] = {
	{ .name = "unbind", .run = run_unbind, .last = true,
	  .argument = LEAVE_DRIVER },
	{ .name = "remove", .run = run_unbind, .last = true,
	  .argument = LEAVE_BUS },
};

const struct recipes unbind_recipes = { recipe, ARRAY_SIZE(recipe) };
