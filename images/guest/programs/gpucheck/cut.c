// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power cuts: what is left of the writes before the last one, whether the file
 * systems are whole, and writes until the next one. The host cuts the power.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "cells.h"
#include "cut_slots.h"
#include "engine.h"
#include "pagecache.h"
#include "process.h"
#include "signals.h"

/* A host that does not cut the power in that time never will. */
#define WRITE_NS	(20 * NS_PER_S)

/* Longer than a host waits after an acknowledgment that it cuts the power by. */
#define EARLY_MS	200

/* Runs the file system's own checker. Returns its exit status, or -1. */
static int run_checker(const struct volume *volume, int output)
{
	bool ext4 = !strcmp(volume->option->fstype, "ext4");
	pid_t pid = fork();
	int status;

	if (!pid) {
		dup2(output, STDOUT_FILENO);
		dup2(output, STDERR_FILENO);
		if (ext4)
			execlp("e2fsck", "e2fsck", "-fn", volume->device, NULL);
		else
			execlp("xfs_repair", "xfs_repair", "-n", volume->device,
			       NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* The last line that a checker wrote, which says best what it thinks. */
static void last_line(int output, char *text, size_t size)
{
	off_t end = lseek(output, 0, SEEK_END);
	off_t at = end < (off_t)size ? 0 : end - (off_t)size + 1;
	ssize_t n = pread(output, text, size - 1, at);
	char *line;

	text[n < 0 ? 0 : n] = '\0';
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	line = strrchr(text, '\n');
	if (line)
		memmove(text, line + 1, strlen(line + 1) + 1);
}

static void run_check(struct test *test)
{
	int output = memfd_create("checker", MFD_CLOEXEC);
	char text[128] = "";
	int status = -1;

	if (test_check(test, output >= 0 && volume_unmount(test->volume),
		       "cannot unmount volume %s: %s", test->volume->id,
		       strerror(errno))) {
		status = run_checker(test->volume, output);
		last_line(output, text, sizeof(text));
		test_check(test, !status, "%s of %s ends with %d: %s",
			   strcmp(test->volume->option->fstype, "ext4") ?
			   "xfs_repair -n" : "e2fsck -fn",
			   test->volume->id, status, text);
		test_check(test, volume_return(test->volume),
			   "cannot mount volume %s again", test->volume->id);
	}
	if (output >= 0)
		close(output);
}

/* A file of a volume as the GPU writes it. */
struct target {
	struct volume *volume;
	struct slots *slots;
	uint8_t *memory;
};

/* Pages in the page cache would keep the GPU from the file's blocks. */
static bool cool(struct test *test, const struct target *target)
{
	return test_check(test, cache_drop(target->slots->fd),
			  "cannot take the slots of %s out of the page cache: %s",
			  target->volume->id, strerror(errno));
}

static bool target_open(struct test *test, struct volume *volume,
			struct target *target)
{
	*target = (struct target){
		.volume = volume,
		.slots = slots_of(test, volume),
		.memory = MAP_FAILED,
	};
	target->slots->fd = -1;
	if (!test_check(test, target->slots->known,
			"it is not known what the slots of %s hold", volume->id) ||
	    !slots_open(test, volume, O_RDWR) || !cool(test, target))
		return false;
	target->memory = mmap(NULL, SLOTS_SIZE, PROT_READ | PROT_WRITE,
			      MAP_SHARED, target->slots->fd, 0);
	return test_check(test, target->memory != MAP_FAILED,
			  "cannot map the slots of %s: %s", volume->id,
			  strerror(errno));
}

static void target_close(struct target *target)
{
	if (target->memory != MAP_FAILED)
		munmap(target->memory, SLOTS_SIZE);
	slots_close(target->slots);
}

/* Odd generations by one way, even ones by the other. */
static bool make_durable(struct test *test, const struct target *target,
			 unsigned int slot)
{
	bool odd = target->slots->generation[slot] & 1;
	int error;

	error = odd ? fsync(target->slots->fd) :
		msync(target->memory + slot * SLOT_SIZE, SLOT_SIZE, MS_SYNC);
	return test_check(test, !error, "%s of slot %u of %s: %s",
			  odd ? "fsync" : "msync", slot, target->volume->id,
			  strerror(errno));
}

/* One write by the GPU, of which the host hears when it can't be lost any more. */
static bool write_slot(struct test *test, const struct target *target,
		       unsigned int slot, uint8_t *video)
{
	bool early = test->options->sabotage == SABOTAGE_EARLY_ACKNOWLEDGMENT;
	uint16_t *generation = &target->slots->generation[slot];
	size_t off = slot * SLOT_SIZE;

	if (!test_check(test, *generation < UINT16_MAX,
			"slot %u of %s has had all generations", slot,
			target->volume->id))
		return false;
	++*generation;
	cells_fill(video, SLOT_SIZE, off, target->slots->id, *generation);
	if (!engine_run(test, gpu_copy(target->memory + off, video, SLOT_SIZE),
			NULL, "write of a slot"))
		return false;
	if (early) {
		slots_acknowledge(test, target->volume, slot);
		sleep_ms(EARLY_MS);
	}
	if (!make_durable(test, target, slot))
		return false;
	if (!early)
		slots_acknowledge(test, target->volume, slot);
	return true;
}

static void run_write(struct test *test)
{
	unsigned int count = test->options->common.volume_count, opened = 0;
	uint8_t *video = ivgpu_alloc(&test->gpu, SLOT_SIZE, NULL);
	static struct target targets[ARGUMENTS_VOLUMES];
	uint64_t end = now_ns() + WRITE_NS;
	bool ok = test_check(test, video, "cannot allocate video memory: %s",
			     strerror(errno));

	while (ok && opened < count) {
		ok = target_open(test, &test->volumes[opened],
				 &targets[opened]);
		opened++;
	}
	while (ok && !stop_signal && now_ns() < end) {
		unsigned int i = random_below(&test->random, count);
		unsigned int slot = random_below(&test->random, SLOTS);

		ok = write_slot(test, &targets[i], slot, video);
	}
	while (opened)
		target_close(&targets[--opened]);
	if (video)
		munmap(video, SLOT_SIZE);
}

static const struct recipe recipe[] = {
	{ .name = "verify", .run = slots_verify, .volume = true },
	{ .name = "check", .run = run_check, .volume = true },
	{ .name = "write", .run = run_write, .claim = CLAIM_DIRECT, .all = true,
	  .last = true },
};

const struct recipes cut_recipes = { recipe, ARRAY_SIZE(recipe) };
