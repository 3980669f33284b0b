// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule 10: what shows a BAR is never pinned by accident. Nobody gets at video memory
 * but by loads and stores; and who gets at a mapped file gets the page cache's pages.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "cells.h"
#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "path.h"

#define SIZE	((size_t)KIB(64))

static bool refused(struct test *test, ssize_t n, const char *what)
{
	return test_check(test, n < 0 && (errno == EFAULT || errno == EIO),
			  "%s: %zd bytes, %s", what, n,
			  n < 0 ? strerror(errno) : "no error");
}

static ssize_t by_proc_mem(void *memory, void *buffer, bool write)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	off_t at = (off_t)(uintptr_t)memory;
	ssize_t n;
	int error;

	if (fd < 0)
		return 0;
	n = write ? pwrite(fd, buffer, PAGE, at) : pread(fd, buffer, PAGE, at);
	error = errno;
	close(fd);
	errno = error;
	return n;
}

static ssize_t by_pipe(void *memory)
{
	struct iovec part = { memory, PAGE };
	ssize_t n;
	int ends[2];
	int error;

	if (pipe(ends))
		return 0;
	n = vmsplice(ends[1], &part, 1, SPLICE_F_GIFT);
	error = errno;
	close(ends[0]);
	close(ends[1]);
	errno = error;
	return n;
}

static void run_video(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	uint8_t own[PAGE];
	struct iovec local = { own, PAGE }, remote;
	uint8_t *video;

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !mapped_read(test, &mapped, 0, SIZE, "copy to video memory"))
		goto close;
	video = mapped.video;
	remote = (struct iovec){ video, PAGE };
	memset(own, 0, sizeof(own));
	if (refused(test, pread(mapped.file->direct, video, SIZE, 0),
		    "O_DIRECT read to video memory") &&
	    refused(test, pwrite(mapped.file->direct, video, SIZE, 0),
		    "O_DIRECT write from video memory") &&
	    refused(test, process_vm_readv(getpid(), &local, 1, &remote, 1, 0),
		    "process_vm_readv of video memory") &&
	    refused(test, process_vm_writev(getpid(), &local, 1, &remote, 1, 0),
		    "process_vm_writev to video memory") &&
	    refused(test, by_pipe(video), "vmsplice of video memory") &&
	    refused(test, by_proc_mem(video, own, false),
		    "/proc/self/mem of video memory") &&
	    refused(test, by_proc_mem(video, own, true),
		    "/proc/self/mem to video memory") &&
	    disk_memory_is(test, &mapped.file->content, video,
			   "video memory after all attempts"))
		mapped_is_kept(test, &mapped, "the file after all attempts");
close:
	mapped_close(test, &mapped);
}

/* A file's mapping can be pinned: that takes the blocks from the GPU first. */
static void run_file(struct test *test)
{
	struct mapped mapped = { .file = NULL };
	struct file *file;
	struct iovec local, remote;
	uint8_t *own = NULL;
	uint16_t gen = fresh_generation();

	if (!mapped_open(test, &mapped, SIZE, true) ||
	    !test_check(test, !posix_memalign((void **)&own, PAGE, SIZE),
			"no memory"))
		goto close;
	file = mapped.file;
	local = (struct iovec){ own, SIZE };
	remote = (struct iovec){ mapped.memory, SIZE };
	if (!mapped_write(test, &mapped, 0, SIZE, "write of the GPU") ||
	    !look_mapped(test, &mapped, 0, SIZE, "write of the GPU") ||
	    !test_check(test, process_vm_readv(getpid(), &local, 1, &remote, 1,
					       0) == (ssize_t)SIZE,
			"process_vm_readv: %s", strerror(errno)) ||
	    !disk_memory_is(test, &file->content, own, "process_vm_readv") ||
	    !look_revoked(test, &mapped, 0, SIZE, "process_vm_readv") ||
	    !mapped_cool(test, &mapped, "between the two") ||
	    !mapped_write(test, &mapped, 0, SIZE, "write of the GPU"))
		goto close;
	/* Into it, while the GPU has it. */
	cells_fill(own, SIZE, 0, file->id, gen);
	if (test_check(test, process_vm_writev(getpid(), &local, 1, &remote, 1,
					       0) == (ssize_t)SIZE,
		       "process_vm_writev: %s", strerror(errno))) {
		mapped_wrote(&mapped, 0, SIZE, gen);
		if (look_revoked(test, &mapped, 0, SIZE, "process_vm_writev") &&
		    mapped_sum(test, &mapped, "after process_vm_writev") &&
		    mapped_is_found(test, &mapped, "after process_vm_writev"))
			mapped_is_kept(test, &mapped, "in the end");
	}
close:
	free(own);
	mapped_close(test, &mapped);
}

static const struct recipe recipe[] = {
	{ .name = "rule10-video-memory", .run = run_video, .volume = true,
	  .claim = CLAIM_DIRECT },
	{ .name = "rule10-mapped-file", .run = run_file, .volume = true },
};

const struct recipes map_pinned_recipes = { recipe, ARRAY_SIZE(recipe) };
