/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The peer GPU's device ABI: what the guest's driver, the guest's programs and
 * the host's engine agree upon. This header is the only place it is written
 * down, so it has to compile in the kernel, in C user space and in Swift.
 *
 * The device is QEMU's ivshmem (docs/specs/ivshmem-spec.rst). Its BAR 2 is the
 * GPU's video memory:
 *
 *	offset 0                            control page
 *	offset CROSSBAR_GPU_APERTURE_OFFSET peer aperture, to the end of the BAR
 *
 * All fields are little endian.
 */
#ifndef CROSSBAR_GPU_H
#define CROSSBAR_GPU_H

#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
typedef __u32 crossbar_u32;
typedef __u64 crossbar_u64;
#else
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
typedef uint32_t crossbar_u32;
typedef uint64_t crossbar_u64;
#endif

/* QEMU's ivshmem: PCI vendor and device, the BAR that is shared memory. */
#define CROSSBAR_GPU_PCI_VENDOR		0x1af4
#define CROSSBAR_GPU_PCI_DEVICE		0x1110
#define CROSSBAR_GPU_MEMORY_BAR		2

/* "XBAR-GPU" as bytes in memory. */
#define CROSSBAR_GPU_MAGIC		0x5550472d52414258ULL
#define CROSSBAR_GPU_ABI_VERSION	1U

/*
 * Peer memory starts at a sub-section of the kernel's memory map (2 MiB), since
 * devm_memremap_pages() takes nothing smaller. What lies below belongs to the
 * control page and to the rings.
 */
#define CROSSBAR_GPU_APERTURE_OFFSET	0x200000U
#define CROSSBAR_GPU_MEMORY_MIN		0x400000U

/*
 * struct crossbar_gpu_control - first page of video memory, written by the host
 *
 * @magic:           CROSSBAR_GPU_MAGIC
 * @abi_version:     CROSSBAR_GPU_ABI_VERSION
 * @features:        feature bits, none defined yet
 * @memory_size:     bytes of video memory, the size of BAR 2
 * @aperture_offset: first byte of the peer aperture, a multiple of 2 MiB
 * @aperture_size:   bytes of the peer aperture, a multiple of 2 MiB
 */
struct crossbar_gpu_control {
	crossbar_u64 magic;
	crossbar_u32 abi_version;
	crossbar_u32 features;
	crossbar_u64 memory_size;
	crossbar_u64 aperture_offset;
	crossbar_u64 aperture_size;
};

static_assert(offsetof(struct crossbar_gpu_control, magic) == 0, "ABI");
static_assert(offsetof(struct crossbar_gpu_control, abi_version) == 8, "ABI");
static_assert(offsetof(struct crossbar_gpu_control, features) == 12, "ABI");
static_assert(offsetof(struct crossbar_gpu_control, memory_size) == 16, "ABI");
static_assert(offsetof(struct crossbar_gpu_control, aperture_offset) == 24, "ABI");
static_assert(offsetof(struct crossbar_gpu_control, aperture_size) == 32, "ABI");
static_assert(sizeof(struct crossbar_gpu_control) == 40, "ABI");

#endif /* CROSSBAR_GPU_H */
