/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices and drivers that leave, in good order, and come back. */
#ifndef GPUCHECK_LEAVE_H
#define GPUCHECK_LEAVE_H

#include "suite.h"

enum leave {
	LEAVE_DRIVER,		/* the driver leaves the device */
	LEAVE_BUS,		/* the device leaves the bus: it still answers */
};

/* The case's GPU. False after test_fail(). */
bool gpu_leaves(struct test *test, enum leave leave);
bool gpu_returns(struct test *test, enum leave leave);

/* Has the driver take the case's GPU. False with its answer in errno. */
bool gpu_bind(const struct test *test);

/* Where the kernel has placed a BAR of a PCI device, or video memory; or 0. */
uint64_t bar_place(const char *address, unsigned int bar);
uint64_t gpu_place(const char *address);

/*
 * Opens the case's GPU anew, which has to be in @place, and has it fill video
 * memory. False after test_fail().
 */
bool gpu_works_again(struct test *test, struct ivgpu *gpu, uint64_t place);

#endif /* GPUCHECK_LEAVE_H */
