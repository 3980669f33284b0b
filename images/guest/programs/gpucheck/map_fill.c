// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ways in which a CPU gets at a file.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "cells.h"
#include "map_fill.h"
#include "pagecache.h"
#include "process.h"

/* Readahead is a wish; it is granted when the disk is quiet. */
#define READAHEAD_MS	10000

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#endif

bool fill_caches(enum fill fill)
{
	return fill != FILL_DIO_READ && fill != FILL_DIO_WRITE;
}

static bool check(struct test *test, struct mapped *mapped, size_t off,
		  size_t len, const uint8_t *found, const char *what)
{
	struct content want = content_slice(&mapped->file->content, off, len);

	return disk_memory_is(test, &want, found, what);
}

static bool read_range(struct test *test, struct mapped *mapped, int fd,
		       size_t off, size_t len, const char *what)
{
	uint8_t *memory;
	bool ok;

	if (!test_check(test, !posix_memalign((void **)&memory, PAGE, len),
			"no memory for %zu bytes", len))
		return false;
	ok = test_check(test, pread(fd, memory, len, (off_t)off) == (ssize_t)len,
			"%s: cannot read %s: %s", what, mapped->file->path,
			strerror(errno)) &&
	     check(test, mapped, off, len, memory, what);
	free(memory);
	return ok;
}

static bool write_range(struct test *test, struct mapped *mapped, int fd,
			size_t off, size_t len, const char *what)
{
	uint16_t gen = fresh_generation();
	uint8_t *memory;
	bool ok;

	if (!test_check(test, !posix_memalign((void **)&memory, PAGE, len),
			"no memory for %zu bytes", len))
		return false;
	cells_fill(memory, len, off, mapped->file->id, gen);
	ok = test_check(test, pwrite(fd, memory, len, (off_t)off) ==
			(ssize_t)len, "%s: cannot write %s: %s", what,
			mapped->file->path, strerror(errno));
	if (ok)
		mapped_wrote(mapped, off, len, gen);
	free(memory);
	return ok;
}

static bool store_range(struct mapped *mapped, size_t off, size_t len)
{
	uint16_t gen = fresh_generation();

	cells_fill(mapped->memory + off, len, off, mapped->file->id, gen);
	mapped_wrote(mapped, off, len, gen);
	return true;
}

/* Pages that are asked for arrive by themselves. */
static bool read_ahead(struct test *test, struct mapped *mapped, size_t off,
		       size_t len)
{
	uint64_t end = now_ns() + READAHEAD_MS * NS_PER_MS;
	int fd = mapped->file->cached;
	struct cached cached;

	errno = posix_fadvise(fd, (off_t)off, (off_t)len, POSIX_FADV_WILLNEED);
	if (!test_check(test, !errno, "posix_fadvise: %s", strerror(errno)))
		return false;
	do {
		if (!test_check(test, cache_look(fd, off, len, &cached),
				"cachestat: %s", strerror(errno)))
			return false;
		if (cached.pages == len / PAGE)
			return true;
		sleep_ms(2);
	} while (now_ns() < end);
	test_fail(test, "readahead has brought %" PRIu64 " of %zu pages",
		  cached.pages, len / (size_t)PAGE);
	return false;
}

/* Through a pipe, whose other end is read as it comes. */
static bool splice_range(struct test *test, struct mapped *mapped, size_t off,
			 size_t len)
{
	uint8_t *memory = malloc(len);
	loff_t at = (loff_t)off;
	size_t done = 0;
	int ends[2];
	bool ok;

	ok = test_check(test, memory && !pipe(ends), "cannot make a pipe: %s",
			strerror(errno));
	if (!ok)
		goto free;
	while (ok && done < len) {
		ssize_t n = splice(mapped->file->cached, &at, ends[1], NULL,
				   PAGE, 0);

		ok = test_check(test, n > 0 &&
				read(ends[0], memory + done, (size_t)n) == n,
				"splice: %s", strerror(errno));
		done += ok ? (size_t)n : 0;
	}
	ok = ok && check(test, mapped, off, len, memory, "splice");
	close(ends[0]);
	close(ends[1]);
free:
	free(memory);
	return ok;
}

static bool send_range(struct test *test, struct mapped *mapped, size_t off,
		       size_t len)
{
	int target = memfd_create("gpucheck", MFD_CLOEXEC);
	uint8_t *memory = malloc(len);
	off_t at = (off_t)off;
	size_t done = 0;
	bool ok;

	ok = test_check(test, target >= 0 && memory, "cannot make a file: %s",
			strerror(errno));
	while (ok && done < len) {
		ssize_t n = sendfile(target, mapped->file->cached, &at,
				     len - done);

		ok = test_check(test, n > 0, "sendfile: %s", strerror(errno));
		done += ok ? (size_t)n : 0;
	}
	ok = ok && test_check(test, pread(target, memory, len, 0) ==
			      (ssize_t)len, "cannot read what was sent: %s",
			      strerror(errno)) &&
	     check(test, mapped, off, len, memory, "sendfile");
	if (target >= 0)
		close(target);
	free(memory);
	return ok;
}

bool fill_range(struct test *test, struct mapped *mapped, enum fill fill,
		size_t off, size_t len)
{
	struct file *file = mapped->file;

	switch (fill) {
	case FILL_READ:
		return read_range(test, mapped, file->cached, off, len,
				  "read(2)");
	case FILL_LOAD:
		return check(test, mapped, off, len, mapped->memory + off,
			     "loads");
	case FILL_POPULATE:
		return test_check(test, !madvise(mapped->memory + off, len,
						 MADV_POPULATE_READ),
				  "MADV_POPULATE_READ: %s", strerror(errno));
	case FILL_READAHEAD:
		return read_ahead(test, mapped, off, len);
	case FILL_SPLICE:
		return splice_range(test, mapped, off, len);
	case FILL_SENDFILE:
		return send_range(test, mapped, off, len);
	case FILL_WRITE:
		return write_range(test, mapped, file->cached, off, len,
				   "write(2)");
	case FILL_STORE:
		return store_range(mapped, off, len);
	case FILL_DIO_READ:
		return read_range(test, mapped, file->direct, off, len,
				  "O_DIRECT read");
	case FILL_DIO_WRITE:
		return write_range(test, mapped, file->direct, off, len,
				   "O_DIRECT write");
	}
	return false;
}
