/* SPDX-License-Identifier: GPL-2.0-only */
/* The calls by which blocks move below files: those of e4defrag(8), xfs_fsr(8). */
#ifndef GPUCHECK_DEFRAG_H
#define GPUCHECK_DEFRAG_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* Moves a range of @file to the blocks of @donor's. False with errno. */
bool defrag_ext4(int file, int donor, size_t off, size_t size);

/* struct defrag_xfs - when a file has changed */
struct defrag_xfs {
	struct timespec changed;
	struct timespec modified;
};

/*
 * Swaps the blocks of two files of the same size, of which @donor is a copy, unless
 * the file has changed since the look: EBUSY. False with errno.
 */
bool defrag_xfs_look(int file, struct defrag_xfs *state);
bool defrag_xfs_swap(int file, int donor, size_t size,
		     const struct defrag_xfs *state);

/* Exchanges what two files have. False with errno. */
bool exchange_range(int one, int other, size_t size);

#endif /* GPUCHECK_DEFRAG_H */
