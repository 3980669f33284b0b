// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file that the GPU has mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "crossbar_cell.h"
#include "cells.h"
#include "engine.h"
#include "map_file.h"
#include "map_look.h"
#include "pagecache.h"
#include "process.h"

bool mapped_map(struct test *test, struct mapped *mapped, int protection)
{
	mapped->memory = disk_map(test, mapped->file, mapped->size, protection,
				  MAP_SHARED);
	return mapped->memory;
}

void mapped_unmap(struct mapped *mapped)
{
	if (mapped->memory)
		munmap(mapped->memory, mapped->size);
	mapped->memory = NULL;
}

static bool drop(struct test *test, struct file *file, const char *what)
{
	return test_check(test, cache_drop(file->cached),
			  "%s: cannot take %s out of the page cache: %s", what,
			  file->path, strerror(errno));
}

bool mapped_open(struct test *test, struct mapped *mapped, size_t size,
		 bool stays)
{
	*mapped = (struct mapped){
		.size = whole_pages(size),
		.room = whole_pages(size),
		.gpu = &test->gpu,
		.stays = stays,
	};
	mapped->file = disk_file(test, size, stays);
	if (!mapped->file || !drop(test, mapped->file, "a new file"))
		return false;
	/* Until the case has come to a good end. */
	mapped->file->unsure = true;
	mapped->video = ivgpu_alloc(&test->gpu, mapped->room, NULL);
	return test_check(test, mapped->video,
			  "cannot allocate %zu bytes of video memory: %s",
			  mapped->room, strerror(errno)) &&
	       mapped_map(test, mapped, PROT_READ | PROT_WRITE);
}

void mapped_close(struct test *test, struct mapped *mapped)
{
	mapped_unmap(mapped);
	if (mapped->video)
		munmap(mapped->video, mapped->room);
	mapped->video = NULL;
	if (!mapped->file)
		return;
	if (mapped->stays)
		mapped->file->unsure = test->verdict.failed;
	else
		file_remove(mapped->file);
	mapped->file = NULL;
}

/*
 * What a case claims to be direct leaves not one page of the file in the page cache.
 * Nobody can ask while the file is closed, for a remount say.
 */
static bool claim_holds(struct test *test, struct mapped *mapped,
			const char *what)
{
	return test->claim != CLAIM_DIRECT || mapped->file->cached < 0 ||
	       look_uncached(test, mapped, what);
}

bool mapped_sum(struct test *test, struct mapped *mapped, const char *what)
{
	uint32_t want = disk_model_crc(&mapped->file->content);
	struct crossbar_gpu_result result;

	return engine_run_on(test, mapped->gpu,
			     gpu_crc32c(mapped->memory,
					mapped->file->content.len),
			     &result, what) &&
	       test_check(test, result.value == want,
			  "%s: the GPU's CRC32C of %s is %#" PRIx64
			  " instead of %#x", what, mapped->file->path,
			  (uint64_t)result.value, want) &&
	       claim_holds(test, mapped, what);
}

bool mapped_read(struct test *test, struct mapped *mapped, size_t off,
		 size_t len, const char *what)
{
	struct content want = content_slice(&mapped->file->content, off, len);

	bytes_fill(mapped->video, whole_pages(len), CROSSBAR_POISON);
	return engine_run_on(test, mapped->gpu,
			     gpu_copy(mapped->video, mapped->memory + off, len),
			     NULL, what) &&
	       disk_memory_is(test, &want, mapped->video, what) &&
	       claim_holds(test, mapped, what);
}

struct crossbar_gpu_command
mapped_writing(struct mapped *mapped, size_t off, size_t len, uint16_t gen)
{
	cells_fill(mapped->video + off, len, off, mapped->file->id, gen);
	return gpu_copy(mapped->memory + off, mapped->video + off, len);
}

void mapped_wrote(struct mapped *mapped, size_t off, size_t len, uint16_t gen)
{
	content_set(&mapped->file->content,
		    segment_cells(off, len, mapped->file->id, gen));
}

bool mapped_write(struct test *test, struct mapped *mapped, size_t off,
		  size_t len, const char *what)
{
	uint16_t gen = fresh_generation();

	if (!engine_run_on(test, mapped->gpu,
			   mapped_writing(mapped, off, len, gen), NULL, what))
		return false;
	mapped_wrote(mapped, off, len, gen);
	return claim_holds(test, mapped, what);
}

bool mapped_fill(struct test *test, struct mapped *mapped, size_t off,
		 size_t len, const char *what)
{
	const uint64_t pattern = 0x0101010101010101ULL * CROSSBAR_POISON;

	if (!engine_run_on(test, mapped->gpu,
			   gpu_fill(mapped->memory + off, pattern, len), NULL,
			   what))
		return false;
	content_set(&mapped->file->content, segment_poison(off, len));
	return claim_holds(test, mapped, what);
}

bool mapped_is_found(struct test *test, struct mapped *mapped,
		     const char *what)
{
	return disk_file_is(test, mapped->file, what) &&
	       disk_memory_is(test, &mapped->file->content, mapped->memory,
			      what) &&
	       disk_process_finds(test, mapped->file, what);
}

bool mapped_cool(struct test *test, struct mapped *mapped, const char *what)
{
	/* What this process has in its page tables can't go. */
	return test_check(test, !mapped->memory ||
			  !madvise(mapped->memory, mapped->size,
				   MADV_DONTNEED),
			  "%s: madvise: %s", what, strerror(errno)) &&
	       drop(test, mapped->file, what);
}

bool mapped_is_kept(struct test *test, struct mapped *mapped, const char *what)
{
	return mapped_cool(test, mapped, what) &&
	       disk_file_is(test, mapped->file, what);
}
