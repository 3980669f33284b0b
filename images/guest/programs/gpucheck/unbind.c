// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver leaves its device while files are open, or the device leaves the
 * bus, and comes back.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "engine.h"
#include "process.h"

#define SIZE		(16 * PAGE)
#define BIND_MS		10000
#define DRIVER		"/sys/bus/pci/drivers/ivgpu"

enum leave {
	LEAVE_DRIVER,
	LEAVE_BUS,		/* in good order: the device still answers */
};

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) > 0;
	close(fd);
	return ok;
}

/* Where the kernel has placed video memory, or 0. */
static uint64_t video_place(const char *address)
{
	uint64_t place = 0;
	char path[128], line[128];
	FILE *file;
	int bar;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource",
		 address);
	file = fopen(path, "re");
	if (!file)
		return 0;
	for (bar = 0; bar <= 2; bar++)
		if (!fgets(line, sizeof(line), file))
			line[0] = '\0';
	place = strtoull(line, NULL, 16);
	fclose(file);
	return place;
}

/*
 * The driver's own files refuse a device that is another driver's, and so does
 * this: a wrong address takes nothing away from anyone.
 */
static bool driver_leaves(struct test *test)
{
	char path[128];

	if (test->recipe->argument == LEAVE_DRIVER)
		return test_check(test, write_text(DRIVER "/unbind", test->address),
				  "cannot unbind the driver: %s",
				  strerror(errno));
	snprintf(path, sizeof(path), DRIVER "/%s/remove", test->address);
	return test_check(test, write_text(path, "1"),
			  "cannot remove the device: %s", strerror(errno));
}

/* The node appears again when the driver is back. */
static bool driver_returns(struct test *test)
{
	uint64_t end = now_ns() + BIND_MS * NS_PER_MS;
	bool removed = test->recipe->argument == LEAVE_BUS;
	char node[64];
	bool ok;

	if (!test_check(test, removed ? write_text("/sys/bus/pci/rescan", "1") :
			write_text(DRIVER "/bind", test->address),
			"cannot bring the device back: %s", strerror(errno)))
		return false;
	do {
		ok = ivgpu_node(test->address, node, sizeof(node)) &&
		     !access(node, R_OK | W_OK);
		if (!ok)
			sleep_ms(10);
	} while (!ok && now_ns() < end);
	return test_check(test, ok, "no node after the driver was bound again");
}

struct waiter {
	struct ivgpu *gpu;
	uint64_t fence;
	bool ended;
	int error;
};

static void *wait_for_end(void *context)
{
	struct waiter *waiter = context;
	struct crossbar_gpu_result result = { .status = 0 };

	waiter->ended = ivgpu_wait(waiter->gpu, waiter->fence, WAIT_NS, &result);
	waiter->error = waiter->ended ? (int)result.status : errno;
	return NULL;
}

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
	struct waiter waiter = { .gpu = gpu };
	uint8_t *video = ivgpu_alloc(gpu, SIZE, NULL);
	uint8_t *memory = memory_map(test, SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE);
	pthread_t thread;
	uint64_t start, took;
	bool ok;

	if (!test_check(test, video, "cannot allocate: %s", strerror(errno)) ||
	    !memory)
		return false;
	ok = engine_run_on(test, gpu, gpu_fill(video, 0x31, SIZE), NULL, "fill") &&
	     engine_run_on(test, gpu, gpu_copy(memory, video, SIZE), NULL,
			   "copy") &&
	     test_check(test, ivgpu_submit(gpu, &delay, 1, &waiter.fence),
			"cannot submit: %s", strerror(errno)) &&
	     test_check(test, !pthread_create(&thread, NULL, wait_for_end,
					      &waiter),
			"cannot start a thread");
	if (!ok)
		return false;
	sleep_ms(20);
	start = now_ns();
	ok = driver_leaves(test);
	pthread_join(thread, NULL);
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
	uint64_t place = video_place(test->address);
	struct ivgpu gpu;
	unsigned int i;
	uint8_t *video;

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
		if (!driver_returns(test))
			return;
		ivgpu_close(&gpu);
		/* The host goes by where it was. */
		if (!test_check(test, place && video_place(test->address) == place,
				"video memory is at %#" PRIx64
				" now, and was at %#" PRIx64,
				video_place(test->address), place))
			return;
		if (!test_check(test, ivgpu_open(&gpu, test->address,
						 &test->totals),
				"cannot open the GPU again: %s",
				strerror(errno)))
			return;
		video = ivgpu_alloc(&gpu, SIZE, NULL);
		if (test_check(test, video, "cannot allocate: %s",
			       strerror(errno)) &&
		    engine_run_on(test, &gpu, gpu_fill(video, 0x32, SIZE), NULL,
				  "fill after the driver came back"))
			test_check(test, video[0] == 0x32 && !video[1],
				   "a fill after the driver came back");
		if (video)
			munmap(video, SIZE);
		ivgpu_close(&gpu);
	}
}

static const struct recipe recipe[] = {
	{ .name = "unbind", .run = run_unbind, .last = true,
	  .argument = LEAVE_DRIVER },
	{ .name = "remove", .run = run_unbind, .last = true,
	  .argument = LEAVE_BUS },
};

const struct recipes unbind_recipes = { recipe, ARRAY_SIZE(recipe) };
