// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapped files that the GPU may not write: private mappings, read-only ones.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "crossbar_cell.h"
#include "disk.h"
#include "engine.h"

#define SIZE	((size_t)KIB(256))

#define POISON_WORD	(0x0101010101010101ULL * CROSSBAR_POISON)

/* The pages that are not the private mapping's own leave it. */
static bool forget(struct test *test, uint8_t *private)
{
	return test_check(test, !madvise(private, KIB(64), MADV_DONTNEED) &&
			  !madvise(private + KIB(128), KIB(200) - KIB(128),
				   MADV_DONTNEED) &&
			  !madvise(private + KIB(200) + PAGE,
				   SIZE - KIB(200) - PAGE, MADV_DONTNEED),
			  "madvise: %s", strerror(errno));
}

/* What is written to a private mapping is nowhere else. */
static void run_private(struct test *test)
{
	struct file *file = disk_file(test, SIZE, true);
	struct content mine;
	uint8_t *private, *shared = NULL;
	bool ok;

	if (!file)
		return;
	private = disk_map(test, file, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	if (private)
		shared = disk_map(test, file, SIZE, PROT_READ, MAP_SHARED);
	if (!shared)
		goto unmap;
	mine = file->content;
	content_set(&mine, segment_poison(KIB(64), KIB(64)));
	content_set(&mine, segment_poison(KIB(200), KIB(1)));
	ok = engine_crc(test, private, SIZE, disk_model_crc(&file->content),
			"sum before the write") &&
	     engine_run(test, gpu_fill(private + KIB(64), POISON_WORD, KIB(64)),
			NULL, "fill of whole pages") &&
	     engine_run(test, gpu_fill(private + KIB(200), POISON_WORD, KIB(1)),
			NULL, "fill of a part of a page") &&
	     disk_memory_is(test, &mine, private, "the private mapping") &&
	     disk_memory_is(test, &file->content, shared, "a shared mapping") &&
	     disk_file_is(test, file, "read(2)") &&
	     disk_process_finds(test, file, "another process");
	munmap(shared, SIZE);
	shared = NULL;
	if (ok && forget(test, private) && disk_has(test, file, "the disk"))
		engine_crc(test, private, SIZE, disk_model_crc(&mine),
			   "sum of the private mapping, after the caches are gone");
unmap:
	if (shared)
		munmap(shared, SIZE);
	if (private)
		munmap(private, SIZE);
}

/* A mapping that can only be read, of a file that can or cannot be written. */
static void run_read_only(struct test *test)
{
	struct file *file = disk_file(test, SIZE, true);
	uint8_t *memory, byte[64] = { 1 };
	unsigned int i;

	if (!file)
		return;
	memory = disk_map(test, file, SIZE, PROT_READ,
			  (int)test->recipe->argument);
	if (!memory)
		return;
	/* A page that the GPU has read, and one that it hasn't. */
	if (!engine_run(test, gpu_crc32c(memory, PAGE), NULL, "sum of a page"))
		goto unmap;
	for (i = 0; i < 2; i++) {
		uint8_t *at = memory + i * 8 * PAGE;

		if (!engine_refuses(test, gpu_fill(at, 1, 100), EACCES,
				    "fill") ||
		    !engine_refuses(test, gpu_copy(at, byte, sizeof(byte)),
				    EACCES, "copy") ||
		    !engine_refuses(test, gpu_add(at, 8, 1), EACCES, "atomic"))
			goto unmap;
	}
	if (disk_memory_is(test, &file->content, memory, "the mapping"))
		engine_crc(test, memory, SIZE, disk_model_crc(&file->content),
			   "sum after the refusals");
unmap:
	munmap(memory, SIZE);
	disk_has(test, file, "the disk");
}

static const struct recipe recipe[] = {
	{ .name = "write-private", .run = run_private, .volume = true,
	  .claim = CLAIM_MEMORY },
	{ .name = "write-read-only-shared", .run = run_read_only,
	  .volume = true, .claim = CLAIM_MEMORY, .argument = MAP_SHARED },
	{ .name = "write-read-only-private", .run = run_read_only,
	  .volume = true, .claim = CLAIM_MEMORY, .argument = MAP_PRIVATE },
};

const struct recipes private_recipes = { recipe, ARRAY_SIZE(recipe) };
