/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CRC32C (Castagnoli; RFC 3720, appendix B.4) by tables alone, so that it owes
 * nothing to the instruction that an engine may use.
 */
#ifndef LIBRARY_CRC32C_H
#define LIBRARY_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from the @crc of the bytes before, 0 at the start. */
uint32_t crc32c(uint32_t crc, const void *mem, size_t len);

#endif /* LIBRARY_CRC32C_H */
