/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli; RFC 3720, 12.1) at the speed of memory. */
#ifndef CROSSBAR_CRC32C_H
#define CROSSBAR_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Continues the checksum @crc of the bytes before (0 if there are none) with
 * @length bytes at @data. Each byte is read once.
 */
uint32_t crossbar_crc32c(uint32_t crc, const void *_Nullable data, size_t length);

/* The same by tables, as on a CPU without crc32 instructions. */
uint32_t crossbar_crc32c_tables(uint32_t crc, const void *_Nullable data,
				size_t length);

/* Whether crossbar_crc32c() uses crc32 instructions. */
bool crossbar_crc32c_accelerated(void);

#endif /* CROSSBAR_CRC32C_H */
