// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the page cache has of a file: cachestat(2), which the C library of the build
 * machine need not know yet.
 */
#define _GNU_SOURCE
#include <unistd.h>
#include <sys/syscall.h>

#include "pagecache.h"

#ifndef __NR_cachestat
#define __NR_cachestat	451
#endif

/* linux/mman.h */
struct cachestat_range {
	uint64_t off;
	uint64_t len;
};

struct cachestat {
	uint64_t nr_cache;
	uint64_t nr_dirty;
	uint64_t nr_writeback;
	uint64_t nr_evicted;
	uint64_t nr_recently_evicted;
};

bool cache_look(int fd, uint64_t off, uint64_t len, struct cached *cached)
{
	struct cachestat_range range = { off, len };
	struct cachestat stat;

	if (syscall(__NR_cachestat, fd, &range, &stat, 0))
		return false;
	*cached = (struct cached){
		.pages = stat.nr_cache,
		.dirty = stat.nr_dirty,
		.writeback = stat.nr_writeback,
	};
	return true;
}
