// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of a case on its volume.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "crossbar_cell.h"
#include "crc32c.h"
#include "disk.h"
#include "process.h"

#define CHUNK	(256U << 10)

/* Free space that the suite leaves for the file system's own needs. */
#define SPARE	MIB(8)

/* What one table of the GPU's last level spans, and so one fault at most. */
#define SPAN	MIB(2)

static uint8_t chunk[CHUNK] __aligned(4096);

struct file *disk_file(struct test *test, uint64_t size, bool stays)
{
	struct file *file;
	char name[96];

	if (volume_room(test->volume) < size + SPARE) {
		test_skip(test, "volume %s has less than %" PRIu64 " MiB free",
			  test->volume->id, (size + SPARE) >> 20);
		return NULL;
	}
	snprintf(name, sizeof(name), "%s.%s", test->name,
		 stays ? "direct" : "scratch");
	file = file_create(test->volume, name);
	if (file && (!size || file_write(file, 0, size, fresh_generation())) &&
	    file_cool(file)) {
		test->leaves |= stays;
		return file;
	}
	test_fail(test, "cannot make %s on volume %s: %s", name,
		  test->volume->id, strerror(errno));
	if (file)
		file_remove(file);
	return NULL;
}

struct file *disk_golden(struct test *test)
{
	struct file *file = file_golden(test->volume, CROSSBAR_GOLDEN_FILE,
					CROSSBAR_GOLDEN_PATH,
					CROSSBAR_GOLDEN_SIZE);

	test_check(test, file, "cannot open %s of volume %s: %s",
		   CROSSBAR_GOLDEN_PATH, test->volume->id, strerror(errno));
	return file;
}

/*
 * Room at the start of a span. Where the kernel maps something is random, and what
 * lies in two spans takes two faults, of which the second one may find in the page
 * cache what the first one read ahead.
 */
static void *find_room(size_t size)
{
	uint8_t *room;
	size_t before;

	size = whole_pages(size);
	room = mmap(NULL, size + SPAN, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)room % SPAN;
	if (before)
		munmap(room, before);
	munmap(room + before + size, SPAN - before);
	return room + before;
}

uint8_t *disk_map(struct test *test, const struct file *file, size_t size,
		  int protection, int flags)
{
	void *room = find_room(size);
	void *memory = room ? mmap(room, size, protection, flags | MAP_FIXED,
				   file->cached, 0) : MAP_FAILED;

	if (memory != MAP_FAILED)
		return memory;
	test_fail(test, "cannot map %s: %s", file->path, strerror(errno));
	return NULL;
}

static bool matches(struct test *test, const struct mismatch *mismatch,
		    const char *what)
{
	char found[2 * MISMATCH_BYTES + 1] = "";
	size_t i;

	if (!mismatch->bad)
		return true;
	for (i = 0; i < mismatch->found_len; i++)
		snprintf(found + 2 * i, 3, "%02x", mismatch->found[i]);
	test_fail(test, "%s: file offset %" PRIu64 " holds %s instead of %s",
		  what, mismatch->at, found, mismatch->expected);
	return false;
}

bool disk_memory_is(struct test *test, const struct content *content,
		    const uint8_t *memory, const char *what)
{
	struct mismatch mismatch = { .bad = false };

	content_check(content, memory, &mismatch);
	return matches(test, &mismatch, what);
}

bool disk_file_is(struct test *test, struct file *file, const char *what)
{
	struct mismatch mismatch = { .bad = false };

	return test_check(test, file_verify(file, 0, file->content.len,
					    &mismatch),
			  "%s: cannot read %s: %s", what, file->path,
			  strerror(errno)) &&
	       matches(test, &mismatch, what);
}

bool disk_cold(struct test *test)
{
	return test_check(test, caches_drop(), "cannot empty the caches: %s",
			  strerror(errno));
}

bool disk_has(struct test *test, struct file *file, const char *what)
{
	return test_check(test, !fsync(file->cached), "%s: fsync: %s", what,
			  strerror(errno)) &&
	       disk_cold(test) &&
	       test_check(test, file_cool(file), "%s: cannot drop pages: %s",
			  what, strerror(errno)) &&
	       disk_file_is(test, file, what);
}

static void find(struct test *test, void *context)
{
	const struct file *file = context;
	char path[192];
	void *memory;
	int fd;

	snprintf(path, sizeof(path), "%s%s", file->volume->mount, file->path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	memory = mmap(NULL, file->content.len, PROT_READ, MAP_SHARED, fd, 0);
	if (test_check(test, fd >= 0 && memory != MAP_FAILED,
		       "another process cannot map %s: %s", path,
		       strerror(errno)))
		disk_memory_is(test, &file->content, memory,
			       "another process's mapping");
}

bool disk_process_finds(struct test *test, struct file *file, const char *what)
{
	pid_t pid = process_start(test, find, file);

	return pid > 0 && process_end(test, pid) &&
	       test_check(test, !test->verdict.failed, "%s", what);
}

uint32_t disk_model_crc(const struct content *content)
{
	uint64_t done, part;
	uint32_t crc = 0;

	for (done = 0; done < content->len; done += part) {
		struct content piece;

		part = content->len - done < CHUNK ? content->len - done : CHUNK;
		piece = content_slice(content, content->off + done, part);
		content_fill(&piece, chunk);
		crc = crc32c(crc, chunk, part);
	}
	return crc;
}

bool disk_read_crc(struct test *test, struct file *file, uint64_t len,
		   uint32_t *crc)
{
	uint64_t done = 0;

	*crc = 0;
	while (done < len) {
		size_t part = len - done < CHUNK ? len - done : CHUNK;
		ssize_t n = pread(file->cached, chunk, part, (off_t)done);

		if (!test_check(test, n > 0, "cannot read %s at %" PRIu64 ": %s",
				file->path, done, n ? strerror(errno) : "end"))
			return false;
		*crc = crc32c(*crc, chunk, (size_t)n);
		done += (uint64_t)n;
	}
	return true;
}

bool disk_mount_again(struct test *test, const char *options,
		      bool (*between)(struct test *test))
{
	bool gone, back, ok = true;

	files_suspend(test->volume);
	gone = volume_unmount(test->volume);
	test_check(test, gone, "cannot unmount volume %s: %s",
		   test->volume->id, strerror(errno));
	if (gone && between)
		ok = between(test);
	back = (!gone || volume_return_with(test->volume, options)) &&
	       files_resume(test->volume);
	return test_check(test, back, "cannot have volume %s back: %s",
			  test->volume->id, strerror(errno)) && gone && ok;
}
