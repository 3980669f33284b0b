// SPDX-License-Identifier: GPL-2.0-only
/*
 * Those who take part in a race: owners, lookers-on, and who cuts the tail off.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "cells.h"
#include "crc32c.h"
#include "disk.h"
#include "engine.h"
#include "map_leave.h"
#include "map_race.h"
#include "process.h"

/* Of each owner, in a round. */
#define STEPS	2

static void store(unsigned int *value, unsigned int now)
{
	__atomic_store_n(value, now, __ATOMIC_RELEASE);
}

static bool takes_part(const struct racer *racer, enum race_part part)
{
	return racer->race->parts & part;
}

/* One of several, of which those that do not take part are the first one. */
static unsigned int choose(struct racer *racer)
{
	unsigned int n = random_below(&racer->random, 8);

	if ((n == 1 || n == 2) && !takes_part(racer, RACE_CACHE))
		return 0;
	if (n == 3 && !takes_part(racer, RACE_DIO))
		return 0;
	if (n == 4 && !takes_part(racer, RACE_PUNCH))
		return 0;
	return n;
}

/*
 * Out of the page cache, as far as nobody holds it there, so that the GPU can have the
 * blocks.
 */
static void cool_now(struct racer *racer, size_t off, size_t len)
{
	struct mapped *mapped = &racer->race->mapped;

	sync_file_range(mapped->file->cached, (off_t)off, (off_t)len,
			SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
			SYNC_FILE_RANGE_WAIT_AFTER);
	madvise(mapped->memory + off, len, MADV_DONTNEED);
	/* All of it, since a folio can be longer than a slot. */
	posix_fadvise(mapped->file->cached, 0, 0, POSIX_FADV_DONTNEED);
}

/* Not always: sometimes the GPU is to find the page cache in its way. */
static void cool(struct racer *racer, size_t off, size_t len)
{
	if (random_below(&racer->random, 4))
		cool_now(racer, off, len);
}

/* Writes without waiting. False after test_fail(). */
static bool begin_write(struct racer *racer, size_t off, size_t len,
			uint64_t *fence)
{
	struct crossbar_gpu_command command =
		gpu_copy(racer->race->mapped.memory + off, racer->from, len);

	return test_check(racer->race->test,
			  ivgpu_submit(&racer->gpu, &command, 1, fence),
			  "submit: %s", strerror(errno));
}

/* Waits for it; beyond the end of the file it is a fault. False after test_fail(). */
static bool end_write(struct racer *racer, uint64_t fence, bool cut)
{
	struct test *test = racer->race->test;
	struct crossbar_gpu_result result;

	return test_check(test, ivgpu_wait(&racer->gpu, fence, WAIT_NS, &result),
			  "a write that its blocks are taken from: %s",
			  strerror(errno)) &&
	       test_check(test, !result.status ||
			  (cut && result.status == EFAULT),
			  "a write that its blocks are taken from: %s",
			  error_name(result.status));
}

static bool punch(struct racer *racer, size_t off)
{
	return !fallocate(racer->race->mapped.file->cached,
			  FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  (off_t)off, (off_t)RACE_SLOT);
}

/* While the GPU writes to it, every other time; it ends as a hole. */
static bool own_punch(struct racer *racer, size_t off, uint16_t gen)
{
	uint64_t fence;
	bool ok;

	race_count(racer->race, RACE_PUNCH);
	if (random_below(&racer->random, 2))
		return punch(racer, off);
	cells_fill(racer->from, RACE_SLOT, off, racer->race->mapped.file->id,
		   gen);
	cool(racer, off, RACE_SLOT);
	if (!begin_write(racer, off, RACE_SLOT, &fence))
		return false;
	ok = punch(racer, off);
	return end_write(racer, fence, false) && ok && punch(racer, off);
}

static bool own_write(struct racer *racer, unsigned int slot)
{
	struct race *race = racer->race;
	struct race_slot *state = &race->slots[slot];
	struct file *file = race->mapped.file;
	unsigned int gen = state->done + 1, how = choose(racer);
	size_t off = slot * RACE_SLOT;
	bool ok = true;

	if (how == 4)
		store(&state->punched, gen);
	store(&state->begun, gen);
	if (how == 1 || how == 2)
		race_count(race, RACE_CACHE);
	if (how == 3)
		race_count(race, RACE_DIO);
	switch (how) {
	case 1:
		cells_fill(race->mapped.memory + off, RACE_SLOT, off, file->id,
			   (uint16_t)gen);
		break;
	case 2:
	case 3:
		cells_fill(racer->copy, RACE_SLOT, off, file->id, (uint16_t)gen);
		ok = pwrite(how == 2 ? file->cached : file->direct, racer->copy,
			    RACE_SLOT, (off_t)off) == (ssize_t)RACE_SLOT;
		break;
	case 4:
		ok = own_punch(racer, off, (uint16_t)gen);
		break;
	default:
		cells_fill(racer->from, RACE_SLOT, off, file->id, (uint16_t)gen);
		cool(racer, off, RACE_SLOT);
		ok = engine_run_on(race->test, &racer->gpu,
				   gpu_copy(race->mapped.memory + off,
					    racer->from, RACE_SLOT), NULL,
				   "write of an owner");
		break;
	}
	store(&state->done, gen);
	return test_check(race->test, ok, "write of an owner, kind %u: %s", how,
			  strerror(errno));
}

static bool own_read(struct racer *racer, unsigned int slot)
{
	static const char *const names[] = {
		"read of an owner by the GPU", "load of an owner",
		"read(2) of an owner", "O_DIRECT read of an owner",
	};
	struct race *race = racer->race;
	struct file *file = race->mapped.file;
	unsigned int how = choose(racer);
	size_t off = slot * RACE_SLOT;
	const uint8_t *found = racer->copy;
	bool ok = true;

	if (how > 3)
		how = 0;
	switch (how) {
	case 1:
		found = race->mapped.memory + off;
		break;
	case 2:
	case 3:
		ok = pread(how == 2 ? file->cached : file->direct, racer->copy,
			   RACE_SLOT, (off_t)off) == (ssize_t)RACE_SLOT;
		break;
	default:
		found = racer->to;
		cool(racer, off, RACE_SLOT);
		ok = engine_run_on(race->test, &racer->gpu,
				   gpu_copy(racer->to,
					    race->mapped.memory + off,
					    RACE_SLOT), NULL, names[0]);
		break;
	}
	return test_check(race->test, ok, "%s: %s", names[how],
			  strerror(errno)) &&
	       race_exact(race, slot, found, names[how]);
}

/* A slot of a clone, past the page cache. False after test_fail(). */
static bool read_clone(struct racer *racer, int fd, unsigned int slot)
{
	return test_check(racer->race->test,
			  pread(fd, racer->copy, RACE_SLOT,
				(off_t)(slot * RACE_SLOT)) == (ssize_t)RACE_SLOT,
			  "cannot read a clone: %s", strerror(errno));
}

/* It has what the owner has, and of others' slots what they may have. */
static bool look_at_clone(struct racer *racer, int fd,
			  const unsigned int *before, uint32_t *sums)
{
	struct race *race = racer->race;
	unsigned int slot;

	for (slot = 0; slot < RACE_SLOTS; slot++) {
		if (!read_clone(racer, fd, slot) ||
		    !(slot % RACE_OWNERS == racer->n ?
		      race_exact(race, slot, racer->copy, "clone") :
		      race_between(race, slot, before[slot], racer->copy,
				   "clone, another's slot")))
			return false;
		sums[slot] = crc32c(0, racer->copy, RACE_SLOT);
	}
	return true;
}

/* Whatever others have written to the file meanwhile, the clone is as it was. */
static bool clone_stays(struct racer *racer, int fd, const uint32_t *sums)
{
	unsigned int slot;

	for (slot = 0; slot < RACE_SLOTS; slot++)
		if (!read_clone(racer, fd, slot) ||
		    !test_check(racer->race->test,
				crc32c(0, racer->copy, RACE_SLOT) == sums[slot],
				"slot %u of a clone has changed", slot))
			return false;
	return true;
}

static bool own_clone(struct racer *racer)
{
	struct race *race = racer->race;
	unsigned int before[RACE_SLOTS], slot;
	uint32_t sums[RACE_SLOTS];
	char path[192];
	bool ok;
	int fd;

	for (slot = 0; slot < RACE_SLOTS; slot++)
		before[slot] = race_before(race, slot);
	snprintf(path, sizeof(path), "%s%s.clone%u", race->test->volume->mount,
		 race->mapped.file->path, racer->n);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_DIRECT, 0644);
	ok = test_check(race->test, fd >= 0 &&
			!ioctl(fd, FICLONE, race->mapped.file->cached),
			"cannot clone the file of a race: %s",
			strerror(errno)) &&
	     look_at_clone(racer, fd, before, sums) &&
	     own_write(racer, racer->n) && clone_stays(racer, fd, sums);
	if (fd >= 0)
		close(fd);
	unlink(path);
	return ok;
}

/* By itself, which is no loss. Others may lose pages meanwhile, which count as given. */
static bool give_back(struct racer *racer)
{
	struct race *race = racer->race;
	uint64_t before, after;

	if (!race_revoked(race, &before) ||
	    !test_check(race->test, ivgpu_unmap(&racer->gpu,
						race->mapped.memory, RACE_BODY),
			"IVGPU_UNMAP: %s", strerror(errno)) ||
	    !race_revoked(race, &after))
		return false;
	__atomic_add_fetch(&race->given, after - before, __ATOMIC_RELAXED);
	return true;
}

/* What may come at any moment, and changes nothing. */
static bool disturb(struct racer *racer)
{
	struct race *race = racer->race;
	struct file *file = race->mapped.file;
	size_t off = random_below(&racer->random, RACE_SLOTS) * RACE_SLOT;

	switch (random_below(&racer->random, 8)) {
	case 0:
		return test_check(race->test, !fsync(file->cached), "fsync: %s",
				  strerror(errno));
	case 1:
		return test_check(race->test, !msync(race->mapped.memory,
						     RACE_BODY, MS_SYNC),
				  "msync: %s", strerror(errno));
	case 2:
		if (takes_part(racer, RACE_CACHE))
			posix_fadvise(file->cached, (off_t)off,
				      (off_t)(4 * RACE_SLOT),
				      POSIX_FADV_WILLNEED);
		break;
	case 3:
	case 4:
		madvise(race->mapped.memory + off, RACE_SLOT, MADV_DONTNEED);
		posix_fadvise(file->cached, 0, 0, POSIX_FADV_DONTNEED);
		break;
	case 5:
		if (!takes_part(racer, RACE_REVOKE))
			break;
		race_count(race, RACE_REVOKE);
		return controller_revokes(race->test);
	case 6:
		if (!takes_part(racer, RACE_REFLINK))
			break;
		race_count(race, RACE_REFLINK);
		return own_clone(racer);
	case 7:
		return give_back(racer);
	default:
		break;
	}
	return true;
}

void *race_own(void *context)
{
	struct racer *racer = context;
	struct race *race = racer->race;
	unsigned int i, slots = RACE_SLOTS / RACE_OWNERS;
	bool ok = true;

	for (i = 0; ok && i < STEPS && !race->test->verdict.failed; i++) {
		unsigned int mine = random_below(&racer->random, slots) *
				    RACE_OWNERS + racer->n;
		unsigned int other = random_below(&racer->random, slots) *
				     RACE_OWNERS + racer->n;

		ok = own_write(racer, mine) && disturb(racer) &&
		     own_read(racer, mine) && own_read(racer, other);
	}
	__atomic_sub_fetch(&race->working, 1, __ATOMIC_ACQ_REL);
	return NULL;
}

static bool goes_on(struct race *race)
{
	return __atomic_load_n(&race->working, __ATOMIC_ACQUIRE) &&
	       !race->test->verdict.failed;
}

/* All slots by one command of the GPU, again and again. */
void *race_look(void *context)
{
	struct racer *racer = context;
	struct race *race = racer->race;
	unsigned int before[RACE_SLOTS], slot;
	bool ok;

	do {
		for (slot = 0; slot < RACE_SLOTS; slot++)
			before[slot] = race_before(race, slot);
		cool(racer, 0, RACE_BODY);
		ok = engine_run_on(race->test, &racer->gpu,
				   gpu_copy(racer->to, race->mapped.memory,
					    RACE_BODY), NULL, "a look-on");
		for (slot = 0; ok && slot < RACE_SLOTS; slot++)
			ok = race_between(race, slot, before[slot],
					  racer->to + slot * RACE_SLOT,
					  "a look-on");
	} while (ok && goes_on(race));
	return NULL;
}

/*
 * Cuts the tail off while the GPU writes @gen to it, and gives its blocks to another
 * file. It has all of them first, with something else in them.
 */
static bool cut(struct racer *racer, size_t keep, uint16_t gen)
{
	struct race *race = racer->race;
	struct file *file = race->mapped.file;
	uint64_t fence;
	bool ok;

	race_count(race, RACE_TRUNCATE);
	cells_fill(racer->from, RACE_TAIL, RACE_BODY, file->id, gen + 1000);
	if (!test_check(race->test, pwrite(file->cached, racer->from, RACE_TAIL,
					   (off_t)RACE_BODY) ==
			(ssize_t)RACE_TAIL, "write(2) of the tail: %s",
			strerror(errno)))
		return false;
	cool_now(racer, RACE_BODY, RACE_TAIL);
	/* Whatever devices had of the blocks before has been written by now. */
	if (!race_taker_is_whole(race) ||
	    !test_check(race->test, !ftruncate(race->taker->cached, 0),
			"ftruncate: %s", strerror(errno)))
		return false;
	cells_fill(racer->from, RACE_TAIL, RACE_BODY, file->id, gen);
	if (!begin_write(racer, RACE_BODY, RACE_TAIL, &fence))
		return false;
	if (random_below(&racer->random, 2))
		sleep_ms(1);
	ok = !ftruncate(file->cached, (off_t)(RACE_BODY + keep)) &&
	     file_write(race->taker, 0, RACE_TAIL, gen) &&
	     !fdatasync(race->taker->cached);
	return test_check(race->test, ok, "cutting the tail off: %s",
			  strerror(errno)) &&
	       end_write(racer, fence, true) &&
	       test_check(race->test, !ftruncate(file->cached,
						 (off_t)RACE_SIZE),
			  "ftruncate: %s", strerror(errno));
}

/* The GPU writes the tail, it is cut somewhere, and grown again: zeros follow. */
void *race_truncate(void *context)
{
	struct racer *racer = context;
	struct race *race = racer->race;
	struct file *file = race->mapped.file;
	bool ok;

	do {
		size_t keep = random_below(&racer->random, RACE_TAIL / 16) * 16;
		uint16_t gen = (uint16_t)(1 + random_below(&racer->random, 999));
		struct content want = { .off = RACE_BODY };
		struct mismatch mismatch = { .bad = false };

		content_append(&want, segment_cells(RACE_BODY, keep, file->id,
						    gen));
		content_append(&want, segment_zeros(RACE_BODY + keep,
						    RACE_TAIL - keep));
		ok = cut(racer, keep, gen) &&
		     engine_run_on(race->test, &racer->gpu,
				   gpu_copy(racer->to, race->mapped.memory +
					    RACE_BODY, RACE_TAIL), NULL,
				   "read of the tail");
		if (!ok)
			break;
		content_check(&want, racer->to, &mismatch);
		ok = test_check(race->test, !mismatch.bad,
				"the tail, cut at %zu: offset %llu is not %s",
				keep, (unsigned long long)mismatch.at,
				mismatch.expected);
	} while (ok && goes_on(race));
	return NULL;
}
