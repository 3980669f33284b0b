// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the page cache has of a file: cachestat(2), which the C library of the build
 * machine need not know yet.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "pagecache.h"

/*
 * How often pages are asked to go: somebody may look at one just now, and what has
 * just been written can be held by a batch of the LRU for a moment.
 */
#define DROP_ATTEMPTS	50

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

bool cache_drop(int fd)
{
	struct cached cached;
	unsigned int i;

	for (i = 0; i < DROP_ATTEMPTS; i++) {
		/* What was opened for reading only has nothing to sync. */
		if (fcntl(fd, F_GETFL) & O_RDWR && fsync(fd))
			return false;
		errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		if (errno || !cache_look(fd, 0, 0, &cached))
			return false;
		if (!cached.pages)
			return true;
		usleep(2000);
	}
	errno = EBUSY;
	return false;
}
