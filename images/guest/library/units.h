/* SPDX-License-Identifier: GPL-2.0-only */
/* Sizes and times. */
#ifndef LIBRARY_UNITS_H
#define LIBRARY_UNITS_H

#include <stdint.h>

#define KIB(n)		((uint64_t)(n) << 10)
#define MIB(n)		((uint64_t)(n) << 20)

#define NS_PER_MS	1000000ULL
#define NS_PER_S	1000000000ULL

/* Nanoseconds of a clock that only runs forwards. */
uint64_t now_ns(void);

#endif /* LIBRARY_UNITS_H */
