/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file that the GPU has mapped, with what it ought to hold, and the ways to change
 * it and to look at it. The GPU's other end is always video memory, so that in a
 * case that claims the BAR nothing touches system memory.
 */
#ifndef GPUCHECK_MAP_FILE_H
#define GPUCHECK_MAP_FILE_H

#include "disk.h"
#include "suite.h"

/*
 * struct mapped - a file of the case, mapped shared from its start on
 * @file:   golden cells; its content is the model
 * @memory: the mapping
 * @size:   of it, in whole pages
 * @video:  video memory, as much as the file had at first
 * @room:   bytes of it
 * @gpu:    address space that works on it, the case's own at first
 * @stays:  the host compares the file with the raw image at the end
 */
struct mapped {
	struct file *file;
	uint8_t *memory;
	size_t size;
	uint8_t *video;
	size_t room;
	struct ivgpu *gpu;
	bool stays;
};

/*
 * A file of @size bytes that is on the disk and not in the page cache, mapped for
 * reading and writing. False after test_fail(); mapped_close() then still does what
 * is right, and does nothing to what mapped_open() has not seen but was zeroed.
 */
bool mapped_open(struct test *test, struct mapped *mapped, size_t size,
		 bool stays);
void mapped_close(struct test *test, struct mapped *mapped);

/* Maps it again, somewhere; unmaps it. */
bool mapped_map(struct test *test, struct mapped *mapped, int protection);
void mapped_unmap(struct mapped *mapped);

/*
 * What the GPU does. In a case that claims to be direct, the page cache has not one
 * page of the file afterwards.
 */

/* It sums all of the file, as long as its content is. */
bool mapped_sum(struct test *test, struct mapped *mapped, const char *what);

/* It copies a range to video memory, where the CPU compares every byte. */
bool mapped_read(struct test *test, struct mapped *mapped, size_t off,
		 size_t len, const char *what);

/* It copies new cells to a range, or fills it with poison. */
bool mapped_write(struct test *test, struct mapped *mapped, size_t off,
		  size_t len, const char *what);
bool mapped_fill(struct test *test, struct mapped *mapped, size_t off,
		 size_t len, const char *what);

/*
 * What the GPU would copy for mapped_write(): new cells in video memory, and the
 * command. The content is as it was.
 */
struct crossbar_gpu_command
mapped_writing(struct mapped *mapped, size_t off, size_t len, uint16_t gen);
void mapped_wrote(struct mapped *mapped, size_t off, size_t len, uint16_t gen);

/* By loads of its mapping, by read(2), and by another process. */
bool mapped_is_found(struct test *test, struct mapped *mapped,
		     const char *what);

/* The same after a sync, when only the disk has it; then the page cache again. */
bool mapped_is_kept(struct test *test, struct mapped *mapped, const char *what);

/*
 * The page cache has nothing of the file any more, and neither has the GPU, if it
 * went that way: what comes next starts from the disk. Syncs the file.
 */
bool mapped_cool(struct test *test, struct mapped *mapped, const char *what);

#endif /* GPUCHECK_MAP_FILE_H */
