/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of a case on its volume, mapped, and checked by every way there is. */
#ifndef GPUCHECK_DISK_H
#define GPUCHECK_DISK_H

#include "file.h"
#include "suite.h"

/*
 * A file of golden cells, on the disk and not in the cache. One that stays is
 * compared with the raw image by the host at the end. NULL after test_fail(), or
 * test_skip() when the volume has no room for it.
 */
struct file *disk_file(struct test *test, uint64_t size, bool stays);

/* The host's own golden file. NULL after test_fail(). */
struct file *disk_golden(struct test *test);

/* Maps a file from its start on. NULL after test_fail(). */
uint8_t *disk_map(struct test *test, const struct file *file, size_t size,
		  int protection, int flags);

/* Memory holds the content, by the CPU's loads. */
bool disk_memory_is(struct test *test, const struct content *content,
		    const uint8_t *memory, const char *what);

/* read(2) gives what the file ought to hold. */
bool disk_file_is(struct test *test, struct file *file, const char *what);

/*
 * So it does after fsync() when all caches are empty: no page of it may be left in the
 * page tables of a process.
 */
bool disk_has(struct test *test, struct file *file, const char *what);

/* A process that maps the file anew finds the same. */
bool disk_process_finds(struct test *test, struct file *file, const char *what);

/* CRC32C of the content, from the model alone, and by read(2). */
uint32_t disk_model_crc(const struct content *content);
bool disk_read_crc(struct test *test, struct file *file, uint64_t len,
		   uint32_t *crc);

/*
 * Unmounts the case's volume, calls @between if there is any, and mounts it with
 * @options, or as it was. False after test_fail().
 */
bool disk_mount_again(struct test *test, const char *options,
		      bool (*between)(struct test *test));

/* All caches are empty. False after test_fail(). */
bool disk_cold(struct test *test);

#endif /* GPUCHECK_DISK_H */
