/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The peer GPU for programs: open it by its PCI address, submit commands, wait
 * for them, allocate its video memory. What commands do, and what they end with,
 * is in crossbar_gpu.h. Functions that return a bool set errno when it is false.
 */
#ifndef LIBRARY_IVGPU_H
#define LIBRARY_IVGPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crossbar_gpu.h"

/*
 * struct ivgpu_totals - sums over address spaces that have been closed
 * @bytes:    of commands that were waited for
 * @direct:   pages that were mapped in another device's BAR
 * @fallback: pages that were mapped in system memory
 * @refusals: times that the exporter of a mapping did not map it
 */
struct ivgpu_totals {
	uint64_t commands;
	uint64_t bytes;
	uint64_t faults;
	uint64_t aborts;
	uint64_t direct;
	uint64_t fallback;
	uint64_t refusals;
};

/*
 * struct ivgpu - an address space: one open of the device's node
 * @fd:     -1 when it is closed
 * @waited: last fence whose result was seen
 * @totals: where ivgpu_close() adds to, or NULL; can be in shared memory
 */
struct ivgpu {
	int fd;
	uint64_t waited;
	struct ivgpu_totals *totals;
};

/* The node of the device at a PCI address, such as /dev/ivgpu0. */
bool ivgpu_node(const char *address, char *node, size_t size);

bool ivgpu_open(struct ivgpu *gpu, const char *address,
		struct ivgpu_totals *totals);

/* What address spaces that are opened from now on get for their path. */
void ivgpu_prefer(enum ivgpu_path path);

bool ivgpu_set_path(const struct ivgpu *gpu, enum ivgpu_path path);

/* What the GPU has of a range in a BAR goes back; whole pages. */
bool ivgpu_unmap(const struct ivgpu *gpu, const void *start, size_t length);

/* Adds to the totals, if the device still answers. Closing twice is no error. */
void ivgpu_close(struct ivgpu *gpu);

bool ivgpu_info(const struct ivgpu *gpu, struct ivgpu_info *info);
bool ivgpu_stats(const struct ivgpu *gpu, struct ivgpu_stats *stats);

/* All or none; @fence is the last one's. */
bool ivgpu_submit(const struct ivgpu *gpu,
		  const struct crossbar_gpu_command *commands,
		  unsigned int count, uint64_t *fence);

/* True when the command has ended, whatever its status. */
bool ivgpu_wait(struct ivgpu *gpu, uint64_t fence, uint64_t timeout_ns,
		struct crossbar_gpu_result *result);

/* Submits one command and waits for it. */
bool ivgpu_run(struct ivgpu *gpu, struct crossbar_gpu_command command,
	       uint64_t timeout_ns, struct crossbar_gpu_result *result);

bool ivgpu_reset(const struct ivgpu *gpu);

/*
 * Video memory, mapped; munmap() gives it back. NULL with errno. @offset is its
 * place in video memory, if anyone wants to know.
 */
void *ivgpu_alloc(const struct ivgpu *gpu, size_t size, uint64_t *offset);

/* Commands. Lengths and widths are in bytes. */
struct crossbar_gpu_command gpu_fence(void);
struct crossbar_gpu_command gpu_copy(void *target, const void *source,
				     size_t length);
struct crossbar_gpu_command gpu_fill(void *target, uint64_t pattern,
				     size_t length);
struct crossbar_gpu_command gpu_crc32c(const void *source, size_t length);
struct crossbar_gpu_command gpu_compare(const void *first, const void *second,
					size_t length);
struct crossbar_gpu_command gpu_add(void *target, size_t width, uint64_t value);
struct crossbar_gpu_command gpu_swap(void *target, size_t width,
				     uint64_t value);
struct crossbar_gpu_command gpu_cas(void *target, size_t width,
				    uint64_t compare, uint64_t value);
struct crossbar_gpu_command gpu_delay(uint64_t microseconds);

#endif /* LIBRARY_IVGPU_H */
