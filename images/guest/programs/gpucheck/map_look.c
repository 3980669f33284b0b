// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel and the disk say of a file that the GPU has mapped.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernelfile.h"
#include "map_look.h"
#include "pagecache.h"

#define CHUNK	((size_t)KIB(256))

static uint8_t chunk[CHUNK] __aligned(4096);

bool look_uncached(struct test *test, struct mapped *mapped, const char *what)
{
	struct cached cached;

	if (!test->direct)
		return true;
	return test_check(test, cache_look(mapped->file->cached, 0, 0, &cached),
			  "%s: cachestat: %s", what, strerror(errno)) &&
	       test_check(test, !cached.pages,
			  "%s: the page cache has %" PRIu64 " pages of %s",
			  what, cached.pages, mapped->file->path);
}

/* A file, as the kernel names it: MAJOR:MINOR of its file system, and its inode. */
struct identity {
	char device[24];
	uint64_t inode;
};

/* A file system that was shut down does not answer fstat(2). */
static bool identify(int fd, struct identity *identity)
{
	char path[64], line[512];
	uint64_t mount, found;
	bool ok = false;
	FILE *mounts;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (!kernel_counter(path, "ino:", &identity->inode) ||
	    !kernel_counter(path, "mnt_id:", &mount))
		return false;
	mounts = fopen("/proc/self/mountinfo", "re");
	while (mounts && !ok && fgets(line, sizeof(line), mounts))
		ok = sscanf(line, "%" SCNu64 " %*d %23s", &found,
			    identity->device) == 2 && found == mount;
	if (mounts)
		fclose(mounts);
	if (!ok)
		errno = ENOENT;
	return ok;
}

/* A line is MAJOR:MINOR INODE INDEX PAGES SECTOR and w or r. */
static void add_line(const char *line, const struct identity *identity,
		     uint64_t first, uint64_t last, struct live *live)
{
	uint64_t found, index, pages, end;
	char device[24], access;

	if (sscanf(line, "%23s %" SCNu64 " %" SCNu64 " %" SCNu64 " %*u %c",
		   device, &found, &index, &pages, &access) != 5 ||
	    found != identity->inode || strcmp(device, identity->device))
		return;
	end = index + pages;
	if (index < first)
		index = first;
	if (end > last)
		end = last;
	if (index >= end)
		return;
	live->pages += end - index;
	if (access == 'w')
		live->writable += end - index;
}

bool look_live(struct test *test, struct mapped *mapped, size_t off,
	       size_t len, struct live *live)
{
	FILE *list = fopen(DEBUG_MAP "/mappings", "re");
	struct identity identity;
	char line[128];

	*live = (struct live){ .pages = 0 };
	if (!test_check(test, list, "cannot open %s: %s", DEBUG_MAP "/mappings",
			strerror(errno)))
		return false;
	if (test_check(test, identify(mapped->file->cached, &identity),
		       "cannot find out what %s is for the kernel: %s",
		       mapped->file->path, strerror(errno)))
		while (fgets(line, sizeof(line), list))
			add_line(line, &identity, off / PAGE,
				 (off + len + PAGE - 1) / PAGE, live);
	fclose(list);
	return !test->verdict.failed;
}

bool look_mapped(struct test *test, struct mapped *mapped, size_t off,
		 size_t len, const char *what)
{
	size_t pages = (off + len + PAGE - 1) / PAGE - off / PAGE;
	struct live live;

	if (!test->direct)
		return true;
	return look_live(test, mapped, off, len, &live) &&
	       test_check(test, live.pages == pages,
			  "%s: devices have %" PRIu64 " of %zu pages at %zu mapped",
			  what, live.pages, pages, off);
}

bool look_revoked(struct test *test, struct mapped *mapped, size_t off,
		  size_t len, const char *what)
{
	struct live live;

	if (!test->direct)
		return true;
	return look_live(test, mapped, off, len, &live) &&
	       test_check(test, !live.pages,
			  "%s: devices still have %" PRIu64 " pages at %zu mapped",
			  what, live.pages, off);
}

bool look_extents(struct test *test, struct mapped *mapped,
		  struct extents *extents)
{
	uint64_t len = (mapped->file->content.len + PAGE - 1) / PAGE * PAGE;

	return test_check(test, file_written_extents(mapped->file, 0, len,
						     extents),
			  "cannot find the blocks of %s: %s",
			  mapped->file->path, strerror(errno));
}

/* @len bytes of the file from @off on are at @at on the disk. */
static bool look_run(struct test *test, const struct file *file, uint64_t off,
		     uint64_t at, size_t len, const char *what)
{
	struct content want = content_slice(&file->content, off, len);
	struct mismatch mismatch = { .bad = false };

	if (!test_check(test, volume_read(file->volume, chunk, len, at),
			"%s: cannot read %s at %" PRIu64 ": %s", what,
			file->volume->device, at, strerror(errno)))
		return false;
	content_check(&want, chunk, &mismatch);
	return test_check(test, !mismatch.bad,
			  "%s: on the disk, file offset %" PRIu64
			  " does not hold %s", what, mismatch.at,
			  mismatch.expected);
}

bool look_medium(struct test *test, struct mapped *mapped,
		 const struct extents *extents, const char *what)
{
	const struct file *file = mapped->file;
	unsigned int i;

	for (i = 0; i < extents->count; i++) {
		const struct extent *e = &extents->extent[i];
		uint64_t done;
		size_t part;

		for (done = 0; done < e->len; done += part) {
			part = e->len - done < CHUNK ? e->len - done : CHUNK;
			if (!look_run(test, file, e->file_off + done,
				      e->disk_off + done, part, what))
				return false;
		}
	}
	return true;
}

bool look_kernel(void)
{
	return !access(DEBUG_MAP, F_OK);
}

bool look_windows(struct test *test, const char *name, uint64_t *count)
{
	char path[128];

	snprintf(path, sizeof(path), DEBUG_MAP "/%s/windows",
		 test->volume->name);
	return test_check(test, kernel_counter(path, name, count),
			  "cannot read from %s how many windows are %s: %s",
			  path, name, strerror(errno));
}

bool look_counter(struct test *test, const char *name, uint64_t *value)
{
	return test_check(test, kernel_counter(DEBUG_MAP "/counters", name,
					       value),
			  "cannot read the kernel's counter %s: %s", name,
			  strerror(errno));
}
