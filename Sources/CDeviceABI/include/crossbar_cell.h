/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Golden cells: file content that explains itself. A file's content is a row of
 * 16-byte cells, each of which says to which file, offset and generation it
 * belongs, with a check value, so that a wrong byte tells where it came from.
 *
 * This header is the only definition, shared by the guest's programs and by the
 * host. All fields are little endian; both sides run on little-endian machines.
 */
#ifndef CROSSBAR_CELL_H
#define CROSSBAR_CELL_H

#include <assert.h>
#include <stdint.h>

#define CROSSBAR_CELL_SIZE	16
#define CROSSBAR_CELL_KEY	0x43524F5353424152ULL

/* What memory holds before a transfer that must overwrite it. */
#define CROSSBAR_POISON		0xA5

/* The files that the host puts into each file system image, generation 1. */
#define CROSSBAR_GOLDEN_FILE	1
#define CROSSBAR_GOLDEN_PATH	"/golden.bin"
#define CROSSBAR_GOLDEN_SIZE	((32ULL << 20) + 3 * 4096 + 1000)
#define CROSSBAR_SMALL_FILE	2
#define CROSSBAR_SMALL_PATH	"/small.bin"
#define CROSSBAR_SMALL_SIZE	(1ULL << 20)

/*
 * struct crossbar_cell - 16 bytes of a golden file
 * @offset:     file offset of the cell's first byte, a multiple of 16
 * @file:       file identity
 * @generation: counts the overwrites of this file
 * @check:      crossbar_cell_check() of the other fields
 */
struct crossbar_cell {
	uint64_t offset;
	uint16_t file;
	uint16_t generation;
	uint32_t check;
};

static_assert(sizeof(struct crossbar_cell) == CROSSBAR_CELL_SIZE,
	      "a cell is 16 bytes");

/* The high half of SplitMix64's finaliser over the packed fields. */
static inline uint32_t crossbar_cell_check(uint64_t offset, uint16_t file,
					   uint16_t generation)
{
	uint64_t z = offset ^ ((uint64_t)file << 48) ^
		     ((uint64_t)generation << 32) ^ CROSSBAR_CELL_KEY;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
	return (uint32_t)((z ^ (z >> 31)) >> 32);
}

static inline struct crossbar_cell crossbar_cell_make(uint64_t offset,
						      uint16_t file,
						      uint16_t generation)
{
	struct crossbar_cell cell = {
		.offset = offset,
		.file = file,
		.generation = generation,
		.check = crossbar_cell_check(offset, file, generation),
	};

	return cell;
}

#endif /* CROSSBAR_CELL_H */
