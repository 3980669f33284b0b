/* SPDX-License-Identifier: GPL-2.0-only */
/* The suite's files: what they ought to hold and which disk blocks hold it. */
#ifndef LIBRARY_FILE_H
#define LIBRARY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "content.h"
#include "report.h"

struct volume;

#define FILES			256

/* Ids below belong to the host's own files. */
#define FILE_FIRST_ID		16

/*
 * struct extent - a run of a file that is one run on the disk
 * @unwritten: allocated, reads as zeros, the disk's bytes mean nothing
 */
struct extent {
	uint64_t file_off;
	uint64_t disk_off;
	uint64_t len;
	bool unwritten;
};

struct extents {
	unsigned int count;
	struct extent extent[REPORT_EXTENTS];
};

/*
 * struct file - a file on a volume
 * @path:    from the volume's root
 * @cached:  descriptor for the page cache, -1 while the files are suspended
 * @direct:  descriptor with O_DIRECT, likewise
 * @flags:   both were opened with
 * @content: what it ought to hold
 * @unsure:  a write failed half way; nobody knows what it holds
 */
struct file {
	struct volume *volume;
	char path[96];
	uint16_t id;
	int cached;
	int direct;
	int flags;
	struct content content;
	bool unsure;
};

/* A number that no content written before in this run has. */
uint16_t fresh_generation(void);

/*
 * Creates an empty file, replacing what was there, and keeps it in the table
 * of files that stay. NULL with errno.
 */
struct file *file_create(struct volume *volume, const char *name);

/* Opens one of the host's files. NULL with errno. */
struct file *file_golden(struct volume *volume, uint16_t id, const char *path,
			 uint64_t size);

/* The file of this name made before, or NULL. */
struct file *file_find(const struct volume *volume, const char *name);

void file_remove(struct file *file);

/* Calls @visit for each file that is left, in the order of creation. */
void files_visit(void (*visit)(struct file *file));
void files_close(void);

/*
 * Closes the descriptors of a volume's files, so that it can be unmounted, and
 * opens the files again, which are there again. False with errno.
 */
void files_suspend(const struct volume *volume);
bool files_resume(const struct volume *volume);

/* Writes cells of the file's own id through the page cache. */
bool file_write(struct file *file, uint64_t off, uint64_t len, uint16_t gen);

/* Syncs everything, drops the page cache, inodes and directory entries. */
bool caches_drop(void);

/* Takes all of the file out of the page cache, as cache_drop(). */
bool file_cool(struct file *file);

/*
 * Disk runs of [@off, @off + @len), cut to the range in whole blocks of the
 * volume. False with errno; E2BIG if there are more than a report line takes.
 */
bool file_extents(struct file *file, uint64_t off, uint64_t len,
		  struct extents *extents);

/* The same without the unwritten ones: what a transfer has to touch. */
bool file_written_extents(struct file *file, uint64_t off, uint64_t len,
			  struct extents *extents);

/* Compares [@off, @off + @len) as the page cache shows it. False with errno. */
bool file_verify(struct file *file, uint64_t off, uint64_t len,
		 struct mismatch *mismatch);

#endif /* LIBRARY_FILE_H */
