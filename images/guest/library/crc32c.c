// SPDX-License-Identifier: GPL-2.0-only
/*
 * CRC32C by tables, eight bytes a step.
 */
#include <stdbool.h>
#include <string.h>

#include "crc32c.h"

#define POLYNOMIAL	0x82F63B78U	/* 0x1EDC6F41, lowest bit first */
#define SLICES		8

static uint32_t tables[SLICES][256];

__attribute__((__constructor__))
static void make_tables(void)
{
	unsigned int slice, byte, bit;

	for (byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		tables[0][byte] = crc;
	}
	for (slice = 1; slice < SLICES; slice++) {
		for (byte = 0; byte < 256; byte++) {
			uint32_t before = tables[slice - 1][byte];

			tables[slice][byte] = before >> 8 ^ tables[0][before & 255];
		}
	}
}

uint32_t crc32c(uint32_t crc, const void *mem, size_t len)
{
	const uint8_t *byte = mem;
	unsigned int slice;

	crc = ~crc;
	for (; len >= SLICES; len -= SLICES, byte += SLICES) {
		uint64_t word;

		memcpy(&word, byte, sizeof(word));
		word ^= crc;
		crc = 0;
		for (slice = 0; slice < SLICES; slice++, word >>= 8)
			crc ^= tables[SLICES - 1 - slice][word & 255];
	}
	for (; len; len--, byte++)
		crc = crc >> 8 ^ tables[0][(crc ^ *byte) & 255];
	return ~crc;
}
