/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that look random and are the same for the same seed: SplitMix64. */
#ifndef LIBRARY_RANDOM_H
#define LIBRARY_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *random);

/* From 0 to @bound - 1; @bound is not 0. */
uint64_t random_below(struct random *random, uint64_t bound);

void random_fill(struct random *random, void *mem, size_t len);

#endif /* LIBRARY_RANDOM_H */
