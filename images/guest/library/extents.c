// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which disk blocks hold a file: FIEMAP.
 */
#include <errno.h>
#include <stdlib.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "file.h"
#include "volume.h"

/* Disk offsets of such extents mean nothing; the suite's files have none. */
#define UNMAPPED	(FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | \
			 FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_INLINE | \
			 FIEMAP_EXTENT_NOT_ALIGNED)

bool file_extents(struct file *file, uint64_t off, uint64_t len,
		  struct extents *extents)
{
	static union {
		struct fiemap map;
		uint8_t room[sizeof(struct fiemap) +
			     (REPORT_EXTENTS + 1) * sizeof(struct fiemap_extent)];
	} request;
	const struct fiemap_extent *found = request.map.fm_extents;
	uint64_t block = file->volume->block;
	uint64_t start = off / block * block;
	uint64_t end = UINT64_MAX;
	unsigned int i;

	extents->count = 0;
	if (len < UINT64_MAX - off)
		end = (off + len + block - 1) / block * block;
	request.map = (struct fiemap){
		.fm_start = start,
		.fm_length = end - start,
		.fm_flags = FIEMAP_FLAG_SYNC,
		.fm_extent_count = REPORT_EXTENTS + 1,
	};
	if (ioctl(file->cached, FS_IOC_FIEMAP, &request.map))
		return false;
	if (request.map.fm_mapped_extents > REPORT_EXTENTS) {
		errno = E2BIG;
		return false;
	}
	for (i = 0; i < request.map.fm_mapped_extents; i++) {
		uint64_t from = found[i].fe_logical;
		uint64_t to = from + found[i].fe_length;

		if (found[i].fe_flags & UNMAPPED) {
			errno = EOPNOTSUPP;
			return false;
		}
		if (from < start)
			from = start;
		if (to > end)
			to = end;
		if (from >= to)
			continue;
		extents->extent[extents->count++] = (struct extent){
			.file_off = from,
			.disk_off = found[i].fe_physical +
				    (from - found[i].fe_logical),
			.len = to - from,
			.unwritten = found[i].fe_flags & FIEMAP_EXTENT_UNWRITTEN,
		};
	}
	return true;
}

bool file_written_extents(struct file *file, uint64_t off, uint64_t len,
			  struct extents *extents)
{
	unsigned int i, kept = 0;

	if (!file_extents(file, off, len, extents))
		return false;
	for (i = 0; i < extents->count; i++)
		if (!extents->extent[i].unwritten)
			extents->extent[kept++] = extents->extent[i];
	extents->count = kept;
	return true;
}
