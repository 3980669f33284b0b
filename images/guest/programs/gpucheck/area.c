// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of every kind that a program can have.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "area.h"
#include "file.h"

static const char *const names[PLACES] = {
	[PLACE_ANONYMOUS] = "anonymous",
	[PLACE_STACK] = "stack",
	[PLACE_HEAP] = "heap",
	[PLACE_VIDEO] = "video",
	[PLACE_SHARED] = "shared",
	[PLACE_TMPFS_SHARED] = "tmpfs-shared",
	[PLACE_TMPFS_PRIVATE] = "tmpfs-private",
	[PLACE_FILE_SHARED] = "file-shared",
	[PLACE_FILE_PRIVATE] = "file-private",
};

const char *place_name(enum place place)
{
	return names[place];
}

uint8_t *memory_map(struct test *test, size_t size, int protection, int flags)
{
	void *memory = mmap(NULL, size, protection, flags | MAP_ANONYMOUS, -1, 0);

	if (memory != MAP_FAILED)
		return memory;
	test_fail(test, "cannot map %zu bytes of memory: %s", size,
		  strerror(errno));
	return NULL;
}

static void *map_file(int fd, size_t size, bool shared)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

uint8_t *memory_map_device(struct test *test, const char *name, size_t size)
{
	void *memory = NULL;
	char path[96];
	int fd, error;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s",
		 test->address, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		memory = map_file(fd, size, true);
	error = errno;
	if (fd >= 0)
		close(fd);
	test_check(test, memory, "cannot map %s: %s", path, strerror(error));
	return memory;
}

static void *map_tmpfs(struct area *area, bool shared)
{
	area->fd = memfd_create("gpucheck", MFD_CLOEXEC);
	if (area->fd < 0 || ftruncate(area->fd, (off_t)area->size))
		return NULL;
	return map_file(area->fd, area->size, shared);
}

static void *map_volume(struct test *test, struct area *area, bool shared)
{
	static unsigned int count;
	char name[32];

	snprintf(name, sizeof(name), "area%u", count++);
	area->file = file_create(test->volume, name);
	if (!area->file ||
	    !file_write(area->file, 0, area->size, fresh_generation()) ||
	    !file_cool(area->file))
		return NULL;
	area->fd = area->file->cached;
	return map_file(area->fd, area->size, shared);
}

/* Pages of the stack exist once they were written. */
static void *take_stack(struct test *test, size_t size)
{
	uint8_t *memory = test->stack;

	if (size > test->stack_left) {
		errno = ENOMEM;
		return NULL;
	}
	test->stack += size;
	test->stack_left -= size;
	memset(memory, 0, size);
	return memory;
}

static void *take_heap(struct area *area)
{
	uintptr_t start;

	area->block = calloc(1, area->size + PAGE);
	start = (uintptr_t)area->block;
	return area->block ? (uint8_t *)area->block + (-start & (PAGE - 1)) : NULL;
}

static void *map_anonymous(size_t size, int flags)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_ANONYMOUS | flags, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void *take(struct test *test, struct area *area)
{
	switch (area->place) {
	case PLACE_ANONYMOUS:
		return map_anonymous(area->size, MAP_PRIVATE);
	case PLACE_STACK:
		return take_stack(test, area->size);
	case PLACE_HEAP:
		return take_heap(area);
	case PLACE_VIDEO:
		return ivgpu_alloc(&test->gpu, area->size, NULL);
	case PLACE_SHARED:
		return map_anonymous(area->size, MAP_SHARED);
	case PLACE_TMPFS_SHARED:
		return map_tmpfs(area, true);
	case PLACE_TMPFS_PRIVATE:
		return map_tmpfs(area, false);
	case PLACE_FILE_SHARED:
		return map_volume(test, area, true);
	case PLACE_FILE_PRIVATE:
		return map_volume(test, area, false);
	case PLACES:
		break;
	}
	errno = EINVAL;
	return NULL;
}

bool area_open(struct test *test, struct area *area, enum place place,
	       size_t size)
{
	*area = (struct area){
		.place = place,
		.size = (size + PAGE - 1) / PAGE * PAGE,
		.fd = -1,
	};
	area->memory = take(test, area);
	return test_check(test, area->memory, "cannot have %zu bytes of %s: %s",
			  size, place_name(place), strerror(errno));
}

void area_close(struct area *area)
{
	/* The stack goes back to the case all at once, at its end. */
	if (area->place == PLACE_HEAP)
		free(area->block);
	else if (area->place != PLACE_STACK && area->memory)
		munmap(area->memory, area->size);
	if (area->file)
		file_remove(area->file);
	else if (area->fd >= 0)
		close(area->fd);
	*area = (struct area){ .fd = -1 };
}

bool area_open_random(struct test *test, struct area *area, enum place place,
		      size_t size, uint8_t **model)
{
	*model = NULL;
	if (!area_open(test, area, place, size))
		return false;
	*model = malloc(area->size);
	if (!test_check(test, *model, "no memory for a model of %zu bytes",
			area->size))
		return false;
	random_fill(&test->random, *model, area->size);
	memcpy(area->memory, *model, area->size);
	return true;
}

bool memory_check(struct test *test, const uint8_t *memory,
		  const uint8_t *want, size_t len, const char *what)
{
	size_t i;

	if (!memcmp(memory, want, len))
		return true;
	for (i = 0; i + 1 < len && READ_ONCE(memory[i]) == want[i]; i++)
		;
	test_fail(test, "%s: byte %zu is %#x instead of %#x", what, i,
		  READ_ONCE(memory[i]), want[i]);
	return false;
}

bool area_check(struct test *test, const struct area *area,
		const uint8_t *want, const char *what)
{
	char text[96];

	snprintf(text, sizeof(text), "%s, in %s memory", what,
		 place_name(area->place));
	return memory_check(test, area->memory, want, area->size, text);
}
