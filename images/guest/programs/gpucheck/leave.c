// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices and drivers that leave, in good order, and come back.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "engine.h"
#include "kernelfile.h"
#include "leave.h"
#include "process.h"

#define BIND_MS		10000
#define SIZE		(16 * PAGE)
#define DRIVER		"/sys/bus/pci/drivers/ivgpu"

uint64_t bar_place(const char *address, unsigned int bar)
{
	uint64_t place = 0;
	char path[128], line[128];
	unsigned int i;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource",
		 address);
	file = fopen(path, "re");
	if (!file)
		return 0;
	for (i = 0; i <= bar; i++)
		if (!fgets(line, sizeof(line), file))
			line[0] = '\0';
	place = strtoull(line, NULL, 16);
	fclose(file);
	return place;
}

uint64_t gpu_place(const char *address)
{
	return bar_place(address, CROSSBAR_GPU_MEMORY_BAR);
}

/*
 * The driver's own files refuse a device that is another driver's, and so does
 * this: a wrong address takes nothing away from anyone.
 */
bool gpu_leaves(struct test *test, enum leave leave)
{
	char path[128];

	if (leave == LEAVE_DRIVER)
		return test_check(test, kernel_write(DRIVER "/unbind",
						     test->address),
				  "cannot unbind the driver: %s",
				  strerror(errno));
	snprintf(path, sizeof(path), DRIVER "/%s/remove", test->address);
	return test_check(test, kernel_write(path, "1"),
			  "cannot remove the device: %s", strerror(errno));
}

bool gpu_bind(const struct test *test)
{
	return kernel_write(DRIVER "/bind", test->address);
}

/* The node appears again when the driver is back. */
bool gpu_returns(struct test *test, enum leave leave)
{
	uint64_t end = now_ns() + BIND_MS * NS_PER_MS;
	bool removed = leave == LEAVE_BUS;
	char node[64];
	bool ok;

	if (!test_check(test, removed ? kernel_write("/sys/bus/pci/rescan", "1") :
			gpu_bind(test),
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

bool gpu_works_again(struct test *test, struct ivgpu *gpu, uint64_t place)
{
	uint64_t now = gpu_place(test->address);
	uint8_t *video;
	bool ok;

	/* The host goes by where it was. */
	if (!test_check(test, place && now == place,
			"video memory is at %#" PRIx64 " now, and was at %#"
			PRIx64, now, place) ||
	    !test_check(test, ivgpu_open(gpu, test->address, &test->totals),
			"cannot open the GPU again: %s", strerror(errno)))
		return false;
	video = ivgpu_alloc(gpu, SIZE, NULL);
	if (!test_check(test, video, "cannot allocate: %s", strerror(errno)))
		return false;
	ok = engine_run_on(test, gpu, gpu_fill(video, 0x32, SIZE), NULL,
			   "fill after the driver came back") &&
	     test_check(test, video[0] == 0x32 && !video[1],
			"a fill after the driver came back has written %#x %#x",
			video[0], video[1]);
	munmap(video, SIZE);
	return ok;
}
