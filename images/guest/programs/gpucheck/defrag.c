// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls by which blocks move below files, from fs/ext4 and fs/xfs/libxfs/xfs_fs.h,
 * whose headers few machines have.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "defrag.h"

/* Both file systems are made with blocks of this size. */
#define BLOCK	4096

struct move_extent {
	uint32_t reserved;
	uint32_t donor;
	uint64_t from;
	uint64_t to;
	uint64_t len;
	uint64_t moved;
};

#define EXT4_IOC_MOVE_EXT	_IOWR('f', 15, struct move_extent)

struct xfs_time {
	int64_t seconds;
	int32_t nanoseconds;
};

/* struct xfs_swapext, of whose stat of the file only two times are looked at. */
struct xfs_swapext {
	int64_t version;
	int64_t target;
	int64_t donor;
	int64_t off;
	int64_t len;
	char pad[16];
	char stat_before[56];
	struct xfs_time modified;
	struct xfs_time changed;
	char stat_behind[48];
};

static_assert(sizeof(struct xfs_swapext) == 192, "struct xfs_swapext");

#define XFS_IOC_SWAPEXT		_IOWR('X', 109, struct xfs_swapext)

struct xfs_exchange_range {
	int32_t file;
	uint32_t pad;
	uint64_t off;
	uint64_t other_off;
	uint64_t len;
	uint64_t flags;
};

#define XFS_IOC_EXCHANGE_RANGE	_IOW('X', 129, struct xfs_exchange_range)

bool defrag_ext4(int file, int donor, size_t off, size_t size)
{
	struct move_extent request = {
		.donor = (uint32_t)donor,
		.from = off / BLOCK,
		.to = off / BLOCK,
		.len = size / BLOCK,
	};

	if (ioctl(file, EXT4_IOC_MOVE_EXT, &request))
		return false;
	errno = ENODATA;
	return request.moved == request.len;
}

bool defrag_xfs_look(int file, struct defrag_xfs *state)
{
	struct stat stat;

	if (fstat(file, &stat))
		return false;
	state->changed = stat.st_ctim;
	state->modified = stat.st_mtim;
	return true;
}

bool defrag_xfs_swap(int file, int donor, size_t size,
		     const struct defrag_xfs *state)
{
	struct xfs_swapext request = {
		.target = file,
		.donor = donor,
		.len = (int64_t)size,
		.modified = {
			.seconds = state->modified.tv_sec,
			.nanoseconds = (int32_t)state->modified.tv_nsec,
		},
		.changed = {
			.seconds = state->changed.tv_sec,
			.nanoseconds = (int32_t)state->changed.tv_nsec,
		},
	};

	return !ioctl(file, XFS_IOC_SWAPEXT, &request);
}

bool exchange_range(int one, int other, size_t size)
{
	struct xfs_exchange_range request = { .file = one, .len = size };

	return !ioctl(other, XFS_IOC_EXCHANGE_RANGE, &request);
}
