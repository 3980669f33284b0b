/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tight loops over memory: golden cells, single bytes, copies.
 *
 * Peer memory can be an emulated register region (an NVMe controller's CMB),
 * where each access of the CPU is an exit to the emulator. Everything here
 * therefore moves 8 bytes an access and keeps away from the string
 * instructions that the C library's memcpy() and memset() would choose.
 */
#ifndef LIBRARY_CELLS_H
#define LIBRARY_CELLS_H

#include <stddef.h>
#include <stdint.h>

/*
 * All @mem pointers are 8-byte aligned, @off is a multiple of 16. Lengths may
 * be any: a cell that is cut off at the end is the whole cell's prefix.
 * The checks return the index of the first wrong byte, or @len.
 */
void cells_fill(void *mem, size_t len, uint64_t off, uint16_t file,
		uint16_t gen);
size_t cells_check(const void *mem, size_t len, uint64_t off, uint16_t file,
		   uint16_t gen);
void bytes_fill(void *mem, size_t len, uint8_t byte);
size_t bytes_check(const void *mem, size_t len, uint8_t byte);
void words_copy(void *dst, const void *src, size_t len);

#endif /* LIBRARY_CELLS_H */
