// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tight loops over memory: golden cells, single bytes, copies.
 */
#include <string.h>

#include "crossbar_cell.h"
#include "cells.h"
#include "compiler.h"

#define WORD	sizeof(uint64_t)

/* The second 8 bytes of a cell, as one little-endian word. */
static inline uint64_t cell_high(uint64_t off, uint16_t file, uint16_t gen)
{
	return file | (uint64_t)gen << 16 |
	       (uint64_t)crossbar_cell_check(off, file, gen) << 32;
}

/* Index of the lowest byte in which two words differ; they do differ. */
static inline size_t first_difference(uint64_t a, uint64_t b)
{
	return (size_t)__builtin_ctzll(a ^ b) / 8;
}

void cells_fill(void *mem, size_t len, uint64_t off, uint16_t file,
		uint16_t gen)
{
	size_t whole = len / CROSSBAR_CELL_SIZE * CROSSBAR_CELL_SIZE;
	uint64_t end = off + whole;
	uint64_t *word = mem;

	for (; off < end; off += CROSSBAR_CELL_SIZE) {
		WRITE_ONCE(*word, off);
		word++;
		WRITE_ONCE(*word, cell_high(off, file, gen));
		word++;
	}
	if (len > whole) {
		uint64_t cell[2] = { off, cell_high(off, file, gen) };

		words_copy(word, cell, len - whole);
	}
}

size_t cells_check(const void *mem, size_t len, uint64_t off, uint16_t file,
		   uint16_t gen)
{
	size_t whole = len / CROSSBAR_CELL_SIZE * CROSSBAR_CELL_SIZE;
	const uint8_t *tail = (const uint8_t *)mem + whole;
	const uint64_t *word = mem;
	uint64_t end = off + whole;
	uint64_t cell[2];
	size_t i;

	for (; off < end; off += CROSSBAR_CELL_SIZE) {
		uint64_t low = READ_ONCE(word[0]);
		uint64_t high = READ_ONCE(word[1]);
		uint64_t want = cell_high(off, file, gen);
		size_t index = whole - (end - off);

		if (low != off)
			return index + first_difference(low, off);
		if (high != want)
			return index + WORD + first_difference(high, want);
		word += 2;
	}

	cell[0] = off;
	cell[1] = cell_high(off, file, gen);
	for (i = 0; i < len - whole; i++)
		if (READ_ONCE(tail[i]) != ((uint8_t *)cell)[i])
			return whole + i;
	return len;
}

void bytes_fill(void *mem, size_t len, uint8_t byte)
{
	uint64_t pattern = byte * 0x0101010101010101ULL;
	size_t i, words = len / WORD;
	uint64_t *word = mem;
	uint8_t *tail = mem;

	for (i = 0; i < words; i++)
		WRITE_ONCE(word[i], pattern);
	for (i = words * WORD; i < len; i++)
		WRITE_ONCE(tail[i], byte);
}

size_t bytes_check(const void *mem, size_t len, uint8_t byte)
{
	uint64_t pattern = byte * 0x0101010101010101ULL;
	size_t i, words = len / WORD;
	const uint64_t *word = mem;
	const uint8_t *tail = mem;

	for (i = 0; i < words; i++) {
		uint64_t found = READ_ONCE(word[i]);

		if (found != pattern)
			return i * WORD + first_difference(found, pattern);
	}
	for (i = words * WORD; i < len; i++)
		if (READ_ONCE(tail[i]) != byte)
			return i;
	return len;
}

void words_copy(void *dst, const void *src, size_t len)
{
	size_t i, words = len / WORD;
	const uint64_t *from = src;
	const uint8_t *from_tail = src;
	uint8_t *to_tail = dst;
	uint64_t *to = dst;

	for (i = 0; i < words; i++)
		WRITE_ONCE(to[i], READ_ONCE(from[i]));
	for (i = words * WORD; i < len; i++)
		WRITE_ONCE(to_tail[i], READ_ONCE(from_tail[i]));
}
