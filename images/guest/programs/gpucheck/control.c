// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver meets control pages that can't be right, and leaves such a device
 * alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "leave.h"

/* BAR 2, whose first page it is. */
#define CONTROL	"resource2"

/*
 * struct lie - a field that says something else
 * @width: of the field, in bytes
 * @error: of the driver
 */
struct lie {
	const char *field;
	size_t offset, width;
	uint64_t value;
	int error;
};

#define LIE(field_, width_, value_, error_) {				\
	.field = #field_,						\
	.offset = offsetof(struct crossbar_gpu_control, field_),	\
	.width = (width_), .value = (value_), .error = (error_) }

static const struct lie lies[] = {
	LIE(magic, 8, CROSSBAR_GPU_MAGIC ^ 1, EPROTO),
	LIE(abi_version, 4, CROSSBAR_GPU_ABI_VERSION + 1, EPROTO),
	LIE(memory_size, 8, CROSSBAR_GPU_MEMORY_MIN - 1, EINVAL),
	LIE(aperture_offset, 8, 0, EINVAL),
	LIE(aperture_offset, 8, UINT64_MAX << 21, EINVAL),
	LIE(aperture_size, 8, 0, EINVAL),
	LIE(aperture_size, 8, UINT64_MAX << 21, EINVAL),
	LIE(aperture_size, 8, PAGE, EINVAL),
	LIE(heap_offset, 8, 0, EINVAL),
	LIE(heap_offset, 8, UINT64_MAX << 12, EINVAL),
	LIE(heap_size, 8, 0, EINVAL),
	LIE(heap_size, 8, UINT64_MAX << 12, EINVAL),
	LIE(heap_size, 8, PAGE + 1, EINVAL),
	LIE(control_ring, 4, 0, EINVAL),
	LIE(control_ring, 4, 8, EINVAL),
	LIE(fault_ring, 4, CROSSBAR_GPU_CONTROL_SIZE, EINVAL),
	LIE(command_ring, 4, UINT32_MAX - 63, EINVAL),
	LIE(results, 4, CROSSBAR_GPU_CONTROL_SIZE - 64, EINVAL),
	LIE(fences, 4, 64, EINVAL),
};

static uint64_t exchange(uint8_t *page, const struct lie *lie, uint64_t value)
{
	uint64_t old;

	if (lie->width == 8) {
		old = READ_ONCE(*(uint64_t *)(page + lie->offset));
		WRITE_ONCE(*(uint64_t *)(page + lie->offset), value);
	} else {
		old = READ_ONCE(*(uint32_t *)(page + lie->offset));
		WRITE_ONCE(*(uint32_t *)(page + lie->offset), (uint32_t)value);
	}
	return old;
}

static bool is_refused(struct test *test, uint8_t *page, const struct lie *lie)
{
	uint64_t truth = exchange(page, lie, lie->value);
	bool bound = gpu_bind(test);
	int error = errno;

	exchange(page, lie, truth);
	return test_check(test, !bound && error == lie->error,
			  "with %s %#" PRIx64 ", the driver says: %s",
			  lie->field, lie->value,
			  bound ? "success" : strerror(error));
}

/* The kernel's messages from now on. */
static int open_messages(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

static bool finds_message(int fd, const char *text)
{
	char record[1024];
	ssize_t n;

	/* One record each; EPIPE tells of some that are gone. */
	while ((n = read(fd, record, sizeof(record) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		record[n > 0 ? n : 0] = '\0';
		if (strstr(record, text))
			return true;
	}
	return false;
}

static void run_control(struct test *test)
{
	uint64_t place = gpu_place(test->address);
	int messages = open_messages();
	char versions[80];
	uint8_t *page;
	unsigned int i;
	bool ok = true;

	snprintf(versions, sizeof(versions),
		 "device has ABI version %u, driver has %u",
		 CROSSBAR_GPU_ABI_VERSION + 1, CROSSBAR_GPU_ABI_VERSION);
	page = memory_map_device(test, CONTROL, PAGE);
	ivgpu_close(&test->gpu);
	if (page && gpu_leaves(test, LEAVE_DRIVER)) {
		for (i = 0; ok && i < ARRAY_SIZE(lies); i++)
			ok = is_refused(test, page, &lies[i]);
		test_check(test, !ok || finds_message(messages, versions),
			   "the kernel's log has no `%s`", versions);
		if (gpu_returns(test, LEAVE_DRIVER))
			gpu_works_again(test, &test->gpu, place);
	}
	if (page)
		munmap(page, PAGE);
	if (messages >= 0)
		close(messages);
}

static const struct recipe recipe[] = {
	{ .name = "control-page", .run = run_control, .last = true },
};

const struct recipes control_recipes = { recipe, ARRAY_SIZE(recipe) };
