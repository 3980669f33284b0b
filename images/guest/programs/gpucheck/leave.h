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

/* Where the kernel has placed a BAR of a PCI device, or video memory; or 0. */
uint64_t bar_place(const char *address, unsigned int bar);
uint64_t gpu_place(const char *address);

#endif /* GPUCHECK_LEAVE_H */
