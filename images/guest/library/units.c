// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sizes and times.
 */
#include <time.h>

#include "units.h"

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}
