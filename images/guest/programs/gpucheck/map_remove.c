// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 9: either device leaves while the GPU works on a file. Nothing hangs, and what
 * was written is there when the devices are back.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "engine.h"
#include "kernelfile.h"
#include "leave.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"
#include "process.h"

#define SIZE	((size_t)KIB(128))
#define COPIES	16

/* Until a controller's name spaces are there again. */
#define RETURN_MS	30000

/* The BAR in which QEMU's controllers have their CMB. */
#define CMB_BAR		2

/* The same cells over and over; the first time is over. */
static bool start_writes(struct test *test, struct mapped *mapped,
			 uint64_t *fence)
{
	struct crossbar_gpu_command commands[2 * COPIES];
	uint16_t gen = fresh_generation();
	unsigned int i;

	for (i = 0; i < COPIES; i++) {
		commands[2 * i] = mapped_writing(mapped, 0, SIZE, gen);
		commands[2 * i + 1] = gpu_delay(30000);
	}
	mapped_wrote(mapped, 0, SIZE, gen);
	return engine_submit(test, commands, 2 * COPIES, fence, "writes") &&
	       engine_wait(test, *fence - 2 * COPIES + 1, "the first write");
}

/* Each has ended, one way or another. */
static void end_writes(struct test *test, uint64_t fence)
{
	struct crossbar_gpu_result result;
	unsigned int i;

	for (i = 2 * COPIES; i--;)
		if (!test_check(test, ivgpu_wait(&test->gpu, fence - i, WAIT_NS,
						 &result),
				"a write to what has left does not end: %s",
				strerror(errno)))
			return;
}

/* The PCI address of the controller below a volume. */
static bool controller_address(struct test *test, char *address, size_t size)
{
	char path[96];

	/* The kernel's own file, not a link that would have to be followed. */
	snprintf(path, sizeof(path), "/sys/class/nvme/%s/address",
		 test->volume->name);
	return test_check(test, kernel_read(path, address, size),
			  "cannot read %s: %s", path, strerror(errno));
}

static bool shares_controller(const struct test *test, unsigned int i,
			      const char *name)
{
	return !strcmp(test->volumes[i].name, name);
}

/* The other volumes of the controller leave in good order. */
static bool leave_others(struct test *test, const char *name)
{
	unsigned int i;

	for (i = 0; i < test->options->common.volume_count; i++) {
		struct volume *volume = &test->volumes[i];

		if (volume == test->volume || !shares_controller(test, i, name))
			continue;
		files_suspend(volume);
		if (!test_check(test, volume_unmount(volume),
				"cannot unmount volume %s: %s", volume->id,
				strerror(errno)))
			return false;
	}
	return true;
}

/* The controller is found again, and with it all that was mounted. */
static bool return_all(struct test *test, const char *name)
{
	uint64_t end = now_ns() + RETURN_MS * NS_PER_MS;
	unsigned int i;

	if (!test_check(test, kernel_write("/sys/bus/pci/rescan", "1"),
			"cannot look for devices: %s", strerror(errno)))
		return false;
	for (i = 0; i < test->options->common.volume_count; i++) {
		struct volume *volume = &test->volumes[i];

		if (!shares_controller(test, i, name))
			continue;
		while (!volume_present(volume) && now_ns() < end)
			sleep_ms(20);
		if (!test_check(test, volume_present(volume) &&
				volume_return(volume) && files_resume(volume),
				"cannot have volume %s back: %s", volume->id,
				strerror(errno)))
			return false;
	}
	return true;
}

static bool remove_controller(struct test *test, const char *address)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", address);
	return test_check(test, kernel_write(path, "1"), "cannot write %s: %s",
			  path, strerror(errno));
}

/* The device could still write, so nothing may be missing. */
static void run_controller(struct test *test)
{
	static struct extents extents;
	struct mapped mapped = { .file = NULL };
	char name[32], address[32];
	struct crossbar_gpu_result result;
	struct ivgpu_stats before;
	uint64_t fence, place;

	if (!test->volume->mounted) {
		test_skip(test, "volume %s was mounted by somebody else",
			  test->volume->id);
		return;
	}
	snprintf(name, sizeof(name), "%s", test->volume->name);
	if (!controller_address(test, address, sizeof(address)) ||
	    !mapped_open(test, &mapped, SIZE, true) ||
	    !look_extents(test, &mapped, &extents) ||
	    !leave_others(test, name) ||
	    !start_writes(test, &mapped, &fence))
		goto close;
	/*
	 * What the page cache has not written by now is lost on any kernel: the driver
	 * takes the disk's capacity away before it removes the disk.
	 */
	if (!test->direct &&
	    !test_check(test, !fsync(mapped.file->cached), "fsync: %s",
			strerror(errno)))
		goto close;
	place = bar_place(address, CMB_BAR);
	if (!remove_controller(test, address))
		goto close;
	end_writes(test, fence);
	/* With an error, most likely; what matters is that it ends. */
	engine_try(test, gpu_crc32c(mapped.memory, SIZE), &result,
		   "sum of what has left");
	fsync(mapped.file->cached);
	mapped_unmap(&mapped);
	files_suspend(test->volume);
	if (!test_check(test, volume_unmount(test->volume),
			"cannot unmount what has left: %s", strerror(errno)) ||
	    !return_all(test, name) ||
	    !test_check(test, bar_place(address, CMB_BAR) == place,
			"the controller's BAR is somewhere else now"))
		goto close;
	if (look_medium(test, &mapped, &extents, "when it is back") &&
	    mapped_map(test, &mapped, PROT_READ | PROT_WRITE) &&
	    engine_stats(test, &before) &&
	    mapped_sum(test, &mapped, "when it is back") &&
	    mapped_write(test, &mapped, 0, SIZE / 2, "when it is back") &&
	    path_direct(test, &before, SIZE / PAGE, "when it is back") &&
	    mapped_is_found(test, &mapped, "when it is back"))
		mapped_is_kept(test, &mapped, "when it is back");
close:
	mapped_close(test, &mapped);
}

/* The GPU leaves; the controller still has what it wrote. */
static void run_gpu(struct test *test)
{
	enum leave leave = test->recipe->argument;
	uint64_t place = gpu_place(test->address), fence;
	static struct extents extents;
	struct mapped mapped = { .file = NULL };
	struct ivgpu other = { .fd = -1 };

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !look_extents(test, &mapped, &extents) ||
	    !start_writes(test, &mapped, &fence) || !gpu_leaves(test, leave))
		goto close;
	test_check(test, !fsync(mapped.file->cached), "fsync: %s",
		   strerror(errno));
	look_medium(test, &mapped, &extents, "without the GPU");
	mapped_is_found(test, &mapped, "without the GPU");
	look_revoked(test, &mapped, 0, SIZE, "without the GPU");
	if (!gpu_returns(test, leave) || test->verdict.failed ||
	    !test_check(test, gpu_place(test->address) == place,
			"video memory is somewhere else now") ||
	    !mapped_cool(test, &mapped, "before the GPU") ||
	    !test_check(test, ivgpu_open(&other, test->address, &test->totals),
			"cannot open the GPU again: %s", strerror(errno)))
		goto close;
	mapped.gpu = &other;
	if (mapped_sum(test, &mapped, "when it is back") &&
	    mapped_fill(test, &mapped, 4 * PAGE, 8 * PAGE, "when it is back") &&
	    look_mapped(test, &mapped, 0, SIZE, "when it is back") &&
	    look_uncached(test, &mapped, "when it is back"))
		mapped_is_kept(test, &mapped, "when it is back");
close:
	ivgpu_close(&other);
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule9-unbind-gpu", .run = run_gpu, .volume = true,
	  .last = true, .argument = LEAVE_DRIVER },
	{ .name = "rule9-remove-gpu", .run = run_gpu, .volume = true,
	  .last = true, .argument = LEAVE_BUS },
	{ .name = "rule9-remove-controller", .run = run_controller,
	  .volume = true, .last = true, .departs = true },
};

const struct recipes map_remove_recipes = { recipe, ARRAY_SIZE(recipe) };
