/* SPDX-License-Identifier: GPL-2.0-only */
/* Moving bytes between a file and peer memory, by either path. */
#ifndef P2PCHECK_TRANSFER_H
#define P2PCHECK_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSFER_THREADS	4

/*
 * struct transfer - one move
 * @fd:       O_DIRECT when @bounce is false, through the page cache when true
 * @bounce:   the CPU copies between @memory and system memory
 * @write:    memory to file
 * @memory:   peer memory, @len bytes
 * @len:      bytes, whole blocks of the volume
 * @off:      file offset, a multiple of the block size
 * @threads:  1 to TRANSFER_THREADS, each with a part of the range
 * @block:    logical block size of the volume
 * @done:     result: bytes moved, less than @len at the file's end
 * @error:    result: errno, or 0
 * @ns:       result: nanoseconds from start to the end of the last thread
 */
struct transfer {
	int fd;
	bool bounce;
	bool write;
	uint8_t *memory;
	size_t len;
	uint64_t off;
	unsigned int threads;
	uint32_t block;
	size_t done;
	int error;
	uint64_t ns;
};

void transfer_run(struct transfer *transfer);

#endif /* P2PCHECK_TRANSFER_H */
