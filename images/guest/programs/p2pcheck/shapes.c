// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that are there before a case starts: fragmented, with holes, with
 * unwritten extents. Files for reads are made once a volume and then shared.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crossbar_cell.h"
#include "cells.h"
#include "compiler.h"
#include "suite.h"

#define FRAGMENTS	24
#define FRAGMENT	4096

static struct file *give_up(struct test *test, struct file *file,
			    const char *what)
{
	test_fail(test, "volume %s: cannot %s: %s", test->volume->id, what,
		  strerror(errno));
	if (file)
		file_remove(file);
	return NULL;
}

/*
 * No allocator can be told to scatter a file, but taking out every second block
 * of a contiguous one leaves the others where they are and moves them together
 * in the file: a fragment each, on every file system alike.
 */
static struct file *fragmented_file(struct test *test, const char *name)
{
	static uint8_t blocks[2 * FRAGMENTS * FRAGMENT]
		__aligned(4096);
	struct file *file = file_create(test->volume, name);
	uint16_t gen = fresh_generation();
	uint64_t i;

	if (!file)
		return give_up(test, file, "make a file");
	for (i = 0; i < FRAGMENTS; i++) {
		uint8_t *kept = blocks + 2 * i * FRAGMENT;

		cells_fill(kept, FRAGMENT, i * FRAGMENT, file->id, gen);
		bytes_fill(kept + FRAGMENT, FRAGMENT, 0xEE);
	}
	/* A write that ends early has found the volume full. */
	errno = ENOSPC;
	if (pwrite(file->cached, blocks, sizeof(blocks), 0) !=
	    (ssize_t)sizeof(blocks) || fsync(file->cached))
		return give_up(test, file, "write a file");

	/* From the end: each step then has fewer extents to move. */
	for (i = FRAGMENTS; i-- > 0;) {
		off_t at = (off_t)((2 * i + 1) * FRAGMENT);
		/* The last one cannot be collapsed: nothing follows it. */
		int error = i + 1 == FRAGMENTS ?
			    ftruncate(file->cached, at) :
			    fallocate(file->cached, FALLOC_FL_COLLAPSE_RANGE, at,
				      FRAGMENT);

		if (error)
			return give_up(test, file, "take a block out of a file");
	}
	if (fsync(file->cached))
		return give_up(test, file, "sync a file");
	content_set(&file->content, segment_cells(0, FRAGMENTS * FRAGMENT,
						  file->id, gen));
	return file;
}

struct file *shaped_file(struct test *test, const char *name)
{
	const struct shape *shape = &test->recipe->shape;
	struct file *file = file_create(test->volume, name);
	uint64_t tail = shape->head + shape->gap;

	if (!file)
		return give_up(test, file, "make a file");
	if (shape->head && !file_write(file, 0, shape->head, fresh_generation()))
		return give_up(test, file, "write a file");
	if (shape->gap) {
		int error = shape->kind == GAP_HOLE ?
			    ftruncate(file->cached, (off_t)tail) :
			    fallocate(file->cached, 0, (off_t)shape->head,
				      (off_t)shape->gap);

		if (error)
			return give_up(test, file, "leave a gap in a file");
		content_set(&file->content,
			    segment_zeros(shape->head, shape->gap));
	}
	if (shape->tail &&
	    !file_write(file, tail, shape->tail, fresh_generation()))
		return give_up(test, file, "write a file");
	return file;
}

static struct file *golden_file(struct test *test)
{
	struct file *file = file_golden(test->volume, CROSSBAR_GOLDEN_FILE,
					CROSSBAR_GOLDEN_PATH,
					CROSSBAR_GOLDEN_SIZE);

	if (!file)
		return give_up(test, NULL, "open " CROSSBAR_GOLDEN_PATH);
	return file;
}

/* Written through the page cache and synced, but not dropped from it. */
static struct file *synced_file(struct test *test, const char *name)
{
	struct file *file = file_find(test->volume, name);

	if (!file)
		file = file_create(test->volume, name);
	if (!file)
		return give_up(test, file, "make a file");
	if (!file_write(file, 0, test_off(test) + test_len(test),
			fresh_generation()) || fsync(file->cached))
		return give_up(test, file, "write a file");
	return file;
}

struct file *source_file(struct test *test)
{
	const char *name = test->recipe->name;
	struct file *file;

	switch (test->recipe->source) {
	case SOURCE_SYNCED:
		return synced_file(test, name);
	case SOURCE_FRAGMENTED:
		file = file_find(test->volume, name);
		return file ? file : fragmented_file(test, name);
	case SOURCE_SHAPED:
		file = file_find(test->volume, name);
		if (file)
			return file;
		file = shaped_file(test, name);
		if (file && fsync(file->cached))
			return give_up(test, file, "sync a file");
		return file;
	case SOURCE_GOLDEN:
		break;
	}
	return golden_file(test);
}
