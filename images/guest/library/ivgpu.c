// SPDX-License-Identifier: GPL-2.0-only
/*
 * The peer GPU for programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "ivgpu.h"

/* Without a preference, what the driver's parameter says. */
static bool prefers;
static enum ivgpu_path preferred;

static uint64_t address_of(const void *memory)
{
	return (uintptr_t)memory;
}

bool ivgpu_node(const char *address, char *node, size_t size)
{
	char pattern[96];
	glob_t found;
	bool ok;

	/* Below the device, a directory of its class has one of the name. */
	snprintf(pattern, sizeof(pattern),
		 "/sys/bus/pci/devices/%s/*/ivgpu[0-9]*", address);
	ok = !glob(pattern, 0, NULL, &found);
	if (ok)
		snprintf(node, size, "/dev/%s",
			 strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
	if (!ok)
		errno = ENODEV;
	return ok;
}

bool ivgpu_open(struct ivgpu *gpu, const char *address,
		struct ivgpu_totals *totals)
{
	char node[64];
	int error;

	*gpu = (struct ivgpu){ .fd = -1, .totals = totals };
	if (!ivgpu_node(address, node, sizeof(node)))
		return false;
	gpu->fd = open(node, O_RDWR | O_CLOEXEC);
	if (gpu->fd < 0)
		return false;
	if (!prefers || ivgpu_set_path(gpu, preferred))
		return true;
	error = errno;
	close(gpu->fd);
	gpu->fd = -1;
	errno = error;
	return false;
}

void ivgpu_prefer(enum ivgpu_path path)
{
	prefers = true;
	preferred = path;
}

bool ivgpu_set_path(const struct ivgpu *gpu, enum ivgpu_path path)
{
	struct ivgpu_path_request request = { .path = path };

	return !ioctl(gpu->fd, IVGPU_SET_PATH, &request);
}

bool ivgpu_unmap(const struct ivgpu *gpu, const void *start, size_t length)
{
	struct ivgpu_range range = {
		.address = (uintptr_t)start,
		.length = length,
	};

	return !ioctl(gpu->fd, IVGPU_UNMAP, &range);
}

static void add(uint64_t *total, uint64_t value)
{
	__atomic_fetch_add(total, value, __ATOMIC_RELAXED);
}

void ivgpu_close(struct ivgpu *gpu)
{
	struct ivgpu_stats stats;

	if (gpu->fd < 0)
		return;
	if (gpu->totals && ivgpu_stats(gpu, &stats)) {
		add(&gpu->totals->commands, stats.submitted);
		add(&gpu->totals->faults, stats.faults);
		add(&gpu->totals->aborts, stats.aborts);
		add(&gpu->totals->direct, stats.pages_direct);
		add(&gpu->totals->fallback, stats.pages_fallback);
		add(&gpu->totals->refusals, stats.refusals);
	}
	close(gpu->fd);
	gpu->fd = -1;
}

bool ivgpu_info(const struct ivgpu *gpu, struct ivgpu_info *info)
{
	return !ioctl(gpu->fd, IVGPU_INFO, info);
}

bool ivgpu_stats(const struct ivgpu *gpu, struct ivgpu_stats *stats)
{
	return !ioctl(gpu->fd, IVGPU_STATS, stats);
}

bool ivgpu_submit(const struct ivgpu *gpu,
		  const struct crossbar_gpu_command *commands,
		  unsigned int count, uint64_t *fence)
{
	struct ivgpu_submit submit = {
		.commands = address_of(commands),
		.count = count,
	};

	/* Video memory may be write combining: let the CPU's stores arrive. */
	__sync_synchronize();
	if (ioctl(gpu->fd, IVGPU_SUBMIT, &submit))
		return false;
	*fence = submit.fence;
	return true;
}

bool ivgpu_wait(struct ivgpu *gpu, uint64_t fence, uint64_t timeout_ns,
		struct crossbar_gpu_result *result)
{
	struct ivgpu_wait wait = { .fence = fence, .timeout_ns = timeout_ns };

	if (ioctl(gpu->fd, IVGPU_WAIT, &wait))
		return false;
	if (gpu->totals && fence > gpu->waited) {
		gpu->waited = fence;
		add(&gpu->totals->bytes, wait.result.bytes);
	}
	*result = wait.result;
	return true;
}

bool ivgpu_run(struct ivgpu *gpu, struct crossbar_gpu_command command,
	       uint64_t timeout_ns, struct crossbar_gpu_result *result)
{
	uint64_t fence;

	return ivgpu_submit(gpu, &command, 1, &fence) &&
	       ivgpu_wait(gpu, fence, timeout_ns, result);
}

bool ivgpu_reset(const struct ivgpu *gpu)
{
	return !ioctl(gpu->fd, IVGPU_RESET);
}

void *ivgpu_alloc(const struct ivgpu *gpu, size_t size, uint64_t *offset)
{
	struct ivgpu_alloc alloc = { .size = size };
	void *memory;
	int error = 0;

	if (ioctl(gpu->fd, IVGPU_ALLOC, &alloc))
		return NULL;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, gpu->fd,
		      (off_t)alloc.offset);
	if (memory == MAP_FAILED)
		error = errno;
	/* The mapping keeps the memory for as long as it is there. */
	ioctl(gpu->fd, IVGPU_FREE, &alloc);
	if (error) {
		errno = error;
		return NULL;
	}
	if (offset)
		*offset = alloc.offset;
	return memory;
}

struct crossbar_gpu_command gpu_fence(void)
{
	return (struct crossbar_gpu_command){ .opcode = CROSSBAR_GPU_FENCE_ONLY };
}

struct crossbar_gpu_command gpu_copy(void *target, const void *source,
				     size_t length)
{
	return (struct crossbar_gpu_command){
		.opcode = CROSSBAR_GPU_COPY,
		.source = address_of(source),
		.target = address_of(target),
		.length = length,
	};
}

struct crossbar_gpu_command gpu_fill(void *target, uint64_t pattern,
				     size_t length)
{
	return (struct crossbar_gpu_command){
		.opcode = CROSSBAR_GPU_FILL,
		.target = address_of(target),
		.length = length,
		.operand = pattern,
	};
}

struct crossbar_gpu_command gpu_crc32c(const void *source, size_t length)
{
	return (struct crossbar_gpu_command){
		.opcode = CROSSBAR_GPU_CRC32C,
		.source = address_of(source),
		.length = length,
	};
}

struct crossbar_gpu_command gpu_compare(const void *first, const void *second,
					size_t length)
{
	return (struct crossbar_gpu_command){
		.opcode = CROSSBAR_GPU_COMPARE,
		.source = address_of(first),
		.target = address_of(second),
		.length = length,
	};
}

static struct crossbar_gpu_command gpu_atomic(enum crossbar_gpu_atomic atomic,
					      void *target, size_t width,
					      uint64_t operand,
					      uint64_t compare)
{
	return (struct crossbar_gpu_command){
		.opcode = CROSSBAR_GPU_ATOMIC,
		.target = address_of(target),
		.length = width,
		.operand = operand,
		.compare = compare,
		.atomic = atomic,
	};
}

struct crossbar_gpu_command gpu_add(void *target, size_t width, uint64_t value)
{
	return gpu_atomic(CROSSBAR_GPU_ATOMIC_ADD, target, width, value, 0);
}

struct crossbar_gpu_command gpu_swap(void *target, size_t width,
				     uint64_t value)
{
	return gpu_atomic(CROSSBAR_GPU_ATOMIC_SWAP, target, width, value, 0);
}

struct crossbar_gpu_command gpu_cas(void *target, size_t width,
				    uint64_t compare, uint64_t value)
{
	return gpu_atomic(CROSSBAR_GPU_ATOMIC_CAS, target, width, value,
			  compare);
}

struct crossbar_gpu_command gpu_delay(uint64_t microseconds)
{
	return (struct crossbar_gpu_command){
		.opcode = CROSSBAR_GPU_DELAY,
		.operand = microseconds,
	};
}
