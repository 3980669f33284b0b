/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atomic accesses to memory that a guest writes at the same time. Swift's own
 * atomics live in objects of Swift's; these take any address. The caller makes
 * sure that it is mapped and aligned to the width.
 */
#ifndef CROSSBAR_ATOMICS_H
#define CROSSBAR_ATOMICS_H

#include <stdbool.h>
#include <stdint.h>

/* Loads acquire, stores release: what was written before an index is seen after it. */
static inline uint32_t crossbar_load32(const void *_Nonnull at)
{
	return __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
}

static inline uint64_t crossbar_load64(const void *_Nonnull at)
{
	return __atomic_load_n((const uint64_t *)at, __ATOMIC_ACQUIRE);
}

static inline void crossbar_store32(void *_Nonnull at, uint32_t value)
{
	__atomic_store_n((uint32_t *)at, value, __ATOMIC_RELEASE);
}

static inline void crossbar_store64(void *_Nonnull at, uint64_t value)
{
	__atomic_store_n((uint64_t *)at, value, __ATOMIC_RELEASE);
}

/* Read-modify-write, sequentially consistent. Each returns what was there before. */
static inline uint32_t crossbar_add32(void *_Nonnull at, uint32_t value)
{
	return __atomic_fetch_add((uint32_t *)at, value, __ATOMIC_SEQ_CST);
}

static inline uint64_t crossbar_add64(void *_Nonnull at, uint64_t value)
{
	return __atomic_fetch_add((uint64_t *)at, value, __ATOMIC_SEQ_CST);
}

static inline uint32_t crossbar_swap32(void *_Nonnull at, uint32_t value)
{
	return __atomic_exchange_n((uint32_t *)at, value, __ATOMIC_SEQ_CST);
}

static inline uint64_t crossbar_swap64(void *_Nonnull at, uint64_t value)
{
	return __atomic_exchange_n((uint64_t *)at, value, __ATOMIC_SEQ_CST);
}

static inline uint32_t crossbar_cas32(void *_Nonnull at, uint32_t expected,
				      uint32_t value)
{
	__atomic_compare_exchange_n((uint32_t *)at, &expected, value, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return expected;
}

static inline uint64_t crossbar_cas64(void *_Nonnull at, uint64_t expected,
				      uint64_t value)
{
	__atomic_compare_exchange_n((uint64_t *)at, &expected, value, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return expected;
}

#endif /* CROSSBAR_ATOMICS_H */
