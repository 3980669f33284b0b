/* SPDX-License-Identifier: GPL-2.0-only */
/* What the page cache has of a file. */
#ifndef LIBRARY_PAGECACHE_H
#define LIBRARY_PAGECACHE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * struct cached - pages of a range of a file, by cachestat(2)
 * @pages:     in the page cache
 * @dirty:     of them
 * @writeback: of them, being written
 */
struct cached {
	uint64_t pages;
	uint64_t dirty;
	uint64_t writeback;
};

/* A length of 0 is up to the file's end. False with errno. */
bool cache_look(int fd, uint64_t off, uint64_t len, struct cached *cached);

/*
 * Syncs a file, if it is open for writing, and takes all of it out of the page cache.
 * False with errno: EBUSY if some of it stays there.
 */
bool cache_drop(int fd);

#endif /* LIBRARY_PAGECACHE_H */
