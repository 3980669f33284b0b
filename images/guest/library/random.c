// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers that look random and are the same for the same seed.
 */
#include <string.h>

#include "random.h"

uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9E3779B97F4A7C15ULL;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
	return z ^ (z >> 31);
}

uint64_t random_below(struct random *random, uint64_t bound)
{
	return random_next(random) % bound;
}

void random_fill(struct random *random, void *mem, size_t len)
{
	uint8_t *byte = mem;

	while (len) {
		uint64_t word = random_next(random);
		size_t part = len < sizeof(word) ? len : sizeof(word);

		memcpy(byte, &word, part);
		byte += part;
		len -= part;
	}
}
