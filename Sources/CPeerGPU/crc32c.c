// SPDX-License-Identifier: Apache-2.0
/*
 * CRC-32C: with SSE 4.2's crc32 instruction, whose latency of three cycles is
 * hidden by three streams side by side, or with eight tables.
 *
 * A checksum is a polynomial over GF(2), its bits reversed: bit 31 is x^0. To
 * append n zero bytes to a message is to multiply its checksum by x^(8n) modulo
 * the polynomial, and that is how the streams' results become one.
 */
#include "crossbar_crc32c.h"

#include <string.h>

#define POLYNOMIAL	0x82f63b78U

/* Bytes of one of three streams: in long blocks, then in short ones. */
#define LONG		8192
#define SHORT		256

static uint32_t byte_table[8][256];
static uint32_t long_table[4][256];
static uint32_t short_table[4][256];
static bool accelerated;

static uint32_t multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (uint32_t bit = 1U << 31; bit; bit >>= 1) {
		if (a & bit)
			product ^= b;
		b = b & 1 ? b >> 1 ^ POLYNOMIAL : b >> 1;
	}
	return product;
}

/* x^(8 * bytes) */
static uint32_t zeros(size_t bytes)
{
	uint32_t result = 1U << 31;
	uint32_t power = 1U << 23;

	for (; bytes; bytes >>= 1) {
		if (bytes & 1)
			result = multiply(power, result);
		power = multiply(power, power);
	}
	return result;
}

static void fill_shift(uint32_t table[4][256], size_t bytes)
{
	uint32_t factor = zeros(bytes);

	for (int lane = 0; lane < 4; lane++)
		for (uint32_t byte = 0; byte < 256; byte++)
			table[lane][byte] = multiply(factor, byte << 8 * lane);
}

__attribute__((constructor)) static void fill_tables(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
		byte_table[0][byte] = crc;
	}
	for (uint32_t byte = 0; byte < 256; byte++) {
		for (int slice = 1; slice < 8; slice++) {
			uint32_t crc = byte_table[slice - 1][byte];

			byte_table[slice][byte] = crc >> 8 ^ byte_table[0][crc & 0xff];
		}
	}
	fill_shift(long_table, LONG);
	fill_shift(short_table, SHORT);
#if defined(__x86_64__)
	__builtin_cpu_init();
	accelerated = __builtin_cpu_supports("sse4.2");
#endif
}

uint32_t crossbar_crc32c_tables(uint32_t crc, const void *data, size_t length)
{
	const uint8_t *at = data;
	uint64_t word;

	crc = ~crc;
	for (; length >= 8; at += 8, length -= 8) {
		memcpy(&word, at, 8);
		word ^= crc;
		crc = byte_table[7][word & 0xff] ^
		      byte_table[6][word >> 8 & 0xff] ^
		      byte_table[5][word >> 16 & 0xff] ^
		      byte_table[4][word >> 24 & 0xff] ^
		      byte_table[3][word >> 32 & 0xff] ^
		      byte_table[2][word >> 40 & 0xff] ^
		      byte_table[1][word >> 48 & 0xff] ^
		      byte_table[0][word >> 56];
	}
	for (; length; at++, length--)
		crc = crc >> 8 ^ byte_table[0][(crc ^ *at) & 0xff];
	return ~crc;
}

#if defined(__x86_64__)
static uint32_t shift(uint32_t table[4][256], uint32_t crc)
{
	return table[0][crc & 0xff] ^ table[1][crc >> 8 & 0xff] ^
	       table[2][crc >> 16 & 0xff] ^ table[3][crc >> 24];
}

__attribute__((target("sse4.2"), always_inline))
static inline uint64_t step(uint64_t crc, const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, 8);
	return __builtin_ia32_crc32di(crc, word);
}

/* Three streams of @stride bytes each, one behind the other in memory. */
__attribute__((target("sse4.2"), always_inline))
static inline uint64_t streams(uint64_t crc, const uint8_t *at, size_t stride,
			       uint32_t table[4][256])
{
	const uint8_t *end = at + stride;
	uint64_t second = 0;
	uint64_t third = 0;

	for (; at < end; at += 8) {
		crc = step(crc, at);
		second = step(second, at + stride);
		third = step(third, at + 2 * stride);
	}
	crc = shift(table, (uint32_t)crc) ^ second;
	return shift(table, (uint32_t)crc) ^ third;
}

__attribute__((target("sse4.2")))
static uint32_t by_instruction(uint32_t start, const uint8_t *at, size_t length)
{
	uint64_t crc = (uint32_t)~start;

	for (; length >= 3 * LONG; at += 3 * LONG, length -= 3 * LONG)
		crc = streams(crc, at, LONG, long_table);
	for (; length >= 3 * SHORT; at += 3 * SHORT, length -= 3 * SHORT)
		crc = streams(crc, at, SHORT, short_table);
	for (; length >= 8; at += 8, length -= 8)
		crc = step(crc, at);
	for (; length; at++, length--)
		crc = __builtin_ia32_crc32qi((uint32_t)crc, *at);
	return ~(uint32_t)crc;
}
#endif

uint32_t crossbar_crc32c(uint32_t crc, const void *data, size_t length)
{
#if defined(__x86_64__)
	if (accelerated)
		return by_instruction(crc, data, length);
#endif
	return crossbar_crc32c_tables(crc, data, length);
}

bool crossbar_crc32c_accelerated(void)
{
	return accelerated;
}
