// SPDX-License-Identifier: GPL-2.0-only
/*
 * The suite's files.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler.h"
#include "file.h"
#include "pagecache.h"
#include "volume.h"

#define CHUNK	(256U << 10)

/* What a new file's content is written from and an old one's is read into. */
static uint8_t chunk[CHUNK] __aligned(4096);

static struct file *table[FILES];
static unsigned int table_count;

uint16_t fresh_generation(void)
{
	/* Generation 1 is the host's. */
	static uint16_t generation = 1;

	return ++generation;
}

/* By its path, with its flags. */
static bool file_open_both(struct file *file, int create)
{
	char whole[192];
	int error;

	snprintf(whole, sizeof(whole), "%s%s", file->volume->mount, file->path);
	if (create)
		unlink(whole);
	file->cached = open(whole, file->flags | create | O_CLOEXEC, 0644);
	if (file->cached < 0)
		return false;
	file->direct = open(whole, file->flags | O_DIRECT | O_CLOEXEC);
	if (file->direct >= 0)
		return true;
	error = errno;
	close(file->cached);
	file->cached = -1;
	errno = error;
	return false;
}

static struct file *file_open(struct volume *volume, const char *path,
			      uint16_t id, int flags, int create)
{
	struct file *file;

	if (table_count == FILES) {
		errno = ENFILE;
		return NULL;
	}
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->volume = volume;
	file->id = id;
	file->flags = flags;
	snprintf(file->path, sizeof(file->path), "%s", path);
	if (!file_open_both(file, create)) {
		free(file);
		return NULL;
	}
	table[table_count++] = file;
	return file;
}

struct file *file_find(const struct volume *volume, const char *name)
{
	char path[96];
	unsigned int i;

	snprintf(path, sizeof(path), "/w/%s", name);
	for (i = 0; i < table_count; i++)
		if (table[i]->volume == volume && !strcmp(table[i]->path, path))
			return table[i];
	return NULL;
}

struct file *file_create(struct volume *volume, const char *name)
{
	static uint16_t id = FILE_FIRST_ID;
	struct file *old = file_find(volume, name);
	char path[96];

	if (old)
		file_remove(old);
	snprintf(path, sizeof(path), "/w/%s", name);
	return file_open(volume, path, id++, O_RDWR, O_CREAT | O_TRUNC);
}

struct file *file_golden(struct volume *volume, uint16_t id, const char *path,
			 uint64_t size)
{
	struct file *file;
	unsigned int i;

	for (i = 0; i < table_count; i++)
		if (table[i]->volume == volume && table[i]->id == id)
			return table[i];
	file = file_open(volume, path, id, O_RDONLY, 0);
	if (file)
		content_set(&file->content, segment_cells(0, size, id, 1));
	return file;
}

static void file_close_both(struct file *file)
{
	if (file->cached >= 0)
		close(file->cached);
	if (file->direct >= 0)
		close(file->direct);
	file->cached = -1;
	file->direct = -1;
}

static void file_close(struct file *file)
{
	file_close_both(file);
	free(file);
}

void file_remove(struct file *file)
{
	char whole[192];
	unsigned int i;

	snprintf(whole, sizeof(whole), "%s%s", file->volume->mount, file->path);
	unlink(whole);
	for (i = 0; i < table_count; i++) {
		if (table[i] != file)
			continue;
		memmove(&table[i], &table[i + 1],
			(--table_count - i) * sizeof(table[0]));
		break;
	}
	file_close(file);
}

void files_visit(void (*visit)(struct file *file))
{
	unsigned int i;

	for (i = 0; i < table_count; i++)
		visit(table[i]);
}

void files_close(void)
{
	while (table_count)
		file_close(table[--table_count]);
}

void files_suspend(const struct volume *volume)
{
	unsigned int i;

	for (i = 0; i < table_count; i++)
		if (table[i]->volume == volume)
			file_close_both(table[i]);
}

bool files_resume(const struct volume *volume)
{
	unsigned int i;

	for (i = 0; i < table_count; i++)
		if (table[i]->volume == volume && table[i]->cached < 0 &&
		    !file_open_both(table[i], 0))
			return false;
	return true;
}

bool file_write(struct file *file, uint64_t off, uint64_t len, uint16_t gen)
{
	struct content whole = { .off = off };
	uint64_t done = 0;

	content_append(&whole, segment_cells(off, len, file->id, gen));
	while (done < len) {
		size_t part = len - done < CHUNK ? len - done : CHUNK;
		struct content piece = content_slice(&whole, off + done, part);
		ssize_t n;

		content_fill(&piece, chunk);
		n = pwrite(file->cached, chunk, part, (off_t)(off + done));
		if (n != (ssize_t)part) {
			if (n >= 0)
				errno = ENOSPC;
			file->unsure = true;
			return false;
		}
		done += part;
	}
	content_set(&file->content, whole.segments[0]);
	return true;
}

bool caches_drop(void)
{
	int fd;
	bool ok;

	sync();
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = write(fd, "3", 1) == 1;
	close(fd);
	return ok;
}

bool file_cool(struct file *file)
{
	return cache_drop(file->cached);
}

bool file_verify(struct file *file, uint64_t off, uint64_t len,
		 struct mismatch *mismatch)
{
	uint64_t done = 0;

	while (done < len) {
		size_t part = len - done < CHUNK ? len - done : CHUNK;
		struct content piece = content_slice(&file->content, off + done,
						     part);
		ssize_t n = pread(file->cached, chunk, part, (off_t)(off + done));

		if (n < 0)
			return false;
		if ((size_t)n < part) {
			mismatch_short(mismatch, off + done + (uint64_t)n,
				       len - done - (uint64_t)n);
			return true;
		}
		if (!content_check(&piece, chunk, mismatch))
			return true;
		done += part;
	}
	return true;
}
