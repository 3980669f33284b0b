/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways in which a CPU gets at a file, each of which takes blocks from devices. */
#ifndef GPUCHECK_MAP_FILL_H
#define GPUCHECK_MAP_FILL_H

#include "map_file.h"

enum fill {
	FILL_READ,
	FILL_LOAD,
	FILL_POPULATE,
	FILL_READAHEAD,
	FILL_SPLICE,
	FILL_SENDFILE,
	FILL_WRITE,
	FILL_STORE,
	FILL_DIO_READ,
	FILL_DIO_WRITE,
};

/* Whether pages are in the page cache after it. */
bool fill_caches(enum fill fill);

/*
 * Does so with whole pages of the file. What is read is compared with the content,
 * what is written becomes part of it. False after test_fail().
 */
bool fill_range(struct test *test, struct mapped *mapped, enum fill fill,
		size_t off, size_t len);

#endif /* GPUCHECK_MAP_FILL_H */
